/** Dates, ISO texts and uuids that JavaScript callers pass, as stored values. */
import { DbError } from '../core/errors.js';
import { type TimeUnit, UNITS_PER_SECOND } from '../core/types.js';
import { civilFromDays, daysFromCivil } from '../core/values.js';

/** Fails with `invalid_value` for an invalid Date. */
export function ticksFromDate(date: Date, unit: TimeUnit): bigint {
  const milliseconds = date.getTime();
  if (Number.isNaN(milliseconds)) throw new DbError('invalid_value', 'an invalid Date is not a timestamp');
  const perSecond = UNITS_PER_SECOND[unit];
  if (unit === 's') return BigInt(Math.floor(milliseconds / 1000));
  return BigInt(milliseconds) * (perSecond / 1000n);
}

const ISO = /^(-?\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;

/** RFC 3339 / ISO 8601 text (no zone = UTC) → ticks. Fails with `invalid_value`, also when the unit cannot hold the digits. */
export function ticksFromText(text: string, unit: TimeUnit): bigint {
  const match = ISO.exec(text.trim());
  if (!match) throw new DbError('invalid_value', `${JSON.stringify(text)} is not a timestamp`, { hint: 'write 2026-01-01T00:00:00Z' });
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match;
  const days = daysFromCivil(Number(year), Number(month), Number(day));
  const civil = civilFromDays(days);
  if (civil[1] !== Number(month) || civil[2] !== Number(day) || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) {
    throw new DbError('invalid_value', `${JSON.stringify(text)} is not a day and time of the calendar`);
  }
  const offset =
    zone === 'Z' ? 0 : (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', '') || '0'));
  const seconds = BigInt(days) * 86_400n + BigInt(Number(hour) * 3600 + (Number(minute) - offset) * 60 + Number(second));
  const nanoseconds = BigInt(fraction.padEnd(9, '0'));
  const perTick = 1_000_000_000n / UNITS_PER_SECOND[unit];
  if (nanoseconds % perTick !== 0n)
    throw new DbError('invalid_value', `${JSON.stringify(text)} has more digits than timestamp[${unit}] holds`);
  return seconds * UNITS_PER_SECOND[unit] + nanoseconds / perTick;
}

/** Days since 1970-01-01 of a date without time of day. Fails with `invalid_value`. */
export function daysFromText(text: string): number {
  if (text.includes(':')) throw new DbError('invalid_value', `${JSON.stringify(text)} is not a date`, { hint: 'write 2026-01-01' });
  return Number(ticksFromText(text, 's') / 86_400n);
}

const CLOCK = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/;

/** Time of day as text → ticks since midnight. Fails with `invalid_value`. */
export function clockTicksFromText(text: string, unit: 'us' | 'ns'): bigint {
  const match = CLOCK.exec(text.trim());
  const [, hour = '0', minute = '0', second = '0', fraction = ''] = match ?? [];
  if (!match || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) {
    throw new DbError('invalid_value', `${JSON.stringify(text)} is not a time of day`, { hint: 'write 12:30:00.5' });
  }
  const nanoseconds = BigInt(fraction.padEnd(9, '0'));
  const perTick = 1_000_000_000n / UNITS_PER_SECOND[unit];
  if (nanoseconds % perTick !== 0n)
    throw new DbError('invalid_value', `${JSON.stringify(text)} has more digits than time64[${unit}] holds`);
  return BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * UNITS_PER_SECOND[unit] + nanoseconds / perTick;
}

/** Fails with `invalid_value`. */
export function uuidBytes(text: string): Uint8Array {
  const hex = text.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new DbError('invalid_value', `${JSON.stringify(text)} is not a uuid`);
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}
