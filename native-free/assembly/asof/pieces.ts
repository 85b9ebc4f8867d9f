/** Values out of columns that lie in several pieces; `values` lists the pieces' addresses. Row 0xFFFFFFFF gives zero bytes. */

// @ts-ignore: decorator
@inline
function gather<T>(values: usize, shift: u32, rows: usize, n: u32, out: usize): void {
  const mask = ((1 as u32) << shift) - 1;
  for (let i: usize = 0; i < n; i++) {
    const row = load<u32>(rows + (i << 2));
    let value: T = <T>0;
    if (row != 0xffffffff) value = load<T>((load<u32>(values + (((row >> shift) as usize) << 2)) as usize) + ((row & mask) as usize) * sizeof<T>());
    store<T>(out + i * sizeof<T>(), value);
  }
}
export function gather_pieces_8(values: usize, shift: u32, rows: usize, n: u32, out: usize): void { gather<u8>(values, shift, rows, n, out); }
export function gather_pieces_16(values: usize, shift: u32, rows: usize, n: u32, out: usize): void { gather<u16>(values, shift, rows, n, out); }
export function gather_pieces_32(values: usize, shift: u32, rows: usize, n: u32, out: usize): void { gather<u32>(values, shift, rows, n, out); }
export function gather_pieces_64(values: usize, shift: u32, rows: usize, n: u32, out: usize): void { gather<u64>(values, shift, rows, n, out); }
export function gather_pieces_128(values: usize, shift: u32, rows: usize, n: u32, out: usize): void {
  const mask = ((1 as u32) << shift) - 1;
  for (let i: usize = 0; i < n; i++) {
    const row = load<u32>(rows + (i << 2));
    const value =
      row == 0xffffffff
        ? i64x2.splat(0)
        : v128.load((load<u32>(values + (((row >> shift) as usize) << 2)) as usize) + (((row & mask) as usize) << 4));
    v128.store(out + (i << 4), value);
  }
}

/** Bits; a piece's address 0 means that all of its bits are set. */
export function gather_pieces_bits(values: usize, shift: u32, rows: usize, n: u32, out: usize): void {
  const mask = ((1 as u32) << shift) - 1;
  for (let base: u32 = 0; base < n; base += 64) {
    const end = min(base + 64, n);
    let word: u64 = 0;
    for (let i = base; i < end; i++) {
      const row = load<u32>(rows + ((i as usize) << 2));
      if (row == 0xffffffff) continue;
      const bits = load<u32>(values + (((row >> shift) as usize) << 2)) as usize;
      const at = row & mask;
      const bit: u64 = bits == 0 ? 1 : ((load<u8>(bits + ((at as usize) >> 3)) >> ((at & 7) as u8)) & 1) as u64;
      word |= bit << (i - base);
    }
    store<u64>(out + (base >> 3), word);
  }
}
