/** Tables written anew with another definition, and questions about all rows of a table; both inside a transaction. */
import type { StorageTransaction, TableDefinition } from '../../core/contracts.js';
import { asDbError, DbError } from '../../core/errors.js';
import { bindRoot } from '../binder/binder.js';
import { assignmentCast } from '../binder/coercion.js';
import { columnOf } from '../binder/expressions.js';
import { storedName } from '../binder/object-name.js';
import { projectPlan } from '../binder/plans.js';
import { quoteName } from '../binder/type-names.js';
import type { LogicalPlan } from '../plan/logical.js';
import { parseStatement } from '../syntax/parser.js';
import { insertPlan } from './insert-rows.js';
import { stoppable } from './run-change.js';
import { optimizePlan, runPlan } from './run-plan.js';
import { planQuery } from './select.js';
import { bindContextOf, type StatementContext } from './statement.js';

export function quotedName({ name, schema }: Pick<TableDefinition, 'name' | 'schema'>): string {
  return schema === undefined ? quoteName(name) : `${quoteName(schema)}.${quoteName(name)}`;
}

/** Whether a query that we wrote has a row. */
export async function hasRow(sql: string, writer: StorageTransaction, context: StatementContext): Promise<boolean> {
  const snapshot = writer.snapshot();
  try {
    const statement = parseStatement(sql);
    if (statement.kind !== 'query') throw new DbError('internal', 'a question is a query');
    const { plan } = planQuery(statement, { ...bindContextOf(context, snapshot), sql, parameters: undefined }, context);
    let rows = 0;
    for await (const batch of runPlan(plan, context).batches) {
      rows += batch.rowCount;
      batch.release();
    }
    return rows > 0;
  } finally {
    snapshot.release();
  }
}

/**
 * Puts a table with the rows of `from` in its place. `values`: for each column of the new definition, SQL text over the columns of before.
 * The table is not changed by another meanwhile, or the transaction conflicts. Errors point at `position`.
 */
export async function rewriteTable(
  from: TableDefinition,
  to: TableDefinition,
  values: readonly string[],
  writer: StorageTransaction,
  context: StatementContext,
  position: number,
): Promise<void> {
  const sql = `SELECT ${values.map((value, i) => `(${value}) AS c${i}`).join(', ')} FROM ${quotedName(from)}`;
  const snapshot = writer.snapshot();
  try {
    const bind = { ...bindContextOf(context, snapshot), sql, parameters: undefined };
    let plan: LogicalPlan;
    try {
      const statement = parseStatement(sql);
      if (statement.kind !== 'query') throw new DbError('internal', 'rows come from a query');
      const bound = bindRoot(statement, bind);
      const items = to.columns.map((column, i) => {
        const value = bound.columns[i];
        if (value === undefined) throw new DbError('internal', 'a column without a value');
        return { id: bind.nextId(), name: column.name, expression: assignmentCast(columnOf(value), column.type, column.name) };
      });
      plan = optimizePlan(projectPlan(bound.plan, items), bind, context);
    } catch (error) {
      const { code, message, hint } = asDbError(error);
      throw new DbError(code, message, {
        position,
        hint: code === 'type_mismatch' ? 'say how: TYPE … USING expression' : hint,
        cause: error,
      });
    }
    writer.expectUnchanged(storedName(from));
    await writer.dropTable(storedName(from));
    await writer.createTable(to);
    const fields = to.columns.map(({ name, type }) => ({ name, type, nullable: true }));
    try {
      await insertPlan(plan, { fields }, () => stoppable(writer.openAppend(storedName(to)), context), { ...context, writer });
    } catch (error) {
      // Positions inside our query mean nothing to whoever wrote the statement.
      if (!(error instanceof DbError) || error.position === undefined) throw error;
      throw new DbError(error.code, error.message, { position, hint: error.hint, cause: error });
    }
  } finally {
    snapshot.release();
  }
}
