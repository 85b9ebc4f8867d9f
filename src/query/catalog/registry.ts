/** Every system table by schema and name. */
import { INFORMATION_SCHEMA } from './information-schema.js';
import { PG_CATALOG } from './pg-catalog.js';
import { SERVER_TABLES } from './server-tables.js';
import type { SystemTable } from './system-table.js';

const SCHEMAS: Readonly<Record<string, Readonly<Record<string, SystemTable>>>> = {
  information_schema: INFORMATION_SCHEMA,
  pg_catalog: PG_CATALOG,
  sys: SERVER_TABLES,
};

const FUNCTION_PREFIX = 'fletch_';

/** Names in lower case; without a schema it is pg_catalog that is searched. */
export function findSystemTable(schema: string | undefined, name: string): SystemTable | undefined {
  const tables = SCHEMAS[schema ?? 'pg_catalog'];
  return tables && Object.hasOwn(tables, name) ? tables[name] : undefined;
}

/** `fletch_settings()`. */
export function findSystemFunction(name: string): SystemTable | undefined {
  return name.startsWith(FUNCTION_PREFIX) ? findSystemTable('sys', name.slice(FUNCTION_PREFIX.length)) : undefined;
}

export function systemTableNames(schema: string): readonly string[] {
  return Object.keys(SCHEMAS[schema] ?? {});
}

export const SYSTEM_FUNCTION_NAMES: readonly string[] = Object.keys(SERVER_TABLES).map((name) => FUNCTION_PREFIX + name);
