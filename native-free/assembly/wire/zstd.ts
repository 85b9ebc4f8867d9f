import { copyMatch, copyShort } from './copy-match';
import {
  LITERAL_LENGTH_COUNTS, MATCH_LENGTH_COUNTS, OFFSET_COUNTS, LITERAL_LENGTH_BASE,
  LITERAL_LENGTH_BITS, MATCH_LENGTH_BASE, MATCH_LENGTH_BITS,
} from './zstd-tables';

/**
 * Zstandard (RFC 8878) without dictionaries. A frame is a header and blocks; a compressed block is literals (plain, one byte, or Huffman coded)
 * and sequences (literal length, match length, offset: three interleaved FSE codes in one bit stream that is read backwards).
 *
 * The workspace of ZSTD_WORK_BYTES that the caller passes holds, at these offsets:
 */
const COUNTS: usize = 0; //          i16 × 512: normalised counts of a table in the making, then next states
const SPREAD: usize = 1024; //       u8 × 512: its symbols
const LITERAL_LENGTHS: usize = 2048; // FSE tables: u32 × 512 each: symbol | bits << 8 | base << 16
const OFFSETS: usize = 4096;
const MATCH_LENGTHS: usize = 6144;
const WEIGHT_TABLE: usize = 8192;
const WEIGHTS: usize = 10240; //     u8 × 256
const HUFFMAN: usize = 10496; //     u16 × 2048: symbol | bits << 8
const LITERALS: usize = 14592; //    up to 128 KiB, and room for reading past the end
const BLOCK_BYTES: usize = 131072;

const MAGIC: u32 = 0xfd2fb528;

// What one decoding carries along. A failure is 0 as an address and -1 as a size.
let literals: usize = 0;
let literalBytes: usize = 0;
let huffmanBits: u32 = 0;
let literalLengthLog: i32 = -1;
let offsetLog: i32 = -1;
let matchLengthLog: i32 = -1;
let rep1: u32 = 1;
let rep2: u32 = 4;
let rep3: u32 = 8;
/** The stream that is read backwards: bits [0, bitCount) from bitStart are left. */
let bitStart: usize = 0;
let bitCount: i32 = 0;

/**
 * Decodes the frames of [source, sourceEnd) to target, never beyond targetEnd; work: a workspace of 147,456 bytes. Returns the end of what was
 * written, 0 when the frames are malformed, need a dictionary, or do not fit. Checksums are not verified.
 */
export function decode_zstd_frames(target: usize, targetEnd: usize, source: usize, sourceEnd: usize, work: usize): usize {
  while (source < sourceEnd) {
    if (sourceEnd - source < 8) return 0;
    const magic = load<u32>(source);
    if ((magic & 0xfffffff0) == 0x184d2a50) {
      const skip = <usize>load<u32>(source, 4);
      if (skip > sourceEnd - source - 8) return 0;
      source += 8 + skip;
      continue;
    }
    if (magic != MAGIC) return 0;
    const descriptor = <u32>load<u8>(source, 4);
    source += 5;
    if ((descriptor & 8) != 0 || (descriptor & 3) != 0) return 0;
    const isSingle = (descriptor & 32) != 0;
    const sizeFlag = descriptor >> 6;
    source += (isSingle ? 0 : 1) + (sizeFlag == 0 ? (isSingle ? 1 : 0) : 1 << sizeFlag);
    literalLengthLog = offsetLog = matchLengthLog = -1;
    huffmanBits = 0;
    rep1 = 1;
    rep2 = 4;
    rep3 = 8;
    const history = target;
    let isLast = false;
    while (!isLast) {
      if (source > sourceEnd || sourceEnd - source < 3) return 0;
      const header = <u32>load<u16>(source) | (<u32>load<u8>(source, 2) << 16);
      source += 3;
      isLast = (header & 1) != 0;
      const kind = (header >> 1) & 3;
      const size = <usize>(header >> 3);
      if (kind == 1) {
        if (source == sourceEnd || size > targetEnd - target) return 0;
        memory.fill(target, load<u8>(source), size);
        source++;
        target += size;
        continue;
      }
      if (kind == 3 || size > sourceEnd - source) return 0;
      if (kind == 0) {
        if (size > targetEnd - target) return 0;
        memory.copy(target, source, size);
        target += size;
      } else {
        target = decodeBlock(target, targetEnd, history, source, source + size, work);
        if (target == 0) return 0;
      }
      source += size;
    }
    if ((descriptor & 4) != 0) source += 4;
    if (source > sourceEnd) return 0;
  }
  return target;
}

