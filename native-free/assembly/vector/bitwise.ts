// Bit operations on 64-bit integers; a step of 0 means a constant. Shift counts are taken modulo 64.

export function bit_and_i64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) store<i64>(out + (<usize>i << 3), load<i64>(a + (<usize>(i * aStep) << 3)) & load<i64>(b + (<usize>(i * bStep) << 3)));
}
export function bit_or_i64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) store<i64>(out + (<usize>i << 3), load<i64>(a + (<usize>(i * aStep) << 3)) | load<i64>(b + (<usize>(i * bStep) << 3)));
}
export function bit_xor_i64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) store<i64>(out + (<usize>i << 3), load<i64>(a + (<usize>(i * aStep) << 3)) ^ load<i64>(b + (<usize>(i * bStep) << 3)));
}
export function shift_left_i64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) store<i64>(out + (<usize>i << 3), load<i64>(a + (<usize>(i * aStep) << 3)) << (load<i64>(b + (<usize>(i * bStep) << 3)) & 63));
}
export function shift_right_i64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) store<i64>(out + (<usize>i << 3), load<i64>(a + (<usize>(i * aStep) << 3)) >> (load<i64>(b + (<usize>(i * bStep) << 3)) & 63));
}

/** Greatest common divisor, not negative; gcd(x, 0) = |x|. */
export function gcd_i64(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    let x = magnitude(load<i64>(a + (<usize>(i * aStep) << 3)));
    let y = magnitude(load<i64>(b + (<usize>(i * bStep) << 3)));
    while (y != 0) {
      const r = x % y;
      x = y;
      y = r;
    }
    store<u64>(out + (<usize>i << 3), x);
  }
}

// @ts-ignore: decorator
@inline
function magnitude(x: i64): u64 {
  return x < 0 ? <u64>(0 - x) : <u64>x;
}
