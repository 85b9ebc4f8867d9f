/** The optimizer: a list of rules, applied once each, in this order. */
import type { LogicalPlan } from '../plan/logical.js';
import { BACKWARDS_SCANS } from './backwards-scans.js';
import { COMPARABLE_COLUMNS } from './comparable-columns.js';
import { CONSTANT_FOLDING } from './constant-folding.js';
import { FILTER_PUSHDOWN } from './filter-pushdown.js';
import { JOIN_KEYS } from './join-keys.js';
import { JOIN_ORDER } from './join-order.js';
import { LIMIT_PUSHDOWN } from './limits.js';
import { METADATA_COUNTS } from './metadata-counts.js';
import { OR_FACTORING } from './or-factoring.js';
import { PROJECTION_MERGING } from './projection-merging.js';
import { PROJECTION_PRUNING } from './projection-pruning.js';
import type { Rule, RuleContext } from './rule.js';
import { SEMI_PUSHDOWN } from './semi-pushdown.js';
import { TOP_BY } from './top-by.js';

export const RULES: readonly Rule[] = [
  CONSTANT_FOLDING,
  OR_FACTORING,
  FILTER_PUSHDOWN,
  COMPARABLE_COLUMNS,
  SEMI_PUSHDOWN,
  JOIN_ORDER,
  JOIN_KEYS,
  PROJECTION_MERGING,
  LIMIT_PUSHDOWN,
  METADATA_COUNTS,
  BACKWARDS_SCANS,
  TOP_BY,
  PROJECTION_PRUNING,
];

/** The plan, rewritten. Rules whose names are in `disabled` are left away; the result has the same rows. */
export function optimize(plan: LogicalPlan, context: RuleContext, disabled: ReadonlySet<string> = new Set()): LogicalPlan {
  let result = plan;
  for (const rule of RULES) if (!disabled.has(rule.name)) result = rule.apply(result, context);
  return result;
}
