/** Minimum, maximum, and values picked by row order or by another value. Grouping and masks as in sums.ts. NaN is the largest float. */
import { isRun, rowsOf } from './bits';

// @ts-ignore: decorator
@inline
export function better<T>(largest: bool, value: T, held: T): bool {
  if (isFloat<T>()) return largest ? value > held || value != value : value < held || held != held;
  return largest ? value > held : value < held;
}

/** The held value at `at` or the one at `from`, whichever is better. Prices wander: whether one is a new extreme is hard to foresee, so there is no branch. */
// @ts-ignore: decorator
@inline
export function widen<T>(largest: bool, from: usize, at: usize): void {
  if (isFloat<T>() && sizeof<T>() == 8) {
    const value = v128.load64_zero(from), held = v128.load64_zero(at);
    const wins = largest ? v128.or(f64x2.gt(value, held), f64x2.ne(value, value)) : v128.or(f64x2.lt(value, held), f64x2.ne(held, held));
    v128.store64_lane(at, v128.bitselect(value, held, wins), 0);
  } else if (isFloat<T>()) {
    const value = v128.load32_zero(from), held = v128.load32_zero(at);
    const wins = largest ? v128.or(f32x4.gt(value, held), f32x4.ne(value, value)) : v128.or(f32x4.lt(value, held), f32x4.ne(held, held));
    v128.store32_lane(at, v128.bitselect(value, held, wins), 0);
  } else {
    const value = load<T>(from), held = load<T>(at);
    store<T>(at, select<T>(value, held, largest ? value > held : value < held));
  }
}

// @ts-ignore: decorator
@inline
function extreme<T>(largest: bool, values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) {
    let held = load<T>(states);
    for (let base: u32 = 0; base < n; base += 64) {
      let word = rowsOf(mask, base, n);
      if (word == ~(0 as u64)) {
        for (let i: usize = base; i < base + 64; i++) {
          const value = load<T>(values + i * sizeof<T>());
          held = better<T>(largest, value, held) ? value : held;
        }
      } else {
        for (; word; word &= word - 1) {
          const value = load<T>(values + ((base + (ctz(word) as u32)) as usize) * sizeof<T>());
          held = better<T>(largest, value, held) ? value : held;
        }
      }
    }
    store<T>(states, held);
    return;
  }
  for (let base: u32 = 0; base < n; base += 64) {
    let word = rowsOf(mask, base, n);
    if (word == ~(0 as u64)) {
      if (isRun(groups, base)) {
        const at = states + (load<u32>(groups + ((base as usize) << 2)) as usize) * sizeof<T>();
        const from = values + (base as usize) * sizeof<T>();
        if (isFloat<T>() && sizeof<T>() == 8) extremeDoubles(largest, from, 0, 64, at);
        else {
          let held = load<T>(at);
          for (let k: usize = 0; k < 64; k++) {
            const value = load<T>(from + k * sizeof<T>());
            held = better<T>(largest, value, held) ? value : held;
          }
          store<T>(at, held);
        }
        continue;
      }
      for (let i: usize = base; i < base + 64; i++) {
        widen<T>(largest, values + i * sizeof<T>(), states + (load<u32>(groups + (i << 2)) as usize) * sizeof<T>());
      }
    } else {
      for (; word; word &= word - 1) {
        const i: usize = base + (ctz(word) as u32);
        const at = states + (load<u32>(groups + (i << 2)) as usize) * sizeof<T>();
        const value = load<T>(values + i * sizeof<T>());
        if (better<T>(largest, value, load<T>(at))) store<T>(at, value);
      }
    }
  }
}

