/** The order in which a query without ORDER BY gives rows that window functions were computed over. */
import type { LogicalPlan } from '../plan/logical.js';
import { sortPlan } from './plans.js';

/**
 * As in PostgreSQL and DuckDB rows come in the order of the last window, where that has an order and no partitions; else in the input's order.
 * Only the outermost query is asked: what reads a subquery says its own order.
 */
export function inWindowOrder(plan: LogicalPlan): LogicalPlan {
  switch (plan.kind) {
    case 'project':
    case 'limit': {
      const input = inWindowOrder(plan.input);
      return input === plan.input ? plan : { ...plan, input };
    }
    case 'filter':
    case 'window': {
      const window = windowBelow(plan);
      return window && window.partitionBy.length === 0 ? sortPlan(plan, window.orderBy) : plan;
    }
    default:
      return plan;
  }
}

/** The window whose rows filters let through. */
function windowBelow(plan: LogicalPlan): Extract<LogicalPlan, { kind: 'window' }> | undefined {
  if (plan.kind === 'filter') return windowBelow(plan.input);
  return plan.kind === 'window' ? plan : undefined;
}
