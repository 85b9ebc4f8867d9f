/** CAST and TRY_CAST of whole vectors. */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, isInteger, isNumeric, isText, sameType, typeName, UNITS_PER_SECOND } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { filledBitmap, intersection, restrict } from './bitmaps.js';
import { castNumber } from './cast-number.js';
import { textToType, typeToText } from './cast-text.js';
import { type MoveContext, toFlat } from './gather.js';
import { int64Slot } from './int64-slot.js';
import { valueToText } from './literals.js';
import { asConstant, constantVector, isNullConstant } from './vector-values.js';

/** The vector's values as `to`. A value that does not fit is an error, or NULL when `safe`; null slots never fail. */
export function castVector(vector: Vector, to: DataType, safe: boolean, context: MoveContext): Vector {
  const { type, length } = vector;
  if (sameType(type, to)) return vector;
  if (length === 0) return { ...constantVector(null, to, 0, context), encoding: 'constant' };
  if (isNullConstant(vector, context)) return constantVector(null, to, length, context);
  if (isText(type) && isText(to)) return { ...vector, type: to };
  if (vector.encoding === 'constant') {
    const one = castVector({ ...vector, encoding: 'flat', length: 1 }, to, safe, context);
    return asConstant(one, length, context);
  }
  const flat = toFlat(vector, context);
  if (isText(to)) return typeToText(flat, to, context);
  if (isText(type)) return textToType(flat, to, safe, context);
  if (isNumeric(type) && isNumeric(to)) return castNumber(flat, to, safe, context);
  return castOther(flat, to, safe, context);
}

function castOther(vector: Vector, to: DataType, safe: boolean, context: MoveContext): Vector {
  const { type } = vector;
  if (type.kind === 'bool') return boolToNumber(vector, to, safe, context);
  if (to.kind === 'bool') return numberToBool(vector, context);
  if (type.kind === 'list' && to.kind === 'list') {
    const child = vector.children[0];
    return { ...vector, type: to, children: child ? [toFlat(castVector(child, to.item.type, safe, context), context)] : [] };
  }
  if (type.kind === 'struct' && to.kind === 'struct') {
    const children = vector.children.map((child, i) => toFlat(castVector(child, to.fields[i]?.type ?? child.type, safe, context), context));
    return { ...vector, type: to, children };
  }
  if ((type.kind === 'uuid' && to.kind === 'binary') || (type.kind === 'binary' && to.kind === 'uuid'))
    return castBytes(vector, to, safe, context);
  return castTime(vector, to, safe, context);
}

function boolToNumber(vector: Vector, to: DataType, safe: boolean, context: MoveContext): Vector {
  const { length } = vector;
  const bytes = context.scratch.allocate(length);
  context.kernels.bits_to_bytes(vector.values, length, bytes);
  return castNumber(flatVector({ kind: 'uint8' }, length, bytes, vector.validity), to, safe, context);
}

function numberToBool(vector: Vector, context: MoveContext): Vector {
  const { length } = vector;
  const wide = castNumber(vector, { kind: vector.type.kind === 'uint64' ? 'uint64' : 'int64' }, false, context);
  const zero = context.scratch.allocate(8);
  context.arena.i64[zero / 8] = 0n;
  const out = context.scratch.allocate(bitmapBytes(length));
  context.kernels.compare_i64(1, wide.values, zero, 0, length, out);
  return flatVector({ kind: 'bool' }, length, out, vector.validity);
}

/** Dates, times, timestamps and integers among each other. Integers are ticks (or days), as they are stored. */
function castTime(vector: Vector, to: DataType, safe: boolean, context: MoveContext): Vector {
  const { type } = vector;
  if (type.kind === 'timestamp' && to.kind === 'date32')
    return narrowDays(divideTicks(vector, ticksPerDay(type), context), to, safe, context);
  if (type.kind === 'date32' && to.kind === 'timestamp') {
    const days = { ...castNumber({ ...vector, type: { kind: 'int32' } }, { kind: 'int64' }, false, context), type: to };
    return rescale(days, ticksPerDay(to), 1n, to, safe, context, vector);
  }
  if (type.kind === 'timestamp' && to.kind === 'time64') {
    const out = context.scratch.allocate(8 * vector.length);
    context.kernels.floor_modulo_i64(vector.values, 1, int64Slot(ticksPerDay(type), context), vector.length, out);
    return rescaleUnits({ ...vector, values: out }, type, to, safe, context);
  }
  if (type.kind === 'interval' && to.kind === 'time64') return intervalToTime(vector, to, safe, context);
  if (type.kind === 'time64' && to.kind === 'interval') {
    const out = context.scratch.allocate(16 * vector.length);
    const perTick = int64Slot(type.unit === 'us' ? 1000n : 1n, context);
    context.kernels.interval_from_ticks(vector.values, 1, perTick, vector.length, out, vector.validity);
    return flatVector(to, vector.length, out, vector.validity);
  }
  if ((type.kind === 'timestamp' || type.kind === 'time64') && (to.kind === 'timestamp' || to.kind === 'time64')) {
    return rescaleUnits(vector, type, to, safe, context);
  }
  if (isInteger(to)) return castNumber({ ...vector, type: { kind: type.kind === 'date32' ? 'int32' : 'int64' } }, to, safe, context);
  const stored: DataType = { kind: to.kind === 'date32' ? 'int32' : 'int64' };
  const ticks = castVector(vector, stored, safe, context);
  return { ...ticks, type: to };
}

