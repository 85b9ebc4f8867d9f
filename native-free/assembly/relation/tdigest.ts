/**
 * Merging t-digests: quantiles of float64 values within a rank error that is smallest at the ends. What a group holds depends on the order
 * of its values and merges alone, not on how they come in vectors.
 *
 * Pages (pages.ts) of classes 1 … 4 are the values themselves: a count (uint32), 4 bytes, then float64. Class 5 is a digest:
 *   0 clusters (uint32)   4 buffered values (uint32)   8 weight of the clusters   16 least value   24 largest value
 *   64 means   64 + 8 × CLUSTERS weights   64 + 16 × CLUSTERS buffered values
 */
import { rowsOf } from './bits';
import { classOf, heapOf, newPage, pageAt, referenceOf } from './pages';

const CLUSTERS: u32 = 512;
const BUFFERED: u32 = 1024;
const DIGEST: u32 = 5;
const MEANS: usize = 64;
const WEIGHTS: usize = MEANS + 8 * CLUSTERS;
const BUFFER: usize = MEANS + 16 * CLUSTERS;
const DIGEST_BYTES: u32 = 64 + 16 * CLUSTERS + 8 * BUFFERED;
/** Clusters are at most 1 wide on the scale COMPRESSION / 2π × asin(2q − 1), so there are at most COMPRESSION of them. */
const COMPRESSION: f64 = 400;
const SCALE: f64 = COMPRESSION / (2 * Math.PI);

// Memory to work with (`work`, WORK_BYTES): two arrays to sort in, then means and weights of what is merged.
const SORT_A: usize = 0;
const SORT_B: usize = 8 * BUFFERED;
const HISTOGRAM: usize = 16 * BUFFERED;
const MERGED_MEANS: usize = HISTOGRAM + 1024;
const MERGED_WEIGHTS: usize = MERGED_MEANS + 8 * (BUFFERED + CLUSTERS);

// @ts-ignore: decorator
@inline
function pageBytes(pageClass: u32): u32 {
  return pageClass == DIGEST ? DIGEST_BYTES : (64 as u32) << (2 * (pageClass - 1));
}

// @ts-ignore: decorator
@inline
function orderBits(value: f64): u64 {
  const bits: u64 = value != value ? 0x7ff8000000000000 : reinterpret<u64>(value + 0.0);
  return bits >> 63 ? ~bits : bits | 0x8000000000000000;
}

// @ts-ignore: decorator
@inline
function valueOf(bits: u64): f64 {
  return reinterpret<f64>(bits >> 63 ? bits ^ 0x8000000000000000 : ~bits);
}

/** The values in ascending order, NaN last; returns where in `work` they are. */
function sorted(values: usize, n: u32, work: usize): usize {
  let from = work + SORT_A;
  let to = work + SORT_B;
  let varying: u64 = 0;
  let inOrder = true;
  let before: u64 = 0;
  const first = n ? orderBits(load<f64>(values)) : 0;
  for (let i: usize = 0; i < n; i++) {
    const bits = orderBits(load<f64>(values + (i << 3)));
    store<u64>(from + (i << 3), bits);
    varying |= bits ^ first;
    inOrder = inOrder && bits >= before;
    before = bits;
  }
  if (!inOrder) {
    if (n <= 48) insertionSort(from, n);
    else {
      for (let shift: u64 = 0; shift < 64; shift += 8) {
        if (((varying >> shift) & 0xff) == 0) continue;
        radixPass(from, to, n, shift, work + HISTOGRAM);
        const other = from;
        from = to;
        to = other;
      }
    }
  }
  for (let i: usize = 0; i < n; i++) store<f64>(from + (i << 3), valueOf(load<u64>(from + (i << 3))));
  return from;
}

function insertionSort(values: usize, n: u32): void {
  for (let i: usize = 1; i < n; i++) {
    const value = load<u64>(values + (i << 3));
    let j = i;
    for (; j > 0 && load<u64>(values + ((j - 1) << 3)) > value; j--) store<u64>(values + (j << 3), load<u64>(values + ((j - 1) << 3)));
    store<u64>(values + (j << 3), value);
  }
}

