/**
 * Sums of whole numbers in int64 states, for values whose sums are known to fit: half the work of 128-bit ones. Rows, groups and masks as in sums.ts.
 * What is returned is the number of bits that the magnitudes of the values take, so that the caller knows what the sums have grown by at most.
 */
import { isRun, rowsOf } from './bits';

// @ts-ignore: decorator
@inline
function bitsOf(magnitudes: i64): u32 {
  return (64 - clz(magnitudes)) as u32;
}

/** Zeros where the value has the bits of its sign. */
// @ts-ignore: decorator
@inline
export function magnitude(value: i64): i64 {
  return value ^ (value >> 63);
}

// @ts-ignore: decorator
@inline
function addAt<T>(takes: bool, values: usize, i: usize, at: usize): i64 {
  const value = load<T>(values + i * sizeof<T>()) as i64;
  store<i64>(at, takes ? load<i64>(at) - value : load<i64>(at) + value);
  return magnitude(value);
}

// @ts-ignore: decorator
@inline
function add<T>(takes: bool, values: usize, mask: usize, groups: usize, n: u32, states: usize): u32 {
  let magnitudes: i64 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    let word = rowsOf(mask, base, n);
    if (word != ~(0 as u64)) {
      for (; word; word &= word - 1) {
        const i: usize = base + (ctz(word) as u32);
        magnitudes |= addAt<T>(takes, values, i, states + ((groups ? load<u32>(groups + (i << 2)) as usize : 0) << 3));
      }
      continue;
    }
    if (groups == 0 || isRun(groups, base)) {
      const at = states + ((groups ? load<u32>(groups + ((base as usize) << 2)) as usize : 0) << 3);
      let sum: i64 = 0;
      for (let i: usize = base; i < base + 64; i++) {
        const value = load<T>(values + i * sizeof<T>()) as i64;
        sum += value;
        magnitudes |= magnitude(value);
      }
      store<i64>(at, takes ? load<i64>(at) - sum : load<i64>(at) + sum);
      continue;
    }
    for (let i: usize = base; i < base + 64; i++) {
      magnitudes |= addAt<T>(takes, values, i, states + ((load<u32>(groups + (i << 2)) as usize) << 3));
    }
  }
  return bitsOf(magnitudes);
}
export function agg_add_i64(values: usize, mask: usize, groups: usize, n: u32, states: usize): u32 { return add<i64>(false, values, mask, groups, n, states); }
export function agg_add_i32(values: usize, mask: usize, groups: usize, n: u32, states: usize): u32 { return add<i32>(false, values, mask, groups, n, states); }
export function agg_add_u32(values: usize, mask: usize, groups: usize, n: u32, states: usize): u32 { return add<u32>(false, values, mask, groups, n, states); }
export function agg_add_i16(values: usize, mask: usize, groups: usize, n: u32, states: usize): u32 { return add<i16>(false, values, mask, groups, n, states); }
export function agg_add_u16(values: usize, mask: usize, groups: usize, n: u32, states: usize): u32 { return add<u16>(false, values, mask, groups, n, states); }
export function agg_add_i8(values: usize, mask: usize, groups: usize, n: u32, states: usize): u32 { return add<i8>(false, values, mask, groups, n, states); }
export function agg_add_u8(values: usize, mask: usize, groups: usize, n: u32, states: usize): u32 { return add<u8>(false, values, mask, groups, n, states); }
/** Takes back what agg_add_i64 has added, also where the sums did not fit. */
export function agg_take_i64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { add<i64>(true, values, mask, groups, n, states); }

/** 128-bit states += int64 sums, which become 0. */
export function agg_carry_i64(sums: usize, n: u32, states: usize): void {
  for (let group: usize = 0; group < n; group++) {
    const sum = load<i64>(sums + (group << 3)), at = states + (group << 4);
    const low = load<u64>(at), next = low + (sum as u64);
    store<u64>(at, next);
    store<i64>(at + 8, load<i64>(at + 8) + (sum >> 63) + ((next < low) as i64));
    store<i64>(sums + (group << 3), 0);
  }
}
