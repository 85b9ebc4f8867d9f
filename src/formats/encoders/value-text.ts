/** Text of single values, one at a time: for nested types, and for tables that people read. Flat columns of results never come here. */
import type { Value } from '../../core/batch.js';
import { type DataType, isNumeric } from '../../core/types.js';
import { dateText, decimalText, intervalText, timestampText, timeText } from '../../core/values.js';

/** How values are written where clients may choose. */
export interface ValueOptions {
  /** int64 and uint64 in quotes (for readers whose numbers are floats). */
  readonly int64AsText: boolean;
  /** NaN and ±Infinity as "NaN", "Infinity", "-Infinity" instead of null. */
  readonly nonfiniteAsText: boolean;
  /** Timestamps as ticks of their unit since 1970 instead of RFC 3339. */
  readonly timestampsAsEpoch: boolean;
}

export const DEFAULT_VALUE_OPTIONS: ValueOptions = { int64AsText: false, nonfiniteAsText: false, timestampsAsEpoch: false };

const FLOAT32_DIGITS = 9;

/** The fewest digits that read back as the same number of the type. */
function floatText(value: number, single: boolean): string {
  if (!Number.isFinite(value)) return String(value);
  if (Object.is(value, -0)) return '-0';
  if (!single) return String(value);
  for (let digits = 1; digits < FLOAT32_DIGITS; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return String(shorter);
  }
  return String(Number(value.toPrecision(FLOAT32_DIGITS)));
}

/** Text without quotes; null is the caller's business. Nested values are JSON. */
export function plainText(type: DataType, value: Value): string {
  if (value === null) return 'null';
  switch (type.kind) {
    case 'float32':
    case 'float64':
      return floatText(value as number, type.kind === 'float32');
    case 'decimal':
      return decimalText(value as bigint, type.scale);
    case 'date32':
      return dateText(value as number);
    case 'time64':
      return timeText(value as bigint, type.unit);
    case 'timestamp':
      return timestampText(value as bigint, type.unit);
    case 'interval': {
      const interval = value as { months: number; days: number; nanoseconds: bigint };
      return intervalText(interval.months, interval.days, interval.nanoseconds);
    }
    case 'binary':
      return `\\x${Buffer.from(value as Uint8Array).toString('hex')}`;
    case 'list':
    case 'struct':
      return jsonText(type, value, DEFAULT_VALUE_OPTIONS);
    default:
      return String(value);
  }
}

export function jsonText(type: DataType, value: Value, options: ValueOptions): string {
  if (value === null) return 'null';
  if (type.kind === 'list') return `[${(value as readonly Value[]).map((item) => jsonText(type.item.type, item, options)).join(',')}]`;
  if (type.kind === 'struct') {
    const members = value as { readonly [name: string]: Value };
    return `{${type.fields.map((field) => `${JSON.stringify(field.name)}:${jsonText(field.type, members[field.name] ?? null, options)}`).join(',')}}`;
  }
  if (type.kind === 'binary') return JSON.stringify(Buffer.from(value as Uint8Array).toString('base64'));
  if ((type.kind === 'float32' || type.kind === 'float64') && !Number.isFinite(value as number))
    return options.nonfiniteAsText ? `"${String(value)}"` : 'null';
  if (type.kind === 'timestamp' && options.timestampsAsEpoch) return quotedIf(options.int64AsText, String(value));
  const text = plainText(type, value);
  const isBare = isNumeric(type) || type.kind === 'bool' || type.kind === 'null';
  if (!isBare) return JSON.stringify(text);
  return quotedIf(options.int64AsText && (type.kind === 'int64' || type.kind === 'uint64'), text);
}

function quotedIf(quoted: boolean, text: string): string {
  return quoted ? `"${text}"` : text;
}
