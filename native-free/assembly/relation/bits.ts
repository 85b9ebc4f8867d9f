/** Bitmap words: the 64 rows from `base`, clipped to n rows; no bitmap means all rows. */
// @ts-ignore: decorator
@inline
export function rowsOf(mask: usize, base: u32, n: u32): u64 {
  const word: u64 = mask ? load<u64>(mask + (base >> 3)) : ~(0 as u64);
  const left = n - base;
  return left < 64 ? word & (((1 as u64) << left) - 1) : word;
}

/** True when the 64 ids from `base` on are the same: rows come in runs of groups when they come in the order of their keys. */
// @ts-ignore: decorator
@inline
export function isRun(ids: usize, base: u32): bool {
  const at = ids + ((base as usize) << 2);
  if (load<u32>(at) != load<u32>(at, 252)) return false;
  const first = v128.load32_splat(at);
  let same = i32x4.eq(v128.load(at), first);
  for (let k: usize = 16; k < 256; k += 16) same = v128.and(same, i32x4.eq(v128.load(at + k), first));
  return i32x4.all_true(same);
}

// @ts-ignore: decorator
@inline
export function bitAt(bitmap: usize, row: u32): bool {
  return ((load<u8>(bitmap + (row >> 3)) >> ((row & 7) as u8)) & 1) != 0;
}

/** Four row pairs of a byte of mask bits: all ones in a lane = the row counts. */
// @ts-ignore: decorator
@inline
export function pairMask(bits: v128, pair: i32): v128 {
  const wanted = pair == 0 ? i64x2(1, 2) : pair == 1 ? i64x2(4, 8) : pair == 2 ? i64x2(16, 32) : i64x2(64, 128);
  return i64x2.eq(v128.and(bits, wanted), wanted);
}

/** out = a AND b, whole words; 0 for a or b means all ones. Returns the set bits among n rows. */
export function mask_and(a: usize, b: usize, n: u32, out: usize): u32 {
  let count: u64 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    const word = rowsOf(a, base, n) & rowsOf(b, base, n);
    store<u64>(out + (base >> 3), word);
    count += popcnt(word);
  }
  return count as u32;
}

/** out = a AND NOT b, whole words; a = 0 means all ones. Returns the set bits. */
export function mask_and_not(a: usize, b: usize, n: u32, out: usize): u32 {
  let count: u64 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    const word = rowsOf(a, base, n) & ~load<u64>(b + (base >> 3));
    store<u64>(out + (base >> 3), word);
    count += popcnt(word);
  }
  return count as u32;
}

/** Bitmap of the rows [from, to) of n. */
export function mask_range(from: u32, to: u32, n: u32, out: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    let word: u64 = 0;
    if (to > base && from < base + 64) {
      word = ~(0 as u64);
      if (from > base) word &= ~(0 as u64) << (from - base);
      if (to < base + 64) word &= ((1 as u64) << (to - base)) - 1;
    }
    store<u64>(out + (base >> 3), word);
  }
}

/** One byte per bit. */
export function expand_bits(bitmap: usize, n: u32, out: usize): void {
  for (let i: u32 = 0; i < n; i++) store<u8>(out + i, (load<u8>(bitmap + (i >> 3)) >> ((i & 7) as u8)) & 1);
}

/** Bit set where byte == wanted. Returns the set bits. */
export function bits_eq_u8(bytes: usize, wanted: u32, n: u32, out: usize): u32 {
  const same = i8x16.splat(wanted as i8);
  let count: u64 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    let word: u64 = 0;
    if (n - base >= 64) {
      for (let k: u32 = 0; k < 64; k += 16) word |= (<u64>(<u32>i8x16.bitmask(i8x16.eq(v128.load(bytes + base + k), same)))) << k;
    } else {
      for (let i = base; i < n; i++) word |= ((load<u8>(bytes + i) == wanted) as u64) << (i - base);
    }
    store<u64>(out + (base >> 3), word);
    count += popcnt(word);
  }
  return count as u32;
}

/** Bit set where value > 0. Returns the set bits. */
export function bits_positive_i64(values: usize, n: u32, out: usize): u32 {
  let count: u64 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    const end = min(base + 64, n);
    let word: u64 = 0;
    for (let i = base; i < end; i++) word |= ((load<i64>(values + ((i as usize) << 3)) > 0) as u64) << (i - base);
    store<u64>(out + (base >> 3), word);
    count += popcnt(word);
  }
  return count as u32;
}

/** Bit set where id != 0xFFFFFFFF. Returns the set bits. */
export function bits_found_u32(ids: usize, n: u32, out: usize): u32 {
  const none = i32x4.splat(-1);
  let count: u64 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    let word: u64 = 0;
    const end = min(base + 64, (n + 3) & ~3);
    for (let i = base; i < end; i += 4) {
      word |= (((i32x4.bitmask(i32x4.eq(v128.load(ids + ((i as usize) << 2)), none)) as u64) ^ 15) as u64) << (i - base);
    }
    if (base + 64 > n) word &= ((1 as u64) << (n - base)) - 1;
    store<u64>(out + (base >> 3), word);
    count += popcnt(word);
  }
  return count as u32;
}
