import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Table, tableFromArrays, tableFromIPC, tableToIPC } from 'apache-arrow';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeDictionaryBatch, encodeRecordBatch } from '../../src/arrow/ipc-batch.js';
import { FileLayout } from '../../src/arrow/ipc-file.js';
import { decodeSchema, encodeSchema } from '../../src/arrow/ipc-schema.js';
import { decodeIpcStream, encodeIpcStream } from '../../src/arrow/ipc-stream.js';
import { readMessage } from '../../src/arrow/message.js';
import { fromApacheTable, toApacheTable } from '../../src/arrow/to-apache.js';
import { schemaOfWire, wireSchemaOf } from '../../src/arrow/wire-type.js';
import { Arena } from '../../src/core/arena.js';
import type { Batch, OwnedBatch } from '../../src/core/batch.js';
import { DbError } from '../../src/core/errors.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import { SYMBOL, UTF8 } from '../../src/core/types.js';
import { valueAt } from '../../src/core/values.js';
import { python } from '../flight/python.js';
import { columns, pieces, schemaOfColumns, streamBytes, TYPES, valuesOfStream, vectorsOf } from './samples.js';

const LIMIT = 1 << 25;

test('a schema comes back from its message', () => {
  const schema = { fields: TYPES.map((type, i) => ({ name: `c${i} ü`, type, nullable: i % 2 === 0 })) };
  const bytes = encodeSchema(wireSchemaOf(schema));
  expect(bytes.length % 8).toBe(0);
  expect(schemaOfWire(decodeSchema(bytes))).toEqual(schema);
});

test('rows of any slices of any batches, of every type and encoding, come back as they were', async () => {
  const cut = fc.tuple(fc.nat(40), fc.nat(40));
  await fc.assert(
    fc.asyncProperty(
      columns(40, 4),
      fc.array(fc.array(cut, { maxLength: 3 }), { maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 999 }), { minLength: 1, maxLength: 5 }),
      async (samples, groups, sizes) => {
        const arena = Arena.create(1, LIMIT);
        const schema = schemaOfColumns(samples);
        const batch: Batch = { arena: 1, rowCount: 40, columns: vectorsOf(arena, samples) };
        const before = arena.usedBytes;
        const runs = groups.map((group) => group.map(([start, count]) => ({ batch, start, count: Math.min(count, 40 - start) })));
        const bytes = streamBytes(arena, schema, runs, { maxRows: 50 });
        const got = await valuesOfStream(arena, pieces(bytes, sizes));
        const want = samples.map(({ values }) => runs.flat().flatMap(({ start, count }) => values.slice(start, start + count)));
        expect(got.schema).toEqual(schema);
        expect(got.values).toEqual(want);
        expect(arena.usedBytes).toBe(before);
      },
    ),
    { numRuns: 150 },
  );
});

test('a body that is too large is cut in several record batches', async () => {
  const arena = Arena.create(1, LIMIT);
  const values = Array.from({ length: 1000 }, (_, i) => `text ${i}`.repeat(20));
  const samples = [
    { type: UTF8, encoding: 'flat' as const, values },
    { type: SYMBOL, encoding: 'flat' as const, values },
  ];
  const batch: Batch = { arena: 1, rowCount: 1000, columns: vectorsOf(arena, samples) };
  const bytes = streamBytes(arena, schemaOfColumns(samples), [[{ batch, start: 0, count: 1000 }]], { maxBodyBytes: 16_384 });
  const { batches } = await decodeIpcStream(arena, pieces(bytes, [4096]), LIMIT);
  let count = 0;
  for await (const part of batches) {
    count++;
    part.release();
  }
  expect(count).toBeGreaterThan(9);
  expect((await valuesOfStream(arena, pieces(bytes, [4096]))).values).toEqual([values, values]);
});

test('of a large dictionary only the values in use go out', async () => {
  const arena = Arena.create(1, LIMIT);
  const values = Array.from({ length: 5000 }, (_, i) => `value ${i}`);
  const batch: Batch = { arena: 1, rowCount: 5000, columns: vectorsOf(arena, [{ type: SYMBOL, encoding: 'dictionary', values }]) };
  const schema = { fields: [{ name: 's', type: SYMBOL, nullable: true }] };
  const groups = [10, 4000, 0, 2000].map((start) => [{ batch, start, count: 20 }]);
  const bytes = streamBytes(arena, schema, groups);
  expect(bytes.length).toBeLessThan(8000);
  const want = [10, 4000, 0, 2000].flatMap((start) => values.slice(start, start + 20));
  expect((await valuesOfStream(arena, pieces(bytes, [100]))).values).toEqual([want]);
  const table: Table = tableFromIPC(bytes);
  expect(Array.from(table.getChildAt(0) ?? [])).toEqual(want);
});

