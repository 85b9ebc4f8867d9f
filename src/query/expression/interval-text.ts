/** Intervals as text: PostgreSQL's words and clocks, ISO 8601, and durations such as 5m or 1h30m. */
import type { IntervalValue } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';

/** One unit as [months, days, nanoseconds]. */
type UnitShape = readonly [number, number, bigint];

const MONTH: UnitShape = [1, 0, 0n];
const YEAR: UnitShape = [12, 0, 0n];
const DAY: UnitShape = [0, 1, 0n];
const HOUR: UnitShape = [0, 0, 3_600_000_000_000n];
const MINUTE: UnitShape = [0, 0, 60_000_000_000n];
const SECOND: UnitShape = [0, 0, 1_000_000_000n];
const MILLISECOND: UnitShape = [0, 0, 1_000_000n];
const MICROSECOND: UnitShape = [0, 0, 1_000n];
const NANOSECOND: UnitShape = [0, 0, 1n];

const UNITS: ReadonlyMap<string, UnitShape> = new Map<string, UnitShape>(
  (
    [
      ['millennium millennia millenniums mil mils', [12_000, 0, 0n]],
      ['century centuries cent c', [1200, 0, 0n]],
      ['decade decades dec decs', [120, 0, 0n]],
      ['year years yr yrs y', YEAR],
      ['quarter quarters qtr q', [3, 0, 0n]],
      ['month months mon mons mo', MONTH],
      ['week weeks w', [0, 7, 0n]],
      ['day days d', DAY],
      ['hour hours hr hrs h', HOUR],
      ['minute minutes min mins m', MINUTE],
      ['second seconds sec secs s', SECOND],
      ['millisecond milliseconds msec msecs msecond mseconds ms', MILLISECOND],
      ['microsecond microseconds usec usecs us µs μs', MICROSECOND],
      ['nanosecond nanoseconds nsec nsecs ns n', NANOSECOND],
    ] as const
  ).flatMap(([names, shape]) => names.split(' ').map((name) => [name, shape] as const)),
);

/** The [months, days, nanoseconds] of one unit by any of its names; undefined for an unknown name. `M` alone is a month, `m` a minute. */
function intervalUnit(name: string): UnitShape | undefined {
  return name === 'M' ? MONTH : UNITS.get(name.toLowerCase());
}

class Sum {
  months = 0;
  days = 0;
  nanoseconds = 0n;

  /** Adds `digits[.fraction]` units; the fraction of a month becomes days (30 a month), that of a day nanoseconds. */
  add(negative: boolean, whole: string, fraction: string, unit: UnitShape): void {
    const sign = negative ? -1 : 1;
    const count = Number(whole || '0');
    const part = Number(`0.${fraction || '0'}`);
    if (unit[0] !== 0) {
      const months = part * unit[0];
      const days = (months - Math.trunc(months)) * 30;
      this.months += sign * (count * unit[0] + Math.trunc(months));
      this.addDays(sign, 0, days);
    } else if (unit[1] !== 0) this.addDays(sign, count * unit[1], part * unit[1]);
    else {
      const exact =
        BigInt(whole || '0') * unit[2] + BigInt(Math.round(Number((fraction || '0').padEnd(9, '0').slice(0, 9)) * Number(unit[2]) * 1e-9));
      this.nanoseconds += BigInt(sign) * exact;
    }
  }

  private addDays(sign: number, days: number, part: number): void {
    const whole = Math.trunc(part);
    this.days += sign * (days + whole);
    this.nanoseconds += BigInt(sign) * BigInt(Math.round((part - whole) * 86_400_000_000)) * 1000n;
  }
}

const ITEM = /^\s*([+-]?)(?:(\d+):(\d{2})(?::(\d{2})(?:\.(\d+))?)?|(\d*)(?:\.(\d*))?\s*([A-Za-zµμ]+)|(\d+)(?:\.(\d+))?(?=\s*$))[\s,]*/;

/** `1 year 2 mons 3 days 04:05:06.789`, `1 hour 30 minutes`, `-2 days`, `3 hours ago`, `P1Y2M3DT4H5M6.5S`, `5m`, `1h30m`, `250ms`; a bare number is seconds. */
export function parseInterval(text: string): IntervalValue {
  const sum = new Sum();
  let rest = text.trim().replace(/^@\s*/, '');
  const ago = /\s+ago$/i.test(rest);
  if (ago) rest = rest.replace(/\s+ago$/i, '');
  const iso = /^-?P/i.test(rest);
  if (rest === '') throw invalid(text);
  if (iso) parseIso(text, rest, sum);
  else {
    while (rest !== '') {
      const match = ITEM.exec(rest);
      if (!match) throw invalid(text);
      addItem(text, match, sum);
      rest = rest.slice(match[0].length);
    }
  }
  return checked(text, sum, ago);
}

