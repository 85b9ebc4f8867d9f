import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeIpcStream } from '../../src/arrow/ipc-stream.js';
import { Arena } from '../../src/core/arena.js';
import { type Batch, bitmapBytes, type Vector } from '../../src/core/batch.js';
import { DbError } from '../../src/core/errors.js';
import { physicalOf, WIDTH_BYTES } from '../../src/core/types.js';
import { columns, pieces, schemaOfColumns, streamBytes, vectorsOf } from './samples.js';

const LIMIT = 1 << 25;
const RUNS = Number(process.env.FLETCH_FUZZ_RUNS ?? 1500);

/** A vector of which nothing points outside of the arena, and no offset or code outside of its values. */
function expectSound(arena: Arena, vector: Vector, rows = vector.length): void {
  const inside = (address: number, sizeBytes: number) => expect(address >= 0 && address + sizeBytes <= arena.buffer.byteLength).toBe(true);
  expect(vector.length).toBeGreaterThanOrEqual(rows);
  if (vector.validity !== 0) inside(vector.validity, bitmapBytes(vector.length));
  if (vector.encoding === 'dictionary') {
    const count = vector.dictionary?.count ?? 0;
    for (let row = 0; row < vector.length; row++) expect(arena.u32[vector.values / 4 + row]).toBeLessThan(Math.max(1, count));
    return;
  }
  const physical = physicalOf(vector.type);
  inside(vector.values, vector.length * WIDTH_BYTES[physical]);
  if (physical === 'bytes' || physical === 'list') {
    let last = 0;
    for (let row = 0; row <= vector.length; row++) {
      const offset = arena.i32[vector.offsets / 4 + row] as number;
      expect(offset).toBeGreaterThanOrEqual(last);
      last = offset;
    }
    if (physical === 'bytes') inside(vector.values, last);
    else expectSound(arena, vector.children[0] as Vector, last);
  }
  if (physical === 'struct') for (const child of vector.children) expectSound(arena, child, vector.length);
}

/** Decodes; only DbError may come out of it. */
async function decode(arena: Arena, bytes: Uint8Array): Promise<string> {
  try {
    const { batches } = await decodeIpcStream(arena, pieces(bytes, [4096]), 1 << 22);
    for await (const batch of batches) {
      for (const vector of batch.columns) expectSound(arena, vector, batch.rowCount);
      batch.release();
    }
    return 'ok';
  } catch (error) {
    if (!(error instanceof DbError) || error.code === 'internal') throw error;
    return error.code;
  }
}

const word = fc.constantFrom(0, 1, -1, 7, 64, 127, 255, 65_535, 2 ** 31 - 1, -(2 ** 31), 0x10000, 1 << 24);
const change = fc.oneof(
  fc.record({ kind: fc.constant('byte' as const), at: fc.nat(), value: fc.nat(255) }),
  fc.record({ kind: fc.constant('word' as const), at: fc.nat(), value: fc.oneof(word, fc.integer()) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), value: fc.nat(64) }),
  fc.record({ kind: fc.constant('copy' as const), at: fc.nat(), value: fc.nat() }),
);

function mutate(bytes: Buffer, { kind, at, value }: { kind: 'byte' | 'word' | 'cut' | 'copy'; at: number; value: number }): Buffer {
  const place = at % Math.max(1, bytes.length);
  if (kind === 'byte') bytes[place] = value;
  else if (kind === 'word' && bytes.length > 8) bytes.writeInt32LE(value, (place % (bytes.length - 4)) & ~3);
  else if (kind === 'cut') return Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + value)]);
  else if (kind === 'copy') bytes.copyWithin(place, value % Math.max(1, bytes.length), (value % Math.max(1, bytes.length)) + 32);
  return bytes;
}

test('a stream with changed bytes gives rows that are sound, or a clear error, and leaks nothing', async () => {
  const arena = Arena.create(1, LIMIT);
  const streams = fc.sample(columns(50, 6), { numRuns: 10, seed: 42 }).map((samples) => {
    const batch: Batch = { arena: 1, rowCount: 50, columns: vectorsOf(arena, samples) };
    return streamBytes(arena, schemaOfColumns(samples), [[{ batch, start: 0, count: 50 }], [{ batch, start: 5, count: 40 }]]);
  });
  const before = arena.usedBytes;
  const outcomes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...streams), fc.array(change, { minLength: 1, maxLength: 4 }), async (stream, changes) => {
      const bytes = changes.reduce(mutate, Buffer.from(stream));
      const outcome = await decode(arena, bytes);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      expect(arena.usedBytes).toBe(before);
    }),
    { numRuns: RUNS },
  );
  expect(outcomes.get('invalid_data')).toBeGreaterThan(RUNS / 10);
});

test('a stream that ends early says so, wherever it ends', async () => {
  const arena = Arena.create(1, LIMIT);
  const samples = fc.sample(columns(20, 3), { numRuns: 1, seed: 8 })[0] ?? [];
  const batch: Batch = { arena: 1, rowCount: 20, columns: vectorsOf(arena, samples) };
  const bytes = streamBytes(arena, schemaOfColumns(samples), [[{ batch, start: 0, count: 20 }]]);
  const before = arena.usedBytes;
  for (let end = 0; end < bytes.length - 8; end += 3) expect(['invalid_data', 'ok']).toContain(await decode(arena, bytes.subarray(0, end)));
  expect(arena.usedBytes).toBe(before);
});

test('random bytes are refused', async () => {
  const arena = Arena.create(1, LIMIT);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      expect(await decode(arena, bytes)).not.toBe('ok');
    }),
  );
});