function ticksPerDay(type: DataType): bigint {
  return type.kind === 'timestamp' || type.kind === 'time64' ? UNITS_PER_SECOND[type.unit] * 86_400n : 1n;
}

function divideTicks(vector: Vector, width: bigint, context: MoveContext): Vector {
  const out = context.scratch.allocate(8 * vector.length);
  context.kernels.floor_divide_i64(vector.values, 1, int64Slot(width, context), vector.length, out);
  return { ...vector, values: out };
}

function narrowDays(days: Vector, to: DataType, safe: boolean, context: MoveContext): Vector {
  return { ...castNumber({ ...days, type: { kind: 'int64' } }, { kind: 'int32' }, safe, context), type: to };
}

function rescaleUnits(vector: Vector, from: DataType, to: DataType, safe: boolean, context: MoveContext): Vector {
  return rescale(vector, ticksPerDay(to), ticksPerDay(from), to, safe, context);
}

/** int64 values · up / down; coarser units are floored. source: what errors show. */
function rescale(
  vector: Vector,
  up: bigint,
  down: bigint,
  to: DataType,
  safe: boolean,
  context: MoveContext,
  source: Vector = vector,
): Vector {
  const { length, values, validity } = vector;
  if (up === down) return { ...vector, type: to };
  if (down > up) return { ...divideTicks(vector, down / up, context), type: to };
  const out = context.scratch.allocate(8 * length);
  const factor = int64Slot(up / down, context);
  const bad = context.kernels.multiply_i64(values, 1, factor, 0, length, out, validity);
  const result = flatVector(to, length, out, validity);
  if (bad < 0) return result;
  if (!safe) throw outOfRange(source, bad, to, context);
  return restrict(result, fittingProducts(values, up / down, length, context), length, context);
}

/** Rows whose product with the factor stays in int64. */
function fittingProducts(values: number, factor: bigint, length: number, context: MoveContext): number {
  const { kernels, scratch } = context;
  const low = scratch.allocate(bitmapBytes(length));
  const high = scratch.allocate(bitmapBytes(length));
  kernels.compare_i64(5, values, int64Slot(-(2n ** 63n) / factor, context), 0, length, low);
  kernels.compare_i64(3, values, int64Slot((2n ** 63n - 1n) / factor, context), 0, length, high);
  return intersection(low, high, length, context);
}

function intervalToTime(vector: Vector, to: DataType, safe: boolean, context: MoveContext): Vector {
  const { length } = vector;
  const ns = context.scratch.allocate(8 * length);
  context.kernels.interval_part(2, vector.values, 1, length, ns);
  const inDay = context.scratch.allocate(8 * length);
  context.kernels.floor_modulo_i64(ns, 1, int64Slot(86_400_000_000_000n, context), length, inDay);
  const time = flatVector({ kind: 'time64', unit: 'ns' }, length, inDay, vector.validity);
  return rescaleUnits(time, time.type, to, safe, context);
}

function castBytes(vector: Vector, to: DataType, safe: boolean, context: MoveContext): Vector {
  const { arena, scratch } = context;
  const { length } = vector;
  if (to.kind === 'binary') {
    const offsets = scratch.allocate(4 * (length + 1));
    for (let row = 0; row <= length; row++) arena.i32[offsets / 4 + row] = 16 * row;
    return flatVector(to, length, vector.values, vector.validity, offsets);
  }
  const out = scratch.allocate(16 * length);
  const ok = filledBitmap(true, length, context);
  for (let row = 0; row < length; row++) {
    const first = arena.i32[vector.offsets / 4 + row] as number;
    const size = (arena.i32[vector.offsets / 4 + row + 1] as number) - first;
    if (size === 16) context.kernels.copy_bytes(out + 16 * row, vector.values + first, 16);
    else if (safe) arena.u8[ok + (row >> 3)] = (arena.u8[ok + (row >> 3)] as number) & ~(1 << (row & 7));
    else if (valueAt(arena, vector, row) !== null) throw new DbError('invalid_value', `a uuid has 16 bytes, not ${size}`);
  }
  return restrict(flatVector(to, length, out, vector.validity), safe ? ok : 0, length, context);
}

/** The error for a value that its new type cannot hold. */
function outOfRange(vector: Vector, row: number, to: DataType, context: MoveContext): DbError {
  const text = valueToText(valueAt(context.arena, vector, row), vector.type) ?? 'NULL';
  return new DbError('numeric_overflow', `${text} is outside the range of ${typeName(to)}`);
}
