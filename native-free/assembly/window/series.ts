/**
 * Aggregates over series: values with times. `rows` lists the rows of one group after the other, each group's in the order of time; group g
 * has rows [starts[g], starts[g + 1]). Values are float64, times int64 ticks. `present` gets 1 for groups that have a result.
 */
import { at4 } from '../shared/words';

// @ts-ignore: decorator
@inline
function valueOf(x: usize, rows: usize, i: u32): f64 {
  return load<f64>(x + ((at4(rows, i) as usize) << 3));
}

// @ts-ignore: decorator
@inline
function timeOf(ts: usize, rows: usize, i: u32): i64 {
  return load<i64>(ts + ((at4(rows, i) as usize) << 3));
}

/** 1 when the rows of every group come in the order of time. */
export function series_in_order(ts: usize, rows: usize, starts: usize, groups: u32): u32 {
  for (let g: u32 = 0; g < groups; g++) {
    const end = at4(starts, g + 1);
    for (let i = at4(starts, g) + 1; i < end; i++) if (timeOf(ts, rows, i) < timeOf(ts, rows, i - 1)) return 0;
  }
  return 1;
}

/** What came on top of a counter from one sample to the next: a counter that went down began again at 0. */
// @ts-ignore: decorator
@inline
function risen(from: f64, to: f64): f64 {
  return to < from ? to : to - from;
}

const INCREASE = 0;
const RATE = 1;
const DELTA = 2;
const IDELTA = 3;
const IRATE = 4;
const DELTA_SUM = 5;

/** Differences of a series, per tick times perSecond where they are rates. NULL of fewer than two samples, and of rates over no time. */
export function series_difference(which: u32, x: usize, ts: usize, rows: usize, starts: usize, groups: u32, perSecond: f64, out: usize, present: usize): void {
  for (let g: u32 = 0; g < groups; g++) {
    const first = at4(starts, g), end = at4(starts, g + 1);
    let result: f64 = 0;
    let there = end - first >= 2;
    if (there) {
      const last = valueOf(x, rows, end - 1);
      const before = valueOf(x, rows, end - 2);
      if (which == DELTA) result = last - valueOf(x, rows, first);
      else if (which == IDELTA) result = last - before;
      else if (which == IRATE) {
        const time = timeOf(ts, rows, end - 1) - timeOf(ts, rows, end - 2);
        there = time > 0;
        result = risen(before, last) / (time as f64) * perSecond;
      } else {
        let previous = valueOf(x, rows, first);
        for (let i = first + 1; i < end; i++) {
          const value = valueOf(x, rows, i);
          if (which == DELTA_SUM) result += value < previous ? 0 : value - previous;
          else result += risen(previous, value);
          previous = value;
        }
        if (which == RATE) {
          const time = timeOf(ts, rows, end - 1) - timeOf(ts, rows, first);
          there = time > 0;
          result = result / (time as f64) * perSecond;
        }
      }
    }
    store<f64>(out + ((g as usize) << 3), there ? result : 0);
    store<u8>(present + (g as usize), there ? 1 : 0);
  }
}

/** Samples that are not the one before (resets = 1: that are below it), int64. NaN is no change after NaN. */
export function series_changes(resets: u32, x: usize, rows: usize, starts: usize, groups: u32, out: usize, present: usize): void {
  for (let g: u32 = 0; g < groups; g++) {
    const first = at4(starts, g), end = at4(starts, g + 1);
    let count: i64 = 0;
    for (let i = first + 1; i < end; i++) {
      const value = valueOf(x, rows, i), previous = valueOf(x, rows, i - 1);
      if (resets ? value < previous : value != previous && !(isNaN(value) && isNaN(previous))) count++;
    }
    store<i64>(out + ((g as usize) << 3), count);
    store<u8>(present + (g as usize), end > first ? 1 : 0);
  }
}

/**
 * Prometheus' extrapolation of an increase to the whole range [from, to] of the group (int64 ticks), as a rate per second when rate = 1.
 * Samples that lie within 1.1 average distances of a bound are taken to go on to it, else for half a distance; never below zero.
 */
