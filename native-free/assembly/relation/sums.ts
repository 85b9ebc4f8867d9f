/**
 * Sums and counts. Grouped kernels take the group of each row; groups = 0 puts all rows in group 0. A row counts when its bit of `mask` is
 * set (0 = all rows). Float sums add in row order inside a group, but 64 rows of one group (from a multiple of 64 on) in eight lanes, as ungrouped
 * ones do.
 */
import { isRun, pairMask, rowsOf } from './bits';

/** counts[group] += 1 (int64). */
export function agg_count(mask: usize, groups: usize, n: u32, counts: usize): void {
  if (groups == 0) {
    let total: u64 = 0;
    for (let base: u32 = 0; base < n; base += 64) total += popcnt(rowsOf(mask, base, n));
    store<u64>(counts, load<u64>(counts) + total);
    return;
  }
  for (let base: u32 = 0; base < n; base += 64) {
    let word = rowsOf(mask, base, n);
    if (word == ~(0 as u64)) {
      if (isRun(groups, base)) {
        const at = counts + ((load<u32>(groups + ((base as usize) << 2)) as usize) << 3);
        store<u64>(at, load<u64>(at) + 64);
        continue;
      }
      for (let i = base; i < base + 64; i++) {
        const at = counts + ((load<u32>(groups + ((i as usize) << 2)) as usize) << 3);
        store<u64>(at, load<u64>(at) + 1);
      }
    } else {
      for (; word; word &= word - 1) {
        const at = counts + ((load<u32>(groups + (((base + (ctz(word) as u32)) as usize) << 2)) as usize) << 3);
        store<u64>(at, load<u64>(at) + 1);
      }
    }
  }
}

// Steps: how a value goes into a state at `at`.
const SUM_FLOAT = 0;
const SUM_INTEGER = 1;
const PRODUCT = 2;
/** As SUM_FLOAT, runs in lanes. */
const SUM_LANES = 3;

// @ts-ignore: decorator
@inline
function step<T>(op: i32, at: usize, value: T): void {
  if (op == SUM_FLOAT || op == SUM_LANES) store<f64>(at, load<f64>(at) + (value as f64));
  if (op == PRODUCT) store<f64>(at, load<f64>(at) * (value as f64));
  if (op == SUM_INTEGER) {
    const low = load<u64>(at);
    const sum = low + (value as u64);
    store<u64>(at, sum);
    // The upper half rarely changes, so it is left alone unless it does.
    let high = (sum < low) as i64;
    if (isSigned<T>()) high += (value as i64) >> 63;
    if (high) store<i64>(at + 8, load<i64>(at + 8) + high);
  }
}

