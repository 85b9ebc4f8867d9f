/** Queries: bound, optimized, run; also what SHOW and EXPLAIN give their rows through. */
import type { QueryDescription, Snapshot, StatementKind } from '../../core/contracts.js';
import { UTF8 } from '../../core/types.js';
import { BatchStream } from '../batch-stream.js';
import { bindRoot } from '../binder/binder.js';
import { castTo } from '../binder/coercion.js';
import type { BindContext, BoundQuery } from '../binder/context.js';
import { columnOf } from '../binder/expressions.js';
import { pickColumns, projectPlan } from '../binder/plans.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { Query } from '../syntax/ast/query.js';
import { withPivotValues } from './find-pivot-values.js';
import type { PlannedQuery } from './plan-cache.js';
import { optimizePlan, runPlan } from './run-plan.js';
import type { StatementContext, StatementOutcome } from './statement.js';

export function planQuery(query: Query, bind: BindContext, context: StatementContext): PlannedQuery {
  const bound = bindRoot(query, bind);
  return { plan: optimizePlan(resultPlan(bound, bind), bind, context), ordered: bound.ordered };
}

/** Exactly the result columns, with their names; a column that is NULL in every row is text. */
function resultPlan(bound: BoundQuery, bind: BindContext): LogicalPlan {
  const { plan, columns } = bound;
  const untyped = plan.output.some((column) => column.type.kind === 'null');
  const named = columns.every((column, i) => plan.output[i]?.name === column.name);
  if (!untyped && named) return pickColumns(plan, columns);
  const own = columns.map((column) => plan.output.find((each) => each.id === column.id) ?? column);
  return projectPlan(
    plan,
    own.map((column, i) => ({
      id: bind.nextId(),
      name: columns[i]?.name ?? column.name,
      expression: column.type.kind === 'null' ? castTo(columnOf(column), UTF8) : columnOf(column),
    })),
  );
}

export async function runQuery(query: Query, context: StatementContext): Promise<StatementOutcome> {
  const snapshot = context.writer.snapshot();
  try {
    const { plan, ordered } = await withPivotValues(context, snapshot, (bind) =>
      context.plans.plan(query, bind, context, () => planQuery(query, bind, context)),
    );
    return outcomeOf(plan, ordered, context, snapshot, 'query');
  } catch (error) {
    snapshot.release();
    throw error;
  }
}

/** Takes over the snapshot: it is released when the iteration ends. */
export function outcomeOf(
  plan: LogicalPlan,
  ordered: boolean,
  context: StatementContext,
  snapshot: Snapshot,
  kind: StatementKind,
): StatementOutcome {
  const execution = runPlan(plan, context);
  return {
    kind,
    schema: execution.schema,
    affectedRows: null,
    ordered: ordered || execution.ordered,
    batches: new BatchStream(execution.batches, { onEnd: () => snapshot.release() }),
    rowsScanned: () => execution.rowsScanned(),
  };
}

export async function describeQuery(query: Query, context: StatementContext): Promise<QueryDescription> {
  const snapshot = context.writer.snapshot();
  try {
    const { plan, ordered } = await withPivotValues(context, snapshot, (bind) =>
      context.plans.plan(query, bind, context, () => planQuery(query, bind, context)),
    );
    const fields = plan.output.map(({ name, type, nullable }) => ({ name, type, nullable }));
    return { kind: 'query', schema: { fields }, rowCount: exactRows(plan), ordered: ordered || keepsInsertionOrder(plan) };
  } finally {
    snapshot.release();
  }
}

function keepsInsertionOrder(plan: LogicalPlan): boolean {
  if (plan.kind === 'scan' || plan.kind === 'sort' || plan.kind === 'values' || plan.kind === 'series' || plan.kind === 'file') return true;
  return (plan.kind === 'project' || plan.kind === 'filter' || plan.kind === 'limit') && keepsInsertionOrder(plan.input);
}

/** Rows of the result where the plan alone tells; else null. */
function exactRows(plan: LogicalPlan): number | null {
  switch (plan.kind) {
    case 'scan':
      return plan.filters.length === 0 ? plan.source.rowCount : null;
    case 'values':
      return plan.rows.length;
    case 'project':
    case 'window':
    case 'with':
      return exactRows(plan.input);
    case 'sort':
    case 'limit': {
      const below = exactRows(plan.input);
      const offset = plan.kind === 'limit' ? plan.offset : 0;
      return below === null ? null : Math.min(Math.max(0, below - offset), plan.limit ?? Number.POSITIVE_INFINITY);
    }
    case 'aggregate':
      return plan.groups.length === 0 ? 1 : null;
    case 'union': {
      const counts = plan.inputs.map(exactRows);
      return counts.reduce<number | null>((sum, count) => (sum === null || count === null ? null : sum + count), 0);
    }
    default:
      return null;
  }
}
