import { bitsLeft, openBits, peekBits, seekBits, takeBits } from './bit-reader';
import { buildTable, lastLog, readShares } from './fse-decode';
import { beginSequences, readTables, runSequences } from './zstd-sequences';

/**
 * Zstandard (RFC 8878) without dictionaries. A frame is a header and blocks; a compressed block is literals (plain, one byte, or Huffman coded)
 * and sequences (literal length, match length, offset: three interleaved FSE codes in one bit stream that is read backwards).
 *
 * The workspace of 152,064 bytes that the caller passes holds FSE tables in the making (fse-decode.ts) and those of sequences
 * (zstd-sequences.ts), and at these offsets:
 */
const WEIGHT_TABLE: usize = 2048;
const WEIGHTS: usize = 16384; // u8 × 256
const HUFFMAN: usize = 16640; // u16 × 2048: symbol | bits << 8
const LITERALS: usize = 20736; // up to 128 KiB, and room for reading past the end
const BLOCK_BYTES: usize = 131072;

const MAGIC: u32 = 0xfd2fb528;

// What one decoding carries along. A failure is 0 as an address and -1 as a size.
let literals: usize = 0;
let literalBytes: usize = 0;
let huffmanBits: u32 = 0;

/**
 * Decodes the frames of [source, sourceEnd) to target, never beyond targetEnd; work: a workspace of 152,064 bytes. Returns the end of what was
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
    beginSequences();
    huffmanBits = 0;
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
  source = readTables(modes, source, end, work);
  if (source == 0) return 0;
  return runSequences(count, literals, literals + literalBytes, target, targetEnd, history, source, end, work);
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
  return decodeFour(share, source, source + size1, source + size1 + size2, source + size1 + size2 + size3, stop, work) ? stop : 0;
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

/** Four Huffman-coded streams of `share` bytes each (the last may have less), side by side as long as all of them have enough. */
function decodeFour(share: usize, source1: usize, source2: usize, source3: usize, source4: usize, end: usize, work: usize): bool {
  const table = work + HUFFMAN;
  const bits = <i32>huffmanBits;
  if (!openBits(source1, source2)) return false;
  let left1 = bitsLeft();
  if (!openBits(source2, source3)) return false;
  let left2 = bitsLeft();
  if (!openBits(source3, source4)) return false;
  let left3 = bitsLeft();
  if (!openBits(source4, end)) return false;
  let left4 = bitsLeft();
  const stop = literals + literalBytes;
  let done: usize = 0;
  const last = literalBytes - share * 3;
  while (done + 4 <= last && left1 >= 64 && left2 >= 64 && left3 >= 64 && left4 >= 64) {
    const at = literals + done;
    left1 -= 56 - takeFour(at, source1, left1, bits, table);
    left2 -= 56 - takeFour(at + share, source2, left2, bits, table);
    left3 -= 56 - takeFour(at + 2 * share, source3, left3, bits, table);
    left4 -= 56 - takeFour(at + 3 * share, source4, left4, bits, table);
    done += 4;
  }
  const at = literals + done;
  return (
    finishStream(at, literals + share, source1, left1, work) &&
    finishStream(at + share, literals + 2 * share, source2, left2, work) &&
    finishStream(at + 2 * share, literals + 3 * share, source3, left3, work) &&
    finishStream(at + 3 * share, stop, source4, left4, work)
  );
}

/** One Huffman-coded stream, which must be used up exactly. */
function decodeStream(target: usize, sizeBytes: usize, source: usize, end: usize, work: usize): bool {
  return openBits(source, end) && finishStream(target, target + sizeBytes, source, bitsLeft(), work);
}

/** The rest of a stream that began at start, and of which so many bits are left. */
function finishStream(target: usize, stop: usize, start: usize, left: i32, work: usize): bool {
  const table = work + HUFFMAN;
  const bits = <i32>huffmanBits;
  while (left >= 64 && target + 4 <= stop) {
    left -= 56 - takeFour(target, start, left, bits, table);
    target += 4;
  }
  seekBits(start, left);
  for (; target < stop; target++) {
    const entry = <u32>load<u16>(table + ((<usize>peekBits(bits)) << 1));
    store<u8>(target, <u8>entry);
    seekBits(start, bitsLeft() - <i32>(entry >> 8));
    if (bitsLeft() < 0) return false;
  }
  return bitsLeft() == 0;
}

/** Four symbols of at most 11 bits come out of one 8-byte load (57 usable bits); returns how many of 56 bits are left. */
// @ts-ignore: decorator
@inline
function takeFour(target: usize, start: usize, left: i32, bits: i32, table: usize): i32 {
  const base = left - 56;
  const window = load<u64>(start + (base >> 3)) >> (base & 7);
  const mask: u64 = ((<u64>1) << bits) - 1;
  const entry1 = <u32>load<u16>(table + ((<usize>((window >> (56 - bits)) & mask)) << 1));
  let rest: i32 = 56 - <i32>(entry1 >> 8);
  const entry2 = <u32>load<u16>(table + ((<usize>((window >> (rest - bits)) & mask)) << 1));
  rest -= <i32>(entry2 >> 8);
  const entry3 = <u32>load<u16>(table + ((<usize>((window >> (rest - bits)) & mask)) << 1));
  rest -= <i32>(entry3 >> 8);
  const entry4 = <u32>load<u16>(table + ((<usize>((window >> (rest - bits)) & mask)) << 1));
  store<u32>(target, (entry1 & 255) | ((entry2 & 255) << 8) | ((entry3 & 255) << 16) | (entry4 << 24));
  return rest - <i32>(entry4 >> 8);
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
  source = readShares(source, end, 6, 13, work);
  if (source == 0 || !buildTable(table, work)) return 0;
  const log = lastLog();
  if (!openBits(source, end)) return 0;
  const weights = work + WEIGHTS;
  let state1 = takeBits(log);
  let state2 = takeBits(log);
  if (bitsLeft() < 0) return 0;
  let count: u32 = 0;
  while (count < 254) {
    const entry = load<u32>(table + ((<usize>state1) << 2));
    store<u8>(weights + count++, <u8>entry);
    state1 = (entry >> 16) + takeBits((entry >> 8) & 255);
    if (bitsLeft() < 0) {
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
