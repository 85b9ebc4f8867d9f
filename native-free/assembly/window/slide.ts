/**
 * Sums over frames whose bounds never go back (inside one array of frames and from one call to the next), without taking anything out of a
 * sum again: two stacks. `front` is the sum of [middle, end), what was added lately; suffixes[i − base] is the sum of [i, middle). When a
 * frame begins behind middle, the suffixes are made anew for what is left. Every position is added twice at most; the order of additions
 * depends on the frames alone.
 *
 * state: [base, middle, end] as uint32, from byte 16 the front. suffixes has room for the longest frame (24 bytes each for values of 128 bits). Positions outside the mask are
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

/** A sum of 192 bits; of integers the lower 128 are enough. */
let lowWord: u64 = 0;
let highWord: i64 = 0;
let topWord: i64 = 0;

// @ts-ignore: decorator
@inline
function add128(low: u64, high: i64): void {
  const sum = lowWord + low;
  highWord += high + ((sum < low) as i64);
  lowWord = sum;
}

// @ts-ignore: decorator
@inline
function add192(low: u64, high: u64, top: i64): void {
  const sum = lowWord + low;
  const upper = (highWord as u64) + high;
  const carried = upper + ((sum < low) as u64);
  topWord += top + ((upper < high) as i64) + ((carried < upper) as i64);
  lowWord = sum;
  highWord = carried as i64;
}

// @ts-ignore: decorator
@inline
function addTerm<T>(x: usize, i: u32): void {
  if (isVector<T>()) {
    const at = x + ((i as usize) << 4);
    const high = load<i64>(at + 8);
    add192(load<u64>(at), high as u64, high >> 63);
  } else {
    const value = load<T>(x + (i as usize) * sizeof<T>());
    add128(value as u64, isSigned<T>() ? (value as i64) >> 63 : 0);
  }
}

/** The sum becomes what is stored at an address; 0 = nothing. */
// @ts-ignore: decorator
@inline
function loadSum<T>(at: usize): void {
  lowWord = at ? load<u64>(at) : 0;
  highWord = at ? load<i64>(at + 8) : 0;
  if (isVector<T>()) topWord = at ? load<i64>(at + 16) : 0;
}

// @ts-ignore: decorator
@inline
function storeSum<T>(at: usize): void {
  store<u64>(at, lowWord);
  store<i64>(at + 8, highWord);
  if (isVector<T>()) store<i64>(at + 16, topWord);
}

/** Exact sums: integers have 128 bits, values of 128 bits have 192, and `flags` (uint8) says which sums do not fit 128. */
// @ts-ignore: decorator
@inline
function slideInteger<T>(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize, flags: usize): void {
  const step: usize = isVector<T>() ? 24 : 16;
  const front = state + 16;
  let base = load<u32>(state), middle = load<u32>(state + 4), end = load<u32>(state + 8);
  for (let k: u32 = 0; k < n; k++) {
    const a = at4(low, k), b = at4(high, k);
    const target = out + ((k as usize) << 4);
    if (a >= b) { store<u64>(target, 0); store<u64>(target + 8, 0); continue; }
    if (a >= end) { middle = a; end = a; loadSum<T>(0); } else loadSum<T>(front);
    for (; end < b; end++) if (bitIsSet(mask, end)) addTerm<T>(x, end);
    if (a > middle) {
      loadSum<T>(0);
      for (let i = end; i > a; ) {
        i--;
        if (bitIsSet(mask, i)) addTerm<T>(x, i);
        storeSum<T>(suffixes + (i - a) as usize * step);
      }
      base = a;
      middle = end;
      loadSum<T>(0);
    }
    storeSum<T>(front);
    if (a < middle) {
      const at = suffixes + (a - base) as usize * step;
      if (isVector<T>()) add192(load<u64>(at), load<u64>(at + 8), load<i64>(at + 16));
      else add128(load<u64>(at), load<i64>(at + 8));
    }
    store<u64>(target, lowWord);
    store<i64>(target + 8, highWord);
    if (isVector<T>() && topWord != highWord >> 63) store<u8>(flags + k, 1);
  }
  store<u32>(state, base);
  store<u32>(state + 4, middle);
  store<u32>(state + 8, end);
}
export function slide_sum_i8(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<i8>(x, mask, low, high, n, state, suffixes, out, 0); }
export function slide_sum_i16(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<i16>(x, mask, low, high, n, state, suffixes, out, 0); }
export function slide_sum_i32(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<i32>(x, mask, low, high, n, state, suffixes, out, 0); }
export function slide_sum_i64(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<i64>(x, mask, low, high, n, state, suffixes, out, 0); }
export function slide_sum_u8(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<u8>(x, mask, low, high, n, state, suffixes, out, 0); }
export function slide_sum_u16(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<u16>(x, mask, low, high, n, state, suffixes, out, 0); }
export function slide_sum_u32(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<u32>(x, mask, low, high, n, state, suffixes, out, 0); }
export function slide_sum_u64(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize): void { slideInteger<u64>(x, mask, low, high, n, state, suffixes, out, 0); }
export function slide_sum_i128(x: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize, flags: usize): void { slideInteger<v128>(x, mask, low, high, n, state, suffixes, out, flags); }

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
