// Bitmaps: 64 rows a word. An input address of 0 means all bits set, unless said otherwise.
import { bitIsSet, rowMask, wordAt } from '../shared/bitmap';

export function bits_fill(n: i32, value: i32, out: usize): void {
  const word: u64 = value ? ~(<u64>0) : 0;
  for (let i = 0; i < n; i += 64) store<u64>(out + (i >> 3), word & rowMask(i, n));
}

/** A copy whose bits past n are 0. */
export function bits_copy(a: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) store<u64>(out + (i >> 3), wordAt(a, i) & rowMask(i, n));
}

export function bits_and(a: usize, b: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) store<u64>(out + (i >> 3), wordAt(a, i) & wordAt(b, i) & rowMask(i, n));
}

export function bits_or(a: usize, b: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) store<u64>(out + (i >> 3), (wordAt(a, i) | wordAt(b, i)) & rowMask(i, n));
}

export function bits_xor(a: usize, b: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) store<u64>(out + (i >> 3), (wordAt(a, i) ^ wordAt(b, i)) & rowMask(i, n));
}

/** a and not b. */
export function bits_and_not(a: usize, b: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) store<u64>(out + (i >> 3), wordAt(a, i) & ~wordAt(b, i) & rowMask(i, n));
}

export function bits_not(a: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) store<u64>(out + (i >> 3), ~wordAt(a, i) & rowMask(i, n));
}

export function bits_count(a: usize, n: i32): i32 {
  let count: i64 = 0;
  for (let i = 0; i < n; i += 64) count += popcnt<i64>(<i64>(wordAt(a, i) & rowMask(i, n)));
  return <i32>count;
}

/** Three-valued AND: values to out, validity to outValid. Validity addresses of 0 mean no NULL. */
export function kleene_and(a: usize, aValid: usize, b: usize, bValid: usize, n: i32, out: usize, outValid: usize): void {
  for (let i = 0; i < n; i += 64) {
    const at = i >> 3;
    const mask = rowMask(i, n);
    const x = load<u64>(a + at);
    const y = load<u64>(b + at);
    const xv = wordAt(aValid, i);
    const yv = wordAt(bValid, i);
    store<u64>(out + at, x & y & xv & yv & mask);
    store<u64>(outValid + at, ((xv & yv) | (xv & ~x) | (yv & ~y)) & mask);
  }
}

/** Three-valued OR. */
export function kleene_or(a: usize, aValid: usize, b: usize, bValid: usize, n: i32, out: usize, outValid: usize): void {
  for (let i = 0; i < n; i += 64) {
    const at = i >> 3;
    const mask = rowMask(i, n);
    const x = load<u64>(a + at);
    const y = load<u64>(b + at);
    const xv = wordAt(aValid, i);
    const yv = wordAt(bValid, i);
    store<u64>(out + at, ((x & xv) | (y & yv)) & mask);
    store<u64>(outValid + at, ((xv & yv) | (xv & x) | (yv & y)) & mask);
  }
}

/** Row numbers of the set bits as u32; returns how many. */
export function bits_to_indices(bitmap: usize, n: i32, out: usize): i32 {
  let at = out;
  for (let i = 0; i < n; i += 64) {
    let word = wordAt(bitmap, i) & rowMask(i, n);
    if (word == ~(<u64>0)) {
      for (let k = 0; k < 64; k++, at += 4) store<u32>(at, i + k);
      continue;
    }
    while (word != 0) {
      store<u32>(at, i + <i32>ctz<u64>(word));
      at += 4;
      word &= word - 1;
    }
  }
  return <i32>((at - out) >> 2);
}

/** First row of n whose bit is set; −1 when none is. */
export function bits_first(bitmap: usize, n: i32): i32 {
  for (let i = 0; i < n; i += 64) {
    const word = wordAt(bitmap, i) & rowMask(i, n);
    if (word != 0) return i + <i32>ctz<u64>(word);
  }
  return -1;
}

/** Writes n bits of source (0 = all set) behind the first targetBit bits of target; bits after them in the last byte become 0. */
export function append_bits(target: usize, targetBit: i32, source: usize, n: i32): void {
  const shift = targetBit & 7;
  let at = target + (targetBit >> 3);
  let held: u32 = shift == 0 ? 0 : <u32>load<u8>(at) & ((1 << shift) - 1);
  for (let i = 0; i < n; i += 8) {
    let byte: u32 = source == 0 ? 255 : <u32>load<u8>(source + (i >> 3));
    if (n - i < 8) byte &= (1 << (n - i)) - 1;
    held |= byte << shift;
    store<u8>(at++, <u8>held);
    held >>= 8;
  }
  if (shift != 0 && ((n + 7) & 7) + shift >= 8) store<u8>(at, <u8>held);
}

/** out bit i = bitmap bit indices[i]; index 0xFFFFFFFF gives 0. */
export function gather_bits(bitmap: usize, indices: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) {
    let word: u64 = 0;
    const end = min(64, n - i);
    for (let k = 0; k < end; k++) {
      const index = load<i32>(indices + ((<usize>(i + k)) << 2));
      if (index != -1) word |= (<u64>bitIsSet(bitmap, index)) << k;
    }
    store<u64>(out + (i >> 3), word);
  }
}

/** out bit i = bit 0 of the byte lut[codes[i]]. */
export function lookup_bits(codes: usize, lut: usize, n: i32, out: usize): void {
  let i = 0;
  for (; i + 64 <= n; i += 64) {
    let word: u64 = 0;
    const base = codes + ((<usize>i) << 2);
    for (let k = 0; k < 64; k += 4) {
      const a = <u64>load<u8>(lut + load<u32>(base + (k << 2)));
      const b = <u64>load<u8>(lut + load<u32>(base + (k << 2), 4));
      const c = <u64>load<u8>(lut + load<u32>(base + (k << 2), 8));
      const d = <u64>load<u8>(lut + load<u32>(base + (k << 2), 12));
      word |= (a | (b << 1) | (c << 2) | (d << 3)) << k;
    }
    store<u64>(out + (i >> 3), word);
  }
  if (i < n) {
    let word: u64 = 0;
    for (let k = 0; i + k < n; k++) word |= <u64>load<u8>(lut + load<u32>(codes + ((<usize>(i + k)) << 2))) << k;
    store<u64>(out + (i >> 3), word);
  }
}

/** Bits to bytes 0 and 1. */
export function bits_to_bytes(bitmap: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) store<u8>(out + i, <u8>bitIsSet(bitmap, i));
}

/** Bytes to bits: set where the byte is not 0. */
export function bytes_to_bits(bytes: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) {
    let word: u64 = 0;
    const end = min(64, n - i);
    for (let k = 0; k < end; k++) word |= (<u64>(load<u8>(bytes + i + k) != 0)) << k;
    store<u64>(out + (i >> 3), word);
  }
}
