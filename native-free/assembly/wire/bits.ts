// Bitmaps at any bit offset. Reads go 8 bytes at a time from the byte that holds the next bit, so up to 7 bytes past the last one.

// @ts-ignore: decorator
@inline
function bitsAt(address: usize, bit: u32): u64 {
  return load<u64>(address + (bit >> 3)) >> (bit & 7);
}

/** Number of set bits in [bit, bit + count). */
export function count_bit_range(address: usize, bit: u32, count: u32): u32 {
  let total: u64 = 0;
  let i: u32 = 0;
  for (; i + 56 <= count; i += 56) total += popcnt<u64>(bitsAt(address, bit + i) & 0x00ffffffffffffff);
  if (i < count) total += popcnt<u64>(bitsAt(address, bit + i) & (((<u64>1) << (count - i)) - 1));
  return <u32>total;
}

/** Copies count bits from source at sourceBit to target at targetBit; other bits of the target stay. */
export function copy_bit_range(target: usize, targetBit: u32, source: usize, sourceBit: u32, count: u32): void {
  let i: u32 = 0;
  const lead = min<u32>((8 - (targetBit & 7)) & 7, count);
  if (lead != 0) {
    putBits(target + (targetBit >> 3), targetBit & 7, lead, <u32>bitsAt(source, sourceBit));
    i = lead;
  }
  if (((sourceBit + i) & 7) == 0) {
    const whole = (count - i) >> 3;
    memory.copy(target + ((targetBit + i) >> 3), source + ((sourceBit + i) >> 3), whole);
    i += whole << 3;
  } else {
    for (; i + 32 <= count; i += 32) store<u32>(target + ((targetBit + i) >> 3), <u32>bitsAt(source, sourceBit + i));
  }
  for (; i < count; i += 8) putBits(target + ((targetBit + i) >> 3), 0, min<u32>(8, count - i), <u32>bitsAt(source, sourceBit + i));
}

/** Sets count bits of the target from targetBit on; other bits stay. */
export function set_bit_range(target: usize, targetBit: u32, count: u32): void {
  let i: u32 = 0;
  const lead = min<u32>((8 - (targetBit & 7)) & 7, count);
  if (lead != 0) {
    putBits(target + (targetBit >> 3), targetBit & 7, lead, 0xff);
    i = lead;
  }
  const whole = (count - i) >> 3;
  memory.fill(target + ((targetBit + i) >> 3), 0xff, whole);
  i += whole << 3;
  if (i < count) putBits(target + ((targetBit + i) >> 3), 0, count - i, 0xff);
}

/** Writes `size` (≤ 8 - shift) low bits of `bits` into one byte from bit `shift` on. */
function putBits(address: usize, shift: u32, size: u32, bits: u32): void {
  const mask = ((1 << size) - 1) << shift;
  store<u8>(address, <u8>((load<u8>(address) & ~mask) | ((bits << shift) & mask)));
}
