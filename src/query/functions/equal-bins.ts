/** equi_width_bins(): the upper bounds of bins of about the same width between two values, on round numbers or times if that is wanted. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, FLOAT64, INT64, isInteger, isNumeric, type TimeUnit, UNITS_PER_SECOND } from '../../core/types.js';
import { civilFromDays, daysFromCivil } from '../../core/values.js';
import type { ArgumentType, EvaluationContext, Overload } from './contract.js';
import { addInterval } from './interval-values.js';
import { listOf, rowByRow } from './row-by-row.js';
import { commonType, implicitlyCasts, integerRange } from './types.js';

interface Wanted<T> {
  readonly least: T;
  readonly greatest: T;
  readonly count: number;
  readonly nice: boolean;
  readonly check: () => void;
}

const MOST_BINS = 1_000_000;
const STEPS_BETWEEN_CHECKS = 1 << 14;

// ---- whole numbers ----

/** Bounds are computed with three more digits. */
const FINER = 1000n;

const absolute = (value: bigint) => (value < 0n ? -value : value);

/** 2 or 5 times the power of ten below the step: what a round number of that size is a multiple of. */
function roundSteps(step: bigint): readonly [two: bigint, five: bigint] {
  let power = 1n;
  while (power < step) power *= 10n;
  power /= 10n;
  return [power * (power * 3n <= step ? 10n : 2n), power * (power * 2n <= step ? 5n : 1n)];
}

function roundStep(step: bigint): bigint {
  const [two, five] = roundSteps(step).map((unit) => (unit === 0n ? 0n : ((step + unit / 2n) / unit) * unit)) as [bigint, bigint];
  return absolute(step - two) < absolute(step - five) ? two : five;
}

/** Greatest first. */
function wholeBins({ least, greatest, count, nice, check }: Wanted<bigint>): bigint[] {
  const from = least * FINER;
  let to = greatest * FINER;
  let step = (to - from) / BigInt(count);
  if (nice) {
    const rounded = roundStep(step);
    const end = rounded === 0n ? from : ((to + rounded - 1n) / rounded) * rounded;
    if (end !== from) [step, to] = [rounded, end];
  }
  if (step === 0n) step = 1n;
  const most = nice ? count * 2 : count;
  const bounds: bigint[] = [];
  for (let at = to, turn = 0; at > from; at -= step, turn++) {
    if (turn % STEPS_BETWEEN_CHECKS === 0) check();
    const bound = at / FINER;
    if (bounds.length > 0 && (bound < least || bounds.length >= most)) break;
    if (bounds.at(-1) !== bound) bounds.push(bound);
  }
  return bounds;
}

// ---- floats ----

function powerBelow(value: number): number {
  let power = 1;
  if (value < 1) {
    while (power > value) power /= 10;
    return power;
  }
  while (power < value) power *= 10;
  return power / 10;
}

/** Halves go away from 0. */
const rounded = (value: number) => (value < 0 ? -Math.round(-value) : Math.round(value));

function multiple(value: number, unit: number, round: (value: number) => number): number {
  const result = round(value / unit) * unit;
  return Number.isFinite(result) ? result : value;
}

function roundFloatStep(step: number): number {
  const power = powerBelow(step);
  const two = multiple(step, power * 2 * (power * 3 <= step ? 5 : 1), rounded);
  const five = multiple(step, power * (power * 2 <= step ? 5 : 1), rounded);
  return Math.abs(step - two) < Math.abs(step - five) ? two : five;
}

/** Greatest first. */
function floatBins({ least, greatest, count, nice, check }: Wanted<number>): number[] {
  const span = greatest - least;
  const even = Number.isFinite(span) ? span / count : greatest / count - least / count;
  if (even === 0) return [greatest];
  const step = nice ? roundFloatStep(even) : even;
  const most = nice ? count * 2 : count;
  const digits = 10 / powerBelow(even);
  const bounds: number[] = [];
  let turn = 0;
  for (let at = nice ? multiple(greatest, step, Math.ceil) : greatest; at > least; ) {
    if (turn++ % STEPS_BETWEEN_CHECKS === 0) check();
    const exact = nice ? rounded(at * digits) / digits : at;
    const bound = Number.isFinite(exact) ? exact : at;
    if (bounds.at(-1) !== bound) {
      if (bound <= least || bounds.length >= most) break;
      bounds.push(bound);
    }
    // A step that is too small to change the number.
    if (at - step === at) break;
    at -= step;
  }
  return bounds.length === 0 ? [greatest] : bounds;
}

