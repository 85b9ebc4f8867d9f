/** Reading times by a format: strptime's codes and PostgreSQL's patterns. */
import { DbError } from '../../core/errors.js';
import { daysFromCivil } from '../../core/values.js';
import { zoneOffsetSeconds } from '../expression/zones.js';

/** What a format may read; fields that it does not name keep these values. */
interface Fields {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  /** Hours are of the half day; then pm says which. */
  half: boolean;
  pm: boolean;
  bc: boolean;
  dayOfYear: number;
  epoch: bigint | null;
  offsetSeconds: number | null;
  zone: string | null;
}

export interface ReadTime {
  /** Nanoseconds since the epoch, of wall time where neither offset nor zone was read. */
  readonly nanoseconds: bigint;
  readonly zoned: boolean;
}

type Reader = readonly [pattern: string, read: (fields: Fields, text: string) => void];

const MONTHS = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'];
const MONTH_WORD = '[A-Za-z]{3,9}';
const DAY_WORD = '[A-Za-z]{3,9}';

function monthOf(text: string): number {
  const index = MONTHS.findIndex((name) => name.startsWith(text.toLowerCase()));
  return index < 0 || text.length < 3 ? Number.NaN : index + 1;
}

const number =
  (set: (fields: Fields, value: number) => void) =>
  (fields: Fields, text: string): void =>
    set(fields, Number(text));

const year = number((f, v) => {
  f.year = v;
});
const shortYear = number((f, v) => {
  f.year = v + (v < 70 ? 2000 : 1900);
});
const month = number((f, v) => {
  f.month = v;
});
const day = number((f, v) => {
  f.day = v;
});
const hour = number((f, v) => {
  f.hour = v;
});
const hour12 = number((f, v) => {
  f.hour = v;
  f.half = true;
});
const minute = number((f, v) => {
  f.minute = v;
});
const second = number((f, v) => {
  f.second = v;
});
const dayOfYear = number((f, v) => {
  f.dayOfYear = v;
});
const fraction = (f: Fields, text: string): void => {
  f.nanosecond = Number(text.slice(0, 9).padEnd(9, '0'));
};
const meridiem = (f: Fields, text: string): void => {
  f.pm = /^p/i.test(text);
  f.half = true;
};
const monthName = (f: Fields, text: string): void => {
  f.month = monthOf(text);
};
const offset = (f: Fields, text: string): void => {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(text);
  if (!match) f.offsetSeconds = 0;
  else f.offsetSeconds = (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60);
};
const zoneName = (f: Fields, text: string): void => {
  f.zone = text;
};
const epoch = (f: Fields, text: string): void => {
  f.epoch = BigInt(text);
};
const nothing = (): void => undefined;

const STRPTIME: Readonly<Record<string, readonly Reader[]>> = {
  Y: [['[+-]?\\d{1,4}', year]],
  y: [['\\d{1,2}', shortYear]],
  m: [['\\d{1,2}', month]],
  d: [['\\d{1,2}', day]],
  e: [['\\s?\\d{1,2}', day]],
  H: [['\\d{1,2}', hour]],
  I: [['\\d{1,2}', hour12]],
  M: [['\\d{1,2}', minute]],
  S: [['\\d{1,2}', second]],
  f: [['\\d{1,9}', fraction]],
  g: [['\\d{1,3}', fraction]],
  n: [['\\d{1,9}', fraction]],
  j: [['\\d{1,3}', dayOfYear]],
  a: [[DAY_WORD, nothing]],
  A: [[DAY_WORD, nothing]],
  b: [[MONTH_WORD, monthName]],
  B: [[MONTH_WORD, monthName]],
  p: [['[AaPp][Mm]', meridiem]],
  z: [['Z|[+-]\\d{2}(?::?\\d{2})?', offset]],
  Z: [['[A-Za-z]+(?:/[A-Za-z0-9_+-]+)*', zoneName]],
  s: [['-?\\d+', epoch]],
  F: [
    ['[+-]?\\d{1,4}', year],
    ['-', nothing],
    ['\\d{1,2}', month],
    ['-', nothing],
    ['\\d{1,2}', day],
  ],
  T: [
    ['\\d{1,2}', hour],
    [':', nothing],
    ['\\d{1,2}', minute],
    [':', nothing],
    ['\\d{1,2}', second],
  ],
  '%': [['%', nothing]],
};

const POSTGRES: readonly (readonly [string, Reader])[] = [
  ['YYYY', ['[+-]?\\d{1,4}', year]],
  ['YYY', ['\\d{1,3}', shortYear]],
  ['YY', ['\\d{1,2}', shortYear]],
  ['MONTH', [MONTH_WORD, monthName]],
  ['MON', ['[A-Za-z]{3}', monthName]],
  ['MM', ['\\d{1,2}', month]],
  ['MI', ['\\d{1,2}', minute]],
  ['MS', ['\\d{1,3}', fraction]],
  ['DAY', [DAY_WORD, nothing]],
  ['DY', ['[A-Za-z]{3}', nothing]],
  ['DDD', ['\\d{1,3}', dayOfYear]],
  ['DD', ['\\d{1,2}', day]],
  ['HH24', ['\\d{1,2}', hour]],
  ['HH12', ['\\d{1,2}', hour12]],
  ['HH', ['\\d{1,2}', hour12]],
  [
    'SSSS',
    [
      '\\d{1,5}',
      number((f, v) => {
        f.hour = Math.floor(v / 3600);
        f.minute = Math.floor(v / 60) % 60;
        f.second = v % 60;
      }),
    ],
  ],
  ['SS', ['\\d{1,2}', second]],
  ['US', ['\\d{1,6}', fraction]],
  ['NS', ['\\d{1,9}', fraction]],
  ['FF', ['\\d{1,9}', fraction]],
  ['A.M.', ['[AaPp]\\.[Mm]\\.', meridiem]],
  ['P.M.', ['[AaPp]\\.[Mm]\\.', meridiem]],
  ['AM', ['[AaPp][Mm]', meridiem]],
  ['PM', ['[AaPp][Mm]', meridiem]],
  [
    'BC',
    [
      '[A-Za-z]{2}',
      (f, text) => {
        f.bc = /^b/i.test(text);
      },
    ],
  ],
  [
    'AD',
    [
      '[A-Za-z]{2}',
      (f, text) => {
        f.bc = /^b/i.test(text);
      },
    ],
  ],
  [
    'TZH',
    [
      '[+-]?\\d{1,2}',
      number((f, v) => {
        f.offsetSeconds = v * 3600;
      }),
    ],
  ],
  [
    'TZM',
    [
      '\\d{1,2}',
      number((f, v) => {
        f.offsetSeconds = (f.offsetSeconds ?? 0) + Math.sign(f.offsetSeconds ?? 1) * v * 60;
      }),
    ],
  ],
  ['TZ', ['[A-Za-z]+(?:/[A-Za-z0-9_+-]+)*', zoneName]],
  ['OF', ['Z|[+-]\\d{2}(?::?\\d{2})?', offset]],
];

