/** PARTITION BY: which stretch of time a tick of the designated timestamp lies in (UTC; weeks begin on Monday), and what it is called. */
import type { PartitionUnit } from './contracts.js';
import { type DataType, UNITS_PER_SECOND } from './types.js';

/** Ticks [start, end). */
export interface Partition {
  readonly start: bigint;
  readonly end: bigint;
}

const DAY_SECONDS = 86_400n;
/** The Monday before 1970-01-01, in days. */
const FIRST_MONDAY = -3n;

const FIXED_SECONDS = { hour: 3600n, day: DAY_SECONDS, week: 7n * DAY_SECONDS } as const;

function ticksPerSecond(type: DataType): bigint {
  return type.kind === 'timestamp' ? UNITS_PER_SECOND[type.unit] : 1n;
}

function floorTo(value: bigint, width: bigint): bigint {
  const rest = value % width;
  return value - (rest < 0n ? rest + width : rest);
}

/** Years and months from 1970-01 on as seconds; works for every proleptic Gregorian year. */
function secondsOfMonth(months: bigint): bigint {
  const year = 1970n + floorTo(months, 12n) / 12n;
  const month = months - floorTo(months, 12n) + 1n;
  return daysFromCivil(year, month) * DAY_SECONDS;
}

/** The same day and time so many months before; the last of its month where that has no such day. */
export function monthsBefore(ticks: bigint, type: DataType, months: number): bigint {
  const day = DAY_SECONDS * ticksPerSecond(type);
  const days = floorTo(ticks, day) / day;
  const from = monthOfDay(days);
  const to = from - BigInt(months);
  const firstDay = (month: bigint) => secondsOfMonth(month) / DAY_SECONDS;
  const inMonth = days - firstDay(from);
  const most = firstDay(to + 1n) - firstDay(to) - 1n;
  return (firstDay(to) + (inMonth < most ? inMonth : most)) * day + (ticks - days * day);
}

/** Days from 1970-01-01 to the first of a month. */
function daysFromCivil(year: bigint, month: bigint): bigint {
  const shifted = month <= 2n ? year - 1n : year;
  const era = floorTo(shifted, 400n) / 400n;
  const yearOfEra = shifted - era * 400n;
  const dayOfYear = (153n * (month + (month > 2n ? -3n : 9n)) + 2n) / 5n;
  const dayOfEra = yearOfEra * 365n + yearOfEra / 4n - yearOfEra / 100n + dayOfYear;
  return era * 146_097n + dayOfEra - 719_468n;
}

/** Months from 1970-01 to that of a day. */
function monthOfDay(days: bigint): bigint {
  const z = days + 719_468n;
  const era = floorTo(z, 146_097n) / 146_097n;
  const dayOfEra = z - era * 146_097n;
  const yearOfEra = (dayOfEra - dayOfEra / 1460n + dayOfEra / 36_524n - dayOfEra / 146_096n) / 365n;
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const shifted = (5n * dayOfYear + 2n) / 153n;
  const month = shifted < 10n ? shifted + 3n : shifted - 9n;
  const year = yearOfEra + era * 400n + (month <= 2n ? 1n : 0n);
  return (year - 1970n) * 12n + month - 1n;
}

/** The partition of a tick; null = there are none. */
export function partitionOf(unit: PartitionUnit, type: DataType, tick: bigint): Partition | null {
  if (unit === 'none') return null;
  const second = ticksPerSecond(type);
  if (unit === 'month' || unit === 'year') {
    const width = unit === 'year' ? 12n : 1n;
    const first = floorTo(monthOfDay(floorTo(tick, DAY_SECONDS * second) / (DAY_SECONDS * second)), width);
    return { start: secondsOfMonth(first) * second, end: secondsOfMonth(first + width) * second };
  }
  const width = FIXED_SECONDS[unit] * second;
  const shift = unit === 'week' ? FIRST_MONDAY * DAY_SECONDS * second : 0n;
  const start = floorTo(tick - shift, width) + shift;
  return { start, end: start + width };
}

/** 2026, 2026-01, 2026-01-31, 2026-01-31T05 as it fits the unit; weeks by their Monday. */
export function partitionName(unit: PartitionUnit, type: DataType, tick: bigint): string | null {
  const partition = partitionOf(unit, type, tick);
  if (partition === null) return null;
  const seconds = partition.start / ticksPerSecond(type);
  const days = floorTo(seconds, DAY_SECONDS) / DAY_SECONDS;
  const months = monthOfDay(days);
  const year = 1970n + floorTo(months, 12n) / 12n;
  const month = months - floorTo(months, 12n) + 1n;
  const day = days - daysFromCivil(year, month) + 1n;
  const digits = (value: bigint, size = 2) => String(value).padStart(size, '0');
  const text = year < 0n ? `-${digits(-year, 4)}` : digits(year, 4);
  if (unit === 'year') return text;
  if (unit === 'month') return `${text}-${digits(month)}`;
  const date = `${text}-${digits(month)}-${digits(day)}`;
  return unit === 'hour' ? `${date}T${digits((seconds - days * DAY_SECONDS) / 3600n)}` : date;
}
