/** What an optimizer rule is. Rules keep the ids, names and types of a plan's output, and its rows. */
import type { Value } from '../../core/batch.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import { mapInputs } from '../plan/traverse.js';

export interface RuleContext {
  /** Value of an expression that reads no column; throws what its evaluation throws. */
  evaluateConstant(expression: Expression): Value;
  nextId(): ColumnId;
}

export interface Rule {
  /** By which it is switched off, and named in docs. */
  readonly name: string;
  readonly doc: string;
  apply(plan: LogicalPlan, context: RuleContext): LogicalPlan;
}

/** Rebuilds a plan bottom-up; `change` gets each node after its inputs were changed. */
export function mapPlan(plan: LogicalPlan, change: (node: LogicalPlan) => LogicalPlan): LogicalPlan {
  const visit = (node: LogicalPlan): LogicalPlan => change(mapInputs(node, visit));
  return visit(plan);
}

/** No rows, with the output of the plan that it replaces. */
export function emptyPlan(plan: LogicalPlan): LogicalPlan {
  return { kind: 'values', rows: [], output: plan.output };
}
