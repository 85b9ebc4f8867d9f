/** Kept values: appending rows of a mask to lists, and finding each group's rows in them. */
import { between } from '../shared/between';
import { bitAt, rowsOf } from './bits';

// @ts-ignore: decorator
@inline
function append<T>(values: usize, mask: usize, n: u32, out: usize): u32 {
  let kept: usize = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    for (let word = rowsOf(mask, base, n); word; word &= word - 1) {
      const i: usize = base + (ctz(word) as u32);
      if (isVector<T>()) memory.copy(out + (kept << 4), values + (i << 4), 16);
      else store<T>(out + kept * sizeof<T>(), load<T>(values + i * sizeof<T>()));
      kept++;
    }
  }
  return kept as u32;
}
/** Writes the masked rows' values to out and returns how many. */
export function append_w1(values: usize, mask: usize, n: u32, out: usize): u32 { return append<u8>(values, mask, n, out); }
export function append_w2(values: usize, mask: usize, n: u32, out: usize): u32 { return append<u16>(values, mask, n, out); }
export function append_w4(values: usize, mask: usize, n: u32, out: usize): u32 { return append<u32>(values, mask, n, out); }
export function append_w8(values: usize, mask: usize, n: u32, out: usize): u32 { return append<u64>(values, mask, n, out); }
export function append_w16(values: usize, mask: usize, n: u32, out: usize): u32 { return append<v128>(values, mask, n, out); }
/** One byte per masked row: its bit of validity (0 = all 1). */
export function append_flags(validity: usize, mask: usize, n: u32, out: usize): u32 {
  let kept: usize = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    const valid = rowsOf(validity, base, n);
    for (let word = rowsOf(mask, base, n); word; word &= word - 1) store<u8>(out + kept++, ((valid >> ctz(word)) & 1) as u8);
  }
  return kept as u32;
}

/** starts[g + 1] += 1 for each id; starts is zeroed, of count + 1 uint32. 0xFFFFFFFF is left out. */
export function count_ids(ids: usize, n: u32, starts: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const id = load<u32>(ids + (i << 2));
    if (id == 0xffffffff) continue;
    const at = starts + ((id as usize) << 2) + 4;
    store<u32>(at, load<u32>(at) + 1);
  }
}

/** Turns counts (shifted by one) into starts. */
export function running_sum_u32(starts: usize, count: u32): void {
  let sum: u32 = 0;
  for (let i: usize = 0; i <= count; i++) {
    sum += load<u32>(starts + (i << 2));
    store<u32>(starts + (i << 2), sum);
  }
}

/** Writes the row numbers at places [first, end) of `rows` (0 = ascending) bucket by bucket. cursors begins as a copy of starts and is used up. */
export function bucket_rows(ids: usize, rows: usize, first: u32, end: u32, cursors: usize, out: usize): void {
  for (let i: usize = first; i < end; i++) {
    const row: usize = rows ? load<u32>(rows + (i << 2)) as usize : i;
    const id = load<u32>(ids + (row << 2));
    if (id == 0xffffffff) continue;
    const at = cursors + ((id as usize) << 2);
    const place = load<u32>(at);
    store<u32>(at, place + 1);
    store<u32>(out + ((place as usize) << 2), row as u32);
  }
}

/** Index of the continuous quantile's neighbours: interpolates between values[rows[…]] of each bucket. Empty buckets give 0. */
export function quantile_cont_f64(values: usize, rows: usize, starts: usize, buckets: u32, quantile: f64, out: usize): void {
  for (let g: usize = 0; g < buckets; g++) {
    const first = load<u32>(starts + (g << 2));
    const count = load<u32>(starts + (g << 2) + 4) - first;
    if (count == 0) { store<f64>(out + (g << 3), 0); continue; }
    const place = quantile * ((count - 1) as f64);
    const low = floor(place);
    const at = rows + (((first + (low as u32)) as usize) << 2);
    const a = load<f64>(values + ((load<u32>(at) as usize) << 3));
    const fraction = place - low;
    if (fraction == 0) { store<f64>(out + (g << 3), a); continue; }
    const b = load<f64>(values + ((load<u32>(at + 4) as usize) << 3));
    store<f64>(out + (g << 3), between(a, b, fraction));
  }
}

/** Row of the discrete quantile of each bucket: the first value whose share of rows reaches it; 0xFFFFFFFF for empty buckets. */
export function quantile_disc_rows(rows: usize, starts: usize, buckets: u32, quantile: f64, out: usize): void {
  for (let g: usize = 0; g < buckets; g++) {
    const first = load<u32>(starts + (g << 2));
    const count = load<u32>(starts + (g << 2) + 4) - first;
    if (count == 0) { store<u32>(out + (g << 2), 0xffffffff); continue; }
    const place = ceil(quantile * (count as f64));
    const index = place < 1 ? 0 : (place as u32) - 1;
    store<u32>(out + (g << 2), load<u32>(rows + (((first + min(index, count - 1)) as usize) << 2)));
  }
}

