// Filling gaps. A result has a slot for every place of a grid of buckets and every series, place by place: slot = place · series + id.
// Arrays of rows say which input row a slot takes its value from; MISSING: from none. reach (u32 by place, 0 = no bounds) is the farthest
// place whose gap to it may be filled.
import { bitIsSet, setBit } from '../shared/bitmap';

const MISSING: u32 = 0xffffffff;

// @ts-ignore: decorator
@inline
function u32At(a: usize, i: i32): u32 {
  return load<u32>(a + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function putU32(a: usize, i: i32, value: u32): void {
  store<u32>(a + (<usize>i << 2), value);
}

// @ts-ignore: decorator
@inline
function i64At(a: usize, i: i32): i64 {
  return load<i64>(a + (<usize>i << 3));
}

/** start, start + step, … */
export function progression_i64(start: usize, step: usize, n: i32, out: usize): void {
  const by = load<i64>(step);
  let x = load<i64>(start);
  for (let i = 0; i < n; i++, x += by) store<i64>(out + (<usize>i << 3), x);
}

/** Place (u32) of each value in the ascending grid; MISSING for NULLs and values that are not in it. */
export function grid_places_i64(values: usize, validity: usize, n: i32, grid: usize, count: i32, out: usize): void {
  let place = 0;
  for (let i = 0; i < n; i++) {
    let found = MISSING;
    if (count > 0 && bitIsSet(validity, i)) {
      const x = i64At(values, i);
      if (i64At(grid, place) != x) {
        let low = 0, high = count;
        while (high - low > 1) {
          const middle = (low + high) >>> 1;
          if (i64At(grid, middle) <= x) low = middle;
          else high = middle;
        }
        place = low;
      }
      if (i64At(grid, place) == x) found = place;
    }
    putU32(out, i, found);
  }
}

/** Writes row i into the slot of its place and series; ids 0: there is one series. rows starts as MISSING. */
export function place_slots(places: usize, ids: usize, series: i32, n: i32, rows: usize): void {
  for (let i = 0; i < n; i++) {
    const place = u32At(places, i);
    if (place == MISSING) continue;
    putU32(rows, place * series + (ids == 0 ? 0 : u32At(ids, i)), i);
  }
}

/** Rows of the slots, empty ones taken from the last row before. `last` is room for u32 × series. */
export function fill_prev_rows(rows: usize, places: i32, series: i32, reach: usize, last: usize, out: usize): void {
  memory.fill(last, 255, <usize>series << 2);
  for (let place = 0, slot = 0; place < places; place++) {
    for (let id = 0; id < series; id++, slot++) {
      let row = u32At(rows, slot);
      if (row != MISSING) putU32(last, id, place);
      else {
        const from = u32At(last, id);
        if (from != MISSING && (reach == 0 || <u32>place <= u32At(reach, from))) row = u32At(rows, from * series + id);
      }
      putU32(out, slot, row);
    }
  }
}

/** Rows of the slots, empty ones taken from the next row after. */
export function fill_next_rows(rows: usize, places: i32, series: i32, reach: usize, last: usize, out: usize): void {
  memory.fill(last, 255, <usize>series << 2);
  for (let place = places - 1; place >= 0; place--) {
    for (let id = 0; id < series; id++) {
      const slot = place * series + id;
      let row = u32At(rows, slot);
      if (row != MISSING) putU32(last, id, place);
      else {
        const from = u32At(last, id);
        if (from != MISSING && (reach == 0 || from <= u32At(reach, place))) row = u32At(rows, from * series + id);
      }
      putU32(out, slot, row);
    }
  }
}

// @ts-ignore: decorator
@inline
function between<T>(y0: T, y1: T, share: f64): T {
  if (isFloat<T>()) return <T>(<f64>y0 * (1.0 - share) + <f64>y1 * share);
  const d = <f64>y1 - <f64>y0;
  const exact = <i64>y1 - <i64>y0;
  const wraps = ((<i64>y1 ^ <i64>y0) & (<i64>y1 ^ exact)) < 0;
  return <T>(<i64>y0 + <i64>nearest((wraps ? d : <f64>exact) * share));
}

// @ts-ignore: decorator
@inline
function linear<T>(values: usize, validity: usize, rows: usize, grid: usize, places: i32, series: i32, reach: usize, last: usize, out: usize, outValidity: usize): void {
  memory.fill(last, 255, <usize>series << 2);
  for (let place = 0, slot = 0; place < places; place++) {
    for (let id = 0; id < series; id++, slot++) {
      const row = u32At(rows, slot);
      if (row == MISSING) continue;
      const known = bitIsSet(validity, row);
      const y1 = load<T>(values + (<usize>row << 3));
      store<T>(out + (<usize>slot << 3), y1);
      if (known) setBit(outValidity, slot);
      const from = u32At(last, id);
      putU32(last, id, place);
      if (from == MISSING || from + 1 == <u32>place || !known || (reach != 0 && <u32>place > u32At(reach, from))) continue;
      const before = u32At(rows, from * series + id);
      if (!bitIsSet(validity, before)) continue;
      const y0 = load<T>(values + (<usize>before << 3));
      const x0 = i64At(grid, from), span = <f64>(i64At(grid, place) - x0);
      for (let p = <i32>from + 1; p < place; p++) {
        const at = p * series + id;
        store<T>(out + (<usize>at << 3), between<T>(y0, y1, <f64>(i64At(grid, p) - x0) / span));
        setBit(outValidity, at);
      }
    }
  }
}

/** Values of the slots, empty ones on the line between the rows around them (NULL rows: no line). outValidity starts as zeros. */
export function fill_linear_f64(values: usize, validity: usize, rows: usize, grid: usize, places: i32, series: i32, reach: usize, last: usize, out: usize, outValidity: usize): void {
  linear<f64>(values, validity, rows, grid, places, series, reach, last, out, outValidity);
}

/** The same, rounded to whole numbers. */
export function fill_linear_i64(values: usize, validity: usize, rows: usize, grid: usize, places: i32, series: i32, reach: usize, last: usize, out: usize, outValidity: usize): void {
  linear<i64>(values, validity, rows, grid, places, series, reach, last, out, outValidity);
}

/** The pattern of `count` u32, `times` times. */
export function tile_u32(pattern: usize, count: i32, times: i32, out: usize): void {
  const bytes = <usize>count << 2;
  for (let i = 0; i < times; i++) memory.copy(out + <usize>i * bytes, pattern, bytes);
}

/** Each value `times` times. */
export function repeat_each_i64(values: usize, count: i32, times: i32, out: usize): void {
  for (let i = 0; i < count; i++) {
    const x = i64At(values, i);
    for (let j = 0; j < times; j++, out += 8) store<i64>(out, x);
  }
}

/** Slots (u32) that have a row or lie in [from, to); the result is how many. */
export function kept_slots(rows: usize, from: i32, to: i32, n: i32, out: usize): i32 {
  let count = 0;
  for (let slot = 0; slot < n; slot++) {
    if ((slot < from || slot >= to) && u32At(rows, slot) == MISSING) continue;
    putU32(out, count++, slot);
  }
  return count;
}

/** Bitmap of the slots that have no row. The bitmap starts as zeros. */
export function bits_missing_u32(rows: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) if (u32At(rows, i) == MISSING) setBit(out, i);
}

/** Rows of the slots without those whose value is NULL. */
export function rows_not_null(rows: usize, validity: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const row = u32At(rows, i);
    putU32(out, i, row != MISSING && !bitIsSet(validity, row) ? MISSING : row);
  }
}
