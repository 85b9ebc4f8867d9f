/**
 * Implicit casts of ingested columns: those that lose nothing. A value that does not fit is `invalid_value` naming column and row; a pair of
 * types without a lossless cast is `type_mismatch`. Constants stay constants, dictionaries stay dictionaries.
 */
import { assert } from '../../core/assert.js';
import type { Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, isInteger, isText, physicalOf, sameType, typeName, UNITS_PER_SECOND, WIDTH_BYTES } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import type { Allocate, StorageMemory } from '../memory.js';

const SECONDS_PER_DAY = 86_400n;

interface Cast {
  readonly memory: StorageMemory;
  readonly allocate: Allocate;
  readonly column: string;
  /** Row of the append that row 0 of the vector is. */
  readonly firstRow: number;
}

/** The vector with `type`; itself when nothing is to be done. New buffers come from allocate. */
export function castVector(cast: Cast, vector: Vector, type: DataType): Vector {
  const from = vector.type;
  if (from.kind === 'null' || sameType(from, type)) return { ...vector, type };
  if (isText(from) && isText(type)) return { ...vector, type };
  if (vector.encoding === 'constant') {
    const one = castVector(cast, { ...vector, encoding: 'flat', length: 1 }, type);
    return { ...one, encoding: 'constant', length: vector.length };
  }
  if (from.kind === 'list' && type.kind === 'list') return castList(cast, vector, type);
  if (from.kind === 'struct' && type.kind === 'struct') return castStruct(cast, vector, type);
  if (isInteger(from) && isInteger(type)) return castInteger(cast, vector, type);
  if (isInteger(from) && (type.kind === 'float64' || type.kind === 'float32')) return castIntegerToFloat(cast, vector, type);
  if (from.kind === 'float32' && type.kind === 'float64') {
    const values = cast.allocate(vector.length * 8);
    cast.memory.kernels.widen_f32(values, vector.values, vector.length);
    return { ...vector, type, values };
  }
  if (from.kind === 'float64' && type.kind === 'float32') return narrowFloat(cast, vector, type, vector);
  if (type.kind === 'decimal') return castDecimal(cast, vector, type);
  return castTime(cast, vector, type);
}

function mismatch(cast: Cast, from: DataType, to: DataType): DbError {
  return new DbError('type_mismatch', `column "${cast.column}" is ${typeName(to)}; ${typeName(from)} does not become that without a cast`);
}

/** A kernel's answer: the first row whose value does not fit, or -1. */
function checkRow(cast: Cast, original: Vector, type: DataType, row: number): void {
  if (row < 0) return;
  const value = valueAt(cast.memory.arena, original, row);
  throw new DbError(
    'invalid_value',
    `column "${cast.column}", row ${cast.firstRow + row}: ${String(value)} of ${typeName(original.type)} does not fit ${typeName(type)}`,
  );
}

function castList(cast: Cast, vector: Vector, type: DataType & { kind: 'list' }): Vector {
  const child = vector.children[0];
  assert(child, 'a list has a child');
  return { ...vector, type, children: [castVector(cast, child, type.item.type)] };
}

function castStruct(cast: Cast, vector: Vector, type: DataType & { kind: 'struct' }): Vector {
  assert(vector.type.kind === 'struct', 'a struct vector');
  const names = vector.type.fields.map((field) => field.name);
  if (names.length !== type.fields.length) throw mismatch(cast, vector.type, type);
  const children = type.fields.map((field) => {
    const child = vector.children[names.indexOf(field.name)];
    if (child === undefined) throw mismatch(cast, vector.type, type);
    return castVector(cast, child, field.type);
  });
  return { ...vector, type, children };
}

/** The integers (or days) of a vector as 64-bit values. */
function widened(cast: Cast, vector: Vector): number {
  const { kernels } = cast.memory;
  const physical = physicalOf(vector.type);
  if (physical === 'i64' || physical === 'u64') return vector.values;
  const values = cast.allocate(vector.length * 8);
  const widen = {
    i8: kernels.widen_i8,
    i16: kernels.widen_i16,
    i32: kernels.widen_i32,
    u8: kernels.widen_u8,
    u16: kernels.widen_u16,
    u32: kernels.widen_u32,
  } as const;
  assert(physical in widen, `integers, not ${physical}`);
  widen[physical as keyof typeof widen](values, vector.values, vector.length);
  return values;
}

