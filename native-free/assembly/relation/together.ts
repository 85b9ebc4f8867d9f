/**
 * Several states of the same rows in one pass: the group of a row is looked up once and its values are read once. All rows count, none is NULL.
 * Results are those of the kernels of each state one after the other.
 */
import { isRun } from './bits';
import { widen } from './extremes';
import { sumLanes } from './sums';

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

/** float64 products += a × b and weights += b, by group. Weights of 64 rows of one group add in lanes, as agg_sum_f64 does. */
// @ts-ignore: decorator
@inline
function weighted<A, B>(a: usize, b: usize, groups: usize, n: u32, products: usize, weights: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    const end: usize = min(base + 64, n);
    const inLanes = end - base == 64 && isRun(groups, base);
    for (let i: usize = base; i < end; i++) {
      const at = (load<u32>(groups + (i << 2)) as usize) << 3;
      const x = load<A>(a + i * sizeof<A>()) as f64, y = load<B>(b + i * sizeof<B>()) as f64;
      store<f64>(products + at, load<f64>(products + at) + x * y);
      if (!inLanes) store<f64>(weights + at, load<f64>(weights + at) + y);
    }
    if (inLanes) sumLanes<B>(b + (base as usize) * sizeof<B>(), weights + ((load<u32>(groups + ((base as usize) << 2)) as usize) << 3));
  }
}
export function agg_weighted_f64_f64(a: usize, b: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<f64, f64>(a, b, groups, n, products, weights); }
export function agg_weighted_f64_i64(a: usize, b: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<f64, i64>(a, b, groups, n, products, weights); }
export function agg_weighted_f64_i32(a: usize, b: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<f64, i32>(a, b, groups, n, products, weights); }
export function agg_weighted_i64_f64(a: usize, b: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i64, f64>(a, b, groups, n, products, weights); }
export function agg_weighted_i64_i64(a: usize, b: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i64, i64>(a, b, groups, n, products, weights); }
export function agg_weighted_i64_i32(a: usize, b: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i64, i32>(a, b, groups, n, products, weights); }
export function agg_weighted_i32_f64(a: usize, b: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i32, f64>(a, b, groups, n, products, weights); }
export function agg_weighted_i32_i64(a: usize, b: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i32, i64>(a, b, groups, n, products, weights); }
export function agg_weighted_i32_i32(a: usize, b: usize, groups: usize, n: u32, products: usize, weights: usize): void { weighted<i32, i32>(a, b, groups, n, products, weights); }
