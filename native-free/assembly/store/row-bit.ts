/** Bit of a row in a bitmap: 0 or 1. */
@inline
export function bit(bitmap: usize, row: usize): u32 {
  return ((load<u8>(bitmap + (row >> 3)) as u32) >> ((row & 7) as u32)) & 1;
}

/** The code of a row; codeCount for NULL. validity 0 = there are none. */
@inline
export function code_at(codes: usize, validity: usize, row: usize, codeCount: u32): u32 {
  return validity == 0 || bit(validity, row) ? load<u32>(codes + (row << 2)) : codeCount;
}
