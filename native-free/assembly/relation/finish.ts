/** From states to results, one element per group. */

/** out = a − b (int64). */
export function sub_counts(a: usize, b: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<i64>(out + (i << 3), load<i64>(a + (i << 3)) - load<i64>(b + (i << 3)));
}

/** 128-bit sums as int64; returns the first group whose sum does not fit, or −1. */
export function finish_sum_i64(states: usize, n: u32, out: usize): i32 {
  for (let i: usize = 0; i < n; i++) {
    const low = load<i64>(states + (i << 4));
    if (load<i64>(states + (i << 4) + 8) != low >> 63) return i as i32;
    store<i64>(out + (i << 3), low);
  }
  return -1;
}
export function finish_sum_u64(states: usize, n: u32, out: usize): i32 {
  for (let i: usize = 0; i < n; i++) {
    if (load<i64>(states + (i << 4) + 8) != 0) return i as i32;
    store<u64>(out + (i << 3), load<u64>(states + (i << 4)));
  }
  return -1;
}
/** 128-bit sums checked against 38 digits; returns the first group that overflows, or −1. */
export function finish_sum_i128(states: usize, flags: usize, n: u32): i32 {
  // 10^38 = 0x4b3b4ca85a86c47a_098a224000000000
  for (let i: usize = 0; i < n; i++) {
    if (load<u8>(flags + i)) return i as i32;
    let low = load<u64>(states + (i << 4));
    let high = load<i64>(states + (i << 4) + 8);
    if (high < 0) { low = ~low + 1; high = ~high + (low == 0 ? 1 : 0); }
    if ((high as u64) > 0x4b3b4ca85a86c47a || ((high as u64) == 0x4b3b4ca85a86c47a && low >= 0x098a224000000000)) return i as i32;
  }
  return -1;
}

// @ts-ignore: decorator
@inline
function wideToFloat(low: u64, high: i64): f64 {
  const negative = high < 0;
  if (negative) { low = ~low + 1; high = ~high + (low == 0 ? 1 : 0); }
  const value = (high as u64 as f64) * 18446744073709551616.0 + (low as f64);
  return negative ? -value : value;
}

/** 128-bit sums ÷ counts ÷ scale, as float64. */
export function finish_avg_i128(states: usize, flags: usize, counts: usize, n: u32, scale: f64, out: usize): i32 {
  for (let i: usize = 0; i < n; i++) {
    if (flags && load<u8>(flags + i)) return i as i32;
    const count = load<i64>(counts + (i << 3));
    const sum = wideToFloat(load<u64>(states + (i << 4)), load<i64>(states + (i << 4) + 8));
    store<f64>(out + (i << 3), count > 0 ? sum / scale / (count as f64) : 0);
  }
  return -1;
}
export function finish_avg_f64(states: usize, counts: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const count = load<i64>(counts + (i << 3));
    store<f64>(out + (i << 3), count > 0 ? load<f64>(states + (i << 3)) / (count as f64) : 0);
  }
}
export function finish_ratio_f64(a: usize, b: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<f64>(out + (i << 3), load<f64>(a + (i << 3)) / load<f64>(b + (i << 3)));
}

/** M2 ÷ (n − less), its root when asked; present (uint8) = 1 where n > less. */
export function finish_variance(states: usize, n: u32, less: f64, root: u32, out: usize, present: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const count = load<f64>(states + i * 24);
    const known = count > less;
    const value = known ? load<f64>(states + i * 24 + 16) / (count - less) : 0;
    store<f64>(out + (i << 3), root ? sqrt(value) : value);
    store<u8>(present + i, known);
  }
}

/** From co-moments: which 0 = covariance (÷ (n − less)), 1 = correlation, 2 = slope, 3 = intercept, 4 = r². */
export function finish_covariance(states: usize, n: u32, less: f64, which: u32, out: usize, present: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const at = states + i * 48;
    const count = load<f64>(at);
    const xx = load<f64>(at + 24), yy = load<f64>(at + 32), xy = load<f64>(at + 40);
    let known = count > less;
    let value: f64 = 0;
    if (which == 0) value = xy / (count - less);
    else if (which == 1) { known = known && xx > 0 && yy > 0; value = xy / sqrt(xx * yy); }
    else if (which == 2) { known = known && xx > 0; value = xy / xx; }
    else if (which == 3) { known = known && xx > 0; value = load<f64>(at + 16) - xy / xx * load<f64>(at + 8); }
    else { known = known && xx > 0; value = yy == 0 ? 1 : xy * xy / (xx * yy); }
    store<f64>(out + (i << 3), known ? value : 0);
    store<u8>(present + i, known);
  }
}

/** ids[i] = 0xFFFFFFFF where flags[i] is not 1. */
export function hide_ids(ids: usize, flags: usize, n: u32): void {
  for (let i: usize = 0; i < n; i++) if (load<u8>(flags + i) != 1) store<u32>(ids + (i << 2), 0xffffffff);
}

/** count elements of `width` bytes from `first` on, each set to the 16 bytes at `pattern` (as many as fit in width). */
export function fill_states(states: usize, first: u32, count: u32, width: u32, pattern: usize): void {
  const from = states + (first as usize) * width, end = from + (count as usize) * width;
  if (width == 8) {
    const bits = load<u64>(pattern);
    for (let at = from; at < end; at += 8) store<u64>(at, bits);
  } else if (width == 4) {
    const bits = load<u32>(pattern);
    for (let at = from; at < end; at += 4) store<u32>(at, bits);
  } else if (width == 16) {
    const bits = v128.load(pattern);
    for (let at = from; at < end; at += 16) v128.store(at, bits);
  } else {
    for (let at = from; at < end; at += width) memory.copy(at, pattern, min(width, 16));
  }
}