export function series_extrapolated(
  rate: u32, x: usize, ts: usize, rows: usize, starts: usize, groups: u32, from: usize, to: usize, perSecond: f64, out: usize, present: usize,
): void {
  for (let g: u32 = 0; g < groups; g++) {
    const first = at4(starts, g), end = at4(starts, g + 1);
    let result: f64 = 0;
    let there = end - first >= 2;
    if (there) {
      let previous = valueOf(x, rows, first);
      const began = previous;
      for (let i = first + 1; i < end; i++) {
        const value = valueOf(x, rows, i);
        result += risen(previous, value);
        previous = value;
      }
      const low = load<i64>(from + ((g as usize) << 3)), high = load<i64>(to + ((g as usize) << 3));
      const start = timeOf(ts, rows, first), stop = timeOf(ts, rows, end - 1);
      const sampled = (stop - start) as f64;
      let before = (start - low) as f64, behind = (high - stop) as f64;
      const average = sampled / ((end - first - 1) as f64);
      there = sampled > 0 && high > low;
      if (before >= average * 1.1) before = average / 2;
      if (result > 0 && began >= 0) before = min(before, sampled * (began / result));
      if (behind >= average * 1.1) behind = average / 2;
      result *= (sampled + before + behind) / sampled;
      if (rate) result = result / ((high - low) as f64) * perSecond;
    }
    store<f64>(out + ((g as usize) << 3), there ? result : 0);
    store<u8>(present + (g as usize), there ? 1 : 0);
  }
}

/**
 * Least squares over seconds since the first sample: the slope, or with `ahead` ≥ 0 the line's value so many seconds behind the last sample
 * (ahead < 0: slope). NULL where all samples have one time.
 */
export function series_regression(predict: u32, ahead: f64, x: usize, ts: usize, rows: usize, starts: usize, groups: u32, perSecond: f64, out: usize, present: usize): void {
  for (let g: u32 = 0; g < groups; g++) {
    const first = at4(starts, g), end = at4(starts, g + 1);
    let count: f64 = 0, meanT: f64 = 0, meanX: f64 = 0, spread: f64 = 0, joint: f64 = 0;
    const origin: i64 = end > first ? timeOf(ts, rows, first) : 0;
    for (let i = first; i < end; i++) {
      count += 1;
      const t = ((timeOf(ts, rows, i) - origin) as f64) / perSecond;
      const value = valueOf(x, rows, i);
      const dt = t - meanT;
      meanT += dt / count;
      spread += dt * (t - meanT);
      meanX += (value - meanX) / count;
      joint += dt * (value - meanX);
    }
    const there = count >= 2 && spread > 0;
    let result = joint / spread;
    if (there && predict) result = meanX + result * (((timeOf(ts, rows, end - 1) - origin) as f64) / perSecond + ahead - meanT);
    store<f64>(out + ((g as usize) << 3), there ? result : 0);
    store<u8>(present + (g as usize), there ? 1 : 0);
  }
}

/**
 * The area under a series in value × seconds, or its average over time: each value holds until the next sample (linear = 0), or lies on the
 * line to it. The average over no time is the mean of the values.
 */
export function series_weighted(linear: u32, area: u32, x: usize, ts: usize, rows: usize, starts: usize, groups: u32, perSecond: f64, out: usize, present: usize): void {
  for (let g: u32 = 0; g < groups; g++) {
    const first = at4(starts, g), end = at4(starts, g + 1);
    let sum: f64 = 0, plain: f64 = 0;
    for (let i = first; i < end; i++) plain += valueOf(x, rows, i);
    for (let i = first + 1; i < end; i++) {
      const time = (timeOf(ts, rows, i) - timeOf(ts, rows, i - 1)) as f64;
      if (time == 0) continue;
      const from = valueOf(x, rows, i - 1);
      sum += (linear ? (from + valueOf(x, rows, i)) / 2 : from) * time;
    }
    const time: f64 = end > first ? ((timeOf(ts, rows, end - 1) - timeOf(ts, rows, first)) as f64) : 0;
    const result = area ? sum / perSecond : time > 0 ? sum / time : plain / ((end - first) as f64);
    store<f64>(out + ((g as usize) << 3), end > first ? result : 0);
    store<u8>(present + (g as usize), end > first ? 1 : 0);
  }
}

/** The deepest fall below the highest value so far, as a share of that (at most 0). Highest values that are not above 0 do not count. */
export function series_max_drawdown(x: usize, rows: usize, starts: usize, groups: u32, out: usize, present: usize): void {
  for (let g: u32 = 0; g < groups; g++) {
    const first = at4(starts, g), end = at4(starts, g + 1);
    let deepest: f64 = 0;
    let highest: f64 = end > first ? valueOf(x, rows, first) : 0;
    for (let i = first; i < end; i++) {
      const value = valueOf(x, rows, i);
      if (value > highest || isNaN(highest)) highest = value;
      if (highest > 0) {
        const fall = value / highest - 1;
        if (fall < deepest) deepest = fall;
      }
    }
    store<f64>(out + ((g as usize) << 3), deepest);
    store<u8>(present + (g as usize), end > first ? 1 : 0);
  }
}

