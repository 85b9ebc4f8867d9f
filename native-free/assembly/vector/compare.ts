// Comparison → bitmap, SIMD. NaN equals NaN and is the greatest; −0 equals 0.
import { rowMask } from '../shared/bitmap';

// Operations as the caller numbers them: eq 0, ne 1, lt 2, le 3, gt 4, ge 5.
// @ts-ignore: decorator
@inline const EQ = 0;
// @ts-ignore: decorator
@inline const NE = 1;
// @ts-ignore: decorator
@inline const LT = 2;
// @ts-ignore: decorator
@inline const LE = 3;
// @ts-ignore: decorator
@inline const GT = 4;

// @ts-ignore: decorator
@inline
function maskBits<T>(mask: v128): u64 {
  if (sizeof<T>() == 1) return <u64>v128.bitmask<i8>(mask);
  if (sizeof<T>() == 2) return <u64>v128.bitmask<i16>(mask);
  if (sizeof<T>() == 4) return <u64>v128.bitmask<i32>(mask);
  return <u64>v128.bitmask<i64>(mask);
}

/** op is EQ, LT or LE. `plain`: y holds no NaN. */
// @ts-ignore: decorator
@inline
function lanes<T>(op: i32, plain: bool, x: v128, y: v128): v128 {
  if (isFloat<T>()) {
    if (plain) return op == EQ ? v128.eq<T>(x, y) : op == LT ? v128.lt<T>(x, y) : v128.le<T>(x, y);
    const yNan = v128.ne<T>(y, y);
    if (op == LE) return v128.or(v128.le<T>(x, y), yNan);
    const xNan = v128.ne<T>(x, x);
    if (op == LT) return v128.or(v128.lt<T>(x, y), v128.andnot(yNan, xNan));
    return v128.or(v128.eq<T>(x, y), v128.and(xNan, yNan));
  }
  if (op == EQ) {
    if (sizeof<T>() == 1) return v128.eq<i8>(x, y);
    if (sizeof<T>() == 2) return v128.eq<i16>(x, y);
    if (sizeof<T>() == 4) return v128.eq<i32>(x, y);
    return v128.eq<i64>(x, y);
  }
  if (sizeof<T>() == 8 && !isSigned<T>()) {
    const bias = i64x2.splat(i64.MIN_VALUE);
    x = v128.xor(x, bias);
    y = v128.xor(y, bias);
    return op == LT ? v128.lt<i64>(x, y) : v128.le<i64>(x, y);
  }
  return op == LT ? v128.lt<T>(x, y) : v128.le<T>(x, y);
}

/** Results of two vectors as one with lanes of half the width (8-byte lanes become 4-byte ones). */
// @ts-ignore: decorator
@inline
function pair<T>(op: i32, plain: bool, constant: bool, right: v128, a: usize, b: usize): v128 {
  const low = lanes<T>(op, plain, v128.load(a), constant ? right : v128.load(b));
  const high = lanes<T>(op, plain, v128.load(a, 16), constant ? right : v128.load(b, 16));
  if (sizeof<T>() == 8) return v128.shuffle<i32>(low, high, 0, 2, 4, 6);
  if (sizeof<T>() == 4) return v128.narrow<i32>(low, high);
  return v128.narrow<i16>(low, high);
}

/** One bit for each of 16 rows. */
// @ts-ignore: decorator
@inline
function sixteen<T>(op: i32, plain: bool, constant: bool, right: v128, a: usize, b: usize): u64 {
  if (sizeof<T>() == 1) return <u64>v128.bitmask<i8>(lanes<T>(op, plain, v128.load(a), constant ? right : v128.load(b)));
  if (sizeof<T>() == 2) return <u64>v128.bitmask<i8>(pair<T>(op, plain, constant, right, a, b));
  if (sizeof<T>() == 4) {
    return <u64>v128.bitmask<i8>(v128.narrow<i16>(pair<T>(op, plain, constant, right, a, b), pair<T>(op, plain, constant, right, a + 32, b + 32)));
  }
  const first = v128.narrow<i32>(pair<T>(op, plain, constant, right, a, b), pair<T>(op, plain, constant, right, a + 32, b + 32));
  const second = v128.narrow<i32>(pair<T>(op, plain, constant, right, a + 64, b + 64), pair<T>(op, plain, constant, right, a + 96, b + 96));
  return <u64>v128.bitmask<i8>(v128.narrow<i16>(first, second));
}