// ---- times ----

interface Step {
  readonly months: number;
  readonly days: number;
  readonly ticks: bigint;
}

/** Days since the epoch, and ticks since midnight. */
function dayOf(ticks: bigint, perDay: bigint): readonly [day: number, clock: bigint] {
  const clock = ((ticks % perDay) + perDay) % perDay;
  return [Number((ticks - clock) / perDay), clock];
}

/** The difference in months, days and time, each divided; what is lost of a month or day goes on in the unit below. */
function evenStep({ least, greatest, count }: Wanted<bigint>, perDay: bigint): Step {
  const [[firstDay, firstClock], [lastDay, lastClock]] = [dayOf(least, perDay), dayOf(greatest, perDay)];
  const [from, to] = [civilFromDays(firstDay), civilFromDays(lastDay)];
  const months = ((to[0] - from[0]) * 12 + to[1] - from[1]) / count;
  let days = (to[2] - from[2]) / count;
  let ticks = Number(lastClock - firstClock) / count;
  if (months > 0) days += (months - Math.floor(months)) * 30;
  if (days > 0) ticks += (days - Math.floor(days)) * Number(perDay);
  return { months: Math.trunc(months), days: Math.trunc(days), ticks: BigInt(Math.trunc(ticks)) };
}

/** Steps of at least so many seconds are rounded to so many. */
const CLOCK_STEPS: readonly (readonly [least: bigint, unit: bigint])[] = [
  [6n * 3600n, 3600n],
  [3600n, 900n],
  [600n, 60n],
  [60n, 15n],
  [10n, 1n],
];

function roundTimeStep(step: Step, perSecond: bigint): Step {
  if (step.months >= 6) return { months: step.months, days: 0, ticks: 0n };
  if (step.months > 0 || step.days >= 5) return { ...step, ticks: 0n };
  const [, unit] = CLOCK_STEPS.find(([least]) => step.ticks >= least * perSecond) ?? [0n, 0n];
  const whole = (step.days > 0 ? 3600n : unit) * perSecond;
  return whole === 0n ? step : { ...step, ticks: ((step.ticks + whole / 2n) / whole) * whole };
}

/** The next whole month, day, hour, minute or second, whatever the step is larger than. */
function roundTime(ticks: bigint, step: Step, perSecond: bigint): bigint {
  const perDay = perSecond * 86_400n;
  const [day, clock] = dayOf(ticks, perDay);
  if (step.months >= 12) {
    const [year, month, date] = civilFromDays(day);
    if (date === 1 && clock === 0n) return ticks;
    return BigInt(month === 12 ? daysFromCivil(year + 1, 1, 1) : daysFromCivil(year, month + 1, 1)) * perDay;
  }
  const unit = step.months > 0 || step.days > 0 ? 86_400n : [3600n, 60n, 1n].find((seconds) => step.ticks >= seconds * perSecond);
  if (unit === undefined) return ticks;
  const whole = unit * perSecond;
  return BigInt(day) * perDay + ((clock + whole - 1n) / whole) * whole;
}

/** Greatest first. */
function timeBins(wanted: Wanted<bigint>, unit: TimeUnit): bigint[] {
  if (!wanted.nice) return wholeBins(wanted);
  const perSecond = UNITS_PER_SECOND[unit];
  let step = roundTimeStep(evenStep(wanted, perSecond * 86_400n), perSecond);
  let at = roundTime(wanted.greatest, step, perSecond);
  if (step.months <= 0 && step.days <= 0 && step.ticks <= 0n) step = { months: 0, days: 0, ticks: 1n };
  const back = { months: -step.months, days: -step.days, nanoseconds: (-step.ticks * 1_000_000_000n) / perSecond };
  const bounds: bigint[] = [];
  while (at >= wanted.least && bounds.length < wanted.count) {
    if (bounds.length % STEPS_BETWEEN_CHECKS === 0) wanted.check();
    bounds.push(at);
    at = addInterval(at, back, unit);
  }
  return bounds;
}