function decodeBlock(target: usize, targetEnd: usize, history: usize, source: usize, end: usize, work: usize): usize {
  source = decodeLiterals(source, end, work);
  if (source == 0 || source >= end) return 0;
  let count = <u32>load<u8>(source++);
  if (count >= 128) {
    if (count == 255) {
      if (end - source < 2) return 0;
      count = <u32>load<u16>(source) + 0x7f00;
      source += 2;
    } else {
      if (source >= end) return 0;
      count = ((count - 128) << 8) + <u32>load<u8>(source++);
    }
  }
  if (count == 0) {
    if (source != end || literalBytes > targetEnd - target) return 0;
    memory.copy(target, literals, literalBytes);
    return target + literalBytes;
  }
  if (source >= end) return 0;
  const modes = <u32>load<u8>(source++);
  if ((modes & 3) != 0) return 0;
  source = readTable(modes >> 6, work + LITERAL_LENGTHS, LITERAL_LENGTH_COUNTS, 36, 6, 9, source, end, work, literalLengthLog);
  if (source == 0) return 0;
  literalLengthLog = tableLog;
  source = readTable((modes >> 4) & 3, work + OFFSETS, OFFSET_COUNTS, 29, 5, 8, source, end, work, offsetLog);
  if (source == 0) return 0;
  offsetLog = tableLog;
  source = readTable((modes >> 2) & 3, work + MATCH_LENGTHS, MATCH_LENGTH_COUNTS, 53, 6, 9, source, end, work, matchLengthLog);
  if (source == 0) return 0;
  matchLengthLog = tableLog;
  return runSequences(count, target, targetEnd, history, source, end, work);
}

function runSequences(count: u32, target: usize, targetEnd: usize, history: usize, source: usize, end: usize, work: usize): usize {
  if (!openBits(source, end)) return 0;
  let literal = literals;
  const literalEnd = literals + literalBytes;
  let lengthState = takeBits(literalLengthLog);
  let offsetState = takeBits(offsetLog);
  let matchState = takeBits(matchLengthLog);
  for (let i: u32 = 0; i < count; i++) {
    const lengthEntry = load<u32>(work + LITERAL_LENGTHS + ((<usize>lengthState) << 2));
    const offsetEntry = load<u32>(work + OFFSETS + ((<usize>offsetState) << 2));
    const matchEntry = load<u32>(work + MATCH_LENGTHS + ((<usize>matchState) << 2));
    const lengthCode = lengthEntry & 255;
    const offsetCode = offsetEntry & 255;
    const matchCode = matchEntry & 255;
    if (lengthCode > 35 || offsetCode > 31 || matchCode > 52) return 0;
    const offsetValue = (<u32>1 << offsetCode) + takeBits(offsetCode);
    const length = <usize>(load<u32>(MATCH_LENGTH_BASE + (matchCode << 2)) + takeBits(<i32>load<u8>(MATCH_LENGTH_BITS + matchCode)));
    const before = <usize>(load<u32>(LITERAL_LENGTH_BASE + (lengthCode << 2)) + takeBits(<i32>load<u8>(LITERAL_LENGTH_BITS + lengthCode)));
    if (i + 1 < count) {
      lengthState = (lengthEntry >> 16) + takeBits((lengthEntry >> 8) & 255);
      matchState = (matchEntry >> 16) + takeBits((matchEntry >> 8) & 255);
      offsetState = (offsetEntry >> 16) + takeBits((offsetEntry >> 8) & 255);
    }
    if (bitCount < 0) return 0;
    if (before > literalEnd - literal || before > targetEnd - target) return 0;
    copyShort(target, literal, before);
    literal += before;
    target += before;
    const distance = <usize>takeOffset(offsetValue, before == 0);
    if (distance == 0 || distance > target - history || length > targetEnd - target) return 0;
    copyMatch(target, distance, length);
    target += length;
  }
  const rest = literalEnd - literal;
  if (bitCount != 0 || rest > targetEnd - target) return 0;
  memory.copy(target, literal, rest);
  return target + rest;
}

