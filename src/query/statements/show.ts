/** SHOW, DESCRIBE: rows made from the catalog, the settings, the registries. */
import type { Value } from '../../core/batch.js';
import type { Snapshot, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { SETTINGS, type SettingName } from '../../core/settings.js';
import { INT64, type Schema, TIMESTAMP_US, typeName, UTF8 } from '../../core/types.js';
import { AGGREGATE_FUNCTIONS } from '../aggregates/registry.js';
import { CLIENT_SETTINGS } from '../binder/catalog-functions.js';
import { didYouMean } from '../binder/nearest-name.js';
import { findObject, knownSchema, PUBLIC, schemaNotFound, storedName } from '../binder/object-name.js';
import { valuesPlan } from '../binder/system-tables.js';
import { quoteName, sqlTypeName } from '../binder/type-names.js';
import { segmentRows } from '../catalog/segment-rows.js';
import { SERVER_TABLES } from '../catalog/server-tables.js';
import type { TableColumn } from '../catalog/system-table.js';
import { SCALAR_FUNCTIONS } from '../functions/registry.js';
import type { QualifiedName } from '../syntax/ast/node.js';
import type { Query } from '../syntax/ast/query.js';
import type { Describe, Show } from '../syntax/ast/statement.js';
import { parseStatement } from '../syntax/parser.js';
import { WINDOW_FUNCTIONS } from '../windows/registry.js';
import { quotedName } from './rewrite-table.js';
import { describeQuery, outcomeOf } from './select.js';
import { notYet, type StatementContext, type StatementOutcome, settingValue } from './statement.js';
import { existingTable, existingView } from './table-names.js';

interface Listing {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly Value[])[];
}

const text = (name: string): TableColumn => ({ name, type: UTF8 });
const integer = (name: string): TableColumn => ({ name, type: INT64 });

/** Rows as the statement's result. */
export function listing(rows: Listing, context: StatementContext, snapshot: Snapshot = context.writer.snapshot()): StatementOutcome {
  let last = 0;
  return outcomeOf(
    valuesPlan(rows.columns, rows.rows, () => ++last),
    true,
    context,
    snapshot,
    'utility',
  );
}

export async function show(statement: Show, context: StatementContext): Promise<StatementOutcome> {
  const snapshot = context.writer.snapshot();
  try {
    const rows = await showRows(statement, snapshot, context);
    return listing(filtered(rows, statement), context, snapshot);
  } catch (error) {
    snapshot.release();
    throw error;
  }
}

/** LIKE keeps rows whose first column matches. */
function filtered(rows: Listing, statement: Show): Listing {
  if (statement.like === null) return rows;
  if (statement.like.kind !== 'string') throw notYet('SHOW … LIKE an expression', statement);
  const escaped = statement.like.value
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  const pattern = new RegExp(`^${escaped}$`, 'is');
  return { ...rows, rows: rows.rows.filter((row) => pattern.test(String(row[0] ?? ''))) };
}

function showRows(statement: Show, snapshot: Snapshot, context: StatementContext): Listing | Promise<Listing> {
  switch (statement.subject) {
    case 'tables':
      return tables(statement, snapshot, context);
    case 'columns':
      return describedObject(statement.name ?? [], snapshot, context);
    case 'createTable': {
      const { definition } = existingTable(statement.name ?? [], snapshot, context.session.searchPath).table;
      return { columns: [text('table_name'), text('ddl')], rows: [[definition.name, createTableSql(definition)]] };
    }
    case 'queries':
      return queries(context);
    case 'functions':
      return functions();
    case 'schemas':
      return {
        columns: [text('schema_name')],
        rows: [PUBLIC, 'information_schema', 'pg_catalog', 'sys', ...snapshot.schemas()].map((name) => [name]),
      };
    case 'databases':
      return { columns: [text('database_name')], rows: [['fletch']] };
    case 'views':
      return views(statement, snapshot, context);
    case 'indexes':
      return { columns: [text('index_name'), text('table_name')], rows: [] };
    case 'settings':
      return settings(context);
    case 'setting':
      return setting(statement, context);
    case 'partitions':
      throw notYet('SHOW PARTITIONS', statement);
    case 'segments':
      return segments(statement, snapshot, context);
    case 'createView':
      return showCreateView(statement, snapshot, context);
  }
}

