/**
 * HyperLogLog with 2^14 registers (standard error 0.81 %): how many distinct hashes a group has seen. The registers depend on the set of
 * hashes alone, so neither the order of rows nor of merges matters.
 *
 * Pages (pages.ts) of classes 1 … 4 are hash tables of the first 26 bits of hashes: a count, then words bits << 6 | rank (0 = free). They
 * are as good as exact. Beyond 767 of them a group has class 5: all registers, a byte each. Which it has depends on the set of hashes alone.
 */
import { rowsOf } from './bits';
import { classOf, heapOf, newPage, pageAt, referenceOf } from './pages';

const PRECISION: u64 = 14;
const REGISTERS: u32 = 1 << 14;
const DENSE: u32 = 5;
/** Ranks go from 1 to 64 − 14 + 1. */
const RANKS: u32 = 50;
/** Bits of a hash that tables know, and how many more they are than those of a register. */
const FINE: u64 = 26;
const FINER: u32 = 12;

// @ts-ignore: decorator
@inline
function pageBytes(pageClass: u32): u32 {
  return pageClass == DENSE ? REGISTERS : (64 as u32) << (2 * (pageClass - 1));
}

/** Leading zeros of what follows the first `bits` bits, and one. */
// @ts-ignore: decorator
@inline
function rankAfter(hash: u64, bits: u64): u32 {
  return (clz<u64>((hash << bits) | ((1 as u64) << (bits - 1))) as u32) + 1;
}

/** A hash as an entry of a table. */
// @ts-ignore: decorator
@inline
function entryOf(hash: u64): u32 {
  return (((hash >> (64 - FINE)) as u32) << 6) | rankAfter(hash, FINE);
}

/** True when the table holds the entry; false when it is full: a quarter stays free. */
function putSparse(page: usize, pageClass: u32, entry: u32): bool {
  const capacity = (pageBytes(pageClass) >> 2) - 1;
  let at = (((entry >> 6) as u64) * (capacity as u64)) >> FINE;
  while (true) {
    const place = page + 4 + ((at as usize) << 2);
    const known = load<u32>(place);
    if (known == 0) {
      const count = load<u32>(page);
      if (4 * (count + 1) > 3 * capacity) return false;
      store<u32>(page, count + 1);
      store<u32>(place, entry);
      return true;
    }
    if (known >> 6 == entry >> 6) {
      if (known < entry) store<u32>(place, entry);
      return true;
    }
    if (++at == (capacity as u64)) at = 0;
  }
}

// @ts-ignore: decorator
@inline
function putDense(page: usize, index: u32, rank: u32): void {
  if ((load<u8>(page + index) as u32) < rank) store<u8>(page + index, rank as u8);
}

/** An entry of a table as the rank of its register. */
// @ts-ignore: decorator
@inline
function putEntry(page: usize, entry: u32): void {
  const fine = entry >> 6;
  const rest = fine & ((1 << FINER) - 1);
  putDense(page, fine >> FINER, rest ? (clz<u32>(rest) as u32) - (32 - FINER) + 1 : FINER + (entry & 63));
}

/** The page of the next class with the entries of this one. False when the heap has no room. */
function grow(header: usize, group: u32): bool {
  const place = referenceOf(header, group);
  const before = load<u32>(place);
  const pageClass = classOf(before) + 1;
  const after = newPage(header, pageClass, pageBytes(pageClass));
  if (after == 0) return false;
  if (before) {
    const heap = heapOf(header);
    const from = pageAt(heap, before);
    const to = pageAt(heap, after);
    const end = pageBytes(pageClass - 1);
    for (let at: u32 = 4; at < end; at += 4) {
      const entry = load<u32>(from + at);
      if (entry == 0) continue;
      if (pageClass == DENSE) putEntry(to, entry);
      else putSparse(to, pageClass, entry);
    }
  }
  store<u32>(place, after);
  return true;
}

/** Puts an entry into a group; false when the heap has no room, and then it is not in. */
function put(header: usize, group: u32, entry: u32): bool {
  while (true) {
    const reference = load<u32>(referenceOf(header, group));
    const pageClass = classOf(reference);
    if (pageClass == DENSE) {
      putEntry(pageAt(heapOf(header), reference), entry);
      return true;
    }
    if (pageClass && putSparse(pageAt(heapOf(header), reference), pageClass, entry)) return true;
    if (!grow(header, group)) return false;
  }
}

