/** Which side of a join the table is made of, and how its inequalities are looked up there. */
import { estimatedRows } from '../../optimizer/cardinality.js';
import type { Expression } from '../../plan/expression.js';
import type { JoinPlan, LogicalPlan } from '../../plan/logical.js';
import type { ProbeSpec } from '../task.js';
import { narrowing, type RangeLookup, rangeLookup } from './range-conditions.js';

export interface JoinSides {
  /** True: the table is made of the left side. */
  readonly swapped: boolean;
  readonly lookup: RangeLookup | null;
}

export function sidesOf(plan: JoinPlan): JoinSides {
  const conditions = plan.residual === null ? [] : conjuncts(plan.residual);
  const [left, right] = [idsOf(plan.left), idsOf(plan.right)];
  const intoRight = rangeLookup(conditions, left, right);
  const intoLeft = rangeLookup(conditions, right, left);
  const free = plan.join === 'inner' || plan.join === 'cross';
  const better = plan.keys.length === 0 ? narrowing(intoLeft) - narrowing(intoRight) : 0;
  const swapped = plan.join === 'right' || (free && (better > 0 || (better === 0 && estimatedRows(plan.left) < estimatedRows(plan.right))));
  return { swapped, lookup: (swapped ? intoLeft : intoRight) ?? null };
}

function idsOf(plan: LogicalPlan): ReadonlySet<number> {
  return new Set(plan.output.map((column) => column.id));
}

function conjuncts(condition: Expression): readonly Expression[] {
  return condition.kind === 'and' ? condition.operands.flatMap(conjuncts) : [condition];
}

/** What the probe of a join does. */
export const PROBE_JOIN = {
  inner: 'inner',
  cross: 'inner',
  left: 'left',
  right: 'left',
  full: 'left',
  semi: 'semi',
  anti: 'anti',
} as const satisfies Record<JoinPlan['join'], ProbeSpec['join']>;
