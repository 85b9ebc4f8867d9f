/** Conditions move to where their columns come from: into scans, through projections, groups and unions, to the sides of joins. */
import { conjunction, conjuncts, disjunction } from '../binder/expressions.js';
import { asofPlan, filterPlan, joinPlan, pickColumns, unnestPlan, windowPlan } from '../binder/plans.js';
import { analyse } from '../expression/analysis.js';
import { scalarFunction } from '../functions/registry.js';
import { type ColumnId, type Expression, type Ids, readsColumns, readsOnly, readsSome, someNode } from '../plan/expression.js';
import {
  type AggregatePlan,
  type DistinctPlan,
  type HorizonJoinPlan,
  type JoinPlan,
  type LogicalPlan,
  outputIds,
  type ProjectPlan,
  type ScanPlan,
  type SortPlan,
  type UnionPlan,
  type UnnestPlan,
  type WindowJoinPlan,
  type WindowPlan,
} from '../plan/logical.js';
import { mapInputs, overInput, substitute } from '../plan/traverse.js';
import { placeAround } from './asof-conditions.js';
import type { Rule } from './rule.js';

export const FILTER_PUSHDOWN: Rule = {
  name: 'filter_pushdown',
  doc: 'Conditions are tested as early as their columns are there; scans get them for pruning.',
  apply: (plan) => pushNothing(plan),
};

type Conditions = readonly Expression[];

/** The plan with the conditions applied somewhere inside it, and its own filters moved down. */
function push(plan: LogicalPlan, conditions: Conditions): LogicalPlan {
  switch (plan.kind) {
    case 'filter':
      return push(plan.input, [...conjuncts(plan.condition), ...conditions]);
    case 'scan':
      return pushIntoScan(plan, conditions);
    case 'project':
      return pushThroughProject(plan, conditions);
    case 'aggregate':
      return pushThroughAggregate(plan, conditions);
    case 'union':
      return pushThroughUnion(plan, conditions);
    case 'join':
      return pushIntoJoin(plan, conditions);
    case 'asof': {
      const { left, right, joined, above } = placeAround(plan, conditions, isVolatile, rejectsNull);
      return filtered(asofPlan(push(plan.left, left), push(plan.right, right), joined), above);
    }
    case 'window':
      return pushThroughWindow(plan, conditions);
    case 'window_join':
    case 'horizon_join':
      return pushIntoLeft(plan, conditions);
    case 'distinct':
      return rebuilt(plan, push(plan.input, conditions));
    case 'sort':
      if (plan.limit === null) return rebuilt(plan, push(plan.input, conditions));
      break;
    case 'unnest':
      return pushThroughUnnest(plan, conditions);
    case 'with': {
      const relations = plan.relations.map((relation) => ({
        ...relation,
        plan: pickColumns(pushNothing(relation.plan), relation.plan.output),
      }));
      const input = push(plan.input, conditions);
      return { ...plan, relations, input, output: input.output };
    }
    case 'recursive':
    case 'grouping_sets':
    case 'number':
    case 'gap_fill':
    case 'cut':
      return filtered(
        mapInputs(plan, (input) => pickColumns(pushNothing(input), input.output)),
        conditions,
      );
    case 'values':
    case 'series':
    case 'file':
    case 'limit':
    case 'reference':
    case 'limit_by':
    case 'top_by':
    case 'positional':
      break;
  }
  return filtered(mapInputs(plan, pushNothing), conditions);
}

const NONE: Conditions = [];

function pushNothing(plan: LogicalPlan): LogicalPlan {
  return push(plan, NONE);
}

function rebuilt(plan: DistinctPlan | SortPlan, input: LogicalPlan): LogicalPlan {
  return input === plan.input && input.output === plan.output ? plan : overInput(plan, input, input.output);
}

function filtered(plan: LogicalPlan, conditions: Conditions): LogicalPlan {
  return conditions.length === 0 ? plan : filterPlan(plan, conjunction(conditions));
}

function isVolatile(expression: Expression): boolean {
  return someNode(expression, isVolatileCall);
}

function isVolatileCall(node: Expression): boolean {
  return node.kind === 'call' && scalarFunction(node.function)?.volatile === true;
}

function pushIntoScan(plan: ScanPlan, conditions: Conditions): LogicalPlan {
  if (conditions.length === 0) return plan;
  const known = new Set<ColumnId>();
  for (const { id, columnIndex } of plan.columns) if (columnIndex >= 0) known.add(id);
  const filters = [...plan.filters];
  const above: Expression[] = [];
  for (const condition of conditions) {
    const isTaken = readsOnly(condition, known) && readsColumns(condition) && !isVolatile(condition);
    (isTaken ? filters : above).push(condition);
  }
  return filtered(filters.length === plan.filters.length ? plan : { ...plan, filters }, above);
}

