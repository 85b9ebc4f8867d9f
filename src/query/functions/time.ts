/** The clock, making and shifting times, differences, formatting, zones. */
import { flatVector, type Value, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { DATE32, type DataType, FLOAT64, INT64, INTERVAL, TIMESTAMP_NS, TIMESTAMP_US, UTF8 } from '../../core/types.js';
import { daysFromCivil } from '../../core/values.js';
import { castVector } from '../expression/cast.js';
import { castNumber } from '../expression/cast-number.js';
import { int64Slot } from '../expression/int64-slot.js';
import { constantVector, valuesOf, vectorOf } from '../expression/vector-values.js';
import { shiftZone } from '../expression/zone-shift.js';
import type { ArgumentType, EvaluationContext, FunctionExample, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { resolveNumberPattern } from './formatting.js';
import { float, integer, oneOf, result, room, type Signature, step, text, timestamp } from './overloads.js';
import { rowByRow } from './row-by-row.js';
import { resolveTemporal, tickShape } from './temporal-arithmetic.js';
import { truncateTimestamps } from './time-buckets.js';
import { formatTimestamp, postgresFormat } from './time-format.js';
import { constantArgument, ticksPerSecond, UNIT_MONTHS, UNIT_NANOSECONDS, unitArgument } from './time-units.js';
import { resolveWholeUnits, timestampByFormat } from './time-values.js';
import { wallTime } from './time-zones.js';
import { commonType } from './types.js';

const entry = entriesOf({ category: 'time' });

/** The statement's start, the same for all of its rows. */
function clock(
  name: string,
  type: DataType,
  of: (now: bigint) => Value,
  doc: string,
  examples: readonly FunctionExample[],
  aliases: readonly string[] = [],
): ScalarFunction {
  const evaluate: Overload['evaluate'] = (context, _args, rowCount) => constantVector(of(context.nowNanoseconds), type, rowCount, context);
  return { ...entry(name, doc, examples, oneOf({ params: [], type, evaluate }), aliases), infallible: true };
}

function floorDays(nanoseconds: bigint): number {
  return Math.floor(Number(nanoseconds / 1_000_000_000n) / 86_400);
}

// ---- making ----

const makeDate: Overload['evaluate'] = (context, [year, month, day], rowCount, validity) => {
  const { kernels } = context;
  const [y, m, d] = [year as Vector, month as Vector, day as Vector];
  const days = room(INT64, rowCount, context);
  const bad = kernels.make_days(y.values, step(y), m.values, step(m), d.values, step(d), rowCount, days, validity);
  if (bad >= 0) throw new DbError('invalid_value', 'make_date: there is no such day');
  return { ...castNumber(flatVector(INT64, rowCount, days), { kind: 'int32' }, false, context), type: DATE32 };
};

const makeTimestamp: Overload['evaluate'] = (context, args, rowCount) => {
  const columns = args.map((arg) => valuesOf(arg, context));
  const rows = Array.from({ length: rowCount }, (_, row) => {
    const fields = columns.map((column) => column[row] ?? null);
    if (fields.includes(null)) return null;
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields.map(Number);
    const days = daysFromCivil(year, month, day);
    const valid =
      month >= 1 &&
      month <= 12 &&
      day >= 1 &&
      day <= 31 &&
      hour >= 0 &&
      hour < 24 &&
      minute >= 0 &&
      minute < 60 &&
      second >= 0 &&
      second < 61;
    if (!valid || daysFromCivil(month === 12 ? year + 1 : year, (month % 12) + 1, 1) <= days) {
      throw new DbError('invalid_value', `make_timestamp(${fields.map(String).join(', ')}): there is no such time`);
    }
    return BigInt(days) * 86_400_000_000n + BigInt(hour * 3600 + minute * 60) * 1_000_000n + BigInt(Math.round(second * 1e6));
  });
  return vectorOf(rows, TIMESTAMP_US, context);
};

const UTC_TIMESTAMP: DataType = { kind: 'timestamp', unit: 'us', timezone: 'UTC' };

const fromEpoch: Overload['evaluate'] = (context, [seconds], rowCount, validity) => {
  const factor = context.scratch.allocate(8);
  context.arena.f64[factor / 8] = 1e6;
  const micros = room(FLOAT64, rowCount, context);
  context.kernels.multiply_f64((seconds as Vector).values, 1, factor, 0, rowCount, micros, 0);
  return { ...castNumber(flatVector(FLOAT64, rowCount, micros, validity), INT64, false, context), type: UTC_TIMESTAMP };
};

// ---- differences ----

function resolveAge(args: readonly ArgumentType[]): Overload | undefined {
  if (args.length === 1) {
    const type = args[0] && timestamp(args[0]);
    return (
      type && {
        args: [type],
        type: INTERVAL,
        evaluate: (context, [value], rowCount) => ageOf(midnight(type, rowCount, context), value as Vector, rowCount, context),
      }
    );
  }
  const type = args.length === 2 ? commonTimestamp(args) : undefined;
  return (
    type && {
      args: [type, type],
      type: INTERVAL,
      evaluate: (context, [a, b], rowCount) => ageOf(a as Vector, b as Vector, rowCount, context),
    }
  );
}

/** The type in which timestamps, dates and text literals meet. */
function commonTimestamp(args: readonly ArgumentType[]): DataType | undefined {
  const types = args.map(timestamp);
  if (types.includes(undefined)) return undefined;
  return commonType(types.map((type) => ({ type: type ?? TIMESTAMP_US, literal: false })));
}

function midnight(type: DataType, rowCount: number, context: EvaluationContext): Vector {
  const perDay = ticksPerSecond(type) * 86_400n;
  return constantVector(BigInt(floorDays(context.nowNanoseconds)) * perDay, type, rowCount, context);
}

function ageOf(later: Vector, earlier: Vector, rowCount: number, context: EvaluationContext): Vector {
  const out = room(INTERVAL, rowCount, context);
  const shape = tickShape(earlier.type, context);
  context.kernels.age_i64(later.values, step(later), earlier.values, step(earlier), shape, rowCount, out);
  return result(INTERVAL, rowCount, out);
}

/** Boundaries of the unit between a and b. */
const difference: Overload['evaluate'] = (context, [unitArg, from, to], rowCount, validity) => {
  const { kernels } = context;
  const unit = unitArgument('date_diff', unitArg, context);
  const starts = [to as Vector, from as Vector].map((vector) => {
    const length = vector.encoding === 'constant' ? 1 : rowCount;
    return {
      ...truncateTimestamps(unit, vector, undefined, length, context, length === rowCount ? validity : 0),
      encoding: vector.encoding,
    };
  }) as [Vector, Vector];
  const [b, a] = starts;
  const out = room(INT64, rowCount, context);
  const perSecond = ticksPerSecond(a.type);
  const months = UNIT_MONTHS[unit];
  if (months === undefined) {
    let bad = kernels.subtract_i64(b.values, step(b), a.values, step(a), rowCount, out, validity);
    const ticks = ((UNIT_NANOSECONDS[unit] ?? 1n) * perSecond) / 1_000_000_000n;
    if (ticks > 0n) kernels.divide_i64(out, 1, int64Slot(ticks, context), 0, rowCount, out, 0);
    else {
      const perTick = 1_000_000_000n / ((UNIT_NANOSECONDS[unit] ?? 1n) * perSecond);
      bad = Math.max(bad, kernels.multiply_i64(out, 1, int64Slot(perTick, context), 0, rowCount, out, validity));
    }
    if (bad >= 0) throw new DbError('numeric_overflow', 'overflow: the timestamps are too far apart for date_diff');
    return result(INT64, rowCount, out);
  }
  const perDay = int64Slot(perSecond * 86_400n, context);
  const other = room(INT64, rowCount, context);
  kernels.month_index_i64(b.values, step(b), perDay, rowCount, out);
  kernels.month_index_i64(a.values, step(a), perDay, rowCount, other);
  kernels.subtract_i64(out, 1, other, 1, rowCount, out, 0);
  kernels.divide_i64(out, 1, int64Slot(BigInt(months), context), 0, rowCount, out, 0);
  return result(INT64, rowCount, out);
};

function resolveDifference(args: readonly ArgumentType[]): Overload | undefined {
  const [unit, from, to] = args;
  const unitType = unit && text(unit);
  const type = from && to && args.length === 3 ? commonTimestamp([from, to]) : undefined;
  return unitType && type && { args: [unitType, type, type], type: INT64, evaluate: difference };
}

// ---- text and zones ----

/** Value by value; `format` is constant or a column. */
function formatting(write: (ticks: bigint, type: DataType, format: string) => string, swapped: boolean): Overload['evaluate'] {
  return (context, args, rowCount) => {
    const [moment, format] = (swapped ? [args[1], args[0]] : args) as [Vector, Vector];
    const wall = moment.encoding === 'constant' ? moment : wallTime(moment, rowCount, context);
    const texts = rowByRow(UTF8, ([value, pattern]) => write(value as bigint, moment.type, String(pattern)));
    return texts(context, [wall, format], rowCount, 0);
  };
}

/** A zone makes wall time an instant, and an instant wall time; the two arguments in either order. A constant zone becomes part of the type. */
function resolveAtTimeZone(args: readonly ArgumentType[]): Overload | undefined {
  const [first, second] = args;
  if (args.length !== 2 || !first || !second) return undefined;
  const swapped = first.type.kind === 'timestamp' || first.type.kind === 'date32';
  const [zoneArg, moment] = swapped ? [second, first] : [first, second];
  const zoneType = text(zoneArg);
  const type = timestamp(moment);
  if (!zoneType || type?.kind !== 'timestamp') return undefined;
  const naive = type.timezone === null;
  const name = typeof zoneArg.value === 'string' ? zoneArg.value : 'UTC';
  const shifted: DataType = { ...type, timezone: naive ? name : null };
  return {
    args: swapped ? [type, zoneType] : [zoneType, type],
    type: shifted,
    evaluate: (context, vectors, rowCount) => {
      const [zone, value] = swapped ? [vectors[1], vectors[0]] : vectors;
      const given = String(constantArgument('AT TIME ZONE', 'time zone', zone, context));
      return { ...shiftZone(value as Vector, given, naive ? 'from' : 'to', rowCount, context), type: shifted };
    },
  };
}

const lastDay: Signature = {
  params: [timestamp],
  type: DATE32,
  evaluate: (context, [value], rowCount, validity) => {
    const start = truncateTimestamps('month', value as Vector, undefined, rowCount, context, validity);
    const days = castVector({ ...start, type: { ...start.type, timezone: null } as DataType }, DATE32, false, context);
    const indices = room(INT64, rowCount, context);
    const perDay = int64Slot(1n, context);
    const wide = castNumber({ ...days, type: { kind: 'int32' } }, INT64, false, context);
    kernelsNextMonth(wide, indices, perDay, rowCount, context);
    return { ...castNumber(flatVector(INT64, rowCount, indices), { kind: 'int32' }, false, context), type: DATE32 };
  },
};

/** Day before the next month's first: 31 days after a month's first day always lie in the next month. */
function kernelsNextMonth(firstDays: Vector, out: number, perDay: number, rowCount: number, context: EvaluationContext): void {
  const { kernels } = context;
  kernels.add_i64(firstDays.values, 1, int64Slot(31n, context), 0, rowCount, out, 0);
  kernels.bucket_months_i64(out, 1, perDay, 1, 0, rowCount, out);
  kernels.subtract_i64(out, 1, int64Slot(1n, context), 0, rowCount, out, 0);
}

const AT = "TIMESTAMP '2026-02-14 15:04:05.678901'";

export const TIME_FUNCTIONS: readonly ScalarFunction[] = [
  clock(
    'now',
    TIMESTAMP_NS,
    (now) => now,
    'Start of the statement, in UTC.',
    [{ sql: 'now() = current_timestamp', result: 'true' }],
    [
      'current_timestamp',
      'localtimestamp',
      'transaction_timestamp',
      'statement_timestamp',
      'get_current_timestamp',
      'current_localtimestamp',
    ],
  ),
  clock(
    'today',
    DATE32,
    floorDays,
    'Day on which the statement started, in UTC.',
    [{ sql: 'today() <= now()', result: 'true' }],
    ['current_date'],
  ),
  clock(
    'current_time',
    { kind: 'time64', unit: 'us' },
    (now) => (now / 1000n) % 86_400_000_000n,
    'Time of day at which the statement started, in UTC.',
    [{ sql: 'current_time IS NOT NULL', result: 'true' }],
    ['localtime', 'current_localtime', 'get_current_time'],
  ),
  clock('yesterday', DATE32, (now) => floorDays(now) - 1, 'The day before today().', [{ sql: 'today() - yesterday()', result: '1' }]),
  entry(
    'make_date',
    'make_date(year, month, day).',
    [{ sql: 'make_date(2026, 2, 28)', result: '2026-02-28' }],
    oneOf({ params: [integer, integer, integer], type: DATE32, evaluate: makeDate }),
  ),
  entry(
    'make_timestamp',
    'make_timestamp(year, month, day, hour, minute, second).',
    [{ sql: 'make_timestamp(2026, 2, 28, 1, 2, 3.5)', result: '2026-02-28T01:02:03.500000Z' }],
    oneOf({ params: [integer, integer, integer, integer, integer, float], type: TIMESTAMP_US, evaluate: makeTimestamp }),
  ),
  entry(
    'to_timestamp',
    "Timestamp of seconds since the epoch; to_timestamp(text, format) with PostgreSQL's patterns, wall time of the session's zone.",
    [
      { sql: 'to_timestamp(1.5)', result: '1970-01-01T00:00:01.500000Z' },
      { sql: "to_timestamp('2026-02-14 15:04', 'YYYY-MM-DD HH24:MI')", result: '2026-02-14T15:04:00.000000Z' },
    ],
    [{ params: [float], type: UTC_TIMESTAMP, evaluate: fromEpoch }, timestampByFormat],
  ),
  entry(
    'age',
    'age(a, b): from b to a in years, months, days and time. age(b): until today.',
    [{ sql: "age(TIMESTAMP '2026-03-15', TIMESTAMP '2025-01-20')", result: '1 year 1 mon 26 days' }],
    resolveAge,
  ),
  entry(
    'date_add',
    'date_add(ts, interval): as ts + interval.',
    [{ sql: "date_add(TIMESTAMP '2026-01-01', INTERVAL '1 day')", result: '2026-01-02T00:00:00.000000Z' }],
    (args) => (args.length === 2 ? resolveTemporal('add', args) : undefined),
  ),
  entry(
    'date_sub',
    'date_sub(ts, interval): as ts - interval. date_sub(unit, a, b): whole units between a and b.',
    [
      { sql: "date_sub(TIMESTAMP '2026-01-01', INTERVAL '1 day')", result: '2025-12-31T00:00:00.000000Z' },
      { sql: "date_sub('month', DATE '2026-01-31', DATE '2026-03-30')", result: '1' },
    ],
    (args) => (args.length === 2 ? resolveTemporal('subtract', args) : resolveWholeUnits(args)),
    ['datesub', 'date_subtract'],
  ),
  entry(
    'date_diff',
    'date_diff(unit, a, b): how many starts of the unit lie between a and b.',
    [
      { sql: "date_diff('day', TIMESTAMP '2026-01-01 23:00:00', TIMESTAMP '2026-01-02 01:00:00')", result: '1' },
      { sql: "datediff('month', DATE '2025-12-31', DATE '2026-02-01')", result: '2' },
    ],
    resolveDifference,
    ['datediff', 'date_difference'],
  ),
  entry('last_day', 'Last day of the month.', [{ sql: "last_day(DATE '2028-02-10')", result: '2028-02-29' }], oneOf(lastDay)),
  entry(
    'strftime',
    'strftime(ts, format): %Y %m %d %H %M %S %f %g %n %j %a %A %b %B %p %I %y %u %w %V %G %F %T %z %Z %s %%.',
    [
      { sql: `strftime(${AT}, '%Y-%m-%d %H:%M:%S.%f')`, result: '2026-02-14 15:04:05.678901' },
      { sql: `strftime(${AT}, '%a %d %b, %I %p')`, result: 'Sat 14 Feb, 03 PM' },
    ],
    oneOf(
      { params: [timestamp, text], type: UTF8, evaluate: formatting(formatTimestamp, false) },
      { params: [text, timestamp], type: UTF8, evaluate: formatting(formatTimestamp, true) },
    ),
  ),
  entry(
    'to_char',
    "to_char(number, pattern) with 9 0 . , D G S MI PL PR FM EEEE; to_char(ts, format) with PostgreSQL's patterns YYYY MM DD HH24 HH12 MI SS MS US Mon Month Dy Day AM Q DDD IW.",
    [
      { sql: `to_char(${AT}, 'YYYY-MM-DD HH24:MI:SS.MS')`, result: '2026-02-14 15:04:05.678' },
      { sql: "to_char(1234.5, 'FM9,999.00')", result: '1,234.50' },
      { sql: "to_char(-7, '000')", result: '-007' },
    ],
    (args) =>
      resolveNumberPattern(args) ?? oneOf({ params: [timestamp, text], type: UTF8, evaluate: formatting(postgresFormat, false) })(args),
  ),
  entry(
    'at_time_zone',
    'ts AT TIME ZONE zone: wall time in the zone becomes an instant; an instant becomes wall time. The zone is a constant.',
    [
      { sql: "TIMESTAMP '2026-07-01 12:00:00' AT TIME ZONE 'Europe/Berlin'", result: '2026-07-01T10:00:00.000000Z' },
      { sql: "timezone('America/New_York', to_timestamp(0))", result: '1969-12-31T19:00:00.000000Z' },
    ],
    resolveAtTimeZone,
    ['timezone'],
  ),
];
