// add, subtract, multiply, divide, modulo over numbers. A step of 0 means that the address holds one constant.
// Integers: the result is the row of the first error (overflow, or division by 0) that is not in a null slot, −1 when there is none.
import { bitIsSet } from '../shared/bitmap';

// @ts-ignore: decorator
@inline const ADD = 0;
// @ts-ignore: decorator
@inline const SUB = 1;
// @ts-ignore: decorator
@inline const MUL = 2;
// @ts-ignore: decorator
@inline const DIV = 3;

// @ts-ignore: decorator
@inline
function vectorOp<T>(op: i32, x: v128, y: v128): v128 {
  if (isFloat<T>()) {
    return op == ADD ? v128.add<T>(x, y) : op == SUB ? v128.sub<T>(x, y) : op == MUL ? v128.mul<T>(x, y) : v128.div<T>(x, y);
  }
  if (sizeof<T>() == 1) return op == ADD ? v128.add<i8>(x, y) : v128.sub<i8>(x, y);
  if (sizeof<T>() == 2) return op == ADD ? v128.add<i16>(x, y) : v128.sub<i16>(x, y);
  if (sizeof<T>() == 4) return op == ADD ? v128.add<i32>(x, y) : v128.sub<i32>(x, y);
  return op == ADD ? v128.add<i64>(x, y) : v128.sub<i64>(x, y);
}

/** Vector whose lanes have the sign bit set where x ∘ y = r went out of range. */
// @ts-ignore: decorator
@inline
function wrapped<T>(op: i32, x: v128, y: v128, r: v128): v128 {
  if (isSigned<T>()) {
    return op == ADD ? v128.and(v128.xor(x, r), v128.xor(y, r)) : v128.and(v128.xor(x, y), v128.xor(x, r));
  }
  return op == ADD
    ? v128.or(v128.and(x, y), v128.andnot(v128.or(x, y), r))
    : v128.or(v128.andnot(y, x), v128.and(v128.or(v128.not(x), y), r));
}

// @ts-ignore: decorator
@inline
function signs<T>(x: v128): i32 {
  if (sizeof<T>() == 1) return v128.bitmask<i8>(x);
  if (sizeof<T>() == 2) return v128.bitmask<i16>(x);
  if (sizeof<T>() == 4) return v128.bitmask<i32>(x);
  return v128.bitmask<i64>(x);
}

// @ts-ignore: decorator
@inline
function addOverflows<T>(op: i32, x: T, y: T): bool {
  if (isSigned<T>()) {
    const r = op == ADD ? <T>(x + y) : <T>(x - y);
    return op == ADD ? <T>((x ^ r) & (y ^ r)) < <T>0 : <T>((x ^ y) & (x ^ r)) < <T>0;
  }
  return op == ADD ? <T>(x + y) < x : x < y;
}

