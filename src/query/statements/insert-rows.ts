/** Rows of a plan into a table, in one atomic append. */
import type { AppendSession } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { Schema } from '../../core/types.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { Expression as Syntax, Values } from '../syntax/ast/query.js';
import { runPlan } from './run-plan.js';
import type { StatementContext } from './statement.js';

/** `schema` names the table's column for each output column of the plan. Resolves to the number of rows when the append is committed. */
export async function insertPlan(plan: LogicalPlan, schema: Schema, open: () => AppendSession, context: StatementContext): Promise<number> {
  const execution = runPlan(plan, context);
  const session = await open();
  try {
    for await (const batch of execution.batches) {
      try {
        await session.append(batch, schema);
      } finally {
        batch.release();
      }
    }
    context.signal.throwIfAborted();
    return (await session.commit()).rows;
  } catch (error) {
    session.abort();
    throw error;
  }
}

export function unevenRows(width: number, row: readonly Syntax[], values: Values): DbError {
  return new DbError('type_mismatch', `VALUES rows have ${width} and ${row.length} values`, {
    position: row[0]?.position ?? values.position,
  });
}