function castInteger(cast: Cast, vector: Vector, type: DataType): Vector {
  const { kernels } = cast.memory;
  const { length, validity } = vector;
  const wide = widened(cast, vector);
  const physical = physicalOf(type);
  if (physical === 'i64' || physical === 'u64') {
    const fromSigned = vector.type.kind.startsWith('int');
    const mayDisagree = physical === 'u64' ? fromSigned : vector.type.kind === 'uint64';
    if (mayDisagree) checkRow(cast, vector, type, kernels.find_negative_i64(wide, validity, length));
    return { ...vector, type, values: wide };
  }
  if (vector.type.kind === 'uint64') checkRow(cast, vector, type, kernels.find_negative_i64(wide, validity, length));
  const narrow = {
    i8: kernels.narrow_i8,
    i16: kernels.narrow_i16,
    i32: kernels.narrow_i32,
    u8: kernels.narrow_u8,
    u16: kernels.narrow_u16,
    u32: kernels.narrow_u32,
  } as const;
  assert(physical in narrow, `integers, not ${physical}`);
  const values = cast.allocate(length * WIDTH_BYTES[physical]);
  checkRow(cast, vector, type, narrow[physical as keyof typeof narrow](values, wide, validity, length));
  return { ...vector, type, values };
}

function castIntegerToFloat(cast: Cast, vector: Vector, type: DataType): Vector {
  const { kernels } = cast.memory;
  const values = cast.allocate(vector.length * 8);
  const exact = vector.type.kind === 'uint64' ? kernels.exact_f64_u64 : kernels.exact_f64_i64;
  checkRow(cast, vector, type, exact(values, widened(cast, vector), vector.validity, vector.length));
  const wide: Vector = { ...vector, type: { kind: 'float64' }, values };
  return type.kind === 'float64' ? wide : narrowFloat(cast, wide, type, vector);
}

function narrowFloat(cast: Cast, vector: Vector, type: DataType, original: Vector): Vector {
  const values = cast.allocate(vector.length * 4);
  checkRow(cast, original, type, cast.memory.kernels.exact_f32_f64(values, vector.values, vector.validity, vector.length));
  return { ...vector, type, values };
}

function castDecimal(cast: Cast, vector: Vector, type: DataType & { kind: 'decimal' }): Vector {
  const { kernels, arena } = cast.memory;
  const from = vector.type;
  let { values } = vector;
  if (isInteger(from)) {
    values = cast.allocate(vector.length * 16);
    kernels.widen_i128(values, widened(cast, vector), from.kind === 'uint64' ? 1 : 0, vector.length);
  } else if (from.kind !== 'decimal' || from.scale > type.scale) throw mismatch(cast, from, type);
  const digits = type.scale - (from.kind === 'decimal' ? from.scale : 0);
  if (digits < 0) throw mismatch(cast, from, type);
  const limit = cast.allocate(16);
  const bound = 10n ** BigInt(type.precision);
  arena.u64[limit / 8] = bound;
  arena.u64[limit / 8 + 1] = bound >> 64n;
  const result = cast.allocate(vector.length * 16);
  checkRow(cast, vector, type, kernels.multiply_exact_i128(result, values, digits, limit, vector.validity, vector.length));
  return { ...vector, type, values: result };
}

/** Dates, times of day and timestamps. A timestamp without a time zone is UTC. */
function castTime(cast: Cast, vector: Vector, type: DataType): Vector {
  const from = vector.type;
  if (from.kind === 'date32' && type.kind === 'timestamp') {
    return scaleTime(cast, vector, widened(cast, vector), type, SECONDS_PER_DAY * UNITS_PER_SECOND[type.unit], 1n);
  }
  const isClock = (from.kind === 'timestamp' && type.kind === 'timestamp') || (from.kind === 'time64' && type.kind === 'time64');
  if (!isClock || !('unit' in from)) throw mismatch(cast, from, type);
  return scaleTime(cast, vector, vector.values, type, UNITS_PER_SECOND[type.unit], UNITS_PER_SECOND[from.unit]);
}

function scaleTime(cast: Cast, vector: Vector, source: number, type: DataType, to: bigint, from: bigint): Vector {
  if (to === from) return { ...vector, type };
  const { kernels, arena } = cast.memory;
  const factor = cast.allocate(8);
  arena.i64[factor / 8] = to > from ? to / from : from / to;
  const values = cast.allocate(vector.length * 8);
  const scale = to > from ? kernels.multiply_exact_i64 : kernels.divide_exact_i64;
  checkRow(cast, vector, type, scale(values, source, factor, vector.validity, vector.length));
  return { ...vector, type, values };
}
