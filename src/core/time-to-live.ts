/** The span of a TTL clause: `90 DAYS`, `12h`, `1 month`, `INTERVAL '2 weeks'`, `1h30m`. */
import { monthsBefore } from './partitions.js';
import { type DataType, UNITS_PER_SECOND } from './types.js';

export interface TimeToLive {
  readonly months: number;
  readonly days: number;
  readonly nanoseconds: bigint;
}

const SECOND = 1_000_000_000n;

type Unit = keyof TimeToLive;

/** By the singular, in lower case; single letters and short forms are those of durations. */
const UNITS: Readonly<Record<string, readonly [Unit, bigint]>> = {
  year: ['months', 12n],
  y: ['months', 12n],
  quarter: ['months', 3n],
  month: ['months', 1n],
  mon: ['months', 1n],
  week: ['days', 7n],
  w: ['days', 7n],
  day: ['days', 1n],
  d: ['days', 1n],
  hour: ['nanoseconds', 3600n * SECOND],
  h: ['nanoseconds', 3600n * SECOND],
  minute: ['nanoseconds', 60n * SECOND],
  min: ['nanoseconds', 60n * SECOND],
  m: ['nanoseconds', 60n * SECOND],
  second: ['nanoseconds', SECOND],
  sec: ['nanoseconds', SECOND],
  s: ['nanoseconds', SECOND],
  millisecond: ['nanoseconds', 1_000_000n],
  ms: ['nanoseconds', 1_000_000n],
  microsecond: ['nanoseconds', 1000n],
  us: ['nanoseconds', 1000n],
  nanosecond: ['nanoseconds', 1n],
  ns: ['nanoseconds', 1n],
};

/** undefined: not a span of whole units, or none at all. */
export function parseTimeToLive(text: string): TimeToLive | undefined {
  const plain = text
    .trim()
    .replace(/^interval\s*/i, '')
    .replaceAll("'", ' ')
    .trim();
  if (!/^(?:\d+\s*[a-zµ]+[\s,]*)+$/i.test(plain)) return undefined;
  const sum = { months: 0n, days: 0n, nanoseconds: 0n };
  for (const [, digits = '', word = ''] of plain.matchAll(/(\d+)\s*([a-zµ]+)/gi)) {
    // 1M is a month as in durations, 1m a minute.
    const name = word === 'M' ? 'month' : word.toLowerCase().replace('µ', 'u');
    const unit = UNITS[name] ?? UNITS[name.replace(/s$/, '')];
    if (unit === undefined) return undefined;
    sum[unit[0]] += BigInt(digits) * unit[1];
  }
  if (sum.months + sum.days + sum.nanoseconds <= 0n || sum.months > 120_000n || sum.days > 4_000_000n) return undefined;
  return { months: Number(sum.months), days: Number(sum.days), nanoseconds: sum.nanoseconds };
}

/** Ticks of a timestamp type, the span earlier. */
export function beforeTicks(
  ticks: bigint,
  type: Extract<DataType, { kind: 'timestamp' }>,
  { months, days, nanoseconds }: TimeToLive,
): bigint {
  const perSecond = UNITS_PER_SECOND[type.unit];
  const start = months === 0 ? ticks : monthsBefore(ticks, type, months);
  return start - BigInt(days) * 86_400n * perSecond - (nanoseconds * perSecond) / SECOND;
}
