// Inlined UTF-8 walking. Text is valid UTF-8; a character is a code point.

/** Bytes of the character that starts with this byte. */
// @ts-ignore: decorator
@inline
export function characterBytes(first: u32): i32 {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** Characters in [from, to). */
// @ts-ignore: decorator
@inline
export function countCharacters(from: usize, to: usize): i32 {
  let count = 0;
  for (let at = from; at < to; at++) count += <i32>((<u32>load<u8>(at) & 0xc0) != 0x80);
  return count;
}

/** Address after `count` characters from `from`, at most `to`. */
// @ts-ignore: decorator
@inline
export function skipCharacters(from: usize, to: usize, count: i64): usize {
  let at = from;
  for (let k: i64 = 0; k < count && at < to; k++) at += characterBytes(load<u8>(at));
  return min(at, to);
}

// @ts-ignore: decorator
@inline
export function sameBytes(a: usize, b: usize, size: i32): bool {
  let k = 0;
  for (; k + 8 <= size; k += 8) if (load<u64>(a + k) != load<u64>(b + k)) return false;
  for (; k < size; k++) if (load<u8>(a + k) != load<u8>(b + k)) return false;
  return true;
}

/** First place of needle in [at, end), or 0. An empty needle is found at once. */
// @ts-ignore: decorator
@inline
export function findBytes(at: usize, end: usize, needle: usize, size: i32): usize {
  if (size == 0) return at;
  const first = load<u8>(needle);
  for (; at + size <= end; at++) {
    if (load<u8>(at) == first && sameBytes(at, needle, size)) return at;
  }
  return 0;
}

/** Copies short runs faster than a call of memory.copy. */
// @ts-ignore: decorator
@inline
export function copyBytes(target: usize, source: usize, size: i32): void {
  if (size > 32) {
    memory.copy(target, source, size);
    return;
  }
  let k = 0;
  for (; k + 8 <= size; k += 8) store<u64>(target + k, load<u64>(source + k));
  for (; k < size; k++) store<u8>(target + k, load<u8>(source + k));
}

// @ts-ignore: decorator
@inline
export function hashBytes(at: usize, size: i32): u64 {
  let h: u64 = 0x9e3779b97f4a7c15 ^ (<u64>size * 0xff51afd7ed558ccd);
  let k = 0;
  for (; k + 8 <= size; k += 8) h = mix(h ^ load<u64>(at + k));
  let rest: u64 = 0;
  for (let shift = 0; k < size; k++, shift += 8) rest |= <u64>load<u8>(at + k) << shift;
  return mix(h ^ rest);
}

// @ts-ignore: decorator
@inline
export function mix(x: u64): u64 {
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93;
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93;
  return x ^ (x >> 32);
}
