/** Text of dates, times, timestamps (RFC 3339, UTC) and intervals (ISO 8601). Every function returns the address behind what it wrote. */
import { write_four, write_padded, write_two, write_u64 } from './write-integers';

/** yyyy-mm-dd of days since 1970-01-01 (proleptic Gregorian; years outside 0–9999 get a sign and as many digits as they need). */
export function write_date(out: usize, days: i64): usize {
  const z = days + 719468;
  const era = (z >= 0 ? z : z - 146096) / 146097;
  const dayOfEra = (z - era * 146097) as u32;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const shifted = (5 * dayOfYear + 2) / 153;
  const day = dayOfYear - (153 * shifted + 2) / 5 + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  let year = (yearOfEra as i64) + era * 400 + (month <= 2 ? 1 : 0);
  if (year < 0) {
    store<u8>(out++, 45);
    year = -year;
  }
  out = year < 10000 ? write_four(out, year as u32) : write_u64(out, year as u64);
  store<u8>(out, 45);
  out = write_two(out + 1, month);
  store<u8>(out, 45);
  return write_two(out + 1, day);
}

// @ts-ignore: decorator
@inline
function write_clock(out: usize, seconds: u32): usize {
  out = write_two(out, seconds / 3600);
  store<u8>(out, 58);
  out = write_two(out + 1, (seconds / 60) % 60);
  store<u8>(out, 58);
  return write_two(out + 1, seconds % 60);
}

/** value / 10^places, rounded down; divisions by constants are cheap, others are not. */
// @ts-ignore: decorator
@inline
function whole_seconds(value: i64, places: i32): i64 {
  const seconds = places == 9 ? value / 1000000000 : places == 6 ? value / 1000000 : places == 3 ? value / 1000 : value;
  return seconds * units_per_second(places) > value ? seconds - 1 : seconds;
}

// @ts-ignore: decorator
@inline
function units_per_second(places: i32): i64 {
  return places == 9 ? 1000000000 : places == 6 ? 1000000 : places == 3 ? 1000 : 1;
}

// @ts-ignore: decorator
@inline
function write_fraction(out: usize, units: u32, places: i32): usize {
  if (places == 0) return out;
  store<u8>(out, 46);
  return write_padded(out + 1, units, places);
}

/** hh:mm:ss and `places` digits; value ≥ 0 counts 10^-places seconds since midnight. */
export function write_time(out: usize, value: i64, places: i32): usize {
  const seconds = whole_seconds(value, places);
  return write_fraction(write_clock(out, seconds as u32), (value - seconds * units_per_second(places)) as u32, places);
}

/**
 * Timestamp of 10^-places seconds since 1970, as 2026-01-01T00:00:00.000000001Z. `cache` is 32 bytes of the caller: a day (i64) and at
 * cache + 8 its text, so that rows of one day compute the calendar once.
 */
export function write_timestamp(out: usize, value: i64, places: i32, cache: usize): usize {
  const seconds = whole_seconds(value, places);
  const fraction = (value - seconds * units_per_second(places)) as u32;
  let clock = seconds - load<i64>(cache) * 86400;
  if (clock >= 0 && clock < 86400) {
    v128.store(out, v128.load(cache, 8));
    out += 10;
  } else {
    const down = seconds / 86400;
    const days = down * 86400 > seconds ? down - 1 : down;
    clock = seconds - days * 86400;
    const end = write_date(out, days);
    if (end - out == 10 && load<u8>(out) != 45) {
      v128.store(cache, v128.load(out), 8);
      store<i64>(cache, days);
    }
    out = end;
  }
  store<u8>(out, 84);
  out = write_fraction(write_clock(out + 1, clock as u32), fraction, places);
  store<u8>(out, 90);
  return out + 1;
}

// @ts-ignore: decorator
@inline
function write_amount(out: usize, value: i64, letter: u8): usize {
  if (value == 0) return out;
  if (value < 0) store<u8>(out++, 45);
  out = write_u64(out, (value < 0 ? 0 - value : value) as u64);
  store<u8>(out, letter);
  return out + 1;
}

/** ISO 8601 duration of (months, days, nanoseconds): P1Y2M3DT4H5M6.5S. */
export function write_interval(out: usize, source: usize): usize {
  const months = load<i32>(source) as i64;
  const days = load<i32>(source, 4) as i64;
  const nanoseconds = load<i64>(source, 8);
  const start = out;
  store<u8>(out++, 80);
  out = write_amount(out, months / 12, 89);
  out = write_amount(out, months % 12, 77);
  out = write_amount(out, days, 68);
  if (nanoseconds != 0) {
    store<u8>(out++, 84);
    out = write_amount(out, nanoseconds / 3600000000000, 72);
    out = write_amount(out, (nanoseconds / 60000000000) % 60, 77);
    const rest = nanoseconds % 60000000000;
    if (rest != 0) {
      const size = (rest < 0 ? 0 - rest : rest) as u64;
      if (rest < 0) store<u8>(out++, 45);
      out = write_u64(out, size / 1000000000);
      if (size % 1000000000 != 0) {
        store<u8>(out, 46);
        out = write_padded(out + 1, (size % 1000000000) as u32, 9);
        while (load<u8>(out - 1) == 48) out--;
      }
      store<u8>(out++, 83);
    }
  } else if (out == start + 1) {
    store<u32>(out, 0x533054); // "T0S"
    return out + 3;
  }
  return out;
}
