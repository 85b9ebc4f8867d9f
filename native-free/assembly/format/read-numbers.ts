/**
 * Text cells → numbers. Every read_* takes the cells of one column and rows [start, end), stores at out (null cells: 0), and returns the first
 * row whose text it does not read (the caller reads that one itself, or refuses it), else -1.
 */
import { CELL_ESCAPED, CELL_LENGTH, CELL_NULL, is_digit, is_space } from './cell';
import { power_high, power_low } from './powers';

/** The trimmed text of the cell that is being read. */
let from: usize = 0;
let to: usize = 0;

// @ts-ignore: decorator
@inline
function open_cell(cell: usize): bool {
  const word = load<u32>(cell, 4);
  if (word & CELL_ESCAPED) return false;
  from = load<u32>(cell);
  to = from + (word & CELL_LENGTH);
  while (from < to && is_space(load<u8>(from))) from++;
  while (from < to && is_space(load<u8>(to - 1))) to--;
  return from < to;
}

// @ts-ignore: decorator
@inline
function read_integers<T>(cells: usize, start: i32, end: i32, out: usize): i32 {
  const limit: u64 = u64.MAX_VALUE >> (64 - 8 * sizeof<T>() + (isSigned<T>() ? 1 : 0));
  for (let row = start; row < end; row++) {
    const cell = cells + ((row as usize) << 3);
    const target = out + (row as usize) * sizeof<T>();
    if (load<u32>(cell, 4) & CELL_NULL) {
      store<T>(target, 0 as T);
      continue;
    }
    if (!open_cell(cell)) return row;
    let at = from;
    const sign = load<u8>(at) as u32;
    if (sign == 45 || sign == 43) at++;
    while (at + 1 < to && load<u8>(at) == 48) at++;
    const digits = to - at;
    if (digits == 0 || digits > 20) return row;
    let value: u64 = 0;
    // Nineteen digits cannot overflow; a twentieth is looked at on its own.
    const safe = min<usize>(digits, 19);
    for (const stop = at + safe; at < stop; at++) {
      const digit = (load<u8>(at) as u32) - 48;
      if (digit > 9) return row;
      value = value * 10 + digit;
    }
    if (digits == 20) {
      const digit = (load<u8>(at) as u32) - 48;
      if (digit > 9 || value > 1844674407370955161 || (value == 1844674407370955161 && digit > 5)) return row;
      value = value * 10 + digit;
    }
    if (isSigned<T>()) {
      if (value > limit + (sign == 45 ? 1 : 0)) return row;
      store<T>(target, (sign == 45 ? 0 - value : value) as T);
    } else {
      if (value > limit || (sign == 45 && value != 0)) return row;
      store<T>(target, value as T);
    }
  }
  return -1;
}

export function read_i8(cells: usize, start: i32, end: i32, out: usize): i32 { return read_integers<i8>(cells, start, end, out); }
export function read_i16(cells: usize, start: i32, end: i32, out: usize): i32 { return read_integers<i16>(cells, start, end, out); }
export function read_i32(cells: usize, start: i32, end: i32, out: usize): i32 { return read_integers<i32>(cells, start, end, out); }
export function read_i64(cells: usize, start: i32, end: i32, out: usize): i32 { return read_integers<i64>(cells, start, end, out); }
export function read_u8(cells: usize, start: i32, end: i32, out: usize): i32 { return read_integers<u8>(cells, start, end, out); }
export function read_u16(cells: usize, start: i32, end: i32, out: usize): i32 { return read_integers<u16>(cells, start, end, out); }
export function read_u32(cells: usize, start: i32, end: i32, out: usize): i32 { return read_integers<u32>(cells, start, end, out); }
export function read_u64(cells: usize, start: i32, end: i32, out: usize): i32 { return read_integers<u64>(cells, start, end, out); }

const POW10: usize = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]);

