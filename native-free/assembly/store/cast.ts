/**
 * Lossless casts. Integers go through 64 bits: widen, then narrow with a check. A checking kernel returns the first valid row whose value does
 * not fit, or -1. validity is a bitmap from row 0 on (0 = all valid).
 */
import { bit } from './row-bit';

@inline
function widen<T>(target: usize, source: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) store<i64>(target + (i << 3), load<T>(source + i * sizeof<T>()) as i64);
}

export function widen_i8(target: usize, source: usize, n: usize): void {
  widen<i8>(target, source, n);
}
export function widen_i16(target: usize, source: usize, n: usize): void {
  widen<i16>(target, source, n);
}
export function widen_i32(target: usize, source: usize, n: usize): void {
  widen<i32>(target, source, n);
}
export function widen_u8(target: usize, source: usize, n: usize): void {
  widen<u8>(target, source, n);
}
export function widen_u16(target: usize, source: usize, n: usize): void {
  widen<u16>(target, source, n);
}
export function widen_u32(target: usize, source: usize, n: usize): void {
  widen<u32>(target, source, n);
}

@inline
function narrow<T>(target: usize, source: usize, validity: usize, n: usize): i32 {
  for (let i: usize = 0; i < n; i++) {
    const value = load<i64>(source + (i << 3));
    store<T>(target + i * sizeof<T>(), value as T);
    if (((value as T) as i64) != value && (validity == 0 || bit(validity, i))) return i as i32;
  }
  return -1;
}

export function narrow_i8(target: usize, source: usize, validity: usize, n: usize): i32 {
  return narrow<i8>(target, source, validity, n);
}
export function narrow_i16(target: usize, source: usize, validity: usize, n: usize): i32 {
  return narrow<i16>(target, source, validity, n);
}
export function narrow_i32(target: usize, source: usize, validity: usize, n: usize): i32 {
  return narrow<i32>(target, source, validity, n);
}
export function narrow_u8(target: usize, source: usize, validity: usize, n: usize): i32 {
  return narrow<u8>(target, source, validity, n);
}
export function narrow_u16(target: usize, source: usize, validity: usize, n: usize): i32 {
  return narrow<u16>(target, source, validity, n);
}
export function narrow_u32(target: usize, source: usize, validity: usize, n: usize): i32 {
  return narrow<u32>(target, source, validity, n);
}

/** First valid row whose 64-bit value has its sign bit set: where int64 and uint64 disagree. */
export function find_negative_i64(source: usize, validity: usize, n: usize): i32 {
  for (let i: usize = 0; i < n; i++) if (load<i64>(source + (i << 3)) < 0 && (validity == 0 || bit(validity, i))) return i as i32;
  return -1;
}

export function exact_f64_i64(target: usize, source: usize, validity: usize, n: usize): i32 {
  for (let i: usize = 0; i < n; i++) {
    const value = load<i64>(source + (i << 3));
    const float = value as f64;
    store<f64>(target + (i << 3), float);
    if ((float >= 9223372036854775808.0 || (float as i64) != value) && (validity == 0 || bit(validity, i))) return i as i32;
  }
  return -1;
}

export function exact_f64_u64(target: usize, source: usize, validity: usize, n: usize): i32 {
  for (let i: usize = 0; i < n; i++) {
    const value = load<u64>(source + (i << 3));
    const float = value as f64;
    store<f64>(target + (i << 3), float);
    if ((float >= 18446744073709551616.0 || (float as u64) != value) && (validity == 0 || bit(validity, i))) return i as i32;
  }
  return -1;
}

export function exact_f32_f64(target: usize, source: usize, validity: usize, n: usize): i32 {
  for (let i: usize = 0; i < n; i++) {
    const value = load<f64>(source + (i << 3));
    const float = value as f32;
    store<f32>(target + (i << 2), float);
    if ((float as f64) != value && value == value && (validity == 0 || bit(validity, i))) return i as i32;
  }
  return -1;
}

export function widen_f32(target: usize, source: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) store<f64>(target + (i << 3), load<f32>(source + (i << 2)) as f64);
}

/** target = source * factor (an i64 > 0 at `factor`). */
export function multiply_exact_i64(target: usize, source: usize, factor: usize, validity: usize, n: usize): i32 {
  const by = load<i64>(factor);
  const most = i64.MAX_VALUE / by;
  const least = i64.MIN_VALUE / by;
  for (let i: usize = 0; i < n; i++) {
    const value = load<i64>(source + (i << 3));
    store<i64>(target + (i << 3), value * by);
    if ((value > most || value < least) && (validity == 0 || bit(validity, i))) return i as i32;
  }
  return -1;
}

/** target = source / divisor (an i64 > 0 at `divisor`), which must leave no remainder. */
export function divide_exact_i64(target: usize, source: usize, divisor: usize, validity: usize, n: usize): i32 {
  const by = load<i64>(divisor);
  for (let i: usize = 0; i < n; i++) {
    const value = load<i64>(source + (i << 3));
    const quotient = value / by;
    store<i64>(target + (i << 3), quotient);
    if (quotient * by != value && (validity == 0 || bit(validity, i))) return i as i32;
  }
  return -1;
}

/** int64 (or uint64) → 128 bits. */
export function widen_i128(target: usize, source: usize, unsigned: u32, n: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const value = load<i64>(source + (i << 3));
    store<i64>(target + (i << 4), value);
    store<i64>(target + (i << 4), unsigned ? 0 : value >> 63, 8);
  }
}

/** target = source * 10^digits; its magnitude must be below 10^precision, which stands as i128 at `limit`. */
export function multiply_exact_i128(target: usize, source: usize, digits: u32, limit: usize, validity: usize, n: usize): i32 {
  const limitLow = load<u64>(limit);
  const limitHigh = load<u64>(limit, 8);
  for (let i: usize = 0; i < n; i++) {
    let low = load<u64>(source + (i << 4));
    let high = load<u64>(source + (i << 4), 8);
    const negative = (high as i64) < 0;
    if (negative) {
      low = 0 - low;
      high = ~high + (low == 0 ? 1 : 0);
    }
    let fits = true;
    for (let digit: u32 = 0; digit < digits; digit++) {
      if (high > 0x0ccccccccccccccc) fits = false;
      const a = (low & 0xffffffff) * 10;
      const b = (low >> 32) * 10 + (a >> 32);
      low = (b << 32) | (a & 0xffffffff);
      high = high * 10 + (b >> 32);
    }
    if (high > limitHigh || (high == limitHigh && low >= limitLow)) fits = false;
    if (negative) {
      low = 0 - low;
      high = ~high + (low == 0 ? 1 : 0);
    }
    store<u64>(target + (i << 4), low);
    store<u64>(target + (i << 4), high, 8);
    if (!fits && (validity == 0 || bit(validity, i))) return i as i32;
  }
  return -1;
}
