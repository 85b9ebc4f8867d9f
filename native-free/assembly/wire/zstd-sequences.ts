import { bitsFrom, bitsLeft, openBits, takeBits } from './bit-reader';
import { copyMatch, copyShort } from './copy-match';
import { buildTable, lastLog, readShares, takeShares } from './fse-decode';
import {
  LITERAL_LENGTH_COUNTS, MATCH_LENGTH_COUNTS, OFFSET_COUNTS, LITERAL_LENGTH_BASE,
  LITERAL_LENGTH_BITS, MATCH_LENGTH_BASE, MATCH_LENGTH_BITS,
} from './zstd-tables';

/**
 * The sequences of a ZSTD block: literal length, match length and offset, as three interleaved FSE codes. In the workspace of the decoder are
 * their tables: u64 × 512 each: base of the next state (u16) | bits of it (u8) | bits that the code leaves open (u8) | base of the value (u32).
 */
const RAW_TABLE: usize = 2048; // a table before its symbols are replaced by what they mean: u32 × 512
const LITERAL_LENGTHS: usize = 4096;
const OFFSETS: usize = 8192;
const MATCH_LENGTHS: usize = 12288;

/** Copies of at most so many bytes are made at once where there is room. */
const SHORT_BYTES: usize = 16;
/** Bits of one look at the stream. */
const LOOK_BITS: i32 = 56;

// What a frame carries from block to block.
let literalLengthLog: i32 = -1;
let offsetLog: i32 = -1;
let matchLengthLog: i32 = -1;
let rep1: u32 = 1;
let rep2: u32 = 4;
let rep3: u32 = 8;

/** A frame begins. */
export function beginSequences(): void {
  literalLengthLog = offsetLog = matchLengthLog = -1;
  rep1 = 1;
  rep2 = 4;
  rep3 = 8;
}

/** Reads the three tables of a block; returns where its sequences begin, 0 = malformed. */
export function readTables(modes: u32, source: usize, end: usize, work: usize): usize {
  if ((modes & 3) != 0) return 0;
  source = readTable(modes >> 6, work + LITERAL_LENGTHS, LITERAL_LENGTH_COUNTS, 36, 36, 6, 9, source, end, work, literalLengthLog);
  if (source == 0) return 0;
  literalLengthLog = tableLog;
  source = readTable((modes >> 4) & 3, work + OFFSETS, OFFSET_COUNTS, 29, 32, 5, 8, source, end, work, offsetLog);
  if (source == 0) return 0;
  offsetLog = tableLog;
  source = readTable((modes >> 2) & 3, work + MATCH_LENGTHS, MATCH_LENGTH_COUNTS, 53, 53, 6, 9, source, end, work, matchLengthLog);
  if (source == 0) return 0;
  matchLengthLog = tableLog;
  return source;
}

let tableLog: i32 = 0;

/** The table of one kind of code by its mode (0 given, 1 one symbol, 2 described, 3 as before); returns where its description ends. */
function readTable(
  mode: u32, table: usize, given: usize, givenSymbols: u32, symbols: u32, givenLog: i32, maxLog: i32,
  source: usize, end: usize, work: usize, before: i32,
): usize {
  if (mode == 3) {
    tableLog = before;
    return before < 0 ? 0 : source;
  }
  if (mode == 1) {
    if (source >= end) return 0;
    store<u32>(work + RAW_TABLE, <u32>load<u8>(source++));
    tableLog = 0;
  } else {
    if (mode == 2) {
      source = readShares(source, end, maxLog, symbols, work);
      if (source == 0) return 0;
    } else takeShares(given, givenSymbols, givenLog, work);
    if (!buildTable(work + RAW_TABLE, work)) return 0;
    tableLog = lastLog();
  }
  return explainTable(table, given, symbols, work) ? source : 0;
}

/** Symbols become what they mean. False: one of them means nothing. */
function explainTable(table: usize, given: usize, symbols: u32, work: usize): bool {
  const size: usize = 1 << tableLog;
  for (let i: usize = 0; i < size; i++) {
    const entry = load<u32>(work + RAW_TABLE + (i << 2));
    const symbol = entry & 255;
    if (symbol >= symbols) return false;
    let base: u32 = 1 << symbol;
    let bits: u32 = symbol;
    if (given != OFFSET_COUNTS) {
      const isMatch = given == MATCH_LENGTH_COUNTS;
      base = load<u32>((isMatch ? MATCH_LENGTH_BASE : LITERAL_LENGTH_BASE) + (symbol << 2));
      bits = <u32>load<u8>((isMatch ? MATCH_LENGTH_BITS : LITERAL_LENGTH_BITS) + symbol);
    }
    store<u64>(table + (i << 3), <u64>(entry >> 16) | (<u64>((entry >> 8) & 255) << 16) | (<u64>bits << 24) | (<u64>base << 32));
  }
  return true;
}

