// Runs of equal values mixed with bit-packed groups of eight, which levels, booleans and dictionary codes are written in.
import { readVarint, varintEnd } from './varint';

/** n bits of width one → a bitmap, which is all 0 before. Returns how many are set, -1 when the runs are malformed. */
export function unpack_hybrid_bits(bitmap: usize, n: u32, source: usize, sourceEnd: usize): i32 {
  let done: u32 = 0;
  let set: u32 = 0;
  while (done < n) {
    const head = readVarint(source, sourceEnd);
    source = varintEnd();
    if (source == 0) return -1;
    const left = n - done;
    if ((head & 1) == 0) {
      const count = <u32>min<u64>(head >> 1, left);
      if (count == 0 || source >= sourceEnd) return -1;
      const bit = load<u8>(source++);
      if (bit > 1) return -1;
      if (bit == 1) {
        setBits(bitmap, done, count);
        set += count;
      }
      done += count;
    } else {
      const groups = head >> 1;
      const count = <u32>min<u64>(groups << 3, left);
      if (count == 0 || (<usize>count + 7) >> 3 > sourceEnd - source) return -1;
      for (let i: u32 = 0; i < count; i += 32) {
        const size = min<u32>(32, count - i);
        const bits = load<u32>(source + (i >> 3)) & (size == 32 ? u32.MAX_VALUE : (<u32>1 << size) - 1);
        put(bitmap, done + i, bits);
        set += popcnt<u32>(bits);
      }
      done += count;
      source += <usize>min<u64>(groups, sourceEnd - source);
    }
  }
  return set;
}

/** Sets up to 32 bits from a bit on; those that are 0 stay as they are. */
// @ts-ignore: decorator
@inline
function put(bitmap: usize, first: u32, bits: u32): void {
  const at = bitmap + (first >> 3);
  const shifted = (<u64>bits) << (first & 7);
  store<u32>(at, load<u32>(at) | <u32>shifted);
  const high = <u8>(shifted >> 32);
  if (high != 0) store<u8>(at + 4, load<u8>(at + 4) | high);
}

function setBits(bitmap: usize, first: u32, count: u32): void {
  while (count > 0 && ((first & 7) != 0 || count < 8)) {
    const at = bitmap + (first >> 3);
    store<u8>(at, load<u8>(at) | <u8>(<u32>1 << (first & 7)));
    first++;
    count--;
  }
  memory.fill(bitmap + (first >> 3), 0xff, count >> 3);
  for (let rest = count & 7, at = first + (count & ~7); rest > 0; rest--, at++) {
    const byte = bitmap + (at >> 3);
    store<u8>(byte, load<u8>(byte) | <u8>(<u32>1 << (at & 7)));
  }
}

/** n codes of `width` (0 to 32) bits → uint32, each below limit. Returns 0, or 1 when the runs are malformed or a code is not. */
export function unpack_hybrid_codes(target: usize, n: u32, width: u32, source: usize, sourceEnd: usize, limit: u32): u32 {
  if (width > 32) return 1;
  const bytes = <usize>((width + 7) >> 3);
  const mask: u64 = ((<u64>1) << width) - 1;
  let highest: u32 = 0;
  let done: u32 = 0;
  while (done < n) {
    const head = readVarint(source, sourceEnd);
    source = varintEnd();
    if (source == 0) return 1;
    const left = n - done;
    const at = target + ((<usize>done) << 2);
    if ((head & 1) == 0) {
      const count = <u32>min<u64>(head >> 1, left);
      if (count == 0 || bytes > sourceEnd - source) return 1;
      const value = <u32>(load<u64>(source) & mask);
      source += bytes;
      highest = max<u32>(highest, value);
      const splat = i32x4.splat(value);
      let i: u32 = 0;
      for (; i + 4 <= count; i += 4) v128.store(at + ((<usize>i) << 2), splat);
      for (; i < count; i++) store<u32>(at + ((<usize>i) << 2), value);
      done += count;
    } else {
      const groups = head >> 1;
      const count = <u32>min<u64>(groups << 3, left);
      if (count == 0 || (<u64>count * width + 7) >> 3 > <u64>(sourceEnd - source)) return 1;
      let bit: u64 = 0;
      for (let i: u32 = 0; i < count; i++, bit += width) {
        const value = <u32>((load<u64>(source + <usize>(bit >> 3)) >> (bit & 7)) & mask);
        highest = max<u32>(highest, value);
        store<u32>(at + ((<usize>i) << 2), value);
      }
      done += count;
      source += <usize>min<u64>(groups * width, sourceEnd - source);
    }
  }
  return n > 0 && highest >= limit ? 1 : 0;
}
