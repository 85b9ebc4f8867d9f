/** Rows by the codes of a dictionary-encoded column. A code that is not valid counts as `codeCount`, so that NULLs are a group of their own, the last. */
import { bit } from './row-bit';

@inline
function code_at(codes: usize, validity: usize, row: usize, codeCount: u32): u32 {
  return validity == 0 || bit(validity, row) ? load<u32>(codes + (row << 2)) : codeCount;
}

/**
 * Groups n rows, given in an order, by their codes; rows of one code keep that order. target[i] = the row at place i; ends[c], for c in
 * [0, codeCount], = the place after the last row of code c.
 */
export function cluster_rows(target: usize, order: usize, codes: usize, validity: usize, n: usize, codeCount: u32, ends: usize): void {
  memory.fill(ends, 0, ((codeCount as usize) + 1) << 2);
  for (let i: usize = 0; i < n; i++) {
    const slot = ends + ((code_at(codes, validity, load<u32>(order + (i << 2)) as usize, codeCount) as usize) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  let total: u32 = 0;
  for (let c: usize = 0; c <= (codeCount as usize); c++) {
    const size = load<u32>(ends + (c << 2));
    store<u32>(ends + (c << 2), total);
    total += size;
  }
  for (let i: usize = 0; i < n; i++) {
    const row = load<u32>(order + (i << 2));
    const slot = ends + ((code_at(codes, validity, row as usize, codeCount) as usize) << 2);
    const place = load<u32>(slot);
    store<u32>(slot, place + 1);
    store<u32>(target + ((place as usize) << 2), row);
  }
}

/** The first and the last row of each code in [0, codeCount]; 0xffffffff where it has none. */
export function code_rows(codes: usize, validity: usize, n: usize, codeCount: u32, first: usize, last: usize): void {
  const bytes = ((codeCount as usize) + 1) << 2;
  memory.fill(first, 255, bytes);
  memory.fill(last, 255, bytes);
  for (let i: usize = 0; i < n; i++) {
    store<u32>(last + ((code_at(codes, validity, i, codeCount) as usize) << 2), i as u32);
  }
  for (let i: usize = n; i-- > 0; ) {
    store<u32>(first + ((code_at(codes, validity, i, codeCount) as usize) << 2), i as u32);
  }
}
