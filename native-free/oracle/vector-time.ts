/** Twins of the kernels of timestamps, dates and intervals. */
import type { VectorKernels } from '../generated/vector.js';
import { firstError, type OracleMemory, rows, wrap } from './memory.js';

const floorDiv = (a: bigint, b: bigint) => {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
};

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

export function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : (MONTH_DAYS[month - 1] ?? 0);
}

/** Days before a year since year 1 of the proleptic Gregorian calendar, then since 1970. */
function yearStart(year: number): number {
  const y = year - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) - 719_162;
}

export function toDays(year: number, month: number, day: number): number {
  let days = yearStart(year) + day - 1;
  for (let m = 1; m < month; m++) days += daysInMonth(year, m);
  return days;
}

export function fromDays(days: number): readonly [number, number, number] {
  let year = Math.floor(days / 365.2425) + 1970;
  while (yearStart(year) > days) year--;
  while (yearStart(year + 1) <= days) year++;
  let day = days - yearStart(year) + 1;
  let month = 1;
  for (; day > daysInMonth(year, month); month++) day -= daysInMonth(year, month);
  return [year, month, day];
}

const fits64 = (value: bigint) => wrap('i64', value) === value;
const fits32 = (value: bigint) => wrap('i32', value) === value;

function partOf(part: number, days: number): number {
  const weekday = (((days + 3) % 7) + 7) % 7;
  const thursday = days - weekday + 3;
  const [year, month, day] = fromDays(days);
  const isoYear = fromDays(thursday)[0];
  const span = (length: number) => (year > 0 ? Math.ceil(year / length) : -Math.ceil((1 - year) / length));
  const parts = [
    year,
    Math.ceil(month / 3),
    month,
    day,
    (weekday + 1) % 7,
    weekday + 1,
    days - yearStart(year) + 1,
    Math.floor((thursday - yearStart(isoYear)) / 7) + 1,
    isoYear,
    Math.floor(year / 10),
    span(100),
    span(1000),
    days,
  ];
  return parts[part] ?? 0;
}

