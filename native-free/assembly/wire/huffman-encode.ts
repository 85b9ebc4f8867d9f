import { addBits, beginBits, endBits, flushBits } from './bit-writer';
import { buildStates, firstState, nextState, normalise, writeShares } from './fse-encode';
import { CODES, COUNTS, LENGTHS, ORDER, TREE, WEIGHTS, WEIGHT_TABLE } from './zstd-work';

const MAX_BITS: u32 = 11;
const MAX_WEIGHT_BYTES: usize = 127;

/** Code lengths from COUNTS into LENGTHS, at most 11; returns the greatest, 0 when fewer than two symbols occur. */
export function codeLengths(work: usize): u32 {
  const used = sortSymbols(work);
  if (used < 2) return 0;
  memory.fill(work + LENGTHS, 0, 256);
  measureTree(work, used);
  limitLengths(work, used);
  let longest: u32 = 0;
  for (let i: u32 = 0; i < used; i++) longest = max(longest, lengthOf(work, symbolAt(work, i)));
  return longest;
}

// @ts-ignore: decorator
@inline
function symbolAt(work: usize, i: u32): u32 {
  return load<u32>(work + ORDER + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function lengthOf(work: usize, symbol: u32): u32 {
  return <u32>load<u8>(work + LENGTHS + <usize>symbol);
}

/** Symbols that occur, rarest first. */
function sortSymbols(work: usize): u32 {
  let used: u32 = 0;
  for (let symbol: u32 = 0; symbol < 256; symbol++) {
    const count = load<u32>(work + COUNTS + (<usize>symbol << 2));
    if (count == 0) continue;
    let at = used++;
    for (; at > 0; at--) {
      const before = symbolAt(work, at - 1);
      if (load<u32>(work + COUNTS + (<usize>before << 2)) <= count) break;
      store<u32>(work + ORDER + (<usize>at << 2), before);
    }
    store<u32>(work + ORDER + (<usize>at << 2), symbol);
  }
  return used;
}

/** Huffman's lengths in place (Moffat and Katajainen): weights become parents, parents depths, depths of inner nodes those of leaves. */
function measureTree(work: usize, used: u32): void {
  const tree = work + TREE;
  for (let i: u32 = 0; i < used; i++) {
    store<u32>(tree + (<usize>i << 2), load<u32>(work + COUNTS + (<usize>symbolAt(work, i) << 2)));
  }
  let leaf: u32 = 0;
  let root: u32 = 0;
  for (let next: u32 = 0; next + 1 < used; next++) {
    let sum: u32 = 0;
    for (let child = 0; child < 2; child++) {
      const isRoot = leaf >= used || (root < next && load<u32>(tree + (<usize>root << 2)) < load<u32>(tree + (<usize>leaf << 2)));
      if (isRoot) {
        sum += load<u32>(tree + (<usize>root << 2));
        store<u32>(tree + (<usize>(root++) << 2), next);
      } else sum += load<u32>(tree + (<usize>(leaf++) << 2));
    }
    store<u32>(tree + (<usize>next << 2), sum);
  }
  store<u32>(tree + (<usize>(used - 2) << 2), 0);
  for (let next = <i32>used - 3; next >= 0; next--) {
    const parent = load<u32>(tree + (<usize>next << 2));
    store<u32>(tree + (<usize>next << 2), load<u32>(tree + (<usize>parent << 2)) + 1);
  }
  let free: u32 = 1;
  let depth: u32 = 0;
  let inner = <i32>used - 2;
  let at = <i32>used - 1;
  while (free > 0) {
    let taken: u32 = 0;
    while (inner >= 0 && load<u32>(tree + (<usize>inner << 2)) == depth) {
      taken++;
      inner--;
    }
    for (; free > taken; free--) store<u8>(work + LENGTHS + <usize>symbolAt(work, at--), <u8>min(depth, 255));
    free = 2 * taken;
    depth++;
  }
}

/** No length beyond the greatest, and yet a code that is complete. */
function limitLengths(work: usize, used: u32): void {
  const whole: u32 = 1 << MAX_BITS;
  let sum: u32 = 0;
  for (let i: u32 = 0; i < used; i++) {
    const symbol = symbolAt(work, i);
    if (lengthOf(work, symbol) > MAX_BITS) store<u8>(work + LENGTHS + <usize>symbol, <u8>MAX_BITS);
    sum += 1 << (MAX_BITS - lengthOf(work, symbol));
  }
  while (sum > whole) {
    // The rarest symbol that can take one more bit does.
    for (let i: u32 = 0; i < used && sum > whole; i++) {
      const symbol = symbolAt(work, i);
      const length = lengthOf(work, symbol);
      if (length == MAX_BITS) continue;
      store<u8>(work + LENGTHS + <usize>symbol, <u8>(length + 1));
      sum -= 1 << (MAX_BITS - length - 1);
      break;
    }
  }
  while (sum < whole) {
    for (let i = <i32>used - 1; i >= 0 && sum < whole; i--) {
      const symbol = symbolAt(work, i);
      const gain: u32 = 1 << (MAX_BITS - lengthOf(work, symbol));
      if (lengthOf(work, symbol) == 1 || sum + gain > whole) continue;
      store<u8>(work + LENGTHS + <usize>symbol, <u8>(lengthOf(work, symbol) - 1));
      sum += gain;
    }
  }
}

/** Bytes that the counted literals take in these codes. */
export function codedBytes(work: usize): u32 {
  let bits: u32 = 0;
  for (let symbol: u32 = 0; symbol < 256; symbol++) bits += load<u32>(work + COUNTS + (<usize>symbol << 2)) * lengthOf(work, symbol);
  return (bits + 7) >> 3;
}

/** Codes by length, then symbol, the longest first, as a decoder orders them. */
export function assignCodes(work: usize, longest: u32): void {
  let at: u32 = 0;
  for (let weight: u32 = 1; weight <= longest; weight++) {
    for (let symbol: u32 = 0; symbol < 256; symbol++) {
      const length = lengthOf(work, symbol);
      if (length == 0 || longest + 1 - length != weight) continue;
      store<u16>(work + CODES + (<usize>symbol << 1), <u16>(at >> (weight - 1)));
      at += 1 << (weight - 1);
    }
  }
}

/** The tree's description; returns where it ends, 0 when it cannot be described. */
export function writeTree(target: usize, work: usize, longest: u32): usize {
  let last: u32 = 255;
  while (lengthOf(work, last) == 0) last--;
  const weights = work + WEIGHTS;
  for (let symbol: u32 = 0; symbol < last; symbol++) {
    const length = lengthOf(work, symbol);
    store<u8>(weights + symbol, <u8>(length == 0 ? 0 : longest + 1 - length));
  }
  const end = writeWeights(target + 1, last, work);
  const isCoded = end != 0 && end - target - 1 <= MAX_WEIGHT_BYTES;
  if (isCoded && (last > 128 || end - target - 1 < <usize>((last + 1) >> 1))) {
    store<u8>(target, <u8>(end - target - 1));
    return end;
  }
  if (last > 128) return 0;
  store<u8>(target, <u8>(127 + last));
  store<u8>(weights + last, 0);
  for (let i: u32 = 0; i < last; i += 2) {
    store<u8>(target + 1 + <usize>(i >> 1), (load<u8>(weights + i) << 4) | load<u8>(weights + i, 1));
  }
  return target + 1 + <usize>((last + 1) >> 1);
}

/** FSE-coded weights, by two states in turn; 0 when that is not possible. */
function writeWeights(target: usize, count: u32, work: usize): usize {
  if (count < 3) return 0;
  const counts = work + TREE;
  memory.fill(counts, 0, 64);
  for (let i: u32 = 0; i < count; i++) {
    const slot = counts + (<usize>load<u8>(work + WEIGHTS + i) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  let symbols: u32 = 12;
  while (load<u32>(counts + (<usize>(symbols - 1) << 2)) == 0) symbols--;
  if (load<u32>(counts + (<usize>(symbols - 1) << 2)) == count) return 0;
  normalise(counts, symbols, count, 6, work);
  const start = writeShares(target, symbols, 6, work);
  const table = work + WEIGHT_TABLE;
  buildStates(table, symbols, 6, work);
  const weights = work + WEIGHTS;
  beginBits(start);
  let at = count;
  let odd: u32 = 0;
  let even: u32 = 0;
  // Weights of even numbers belong to the state that is read first.
  if ((count & 1) != 0) {
    even = firstState(table, load<u8>(weights + --at));
    odd = firstState(table, load<u8>(weights + --at));
  } else {
    odd = firstState(table, load<u8>(weights + --at));
    even = firstState(table, load<u8>(weights + --at));
  }
  while (at > 0) {
    const symbol = <u32>load<u8>(weights + --at);
    if ((at & 1) != 0) odd = nextState(table, odd, symbol);
    else even = nextState(table, even, symbol);
    flushBits();
  }
  addBits(odd & 63, 6);
  addBits(even & 63, 6);
  flushBits();
  return endBits();
}

/** One stream of literals; returns its end. */
export function writeStream(target: usize, source: usize, end: usize, work: usize): usize {
  const codes = work + CODES;
  const lengths = work + LENGTHS;
  beginBits(target);
  while (end - source >= 4) {
    for (let i: u32 = 0; i < 4; i++) {
      const symbol = <usize>load<u8>(--end);
      addBits(<u64>load<u16>(codes + (symbol << 1)), <u32>load<u8>(lengths + symbol));
    }
    flushBits();
  }
  while (end > source) {
    const symbol = <usize>load<u8>(--end);
    addBits(<u64>load<u16>(codes + (symbol << 1)), <u32>load<u8>(lengths + symbol));
    flushBits();
  }
  return endBits();
}
