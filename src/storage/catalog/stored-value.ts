/** Values in JSON: what JSON lacks is an object of one member, `{"i": "12"}` (64 bits and more), `{"x": "00ff"}` (bytes), `{"f": "NaN"}`, `{"v": [1, 2, "3"]}` (interval). */
import type { IntervalValue, Value } from '../../core/batch.js';

export type StoredValue =
  | null
  | boolean
  | number
  | string
  | readonly StoredValue[]
  | { readonly i: string }
  | { readonly x: string }
  | { readonly f: string }
  | { readonly v: readonly [number, number, string] }
  | { readonly s: readonly (readonly [string, StoredValue])[] };

export function storeValue(value: Value): StoredValue {
  if (typeof value === 'bigint') return { i: String(value) };
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { f: Object.is(value, -0) ? '-0' : String(value) };
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (value instanceof Uint8Array) return { x: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return (value as readonly Value[]).map(storeValue);
  if (isInterval(value)) return { v: [value.months, value.days, String(value.nanoseconds)] };
  return { s: Object.entries(value as Readonly<Record<string, Value>>).map(([name, each]) => [name, storeValue(each)] as const) };
}

function isInterval(value: object): value is IntervalValue {
  return 'months' in value && 'nanoseconds' in value && typeof value.nanoseconds === 'bigint';
}

export function loadValue(stored: StoredValue): Value {
  if (stored === null || typeof stored !== 'object') return stored;
  if (Array.isArray(stored)) return (stored as readonly StoredValue[]).map(loadValue);
  if ('i' in stored) return BigInt(stored.i);
  if ('x' in stored) return new Uint8Array(Buffer.from(stored.x, 'hex'));
  if ('f' in stored) return Number(stored.f);
  if ('v' in stored) return { months: stored.v[0], days: stored.v[1], nanoseconds: BigInt(stored.v[2]) };
  return Object.fromEntries(
    (stored as { s: readonly (readonly [string, StoredValue])[] }).s.map(([name, each]) => [name, loadValue(each)]),
  );
}
