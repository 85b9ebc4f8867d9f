/**
 * Sums of products of two columns. Rows, groups, masks and the order of additions as in sums.ts: these are the sums that agg_sum_f64 would make of
 * the products.
 */
import { isRun, pairMask, rowsOf } from './bits';

// @ts-ignore: decorator
@inline
export function doubleAt<T>(values: usize, i: usize): f64 {
  return load<T>(values + i * sizeof<T>()) as f64;
}

/** Two values as doubles. */
// @ts-ignore: decorator
@inline
function doublesAt<T>(at: usize): v128 {
  if (isFloat<T>() && sizeof<T>() == 8) return v128.load(at);
  if (sizeof<T>() == 4) return f64x2.convert_low_i32x4_s(v128.load64_zero(at));
  return f64x2(load<T>(at) as f64, load<T>(at, sizeof<T>()) as f64);
}

// @ts-ignore: decorator
@inline
function productsAt<A, B>(a: usize, b: usize): v128 {
  return f64x2.mul(doublesAt<A>(a), doublesAt<B>(b));
}

/** state (float64) += sum of the products of the rows, in eight lanes. */
// @ts-ignore: decorator
@inline
export function sumProducts<A, B>(a: usize, b: usize, mask: usize, n: u32, state: usize): void {
  let p = f64x2.splat(0), q = f64x2.splat(0), r = f64x2.splat(0), s = f64x2.splat(0);
  const stepA: usize = 2 * sizeof<A>(), stepB: usize = 2 * sizeof<B>();
  for (let base: u32 = 0; base < n; base += 64) {
    const word = rowsOf(mask, base, n);
    if (word == 0) continue;
    let x = a + (base as usize) * sizeof<A>(), y = b + (base as usize) * sizeof<B>();
    if (word == ~(0 as u64)) {
      for (let k = 0; k < 8; k++) {
        p = f64x2.add(p, productsAt<A, B>(x, y));
        q = f64x2.add(q, productsAt<A, B>(x + stepA, y + stepB));
        r = f64x2.add(r, productsAt<A, B>(x + 2 * stepA, y + 2 * stepB));
        s = f64x2.add(s, productsAt<A, B>(x + 3 * stepA, y + 3 * stepB));
        x += 4 * stepA;
        y += 4 * stepB;
      }
      continue;
    }
    for (let k: u64 = 0; k < 64; k += 8) {
      const bits = i64x2.splat((word >> k) & 0xff);
      p = f64x2.add(p, v128.and(productsAt<A, B>(x, y), pairMask(bits, 0)));
      q = f64x2.add(q, v128.and(productsAt<A, B>(x + stepA, y + stepB), pairMask(bits, 1)));
      r = f64x2.add(r, v128.and(productsAt<A, B>(x + 2 * stepA, y + 2 * stepB), pairMask(bits, 2)));
      s = f64x2.add(s, v128.and(productsAt<A, B>(x + 3 * stepA, y + 3 * stepB), pairMask(bits, 3)));
      x += 4 * stepA;
      y += 4 * stepB;
    }
  }
  const sum = f64x2.add(f64x2.add(p, q), f64x2.add(r, s));
  store<f64>(state, load<f64>(state) + (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)));
}

/** float64 states += a × b. */
// @ts-ignore: decorator
@inline
function products<A, B>(a: usize, b: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) {
    sumProducts<A, B>(a, b, mask, n, states);
    return;
  }
  for (let base: u32 = 0; base < n; base += 64) {
    let word = rowsOf(mask, base, n);
    if (word == ~(0 as u64)) {
      if (isRun(groups, base)) {
        const state = states + ((load<u32>(groups + ((base as usize) << 2)) as usize) << 3);
        sumProducts<A, B>(a + (base as usize) * sizeof<A>(), b + (base as usize) * sizeof<B>(), 0, 64, state);
        continue;
      }
      for (let i: usize = base; i < base + 64; i++) {
        const at = states + ((load<u32>(groups + (i << 2)) as usize) << 3);
        store<f64>(at, load<f64>(at) + doubleAt<A>(a, i) * doubleAt<B>(b, i));
      }
      continue;
    }
    for (; word; word &= word - 1) {
      const i: usize = base + (ctz(word) as u32);
      const at = states + ((load<u32>(groups + (i << 2)) as usize) << 3);
      store<f64>(at, load<f64>(at) + doubleAt<A>(a, i) * doubleAt<B>(b, i));
    }
  }
}
export function agg_sum_product_f64_f64(a: usize, b: usize, mask: usize, groups: usize, n: u32, states: usize): void { products<f64, f64>(a, b, mask, groups, n, states); }
export function agg_sum_product_f64_i64(a: usize, b: usize, mask: usize, groups: usize, n: u32, states: usize): void { products<f64, i64>(a, b, mask, groups, n, states); }
export function agg_sum_product_f64_i32(a: usize, b: usize, mask: usize, groups: usize, n: u32, states: usize): void { products<f64, i32>(a, b, mask, groups, n, states); }
export function agg_sum_product_i64_f64(a: usize, b: usize, mask: usize, groups: usize, n: u32, states: usize): void { products<i64, f64>(a, b, mask, groups, n, states); }
export function agg_sum_product_i64_i64(a: usize, b: usize, mask: usize, groups: usize, n: u32, states: usize): void { products<i64, i64>(a, b, mask, groups, n, states); }
export function agg_sum_product_i64_i32(a: usize, b: usize, mask: usize, groups: usize, n: u32, states: usize): void { products<i64, i32>(a, b, mask, groups, n, states); }
export function agg_sum_product_i32_f64(a: usize, b: usize, mask: usize, groups: usize, n: u32, states: usize): void { products<i32, f64>(a, b, mask, groups, n, states); }
export function agg_sum_product_i32_i64(a: usize, b: usize, mask: usize, groups: usize, n: u32, states: usize): void { products<i32, i64>(a, b, mask, groups, n, states); }
export function agg_sum_product_i32_i32(a: usize, b: usize, mask: usize, groups: usize, n: u32, states: usize): void { products<i32, i32>(a, b, mask, groups, n, states); }
