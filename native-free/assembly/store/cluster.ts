/** Rows by the codes of a dictionary-encoded column. A code that is not valid counts as `codeCount`, so that NULLs are a group of their own, the last. */
import { bit, code_at } from './row-bit';

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

@inline
function counts(row: usize, validity: usize, alive: usize): bool {
  return (validity == 0 || bit(validity, row)) && (alive == 0 || bit(alive, row));
}

/**
 * The rows of [first, end) that have the code and are alive (0: all are), ascending; gives how many. out = 0: they are only counted. When there
 * are more than `most`, it gives most + 1 and the rows of out, which has room for `most`, are only the first.
 */
export function rows_of_code(codes: usize, validity: usize, alive: usize, first: u32, end: u32, code: u32, most: u32, out: usize): u32 {
  const wanted = i32x4.splat(code as i32);
  const countsOnly = out == 0 && validity == 0 && alive == 0;
  let found: u32 = 0;
  let row: usize = first;
  for (; row + 16 <= (end as usize); row += 16) {
    const at = codes + (row << 2);
    const a = i32x4.eq(v128.load(at), wanted), b = i32x4.eq(v128.load(at, 16), wanted);
    const c = i32x4.eq(v128.load(at, 32), wanted), d = i32x4.eq(v128.load(at, 48), wanted);
    if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) continue;
    const hits = i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
    if (countsOnly) {
      found += popcnt(hits);
      if (found > most) return most + 1;
      continue;
    }
    for (let bits = hits; bits != 0; bits &= bits - 1) {
      const here = row + (ctz(bits) as usize);
      if (!counts(here, validity, alive)) continue;
      if (found == most) return most + 1;
      if (out != 0) store<u32>(out + ((found as usize) << 2), here as u32);
      found++;
    }
  }
  for (; row < (end as usize); row++) {
    if (load<u32>(codes + (row << 2)) != code || !counts(row, validity, alive)) continue;
    if (found == most) return most + 1;
    if (out != 0) store<u32>(out + ((found as usize) << 2), row as u32);
    found++;
  }
  return found;
}