function addItem(text: string, match: RegExpExecArray, sum: Sum): void {
  const negative = match[1] === '-';
  if (match[2] !== undefined) {
    sum.add(negative, match[2], '', HOUR);
    sum.add(negative, match[3] ?? '', '', MINUTE);
    sum.add(negative, match[4] ?? '', match[5] ?? '', SECOND);
    return;
  }
  if (match[9] !== undefined) {
    sum.add(negative, match[9], match[10] ?? '', SECOND);
    return;
  }
  const unit = intervalUnit(match[8] ?? '');
  if (!unit || ((match[6] ?? '') === '' && (match[7] ?? '') === '')) throw invalid(text);
  sum.add(negative, match[6] ?? '', match[7] ?? '', unit);
}

const ISO_DATE: Readonly<Record<string, UnitShape>> = { Y: YEAR, M: MONTH, W: [0, 7, 0n], D: DAY };
const ISO_TIME: Readonly<Record<string, UnitShape>> = { H: HOUR, M: MINUTE, S: SECOND };

function parseIso(text: string, source: string, sum: Sum): void {
  const negative = source.startsWith('-');
  const [date, time] = source
    .slice(negative ? 2 : 1)
    .toUpperCase()
    .split('T');
  for (const [section, units] of [
    [date ?? '', ISO_DATE],
    [time ?? '', ISO_TIME],
  ] as const) {
    const items = [...section.matchAll(/([+-]?)(\d+)(?:[.,](\d+))?([YMWDHS])/g)];
    if (items.map((item) => item[0]).join('') !== section) throw invalid(text);
    for (const item of items) {
      const unit = units[item[4] ?? ''];
      if (!unit) throw invalid(text);
      sum.add((item[1] === '-') !== negative, item[2] ?? '', item[3] ?? '', unit);
    }
  }
  if ((date ?? '') === '' && (time ?? '') === '') throw invalid(text);
}

function checked(text: string, sum: Sum, ago: boolean): IntervalValue {
  const sign = ago ? -1 : 1;
  const months = sum.months * sign || 0;
  const days = sum.days * sign || 0;
  const nanoseconds = sum.nanoseconds * BigInt(sign);
  const wide = (n: number) => n < -(2 ** 31) || n > 2 ** 31 - 1;
  if (wide(months) || wide(days) || BigInt.asIntN(64, nanoseconds) !== nanoseconds)
    throw new DbError('invalid_value', `'${text}' is outside the range of interval`);
  return { months, days, nanoseconds };
}

function invalid(text: string): DbError {
  return new DbError('invalid_value', `'${text.slice(0, 60)}' is not a valid interval`, {
    hint: "try '1 hour 30 minutes', '90m' or 'P1DT2H'",
  });
}

/** PostgreSQL's text: `1 year 2 mons 3 days 04:05:06.789`; `00:00:00` for none. */
export function intervalPostgresText(value: IntervalValue): string {
  const years = Math.trunc(value.months / 12);
  const months = value.months % 12;
  const words = [
    ...(years === 0 ? [] : [`${years} ${Math.abs(years) === 1 ? 'year' : 'years'}`]),
    ...(months === 0 ? [] : [`${months} ${Math.abs(months) === 1 ? 'mon' : 'mons'}`]),
    ...(value.days === 0 ? [] : [`${value.days} ${Math.abs(value.days) === 1 ? 'day' : 'days'}`]),
  ];
  if (value.nanoseconds === 0n && words.length > 0) return words.join(' ');
  const ns = value.nanoseconds < 0n ? -value.nanoseconds : value.nanoseconds;
  const two = (n: bigint) => String(n).padStart(2, '0');
  const fraction = String(ns % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const clock = `${two(ns / 3_600_000_000_000n)}:${two((ns / 60_000_000_000n) % 60n)}:${two((ns / 1_000_000_000n) % 60n)}`;
  return [...words, `${value.nanoseconds < 0n ? '-' : ''}${clock}${fraction === '' ? '' : `.${fraction}`}`].join(' ');
}
