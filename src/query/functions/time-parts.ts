/** Parts of dates, times, timestamps and intervals: date_part (extract), year(), hour(), epoch(), …. */
import { flatVector, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, INT64, isText } from '../../core/types.js';
import { castVector } from '../expression/cast.js';
import { castNumber } from '../expression/cast-number.js';
import { int64Slot } from '../expression/int64-slot.js';
import type { ArgumentType, EvaluationContext, FunctionExample, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { kind, oneOf, type Parameter, result, room, type Signature, text, timestamp } from './overloads.js';
import { ticksPerSecond, UNIT_NAMES, unitArgument } from './time-units.js';
import { wallTime } from './time-zones.js';

/** As date_part_i64 numbers them. */
const CALENDAR_PARTS: Readonly<Record<string, number>> = {
  year: 0,
  quarter: 1,
  month: 2,
  day: 3,
  dow: 4,
  isodow: 5,
  doy: 6,
  week: 7,
  isoyear: 8,
  decade: 9,
  century: 10,
  millennium: 11,
};

/** [modulus in seconds, pieces of a second that one unit is (negative: seconds per unit)]. */
const CLOCK_PARTS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  hour: [86_400n, -3600n],
  minute: [3600n, -60n],
  second: [60n, 1n],
  millisecond: [60n, 1000n],
  microsecond: [60n, 1_000_000n],
  nanosecond: [60n, 1_000_000_000n],
};

const EPOCH_SCALES: Readonly<Record<string, bigint>> = { epoch_ms: 1000n, epoch_us: 1_000_000n, epoch_ns: 1_000_000_000n };

/** Days of date32 as int64 ticks of a day each, timestamps as their wall time's ticks. */
function ticksOf(vector: Vector, rowCount: number, context: EvaluationContext): Vector {
  if (vector.type.kind !== 'date32') return wallTime(vector, rowCount, context);
  return { ...castNumber({ ...vector, type: { kind: 'int32' } }, INT64, false, context), type: vector.type };
}

/** The part as int64 (seconds cut to whole ones). */
function integerPart(part: string, vector: Vector, rowCount: number, context: EvaluationContext): Vector {
  const { arena, kernels, scratch } = context;
  const out = room(INT64, rowCount, context);
  const { type } = vector;
  const calendar = CALENDAR_PARTS[part];
  const perSecond = ticksPerSecond(type);
  if (calendar !== undefined && type.kind !== 'time64') {
    const ticks = ticksOf(vector, rowCount, context);
    const perDay = type.kind === 'date32' ? 1n : perSecond * 86_400n;
    kernels.date_part_i64(calendar, ticks.values, 1, int64Slot(perDay, context), rowCount, out);
    return result(INT64, rowCount, out);
  }
  const clock = CLOCK_PARTS[part];
  if (!clock) throw unknownPart(part, type);
  if (type.kind === 'date32') return result(INT64, rowCount, zeros(rowCount, context));
  const ticks = ticksOf(vector, rowCount, context);
  const [modulus, pieces] = clock;
  const shape = scratch.allocate(24);
  arena.i64[shape / 8] = modulus * perSecond;
  // Both are powers of ten or the pieces negative, so one divides the other; the product must not leave int64.
  arena.i64[shape / 8 + 1] = pieces > perSecond ? pieces / perSecond : 1n;
  arena.i64[shape / 8 + 2] = pieces < 0n ? -pieces * perSecond : pieces > perSecond ? 1n : perSecond / pieces;
  kernels.clock_part_i64(ticks.values, 1, shape, rowCount, out);
  return result(INT64, rowCount, out);
}

function zeros(rowCount: number, context: EvaluationContext): number {
  return context.scratch.allocateZeroed(8 * rowCount);
}

function unknownPart(part: string, type: DataType): DbError {
  return new DbError('invalid_argument', `a ${type.kind} has no part '${part}'`);
}

/** Seconds since the epoch (time: since midnight; interval: in all) as float64. */
function epochSeconds(vector: Vector, rowCount: number, context: EvaluationContext): Vector {
  const { kernels } = context;
  const out = room(FLOAT64, rowCount, context);
  if (vector.type.kind === 'interval') {
    kernels.interval_epoch(vector.values, 1, rowCount, out);
    return result(FLOAT64, rowCount, out);
  }
  const days = vector.type.kind === 'date32';
  const ticks = days ? ticksOf(vector, rowCount, context) : vector;
  const floats = castNumber(flatVector(INT64, rowCount, ticks.values), FLOAT64, false, context);
  const scale = context.scratch.allocate(8);
  context.arena.f64[scale / 8] = days ? 86_400 : Number(ticksPerSecond(vector.type));
  const kernel = days ? kernels.multiply_f64 : kernels.divide_f64;
  kernel(floats.values, 1, scale, 0, rowCount, out, 0);
  return result(FLOAT64, rowCount, out);
}

