/** JavaScript columns and rows → a batch in the arena. One loop per column; the values were boxed by the caller already. */
import type { Arena } from '../core/arena.js';
import { type Batch, bitmapBytes, flatVector, type Vector } from '../core/batch.js';
import { writeValue } from '../core/build-vector.js';
import { DbError } from '../core/errors.js';
import type { MemoryScope } from '../core/memory-scope.js';
import {
  BINARY,
  BOOL,
  type DataType,
  type Field,
  FLOAT32,
  FLOAT64,
  INT64,
  physicalOf,
  type Schema,
  typeName,
  UINT64,
  UNITS_PER_SECOND,
  UTF8,
  WIDTH_BYTES,
} from '../core/types.js';
import { valueFromText } from '../query/expression/literals.js';
import { daysFromText, ticksFromDate, ticksFromText } from './time-input.js';

export type ColumnValue = null | undefined | boolean | number | bigint | string | Date | Uint8Array;

/** A typed array (its element type is the column's), or an array of values. */
export type ColumnInput =
  | readonly ColumnValue[]
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

export type RowInput = Readonly<Record<string, ColumnValue>>;

const TYPED_ARRAYS: readonly [new () => ArrayLike<unknown>, DataType][] = [
  [Int8Array, { kind: 'int8' }],
  [Uint8Array, { kind: 'uint8' }],
  [Int16Array, { kind: 'int16' }],
  [Uint16Array, { kind: 'uint16' }],
  [Int32Array, { kind: 'int32' }],
  [Uint32Array, { kind: 'uint32' }],
  [BigInt64Array, INT64],
  [BigUint64Array, UINT64],
  [Float32Array, FLOAT32],
  [Float64Array, FLOAT64],
];

/** Turns rows into columns; a key that a row lacks is NULL there. */
export function columnsOfRows(rows: readonly RowInput[]): Record<string, ColumnValue[]> {
  const columns: Record<string, ColumnValue[]> = Object.create(null) as Record<string, ColumnValue[]>;
  rows.forEach((row, index) => {
    if (row === null || typeof row !== 'object' || Array.isArray(row))
      throw new DbError('invalid_argument', `row ${index} is not an object of column names and values`);
    for (const name of Object.keys(row)) {
      columns[name] ??= new Array<ColumnValue>(rows.length).fill(null);
      (columns[name] as ColumnValue[])[index] = row[name];
    }
  });
  return columns;
}

/**
 * Builds one batch from columns of equal length. `target` is the table's schema when it exists: arrays of plain values take the target column's
 * type; without it the type is inferred (all whole numbers → int64, else float64).
 */
export function batchFromColumns(
  scope: MemoryScope,
  columns: Readonly<Record<string, ColumnInput>>,
  target: Schema | undefined,
): { batch: Batch; schema: Schema } {
  const names = Object.keys(columns);
  for (const name of names) {
    const input: unknown = columns[name];
    if (Array.isArray(input) || TYPED_ARRAYS.some(([arrayType]) => input instanceof arrayType)) continue;
    throw new DbError('invalid_argument', `column ${name} is neither an array nor a typed array`);
  }
  const rowCount = names.length === 0 ? 0 : (columns[names[0] as string] as ColumnInput).length;
  const vectors = names.map((name): [Field, Vector] => {
    const input = columns[name] as ColumnInput;
    if (input.length !== rowCount)
      throw new DbError('invalid_argument', `column ${name} has ${input.length} values, the first column has ${rowCount}`);
    const wanted = target?.fields.find((field) => field.name.toLowerCase() === name.toLowerCase())?.type;
    const vector = columnVector(scope, name, input, wanted);
    return [{ name, type: vector.type, nullable: true }, vector];
  });
  return {
    batch: { arena: scope.arena.id, rowCount, columns: vectors.map(([, vector]) => vector) },
    schema: { fields: vectors.map(([field]) => field) },
  };
}

function columnVector(scope: MemoryScope, name: string, input: ColumnInput, wanted: DataType | undefined): Vector {
  const typed = TYPED_ARRAYS.find(([arrayType]) => input instanceof arrayType);
  if (typed) return typedArrayVector(scope, input as Exclude<ColumnInput, readonly ColumnValue[]>, typed[1], wanted);
  const values = input as readonly ColumnValue[];
  const type = wanted && wanted.kind !== 'symbol' ? wanted : wanted ? UTF8 : inferType(name, values);
  const physical = physicalOf(type);
  if (physical === 'none') return flatVector(type, values.length, 0);
  if (physical === 'bytes') return bytesVector(scope, name, values, type);
  const address = scope.allocateZeroed(physical === 'bit' ? bitmapBytes(values.length) : values.length * WIDTH_BYTES[physical]);
  const validity = validityOf(scope, values);
  const write = writerOf(scope.arena, name, type, address);
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (value !== null && value !== undefined) write(row, value);
  }
  return flatVector(type, values.length, address, validity);
}

