/**
 * Functions that go on from position to position of a partition: what they know is at `state`, from call to call. low: where the partition
 * of each position begins. Positions outside the mask are left out. `flags` gets 1 where there is a result.
 */
import { bitIsSet } from '../shared/bitmap';
import { at4 } from '../shared/words';

/** Exponential average with a fixed share for each new value. state: [average, is there one]. */
export function running_ema(alpha: f64, x: usize, mask: usize, low: usize, first: u32, n: u32, state: usize, out: usize, flags: usize): void {
  let average = load<f64>(state);
  let known = load<u8>(state + 8) != 0;
  for (let k: u32 = 0; k < n; k++) {
    const position = first + k;
    if (at4(low, k) == position) known = false;
    if (bitIsSet(mask, position)) {
      const value = load<f64>(x + ((position as usize) << 3));
      average = known ? average + alpha * (value - average) : value;
      known = true;
    }
    store<f64>(out + ((k as usize) << 3), known ? average : 0);
    store<u8>(flags + (k as usize), known ? 1 : 0);
  }
  store<f64>(state, average);
  store<u8>(state + 8, known ? 1 : 0);
}

/** The same where the weight of what was halves in halfLife ticks. state: [average, is there one, time]. */
export function running_ema_time(halfLife: f64, x: usize, ts: usize, mask: usize, low: usize, first: u32, n: u32, state: usize, out: usize, flags: usize): void {
  const rate = -Math.LN2 / halfLife;
  let average = load<f64>(state);
  let known = load<u8>(state + 8) != 0;
  let last = load<i64>(state + 16);
  for (let k: u32 = 0; k < n; k++) {
    const position = first + k;
    if (at4(low, k) == position) known = false;
    if (bitIsSet(mask, position)) {
      const value = load<f64>(x + ((position as usize) << 3));
      const time = load<i64>(ts + ((position as usize) << 3));
      average = known ? value + (average - value) * Math.exp((abs(time - last) as f64) * rate) : value;
      last = time;
      known = true;
    }
    store<f64>(out + ((k as usize) << 3), known ? average : 0);
    store<u8>(flags + (k as usize), known ? 1 : 0);
  }
  store<f64>(state, average);
  store<u8>(state + 8, known ? 1 : 0);
  store<i64>(state + 16, last);
}

/** Numbers of sessions, from 1 (int64): a new one begins when more than `gap` ticks (int64 at the address) have gone by. state: [number, time]. */
export function running_sessions(gap: usize, ts: usize, mask: usize, low: usize, first: u32, n: u32, state: usize, out: usize): void {
  const most = load<i64>(gap);
  let session = load<i64>(state), last = load<i64>(state + 8);
  for (let k: u32 = 0; k < n; k++) {
    const position = first + k;
    if (at4(low, k) == position) session = 0;
    if (!bitIsSet(mask, position)) { store<i64>(out + ((k as usize) << 3), 0); continue; }
    const time = load<i64>(ts + ((position as usize) << 3));
    if (session == 0 || abs(time - last) > most) session++;
    last = time;
    store<i64>(out + ((k as usize) << 3), session);
  }
  store<i64>(state, session);
  store<i64>(state + 8, last);
}

/**
 * Ticks since a state (one byte per position) began, 0 at its first position; no result outside of the state. Positions without a time
 * (mask) neither begin nor end one. state: [is in it, time].
 */
export function running_time_in(held: usize, ts: usize, mask: usize, low: usize, first: u32, n: u32, state: usize, out: usize, flags: usize): void {
  let inside = load<u8>(state) != 0;
  let since = load<i64>(state + 8);
  for (let k: u32 = 0; k < n; k++) {
    const position = first + k;
    if (at4(low, k) == position) inside = false;
    let ticks: i64 = 0;
    const there = bitIsSet(mask, position);
    if (there) {
      const time = load<i64>(ts + ((position as usize) << 3));
      if (load<u8>(held + (position as usize)) == 0) inside = false;
      else {
        if (!inside) since = time;
        inside = true;
        ticks = abs(time - since);
      }
    }
    store<i64>(out + ((k as usize) << 3), there && inside ? ticks : 0);
    store<u8>(flags + (k as usize), there && inside ? 1 : 0);
  }
  store<u8>(state, inside ? 1 : 0);
  store<i64>(state + 8, since);
}

/**
 * Exponential averages of groups, row by row. A state is three float64: number of values, the first one, the average. groups = 0: all rows are
 * of group 0.
 */
export function agg_ema(alpha: f64, x: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    if (mask && !bitIsSet(mask, i)) continue;
    const value = load<f64>(x + ((i as usize) << 3));
    const at = states + (groups ? (at4(groups, i) as usize) : 0) * 24;
    const count = load<f64>(at);
    if (count == 0) {
      store<f64>(at, value, 8);
      store<f64>(at, value, 16);
    } else {
      const average = load<f64>(at, 16);
      store<f64>(at, average + alpha * (value - average), 16);
    }
    store<f64>(at, count + 1);
  }
}

/** What was before weighs (1 − alpha) to the power of the number of later rows. */
function mergeEma(alpha: f64, later: usize, at: usize): void {
  const count = load<f64>(later);
  if (count == 0) return;
  if (load<f64>(at) == 0) {
    memory.copy(at, later, 24);
    return;
  }
  const before = load<f64>(at, 16);
  // Nothing comes back from infinity.
  const more = before - before == 0 ? (before - load<f64>(later, 8)) * Math.pow(1 - alpha, count) : NaN;
  store<f64>(at, load<f64>(later, 16) + more, 16);
  store<f64>(at, load<f64>(at) + count);
}

/** Takes in the states of later rows. groups: group here of each group there; 0 = all are group 0. */
export function agg_merge_ema(alpha: f64, from: usize, groups: usize, n: u32, states: usize): void {
  for (let i: u32 = 0; i < n; i++) mergeEma(alpha, from + (i as usize) * 24, states + (groups ? (at4(groups, i) as usize) : 0) * 24);
}

/** The same where groups are the same here and there. */
export function stream_merge_ema(alpha: f64, from: usize, n: u32, states: usize): void {
  for (let i: usize = 0; i < n; i++) mergeEma(alpha, from + i * 24, states + i * 24);
}

/** The averages of states. */
export function finish_ema(states: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<f64>(out + (i << 3), load<f64>(states + i * 24, 16));
}
