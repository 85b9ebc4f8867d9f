/** Columns of lists and structs: hyparquet puts their levels together, value by value. */
import type { AsyncBuffer, FileMetaData, SchemaElement } from 'hyparquet';
import { assert } from '../../core/assert.js';
import type { Value, Vector } from '../../core/batch.js';
import { buildVector } from '../../core/build-vector.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { DataType } from '../../core/types.js';
import { guarded } from './invalid-parquet.js';
import { fieldOf, itemOf, type LeafKind, leafKind, type SchemaNode } from './parquet-types.js';

export class NestedColumn {
  private readonly file: AsyncBuffer;
  private readonly metadata: FileMetaData;
  private readonly node: SchemaNode;
  private readonly type: DataType;
  private readonly valueOf: Reader;
  /** The next row of the file. */
  private row: number;

  /** firstRow: of the row group, in the file. */
  constructor(file: AsyncBuffer, metadata: FileMetaData, node: SchemaNode, firstRow: number) {
    this.file = file;
    this.metadata = { ...metadata, schema: metadata.schema.map(withoutMeaning) };
    this.node = node;
    this.type = fieldOf(node).type;
    this.valueOf = readerOf(node);
    this.row = firstRow;
  }

  /** The next rowCount rows, in the scope's memory. The pages at both ends are decoded anew each time. */
  async read(rowCount: number, scope: MemoryScope): Promise<Vector> {
    const [{ parquetScan }, { compressors }] = await Promise.all([import('hyparquet'), import('hyparquet-compressors')]);
    const { file, metadata, row } = this;
    const options = { file, metadata, compressors, utf8: false, geoparquet: false, useOffsetIndex: false, parsers: RAW_TIMES };
    const column = this.node.element.name;
    const scan = await guarded(() => parquetScan({ ...options, columns: [column] }));
    const data = await guarded(() => scan.readColumn({ column, rowStart: row, rowEnd: row + rowCount }));
    assert(data.length === rowCount, `${data.length} values for ${rowCount} rows of a Parquet column`);
    this.row += rowCount;
    const values = Array.from(data as ArrayLike<unknown>, nullable(this.valueOf));
    return buildVector(values, this.type, scope.arena, scope);
  }
}

/** Leaves lose what their bytes mean, so that the values come as they are stored: hyparquet's own conversions go through floats and Dates. */
function withoutMeaning(element: SchemaElement): SchemaElement {
  if (element.num_children !== undefined && element.num_children > 0) return element;
  const { converted_type: _converted, logical_type: _logical, ...plain } = element;
  return plain;
}

const RAW_TIMES = { timestampFromNanoseconds: (nanoseconds: bigint) => nanoseconds };

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
