/** Rows of the metadata commands. They are read from information_schema, as any client could. */
import { encodeSchema } from '../../arrow/ipc-schema.js';
import type { PlainValue } from '../../arrow/plain-rows.js';
import { CATALOG } from '../../core/catalog-name.js';
import { DbError } from '../../core/errors.js';
import { quoted } from '../command.js';
import { tableSchemaOf } from './column-metadata.js';
import type { Message } from './message.js';
import { matches } from './name-pattern.js';
import { readRows, requestOf, type SqlCall, sessionOf } from './sql-call.js';

export type PlainRows = readonly (readonly PlainValue[])[];

/** Types of tables by what information_schema calls them. */
const TABLE_TYPES: Readonly<Record<string, string>> = { 'BASE TABLE': 'TABLE', VIEW: 'VIEW' };

export async function catalogRows(): Promise<PlainRows> {
  return [[CATALOG]];
}

export async function tableTypeRows(): Promise<PlainRows> {
  return Object.values(TABLE_TYPES).map((type) => [type]);
}

export async function schemaRows(call: SqlCall, message: Message): Promise<PlainRows> {
  if (!isOurs(message.optionalText(1))) return [];
  const pattern = message.optionalText(2);
  const rows = await readRows(call, 'SELECT schema_name FROM information_schema.schemata ORDER BY 1');
  return rows.filter(([name]) => matches(String(name), pattern)).map(([name]) => [CATALOG, String(name)]);
}

/** With field 5 each row ends with the table's schema as an encapsulated message. */
export async function tableRows(call: SqlCall, message: Message): Promise<PlainRows> {
  if (!isOurs(message.optionalText(1))) return [];
  const [schemaPattern, tablePattern] = [message.optionalText(2), message.optionalText(3)];
  const types = new Set(message.texts(4));
  const all = await readRows(call, 'SELECT table_schema, table_name, table_type FROM information_schema.tables ORDER BY 1, 2, 3');
  const found = all
    .map(([schema, name, type]) => [String(schema), String(name), TABLE_TYPES[String(type)] ?? String(type)] as const)
    .filter(
      ([schema, name, type]) => matches(schema, schemaPattern) && matches(name, tablePattern) && (types.size === 0 || types.has(type)),
    );
  const rows = found.map((row) => [CATALOG, ...row]);
  if (!message.flag(5)) return rows;
  const withSchema: PlainValue[][] = [];
  for (const [i, [schema, table]] of found.entries()) {
    const encoded = await encodedSchemaOf(call, schema, table);
    if (encoded) withSchema.push([...(rows[i] ?? []), encoded]);
  }
  return withSchema;
}

/** Undefined when it was dropped meanwhile, or is a view of something that was. */
async function encodedSchemaOf(call: SqlCall, schema: string, table: string): Promise<Uint8Array | undefined> {
  const sql = `SELECT * FROM ${quoted(schema)}.${quoted(table)}`;
  try {
    const described = await call.engine.query.describe(requestOf(call, { sql, session: sessionOf(call)?.query }));
    return encodeSchema(tableSchemaOf(described.schema, { schema, table }));
  } catch (error) {
    if (error instanceof DbError && (error.code === 'table_not_found' || error.code === 'column_not_found')) return undefined;
    throw error;
  }
}

const PRIMARY_KEYS = `SELECT k.table_schema, k.table_name, k.column_name, k.ordinal_position, k.constraint_name
  FROM information_schema.key_column_usage k JOIN information_schema.table_constraints c
  ON c.table_schema = k.table_schema AND c.table_name = k.table_name AND c.constraint_name = k.constraint_name
  WHERE c.constraint_type = 'PRIMARY KEY' ORDER BY 1, 2, 4`;

/** Names are exact here, in any case. */
export async function primaryKeyRows(call: SqlCall, message: Message): Promise<PlainRows> {
  if (!isOurs(message.optionalText(1))) return [];
  const [wantedSchema, wantedTable] = [message.optionalText(2), message.text(3)];
  const rows = await readRows(call, PRIMARY_KEYS);
  return rows
    .filter(([schema, table]) => isSame(String(schema), wantedSchema) && isSame(String(table), wantedTable))
    .map(([schema, table, column, place, name]) => [CATALOG, String(schema), String(table), String(column), Number(place), String(name)]);
}

/** Tables have no foreign keys. */
export async function foreignKeyRows(): Promise<PlainRows> {
  return [];
}

/** Absent: any catalog; empty: things without one, of which there are none. */
function isOurs(catalog: string | null): boolean {
  return catalog === null || catalog.toLowerCase() === CATALOG;
}

function isSame(name: string, wanted: string | null): boolean {
  return wanted === null || name.toLowerCase() === wanted.toLowerCase();
}
