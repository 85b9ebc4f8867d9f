/** Bit of a row in a bitmap: 0 or 1. */
@inline
export function bit(bitmap: usize, row: usize): u32 {
  return ((load<u8>(bitmap + (row >> 3)) as u32) >> ((row & 7) as u32)) & 1;
}
