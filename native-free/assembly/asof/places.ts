/** How many rows of a piece of the right side, which ascends in time, are due at each of ascending left times: before it when strict, else up to it. */

// @ts-ignore: decorator
@inline
export function timeAt(times: usize, i: u32): i64 {
  return load<i64>(times + ((i as usize) << 3));
}

// @ts-ignore: decorator
@inline
export function isDue(right: i64, left: i64, strict: bool): bool {
  return strict ? right < left : right <= left;
}

/** The first of left rows [from, end) at whose time the right time is due. */
export function firstAtOrBeyond(times: usize, from: u32, end: u32, right: i64, strict: bool): u32 {
  let low = from, high = end;
  while (low < high) {
    const middle = low + ((high - low) >> 1);
    if (isDue(right, timeAt(times, middle), strict)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The first of right rows [from, end] that is not due at the time. */
function placeOf(time: i64, strict: bool, right: usize, from: u32, end: u32): u32 {
  let low = from, high = end;
  while (low < high) {
    const middle = low + ((high - low) >> 1);
    if (isDue(timeAt(right, middle), time, strict)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of four right rows from `place` on, how many are due. */
// @ts-ignore: decorator
@inline
function dueOfFour(left: usize, i: u32, strict: bool, right: usize, place: u32): u32 {
  const time = v128.load64_splat(left + ((i as usize) << 3));
  const at = right + ((place as usize) << 3);
  const a = v128.load(at), b = v128.load(at, 16);
  const later = strict
    ? (i64x2.bitmask(i64x2.gt_s(time, a)) | (i64x2.bitmask(i64x2.gt_s(time, b)) << 2)) ^ 15
    : i64x2.bitmask(i64x2.gt_s(a, time)) | (i64x2.bitmask(i64x2.gt_s(b, time)) << 2);
  return ctz<u32>((later as u32) | 16);
}

/** Runs of left rows that are worked on together: each step waits for the one before it in its own run only. */
const TOGETHER = 4;

// @ts-ignore: decorator
@inline
function places(strict: bool, left: usize, from: u32, end: u32, right: usize, first: u32, last: u32, out: usize): void {
  const size = (end - from) / TOGETHER;
  const toA = from + size, toB = toA + size, toC = toB + size;
  let a = from, b = toA, c = toB, d = toC;
  let placeA = first;
  let placeB = placeOf(timeAt(left, b), strict, right, placeA, last);
  let placeC = placeOf(timeAt(left, c), strict, right, placeB, last);
  let placeD = placeOf(timeAt(left, d), strict, right, placeC, last);
  while (a < toA && b < toB && c < toC && d < end) {
    // Where all four are due, the row is looked at again; what is written then counts.
    let due = dueOfFour(left, a, strict, right, placeA);
    placeA += due;
    store<u32>(out + ((a as usize) << 2), placeA);
    a += (due < 4) as u32;
    due = dueOfFour(left, b, strict, right, placeB);
    placeB += due;
    store<u32>(out + ((b as usize) << 2), placeB);
    b += (due < 4) as u32;
    due = dueOfFour(left, c, strict, right, placeC);
    placeC += due;
    store<u32>(out + ((c as usize) << 2), placeC);
    c += (due < 4) as u32;
    due = dueOfFour(left, d, strict, right, placeD);
    placeD += due;
    store<u32>(out + ((d as usize) << 2), placeD);
    d += (due < 4) as u32;
  }
  oneByOne(strict, left, a, toA, right, placeA, out);
  oneByOne(strict, left, b, toB, right, placeB, out);
  oneByOne(strict, left, c, toC, right, placeC, out);
  oneByOne(strict, left, d, end, right, placeD, out);
}

function oneByOne(strict: bool, left: usize, from: u32, end: u32, right: usize, first: u32, out: usize): void {
  let place = first;
  for (let i = from; i < end; ) {
    const due = dueOfFour(left, i, strict, right, place);
    place += due;
    store<u32>(out + ((i as usize) << 2), place);
    i += (due < 4) as u32;
  }
}

/**
 * Places of left rows [from, end), which is not empty, to out (uint32, by left row). Right rows before `first` are due at all of them, row
 * `last` at none, and at least three rows come behind it.
 */
export function placesOf(left: usize, from: u32, end: u32, strict: bool, right: usize, first: u32, last: u32, out: usize): void {
  if (strict) places(true, left, from, end, right, first, last, out);
  else places(false, left, from, end, right, first, last, out);
}