/** Ticks of a timestamp since the epoch in another unit, as int64. */
function epochTicks(part: string, vector: Vector, rowCount: number, context: EvaluationContext): Vector {
  const units = { epoch_ms: 'ms', epoch_us: 'us', epoch_ns: 'ns' } as const;
  const unit = units[part as keyof typeof units];
  const type: DataType = { kind: 'timestamp', unit, timezone: null };
  const naive = vector.type.kind === 'timestamp' ? { ...vector, type: { ...vector.type, timezone: null } } : vector;
  return { ...castVector(naive, type, false, context), length: rowCount, type: INT64 };
}

function secondsWithFraction(vector: Vector, rowCount: number, context: EvaluationContext): Vector {
  const whole = integerPart('nanosecond', vector, rowCount, context);
  const floats = castNumber(whole, FLOAT64, false, context);
  const scale = context.scratch.allocate(8);
  context.arena.f64[scale / 8] = 1e9;
  context.kernels.divide_f64(floats.values, 1, scale, 0, rowCount, floats.values, 0);
  return floats;
}

/** Parts of an interval's three fields. */
function intervalPart(part: string, vector: Vector, rowCount: number, context: EvaluationContext): Vector {
  const { kernels } = context;
  const months: Readonly<Record<string, bigint>> = { year: 12n, decade: 120n, century: 1200n, millennium: 12_000n };
  const field = part === 'day' ? 1 : months[part] !== undefined || part === 'month' || part === 'quarter' ? 0 : 2;
  const out = room(INT64, rowCount, context);
  kernels.interval_part(field, vector.values, 1, rowCount, out);
  const divide = (divisor: bigint) => kernels.divide_i64(out, 1, int64Slot(divisor, context), 0, rowCount, out, 0);
  const modulo = (divisor: bigint) => kernels.modulo_i64(out, 1, int64Slot(divisor, context), 0, rowCount, out, 0);
  const perYear = months[part];
  if (perYear !== undefined) divide(perYear);
  else if (part === 'month') modulo(12n);
  else if (part === 'quarter') {
    modulo(12n);
    divide(3n);
    kernels.add_i64(out, 1, int64Slot(1n, context), 0, rowCount, out, 0);
  } else if (part === 'hour') divide(3_600_000_000_000n);
  else if (part === 'minute') {
    modulo(3_600_000_000_000n);
    divide(60_000_000_000n);
  } else if (CLOCK_PARTS[part]) {
    modulo(60_000_000_000n);
    divide({ second: 1_000_000_000n, millisecond: 1_000_000n, microsecond: 1000n }[part] ?? 1n);
  } else if (part !== 'day') throw unknownPart(part, vector.type);
  return result(INT64, rowCount, out);
}

function partOf(part: string, vector: Vector, rowCount: number, context: EvaluationContext): Vector {
  const asFloat = (integers: Vector) => castNumber(integers, FLOAT64, false, context);
  if (part === 'epoch') return epochSeconds(vector, rowCount, context);
  if (vector.type.kind === 'interval') return asFloat(intervalPart(part, vector, rowCount, context));
  if (EPOCH_SCALES[part] !== undefined) return asFloat(epochTicks(part, vector, rowCount, context));
  if (part === 'second') return secondsWithFraction(vector, rowCount, context);
  return asFloat(integerPart(part, vector, rowCount, context));
}

const time = kind('time64');
const date = kind('date32');
/** date_part reads a bare literal as a timestamp. */
const source: readonly Parameter[] = [date, time, kind('interval'), timestamp];

const datePart: Overload['evaluate'] = (context, [unit, value], rowCount) =>
  partOf(unitArgument('date_part', unit, context), value as Vector, rowCount, context);

const entry = entriesOf({ category: 'time' });

/** year(x), hour(x), …: the part as int64. */
function partFunction(
  part: string,
  doc: string,
  example: FunctionExample,
  takes: readonly Parameter[],
  aliases: readonly string[] = [],
): ScalarFunction {
  const signatures = takes.map(
    (param): Signature => ({
      params: [param],
      type: INT64,
      evaluate: (context, [value], rowCount) => {
        const vector = value as Vector;
        return vector.type.kind === 'interval'
          ? intervalPart(part, vector, rowCount, context)
          : integerPart(part, vector, rowCount, context);
      },
    }),
  );
  return entry(part, doc, [example], signatures, aliases);
}

function epochFunction(name: 'epoch_ms' | 'epoch_us' | 'epoch_ns', doc: string, example: FunctionExample): ScalarFunction {
  return entry(
    name,
    doc,
    [example],
    [{ params: [timestamp], type: INT64, evaluate: (context, [value], rowCount) => epochTicks(name, value as Vector, rowCount, context) }],
  );
}

const CALENDAR = [date, kind('interval'), timestamp];
const DAY_ONLY = [date, timestamp];
const CLOCK = [time, kind('interval'), date, timestamp];
const AT = "TIMESTAMP '2026-02-14 03:04:05.678901'";

