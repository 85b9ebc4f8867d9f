// Timestamps (ticks since the epoch), dates (days), intervals. Ticks per day and widths come by pointer to an i64.
import { bitIsSet } from '../shared/bitmap';
import { civilDay, civilMonth, civilYear, daysFromCivil, daysInMonth, floorDiv, splitDays } from '../shared/calendar';

// @ts-ignore: decorator
@inline
function at64(a: usize, i: i32): i64 {
  return load<i64>(a + (<usize>i << 3));
}

/**
 * Start of the bucket of `width` ticks, counted from the origin, that holds the value. Neighbours are mostly in one bucket, so the last
 * bucket is tried before dividing. The result is the first row (not null) whose bucket starts before the range of i64, or −1.
 */
export function bucket_i64(a: usize, aStep: i32, width: usize, origin: usize, n: i32, out: usize, validity: usize): i32 {
  const w = load<i64>(width);
  let o = load<i64>(origin) % w;
  if (o < 0) o += w;
  const inverse = 1.0 / <f64>w;
  let low: i64 = 0;
  let known = false;
  let bad = -1;
  for (let i = 0; i < n; i++) {
    if (known && aStep == 1) i = sameBucket(a, i, n, low, w, out);
    if (i >= n) break;
    const x = at64(a, i * aStep);
    if (!known || <u64>(x - low) >= <u64>w || x < low) {
      known = true;
      const d = x - o;
      let q = w >= 2048 ? <i64>Math.floor(<f64>d * inverse) : floorDiv(d, w);
      let r = d - q * w;
      if (r < 0) r += w;
      else if (r >= w) r -= w;
      if (r < 0 || r >= w) r = d - floorDiv(d, w) * w;
      low = x - r;
      if ((d > x || low > x) && bad < 0 && bitIsSet(validity, i)) bad = i;
    }
    store<i64>(out + (<usize>i << 3), low);
  }
  return bad;
}

/** Writes `low` for the rows from i on that lie in [low, low + w), four at a time; the first row that is left. */
// @ts-ignore: decorator
@inline
function sameBucket(a: usize, i: i32, n: i32, low: i64, w: i64, out: usize): i32 {
  const lows = i64x2.splat(low), widths = i64x2.splat(w), zero = i64x2.splat(0);
  for (; i + 4 <= n; i += 4) {
    const at = a + (<usize>i << 3);
    const p = v128.load(at), q = v128.load(at, 16);
    const x = i64x2.sub(p, lows), y = i64x2.sub(q, lows);
    // A distance of more than 2⁶³ wraps, so the order is asked for as well.
    const after = v128.and(i64x2.ge_s(p, lows), i64x2.ge_s(q, lows));
    const near = v128.and(v128.and(i64x2.ge_s(x, zero), i64x2.lt_s(x, widths)), v128.and(i64x2.ge_s(y, zero), i64x2.lt_s(y, widths)));
    if (!i64x2.all_true(v128.and(after, near))) return i;
    v128.store(out + (<usize>i << 3), lows);
    v128.store(out + (<usize>i << 3), lows, 16);
  }
  return i;
}

/** The same for number widths in float64. */
export function bucket_f64(a: usize, aStep: i32, width: f64, origin: f64, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) store<f64>(out + (<usize>i << 3), Math.floor((load<f64>(a + (<usize>(i * aStep) << 3)) - origin) / width) * width + origin);
}

/** Start of the bucket of `months` months; the first bucket of all starts at month `originMonth` (months since year 0), day 1. */
export function bucket_months_i64(a: usize, aStep: i32, ticksPerDay: usize, months: i32, originMonth: i32, n: i32, out: usize): void {
  const perDay = load<i64>(ticksPerDay);
  let low: i64 = 1, high: i64 = 0;
  for (let i = 0; i < n; i++) {
    const x = at64(a, i * aStep);
    if (x < low || x >= high) {
      splitDays(floorDiv(x, perDay));
      const month = civilYear * 12 + civilMonth - 1;
      const first = floorDiv(month - originMonth, months) * months + originMonth;
      low = monthStart(first) * perDay;
      high = monthStart(first + months) * perDay;
      if (high <= low) high = low;
    }
    store<i64>(out + (<usize>i << 3), low);
  }
}

function monthStart(month: i64): i64 {
  const year = floorDiv(month, 12);
  return daysFromCivil(year, month - year * 12 + 1, 1);
}