// ---- the function ----

function countOf(count: Value): number {
  if (Number(count) < 1) throw new DbError('invalid_argument', `equi_width_bins: there must be at least one bin, not ${count}`);
  if (Number(count) > MOST_BINS) throw new DbError('invalid_argument', `equi_width_bins: ${count} bins are more than ${MOST_BINS}`);
  return Number(count);
}

type Values = readonly Value[];
type Bins = (wanted: Wanted<Value>) => Value[];

function evaluateWith(item: DataType, bins: Bins): Overload['evaluate'] {
  return rowByRow(listOf(item), ([least, greatest, count, nice]: Values, context: EvaluationContext) => {
    const [from, to] = [least ?? null, greatest ?? null];
    if ([from, to].some((value) => typeof value === 'number' && !Number.isFinite(value)))
      throw new DbError('invalid_argument', 'equi_width_bins: the bounds must be finite');
    if ((to as number) < (from as number))
      throw new DbError('invalid_argument', `equi_width_bins: the greatest value ${to} is smaller than the least ${from}`);
    const wanted = { least: from, greatest: to, count: countOf(count ?? null), nice: nice === true, check: () => context.check?.() };
    if (from === to) return [to];
    return ascending(bins(wanted), to);
  });
}

/** From the smallest bound on; the last one is not below the greatest value. */
function ascending(bounds: Value[], greatest: Value): Value[] {
  if ((bounds[0] as number) < (greatest as number)) bounds[0] = greatest;
  return bounds.reverse();
}

function wholeNumberBins(type: DataType): Bins {
  const [lowest, highest] = integerRange(type) ?? [0n, 0n];
  const isWide = type.kind === 'int64' || type.kind === 'uint64';
  return (wanted) => {
    const [least, greatest] = [BigInt(wanted.least as number), BigInt(wanted.greatest as number)];
    const bounds = wholeBins({ ...wanted, least, greatest }).map((bound) => (bound > highest ? highest : bound < lowest ? lowest : bound));
    return [...new Set(bounds)].map((bound) => (isWide ? bound : Number(bound)));
  };
}

/** Dates are times at midnight; of several bounds on one day one stays. */
function dateBins(wanted: Wanted<Value>): Value[] {
  const [perDay, unit] = [86_400n, 's'] as const;
  const midnight = (day: Value) => BigInt(day as number) * perDay;
  const bounds = timeBins({ ...wanted, least: midnight(wanted.least), greatest: midnight(wanted.greatest) }, unit);
  return [...new Set(bounds.map((bound) => dayOf(bound, perDay)[0]))];
}

function binsOf(type: DataType): Bins | undefined {
  if (isInteger(type)) return wholeNumberBins(type);
  if (type.kind === 'float64') return (wanted) => floatBins(wanted as Wanted<number>);
  if (type.kind === 'date32') return dateBins;
  return type.kind === 'timestamp' ? (wanted) => timeBins(wanted as Wanted<bigint>, type.unit) : undefined;
}

/** What both bounds are brought to. */
function boundType(bounds: readonly ArgumentType[]): DataType | undefined {
  const type = commonType(bounds);
  if (!type) return undefined;
  if (type.kind === 'null') return INT64;
  if (isInteger(type) || type.kind === 'timestamp' || type.kind === 'date32') return type;
  return isNumeric(type) ? FLOAT64 : undefined;
}

export function resolveEqualBins(args: readonly ArgumentType[]): Overload | undefined {
  const [least, greatest, count, nice] = args;
  if (!least || !greatest || !count || !nice || args.length !== 4) return undefined;
  if (!implicitlyCasts(count, INT64) || !implicitlyCasts(nice, BOOL)) return undefined;
  const type = boundType([least, greatest]);
  const bins = type && binsOf(type);
  return bins && { args: [type, type, INT64, BOOL], type: listOf(type), evaluate: evaluateWith(type, bins) };
}
