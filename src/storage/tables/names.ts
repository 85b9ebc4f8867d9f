/** The name space: tables and views by key, which is the lower-case name, `schema.name` outside of schema public. Never changed in place. */
import type { ViewDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { Catalog, CatalogWrite } from '../catalog/catalog.js';
import type { Table } from './table.js';

const PUBLIC = 'public';

export interface Names {
  readonly tables: ReadonlyMap<string, Table>;
  readonly views: ReadonlyMap<string, ViewDefinition>;
  /** Lower case → as it was created. */
  readonly schemas: ReadonlyMap<string, string>;
}

export function nameKey(name: string, schema: string | undefined): string {
  const own = schema?.toLowerCase() ?? PUBLIC;
  return own === PUBLIC ? name.toLowerCase() : `${own}.${name.toLowerCase()}`;
}

export function tableKey(table: Table): string {
  const { name, schema } = table.plannedForm.info.definition;
  return nameKey(name, schema);
}

/** All names of a catalog whose tables are these. */
export function namesIn(catalog: Catalog, tables: readonly Table[]): Names {
  return {
    tables: new Map(tables.map((table) => [tableKey(table), table])),
    views: new Map(catalog.views().map((view) => [nameKey(view.name, view.schema), view])),
    schemas: new Map(catalog.schemas().map((name) => [name.toLowerCase(), name])),
  };
}

/** Fails with `not_found` for a schema that was not created. */
export function assertSchema(names: Names, schema: string | undefined): void {
  if (hasSchema(names, schema)) return;
  throw new DbError('not_found', `schema "${schema}" does not exist`, { hint: `CREATE SCHEMA ${schema}` });
}

/** Names of what lies in a schema. */
export function membersOf(names: Names, schema: string): readonly string[] {
  const prefix = `${schema.toLowerCase()}.`;
  return [...names.tables.keys(), ...names.views.keys()].filter((key) => key.startsWith(prefix));
}

/**
 * What became of `now` when the changes from `before` to `after` are made to it too. Fails with `conflict` where both have changed one name.
 * Writes of views and schemas are added; those of tables are the caller's.
 */
export function mergedNames(before: Names, after: Names, now: Names, writes: CatalogWrite[]): Names {
  const tables = merged(before.tables, after.tables, now.tables);
  const views = merged(before.views, after.views, now.views, (key, view) => {
    writes.push(view === undefined ? { store: 'view', key, remove: true } : { store: 'view', key, value: view });
  });
  const schemas = merged(before.schemas, after.schemas, now.schemas, (key, name) => {
    writes.push(name === undefined ? { store: 'schema', key, remove: true } : { store: 'schema', key, value: name });
  });
  const result = { tables, views, schemas };
  for (const key of tables.keys()) if (views.has(key)) throw nameTaken(key);
  for (const name of before.schemas.values()) {
    if (!schemas.has(name.toLowerCase()) && membersOf(result, name).length > 0) throw nameTaken(name);
  }
  const added = [...after.tables]
    .filter(([key, table]) => before.tables.get(key) !== table)
    .map(([, table]) => table.info.definition.schema);
  const addedViews = [...after.views].filter(([key, view]) => before.views.get(key) !== view).map(([, view]) => view.schema);
  for (const schema of [...added, ...addedViews]) if (!hasSchema(result, schema)) throw nameTaken(schema ?? PUBLIC);
  return result;
}

function hasSchema(names: Names, schema: string | undefined): boolean {
  const key = schema?.toLowerCase() ?? PUBLIC;
  return key === PUBLIC || names.schemas.has(key);
}

function merged<Item>(
  before: ReadonlyMap<string, Item>,
  after: ReadonlyMap<string, Item>,
  now: ReadonlyMap<string, Item>,
  write: (key: string, item: Item | undefined) => void = () => undefined,
): ReadonlyMap<string, Item> {
  if (before === after) return now;
  const result = new Map(now);
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [old, item] = [before.get(key), after.get(key)];
    if (old === item) continue;
    if (now.get(key) !== old) throw nameTaken(key);
    if (item === undefined) result.delete(key);
    else result.set(key, item);
    write(key, item);
  }
  return result;
}

function nameTaken(key: string): DbError {
  return new DbError('conflict', `"${key}" was created, changed or dropped meanwhile`, { hint: 'run the statement again' });
}