/** Ticks in which a state (one byte per row, 1 = in it) lasted: from each sample that is in it to the next sample. */
export function series_time_in(state: usize, ts: usize, rows: usize, starts: usize, groups: u32, out: usize, present: usize): void {
  for (let g: u32 = 0; g < groups; g++) {
    const first = at4(starts, g), end = at4(starts, g + 1);
    let ticks: i64 = 0;
    for (let i = first + 1; i < end; i++) {
      if (load<u8>(state + (at4(rows, i - 1) as usize))) ticks += timeOf(ts, rows, i) - timeOf(ts, rows, i - 1);
    }
    store<i64>(out + ((g as usize) << 3), ticks);
    store<u8>(present + (g as usize), end > first ? 1 : 0);
  }
}

/** Rows of each group that largest-triangle-three-buckets keeps, at most `keep` (≥ 3); outStarts as starts. Returns how many in all. */
export function series_lttb(x: usize, ts: usize, rows: usize, starts: usize, groups: u32, keep: u32, outRows: usize, outStarts: usize): u32 {
  let count: u32 = 0;
  store<u32>(outStarts, 0);
  for (let g: u32 = 0; g < groups; g++) {
    const first = at4(starts, g), end = at4(starts, g + 1);
    const n = end - first;
    if (n <= keep || keep < 3) {
      const kept = min(n, keep);
      // Of fewer than three, the ends are kept.
      for (let i: u32 = 0; i < kept; i++) {
        const at = kept < n && i == kept - 1 && kept > 1 ? end - 1 : first + i;
        store<u32>(outRows + ((count++ as usize) << 2), at4(rows, at));
      }
      store<u32>(outStarts + (((g + 1) as usize) << 2), count);
      continue;
    }
    const every = ((n - 2) as f64) / ((keep - 2) as f64);
    let last = first;
    store<u32>(outRows + ((count++ as usize) << 2), at4(rows, first));
    const origin = timeOf(ts, rows, first);
    for (let bucket: u32 = 0; bucket < keep - 2; bucket++) {
      const from = first + 1 + (floor(((bucket as f64) * every)) as u32);
      const to = first + 1 + (floor((((bucket + 1) as f64) * every)) as u32);
      const nextTo = min(first + 1 + (floor((((bucket + 2) as f64) * every)) as u32), end);
      let meanT: f64 = 0, meanX: f64 = 0;
      for (let i = to; i < nextTo; i++) {
        meanT += (timeOf(ts, rows, i) - origin) as f64;
        meanX += valueOf(x, rows, i);
      }
      const size = (nextTo - to) as f64;
      meanT /= size;
      meanX /= size;
      const lastT = (timeOf(ts, rows, last) - origin) as f64, lastX = valueOf(x, rows, last);
      let largest: f64 = -1;
      let chosen = from;
      for (let i = from; i < to; i++) {
        const area = abs((lastT - meanT) * (valueOf(x, rows, i) - lastX) - (lastT - ((timeOf(ts, rows, i) - origin) as f64)) * (meanX - lastX));
        if (area > largest) { largest = area; chosen = i; }
      }
      store<u32>(outRows + ((count++ as usize) << 2), at4(rows, chosen));
      last = chosen;
    }
    store<u32>(outRows + ((count++ as usize) << 2), at4(rows, end - 1));
    store<u32>(outStarts + (((g + 1) as usize) << 2), count);
  }
  return count;
}

/** The exponential average at the last sample. halfLife: ticks in which a value's weight halves. */
export function series_ema(halfLife: f64, x: usize, ts: usize, rows: usize, starts: usize, groups: u32, out: usize, present: usize): void {
  const rate = -Math.LN2 / halfLife;
  for (let g: u32 = 0; g < groups; g++) {
    const first = at4(starts, g), end = at4(starts, g + 1);
    let average: f64 = end > first ? valueOf(x, rows, first) : 0;
    for (let i = first + 1; i < end; i++) {
      const value = valueOf(x, rows, i);
      const kept = Math.exp(((timeOf(ts, rows, i) - timeOf(ts, rows, i - 1)) as f64) * rate);
      average = value + (average - value) * kept;
    }
    store<f64>(out + ((g as usize) << 3), average);
    store<u8>(present + (g as usize), end > first ? 1 : 0);
  }
}

/** Bits of the groups whose number is not 0, of those in the mask (0 = all). Returns how many there are. */
export function bits_nonzero_f64(values: usize, mask: usize, n: u32, out: usize): u32 {
  let count: u32 = 0;
  for (let word: u32 = 0; word < (n + 63) >> 6; word++) {
    let bits: u64 = 0;
    const first = word << 6;
    const size = min<u32>(64, n - first);
    for (let i: u32 = 0; i < size; i++) if (load<f64>(values + (((first + i) as usize) << 3)) != 0) bits |= (1 as u64) << i;
    if (mask) bits &= load<u64>(mask + ((word as usize) << 3));
    store<u64>(out + ((word as usize) << 3), bits);
    count += popcnt(bits) as u32;
  }
  return count;
}
