/** Text cells → dates, times, timestamps, UUIDs; the contract of read-numbers.ts. */
import { CELL_ESCAPED, CELL_LENGTH, CELL_NULL, is_digit, is_space } from './cell';

/** What is still to be read of the cell, and whether something in it did not fit. */
let at: usize = 0;
let to: usize = 0;
let wrong: bool = false;

// @ts-ignore: decorator
@inline
function open_cell(cell: usize): void {
  const word = load<u32>(cell, 4);
  at = load<u32>(cell);
  to = at + (word & CELL_LENGTH);
  while (at < to && is_space(load<u8>(at))) at++;
  while (at < to && is_space(load<u8>(to - 1))) to--;
  wrong = at == to || (word & CELL_ESCAPED) != 0;
}

// @ts-ignore: decorator
@inline
function two(): i32 {
  if (at + 2 > to) {
    wrong = true;
    return 0;
  }
  const tens = (load<u8>(at) as u32) - 48;
  const ones = (load<u8>(at, 1) as u32) - 48;
  if (tens > 9 || ones > 9) wrong = true;
  at += 2;
  return (tens * 10 + ones) as i32;
}

// @ts-ignore: decorator
@inline
function expect(byte: u32): void {
  if (at < to && load<u8>(at) == byte) at++;
  else wrong = true;
}

// @ts-ignore: decorator
@inline
function next_is(byte: u32): bool {
  return at < to && load<u8>(at) == byte;
}

// @ts-ignore: decorator
@inline
function days_in_month(year: i32, month: i32): i32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** yyyy-mm-dd → days since 1970-01-01. */
function read_civil(): i32 {
  const century = two();
  const year = century * 100 + two();
  expect(45);
  const month = two();
  expect(45);
  const day = two();
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) wrong = true;
  const y = month <= 2 ? year - 1 : year;
  const era = (y >= 0 ? y : y - 399) / 400;
  const yearOfEra = y - era * 400;
  const dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468;
}

/** .digits → units of 10^-places seconds; more digits must be zeros. */
// @ts-ignore: decorator
@inline
function read_fraction(places: i32): i64 {
  let units: i64 = 0;
  let count = 0;
  if (next_is(46) || next_is(44)) {
    at++;
    const first = at;
    for (; at < to && is_digit(load<u8>(at)); at++) {
      const digit = (load<u8>(at) as i64) - 48;
      if (count < places) {
        units = units * 10 + digit;
        count++;
      } else if (digit != 0) wrong = true;
    }
    if (at == first) wrong = true;
  }
  for (; count < places; count++) units *= 10;
  return units;
}

/** hh:mm[:ss] → seconds since midnight. */
// @ts-ignore: decorator
@inline
function read_clock(): i32 {
  const hours = two();
  expect(58);
  const minutes = two();
  let seconds = 0;
  if (next_is(58)) {
    at++;
    seconds = two();
  }
  if (hours > 23 || minutes > 59 || seconds > 59) wrong = true;
  return hours * 3600 + minutes * 60 + seconds;
}

/** Z, ±hh, ±hhmm or ±hh:mm → seconds east of UTC. */
// @ts-ignore: decorator
@inline
function read_zone(): i32 {
  if (at == to) return 0;
  const byte = load<u8>(at++);
  if (byte == 90 || byte == 122) return 0;
  if (byte != 43 && byte != 45) {
    wrong = true;
    return 0;
  }
  const hours = two();
  let minutes = 0;
  if (at < to) {
    if (next_is(58)) at++;
    minutes = two();
  }
  if (hours > 23 || minutes > 59) wrong = true;
  const seconds = hours * 3600 + minutes * 60;
  return byte == 45 ? -seconds : seconds;
}

// @ts-ignore: decorator
@inline
function units_per_second(places: i32): i64 {
  return places == 9 ? 1000000000 : places == 6 ? 1000000 : places == 3 ? 1000 : 1;
}

