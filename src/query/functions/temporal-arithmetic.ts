/** + − × ÷ over timestamps, dates, times and intervals. */
import type { Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import {
  DATE32,
  type DataType,
  FLOAT64,
  INT32,
  INTERVAL,
  isInteger,
  isNumeric,
  isText,
  typeName,
  UNITS_PER_SECOND,
} from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { int64Slot } from '../expression/int64-slot.js';
import { valueToText } from '../expression/literals.js';
import type { ArgumentType, EvaluationContext, Overload } from './contract.js';
import { result, room, step } from './overloads.js';
import { commonType } from './types.js';

type Operation = 'add' | 'subtract' | 'multiply' | 'divide' | 'modulo' | 'negate';

const TIMESTAMP: DataType = { kind: 'timestamp', unit: 'us', timezone: null };
const NS_PER_SECOND = 1_000_000_000n;

/** The overload when an operand is a time; undefined when none is, or when they do not go together. */
export function resolveTemporal(operation: Operation, args: readonly ArgumentType[]): Overload | undefined {
  const [a, b] = args;
  if (operation === 'negate') return negation();
  if (!a || !b) return undefined;
  if (operation === 'add') return sum(a, b);
  if (operation === 'subtract') return difference(a, b);
  if (operation === 'modulo') return undefined;
  const factor = (arg: ArgumentType) => isNumeric(arg.type) || arg.type.kind === 'null';
  if (a.type.kind === 'interval' && factor(b)) return scaling(operation === 'divide', false);
  if (operation === 'multiply' && b.type.kind === 'interval' && factor(a)) return scaling(false, true);
  return undefined;
}

/** What stands beside a timestamp and may be an interval: an interval, or a literal that is read as one. */
function mayBeInterval(arg: ArgumentType): boolean {
  return arg.type.kind === 'interval' || arg.type.kind === 'null' || (arg.literal && isText(arg.type));
}

function sum(a: ArgumentType, b: ArgumentType): Overload | undefined {
  return sumInOrder(a, b, false) ?? sumInOrder(b, a, true);
}

function sumInOrder(a: ArgumentType, b: ArgumentType, swapped: boolean): Overload | undefined {
  const { type } = a;
  if (type.kind === 'date32' && (isInteger(b.type) || b.type.kind === 'null')) return dateAndDays(1, swapped);
  if (!mayBeInterval(b)) return undefined;
  if (type.kind === 'timestamp') return shifted(type, 1, swapped);
  if (type.kind === 'date32') return shifted(TIMESTAMP, 1, swapped);
  if (type.kind === 'time64') return clockShifted(type, 1, swapped);
  return type.kind === 'interval' ? intervalSum(1) : undefined;
}

function difference(a: ArgumentType, b: ArgumentType): Overload | undefined {
  const { type } = a;
  const isTime = (arg: ArgumentType) => arg.type.kind === 'timestamp' || arg.type.kind === 'date32';
  if (type.kind === 'date32' && b.type.kind === 'date32') return daysBetween();
  if (type.kind === 'date32' && isInteger(b.type)) return dateAndDays(-1, false);
  if (isTime(a) || isTime(b)) {
    if (type.kind !== 'date32' && b.type.kind === 'interval' && type.kind === 'timestamp') return shifted(type, -1, false);
    if (type.kind === 'date32' && b.type.kind === 'interval') return shifted(TIMESTAMP, -1, false);
    const common = commonType([a, b]);
    if (common?.kind === 'date32') return daysBetween();
    return common?.kind === 'timestamp' ? elapsed(common) : undefined;
  }
  if (type.kind === 'time64' && b.type.kind === 'interval') return clockShifted(type, -1, false);
  if (type.kind === 'time64' || b.type.kind === 'time64') {
    const common = commonType([a, b]);
    return common?.kind === 'time64' ? elapsed(common) : undefined;
  }
  if (type.kind === 'interval' || b.type.kind === 'interval') return mayBeInterval(a) && mayBeInterval(b) ? intervalSum(-1) : undefined;
  return undefined;
}

/** Two i64 in scratch: ticks per day and nanoseconds per tick. */
export function tickShape(type: DataType, context: EvaluationContext): number {
  const perSecond = type.kind === 'timestamp' || type.kind === 'time64' ? UNITS_PER_SECOND[type.unit] : 1n;
  const shape = context.scratch.allocate(16);
  context.arena.i64[shape / 8] = perSecond * 86_400n;
  context.arena.i64[shape / 8 + 1] = NS_PER_SECOND / perSecond;
  return shape;
}

/** timestamp ± interval, calendar-aware. */
function shifted(type: DataType, sign: 1 | -1, swapped: boolean): Overload {
  return {
    args: swapped ? [INTERVAL, type] : [type, INTERVAL],
    type,
    evaluate: (context, args, rowCount, validity) => {
      const [time, amount] = (swapped ? [args[1], args[0]] : args) as [Vector, Vector];
      const out = room(type, rowCount, context);
      const shape = tickShape(type, context);
      const bad = context.kernels.add_interval_i64(
        time.values,
        step(time),
        amount.values,
        step(amount),
        sign,
        shape,
        rowCount,
        out,
        validity,
      );
      if (bad >= 0) throw shiftFailure(type, time, amount, bad, context);
      return result(type, rowCount, out);
    },
  };
}

function shiftFailure(type: DataType, time: Vector, amount: Vector, row: number, context: EvaluationContext): DbError {
  const interval = valueAt(context.arena, amount, row);
  const text = valueToText(interval, INTERVAL);
  const perTick = type.kind === 'timestamp' ? NS_PER_SECOND / UNITS_PER_SECOND[type.unit] : 1n;
  const nanoseconds =
    interval !== null && typeof interval === 'object' && 'nanoseconds' in interval ? (interval.nanoseconds as bigint) : 0n;
  if (nanoseconds % perTick !== 0n) {
    return new DbError('invalid_value', `interval ${text} is finer than ${typeName(type)}`, { hint: 'cast the timestamp to a finer unit' });
  }
  const at = valueToText(valueAt(context.arena, time, row), type);
  return new DbError('numeric_overflow', `overflow: ${at} and ${text} leave the range of ${typeName(type)}`);
}

/** time ± interval within the day; days and months of the interval do not count. */
function clockShifted(type: Extract<DataType, { kind: 'time64' }>, sign: 1 | -1, swapped: boolean): Overload {
  return {
    args: swapped ? [INTERVAL, type] : [type, INTERVAL],
    type,
    evaluate: (context, args, rowCount) => {
      const { kernels, scratch } = context;
      const [time, amount] = (swapped ? [args[1], args[0]] : args) as [Vector, Vector];
      const ticks = scratch.allocate(8 * rowCount);
      kernels.interval_part(2, amount.values, step(amount), rowCount, ticks);
      const day = int64Slot(86_400_000_000_000n, context);
      kernels.floor_modulo_i64(ticks, 1, day, rowCount, ticks);
      if (type.unit === 'us') kernels.floor_divide_i64(ticks, 1, int64Slot(1000n, context), rowCount, ticks);
      const kernel = sign === 1 ? kernels.add_i64 : kernels.subtract_i64;
      kernel(time.values, step(time), ticks, 1, rowCount, ticks, 0);
      kernels.floor_modulo_i64(ticks, 1, int64Slot(UNITS_PER_SECOND[type.unit] * 86_400n, context), rowCount, ticks);
      return result(type, rowCount, ticks);
    },
  };
}

/** timestamp − timestamp and time − time: nanoseconds. */
function elapsed(type: DataType): Overload {
  return {
    args: [type, type],
    type: INTERVAL,
    evaluate: (context, args, rowCount, validity) => {
      const [a, b] = args as [Vector, Vector];
      const ticks = context.scratch.allocate(8 * rowCount);
      const out = room(INTERVAL, rowCount, context);
      const { kernels } = context;
      let bad = kernels.subtract_i64(a.values, step(a), b.values, step(b), rowCount, ticks, validity);
      if (bad < 0) bad = kernels.interval_from_ticks(ticks, 1, tickShape(type, context) + 8, rowCount, out, validity);
      if (bad >= 0) throw new DbError('numeric_overflow', 'overflow: the timestamps are more than 292 years apart');
      return result(INTERVAL, rowCount, out);
    },
  };
}

function daysBetween(): Overload {
  return {
    args: [DATE32, DATE32],
    type: INT32,
    evaluate: (context, args, rowCount, validity) => {
      const [a, b] = args as [Vector, Vector];
      const out = room(INT32, rowCount, context);
      const bad = context.kernels.subtract_i32(a.values, step(a), b.values, step(b), rowCount, out, validity);
      if (bad >= 0) throw new DbError('numeric_overflow', 'overflow: the dates are too far apart');
      return result(INT32, rowCount, out);
    },
  };
}

function dateAndDays(sign: 1 | -1, swapped: boolean): Overload {
  return {
    args: swapped ? [INT32, DATE32] : [DATE32, INT32],
    type: DATE32,
    evaluate: (context, args, rowCount, validity) => {
      const [date, days] = (swapped ? [args[1], args[0]] : args) as [Vector, Vector];
      const out = room(DATE32, rowCount, context);
      const kernel = sign === 1 ? context.kernels.add_i32 : context.kernels.subtract_i32;
      const bad = kernel(date.values, step(date), days.values, step(days), rowCount, out, validity);
      if (bad >= 0) throw new DbError('numeric_overflow', 'overflow: the date leaves the range of date32');
      return result(DATE32, rowCount, out);
    },
  };
}

function intervalSum(sign: 1 | -1): Overload {
  return {
    args: [INTERVAL, INTERVAL],
    type: INTERVAL,
    evaluate: (context, args, rowCount, validity) => {
      const [a, b] = args as [Vector, Vector];
      const out = room(INTERVAL, rowCount, context);
      const bad = context.kernels.add_interval(a.values, step(a), b.values, step(b), sign, rowCount, out, validity);
      if (bad >= 0) throw new DbError('numeric_overflow', 'overflow: the interval is out of range');
      return result(INTERVAL, rowCount, out);
    },
  };
}

function scaling(divide: boolean, swapped: boolean): Overload {
  return {
    args: swapped ? [FLOAT64, INTERVAL] : [INTERVAL, FLOAT64],
    type: INTERVAL,
    evaluate: (context, args, rowCount, validity) => {
      const [amount, factor] = (swapped ? [args[1], args[0]] : args) as [Vector, Vector];
      const out = room(INTERVAL, rowCount, context);
      const { kernels } = context;
      const bad = kernels.scale_interval(amount.values, step(amount), factor.values, step(factor), divide ? 1 : 0, rowCount, out, validity);
      if (bad >= 0) {
        const zero = divide && Number(valueAt(context.arena, factor, bad)) === 0;
        throw zero
          ? new DbError('division_by_zero', 'division by zero: an interval / 0')
          : new DbError('numeric_overflow', 'overflow: the interval is out of range');
      }
      return result(INTERVAL, rowCount, out);
    },
  };
}

function negation(): Overload {
  return {
    args: [INTERVAL],
    type: INTERVAL,
    evaluate: (context, [arg], rowCount, validity) => {
      const zero = context.scratch.allocate(16);
      context.arena.u8.fill(0, zero, zero + 16);
      const out = room(INTERVAL, rowCount, context);
      const bad = context.kernels.add_interval(zero, 0, (arg as Vector).values, step(arg as Vector), -1, rowCount, out, validity);
      if (bad >= 0) throw new DbError('numeric_overflow', 'overflow: the interval is out of range');
      return result(INTERVAL, rowCount, out);
    },
  };
}