function pushThroughProject(plan: ProjectPlan, conditions: Conditions): LogicalPlan {
  if (conditions.length === 0) return mapInputs(plan, pushNothing);
  const by = new Map<ColumnId, Expression>();
  let volatile: Set<ColumnId> | undefined;
  plan.output.forEach(({ id }, i) => {
    const expression = plan.expressions[i] as Expression;
    by.set(id, expression);
    if (isVolatile(expression)) (volatile ??= new Set()).add(id);
  });
  const down: Expression[] = [];
  const above: Expression[] = [];
  for (const condition of conditions) {
    if (volatile && readsSome(condition, volatile)) above.push(condition);
    else down.push(substitute(condition, by));
  }
  return filtered(overInput(plan, push(plan.input, down)), above);
}

function pushThroughAggregate(plan: AggregatePlan, conditions: Conditions): LogicalPlan {
  if (conditions.length === 0) return mapInputs(plan, pushNothing);
  const by = new Map<ColumnId, Expression>();
  plan.groups.forEach((group, i) => {
    by.set(plan.output[i]?.id ?? -1, group);
  });
  const down: Expression[] = [];
  const above: Expression[] = [];
  for (const condition of conditions) {
    const goesDown = by.size > 0 && readsOnly(condition, by) && !isVolatile(condition);
    if (goesDown) down.push(substitute(condition, by));
    else above.push(condition);
  }
  return filtered(overInput(plan, push(plan.input, down)), above);
}

/** Conditions on partition keys alone take or leave whole partitions. */
function pushThroughWindow(plan: WindowPlan, conditions: Conditions): LogicalPlan {
  const keys = new Set(plan.partitionBy.flatMap((key) => (key.kind === 'column' ? [key.id] : [])));
  const goesDown = (condition: Expression) =>
    keys.size > 0 && readsOnly(condition, keys) && readsColumns(condition) && !isVolatile(condition);
  const input = push(plan.input, conditions.filter(goesDown));
  return filtered(
    windowPlan(input, plan),
    conditions.filter((condition) => !goesDown(condition)),
  );
}

/** Left rows do not depend on each other. */
function pushIntoLeft(plan: WindowJoinPlan | HorizonJoinPlan, conditions: Conditions): LogicalPlan {
  const ids = new Set(plan.left.output.map((column) => column.id));
  const goesDown = (condition: Expression) => readsOnly(condition, ids) && readsColumns(condition) && !isVolatile(condition);
  const left = pickColumns(push(plan.left, conditions.filter(goesDown)), plan.left.output);
  const right = pickColumns(push(plan.right, []), plan.right.output);
  return filtered(
    { ...plan, left, right },
    conditions.filter((condition) => !goesDown(condition)),
  );
}

function pushThroughUnion(plan: UnionPlan, conditions: Conditions): LogicalPlan {
  const inputs = plan.inputs.map((input) => {
    const by = new Map(
      plan.output.map((column, i) => {
        const own = input.output[i];
        const expression: Expression = own
          ? { kind: 'column', id: own.id, name: own.name, type: own.type, nullable: own.nullable, position: -1 }
          : { kind: 'literal', value: null, type: column.type, nullable: true, position: -1 };
        return [column.id, expression] as const;
      }),
    );
    return pickColumns(
      push(
        input,
        conditions.map((condition) => substitute(condition, by)),
      ),
      input.output,
    );
  });
  return { ...plan, inputs };
}

/** Conditions on what stood there before go below; those on the elements stay. */
function pushThroughUnnest(plan: UnnestPlan, conditions: Conditions): LogicalPlan {
  const before = new Set(plan.input.output.map((column) => column.id));
  const goesDown = (condition: Expression) => readsOnly(condition, before) && !isVolatile(condition);
  const input = push(plan.input, conditions.filter(goesDown));
  return filtered(
    unnestPlan(input, plan.lists, plan.output.slice(plan.input.output.length), plan.ordinality, plan.outer),
    conditions.filter((condition) => !goesDown(condition)),
  );
}

// ---- joins ----

interface Sides {
  readonly left: Expression[];
  readonly right: Expression[];
  /** Conditions of the join itself. */
  readonly join: Expression[];
  readonly above: Expression[];
}