interface Format {
  readonly regex: RegExp;
  readonly readers: readonly Reader[];
}

const formats = new Map<string, Format>();
const quoted = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

function compiled(key: string, compile: () => { source: string; readers: readonly Reader[] }): Format {
  let format = formats.get(key);
  if (!format) {
    const { source, readers } = compile();
    format = { regex: new RegExp(`^\\s*${source}\\s*$`), readers };
    if (formats.size >= 500) formats.clear();
    formats.set(key, format);
  }
  return format;
}

/** The time that the text says by strptime's codes; undefined when it is of another form. Fails with `invalid_argument` for an unknown code. */
export function readByCodes(text: string, format: string): ReadTime | undefined {
  const { regex, readers } = compiled(`%${format}`, () => {
    const found: Reader[] = [];
    const source = format
      .split(/(%-?[a-zA-Z%])/)
      .map((part, i) => {
        if (i % 2 === 0) return quoted(part).replace(/\s+/g, '\\s+');
        const codes = STRPTIME[part.at(-1) ?? ''];
        if (!codes) throw new DbError('invalid_argument', `'${part}' is no code of strptime`);
        found.push(...codes);
        return codes.map(([pattern]) => `(${pattern})`).join('');
      })
      .join('');
    return { source, readers: found };
  });
  return readBy(text, regex, readers);
}

/** The time that the text says by PostgreSQL's patterns; undefined when it is of another form. */
export function readByPatterns(text: string, format: string): ReadTime | undefined {
  const { regex, readers } = compiled(`P${format}`, () => {
    const found: Reader[] = [];
    let source = '';
    for (let at = 0; at < format.length; ) {
      const rest = format.slice(at).toUpperCase();
      if (rest.startsWith('FM') || rest.startsWith('TH') || rest.startsWith('FX')) {
        at += 2;
        continue;
      }
      const known = POSTGRES.find(([name]) => rest.startsWith(name));
      if (known) {
        found.push(known[1]);
        source += `(${known[1][0]})`;
        at += known[0].length;
        continue;
      }
      const text = /^"([^"]*)"/.exec(format.slice(at));
      const character = text ? (text[1] ?? '') : (format[at] as string);
      // Separators stand for one another, and for none between letters and digits.
      source += /^[^A-Za-z0-9]$/.test(character) ? '[^A-Za-z0-9+-]*[-]?[^A-Za-z0-9+-]*' : quoted(character);
      at += text ? text[0].length : 1;
    }
    return { source, readers: found };
  });
  return readBy(text, regex, readers);
}

function readBy(text: string, regex: RegExp, readers: readonly Reader[]): ReadTime | undefined {
  const match = regex.exec(text);
  if (!match) return undefined;
  const fields: Fields = {
    year: 1900,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    half: false,
    pm: false,
    bc: false,
    dayOfYear: 0,
    epoch: null,
    offsetSeconds: null,
    zone: null,
  };
  for (const [i, [, read]] of readers.entries()) read(fields, (match[i + 1] ?? '').trim());
  return timeOf(fields);
}

/** Undefined when there is no such day or time. */
function timeOf(fields: Fields): ReadTime | undefined {
  if (fields.epoch !== null) return { nanoseconds: fields.epoch * 1_000_000_000n, zoned: true };
  const { month: m, day: d, minute: min, second: s } = fields;
  if (fields.half && (fields.hour < 1 || fields.hour > 12)) return undefined;
  const h = fields.half ? (fields.hour % 12) + (fields.pm ? 12 : 0) : fields.hour;
  const y = fields.bc ? 1 - fields.year : fields.year;
  if (!(m >= 1 && m <= 12 && d >= 1 && d <= 31 && h <= 23 && min <= 59 && s <= 59)) return undefined;
  let days = daysFromCivil(y, m, d);
  if (fields.dayOfYear > 0) days = daysFromCivil(y, 1, 1) + fields.dayOfYear - 1;
  else if (days >= daysFromCivil(m === 12 ? y + 1 : y, (m % 12) + 1, 1)) return undefined;
  const local = days * 86_400 + h * 3600 + min * 60 + s;
  const shift = fields.offsetSeconds ?? (fields.zone === null ? null : zoneOffsetSeconds(fields.zone, local, 'local'));
  return { nanoseconds: BigInt(local - (shift ?? 0)) * 1_000_000_000n + BigInt(fields.nanosecond), zoned: shift !== null };
}
