import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FLOAT64, INT64, SYMBOL, TIMESTAMP_NS, UTF8 } from '../../src/core/types.js';
import { appendRows, define, field, openTest, readRows } from './harness.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fletch-storage-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const TRADE = [field('ts', TIMESTAMP_NS), field('sym', SYMBOL), field('price', FLOAT64), field('note', UTF8), field('size', INT64)];

describe.each(['disk', 'memory'])('storage on %s', (place) => {
  const path = () => (place === 'disk' ? folder : ':memory:');

  it('gives back what was appended, in order', async () => {
    const test = await openTest(path(), { segment_rows: 64 });
    await test.storage.createTable(define('trades', TRADE, 0));
    const rows = Array.from({ length: 200 }, (_, i) => [
      BigInt(i),
      `s${i % 3}`,
      i % 7 === 0 ? null : i / 2,
      i % 5 ? `n${i}` : null,
      BigInt(-i),
    ]);
    const columns = TRADE.map((_, c) => rows.map((row) => row[c] ?? null));
    for (let from = 0; from < 200; from += 33) {
      await appendRows(
        test,
        'TRADES',
        TRADE,
        columns.map((column) => column.slice(from, from + 33)),
        from % 2 === 0,
      );
    }
    expect(await readRows(test, 'trades')).toEqual(rows);
    await test.storage.flush();
    expect(await readRows(test, 'trades')).toEqual(rows);
    expect(test.storage.statistics().sealedSegments).toBeGreaterThan(2);
    await test.close();
    if (place === 'disk') {
      expect(readdirSync(join(folder, 'segments')).length).toBeGreaterThan(2);
      const again = await openTest(path(), { segment_rows: 64 });
      expect(await readRows(again, 'trades')).toEqual(rows);
      await again.close();
    }
  });
});
