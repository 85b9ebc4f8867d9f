import { addBits } from './bit-writer';
import { NORMAL, SPREAD } from './zstd-work';

/** Where the changes of symbols begin in a table: behind its states. */
const SYMBOLS: usize = 1024;

/**
 * Counts of `symbols` symbols become shares of 2^log in NORMAL, at least one for each that occurs. Two of them occur at least, and at most
 * 2^log.
 */
export function normalise(counts: usize, symbols: u32, total: u32, log: u32, work: usize): void {
  const size = <i32>1 << log;
  let left = size;
  let most: u32 = 0;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const count = load<u32>(counts + (<usize>symbol << 2));
    let share = <i32>((<u64>count * <u64>size + (total >> 1)) / total);
    if (count > 0 && share == 0) share = 1;
    store<u16>(work + NORMAL + (<usize>symbol << 1), <u16>share);
    left -= share;
    if (count > load<u32>(counts + (<usize>most << 2))) most = symbol;
  }
  if (left > 0) addShare(work, most, left);
  // What is too much comes from the greatest shares.
  while (left < 0) {
    let greatest: u32 = 0;
    for (let symbol: u32 = 1; symbol < symbols; symbol++) if (shareOf(work, symbol) > shareOf(work, greatest)) greatest = symbol;
    const taken = min(-left, (shareOf(work, greatest) + 1) >> 1);
    addShare(work, greatest, -taken);
    left += taken;
  }
}

// @ts-ignore: decorator
@inline
function shareOf(work: usize, symbol: u32): i32 {
  return <i32>load<u16>(work + NORMAL + (<usize>symbol << 1));
}

function addShare(work: usize, symbol: u32, more: i32): void {
  store<u16>(work + NORMAL + (<usize>symbol << 1), <u16>(shareOf(work, symbol) + more));
}

/** Writes the shares as a decoder reads them; returns where they end. */
export function writeShares(target: usize, symbols: u32, log: u32, work: usize): usize {
  let word: u64 = log - 5;
  let bits: u32 = 4;
  let left = (<i32>1 << log) + 1;
  let threshold = <i32>1 << log;
  let width = log + 1;
  let wasZero = false;
  let symbol: u32 = 0;
  while (symbol < symbols && left > 1) {
    if (wasZero) {
      let zeros: u32 = 0;
      while (symbol < symbols && shareOf(work, symbol) == 0) {
        symbol++;
        zeros++;
      }
      for (; zeros >= 3; zeros -= 3) {
        word |= <u64>3 << bits;
        bits += 2;
        if (bits > 32) {
          store<u32>(target, <u32>word);
          target += 4;
          word >>= 32;
          bits -= 32;
        }
      }
      word |= <u64>zeros << bits;
      bits += 2;
    }
    const share = shareOf(work, symbol++);
    const most = 2 * threshold - 1 - left;
    left -= share;
    let value = share + 1;
    if (value >= threshold) value += most;
    word |= <u64>value << bits;
    bits += width - (value < most ? 1 : 0);
    wasZero = share == 0;
    while (left < threshold) {
      width--;
      threshold >>= 1;
    }
    if (bits > 32) {
      store<u32>(target, <u32>word);
      target += 4;
      word >>= 32;
      bits -= 32;
    }
  }
  store<u64>(target, word);
  return target + ((bits + 7) >> 3);
}

/** Builds a table from the shares. */
export function buildStates(table: usize, symbols: u32, log: u32, work: usize): void {
  const size: u32 = 1 << log;
  const step = (size >> 1) + (size >> 3) + 3;
  let at: u32 = 0;
  let before: u32 = 0;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const share = <u32>shareOf(work, symbol);
    if (share == 0) continue;
    for (let i: u32 = 0; i < share; i++) {
      store<u8>(work + SPREAD + at, <u8>symbol);
      at = (at + step) & (size - 1);
    }
    const bits = share == 1 ? log : log - (31 - clz<u32>(share - 1));
    const change = table + SYMBOLS + (<usize>symbol << 3);
    store<u32>(change, share == 1 ? (log << 16) - size : (bits << 16) - (share << bits));
    store<i32>(change, <i32>before - <i32>share, 4);
    before += share;
  }
  // States of a symbol stand together, in the order in which they occur.
  for (let i: u32 = 0; i < size; i++) {
    const symbol = <usize>load<u8>(work + SPREAD + i);
    const share = <i32>load<u16>(work + NORMAL + (symbol << 1));
    // NORMAL counts upwards from here on, from `share` to twice as much.
    const place = load<i32>(table + SYMBOLS + (symbol << 3), 4) + share;
    store<u16>(table + (<usize>(place) << 1), <u16>(size + i));
    store<u16>(work + NORMAL + (symbol << 1), <u16>(share + 1));
  }
}

/** The state that begins with the symbol which is read last. */
// @ts-ignore: decorator
@inline
export function firstState(table: usize, symbol: u32): u32 {
  const change = load<u32>(table + SYMBOLS + (<usize>symbol << 3));
  const bits = (change + 0x8000) >> 16;
  const value = (bits << 16) - change;
  return <u32>load<u16>(table + (<usize>((value >> bits) + load<u32>(table + SYMBOLS + (<usize>symbol << 3), 4)) << 1));
}

/** Writes what leads from a symbol's state to `state`; returns the symbol's state. */
// @ts-ignore: decorator
@inline
export function nextState(table: usize, state: u32, symbol: u32): u32 {
  const change = load<u32>(table + SYMBOLS + (<usize>symbol << 3));
  const bits = (state + change) >> 16;
  addBits(state & ((1 << bits) - 1), bits);
  return <u32>load<u16>(table + (<usize>((state >> bits) + load<u32>(table + SYMBOLS + (<usize>symbol << 3), 4)) << 1));
}