/** Two running extremes of pairs of rows side by side; the float order of NaN needs care, so lanes start at the first held value. */
export function extremeDoubles(largest: bool, values: usize, mask: usize, n: u32, states: usize): void {
  let a = f64x2.splat(load<f64>(states)), b = a;
  let held = load<f64>(states);
  for (let base: u32 = 0; base < n; base += 64) {
    let word = rowsOf(mask, base, n);
    const at = values + ((base as usize) << 3);
    if (word == ~(0 as u64)) {
      for (let k: usize = 0; k < 512; k += 32) {
        const x = v128.load(at + k);
        const y = v128.load(at + k, 16);
        if (largest) {
          a = v128.bitselect(x, a, v128.or(f64x2.gt(x, a), f64x2.ne(x, x)));
          b = v128.bitselect(y, b, v128.or(f64x2.gt(y, b), f64x2.ne(y, y)));
        } else {
          a = v128.bitselect(x, a, v128.or(f64x2.lt(x, a), f64x2.ne(a, a)));
          b = v128.bitselect(y, b, v128.or(f64x2.lt(y, b), f64x2.ne(b, b)));
        }
      }
    } else {
      for (; word; word &= word - 1) {
        const value = load<f64>(at + ((ctz(word) as usize) << 3));
        held = better<f64>(largest, value, held) ? value : held;
      }
    }
  }
  const a0 = f64x2.extract_lane(a, 0), a1 = f64x2.extract_lane(a, 1), b0 = f64x2.extract_lane(b, 0), b1 = f64x2.extract_lane(b, 1);
  held = better<f64>(largest, a0, held) ? a0 : held;
  held = better<f64>(largest, a1, held) ? a1 : held;
  held = better<f64>(largest, b0, held) ? b0 : held;
  held = better<f64>(largest, b1, held) ? b1 : held;
  store<f64>(states, held);
}

export function agg_min_i8(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<i8>(false, values, mask, groups, n, states); }
export function agg_min_i16(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<i16>(false, values, mask, groups, n, states); }
export function agg_min_i32(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<i32>(false, values, mask, groups, n, states); }
export function agg_min_i64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<i64>(false, values, mask, groups, n, states); }
export function agg_min_u8(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<u8>(false, values, mask, groups, n, states); }
export function agg_min_u16(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<u16>(false, values, mask, groups, n, states); }
export function agg_min_u32(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<u32>(false, values, mask, groups, n, states); }
export function agg_min_u64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<u64>(false, values, mask, groups, n, states); }
export function agg_min_f32(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<f32>(false, values, mask, groups, n, states); }
export function agg_min_f64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) extremeDoubles(false, values, mask, n, states);
  else extreme<f64>(false, values, mask, groups, n, states);
}
export function agg_max_i8(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<i8>(true, values, mask, groups, n, states); }
export function agg_max_i16(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<i16>(true, values, mask, groups, n, states); }
export function agg_max_i32(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<i32>(true, values, mask, groups, n, states); }
export function agg_max_i64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<i64>(true, values, mask, groups, n, states); }
export function agg_max_u8(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<u8>(true, values, mask, groups, n, states); }
export function agg_max_u16(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<u16>(true, values, mask, groups, n, states); }
export function agg_max_u32(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<u32>(true, values, mask, groups, n, states); }
export function agg_max_u64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<u64>(true, values, mask, groups, n, states); }
export function agg_max_f32(values: usize, mask: usize, groups: usize, n: u32, states: usize): void { extreme<f32>(true, values, mask, groups, n, states); }
export function agg_max_f64(values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  if (groups == 0) extremeDoubles(true, values, mask, n, states);
  else extreme<f64>(true, values, mask, groups, n, states);
}

/**
 * Extremes of values of two 64-bit words: `order` 0 = 128-bit integer, 1 = 16 bytes compared as bytes, 2 = interval. flags (uint8 per group): 0 = the state
 * holds nothing yet.
 */
export function agg_extreme_w16(largest: u32, order: u32, values: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    for (let word = rowsOf(mask, base, n); word; word &= word - 1) {
      const i: usize = base + (ctz(word) as u32);
      const group: usize = groups ? load<u32>(groups + (i << 2)) as usize : 0;
      const from = values + (i << 4);
      const at = states + (group << 4);
      if (load<u8>(flags + group)) {
        const compared = compare16(order, from, at);
        if (largest ? compared <= 0 : compared >= 0) continue;
      }
      store<u8>(flags + group, 1);
      memory.copy(at, from, 16);
    }
  }
}

