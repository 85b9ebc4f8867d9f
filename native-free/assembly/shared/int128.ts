// 128-bit integers as pairs (high, low). Two-word results come back in `high` and `low`, globals of this thread's instance.

export let high: u64 = 0;
export let low: u64 = 0;

/** 64 × 64 → 128 bits. */
export function multiply64(a: u64, b: u64): void {
  const a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
  const p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0;
  const middle = (p00 >> 32) + (p01 & 0xffffffff) + (p10 & 0xffffffff);
  low = (middle << 32) | (p00 & 0xffffffff);
  high = a1 * b1 + (p01 >> 32) + (p10 >> 32) + (middle >> 32);
}

/** 128 × 128 bits; false when the product needs more than 128. */
export function multiply128(ah: u64, al: u64, bh: u64, bl: u64): bool {
  if (ah != 0 && bh != 0) return false;
  multiply64(ah, bl);
  if (high != 0) return false;
  let cross = low;
  multiply64(al, bh);
  if (high != 0) return false;
  if (cross + low < cross) return false;
  cross += low;
  multiply64(al, bl);
  const sum = high + cross;
  if (sum < cross) return false;
  high = sum;
  return true;
}

export let remainderHigh: u64 = 0;
export let remainderLow: u64 = 0;

/** (n3 n2 n1 n0) / (dh dl) → high, low, and the remainder; false when the quotient needs more than 128 bits. dh < 2⁶³, not 0 / 0. */
export function divide256(n3: u64, n2: u64, n1: u64, n0: u64, dh: u64, dl: u64): bool {
  if ((n3 | n2 | n1 | dh) == 0) {
    high = 0;
    low = n0 / dl;
    remainderHigh = 0;
    remainderLow = n0 % dl;
    return true;
  }
  if (n3 > dh || (n3 == dh && n2 >= dl)) return false;
  let rh = n3, rl = n2;
  let qh: u64 = n1, ql: u64 = n0;
  for (let i = 0; i < 128; i++) {
    rh = (rh << 1) | (rl >> 63);
    rl = (rl << 1) | (qh >> 63);
    qh = (qh << 1) | (ql >> 63);
    ql <<= 1;
    if (rh > dh || (rh == dh && rl >= dl)) {
      rh -= dh + <u64>(rl < dl);
      rl -= dl;
      ql |= 1;
    }
  }
  high = qh;
  low = ql;
  remainderHigh = rh;
  remainderLow = rl;
  return true;
}

/** 10 to the power of 0 … 38 → high, low. */
export function powerOfTen(exponent: i32): void {
  let h: u64 = 0, l: u64 = 1;
  for (let i = 0; i < exponent; i++) {
    multiply64(l, 10);
    h = h * 10 + high;
    l = low;
  }
  high = h;
  low = l;
}