/** Row of the most frequent key of each bucket whose rows are sorted by key; the smallest of several; 0xFFFFFFFF for empty buckets. */
export function mode_rows(keys: usize, rows: usize, starts: usize, buckets: u32, out: usize): void {
  for (let g: usize = 0; g < buckets; g++) {
    const end = load<u32>(starts + (g << 2) + 4);
    let best: u32 = 0xffffffff;
    let bestRun: u32 = 0;
    for (let i = load<u32>(starts + (g << 2)); i < end; ) {
      const row = load<u32>(rows + ((i as usize) << 2));
      const key = load<u64>(keys + ((row as usize) << 3));
      let j = i + 1;
      while (j < end && load<u64>(keys + ((load<u32>(rows + ((j as usize) << 2)) as usize) << 3)) == key) j++;
      if (j - i > bestRun) { bestRun = j - i; best = row; }
      i = j;
    }
    store<u32>(out + (g << 2), best);
  }
}

/** Bytes of each bucket's strings joined by a separator, as offsets (buckets + 1); returns false when they exceed 2^31 − 1. */
export function joined_offsets(offsets: usize, ids: usize, rows: usize, starts: usize, buckets: u32, separatorBytes: u32, out: usize): u32 {
  let sum: u64 = load<u32>(out);
  for (let g: usize = 0; g < buckets; g++) {
    const first = load<u32>(starts + (g << 2));
    const end = load<u32>(starts + (g << 2) + 4);
    for (let i = first; i < end; i++) {
      const id = load<u32>(ids + ((load<u32>(rows + ((i as usize) << 2)) as usize) << 2)) as usize;
      sum += (load<u32>(offsets + (id << 2) + 4) - load<u32>(offsets + (id << 2))) as u64;
    }
    if (end > first) sum += (end - first - 1) as u64 * (separatorBytes as u64);
    if (sum > 0x7fffffff) return 0;
    store<u32>(out + (g << 2) + 4, sum as u32);
  }
  return 1;
}

export function joined_bytes(
  offsets: usize, heap: usize, ids: usize, rows: usize, starts: usize, buckets: u32, separator: usize, separatorBytes: u32, out: usize,
): void {
  let at = out;
  for (let g: usize = 0; g < buckets; g++) {
    const first = load<u32>(starts + (g << 2));
    const end = load<u32>(starts + (g << 2) + 4);
    for (let i = first; i < end; i++) {
      if (i > first) { memory.copy(at, separator, separatorBytes); at += separatorBytes; }
      const id = load<u32>(ids + ((load<u32>(rows + ((i as usize) << 2)) as usize) << 2)) as usize;
      const from = load<u32>(offsets + (id << 2));
      const size = load<u32>(offsets + (id << 2) + 4) - from;
      memory.copy(at, heap + from, size);
      at += size;
    }
  }
}

// ---- lists as rows -----------------------------------------------------------------------------------------------------------

/** lengths[i] = max(lengths[i], elements of list i); absent lists (validity, 0 = all there) have none. */
export function max_lengths(offsets: usize, validity: usize, n: u32, lengths: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    if (validity != 0 && !bitAt(validity, i)) continue;
    const at = offsets + ((i as usize) << 2);
    const length = load<u32>(at + 4) - load<u32>(at);
    const out = lengths + ((i as usize) << 2);
    if (length > load<u32>(out)) store<u32>(out, length);
  }
}

/**
 * Each row so many times as its length says: pairs of row and place from 0. keepEmpty: a row of length 0 gives (row, 0xFFFFFFFF). The cursor (two
 * uint32: row, places of it done) is where it starts and stops; it is done when the cursor's row is n. Returns the pairs written.
 */
export function expand_rows(lengths: usize, n: u32, keepEmpty: u32, cursor: usize, capacity: u32, outRows: usize, outPlaces: usize): u32 {
  let row = load<u32>(cursor);
  let done = load<u32>(cursor + 4);
  let written: u32 = 0;
  while (row < n && written < capacity) {
    const length = load<u32>(lengths + ((row as usize) << 2));
    const take = min(length - done, capacity - written);
    for (let k: u32 = 0; k < take; k++) {
      store<u32>(outRows + ((written as usize) << 2), row);
      store<u32>(outPlaces + ((written as usize) << 2), done + k);
      written++;
    }
    done += take;
    if (done < length) break;
    if (length == 0 && keepEmpty) {
      store<u32>(outRows + ((written as usize) << 2), row);
      store<u32>(outPlaces + ((written as usize) << 2), 0xffffffff);
      written++;
    }
    done = 0;
    row++;
  }
  store<u32>(cursor, row);
  store<u32>(cursor + 4, done);
  return written;
}

/** Index among all elements of the element at each place of a row's list; 0xFFFFFFFF where the list is shorter or absent. */
export function element_indices(offsets: usize, validity: usize, rows: usize, places: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const row = load<u32>(rows + (i << 2));
    const place = load<u32>(places + (i << 2));
    const at = offsets + ((row as usize) << 2);
    const first = load<u32>(at);
    const there = place < load<u32>(at + 4) - first && (validity == 0 || bitAt(validity, row));
    store<u32>(out + (i << 2), there ? first + place : 0xffffffff);
  }
}

