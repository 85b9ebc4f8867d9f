// Arrow types that we take in but do not keep → the type that we keep. Errors come back as the first bad row, -1 = none.

const NS_PER_MS: i64 = 1_000_000;
const MS_PER_DAY: i64 = 86_400_000;

// @ts-ignore: decorator
@inline
function isSet(validity: usize, i: u32): bool {
  return validity == 0 || ((load<u8>(validity + (i >> 3)) >> <u8>(i & 7)) & 1) != 0;
}

/** float16 → float32. */
export function widen_f16_f32(target: usize, source: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const half = <u32>load<u16>(source + ((<usize>i) << 1));
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 31;
    const fraction = half & 0x3ff;
    let bits: u32;
    if (exponent == 31) bits = sign | 0x7f800000 | (fraction << 13);
    else if (exponent != 0) bits = sign | ((exponent + 112) << 23) | (fraction << 13);
    else bits = sign | reinterpret<u32>(<f32>fraction * <f32>5.9604644775390625e-8);
    store<u32>(target + ((<usize>i) << 2), bits);
  }
}

/** int32 → int64, times factor (time32 → time64). */
export function scale_i32_i64(target: usize, source: usize, count: u32, factor: i32): void {
  for (let i: u32 = 0; i < count; i++) store<i64>(target + ((<usize>i) << 3), <i64>load<i32>(source + ((<usize>i) << 2)) * <i64>factor);
}

/** date64 (milliseconds, whole days) → date32. */
export function narrow_date64_date32(target: usize, source: usize, validity: usize, count: u32): i32 {
  for (let i: u32 = 0; i < count; i++) {
    const ms = load<i64>(source + ((<usize>i) << 3));
    const days = ms / MS_PER_DAY;
    if ((days * MS_PER_DAY != ms || days != <i64>(<i32>days)) && isSet(validity, i)) return i;
    store<i32>(target + ((<usize>i) << 2), <i32>days);
  }
  return -1;
}

export function widen_i32_i128(target: usize, source: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const value = <i64>load<i32>(source + ((<usize>i) << 2));
    store<i64>(target + ((<usize>i) << 4), value);
    store<i64>(target + ((<usize>i) << 4), value >> 63, 8);
  }
}

export function widen_i64_i128(target: usize, source: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const value = load<i64>(source + ((<usize>i) << 3));
    store<i64>(target + ((<usize>i) << 4), value);
    store<i64>(target + ((<usize>i) << 4), value >> 63, 8);
  }
}

/** 256-bit → 128-bit two's complement. */
export function narrow_i256_i128(target: usize, source: usize, validity: usize, count: u32): i32 {
  for (let i: u32 = 0; i < count; i++) {
    const from = source + ((<usize>i) << 5);
    const high = load<i64>(from, 8);
    const sign = high >> 63;
    if ((load<i64>(from, 16) != sign || load<i64>(from, 24) != sign) && isSet(validity, i)) return i;
    store<i64>(target + ((<usize>i) << 4), load<i64>(from));
    store<i64>(target + ((<usize>i) << 4), high, 8);
  }
  return -1;
}

/** Arrow's YEAR_MONTH interval → MONTH_DAY_NANO. */
export function widen_months_interval(target: usize, source: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    store<i64>(target + ((<usize>i) << 4), <i64>load<u32>(source + ((<usize>i) << 2)));
    store<i64>(target + ((<usize>i) << 4), 0, 8);
  }
}

/** Arrow's DAY_TIME interval (days, milliseconds) → MONTH_DAY_NANO. */
export function widen_days_interval(target: usize, source: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    store<i32>(target + ((<usize>i) << 4), 0);
    store<i32>(target + ((<usize>i) << 4), load<i32>(source + ((<usize>i) << 3)), 4);
    store<i64>(target + ((<usize>i) << 4), <i64>load<i32>(source + ((<usize>i) << 3), 4) * NS_PER_MS, 8);
  }
}

/** Durations of a unit of `factor` nanoseconds → MONTH_DAY_NANO. */
export function widen_duration_interval(target: usize, source: usize, validity: usize, count: u32, factor: i32): i32 {
  const limit = i64.MAX_VALUE / <i64>factor;
  for (let i: u32 = 0; i < count; i++) {
    const ticks = load<i64>(source + ((<usize>i) << 3));
    if ((ticks > limit || ticks < -limit) && isSet(validity, i)) return i;
    store<i64>(target + ((<usize>i) << 4), 0);
    store<i64>(target + ((<usize>i) << 4), ticks * <i64>factor, 8);
  }
  return -1;
}

/**
 * Offsets of string views (16 bytes each: length, then 12 bytes inline or prefix, buffer number, offset), null rows 0 bytes long. buffers: a
 * table of [address, size] u32 pairs. Returns the end as float64, or -(row + 1) for the first view that points outside of its buffer.
 */
export function measure_views(offsets: usize, views: usize, validity: usize, count: u32, buffers: usize, bufferCount: u32): f64 {
  let end: i64 = 0;
  store<i32>(offsets, 0);
  for (let i: u32 = 0; i < count; i++) {
    if (isSet(validity, i)) {
      const view = views + ((<usize>i) << 4);
      const size = load<i32>(view);
      if (size < 0) return -<f64>(i + 1);
      if (size > 12) {
        const buffer = load<u32>(view, 8);
        const offset = load<i32>(view, 12);
        if (buffer >= bufferCount || offset < 0) return -<f64>(i + 1);
        if (<u64>offset + <u64>size > <u64>load<u32>(buffers + ((<usize>buffer) << 3), 4)) return -<f64>(i + 1);
      }
      end += size;
    }
    store<i32>(offsets + ((<usize>i) << 2), <i32>end, 4);
  }
  return <f64>end;
}

/** Writes the bytes of measured views, one after the other. */
export function gather_views(target: usize, views: usize, validity: usize, count: u32, buffers: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    if (!isSet(validity, i)) continue;
    const view = views + ((<usize>i) << 4);
    const size = load<u32>(view);
    const source = size > 12 ? <usize>load<u32>(buffers + ((<usize>load<u32>(view, 8)) << 3)) + <usize>load<u32>(view, 12) : view + 4;
    memory.copy(target, source, size);
    target += size;
  }
}