function tables(statement: Show, snapshot: Snapshot, context: StatementContext): Listing {
  const schemas = shownSchemas(statement, snapshot, context);
  const shown = snapshot.tables().filter(({ definition }) => schemas.has((definition.schema ?? PUBLIC).toLowerCase()));
  const rows = shown.map(({ definition }): readonly Value[] => {
    const table = snapshot.table(storedName(definition));
    const timestamp = definition.timestampColumn === null ? null : (definition.columns[definition.timestampColumn]?.name ?? null);
    return [
      definition.name,
      BigInt(table?.rowCount ?? 0),
      BigInt(table?.sizeBytes ?? 0),
      BigInt(definition.columns.length),
      timestamp,
      definition.partitionBy.toUpperCase(),
    ];
  });
  rows.sort((a, b) => (String(a[0]).toLowerCase() < String(b[0]).toLowerCase() ? -1 : 1));
  return {
    columns: [
      text('table_name'),
      integer('rows'),
      integer('size_bytes'),
      integer('columns'),
      text('designated_timestamp'),
      text('partition_by'),
    ],
    rows,
  };
}

/** Of one table, or of all tables in the schemas where names without one are looked for. */
function segments({ name }: Show, snapshot: Snapshot, context: StatementContext): Listing {
  const schemas = new Set(context.session.searchPath.map((schema) => schema.toLowerCase()));
  const inReach = snapshot.tables().filter(({ definition }) => schemas.has((definition.schema ?? PUBLIC).toLowerCase()));
  const shown =
    name === null
      ? inReach.map(({ definition }) => snapshot.table(storedName(definition)))
      : [existingTable(name, snapshot, context.session.searchPath)];
  // LIKE looks at the first.
  const columns = SERVER_TABLES.segments.columns.slice(1);
  const rows = shown.flatMap((table) => (table === undefined ? [] : segmentRows(table)));
  return { columns, rows: rows.map((row) => columns.map((column) => row[column.name] ?? null)) };
}

/** Lower-case names of the schemas that a SHOW is about. */
function shownSchemas(statement: Show, snapshot: Snapshot, context: StatementContext): ReadonlySet<string> {
  if (statement.name === null) return new Set(context.session.searchPath.map((name) => name.toLowerCase()));
  const schema = knownSchema(statement.name.at(-1)?.name ?? '', snapshot);
  if (schema === undefined) throw schemaNotFound(statement.name, snapshot);
  return new Set([schema.toLowerCase()]);
}

function views(statement: Show, snapshot: Snapshot, context: StatementContext): Listing {
  const schemas = shownSchemas(statement, snapshot, context);
  const shown = snapshot.views().filter((view) => schemas.has(view.schema.toLowerCase()));
  const names = shown.map((view) => view.name).sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  return { columns: [text('view_name')], rows: names.map((name) => [name]) };
}

function showCreateView(statement: Show, snapshot: Snapshot, context: StatementContext): Listing {
  const view = existingView(statement.name ?? [], snapshot, context.session.searchPath);
  const names = view.columnNames.length === 0 ? '' : ` (${view.columnNames.map(quoteName).join(', ')})`;
  return {
    columns: [text('view_name'), text('ddl')],
    rows: [[view.name, `CREATE VIEW ${quotedName(shownName(view))}${names} AS ${view.sql};`]],
  };
}

/** The schema is said where it is not public. */
function shownName({ name, schema }: Pick<TableDefinition, 'name' | 'schema'>): Pick<TableDefinition, 'name' | 'schema'> {
  return schema === PUBLIC ? { name } : { name, schema };
}

/** Columns of a table, or of a view's query. */
async function describedObject(name: QualifiedName, snapshot: Snapshot, context: StatementContext): Promise<Listing> {
  const found = findObject(name, snapshot, context.session.searchPath);
  if (found?.kind !== 'view') return columns(existingTable(name, snapshot, context.session.searchPath).table.definition);
  const sql = `SELECT * FROM ${quotedName(found.view)}`;
  const statement = parseStatement(sql);
  if (statement.kind !== 'query') throw new DbError('internal', 'a view is read by a query');
  return queryColumns((await describeQuery(statement, { ...context, sql })).schema);
}

function columns(definition: TableDefinition): Listing {
  const rows = definition.columns.map((column, i) => [
    column.name,
    typeName(column.type),
    column.nullable ? 'YES' : 'NO',
    definition.dedupKeys.includes(i) ? 'KEY' : null,
    column.defaultSql,
    definition.timestampColumn === i ? 'TIMESTAMP' : null,
  ]);
  return { columns: ['column_name', 'column_type', 'null', 'key', 'default', 'extra'].map(text), rows };
}

