/** Tables, views and schemas as the catalogs list them, with the object ids that tie the catalogs together. */
import { CATALOG } from '../../core/catalog-name.js';
import type { ColumnDefinition, TableDefinition, ViewDefinition } from '../../core/contracts.js';
import type { CatalogFacts, TableColumn } from './system-table.js';

export const DATABASE = CATALOG;
export const OWNER = 'fletch';
export const OWNER_OID = 10;
export const DATABASE_OID = 16_384;
const PUBLIC_OID = 2200;

export interface SchemaEntry {
  readonly oid: number;
  readonly name: string;
}

export interface RelationEntry {
  readonly oid: number;
  readonly schema: string;
  readonly schemaOid: number;
  readonly name: string;
  readonly kind: 'table' | 'view';
  readonly columns: readonly RelationColumn[];
  readonly comment: string | null;
  readonly rows: number;
  readonly sizeBytes: number;
  readonly table: TableDefinition | null;
  readonly view: ViewDefinition | null;
}

export interface RelationColumn extends TableColumn {
  readonly nullable: boolean;
  readonly defaultSql: string | null;
  readonly comment: string | null;
}

const SYSTEM_SCHEMAS: readonly SchemaEntry[] = [
  { oid: 11, name: 'pg_catalog' },
  { oid: 13_000, name: 'information_schema' },
  { oid: 13_001, name: 'sys' },
];

/** Names have no number of their own: a hash gives one that stays the same. */
function hashed(name: string, base: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return base + (hash % 0x10000000);
}

export function schemasOf(facts: CatalogFacts): readonly SchemaEntry[] {
  const created = facts.snapshot.schemas().map((name) => ({ oid: hashed(name.toLowerCase(), 0x20000000), name }));
  return [{ oid: PUBLIC_OID, name: 'public' }, ...SYSTEM_SCHEMAS, ...created];
}

const known = new WeakMap<CatalogFacts, readonly RelationEntry[]>();

/** In order of schema and name. */
export function relationsOf(facts: CatalogFacts): readonly RelationEntry[] {
  const made = known.get(facts);
  if (made) return made;
  const schemas = new Map(schemasOf(facts).map((schema) => [schema.name.toLowerCase(), schema.oid]));
  const tables = facts.snapshot.tables().map(({ id, definition }): RelationEntry => {
    const schema = definition.schema ?? 'public';
    const snapshot = facts.snapshot.table(schema === 'public' ? definition.name : `${schema}.${definition.name}`);
    return {
      oid: DATABASE_OID + 1 + id,
      schema,
      schemaOid: schemas.get(schema.toLowerCase()) ?? PUBLIC_OID,
      name: definition.name,
      kind: 'table',
      columns: definition.columns.map(relationColumn),
      comment: definition.comment ?? null,
      rows: snapshot?.rowCount ?? 0,
      sizeBytes: snapshot?.sizeBytes ?? 0,
      table: definition,
      view: null,
    };
  });
  const views = facts.snapshot.views().map(
    (view): RelationEntry => ({
      oid: hashed(`${view.schema}.${view.name}`.toLowerCase(), 0x40000000),
      schema: view.schema,
      schemaOid: schemas.get(view.schema.toLowerCase()) ?? PUBLIC_OID,
      name: view.name,
      kind: 'view',
      columns: facts.viewColumns(view).map((column) => ({ ...column, nullable: true, defaultSql: null, comment: null })),
      comment: view.comment,
      rows: 0,
      sizeBytes: 0,
      table: null,
      view,
    }),
  );
  const all = [...tables, ...views].sort((a, b) => (`${a.schema}.${a.name}` < `${b.schema}.${b.name}` ? -1 : 1));
  known.set(facts, all);
  return all;
}

function relationColumn(column: ColumnDefinition): RelationColumn {
  return {
    name: column.name,
    type: column.type,
    nullable: column.nullable,
    defaultSql: column.defaultSql,
    comment: column.comment ?? null,
  };
}

export interface ConstraintEntry {
  readonly oid: number;
  readonly relation: RelationEntry;
  readonly name: string;
  readonly kind: 'primaryKey' | 'unique' | 'check';
  /** Indexes into the relation's columns. */
  readonly columns: readonly number[];
  /** As pg_get_constraintdef gives it. */
  readonly definition: string;
  readonly condition: string | null;
}

export function constraintsOf(facts: CatalogFacts): readonly ConstraintEntry[] {
  return relationsOf(facts).flatMap((relation) => {
    const { table } = relation;
    if (!table) return [];
    const names = (columns: readonly number[]) => columns.map((index) => table.columns[index]?.name ?? '').join(', ');
    const entry = (kind: ConstraintEntry['kind'], name: string, columns: readonly number[], condition: string | null): ConstraintEntry => {
      const word = kind === 'primaryKey' ? 'PRIMARY KEY' : 'UNIQUE';
      const definition = condition === null ? `${word} (${names(columns)})` : `CHECK (${condition})`;
      return {
        oid: hashed(`${relation.schema}.${relation.name}.${name}`, 0x60000000),
        relation,
        name,
        kind,
        columns,
        definition,
        condition,
      };
    };
    const key = table.dedupKeys.length === 0 ? [] : [entry('primaryKey', `${relation.name}_pkey`, table.dedupKeys, null)];
    const further = (table.constraints ?? []).map((constraint) =>
      constraint.kind === 'check'
        ? entry('check', constraint.name, [], constraint.sql)
        : entry('unique', constraint.name, constraint.columns, null),
    );
    return [...key, ...further];
  });
}
