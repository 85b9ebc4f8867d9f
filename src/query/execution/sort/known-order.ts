/** Orders that rows have anyway: first(x ORDER BY ts) over rows that ascend in ts is the first row. */
import type { ColumnId } from '../../plan/expression.js';
import type { AggregateCall, LogicalPlan, SortPlan } from '../../plan/logical.js';
import { timeOrderOf } from '../scan/scan-order.js';

/** The column in which the rows of a plan ascend (it has no NULLs); undefined = none is known. */
export function ascendingColumn(plan: LogicalPlan): ColumnId | undefined {
  switch (plan.kind) {
    case 'scan': {
      const { segments, table } = plan.source;
      const { timestampColumn } = table.definition;
      if (timeOrderOf(segments, timestampColumn) !== 'ascending') return undefined;
      return plan.columns.find((column) => column.columnIndex === timestampColumn)?.id;
    }
    case 'filter':
    case 'window':
      return ascendingColumn(plan.input);
    case 'project': {
      const inner = ascendingColumn(plan.input);
      const place = plan.expressions.findIndex((expression) => expression.kind === 'column' && expression.id === inner);
      return inner === undefined ? undefined : plan.output[place]?.id;
    }
    default:
      return undefined;
  }
}

/** True: rows that windows were computed over come in the order of the sort anyway. */
export function comesSorted({ input, keys, limit }: SortPlan): boolean {
  const [key, ...more] = keys;
  if (limit !== null || more.length > 0 || key?.expression.kind !== 'column' || key.descending) return false;
  let below = input;
  while (below.kind === 'filter' || below.kind === 'project') below = below.input;
  return below.kind === 'window' && ascendingColumn(input) === key.expression.id;
}

/** The node with first and last taken by place where the rows come in the order that they ask for. */
export function withKnownOrder<P extends LogicalPlan & { readonly input: LogicalPlan; readonly aggregates: readonly AggregateCall[] }>(
  plan: P,
): P {
  if (!plan.aggregates.some(picks)) return plan;
  const ascending = ascendingColumn(plan.input);
  if (ascending === undefined) return plan;
  const aggregates = plan.aggregates.map((call) => {
    const key = call.orderBy[0]?.expression ?? call.args[1];
    const ordered = picks(call) && key?.kind === 'column' && key.id === ascending;
    return ordered ? { ...call, args: call.args.slice(0, 1), orderBy: [] } : call;
  });
  return { ...plan, aggregates };
}

/** first or last by one ascending key. */
function picks(call: AggregateCall): boolean {
  if ((call.function !== 'first' && call.function !== 'last') || call.distinct) return false;
  const [key, ...more] = call.orderBy;
  if (call.args.length === 2) return key === undefined;
  return call.args.length === 1 && key !== undefined && !key.descending && more.length === 0;
}
