/**
 * Cells: where the text of a value stands. 8 bytes each: u32 address, u32 [null | quoted | escaped | 29 bits length]. The cells of one
 * column lie one behind the other, so a column is read by one call.
 */
export const CELL_NULL: u32 = 0x80000000;
/** The text stood in quotes (a JSON string, a quoted CSV cell); address and length are those of its inside. */
export const CELL_QUOTED: u32 = 0x40000000;
/** Doubled quotes (CSV) or backslashes (JSON) are in it. */
export const CELL_ESCAPED: u32 = 0x20000000;
export const CELL_LENGTH: u32 = 0x1fffffff;

// @ts-ignore: decorator
@inline
export function store_cell(cell: usize, text: usize, length: usize, flags: u32): void {
  store<u32>(cell, text as u32);
  store<u32>(cell, (length as u32) | flags, 4);
}

// @ts-ignore: decorator
@inline
export function is_space(byte: u32): bool {
  return byte == 32 || byte == 9;
}

// @ts-ignore: decorator
@inline
export function is_digit(byte: u32): bool {
  return byte - 48 < 10;
}
