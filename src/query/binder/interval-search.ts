/** Interval search: `ts IN '2026-01'`, `'2026-01-01T10;1h'`, `'2026-01-01T10;1h;1d;3'` become ranges of the timestamp, which prune segments. */
import type { IntervalValue } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, type TimeUnit, UNITS_PER_SECOND } from '../../core/types.js';
import { parseInterval, parseTimestamp } from '../expression/literals.js';
import { addInterval } from '../functions/interval-values.js';
import type { Expression } from '../plan/expression.js';
import type { Clause } from './context.js';
import { conjunction, disjunction, literal } from './expressions.js';

/** Ranges that one text may stand for. */
const MOST_RANGES = 10_000;

const PARTIAL =
  /^\s*(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?)?)?)?(Z)?\s*(?:;\s*([^;]+?)\s*)?(?:;\s*([^;]+?)\s*;\s*(\d+)\s*)?$/;

/** Units of QuestDB, of which M and m differ. */
const LETTERS: Readonly<Record<string, string>> = {
  y: 'years',
  M: 'months',
  w: 'weeks',
  d: 'days',
  h: 'hours',
  H: 'hours',
  m: 'minutes',
  s: 'seconds',
  T: 'milliseconds',
  U: 'microseconds',
  u: 'microseconds',
  N: 'nanoseconds',
  n: 'nanoseconds',
};

/** [start, end) in ticks. */
interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

type Timestamp = Extract<DataType, { kind: 'timestamp' }>;

/** `interval [; duration [; period; count]]`. Undefined for a text that is no interval. */
export function intervalSearch(operand: Expression, text: string, position: number, clause: Clause): Expression | undefined {
  const match = PARTIAL.exec(text);
  const { type } = operand;
  if (!match || type.kind !== 'timestamp') return undefined;
  const ranges = merged(rangesOf(match, type, position));
  const { call } = clause.context;
  const bound = (name: 'ge' | 'lt', ticks: bigint) => call(name, [operand, literal(ticks, type, position)], position);
  const tests = ranges.map(({ start, end }) => conjunction([bound('ge', start), bound('lt', end)]));
  const [first, last] = [ranges[0], ranges.at(-1)];
  if (!first || !last) return literal(false, { kind: 'bool' }, position);
  if (ranges.length === 1) return tests[0];
  // The bounds of all of them let sorted rows be searched.
  return conjunction([bound('ge', first.start), bound('lt', last.end), disjunction(tests)]);
}

function rangesOf(match: RegExpExecArray, type: Timestamp, position: number): readonly Range[] {
  const { unit } = type;
  const { start, end } = partialRange(match, type, position);
  const duration = match[9] === undefined ? null : durationOf(match[9], position);
  const first = { start, end: duration ? addInterval(end, duration, unit) : end };
  if (match[10] === undefined) return [first];
  const period = durationOf(match[10], position);
  const count = Number(match[11]);
  if (count < 1 || count > MOST_RANGES)
    throw new DbError('invalid_value', `an interval is repeated 1 to ${MOST_RANGES} times, not ${match[11]}`, { position });
  return Array.from({ length: count }, (_, i) => {
    const by = { months: period.months * i, days: period.days * i, nanoseconds: period.nanoseconds * BigInt(i) };
    return { start: addInterval(first.start, by, unit), end: addInterval(first.end, by, unit) };
  });
}

/** A year, month, day, hour, minute, second, or tenth … billionth of one. */
function partialRange(match: RegExpExecArray, type: Timestamp, position: number): Range {
  const parts = match.slice(1, 7).map((part) => (part === undefined ? undefined : Number(part)));
  const known = parts.filter((part) => part !== undefined).length;
  const numbers = parts.map((part, i) => part ?? (i < 3 ? 1 : 0));
  const zone = match[8] === undefined ? type.timezone : null;
  const whole = ticksOf(numbers, numbers, type.unit, zone, match[0], position);
  const fraction = match[7];
  if (fraction !== undefined) {
    const perSecond = UNITS_PER_SECOND[type.unit];
    const parts = 10n ** BigInt(fraction.length);
    const start = whole + (BigInt(fraction) * perSecond) / parts;
    // Finer than the type: no time is that.
    if ((BigInt(fraction) * perSecond) % parts !== 0n) return { start: start + 1n, end: start + 1n };
    return { start, end: start + (perSecond > parts ? perSecond / parts : 1n) };
  }
  const next = numbers.map((part, i) => (i === known - 1 ? part + 1 : part));
  return { start: whole, end: ticksOf(next, numbers, type.unit, zone, match[0], position) };
}

/** `written`: the fields that must be a date, of which parts may be the successor. */
function ticksOf(
  parts: readonly number[],
  written: readonly number[],
  unit: TimeUnit,
  timezone: string | null,
  text: string,
  position: number,
): bigint {
  const [year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts;
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const own = new Date(Date.UTC(written[0] ?? 0, (written[1] ?? 1) - 1, written[2] ?? 1));
  const isDate = own.getUTCMonth() + 1 === (written[1] ?? 1) && own.getUTCDate() === (written[2] ?? 1);
  if (!isDate || (written[3] ?? 0) > 23 || (written[4] ?? 0) > 59 || (written[5] ?? 0) > 59)
    throw new DbError('invalid_value', `'${text.trim()}' is not an interval of time`, { position });
  return parseTimestamp(date.toISOString().replace('Z', ''), unit, timezone);
}

function durationOf(text: string, position: number): IntervalValue {
  const short = /^([+-]?\d+)\s*([A-Za-z])$/.exec(text);
  const unit = short && LETTERS[short[2] ?? ''];
  try {
    return { ...parseInterval(unit ? `${short[1]} ${unit}` : text) };
  } catch (error) {
    throw new DbError('invalid_value', `'${text}' is not a duration`, { position, hint: "write '1h', '30m' or '1d'", cause: error });
  }
}

/** Ascending, apart from each other, none empty. */
function merged(ranges: readonly Range[]): readonly Range[] {
  const result: Range[] = [];
  const sorted = ranges.filter(({ start, end }) => start < end).sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  for (const range of sorted) {
    const last = result.at(-1);
    if (!last || range.start > last.end) result.push(range);
    else if (range.end > last.end) result[result.length - 1] = { start: last.start, end: range.end };
  }
  return result;
}