// @ts-ignore: decorator
@inline
function grouped<T>(op: i32, shift: usize, values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    let word = rowsOf(mask, base, n);
    if (groups == 0) {
      for (; word; word &= word - 1) step<T>(op, states, load<T>(values + ((base + (ctz(word) as u32)) as usize) * sizeof<T>()));
    } else if (word == ~(0 as u64)) {
      if ((op == SUM_LANES || op == SUM_INTEGER) && isRun(groups, base)) {
        const at = states + ((load<u32>(groups + ((base as usize) << 2)) as usize) << shift), from = values + (base as usize) * sizeof<T>();
        if (op == SUM_LANES) sumDoubles(from, 0, 64, at);
        else if (sizeof<T>() == 8) sumLongs(isSigned<T>(), from, 0, 64, at);
        else sumSmall<T>(from, 0, 64, at);
        continue;
      }
      for (let i: usize = base; i < base + 64; i++) {
        step<T>(op, states + ((load<u32>(groups + (i << 2)) as usize) << shift), load<T>(values + i * sizeof<T>()));
      }
    } else {
      for (; word; word &= word - 1) {
        const i: usize = base + (ctz(word) as u32);
        step<T>(op, states + ((load<u32>(groups + (i << 2)) as usize) << shift), load<T>(values + i * sizeof<T>()));
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function maskedAdd(sum: v128, at: usize, bits: v128, pair: i32): v128 {
  return f64x2.add(sum, v128.and(v128.load(at), pairMask(bits, pair)));
}

/** state (float64) += sum of the vector, summed in eight lanes. */
export function sumDoubles(values: usize, mask: usize, n: u32, state: usize): void {
  let a = f64x2.splat(0), b = f64x2.splat(0), c = f64x2.splat(0), d = f64x2.splat(0);
  for (let base: u32 = 0; base < n; base += 64) {
    const word = rowsOf(mask, base, n);
    const at = values + ((base as usize) << 3);
    if (word == ~(0 as u64)) {
      for (let k: usize = 0; k < 512; k += 64) {
        a = f64x2.add(a, v128.load(at + k));
        b = f64x2.add(b, v128.load(at + k, 16));
        c = f64x2.add(c, v128.load(at + k, 32));
        d = f64x2.add(d, v128.load(at + k, 48));
      }
    } else if (word) {
      for (let k: usize = 0; k < 8; k++) {
        const byte = (word >> (k << 3)) & 0xff;
        const bits = i64x2.splat(byte);
        const from = at + (k << 6);
        a = maskedAdd(a, from, bits, 0);
        b = maskedAdd(b, from + 16, bits, 1);
        c = maskedAdd(c, from + 32, bits, 2);
        d = maskedAdd(d, from + 48, bits, 3);
      }
    }
  }
  const ab = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
  store<f64>(state, load<f64>(state) + (f64x2.extract_lane(ab, 0) + f64x2.extract_lane(ab, 1)));
}

/** state (float64) += the 64 values, in eight lanes as above. */
// @ts-ignore: decorator
@inline
export function sumLanes<T>(values: usize, state: usize): void {
  if (isFloat<T>()) {
    sumDoubles(values, 0, 64, state);
    return;
  }
  let a = f64x2.splat(0), b = f64x2.splat(0), c = f64x2.splat(0), d = f64x2.splat(0);
  for (let k: usize = 0; k < 64; k += 8) {
    const at = values + k * sizeof<T>();
    a = f64x2.add(a, f64x2(load<T>(at) as f64, load<T>(at, sizeof<T>()) as f64));
    b = f64x2.add(b, f64x2(load<T>(at, 2 * sizeof<T>()) as f64, load<T>(at, 3 * sizeof<T>()) as f64));
    c = f64x2.add(c, f64x2(load<T>(at, 4 * sizeof<T>()) as f64, load<T>(at, 5 * sizeof<T>()) as f64));
    d = f64x2.add(d, f64x2(load<T>(at, 6 * sizeof<T>()) as f64, load<T>(at, 7 * sizeof<T>()) as f64));
  }
  const ab = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
  store<f64>(state, load<f64>(state) + (f64x2.extract_lane(ab, 0) + f64x2.extract_lane(ab, 1)));
}

/** state (128 bits) += low and high, both 64-bit; high counts 2^32. */
// @ts-ignore: decorator
@inline
function addSplit(state: usize, low: u64, high: i64): void {
  const before = load<u64>(state);
  const first = before + low;
  let carry = (first < before) as i64;
  const second = first + ((high as u64) << 32);
  carry += (second < first) as i64;
  store<u64>(state, second);
  store<i64>(state + 8, load<i64>(state + 8) + (high >> 32) + carry);
}

// @ts-ignore: decorator
@inline
export function sumLongs(signed: bool, values: usize, mask: usize, n: u32, state: usize): void {
  const lowBits = i64x2.splat(0xffffffff);
  let low = i64x2.splat(0), high = i64x2.splat(0);
  for (let base: u32 = 0; base < n; base += 64) {
    const word = rowsOf(mask, base, n);
    const at = values + ((base as usize) << 3);
    if (word == ~(0 as u64)) {
      for (let k: usize = 0; k < 512; k += 16) {
        const v = v128.load(at + k);
        low = i64x2.add(low, v128.and(v, lowBits));
        high = i64x2.add(high, signed ? i64x2.shr_s(v, 32) : i64x2.shr_u(v, 32));
      }
    } else if (word) {
      for (let k: usize = 0; k < 8; k++) {
        const byte = (word >> (k << 3)) & 0xff;
        if (byte == 0) continue;
        const bits = i64x2.splat(byte);
        const from = at + (k << 6);
        for (let pair = 0; pair < 4; pair++) {
          const wanted = i64x2.shl(i64x2(1, 2), pair << 1);
          const v = v128.and(v128.load(from + ((pair as usize) << 4)), i64x2.eq(v128.and(bits, wanted), wanted));
          low = i64x2.add(low, v128.and(v, lowBits));
          high = i64x2.add(high, signed ? i64x2.shr_s(v, 32) : i64x2.shr_u(v, 32));
        }
      }
    }
  }
  addSplit(state, (i64x2.extract_lane(low, 0) + i64x2.extract_lane(low, 1)) as u64, i64x2.extract_lane(high, 0) + i64x2.extract_lane(high, 1));
}

// @ts-ignore: decorator
@inline
export function sumSmall<T>(values: usize, mask: usize, n: u32, state: usize): void {
  let total: i64 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    let word = rowsOf(mask, base, n);
    if (word == ~(0 as u64)) {
      for (let i: usize = base; i < base + 64; i++) total += load<T>(values + i * sizeof<T>()) as i64;
    } else {
      for (; word; word &= word - 1) total += load<T>(values + ((base + (ctz(word) as u32)) as usize) * sizeof<T>()) as i64;
    }
  }
  addSplit(state, (total as u64) & 0xffffffff, total >> 32);
}

export function agg_sum_f64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) sumDoubles(values, mask, n, states);
  else grouped<f64>(SUM_LANES, 3, values, mask, groups, n, states);
}
export function agg_sum_f32(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { grouped<f32>(SUM_FLOAT, 3, values, mask, groups, n, states); }
/** Adds float64 states one after the other, in order: merging. */
export function agg_merge_f64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { grouped<f64>(SUM_FLOAT, 3, values, mask, groups, n, states); }
export function agg_product_f64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { grouped<f64>(PRODUCT, 3, values, mask, groups, n, states); }
export function agg_sum_i64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) sumLongs(true, values, mask, n, states);
  else grouped<i64>(SUM_INTEGER, 4, values, mask, groups, n, states);
}
export function agg_sum_u64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) sumLongs(false, values, mask, n, states);
  else grouped<u64>(SUM_INTEGER, 4, values, mask, groups, n, states);
}
export function agg_sum_i32(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) sumSmall<i32>(values, mask, n, states);
  else grouped<i32>(SUM_INTEGER, 4, values, mask, groups, n, states);
}
export function agg_sum_u32(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) sumSmall<u32>(values, mask, n, states);
  else grouped<u32>(SUM_INTEGER, 4, values, mask, groups, n, states);
}
export function agg_sum_i16(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) sumSmall<i16>(values, mask, n, states);
  else grouped<i16>(SUM_INTEGER, 4, values, mask, groups, n, states);
}
export function agg_sum_u16(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) sumSmall<u16>(values, mask, n, states);
  else grouped<u16>(SUM_INTEGER, 4, values, mask, groups, n, states);
}
export function agg_sum_i8(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) sumSmall<i8>(values, mask, n, states);
  else grouped<i8>(SUM_INTEGER, 4, values, mask, groups, n, states);
}
export function agg_sum_u8(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) sumSmall<u8>(values, mask, n, states);
  else grouped<u8>(SUM_INTEGER, 4, values, mask, groups, n, states);
}

