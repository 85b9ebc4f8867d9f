// Decimals: unscaled 128-bit integers. Results with more digits than `precision` are errors, reported as in cast.ts and arithmetic.ts.
import { bitIsSet, clearBit } from '../shared/bitmap';
import { divide256, high, low, multiply128, multiply64, powerOfTen, remainderHigh, remainderLow } from '../shared/int128';

// Magnitude and sign of the operand read last.
let mh: u64 = 0;
let ml: u64 = 0;

/** Reads |value| into mh, ml; true when it is negative. */
// @ts-ignore: decorator
@inline
function read(a: usize): bool {
  ml = load<u64>(a);
  mh = load<u64>(a, 8);
  if (<i64>mh >= 0) return false;
  mh = ~mh + <u64>(ml == 0);
  ml = 0 - ml;
  return true;
}

// @ts-ignore: decorator
@inline
function write(out: usize, h: u64, l: u64, negative: bool): void {
  if (negative) {
    h = ~h + <u64>(l == 0);
    l = 0 - l;
  }
  store<u64>(out, l);
  store<u64>(out, h, 8);
}

// @ts-ignore: decorator
@inline
function below(h: u64, l: u64, boundHigh: u64, boundLow: u64): bool {
  return h < boundHigh || (h == boundHigh && l < boundLow);
}

/** Where one of n results did not fit: at once, or as a cleared bit of ok. */
// @ts-ignore: decorator
@inline
function refused(i: i32, validity: usize, ok: usize): bool {
  if (!bitIsSet(validity, i)) return false;
  if (ok == 0) return true;
  clearBit(ok, i);
  return false;
}

/** value · 10^shift (shift < 0: divided, rounded half away from zero). */
export function rescale_i128(a: usize, n: i32, shift: i32, precision: i32, out: usize, validity: usize, ok: usize): i32 {
  powerOfTen(precision);
  const bh = high, bl = low;
  powerOfTen(shift < 0 ? min(-shift, 38) : shift);
  const fh = high, fl = low;
  for (let i = 0; i < n; i++) {
    const negative = read(a + (<usize>i << 4));
    let fits = true;
    if (shift >= 0) fits = multiply128(mh, ml, fh, fl);
    else {
      divide256(0, 0, mh, ml, fh, fl);
      roundUp(fh, fl);
    }
    fits = fits && below(high, low, bh, bl);
    write(out + (<usize>i << 4), fits ? high : 0, fits ? low : 0, negative);
    if (!fits && refused(i, validity, ok)) return i;
  }
  return -1;
}

/** After a division: half a divisor or more of remainder rounds the quotient away from zero. */
// @ts-ignore: decorator
@inline
function roundUp(dh: u64, dl: u64): void {
  const rh = (remainderHigh << 1) | (remainderLow >> 63);
  const rl = remainderLow << 1;
  if (!below(rh, rl, dh, dl)) increment();
}

// @ts-ignore: decorator
@inline
function increment(): void {
  setResult(high + <u64>(low == u64.MAX_VALUE), low + 1);
}

// The shared globals cannot be assigned from here; a product with one sets them.
// @ts-ignore: decorator
@inline
function setResult(h: u64, l: u64): void {
  multiply128(h, l, 0, 1);
}

// @ts-ignore: decorator
@inline
function fromInteger(negative: bool, magnitude: u64, i: i32, fh: u64, fl: u64, bh: u64, bl: u64, out: usize, validity: usize, ok: usize): bool {
  const fits = multiply128(0, magnitude, fh, fl) && below(high, low, bh, bl);
  write(out + (<usize>i << 4), fits ? high : 0, fits ? low : 0, negative);
  return !fits && refused(i, validity, ok);
}

export function cast_i64_i128(a: usize, n: i32, scale: i32, precision: i32, out: usize, validity: usize, ok: usize): i32 {
  powerOfTen(precision);
  const bh = high, bl = low;
  powerOfTen(scale);
  const fh = high, fl = low;
  for (let i = 0; i < n; i++) {
    const x = load<i64>(a + (<usize>i << 3));
    if (fromInteger(x < 0, x < 0 ? 0 - <u64>x : <u64>x, i, fh, fl, bh, bl, out, validity, ok)) return i;
  }
  return -1;
}

export function cast_u64_i128(a: usize, n: i32, scale: i32, precision: i32, out: usize, validity: usize, ok: usize): i32 {
  powerOfTen(precision);
  const bh = high, bl = low;
  powerOfTen(scale);
  const fh = high, fl = low;
  for (let i = 0; i < n; i++) {
    if (fromInteger(false, load<u64>(a + (<usize>i << 3)), i, fh, fl, bh, bl, out, validity, ok)) return i;
  }
  return -1;
}