/** floor(value / width): ticks to days, index of an hour, …. */
export function floor_divide_i64(a: usize, aStep: i32, width: usize, n: i32, out: usize): void {
  const w = load<i64>(width);
  let low: i64 = 0, quotient: i64 = 0;
  for (let i = 0; i < n; i++) {
    const x = at64(a, i * aStep);
    if (<u64>(x - low) >= <u64>w || x < low) {
      quotient = floorDiv(x, w);
      low = quotient * w;
    }
    store<i64>(out + (<usize>i << 3), quotient);
  }
}

/** value − floor(value / width) · width: time of day. */
export function floor_modulo_i64(a: usize, aStep: i32, width: usize, n: i32, out: usize): void {
  const w = load<i64>(width);
  for (let i = 0; i < n; i++) {
    const r = at64(a, i * aStep) % w;
    store<i64>(out + (<usize>i << 3), r < 0 ? r + w : r);
  }
}

/** Months since year 0 of each timestamp. */
export function month_index_i64(a: usize, aStep: i32, ticksPerDay: usize, n: i32, out: usize): void {
  const perDay = load<i64>(ticksPerDay);
  for (let i = 0; i < n; i++) {
    splitDays(floorDiv(at64(a, i * aStep), perDay));
    store<i64>(out + (<usize>i << 3), civilYear * 12 + civilMonth - 1);
  }
}

function isoWeekYear(days: i64, wantYear: bool): i64 {
  const weekday = ((days + 3) % 7 + 7) % 7; // Monday 0
  const thursday = days - weekday + 3;
  splitDays(thursday);
  return wantYear ? civilYear : (thursday - daysFromCivil(civilYear, 1, 1)) / 7 + 1;
}

/** A year counted in spans of `span` years, without a year 0: centuries and millennia. */
// @ts-ignore: decorator
@inline
function spanOfYears(year: i64, span: i64): i64 {
  return year > 0 ? (year + span - 1) / span : -((span - 1 - (year - 1)) / span);
}

/**
 * Calendar parts: 0 year, 1 quarter, 2 month, 3 day, 4 dow (Sunday 0), 5 isodow (Monday 1), 6 doy, 7 week (ISO), 8 isoyear, 9 decade,
 * 10 century, 11 millennium, 12 days since the epoch.
 */
export function date_part_i64(part: i32, a: usize, aStep: i32, ticksPerDay: usize, n: i32, out: usize): void {
  const perDay = load<i64>(ticksPerDay);
  let low: i64 = 0, value: i64 = 0;
  let known = false;
  for (let i = 0; i < n; i++) {
    const x = at64(a, i * aStep);
    if (!known || x < low || <u64>(x - low) >= <u64>perDay) {
      const days = floorDiv(x, perDay);
      low = days * perDay;
      known = true;
      value = partOf(part, days);
    }
    store<i64>(out + (<usize>i << 3), value);
  }
}

function partOf(part: i32, days: i64): i64 {
  switch (part) {
    case 4: return ((days + 4) % 7 + 7) % 7;
    case 5: return ((days + 3) % 7 + 7) % 7 + 1;
    case 7: return isoWeekYear(days, false);
    case 8: return isoWeekYear(days, true);
    case 12: return days;
  }
  splitDays(days);
  const year = civilYear;
  switch (part) {
    case 0: return year;
    case 1: return (civilMonth + 2) / 3;
    case 2: return civilMonth;
    case 3: return civilDay;
    case 6: return days - daysFromCivil(year, 1, 1) + 1;
    case 9: return floorDiv(year, 10);
    case 10: return spanOfYears(year, 100);
    default: return spanOfYears(year, 1000);
  }
}

/**
 * Parts of the clock: (value mod `modulus` ticks) · factor / divisor, truncated: hour, minute, second, milliseconds of the minute, ….
 * The three i64 lie one after another at `shape`.
 */
export function clock_part_i64(a: usize, aStep: i32, shape: usize, n: i32, out: usize): void {
  const modulus = load<i64>(shape), factor = load<i64>(shape, 8), divisor = load<i64>(shape, 16);
  for (let i = 0; i < n; i++) {
    let r = at64(a, i * aStep) % modulus;
    if (r < 0) r += modulus;
    store<i64>(out + (<usize>i << 3), r * factor / divisor);
  }
}

