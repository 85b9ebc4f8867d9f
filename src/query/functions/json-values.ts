/** Values of all types as JSON. */
import type { Value } from '../../core/batch.js';
import { type DataType, isInteger, UTF8 } from '../../core/types.js';
import { valueToText } from '../expression/literals.js';
import { type Json, JsonNumber, parseJson } from './json-text.js';

/** A struct that stands for text which is JSON already. */
export const JSON_EMBEDDED = { kind: 'struct', fields: [{ name: '$json', type: UTF8, nullable: true }] } as const satisfies DataType;

/** NULL becomes null; NaN and the infinities, which JSON does not have, become text. */
export function jsonOf(value: Value, type: DataType): Json {
  if (value === null) return null;
  switch (type.kind) {
    case 'bool':
      return value === true;
    case 'list':
      return (value as readonly Value[]).map((item) => jsonOf(item, type.item.type));
    case 'struct': {
      const row = value as { readonly [name: string]: Value };
      const [only] = type.fields;
      if (type.fields.length === 1 && only?.name === '$json') return parseJson(String(row.$json));
      return new Map(type.fields.map((field) => [field.name, jsonOf(row[field.name] ?? null, field.type)] as const));
    }
    case 'float32':
    case 'float64':
      return Number.isFinite(value) ? new JsonNumber(valueToText(value, type) ?? 'null') : (valueToText(value, type) ?? null);
    default: {
      const text = valueToText(value, type);
      return text !== null && (isInteger(type) || type.kind === 'decimal') ? new JsonNumber(text) : text;
    }
  }
}
