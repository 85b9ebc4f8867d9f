/** ALTER TABLE and RENAME TABLE: the actions of one statement in one commit. */
import type { StorageTransaction, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { findObject, newName, storedName } from '../binder/object-name.js';
import { quoteName, resolveType } from '../binder/type-names.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { AlterAction, AlterTable } from '../syntax/ast/statement.js';
import { addColumn } from './add-column.js';
import { addConstraint, dropConstraint, setNotNull } from './alter-constraints.js';
import { type Altering, columnIndex, definitionNow } from './altering.js';
import { inTransaction } from './ddl-transaction.js';
import { checkDefault } from './defaults.js';
import { rewriteTable } from './rewrite-table.js';
import { done, notYet, type StatementContext, type StatementOutcome } from './statement.js';
import { checkClusterBy, checkedTimeToLive } from './table-clauses.js';
import { existingTable } from './table-names.js';
import { alterView } from './views.js';

export async function alterTable(statement: AlterTable, context: StatementContext): Promise<StatementOutcome> {
  if (statement.objectType === 'view') return alterView(statement, context);
  if (statement.objectType !== 'table') throw notYet(`ALTER ${statement.objectType.toUpperCase()}`, statement);
  const { searchPath } = context.session;
  return inTransaction(context, statement.name[0]?.position ?? statement.position, async (writer) => {
    const snapshot = writer.snapshot();
    let definition: TableDefinition;
    try {
      const found = findObject(statement.name, snapshot, searchPath);
      if (found === undefined && statement.ifExists) return done('ddl');
      // As PostgreSQL, which renames views by ALTER TABLE too.
      if (found?.kind === 'view') return await alterView(statement, { ...context, writer });
      definition = existingTable(statement.name, snapshot, searchPath).table.definition;
    } finally {
      snapshot.release();
    }
    for (const action of statement.actions) definition = await applyAction(action, definition, writer, context);
    return done('ddl');
  });
}

async function applyAction(
  action: AlterAction,
  definition: TableDefinition,
  writer: StorageTransaction,
  context: StatementContext,
): Promise<TableDefinition> {
  const snapshot = writer.snapshot();
  let rowCount: number;
  try {
    rowCount = snapshot.table(storedName(definition))?.rowCount ?? 0;
  } finally {
    snapshot.release();
  }
  try {
    const altering = { definition, rowCount, writer, context };
    const moved = await actionOf(action, altering);
    return moved ?? definitionNow(writer, storedName(definition));
  } catch (error) {
    if (!(error instanceof DbError) || error.position !== undefined) throw error;
    throw new DbError(error.code, error.message, { position: action.position, hint: error.hint, cause: error });
  }
}

/** Gives the definition where the table has another name now. */
async function actionOf(action: AlterAction, altering: Altering): Promise<TableDefinition | undefined> {
  const { definition, writer, context } = altering;
  const name = storedName(definition);
  switch (action.kind) {
    case 'addColumn':
      return addColumn(action, altering);
    case 'dropColumn':
      return dropColumn(action, altering);
    case 'renameColumn':
      assertNotChecked(columnIndex(definition, action.column), altering, 'renamed', action.column);
      await writer.alterTable(name, [{ kind: 'rename_column', from: action.column.name, to: action.to.name }]);
      return undefined;
    case 'rename':
      return (await writer.alterTable(name, [{ kind: 'rename_table', name: action.to.name }])).definition;
    case 'setSchema': {
      const snapshot = writer.snapshot();
      try {
        const { schema } = newName([action.schema, { ...action.schema, name: definition.name }], snapshot);
        return (await writer.alterTable(name, [{ kind: 'rename_table', name: definition.name, schema }])).definition;
      } finally {
        snapshot.release();
      }
    }
    case 'setType':
      return setType(action, altering);
    case 'setDefault': {
      const column = definition.columns[columnIndex(definition, action.column)];
      if (column === undefined) return undefined;
      checkDefault(action.value, column.type, column.name, context);
      const defaultSql = context.sql.slice(action.value.position, action.value.end);
      await writer.alterTable(name, [{ kind: 'change_column', name: column.name, change: { defaultSql } }]);
      return undefined;
    }
    case 'dropDefault':
      await writer.alterTable(name, [{ kind: 'change_column', name: columnName(definition, action.column), change: { defaultSql: null } }]);
      return undefined;
    case 'setNotNull':
      return setNotNull([action.column], altering);
    case 'dropNotNull':
      return dropNotNull(action.column, altering);
    case 'addIndex':
    case 'dropIndex':
      // Zone maps and dictionaries are the index.
      columnIndex(definition, action.column);
      return undefined;
    case 'addConstraint':
      return addConstraint(action.constraint, altering);
    case 'dropConstraint':
      return dropConstraint(action.name, action.ifExists, altering);
    default:
      return optionAction(action, altering);
  }
}

type OptionAction = Extract<
  AlterAction,
  { kind: 'setOptions' | 'resetOptions' | 'setTimeToLive' | 'setDedupKeys' | 'setClusterBy' | 'dropPartition' }
>;

async function optionAction(action: OptionAction, { definition, writer, context }: Altering): Promise<undefined> {
  const name = storedName(definition);
  const indexes = (columns: readonly Identifier[]) => columns.map((column) => columnIndex(definition, column));
  switch (action.kind) {
    case 'setOptions': {
      const given = action.options.map(({ name: key, value }) => [key, value === null ? '' : optionText(value, context)] as const);
      await writer.alterTable(name, [
        { kind: 'set_options', change: { options: { ...definition.options, ...Object.fromEntries(given) } } },
      ]);
      return undefined;
    }
    case 'resetOptions': {
      const gone = new Set(action.names.map((each) => each.toLowerCase()));
      const kept = Object.entries(definition.options).filter(([key]) => !gone.has(key.toLowerCase()));
      await writer.alterTable(name, [{ kind: 'set_options', change: { options: Object.fromEntries(kept) } }]);
      return undefined;
    }
    case 'setTimeToLive': {
      const { timeToLive } = action;
      const ttl =
        timeToLive &&
        checkedTimeToLive(context.sql.slice(timeToLive.position, timeToLive.end), timeToLive.position, definition.timestampColumn !== null);
      await writer.alterTable(name, [{ kind: 'set_options', change: { ttl } }]);
      return undefined;
    }
    case 'setDedupKeys':
      await writer.alterTable(name, [{ kind: 'set_options', change: { dedupKeys: indexes(action.keys) } }]);
      return undefined;
    case 'setClusterBy': {
      const clusterBy = indexes(action.columns);
      checkClusterBy(action.columns, clusterBy, definition.columns);
      await writer.alterTable(name, [{ kind: 'set_options', change: { clusterBy } }]);
      return undefined;
    }
    case 'dropPartition':
      throw new DbError('unsupported', 'DROP PARTITION is not executed by this version yet', {
        position: action.position,
        hint: 'DELETE FROM … WHERE ts < …',
      });
  }
}

function optionText(value: { readonly position: number; readonly end: number }, context: StatementContext): string {
  const text = context.sql.slice(value.position, value.end);
  return /^'.*'$/s.test(text) ? text.slice(1, -1).replaceAll("''", "'") : text;
}

async function dropColumn(action: Extract<AlterAction, { kind: 'dropColumn' }>, altering: Altering): Promise<undefined> {
  const { definition, writer } = altering;
  const { name } = action.column;
  const index = definition.columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase());
  if (index < 0 && action.ifExists) return undefined;
  columnIndex(definition, action.column);
  const checks = (definition.constraints ?? []).filter((constraint) => constraint.kind === 'check' && mentions(constraint.sql, name));
  if (checks.length > 0 && !action.cascade) {
    throw new DbError('invalid_argument', `constraint ${checks[0]?.name} reads column ${name}`, {
      position: action.column.position,
      hint: 'DROP COLUMN … CASCADE drops it too',
    });
  }
  if (checks.length > 0) {
    const constraints = (definition.constraints ?? []).filter((constraint) => !checks.includes(constraint));
    await writer.alterTable(storedName(definition), [{ kind: 'set_options', change: { constraints } }]);
  }
  await writer.alterTable(storedName(definition), [{ kind: 'drop_column', name }]);
  return undefined;
}

