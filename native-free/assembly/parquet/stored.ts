// Values as Parquet stores them → as our vectors hold them.

/** BYTE_STREAM_SPLIT: byte k of value i lies at source + k * n + i. */
export function join_byte_streams(target: usize, source: usize, widthBytes: u32, n: u32): void {
  const width = <usize>widthBytes;
  for (let k: usize = 0; k < width; k++) {
    const stream = source + k * <usize>n;
    for (let i: usize = 0; i < n; i++) store<u8>(target + i * width + k, load<u8>(stream + i));
  }
}

/** The low bytes of int32. */
export function narrow_stored_i32(target: usize, source: usize, widthBytes: u32, n: u32): void {
  if (widthBytes == 1) for (let i: usize = 0; i < n; i++) store<u8>(target + i, load<u8>(source + (i << 2)));
  else for (let i: usize = 0; i < n; i++) store<u16>(target + (i << 1), load<u16>(source + (i << 2)));
}

/** INT96: nanoseconds of the day (u64), Julian day (u32) → nanoseconds since 1970. */
export function widen_int96_i64(target: usize, source: usize, n: u32): void {
  for (let i: usize = 0; i < n; i++, source += 12) {
    const days = <i64>load<i32>(source, 8) - 2440588;
    store<i64>(target + (i << 3), days * 86_400_000_000_000 + load<i64>(source));
  }
}

/** INTERVAL: months, days, milliseconds (u32 each) → our intervals. */
export function widen_stored_interval(target: usize, source: usize, n: u32): void {
  for (let i: usize = 0; i < n; i++, source += 12, target += 16) {
    store<u64>(target, load<u64>(source));
    store<i64>(target, <i64>load<u32>(source, 8) * 1_000_000, 8);
  }
}

/** Big-endian two's complement numbers of widthBytes each → int128. Returns the index of the first that does not fit, -1 for none. */
export function widen_fixed_i128(target: usize, source: usize, widthBytes: u32, n: u32): i32 {
  for (let i: usize = 0; i < n; i++, source += widthBytes) if (!bigEndian(target + (i << 4), source, widthBytes)) return <i32>i;
  return -1;
}

/** Big-endian two's complement numbers between offsets → int128. Returns the index of the first that does not fit, -1 for none. */
export function widen_bytes_i128(target: usize, offsets: usize, values: usize, n: u32): i32 {
  for (let i: usize = 0; i < n; i++) {
    const from = load<u32>(offsets + (i << 2));
    if (!bigEndian(target + (i << 4), values + from, load<u32>(offsets + (i << 2), 4) - from)) return <i32>i;
  }
  return -1;
}

function bigEndian(target: usize, source: usize, size: u32): bool {
  const sign: u64 = size > 0 && load<i8>(source) < 0 ? u64.MAX_VALUE : 0;
  let high = sign;
  let low = sign;
  let skipped: u32 = 0;
  // Bytes above the sixteenth may only repeat the sign.
  for (; size - skipped > 16; skipped++) if (<u64>load<u8>(source + skipped) != (sign & 255)) return false;
  const from = source + skipped;
  const rest = size - skipped;
  if (rest == 16 && ((load<i8>(from) < 0) != (sign != 0))) return false;
  for (let i: u32 = 0; i < rest; i++) {
    high = (high << 8) | (low >> 56);
    low = (low << 8) | <u64>load<u8>(from + i);
  }
  store<u64>(target, low);
  store<u64>(target, high, 8);
  return true;
}