// @ts-ignore: decorator
@inline
function loop<T>(op: i32, plain: bool, constant: bool, negate: u64, a: usize, b: usize, n: i32, out: usize): void {
  const perVector = 16 / <i32>sizeof<T>();
  const right = constant ? v128.splat<T>(load<T>(b)) : i64x2.splat(0);
  let i = 0;
  for (; i + 64 <= n; i += 64) {
    let word: u64 = 0;
    const at = (<usize>i) * sizeof<T>();
    for (let k = 0; k < 64; k += 16) {
      const from = at + <usize>k * sizeof<T>();
      word |= sixteen<T>(op, plain, constant, right, a + from, b + from) << k;
    }
    store<u64>(out + (i >> 3), word ^ negate);
  }
  if (i < n) {
    let word: u64 = 0;
    for (let k = 0; i + k < n; k += perVector) {
      const at = (<usize>(i + k)) * sizeof<T>();
      const y = constant ? right : v128.load(b + at);
      word |= maskBits<T>(lanes<T>(op, plain, v128.load(a + at), y)) << k;
    }
    store<u64>(out + (i >> 3), (word ^ negate) & rowMask(i, n));
  }
}

// @ts-ignore: decorator
@inline
function compare<T>(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void {
  const ones = ~(<u64>0);
  if (bStep == 0) {
    const negate: u64 = op == NE || op > LE ? ones : 0;
    if (isFloat<T>()) {
      const c = load<T>(b);
      if (c != c) {
        if (op == EQ || op == NE) loop<T>(EQ, false, true, negate, a, b, n, out);
        else if (op == LT || op > GT) loop<T>(LT, false, true, negate, a, b, n, out);
        else loop<T>(LE, false, true, negate, a, b, n, out);
        return;
      }
    }
    if (op == EQ || op == NE) loop<T>(EQ, true, true, negate, a, b, n, out);
    else if (op == LT || op > GT) loop<T>(LT, true, true, negate, a, b, n, out);
    else loop<T>(LE, true, true, negate, a, b, n, out);
    return;
  }
  const negate: u64 = op == NE ? ones : 0;
  if (op == EQ || op == NE) loop<T>(EQ, false, false, negate, a, b, n, out);
  else if (op == LT) loop<T>(LT, false, false, negate, a, b, n, out);
  else if (op == LE) loop<T>(LE, false, false, negate, a, b, n, out);
  else if (op == GT) loop<T>(LT, false, false, negate, b, a, n, out);
  else loop<T>(LE, false, false, negate, b, a, n, out);
}

export function compare_i8(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compare<i8>(op, a, b, bStep, n, out); }
export function compare_i16(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compare<i16>(op, a, b, bStep, n, out); }
export function compare_i32(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compare<i32>(op, a, b, bStep, n, out); }
export function compare_i64(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compare<i64>(op, a, b, bStep, n, out); }
export function compare_u8(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compare<u8>(op, a, b, bStep, n, out); }
export function compare_u16(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compare<u16>(op, a, b, bStep, n, out); }
export function compare_u32(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compare<u32>(op, a, b, bStep, n, out); }
export function compare_u64(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compare<u64>(op, a, b, bStep, n, out); }
export function compare_f32(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compare<f32>(op, a, b, bStep, n, out); }
export function compare_f64(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compare<f64>(op, a, b, bStep, n, out); }

// @ts-ignore: decorator
@inline
function holds(op: i32, order: i32): bool {
  return op == EQ ? order == 0 : op == NE ? order != 0 : op == LT ? order < 0 : op == LE ? order <= 0 : op == GT ? order > 0 : order >= 0;
}

// @ts-ignore: decorator
@inline
function orderI128(a: usize, b: usize): i32 {
  const ah = load<i64>(a, 8), bh = load<i64>(b, 8);
  if (ah != bh) return ah < bh ? -1 : 1;
  const al = load<u64>(a), bl = load<u64>(b);
  return al < bl ? -1 : <i32>(al > bl);
}

/** Bytes compared as unsigned, first byte first: uuid. */
// @ts-ignore: decorator
@inline
function orderFixed16(a: usize, b: usize): i32 {
  const ah = bswap<u64>(load<u64>(a)), bh = bswap<u64>(load<u64>(b));
  if (ah != bh) return ah < bh ? -1 : 1;
  const al = bswap<u64>(load<u64>(a, 8)), bl = bswap<u64>(load<u64>(b, 8));
  return al < bl ? -1 : <i32>(al > bl);
}

/** As PostgreSQL: a month is 30 days, a day 24 hours. */
// @ts-ignore: decorator
@inline
function orderInterval(a: usize, b: usize): i32 {
  const day: i64 = 86_400_000_000_000;
  const an = load<i64>(a, 8), bn = load<i64>(b, 8);
  let aq = an / day, bq = bn / day;
  let ar = an % day, br = bn % day;
  if (ar < 0) { ar += day; aq -= 1; }
  if (br < 0) { br += day; bq -= 1; }
  aq += <i64>load<i32>(a) * 30 + <i64>load<i32>(a, 4);
  bq += <i64>load<i32>(b) * 30 + <i64>load<i32>(b, 4);
  if (aq != bq) return aq < bq ? -1 : 1;
  return ar < br ? -1 : <i32>(ar > br);
}

// kind: 0 i128, 1 fixed16, 2 interval
// @ts-ignore: decorator
@inline
function compareWide(kind: i32, op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) {
    let word: u64 = 0;
    const end = min(64, n - i);
    for (let k = 0; k < end; k++) {
      const x = a + ((<usize>(i + k)) << 4);
      const y = b + ((<usize>((i + k) * bStep)) << 4);
      const order = kind == 0 ? orderI128(x, y) : kind == 1 ? orderFixed16(x, y) : orderInterval(x, y);
      word |= (<u64>holds(op, order)) << k;
    }
    store<u64>(out + (i >> 3), word);
  }
}

