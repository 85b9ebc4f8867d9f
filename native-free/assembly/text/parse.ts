// Text → numbers and times. Only the plain forms: the bit of a row that is anything else (or does not fit) is cleared in ok, a bitmap of
// ones before, and the caller parses that row itself. Returns how many bits were cleared. Null slots are not looked at.
import { bitIsSet, clearBit } from '../shared/bitmap';
import { daysFromCivil, daysInMonth } from '../shared/calendar';

// @ts-ignore: decorator
@inline
function digit(at: usize): u32 {
  return <u32>load<u8>(at) - 48;
}

export function parse_i64(offsets: usize, values: usize, n: i32, out: usize, validity: usize, ok: usize): i32 {
  let refused = 0;
  for (let i = 0; i < n; i++) {
    const slot = out + (<usize>i << 3);
    store<i64>(slot, 0);
    if (!bitIsSet(validity, i)) continue;
    let at = values + load<i32>(offsets + (<usize>i << 2));
    const end = values + load<i32>(offsets + (<usize>i << 2), 4);
    const negative = at < end && load<u8>(at) == 45;
    if (negative) at++;
    const digits = <i32>(end - at);
    let value: u64 = 0;
    let plain = digits > 0 && digits <= 18;
    for (; plain && at < end; at++) {
      const d = digit(at);
      if (d > 9) plain = false;
      value = value * 10 + d;
    }
    if (plain) store<i64>(slot, negative ? 0 - <i64>value : <i64>value);
    else {
      clearBit(ok, i);
      refused++;
    }
  }
  return refused;
}

/** Exact for at most 15 digits and powers of ten to 22 (one correctly rounded operation); everything else is left to the caller. */
export function parse_f64(offsets: usize, values: usize, n: i32, out: usize, validity: usize, ok: usize): i32 {
  let refused = 0;
  for (let i = 0; i < n; i++) {
    const slot = out + (<usize>i << 3);
    store<f64>(slot, 0);
    if (!bitIsSet(validity, i)) continue;
    let at = values + load<i32>(offsets + (<usize>i << 2));
    const end = values + load<i32>(offsets + (<usize>i << 2), 4);
    const negative = at < end && load<u8>(at) == 45;
    if (negative) at++;
    let value: u64 = 0;
    let digits = 0, fraction = 0;
    let point = false;
    let plain = end - at <= 17;
    for (; plain && at < end; at++) {
      const d = digit(at);
      if (d <= 9) {
        value = value * 10 + d;
        digits++;
        if (point) fraction++;
      } else if (load<u8>(at) == 46 && !point) point = true;
      else plain = false;
    }
    if (plain && digits > 0 && digits <= 15) {
      const x = <f64>value / tenTo(fraction);
      store<f64>(slot, negative ? -x : x);
    } else {
      clearBit(ok, i);
      refused++;
    }
  }
  return refused;
}

// @ts-ignore: decorator
@inline
function tenTo(exponent: i32): f64 {
  let x: f64 = 1;
  for (let k = 0; k < exponent; k++) x *= 10;
  return x;
}

// @ts-ignore: decorator
@inline
function two(at: usize): u32 {
  const a = digit(at), b = digit(at + 1);
  return a > 9 || b > 9 ? 1000 : a * 10 + b;
}

let parsedDays: i64 = 0;

/** Reads YYYY-MM-DD into parsedDays; false when it is no such date. */
function readDate(at: usize, end: usize): bool {
  if (end - at < 10 || load<u8>(at, 4) != 45 || load<u8>(at, 7) != 45) return false;
  const century = two(at), years = two(at + 2), month = two(at + 5), day = two(at + 8);
  if (century > 99 || years > 99 || month < 1 || month > 12 || day < 1) return false;
  const year = century * 100 + years;
  if (day > <u32>daysInMonth(year, month)) return false;
  parsedDays = daysFromCivil(year, month, day);
  return true;
}

export function parse_date32(offsets: usize, values: usize, n: i32, out: usize, validity: usize, ok: usize): i32 {
  let refused = 0;
  for (let i = 0; i < n; i++) {
    const slot = out + (<usize>i << 2);
    store<i32>(slot, 0);
    if (!bitIsSet(validity, i)) continue;
    const at = values + load<i32>(offsets + (<usize>i << 2)), end = values + load<i32>(offsets + (<usize>i << 2), 4);
    if (end - at == 10 && readDate(at, end)) store<i32>(slot, <i32>parsedDays);
    else {
      clearBit(ok, i);
      refused++;
    }
  }
  return refused;
}

/** YYYY-MM-DD[(T| )hh:mm:ss[.fraction]][Z]; `ticksPerSecond` by pointer. Fractions finer than the unit are left to the caller. */
export function parse_timestamp(offsets: usize, values: usize, n: i32, ticksPerSecond: usize, out: usize, validity: usize, ok: usize): i32 {
  const perSecond = load<i64>(ticksPerSecond);
  let refused = 0;
  for (let i = 0; i < n; i++) {
    store<i64>(out + (<usize>i << 3), 0);
    if (!bitIsSet(validity, i)) continue;
    const at = values + load<i32>(offsets + (<usize>i << 2)), end = values + load<i32>(offsets + (<usize>i << 2), 4);
    if (!readTimestamp(at, end, perSecond, out + (<usize>i << 3))) {
      clearBit(ok, i);
      refused++;
    }
  }
  return refused;
}

function readTimestamp(at: usize, end: usize, perSecond: i64, out: usize): bool {
  if (!readDate(at, end)) return false;
  let seconds = parsedDays * 86400;
  let fraction: i64 = 0;
  at += 10;
  if (end - at >= 9) {
    const mark = load<u8>(at);
    if ((mark != 84 && mark != 32) || load<u8>(at, 3) != 58 || load<u8>(at, 6) != 58) return false;
    const h = two(at + 1), m = two(at + 4), s = two(at + 7);
    if (h > 23 || m > 59 || s > 59) return false;
    seconds += <i64>(h * 3600 + m * 60 + s);
    at += 9;
    if (at < end && load<u8>(at) == 46) {
      let unit = perSecond;
      for (at++; at < end && digit(at) <= 9; at++) {
        const d = digit(at);
        if (unit == 1) {
          if (d != 0) return false;
          continue;
        }
        unit /= 10;
        fraction += <i64>d * unit;
      }
    }
  }
  if (at < end && load<u8>(at) == 90) at++;
  if (at != end || seconds > 9_223_372_035 || seconds < -9_223_372_035) return false;
  store<i64>(out, seconds * perSecond + fraction);
  return true;
}
