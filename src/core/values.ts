/** Reading single values out of vectors, and their text. For shells, tests, parameters and small results; never on the path of many rows. */
import type { Arena } from './arena.js';
import { assert } from './assert.js';
import type { Value, Vector } from './batch.js';
import type { DataType, TimeUnit } from './types.js';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function isValid(arena: Arena, vector: Vector, row: number): boolean {
  if (vector.type.kind === 'null') return false;
  if (vector.validity === 0) return true;
  const bit = vector.encoding === 'constant' ? 0 : row;
  return (((arena.u8[vector.validity + (bit >> 3)] as number) >> (bit & 7)) & 1) === 1;
}

/**
 * The value of one row. int64, uint64, time64 and timestamp (ticks of the unit) and decimal (unscaled) come as bigint, date32 as number of days,
 * uuid as text, the rest as the JavaScript value one expects.
 */
export function valueAt(arena: Arena, vector: Vector, row: number): Value {
  assert(row >= 0 && row < vector.length, `row ${row} of ${vector.length}`);
  if (!isValid(arena, vector, row)) return null;
  if (vector.encoding === 'dictionary') {
    const dictionary = vector.dictionary;
    assert(dictionary, 'a dictionary vector has a dictionary');
    return bytesValue(arena, vector.type, dictionary.offsets, dictionary.values, arena.i32[vector.values / 4 + row] as number);
  }
  return flatValue(arena, vector, vector.encoding === 'constant' ? 0 : row);
}

function flatValue(arena: Arena, vector: Vector, row: number): Value {
  const { type, values } = vector;
  switch (type.kind) {
    case 'null':
      return null;
    case 'bool':
      return (((arena.u8[values + (row >> 3)] as number) >> (row & 7)) & 1) === 1;
    case 'int8':
      return arena.i8[values + row] as number;
    case 'uint8':
      return arena.u8[values + row] as number;
    case 'int16':
      return arena.i16[values / 2 + row] as number;
    case 'uint16':
      return arena.u16[values / 2 + row] as number;
    case 'int32':
    case 'date32':
      return arena.i32[values / 4 + row] as number;
    case 'uint32':
      return arena.u32[values / 4 + row] as number;
    case 'int64':
    case 'timestamp':
    case 'time64':
      return arena.i64[values / 8 + row] as bigint;
    case 'uint64':
      return arena.u64[values / 8 + row] as bigint;
    case 'float32':
      return arena.f32[values / 4 + row] as number;
    case 'float64':
      return arena.f64[values / 8 + row] as number;
    case 'decimal':
      return ((arena.i64[values / 8 + 2 * row + 1] as bigint) << 64n) | (arena.u64[values / 8 + 2 * row] as bigint);
    case 'uuid':
      return uuidText(arena.u8.slice(values + 16 * row, values + 16 * row + 16));
    case 'interval': {
      const word = values / 4 + 4 * row;
      return {
        months: arena.i32[word] as number,
        days: arena.i32[word + 1] as number,
        nanoseconds: arena.i64[values / 8 + 2 * row + 1] as bigint,
      };
    }
    case 'utf8':
    case 'symbol':
    case 'binary':
      return bytesValue(arena, type, vector.offsets, values, row);
    case 'list': {
      const child = vector.children[0];
      assert(child, 'a list has a child');
      const first = arena.i32[vector.offsets / 4 + row] as number;
      const end = arena.i32[vector.offsets / 4 + row + 1] as number;
      return Array.from({ length: end - first }, (_, i) => valueAt(arena, child, first + i));
    }
    case 'struct':
      return Object.fromEntries(type.fields.map((field, i) => [field.name, valueAt(arena, vector.children[i] as Vector, row)]));
  }
}

function bytesValue(arena: Arena, type: DataType, offsets: number, values: number, row: number): Value {
  const first = values + (arena.i32[offsets / 4 + row] as number);
  const bytes = arena.u8.slice(first, values + (arena.i32[offsets / 4 + row + 1] as number));
  return type.kind === 'binary' ? bytes : decoder.decode(bytes);
}

function uuidText(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const DIGITS = { s: 0, ms: 3, us: 6, ns: 9 } as const satisfies Record<TimeUnit, number>;
const SECONDS_PER_DAY = 86_400n;

/** Days since 1970-01-01 → [year, month 1–12, day 1–31] of the proleptic Gregorian calendar; years before 1 are 0, -1, …. */
export function civilFromDays(days: number): [number, number, number] {
  const z = days + 719468;
  const era = Math.floor(z / 146097);
  const dayOfEra = z - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1];
}

/** [year, month, day] → days since 1970-01-01; the inverse of civilFromDays. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

export function dateText(days: number): string {
  const [year, month, day] = civilFromDays(days);
  const sign = year < 0 ? '-' : '';
  return `${sign}${String(Math.abs(year)).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

/** RFC 3339 with the digits of the unit, in UTC: 2026-01-01T00:00:00.000000001Z. */
export function timestampText(ticks: bigint, unit: TimeUnit): string {
  const perSecond = 10n ** BigInt(DIGITS[unit]);
  const perDay = SECONDS_PER_DAY * perSecond;
  const days = (ticks - (((ticks % perDay) + perDay) % perDay)) / perDay;
  return `${dateText(Number(days))}T${timeText(ticks - days * perDay, unit)}Z`;
}

/** hh:mm:ss with the digits of the unit. */
export function timeText(ticks: bigint, unit: TimeUnit): string {
  const perSecond = 10n ** BigInt(DIGITS[unit]);
  const seconds = Number(ticks / perSecond);
  const two = (n: number) => String(n).padStart(2, '0');
  const fraction = DIGITS[unit] === 0 ? '' : `.${String(ticks % perSecond).padStart(DIGITS[unit], '0')}`;
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${fraction}`;
}

export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** ISO 8601 duration text of an interval: P1Y2M3DT4H5M6.5S. */
export function intervalText(months: number, days: number, nanoseconds: bigint): string {
  const years = Math.trunc(months / 12);
  const rest = months % 12;
  const date = `${years ? `${years}Y` : ''}${rest ? `${rest}M` : ''}${days ? `${days}D` : ''}`;
  const negative = nanoseconds < 0n;
  const ns = negative ? -nanoseconds : nanoseconds;
  const sign = negative ? '-' : '';
  const hours = ns / 3_600_000_000_000n;
  const minutes = (ns / 60_000_000_000n) % 60n;
  const fraction = String(ns % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const seconds = `${(ns / 1_000_000_000n) % 60n}${fraction ? `.${fraction}` : ''}`;
  const time = `${hours ? `${sign}${hours}H` : ''}${minutes ? `${sign}${minutes}M` : ''}${seconds !== '0' ? `${sign}${seconds}S` : ''}`;
  return date === '' && time === '' ? 'PT0S' : `P${date}${time === '' ? '' : `T${time}`}`;
}