/** The distance that an offset value means, among the last three distances; 0 = malformed. */
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

// ---- literals ----

/** Sets literals and literalBytes; returns where the sequences begin. */
function decodeLiterals(source: usize, end: usize, work: usize): usize {
  if (end - source < 1) return 0;
  const first = <u32>load<u8>(source);
  const kind = first & 3;
  const format = (first >> 2) & 3;
  if (kind < 2) return plainLiterals(kind, format, source, end, work);
  const headBytes: usize = format < 2 ? 3 : format + 2;
  if (end - source < headBytes) return 0;
  const bits: u32 = format < 2 ? 10 : format == 2 ? 14 : 18;
  const head = load<u64>(source) >> 4;
  const mask = ((<u64>1) << bits) - 1;
  literalBytes = <usize>(head & mask);
  const size = <usize>((head >> bits) & mask);
  source += headBytes;
  if (size > end - source || literalBytes > BLOCK_BYTES) return 0;
  const stop = source + size;
  literals = work + LITERALS;
  if (kind == 2) {
    source = readHuffman(source, stop, work);
    if (source == 0) return 0;
  } else if (huffmanBits == 0) return 0;
  if (format == 0) return decodeStream(literals, literalBytes, source, stop, work) ? stop : 0;
  if (stop - source < 6) return 0;
  const size1 = <usize>load<u16>(source);
  const size2 = <usize>load<u16>(source, 2);
  const size3 = <usize>load<u16>(source, 4);
  source += 6;
  if (size1 + size2 + size3 > stop - source) return 0;
  const share = (literalBytes + 3) >> 2;
  if (share * 3 > literalBytes) return 0;
  if (!decodeStream(literals, share, source, source + size1, work)) return 0;
  source += size1;
  if (!decodeStream(literals + share, share, source, source + size2, work)) return 0;
  source += size2;
  if (!decodeStream(literals + share * 2, share, source, source + size3, work)) return 0;
  source += size3;
  return decodeStream(literals + share * 3, literalBytes - share * 3, source, stop, work) ? stop : 0;
}

function plainLiterals(kind: u32, format: u32, source: usize, end: usize, work: usize): usize {
  const headBytes: usize = (format & 1) == 0 ? 1 : format == 1 ? 2 : 3;
  if (end - source < headBytes) return 0;
  const head = load<u32>(source);
  literalBytes = <usize>(headBytes == 1 ? (head & 255) >> 3 : headBytes == 2 ? (head & 0xffff) >> 4 : (head & 0xffffff) >> 4);
  source += headBytes;
  if (kind == 0) {
    if (literalBytes > end - source) return 0;
    literals = source;
    return source + literalBytes;
  }
  if (end == source || literalBytes > BLOCK_BYTES) return 0;
  literals = work + LITERALS;
  memory.fill(literals, load<u8>(source), literalBytes);
  return source + 1;
}

/** One Huffman-coded stream, which must be used up exactly. */
function decodeStream(target: usize, sizeBytes: usize, source: usize, end: usize, work: usize): bool {
  if (!openBits(source, end)) return false;
  const table = work + HUFFMAN;
  const stop = target + sizeBytes;
  const bits = <i32>huffmanBits;
  const mask: u64 = ((<u64>1) << bits) - 1;
  const start = bitStart;
  let left = bitCount;
  // Four symbols of at most 11 bits come out of one 8-byte load (57 usable bits).
  while (left >= 64 && target + 4 <= stop) {
    const base = left - 56;
    const window = load<u64>(start + (base >> 3)) >> (base & 7);
    let rest: i32 = 56;
    for (let i = 0; i < 4; i++) {
      const entry = <u32>load<u16>(table + ((<usize>((window >> (rest - bits)) & mask)) << 1));
      store<u8>(target++, <u8>entry);
      rest -= <i32>(entry >> 8);
    }
    left -= 56 - rest;
  }
  bitCount = left;
  for (; target < stop; target++) {
    const entry = <u32>load<u16>(table + ((<usize>peekBits(bits)) << 1));
    store<u8>(target, <u8>entry);
    bitCount -= <i32>(entry >> 8);
    if (bitCount < 0) return false;
  }
  return bitCount == 0;
}

