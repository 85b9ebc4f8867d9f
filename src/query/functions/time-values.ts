/** Times made from parts, text and numbers, and intervals taken to other forms. */
import type { IntervalValue, Value } from '../../core/batch.js';
import { systemEnvironment } from '../../core/environment.js';
import { DbError } from '../../core/errors.js';
import { BOOL, DATE32, type DataType, FLOAT64, INT64, INTERVAL, isText, TIMESTAMP_NS, TIMESTAMP_US, UTF8 } from '../../core/types.js';
import { civilFromDays, daysFromCivil } from '../../core/values.js';
import { zoneOffsetSeconds } from '../expression/zones.js';
import type { ArgumentType, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { addInterval, justified, justifyDays, justifyHours } from './interval-values.js';
import { float, integer, interval, oneOf, type Parameter, type Signature, text, timestamp } from './overloads.js';
import { type Compute, each, listOf, rowByRow } from './row-by-row.js';
import { type ReadTime, readByCodes, readByPatterns } from './time-parse.js';
import { implicitlyCasts } from './types.js';

const entry = entriesOf({ category: 'time' });
const UTC_US: DataType = { kind: 'timestamp', unit: 'us', timezone: 'UTC' };
const TIME_US: DataType = { kind: 'time64', unit: 'us' };
const micros: Parameter = (arg) => (timestamp(arg) ? TIMESTAMP_US : undefined);
const days: Parameter = (arg) => (arg.type.kind === 'date32' || implicitlyCasts(arg, DATE32) ? DATE32 : undefined);

const asInterval = (value: Value | undefined) => value as IntervalValue;

function microseconds(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e6));
}

// ---- by a format ----

function notRead(text: Value | undefined, format: Value | undefined): DbError {
  return new DbError('invalid_value', `'${String(text)}' is not of the form '${String(format)}'`);
}

type Read = (text: string, format: string) => ReadTime | undefined;

/** The first of one or several formats that fits; `safe` gives NULL where none does. */
function reading(read: Read, safe: boolean): Compute {
  return ([source, formats]) => {
    const all = Array.isArray(formats) ? (formats as readonly Value[]) : [formats ?? null];
    for (const format of all) {
      const time = format === null ? undefined : read(String(source), String(format));
      if (time) return time.nanoseconds / 1000n;
    }
    if (safe) return null;
    throw notRead(source, all[0]);
  };
}

const formatted = (safe: boolean) => [
  each([text, text], TIMESTAMP_US, reading(readByCodes, safe)),
  each([text, (arg) => (arg.type.kind === 'list' ? listOf(UTF8) : undefined)], TIMESTAMP_US, reading(readByCodes, safe)),
];

const dateByFormat: Compute = ([source, format]) => {
  const time = readByPatterns(String(source), String(format)) ?? undefined;
  if (!time) throw notRead(source, format);
  return Math.floor(Number(time.nanoseconds / 1_000_000_000n) / 86_400);
};

/** to_timestamp(text, format). */
export const timestampByFormat: Signature = each([text, text], UTC_US, (args, context) => momentByFormat(args, context));

const momentByFormat: Compute = ([source, format], context) => {
  const time = readByPatterns(String(source), String(format));
  if (!time) throw notRead(source, format);
  const ticks = time.nanoseconds / 1000n;
  return time.zoned ? ticks : ticks - BigInt(zoneOffsetSeconds(context.timezone, Number(ticks / 1_000_000n), 'local')) * 1_000_000n;
};

// ---- parts ----

const makeTime: Compute = ([hour, minute, second]) => {
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  if (!(h >= 0 && h <= 24 && m >= 0 && m < 60 && s >= 0 && s < 61))
    throw new DbError('invalid_value', `make_time(${h}, ${m}, ${s}): there is no such time`);
  return BigInt(h * 3600 + m * 60) * 1_000_000n + microseconds(s);
};

