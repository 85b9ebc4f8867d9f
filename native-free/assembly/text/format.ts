// Numbers and times → text: n + 1 offsets from 0, and bytes (room for the longest text of each row).
import { civilDay, civilMonth, civilYear, floorDiv, splitDays } from '../shared/calendar';

/** Writes the decimal digits of x, at least `width` of them, and gives the address after them. */
function digits(out: usize, x: u64, width: i32): usize {
  let count = 1;
  for (let y = x; y >= 10; y /= 10) count++;
  if (count < width) count = width;
  for (let k = count - 1; k >= 0; k--) {
    store<u8>(out + k, <u8>(48 + x % 10));
    x /= 10;
  }
  return out + count;
}

/** At most 20 bytes each. */
export function format_i64(a: usize, n: i32, outOffsets: usize, out: usize): void {
  let at = out;
  for (let i = 0; i < n; i++) {
    store<i32>(outOffsets + (<usize>i << 2), <i32>(at - out));
    const x = load<i64>(a + (<usize>i << 3));
    if (x < 0) store<u8>(at++, 45);
    at = digits(at, x < 0 ? 0 - <u64>x : <u64>x, 1);
  }
  store<i32>(outOffsets + (<usize>n << 2), <i32>(at - out));
}

export function format_u64(a: usize, n: i32, outOffsets: usize, out: usize): void {
  let at = out;
  for (let i = 0; i < n; i++) {
    store<i32>(outOffsets + (<usize>i << 2), <i32>(at - out));
    at = digits(at, load<u64>(a + (<usize>i << 3)), 1);
  }
  store<i32>(outOffsets + (<usize>n << 2), <i32>(at - out));
}

function date(at: usize, days: i64): usize {
  splitDays(days);
  if (civilYear < 0) store<u8>(at++, 45);
  at = digits(at, civilYear < 0 ? 0 - <u64>civilYear : <u64>civilYear, 4);
  store<u8>(at++, 45);
  at = digits(at, civilMonth, 2);
  store<u8>(at++, 45);
  return digits(at, civilDay, 2);
}

function clock(at: usize, ticks: i64, perSecond: i64, places: i32): usize {
  const seconds = ticks / perSecond;
  at = digits(at, seconds / 3600, 2);
  store<u8>(at++, 58);
  at = digits(at, (seconds / 60) % 60, 2);
  store<u8>(at++, 58);
  at = digits(at, seconds % 60, 2);
  if (places == 0) return at;
  store<u8>(at++, 46);
  return digits(at, ticks % perSecond, places);
}

/** Dates (i32 days); at most 16 bytes each. */
export function format_date32(a: usize, n: i32, outOffsets: usize, out: usize): void {
  let at = out;
  for (let i = 0; i < n; i++) {
    store<i32>(outOffsets + (<usize>i << 2), <i32>(at - out));
    at = date(at, load<i32>(a + (<usize>i << 2)));
  }
  store<i32>(outOffsets + (<usize>n << 2), <i32>(at - out));
}

/** RFC 3339 in UTC with `places` digits of a second; at most 40 bytes each. kind: 0 timestamp, 1 time of day. */
export function format_time(kind: i32, a: usize, n: i32, places: i32, outOffsets: usize, out: usize): void {
  let perSecond: i64 = 1;
  for (let k = 0; k < places; k++) perSecond *= 10;
  const perDay = perSecond * 86400;
  let at = out;
  for (let i = 0; i < n; i++) {
    store<i32>(outOffsets + (<usize>i << 2), <i32>(at - out));
    const x = load<i64>(a + (<usize>i << 3));
    if (kind == 1) {
      at = clock(at, x < 0 ? 0 : x, perSecond, places);
      continue;
    }
    const day = floorDiv(x, perDay);
    at = date(at, day);
    store<u8>(at++, 84);
    at = clock(at, x - day * perDay, perSecond, places);
    store<u8>(at++, 90);
  }
  store<i32>(outOffsets + (<usize>n << 2), <i32>(at - out));
}
