/** CREATE TABLE, CREATE TABLE AS, CREATE TABLE (LIKE …), CREATE INDEX. */
import type { ColumnDefinition, Snapshot, StorageTransaction, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { UTF8 } from '../../core/types.js';
import { didYouMean } from '../binder/nearest-name.js';
import { type NewName, newName, PUBLIC } from '../binder/object-name.js';
import { resolveType } from '../binder/type-names.js';
import type { OutputColumn } from '../plan/logical.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { Expression } from '../syntax/ast/query.js';
import type { ColumnDefinition as ColumnSyntax, CreateIndex, CreateTable } from '../syntax/ast/statement.js';
import { inTransaction } from './ddl-transaction.js';
import { checkDefault } from './defaults.js';
import { withPivotValues } from './find-pivot-values.js';
import { insertPlan } from './insert-rows.js';
import { stoppable } from './run-change.js';
import { planQuery } from './select.js';
import { bindContextOf, done, notYet, type StatementContext, type StatementOutcome } from './statement.js';
import { checkClusterBy, checkedTimeToLive } from './table-clauses.js';
import { constraintsOf } from './table-constraints.js';
import { existingTable } from './table-names.js';
import { expressionText } from './written-text.js';

export async function createTable(statement: CreateTable, context: StatementContext): Promise<StatementOutcome> {
  if (statement.temporary) throw notYet('CREATE TEMPORARY TABLE', statement);
  return inTransaction(context, statement.name[0]?.position ?? statement.position, (writer) => createIn(writer, statement, context));
}

/** One commit: OR REPLACE has the old table until the new one is there, AS leaves nothing when its query fails. */
async function createIn(writer: StorageTransaction, statement: CreateTable, context: StatementContext): Promise<StatementOutcome> {
  const snapshot = writer.snapshot();
  try {
    const name = newName(statement.name, snapshot, context.session.searchPath);
    const position = statement.name[0]?.position;
    if (snapshot.view(name.stored)) throw new DbError('table_exists', `${name.stored} is a view`, { position, hint: 'DROP VIEW first' });
    const exists = snapshot.table(name.stored) !== undefined;
    if (exists && statement.ifNotExists) return done('ddl');
    if (exists && !statement.orReplace)
      throw new DbError('table_exists', `table ${name.stored} exists already`, {
        position,
        hint: 'CREATE TABLE IF NOT EXISTS, or OR REPLACE',
      });
    const own = { ...context, writer };
    if (statement.query) return await createFromQuery(statement, name, exists, snapshot, own);
    const definition = definitionOf(statement, name, snapshot, own, []);
    if (exists) await writer.dropTable(name.stored);
    await writer.createTable(definition);
    return done('ddl');
  } finally {
    snapshot.release();
  }
}

async function createFromQuery(
  statement: CreateTable,
  name: NewName,
  exists: boolean,
  snapshot: Snapshot,
  context: StatementContext,
): Promise<StatementOutcome> {
  if (!statement.query) throw notYet('CREATE TABLE without columns', statement);
  const { query } = statement;
  const { plan } = await withPivotValues(context, snapshot, (bind) => planQuery(query, bind, context));
  const definition = definitionOf(statement, name, snapshot, context, plan.output);
  if (exists) await context.writer.dropTable(name.stored);
  await context.writer.createTable(definition);
  if (!statement.withData) return done('ddl');
  const fields = definition.columns.map((column, i) => ({
    name: column.name,
    type: plan.output[i]?.type ?? column.type,
    nullable: true,
  }));
  const rows = await insertPlan(plan, { fields }, () => stoppable(context.writer.openAppend(name.stored), context), context);
  return done('ddl', rows);
}

function definitionOf(
  statement: CreateTable,
  name: NewName,
  snapshot: Snapshot,
  context: StatementContext,
  fromQuery: readonly OutputColumn[],
): TableDefinition {
  const like = statement.like ? existingTable(statement.like, snapshot, context.session.searchPath).table.definition.columns : [];
  const written = statement.columns.map((column, i) => columnOfSyntax(column, i, fromQuery[i], context));
  if (fromQuery.length > 0 && written.length > 0 && written.length !== fromQuery.length) {
    throw new DbError('type_mismatch', `${written.length} columns are named, the query has ${fromQuery.length}`, {
      position: statement.query?.position,
    });
  }
  const base =
    written.length > 0
      ? written
      : fromQuery.map(
          (column): Omit<ColumnDefinition, 'id'> => ({
            name: column.name,
            type: column.type.kind === 'null' ? UTF8 : column.type,
            nullable: true,
            defaultSql: null,
            comment: null,
          }),
        );
  const columns = [...like, ...base].map((column, id): ColumnDefinition => ({ ...column, id }));
  const keys = keyColumns(statement);
  const dedupKeys = keys.map((key) => columnIndex(columns, key, 'a key'));
  const clusterBy = statement.clusterBy.map((column) => columnIndex(columns, column, 'CLUSTER BY'));
  checkClusterBy(statement.clusterBy, clusterBy, columns);
  const constraints = constraintsOf(statement, name.name, columns, bindContextOf(context, snapshot));
  return {
    name: name.name,
    ...(name.schema === PUBLIC ? {} : { schema: name.schema }),
    columns: columns.map((column, i) => (isPrimaryKey(statement) && dedupKeys.includes(i) ? { ...column, nullable: false } : column)),
    timestampColumn: statement.timestamp ? timestampIndex(columns, statement.timestamp) : null,
    partitionBy: statement.partitionBy ?? (statement.timestamp ? 'day' : 'none'),
    clusterBy,
    dedupKeys,
    ttl: statement.timeToLive && timeToLive(statement.timeToLive, statement.timestamp !== null, context),
    options: Object.fromEntries(
      statement.options.map((option) => [
        option.name,
        option.value === null ? '' : optionText(option.value.position, option.value.end, context),
      ]),
    ),
    ...(constraints.length === 0 ? {} : { constraints }),
  };
}

function timeToLive({ position, end }: Expression, hasTimestamp: boolean, context: StatementContext): string {
  return checkedTimeToLive(context.sql.slice(position, end), position, hasTimestamp);
}

function optionText(position: number, end: number, context: StatementContext): string {
  const text = context.sql.slice(position, end);
  return /^'.*'$/s.test(text) ? text.slice(1, -1).replaceAll("''", "'") : text;
}

function columnOfSyntax(
  column: ColumnSyntax,
  index: number,
  fromQuery: OutputColumn | undefined,
  context: StatementContext,
): Omit<ColumnDefinition, 'id'> {
  const type = column.type ? resolveType(column.type) : fromQuery?.type;
  if (!type)
    throw new DbError('syntax_error', `column ${column.name.name} (number ${index + 1}) has no type`, { position: column.position });
  let nullable = true;
  let defaultSql: string | null = null;
  for (const constraint of column.constraints) {
    switch (constraint.kind) {
      case 'notNull':
      case 'primaryKey':
        nullable = false;
        break;
      case 'null':
      case 'collate':
        break;
      case 'default':
        checkDefault(constraint.value, type, column.name.name, context);
        defaultSql = expressionText(constraint.value, context.sql);
        break;
      default:
        // CHECK and UNIQUE are the table's; the others are refused there.
        break;
    }
  }
  return { name: column.name.name, type, nullable, defaultSql, comment: null };
}

/** PRIMARY KEY means DEDUP on it. */
function keyColumns(statement: CreateTable): readonly Identifier[] {
  const inline = statement.columns
    .filter((column) => column.constraints.some((constraint) => constraint.kind === 'primaryKey'))
    .map((column) => column.name);
  const table = statement.constraints.flatMap((constraint) => (constraint.kind === 'primaryKey' ? constraint.columns : []));
  return statement.dedupKeys.length > 0 ? statement.dedupKeys : [...inline, ...table];
}

function isPrimaryKey(statement: CreateTable): boolean {
  return statement.dedupKeys.length === 0;
}

function columnIndex(columns: readonly ColumnDefinition[], name: Identifier, what: string): number {
  const index = columns.findIndex((column) => column.name.toLowerCase() === name.name.toLowerCase());
  if (index < 0) {
    throw new DbError('column_not_found', `no column is called ${name.name}, wanted by ${what}`, {
      position: name.position,
      hint: didYouMean(
        name.name,
        columns.map((column) => column.name),
      ),
    });
  }
  return index;
}

function timestampIndex(columns: readonly ColumnDefinition[], name: Identifier): number {
  const index = columnIndex(columns, name, 'TIMESTAMP(…)');
  if (columns[index]?.type.kind !== 'timestamp') {
    throw new DbError('type_mismatch', `the designated timestamp ${name.name} is not a timestamp`, { position: name.position });
  }
  return index;
}

/** Accepted: zone maps and dictionaries are the index. The table must exist. */
export function createIndex(statement: CreateIndex, context: StatementContext): StatementOutcome {
  if (statement.unique) throw notYet('CREATE UNIQUE INDEX', statement);
  const snapshot = context.writer.snapshot();
  try {
    existingTable(statement.table, snapshot, context.session.searchPath);
    return done('ddl');
  } finally {
    snapshot.release();
  }
}