/** Adds the hashes of rows [start, n) in the mask to the group of each. Returns n, or the row for which the heap has no room. */
export function hll_add(header: usize, hashes: usize, mask: usize, groups: usize, start: u32, n: u32): u32 {
  for (let base = start & ~63; base < n; base += 64) {
    let word = rowsOf(mask, base, n);
    if (base < start) word &= ~(0 as u64) << ((start & 63) as u64);
    const pages = referenceOf(header, 0);
    const heap = heapOf(header);
    for (; word; word &= word - 1) {
      const row = base + (ctz(word) as u32);
      const hash = load<u64>(hashes + ((row as usize) << 3));
      const group: u32 = groups ? load<u32>(groups + ((row as usize) << 2)) : 0;
      const reference = load<u32>(pages + ((group as usize) << 2));
      if (classOf(reference) == DENSE) putDense(pageAt(heap, reference), (hash >> (64 - PRECISION)) as u32, rankAfter(hash, PRECISION));
      else if (!put(header, group, entryOf(hash))) return row;
    }
  }
  return n;
}

/** The larger of each register. */
function mergeDense(from: usize, to: usize): void {
  for (let at: usize = 0; at < REGISTERS; at += 16) v128.store(to + at, i8x16.max_u(v128.load(to + at), v128.load(from + at)));
}

/** Takes in the pages of other groups: group here of each (groups = 0: group 0). Returns n, or the group for which the heap has no room. */
export function hll_merge(header: usize, pages: usize, heap: usize, groups: usize, start: u32, n: u32): u32 {
  for (let other = start; other < n; other++) {
    const reference = load<u32>(pages + ((other as usize) << 2));
    if (reference == 0) continue;
    const group: u32 = groups ? load<u32>(groups + ((other as usize) << 2)) : 0;
    const page = pageAt(heap, reference);
    const pageClass = classOf(reference);
    if (pageClass == DENSE) {
      while (classOf(load<u32>(referenceOf(header, group))) < DENSE) if (!grow(header, group)) return other;
      mergeDense(page, pageAt(heapOf(header), load<u32>(referenceOf(header, group))));
      continue;
    }
    const end = pageBytes(pageClass);
    for (let at: u32 = 4; at < end; at += 4) {
      const entry = load<u32>(page + at);
      if (entry && !put(header, group, entry)) return other;
    }
  }
  return n;
}

function sigma(x: f64): f64 {
  if (x == 1) return Infinity;
  let y: f64 = 1;
  let z = x;
  while (true) {
    x *= x;
    const before = z;
    z += x * y;
    y += y;
    if (z == before) return z;
  }
}

function tau(x: f64): f64 {
  if (x == 0 || x == 1) return 0;
  let y: f64 = 1;
  let z = 1 - x;
  while (true) {
    x = sqrt(x);
    const before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
    if (z == before) return z / 3;
  }
}

/** Ertl's estimate from how many registers have each rank: no bias between few and many. counts: uint32 by rank 0 … RANKS + 1. */
function estimate(counts: usize): f64 {
  const m = REGISTERS as f64;
  let z = m * tau(1 - (load<u32>(counts + ((RANKS + 1) << 2)) as f64) / m);
  for (let rank = RANKS; rank >= 1; rank--) z = 0.5 * (z + (load<u32>(counts + (rank << 2)) as f64));
  z += m * sigma((load<u32>(counts) as f64) / m);
  return (0.7213475204444817 * m * m) / z;
}

/** Distinct hashes of each group (int64). counts: 256 bytes to work with. */
export function hll_estimate(header: usize, n: u32, counts: usize, out: usize): void {
  const heap = heapOf(header);
  for (let group: u32 = 0; group < n; group++) {
    const reference = load<u32>(referenceOf(header, group));
    const place = out + ((group as usize) << 3);
    if (reference == 0) {
      store<i64>(place, 0);
      continue;
    }
    const page = pageAt(heap, reference);
    if (classOf(reference) < DENSE) {
      // Linear counting over 2^26 places.
      const places = ((1 as u64) << FINE) as f64;
      store<i64>(place, nearest<f64>(-places * NativeMath.log1p(-(load<u32>(page) as f64) / places)) as i64);
      continue;
    }
    memory.fill(counts, 0, 256);
    for (let index: u32 = 0; index < REGISTERS; index++) {
      const at = counts + ((load<u8>(page + index) as usize) << 2);
      store<u32>(at, load<u32>(at) + 1);
    }
    store<i64>(place, nearest<f64>(estimate(counts)) as i64);
  }
}
