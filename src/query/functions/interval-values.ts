/** Intervals as single values: added to ticks, brought to a normal form, measured. */
import type { IntervalValue } from '../../core/batch.js';
import { type TimeUnit, UNITS_PER_SECOND } from '../../core/types.js';
import { civilFromDays, daysFromCivil } from '../../core/values.js';

const DAY_NS = 86_400_000_000_000n;

/** Ticks after the interval: months first (the day cut to the month's last), then days, then time. */
export function addInterval(ticks: bigint, interval: IntervalValue, unit: TimeUnit): bigint {
  const perDay = UNITS_PER_SECOND[unit] * 86_400n;
  const clock = ((ticks % perDay) + perDay) % perDay;
  let days = Number((ticks - clock) / perDay);
  if (interval.months !== 0) days = addMonths(days, interval.months);
  return BigInt(days + interval.days) * perDay + clock + (interval.nanoseconds * UNITS_PER_SECOND[unit]) / 1_000_000_000n;
}

function addMonths(days: number, months: number): number {
  const [year, month, day] = civilFromDays(days);
  const index = year * 12 + month - 1 + months;
  const [newYear, newMonth] = [Math.floor(index / 12), (((index % 12) + 12) % 12) + 1];
  const last = daysFromCivil(newMonth === 12 ? newYear + 1 : newYear, (newMonth % 12) + 1, 1) - daysFromCivil(newYear, newMonth, 1);
  return daysFromCivil(newYear, newMonth, Math.min(day, last));
}

/** Whole days of 24 hours out of the time, with the sign of the sum. */
export function justifyHours({ months, days, nanoseconds }: IntervalValue): IntervalValue {
  let whole = nanoseconds / DAY_NS;
  let rest = nanoseconds - whole * DAY_NS;
  const sum = BigInt(days) + whole;
  if (sum > 0n && rest < 0n) [whole, rest] = [whole - 1n, rest + DAY_NS];
  else if (sum < 0n && rest > 0n) [whole, rest] = [whole + 1n, rest - DAY_NS];
  return { months, days: days + Number(whole), nanoseconds: rest };
}

/** Whole months of 30 days out of the days, with the sign of the sum. */
export function justifyDays({ months, days, nanoseconds }: IntervalValue): IntervalValue {
  let whole = Math.trunc(days / 30);
  let rest = days - whole * 30;
  if (months + whole > 0 && rest < 0) [whole, rest] = [whole - 1, rest + 30];
  else if (months + whole < 0 && rest > 0) [whole, rest] = [whole + 1, rest - 30];
  return { months: months + whole, days: rest, nanoseconds };
}

/** Nanoseconds, a month counted as 30 days: what intervals are ordered by. */
export function intervalNanoseconds({ months, days, nanoseconds }: IntervalValue): bigint {
  return BigInt(months * 30 + days) * DAY_NS + nanoseconds;
}

/** The interval of so many nanoseconds in months of 30 days, days and time. */
export function justified(total: bigint): IntervalValue {
  return justifyDays(justifyHours({ months: 0, days: 0, nanoseconds: total }));
}