const makeInterval: Compute = ([years = 0n, months = 0n, weeks = 0n, ofDays = 0n, hours = 0n, minutes = 0n, seconds = 0]) => ({
  months: Number(years) * 12 + Number(months),
  days: Number(weeks) * 7 + Number(ofDays),
  nanoseconds: (BigInt(Number(hours) * 3600 + Number(minutes) * 60) * 1_000_000n + microseconds(Number(seconds))) * 1000n,
});

const makeZoned: Compute = ([year, month, day, hour, minute, second, zone], context) => {
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number) as [number, number, number, number, number, number];
  const start = daysFromCivil(y, mo, d);
  const civil = civilFromDays(start);
  if (civil[1] !== mo || civil[2] !== d || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s >= 61)
    throw new DbError('invalid_value', 'make_timestamptz: there is no such time');
  const local = start * 86_400 + h * 3600 + mi * 60;
  return BigInt(local - zoneOffsetSeconds(String(zone ?? context.timezone), local, 'local')) * 1_000_000n + microseconds(s);
};

/** to_days(n) and its kin. */
function unitInterval(
  name: string,
  shape: { readonly months?: number; readonly days?: number; readonly ns?: bigint },
  result: string,
): ScalarFunction {
  const compute: Compute = ([count]) => {
    const nanoseconds =
      shape.ns === undefined
        ? 0n
        : typeof count === 'number'
          ? BigInt(Math.round((count * Number(shape.ns)) / 1000)) * 1000n
          : (count as bigint) * shape.ns;
    return { months: Number(count) * (shape.months ?? 0), days: Number(count) * (shape.days ?? 0), nanoseconds };
  };
  const signatures = [each([integer], INTERVAL, compute), ...(shape.ns === undefined ? [] : [each([float], INTERVAL, compute)])];
  return entry(`to_${name}`, `An interval of so many ${name}.`, [{ sql: `to_${name}(2)`, result }], signatures);
}

// ---- comparing spans ----

/** (a, b) OVERLAPS (c, d): half-open spans; ends may stand in either order, or be intervals after the starts. */
function resolveOverlaps(args: readonly ArgumentType[]): Overload | undefined {
  const [a, b, c, d] = args;
  if (args.length !== 4 || !a || !b || !c || !d) return undefined;
  const span = (arg: ArgumentType): DataType | undefined => (arg.type.kind === 'interval' ? INTERVAL : micros(arg));
  const types = [micros(a), span(b), micros(c), span(d)];
  const known = types.filter((type) => type !== undefined);
  if (known.length !== 4) return undefined;
  const end = (start: Value | undefined, value: Value | undefined) =>
    typeof value === 'bigint' ? value : addInterval(start as bigint, asInterval(value), 'us');
  const evaluate = rowByRow(BOOL, ([a1, b1, c1, d1]) => {
    const [x1, x2] = ordered(a1 as bigint, end(a1, b1));
    const [y1, y2] = ordered(c1 as bigint, end(c1, d1));
    if (x1 === y1) return true;
    return x1 < y1 ? x2 > y1 : y2 > x1;
  });
  return { args: known, type: BOOL, evaluate };
}

function ordered(a: bigint, b: bigint): readonly [bigint, bigint] {
  return a <= b ? [a, b] : [b, a];
}

const UNIT_TICKS: Readonly<Record<string, bigint>> = {
  microsecond: 1n,
  millisecond: 1000n,
  second: 1_000_000n,
  minute: 60_000_000n,
  hour: 3_600_000_000n,
  day: 86_400_000_000n,
  week: 604_800_000_000n,
};
const UNIT_MONTHS: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12, decade: 120, century: 1200, millennium: 12_000 };

function singular(unit: Value | undefined): string {
  const name = String(unit).trim().toLowerCase();
  const plain = {
    centuries: 'century',
    millennia: 'millennium',
    us: 'microsecond',
    ms: 'millisecond',
    s: 'second',
    m: 'minute',
    h: 'hour',
    d: 'day',
    w: 'week',
    y: 'year',
  }[name];
  return plain ?? name.replace(/s$/, '');
}

