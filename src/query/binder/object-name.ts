/** From a written name to the table or view that it means: `t`, `schema.t`, `fletch.schema.t`. */
import { CATALOG } from '../../core/catalog-name.js';
import type { Snapshot, TableDefinition, TableSnapshot, ViewDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { QualifiedName } from '../syntax/ast/node.js';
import { didYouMean } from './nearest-name.js';

export const PUBLIC = 'public';

/** Where names without a schema are looked for, in turn; new objects go to the first. */
export type SearchPath = readonly string[];

export const DEFAULT_PATH: SearchPath = [PUBLIC];

/** Other names of schema public, unless a schema of the name was created. */
const SYNONYMS = new Set([PUBLIC, 'main', 'default', CATALOG]);

export type StoredObject =
  | { readonly kind: 'table'; readonly table: TableSnapshot }
  | { readonly kind: 'view'; readonly view: ViewDefinition };

/** Where a new object goes. */
export interface NewName {
  readonly schema: string;
  readonly name: string;
  /** What storage calls it. */
  readonly stored: string;
}

/** What storage calls an object. */
export function storedName({ name, schema }: Pick<TableDefinition, 'name' | 'schema'>): string {
  return schema === undefined || schema.toLowerCase() === PUBLIC ? name : `${schema}.${name}`;
}

/** The schema of a name as it was created, undefined when there is none of it. */
export function knownSchema(name: string, snapshot: Snapshot): string | undefined {
  const key = name.toLowerCase();
  return snapshot.schemas().find((schema) => schema.toLowerCase() === key) ?? (SYNONYMS.has(key) ? PUBLIC : undefined);
}

/** The object of a name, undefined when there is none. */
export function findObject(name: QualifiedName, snapshot: Snapshot, path: SearchPath = DEFAULT_PATH): StoredObject | undefined {
  const last = name.at(-1)?.name ?? '';
  for (const schema of schemasOf(name, snapshot, path)) {
    const stored = storedName({ name: last, schema });
    const table = snapshot.table(stored);
    if (table !== undefined && liesIn(table.table.definition.schema, schema)) return { kind: 'table', table };
    const view = snapshot.view(stored);
    if (view !== undefined && liesIn(view.schema, schema)) return { kind: 'view', view };
  }
  return undefined;
}

/** A name with a dot in it may look like one of another schema. */
function liesIn(own: string | undefined, schema: string): boolean {
  return (own ?? PUBLIC).toLowerCase() === schema.toLowerCase();
}

function schemasOf(name: QualifiedName, snapshot: Snapshot, path: SearchPath): readonly string[] {
  const schema = name.at(-2)?.name;
  if (schema === undefined) return path;
  const catalog = name.at(-3)?.name.toLowerCase();
  if (name.length > 3 || (catalog !== undefined && catalog !== CATALOG)) return [];
  const known = knownSchema(schema, snapshot);
  return known === undefined ? [] : [known];
}

/** Fails with `not_found` when the schema does not exist. */
export function newName(name: QualifiedName, snapshot: Snapshot, path: SearchPath = DEFAULT_PATH): NewName {
  const own = name.at(-1)?.name ?? '';
  const [schema] = schemasOf(name, snapshot, path);
  const known = schema === undefined ? undefined : knownSchema(schema, snapshot);
  if (known === undefined) throw schemaNotFound(name.slice(0, -1), snapshot);
  return { schema: known, name: own, stored: storedName({ name: own, schema: known }) };
}

export function schemaNotFound(name: QualifiedName, snapshot: Snapshot): DbError {
  const text = name.map((part) => part.name).join('.');
  return new DbError('not_found', `no schema is called ${text}`, {
    position: name[0]?.position,
    hint:
      didYouMean(name.at(-1)?.name ?? '', [PUBLIC, ...snapshot.schemas()]) ??
      'CREATE SCHEMA makes one; tables lie in schema public otherwise',
  });
}

/** Names of tables and views, to be compared with a wrong one. */
export function objectNames(snapshot: Snapshot): readonly string[] {
  return [...snapshot.tables().map((table) => storedName(table.definition)), ...snapshot.views().map(storedName)];
}

export function writtenName(name: QualifiedName): string {
  return name.map((part) => part.name).join('.');
}
