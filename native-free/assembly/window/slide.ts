/**
 * Sums over frames whose bounds never go back (inside one array of frames and from one call to the next), without taking anything out of a
 * sum again: two stacks. `front` is the sum of [middle, end), what was added lately; suffixes[i − base] is the sum of [i, middle). When a
 * frame begins behind middle, the suffixes are made anew for what is left. Every position is added twice at most; the order of additions
 * depends on the frames alone.
 *
 * state: [base, middle, end] as uint32, from byte 16 the front. suffixes has room for the longest frame. Positions outside the mask are
 * left out. out: one state of the aggregate per frame, as agg_sum_* keep it.
 */
import { bitIsSet } from '../shared/bitmap';
import { at4 } from '../shared/words';

const SUM = 0;
const SUM_PRODUCT = 1;
const PRODUCT = 2;

// @ts-ignore: decorator
@inline
function term<T>(op: i32, x: usize, y: usize, i: u32): f64 {
  const value = load<T>(x + (i as usize) * sizeof<T>()) as f64;
  return op == SUM_PRODUCT ? value * load<f64>(y + ((i as usize) << 3)) : value;
}

// @ts-ignore: decorator
@inline
function join(op: i32, a: f64, b: f64): f64 {
  return op == PRODUCT ? a * b : a + b;
}

