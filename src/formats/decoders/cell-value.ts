/**
 * Text of one value → the value, as a person may write it. The kernels read what is common; this reads the rest, one value at a time, and
 * says what is wrong with text that is none.
 */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, type IntegerKind, typeName } from '../../core/types.js';
import { civilFromDays, daysFromCivil } from '../../core/values.js';

const INTEGER_BITS: Readonly<Record<IntegerKind, number>> = {
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
  uint8: 8,
  uint16: 16,
  uint32: 32,
  uint64: 64,
};
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NAMED_FLOATS: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
};
const BOOLS: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  t: true,
  f: false,
  yes: true,
  no: false,
  y: true,
  n: false,
  on: true,
  off: false,
  '1': true,
  '0': false,
};

/** The value in the form of core/values.ts. Fails with `invalid_value`. */
export function cellValue(type: DataType, given: string): Value {
  const text = given.trim();
  switch (type.kind) {
    case 'utf8':
    case 'symbol':
      return given;
    case 'bool':
      return BOOLS[text.toLowerCase()] ?? refuse(type, given);
    case 'float64':
      return floatValue(type, text);
    case 'float32':
      return nearestFloat32(text, floatValue(type, text));
    case 'decimal':
      return decimalValue(type, text);
    case 'binary':
      return binaryValue(type, text);
    case 'interval':
      return intervalValue(type, text);
    case 'null':
    case 'uuid':
    case 'time64':
      return refuse(type, given);
    case 'date32':
      return dateValue(type, text);
    case 'timestamp':
      return timestampValue(type, text);
    case 'list':
    case 'struct':
      throw new DbError('unsupported', `values of type ${typeName(type)} are not read from text yet`, { hint: 'send them as Arrow' });
    default:
      return integerValue(type, type.kind, text);
  }
}

function refuse(type: DataType, text: string, why = ''): never {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  throw new DbError('invalid_value', `${JSON.stringify(shown)} is no ${typeName(type)}${why}`);
}

/** Integers also as 5.0 or 1e3, when that is exact. */
function integerValue(type: DataType, kind: IntegerKind, text: string): Value {
  if (!NUMBER.test(text)) refuse(type, text);
  const [, sign, whole, fraction, exponent] = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) as unknown as string[];
  const value = scaled(`${whole}${fraction}`, Number(exponent ?? 0) - (fraction ?? '').length);
  if (value === undefined) return refuse(type, text);
  const signed = sign === '-' ? -value : value;
  const bits = INTEGER_BITS[kind];
  const fits = kind.startsWith('u') ? BigInt.asUintN(bits, signed) === signed : BigInt.asIntN(bits, signed) === signed;
  if (!fits) refuse(type, text, ': it is out of range');
  return bits === 64 ? signed : Number(signed);
}

/** digits * 10^exponent when that is an integer of sane size. */
function scaled(digits: string, exponent: number): bigint | undefined {
  if (exponent > 400 || digits.length > 400) return undefined;
  if (exponent >= 0) return BigInt(digits) * 10n ** BigInt(exponent);
  const kept = digits.slice(0, exponent);
  return /^0*$/.test(digits.slice(exponent)) ? BigInt(kept === '' ? '0' : kept) : undefined;
}

function floatValue(type: DataType, text: string): number {
  if (NUMBER.test(text)) return Number(text);
  const named = NAMED_FLOATS[text.replace(/^[+-]/, '').toLowerCase()];
  return named === undefined ? refuse(type, text) : text.startsWith('-') ? -named : named;
}

/** Rounds once: a float64 halfway between two float32 says on which side the text itself lies. */
function nearestFloat32(text: string, value: number): number {
  const near = Math.fround(value);
  if (near === value || !Number.isFinite(near)) return near;
  const other = value + (value - near);
  if (Math.fround(other) !== other) return near;
  const [, digits, fraction, exponent] = /^[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) as unknown as string[];
  const size = Math.abs(value);
  const side = compareDecimal(`${digits}${fraction}`, Number(exponent ?? 0) - (fraction ?? '').length, size);
  if (side === 0) return near;
  const outer = Math.abs(near) > size ? near : other;
  const inner = outer === near ? other : near;
  return side > 0 ? outer : inner;
}

