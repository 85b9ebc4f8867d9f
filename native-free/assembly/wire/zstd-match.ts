import { HASHES, HASH_BITS, LITERALS, LITERAL_COST, REP1, REP2, REP3, SEQUENCES } from './zstd-work';

/** No match reaches further back, so that decoders need no larger window. */
export const WINDOW_BYTES: usize = 1 << 23;

/** Bits that a sequence costs beside its distance, and what a reader's time is worth. */
const SEQUENCE_COST: i32 = 5;
const LEAST_MATCH: usize = 3;

let literalEnd: usize = 0;
let sequenceEnd: usize = 0;
let rep1: u32 = 1;
let rep2: u32 = 4;
let rep3: u32 = 8;

/** What findMatches has found: bytes in LITERALS, and entries of SEQUENCES. */
export function literalCount(work: usize): usize {
  return literalEnd - work - LITERALS;
}

export function sequenceCount(work: usize): u32 {
  return <u32>((sequenceEnd - work - SEQUENCES) / 12);
}

/**
 * Parts a block into literals and matches. Values of `width` bytes (8, 4; others are bytes) are looked at one by one: the same value before, or
 * the upper bytes of the value `distance` bytes before, whichever is cheaper.
 */
export function findMatches(history: usize, source: usize, end: usize, width: u32, distance: u32, work: usize): void {
  literalEnd = work + LITERALS;
  sequenceEnd = work + SEQUENCES;
  rep1 = load<u32>(work + REP1);
  rep2 = load<u32>(work + REP2);
  rep3 = load<u32>(work + REP3);
  let rest: usize;
  if (width == 8) rest = matchValues<u64>(history, source, end, distance, work);
  else if (width == 4) rest = matchValues<u32>(history, source, end, distance, work);
  else rest = matchBytes(history, source, end, work);
  memory.copy(literalEnd, rest, end - rest);
  literalEnd += end - rest;
}

/** The block is written with what findMatches has found: the next one may repeat its distances. */
export function keepDistances(work: usize): void {
  store<u32>(work + REP1, rep1);
  store<u32>(work + REP2, rep2);
  store<u32>(work + REP3, rep3);
}

// @ts-ignore: decorator
@inline
function hashOf(value: u64): u32 {
  return <u32>((value * 0x9e3779b185ebca87) >> (64 - HASH_BITS));
}

// @ts-ignore: decorator
@inline
function seen(slot: usize, place: u32): u32 {
  const before = load<u32>(slot);
  store<u32>(slot, place);
  return before;
}

/** How many bytes from a on equal those from b on, a before b. */
function sameBytes(a: usize, b: usize, end: usize): usize {
  const start = b;
  for (; b + 8 <= end; a += 8, b += 8) {
    const difference = load<u64>(a) ^ load<u64>(b);
    if (difference != 0) return b - start + <usize>(ctz<u64>(difference) >> 3);
  }
  for (; b < end; a++, b++) if (load<u8>(a) != load<u8>(b)) break;
  return b - start;
}

// @ts-ignore: decorator
@inline
function distanceCost(distance: u32): i32 {
  return distance == rep1 || distance == rep2 ? SEQUENCE_COST : SEQUENCE_COST + 32 - <i32>clz<u32>(distance);
}

/** After so many looks, at least one in so many has to find the value, or the block's others are not looked up. */
const LOOKS: u32 = 1024;
const LOOKS_PER_FIND: u32 = 64;