/** A plain integer of at most 18 digits: ticks. */
// @ts-ignore: decorator
@inline
function read_ticks(): i64 {
  const minus = next_is(45);
  if (minus) at++;
  if (at == to || to - at > 18) wrong = true;
  let ticks: i64 = 0;
  for (; at < to; at++) {
    if (!is_digit(load<u8>(at))) wrong = true;
    ticks = ticks * 10 + ((load<u8>(at) as i64) - 48);
  }
  return minus ? -ticks : ticks;
}

/**
 * Timestamps of 10^-places seconds: ISO 8601 (date, or date and time with T or a blank, fraction, zone) in years 0000–9999, or ticks as an
 * integer.
 */
export function read_timestamp(cells: usize, start: i32, end: i32, out: usize, places: i32): i32 {
  const unit = units_per_second(places);
  const farthest = i64.MAX_VALUE / unit - 1;
  for (let row = start; row < end; row++) {
    const cell = cells + ((row as usize) << 3);
    let value: i64 = 0;
    if ((load<u32>(cell, 4) & CELL_NULL) == 0) {
      open_cell(cell);
      if (!wrong && to - at >= 10 && load<u8>(at, 4) == 45) {
        let seconds = (read_civil() as i64) * 86400;
        let fraction: i64 = 0;
        if (at < to) {
          const byte = load<u8>(at++) | 32;
          if (byte != 116 && byte != 32) wrong = true;
          seconds += read_clock();
          fraction = read_fraction(places);
          if (next_is(32)) at++;
          seconds -= read_zone();
        }
        if (seconds > farthest || seconds < -farthest || at != to) wrong = true;
        value = seconds * unit + fraction;
      } else if (!wrong) value = read_ticks();
      if (wrong) return row;
    }
    store<i64>(out + ((row as usize) << 3), value);
  }
  return -1;
}

export function read_date(cells: usize, start: i32, end: i32, out: usize): i32 {
  for (let row = start; row < end; row++) {
    const cell = cells + ((row as usize) << 3);
    let value = 0;
    if ((load<u32>(cell, 4) & CELL_NULL) == 0) {
      open_cell(cell);
      value = read_civil();
      if (wrong || at != to) return row;
    }
    store<i32>(out + ((row as usize) << 2), value);
  }
  return -1;
}

/** hh:mm[:ss[.digits]] → units of 10^-places seconds since midnight. */
export function read_time(cells: usize, start: i32, end: i32, out: usize, places: i32): i32 {
  for (let row = start; row < end; row++) {
    const cell = cells + ((row as usize) << 3);
    let value: i64 = 0;
    if ((load<u32>(cell, 4) & CELL_NULL) == 0) {
      open_cell(cell);
      value = (read_clock() as i64) * units_per_second(places);
      value += read_fraction(places);
      if (wrong || at != to) return row;
    }
    store<i64>(out + ((row as usize) << 3), value);
  }
  return -1;
}

// @ts-ignore: decorator
@inline
function hex_digit(byte: u32): u32 {
  if (is_digit(byte)) return byte - 48;
  const letter = (byte | 32) - 97;
  return letter < 6 ? letter + 10 : 16;
}

/** 32 hexadecimal digits, with dashes anywhere between bytes. */
export function read_uuid(cells: usize, start: i32, end: i32, out: usize): i32 {
  for (let row = start; row < end; row++) {
    const cell = cells + ((row as usize) << 3);
    const target = out + ((row as usize) << 4);
    v128.store(target, i64x2.splat(0));
    if (load<u32>(cell, 4) & CELL_NULL) continue;
    open_cell(cell);
    let count: usize = 0;
    while (!wrong && at < to && count < 16) {
      if (count > 0 && next_is(45)) at++;
      if (at + 2 > to) return row;
      const high = hex_digit(load<u8>(at));
      const low = hex_digit(load<u8>(at, 1));
      if (high > 15 || low > 15) return row;
      store<u8>(target + count, (high << 4) | low);
      count++;
      at += 2;
    }
    if (wrong || count != 16 || at != to) return row;
  }
  return -1;
}
