/** Dates and texts that JavaScript callers pass for times, as stored values: read as casts read them, but nothing is rounded or dropped. */
import { DbError } from '../core/errors.js';
import { type DataType, type TimeUnit, typeName, UNITS_PER_SECOND } from '../core/types.js';
import { valueFromText } from '../query/expression/literals.js';

const PLACES = { s: 0, ms: 3, us: 6, ns: 9 } as const;

/** Fails with `invalid_value` for an invalid Date. */
export function ticksFromDate(date: Date, unit: TimeUnit): bigint {
  const milliseconds = date.getTime();
  if (Number.isNaN(milliseconds)) throw new DbError('invalid_value', 'an invalid Date is not a timestamp');
  if (unit === 's') return BigInt(Math.floor(milliseconds / 1000));
  return BigInt(milliseconds) * (UNITS_PER_SECOND[unit] / 1000n);
}

/** ISO text of a timestamp (no zone = UTC) or time of day → ticks. Fails with `invalid_value`, also when the unit cannot hold the digits. */
export function ticksFromText(text: string, type: DataType & { readonly kind: 'timestamp' | 'time64' }): bigint {
  const fraction = /[.,](\d*?)0*(?!\d)/.exec(text)?.[1] ?? '';
  if (fraction.length > PLACES[type.unit])
    throw new DbError('invalid_value', `${JSON.stringify(text)} has more digits than ${typeName(type)} holds`);
  return valueFromText(text, type) as bigint;
}

/** Days since 1970-01-01 of a date without time of day. Fails with `invalid_value`. */
export function daysFromText(text: string): number {
  if (text.includes(':')) throw new DbError('invalid_value', `${JSON.stringify(text)} is not a date`, { hint: 'write 2026-01-01' });
  return valueFromText(text, { kind: 'date32' }) as number;
}
