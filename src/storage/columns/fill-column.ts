/** Columns that a segment does not have, because they were added after it was written: one value for all rows. */
import { assert } from '../../core/assert.js';
import { bitmapBytes, type Value } from '../../core/batch.js';
import { writeValue } from '../../core/build-vector.js';
import { DbError } from '../../core/errors.js';
import { type DataType, physicalOf, WIDTH_BYTES } from '../../core/types.js';
import type { Allocate, StorageMemory } from '../memory.js';
import type { TableColumn } from '../tables/layout.js';
import { type ColumnBuffers, childTypes, emptyColumn } from './column-buffers.js';

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
  writeValue(memory.arena, type, value, fill);
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