/** Reads a Huffman tree into the table; returns where it ends. */
function readHuffman(source: usize, end: usize, work: usize): usize {
  if (source >= end) return 0;
  const head = <u32>load<u8>(source++);
  const weights = work + WEIGHTS;
  let count: u32 = 0;
  if (head >= 128) {
    count = head - 127;
    const size = <usize>((count + 1) >> 1);
    if (size > end - source) return 0;
    for (let i: u32 = 0; i < count; i++) {
      const pair = load<u8>(source + (i >> 1));
      store<u8>(weights + i, (i & 1) == 0 ? pair >> 4 : pair & 15);
    }
    source += size;
  } else {
    if (head > u32(end - source)) return 0;
    count = readWeights(source, source + head, work);
    if (count == 0) return 0;
    source += head;
  }
  return buildHuffman(weights, count, work) ? source : 0;
}

/** FSE-coded weights: two states take turns. Returns their number, 0 = malformed. */
function readWeights(source: usize, end: usize, work: usize): u32 {
  const table = work + WEIGHT_TABLE;
  source = readCounts(source, end, 6, 13, work);
  if (source == 0 || !buildTable(table, work)) return 0;
  const log = tableLog;
  if (!openBits(source, end)) return 0;
  const weights = work + WEIGHTS;
  let state1 = takeBits(log);
  let state2 = takeBits(log);
  if (bitCount < 0) return 0;
  let count: u32 = 0;
  while (count < 254) {
    const entry = load<u32>(table + ((<usize>state1) << 2));
    store<u8>(weights + count++, <u8>entry);
    state1 = (entry >> 16) + takeBits((entry >> 8) & 255);
    if (bitCount < 0) {
      store<u8>(weights + count++, <u8>load<u32>(table + ((<usize>state2) << 2)));
      return count;
    }
    const swap = state1;
    state1 = state2;
    state2 = swap;
  }
  return 0;
}

/** The last weight is what completes the tree. */
function buildHuffman(weights: usize, count: u32, work: usize): bool {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const weight = <u32>load<u8>(weights + i);
    if (weight > 11) return false;
    if (weight != 0) sum += 1 << (weight - 1);
  }
  if (sum == 0) return false;
  const bits: u32 = 32 - clz<u32>(sum);
  if (bits > 11) return false;
  const left = ((<u32>1) << bits) - sum;
  if ((left & (left - 1)) != 0) return false;
  store<u8>(weights + count, <u8>(32 - clz<u32>(left)));
  count++;
  const table = work + HUFFMAN;
  let at: u32 = 0;
  for (let weight: u32 = 1; weight <= bits; weight++) {
    for (let symbol: u32 = 0; symbol < count; symbol++) {
      if (<u32>load<u8>(weights + symbol) != weight) continue;
      const entry = <u16>(symbol | ((bits + 1 - weight) << 8));
      for (let left = <u32>1 << (weight - 1); left > 0; left--) store<u16>(table + ((<usize>(at++)) << 1), entry);
    }
  }
  huffmanBits = bits;
  return true;
}

// ---- FSE tables ----

/** Accuracy of the table that was made last, and its number of counts. */
let tableLog: i32 = 0;
let tableCounts: u32 = 0;

/** The table of one kind of code by its mode (0 given, 1 one symbol, 2 described, 3 as before); returns where its description ends. */
function readTable(
  mode: u32, table: usize, given: usize, symbols: u32, givenLog: i32, maxLog: i32, source: usize, end: usize, work: usize, before: i32,
): usize {
  if (mode == 3) {
    tableLog = before;
    return before < 0 ? 0 : source;
  }
  if (mode == 1) {
    if (source >= end || <u32>load<u8>(source) >= symbols + 3) return 0;
    store<u32>(table, <u32>load<u8>(source));
    tableLog = 0;
    return source + 1;
  }
  if (mode == 2) {
    source = readCounts(source, end, maxLog, symbols + 3, work);
    return source != 0 && buildTable(table, work) ? source : 0;
  }
  for (let i: u32 = 0; i < symbols; i++) store<i16>(work + COUNTS + ((<usize>i) << 1), <i16>load<i8>(given + i));
  tableLog = givenLog;
  tableCounts = symbols;
  return buildTable(table, work) ? source : 0;
}

