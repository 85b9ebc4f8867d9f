// DELTA_BINARY_PACKED: block size, miniblocks a block, count, first value; then blocks of the least delta, a width a miniblock, packed deltas.
import { readVarint, unzigzag, varintEnd } from './varint';

/** n int32 of a page. Returns where they end, 0 when they are malformed or not n. */
export function unpack_deltas_i32(target: usize, n: u32, source: usize, sourceEnd: usize): usize {
  return unpackDeltas<i32>(target, n, source, sourceEnd);
}

/** n int64 of a page. Returns where they end, 0 when they are malformed or not n. */
export function unpack_deltas_i64(target: usize, n: u32, source: usize, sourceEnd: usize): usize {
  return unpackDeltas<i64>(target, n, source, sourceEnd);
}

// @ts-ignore: decorator
@inline
function unpackDeltas<T>(target: usize, n: u32, source: usize, sourceEnd: usize): usize {
  const block = readVarint(source, sourceEnd);
  source = varintEnd();
  if (source == 0) return 0;
  const minis = readVarint(source, sourceEnd);
  source = varintEnd();
  if (source == 0 || block == 0 || minis == 0 || block % minis != 0) return 0;
  const each = block / minis;
  if ((each & 7) != 0 || each > 1 << 20 || minis > 1 << 20) return 0;
  const total = readVarint(source, sourceEnd);
  source = varintEnd();
  if (source == 0 || total != <u64>n) return 0;
  let value = unzigzag(readVarint(source, sourceEnd));
  source = varintEnd();
  if (source == 0) return 0;
  if (n == 0) return source;
  store<T>(target, <T>value);
  let done: u32 = 1;
  while (done < n) {
    const least = unzigzag(readVarint(source, sourceEnd));
    source = varintEnd();
    if (source == 0 || <usize>minis > sourceEnd - source) return 0;
    const widths = source;
    source += <usize>minis;
    for (let mini: usize = 0; mini < <usize>minis && done < n; mini++) {
      const width = <u64>load<u8>(widths + mini);
      if (width > 64) return 0;
      const count = <u32>min<u64>(each, n - done);
      const size = <usize>((each * width) >> 3);
      // The last miniblock may be cut after the values that there are.
      if (<usize>((<u64>count * width + 7) >> 3) > sourceEnd - source) return 0;
      const at = target + (<usize>done) * sizeof<T>();
      if (width == 0) {
        for (let i: usize = 0; i < count; i++) {
          value += least;
          store<T>(at + i * sizeof<T>(), <T>value);
        }
      } else {
        const mask: u64 = width == 64 ? u64.MAX_VALUE : ((<u64>1) << width) - 1;
        let bit: u64 = 0;
        for (let i: usize = 0; i < count; i++, bit += width) {
          const word = source + <usize>(bit >> 3);
          const shift = bit & 7;
          let packed = load<u64>(word) >> shift;
          if (width + shift > 64) packed |= (<u64>load<u8>(word + 8)) << (64 - shift);
          value += least + <i64>(packed & mask);
          store<T>(at + i * sizeof<T>(), <T>value);
        }
      }
      done += count;
      source = size > sourceEnd - source ? sourceEnd : source + size;
    }
  }
  return source;
}