// @ts-ignore: decorator
@inline
function toInteger<T>(a: usize, n: i32, scale: i32, out: usize, validity: usize, ok: usize): i32 {
  powerOfTen(scale);
  const dh = high, dl = low;
  for (let i = 0; i < n; i++) {
    const negative = read(a + (<usize>i << 4));
    divide256(0, 0, mh, ml, dh, dl);
    roundUp(dh, dl);
    let fits = high == 0;
    if (isSigned<T>()) fits = fits && low <= (<u64>1 << 63) - <u64>!negative;
    else fits = fits && (!negative || low == 0);
    store<u64>(out + (<usize>i << 3), fits ? (negative ? 0 - low : low) : 0);
    if (!fits && refused(i, validity, ok)) return i;
  }
  return -1;
}

export function cast_i128_i64(a: usize, n: i32, scale: i32, out: usize, validity: usize, ok: usize): i32 { return toInteger<i64>(a, n, scale, out, validity, ok); }
export function cast_i128_u64(a: usize, n: i32, scale: i32, out: usize, validity: usize, ok: usize): i32 { return toInteger<u64>(a, n, scale, out, validity, ok); }

export function cast_f64_i128(a: usize, n: i32, scale: i32, precision: i32, out: usize, validity: usize, ok: usize): i32 {
  const factor = NativeMath.pow(10, <f64>scale), bound = NativeMath.pow(10, <f64>precision);
  for (let i = 0; i < n; i++) {
    const x = load<f64>(a + (<usize>i << 3));
    const exact = abs<f64>(x) * factor;
    const m = Math.floor(exact + exact * 2.220446049250313e-16 + 0.5);
    const fits = m < bound;
    const h = fits ? <u64>(m / 18446744073709551616.0) : 0;
    const l = fits ? <u64>(m - <f64>h * 18446744073709551616.0) : 0;
    write(out + (<usize>i << 4), h, l, x < 0);
    if (!fits && refused(i, validity, ok)) return i;
  }
  return -1;
}

export function cast_i128_f64(a: usize, n: i32, scale: i32, out: usize): void {
  const factor = NativeMath.pow(10, <f64>scale);
  for (let i = 0; i < n; i++) {
    const negative = read(a + (<usize>i << 4));
    const m = (<f64>mh * 18446744073709551616.0 + <f64>ml) / factor;
    store<f64>(out + (<usize>i << 3), negative ? -m : m);
  }
}

// @ts-ignore: decorator
@inline
function addSigned(a: usize, b: usize, subtract: bool): bool {
  const al = load<u64>(a), ah = load<u64>(a, 8);
  let bl = load<u64>(b), bh = load<u64>(b, 8);
  if (subtract) {
    bh = ~bh + <u64>(bl == 0);
    bl = 0 - bl;
  }
  // Operands have at most 38 digits, so the sum does not leave 128 bits.
  ml = al + bl;
  mh = ah + bh + <u64>(ml < al);
  if (<i64>mh >= 0) return false;
  mh = ~mh + <u64>(ml == 0);
  ml = 0 - ml;
  return true;
}

/** True when the 128-bit integer at a is the 64-bit integer x. */
// @ts-ignore: decorator
@inline
function isLong(a: usize, x: i64): bool {
  return load<i64>(a, 8) == x >> 63;
}

// @ts-ignore: decorator
@inline
function magnitude(x: i64): u64 {
  const sign = x >> 63;
  return <u64>((x ^ sign) - sign);
}

// @ts-ignore: decorator
@inline
function writeLong(out: usize, x: i64): void {
  store<i64>(out, x);
  store<i64>(out, x >> 63, 8);
}

/** Results below are in range whatever the precision is. */
const ROOMY: u64 = 1 << 62;

