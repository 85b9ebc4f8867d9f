/** Text ⇄ single values: what casts of text and typed literals accept, and how values read as text. */
import type { IntervalValue, Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, type TimeUnit, typeName, UNITS_PER_SECOND } from '../../core/types.js';
import { civilFromDays, dateText, daysFromCivil, decimalText, timestampText, timeText } from '../../core/values.js';
import { integerRange } from '../functions/types.js';
import { intervalPostgresText, parseInterval } from './interval-text.js';
import { nestedFromText, nestedToText } from './nested-text.js';
import { zoneOffsetSeconds } from './zones.js';

export { parseInterval } from './interval-text.js';

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

function invalid(text: string, type: string): DbError {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return new DbError('invalid_value', `'${shown}' is not a valid ${type}`);
}

const DATE = '([+-]?\\d{4,6})-(\\d{1,2})(?:-(\\d{1,2}))?';
const CLOCK = '(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d+))?)?';
const ZONE = '(Z|UTC|GMT|[+-]\\d{2}(?::?\\d{2})?(?::?\\d{2})?|[A-Za-z]+(?:/[A-Za-z0-9_+-]+)+)';
const TIMESTAMP = new RegExp(`^\\s*${DATE}(?:[T\\s]\\s*${CLOCK})?\\s*${ZONE}?\\s*$`, 'i');
const TIME = new RegExp(`^\\s*${CLOCK}\\s*(Z|UTC)?\\s*$`, 'i');

/**
 * Ticks of `unit` since the epoch. Accepts `2026-01-01`, `2026-01`, `2026-01-01T10:00`, `2026-01-01 10:00:00.123456789+02:00`, a trailing Z,
 * and a zone name. Without an offset the text means wall time in `timezone` (UTC when null). Digits beyond the unit are rounded.
 */
export function parseTimestamp(text: string, unit: TimeUnit, timezone: string | null = null): bigint {
  const match = TIMESTAMP.exec(text);
  if (!match) {
    if (/^\s*epoch\s*$/i.test(text)) return 0n;
    throw invalid(text, 'timestamp');
  }
  const days = civilDays(text, match[1], match[2], match[3], 'timestamp');
  const clock = match[4] === undefined ? 0n : clockNanoseconds(text, match.slice(4, 8), 'timestamp');
  const local = BigInt(days) * 86_400n;
  const zone = match[8] ?? timezone;
  const offset = zone === null || zone === undefined ? 0 : offsetSeconds(zone, Number(local + clock / 1_000_000_000n));
  const ticks = inUnit(local * 1_000_000_000n + clock - BigInt(offset) * 1_000_000_000n, unit);
  if (ticks > INT64_MAX || ticks < INT64_MIN) throw new DbError('invalid_value', `'${text}' is outside the range of timestamp[${unit}]`);
  return ticks;
}

/** Nanoseconds → ticks, rounded half up as PostgreSQL rounds to microseconds. */
function inUnit(nanoseconds: bigint, unit: TimeUnit): bigint {
  const per = 1_000_000_000n / UNITS_PER_SECOND[unit];
  const shifted = nanoseconds + per / 2n;
  const quotient = shifted / per;
  return shifted % per < 0n ? quotient - 1n : quotient;
}

function offsetSeconds(zone: string, localSeconds: number): number {
  const match = /^([+-])(\d{2}):?(\d{2})?:?(\d{2})?$/.exec(zone);
  if (!match) return zoneOffsetSeconds(zone, localSeconds, 'local');
  const seconds = Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60 + Number(match[4] ?? 0);
  return match[1] === '-' ? -seconds : seconds;
}

function civilDays(text: string, year: string | undefined, month: string | undefined, day: string | undefined, type: string): number {
  const [y, m, d] = [Number(year), Number(month), Number(day ?? 1)];
  const days = daysFromCivil(y, m, d);
  const [y2, m2, d2] = civilFromDays(days);
  if (m < 1 || m > 12 || y !== y2 || m !== m2 || d !== d2) throw invalid(text, type);
  return days;
}

function clockNanoseconds(text: string, fields: readonly (string | undefined)[], type: string): bigint {
  const [hour, minute, second] = [Number(fields[0]), Number(fields[1]), Number(fields[2] ?? 0)];
  const fraction = BigInt((fields[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (hour > 24 || minute > 59 || second > 60 || (hour === 24 && (minute > 0 || second > 0 || fraction > 0n))) throw invalid(text, type);
  return BigInt(hour * 3600 + minute * 60 + second) * 1_000_000_000n + fraction;
}

/** Days since the epoch. A time of day after the date is accepted and dropped, as in PostgreSQL. */
function parseDate(text: string): number {
  const match = TIMESTAMP.exec(text);
  if (!match) {
    if (/^\s*epoch\s*$/i.test(text)) return 0;
    throw invalid(text, 'date');
  }
  return civilDays(text, match[1], match[2], match[3], 'date');
}

/** Ticks since midnight. */
function parseTime(text: string, unit: 'us' | 'ns'): bigint {
  const match = TIME.exec(text);
  if (match) return inUnit(clockNanoseconds(text, match.slice(1, 5), 'time'), unit);
  const stamp = TIMESTAMP.exec(text);
  if (stamp?.[4] === undefined) throw invalid(text, 'time');
  return inUnit(clockNanoseconds(text, stamp.slice(4, 8), 'time'), unit);
}

/** Unscaled value at `scale`, rounded half away from zero. `invalid_value` for other text, `numeric_overflow` beyond the precision. */
export function parseDecimal(text: string, precision: number, scale: number): bigint {
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,4}))?\s*$/i.exec(text);
  const whole = match?.[2] ?? '';
  const fraction = match?.[3] ?? '';
  if (!match || whole + fraction === '') throw invalid(text, typeName({ kind: 'decimal', precision, scale }));
  const digits = BigInt(whole + fraction);
  const shift = scale - fraction.length + Number(match[4] ?? 0);
  const unscaled =
    shift >= 0 ? (digits === 0n ? 0n : shift > 80 ? 10n ** 80n : digits * 10n ** BigInt(shift)) : roundedShift(digits, -shift);
  if (unscaled >= 10n ** BigInt(precision)) {
    throw new DbError('numeric_overflow', `'${text}' does not fit ${typeName({ kind: 'decimal', precision, scale })}`);
  }
  return match[1] === '-' ? -unscaled : unscaled;
}