/** Sign of digits * 10^exponent − size, exactly. */
function compareDecimal(digits: string, exponent: number, size: number): number {
  // size = significand * 2^-binary, an integer over a power of two.
  let binary = 0;
  let significand = size;
  while (!Number.isInteger(significand)) {
    significand *= 2;
    binary++;
  }
  let left = BigInt(digits) << BigInt(binary);
  let right = BigInt(significand);
  if (exponent >= 0) left *= 10n ** BigInt(Math.min(exponent, 400));
  else right *= 10n ** BigInt(-exponent);
  return left > right ? 1 : left < right ? -1 : 0;
}

function decimalValue(type: DataType & { kind: 'decimal' }, text: string): bigint {
  if (!NUMBER.test(text)) refuse(type, text);
  const [, sign, whole, fraction, exponent] = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) as unknown as string[];
  const value = scaled(`${whole}${fraction}`, Number(exponent ?? 0) - (fraction ?? '').length + type.scale);
  if (value === undefined) return refuse(type, text, ': it has too many digits behind the point');
  if (value >= 10n ** BigInt(type.precision)) refuse(type, text, ': it has too many digits');
  return sign === '-' ? -value : value;
}

/** \x and hexadecimal digits (CSV's form), or base64 (JSON's). */
function binaryValue(type: DataType, text: string): Uint8Array {
  if (/^\\x(?:[0-9a-fA-F]{2})*$/.test(text)) return Buffer.from(text.slice(2), 'hex');
  if (/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return Buffer.from(text, 'base64');
  return refuse(type, text, ' (\\x and hexadecimal digits, or base64)');
}

const DATE = /^([+-]?\d{4,7})-(\d\d)-(\d\d)$/;
const INSTANT = /^([+-]?\d{4,12}-\d\d-\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)? ?(?:Z|([+-])(\d\d)(?::?(\d\d))?)?)?$/i;
const PLACES = { s: 0, ms: 3, us: 6, ns: 9 } as const;

function dateValue(type: DataType, text: string): number {
  const [, year, month, day] = DATE.exec(text) ?? refuse(type, text);
  const days = daysFromCivil(Number(year), Number(month), Number(day));
  const [y, m, d] = civilFromDays(days);
  if (y !== Number(year) || m !== Number(month) || d !== Number(day)) refuse(type, text, ': the calendar has no such day');
  if (Math.abs(days) >= 2 ** 31) refuse(type, text, ': it is out of range');
  return days;
}

/** What the kernel leaves: years of other than four digits, the ends of the range, and what is wrong. */
function timestampValue(type: DataType & { kind: 'timestamp' }, text: string): bigint {
  if (/^-?\d+$/.test(text)) return inRange(type, text, BigInt(text));
  const [, date, hours, minutes, seconds, fraction, sign, zoneHours, zoneMinutes] = INSTANT.exec(text) ?? refuse(type, text);
  const places = PLACES[type.unit];
  const digits = (fraction ?? '').replace(/0+$/, '');
  if (digits.length > places) refuse(type, text, ': it has more digits behind the second');
  if (Number(hours ?? 0) > 23 || Number(minutes ?? 0) > 59 || Number(seconds ?? 0) > 59) refuse(type, text, ': the day has no such time');
  const clock = Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  const east = (Number(zoneHours ?? 0) * 60 + Number(zoneMinutes ?? 0)) * (sign === '-' ? -60 : 60);
  const total = BigInt(dateValue(type, date as string)) * 86_400n + BigInt(clock - east);
  return inRange(type, text, total * 10n ** BigInt(places) + BigInt(digits.padEnd(places, '0') || 0));
}

function inRange(type: DataType, text: string, ticks: bigint): bigint {
  return BigInt.asIntN(64, ticks) === ticks ? ticks : refuse(type, text, ': it is out of range');
}

const DURATION = /^P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)W)?(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?)(\d+)(?:\.(\d{1,9}))?S)?)?$/;

/** ISO 8601 durations, as results have them. */
function intervalValue(type: DataType, text: string): Value {
  const match = DURATION.exec(text);
  if (!match || text === 'P') return refuse(type, text, ' (ISO 8601, such as P1DT2H)');
  const [, years, months, weeks, days, hours, minutes, minus, seconds, fraction] = match;
  const size = BigInt(seconds ?? 0) * 1_000_000_000n + BigInt((fraction ?? '').padEnd(9, '0') || 0);
  return {
    months: Number(years ?? 0) * 12 + Number(months ?? 0),
    days: Number(weeks ?? 0) * 7 + Number(days ?? 0),
    nanoseconds: BigInt(hours ?? 0) * 3_600_000_000_000n + BigInt(minutes ?? 0) * 60_000_000_000n + (minus === '-' ? -size : size),
  };
}
