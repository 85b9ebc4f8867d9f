// Byte strings: with their lengths before them (PLAIN), lengths first (DELTA_LENGTH_BYTE_ARRAY), or shared beginnings (DELTA_BYTE_ARRAY).

// @ts-ignore: decorator
@inline
function copy(target: usize, source: usize, size: usize): void {
  if (size > 32) {
    memory.copy(target, source, size);
    return;
  }
  const end = target + size;
  for (; target + 8 <= end; target += 8, source += 8) store<u64>(target, load<u64>(source));
  for (; target < end; target++, source++) store<u8>(target, load<u8>(source));
}

/** n + 1 offsets of n strings, each behind its length (u32). Returns the bytes of all, -1 when they do not fit into [source, sourceEnd). */
export function measure_plain_bytes(offsets: usize, n: u32, source: usize, sourceEnd: usize): i32 {
  let total: usize = 0;
  store<i32>(offsets, 0);
  for (let i: usize = 0; i < n; i++) {
    if (sourceEnd - source < 4) return -1;
    const size = <usize>load<u32>(source);
    source += 4;
    if (size > sourceEnd - source) return -1;
    source += size;
    total += size;
    store<i32>(offsets + (i << 2), <i32>total, 4);
  }
  return total > <usize>i32.MAX_VALUE ? -1 : <i32>total;
}

/** The bytes of n measured strings, one after the other. */
export function gather_plain_bytes(target: usize, n: u32, source: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    const size = <usize>load<u32>(source);
    copy(target, source + 4, size);
    source += 4 + size;
    target += size;
  }
}

/** n + 1 offsets of n lengths (int32). Returns their sum, -1 when one is negative or the sum is above limit. */
export function sum_byte_lengths(offsets: usize, lengths: usize, n: u32, limit: u32): i32 {
  let total: u64 = 0;
  store<i32>(offsets, 0);
  for (let i: usize = 0; i < n; i++) {
    const length = load<i32>(lengths + (i << 2));
    if (length < 0) return -1;
    total += length;
    if (total > limit) return -1;
    store<i32>(offsets + (i << 2), <i32>total, 4);
  }
  return <i32>total;
}

/** n + 1 offsets of n strings of which each is a prefix of the one before and a suffix of its own. Returns the bytes of all, -1: impossible. */
export function measure_prefixed_bytes(offsets: usize, prefixes: usize, suffixes: usize, n: u32): i32 {
  let total: u64 = 0;
  let before: i64 = 0;
  store<i32>(offsets, 0);
  for (let i: usize = 0; i < n; i++) {
    const prefix = <i64>load<i32>(prefixes + (i << 2));
    const suffix = <i64>(load<i32>(suffixes + (i << 2), 4) - load<i32>(suffixes + (i << 2)));
    if (prefix < 0 || prefix > before) return -1;
    before = prefix + suffix;
    total += before;
    if (total > <u64>i32.MAX_VALUE) return -1;
    store<i32>(offsets + (i << 2), <i32>total, 4);
  }
  return <i32>total;
}

/** The bytes of n measured strings; suffixes: their offsets in source. */
export function gather_prefixed_bytes(target: usize, prefixes: usize, suffixes: usize, n: u32, source: usize): void {
  let before = target;
  for (let i: usize = 0; i < n; i++) {
    const at = target;
    const prefix = <usize>load<u32>(prefixes + (i << 2));
    const from = load<u32>(suffixes + (i << 2));
    const suffix = <usize>(load<u32>(suffixes + (i << 2), 4) - from);
    memory.copy(target, before, prefix);
    copy(target + prefix, source + from, suffix);
    target += prefix + suffix;
    before = at;
  }
}