/** Sum of the 64 values from `at` when they are small; BLOCK_TOO_LARGE when one may not be. */
const BLOCK_TOO_LARGE: i64 = i64.MIN_VALUE;

// @ts-ignore: decorator
@inline
function smallBlock(at: usize): i64 {
  let sums = i64x2.splat(0), strange = i64x2.splat(0), size = i64x2.splat(0);
  for (let k: usize = 0; k < 1024; k += 32) {
    const a = v128.load(at + k), b = v128.load(at + k, 16);
    const lows = v128.shuffle<u64>(a, b, 0, 2);
    const signs = i64x2.shr_s(lows, 63);
    strange = v128.or(strange, v128.xor(v128.shuffle<u64>(a, b, 1, 3), signs));
    size = v128.or(size, v128.xor(lows, signs));
    sums = i64x2.add(sums, lows);
  }
  const sizes = (i64x2.extract_lane(size, 0) | i64x2.extract_lane(size, 1)) as u64;
  if (v128.any_true(strange) || sizes >> 56) return BLOCK_TOO_LARGE;
  return i64x2.extract_lane(sums, 0) + i64x2.extract_lane(sums, 1);
}

// @ts-ignore: decorator
@inline
function addWide(at: usize, low: u64, b: i64, flag: usize): void {
  const before = load<u64>(at);
  const sum = before + low;
  store<u64>(at, sum);
  const carry = (sum < before) as i64;
  // The upper half rarely changes.
  if (b + carry == 0) return;
  const a = load<i64>(at + 8);
  const high = a + b + carry;
  if (((a ^ high) & (b ^ high)) < 0) store<u8>(flag, 1);
  store<i64>(at + 8, high);
}

