/** FSE tables of the ZSTD decoder: entries are u32, symbol | bits << 8 | base << 16. In the workspace: */
const SHARES: usize = 0; //    i16 × 512: normalised counts of a table in the making, then next states
const SPREAD: usize = 1024; // u8 × 512: its symbols

/** Accuracy of the table that was made last, and its number of counts. */
let tableLog: i32 = 0;
let tableCounts: u32 = 0;

// @ts-ignore: decorator
@inline
export function lastLog(): i32 {
  return tableLog;
}

/** As readShares, for counts that are given. */
export function takeShares(given: usize, symbols: u32, log: i32, work: usize): void {
  for (let i: u32 = 0; i < symbols; i++) store<i16>(work + SHARES + ((<usize>i) << 1), <i16>load<i8>(given + i));
  tableLog = log;
  tableCounts = symbols;
}

/** Normalised counts, read forwards; returns the byte after them. */
export function readShares(source: usize, end: usize, maxLog: i32, maxSymbols: u32, work: usize): usize {
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
    store<i16>(work + SHARES + ((<usize>(symbol++)) << 1), <i16>count);
    if (count != 0) continue;
    let zeros: u32 = 3;
    while (zeros == 3) {
      if (bit >= total) return 0;
      zeros = (load<u32>(source + (bit >> 3)) >> (bit & 7)) & 3;
      bit += 2;
      if (symbol + zeros > maxSymbols) return 0;
      for (let i: u32 = 0; i < zeros; i++) store<i16>(work + SHARES + ((<usize>(symbol++)) << 1), 0);
    }
  }
  if (left != 0 || bit > total) return 0;
  tableCounts = symbol;
  return source + ((bit + 7) >> 3);
}

/** Builds a table from the counts in the workspace. */
export function buildTable(table: usize, work: usize): bool {
  const size: u32 = 1 << tableLog;
  const counts = work + SHARES;
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
