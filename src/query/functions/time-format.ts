/** Writing timestamps by a format, value by value. */
import { type DataType, UNITS_PER_SECOND } from '../../core/types.js';
import { civilFromDays, daysFromCivil } from '../../core/values.js';

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** Sunday 0. */
  readonly weekday: number;
  readonly dayOfYear: number;
  readonly isoYear: number;
  readonly isoWeek: number;
  readonly epochSeconds: bigint;
  readonly zone: string;
}

function momentOf(ticks: bigint, type: DataType): Moment {
  const perSecond = type.kind === 'timestamp' ? UNITS_PER_SECOND[type.unit] : 1n;
  const rest = ((ticks % perSecond) + perSecond) % perSecond;
  const epochSeconds = (ticks - rest) / perSecond;
  const seconds = Number(epochSeconds);
  const days = Math.floor(seconds / 86_400);
  const clock = seconds - days * 86_400;
  const [year, month, day] = civilFromDays(days);
  const weekday = (((days + 4) % 7) + 7) % 7;
  const thursday = days - ((weekday + 6) % 7) + 3;
  const isoYear = civilFromDays(thursday)[0];
  return {
    year,
    month,
    day,
    hour: Math.floor(clock / 3600),
    minute: Math.floor(clock / 60) % 60,
    second: clock % 60,
    nanosecond: Number(rest * (1_000_000_000n / perSecond)),
    weekday,
    dayOfYear: days - daysFromCivil(year, 1, 1) + 1,
    isoYear,
    isoWeek: Math.floor((thursday - daysFromCivil(isoYear, 1, 1)) / 7) + 1,
    epochSeconds,
    zone: type.kind === 'timestamp' && type.timezone !== null ? type.timezone : 'UTC',
  };
}

const pad = (value: number, width: number) => String(value).padStart(width, '0');
const hour12 = (moment: Moment) => moment.hour % 12 || 12;
const half = (moment: Moment) => (moment.hour < 12 ? 'AM' : 'PM');
const monthName = (moment: Moment) => MONTHS[moment.month - 1] ?? '';
const dayName = (moment: Moment) => DAYS[moment.weekday] ?? '';

const STRFTIME: Readonly<Record<string, (moment: Moment) => string>> = {
  Y: (m) => pad(m.year, 4),
  y: (m) => pad(m.year % 100, 2),
  m: (m) => pad(m.month, 2),
  d: (m) => pad(m.day, 2),
  e: (m) => String(m.day).padStart(2, ' '),
  H: (m) => pad(m.hour, 2),
  I: (m) => pad(hour12(m), 2),
  M: (m) => pad(m.minute, 2),
  S: (m) => pad(m.second, 2),
  f: (m) => pad(Math.floor(m.nanosecond / 1000), 6),
  g: (m) => pad(Math.floor(m.nanosecond / 1_000_000), 3),
  n: (m) => pad(m.nanosecond, 9),
  j: (m) => pad(m.dayOfYear, 3),
  a: (m) => dayName(m).slice(0, 3),
  A: dayName,
  b: (m) => monthName(m).slice(0, 3),
  B: monthName,
  p: half,
  u: (m) => String(m.weekday || 7),
  w: (m) => String(m.weekday),
  V: (m) => pad(m.isoWeek, 2),
  G: (m) => pad(m.isoYear, 4),
  F: (m) => `${pad(m.year, 4)}-${pad(m.month, 2)}-${pad(m.day, 2)}`,
  T: (m) => `${pad(m.hour, 2)}:${pad(m.minute, 2)}:${pad(m.second, 2)}`,
  s: (m) => String(m.epochSeconds),
  z: () => '+0000',
  Z: (m) => m.zone,
  '%': () => '%',
};

/** strftime's codes; an unknown one stays as it is. */
export function formatTimestamp(ticks: bigint, type: DataType, format: string): string {
  const moment = momentOf(ticks, type);
  return format.replace(/%-?([a-zA-Z%])/g, (whole, code: string) => {
    const written = STRFTIME[code]?.(moment);
    if (written === undefined) return whole;
    return whole.startsWith('%-') ? written.replace(/^[0 ]+(?=\d)/, '') : written;
  });
}

const POSTGRES: readonly (readonly [string, (moment: Moment) => string])[] = [
  ['YYYY', (m) => pad(m.year, 4)],
  ['YY', (m) => pad(m.year % 100, 2)],
  ['IYYY', (m) => pad(m.isoYear, 4)],
  ['MONTH', (m) => monthName(m).toUpperCase().padEnd(9)],
  ['Month', (m) => monthName(m).padEnd(9)],
  ['month', (m) => monthName(m).toLowerCase().padEnd(9)],
  ['MON', (m) => monthName(m).slice(0, 3).toUpperCase()],
  ['Mon', (m) => monthName(m).slice(0, 3)],
  ['mon', (m) => monthName(m).slice(0, 3).toLowerCase()],
  ['MM', (m) => pad(m.month, 2)],
  ['MI', (m) => pad(m.minute, 2)],
  ['MS', (m) => pad(Math.floor(m.nanosecond / 1_000_000), 3)],
  ['DAY', (m) => dayName(m).toUpperCase().padEnd(9)],
  ['Day', (m) => dayName(m).padEnd(9)],
  ['day', (m) => dayName(m).toLowerCase().padEnd(9)],
  ['DY', (m) => dayName(m).slice(0, 3).toUpperCase()],
  ['Dy', (m) => dayName(m).slice(0, 3)],
  ['dy', (m) => dayName(m).slice(0, 3).toLowerCase()],
  ['DDD', (m) => pad(m.dayOfYear, 3)],
  ['DD', (m) => pad(m.day, 2)],
  ['ID', (m) => String(m.weekday || 7)],
  ['D', (m) => String(m.weekday + 1)],
  ['HH24', (m) => pad(m.hour, 2)],
  ['HH12', (m) => pad(hour12(m), 2)],
  ['HH', (m) => pad(hour12(m), 2)],
  ['SSSS', (m) => String(m.hour * 3600 + m.minute * 60 + m.second)],
  ['SS', (m) => pad(m.second, 2)],
  ['US', (m) => pad(Math.floor(m.nanosecond / 1000), 6)],
  ['NS', (m) => pad(m.nanosecond, 9)],
  ['IW', (m) => pad(m.isoWeek, 2)],
  ['Q', (m) => String(Math.ceil(m.month / 3))],
  ['AM', half],
  ['PM', half],
  ['am', (m) => half(m).toLowerCase()],
  ['pm', (m) => half(m).toLowerCase()],
  ['TZ', (m) => m.zone],
];

/** PostgreSQL's patterns; text in double quotes and unknown characters stay, FM before a pattern takes its padding away. */
export function postgresFormat(ticks: bigint, type: DataType, format: string): string {
  const moment = momentOf(ticks, type);
  let text = '';
  for (let at = 0; at < format.length; ) {
    const quoted = /^"([^"]*)"/.exec(format.slice(at));
    if (quoted) {
      text += quoted[1] ?? '';
      at += quoted[0].length;
      continue;
    }
    const bare = format.startsWith('FM', at);
    const found = POSTGRES.find(([name]) => format.startsWith(name, at + (bare ? 2 : 0)));
    if (!found) {
      text += format[at] ?? '';
      at += 1;
      continue;
    }
    const written = found[1](moment);
    text += bare ? written.trim().replace(/^0+(?=\d)/, '') : written;
    at += found[0].length + (bare ? 2 : 0);
  }
  return text;
}
