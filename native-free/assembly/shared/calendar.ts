// Inlined calendar arithmetic (proleptic Gregorian).

// @ts-ignore: decorator
@inline
export function floorDiv(a: i64, b: i64): i64 {
  const q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

// @ts-ignore: decorator
@inline
export function daysFromCivil(year: i64, month: i64, day: i64): i64 {
  const y = month <= 2 ? year - 1 : year;
  const era = floorDiv(y, 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468;
}

// Results of splitDays; wasm globals are per thread.
export let civilYear: i64 = 0;
export let civilMonth: i32 = 0;
export let civilDay: i32 = 0;

/** Days since the epoch → civilYear, civilMonth (1–12), civilDay. */
export function splitDays(days: i64): void {
  const z = days + 719468;
  const era = floorDiv(z, 146097);
  const dayOfEra = <i32>(z - era * 146097);
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const shifted = (5 * dayOfYear + 2) / 153;
  civilMonth = shifted < 10 ? shifted + 3 : shifted - 9;
  civilDay = dayOfYear - (153 * shifted + 2) / 5 + 1;
  civilYear = <i64>yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0);
}

// @ts-ignore: decorator
@inline
export function isLeap(year: i64): bool {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// @ts-ignore: decorator
@inline
export function daysInMonth(year: i64, month: i32): i32 {
  return month == 2 ? (isLeap(year) ? 29 : 28) : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}