function pushIntoJoin(plan: JoinPlan, conditions: Conditions): LogicalPlan {
  const leftIds = outputIds(plan.left);
  const rightIds = outputIds(plan.right);
  const join = strengthened(plan.join, conditions, leftIds, rightIds);
  const own = plan.residual === null ? [] : conjuncts(plan.residual);
  const sides: Sides = { left: [], right: [], join: [], above: [] };
  for (const condition of own) place(condition, OWN_PLACES[join], sides, leftIds, rightIds);
  for (const condition of conditions) place(condition, WHERE_PLACES[join], sides, leftIds, rightIds);
  const left = push(plan.left, sides.left);
  const right = push(plan.right, sides.right);
  const kind = join === 'cross' && sides.join.length > 0 ? 'inner' : join;
  const joined = joinPlan(kind, left, right, plan.keys, sides.join.length === 0 ? null : conjunction(sides.join));
  return filtered(joined, sides.above);
}

type Place = keyof Sides;
interface Places {
  readonly left: Place;
  readonly right: Place;
  readonly both: Place;
}

/** Where a condition of ON goes that reads only the left side, only the right, or both. */
const OWN_PLACES = {
  inner: { left: 'left', right: 'right', both: 'join' },
  cross: { left: 'left', right: 'right', both: 'join' },
  left: { left: 'join', right: 'right', both: 'join' },
  right: { left: 'left', right: 'join', both: 'join' },
  full: { left: 'join', right: 'join', both: 'join' },
  semi: { left: 'left', right: 'right', both: 'join' },
  anti: { left: 'join', right: 'right', both: 'join' },
} as const satisfies Record<JoinPlan['join'], Places>;

/** The same for a condition above the join. */
const WHERE_PLACES = {
  inner: { left: 'left', right: 'right', both: 'join' },
  cross: { left: 'left', right: 'right', both: 'join' },
  left: { left: 'left', right: 'above', both: 'above' },
  right: { left: 'above', right: 'right', both: 'above' },
  full: { left: 'above', right: 'above', both: 'above' },
  semi: { left: 'left', right: 'above', both: 'above' },
  anti: { left: 'left', right: 'above', both: 'above' },
} as const satisfies Record<JoinPlan['join'], Places>;

function place(condition: Expression, places: Places, sides: Sides, left: Ids, right: Ids): void {
  const volatile = isVolatile(condition);
  const side =
    volatile || !readsColumns(condition) ? 'both' : readsOnly(condition, left) ? 'left' : readsOnly(condition, right) ? 'right' : 'both';
  sides[places[side]].push(condition);
  if (side !== 'both' || volatile || condition.kind !== 'or' || places.both !== 'join') return;
  if (places.left === 'left') sides.left.push(...impliedOn(left, condition.operands));
  if (places.right === 'right') sides.right.push(...impliedOn(right, condition.operands));
}

/** What an OR over both sides demands of one: in every alternative the conditions that read only that side. None when an alternative has none. */
function impliedOn(ids: Ids, alternatives: Conditions): Conditions {
  const parts = alternatives.map((alternative) =>
    conjuncts(alternative).filter((part) => readsColumns(part) && readsOnly(part, ids) && !analyse(part).fallible),
  );
  return parts.some((part) => part.length === 0) ? [] : [disjunction(parts.map(conjunction))];
}

/** An outer join whose missing rows a condition above would reject anyway is an inner join (or keeps one side only). */
function strengthened(join: JoinPlan['join'], conditions: Conditions, left: Ids, right: Ids): JoinPlan['join'] {
  const rejects = (ids: Ids) => conditions.some((condition) => rejectsNull(condition, ids));
  if (join === 'left' && rejects(right)) return 'inner';
  if (join === 'right' && rejects(left)) return 'inner';
  if (join === 'full') {
    const [missingRight, missingLeft] = [rejects(right), rejects(left)];
    if (missingRight && missingLeft) return 'inner';
    if (missingRight) return 'right';
    if (missingLeft) return 'left';
  }
  return join;
}

const COMPARISONS = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'like', 'ilike']);

/** True when the condition cannot be true for a row where all of these columns are NULL. */
function rejectsNull(condition: Expression, ids: Ids): boolean {
  switch (condition.kind) {
    case 'call':
      return COMPARISONS.has(condition.function) && condition.args.some((arg) => isNullWith(arg, ids));
    case 'in':
      return isNullWith(condition.operand, ids);
    case 'is_null':
      return condition.negated && isNullWith(condition.operand, ids);
    case 'and':
      return condition.operands.some((operand) => rejectsNull(operand, ids));
    case 'or':
      return condition.operands.every((operand) => rejectsNull(operand, ids));
    default:
      return false;
  }
}

/** True when the expression is NULL where the columns are. */
function isNullWith(expression: Expression, ids: Ids): boolean {
  if (expression.kind === 'column') return ids.has(expression.id);
  if (expression.kind === 'cast') return isNullWith(expression.operand, ids);
  if (expression.kind !== 'call') return false;
  const entry = scalarFunction(expression.function);
  return entry?.nulls === 'strict' && expression.args.some((arg) => isNullWith(arg, ids));
}
