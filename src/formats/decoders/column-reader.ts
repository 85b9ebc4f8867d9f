/** Cells of one column → a vector in the arena. Kernels read them; what a kernel stops at is read (or refused) here, one value at a time. */
import type { Kernels } from '../../../native-free/kernels.js';
import type { Arena } from '../../core/arena.js';
import { bitmapBytes, flatVector, type Value, type Vector } from '../../core/batch.js';
import { setBit, writeValue } from '../../core/build-vector.js';
import { DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, type Field, physicalOf, type TypeKind, WIDTH_BYTES } from '../../core/types.js';
import { cellValue } from './cell-value.js';

export const CELL_BYTES = 8;
const CELL_NULL = 0x80000000;
const CELL_QUOTED = 0x40000000;
const CELL_ESCAPED = 0x20000000;
const CELL_LENGTH = 0x1fffffff;
const PLACES = { s: 0, ms: 3, us: 6, ns: 9 } as const;
const TEXT_SLACK_BYTES = 64;

export type CellSyntax = 'csv' | 'json';

/** Reads rows [start, end) of the cells into out; returns the first row that it does not read, or -1. */
type Reader = (kernels: Kernels, type: DataType, cells: number, start: number, end: number, out: number) => number;

const READERS: Partial<Record<TypeKind, Reader>> = {
  bool: (kernels, _type, cells, start, end, out) => kernels.read_bool(cells, start, end, out),
  int8: (kernels, _type, cells, start, end, out) => kernels.read_i8(cells, start, end, out),
  int16: (kernels, _type, cells, start, end, out) => kernels.read_i16(cells, start, end, out),
  int32: (kernels, _type, cells, start, end, out) => kernels.read_i32(cells, start, end, out),
  int64: (kernels, _type, cells, start, end, out) => kernels.read_i64(cells, start, end, out),
  uint8: (kernels, _type, cells, start, end, out) => kernels.read_u8(cells, start, end, out),
  uint16: (kernels, _type, cells, start, end, out) => kernels.read_u16(cells, start, end, out),
  uint32: (kernels, _type, cells, start, end, out) => kernels.read_u32(cells, start, end, out),
  uint64: (kernels, _type, cells, start, end, out) => kernels.read_u64(cells, start, end, out),
  float32: (kernels, _type, cells, start, end, out) => kernels.read_f32(cells, start, end, out),
  float64: (kernels, _type, cells, start, end, out) => kernels.read_f64(cells, start, end, out),
  date32: (kernels, _type, cells, start, end, out) => kernels.read_date(cells, start, end, out),
  uuid: (kernels, _type, cells, start, end, out) => kernels.read_uuid(cells, start, end, out),
  decimal: (kernels, type, cells, start, end, out) =>
    type.kind === 'decimal' ? kernels.read_decimal(cells, start, end, out, type.precision, type.scale) : start,
  time64: (kernels, type, cells, start, end, out) =>
    type.kind === 'time64' ? kernels.read_time(cells, start, end, out, PLACES[type.unit]) : start,
  timestamp: (kernels, type, cells, start, end, out) =>
    type.kind === 'timestamp' ? kernels.read_timestamp(cells, start, end, out, PLACES[type.unit]) : start,
};

/** True when every cell is text of the type as the kernels read it (null cells fit everything). `out` has room for all rows. */
export function allRead(kernels: Kernels, type: DataType, cells: number, rows: number, out: number): boolean {
  return READERS[type.kind]?.(kernels, type, cells, 0, rows, out) === -1;
}

export function isQuoted(arena: Arena, cells: number, row: number): boolean {
  return ((arena.u32[cells / 4 + 2 * row + 1] as number) & CELL_QUOTED) !== 0;
}

export function isNull(arena: Arena, cells: number, row: number): boolean {
  return ((arena.u32[cells / 4 + 2 * row + 1] as number) & CELL_NULL) !== 0;
}

/** Makes the cells without quotes that are this text null, and no others. */
export function markNulls(arena: Arena, cells: number, rows: number, text: Uint8Array): void {
  const words = arena.u32;
  const { u8 } = arena;
  for (let row = 0; row < rows; row++) {
    const index = cells / 4 + 2 * row + 1;
    const word = words[index] as number;
    if ((word & CELL_QUOTED) !== 0) continue;
    const length = word & CELL_LENGTH;
    let isNullText = length === text.length;
    const address = words[index - 1] as number;
    for (let i = 0; isNullText && i < length; i++) isNullText = u8[address + i] === text[i];
    words[index] = isNullText ? word | CELL_NULL : word & ~CELL_NULL;
  }
}

/** Where a cell's text begins. */
export function cellAddress(arena: Arena, cells: number, row: number): number {
  return arena.u32[cells / 4 + 2 * row] as number;
}

