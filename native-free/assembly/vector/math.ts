// Functions of float64. They give what IEEE gives; the caller decides what is an error.
import { bitIsSet } from '../shared/bitmap';

// mode: 0 floor, 1 ceil, 2 trunc, 3 sqrt. The odd last value goes alone: nothing may be written behind it.
// @ts-ignore: decorator
@inline
function lanes(mode: i32, a: usize, n: i32, out: usize): void {
  let i: usize = 0;
  const even = <usize>(n & ~1);
  for (; i < even; i += 2) {
    const x = v128.load(a + (i << 3));
    v128.store(out + (i << 3), mode == 0 ? f64x2.floor(x) : mode == 1 ? f64x2.ceil(x) : mode == 2 ? f64x2.trunc(x) : f64x2.sqrt(x));
  }
  if (n & 1) {
    const x = load<f64>(a + (i << 3));
    store<f64>(out + (i << 3), mode == 0 ? floor<f64>(x) : mode == 1 ? ceil<f64>(x) : mode == 2 ? trunc<f64>(x) : sqrt<f64>(x));
  }
}

export function floor_f64(a: usize, n: i32, out: usize): void { lanes(0, a, n, out); }
export function ceil_f64(a: usize, n: i32, out: usize): void { lanes(1, a, n, out); }
export function trunc_f64(a: usize, n: i32, out: usize): void { lanes(2, a, n, out); }
export function sqrt_f64(a: usize, n: i32, out: usize): void { lanes(3, a, n, out); }

/** Rounded half away from zero to `digits` decimal places (negative: tens, hundreds, …). */
export function round_f64(a: usize, n: i32, digits: i32, out: usize): void {
  const scale = NativeMath.pow(10, <f64>digits);
  const inverse = NativeMath.pow(10, -<f64>digits);
  for (let i = 0; i < n; i++) {
    const x = load<f64>(a + (<usize>i << 3));
    let r: f64;
    if (digits == 0) r = roundAway(x);
    else if (digits > 0) {
      const scaled = x * scale;
      r = abs<f64>(scaled) < 9007199254740992.0 ? settled(x, scaled) / scale : x;
    } else r = roundAway(x / inverse) * inverse;
    store<f64>(out + (<usize>i << 3), r);
  }
}

// @ts-ignore: decorator
@inline
function roundAway(x: f64): f64 {
  const t = trunc<f64>(x);
  return abs<f64>(x - t) >= 0.5 ? t + copysign<f64>(1, x) : t;
}

/** The scaled product may have lost the last bit: 1.005 · 100 is 100.49999999999999. Within an ulp of a half counts as a half. */
// @ts-ignore: decorator
@inline
function settled(x: f64, scaled: f64): f64 {
  return roundAway(scaled + copysign<f64>(abs<f64>(scaled) * 2.220446049250313e-16, x));
}

/** Cut towards zero to `digits` decimal places. */
export function trunc_digits_f64(a: usize, n: i32, digits: i32, out: usize): void {
  const scale = NativeMath.pow(10, <f64>(digits < 0 ? -digits : digits));
  for (let i = 0; i < n; i++) {
    const x = load<f64>(a + (<usize>i << 3));
    const r = digits >= 0 ? trunc<f64>(x * scale) / scale : trunc<f64>(x / scale) * scale;
    store<f64>(out + (<usize>i << 3), abs<f64>(r) < Infinity ? r : x);
  }
}

/** −1, 0 or 1; NaN has no sign: 0. */
export function sign_f64(a: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const x = load<f64>(a + (<usize>i << 3));
    store<f64>(out + (<usize>i << 3), x > 0 ? 1 : x < 0 ? -1 : 0);
  }
}

export function sign_i64(a: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const x = load<i64>(a + (<usize>i << 3));
    store<i64>(out + (<usize>i << 3), <i64>(x > 0) - <i64>(x < 0));
  }
}

/** Class of floats as a bitmap: 0 NaN, 1 infinite, 2 finite. */
export function is_class_f64(a: usize, n: i32, kind: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) {
    let word: u64 = 0;
    const end = min(64, n - i);
    for (let k = 0; k < end; k++) {
      const x = load<f64>(a + (<usize>(i + k) << 3));
      const m = abs<f64>(x);
      word |= (<u64>(kind == 0 ? x != x : kind == 1 ? m == Infinity : m < Infinity)) << k;
    }
    store<u64>(out + (i >> 3), word);
  }
}

/** First row (not null) with a ≤ limit, or a < limit when strict; −1: none. For arguments outside a function's domain. */
export function first_below_f64(a: usize, n: i32, limit: f64, strict: i32, validity: usize): i32 {
  for (let i = 0; i < n; i++) {
    const x = load<f64>(a + (<usize>i << 3));
    if ((x < limit || (!strict && x == limit)) && bitIsSet(validity, i)) return i;
  }
  return -1;
}

/** First row (not null) that is infinite in out although finite in a; −1: none. */
export function first_overflow_f64(a: usize, n: i32, out: usize, validity: usize): i32 {
  for (let i = 0; i < n; i++) {
    if (abs<f64>(load<f64>(out + (<usize>i << 3))) == Infinity && abs<f64>(load<f64>(a + (<usize>i << 3))) < Infinity && bitIsSet(validity, i)) return i;
  }
  return -1;
}

/** Uniform numbers in [0, 1) by xorshift128+; the two u64 of the state are advanced. */
export function random_f64(state: usize, n: i32, out: usize): void {
  let s0 = load<u64>(state), s1 = load<u64>(state, 8);
  for (let i = 0; i < n; i++) {
    let x = s0;
    const y = s1;
    s0 = y;
    x ^= x << 23;
    s1 = x ^ y ^ (x >> 17) ^ (y >> 26);
    store<f64>(out + (<usize>i << 3), <f64>((s1 + y) >> 11) * 1.1102230246251565e-16);
  }
  store<u64>(state, s0);
  store<u64>(state, s1, 8);
}

export function exp_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.exp(x)); } }
export function ln_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.log(x)); } }
export function log10_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.log10(x)); } }
export function log2_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.log2(x)); } }
export function cbrt_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.cbrt(x)); } }
export function sin_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.sin(x)); } }
export function cos_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.cos(x)); } }
export function tan_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.tan(x)); } }
export function asin_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.asin(x)); } }
export function acos_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.acos(x)); } }
export function atan_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.atan(x)); } }
export function sinh_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.sinh(x)); } }
export function cosh_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.cosh(x)); } }
export function tanh_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), NativeMath.tanh(x)); } }
export function degrees_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), x * (180.0 / NativeMath.PI)); } }
export function radians_f64(a: usize, n: i32, out: usize): void { for (let i: usize = 0; i < <usize>n; i++) { const x = load<f64>(a + (i << 3)); store<f64>(out + (i << 3), x * (NativeMath.PI / 180.0)); } }
export function power_f64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void { for (let i = 0; i < n; i++) { const x = load<f64>(a + (<usize>(i * aStep) << 3)), y = load<f64>(b + (<usize>(i * bStep) << 3)); store<f64>(out + (<usize>i << 3), NativeMath.pow(x, y)); } }
export function atan2_f64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void { for (let i = 0; i < n; i++) { const x = load<f64>(a + (<usize>(i * aStep) << 3)), y = load<f64>(b + (<usize>(i * bStep) << 3)); store<f64>(out + (<usize>i << 3), NativeMath.atan2(x, y)); } }