/** Whole units from a to b. */
const wholeUnits: Compute = ([unit, from, to]) => {
  const name = singular(unit);
  const [a, b] = [from as bigint, to as bigint];
  const ticks = UNIT_TICKS[name];
  if (ticks !== undefined) return (b - a) / ticks;
  const months = UNIT_MONTHS[name];
  if (months === undefined) throw new DbError('invalid_argument', `date_sub does not know the unit '${String(unit)}'`);
  return BigInt(Math.trunc(wholeMonths(a, b) / months));
};

function wholeMonths(a: bigint, b: bigint): number {
  if (a > b) return -wholeMonths(b, a);
  const index = (ticks: bigint) => {
    const [year, month] = civilFromDays(Math.floor(Number(ticks / 1_000_000n) / 86_400));
    return year * 12 + month;
  };
  const count = index(b) - index(a);
  return addInterval(a, { months: count, days: 0, nanoseconds: 0n }, 'us') > b ? count - 1 : count;
}

// ---- names ----

const dayFormat = new Intl.DateTimeFormat('en-US', { weekday: 'long', timeZone: 'UTC' });
const monthFormat = new Intl.DateTimeFormat('en-US', { month: 'long', timeZone: 'UTC' });
const nameOf =
  (format: Intl.DateTimeFormat): Compute =>
  ([value]) =>
    format.format(Number(value) * 86_400_000);

/** The clock as it is now, for each call. */
const clock: Overload['evaluate'] = (context, _args, rowCount) =>
  rowByRow(TIMESTAMP_NS, () => systemEnvironment.nowNanoseconds(), 'seen')(context, [], rowCount, 0);

function intervalOf(
  name: string,
  doc: string,
  sql: string,
  result: string,
  change: (value: IntervalValue) => IntervalValue,
): ScalarFunction {
  return entry(name, doc, [{ sql, result }], [each([interval], INTERVAL, ([value]) => ({ ...change(asInterval(value)) }))]);
}

function daysInMonth(day: number): bigint {
  const [year, month] = civilFromDays(day);
  return BigInt(daysFromCivil(month === 12 ? year + 1 : year, (month % 12) + 1, 1) - daysFromCivil(year, month, 1));
}

const MICROSECONDS_PER_DAY = 86_400_000_000n;

/** A wait on memory that nobody writes, in pieces, so that the query can be stopped meanwhile. */
const PIECE_MS = 10;
const still = new Int32Array(new SharedArrayBuffer(4));

const slept: Compute = ([seconds], context) => {
  const end = systemEnvironment.monotonicMicroseconds() + Number(seconds) * 1e6;
  for (;;) {
    context.check?.();
    const leftMs = (end - systemEnvironment.monotonicMicroseconds()) / 1000;
    if (!(leftMs > 0)) return '';
    Atomics.wait(still, 0, 0, Math.min(PIECE_MS, leftMs));
  }
};

/** `Sat Feb 14 15:04:05.678901 2026 UTC` */
function clockText(): string {
  const now = systemEnvironment.nowNanoseconds() / 1000n;
  const [weekday = '', day = '', month = '', year = '', time = ''] = new Date(Number(now / 1000n))
    .toUTCString()
    .replace(',', '')
    .split(' ');
  return `${weekday} ${month} ${day} ${time}.${String(now % 1_000_000n).padStart(6, '0')} ${year} UTC`;
}

