/** DELETE and TRUNCATE. The condition of DELETE runs as a query over the table's row ids. */
import { tablesAround } from '../binder/common-tables.js';
import type { BindContext } from '../binder/context.js';
import { storedName } from '../binder/object-name.js';
import type { Delete, Truncate } from '../syntax/ast/statement.js';
import { type ChangePlan, changePlan } from './change-plan.js';
import { bindTarget } from './change-target.js';
import { runDeletion } from './run-change.js';
import { done, type StatementContext, type StatementOutcome } from './statement.js';
import { existingTable } from './table-names.js';
import { rowsOfTarget } from './update.js';

export function deleteRows(statement: Delete, context: StatementContext): Promise<StatementOutcome> {
  return runDeletion((bind) => deletePlan(statement, bind, context), context);
}

export function deletePlan(statement: Delete, bind: BindContext, context: StatementContext): ChangePlan {
  const commonTables = tablesAround(statement, bind);
  const target = bindTarget(statement, bind);
  const found = rowsOfTarget(target, statement.using, statement.where, commonTables, bind);
  const parts = {
    table: target.table,
    input: found.plan,
    rowIds: target.rowIds,
    action: null,
    kind: 'delete',
    values: null,
    returning: statement.returning,
    others: found.others,
    alias: target.columns[0]?.table ?? null,
    commonTables,
    namedTwice: 'once',
    keys: 'unchanged',
  } as const;
  return changePlan(parts, bind, context);
}

export async function truncate(statement: Truncate, context: StatementContext): Promise<StatementOutcome> {
  const snapshot = context.writer.snapshot();
  let names: ReadonlySet<string>;
  try {
    names = new Set(
      statement.tables.map((table) => storedName(existingTable(table, snapshot, context.session.searchPath).table.definition)),
    );
  } finally {
    snapshot.release();
  }
  if (context.transaction || names.size < 2) {
    for (const name of names) await context.writer.truncateTable(name);
    return done('ddl');
  }
  const transaction = context.storage.begin();
  try {
    for (const name of names) await transaction.truncateTable(name);
    await transaction.commit();
  } catch (error) {
    transaction.rollback();
    throw error;
  }
  return done('ddl');
}
