/** Values as 64-bit keys: equal values ⇔ equal keys (key_*), or ordered as unsigned integers (order_*). */
const NAN_BITS: u64 = 0x7ff8000000000000;

// @ts-ignore: decorator
@inline
function floatBits(value: f64): u64 {
  return value != value ? NAN_BITS : reinterpret<u64>(value + 0.0);
}

// @ts-ignore: decorator
@inline
function key<T>(values: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const value = load<T>(values + i * sizeof<T>());
    if (isFloat<T>()) store<u64>(out + (i << 3), floatBits(value as f64));
    else if (isSigned<T>()) store<i64>(out + (i << 3), value as i64);
    else store<u64>(out + (i << 3), value as u64);
  }
}
export function key_i8(values: usize, n: u32, out: usize): void { key<i8>(values, n, out); }
export function key_i16(values: usize, n: u32, out: usize): void { key<i16>(values, n, out); }
export function key_i32(values: usize, n: u32, out: usize): void { key<i32>(values, n, out); }
export function key_u8(values: usize, n: u32, out: usize): void { key<u8>(values, n, out); }
export function key_u16(values: usize, n: u32, out: usize): void { key<u16>(values, n, out); }
export function key_u32(values: usize, n: u32, out: usize): void { key<u32>(values, n, out); }
export function key_f32(values: usize, n: u32, out: usize): void { key<f32>(values, n, out); }
export function key_f64(values: usize, n: u32, out: usize): void { key<f64>(values, n, out); }
export function key_bit(values: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<u64>(out + (i << 3), ((load<u8>(values + (i >> 3)) >> ((i & 7) as u8)) & 1) as u64);
}

/** The way back: the low bytes of each key, or the float of its bits. out may be keys. */
// @ts-ignore: decorator
@inline
function unkey<T>(keys: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const value = load<u64>(keys + (i << 3));
    if (isFloat<T>()) store<T>(out + i * sizeof<T>(), reinterpret<f64>(value) as T);
    else store<T>(out + i * sizeof<T>(), value as T);
  }
}
export function unkey_w1(keys: usize, n: u32, out: usize): void { unkey<u8>(keys, n, out); }
export function unkey_w2(keys: usize, n: u32, out: usize): void { unkey<u16>(keys, n, out); }
export function unkey_w4(keys: usize, n: u32, out: usize): void { unkey<u32>(keys, n, out); }
export function unkey_f32(keys: usize, n: u32, out: usize): void { unkey<f32>(keys, n, out); }

// @ts-ignore: decorator
@inline
function order<T>(values: usize, n: u32, descending: u32, out: usize): void {
  const flip: u64 = descending ? ~(0 as u64) : 0;
  for (let i: usize = 0; i < n; i++) {
    const value = load<T>(values + i * sizeof<T>());
    let bits: u64;
    if (isFloat<T>()) {
      bits = floatBits(value as f64);
      bits = bits >> 63 ? ~bits : bits | 0x8000000000000000;
    } else if (isSigned<T>()) bits = (value as i64 as u64) ^ 0x8000000000000000;
    else bits = value as u64;
    store<u64>(out + (i << 3), bits ^ flip);
  }
}
export function order_i8(values: usize, n: u32, descending: u32, out: usize): void { order<i8>(values, n, descending, out); }
export function order_i16(values: usize, n: u32, descending: u32, out: usize): void { order<i16>(values, n, descending, out); }
export function order_i32(values: usize, n: u32, descending: u32, out: usize): void { order<i32>(values, n, descending, out); }
export function order_i64(values: usize, n: u32, descending: u32, out: usize): void { order<i64>(values, n, descending, out); }
export function order_u8(values: usize, n: u32, descending: u32, out: usize): void { order<u8>(values, n, descending, out); }
export function order_u16(values: usize, n: u32, descending: u32, out: usize): void { order<u16>(values, n, descending, out); }
export function order_u32(values: usize, n: u32, descending: u32, out: usize): void { order<u32>(values, n, descending, out); }
export function order_u64(values: usize, n: u32, descending: u32, out: usize): void { order<u64>(values, n, descending, out); }
export function order_f32(values: usize, n: u32, descending: u32, out: usize): void { order<f32>(values, n, descending, out); }
export function order_f64(values: usize, n: u32, descending: u32, out: usize): void { order<f64>(values, n, descending, out); }
export function order_bit(values: usize, n: u32, descending: u32, out: usize): void {
  const flip: u64 = descending ? ~(0 as u64) : 0;
  for (let i: usize = 0; i < n; i++) store<u64>(out + (i << 3), (((load<u8>(values + (i >> 3)) >> ((i & 7) as u8)) & 1) as u64) ^ flip);
}

/** 16-byte values have two keys: which = 1 the more significant, 0 the less. */
export function order_i128(values: usize, n: u32, descending: u32, which: u32, out: usize): void {
  const flip: u64 = (descending ? ~(0 as u64) : 0) ^ (which ? 0x8000000000000000 : 0);
  for (let i: usize = 0; i < n; i++) store<u64>(out + (i << 3), load<u64>(values + (i << 4) + (which << 3)) ^ flip);
}
export function order_fixed16(values: usize, n: u32, descending: u32, which: u32, out: usize): void {
  const flip: u64 = descending ? ~(0 as u64) : 0;
  for (let i: usize = 0; i < n; i++) store<u64>(out + (i << 3), bswap<u64>(load<u64>(values + (i << 4) + ((1 - which) << 3))) ^ flip);
}
/** Intervals compare with months of 30 days and days of 24 hours. */
export function order_interval(values: usize, n: u32, descending: u32, which: u32, out: usize): void {
  const flip: u64 = (descending ? ~(0 as u64) : 0) ^ 0x8000000000000000;
  const perDay: i64 = 86400000000000;
  for (let i: usize = 0; i < n; i++) {
    const at = values + (i << 4);
    const nanoseconds = load<i64>(at + 8);
    let days = nanoseconds / perDay;
    let rest = nanoseconds % perDay;
    if (rest < 0) { rest += perDay; days--; }
    days += (load<i32>(at) as i64) * 30 + (load<i32>(at + 4) as i64);
    store<u64>(out + (i << 3), ((which ? days : rest) as u64) ^ flip);
  }
}
