/** Long work leaves no memory, no open file and no file behind. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { FLOAT64, INT64, SYMBOL, TIMESTAMP_NS } from '../../src/core/types.js';
import { appendRows, define, field, openTest, readRows } from './harness.js';

const FIELDS = [field('ts', TIMESTAMP_NS, false), field('id', INT64), field('sym', SYMBOL), field('x', FLOAT64)];
const ROUNDS = Number(process.env.FLETCH_LEAK_ROUNDS ?? 15);
const folder = mkdtempSync(join(tmpdir(), 'fletch-leaks-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const openFiles = () => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0);

it(`${ROUNDS} rounds of appends, seals, merges, TTL and truncations leave as much memory and as many files as the first ones`, async () => {
  const test = await openTest(folder, { segment_rows: 64, memory_limit: '64MB', compaction: false });
  const { storage, arena } = test;
  await storage.createTable({ ...define('t', FIELDS, 0), partitionBy: 'hour', ttl: '2 hours' });
  const minute = 60_000_000_000n;
  const round = async (n: number) => {
    for (let batch = 0; batch < 5; batch++) {
      const ids = Array.from({ length: 50 }, (_, i) => BigInt(n * 250 + batch * 50 + i));
      const columns = [ids.map((id) => ((id * 7n) % 250n) * minute), ids, ids.map((id) => `s${id % 5n}`), ids.map((id) => Number(id) / 3)];
      await appendRows(test, 't', FIELDS, columns);
    }
    await storage.flush();
    await storage.compact('t');
    await readRows(test, 't');
    await storage.truncateTable('t');
  };
  const state = () => ({ bytes: arena.usedBytes, handles: openFiles() });
  for (let n = 0; n < 5; n++) await round(n);
  const before = state();
  for (let n = 5; n < ROUNDS; n++) await round(n);
  const after = state();
  expect(after.bytes).toBeLessThanOrEqual(before.bytes);
  expect(after.handles).toBeLessThanOrEqual(before.handles + 2);
  await expect.poll(() => readdirSync(join(folder, 'segments'))).toEqual([]);
  expect(storage.statistics()).toMatchObject({ segments: 0, waitingBytes: 0 });
  await test.close();
}, 120_000);
