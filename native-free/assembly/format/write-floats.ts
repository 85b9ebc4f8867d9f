/**
 * Shortest text that reads back as the same float, in JavaScript's style (1e21, 1e-7, 0.000001), after Giulietti's "Schubfach":
 * the interval of numbers that round to the float is scaled by a power of ten so that at most two candidates are left.
 */
import { power_high, power_low } from './powers';
import { move_32, write_four, write_u64 } from './write-integers';

/** Result of shortest_*: digits * 10^exponent. */
let digits: u64 = 0;
let exponent: i32 = 0;

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

// @ts-ignore: decorator
@inline
function round_to_odd(high: u64, low: u64, factor: u64): u64 {
  const carry = multiply_high(low, factor);
  const lowProduct = high * factor;
  let top = multiply_high(high, factor);
  const sum = lowProduct + carry;
  if (sum < carry) top++;
  return top | (sum > 1 ? 1 : 0);
}

function shortest_f64(bits: u64): void {
  const fraction = bits & 0xfffffffffffff;
  const biased = ((bits >> 52) & 0x7ff) as i32;
  const c = biased != 0 ? fraction | 0x10000000000000 : fraction;
  const q = biased != 0 ? biased - 1075 : -1074;
  const closer = fraction == 0 && biased > 1 ? 1 : 0;
  const odd = c & 1;
  const k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
  const h = q + ((-k * 1741647) >> 19) + 1;
  const high = power_high(-k);
  const low = power_low(-k);
  const middle = c << 2;
  const lower = round_to_odd(high, low, (middle - 2 + closer) << h) + odd;
  const value = round_to_odd(high, low, middle << h);
  const upper = round_to_odd(high, low, (middle + 2) << h) - odd;
  choose(value, lower, upper, k);
}

function shortest_f32(bits: u32): void {
  const fraction = bits & 0x7fffff;
  const biased = ((bits >> 23) & 0xff) as i32;
  const c: u64 = biased != 0 ? fraction | 0x800000 : fraction;
  const q = biased != 0 ? biased - 150 : -149;
  const closer = fraction == 0 && biased > 1 ? 1 : 0;
  const odd = c & 1;
  const k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
  const h = q + ((-k * 1741647) >> 19) + 1;
  const high = power_high(-k);
  const low = power_low(-k);
  // The 32 bits less of the significand are made up for by a shift, so the same 128-bit product serves.
  const middle = (c << 2) << 32;
  const lower = round_to_odd(high, low, (middle - ((2 - closer) << 32)) << h);
  const value = round_to_odd(high, low, middle << h);
  const upper = round_to_odd(high, low, (middle + ((2 as u64) << 32)) << h);
  choose(shift_to_odd(value), shift_to_odd(lower) + odd, shift_to_odd(upper) - odd, k);
}

// @ts-ignore: decorator
@inline
function shift_to_odd(value: u64): u64 {
  return (value >> 32) | ((value & 0xffffffff) != 0 ? 1 : 0);
}

// @ts-ignore: decorator
@inline
function choose(value: u64, lower: u64, upper: u64, k: i32): void {
  const s = value >> 2;
  if (s >= 10) {
    const tens = s / 10;
    const downInside = lower <= 40 * tens;
    const upInside = 40 * tens + 40 <= upper;
    if (downInside != upInside) {
      digits = tens + (upInside ? 1 : 0);
      exponent = k + 1;
      return;
    }
  }
  exponent = k;
  const downInside = lower <= 4 * s;
  const upInside = 4 * s + 4 <= upper;
  if (downInside != upInside) {
    digits = s + (upInside ? 1 : 0);
    return;
  }
  const half = 4 * s + 2;
  digits = s + (value > half || (value == half && (s & 1) != 0) ? 1 : 0);
}

// @ts-ignore: decorator
@inline
function fill_zeros(out: usize): void {
  v128.store(out, i8x16.splat(48));
  v128.store(out, i8x16.splat(48), 16);
}

/** Writes digits * 10^exponent as JavaScript does. May scribble up to 48 bytes. */
function write_scientific(out: usize): usize {
  while (digits >= 10) {
    const tens = digits / 10;
    if (tens * 10 != digits) break;
    digits = tens;
    exponent++;
  }
  const end = write_u64(out, digits);
  const count = (end - out) as i32;
  const point = count + exponent;
  if (point > 0 && point <= 21) {
    if (exponent >= 0) {
      fill_zeros(end);
      return end + exponent;
    }
    move_32(out + point + 1, out + point);
    store<u8>(out + point, 46);
    return end + 1;
  }
  if (point > -6 && point <= 0) {
    const low = v128.load(out);
    const high = v128.load(out, 16);
    store<u64>(out, 0x3030303030302e30); // "0.000000"
    v128.store(out + 2 - point, low);
    v128.store(out + 2 - point, high, 16);
    return end + 2 - point;
  }
  let at = end;
  if (count > 1) {
    move_32(out + 2, out + 1);
    store<u8>(out + 1, 46);
    at++;
  }
  store<u8>(at, 101);
  store<u8>(at + 1, point > 0 ? 43 : 45);
  return write_u64(at + 2, (point > 0 ? point - 1 : 1 - point) as u64);
}

/** `value` has at most 15 digits, the last four of them behind the point (so its text is unique and shortest); trailing zeros are cut. */
// @ts-ignore: decorator
@inline
function write_fixed4(out: usize, value: u64): usize {
  const whole = value / 10000;
  const fraction = (value - whole * 10000) as u32;
  const end = write_u64(out, whole);
  store<u8>(end, 46);
  write_four(end + 1, fraction);
  if (fraction % 100 == 0) return fraction % 1000 == 0 ? end + 2 : end + 3;
  return fraction % 10 == 0 ? end + 4 : end + 5;
}

/** Text of a finite float64 (−0 is "-0"). Needs 32 bytes. */
export function write_f64(out: usize, value: f64): usize {
  const bits = reinterpret<u64>(value);
  if ((bits as i64) < 0) store<u8>(out++, 45);
  const size = abs<f64>(value);
  if (size < 1e15) {
    if (trunc<f64>(size) == size) return write_u64(out, size as u64);
    const fixed4 = nearest<f64>(size * 1e4);
    if (fixed4 < 1e15 && fixed4 / 1e4 == size) return write_fixed4(out, fixed4 as u64);
  }
  shortest_f64(bits & 0x7fffffffffffffff);
  return write_scientific(out);
}

/** Text of a finite float32: the fewest digits that read back as the same float32. Needs 32 bytes. */
export function write_f32(out: usize, value: f32): usize {
  const bits = reinterpret<u32>(value);
  if ((bits as i32) < 0) store<u8>(out++, 45);
  const size = abs<f32>(value);
  if (size < 8388608 && trunc<f32>(size) == size) return write_u64(out, size as u64);
  shortest_f32(bits & 0x7fffffff);
  return write_scientific(out);
}