// @ts-ignore: decorator
@inline
function lowBits(word: u64, bits: i32): u32 {
  return <u32>(word & (((<u64>1) << bits) - 1));
}

/** Runs the sequences of [source, end) over the literals [literal, literalEnd); returns where the block's output ends, 0 = malformed. */
export function runSequences(
  count: u32, literal: usize, literalEnd: usize, target: usize, targetEnd: usize, history: usize, source: usize, end: usize, work: usize,
): usize {
  if (!openBits(source, end)) return 0;
  let lengthState = takeBits(literalLengthLog);
  let offsetState = takeBits(offsetLog);
  let matchState = takeBits(matchLengthLog);
  const from = bitsFrom();
  let left = bitsLeft();
  for (let i: u32 = 0; i < count; i++) {
    const ofLength = load<u64>(work + LITERAL_LENGTHS + ((<usize>lengthState) << 3));
    const ofOffset = load<u64>(work + OFFSETS + ((<usize>offsetState) << 3));
    const ofMatch = load<u64>(work + MATCH_LENGTHS + ((<usize>matchState) << 3));
    const lengthBits = <i32>(ofLength >> 24) & 255;
    const matchBits = <i32>(ofMatch >> 24) & 255;
    const offsetBits = <i32>(ofOffset >> 24) & 255;
    // The distance stands above the two lengths. All three fit one look, but for distances of half a gigabyte.
    left -= offsetBits;
    let offsetValue = <u32>(ofOffset >> 32);
    if (offsetBits + lengthBits + matchBits > LOOK_BITS) {
      if (left < 0) return 0;
      offsetValue += lowBits(load<u64>(from + (left >> 3)) >> (left & 7), offsetBits);
      left -= lengthBits + matchBits;
      if (left < 0) return 0;
    } else {
      left -= lengthBits + matchBits;
      if (left < 0) return 0;
      offsetValue += lowBits(load<u64>(from + (left >> 3)) >> (left & 7) >> (lengthBits + matchBits), offsetBits);
    }
    const look = load<u64>(from + (left >> 3)) >> (left & 7);
    const before = <usize>(<u32>(ofLength >> 32) + lowBits(look, lengthBits));
    const length = <usize>(<u32>(ofMatch >> 32) + lowBits(look >> lengthBits, matchBits));
    if (i + 1 < count) {
      const lengthNext = <i32>(ofLength >> 16) & 255;
      const matchNext = <i32>(ofMatch >> 16) & 255;
      const offsetNext = <i32>(ofOffset >> 16) & 255;
      left -= lengthNext + matchNext + offsetNext;
      if (left < 0) return 0;
      const next = load<u64>(from + (left >> 3)) >> (left & 7);
      offsetState = (<u32>ofOffset & 0xffff) + lowBits(next, offsetNext);
      matchState = (<u32>ofMatch & 0xffff) + lowBits(next >> offsetNext, matchNext);
      lengthState = (<u32>ofLength & 0xffff) + lowBits(next >> (offsetNext + matchNext), lengthNext);
    }
    if (before > literalEnd - literal || before > targetEnd - target) return 0;
    if (before <= SHORT_BYTES && targetEnd - target >= SHORT_BYTES) v128.store(target, v128.load(literal));
    else copyShort(target, literal, before);
    literal += before;
    target += before;
    const distance = <usize>takeOffset(offsetValue, before == 0);
    if (distance == 0 || distance > target - history || length > targetEnd - target) return 0;
    if (distance >= 8 && length <= SHORT_BYTES && targetEnd - target >= SHORT_BYTES) {
      store<u64>(target, load<u64>(target - distance));
      store<u64>(target, load<u64>(target - distance, 8), 8);
    } else if (distance >= 4 && length <= 8 && targetEnd - target >= 8) {
      store<u32>(target, load<u32>(target - distance));
      store<u32>(target, load<u32>(target - distance, 4), 4);
    } else copyMatch(target, distance, length);
    target += length;
  }
  const rest = literalEnd - literal;
  if (left != 0 || rest > targetEnd - target) return 0;
  memory.copy(target, literal, rest);
  return target + rest;
}

/** The distance that an offset value means, among the last three distances; 0 = malformed. */
// @ts-ignore: decorator
@inline
function takeOffset(value: u32, noLiterals: bool): u32 {
  if (value > 3) {
    rep3 = rep2;
    rep2 = rep1;
    rep1 = value - 3;
    return rep1;
  }
  const index = value - 1 + (noLiterals ? 1 : 0);
  if (index == 0) return rep1;
  const distance = index == 1 ? rep2 : index == 2 ? rep3 : rep1 - 1;
  if (index > 1) rep3 = rep2;
  rep2 = rep1;
  rep1 = distance;
  return distance;
}
