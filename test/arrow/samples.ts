/** Random columns of every type and encoding, and the means to send them through bytes and compare. */
import fc from 'fast-check';
import type { BatchRows } from '../../src/arrow/encoded-message.js';
import { messageParts } from '../../src/arrow/ipc-batch.js';
import { encapsulate } from '../../src/arrow/ipc-schema.js';
import { decodeIpcStream } from '../../src/arrow/ipc-stream.js';
import { StreamEncoder, type StreamEncoderOptions } from '../../src/arrow/stream-encoder.js';
import type { Arena } from '../../src/core/arena.js';
import type { OwnedBatch, Value, Vector } from '../../src/core/batch.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import type { DataType, Field, Schema } from '../../src/core/types.js';
import { valueAt } from '../../src/core/values.js';
import { vectorOf } from '../http/fake-engine.js';

export interface SampleColumn {
  readonly type: DataType;
  readonly encoding: 'flat' | 'dictionary' | 'constant';
  readonly values: readonly Value[];
}

const word = fc.string({ unit: 'grapheme', maxLength: 8 });
const few = fc.constantFrom('', 'a', 'bb', 'ccc', 'ä€😀', 'a longer text that is not short');

/** Values of a type; a few of the many, so that dictionaries repeat. */
function valuesOf(type: DataType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'null':
      return fc.constant(null);
    case 'bool':
      return fc.boolean();
    case 'int8':
      return fc.integer({ min: -128, max: 127 });
    case 'int16':
      return fc.integer({ min: -32768, max: 32767 });
    case 'int32':
    case 'date32':
      return fc.integer();
    case 'uint8':
      return fc.nat(255);
    case 'uint16':
      return fc.nat(65535);
    case 'uint32':
      return fc.nat(2 ** 32 - 1);
    case 'int64':
    case 'timestamp':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'time64':
      return fc.bigInt({ min: 0n, max: 86_399_999_999_999n });
    case 'uint64':
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case 'float32':
      return fc.float();
    case 'float64':
      return fc.double();
    case 'decimal':
      return fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
    case 'utf8':
    case 'symbol':
      return fc.oneof(few, word);
    case 'binary':
      return fc.uint8Array({ maxLength: 9 });
    case 'uuid':
      return fc.uuid();
    case 'interval':
      return fc.record({ months: fc.integer(), days: fc.integer(), nanoseconds: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }) });
    case 'list':
      return fc.array(nullable(type.item), { maxLength: 4 });
    case 'struct':
      return fc.record(Object.fromEntries(type.fields.map((field) => [field.name, nullable(field)])));
  }
}

function nullable(field: Field): fc.Arbitrary<Value> {
  return fc.option(valuesOf(field.type), { nil: null, freq: 4 });
}

const item = (type: DataType): Field => ({ name: 'item', type, nullable: true });

export const TYPES: readonly DataType[] = [
  ...(['null', 'bool', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float32', 'float64'] as const).map(
    (kind) => ({ kind }),
  ),
  ...(['utf8', 'symbol', 'binary', 'uuid', 'date32', 'interval'] as const).map((kind) => ({ kind })),
  { kind: 'decimal', precision: 22, scale: 3 },
  { kind: 'time64', unit: 'ns' },
  { kind: 'timestamp', unit: 'us', timezone: 'UTC' },
  { kind: 'timestamp', unit: 'ns', timezone: null },
  { kind: 'list', item: item({ kind: 'int32' }) },
  { kind: 'list', item: item({ kind: 'symbol' }) },
  { kind: 'list', item: item({ kind: 'list', item: item({ kind: 'bool' }) }) },
  {
    kind: 'struct',
    fields: [
      { ...item({ kind: 'int64' }), name: 'a' },
      { ...item({ kind: 'utf8' }), name: 'b' },
    ],
  },
];

/** Columns of `rows` rows. */
export function columns(rows: number, count: number): fc.Arbitrary<SampleColumn[]> {
  const column = fc.constantFrom(...TYPES).chain((type) => {
    const isText = type.kind === 'utf8' || type.kind === 'symbol';
    const encodings: SampleColumn['encoding'][] = isText ? ['flat', 'dictionary', 'constant'] : ['flat', 'constant'];
    const value = fc.option(valuesOf(type), { nil: null, freq: 4 });
    const present = fc.oneof(value, type.kind === 'null' ? value : valuesOf(type));
    return fc.constantFrom(...encodings).chain((encoding) =>
      fc.boolean().chain((hasNulls) => {
        const each = hasNulls ? value : present;
        const values =
          encoding === 'constant'
            ? each.map((one) => Array.from({ length: rows }, () => one))
            : fc.array(each, { minLength: rows, maxLength: rows });
        return values.map((all) => ({ type, encoding, values: all }));
      }),
    );
  });
  return fc.array(column, { minLength: count, maxLength: count });
}

export function schemaOfColumns(samples: readonly SampleColumn[]): Schema {
  return { fields: samples.map(({ type }, i) => ({ name: `c${i}`, type, nullable: true })) };
}

export function vectorsOf(arena: Arena, samples: readonly SampleColumn[]): Vector[] {
  return samples.map(({ type, encoding, values }) =>
    vectorOf(arena, type, values, encoding === 'flat' || values.length === 0 ? undefined : encoding),
  );
}

/** The stream of record batches, one per group of runs. */
export function streamBytes(
  arena: Arena,
  schema: Schema,
  groups: readonly (readonly BatchRows[])[],
  options: StreamEncoderOptions = {},
): Buffer {
  const encoder = new StreamEncoder(arena, schema, options);
  const parts: Uint8Array[] = [encapsulate(encoder.schemaMetadata())];
  for (const runs of groups) {
    const scope = new MemoryScope(arena);
    for (const message of encoder.encode(runs, scope)) for (const part of messageParts(arena, message)) parts.push(part.slice());
    scope.release();
  }
  encoder.close();
  parts.push(Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0));
  return Buffer.concat(parts);
}

/** Bytes in pieces of the sizes, over and over. */
export async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Every value of every column of the decoded stream, and its schema. */
export async function valuesOfStream(arena: Arena, source: AsyncIterable<Uint8Array>): Promise<{ schema: Schema; values: Value[][] }> {
  const { schema, batches } = await decodeIpcStream(arena, source, 1 << 26);
  const values: Value[][] = schema.fields.map(() => []);
  for await (const batch of batches) {
    pushValues(arena, batch, values);
    batch.release();
  }
  return { schema, values };
}

function pushValues(arena: Arena, batch: OwnedBatch, values: Value[][]): void {
  for (const [i, vector] of batch.columns.entries()) {
    for (let row = 0; row < batch.rowCount; row++) values[i]?.push(valueAt(arena, vector, row));
  }
}
