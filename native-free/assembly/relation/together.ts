/**
 * Several states of the same rows in one pass: the group of a row is looked up once and its values are read once. No value is NULL, and all rows count
 * where a kernel has no mask.
 * Results are those of the kernels of each state one after the other.
 */
import { isRun, rowsOf } from './bits';
import { better, widen } from './extremes';
import { doubleAt, sumProducts } from './products';
import { sumLanes } from './sums';
import { magnitude } from './whole-sums';

/** min and max (0 = not wanted) and the last value with its flag (0 = not wanted) of values by group. */
// @ts-ignore: decorator
@inline
function spread<T>(values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize): void {
  if (last != 0) {
    if (least != 0 && most != 0) spreadOf<T>(true, true, true, values, groups, n, least, most, last, flags);
    else if (least != 0) spreadOf<T>(true, false, true, values, groups, n, least, most, last, flags);
    else spreadOf<T>(false, true, true, values, groups, n, least, most, last, flags);
  } else spreadOf<T>(true, true, false, values, groups, n, least, most, last, flags);
}

// @ts-ignore: decorator
@inline
function spreadOf<T>(
  hasLeast: bool, hasMost: bool, hasLast: bool, values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize,
): void {
  for (let i: usize = 0; i < n; i++) {
    const group = load<u32>(groups + (i << 2)) as usize;
    const from = values + i * sizeof<T>(), at = group * sizeof<T>();
    if (hasLeast) widen<T>(false, from, least + at);
    if (hasMost) widen<T>(true, from, most + at);
    if (hasLast) {
      store<T>(last + at, load<T>(from));
      store<u8>(flags + group, 1);
    }
  }
}
export function agg_spread_i8(values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize): void { spread<i8>(values, groups, n, least, most, last, flags); }
export function agg_spread_i16(values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize): void { spread<i16>(values, groups, n, least, most, last, flags); }
export function agg_spread_i32(values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize): void { spread<i32>(values, groups, n, least, most, last, flags); }
export function agg_spread_i64(values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize): void { spread<i64>(values, groups, n, least, most, last, flags); }
export function agg_spread_u8(values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize): void { spread<u8>(values, groups, n, least, most, last, flags); }
export function agg_spread_u16(values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize): void { spread<u16>(values, groups, n, least, most, last, flags); }
export function agg_spread_u32(values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize): void { spread<u32>(values, groups, n, least, most, last, flags); }
export function agg_spread_u64(values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize): void { spread<u64>(values, groups, n, least, most, last, flags); }
export function agg_spread_f32(values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize): void { spread<f32>(values, groups, n, least, most, last, flags); }
export function agg_spread_f64(values: usize, groups: usize, n: u32, least: usize, most: usize, last: usize, flags: usize): void { spread<f64>(values, groups, n, least, most, last, flags); }

/**
 * Least and negated largest value side by side (two float64 per group, +Infinity each at first), and the last value (0 = not wanted) with its flag
 * (0 = known to be set). NaN is left out: returns true when there is any.
 */
export function agg_bounds_f64(values: usize, groups: usize, n: u32, bounds: usize, last: usize, flags: usize): bool {
  if (flags) return boundsOf(true, true, values, groups, n, bounds, last, flags);
  return last ? boundsOf(true, false, values, groups, n, bounds, last, 0) : boundsOf(false, false, values, groups, n, bounds, 0, 0);
}

// @ts-ignore: decorator
@inline
function boundsOf(hasLast: bool, hasFlags: bool, values: usize, groups: usize, n: u32, bounds: usize, last: usize, flags: usize): bool {
  const signs = i64x2(0, i64.MIN_VALUE);
  let odd = i64x2.splat(0);
  for (let i: usize = 0; i < n; i++) {
    const group = load<u32>(groups + (i << 2)) as usize;
    const value = v128.load64_splat(values + (i << 3));
    const at = bounds + (group << 4);
    // What is held stays unless the value is less, which NaN is not.
    v128.store(at, f64x2.pmin(v128.load(at), v128.xor(value, signs)));
    odd = v128.or(odd, f64x2.ne(value, value));
    if (hasLast) v128.store64_lane(last + (group << 3), value, 0);
    if (hasFlags) store<u8>(flags + group, 1);
  }
  return v128.any_true(odd);
}

