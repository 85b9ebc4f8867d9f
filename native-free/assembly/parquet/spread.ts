// Pages hold the values that are present, one after the other; vectors have a slot for each row. Slots of NULLs become 0.
import { bitIsSet, setBit } from '../shared/bitmap';

/** Values of widthBytes each to the rows whose bit is set. */
export function spread_rows(target: usize, source: usize, widthBytes: u32, validity: usize, n: u32): void {
  switch (widthBytes) {
    case 1: spread<u8>(target, source, validity, n); break;
    case 2: spread<u16>(target, source, validity, n); break;
    case 4: spread<u32>(target, source, validity, n); break;
    case 8: spread<u64>(target, source, validity, n); break;
    default: spreadWide(target, source, validity, n);
  }
}

// @ts-ignore: decorator
@inline
function spread<T>(target: usize, source: usize, validity: usize, n: u32): void {
  for (let i: usize = 0; i < n; i++) {
    const present = bitIsSet(validity, <i32>i);
    store<T>(target + i * sizeof<T>(), present ? load<T>(source) : 0);
    source += present ? sizeof<T>() : 0;
  }
}

function spreadWide(target: usize, source: usize, validity: usize, n: u32): void {
  for (let i: usize = 0; i < n; i++) {
    const present = bitIsSet(validity, <i32>i);
    v128.store(target + (i << 4), present ? v128.load(source) : i64x2.splat(0));
    source += present ? 16 : 0;
  }
}

/** Bits of a bitmap to the rows whose bit is set; the target is all 0 before. */
export function spread_row_bits(target: usize, source: usize, validity: usize, n: u32): void {
  let at = 0;
  for (let i: u32 = 0; i < n; i++) {
    if (!bitIsSet(validity, <i32>i)) continue;
    if (bitIsSet(source, at)) setBit(target, <i32>i);
    at++;
  }
}

/** Offsets of present strings → n + 1 offsets of rows. */
export function spread_row_offsets(target: usize, source: usize, validity: usize, n: u32): void {
  for (let i: usize = 0; i < n; i++) {
    store<i32>(target + (i << 2), load<i32>(source));
    source += bitIsSet(validity, <i32>i) ? 4 : 0;
  }
  store<i32>(target + ((<usize>n) << 2), load<i32>(source));
}