// @ts-ignore: decorator
@inline
function slideFloat<T>(op: i32, x: usize, y: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void {
  const neutral: f64 = op == PRODUCT ? 1 : 0;
  let base = load<u32>(state), middle = load<u32>(state + 4), end = load<u32>(state + 8);
  let front = load<f64>(state + 16);
  for (let k: u32 = 0; k < n; k++) {
    const a = at4(low, k), b = at4(high, k);
    const target = out + ((k as usize) << 3);
    if (a >= b) { store<f64>(target, neutral); continue; }
    if (a >= end) { middle = a; end = a; front = neutral; }
    if (mask == 0) for (; end < b; end++) front = join(op, front, term<T>(op, x, y, end));
    else for (; end < b; end++) if (bitIsSet(mask, end)) front = join(op, front, term<T>(op, x, y, end));
    if (a > middle) {
      let held = neutral;
      for (let i = end; i > a; ) {
        i--;
        if (bitIsSet(mask, i)) held = join(op, term<T>(op, x, y, i), held);
        store<f64>(suffixes + (((i - a) as usize) << 3), held);
      }
      base = a;
      middle = end;
      front = neutral;
    }
    store<f64>(target, a < middle ? join(op, load<f64>(suffixes + (((a - base) as usize) << 3)), front) : front);
  }
  store<u32>(state, base);
  store<u32>(state + 4, middle);
  store<u32>(state + 8, end);
  store<f64>(state + 16, front);
}
export function slide_sum_f64(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideFloat<f64>(SUM, x, 0, mask, low, high, n, state, suffixes, out); }
export function slide_sum_f32(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideFloat<f32>(SUM, x, 0, mask, low, high, n, state, suffixes, out); }
export function slide_product_f64(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideFloat<f64>(PRODUCT, x, 0, mask, low, high, n, state, suffixes, out); }
export function slide_sum_product_f64(x: usize, y: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideFloat<f64>(SUM_PRODUCT, x, y, mask, low, high, n, state, suffixes, out); }

let lowWord: u64 = 0;
let highWord: i64 = 0;

// @ts-ignore: decorator
@inline
function add128(low: u64, high: i64): void {
  const sum = lowWord + low;
  highWord += high + ((sum < low) as i64);
  lowWord = sum;
}

// @ts-ignore: decorator
@inline
function addTerm<T>(x: usize, i: u32): void {
  if (isVector<T>()) {
    const at = x + ((i as usize) << 4);
    add128(load<u64>(at), load<i64>(at + 8));
  } else {
    const value = load<T>(x + (i as usize) * sizeof<T>());
    add128(value as u64, isSigned<T>() ? (value as i64) >> 63 : 0);
  }
}

/** Sums of 128 bits, exact: addition wraps and unwraps, so only the result has to fit. */
// @ts-ignore: decorator
@inline
function slideInteger<T>(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void {
  let base = load<u32>(state), middle = load<u32>(state + 4), end = load<u32>(state + 8);
  let frontLow = load<u64>(state + 16), frontHigh = load<i64>(state + 24);
  for (let k: u32 = 0; k < n; k++) {
    const a = at4(low, k), b = at4(high, k);
    const target = out + ((k as usize) << 4);
    if (a >= b) { store<u64>(target, 0); store<u64>(target + 8, 0); continue; }
    if (a >= end) { middle = a; end = a; frontLow = 0; frontHigh = 0; }
    lowWord = frontLow;
    highWord = frontHigh;
    for (; end < b; end++) if (bitIsSet(mask, end)) addTerm<T>(x, end);
    frontLow = lowWord;
    frontHigh = highWord;
    if (a > middle) {
      lowWord = 0;
      highWord = 0;
      for (let i = end; i > a; ) {
        i--;
        if (bitIsSet(mask, i)) addTerm<T>(x, i);
        const at = suffixes + (((i - a) as usize) << 4);
        store<u64>(at, lowWord);
        store<i64>(at + 8, highWord);
      }
      base = a;
      middle = end;
      frontLow = 0;
      frontHigh = 0;
    }
    lowWord = frontLow;
    highWord = frontHigh;
    if (a < middle) {
      const at = suffixes + (((a - base) as usize) << 4);
      add128(load<u64>(at), load<i64>(at + 8));
    }
    store<u64>(target, lowWord);
    store<i64>(target + 8, highWord);
  }
  store<u32>(state, base);
  store<u32>(state + 4, middle);
  store<u32>(state + 8, end);
  store<u64>(state + 16, frontLow);
  store<i64>(state + 24, frontHigh);
}
export function slide_sum_i8(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<i8>(x, mask, low, high, n, state, suffixes, out); }
export function slide_sum_i16(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<i16>(x, mask, low, high, n, state, suffixes, out); }
export function slide_sum_i32(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<i32>(x, mask, low, high, n, state, suffixes, out); }
export function slide_sum_i64(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<i64>(x, mask, low, high, n, state, suffixes, out); }
export function slide_sum_u8(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<u8>(x, mask, low, high, n, state, suffixes, out); }
export function slide_sum_u16(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<u16>(x, mask, low, high, n, state, suffixes, out); }
export function slide_sum_u32(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<u32>(x, mask, low, high, n, state, suffixes, out); }
export function slide_sum_u64(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<u64>(x, mask, low, high, n, state, suffixes, out); }
export function slide_sum_i128(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<v128>(x, mask, low, high, n, state, suffixes, out); }

// ---- moments: (n, mean, M2) or (n, mean x, mean y, M2 x, M2 y, C), float64 each ----

/** into = into + the moments at `from` (Chan). */
function mergeMoments(joint: bool, from: usize, into: usize): void {
  const b = load<f64>(from);
  if (b == 0) return;
  const a = load<f64>(into);
  if (a == 0) { memory.copy(into, from, joint ? 48 : 24); return; }
  const total = a + b;
  const weight = a * b / total;
  store<f64>(into, total);
  const dx = load<f64>(from + 8) - load<f64>(into + 8);
  store<f64>(into + 8, load<f64>(into + 8) + dx * (b / total));
  if (!joint) {
    store<f64>(into + 16, load<f64>(into + 16) + load<f64>(from + 16) + dx * dx * weight);
    return;
  }
  const dy = load<f64>(from + 16) - load<f64>(into + 16);
  store<f64>(into + 16, load<f64>(into + 16) + dy * (b / total));
  store<f64>(into + 24, load<f64>(into + 24) + load<f64>(from + 24) + dx * dx * weight);
  store<f64>(into + 32, load<f64>(into + 32) + load<f64>(from + 32) + dy * dy * weight);
  store<f64>(into + 40, load<f64>(into + 40) + load<f64>(from + 40) + dx * dy * weight);
}

/** One more row (Welford). */
function addMoment(joint: bool, x: f64, y: f64, into: usize): void {
  const count = load<f64>(into) + 1;
  const dx = x - load<f64>(into + 8);
  const meanX = load<f64>(into + 8) + dx / count;
  store<f64>(into, count);
  store<f64>(into + 8, meanX);
  if (!joint) {
    store<f64>(into + 16, load<f64>(into + 16) + dx * (x - meanX));
    return;
  }
  const dy = y - load<f64>(into + 16);
  const meanY = load<f64>(into + 16) + dy / count;
  store<f64>(into + 16, meanY);
  store<f64>(into + 24, load<f64>(into + 24) + dx * (x - meanX));
  store<f64>(into + 32, load<f64>(into + 32) + dy * (y - meanY));
  store<f64>(into + 40, load<f64>(into + 40) + dx * (y - meanY));
}

// @ts-ignore: decorator
@inline
function slideMoments(joint: bool, xs: usize, ys: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void {
  const width: usize = joint ? 48 : 24;
  const front = state + 16;
  let base = load<u32>(state), middle = load<u32>(state + 4), end = load<u32>(state + 8);
  for (let k: u32 = 0; k < n; k++) {
    const a = at4(low, k), b = at4(high, k);
    const target = out + (k as usize) * width;
    memory.fill(target, 0, width);
    if (a >= b) continue;
    if (a >= end) { middle = a; end = a; memory.fill(front, 0, width); }
    for (; end < b; end++) {
      if (bitIsSet(mask, end)) addMoment(joint, load<f64>(xs + ((end as usize) << 3)), joint ? load<f64>(ys + ((end as usize) << 3)) : 0, front);
    }
    if (a > middle) {
      memory.fill(front, 0, width);
      for (let i = end; i > a; ) {
        i--;
        if (bitIsSet(mask, i)) addMoment(joint, load<f64>(xs + ((i as usize) << 3)), joint ? load<f64>(ys + ((i as usize) << 3)) : 0, front);
        memory.copy(suffixes + ((i - a) as usize) * width, front, width);
      }
      base = a;
      middle = end;
      memory.fill(front, 0, width);
    }
    if (a < middle) memory.copy(target, suffixes + ((a - base) as usize) * width, width);
    mergeMoments(joint, front, target);
  }
  store<u32>(state, base);
  store<u32>(state + 4, middle);
  store<u32>(state + 8, end);
}
export function slide_moments_f64(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideMoments(false, x, 0, mask, low, high, n, state, suffixes, out); }
export function slide_co_moments_f64(x: usize, y: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideMoments(true, x, y, mask, low, high, n, state, suffixes, out); }