/** Whether SQL text names a column; a literal of the same word counts too. */
function mentions(sql: string, column: string): boolean {
  const word = column.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}_])${word}(?![\\p{L}\\p{N}_])`, 'iu').test(sql);
}

/** CHECK constraints hold text. */
function assertNotChecked(index: number, { definition }: Altering, what: string, column: Identifier): void {
  const name = definition.columns[index]?.name ?? '';
  const check = (definition.constraints ?? []).find((constraint) => constraint.kind === 'check' && mentions(constraint.sql, name));
  if (check === undefined) return;
  throw new DbError('unsupported', `column ${name} is read by constraint ${check.name} and cannot be ${what}`, {
    position: column.position,
    hint: `ALTER TABLE … DROP CONSTRAINT ${check.name} first`,
  });
}

async function setType(action: Extract<AlterAction, { kind: 'setType' }>, altering: Altering): Promise<undefined> {
  const { definition, writer, context } = altering;
  const index = columnIndex(definition, action.column);
  const type = resolveType(action.type);
  const { using } = action;
  const columns = definition.columns.map((column, i) => (i === index ? { ...column, type } : column));
  const value = using === null ? undefined : context.sql.slice(using.position, using.end);
  const values = columns.map((column, i) => (i === index && value !== undefined ? value : quoteName(column.name)));
  await rewriteTable(definition, { ...definition, columns }, values, writer, context, using?.position ?? action.position);
  return undefined;
}

async function dropNotNull(column: Identifier, { definition, writer }: Altering): Promise<undefined> {
  const index = columnIndex(definition, column);
  if (index === definition.timestampColumn)
    throw new DbError('invalid_argument', `column ${column.name} is the designated timestamp, which is never NULL`, {
      position: column.position,
    });
  if (definition.dedupKeys.includes(index))
    throw new DbError('invalid_argument', `column ${column.name} is part of the key`, { position: column.position });
  await writer.alterTable(storedName(definition), [{ kind: 'change_column', name: column.name, change: { nullable: true } }]);
  return undefined;
}

function columnName(definition: TableDefinition, column: Identifier): string {
  return definition.columns[columnIndex(definition, column)]?.name ?? column.name;
}