/** The rows of a block for which the operator holds. */
// @ts-ignore: decorator
@inline
function wordOf(op: i32, less: u64, equal: u64): u64 {
  if (op == EQ) return equal;
  if (op == NE) return ~equal;
  if (op == LT) return less;
  if (op == LE) return less | equal;
  return op == GT ? ~(less | equal) : ~less;
}

/** No bit set when both 128-bit integers of a pair are 64-bit ones. */
// @ts-ignore: decorator
@inline
function strangeHighs(lows: v128, highs: v128): v128 {
  return v128.xor(highs, i64x2.shr_s(lows, 63));
}

/** Blocks of 64 rows whose values are all 64-bit integers are compared as such. */
export function compare_i128(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) {
    let less: u64 = 0, equal: u64 = 0;
    let strange = i64x2.splat(0);
    if (i + 64 <= n) {
      for (let k = 0; k < 64; k += 2) {
        const x = a + (<usize>(i + k) << 4), y = b + (<usize>((i + k) * bStep) << 4);
        const x0 = v128.load(x), x1 = v128.load(x, 16);
        const y0 = v128.load(y), y1 = bStep ? v128.load(y, 16) : y0;
        const xs = v128.shuffle<u64>(x0, x1, 0, 2), ys = v128.shuffle<u64>(y0, y1, 0, 2);
        strange = v128.or(strange, strangeHighs(xs, v128.shuffle<u64>(x0, x1, 1, 3)));
        strange = v128.or(strange, strangeHighs(ys, v128.shuffle<u64>(y0, y1, 1, 3)));
        less |= <u64>i64x2.bitmask(i64x2.lt_s(xs, ys)) << k;
        equal |= <u64>i64x2.bitmask(i64x2.eq(xs, ys)) << k;
      }
      if (!v128.any_true(strange)) {
        store<u64>(out + (i >> 3), wordOf(op, less, equal));
        continue;
      }
    }
    compareWide(0, op, a + (<usize>i << 4), b + (<usize>(i * bStep) << 4), bStep, min(64, n - i), out + (i >> 3));
  }
}
export function compare_fixed16(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compareWide(1, op, a, b, bStep, n, out); }
export function compare_interval(op: i32, a: usize, b: usize, bStep: i32, n: i32, out: usize): void { compareWide(2, op, a, b, bStep, n, out); }

/** Set membership by binary search in `count` ascending values (NaN last, no duplicates needed). */
// @ts-ignore: decorator
@inline
function inSorted<T>(a: usize, n: i32, set: usize, count: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) {
    let word: u64 = 0;
    const end = min(64, n - i);
    for (let k = 0; k < end; k++) {
      const x = load<T>(a + (<usize>(i + k)) * sizeof<T>());
      let low = 0, high = count;
      while (low < high) {
        const middle = (low + high) >> 1;
        const v = load<T>(set + (<usize>middle) * sizeof<T>());
        const less = isFloat<T>() ? v < x || (x != x && v == v) : v < x;
        if (less) low = middle + 1;
        else high = middle;
      }
      if (low < count) {
        const v = load<T>(set + (<usize>low) * sizeof<T>());
        word |= (<u64>(v == x || (v != v && x != x))) << k;
      }
    }
    store<u64>(out + (i >> 3), word);
  }
}

export function in_sorted_i32(a: usize, n: i32, set: usize, count: i32, out: usize): void { inSorted<i32>(a, n, set, count, out); }
export function in_sorted_u32(a: usize, n: i32, set: usize, count: i32, out: usize): void { inSorted<u32>(a, n, set, count, out); }
export function in_sorted_i64(a: usize, n: i32, set: usize, count: i32, out: usize): void { inSorted<i64>(a, n, set, count, out); }
export function in_sorted_u64(a: usize, n: i32, set: usize, count: i32, out: usize): void { inSorted<u64>(a, n, set, count, out); }
export function in_sorted_f32(a: usize, n: i32, set: usize, count: i32, out: usize): void { inSorted<f32>(a, n, set, count, out); }
export function in_sorted_f64(a: usize, n: i32, set: usize, count: i32, out: usize): void { inSorted<f64>(a, n, set, count, out); }
