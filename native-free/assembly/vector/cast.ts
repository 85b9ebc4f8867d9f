// Number ⇄ number. Floats are rounded to the nearest integer, ties to even, as PostgreSQL does.
// ok = 0: the result is the first row whose value does not fit (null slots left out), −1 when all fit.
// ok ≠ 0: a bitmap, all ones before; the bit of a row that does not fit is cleared and −1 returned.
import { bitIsSet, clearBit } from '../shared/bitmap';

/** Whether every F has a T. */
// @ts-ignore: decorator
@inline
function always<F, T>(): bool {
  if (isFloat<T>()) return true;
  if (isFloat<F>()) return false;
  if (isSigned<F>() == isSigned<T>()) return sizeof<F>() <= sizeof<T>();
  return !isSigned<F>() && sizeof<F>() < sizeof<T>();
}

// @ts-ignore: decorator
@inline
function floatFits<T>(x: f64): bool {
  if (sizeof<T>() < 8) {
    // @ts-ignore: every type of at most 4 bytes is exact in f64
    return x >= <f64>(isSigned<T>() ? -(<i64>1 << (8 * sizeof<T>() - 1)) : 0) && x <= <f64>((<i64>1 << (8 * sizeof<T>() - (isSigned<T>() ? 1 : 0))) - 1);
  }
  return isSigned<T>() ? x >= -9223372036854775808.0 && x < 9223372036854775808.0 : x >= 0.0 && x < 18446744073709551616.0;
}

// @ts-ignore: decorator
@inline
function integerFits<F, T>(x: F): bool {
  if (isSigned<F>() && !isSigned<T>()) {
    if (x < <F>0) return false;
    return sizeof<T>() == 8 || <u64>(<i64>x) <= (<u64>1 << (8 * sizeof<T>())) - 1;
  }
  if (!isSigned<F>() && isSigned<T>()) return <u64>x <= (<u64>1 << (8 * sizeof<T>() - 1)) - 1;
  return <F>(<T>x) == x;
}

