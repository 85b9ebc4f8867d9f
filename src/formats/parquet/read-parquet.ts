/** Parquet files → batches, one row group each. One column at a time is in JavaScript's memory; the batch lies in the arena. */

import type { AsyncBuffer, DecodedArray, FileMetaData, SchemaElement } from 'hyparquet';
import { assert } from '../../core/assert.js';
import { flatVector, type OwnedBatch, type Value, type Vector } from '../../core/batch.js';
import { buildVector } from '../../core/build-vector.js';
import { asDbError, DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { StopSignal } from '../../core/stop-signal.js';
import { type DataType, type Field, isNested, physicalOf } from '../../core/types.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import type { RowSource } from '../decoders/row-decoder.js';
import { fieldOf, itemOf, type LeafKind, leafKind, type SchemaNode } from './parquet-types.js';

export interface ParquetReading {
  /** Memory for one batch. */
  readonly memory: () => MemoryScope;
  /** Names of the columns to read; undefined = all. */
  readonly columns?: readonly string[] | undefined;
  readonly signal?: StopSignal | undefined;
}

/** Larger row groups are read in slices: nothing can stop the decoding of one column of a slice. Each decodes the pages at its ends anew. */
const BATCH_ROWS = 1 << 18;

/** Fails with `invalid_data` when the bytes are no Parquet file, with `unsupported` for columns of types that we have not. */
export async function decodeParquet(file: AsyncBuffer, reading: ParquetReading): Promise<RowSource> {
  const { parquetMetadataAsync, parquetSchema } = await import('hyparquet');
  const metadata = await guarded(() => parquetMetadataAsync(file, { geoparquet: false }));
  const nodes = (parquetSchema(metadata) as SchemaNode).children;
  const kept = reading.columns === undefined ? nodes : reading.columns.map((name) => named(nodes, name));
  const columns = kept.map((node) => ({ node, field: fieldOf(node), read: readerOf(node) }));
  const raw = { ...metadata, schema: metadata.schema.map(withoutMeaning) };
  const fields = columns.map(({ field }) => field);
  return { schema: { fields }, batches: rowGroups(file, raw, columns, reading) };
}

interface ReadColumn {
  readonly node: SchemaNode;
  readonly field: Field;
  readonly read: Reader;
}

function named(nodes: readonly SchemaNode[], name: string): SchemaNode {
  const node = nodes.find((each) => each.element.name === name);
  if (node) return node;
  throw new DbError('column_not_found', `the Parquet file has no column ${name}`);
}

/** Leaves lose what their bytes mean, so that the values come as they are stored: hyparquet's own conversions go through floats and Dates. */
function withoutMeaning(element: SchemaElement): SchemaElement {
  if (element.num_children !== undefined && element.num_children > 0) return element;
  const { converted_type: _converted, logical_type: _logical, ...plain } = element;
  return plain;
}

async function* rowGroups(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: readonly ReadColumn[],
  { memory, signal }: ParquetReading,
): AsyncGenerator<OwnedBatch> {
  const [{ parquetScan }, { compressors }] = await Promise.all([import('hyparquet'), import('hyparquet-compressors')]);
  const options = { file, metadata, compressors, utf8: false, geoparquet: false, useOffsetIndex: false, parsers: RAW_TIMES };
  let first = 0;
  for (const group of metadata.row_groups) {
    const groupEnd = first + Number(group.num_rows);
    // A scan keeps what it has read of a column, so each group has its own.
    for (; first < groupEnd; first = Math.min(groupEnd, first + BATCH_ROWS)) {
      const rowEnd = Math.min(groupEnd, first + BATCH_ROWS);
      const scope = memory();
      try {
        const vectors: Vector[] = [];
        for (const { node, field, read } of columns) {
          await yieldToOthers();
          signal?.throwIfAborted();
          const scan = await guarded(() => parquetScan({ ...options, columns: [node.element.name] }));
          const data = await guarded(() => scan.readColumn({ column: node.element.name, rowStart: first, rowEnd }));
          await yieldToOthers();
          signal?.throwIfAborted();
          vectors.push(vectorOf(data, rowEnd - first, node, field.type, read, scope));
        }
        yield { arena: scope.arena.id, rowCount: rowEnd - first, columns: vectors, release: () => scope.release() };
      } catch (error) {
        scope.release();
        throw error;
      }
    }
  }
}

const RAW_TIMES = { timestampFromNanoseconds: (nanoseconds: bigint) => nanoseconds };

function vectorOf(data: DecodedArray, rowCount: number, node: SchemaNode, type: DataType, read: Reader, scope: MemoryScope): Vector {
  assert(data.length === rowCount, `${data.length} values for ${rowCount} rows of a Parquet column`);
  if (isAsStored(data, node, type)) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const address = scope.allocate(bytes.length);
    scope.arena.u8.set(bytes, address);
    return flatVector(type, rowCount, address);
  }
  const values = Array.from(data as ArrayLike<unknown>, (value) => (value === null || value === undefined ? null : read(value)));
  return buildVector(values, type, scope.arena, scope);
}

