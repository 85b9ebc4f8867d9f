/**
 * Looking single times up: the right side lies group by group, each ascending in time. A look-up begins where the last one of its group ended,
 * so that ascending times cost next to nothing.
 */
import { bitIsSet } from '../shared/bitmap';
import { isBeforeNearer, isNear } from './times';

const NONE: u32 = 0xffffffff;
const GE: u32 = 0, GT: u32 = 1, LE: u32 = 2, LT: u32 = 3;

// @ts-ignore: decorator
@inline
function timeAt(times: usize, position: u32): i64 {
  return load<i64>(times + ((position as usize) << 3));
}

/** First position in [low, high] from which on times are above t (or not below it), near `hint`. */
function bound(times: usize, low: u32, high: u32, hint: u32, t: i64, above: bool): u32 {
  let from = low, to = high;
  let at = min(max(hint, low), high);
  let step: u32 = 1;
  // What lies before `at` is looked at first: mostly nothing changes.
  if (at < high && (above ? timeAt(times, at) <= t : timeAt(times, at) < t)) {
    from = at + 1;
    for (;;) {
      const next = at + step;
      if (next >= high || next < at) break;
      if (above ? timeAt(times, next) > t : timeAt(times, next) >= t) { to = next; break; }
      from = next + 1;
      at = next;
      step <<= 1;
    }
  } else {
    to = at;
    for (;;) {
      if (at < low + step) break;
      const next = at - step;
      if (above ? timeAt(times, next) <= t : timeAt(times, next) < t) { from = next + 1; break; }
      to = next;
      at = next;
      step <<= 1;
    }
  }
  while (from < to) {
    const middle = from + ((to - from) >> 1);
    if (above ? timeAt(times, middle) <= t : timeAt(times, middle) < t) from = middle + 1;
    else to = middle;
  }
  return from;
}

/**
 * For each valid row (0 = all) the position of the closest time of its group in the direction: 0 ge, 1 gt, 2 le, 3 lt, 4 nearest. groups 0 = one
 * group. cursors: one word a group, kept between calls. limit: address of the largest distance, 0 = any.
 */
export function asof_find(
  groups: usize, times: usize, valid: usize, n: u32, starts: usize, sorted: usize, cursors: usize, direction: u32, floats: u32, limit: usize,
  out: usize,
): void {
  for (let i: u32 = 0; i < n; i++) {
    const group = groups ? load<u32>(groups + ((i as usize) << 2)) : 0;
    let found = NONE;
    if (group != NONE && bitIsSet(valid, i)) {
      const entry = (group as usize) << 2;
      const low = load<u32>(starts + entry), high = load<u32>(starts + entry + 4);
      const t = timeAt(times, i);
      const p = bound(sorted, low, high, load<u32>(cursors + entry), t, direction != GT && direction != LE);
      store<u32>(cursors + entry, p);
      const hasBefore = p > low && direction != LE && direction != LT;
      const hasAfter = p < high && direction != GE && direction != GT;
      if (hasBefore && (!hasAfter || isBeforeNearer(t, timeAt(sorted, p - 1), timeAt(sorted, p), floats))) {
        if (isNear(t, timeAt(sorted, p - 1), floats, limit)) found = p - 1;
      } else if (hasAfter && isNear(timeAt(sorted, p), t, floats, limit)) found = p;
    }
    store<u32>(out + ((i as usize) << 2), found);
  }
}

/**
 * Moves the positions of the rows in the mask to the next candidate further away (ge and gt: back, le and lt: forward), or to none. Returns how
 * many have one.
 */
export function asof_step(
  groups: usize, times: usize, mask: usize, n: u32, starts: usize, sorted: usize, direction: u32, floats: u32, limit: usize, positions: usize,
): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    if (!bitIsSet(mask, i)) continue;
    const at = positions + ((i as usize) << 2);
    const position = load<u32>(at);
    if (position == NONE) continue;
    const entry = groups ? (load<u32>(groups + ((i as usize) << 2)) as usize) << 2 : 0;
    const t = timeAt(times, i);
    let next = NONE;
    if (direction == LE || direction == LT) {
      if (position + 1 < load<u32>(starts + entry + 4) && isNear(timeAt(sorted, position + 1), t, floats, limit)) next = position + 1;
    } else if (position > load<u32>(starts + entry) && isNear(t, timeAt(sorted, position - 1), floats, limit)) next = position - 1;
    store<u32>(at, next);
    if (next != NONE) count++;
  }
  return count;
}

/** Of two positions of each row, one before and one after its time, the nearer one; to `before`. */
export function asof_nearer(times: usize, n: u32, sorted: usize, floats: u32, before: usize, after: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    const at = (i as usize) << 2;
    const a = load<u32>(before + at), b = load<u32>(after + at);
    if (b == NONE) continue;
    if (a == NONE || !isBeforeNearer(timeAt(times, i), timeAt(sorted, a), timeAt(sorted, b), floats)) store<u32>(before + at, b);
  }
}

/** Bits of the rows in the mask (0 = all) that have a position and whose bit in `passed` is clear. Returns how many. */
export function asof_failed(positions: usize, mask: usize, passed: usize, n: u32, out: usize): u32 {
  let count: u32 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    const end = min(base + 64, n);
    let word: u64 = 0;
    for (let i = base; i < end; i++) {
      if (load<u32>(positions + ((i as usize) << 2)) == NONE || !bitIsSet(mask, i) || bitIsSet(passed, i)) continue;
      word |= (1 as u64) << (i - base);
      count++;
    }
    store<u64>(out + (base >> 3), word);
  }
  return count;
}

/** out[i] = rows[positions[i]]; no position stays none. out may be positions. */
export function asof_rows(positions: usize, rows: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const position = load<u32>(positions + (i << 2));
    store<u32>(out + (i << 2), position == NONE ? NONE : load<u32>(rows + ((position as usize) << 2)));
  }
}

/** No position for the rows in the mask. */
export function asof_clear(mask: usize, n: u32, positions: usize): void {
  for (let i: u32 = 0; i < n; i++) if (bitIsSet(mask, i)) store<u32>(positions + ((i as usize) << 2), NONE);
}