/** SIMD add and subtract; only when a lane wrapped anywhere is the exact row looked for. The last vector may read past n, so it goes by rows. */
// @ts-ignore: decorator
@inline
function addLoop<T>(op: i32, a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 {
  const lanes = 16 / <i32>sizeof<T>();
  const size = sizeof<T>();
  let flags = i64x2.splat(0);
  let i = 0;
  if (aStep && bStep) {
    for (; i + lanes <= n; i += lanes) {
      const x = v128.load(a + <usize>i * size), y = v128.load(b + <usize>i * size);
      const r = vectorOp<T>(op, x, y);
      flags = v128.or(flags, wrapped<T>(op, x, y, r));
      v128.store(out + <usize>i * size, r);
    }
  } else if (aStep) {
    const y = v128.splat<T>(load<T>(b));
    for (; i + lanes <= n; i += lanes) {
      const x = v128.load(a + <usize>i * size);
      const r = vectorOp<T>(op, x, y);
      flags = v128.or(flags, wrapped<T>(op, x, y, r));
      v128.store(out + <usize>i * size, r);
    }
  } else {
    const x = v128.splat<T>(load<T>(a)), y0 = v128.splat<T>(load<T>(b));
    for (; i + lanes <= n; i += lanes) {
      const y = bStep ? v128.load(b + <usize>i * size) : y0;
      const r = vectorOp<T>(op, x, y);
      flags = v128.or(flags, wrapped<T>(op, x, y, r));
      v128.store(out + <usize>i * size, r);
    }
  }
  let bad = signs<T>(flags) != 0;
  for (; i < n; i++) {
    const x = load<T>(a + <usize>(i * aStep) * size), y = load<T>(b + <usize>(i * bStep) * size);
    if (addOverflows<T>(op, x, y)) bad = true;
    store<T>(out + <usize>i * size, op == ADD ? <T>(x + y) : <T>(x - y));
  }
  if (!bad) return -1;
  for (let k = 0; k < n; k++) {
    if (!bitIsSet(validity, k)) continue;
    if (addOverflows<T>(op, load<T>(a + <usize>(k * aStep) * size), load<T>(b + <usize>(k * bStep) * size))) return k;
  }
  return -1;
}

// @ts-ignore: decorator
@inline
function multiplyOverflows<T>(x: T, y: T): bool {
  if (sizeof<T>() < 8) {
    if (isSigned<T>()) {
      const wide = <i64>x * <i64>y;
      return wide != <i64>(<T>wide);
    }
    const wide = <u64>x * <u64>y;
    return wide != <u64>(<T>wide);
  }
  if (isSigned<T>()) {
    const p = <i64>x, q = <i64>y;
    if (<u64>(p + 0x80000000) <= 0xffffffff && <u64>(q + 0x80000000) <= 0xffffffff) return false;
    // The float product is right to 2⁻⁵³, so only what comes near 2⁶³ needs the exact test.
    if (abs<f64>(<f64>p * <f64>q) < 9223372036854765568.0) return false;
    if (p == 0 || q == 0) return false;
    if (p == -1) return q == i64.MIN_VALUE;
    if (q == -1) return p == i64.MIN_VALUE;
    return (p * q) / q != p;
  }
  const p = <u64>x, q = <u64>y;
  if ((p | q) <= 0xffffffff || p == 0) return false;
  return (p * q) / p != q;
}

// @ts-ignore: decorator
@inline
function multiplyLoop<T>(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 {
  const size = sizeof<T>();
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const x = load<T>(a + <usize>(i * aStep) * size), y = load<T>(b + <usize>(i * bStep) * size);
    store<T>(out + <usize>i * size, <T>(x * y));
    if (multiplyOverflows<T>(x, y) && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}

/** Quotients truncate. x / 0, and the smallest value / −1, are errors; their slots become 0. */
// @ts-ignore: decorator
@inline
function divideLoop<T>(op: i32, a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 {
  const size = sizeof<T>();
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const x = load<T>(a + <usize>(i * aStep) * size), y = load<T>(b + <usize>(i * bStep) * size);
    let r: T = 0;
    let error = false;
    if (y == 0) error = true;
    else if (isSigned<T>() && y == <T>-1) {
      if (op == DIV) {
        r = <T>(0 - x);
        error = x != 0 && r == x;
      }
    } else r = op == DIV ? <T>(x / y) : <T>(x % y);
    store<T>(out + <usize>i * size, r);
    if (error && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}

/** Floats: IEEE results; only a division of a number by 0 is reported (its slot holds the IEEE result). */
// @ts-ignore: decorator
@inline
function floatLoop<T>(op: i32, a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 {
  const lanes = 16 / <i32>sizeof<T>();
  const size = sizeof<T>();
  const zero = i64x2.splat(0);
  let flags = i64x2.splat(0);
  let i = 0;
  const x0 = v128.splat<T>(load<T>(a)), y0 = v128.splat<T>(load<T>(b));
  if (aStep && bStep) {
    for (; i + lanes <= n; i += lanes) {
      const y = v128.load(b + <usize>i * size);
      if (op == DIV) flags = v128.or(flags, v128.eq<T>(y, zero));
      v128.store(out + <usize>i * size, vectorOp<T>(op, v128.load(a + <usize>i * size), y));
    }
  } else if (aStep) {
    if (op == DIV) flags = v128.eq<T>(y0, zero);
    for (; i + lanes <= n; i += lanes) v128.store(out + <usize>i * size, vectorOp<T>(op, v128.load(a + <usize>i * size), y0));
  } else {
    for (; i + lanes <= n; i += lanes) {
      const y = bStep ? v128.load(b + <usize>i * size) : y0;
      if (op == DIV) flags = v128.or(flags, v128.eq<T>(y, zero));
      v128.store(out + <usize>i * size, vectorOp<T>(op, x0, y));
    }
  }
  let bad = op == DIV && v128.any_true(flags);
  for (; i < n; i++) {
    const x = load<T>(a + <usize>(i * aStep) * size), y = load<T>(b + <usize>(i * bStep) * size);
    if (op == DIV && y == 0) bad = true;
    store<T>(out + <usize>i * size, op == ADD ? <T>(x + y) : op == SUB ? <T>(x - y) : op == MUL ? <T>(x * y) : <T>(x / y));
  }
  if (!bad) return -1;
  for (let k = 0; k < n; k++) {
    const x = load<T>(a + <usize>(k * aStep) * size);
    if (load<T>(b + <usize>(k * bStep) * size) == 0 && x == x && bitIsSet(validity, k)) return k;
  }
  return -1;
}

/** Remainder with the sign of the dividend. */
// @ts-ignore: decorator
@inline
function floatModulo<T>(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 {
  const size = sizeof<T>();
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const x = load<T>(a + <usize>(i * aStep) * size), y = load<T>(b + <usize>(i * bStep) * size);
    store<T>(out + <usize>i * size, <T>(x % y));
    if (y == 0 && x == x && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}

/** −x. Integers report the smallest value, which has no negative. */
// @ts-ignore: decorator
@inline
function negate<T>(a: usize, n: i32, out: usize, validity: usize): i32 {
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const x = load<T>(a + <usize>i * sizeof<T>());
    store<T>(out + <usize>i * sizeof<T>(), <T>-x);
    if (isInteger<T>() && x != 0 && <T>-x == x && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}

/** |x|, reporting as negate does. */
// @ts-ignore: decorator
@inline
function absolute<T>(a: usize, n: i32, out: usize, validity: usize): i32 {
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const x = load<T>(a + <usize>i * sizeof<T>());
    let r: T;
    if (isFloat<T>()) r = abs<T>(x);
    else {
      r = x < 0 ? <T>(0 - x) : x;
      if (r < 0 && bad < 0 && bitIsSet(validity, i)) bad = i;
    }
    store<T>(out + <usize>i * sizeof<T>(), r);
  }
  return bad;
}

export function add_i8(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<i8>(ADD, a, aStep, b, bStep, n, out, validity); }
export function subtract_i8(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<i8>(SUB, a, aStep, b, bStep, n, out, validity); }
export function multiply_i8(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return multiplyLoop<i8>(a, aStep, b, bStep, n, out, validity); }
export function divide_i8(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<i8>(DIV, a, aStep, b, bStep, n, out, validity); }
export function modulo_i8(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<i8>(DIV + 1, a, aStep, b, bStep, n, out, validity); }
export function add_i16(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<i16>(ADD, a, aStep, b, bStep, n, out, validity); }
export function subtract_i16(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<i16>(SUB, a, aStep, b, bStep, n, out, validity); }
export function multiply_i16(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return multiplyLoop<i16>(a, aStep, b, bStep, n, out, validity); }
export function divide_i16(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<i16>(DIV, a, aStep, b, bStep, n, out, validity); }
export function modulo_i16(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<i16>(DIV + 1, a, aStep, b, bStep, n, out, validity); }
export function add_i32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<i32>(ADD, a, aStep, b, bStep, n, out, validity); }
export function subtract_i32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<i32>(SUB, a, aStep, b, bStep, n, out, validity); }
export function multiply_i32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return multiplyLoop<i32>(a, aStep, b, bStep, n, out, validity); }
export function divide_i32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<i32>(DIV, a, aStep, b, bStep, n, out, validity); }
export function modulo_i32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<i32>(DIV + 1, a, aStep, b, bStep, n, out, validity); }
export function add_i64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<i64>(ADD, a, aStep, b, bStep, n, out, validity); }
export function subtract_i64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<i64>(SUB, a, aStep, b, bStep, n, out, validity); }
export function multiply_i64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return multiplyLoop<i64>(a, aStep, b, bStep, n, out, validity); }
export function divide_i64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<i64>(DIV, a, aStep, b, bStep, n, out, validity); }
export function modulo_i64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<i64>(DIV + 1, a, aStep, b, bStep, n, out, validity); }
export function add_u8(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<u8>(ADD, a, aStep, b, bStep, n, out, validity); }
export function subtract_u8(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<u8>(SUB, a, aStep, b, bStep, n, out, validity); }
export function multiply_u8(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return multiplyLoop<u8>(a, aStep, b, bStep, n, out, validity); }
export function divide_u8(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<u8>(DIV, a, aStep, b, bStep, n, out, validity); }
export function modulo_u8(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<u8>(DIV + 1, a, aStep, b, bStep, n, out, validity); }
export function add_u16(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<u16>(ADD, a, aStep, b, bStep, n, out, validity); }
export function subtract_u16(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<u16>(SUB, a, aStep, b, bStep, n, out, validity); }
export function multiply_u16(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return multiplyLoop<u16>(a, aStep, b, bStep, n, out, validity); }
export function divide_u16(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<u16>(DIV, a, aStep, b, bStep, n, out, validity); }
export function modulo_u16(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<u16>(DIV + 1, a, aStep, b, bStep, n, out, validity); }
export function add_u32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<u32>(ADD, a, aStep, b, bStep, n, out, validity); }
export function subtract_u32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<u32>(SUB, a, aStep, b, bStep, n, out, validity); }
export function multiply_u32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return multiplyLoop<u32>(a, aStep, b, bStep, n, out, validity); }
export function divide_u32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<u32>(DIV, a, aStep, b, bStep, n, out, validity); }
export function modulo_u32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<u32>(DIV + 1, a, aStep, b, bStep, n, out, validity); }
export function add_u64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<u64>(ADD, a, aStep, b, bStep, n, out, validity); }
export function subtract_u64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return addLoop<u64>(SUB, a, aStep, b, bStep, n, out, validity); }
export function multiply_u64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return multiplyLoop<u64>(a, aStep, b, bStep, n, out, validity); }
export function divide_u64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<u64>(DIV, a, aStep, b, bStep, n, out, validity); }
export function modulo_u64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return divideLoop<u64>(DIV + 1, a, aStep, b, bStep, n, out, validity); }
export function add_f32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return floatLoop<f32>(ADD, a, aStep, b, bStep, n, out, validity); }
export function subtract_f32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return floatLoop<f32>(SUB, a, aStep, b, bStep, n, out, validity); }
export function multiply_f32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return floatLoop<f32>(MUL, a, aStep, b, bStep, n, out, validity); }
export function divide_f32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return floatLoop<f32>(DIV, a, aStep, b, bStep, n, out, validity); }
export function modulo_f32(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return floatModulo<f32>(a, aStep, b, bStep, n, out, validity); }
export function add_f64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return floatLoop<f64>(ADD, a, aStep, b, bStep, n, out, validity); }
export function subtract_f64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return floatLoop<f64>(SUB, a, aStep, b, bStep, n, out, validity); }
export function multiply_f64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return floatLoop<f64>(MUL, a, aStep, b, bStep, n, out, validity); }
export function divide_f64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return floatLoop<f64>(DIV, a, aStep, b, bStep, n, out, validity); }
export function modulo_f64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 { return floatModulo<f64>(a, aStep, b, bStep, n, out, validity); }
export function negate_i8(a: usize, n: i32, out: usize, validity: usize): i32 { return negate<i8>(a, n, out, validity); }
export function abs_i8(a: usize, n: i32, out: usize, validity: usize): i32 { return absolute<i8>(a, n, out, validity); }
export function negate_i16(a: usize, n: i32, out: usize, validity: usize): i32 { return negate<i16>(a, n, out, validity); }
export function abs_i16(a: usize, n: i32, out: usize, validity: usize): i32 { return absolute<i16>(a, n, out, validity); }
export function negate_i32(a: usize, n: i32, out: usize, validity: usize): i32 { return negate<i32>(a, n, out, validity); }
export function abs_i32(a: usize, n: i32, out: usize, validity: usize): i32 { return absolute<i32>(a, n, out, validity); }
export function negate_i64(a: usize, n: i32, out: usize, validity: usize): i32 { return negate<i64>(a, n, out, validity); }
export function abs_i64(a: usize, n: i32, out: usize, validity: usize): i32 { return absolute<i64>(a, n, out, validity); }
export function negate_f32(a: usize, n: i32, out: usize, validity: usize): i32 { return negate<f32>(a, n, out, validity); }
export function abs_f32(a: usize, n: i32, out: usize, validity: usize): i32 { return absolute<f32>(a, n, out, validity); }
export function negate_f64(a: usize, n: i32, out: usize, validity: usize): i32 { return negate<f64>(a, n, out, validity); }
export function abs_f64(a: usize, n: i32, out: usize, validity: usize): i32 { return absolute<f64>(a, n, out, validity); }