const STORED = { i32: Int32Array, u32: Int32Array, i64: BigInt64Array, u64: BigInt64Array, f32: Float32Array, f64: Float64Array } as const;

/** True for numbers without NULLs whose bytes are already those of our vectors. */
function isAsStored(data: DecodedArray, node: SchemaNode, type: DataType): data is Exclude<DecodedArray, unknown[]> {
  if (!ArrayBuffer.isView(data) || isNested(type)) return false;
  const physical = physicalOf(type);
  const kind = leafKind(node.element, type);
  return (kind === 'same' || kind === 'unsigned') && physical in STORED && data instanceof STORED[physical as keyof typeof STORED];
}

/** What hyparquet throws of malformed bytes. */
async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const known = asDbError(error);
    if (known.code !== 'internal') throw known;
    throw new DbError('invalid_data', `the Parquet file cannot be read: ${known.message}`, { cause: error });
  }
}

// ---- values ----------------------------------------------------------------------------------------------------------------------

type Reader = (value: unknown) => Value;

function readerOf(node: SchemaNode): Reader {
  const { type } = fieldOf(node);
  if (type.kind === 'list') {
    const read = nullable(readerOf(itemOf(node)));
    return (value) => Array.from(value as ArrayLike<unknown>, read);
  }
  if (type.kind === 'struct') {
    const members = node.children.map((child) => ({ name: child.element.name, read: nullable(readerOf(child)) }));
    return (value) => Object.fromEntries(members.map(({ name, read }) => [name, read((value as Readonly<Record<string, unknown>>)[name])]));
  }
  return LEAVES[leafKind(node.element, type)](type);
}

function nullable(read: Reader): Reader {
  return (value) => (value === null || value === undefined ? null : read(value));
}

const same: Reader = (value) => value as Value;

const LEAVES: Readonly<Record<LeafKind, (type: DataType) => Reader>> = {
  same: () => same,
  decimal: () => (value) => (value instanceof Uint8Array ? bigEndian(value) : BigInt(value as number | bigint)),
  time_ms: () => (value) => BigInt(value as number) * 1000n,
  timestamp_ns96: () => same,
  interval: () => (value) => {
    const view = new DataView((value as Uint8Array).buffer, (value as Uint8Array).byteOffset, 12);
    return { months: view.getUint32(0, true), days: view.getUint32(4, true), nanoseconds: BigInt(view.getUint32(8, true)) * 1_000_000n };
  },
  float16: () => (value) => float16(value as Uint8Array),
  uuid: () => (value) => Buffer.from(value as Uint8Array).toString('hex'),
  unsigned: (type) => (value) => {
    if (typeof value === 'bigint') return BigInt.asUintN(64, value);
    const bits = type.kind === 'uint8' ? 0xff : type.kind === 'uint16' ? 0xffff : 0xffffffff;
    return ((value as number) & bits) >>> 0;
  },
};

/** A big-endian two's complement number of any length. */
function bigEndian(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes).toString('hex');
  return hex === '' ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

function float16(bytes: Uint8Array): number {
  const bits = (bytes[0] as number) | ((bytes[1] as number) << 8);
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