// @ts-ignore: decorator
@inline
function cast<F, T>(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 {
  for (let i = 0; i < n; i++) {
    const x = load<F>(a + <usize>i * sizeof<F>());
    const at = out + <usize>i * sizeof<T>();
    if (always<F, T>()) store<T>(at, <T>x);
    else {
      let fits: bool;
      if (isFloat<F>()) {
        const rounded = nearest<f64>(<f64>x);
        fits = floatFits<T>(rounded);
        // @ts-ignore: the value fits
        store<T>(at, fits ? (isSigned<T>() ? <T>(<i64>rounded) : <T>(<u64>rounded)) : <T>0);
      } else {
        fits = integerFits<F, T>(x);
        store<T>(at, fits ? <T>x : <T>0);
      }
      if (!fits && bitIsSet(validity, i)) {
        if (ok == 0) return i;
        clearBit(ok, i);
      }
    }
  }
  return -1;
}

/** f64 → f32: a finite number beyond the range of f32 does not fit. */
export function cast_f64_f32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 {
  for (let i = 0; i < n; i++) {
    const x = load<f64>(a + (<usize>i << 3));
    const y = <f32>x;
    store<f32>(out + (<usize>i << 2), y);
    if (Infinity == abs<f32>(y) && abs<f64>(x) < Infinity && bitIsSet(validity, i)) {
      if (ok == 0) return i;
      clearBit(ok, i);
    }
  }
  return -1;
}

export function cast_i8_i16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i8, i16>(a, n, out, validity, ok); }
export function cast_i8_i32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i8, i32>(a, n, out, validity, ok); }
export function cast_i8_i64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i8, i64>(a, n, out, validity, ok); }
export function cast_i8_u8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i8, u8>(a, n, out, validity, ok); }
export function cast_i8_u16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i8, u16>(a, n, out, validity, ok); }
export function cast_i8_u32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i8, u32>(a, n, out, validity, ok); }
export function cast_i8_u64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i8, u64>(a, n, out, validity, ok); }
export function cast_i8_f32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i8, f32>(a, n, out, validity, ok); }
export function cast_i8_f64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i8, f64>(a, n, out, validity, ok); }
export function cast_i16_i8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i16, i8>(a, n, out, validity, ok); }
export function cast_i16_i32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i16, i32>(a, n, out, validity, ok); }
export function cast_i16_i64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i16, i64>(a, n, out, validity, ok); }
export function cast_i16_u8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i16, u8>(a, n, out, validity, ok); }
export function cast_i16_u16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i16, u16>(a, n, out, validity, ok); }
export function cast_i16_u32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i16, u32>(a, n, out, validity, ok); }
export function cast_i16_u64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i16, u64>(a, n, out, validity, ok); }
export function cast_i16_f32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i16, f32>(a, n, out, validity, ok); }
export function cast_i16_f64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i16, f64>(a, n, out, validity, ok); }
export function cast_i32_i8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i32, i8>(a, n, out, validity, ok); }
export function cast_i32_i16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i32, i16>(a, n, out, validity, ok); }
export function cast_i32_i64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i32, i64>(a, n, out, validity, ok); }
export function cast_i32_u8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i32, u8>(a, n, out, validity, ok); }
export function cast_i32_u16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i32, u16>(a, n, out, validity, ok); }
export function cast_i32_u32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i32, u32>(a, n, out, validity, ok); }
export function cast_i32_u64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i32, u64>(a, n, out, validity, ok); }
export function cast_i32_f32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i32, f32>(a, n, out, validity, ok); }
export function cast_i32_f64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i32, f64>(a, n, out, validity, ok); }
export function cast_i64_i8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i64, i8>(a, n, out, validity, ok); }
export function cast_i64_i16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i64, i16>(a, n, out, validity, ok); }
export function cast_i64_i32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i64, i32>(a, n, out, validity, ok); }
export function cast_i64_u8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i64, u8>(a, n, out, validity, ok); }
export function cast_i64_u16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i64, u16>(a, n, out, validity, ok); }
export function cast_i64_u32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i64, u32>(a, n, out, validity, ok); }
export function cast_i64_u64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i64, u64>(a, n, out, validity, ok); }
export function cast_i64_f32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i64, f32>(a, n, out, validity, ok); }
export function cast_i64_f64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<i64, f64>(a, n, out, validity, ok); }
export function cast_u8_i8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u8, i8>(a, n, out, validity, ok); }
export function cast_u8_i16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u8, i16>(a, n, out, validity, ok); }
export function cast_u8_i32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u8, i32>(a, n, out, validity, ok); }
export function cast_u8_i64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u8, i64>(a, n, out, validity, ok); }
export function cast_u8_u16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u8, u16>(a, n, out, validity, ok); }
export function cast_u8_u32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u8, u32>(a, n, out, validity, ok); }
export function cast_u8_u64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u8, u64>(a, n, out, validity, ok); }
export function cast_u8_f32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u8, f32>(a, n, out, validity, ok); }
export function cast_u8_f64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u8, f64>(a, n, out, validity, ok); }
export function cast_u16_i8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u16, i8>(a, n, out, validity, ok); }
export function cast_u16_i16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u16, i16>(a, n, out, validity, ok); }
export function cast_u16_i32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u16, i32>(a, n, out, validity, ok); }
export function cast_u16_i64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u16, i64>(a, n, out, validity, ok); }
export function cast_u16_u8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u16, u8>(a, n, out, validity, ok); }
export function cast_u16_u32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u16, u32>(a, n, out, validity, ok); }
export function cast_u16_u64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u16, u64>(a, n, out, validity, ok); }
export function cast_u16_f32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u16, f32>(a, n, out, validity, ok); }
export function cast_u16_f64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u16, f64>(a, n, out, validity, ok); }
export function cast_u32_i8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u32, i8>(a, n, out, validity, ok); }
export function cast_u32_i16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u32, i16>(a, n, out, validity, ok); }
export function cast_u32_i32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u32, i32>(a, n, out, validity, ok); }
export function cast_u32_i64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u32, i64>(a, n, out, validity, ok); }
export function cast_u32_u8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u32, u8>(a, n, out, validity, ok); }
export function cast_u32_u16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u32, u16>(a, n, out, validity, ok); }
export function cast_u32_u64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u32, u64>(a, n, out, validity, ok); }
export function cast_u32_f32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u32, f32>(a, n, out, validity, ok); }
export function cast_u32_f64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u32, f64>(a, n, out, validity, ok); }
export function cast_u64_i8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u64, i8>(a, n, out, validity, ok); }
export function cast_u64_i16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u64, i16>(a, n, out, validity, ok); }
export function cast_u64_i32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u64, i32>(a, n, out, validity, ok); }
export function cast_u64_i64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u64, i64>(a, n, out, validity, ok); }
export function cast_u64_u8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u64, u8>(a, n, out, validity, ok); }
export function cast_u64_u16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u64, u16>(a, n, out, validity, ok); }
export function cast_u64_u32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u64, u32>(a, n, out, validity, ok); }
export function cast_u64_f32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u64, f32>(a, n, out, validity, ok); }
export function cast_u64_f64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<u64, f64>(a, n, out, validity, ok); }
export function cast_f32_i8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f32, i8>(a, n, out, validity, ok); }
export function cast_f32_i16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f32, i16>(a, n, out, validity, ok); }
export function cast_f32_i32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f32, i32>(a, n, out, validity, ok); }
export function cast_f32_i64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f32, i64>(a, n, out, validity, ok); }
export function cast_f32_u8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f32, u8>(a, n, out, validity, ok); }
export function cast_f32_u16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f32, u16>(a, n, out, validity, ok); }
export function cast_f32_u32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f32, u32>(a, n, out, validity, ok); }
export function cast_f32_u64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f32, u64>(a, n, out, validity, ok); }
export function cast_f32_f64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f32, f64>(a, n, out, validity, ok); }
export function cast_f64_i8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f64, i8>(a, n, out, validity, ok); }
export function cast_f64_i16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f64, i16>(a, n, out, validity, ok); }
export function cast_f64_i32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f64, i32>(a, n, out, validity, ok); }
export function cast_f64_i64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f64, i64>(a, n, out, validity, ok); }
export function cast_f64_u8(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f64, u8>(a, n, out, validity, ok); }
export function cast_f64_u16(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f64, u16>(a, n, out, validity, ok); }
export function cast_f64_u32(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f64, u32>(a, n, out, validity, ok); }
export function cast_f64_u64(a: usize, n: i32, out: usize, validity: usize, ok: usize): i32 { return cast<f64, u64>(a, n, out, validity, ok); }