export function timeOracle(memory: OracleMemory): Partial<VectorKernels> {
  const at = (address: number, row: number) => memory.integer('i64', address, row);
  const put = (out: number, row: number, value: bigint) => memory.setInteger('i64', out, row, value);
  const dayOf = (a: number, row: number, perDay: number) => Number(floorDiv(at(a, row), at(perDay, 0)));
  const interval = (a: number, row: number) =>
    [BigInt(memory.i32(a + 16 * row)), BigInt(memory.i32(a + 16 * row + 4)), at(a + 16 * row + 8, 0)] as const;
  const putInterval = (out: number, row: number, months: bigint, days: bigint, ns: bigint) => {
    memory.setInteger('i32', out + 16 * row, 0, months);
    memory.setInteger('i32', out + 16 * row, 1, days);
    put(out + 16 * row, 1, ns);
  };
  const each = (n: number, action: (row: number) => void) => {
    for (const row of rows(n)) action(row);
  };
  return {
    bucket_i64: (a, aStep, width, origin, n, out, validity) =>
      firstError(memory, n, validity, (row) => {
        const [w, x] = [at(width, 0), at(a, row * aStep)];
        const offset = ((at(origin, 0) % w) + w) % w;
        const start = floorDiv(x - offset, w) * w + offset;
        put(out, row, start);
        return !fits64(start) || !fits64(x - offset);
      }),
    bucket_f64: (a, aStep, width, origin, n, out) =>
      each(n, (row) =>
        memory.setFloat('f64', out, row, Math.floor((memory.float('f64', a, row * aStep) - origin) / width) * width + origin),
      ),
    bucket_months_i64: (a, aStep, perDay, months, originMonth, n, out) =>
      each(n, (row) => {
        const [year, month] = fromDays(dayOf(a, row * aStep, perDay));
        const first = Math.floor((year * 12 + month - 1 - originMonth) / months) * months + originMonth;
        put(out, row, BigInt(toDays(Math.floor(first / 12), (((first % 12) + 12) % 12) + 1, 1)) * at(perDay, 0));
      }),
    floor_divide_i64: (a, aStep, width, n, out) => each(n, (row) => put(out, row, floorDiv(at(a, row * aStep), at(width, 0)))),
    floor_modulo_i64: (a, aStep, width, n, out) =>
      each(n, (row) => put(out, row, ((at(a, row * aStep) % at(width, 0)) + at(width, 0)) % at(width, 0))),
    month_index_i64: (a, aStep, perDay, n, out) =>
      each(n, (row) => {
        const [year, month] = fromDays(dayOf(a, row * aStep, perDay));
        put(out, row, BigInt(year * 12 + month - 1));
      }),
    date_part_i64: (part, a, aStep, perDay, n, out) => each(n, (row) => put(out, row, BigInt(partOf(part, dayOf(a, row * aStep, perDay))))),
    clock_part_i64: (a, aStep, shape, n, out) =>
      each(n, (row) => {
        const modulus = at(shape, 0);
        const rest = ((at(a, row * aStep) % modulus) + modulus) % modulus;
        put(out, row, (rest * at(shape, 1)) / at(shape, 2));
      }),
    add_interval_i64: (a, aStep, b, bStep, sign, shape, n, out, validity) =>
      firstError(memory, n, validity, (row) => {
        const [perDay, perTick] = [at(shape, 0), at(shape, 1)];
        const [months, days, ns] = interval(b, row * bStep);
        const s = BigInt(sign);
        let x = at(a, row * aStep);
        if (months !== 0n) {
          const day = floorDiv(x, perDay);
          const [year, month, dayOfMonth] = fromDays(Number(day));
          const index = year * 12 + month - 1 + Number(months * s);
          const [y, m] = [Math.floor(index / 12), (((index % 12) + 12) % 12) + 1];
          x = BigInt(toDays(y, m, Math.min(dayOfMonth, daysInMonth(y, m)))) * perDay + (x - day * perDay);
        }
        const partial = x + days * s * perDay;
        const total = partial + (ns / perTick) * s;
        put(out, row, total);
        const smallest = sign < 0 && ns === -(2n ** 63n);
        return ns % perTick !== 0n || smallest || ![x, days * perDay, partial, total].every(fits64);
      }),
    interval_from_ticks: (a, aStep, perTick, n, out, validity) =>
      firstError(memory, n, validity, (row) => {
        const ns = at(a, row * aStep) * at(perTick, 0);
        putInterval(out, row, 0n, 0n, ns);
        return !fits64(ns);
      }),
    add_interval: (a, aStep, b, bStep, sign, n, out, validity) =>
      firstError(memory, n, validity, (row) => {
        const [x, y] = [interval(a, row * aStep), interval(b, row * bStep)];
        const s = BigInt(sign);
        const [months, days, ns] = [x[0] + s * y[0], x[1] + s * y[1], x[2] + s * y[2]];
        putInterval(out, row, months, days, ns);
        return !fits32(months) || !fits32(days) || !fits64(ns);
      }),
    scale_interval: (a, aStep, b, bStep, divide, n, out, validity) =>
      firstError(memory, n, validity, (row) => {
        const [months, days, ns] = interval(a, row * aStep).map(Number) as [number, number, number];
        const factor = memory.float('f64', b, row * bStep);
        const scale = (x: number) => (divide ? x / factor : x * factor);
        const [m, d] = [scale(months), scale(days)];
        const spill = (m - Math.trunc(m)) * 30;
        const settled = Math.abs(spill - Math.round(spill)) < 1e-9 ? Math.round(spill) : spill;
        const rest = (d - Math.trunc(d) + (settled - Math.trunc(settled))) * 86400e6;
        const total = scale(ns) + roundEven(rest) * 1000;
        const wholeDays = Math.trunc(d) + Math.trunc(settled);
        const fits = Math.abs(Math.trunc(m)) < 2 ** 31 && Math.abs(wholeDays) < 2 ** 31 && Math.abs(total) < 9.2e18;
        if (fits) putInterval(out, row, BigInt(Math.trunc(m)), BigInt(wholeDays), BigInt(roundEven(total)));
        else putInterval(out, row, 0n, 0n, 0n);
        return !fits;
      }),
    interval_part: (part, a, aStep, n, out) => each(n, (row) => put(out, row, interval(a, row * aStep)[part as 0] ?? 0n)),
    interval_epoch: (a, aStep, n, out) =>
      each(n, (row) => {
        const [months, days, ns] = interval(a, row * aStep).map(Number) as [number, number, number];
        memory.setFloat('f64', out, row, (Math.trunc(months / 12) * 365.25 + (months % 12) * 30 + days) * 86_400 + ns / 1e9);
      }),
    age_i64: (b, bStep, a, aStep, shape, n, out) =>
      each(n, (row) => {
        const [perDay, perTick] = [at(shape, 0), at(shape, 1)];
        const [p, q] = [at(b, row * bStep), at(a, row * aStep)];
        const [late, early] = p > q ? [p, q] : [q, p];
        const [lateDay, earlyDay] = [floorDiv(late, perDay), floorDiv(early, perDay)];
        const [y1, m1, d1] = fromDays(Number(lateDay));
        const [y0, m0, d0] = fromDays(Number(earlyDay));
        let clock = late - lateDay * perDay - (early - earlyDay * perDay);
        let [months, days] = [(y1 - y0) * 12 + m1 - m0, d1 - d0];
        if (clock < 0n) [clock, days] = [clock + perDay, days - 1];
        if (days < 0) [days, months] = [days + daysInMonth(y0, m0), months - 1];
        const sign = p < q ? -1n : 1n;
        putInterval(out, row, BigInt(months) * sign, BigInt(days) * sign, clock * perTick * sign);
      }),
    make_days: (year, yearStep, month, monthStep, day, dayStep, n, out, validity) =>
      firstError(memory, n, validity, (row) => {
        const [y, m, d] = [at(year, row * yearStep), at(month, row * monthStep), at(day, row * dayStep)];
        const plausible = y > -5_000_000n && y < 5_000_000n && m >= 1n && m <= 12n && d >= 1n;
        const fits = plausible && d <= BigInt(daysInMonth(Number(y), Number(m)));
        put(out, row, fits ? BigInt(toDays(Number(y), Number(m), Number(d))) : 0n);
        return !fits;
      }),
  };
}

function roundEven(value: number): number {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}