/** 128-bit states += 128-bit values (decimals; also merging of integer sums). Flags (uint8 per group) remember an overflow. */
export function agg_sum_i128(values: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    let word = rowsOf(mask, base, n);
    if (word == ~(0 as u64)) {
      if (groups == 0) {
        const sum = smallBlock(values + ((base as usize) << 4));
        if (sum != BLOCK_TOO_LARGE) {
          addWide(states, sum as u64, sum >> 63, flags);
          continue;
        }
      } else {
        for (let i: usize = base; i < base + 64; i++) {
          const group: usize = load<u32>(groups + (i << 2)) as usize;
          addWide(states + (group << 4), load<u64>(values + (i << 4)), load<i64>(values + (i << 4) + 8), flags + group);
        }
        continue;
      }
    }
    for (; word; word &= word - 1) {
      const i: usize = base + (ctz(word) as u32);
      const group: usize = groups ? load<u32>(groups + (i << 2)) as usize : 0;
      addWide(states + (group << 4), load<u64>(values + (i << 4)), load<i64>(values + (i << 4) + 8), flags + group);
    }
  }
}

/** Moments (n, mean, M2 as float64 × 3) by Welford's recurrence. */
export function agg_moments_f64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    for (let word = rowsOf(mask, base, n); word; word &= word - 1) {
      const i: usize = base + (ctz(word) as u32);
      const at = states + (groups ? load<u32>(groups + (i << 2)) as usize : 0) * 24;
      const value = load<f64>(values + (i << 3));
      const count = load<f64>(at) + 1;
      const mean = load<f64>(at + 8);
      const delta = value - mean;
      const next = mean + delta / count;
      store<f64>(at, count);
      store<f64>(at + 8, next);
      store<f64>(at + 16, load<f64>(at + 16) + delta * (value - next));
    }
  }
}

/** Merges moments of n groups into states[groups[i]]. */
export function agg_merge_moments(sources: usize, groups: usize, n: u32, states: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const from = sources + i * 24;
    const at = states + (groups ? load<u32>(groups + (i << 2)) as usize : 0) * 24;
    const a = load<f64>(at);
    const b = load<f64>(from);
    if (b == 0) continue;
    const total = a + b;
    const delta = load<f64>(from + 8) - load<f64>(at + 8);
    store<f64>(at + 16, load<f64>(at + 16) + load<f64>(from + 16) + delta * delta * (a * b / total));
    store<f64>(at + 8, a == 0 ? load<f64>(from + 8) : load<f64>(at + 8) + delta * (b / total));
    store<f64>(at, total);
  }
}

/** Co-moments (n, mean x, mean y, M2 x, M2 y, C as float64 × 6). */
export function agg_co_moments_f64(xs: usize, ys: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    for (let word = rowsOf(mask, base, n); word; word &= word - 1) {
      const i: usize = base + (ctz(word) as u32);
      const at = states + (groups ? load<u32>(groups + (i << 2)) as usize : 0) * 48;
      const x = load<f64>(xs + (i << 3));
      const y = load<f64>(ys + (i << 3));
      const count = load<f64>(at) + 1;
      const dx = x - load<f64>(at + 8);
      const dy = y - load<f64>(at + 16);
      const meanX = load<f64>(at + 8) + dx / count;
      const meanY = load<f64>(at + 16) + dy / count;
      store<f64>(at, count);
      store<f64>(at + 8, meanX);
      store<f64>(at + 16, meanY);
      store<f64>(at + 24, load<f64>(at + 24) + dx * (x - meanX));
      store<f64>(at + 32, load<f64>(at + 32) + dy * (y - meanY));
      store<f64>(at + 40, load<f64>(at + 40) + dx * (y - meanY));
    }
  }
}

export function agg_merge_co_moments(sources: usize, groups: usize, n: u32, states: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const from = sources + i * 48;
    const at = states + (groups ? load<u32>(groups + (i << 2)) as usize : 0) * 48;
    const a = load<f64>(at);
    const b = load<f64>(from);
    if (b == 0) continue;
    const total = a + b;
    const dx = load<f64>(from + 8) - load<f64>(at + 8);
    const dy = load<f64>(from + 16) - load<f64>(at + 16);
    const weight = a * b / total;
    store<f64>(at + 24, load<f64>(at + 24) + load<f64>(from + 24) + dx * dx * weight);
    store<f64>(at + 32, load<f64>(at + 32) + load<f64>(from + 32) + dy * dy * weight);
    store<f64>(at + 40, load<f64>(at + 40) + load<f64>(from + 40) + dx * dy * weight);
    store<f64>(at + 8, a == 0 ? load<f64>(from + 8) : load<f64>(at + 8) + dx * (b / total));
    store<f64>(at + 16, a == 0 ? load<f64>(from + 16) : load<f64>(at + 16) + dy * (b / total));
    store<f64>(at, total);
  }
}
