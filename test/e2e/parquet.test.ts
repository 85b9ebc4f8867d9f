import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Arena } from '../../src/core/arena.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import { decodeParquet } from '../../src/formats/parquet/read-parquet.js';
import { open } from '../../src/index.js';
import { Dice } from '../kernels/kernel-bench.js';
import { runPython } from './server.js';

const folder = mkdtempSync(join(tmpdir(), 'fletch-parquet-'));
let names: string[];

beforeAll(async () => {
  names = JSON.parse(await runPython('parquet.py', ['write', folder]));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('files of another program give the values that it reads itself, whatever their types, encodings, codecs and pages', async () => {
  const db = await open({ threads: 0 });
  for (const name of names) {
    await db.exec(`COPY (SELECT * FROM '${join(folder, name)}.parquet') TO '${join(folder, name)}.arrow'`);
  }
  await db.close();
  expect(names.length).toBeGreaterThan(80);
  expect(JSON.parse(await runPython('parquet.py', ['compare', folder]))).toEqual([]);
}, 300_000);

test('damaged files are refused or read, and no memory stays behind', async () => {
  const arena = Arena.create(1, 256 * 1024 * 1024);
  const files = ['second_1000_20', 'mixed_1000_20', 'deltas_1000_20', 'splits_9_0', 'dictionary_1000_97', 'plain_9_20'];
  const sources = files.map((name) => readFileSync(join(folder, `${name}.parquet`)));
  const seen = new Map<string, number>();
  for (let seed = 1; seed <= 300; seed++) {
    const dice = new Dice(seed * 104_729);
    const bytes = new Uint8Array(dice.pick(sources));
    for (let damage = 1 + dice.below(3); damage > 0; damage--) {
      const at = dice.chance(4) ? bytes.length - 1 - dice.below(Math.min(3000, bytes.length)) : dice.below(bytes.length);
      bytes[at] = dice.chance(3) ? 255 : dice.below(256);
    }
    const outcome = await readAll(bytes, arena);
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  expect(arena.usedBytes).toBe(0);
  expect([...seen.keys()].filter((outcome) => !['rows', 'invalid_data', 'unsupported', 'query_memory_exceeded'].includes(outcome))).toEqual(
    [],
  );
  expect(seen.get('rows')).toBeGreaterThan(30);
  expect(seen.get('invalid_data')).toBeGreaterThan(30);
}, 300_000);

async function readAll(bytes: Uint8Array, arena: Arena): Promise<string> {
  try {
    const slice = (start: number, end = bytes.length) => bytes.slice(start, end).buffer as ArrayBuffer;
    const source = await decodeParquet({ byteLength: bytes.length, slice }, { memory: () => new MemoryScope(arena, 1 << 26) });
    for await (const batch of source.batches) batch.release();
    return 'rows';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