function compare16(order: u32, a: usize, b: usize): i32 {
  if (order == 1) {
    const x = bswap<u64>(load<u64>(a)), y = bswap<u64>(load<u64>(b));
    if (x != y) return x < y ? -1 : 1;
    const v = bswap<u64>(load<u64>(a + 8)), w = bswap<u64>(load<u64>(b + 8));
    return v < w ? -1 : v > w ? 1 : 0;
  }
  if (order == 2) {
    const perDay: i64 = 86400000000000;
    const p = load<i64>(a + 8) / perDay + (load<i32>(a) as i64) * 30 + (load<i32>(a + 4) as i64);
    const q = load<i64>(b + 8) / perDay + (load<i32>(b) as i64) * 30 + (load<i32>(b + 4) as i64);
    const r = load<i64>(a + 8) % perDay, s = load<i64>(b + 8) % perDay;
    const days = p - q;
    const rest = r - s;
    if (days == 0) return rest < 0 ? -1 : rest > 0 ? 1 : 0;
    if (days == 1 || days == -1) {
      const total = days * perDay + rest;
      return total < 0 ? -1 : total > 0 ? 1 : 0;
    }
    return days < 0 ? -1 : 1;
  }
  const x = load<i64>(a + 8), y = load<i64>(b + 8);
  if (x != y) return x < y ? -1 : 1;
  const v = load<u64>(a), w = load<u64>(b);
  return v < w ? -1 : v > w ? 1 : 0;
}

/** Extremes of interned text: ids of a text encoder's table; states are ids, 0xFFFFFFFF = none yet. */
export function agg_extreme_text(largest: u32, offsets: usize, heap: usize, values: usize, mask: usize, groups: usize, n: u32, states: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    for (let word = rowsOf(mask, base, n); word; word &= word - 1) {
      const i: usize = base + (ctz(word) as u32);
      const at = states + ((groups ? load<u32>(groups + (i << 2)) as usize : 0) << 2);
      const id = load<u32>(values + (i << 2));
      const held = load<u32>(at);
      if (id == held) continue;
      if (held != 0xffffffff) {
        const compared = compareText(offsets, heap, id, held);
        if (largest ? compared <= 0 : compared >= 0) continue;
      }
      store<u32>(at, id);
    }
  }
}

/** Order of two interned strings, by unsigned bytes. */
export function compareText(offsets: usize, heap: usize, a: u32, b: u32): i32 {
  const x = load<u32>(offsets + ((a as usize) << 2)), y = load<u32>(offsets + ((b as usize) << 2));
  const xs = load<u32>(offsets + ((a as usize) << 2) + 4) - x, ys = load<u32>(offsets + ((b as usize) << 2) + 4) - y;
  const shorter = min(xs, ys);
  let at: u32 = 0;
  for (; at + 8 <= shorter; at += 8) {
    const v = load<u64>(heap + x + at), w = load<u64>(heap + y + at);
    if (v != w) return bswap<u64>(v) < bswap<u64>(w) ? -1 : 1;
  }
  for (; at < shorter; at++) {
    const v = load<u8>(heap + x + at), w = load<u8>(heap + y + at);
    if (v != w) return v < w ? -1 : 1;
  }
  return xs < ys ? -1 : xs > ys ? 1 : 0;
}

/** True when any of the 64 ids from `base` on is not below the limit. */
// @ts-ignore: decorator
@inline
function reaches(ids: usize, base: u32, limit: u32): bool {
  const at = ids + ((base as usize) << 2), limits = i32x4.splat(limit);
  let found = i32x4.ge_u(v128.load(at), limits);
  for (let k: usize = 16; k < 256; k += 16) found = v128.or(found, i32x4.ge_u(v128.load(at + k), limits));
  return v128.any_true(found);
}

/**
 * First row of each group. flags (uint8 per group): 0 = nothing yet, 1 = the state is a value, 2 = it is NULL. validity tells NULL rows apart
 * (0 = none). Of `count` groups those below `settled` have a first row already. Returns the groups that had nothing yet.
 */
