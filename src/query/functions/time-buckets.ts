/** Cutting time into buckets: date_trunc, time_bucket, date_bin, xbar. Zoned timestamps are cut in the calendar of their zone. */
import type { IntervalValue, Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, INT64, INTERVAL, isInteger, isNumeric, isText } from '../../core/types.js';
import { int64Slot } from '../expression/int64-slot.js';
import { asConstant } from '../expression/vector-values.js';
import type { BucketGrid, BucketWidth } from '../plan/buckets.js';
import type { ColumnExpression, Expression } from '../plan/expression.js';
import { bucketVector, bucketVectorSince, gridAt, NS_PER_DAY, NS_PER_SECOND, widthOf } from './bucket-grid.js';
import type { ArgumentType, EvaluationContext, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { float, integer, interval, oneOf, type Parameter, result, room, type Signature, step, text, timestamp } from './overloads.js';
import { constantArgument, ticksPerSecond, UNIT_MONTHS, UNIT_NAMES, UNIT_NANOSECONDS, unitArgument } from './time-units.js';
import { calendarZone } from './time-zones.js';
import { commonType } from './types.js';

/** Weeks start on Monday: 1970-01-05. */
const MONDAY_NANOSECONDS = 4n * NS_PER_DAY;
/** Centuries and millennia start in the year 1. */
const YEAR_ONE_MONTH = 12;

function gridOfUnit(unit: string, zone: string | undefined): BucketGrid {
  const months = UNIT_MONTHS[unit];
  const nanoseconds = UNIT_NANOSECONDS[unit];
  if (months !== undefined) {
    const originMonth = unit === 'century' || unit === 'millennium' ? YEAR_ONE_MONTH : 0;
    return { width: { months }, originNanoseconds: 0n, originMonth, zone };
  }
  if (nanoseconds === undefined) throw new DbError('invalid_argument', `date_trunc does not know the unit '${unit}'`);
  return { width: { nanoseconds }, originNanoseconds: unit === 'week' ? MONDAY_NANOSECONDS : 0n, originMonth: 0, zone };
}

/** Start of the unit that each timestamp lies in. */
export function truncateTimestamps(
  unit: string,
  vector: Vector,
  zone: string | undefined,
  rowCount: number,
  context: EvaluationContext,
  validity: number,
): Vector {
  return bucketVector('date_trunc', vector, gridOfUnit(unit, zoneName(zone ?? calendarZone(vector.type))), rowCount, context, validity);
}

/** UTC needs no zone. */
function zoneName(zone: string | undefined): string | undefined {
  return zone !== undefined && ['utc', 'z', 'gmt', 'etc/utc'].includes(zone.toLowerCase()) ? undefined : zone;
}

function constantWidth(name: string, vector: Vector | undefined, context: EvaluationContext): BucketWidth {
  return widthOf(name, constantArgument(name, 'width', vector, context) as IntervalValue);
}

/** `since`: where buckets count from without an origin. What follows width and time: a zone, an origin, an offset, in any order. */
function bucketed(name: string, since: '2000' | 'epoch', swapped = false): Overload['evaluate'] {
  return (context, args, rowCount, validity) => {
    const [widthArg, value] = (swapped ? [args[1], args[0]] : args) as [Vector, Vector];
    const more = args.slice(2);
    const [zone, origin, offset] = [
      constantOf(name, 'time zone', more, (type) => isText(type), context) as string | undefined,
      constantOf(name, 'origin', more, (type) => type.kind === 'timestamp', context) as bigint | undefined,
      constantOf(name, 'offset', more, (type) => type.kind === 'interval', context) as IntervalValue | undefined,
    ];
    const width = constantWidth(name, widthArg, context);
    const given = origin === undefined ? undefined : inNanoseconds(origin, more.find((arg) => arg.type.kind === 'timestamp') as Vector);
    const from = given ?? (since === 'epoch' ? 0n : undefined);
    const grid = gridAt(width, zoneName(zone ?? calendarZone(value.type)), from, offset ?? null);
    return bucketVector(name, value, grid, rowCount, context, validity);
  };
}

function constantOf(name: string, what: string, args: readonly Vector[], is: (type: DataType) => boolean, context: EvaluationContext) {
  const vector = args.find((arg) => is(arg.type));
  return vector === undefined ? undefined : constantArgument(name, what, vector, context);
}

function inNanoseconds(ticks: bigint, { type }: Vector): bigint {
  return ticks * (NS_PER_SECOND / ticksPerSecond(type));
}

/** The grid that a call cuts a column by, where everything but the column is written out; null: it cannot be told beforehand. */
export function gridOfCall(call: Expression): { readonly time: ColumnExpression; readonly grid: BucketGrid } | null {
  if (call.kind !== 'call') return null;
  const time = call.args.find((arg) => arg.kind === 'column');
  const constants = call.args.filter((arg) => arg.kind === 'literal');
  if (time?.kind !== 'column' || time.type.kind !== 'timestamp' || constants.length !== call.args.length - 1) return null;
  const of = (is: (type: DataType) => boolean) => constants.find((arg) => is(arg.type))?.value ?? undefined;
  const zoned = calendarZone(time.type);
  if (call.function === 'date_trunc') {
    const [unit, zone] = constants.map((arg) => String(arg.value));
    const name = UNIT_NAMES[(unit ?? '').trim().toLowerCase()] ?? '';
    if (!(name in UNIT_MONTHS) && !(name in UNIT_NANOSECONDS)) return null;
    return withUnit(time, gridOfUnit(name, zoneName(zone ?? zoned)));
  }
  if (!['time_bucket', 'date_bin', 'xbar'].includes(call.function)) return null;
  const [size, moved] = constants.filter((arg) => arg.type.kind === 'interval').map((arg) => arg.value as IntervalValue | null);
  const origin = constants.find((arg) => arg.type.kind === 'timestamp');
  const zone = of(isText);
  if (!size || constants.some((arg) => arg.value === null)) return null;
  if (size.months < 0 || (size.months !== 0 && (size.days !== 0 || size.nanoseconds !== 0n))) return null;
  if (size.months === 0 && BigInt(size.days) * NS_PER_DAY + size.nanoseconds <= 0n) return null;
  const from = typeof origin?.value === 'bigint' ? origin.value * (NS_PER_SECOND / ticksPerSecond(origin.type)) : undefined;
  const since = from ?? (call.function === 'time_bucket' ? undefined : 0n);
  return withUnit(time, gridAt(widthOf(call.function, size), zoneName(zone === undefined ? zoned : String(zone)), since, moved ?? null));
}

/** Null where the unit of the time is too coarse for the width. */
function withUnit(time: ColumnExpression, grid: BucketGrid): { readonly time: ColumnExpression; readonly grid: BucketGrid } | null {
  const tick = NS_PER_SECOND / ticksPerSecond(time.type);
  return 'months' in grid.width || grid.width.nanoseconds % tick === 0n ? { time, grid } : null;
}

/** A bare text as the third argument of time_bucket is an origin, an offset or a zone, by how it looks. */
function looksLike(what: 'origin' | 'offset' | 'zone'): Parameter {
  return (arg) => {
    if (!isText(arg.type)) {
      if (what === 'origin') return arg.type.kind === 'timestamp' || arg.type.kind === 'date32' ? timestamp(arg) : undefined;
      return what === 'offset' && arg.type.kind === 'interval' ? INTERVAL : undefined;
    }
    const value = typeof arg.value === 'string' ? arg.value.trim() : '';
    const kindOfText = /^\d{4}-\d/.test(value) ? 'origin' : /^[-+@]?\s*[\dP]/.test(value) ? 'offset' : 'zone';
    if (!arg.literal) return what === 'zone' ? arg.type : undefined;
    if (kindOfText !== what) return undefined;
    return what === 'origin' ? timestamp(arg) : what === 'offset' ? INTERVAL : arg.type;
  };
}

const sameAsSecond = (args: readonly DataType[]): DataType => args[1] as DataType;

type Extra = 'origin' | 'offset' | 'zone';

/** Each of them at most once, in any order. */
function orders(of: readonly Extra[]): readonly (readonly Extra[])[] {
  return [[], ...of.flatMap((first) => orders(of.filter((each) => each !== first)).map((rest) => [first, ...rest]))];
}

function bucketSignatures(name: string, since: '2000' | 'epoch', extras: readonly Extra[]): readonly Signature[] {
  const evaluate = bucketed(name, since);
  return orders(extras).map(
    (order): Signature => ({ params: [interval, timestamp, ...order.map(looksLike)], type: sameAsSecond, evaluate }),
  );
}

// ---- numbers ----

function numberBucket(name: string, widthFirst: boolean): (args: readonly ArgumentType[]) => Overload | undefined {
  return (args) => {
    if (args.length !== 2 || !args.every((arg) => isNumeric(arg.type))) return undefined;
    const type = args.every((arg) => isInteger(arg.type)) ? INT64 : FLOAT64;
    if (type === INT64 && commonType(args)?.kind === 'decimal') return undefined;
    const param = type === INT64 ? integer : float;
    const evaluate: Overload['evaluate'] = (context, vectors, rowCount, validity) => {
      const [width, value] = (widthFirst ? vectors : [vectors[1], vectors[0]]) as [Vector, Vector];
      const size = constantArgument(name, 'width', width, context);
      if (Number(size) <= 0 || Number.isNaN(Number(size)))
        throw new DbError('invalid_argument', `the width of ${name} must be more than 0`);
      const out = room(type, rowCount, context);
      if (type === FLOAT64) context.kernels.bucket_f64(value.values, step(value), Number(size), 0, rowCount, out);
      else {
        const origin = int64Slot(0n, context);
        const bad = context.kernels.bucket_i64(value.values, step(value), width.values, origin, rowCount, out, validity);
        if (bad >= 0) throw new DbError('numeric_overflow', `overflow: a bucket of ${name} starts before the range of int64`);
      }
      return result(type, rowCount, out);
    };
    return oneOf({ params: [param, param], type, evaluate })(args);
  };
}

const truncate: Overload['evaluate'] = (context, [unit, value, zone], rowCount, validity) => {
  const name = unitArgument('date_trunc', unit, context);
  const given = zone ? String(constantArgument('date_trunc', 'time zone', zone, context)) : undefined;
  const vector = value as Vector;
  const cutVector = truncateTimestamps(name, vector, given, vector.encoding === 'constant' ? 1 : rowCount, context, validity);
  return vector.encoding === 'constant' ? asConstant(cutVector, rowCount, context) : cutVector;
};

/** date_trunc of an interval sets its smaller fields to zero. */
const truncateInterval: Overload['evaluate'] = (context, [unit, value], rowCount) => {
  const name = unitArgument('date_trunc', unit, context);
  const { arena, kernels } = context;
  const vector = value as Vector;
  const months = UNIT_MONTHS[name];
  const nanoseconds = UNIT_NANOSECONDS[name];
  const out = room(INTERVAL, rowCount, context);
  kernels.copy_bytes(out, vector.values, 16 * rowCount);
  for (let row = 0; row < rowCount; row++) {
    const at = out + 16 * row;
    if (months !== undefined) arena.i32[at / 4] = Math.trunc((arena.i32[at / 4] as number) / months) * months;
    if (months !== undefined) arena.i32[at / 4 + 1] = 0;
    if (name === 'week') arena.i32[at / 4 + 1] = Math.trunc((arena.i32[at / 4 + 1] as number) / 7) * 7;
    const ns = arena.i64[at / 8 + 1] as bigint;
    const whole = nanoseconds === undefined || nanoseconds >= NS_PER_DAY ? 0n : ns - (ns % nanoseconds);
    arena.i64[at / 8 + 1] = whole;
  }
  return result(INTERVAL, rowCount, out);
};

const entry = entriesOf({ category: 'time' });

const timeBucket = oneOf(...bucketSignatures('time_bucket', '2000', ['origin', 'offset', 'zone']));
const dateBin = oneOf(...bucketSignatures('date_bin', 'epoch', ['origin', 'offset', 'zone']));
const xbar = oneOf(
  { params: [timestamp, interval], type: (args) => args[0] as DataType, evaluate: bucketed('xbar', 'epoch', true) },
  { params: [interval, timestamp], type: sameAsSecond, evaluate: bucketed('xbar', 'epoch') },
);
/** Counted from an origin that may differ from row to row. */
const bucketSince: Overload['evaluate'] = (context, [width, value, origin], rowCount, validity) => {
  const since = constantWidth('time_bucket_since', width, context);
  const [time, start] = [value, origin] as [Vector, Vector];
  return result(time.type, rowCount, bucketVectorSince(time, start, since, rowCount, context, validity));
};
const timestampsAlike = (args: readonly ArgumentType[]): Overload | undefined => {
  const [width, value, origin] = args;
  const type = value && timestamp(value);
  if (args.length !== 3 || !width || !type || !origin || !interval(width) || !timestamp(origin)) return undefined;
  return { args: [INTERVAL, type, type], type, evaluate: bucketSince };
};
const intervalParameter: Parameter = (arg) => (arg.type.kind === 'interval' ? INTERVAL : undefined);

export const TIME_BUCKET_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'date_trunc',
    'date_trunc(unit, ts[, zone]): start of the unit that ts lies in. Weeks start on Monday; zoned timestamps are cut in their zone.',
    [
      { sql: "date_trunc('hour', TIMESTAMP '2026-02-14 03:04:05')", result: '2026-02-14T03:00:00.000000Z' },
      { sql: "date_trunc('week', TIMESTAMP '2026-02-14 03:04:05')", result: '2026-02-09T00:00:00.000000Z' },
      { sql: "date_trunc('quarter', DATE '2026-05-20')", result: '2026-04-01T00:00:00.000000Z' },
      { sql: "date_trunc('century', TIMESTAMP '2026-02-14')", result: '2001-01-01T00:00:00.000000Z' },
      { sql: "date_trunc('day', TIMESTAMP '2026-07-01 23:30:00', 'Europe/Berlin')", result: '2026-07-01T22:00:00.000000Z' },
    ],
    oneOf(
      { params: [text, intervalParameter], type: INTERVAL, evaluate: truncateInterval },
      { params: [text, timestamp], type: sameAsSecond, evaluate: truncate },
      { params: [text, timestamp, text], type: sameAsSecond, evaluate: truncate },
    ),
    ['datetrunc'],
  ),
  entry(
    'time_bucket',
    'time_bucket(width, ts[, origin][, offset][, zone]): start of the bucket that ts lies in, counted from Monday 2000-01-03 (months: from 2000-01). What follows ts stands in any order. Also of integers.',
    [
      { sql: "time_bucket('5 minutes', TIMESTAMP '2026-01-01 00:07:30')", result: '2026-01-01T00:05:00.000000Z' },
      { sql: "time_bucket('1h', TIMESTAMP '2026-01-01 00:20:00', INTERVAL '30 minutes')", result: '2025-12-31T23:30:00.000000Z' },
      { sql: "time_bucket('3 months', TIMESTAMP '2026-05-20')", result: '2026-04-01T00:00:00.000000Z' },
      {
        sql: "time_bucket('1 day', TIMESTAMP '2026-01-01 12:00:00', TIMESTAMP '2000-01-01 06:00:00')",
        result: '2026-01-01T06:00:00.000000Z',
      },
      { sql: 'time_bucket(10, 27)', result: '20' },
    ],
    (args) => timeBucket(args) ?? numberBucket('time_bucket', true)(args),
  ),
  entry(
    'time_bucket_since',
    'time_bucket_since(width, ts, origin): start of the bucket that ts lies in, counted from an origin that may differ from row to row.',
    [
      {
        sql: "time_bucket_since('5 minutes', TIMESTAMP '2026-01-01 00:07:30', TIMESTAMP '2026-01-01 00:01:10')",
        result: '2026-01-01T00:06:10.000000Z',
      },
    ],
    timestampsAlike,
  ),
  entry(
    'date_bin',
    'date_bin(stride, ts[, origin]): start of the bucket that ts lies in, counted from the origin (1970-01-01).',
    [{ sql: "date_bin('15 minutes', TIMESTAMP '2026-02-11 15:44:17', TIMESTAMP '2001-01-01')", result: '2026-02-11T15:30:00.000000Z' }],
    dateBin,
  ),
  entry(
    'xbar',
    'xbar(ts, width) or xbar(width, ts): start of the bucket counted from 1970-01-01; xbar(number, width): the multiple of width below.',
    [
      { sql: "xbar(TIMESTAMP '2026-01-01 00:07:30', INTERVAL '5 minutes')", result: '2026-01-01T00:05:00.000000Z' },
      { sql: "xbar(5m, TIMESTAMP '2026-01-01 00:07:30')", result: '2026-01-01T00:05:00.000000Z' },
      { sql: 'xbar(17, 5)', result: '15' },
      { sql: 'xbar(1.3, 0.5)', result: '1' },
    ],
    (args) => xbar(args) ?? numberBucket('xbar', false)(args),
  ),
];
