/** Columns that a segment does not have, because they were added after it was written: one value for all rows. */
import { assert } from '../core/assert.js';
import { bitmapBytes, type IntervalValue, type Value } from '../core/batch.js';
import { DbError } from '../core/errors.js';
import { type DataType, physicalOf, WIDTH_BYTES } from '../core/types.js';
import { type ColumnBuffers, childTypes, emptyColumn } from './column-buffers.js';
import type { TableColumn } from './layout.js';
import type { Allocate, StorageMemory } from './memory.js';

const encoder = new TextEncoder();
const VALUE_BYTES = 16;

/** The buffers come from `allocate`. */
export function filledColumn(
  memory: StorageMemory,
  { type, dictionary, fill }: TableColumn,
  rows: number,
  allocate: Allocate,
): ColumnBuffers {
  if (fill === null) return nulls(memory, type, dictionary !== null, rows, allocate);
  const column = { ...emptyColumn(type, dictionary !== null), length: rows };
  const { kernels } = memory;
  if (physicalOf(type) === 'bytes') {
    const bytes = bytesOf(fill);
    const value = allocate(Math.max(1, bytes.length));
    memory.arena.u8.set(bytes, value);
    if (dictionary === null) return repeatBytes(memory, column, value, bytes.length, allocate);
    column.values = allocate(rows * 4 + 4);
    const offsets = allocate(8);
    memory.arena.i32[offsets / 4] = 0;
    memory.arena.i32[offsets / 4 + 1] = bytes.length;
    dictionary.encodeBytes(column.values, offsets, value, 0, 0, 1);
    if (rows > 1) kernels.tile_bytes(column.values + 4, column.values, 4, rows - 1);
    return column;
  }
  if (type.kind === 'bool') {
    column.values = allocate(bitmapBytes(rows));
    kernels.fill_bytes(column.values, 0, bitmapBytes(rows));
    if (fill === true) kernels.fill_bits(column.values, 0, rows);
    return column;
  }
  const width = WIDTH_BYTES[physicalOf(type)];
  assert(width > 0, 'nested columns are filled with NULL only');
  column.values = allocate(Math.max(1, rows) * width);
  const value = allocate(VALUE_BYTES);
  writeValue(memory, type, fill, value);
  kernels.tile_bytes(column.values, value, width, rows);
  return column;
}

/** Fails with `unsupported` for values that filledColumn cannot repeat. */
export function checkFill(type: DataType, fill: Value): void {
  if (fill === null || (type.kind !== 'list' && type.kind !== 'struct' && type.kind !== 'null')) return;
  throw new DbError('unsupported', `a ${type.kind} column is added with NULL in the rows that are there`, {
    hint: 'add it without DEFAULT, then UPDATE',
  });
}

/** The value gets its code now, so that readers never add one. */
export function registerFill(memory: StorageMemory, column: TableColumn): void {
  if (column.dictionary === null || column.fill === null) return;
  memory.scratch((allocate) => filledColumn(memory, column, 1, allocate));
}

function nulls(memory: StorageMemory, type: DataType, isDictionary: boolean, rows: number, allocate: Allocate): ColumnBuffers {
  const column = { ...emptyColumn(type, isDictionary), length: rows };
  const zeros = (sizeBytes: number) => {
    const address = allocate(Math.max(64, sizeBytes));
    memory.kernels.fill_bytes(address, 0, sizeBytes);
    return address;
  };
  const physical = physicalOf(type);
  if (physical === 'none') return column;
  column.validity = zeros(bitmapBytes(rows));
  if (isDictionary) column.values = zeros(rows * 4);
  else if (physical === 'bytes' || physical === 'list') column.offsets = zeros((rows + 1) * 4);
  else if (physical === 'bit') column.values = zeros(bitmapBytes(rows));
  else if (physical !== 'struct') column.values = zeros(rows * WIDTH_BYTES[physical]);
  const childRows = type.kind === 'struct' ? rows : 0;
  const children = childTypes(type).map((child) => nulls(memory, child, false, childRows, allocate));
  return { ...column, children };
}

function repeatBytes(memory: StorageMemory, column: ColumnBuffers, value: number, size: number, allocate: Allocate): ColumnBuffers {
  const rows = column.length;
  column.offsets = allocate((rows + 1) * 4);
  memory.kernels.step_offsets(column.offsets, size, rows);
  column.values = allocate(Math.max(1, size * rows));
  memory.kernels.tile_bytes(column.values, value, size, rows);
  return column;
}

function bytesOf(value: Value): Uint8Array {
  return typeof value === 'string' ? encoder.encode(value) : (value as Uint8Array);
}

function writeValue({ arena }: StorageMemory, type: DataType, value: Value, address: number): void {
  const { i8, i16, i32, u8, u16, u32, f32, f64, i64, u64 } = arena;
  const physical = physicalOf(type);
  const small = {
    i8: [i8, 1],
    i16: [i16, 2],
    i32: [i32, 4],
    u8: [u8, 1],
    u16: [u16, 2],
    u32: [u32, 4],
    f32: [f32, 4],
    f64: [f64, 8],
  } as const;
  if (physical in small) {
    const [view, width] = small[physical as keyof typeof small];
    view[address / width] = Number(value);
  } else if (physical === 'i64') i64[address / 8] = BigInt(value as bigint | number);
  else if (physical === 'u64') u64[address / 8] = BigInt(value as bigint | number);
  else if (physical === 'i128') {
    const wide = BigInt(value as bigint | number);
    u64[address / 8] = BigInt.asUintN(64, wide);
    i64[address / 8 + 1] = wide >> 64n;
  } else writeRest(arena.u8, i32, i64, type, value, address);
}

function writeRest(u8: Uint8Array, i32: Int32Array, i64: BigInt64Array, type: DataType, value: Value, address: number): void {
  if (type.kind === 'interval') {
    const { months, days, nanoseconds } = value as IntervalValue;
    i32[address / 4] = months;
    i32[address / 4 + 1] = days;
    i64[address / 8 + 1] = nanoseconds;
  } else u8.set(Buffer.from(String(value).replaceAll('-', ''), 'hex'), address);
}