test('a dictionary that grows beyond what is cheap to repeat goes out as a delta', async () => {
  const arena = Arena.create(1, LIMIT);
  const values = Array.from({ length: 4000 }, (_, i) => `${i} ${'x'.repeat(40)}`);
  const batch: Batch = { arena: 1, rowCount: 4000, columns: vectorsOf(arena, [{ type: SYMBOL, encoding: 'flat', values }]) };
  const groups = [0, 2000].map((start) => [{ batch, start, count: 2000 }]);
  const bytes = streamBytes(arena, { fields: [{ name: 's', type: SYMBOL, nullable: true }] }, groups);
  expect(bytes.length).toBeLessThan(4000 * 60);
  expect((await valuesOfStream(arena, pieces(bytes, [5000]))).values).toEqual([values]);
});

test('pyarrow finds every encoding valid, and what it writes itself, compressed or not, stream or file, reads the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fletch-arrow-'));
  try {
    const arena = Arena.create(1, 1 << 27);
    const want = fc.sample(columns(70, 12), { numRuns: 12, seed: 5 }).map((samples, i) => {
      const batch: Batch = { arena: 1, rowCount: 70, columns: vectorsOf(arena, samples) };
      const groups = [
        [{ batch, start: 0, count: 70 }],
        [
          { batch, start: 3, count: 60 },
          { batch, start: 64, count: 6 },
        ],
      ];
      writeFileSync(join(folder, `${i}.in`), streamBytes(arena, schemaOfColumns(samples), groups));
      const values = samples.map((sample) => [...sample.values, ...sample.values.slice(3, 63), ...sample.values.slice(64, 70)]);
      return { schema: schemaOfColumns(samples), values };
    });
    await python('arrow/rewrite.py', folder);
    for (const [i, expected] of want.entries()) {
      for (const form of ['stream', 'lz4', 'zstd', 'file', 'view']) {
        const got = await valuesOfStream(arena, pieces(readFileSync(join(folder, `${i}.${form}`)), [999]));
        expect(got.values, `${i} ${form}`).toEqual(expected.values);
        expect(got.schema).toEqual(expected.schema);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an arena file of ours is read by pyarrow and by ourselves, its buffers 64-byte aligned', async () => {
  const arena = Arena.create(1, LIMIT);
  const samples = fc.sample(columns(64, 8), { numRuns: 1, seed: 3 })[0] ?? [];
  const encoded = samples.map((sample) => (sample.type.kind === 'symbol' ? { ...sample, encoding: 'dictionary' as const } : sample));
  const plain = [
    ...encoded.filter(({ type }) => type.kind !== 'list'),
    {
      type: SYMBOL,
      encoding: 'dictionary' as const,
      values: encoded.map((_, i) => String(i)).concat(Array.from({ length: 64 - encoded.length }, () => '')),
    },
  ];
  const batch: Batch = { arena: 1, rowCount: 64, columns: vectorsOf(arena, plain) };
  const wire = wireSchemaOf(schemaOfColumns(plain));
  const scope = new MemoryScope(arena);
  const context = { arena, scope, alignmentBytes: 64 as const };
  const layout = new FileLayout(arena, wire);
  const parts = layout.open();
  for (const [i, field] of wire.fields.entries()) {
    const view = batch.columns[i]?.dictionary;
    if (field.dictionary && view) parts.push(...layout.dictionary(encodeDictionaryBatch(context, field, view)).parts);
  }
  const placed = layout.batch(encodeRecordBatch(context, wire, batch));
  parts.push(...placed.parts, ...layout.close());
  expect(placed.buffers.every(([offset]) => offset % 64 === 0)).toBe(true);
  const bytes = Buffer.concat(parts);
  expect(bytes.length).toBe(layout.sizeBytes);
  expect((await valuesOfStream(arena, pieces(bytes, [77]))).values).toEqual(plain.map(({ values }) => values));
  await expect(valuesOfStream(arena, pieces(bytes.subarray(0, -3), [777]))).rejects.toThrow('truncated');
  const folder = mkdtempSync(join(tmpdir(), 'fletch-arrow-'));
  try {
    writeFileSync(join(folder, 'own.arrow'), bytes);
    await python('arrow/rewrite.py', folder);
    const got = await valuesOfStream(arena, pieces(readFileSync(join(folder, 'own.stream')), [999]));
    expect(got.values).toEqual(plain.map(({ values }) => values));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('apache-arrow tables come from results and go in as batches', async () => {
  const arena = Arena.create(1, LIMIT);
  const samples = (fc.sample(columns(30, 20), { numRuns: 1, seed: 11 })[0] ?? []).filter(({ type }) => type.kind !== 'interval');
  const schema = schemaOfColumns(samples);
  const batch: Batch = { arena: 1, rowCount: 30, columns: vectorsOf(arena, samples) };
  async function* batches(): AsyncGenerator<OwnedBatch> {
    yield { ...batch, release: () => undefined };
    yield { ...batch, release: () => undefined };
  }
  const table = await toApacheTable({ schema, batches: batches() }, arena);
  expect(table.numRows).toBe(60);
  const scope = new MemoryScope(arena);
  const back = fromApacheTable(table, scope);
  const values = back.schema.fields.map((_, i) =>
    back.batches.flatMap((part) => Array.from({ length: part.rowCount }, (_row, row) => valueAt(arena, part.columns[i] as never, row))),
  );
  expect(values).toEqual(samples.map((sample) => [...sample.values, ...sample.values]));
  scope.release();
});

test('a result with an error ends its bytes by throwing, and everything is released', async () => {
  const arena = Arena.create(1, LIMIT);
  const before = arena.usedBytes;
  let live = 0;
  async function* batches(): AsyncGenerator<OwnedBatch> {
    live++;
    yield {
      arena: 1,
      rowCount: 1,
      columns: [
        {
          type: UTF8,
          encoding: 'constant',
          length: 1,
          validity: 0,
          values: 0,
          offsets: arena.i32.indexOf(0) * 4,
          dictionary: null,
          children: [],
        },
      ],
      release: () => live--,
    };
    throw new DbError('numeric_overflow', 'too much');
  }
  const run = async () => {
    for await (const _ of encodeIpcStream(arena, { fields: [{ name: 'a', type: UTF8, nullable: true }] }, batches()));
  };
  await expect(run()).rejects.toThrow('too much');
  expect(live).toBe(0);
  expect(arena.usedBytes).toBe(before);
});

test('a file whose schema stands only in the footer, as apache-arrow writes it, is read in pieces of any size, cut ones are refused', async () => {
  const arena = Arena.create(1, LIMIT);
  const before = arena.usedBytes;
  const table = tableFromArrays({ a: Int32Array.of(1, 2, 3), s: ['x', 'y', 'x'], f: Float64Array.of(0.5, -0, 1e300) });
  const bytes = tableToIPC(table.concat(table), 'file');
  expect(decodeMessageKind(bytes)).not.toBe('schema');
  for (const size of [1, 7, 64, bytes.length]) {
    const { schema, values } = await valuesOfStream(arena, pieces(bytes, [size]));
    expect(schema.fields.map((field) => [field.name, field.type.kind])).toEqual([
      ['a', 'int32'],
      ['s', 'symbol'],
      ['f', 'float64'],
    ]);
    expect(values).toEqual([
      [1, 2, 3, 1, 2, 3],
      ['x', 'y', 'x', 'x', 'y', 'x'],
      [0.5, -0, 1e300, 0.5, -0, 1e300],
    ]);
  }
  for (let length = 8; length < bytes.length; length++) {
    await expect(valuesOfStream(arena, pieces(bytes.subarray(0, length), [512])), `${length} bytes`).rejects.toMatchObject({
      code: 'invalid_data',
    });
  }
  await expect(decodeIpcStream(arena, pieces(bytes, [512]), 600)).rejects.toMatchObject({ code: 'request_too_large' });
  expect(arena.usedBytes).toBe(before);
});

test('a file of apache-arrow without rows has its schema', async () => {
  const arena = Arena.create(1, LIMIT);
  const bytes = tableToIPC(tableFromArrays({ a: Int32Array.of(1) }).slice(0, 0), 'file');
  const { schema, values } = await valuesOfStream(arena, pieces(bytes, [13]));
  expect(schema.fields.map((field) => field.name)).toEqual(['a']);
  expect(values).toEqual([[]]);
});

/** Kind of the first message after the magic. */
function decodeMessageKind(file: Uint8Array): string {
  const view = new DataView(file.buffer, file.byteOffset);
  return readMessage(file.subarray(16, 16 + view.getInt32(12, true))).kind;
}