/** Normalised counts, read forwards; returns the byte after them. */
function readCounts(source: usize, end: usize, maxLog: i32, maxSymbols: u32, work: usize): usize {
  if (source >= end) return 0;
  const total = <u32>(end - source) << 3;
  tableLog = <i32>(load<u8>(source) & 15) + 5;
  if (tableLog > maxLog) return 0;
  let bit: u32 = 4;
  let left: i32 = 1 << tableLog;
  let symbol: u32 = 0;
  while (left > 0) {
    if (symbol >= maxSymbols || bit >= total) return 0;
    const bits = <u32>(32 - clz<u32>(left + 1));
    let value = <i32>(load<u32>(source + (bit >> 3)) >> (bit & 7)) & ((1 << bits) - 1);
    bit += bits;
    const lower = (1 << (bits - 1)) - 1;
    const threshold = (1 << bits) - 1 - (left + 1);
    if ((value & lower) < threshold) {
      bit--;
      value &= lower;
    } else if (value > lower) value -= threshold;
    const count = value - 1;
    left -= count < 0 ? 1 : count;
    store<i16>(work + COUNTS + ((<usize>(symbol++)) << 1), <i16>count);
    if (count != 0) continue;
    let zeros: u32 = 3;
    while (zeros == 3) {
      if (bit >= total) return 0;
      zeros = (load<u32>(source + (bit >> 3)) >> (bit & 7)) & 3;
      bit += 2;
      if (symbol + zeros > maxSymbols) return 0;
      for (let i: u32 = 0; i < zeros; i++) store<i16>(work + COUNTS + ((<usize>(symbol++)) << 1), 0);
    }
  }
  if (left != 0 || bit > total) return 0;
  tableCounts = symbol;
  return source + ((bit + 7) >> 3);
}

/** Builds a table from the counts in the workspace. */
function buildTable(table: usize, work: usize): bool {
  const size: u32 = 1 << tableLog;
  const counts = work + COUNTS;
  const spread = work + SPREAD;
  let high = size;
  for (let symbol: u32 = 0; symbol < tableCounts; symbol++) {
    if (load<i16>(counts + ((<usize>symbol) << 1)) != -1) continue;
    if (high == 0) return false;
    store<u8>(spread + --high, <u8>symbol);
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let at: u32 = 0;
  let placed: u32 = 0;
  for (let symbol: u32 = 0; symbol < tableCounts; symbol++) {
    const count = load<i16>(counts + ((<usize>symbol) << 1));
    if (count == -1) store<i16>(counts + ((<usize>symbol) << 1), 1);
    for (let i: i16 = 0; i < count; i++) {
      if (++placed > high) return false;
      store<u8>(spread + at, <u8>symbol);
      do at = (at + step) & (size - 1);
      while (at >= high && placed < high);
    }
  }
  if (placed != high) return false;
  for (let i: u32 = 0; i < size; i++) {
    const symbol = <u32>load<u8>(spread + i);
    const next = <u32>load<u16>(counts + ((<usize>symbol) << 1));
    store<u16>(counts + ((<usize>symbol) << 1), <u16>(next + 1));
    const bits = <u32>tableLog - (31 - clz<u32>(next));
    store<u32>(table + ((<usize>i) << 2), symbol | (bits << 8) | (((next << bits) - size) << 16));
  }
  return true;
}

// ---- bits, read backwards ----

/** Begins at the marker bit of the last byte. */
function openBits(source: usize, end: usize): bool {
  if (source >= end) return false;
  const last = <u32>load<u8>(end - 1);
  if (last == 0) return false;
  bitStart = source;
  bitCount = <i32>(((end - source - 1) << 3) + (31 - clz<u32>(last)));
  return true;
}

/** The next bits without taking them; beyond the beginning come zeros. */
function peekBits(bits: i32): u32 {
  const low = bitCount - bits;
  const mask: u64 = ((<u64>1) << bits) - 1;
  if (low >= 0) return <u32>((load<u64>(bitStart + (low >> 3)) >> (low & 7)) & mask);
  if (bitCount <= 0 || -low > 32) return 0;
  return <u32>(((load<u64>(bitStart) & (((<u64>1) << bitCount) - 1)) << -low) & mask);
}

/** The next bits; bitCount falls below 0 when there are too few. */
function takeBits(bits: i32): u32 {
  const value = peekBits(bits);
  bitCount -= bits;
  return value;
}