/** A unit may be an unknown literal; only its type is known here. */
function resolvePart(args: readonly ArgumentType[]): Overload | undefined {
  const [unit] = args;
  if (args.length !== 2 || !unit || !(isText(unit.type) || unit.type.kind === 'null')) return undefined;
  return oneOf(...source.map((param): Signature => ({ params: [text, param], type: FLOAT64, evaluate: datePart })))(args);
}

export const TIME_PART_FUNCTIONS: readonly ScalarFunction[] = [
  {
    name: 'date_part',
    aliases: ['datepart'],
    category: 'time',
    nulls: 'strict',
    doc: `date_part(unit, x), also extract(unit FROM x): a part of a date, time, timestamp or interval as float64. Units: ${[...new Set(Object.values(UNIT_NAMES))].filter((unit) => unit !== 'julian').join(', ')}.`,
    examples: [
      { sql: `extract(year FROM ${AT})`, result: '2026' },
      { sql: `date_part('second', ${AT})`, result: '5.678901' },
      { sql: `date_part('epoch', TIMESTAMP '1970-01-02 00:00:00.5')`, result: '86400.5' },
      { sql: `date_part('week', DATE '2027-01-01')`, result: '53' },
      { sql: `extract(hour FROM INTERVAL '26 hours')`, result: '26' },
    ],
    resolve: resolvePart,
  },
  partFunction('year', 'Year.', { sql: `year(${AT})`, result: '2026' }, CALENDAR),
  partFunction('century', 'Century; the 21st began with 2001.', { sql: `century(${AT})`, result: '21' }, CALENDAR),
  partFunction('decade', 'The year divided by 10.', { sql: `decade(${AT})`, result: '202' }, CALENDAR),
  partFunction('millennium', 'Millennium; the third began with 2001.', { sql: `millennium(${AT})`, result: '3' }, CALENDAR),
  partFunction('quarter', 'Quarter of the year, 1 to 4.', { sql: `quarter(${AT})`, result: '1' }, CALENDAR),
  partFunction('month', 'Month, 1 to 12.', { sql: `month(${AT})`, result: '2' }, CALENDAR),
  partFunction('week', 'Week of the ISO year, 1 to 53.', { sql: `week(${AT})`, result: '7' }, DAY_ONLY, ['weekofyear']),
  partFunction('day', 'Day of the month.', { sql: `day(${AT})`, result: '14' }, CALENDAR, ['dayofmonth']),
  partFunction('dow', 'Day of the week, Sunday 0 to Saturday 6.', { sql: `dow(${AT})`, result: '6' }, DAY_ONLY, ['dayofweek', 'weekday']),
  partFunction('isodow', 'Day of the week, Monday 1 to Sunday 7.', { sql: `isodow(${AT})`, result: '6' }, DAY_ONLY),
  partFunction('doy', 'Day of the year.', { sql: `doy(${AT})`, result: '45' }, DAY_ONLY, ['dayofyear']),
  partFunction('isoyear', 'Year that the ISO week belongs to.', { sql: `isoyear(DATE '2027-01-01')`, result: '2026' }, DAY_ONLY),
  partFunction('hour', 'Hour, 0 to 23.', { sql: `hour(${AT})`, result: '3' }, CLOCK),
  partFunction('minute', 'Minute, 0 to 59.', { sql: `minute(${AT})`, result: '4' }, CLOCK),
  partFunction('second', 'Whole seconds, 0 to 59.', { sql: `second(${AT})`, result: '5' }, CLOCK),
  partFunction('millisecond', 'Seconds of the minute in milliseconds.', { sql: `millisecond(${AT})`, result: '5678' }, CLOCK, [
    'milliseconds',
  ]),
  partFunction('microsecond', 'Seconds of the minute in microseconds.', { sql: `microsecond(${AT})`, result: '5678901' }, CLOCK, [
    'microseconds',
  ]),
  partFunction('nanosecond', 'Seconds of the minute in nanoseconds.', { sql: `nanosecond(${AT})`, result: '5678901000' }, CLOCK, [
    'nanoseconds',
  ]),
  entry(
    'epoch',
    'Seconds since 1970-01-01T00:00:00Z as float64; of an interval, its length.',
    [{ sql: "epoch(TIMESTAMP '1970-01-01 00:01:00')", result: '60' }],
    [date, time, kind('interval'), timestamp].map(
      (param): Signature => ({
        params: [param],
        type: FLOAT64,
        evaluate: (context, [value], rowCount) => epochSeconds(value as Vector, rowCount, context),
      }),
    ),
  ),
  epochFunction('epoch_ms', 'Milliseconds since the epoch.', { sql: "epoch_ms(TIMESTAMP '1970-01-01 00:00:01')", result: '1000' }),
  epochFunction('epoch_us', 'Microseconds since the epoch.', { sql: "epoch_us(TIMESTAMP '1970-01-01 00:00:01')", result: '1000000' }),
  epochFunction('epoch_ns', 'Nanoseconds since the epoch.', { sql: "epoch_ns(TIMESTAMP '1970-01-01 00:00:01')", result: '1000000000' }),
];