/** A BigInt64Array stands for timestamps and times too, and an Int32Array for dates, when the table's column is one. */
function typedArrayVector(
  scope: MemoryScope,
  input: Exclude<ColumnInput, readonly ColumnValue[]>,
  own: DataType,
  wanted: DataType | undefined,
): Vector {
  const address = scope.allocate(input.byteLength);
  scope.arena.u8.set(new Uint8Array(input.buffer, input.byteOffset, input.byteLength), address);
  const isTicks = own.kind === 'int64' && (wanted?.kind === 'timestamp' || wanted?.kind === 'time64');
  const isDays = own.kind === 'int32' && wanted?.kind === 'date32';
  return flatVector(wanted && (isTicks || isDays) ? wanted : own, input.length, address);
}

function validityOf(scope: MemoryScope, values: readonly ColumnValue[]): number {
  if (!values.some((value) => value === null || value === undefined)) return 0;
  const address = scope.allocateZeroed(bitmapBytes(values.length));
  for (let row = 0; row < values.length; row++) {
    if (values[row] !== null && values[row] !== undefined) setBit(scope.arena, address, row);
  }
  return address;
}

function setBit(arena: Arena, bitmap: number, row: number): void {
  const byte = bitmap + (row >> 3);
  arena.u8[byte] = (arena.u8[byte] as number) | (1 << (row & 7));
}

function inferType(name: string, values: readonly ColumnValue[]): DataType {
  const present = values.filter((value) => value !== null && value !== undefined);
  const first = present[0];
  if (first === undefined) return { kind: 'null' };
  if (typeof first === 'string') return UTF8;
  if (typeof first === 'boolean') return BOOL;
  if (first instanceof Date) return { kind: 'timestamp', unit: 'ms', timezone: null };
  if (first instanceof Uint8Array) return BINARY;
  if (present.every((value) => typeof value === 'bigint' || Number.isSafeInteger(value))) return INT64;
  if (present.every((value) => typeof value === 'number')) return FLOAT64;
  throw new DbError('invalid_argument', `column ${name} mixes values of several types`);
}

function bytesVector(scope: MemoryScope, name: string, values: readonly ColumnValue[], type: DataType): Vector {
  const encoded = values.map((value) => {
    if (value === null || value === undefined) return EMPTY;
    if (typeof value === 'string') return Buffer.from(value);
    if (value instanceof Uint8Array && type.kind === 'binary') return value;
    throw misfit(name, value, type);
  });
  const size = encoded.reduce((sum, bytes) => sum + bytes.length, 0);
  if (size >= 2 ** 31) throw new DbError('invalid_argument', `column ${name} has ${size} bytes of text in one batch; the most is 2 GiB`);
  const offsets = scope.allocate((values.length + 1) * 4);
  const bytes = scope.allocate(size);
  let end = 0;
  scope.arena.i32[offsets / 4] = 0;
  encoded.forEach((part, row) => {
    scope.arena.u8.set(part, bytes + end);
    end += part.length;
    scope.arena.i32[offsets / 4 + row + 1] = end;
  });
  return flatVector(type, values.length, bytes, validityOf(scope, values), offsets);
}

const EMPTY = new Uint8Array(0);

const HINTS: Readonly<Partial<Record<DataType['kind'], string>>> = {
  int64: 'pass a bigint or a whole number; a new column of fractions is a Float64Array',
  timestamp: "pass a Date, ISO text or a bigint of the column's unit",
  time64: "pass text like 12:30:00 or a bigint of the column's unit",
  date32: 'pass text like 2026-01-01, a Date or the number of days since 1970-01-01',
  decimal: 'pass text, a bigint or a number of no more digits than the column has',
};

function misfit(name: string, value: unknown, type: DataType): DbError {
  const hint = HINTS[type.kind];
  return new DbError('invalid_value', `column ${name}: ${typeof value} ${String(value).slice(0, 60)} does not fit ${typeName(type)}`, {
    hint,
  });
}

type PresentValue = Exclude<ColumnValue, null | undefined>;