/** Places from 0 as ordinals from 1 (int64); 0xFFFFFFFF gives 0. */
export function ordinals_i64(places: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<i64>(out + (i << 3), (load<u32>(places + (i << 2)) + 1) as i64);
}

/** Numbers of the rows that are the ones [first, end) of their group, in order; seen: a zeroed uint32 per group. Returns how many. */
export function limit_groups(groups: usize, n: u32, seen: usize, first: u32, end: u32, out: usize): u32 {
  let kept: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const at = seen + ((load<u32>(groups + ((i as usize) << 2)) as usize) << 2);
    const before = load<u32>(at);
    store<u32>(at, before + 1);
    if (before < first || before >= end) continue;
    store<u32>(out + ((kept as usize) << 2), i);
    kept++;
  }
  return kept;
}

// ---- joins -------------------------------------------------------------------------------------------------------------------

/**
 * Pairs of probe rows and build rows with equal ids, in probe order, then build order. `cursor` (two uint32: probe row, matches of it done)
 * is where it starts and is left where it stopped. keepUnmatched: a probe row without match gives (row, 0xFFFFFFFF). Returns the pairs written;
 * it is done when the cursor's row is n.
 */
export function probe_pairs(
  ids: usize, mask: usize, n: u32, starts: usize, rows: usize, keepUnmatched: u32, cursor: usize, capacity: u32, outProbe: usize, outBuild: usize,
): u32 {
  let row = load<u32>(cursor);
  let done = load<u32>(cursor + 4);
  let written: u32 = 0;
  while (row < n && written < capacity) {
    if (mask == 0 || bitAt(mask, row)) {
      const id = load<u32>(ids + ((row as usize) << 2));
      let first: u32 = 0, count: u32 = 0;
      if (id != 0xffffffff) {
        first = load<u32>(starts + ((id as usize) << 2));
        count = load<u32>(starts + ((id as usize) << 2) + 4) - first;
      }
      if (count) {
        const take = min(count - done, capacity - written);
        for (let k: u32 = 0; k < take; k++) {
          store<u32>(outProbe + ((written as usize) << 2), row);
          store<u32>(outBuild + ((written as usize) << 2), load<u32>(rows + (((first + done + k) as usize) << 2)));
          written++;
        }
        done += take;
        if (done < count) break;
        done = 0;
      } else if (keepUnmatched) {
        store<u32>(outProbe + ((written as usize) << 2), row);
        store<u32>(outBuild + ((written as usize) << 2), 0xffffffff);
        written++;
      }
    }
    row++;
  }
  store<u32>(cursor, row);
  store<u32>(cursor + 4, done);
  return written;
}

/** As probe_pairs with every pair of a probe row and a build row. */
export function cross_pairs(mask: usize, n: u32, buildRows: u32, cursor: usize, capacity: u32, outProbe: usize, outBuild: usize): u32 {
  let row = load<u32>(cursor);
  let done = load<u32>(cursor + 4);
  let written: u32 = 0;
  while (row < n && written < capacity) {
    if (mask == 0 || bitAt(mask, row)) {
      const take = min(buildRows - done, capacity - written);
      for (let k: u32 = 0; k < take; k++) {
        store<u32>(outProbe + ((written as usize) << 2), row);
        store<u32>(outBuild + ((written as usize) << 2), done + k);
        written++;
      }
      done += take;
      if (done < buildRows) break;
      done = 0;
    }
    row++;
  }
  store<u32>(cursor, row);
  store<u32>(cursor + 4, done);
  return written;
}

/** flags[rows[i]] = 1 for every i, 0xFFFFFFFF left out. */
export function mark_rows(rows: usize, n: u32, flags: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const row = load<u32>(rows + (i << 2));
    if (row != 0xffffffff) store<u8>(flags + row, 1);
  }
}

/** flags[group] = 1 for the group of every masked row; groups = 0: group 0. */
export function mark_groups(mask: usize, groups: usize, n: u32, flags: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    for (let word = rowsOf(mask, base, n); word; word &= word - 1) {
      store<u8>(flags + (groups ? load<u32>(groups + (((base + (ctz(word) as u32)) as usize) << 2)) as usize : 0), 1);
    }
  }
}

/** first, first + 1, … as uint32. */
export function row_numbers(first: u32, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<u32>(out + (i << 2), first + (i as u32));
}

/** value as uint32, n times. */
export function fill_u32(value: u32, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<u32>(out + (i << 2), value);
}

/** first + i × step (int64 slots) for i in [from, from + n); wraps are the caller's to exclude. */
export function series_i64(first: usize, step: usize, from: f64, n: u32, out: usize): void {
  const stride = load<i64>(step);
  let value = load<i64>(first) + (from as i64) * stride;
  for (let i: usize = 0; i < n; i++) {
    store<i64>(out + (i << 3), value);
    value += stride;
  }
}
