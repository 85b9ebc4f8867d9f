/** Months are added by the calendar. */
import { civilFromDays, daysFromCivil } from '../../core/values.js';

/** The same time of day so many months later, at most the last day of that month. */
export function addMonths(ticks: bigint, months: number, perDay: bigint): bigint {
  const days = (ticks - (((ticks % perDay) + perDay) % perDay)) / perDay;
  const [year, month, day] = civilFromDays(Number(days));
  const index = year * 12 + (month - 1) + months;
  const targetYear = Math.floor(index / 12);
  const targetMonth = index - targetYear * 12 + 1;
  const nextMonth = targetMonth === 12 ? daysFromCivil(targetYear + 1, 1, 1) : daysFromCivil(targetYear, targetMonth + 1, 1);
  const length = nextMonth - daysFromCivil(targetYear, targetMonth, 1);
  return BigInt(daysFromCivil(targetYear, targetMonth, Math.min(day, length))) * perDay + (ticks - days * perDay);
}