// @ts-ignore: decorator
@inline
function multiply_high(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const middle = a1 * b0 + ((a0 * b0) >> 32);
  return a1 * b1 + (middle >> 32) + ((a0 * b1 + (middle & 0xffffffff)) >> 32);
}

/** The float64 nearest to significand * 10^exponent, after Eisel and Lemire. */
function compose(significand: u64, exponent: i32): f64 {
  if (significand == 0 || exponent < -342) return 0;
  if (exponent > 308) return f64.POSITIVE_INFINITY;
  const shift = clz(significand) as i32;
  const w = significand << shift;
  let powerLow = power_low(exponent);
  let powerHigh = power_high(exponent);
  // The table rounds up where the power is not exact; here truncated ones are wanted beyond the first few.
  if (exponent > 55 || exponent < -27) {
    if (powerLow == 0) powerHigh--;
    powerLow--;
  }
  let high = multiply_high(w, powerHigh);
  let low = w * powerHigh;
  if ((high & 0x1ff) == 0x1ff) {
    const second = multiply_high(w, powerLow);
    low += second;
    if (low < second) high++;
  }
  const upper = (high >> 63) as i32;
  let mantissa = high >> (upper + 9);
  let power = (((152170 + 65536) * exponent) >> 16) + 63 + upper - shift + 1023;
  if (power <= 0) {
    if (1 - power >= 64) return 0;
    mantissa >>= 1 - power;
    mantissa += mantissa & 1;
    return reinterpret<f64>(mantissa >> 1);
  }
  if (low <= 1 && exponent >= -4 && exponent <= 23 && (mantissa & 3) == 1 && mantissa << (upper + 9) == high) mantissa &= ~(1 as u64);
  mantissa += mantissa & 1;
  mantissa >>= 1;
  if (mantissa >= 0x20000000000000) {
    mantissa = 0x10000000000000;
    power++;
  }
  if (power >= 0x7ff) return f64.POSITIVE_INFINITY;
  return reinterpret<f64>((mantissa & 0xfffffffffffff) | ((power as u64) << 52));
}

/** Result of read_float. */
let float: f64 = 0;

/** Reads [from, to) into `float`; false when it is no plain decimal number or has more digits than can be decided here. */
function read_float(): bool {
  let at = from;
  const sign = load<u8>(at) as u32;
  if (sign == 45 || sign == 43) at++;
  let significand: u64 = 0;
  let digits = 0;
  let exponent = 0;
  let any = false;
  let cut = false;
  let point = false;
  for (; at < to; at++) {
    const byte = load<u8>(at) as u32;
    if (is_digit(byte)) {
      any = true;
      if (digits < 19) {
        significand = significand * 10 + (byte - 48);
        if (significand != 0) digits++;
        if (point) exponent--;
      } else {
        if (byte != 48) cut = true;
        if (!point) exponent++;
      }
    } else if (byte == 46 && !point) point = true;
    else break;
  }
  if (!any) return false;
  if (at < to && (load<u8>(at) | 32) == 101) {
    at++;
    const minus = at < to && load<u8>(at) == 45;
    if (minus || (at < to && load<u8>(at) == 43)) at++;
    let given = 0;
    const first = at;
    for (; at < to && is_digit(load<u8>(at)); at++) if (given < 100000) given = given * 10 + (load<u8>(at) - 48);
    if (at == first) return false;
    exponent += minus ? -given : given;
  }
  if (at != to) return false;
  let value: f64;
  if (significand <= 9007199254740992 && exponent >= -22 && exponent <= 22 && !cut) {
    const scale = load<f64>(POW10 + ((abs<i32>(exponent) as usize) << 3));
    value = exponent < 0 ? (significand as f64) / scale : (significand as f64) * scale;
  } else {
    value = compose(significand, exponent);
    if (cut && compose(significand + 1, exponent) != value) return false;
  }
  float = sign == 45 ? -value : value;
  return true;
}

