// Bits that are read backwards: the stream begins at the marker bit of its last byte.

/** Bits [0, bitsLeft()) from bitsFrom() on are left. */
let bitStart: usize = 0;
let bitCount: i32 = 0;

// @ts-ignore: decorator
@inline
export function bitsFrom(): usize {
  return bitStart;
}

// @ts-ignore: decorator
@inline
export function bitsLeft(): i32 {
  return bitCount;
}

/** Goes on in a stream that began at start, and of which so many bits are left. */
// @ts-ignore: decorator
@inline
export function seekBits(start: usize, left: i32): void {
  bitStart = start;
  bitCount = left;
}

export function openBits(source: usize, end: usize): bool {
  if (source >= end) return false;
  const last = <u32>load<u8>(end - 1);
  if (last == 0) return false;
  bitStart = source;
  bitCount = <i32>(((end - source - 1) << 3) + (31 - clz<u32>(last)));
  return true;
}

/** The next bits without taking them; beyond the beginning come zeros. */
export function peekBits(bits: i32): u32 {
  const low = bitCount - bits;
  const mask: u64 = ((<u64>1) << bits) - 1;
  if (low >= 0) return <u32>((load<u64>(bitStart + (low >> 3)) >> (low & 7)) & mask);
  if (bitCount <= 0 || -low > 32) return 0;
  return <u32>(((load<u64>(bitStart) & (((<u64>1) << bitCount) - 1)) << -low) & mask);
}

/** The next bits; bitCount falls below 0 when there are too few. */
export function takeBits(bits: i32): u32 {
  const value = peekBits(bits);
  bitCount -= bits;
  return value;
}
