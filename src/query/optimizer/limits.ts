/** LIMIT moves down: a sort keeps only the rows that are wanted, projections run after the cut, unions take no more than needed of each input. */
import type { LimitPlan, LogicalPlan } from '../plan/logical.js';
import { emptyPlan, mapPlan, type Rule } from './rule.js';

export const LIMIT_PUSHDOWN: Rule = {
  name: 'limit_pushdown',
  doc: 'LIMIT over ORDER BY is a top-k; LIMIT goes below projections and into unions.',
  apply: (plan) => mapPlan(plan, (node) => (node.kind === 'limit' ? pushLimit(node) : node)),
};

function pushLimit(plan: LimitPlan): LogicalPlan {
  if (plan.limit === null) return plan;
  if (plan.limit === 0) return emptyPlan(plan);
  const { input } = plan;
  const wanted = plan.limit + plan.offset;
  switch (input.kind) {
    case 'project': {
      const below = pushLimit({ ...plan, input: input.input, output: input.input.output });
      return { ...input, input: below };
    }
    case 'sort':
      return { ...plan, input: { ...input, limit: Math.min(wanted, input.limit ?? wanted) } };
    case 'union': {
      const inputs = input.inputs.map((each) => pushLimit({ kind: 'limit', input: each, limit: wanted, offset: 0, output: each.output }));
      return { ...plan, input: { ...input, inputs } };
    }
    case 'limit': {
      // LIMIT of a LIMIT: the smaller one, counted after both offsets.
      const rest = input.limit === null ? plan.limit : Math.max(0, Math.min(plan.limit, input.limit - plan.offset));
      return pushLimit({ ...plan, input: input.input, limit: rest, offset: plan.offset + input.offset, output: input.input.output });
    }
    default:
      return plan;
  }
}