function radixPass(from: usize, to: usize, n: u32, shift: u64, histogram: usize): void {
  memory.fill(histogram, 0, 1024);
  for (let i: usize = 0; i < n; i++) {
    const at = histogram + ((((load<u64>(from + (i << 3)) >> shift) & 0xff) as usize) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let sum: u32 = 0;
  for (let digit: usize = 0; digit < 256; digit++) {
    const count = load<u32>(histogram + (digit << 2));
    store<u32>(histogram + (digit << 2), sum);
    sum += count;
  }
  for (let i: usize = 0; i < n; i++) {
    const bits = load<u64>(from + (i << 3));
    const at = histogram + ((((bits >> shift) & 0xff) as usize) << 2);
    const place = load<u32>(at);
    store<u32>(at, place + 1);
    store<u64>(to + ((place as usize) << 3), bits);
  }
}

/** The weight up to which the cluster that begins after `done` of `total` may reach. */
function limitAfter(done: f64, total: f64): f64 {
  const scaled = SCALE * NativeMath.asin(min(max((2 * done) / total - 1, -1), 1)) + 1;
  if (scaled >= COMPRESSION / 4) return total;
  return (total * (NativeMath.sin(scaled / SCALE) + 1)) / 2;
}

// @ts-ignore: decorator
@inline
function precedes(a: f64, b: f64): bool {
  return a < b || (b != b && a == a);
}

/** Joins ascending values (of these weights; 0 = 1 each) with the clusters of a page, and both into clusters anew. */
function compress(page: usize, values: usize, weights: usize, n: u32, work: usize): void {
  const clusters = load<u32>(page);
  const means = work + MERGED_MEANS;
  const sizes = work + MERGED_WEIGHTS;
  let total: f64 = 0;
  let count: usize = 0;
  for (let i: usize = 0, j: usize = 0; i < clusters || j < n; count++) {
    const own = i < clusters && (j >= n || !precedes(load<f64>(values + (j << 3)), load<f64>(page + MEANS + (i << 3))));
    const mean = own ? load<f64>(page + MEANS + (i << 3)) : load<f64>(values + (j << 3));
    const weight: f64 = own ? load<f64>(page + WEIGHTS + (i << 3)) : weights ? load<f64>(weights + (j << 3)) : 1;
    if (own) i++;
    else j++;
    store<f64>(means + (count << 3), mean);
    store<f64>(sizes + (count << 3), weight);
    total += weight;
  }
  if (count == 0) return;
  let made: usize = 0;
  let done: f64 = 0;
  let limit = limitAfter(0, total);
  let mean = load<f64>(means);
  let weight = load<f64>(sizes);
  for (let i: usize = 1; i < count; i++) {
    const nextMean = load<f64>(means + (i << 3));
    const nextWeight = load<f64>(sizes + (i << 3));
    const joined = weight + nextWeight;
    // What is not finite is a cluster of its own kind: there is no mean of it and a number.
    const alike = mean - nextMean == mean - nextMean || reinterpret<u64>(mean) == reinterpret<u64>(nextMean);
    if (alike && (done + joined <= limit || !(mean - nextMean == mean - nextMean))) {
      weight = joined;
      if (mean != nextMean && mean == mean) mean += ((nextMean - mean) * nextWeight) / joined;
      continue;
    }
    store<f64>(page + MEANS + (made << 3), mean);
    store<f64>(page + WEIGHTS + (made << 3), weight);
    made++;
    done += weight;
    limit = limitAfter(done, total);
    mean = nextMean;
    weight = nextWeight;
  }
  store<f64>(page + MEANS + (made << 3), mean);
  store<f64>(page + WEIGHTS + (made << 3), weight);
  store<u32>(page, (made as u32) + 1);
  store<f64>(page + 8, total);
}

/** Least and largest values of a digest, of which `least` and `largest` are new. */
function widen(page: usize, least: f64, largest: f64): void {
  const known = load<u32>(page) > 0;
  if (!known || precedes(least, load<f64>(page + 16))) store<f64>(page + 16, least);
  if (!known || precedes(load<f64>(page + 24), largest)) store<f64>(page + 24, largest);
}

/** Turns the buffered values of a digest into clusters. */
function flush(page: usize, work: usize): void {
  const n = load<u32>(page + 4);
  if (n == 0) return;
  const values = sorted(page + BUFFER, n, work);
  widen(page, load<f64>(values), load<f64>(values + (((n - 1) as usize) << 3)));
  compress(page, values, 0, n, work);
  store<u32>(page + 4, 0);
}

/** A page of the next class. False when the heap has no room. */
function grow(header: usize, group: u32): bool {
  const place = referenceOf(header, group);
  const before = load<u32>(place);
  const pageClass = classOf(before) + 1;
  const after = newPage(header, pageClass, pageBytes(pageClass));
  if (after == 0) return false;
  if (before) {
    const from = pageAt(heapOf(header), before);
    const to = pageAt(heapOf(header), after);
    const count = load<u32>(from);
    store<u32>(to + (pageClass == DIGEST ? 4 : 0), count);
    memory.copy(to + (pageClass == DIGEST ? BUFFER : 8), from + 8, (count as usize) << 3);
  }
  store<u32>(place, after);
  return true;
}

/** Adds a value to a group; false when the heap has no room, and then it is not in. */
// @ts-ignore: decorator
@inline
function put(header: usize, group: u32, value: f64, work: usize): bool {
  while (true) {
    const reference = load<u32>(referenceOf(header, group));
    const pageClass = classOf(reference);
    const page = pageAt(heapOf(header), reference);
    if (pageClass == DIGEST) {
      let count = load<u32>(page + 4);
      if (count == BUFFERED) {
        flush(page, work);
        count = 0;
      }
      store<f64>(page + BUFFER + ((count as usize) << 3), value);
      store<u32>(page + 4, count + 1);
      return true;
    }
    if (pageClass) {
      const count = load<u32>(page);
      if (count < (pageBytes(pageClass) >> 3) - 1) {
        store<f64>(page + 8 + ((count as usize) << 3), value);
        store<u32>(page, count + 1);
        return true;
      }
    }
    if (!grow(header, group)) return false;
  }
}

/** Adds rows [start, n) in the mask to the group of each. Returns n, or the row for which the heap has no room. */
export function digest_add(header: usize, values: usize, mask: usize, groups: usize, start: u32, n: u32, work: usize): u32 {
  for (let base = start & ~63; base < n; base += 64) {
    let word = rowsOf(mask, base, n);
    if (base < start) word &= ~(0 as u64) << ((start & 63) as u64);
    for (; word; word &= word - 1) {
      const row = base + (ctz(word) as u32);
      const group: u32 = groups ? load<u32>(groups + ((row as usize) << 2)) : 0;
      if (!put(header, group, load<f64>(values + ((row as usize) << 3)), work)) return row;
    }
  }
  return n;
}

/** Bytes that merging a group may need at most. */
const MERGE_BYTES: u32 = DIGEST_BYTES + 64 + 256 + 1024 + 4096;

/** Takes in the pages of other groups: group here of each (groups = 0: group 0). Returns n, or the group for which the heap has no room. */
export function digest_merge(header: usize, pages: usize, heap: usize, groups: usize, start: u32, n: u32, work: usize): u32 {
  for (let other = start; other < n; other++) {
    const reference = load<u32>(pages + ((other as usize) << 2));
    if (reference == 0) continue;
    const group: u32 = groups ? load<u32>(groups + ((other as usize) << 2)) : 0;
    // All of a group or nothing of it.
    if (load<u32>(header + 8) + MERGE_BYTES > load<u32>(header + 12)) return other;
    const page = pageAt(heap, reference);
    const isDigest = classOf(reference) == DIGEST;
    if (isDigest && load<u32>(page) > 0) {
      while (classOf(load<u32>(referenceOf(header, group))) < DIGEST) grow(header, group);
      const own = pageAt(heapOf(header), load<u32>(referenceOf(header, group)));
      flush(own, work);
      widen(own, load<f64>(page + 16), load<f64>(page + 24));
      compress(own, page + MEANS, page + WEIGHTS, load<u32>(page), work);
    }
    const count = load<u32>(page + (isDigest ? 4 : 0));
    const values = page + (isDigest ? BUFFER : 8);
    for (let i: usize = 0; i < count; i++) put(header, group, load<f64>(values + (i << 3)), work);
  }
  return n;
}

// @ts-ignore: decorator
@inline
function between(a: f64, b: f64, share: f64): f64 {
  if (share == 0 || a == b) return a;
  const step = b - a;
  // Beside what is not finite there is nothing in between.
  return step - step == 0 ? a + step * share : share < 0.5 ? a : b;
}

/** The value at a place in [0, count − 1] of ascending values. */
function valueAtPlace(values: usize, count: u32, place: f64): f64 {
  const low = floor(place);
  const at = values + ((low as usize) << 3);
  const a = load<f64>(at);
  return (low as u32) + 1 < count ? between(a, load<f64>(at + 8), place - low) : a;
}

/** The value at a place in [0, weight − 1] of a digest without buffered values: a cluster's mean stands in the middle of its ranks. */
function digestAtPlace(page: usize, place: f64): f64 {
  const clusters = load<u32>(page);
  let before: f64 = 0;
  let value = load<f64>(page + 16);
  let done: f64 = 0;
  for (let i: usize = 0; i < clusters; i++) {
    const weight = load<f64>(page + WEIGHTS + (i << 3));
    const mean = load<f64>(page + MEANS + (i << 3));
    const middle = done + (weight - 1) / 2;
    if (place <= middle) return middle == before ? mean : between(value, mean, (place - before) / (middle - before));
    before = middle;
    value = mean;
    done += weight;
  }
  const last = done - 1;
  return last <= before ? load<f64>(page + 24) : between(value, load<f64>(page + 24), min((place - before) / (last - before), 1));
}

/** The quantiles (float64 × quantileCount) of each group, group by group; those of groups without values are 0. */
export function digest_quantiles(header: usize, n: u32, quantiles: usize, quantileCount: u32, work: usize, out: usize): void {
  const heap = heapOf(header);
  for (let group: u32 = 0; group < n; group++) {
    const reference = load<u32>(referenceOf(header, group));
    const page = pageAt(heap, reference);
    const isDigest = classOf(reference) == DIGEST;
    let values: usize = 0;
    let count: u32 = 0;
    if (isDigest && load<u32>(page) > 0) flush(page, work);
    else if (reference) {
      count = load<u32>(page + (isDigest ? 4 : 0));
      values = sorted(page + (isDigest ? BUFFER : 8), count, work);
    }
    for (let i: usize = 0; i < quantileCount; i++) {
      const quantile = load<f64>(quantiles + (i << 3));
      let value: f64 = 0;
      if (values) value = valueAtPlace(values, count, quantile * ((count - 1) as f64));
      else if (reference) value = digestAtPlace(page, quantile * (load<f64>(page + 8) - 1));
      store<f64>(out + ((((group as usize) * (quantileCount as usize)) + i) << 3), value);
    }
  }
}
