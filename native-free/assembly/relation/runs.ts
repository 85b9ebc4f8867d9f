/**
 * Aggregates of groups that come in runs of rows: `ids` (uint32) of the runs' groups, and the row after each run (`ends`, uint32), ascending. All rows
 * count, none is NULL. Results are those of the kernels that take a group for each row.
 */
import { better, extremeDoubles } from './extremes';
import { at4 } from '../shared/words';
import { sumDoubles, sumLongs, sumSmall } from './sums';

/** counts[group] (int64) += rows. */
export function agg_count_runs(ids: usize, ends: usize, runs: u32, counts: usize): void {
  let row: usize = 0;
  for (let run: u32 = 0; run < runs; run++) {
    const end = (at4(ends, run) as usize), at = counts + ((at4(ids, run) as usize) << 3);
    store<u64>(at, load<u64>(at) + end - row);
    row = end;
  }
}

/** float64 states: singly up to a multiple of 64 rows, 64 rows in lanes, the rest singly. */
export function agg_sum_runs_f64(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void {
  let row: usize = 0;
  for (let run: u32 = 0; run < runs; run++) {
    const end = (at4(ends, run) as usize), at = states + ((at4(ids, run) as usize) << 3);
    for (const stop = min((row + 63) & ~63, end); row < stop; row++) store<f64>(at, load<f64>(at) + load<f64>(values + (row << 3)));
    for (; row + 64 <= end; row += 64) sumDoubles(values + (row << 3), 0, 64, at);
    for (; row < end; row++) store<f64>(at, load<f64>(at) + load<f64>(values + (row << 3)));
  }
}

/** 128-bit states. */
// @ts-ignore: decorator
@inline
function sumRuns<T>(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void {
  let row: usize = 0;
  for (let run: u32 = 0; run < runs; run++) {
    const end = (at4(ends, run) as usize), at = states + ((at4(ids, run) as usize) << 4), from = values + row * sizeof<T>();
    if (sizeof<T>() == 8) sumLongs(isSigned<T>(), from, 0, (end - row) as u32, at);
    else sumSmall<T>(from, 0, (end - row) as u32, at);
    row = end;
  }
}
export function agg_sum_runs_i8(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { sumRuns<i8>(values, ids, ends, runs, states); }
export function agg_sum_runs_i16(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { sumRuns<i16>(values, ids, ends, runs, states); }
export function agg_sum_runs_i32(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { sumRuns<i32>(values, ids, ends, runs, states); }
export function agg_sum_runs_i64(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { sumRuns<i64>(values, ids, ends, runs, states); }
export function agg_sum_runs_u8(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { sumRuns<u8>(values, ids, ends, runs, states); }
export function agg_sum_runs_u16(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { sumRuns<u16>(values, ids, ends, runs, states); }
export function agg_sum_runs_u32(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { sumRuns<u32>(values, ids, ends, runs, states); }
export function agg_sum_runs_u64(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { sumRuns<u64>(values, ids, ends, runs, states); }

// @ts-ignore: decorator
@inline
function extremeRuns<T>(largest: bool, values: usize, ids: usize, ends: usize, runs: u32, states: usize): void {
  let row: usize = 0;
  for (let run: u32 = 0; run < runs; run++) {
    const end = (at4(ends, run) as usize), at = states + (at4(ids, run) as usize) * sizeof<T>();
    if (isFloat<T>() && sizeof<T>() == 8) {
      extremeDoubles(largest, values + (row << 3), 0, (end - row) as u32, at);
      row = end;
      continue;
    }
    let held = load<T>(at);
    for (; row < end; row++) {
      const value = load<T>(values + row * sizeof<T>());
      held = better<T>(largest, value, held) ? value : held;
    }
    store<T>(at, held);
  }
}
export function agg_min_runs_i8(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<i8>(false, values, ids, ends, runs, states); }
export function agg_min_runs_i16(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<i16>(false, values, ids, ends, runs, states); }
export function agg_min_runs_i32(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<i32>(false, values, ids, ends, runs, states); }
export function agg_min_runs_i64(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<i64>(false, values, ids, ends, runs, states); }
export function agg_min_runs_u8(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<u8>(false, values, ids, ends, runs, states); }
export function agg_min_runs_u16(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<u16>(false, values, ids, ends, runs, states); }
export function agg_min_runs_u32(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<u32>(false, values, ids, ends, runs, states); }
export function agg_min_runs_u64(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<u64>(false, values, ids, ends, runs, states); }
export function agg_min_runs_f32(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<f32>(false, values, ids, ends, runs, states); }
export function agg_min_runs_f64(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<f64>(false, values, ids, ends, runs, states); }
export function agg_max_runs_i8(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<i8>(true, values, ids, ends, runs, states); }
export function agg_max_runs_i16(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<i16>(true, values, ids, ends, runs, states); }
export function agg_max_runs_i32(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<i32>(true, values, ids, ends, runs, states); }
export function agg_max_runs_i64(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<i64>(true, values, ids, ends, runs, states); }
export function agg_max_runs_u8(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<u8>(true, values, ids, ends, runs, states); }
export function agg_max_runs_u16(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<u16>(true, values, ids, ends, runs, states); }
export function agg_max_runs_u32(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<u32>(true, values, ids, ends, runs, states); }
export function agg_max_runs_u64(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<u64>(true, values, ids, ends, runs, states); }
export function agg_max_runs_f32(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<f32>(true, values, ids, ends, runs, states); }
export function agg_max_runs_f64(values: usize, ids: usize, ends: usize, runs: u32, states: usize): void { extremeRuns<f64>(true, values, ids, ends, runs, states); }

/** First (or last) value of each run for groups that have none yet (or all). flags as in extremes.ts. Returns the groups that had nothing yet. */
export function agg_edge_runs(last: u32, width: u32, values: usize, ids: usize, ends: usize, runs: u32, states: usize, flags: usize): u32 {
  let row: usize = 0, added: u32 = 0;
  for (let run: u32 = 0; run < runs; run++) {
    const end = (at4(ends, run) as usize), group = (at4(ids, run) as usize);
    const isNew = load<u8>(flags + group) == 0;
    if (isNew || last) {
      store<u8>(flags + group, 1);
      memory.copy(states + group * width, values + (last ? end - 1 : row) * width, width);
    }
    if (isNew) added++;
    row = end;
  }
  return added;
}
