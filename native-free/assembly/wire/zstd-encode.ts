import { addBits, beginBits, bitsAt, endBits, flushBits } from './bit-writer';
import { buildStates, firstState, nextState, normalise, writeShares } from './fse-encode';
import { assignCodes, codedBytes, codeLengths, writeStream, writeTree } from './huffman-encode';
import { findMatches, keepDistances, literalCount, sequenceCount, WINDOW_BYTES } from './zstd-match';
import {
  BLOCK_BYTES, BODY, COUNTS, HASHES, LENGTH_TABLE, LITERALS, LITERAL_COST, MATCH_TABLE, OFFSET_TABLE, REP1, REP2, REP3, SEQUENCES, STATE,
} from './zstd-work';
import { LITERAL_LENGTH_BASE, LITERAL_LENGTH_BITS, MATCH_LENGTH_BASE, MATCH_LENGTH_BITS } from './zstd-tables';

/** Literals that are fewer are not worth a tree. */
const LEAST_CODED_LITERALS: usize = 64;

/**
 * Writes the head of a ZSTD frame of sizeBytes plain bytes, and makes the workspace (1,062,144 bytes) ready for its blocks. Returns the end of
 * the head, at most 10 bytes later.
 */
export function begin_zstd_frame(target: usize, sizeBytes: u32, work: usize): usize {
  memory.fill(work + HASHES, 0, STATE);
  store<u32>(work + REP1, 1);
  store<u32>(work + REP2, 4);
  store<u32>(work + REP3, 8);
  store<u32>(work + LITERAL_COST, 7 << 4);
  store<u32>(target, 0xfd2fb528);
  const isSingle = <usize>sizeBytes <= WINDOW_BYTES;
  store<u8>(target, isSingle ? 0xa0 : 0x80, 4);
  target += 5;
  if (!isSingle) store<u8>(target++, 13 << 3);
  store<u32>(target, sizeBytes);
  return target + 4;
}

/**
 * Appends a block of the plain bytes [source, end), at most 131,072, whose frame began at history, to the frame. width: bytes of a value, to
 * which block and frame are aligned (1 where there are none). Returns its end; 0: it does not fit before targetEnd.
 */
export function encode_zstd_block(target: usize, targetEnd: usize, history: usize, source: usize, end: usize, width: u32, isLast: bool, work: usize): usize {
  const plain = end - source;
  let body: usize = 0;
  if (plain >= 32) {
    if (width < 4) store<u32>(work + LITERAL_COST, byteCost(source, end, work));
    findMatches(history, source, end, width >= 8 ? 8 : width, width, work);
    body = writeBody(work);
  }
  const isCoded = body != 0 && body < plain;
  if (isCoded) keepDistances(work);
  const size = isCoded ? body : plain;
  if (targetEnd - target < size + 3) return 0;
  const head = (isLast ? 1 : 0) | (isCoded ? 4 : 0) | (<u32>size << 3);
  store<u16>(target, <u16>head);
  store<u8>(target, <u8>(head >> 16), 2);
  memory.copy(target + 3, isCoded ? work + BODY : source, size);
  return target + 3 + size;
}