/** Brings the bounds of n groups into their smallest and largest values; the bounds become empty. */
export function agg_settle_bounds_f64(bounds: usize, n: u32, least: usize, most: usize): void {
  const empty = f64x2.splat(Infinity);
  for (let group: usize = 0; group < n; group++) {
    const at = bounds + (group << 4);
    const low = load<f64>(at), high = -load<f64>(at, 8);
    v128.store(at, empty);
    if (low > high) continue;
    if (better<f64>(false, low, load<f64>(least + (group << 3)))) store<f64>(least + (group << 3), low);
    if (better<f64>(true, high, load<f64>(most + (group << 3)))) store<f64>(most + (group << 3), high);
  }
}

/**
 * float64 products += a × b and weights += b, by group; weights are float64, or int64 where they are known to fit. Float sums of 64 rows of one group
 * add in lanes, as agg_sum_f64 and agg_sum_product do. Returns the bits that the magnitudes of int64 weights take.
 */
// @ts-ignore: decorator
@inline
function weighted<A, B, W>(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): u32 {
  let magnitudes: i64 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    let word = rowsOf(mask, base, n);
    if (word != ~(0 as u64)) {
      for (; word; word &= word - 1) magnitudes |= weigh<A, B, W>(true, a, b, groups, base + (ctz(word) as u32), products, weights);
      continue;
    }
    const inLanes = isRun(groups, base);
    if (inLanes) {
      const at = (load<u32>(groups + ((base as usize) << 2)) as usize) << 3;
      const x = a + (base as usize) * sizeof<A>(), y = b + (base as usize) * sizeof<B>();
      sumProducts<A, B>(x, y, 0, 64, products + at);
      if (isFloat<W>()) sumLanes<B>(y, weights + at);
      else for (let i: usize = base; i < base + 64; i++) magnitudes |= weigh<A, B, W>(false, a, b, groups, i, products, weights);
      continue;
    }
    for (let i: usize = base; i < base + 64; i++) magnitudes |= weigh<A, B, W>(true, a, b, groups, i, products, weights);
  }
  return isFloat<W>() ? 0 : ((64 - clz(magnitudes)) as u32);
}

/** Adds row i; the magnitude of an int64 weight. */
// @ts-ignore: decorator
@inline
function weigh<A, B, W>(hasProduct: bool, a: usize, b: usize, groups: usize, i: usize, products: usize, weights: usize): i64 {
  const at = (load<u32>(groups + (i << 2)) as usize) << 3;
  const weight = load<B>(b + i * sizeof<B>());
  if (hasProduct) store<f64>(products + at, load<f64>(products + at) + doubleAt<A>(a, i) * (weight as f64));
  store<W>(weights + at, load<W>(weights + at) + (weight as W));
  return isFloat<W>() ? 0 : magnitude(weight as i64);
}
export function agg_weighted_f64_f64(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<f64, f64, f64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_f64_i64(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<f64, i64, f64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_f64_i32(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<f64, i32, f64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_i64_f64(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i64, f64, f64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_i64_i64(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i64, i64, f64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_i64_i32(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i64, i32, f64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_i32_f64(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i32, f64, f64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_i32_i64(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i32, i64, f64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_i32_i32(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i32, i32, f64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_whole_f64_i64(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): u32 { return weighted<f64, i64, i64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_whole_f64_i32(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): u32 { return weighted<f64, i32, i64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_whole_i64_i64(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): u32 { return weighted<i64, i64, i64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_whole_i64_i32(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): u32 { return weighted<i64, i32, i64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_whole_i32_i64(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): u32 { return weighted<i32, i64, i64>(a, b, mask, groups, n, products, weights); }
export function agg_weighted_whole_i32_i32(a: usize, b: usize, mask: usize, groups: usize, n: u32, products: usize, weights: usize): u32 { return weighted<i32, i32, i64>(a, b, mask, groups, n, products, weights); }