// @ts-ignore: decorator
@inline
function addLoop(subtract: bool, a: usize, aStep: i32, b: usize, bStep: i32, n: i32, precision: i32, out: usize, validity: usize): i32 {
  powerOfTen(precision);
  const bh = high, bl = low;
  const bound = bh != 0 || bl > ROOMY ? ROOMY : bl;
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const x = load<i64>(a + (<usize>(i * aStep) << 4)), y = load<i64>(b + (<usize>(i * bStep) << 4));
    if (isLong(a + (<usize>(i * aStep) << 4), x) && isLong(b + (<usize>(i * bStep) << 4), y) && (magnitude(x) | magnitude(y)) < ROOMY >> 1) {
      const sum = subtract ? x - y : x + y;
      if (magnitude(sum) < bound) {
        writeLong(out + (<usize>i << 4), sum);
        continue;
      }
    }
    const negative = addSigned(a + (<usize>(i * aStep) << 4), b + (<usize>(i * bStep) << 4), subtract);
    write(out + (<usize>i << 4), mh, ml, negative);
    if (!below(mh, ml, bh, bl) && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}

export function add_i128(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, precision: i32, out: usize, validity: usize): i32 { return addLoop(false, a, aStep, b, bStep, n, precision, out, validity); }
export function subtract_i128(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, precision: i32, out: usize, validity: usize): i32 { return addLoop(true, a, aStep, b, bStep, n, precision, out, validity); }

export function multiply_i128(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, precision: i32, out: usize, validity: usize): i32 {
  powerOfTen(precision);
  const bh = high, bl = low;
  const bound = bh != 0 || bl > ROOMY ? ROOMY : bl;
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const x = load<i64>(a + (<usize>(i * aStep) << 4)), y = load<i64>(b + (<usize>(i * bStep) << 4));
    if (isLong(a + (<usize>(i * aStep) << 4), x) && isLong(b + (<usize>(i * bStep) << 4), y) && clz(magnitude(x)) + clz(magnitude(y)) >= 66) {
      const product = x * y;
      if (magnitude(product) < bound) {
        writeLong(out + (<usize>i << 4), product);
        continue;
      }
    }
    const an = read(a + (<usize>(i * aStep) << 4));
    const xh = mh, xl = ml;
    const bn = read(b + (<usize>(i * bStep) << 4));
    const fits = multiply128(xh, xl, mh, ml) && below(high, low, bh, bl);
    write(out + (<usize>i << 4), fits ? high : 0, fits ? low : 0, an != bn);
    if (!fits && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}

/** (a · 10^shift) / b, rounded half away from zero; a zero divisor is an error like a quotient of too many digits. */
export function divide_i128(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, shift: i32, precision: i32, out: usize, validity: usize): i32 {
  powerOfTen(precision);
  const bh = high, bl = low;
  powerOfTen(shift);
  const fh = high, fl = low;
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const an = read(a + (<usize>(i * aStep) << 4));
    const xh = mh, xl = ml;
    const bn = read(b + (<usize>(i * bStep) << 4));
    let fits = (mh | ml) != 0;
    if (fits) {
      // 256-bit numerator: x · f in four words.
      multiply64(xl, fl);
      const n0 = low;
      let n1 = high, n2: u64 = 0, n3: u64 = 0;
      multiply64(xh, fl);
      n1 += low;
      n2 = high + <u64>(n1 < low);
      multiply64(xl, fh);
      n1 += low;
      const carry = high + <u64>(n1 < low);
      n2 += carry;
      n3 = <u64>(n2 < carry);
      multiply64(xh, fh);
      n2 += low;
      n3 += high + <u64>(n2 < low);
      fits = divide256(n3, n2, n1, n0, mh, ml);
      if (fits) {
        roundUp(mh, ml);
        fits = below(high, low, bh, bl);
      }
    }
    write(out + (<usize>i << 4), fits ? high : 0, fits ? low : 0, an != bn);
    if (!fits && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}

/** Remainder with the sign of the dividend; both have one scale. */
export function modulo_i128(a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize, validity: usize): i32 {
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const an = read(a + (<usize>(i * aStep) << 4));
    const xh = mh, xl = ml;
    read(b + (<usize>(i * bStep) << 4));
    if ((mh | ml) == 0) {
      write(out + (<usize>i << 4), 0, 0, false);
      if (bad < 0 && bitIsSet(validity, i)) bad = i;
      continue;
    }
    divide256(0, 0, xh, xl, mh, ml);
    write(out + (<usize>i << 4), remainderHigh, remainderLow, an);
  }
  return bad;
}

export function negate_i128(a: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const negative = read(a + (<usize>i << 4));
    write(out + (<usize>i << 4), mh, ml, !negative);
  }
}

export function abs_i128(a: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    read(a + (<usize>i << 4));
    write(out + (<usize>i << 4), mh, ml, false);
  }
}

/** To whole numbers, kept at their scale: 0 floor, 1 ceil, 2 truncate, 3 round half away from zero; `scale` digits are cleared. */
export function round_i128(a: usize, n: i32, mode: i32, scale: i32, out: usize): void {
  powerOfTen(scale);
  const fh = high, fl = low;
  for (let i = 0; i < n; i++) {
    const negative = read(a + (<usize>i << 4));
    divide256(0, 0, mh, ml, fh, fl);
    const rest = (remainderHigh | remainderLow) != 0;
    if (mode == 3) roundUp(fh, fl);
    else if (rest && ((mode == 0 && negative) || (mode == 1 && !negative))) increment();
    multiply128(high, low, fh, fl);
    write(out + (<usize>i << 4), high, low, negative);
  }
}
