/** LATEST ON ts PARTITION BY key: of each key the row with the largest time, the last one inserted among equal times. */
import { DbError } from '../../core/errors.js';
import { INT32, INT64 } from '../../core/types.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type { LogicalPlan, ScanPlan } from '../plan/logical.js';
import { cloneWithFreshIds } from '../plan/traverse.js';
import type { LatestOn } from '../syntax/ast/query.js';
import { aggregateColumn } from './aggregate-column.js';
import { castTo } from './coercion.js';
import type { BoundRelation, Clause } from './context.js';
import { columnOf } from './expressions.js';
import { aggregatePlan, joinPlan, limitByPlan, numberPlan, pickColumns, sortPlan } from './plans.js';
import { designated } from './sample-by.js';

/** Index of the two row-id columns of a scan. */
const ROW_ID = [-1, -2] as const;

export function latestRows(syntax: LatestOn, plan: LogicalPlan, from: BoundRelation, clause: Clause): LogicalPlan {
  const { context } = clause;
  const time =
    syntax.timestamp === null ? designated(from, 'LATEST BY', syntax.position) : context.bindExpression(syntax.timestamp, clause);
  const keys = syntax.partitionBy.map((key) => context.bindExpression(key, clause));
  if (keys.length === 0) throw new DbError('syntax_error', 'LATEST ON needs PARTITION BY', { position: syntax.position });
  const rowIds = ROW_ID.map(() => context.nextId()) as unknown as readonly [ColumnId, ColumnId];
  const columns = keys.filter((key) => key.kind === 'column');
  const identified = time.kind === 'column' && columns.length === keys.length ? withRowIds(plan, rowIds) : undefined;
  if (!identified) return latestOfAny(plan, time, keys, context.nextId());
  const copy = cloneWithFreshIds(identified, context.nextId);
  const renamed = (expression: Expression): Expression =>
    expression.kind === 'column' ? { ...expression, id: copy.ids.get(expression.id) ?? expression.id } : expression;
  const copied = (id: ColumnId): Expression => columnOf({ id: copy.ids.get(id) ?? id, name: 'row', type: INT32, nullable: false });
  const groups = columns.map((key) => ({ id: context.nextId(), name: 'key', expression: renamed(key) }));
  const order = [{ expression: renamed(time), descending: false, nullsFirst: true }];
  const lasts = rowIds.map((id) => aggregateColumn('last', [copied(id)], context.nextId(), { orderBy: order }));
  const latest = aggregatePlan(copy.plan, groups, lasts);
  const pairs = rowIds.map((id, i) => {
    const last = latest.output[groups.length + i];
    if (!last) throw new DbError('internal', 'an aggregate without output');
    return { left: columnOf({ id, name: 'row', type: INT32, nullable: false }), right: castTo(columnOf(last), INT32) };
  });
  return pickColumns(joinPlan('semi', identified, latest, pairs), plan.output);
}

/** Of rows that are no table's: they are numbered, and of each key the first is taken in the order of the latest; rows keep their order. */
function latestOfAny(plan: LogicalPlan, time: Expression, keys: readonly Expression[], number: ColumnId): LogicalPlan {
  const numbered = numberPlan(plan, [], number);
  const place = columnOf({ id: number, name: 'number', type: INT64, nullable: false });
  const sorted = sortPlan(numbered, [
    { expression: time, descending: true, nullsFirst: false },
    { expression: place, descending: true, nullsFirst: false },
  ]);
  const latest = sortPlan(limitByPlan(sorted, keys, 1), [{ expression: place, descending: false, nullsFirst: false }]);
  return pickColumns(latest, plan.output);
}

/** The plan with the row-id columns of its only table added; undefined when it is not filters over one scan. */
function withRowIds(plan: LogicalPlan, ids: readonly [ColumnId, ColumnId]): LogicalPlan | undefined {
  if (plan.kind === 'scan') return scanWithRowIds(plan, ids);
  if (plan.kind !== 'filter' && !(plan.kind === 'join' && (plan.join === 'semi' || plan.join === 'anti'))) return undefined;
  const input = withRowIds(plan.kind === 'join' ? plan.left : plan.input, ids);
  if (!input) return undefined;
  const { output } = input;
  return plan.kind === 'join' ? { ...plan, left: input, output } : { ...plan, input, output };
}

/** The scan with two more output columns: segment index and row in the segment. */
export function scanWithRowIds(scan: ScanPlan, ids: readonly [ColumnId, ColumnId]): ScanPlan {
  const names = ['segment', 'row'];
  return {
    ...scan,
    columnIndexes: [...scan.columnIndexes, ...ROW_ID],
    columns: [...scan.columns, ...ROW_ID.map((columnIndex, i) => ({ id: ids[i] as ColumnId, columnIndex }))],
    output: [...scan.output, ...ids.map((id, i) => ({ id, name: names[i] as string, type: INT32, nullable: false }))],
  };
}
