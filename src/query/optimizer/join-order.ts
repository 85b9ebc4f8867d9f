/**
 * Chains of inner and cross joins are joined anew in the order that is guessed to be cheapest, so that a comma list does not multiply tables
 * that a WHERE connects. Equalities are taken transitively. The hash table is built over the right, smaller side.
 */
import { conjunction, conjuncts } from '../binder/expressions.js';
import { joinPlan, pickColumns } from '../binder/plans.js';
import { type ColumnId, type Expression, readsColumns, readsOnly } from '../plan/expression.js';
import type { JoinPlan, LogicalPlan } from '../plan/logical.js';
import { mapInputs } from '../plan/traverse.js';
import { estimatedRows } from './cardinality.js';
import { JoinGraph, type JoinTree } from './join-graph.js';
import type { Rule } from './rule.js';

export const JOIN_ORDER: Rule = {
  name: 'join_order',
  doc: 'Inner joins come in the order with the smallest tables and results on the way, smaller tables on the build side.',
  apply: (plan) => reorder(plan),
};

interface Chain {
  readonly inputs: LogicalPlan[];
  readonly conditions: Expression[];
}

function reorder(plan: LogicalPlan): LogicalPlan {
  if (plan.kind !== 'join' || !isInner(plan)) {
    return mapInputs(plan, reorder);
  }
  const chain: Chain = { inputs: [], conditions: [] };
  collect(plan, chain);
  const inputs = chain.inputs.map(reorder);
  return pickColumns(build(inputs, chain.conditions), plan.output);
}

function isInner(plan: JoinPlan): boolean {
  return (plan.join === 'inner' || plan.join === 'cross') && plan.keys.length === 0;
}

function collect(plan: LogicalPlan, chain: Chain): void {
  if (plan.kind === 'join' && isInner(plan)) {
    collect(plan.left, chain);
    collect(plan.right, chain);
    if (plan.residual !== null) chain.conditions.push(...conjuncts(plan.residual));
  } else {
    chain.inputs.push(plan);
  }
}

/** Inputs up to which every order is weighed. */
const MOST_WEIGHED = 9;

function build(inputs: readonly LogicalPlan[], conditions: readonly Expression[]): LogicalPlan {
  if (inputs.length > MOST_WEIGHED) return buildGreedily(inputs, conditions);
  const graph = new JoinGraph(inputs, conditions);
  const maskOf = (tree: JoinTree): number => ('input' in tree ? 1 << tree.input : tree.mask);
  const planOf = (tree: JoinTree): LogicalPlan => {
    if ('input' in tree) {
      const input = inputs[tree.input] as LogicalPlan;
      const own = graph.conditionsInside(tree.input);
      return own.length === 0 ? input : { kind: 'filter', input, condition: conjunction(own), output: input.output };
    }
    const between = graph.conditionsBetween(maskOf(tree.left), maskOf(tree.right));
    const residual = between.length === 0 ? null : conjunction(between);
    return joinPlan(residual === null ? 'cross' : 'inner', planOf(tree.left), planOf(tree.right), [], residual);
  };
  return planOf(graph.cheapestTree());
}

/** From the largest input on, always next what an equality connects, the smallest first. */
function buildGreedily(inputs: readonly LogicalPlan[], conditions: readonly Expression[]): LogicalPlan {
  const rest = inputs.map((plan) => ({ plan, rows: estimatedRows(plan), ids: new Set(plan.output.map((column) => column.id)) }));
  rest.sort((a, b) => b.rows - a.rows);
  const first = rest.shift();
  if (!first) return { kind: 'values', rows: [[]], output: [] };
  let joined = first.plan;
  const ids = new Set(first.ids);
  let open = [...conditions];
  while (rest.length > 0) {
    const connected = rest.filter((candidate) => open.some((condition) => connects(condition, ids, candidate.ids)));
    const next = (connected.length > 0 ? connected : rest).reduce((best, each) => (each.rows < best.rows ? each : best));
    rest.splice(rest.indexOf(next), 1);
    for (const id of next.ids) ids.add(id);
    const ready = open.filter((condition) => readsOnly(condition, ids));
    open = open.filter((condition) => !ready.includes(condition));
    joined = joinPlan(ready.length === 0 ? 'cross' : 'inner', joined, next.plan, [], ready.length === 0 ? null : conjunction(ready));
  }
  return open.length === 0 ? joined : { kind: 'filter', input: joined, condition: conjunction(open), output: joined.output };
}

function connects(condition: Expression, left: ReadonlySet<ColumnId>, right: ReadonlySet<ColumnId>): boolean {
  if (condition.kind !== 'call' || condition.function !== 'eq') return false;
  const [a, b] = condition.args;
  if (!a || !b) return false;
  return (isOf(a, left) && isOf(b, right)) || (isOf(b, left) && isOf(a, right));
}

function isOf(expression: Expression, ids: ReadonlySet<ColumnId>): boolean {
  return readsColumns(expression) && readsOnly(expression, ids);
}