/** Returns where the literals at the end begin. */
// @ts-ignore: decorator
@inline
function matchValues<Value>(history: usize, source: usize, end: usize, distance: u32, work: usize): usize {
  const width: usize = sizeof<Value>();
  const literalCost = <i32>load<u32>(work + LITERAL_COST);
  // No value that has to be looked up is cheaper.
  const cheap = SEQUENCE_COST + ((3 * literalCost) >> 5);
  let anchor = source;
  let at = source;
  let looks: u32 = 0;
  let finds: u32 = 0;
  for (let value = source; value + width <= end; value += width) {
    // A match may have taken a part of it.
    if (value + width <= at) continue;
    const bits = load<Value>(value);
    const first = max(value, at);
    const literals = (<i32>(value + width - first) * literalCost) >> 4;
    let upper: usize = 0;
    let upperCost = literals;
    if (value - history >= <usize>distance) {
      const difference = bits ^ load<Value>(value - <usize>distance);
      upper = difference == 0 ? width : <usize>clz<Value>(difference) >> 3;
      upper = min(upper, value + width - first);
      if (upper >= LEAST_MATCH) upperCost = min(literals, distanceCost(distance) + ((<i32>(value + width - upper - first) * literalCost) >> 4));
    }
    if (upperCost > cheap && value >= at && (looks < LOOKS || finds * LOOKS_PER_FIND > looks)) {
      looks++;
      const before = seen(work + HASHES + (<usize>hashOf(<u64>bits) << 2), <u32>(value - history) + 1);
      const whole = history + <usize>(before - 1);
      const back = <u32>(value - whole);
      if (before != 0 && <usize>back <= WINDOW_BYTES && load<Value>(whole) == bits) {
        finds++;
        if (distanceCost(back) < upperCost) {
          const length = width + sameBytes(whole + width, value + width, end);
          takeMatch(anchor, value, length, back);
          at = value + length;
          anchor = at;
          continue;
        }
      }
    }
    if (upperCost == literals) continue;
    const from = value + width - upper;
    const length = upper + sameBytes(value + width - <usize>distance, value + width, end);
    takeMatch(anchor, from, length, distance);
    at = from + length;
    anchor = at;
  }
  return anchor;
}

function matchBytes(history: usize, source: usize, end: usize, work: usize): usize {
  const literalCost = <i32>load<u32>(work + LITERAL_COST);
  let anchor = source;
  let at = source;
  const last = end - source < 12 ? source : end - 12;
  while (at < last) {
    const word = load<u32>(at);
    const slot = work + HASHES + (<usize>hashOf(<u64>load<u64>(at) << 24) << 2);
    const before = seen(slot, <u32>(at - history) + 1);
    let from = history + <usize>(before - 1);
    let isSame = before != 0 && at - from <= WINDOW_BYTES && load<u32>(from) == word;
    if (at - history >= <usize>rep1 && load<u32>(at - <usize>rep1) == word) {
      from = at - <usize>rep1;
      isSame = true;
    }
    if (!isSame) {
      // Where nothing matches, more and more is passed over.
      at += 1 + ((at - anchor) >> 6);
      continue;
    }
    let length: usize = 4 + sameBytes(from + 4, at + 4, end);
    let begin = at;
    while (begin > anchor && from > history && load<u8>(begin - 1) == load<u8>(from - 1)) {
      begin--;
      from--;
      length++;
    }
    const back = <u32>(begin - from);
    if (distanceCost(back) >= (<i32>min<usize>(length, 4096) * literalCost) >> 4) {
      at += 1 + ((at - anchor) >> 4);
      continue;
    }
    takeMatch(anchor, begin, length, back);
    at = begin + length;
    anchor = at;
    if (at < last) store<u32>(work + HASHES + (<usize>hashOf(load<u64>(at - 2) << 24) << 2), <u32>(at - 2 - history) + 1);
  }
  return anchor;
}

/** A sequence: the literals up to the match, and the match. */
function takeMatch(anchor: usize, at: usize, length: usize, distance: u32): void {
  const literals = <u32>(at - anchor);
  let from = anchor;
  for (; from + 8 <= at; from += 8, literalEnd += 8) store<u64>(literalEnd, load<u64>(from));
  store<u64>(literalEnd, load<u64>(from));
  literalEnd += at - from;
  store<u32>(sequenceEnd, literals);
  store<u32>(sequenceEnd, <u32>length, 4);
  store<u32>(sequenceEnd, offsetValue(distance, literals == 0), 8);
  sequenceEnd += 12;
}

/** A distance as a decoder understands it, and its place among the last three. */
function offsetValue(distance: u32, noLiterals: bool): u32 {
  let value: u32 = distance + 3;
  if (noLiterals) {
    if (distance == rep2) value = 1;
    else if (distance == rep3) value = 2;
    else if (distance == rep1 - 1) value = 3;
  } else if (distance == rep1) value = 1;
  else if (distance == rep2) value = 2;
  else if (distance == rep3) value = 3;
  if (distance == rep1 && value == 1) return value;
  if (!(distance == rep2 && value <= 2)) rep3 = rep2;
  rep2 = rep1;
  rep1 = distance;
  return value;
}
