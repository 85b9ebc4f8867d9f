/** Text of integers and decimals. Every function writes at `out` and returns the address behind what it wrote. */

const PAIRS: usize = memory.data<u8>([
  48, 48, 48, 49, 48, 50, 48, 51, 48, 52, 48, 53, 48, 54, 48, 55, 48, 56, 48, 57, 49, 48, 49, 49, 49, 50, 49, 51, 49, 52, 49, 53, 49, 54, 49, 55,
  49, 56, 49, 57, 50, 48, 50, 49, 50, 50, 50, 51, 50, 52, 50, 53, 50, 54, 50, 55, 50, 56, 50, 57, 51, 48, 51, 49, 51, 50, 51, 51, 51, 52, 51, 53,
  51, 54, 51, 55, 51, 56, 51, 57, 52, 48, 52, 49, 52, 50, 52, 51, 52, 52, 52, 53, 52, 54, 52, 55, 52, 56, 52, 57, 53, 48, 53, 49, 53, 50, 53, 51,
  53, 52, 53, 53, 53, 54, 53, 55, 53, 56, 53, 57, 54, 48, 54, 49, 54, 50, 54, 51, 54, 52, 54, 53, 54, 54, 54, 55, 54, 56, 54, 57, 55, 48, 55, 49,
  55, 50, 55, 51, 55, 52, 55, 53, 55, 54, 55, 55, 55, 56, 55, 57, 56, 48, 56, 49, 56, 50, 56, 51, 56, 52, 56, 53, 56, 54, 56, 55, 56, 56, 56, 57,
  57, 48, 57, 49, 57, 50, 57, 51, 57, 52, 57, 53, 57, 54, 57, 55, 57, 56, 57, 57,
]);

// @ts-ignore: decorator
@inline
export function write_two(out: usize, value: u32): usize {
  store<u16>(out, load<u16>(PAIRS + (value << 1)));
  return out + 2;
}

// @ts-ignore: decorator
@inline
export function write_four(out: usize, value: u32): usize {
  write_two(out, value / 100);
  return write_two(out + 2, value % 100);
}

// @ts-ignore: decorator
@inline
function write_eight(out: usize, value: u32): usize {
  write_four(out, value / 10000);
  return write_four(out + 4, value % 10000);
}

/** Digits of a value below 10^8, without leading zeros. */
function write_below_1e8(out: usize, value: u32): usize {
  if (value < 100) {
    if (value < 10) {
      store<u8>(out, 48 + value);
      return out + 1;
    }
    return write_two(out, value);
  }
  if (value < 10000) {
    const high = value / 100;
    out = high < 10 ? write_below_1e8(out, high) : write_two(out, high);
    return write_two(out, value % 100);
  }
  out = write_below_1e8(out, value / 10000);
  return write_four(out, value % 10000);
}

export function write_u64(out: usize, value: u64): usize {
  if (value < 100000000) return write_below_1e8(out, value as u32);
  if (value < 10000000000000000) {
    const high = value / 100000000;
    out = write_below_1e8(out, high as u32);
    return write_eight(out, (value - high * 100000000) as u32);
  }
  const top = value / 10000000000000000;
  const rest = value - top * 10000000000000000;
  const high = rest / 100000000;
  out = write_below_1e8(out, top as u32);
  out = write_eight(out, high as u32);
  return write_eight(out, (rest - high * 100000000) as u32);
}

// @ts-ignore: decorator
@inline
export function write_i64(out: usize, value: i64): usize {
  if (value >= 0) return write_u64(out, value as u64);
  store<u8>(out, 45);
  return write_u64(out + 1, (0 - value) as u64);
}

/** Exactly `digits` digits (leading zeros kept); value < 10^digits. */
// @ts-ignore: decorator
@inline
export function write_padded(out: usize, value: u32, digits: i32): usize {
  if (digits == 9) {
    const top = value / 100000000;
    store<u8>(out, 48 + top);
    return write_eight(out + 1, value - top * 100000000);
  }
  if (digits == 6) return write_four(write_two(out, value / 10000), value % 10000);
  const top = value / 100;
  store<u8>(out, 48 + top);
  return write_two(out + 1, value - top * 100);
}

/** As write_padded, of any number of digits. */
function write_digits(out: usize, value: u64, digits: i32): usize {
  let rest = value;
  for (let i = digits - 1; i >= 0; i--) {
    const next = rest / 10;
    store<u8>(out + i, 48 + ((rest - next * 10) as u8));
    rest = next;
  }
  return out + digits;
}

/** Copies 32 bytes by two loads and two stores, so that source and target may overlap: memory.copy costs a call. */
// @ts-ignore: decorator
@inline
export function move_32(target: usize, source: usize): void {
  const first = v128.load(source);
  const second = v128.load(source, 16);
  v128.store(target, first);
  v128.store(target, second, 16);
}

/** Copies text of any length; may scribble 15 bytes behind it, and reads as many behind the source. */
// @ts-ignore: decorator
@inline
export function copy_text(out: usize, text: usize, length: usize): usize {
  if (length > 64) memory.copy(out, text, length);
  else for (let i: usize = 0; i < length; i += 16) v128.store(out + i, v128.load(text + i));
  return out + length;
}

/** Digits of an unsigned 128-bit value, without leading zeros: divided by 10^9 as four 32-bit limbs. Uses 64 bytes behind out. */
function write_u128(out: usize, high: u64, low: u64): usize {
  if (high == 0) return write_u64(out, low);
  let a = high >> 32;
  let b = high & 0xffffffff;
  let c = low >> 32;
  let d = low & 0xffffffff;
  let at = out + 63;
  while ((a | b | c | d) != 0) {
    let rest = a % 1000000000;
    a /= 1000000000;
    b |= rest << 32;
    rest = b % 1000000000;
    b /= 1000000000;
    c |= rest << 32;
    rest = c % 1000000000;
    c /= 1000000000;
    d |= rest << 32;
    rest = d % 1000000000;
    d /= 1000000000;
    at -= 9;
    write_padded(at, rest as u32, 9);
  }
  while (load<u8>(at) == 48) at++;
  const length = out + 63 - at;
  memory.copy(out, at, length);
  return out + length;
}

/** Text of a decimal128: the unscaled value at `source`, `scale` digits behind the point (negative: zeros appended). */
export function write_decimal(out: usize, source: usize, scale: i32): usize {
  let low = load<u64>(source);
  let high = load<u64>(source, 8);
  if ((high as i64) < 0) {
    store<u8>(out++, 45);
    low = ~low + 1;
    high = ~high + (low == 0 ? 1 : 0);
  }
  if (high == 0 && scale > 0 && scale <= 18 && low < 1000000000000000000) {
    let unit: u64 = 1;
    for (let i = 0; i < scale; i++) unit *= 10;
    const whole = low / unit;
    const point = write_u64(out, whole);
    store<u8>(point, 46);
    return write_digits(point + 1, low - whole * unit, scale);
  }
  let end = write_u128(out, high, low);
  if (scale <= 0) {
    if (high | low) for (let i = scale; i < 0; i++) store<u8>(end++, 48);
    return end;
  }
  const missing = scale + 1 - ((end - out) as i32);
  if (missing > 0) {
    memory.copy(out + missing, out, end - out);
    memory.fill(out, 48, missing);
    end += missing;
  }
  memory.copy(end - scale + 1, end - scale, scale);
  store<u8>(end - scale, 46);
  return end + 1;
}