export const TIME_VALUE_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'days_in_month',
    'How many days the month has.',
    [{ sql: "days_in_month(DATE '2028-02-10')", result: '29' }],
    oneOf(
      each([days], INT64, ([day]) => daysInMonth(Number(day))),
      each([micros], INT64, ([moment]) =>
        daysInMonth(Number((moment as bigint) / MICROSECONDS_PER_DAY - ((moment as bigint) % MICROSECONDS_PER_DAY < 0n ? 1n : 0n))),
      ),
    ),
  ),
  entry(
    'timeofday',
    'The clock as text, read anew for every row.',
    [{ sql: "timeofday() LIKE '% UTC'", result: 'true' }],
    oneOf(each([], UTF8, clockText)),
    { volatile: true },
  ),
  entry(
    'pg_sleep',
    'Waits so many seconds, for every row; the result is empty.',
    [{ sql: 'length(pg_sleep(0.001))', result: '0' }],
    oneOf(each([float], UTF8, slept)),
    { volatile: true },
  ),
  entry(
    'strptime',
    'strptime(text, format): the timestamp that the text says; several formats are tried in turn. Codes as in strftime.',
    [
      { sql: "strptime('14/02/2026 03:04 PM', '%d/%m/%Y %I:%M %p')", result: '2026-02-14T15:04:00.000000Z' },
      { sql: "strptime('2026-02-14', ['%d.%m.%Y', '%Y-%m-%d'])", result: '2026-02-14T00:00:00.000000Z' },
    ],
    formatted(false),
  ),
  entry(
    'try_strptime',
    'As strptime; NULL for text of another form.',
    [{ sql: "try_strptime('x', '%Y')", result: 'NULL' }],
    formatted(true),
  ),
  entry(
    'to_date',
    "to_date(text, format) with PostgreSQL's patterns.",
    [{ sql: "to_date('14 Feb 2026', 'DD Mon YYYY')", result: '2026-02-14' }],
    [each([text, text], DATE32, dateByFormat)],
  ),
  entry(
    'make_time',
    'make_time(hour, minute, second).',
    [{ sql: 'make_time(13, 2, 3.5)', result: '13:02:03.500000' }],
    [each([integer, integer, float], TIME_US, makeTime)],
  ),
  entry(
    'make_interval',
    'make_interval(years, months, weeks, days, hours, minutes, seconds): as many of them as are given.',
    [{ sql: 'make_interval(0, 1, 0, 2, 3)', result: '1 mon 2 days 03:00:00' }],
    [1, 2, 3, 4, 5, 6, 7].map((count) => each([...new Array<Parameter>(6).fill(integer), float].slice(0, count), INTERVAL, makeInterval)),
  ),
  entry(
    'make_timestamptz',
    'make_timestamptz(year, month, day, hour, minute, second[, zone]): an instant from wall time.',
    [{ sql: "make_timestamptz(2026, 7, 1, 12, 0, 0, 'Europe/Berlin')", result: '2026-07-01T10:00:00.000000Z' }],
    [0, 1].map((more) => each([integer, integer, integer, integer, integer, float, ...(more === 1 ? [text] : [])], UTC_US, makeZoned)),
  ),
  entry(
    'make_timestamp_ns',
    'The timestamp of so many nanoseconds since the epoch.',
    [{ sql: 'make_timestamp_ns(1)', result: '1970-01-01T00:00:00.000000001Z' }],
    [each([integer], TIMESTAMP_NS, ([value]) => value ?? null)],
  ),
  entry(
    'make_timestamp_ms',
    'The timestamp of so many milliseconds since the epoch.',
    [{ sql: 'make_timestamp_ms(1)', result: '1970-01-01T00:00:00.001000Z' }],
    [each([integer], TIMESTAMP_US, ([value]) => (value as bigint) * 1000n)],
  ),
  unitInterval('microseconds', { ns: 1000n }, '00:00:00.000002'),
  unitInterval('milliseconds', { ns: 1_000_000n }, '00:00:00.002'),
  unitInterval('seconds', { ns: 1_000_000_000n }, '00:00:02'),
  unitInterval('minutes', { ns: 60_000_000_000n }, '00:02:00'),
  unitInterval('hours', { ns: 3_600_000_000_000n }, '02:00:00'),
  unitInterval('days', { days: 1 }, '2 days'),
  unitInterval('weeks', { days: 7 }, '14 days'),
  unitInterval('months', { months: 1 }, '2 mons'),
  unitInterval('quarters', { months: 3 }, '6 mons'),
  unitInterval('years', { months: 12 }, '2 years'),
  unitInterval('decades', { months: 120 }, '20 years'),
  unitInterval('centuries', { months: 1200 }, '200 years'),
  unitInterval('millennia', { months: 12_000 }, '2000 years'),
  intervalOf('justify_hours', '24 hours become a day.', "justify_hours(INTERVAL '50 hours')", '2 days 02:00:00', justifyHours),
  intervalOf('justify_days', '30 days become a month.', "justify_days(INTERVAL '65 days')", '2 mons 5 days', justifyDays),
  intervalOf(
    'justify_interval',
    'justify_hours and justify_days at once.',
    "justify_interval(INTERVAL '1 month -1 hour')",
    '29 days 23:00:00',
    ({ months, days: ofDays, nanoseconds }) => justified(BigInt(months * 30 + ofDays) * 86_400_000_000_000n + nanoseconds),
  ),
  entry(
    'overlaps',
    'True when two spans of time share a moment; each is a start, and an end or an interval.',
    [{ sql: "overlaps(DATE '2026-01-01', DATE '2026-02-01', DATE '2026-01-15', INTERVAL '1 day')", result: 'true' }],
    resolveOverlaps,
  ),
  entry(
    'dayname',
    'Name of the day.',
    [{ sql: "dayname(DATE '2026-02-14')", result: 'Saturday' }],
    [each([days], UTF8, nameOf(dayFormat)), each([micros], UTF8, ([value]) => dayFormat.format(Number((value as bigint) / 1000n)))],
  ),
  entry(
    'monthname',
    'Name of the month.',
    [{ sql: "monthname(DATE '2026-02-14')", result: 'February' }],
    [each([days], UTF8, nameOf(monthFormat)), each([micros], UTF8, ([value]) => monthFormat.format(Number((value as bigint) / 1000n)))],
  ),
  entry(
    'yearweek',
    'Year and week of the ISO calendar as one number.',
    [{ sql: "yearweek(DATE '2026-02-14')", result: '202607' }],
    [
      each([days], INT64, ([value]) => {
        const thursday = Number(value) - ((((Number(value) + 3) % 7) + 7) % 7) + 3;
        const [year] = civilFromDays(thursday);
        return BigInt(year * 100 + Math.floor((thursday - daysFromCivil(year, 1, 1)) / 7) + 1);
      }),
    ],
  ),
  entry(
    'julian',
    'Julian day.',
    [{ sql: "julian(DATE '2000-01-01')", result: '2451545' }],
    [
      each([days], FLOAT64, ([value]) => Number(value) + 2_440_588),
      each([micros], FLOAT64, ([value]) => Number(value as bigint) / 86_400e6 + 2_440_587.5 + 0.5),
    ],
  ),
  entry(
    'era',
    '1 for years after Christ, 0 before.',
    [{ sql: "era(DATE '2026-01-01')", result: '1' }],
    [each([days], INT64, ([value]) => (civilFromDays(Number(value))[0] > 0 ? 1n : 0n))],
  ),
  entry(
    'timezone_hour',
    "Hours of the session zone's offset at an instant.",
    [{ sql: 'timezone_hour(to_timestamp(0))', result: '0' }],
    [
      each([micros], INT64, ([value], context) =>
        BigInt(Math.trunc(zoneOffsetSeconds(context.timezone, Number((value as bigint) / 1_000_000n), 'utc') / 3600)),
      ),
    ],
  ),
  {
    ...entry(
      'clock_timestamp',
      'The time now, for each row anew.',
      [{ sql: 'clock_timestamp() >= now()', result: 'true' }],
      oneOf({ params: [], type: TIMESTAMP_NS, evaluate: clock }),
      ['statement_clock'],
    ),
    volatile: true,
    infallible: true,
  },
];

/** date_sub(unit, a, b): whole units between. date_diff counts starts of units. */
export function resolveWholeUnits(args: readonly ArgumentType[]): Overload | undefined {
  const [unit, from, to] = args;
  if (args.length !== 3 || !unit || !isText(unit.type) || !from || !to) return undefined;
  if (!micros(from) || !micros(to)) return undefined;
  return { args: [UTF8, TIMESTAMP_US, TIMESTAMP_US], type: INT64, evaluate: rowByRow(INT64, wholeUnits) };
}