/** Writes one present value at a row; fails with `invalid_value`. */
function writerOf(arena: Arena, name: string, type: DataType, address: number): (row: number, value: PresentValue) => void {
  const fail = (value: PresentValue) => misfit(name, value, type);
  switch (type.kind) {
    case 'bool':
      return (row, value) => {
        if (typeof value !== 'boolean') throw fail(value);
        if (value) setBit(arena, address, row);
      };
    case 'float32':
    case 'float64': {
      const view = type.kind === 'float32' ? arena.f32 : arena.f64;
      const first = address / view.BYTES_PER_ELEMENT;
      return (row, value) => {
        if (typeof value !== 'number' && typeof value !== 'bigint') throw fail(value);
        view[first + row] = Number(value);
        if (typeof value === 'bigint' && !isSameInteger(view[first + row] as number, value)) throw fail(value);
      };
    }
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'date32': {
      const view = {
        int8: arena.i8,
        int16: arena.i16,
        int32: arena.i32,
        uint8: arena.u8,
        uint16: arena.u16,
        uint32: arena.u32,
        date32: arena.i32,
      }[type.kind];
      const first = address / view.BYTES_PER_ELEMENT;
      return (row, value) => {
        const number = type.kind === 'date32' ? daysOf(value) : value;
        if (typeof number !== 'number' && typeof number !== 'bigint') throw fail(value);
        view[first + row] = Number(number);
        if (view[first + row] !== Number(number)) throw fail(value);
      };
    }
    default:
      return wideWriter(arena, name, type, address);
  }
}

function isSameInteger(float: number, integer: bigint): boolean {
  return Number.isFinite(float) && BigInt(float) === integer;
}

/** Days of a Date (in UTC) or a text; what is neither stays as it is. */
function daysOf(value: PresentValue): PresentValue {
  if (value instanceof Date) return Math.floor(value.getTime() / 86_400_000);
  return typeof value === 'string' ? daysFromText(value) : value;
}

function wideWriter(arena: Arena, name: string, type: DataType, address: number): (row: number, value: PresentValue) => void {
  const fail = (value: PresentValue) => misfit(name, value, type);
  const first = address / 8;
  switch (type.kind) {
    case 'int64':
    case 'uint64':
      return (row, value) => {
        if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value))) throw fail(value);
        const wide = BigInt(value);
        if (type.kind === 'uint64' && wide !== BigInt.asUintN(64, wide)) throw fail(value);
        arena.i64[first + row] = type.kind === 'uint64' ? wide : int64Of(wide, value, fail);
      };
    case 'timestamp':
      return (row, value) => {
        arena.i64[first + row] = int64Of(ticksOf(value, type, fail), value, fail);
      };
    case 'time64':
      return (row, value) => {
        const ticks = typeof value === 'string' ? ticksFromText(value, type) : value;
        if (typeof ticks !== 'bigint' || ticks < 0n || ticks >= 86_400n * UNITS_PER_SECOND[type.unit]) throw fail(value);
        arena.i64[first + row] = ticks;
      };
    case 'decimal':
      return (row, value) => {
        const unscaled = decimalOf(value, type, fail);
        arena.i64[first + 2 * row] = BigInt.asIntN(64, unscaled);
        arena.i64[first + 2 * row + 1] = BigInt.asIntN(64, unscaled >> 64n);
      };
    case 'uuid':
      return (row, value) => {
        if (typeof value !== 'string') throw fail(value);
        writeValue(arena, type, address + 16 * row, valueFromText(value, type));
      };
    default:
      throw new DbError('unsupported', `column ${name}: values of type ${typeName(type)} are taken from Arrow tables only`);
  }
}

function int64Of(wide: bigint, value: PresentValue, fail: (value: PresentValue) => DbError): bigint {
  if (wide !== BigInt.asIntN(64, wide)) throw fail(value);
  return wide;
}

function ticksOf(value: PresentValue, type: DataType & { kind: 'timestamp' }, fail: (value: PresentValue) => DbError): bigint {
  if (value instanceof Date) return ticksFromDate(value, type.unit);
  if (typeof value === 'string') return ticksFromText(value, type);
  if (typeof value === 'bigint') return value;
  throw fail(value);
}

/** A decimal from its text, a bigint (whole units) or a number (its shortest text). */
function decimalOf(
  value: PresentValue,
  { precision, scale }: { readonly precision: number; readonly scale: number },
  fail: (value: PresentValue) => DbError,
): bigint {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(String(value).trim());
  const digits = match?.[3] ?? '';
  if (!match || (match[2] === '' && digits === '') || digits.replace(/0+$/, '').length > scale) throw fail(value);
  const unscaled = BigInt((match[2] ?? '') + digits.padEnd(scale, '0').slice(0, scale) || '0');
  if (unscaled >= 10n ** BigInt(precision)) throw fail(value);
  return match[1] === '-' ? -unscaled : unscaled;
}