// @ts-ignore: decorator
@inline
function pickFirst<T>(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, settled: u32, count: u32): u32 {
  let added: u32 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    const valid = rowsOf(validity, base, n);
    let word = rowsOf(mask, base, n);
    if (groups) {
      while (settled < count && load<u8>(flags + settled)) settled++;
      if (settled && n - base >= 64 && !reaches(groups, base, settled)) continue;
    }
    if ((word & valid) == ~(0 as u64) && groups && !isVector<T>()) {
      if (isRun(groups, base)) {
        const group = load<u32>(groups + ((base as usize) << 2)) as usize;
        if (load<u8>(flags + group)) continue;
        added++;
        store<u8>(flags + group, 1);
        store<T>(states + group * sizeof<T>(), load<T>(values + (base as usize) * sizeof<T>()));
        continue;
      }
      for (let i: usize = base; i < base + 64; i++) {
        const group = load<u32>(groups + (i << 2)) as usize;
        if (load<u8>(flags + group)) continue;
        added++;
        store<u8>(flags + group, 1);
        store<T>(states + group * sizeof<T>(), load<T>(values + i * sizeof<T>()));
      }
      continue;
    }
    for (; word; word &= word - 1) {
      const bit = ctz(word);
      const i: usize = base + (bit as u32);
      const group: usize = groups ? load<u32>(groups + (i << 2)) as usize : 0;
      if (load<u8>(flags + group)) continue;
      added++;
      store<u8>(flags + group, (valid >> bit) & 1 ? 1 : 2);
      if (isVector<T>()) memory.copy(states + (group << 4), values + (i << 4), 16);
      else store<T>(states + group * sizeof<T>(), load<T>(values + i * sizeof<T>()));
    }
  }
  return added;
}

/** Last row of each group where there are too many groups to look for them from the end: later rows overwrite earlier ones. */
// @ts-ignore: decorator
@inline
function overwrite<T>(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    const valid = rowsOf(validity, base, n);
    let word = rowsOf(mask, base, n);
    if ((word & valid) == ~(0 as u64)) {
      for (let i: usize = base; i < base + 64; i++) {
        const group = load<u32>(groups + (i << 2)) as usize;
        store<u8>(flags + group, 1);
        store<T>(states + group * sizeof<T>(), load<T>(values + i * sizeof<T>()));
      }
      continue;
    }
    for (; word; word &= word - 1) {
      const bit = ctz(word);
      const i: usize = base + (bit as u32);
      const group = load<u32>(groups + (i << 2)) as usize;
      store<u8>(flags + group, (valid >> bit) & 1 ? 1 : 2);
      store<T>(states + group * sizeof<T>(), load<T>(values + i * sizeof<T>()));
    }
  }
}

/**
 * Last row of each group, looked for from the end until all `count` groups have one. stamps (uint32 per group) are `stamp` for groups that
 * these rows have given one already; the caller gives another stamp each time. Returns the rows that were looked at; a count above n: all of them.
 */
