/** Rough numbers of rows, for choices that do not change results. */
import type { LogicalPlan } from '../plan/logical.js';

export function estimateRows(plan: LogicalPlan): number {
  switch (plan.kind) {
    case 'scan':
      return plan.source.rowCount * 0.3 ** plan.filters.length;
    case 'values':
      return plan.rows.length;
    case 'series':
      return 1000;
    case 'filter':
      return estimateRows(plan.input) * 0.3;
    case 'project':
    case 'window':
      return estimateRows(plan.input);
    case 'aggregate':
      return plan.groups.length === 0 ? 1 : estimateRows(plan.input) * 0.1;
    case 'unnest':
      return estimateRows(plan.input) * 4;
    case 'limit_by':
      return estimateRows(plan.input) * 0.5;
    case 'positional':
      return Math.max(estimateRows(plan.left), estimateRows(plan.right));
    case 'distinct':
      return estimateRows(plan.input) * 0.5;
    case 'sort':
    case 'limit':
      return Math.min(estimateRows(plan.input), plan.limit ?? Number.POSITIVE_INFINITY);
    case 'join':
      return plan.keys.length > 0
        ? Math.max(estimateRows(plan.left), estimateRows(plan.right))
        : estimateRows(plan.left) * estimateRows(plan.right);
    case 'union':
      return plan.inputs.reduce((sum, input) => sum + estimateRows(input), 0);
  }
}