// @ts-ignore: decorator
@inline
function addWraps(x: i64, y: i64): bool {
  const r = x + y;
  return ((x ^ r) & (y ^ r)) < 0;
}

// @ts-ignore: decorator
@inline
function mulWraps(x: i64, y: i64): bool {
  if (x == 0 || y == 0) return false;
  if (y == -1) return x == i64.MIN_VALUE;
  return (x * y) / y != x;
}

/**
 * timestamp + sign · interval: months first (the day is cut to the month's last), then days, then nanoseconds. `shape`: ticks per day,
 * nanoseconds per tick. The result is the first row (not null) that overflows or whose nanoseconds are no whole ticks; −1: none.
 */
export function add_interval_i64(a: usize, aStep: i32, b: usize, bStep: i32, sign: i32, shape: usize, n: i32, out: usize, validity: usize): i32 {
  const perDay = load<i64>(shape), perTick = load<i64>(shape, 8);
  let bad = -1;
  for (let i = 0; i < n; i++) {
    let x = at64(a, i * aStep);
    const iv = b + (<usize>(i * bStep) << 4);
    const months = <i64>load<i32>(iv) * sign, days = <i64>load<i32>(iv, 4) * sign;
    const ns = load<i64>(iv, 8);
    let wrong = ns % perTick != 0 || (sign < 0 && ns == i64.MIN_VALUE);
    if (months != 0) {
      const day = floorDiv(x, perDay);
      const clock = x - day * perDay;
      splitDays(day);
      const month = civilYear * 12 + civilMonth - 1 + months;
      const year = floorDiv(month, 12);
      const m = <i32>(month - year * 12) + 1;
      const d = min(civilDay, daysInMonth(year, m));
      const target = daysFromCivil(year, m, d);
      wrong = wrong || mulWraps(target, perDay) || addWraps(target * perDay, clock);
      x = target * perDay + clock;
    }
    const shift = days * perDay, ticks = (ns / perTick) * sign;
    wrong = wrong || mulWraps(days, perDay) || addWraps(x, shift) || addWraps(x + shift, ticks);
    store<i64>(out + (<usize>i << 3), x + shift + ticks);
    if (wrong && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}

/** n intervals of (0, 0, ticks · nanosecondsPerTick); first row that overflows, or −1. */
export function interval_from_ticks(a: usize, aStep: i32, perTick: usize, n: i32, out: usize, validity: usize): i32 {
  const factor = load<i64>(perTick);
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const x = at64(a, i * aStep);
    store<i64>(out + (<usize>i << 4), 0);
    store<i64>(out + (<usize>i << 4), x * factor, 8);
    if (mulWraps(x, factor) && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}

/** a + sign · b by field; first row that overflows, or −1. */
export function add_interval(a: usize, aStep: i32, b: usize, bStep: i32, sign: i32, n: i32, out: usize, validity: usize): i32 {
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const x = a + (<usize>(i * aStep) << 4), y = b + (<usize>(i * bStep) << 4), r = out + (<usize>i << 4);
    const months = <i64>load<i32>(x) + <i64>load<i32>(y) * sign;
    const days = <i64>load<i32>(x, 4) + <i64>load<i32>(y, 4) * sign;
    const xn = load<i64>(x, 8), yn = load<i64>(y, 8);
    const s = xn + yn * sign;
    const wraps = sign > 0 ? ((xn ^ s) & (yn ^ s)) < 0 : ((xn ^ yn) & (xn ^ s)) < 0;
    store<i32>(r, <i32>months);
    store<i32>(r, <i32>days, 4);
    store<i64>(r, s, 8);
    if ((wraps || <i64>(<i32>months) != months || <i64>(<i32>days) != days) && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}

/** interval · factor as PostgreSQL: the fraction of a month becomes days (30), that of a day time. Division: pass 1 / factor. */
export function scale_interval(a: usize, aStep: i32, b: usize, bStep: i32, divide: i32, n: i32, out: usize, validity: usize): i32 {
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const x = a + (<usize>(i * aStep) << 4), r = out + (<usize>i << 4);
    const operand = load<f64>(b + (<usize>(i * bStep) << 3));
    const months = scaled(<f64>load<i32>(x), operand, divide);
    const wholeMonths = trunc<f64>(months);
    const fromMonths = settleDays((months - wholeMonths) * 30);
    const days = scaled(<f64>load<i32>(x, 4), operand, divide);
    const wholeDays = trunc<f64>(days);
    const sumDays = trunc<f64>(fromMonths);
    const ns = scaled(<f64>load<i64>(x, 8), operand, divide) + nearest<f64>((days - wholeDays + (fromMonths - sumDays)) * 86400e6) * 1000;
    const fits = abs<f64>(wholeMonths) < 2147483648 && abs<f64>(wholeDays + sumDays) < 2147483648 && abs<f64>(ns) < 9.2e18;
    store<i32>(r, fits ? <i32>wholeMonths : 0);
    store<i32>(r, fits ? <i32>(wholeDays + sumDays) : 0, 4);
    store<i64>(r, fits ? <i64>nearest<f64>(ns) : 0, 8);
    if (!fits && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}

// @ts-ignore: decorator
@inline
function scaled(x: f64, operand: f64, divide: i32): f64 {
  return divide ? x / operand : x * operand;
}

/** Days to the microsecond: 0.1 month is 3 days, not 2.9999999999999996. */
// @ts-ignore: decorator
@inline
function settleDays(days: f64): f64 {
  const whole = nearest<f64>(days);
  return abs<f64>(days - whole) < 1e-9 ? whole : days;
}

/** Parts of intervals: 0 months, 1 days, 2 nanoseconds (as i64). */
export function interval_part(part: i32, a: usize, aStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const x = a + (<usize>(i * aStep) << 4);
    store<i64>(out + (<usize>i << 3), part == 0 ? <i64>load<i32>(x) : part == 1 ? <i64>load<i32>(x, 4) : load<i64>(x, 8));
  }
}

/** Seconds of intervals: a year is 365.25 days, a month 30 days, as in PostgreSQL. */
export function interval_epoch(a: usize, aStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const x = a + (<usize>(i * aStep) << 4);
    const months = load<i32>(x);
    const days = <f64>(months / 12) * 365.25 + <f64>(months % 12) * 30 + <f64>load<i32>(x, 4);
    store<f64>(out + (<usize>i << 3), days * 86400 + <f64>load<i64>(x, 8) / 1e9);
  }
}

/** Interval from a to b in years, months, days and time, as PostgreSQL's age(b, a). `shape`: ticks per day, nanoseconds per tick. */
export function age_i64(b: usize, bStep: i32, a: usize, aStep: i32, shape: usize, n: i32, out: usize): void {
  const perDay = load<i64>(shape), perTick = load<i64>(shape, 8);
  for (let i = 0; i < n; i++) {
    const p = at64(b, i * bStep), q = at64(a, i * aStep);
    const late = max(p, q), early = min(p, q);
    const lateDays = floorDiv(late, perDay), earlyDays = floorDiv(early, perDay);
    splitDays(earlyDays);
    const y0 = civilYear;
    const m0 = civilMonth, d0 = civilDay;
    splitDays(lateDays);
    let clock = (late - lateDays * perDay) - (early - earlyDays * perDay);
    let days = civilDay - d0;
    let months = (civilYear - y0) * 12 + (civilMonth - m0);
    if (clock < 0) { clock += perDay; days--; }
    if (days < 0) { days += daysInMonth(y0, m0); months--; }
    const sign = p < q ? -1 : 1;
    const r = out + (<usize>i << 4);
    store<i32>(r, <i32>months * sign);
    store<i32>(r, days * sign, 4);
    store<i64>(r, clock * perTick * <i64>sign, 8);
  }
}

/** Days of (year, month, day), all i64; first row (not null) that is no date, or −1. */
export function make_days(year: usize, yearStep: i32, month: usize, monthStep: i32, day: usize, dayStep: i32, n: i32, out: usize, validity: usize): i32 {
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const y = at64(year, i * yearStep), m = at64(month, i * monthStep), d = at64(day, i * dayStep);
    const fits = y > -5_000_000 && y < 5_000_000 && m >= 1 && m <= 12 && d >= 1 && d <= <i64>daysInMonth(y, <i32>m);
    store<i64>(out + (<usize>i << 3), fits ? daysFromCivil(y, m, d) : 0);
    if (!fits && bad < 0 && bitIsSet(validity, i)) bad = i;
  }
  return bad;
}
