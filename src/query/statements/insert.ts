/** INSERT: VALUES, a query, or DEFAULT VALUES; columns that are not named get their default. */
import type { StorageWriter } from '../../core/contracts.js';
import type { BindContext } from '../binder/context.js';
import { isConstrained, type KeyRule } from '../constraints/enforce.js';
import type { Insert } from '../syntax/ast/statement.js';
import type { ChangePlan } from './change-plan.js';
import { withPivotValues } from './find-pivot-values.js';
import { insertLiterals } from './insert-literals.js';
import { insertPlan } from './insert-rows.js';
import { insertSource, plainValues } from './insert-source.js';
import { targetColumns } from './insert-targets.js';
import { insertChange } from './on-conflict.js';
import { definitionNow, openAppend, runChange, writeTable } from './run-change.js';
import { optimizePlan } from './run-plan.js';
import { bindContextOf, done, type StatementContext, type StatementOutcome } from './statement.js';
import { existingTable } from './table-names.js';

export async function insert(statement: Insert, context: StatementContext): Promise<StatementOutcome> {
  const definition = definitionNow(statement, context);
  const { onConflict } = statement;
  if (statement.returning.length > 0 || (onConflict && onConflict.action !== 'replace')) {
    return runChange('insert', statement, (bind) => insertPlanOf(statement, bind, context), context);
  }
  const rule = onConflict ? 'replaceAll' : 'replace';
  const rows = isConstrained(definition)
    ? await writeTable(statement, context, (writer) => insertRows(statement, rule, writer, context))
    : await insertRows(statement, rule, context.writer, context);
  return done('insert', rows);
}

/** Without RETURNING and ON CONFLICT: rows go straight into the append. */
async function insertRows(statement: Insert, rule: KeyRule, writer: StorageWriter, context: StatementContext): Promise<number> {
  const snapshot = writer.snapshot();
  try {
    const { definition } = existingTable(statement.table, snapshot, context.session.searchPath).table;
    const bind = bindContextOf(context, snapshot);
    const open = () => openAppend(definition, rule, writer, context);
    const values = plainValues(statement);
    if (values) {
      const targets = targetColumns(statement.columns, definition, values.rows[0]?.length ?? 0, statement.source?.position);
      const rows = await insertLiterals(values, targets, definition, open, context, bind);
      if (rows !== undefined) return rows;
    }
    const { plan, schema } = await withPivotValues(context, snapshot, (fresh) => {
      const source = insertSource(statement, definition, values, fresh);
      return { ...source, plan: optimizePlan(source.plan, fresh, context) };
    });
    return await insertPlan(plan, schema, open, context);
  } finally {
    snapshot.release();
  }
}

export function insertPlanOf(statement: Insert, bind: BindContext, context: StatementContext): ChangePlan {
  const { definition } = existingTable(statement.table, bind.snapshot, context.session.searchPath).table;
  const source = insertSource(statement, definition, plainValues(statement), bind);
  return insertChange(statement, source, bind, context);
}
