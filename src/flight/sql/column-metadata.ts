/** How results of statements go over Flight SQL: what clients are told of each column, and text as plain text, since many of them read no dictionaries. */
import { type WireSchema, wireSchemaOf } from '../../arrow/wire-type.js';
import { CATALOG } from '../../core/catalog-name.js';
import type { Field, Schema } from '../../core/types.js';
import { columnTypeOf } from './sql-types.js';

const KEY = 'ARROW:FLIGHT:SQL:';
const flag = (value: boolean) => (value ? '1' : '0');

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

const known = new WeakMap<Schema, WireSchema>();

/** The same object for the same schema, so that FlightInfo and DoGet say the same. */
export function resultSchemaOf(schema: Schema): WireSchema {
  let wire = known.get(schema);
  if (!wire) {
    wire = describedSchema(schema, null);
    known.set(schema, wire);
  }
  return wire;
}

/** With what is known of a table's columns, for GetTables. */
export function tableSchemaOf(schema: Schema, table: TableName): WireSchema {
  return describedSchema(schema, table);
}

function describedSchema(schema: Schema, table: TableName | null): WireSchema {
  return wireSchemaOf(schema, { dictionaryId: () => null, fieldMetadata: (_, field) => columnMetadata(field, table) });
}

function columnMetadata({ type }: Field, table: TableName | null): ReadonlyMap<string, string> {
  const { name, precision, scale } = columnTypeOf(type);
  const isText = type.kind === 'utf8' || type.kind === 'symbol';
  const entries: [string, string][] = [
    ['TYPE_NAME', name],
    ['IS_AUTO_INCREMENT', flag(false)],
    ['IS_CASE_SENSITIVE', flag(isText)],
    ['IS_READ_ONLY', flag(table === null)],
    ['IS_SEARCHABLE', flag(true)],
  ];
  if (table !== null) entries.push(['CATALOG_NAME', CATALOG], ['DB_SCHEMA_NAME', table.schema], ['SCHEMA_NAME', table.schema]);
  if (table !== null) entries.push(['TABLE_NAME', table.table]);
  if (precision !== null) entries.push(['PRECISION', String(precision)]);
  if (scale !== null) entries.push(['SCALE', String(scale)]);
  return new Map(entries.map(([key, value]) => [KEY + key, value]));
}