/** The text of one cell, its escapes undone. */
export function cellText(arena: Arena, cells: number, row: number, syntax: CellSyntax): string {
  const word = arena.u32[cells / 4 + 2 * row + 1] as number;
  const text = Buffer.from(arena.buffer as unknown as ArrayBuffer, cellAddress(arena, cells, row), word & CELL_LENGTH).toString('utf8');
  if ((word & CELL_ESCAPED) === 0) return text;
  return syntax === 'csv' ? text.replaceAll('""', '"') : jsonString(text);
}

/** The inside of a JSON string, its escapes undone. Fails with `invalid_data`. */
export function jsonString(inside: string): string {
  try {
    return JSON.parse(`"${inside}"`) as string;
  } catch (error) {
    throw new DbError('invalid_data', `a string of the JSON is malformed: ${(error as Error).message}`, { cause: error });
  }
}

/** Called with the row whose text cannot be read; throws what the client is told. */
export type OnBadCell = (row: number, error: unknown) => never;

export class ColumnReader {
  readonly field: Field;
  private readonly arena: Arena;
  private readonly kernels: Kernels;
  private readonly syntax: CellSyntax;

  constructor(arena: Arena, kernels: Kernels, field: Field, syntax: CellSyntax) {
    this.arena = arena;
    this.kernels = kernels;
    this.field = field;
    this.syntax = syntax;
  }

  read(cells: number, rows: number, scope: MemoryScope, onBadCell: OnBadCell): Vector {
    const validity = scope.allocate(bitmapBytes(rows));
    const nulls = this.kernels.cells_validity(cells, rows, validity);
    const { type } = this.field;
    if (type.kind === 'utf8' || type.kind === 'symbol') return this.readText(cells, rows, scope, nulls === 0 ? 0 : validity, onBadCell);
    if (type.kind === 'binary') return this.readBinary(cells, rows, scope, validity, onBadCell);
    const values = scope.allocateZeroed(Math.max(bitmapBytes(rows), rows * WIDTH_BYTES[physicalOf(type)]));
    const reader = READERS[type.kind];
    const read = (start: number) => (reader ? reader(this.kernels, type, cells, start, rows, values) : start);
    let nullsLater = 0;
    for (let row = read(0); row >= 0 && row < rows; row = row + 1 < rows ? read(row + 1) : -1) {
      if (!this.readOne(cells, row, values, validity, onBadCell)) nullsLater++;
    }
    return flatVector(type, rows, values, nulls + nullsLater === 0 ? 0 : validity);
  }

  private readText(cells: number, rows: number, scope: MemoryScope, validity: number, onBadCell: OnBadCell): Vector {
    const offsets = scope.allocate((rows + 1) * 4);
    const bytes = scope.allocate(this.kernels.cells_bytes(cells, rows) + TEXT_SLACK_BYTES);
    const bad = this.kernels.read_text(cells, rows, offsets, bytes, this.syntax === 'json' ? 1 : 0);
    if (bad >= 0) onBadCell(bad, new DbError('invalid_data', 'a backslash that JSON does not know'));
    return flatVector(this.field.type, rows, bytes, validity, offsets);
  }

  private readBinary(cells: number, rows: number, scope: MemoryScope, validity: number, onBadCell: OnBadCell): Vector {
    const offsets = scope.allocate((rows + 1) * 4);
    const bytes = scope.allocate(this.kernels.cells_bytes(cells, rows) + TEXT_SLACK_BYTES);
    let offset = 0;
    for (let row = 0; row < rows; row++) {
      this.arena.i32[offsets / 4 + row] = offset;
      if (isNull(this.arena, cells, row)) continue;
      const value = this.valueOf(cells, row, onBadCell) as Uint8Array;
      this.arena.u8.set(value, bytes + offset);
      offset += value.length;
    }
    this.arena.i32[offsets / 4 + rows] = offset;
    return flatVector(this.field.type, rows, bytes, validity, offsets);
  }

  private valueOf(cells: number, row: number, onBadCell: OnBadCell): Value {
    try {
      return cellValue(this.field.type, cellText(this.arena, cells, row, this.syntax));
    } catch (error) {
      return onBadCell(row, error);
    }
  }

  /** False when the cell turned out to be null: "" where every cell is quoted. */
  private readOne(cells: number, row: number, values: number, validity: number, onBadCell: OnBadCell): boolean {
    if (isNull(this.arena, cells, row)) return true;
    if (isQuoted(this.arena, cells, row) && cellText(this.arena, cells, row, this.syntax).trim() === '') {
      const byte = validity + (row >> 3);
      this.arena.u8[byte] = (this.arena.u8[byte] as number) & ~(1 << (row & 7));
      return false;
    }
    storeValue(this.arena, this.field.type, values, row, this.valueOf(cells, row, onBadCell));
    return true;
  }
}

function storeValue(arena: Arena, type: DataType, values: number, row: number, value: Value): void {
  if (type.kind !== 'bool') writeValue(arena, type, values + WIDTH_BYTES[physicalOf(type)] * row, value);
  else if (value === true) setBit(arena, values, row);
}