// @ts-ignore: decorator
@inline
function pickLast<T>(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, stamps: usize, stamp: u32, count: u32): u32 {
  if (groups && count > n && !isVector<T>()) {
    overwrite<T>(values, validity, mask, groups, n, states, flags);
    return n;
  }
  let base = (n + 63) & ~63;
  let left = groups ? count : 1;
  while (base > 0 && left > 0) {
    base -= 64;
    const valid = rowsOf(validity, base, n);
    for (let word = rowsOf(mask, base, n); word && left > 0; ) {
      const bit = 63 - clz(word);
      word ^= (1 as u64) << bit;
      const i: usize = base + (bit as u32);
      const group: usize = groups ? load<u32>(groups + (i << 2)) as usize : 0;
      if (load<u32>(stamps + (group << 2)) == stamp) continue;
      store<u32>(stamps + (group << 2), stamp);
      left--;
      store<u8>(flags + group, (valid >> bit) & 1 ? 1 : 2);
      if (isVector<T>()) memory.copy(states + (group << 4), values + (i << 4), 16);
      else store<T>(states + group * sizeof<T>(), load<T>(values + i * sizeof<T>()));
    }
  }
  return base < n ? n - base : 0;
}
export function agg_first_w1(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, settled: u32, count: u32): u32 { return pickFirst<u8>(values, validity, mask, groups, n, states, flags, settled, count); }
export function agg_first_w2(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, settled: u32, count: u32): u32 { return pickFirst<u16>(values, validity, mask, groups, n, states, flags, settled, count); }
export function agg_first_w4(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, settled: u32, count: u32): u32 { return pickFirst<u32>(values, validity, mask, groups, n, states, flags, settled, count); }
export function agg_first_w8(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, settled: u32, count: u32): u32 { return pickFirst<u64>(values, validity, mask, groups, n, states, flags, settled, count); }
export function agg_first_w16(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, settled: u32, count: u32): u32 { return pickFirst<v128>(values, validity, mask, groups, n, states, flags, settled, count); }
export function agg_last_w1(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, stamps: usize, stamp: u32, count: u32): u32 { return pickLast<u8>(values, validity, mask, groups, n, states, flags, stamps, stamp, count); }
export function agg_last_w2(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, stamps: usize, stamp: u32, count: u32): u32 { return pickLast<u16>(values, validity, mask, groups, n, states, flags, stamps, stamp, count); }
export function agg_last_w4(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, stamps: usize, stamp: u32, count: u32): u32 { return pickLast<u32>(values, validity, mask, groups, n, states, flags, stamps, stamp, count); }
export function agg_last_w8(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, stamps: usize, stamp: u32, count: u32): u32 { return pickLast<u64>(values, validity, mask, groups, n, states, flags, stamps, stamp, count); }
export function agg_last_w16(values: usize, validity: usize, mask: usize, groups: usize, n: u32, states: usize, flags: usize, stamps: usize, stamp: u32, count: u32): u32 { return pickLast<v128>(values, validity, mask, groups, n, states, flags, stamps, stamp, count); }

/**
 * The value of the row with the smallest order key (uint64, see order_*; a largest is a smallest of flipped keys). Among equal keys the
 * first row wins, or the last when `last`.
 */
// @ts-ignore: decorator
@inline
function pickBy<T>(last: u32, orders: usize, values: usize, validity: usize, mask: usize, groups: usize, n: u32, keys: usize, states: usize, flags: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    const valid = rowsOf(validity, base, n);
    for (let word = rowsOf(mask, base, n); word; word &= word - 1) {
      const bit = ctz(word);
      const i: usize = base + (bit as u32);
      const group: usize = groups ? load<u32>(groups + (i << 2)) as usize : 0;
      const key = load<u64>(orders + (i << 3));
      const at = keys + (group << 3);
      if (load<u8>(flags + group)) {
        const held = load<u64>(at);
        if (key > held || (key == held && !last)) continue;
      }
      store<u64>(at, key);
      store<u8>(flags + group, (valid >> bit) & 1 ? 1 : 2);
      if (isVector<T>()) memory.copy(states + (group << 4), values + (i << 4), 16);
      else store<T>(states + group * sizeof<T>(), load<T>(values + i * sizeof<T>()));
    }
  }
}
export function agg_pick_w1(last: u32, orders: usize, values: usize, validity: usize, mask: usize, groups: usize, n: u32, keys: usize, states: usize, flags: usize): void { pickBy<u8>(last, orders, values, validity, mask, groups, n, keys, states, flags); }
export function agg_pick_w2(last: u32, orders: usize, values: usize, validity: usize, mask: usize, groups: usize, n: u32, keys: usize, states: usize, flags: usize): void { pickBy<u16>(last, orders, values, validity, mask, groups, n, keys, states, flags); }
export function agg_pick_w4(last: u32, orders: usize, values: usize, validity: usize, mask: usize, groups: usize, n: u32, keys: usize, states: usize, flags: usize): void { pickBy<u32>(last, orders, values, validity, mask, groups, n, keys, states, flags); }
export function agg_pick_w8(last: u32, orders: usize, values: usize, validity: usize, mask: usize, groups: usize, n: u32, keys: usize, states: usize, flags: usize): void { pickBy<u64>(last, orders, values, validity, mask, groups, n, keys, states, flags); }
export function agg_pick_w16(last: u32, orders: usize, values: usize, validity: usize, mask: usize, groups: usize, n: u32, keys: usize, states: usize, flags: usize): void { pickBy<v128>(last, orders, values, validity, mask, groups, n, keys, states, flags); }