function roundedShift(digits: bigint, places: number): bigint {
  const divisor = 10n ** BigInt(places);
  return (digits + divisor / 2n) / divisor;
}

function parseInteger(text: string, type: DataType): bigint {
  const range = integerRange(type);
  const match = /^\s*([+-]?)(\d+|0x[0-9a-f]+|0b[01]+|0o[0-7]+)\s*$/i.exec(text);
  let value: bigint;
  if (match) value = BigInt(match[2] ?? '0') * (match[1] === '-' ? -1n : 1n);
  else if (/^\s*[+-]?(\d+\.\d*|\.\d+|\d+)(e[+-]?\d+)?\s*$/i.test(text)) value = parseDecimal(text, 38, 0);
  else throw invalid(text, type.kind);
  if (range && (value < range[0] || value > range[1]))
    throw new DbError('numeric_overflow', `'${text.trim()}' is outside the range of ${type.kind}`);
  return value;
}

function parseFloat64(text: string): number {
  const trimmed = text.trim();
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(trimmed);
  if (special) return special[2]?.toLowerCase() === 'nan' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) throw invalid(text, 'float64');
  return Number(trimmed);
}

const TRUE_WORDS = ['t', 'tr', 'tru', 'true', 'y', 'ye', 'yes', 'on', '1'];
const FALSE_WORDS = ['f', 'fa', 'fal', 'fals', 'false', 'n', 'no', 'of', 'off', '0'];

function parseBoolean(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (TRUE_WORDS.includes(word)) return true;
  if (FALSE_WORDS.includes(word)) return false;
  throw invalid(text, 'bool');
}

/** Canonical lower-case text of a uuid. */
function parseUuid(text: string): string {
  const hex = text
    .trim()
    .replace(/^\{|\}$/g, '')
    .replaceAll('-', '')
    .toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) throw invalid(text, 'uuid');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** `\x00ff` is hexadecimal; any other text means its UTF-8 bytes. */
function parseBinary(text: string): Uint8Array {
  if (!text.startsWith('\\x')) return new TextEncoder().encode(text);
  const hex = text.slice(2);
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw invalid(text, 'binary');
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** A value of `type` (in the form of valueAt()) from its text. Fails with `invalid_value` or `numeric_overflow`. */
export function valueFromText(text: string, type: DataType): Value {
  switch (type.kind) {
    case 'null':
      return null;
    case 'bool':
      return parseBoolean(text);
    case 'int64':
    case 'uint64':
      return parseInteger(text, type);
    case 'float32':
      return Math.fround(parseFloat64(text));
    case 'float64':
      return parseFloat64(text);
    case 'decimal':
      return parseDecimal(text, type.precision, type.scale);
    case 'utf8':
    case 'symbol':
      return text;
    case 'binary':
      return parseBinary(text);
    case 'uuid':
      return parseUuid(text);
    case 'date32':
      return parseDate(text);
    case 'time64':
      return parseTime(text, type.unit);
    case 'timestamp':
      return parseTimestamp(text, type.unit, type.timezone);
    case 'interval':
      return parseInterval(text);
    case 'list':
    case 'struct':
      return nestedFromText(text, type, valueFromText);
    default:
      return Number(parseInteger(text, type));
  }
}

/** What CAST(value AS utf8) gives; null for NULL. */
export function valueToText(value: Value, type: DataType): string | null {
  if (value === null) return null;
  switch (type.kind) {
    case 'float32':
      return float32Text(value as number);
    case 'float64':
      return floatText(value as number);
    case 'decimal':
      return decimalText(value as bigint, type.scale);
    case 'binary':
      return `\\x${Buffer.from(value as Uint8Array).toString('hex')}`;
    case 'date32':
      return dateText(value as number);
    case 'time64':
      return timeText(value as bigint, type.unit);
    case 'timestamp':
      return timestampText(value as bigint, type.unit);
    case 'interval':
      return intervalPostgresText(value as IntervalValue);
    case 'list':
    case 'struct':
      return nestedToText(value, type, valueToText);
    default:
      return String(value);
  }
}

export function floatText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

/** The shortest text that reads back as the same float32. */
function float32Text(value: number): string {
  if (!Number.isFinite(value) || value === 0) return floatText(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}