export function read_f64(cells: usize, start: i32, end: i32, out: usize): i32 {
  for (let row = start; row < end; row++) {
    const cell = cells + ((row as usize) << 3);
    float = 0;
    if ((load<u32>(cell, 4) & CELL_NULL) == 0 && (!open_cell(cell) || !read_float())) return row;
    store<f64>(out + ((row as usize) << 3), float);
  }
  return -1;
}

/** As read_f64; a text whose float64 lies halfway between two float32 is left to the caller, since rounding twice could go wrong. */
export function read_f32(cells: usize, start: i32, end: i32, out: usize): i32 {
  for (let row = start; row < end; row++) {
    const cell = cells + ((row as usize) << 3);
    float = 0;
    if ((load<u32>(cell, 4) & CELL_NULL) == 0 && (!open_cell(cell) || !read_float())) return row;
    const near = float as f32;
    const rest = float - (near as f64);
    if (rest != 0 && abs<f32>(near) < f32.POSITIVE_INFINITY) {
      const bits = reinterpret<u32>(near);
      const outward = rest > 0 == (bits as i32) >= 0;
      const other = near == 0 ? reinterpret<f32>(1) : reinterpret<f32>(outward ? bits + 1 : bits - 1);
      if (abs<f64>((other as f64) - float) == abs<f64>(rest)) return row;
    }
    store<f32>(out + ((row as usize) << 2), near);
  }
  return -1;
}

/** Decimals of at most 18 digits; `scale` digits behind the point, 10^precision > value. Longer ones are left to the caller. */
export function read_decimal(cells: usize, start: i32, end: i32, out: usize, precision: i32, scale: i32): i32 {
  let limit: u64 = 1;
  for (let i = 0; i < min<i32>(precision, 18); i++) limit *= 10;
  for (let row = start; row < end; row++) {
    const cell = cells + ((row as usize) << 3);
    let value: u64 = 0;
    let minus = false;
    if ((load<u32>(cell, 4) & CELL_NULL) == 0) {
      if (!open_cell(cell) || scale < 0) return row;
      let at = from;
      minus = load<u8>(at) == 45;
      if (minus || load<u8>(at) == 43) at++;
      let places = -1;
      let digits = 0;
      for (; at < to; at++) {
        const byte = load<u8>(at) as u32;
        if (byte == 46 && places < 0) places = 0;
        else if (is_digit(byte) && digits < 18) {
          value = value * 10 + (byte - 48);
          digits++;
          if (places >= 0) places++;
        } else return row;
      }
      let missing = scale - max<i32>(places, 0);
      if (digits == 0 || missing < 0 || digits + missing > 18) return row;
      for (; missing > 0; missing--) value *= 10;
      if (value >= limit) return row;
    }
    const target = out + ((row as usize) << 4);
    const signed = minus ? 0 - (value as i64) : value as i64;
    store<i64>(target, signed);
    store<i64>(target, signed >> 63, 8);
  }
  return -1;
}

/** true/false, t/f, 1/0 in any case → bits of `out` (whole words; start must be the row after the last one that was read). */
export function read_bool(cells: usize, start: i32, end: i32, out: usize): i32 {
  for (let row = start; row < end; row++) {
    const cell = cells + ((row as usize) << 3);
    let value = false;
    if ((load<u32>(cell, 4) & CELL_NULL) == 0) {
      if (!open_cell(cell)) return row;
      const length = to - from;
      const first = load<u8>(from) | 32;
      const word = load<u32>(from) | 0x20202020;
      value = first == 116 || load<u8>(from) == 49;
      if (length == 1) {
        if (!value && first != 102 && load<u8>(from) != 48) return row;
      } else if (length == 4) {
        if (word != 0x65757274) return row;
      } else if (length != 5 || word != 0x736c6166 || (load<u8>(from, 4) | 32) != 101) return row;
    }
    const byte = out + ((row as usize) >> 3);
    const bit = 1 << ((row & 7) as u8);
    store<u8>(byte, value ? load<u8>(byte) | bit : load<u8>(byte) & ~bit);
  }
  return -1;
}
