// Inlined bitmap reading. Bit i is bit i & 7 of byte i >> 3; address 0 means that every bit is set.

// @ts-ignore: decorator
@inline
export function bitIsSet(bitmap: usize, i: i32): bool {
  return bitmap == 0 || ((<u32>load<u8>(bitmap + (i >> 3)) >> (i & 7)) & 1) != 0;
}

// @ts-ignore: decorator
@inline
export function clearBit(bitmap: usize, i: i32): void {
  const at = bitmap + (i >> 3);
  store<u8>(at, <u8>(<u32>load<u8>(at) & ~(<u32>1 << (i & 7))));
}

// @ts-ignore: decorator
@inline
export function setBit(bitmap: usize, i: i32): void {
  const at = bitmap + (i >> 3);
  store<u8>(at, <u8>(<u32>load<u8>(at) | (<u32>1 << (i & 7))));
}

/** The bits of a word that lie before rowCount, when the word starts at row `first`. */
// @ts-ignore: decorator
@inline
export function rowMask(first: i32, rowCount: i32): u64 {
  const left = rowCount - first;
  return left >= 64 ? ~(<u64>0) : left <= 0 ? 0 : ((<u64>1) << left) - 1;
}

/** Word of a bitmap at row `first` (a multiple of 64); all ones for address 0. */
// @ts-ignore: decorator
@inline
export function wordAt(bitmap: usize, first: i32): u64 {
  return bitmap == 0 ? ~(<u64>0) : load<u64>(bitmap + (first >> 3));
}