function countBytes(source: usize, end: usize, work: usize): void {
  memory.fill(work + COUNTS, 0, 1024);
  for (; source < end; source++) {
    const slot = work + COUNTS + (<usize>load<u8>(source) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
}

/** Bits that one of the bytes takes as a literal, in sixteenths. */
function byteCost(source: usize, end: usize, work: usize): u32 {
  countBytes(source, end, work);
  return codeLengths(work) == 0 ? 1 : max<u32>(1, (codedBytes(work) << 7) / <u32>(end - source));
}

/** Literals and sequences at BODY; returns their bytes, 0 when they would be more than the block has. */
function writeBody(work: usize): usize {
  const body = work + BODY;
  const at = writeLiterals(body, work);
  if (at == 0) return 0;
  const end = writeSequences(at, body + BLOCK_BYTES - 1024, work);
  return end == 0 ? 0 : end - body;
}

/** Head of literals that are stored (0), of one byte (1). */
function literalHead(target: usize, kind: u32, count: u32): usize {
  if (count < 32) {
    store<u8>(target, <u8>(kind | (count << 3)));
    return target + 1;
  }
  if (count < 4096) {
    store<u16>(target, <u16>(kind | 4 | (count << 4)));
    return target + 2;
  }
  store<u32>(target, kind | 12 | (count << 4));
  return target + 3;
}

function writeLiterals(target: usize, work: usize): usize {
  const count = literalCount(work);
  const source = work + LITERALS;
  if (count >= LEAST_CODED_LITERALS) {
    countBytes(source, source + count, work);
    const longest = codeLengths(work);
    if (longest == 0) {
      const start = literalHead(target, 1, <u32>count);
      store<u8>(start, load<u8>(source));
      return start + 1;
    }
    const bytes = <usize>codedBytes(work);
    store<u32>(work + LITERAL_COST, max<u32>(1, (<u32>bytes << 7) / <u32>count));
    const end = bytes + 160 < count ? writeCoded(target, source, count, longest, work) : 0;
    if (end != 0) return end;
    if (count >= BLOCK_BYTES - 2048) return 0;
  }
  const start = literalHead(target, 0, <u32>count);
  memory.copy(start, source, count);
  return start + count;
}

/** Huffman-coded literals, in four streams when they are many; 0 when that is longer. */
function writeCoded(target: usize, source: usize, count: usize, longest: u32, work: usize): usize {
  assignCodes(work, longest);
  const isOne = count < 1024;
  const headBytes: usize = isOne ? 3 : count < 16384 ? 4 : 5;
  const tree = target + headBytes;
  let at = writeTree(tree, work, longest);
  if (at == 0) return 0;
  if (isOne) at = writeStream(at, source, source + count, work);
  else {
    const share = (count + 3) >> 2;
    const sizes = at;
    at += 6;
    for (let i: usize = 0; i < 4; i++) {
      const end = writeStream(at, source + i * share, i == 3 ? source + count : source + (i + 1) * share, work);
      if (i < 3) store<u16>(sizes + (i << 1), <u16>(end - at));
      at = end;
    }
  }
  const size = <u64>(at - tree);
  if (at - tree >= count) return 0;
  const bits: u64 = isOne ? 10 : headBytes == 4 ? 14 : 18;
  const format: u64 = isOne ? 0 : headBytes == 4 ? 2 : 3;
  const head = 2 | (format << 2) | (<u64>count << 4) | (size << (4 + bits));
  store<u32>(target, <u32>head & (headBytes == 3 ? 0xffffff : 0xffffffff) | (headBytes == 3 ? load<u32>(target) & 0xff000000 : 0));
  if (headBytes == 5) store<u8>(target, <u8>(head >> 32), 4);
  return at;
}

// ---- sequences ----

// @ts-ignore: decorator
@inline
function lengthCode(length: u32): u32 {
  if (length < 16) return length;
  if (length < 24) return 16 + ((length - 16) >> 1);
  if (length < 32) return 20 + ((length - 24) >> 2);
  if (length < 48) return 22 + ((length - 32) >> 3);
  return length < 64 ? 24 : 50 - clz<u32>(length);
}

// @ts-ignore: decorator
@inline
function matchCode(length: u32): u32 {
  const more = length - 3;
  if (more < 32) return more;
  if (more < 40) return 32 + ((more - 32) >> 1);
  if (more < 48) return 36 + ((more - 40) >> 2);
  if (more < 64) return 38 + ((more - 48) >> 3);
  if (more < 96) return 40 + ((more - 64) >> 4);
  return more < 128 ? 42 : 67 - clz<u32>(more);
}

// @ts-ignore: decorator
@inline
function offsetCode(value: u32): u32 {
  return 31 - clz<u32>(value);
}

/** Logs of the three tables; 0 = all codes are the same. */
let lengthLog: u32 = 0;
let offsetLog: u32 = 0;
let matchLog: u32 = 0;
let modeOf: u32 = 0;
let logOf: u32 = 0;

function count(counts: usize, code: u32): void {
  const slot = counts + (<usize>code << 2);
  store<u32>(slot, load<u32>(slot) + 1);
}

function writeSequences(target: usize, limit: usize, work: usize): usize {
  const total = sequenceCount(work);
  if (total < 128) store<u8>(target++, <u8>total);
  else if (total < 0x7f00) {
    store<u8>(target, <u8>((total >> 8) + 128));
    store<u8>(target, <u8>total, 1);
    target += 2;
  } else {
    store<u8>(target, 255);
    store<u16>(target, <u16>(total - 0x7f00), 1);
    target += 3;
  }
  if (total == 0) return target;
  const counts = work + COUNTS;
  memory.fill(counts, 0, 768);
  const stop = work + SEQUENCES + <usize>total * 12;
  for (let at = work + SEQUENCES; at < stop; at += 12) {
    count(counts, lengthCode(load<u32>(at)));
    count(counts + 256, offsetCode(load<u32>(at, 8)));
    count(counts + 512, matchCode(load<u32>(at, 4)));
  }
  const modes = target++;
  target = writeTable(target, counts, 36, total, 9, work + LENGTH_TABLE, work);
  lengthLog = logOf;
  let all = modeOf << 6;
  target = writeTable(target, counts + 256, 32, total, 8, work + OFFSET_TABLE, work);
  offsetLog = logOf;
  all |= modeOf << 4;
  target = writeTable(target, counts + 512, 53, total, 9, work + MATCH_TABLE, work);
  matchLog = logOf;
  all |= modeOf << 2;
  store<u8>(modes, <u8>all);
  return target >= limit ? 0 : writeSequenceBits(target, limit, stop, work);
}

/** The description of one table, and the table; sets modeOf and logOf. */
function writeTable(target: usize, counts: usize, symbols: u32, total: u32, maxLog: u32, table: usize, work: usize): usize {
  while (load<u32>(counts + (<usize>(symbols - 1) << 2)) == 0) symbols--;
  const last = symbols - 1;
  if (load<u32>(counts + (<usize>last << 2)) == total) {
    modeOf = 1;
    logOf = 0;
    store<u8>(target, <u8>last);
    return target + 1;
  }
  modeOf = 2;
  // Large enough for all symbols, not larger than their number is worth.
  logOf = max<u32>(min(maxLog, 30 - clz<u32>(total)), max<u32>(5, 33 - clz<u32>(symbols)));
  logOf = min(logOf, maxLog);
  normalise(counts, symbols, total, logOf, work);
  target = writeShares(target, symbols, logOf, work);
  buildStates(table, symbols, logOf, work);
  return target;
}

function writeSequenceBits(target: usize, limit: usize, stop: usize, work: usize): usize {
  const lengths = work + LENGTH_TABLE;
  const offsets = work + OFFSET_TABLE;
  const matches = work + MATCH_TABLE;
  let at = stop - 12;
  let length = load<u32>(at);
  let match = load<u32>(at, 4);
  let offset = load<u32>(at, 8);
  let lengthState = lengthLog == 0 ? 0 : firstState(lengths, lengthCode(length));
  let offsetState = offsetLog == 0 ? 0 : firstState(offsets, offsetCode(offset));
  let matchState = matchLog == 0 ? 0 : firstState(matches, matchCode(match));
  beginBits(target);
  writeExtras(length, match, offset);
  while (at > work + SEQUENCES) {
    at -= 12;
    length = load<u32>(at);
    match = load<u32>(at, 4);
    offset = load<u32>(at, 8);
    if (offsetLog != 0) offsetState = nextState(offsets, offsetState, offsetCode(offset));
    if (matchLog != 0) matchState = nextState(matches, matchState, matchCode(match));
    if (lengthLog != 0) lengthState = nextState(lengths, lengthState, lengthCode(length));
    flushBits();
    writeExtras(length, match, offset);
    if (bitsAt() >= limit) return 0;
  }
  addBits(matchState & ((1 << matchLog) - 1), matchLog);
  addBits(offsetState & ((1 << offsetLog) - 1), offsetLog);
  addBits(lengthState & ((1 << lengthLog) - 1), lengthLog);
  flushBits();
  return endBits();
}

/** What the codes of one sequence leave open. */
// @ts-ignore: decorator
@inline
function writeExtras(length: u32, match: u32, offset: u32): void {
  const code = lengthCode(length);
  addBits(length - load<u32>(LITERAL_LENGTH_BASE + (<usize>code << 2)), <u32>load<u8>(LITERAL_LENGTH_BITS + code));
  const ofMatch = matchCode(match);
  addBits(match - load<u32>(MATCH_LENGTH_BASE + (<usize>ofMatch << 2)), <u32>load<u8>(MATCH_LENGTH_BITS + ofMatch));
  flushBits();
  const ofOffset = offsetCode(offset);
  addBits(offset - (1 << ofOffset), ofOffset);
  flushBits();
}