/** A statement that makes the table again. */
function createTableSql(definition: TableDefinition): string {
  const name = (index: number) => quoteName(definition.columns[index]?.name ?? '');
  const lines = definition.columns.map((column, i) => {
    const notNull = column.nullable || i === definition.timestampColumn ? '' : ' NOT NULL';
    const fallback = column.defaultSql === null ? '' : ` DEFAULT ${column.defaultSql}`;
    return `  ${quoteName(column.name)} ${sqlTypeName(column.type)}${notNull}${fallback}`;
  });
  const constraints = (definition.constraints ?? []).map((constraint) => {
    const what = constraint.kind === 'check' ? `CHECK (${constraint.sql})` : `UNIQUE (${constraint.columns.map(name).join(', ')})`;
    return `  CONSTRAINT ${quoteName(constraint.name)} ${what}`;
  });
  const clauses = [
    definition.timestampColumn === null ? '' : `TIMESTAMP(${name(definition.timestampColumn)})`,
    definition.partitionBy === 'none' && definition.timestampColumn === null ? '' : `PARTITION BY ${definition.partitionBy.toUpperCase()}`,
    definition.clusterBy.length === 0 ? '' : `CLUSTER BY (${definition.clusterBy.map(name).join(', ')})`,
    definition.ttl === null ? '' : `TTL ${definition.ttl}`,
    definition.dedupKeys.length === 0 ? '' : `DEDUP KEYS (${definition.dedupKeys.map(name).join(', ')})`,
    Object.keys(definition.options).length === 0
      ? ''
      : `WITH (${Object.entries(definition.options)
          .map(([key, value]) => `${key} = '${value.replaceAll("'", "''")}'`)
          .join(', ')})`,
  ].filter((clause) => clause !== '');
  return `CREATE TABLE ${quotedName(definition)} (\n${[...lines, ...constraints].join(',\n')}\n)${clauses.length === 0 ? '' : ` ${clauses.join(' ')}`};`;
}

function queries(context: StatementContext): Listing {
  const rows = context.queries
    .running()
    .map((query) => [
      query.queryId,
      query.sql.slice(0, 1000),
      query.state,
      query.principal.name,
      query.startedAt / 1000n,
      BigInt(Math.round(query.elapsedMicroseconds)),
      BigInt(query.rowsScanned),
      BigInt(query.rowsReturned),
    ]);
  const names = [text('query_id'), text('query'), text('state'), text('principal'), { name: 'started_at', type: TIMESTAMP_US }];
  return { columns: [...names, integer('elapsed_us'), integer('rows_scanned'), integer('rows_returned')], rows };
}

function functions(): Listing {
  const scalars = Object.values(SCALAR_FUNCTIONS).map((entry) => [
    entry.name,
    'scalar',
    entry.category as string,
    (entry.aliases ?? []).join(', '),
    entry.doc,
  ]);
  const aggregates = AGGREGATE_FUNCTIONS.map((entry) => [
    entry.name,
    'aggregate',
    'aggregate',
    (entry.aliases ?? []).join(', '),
    entry.doc,
  ]);
  const windows = WINDOW_FUNCTIONS.map((entry) => [entry.name, 'window', 'window', (entry.aliases ?? []).join(', '), entry.doc]);
  const rows = [...scalars, ...aggregates, ...windows].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
  return { columns: ['function_name', 'kind', 'category', 'aliases', 'description'].map(text), rows };
}

function settings(context: StatementContext): Listing {
  const names = Object.keys(SETTINGS) as SettingName[];
  const rows = names.map((name) => [name, String(settingValue(name, context)), SETTINGS[name].scope, SETTINGS[name].doc]);
  return { columns: ['name', 'value', 'scope', 'description'].map(text), rows };
}

function setting(statement: Show, context: StatementContext): Listing {
  const name = (statement.name ?? []).map((part) => part.name.toLowerCase()).join('.');
  const foreign = name === 'search_path' ? context.session.searchPath.join(', ') : CLIENT_SETTINGS[name];
  if (foreign !== undefined) return { columns: [text(name)], rows: [[foreign]] };
  if (!(name in SETTINGS)) {
    throw new DbError('invalid_argument', `no setting is called ${name}`, {
      position: statement.name?.[0]?.position,
      hint: didYouMean(name, Object.keys(SETTINGS)),
    });
  }
  return { columns: [text(name)], rows: [[String(settingValue(name as SettingName, context))]] };
}

export async function describe(statement: Describe, context: StatementContext): Promise<StatementOutcome> {
  if (statement.query) return describeResult(statement.query, context);
  const snapshot = context.writer.snapshot();
  try {
    return listing(await describedObject(statement.table ?? [], snapshot, context), context, snapshot);
  } catch (error) {
    snapshot.release();
    throw error;
  }
}

async function describeResult(query: Query, context: StatementContext): Promise<StatementOutcome> {
  return listing(queryColumns((await describeQuery(query, context)).schema), context);
}

function queryColumns(schema: Schema): Listing {
  const rows = schema.fields.map((field) => [field.name, typeName(field.type), field.nullable ? 'YES' : 'NO', null, null, null]);
  return { columns: ['column_name', 'column_type', 'null', 'key', 'default', 'extra'].map(text), rows };
}
