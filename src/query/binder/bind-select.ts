/** One SELECT with the ORDER BY that belongs to it: FROM → WHERE → groups → HAVING → projection → DISTINCT → order. */
import { DbError } from '../../core/errors.js';
import { type Expression, readsSome } from '../plan/expression.js';
import type { LogicalPlan, SortKey } from '../plan/logical.js';
import { freeColumns, mapHeld } from '../plan/traverse.js';
import type { LimitBy, OrderItem, Select, Expression as Syntax } from '../syntax/ast/query.js';
import { AggregateCollector } from './aggregate-collector.js';
import { sortKeyOf } from './bind-call.js';
import { bindFrom } from './bind-from.js';
import { bindWhereConjuncts } from './bind-subquery.js';
import { rejectWindows } from './bind-window.js';
import { coerceBool } from './coercion.js';
import { type BindContext, type BoundQuery, type Clause, type CommonTables, unsupported } from './context.js';
import { columnOf, conjunction, fingerprint } from './expressions.js';
import { mapFill } from './fill-requests.js';
import { GapFilling } from './gap-filling.js';
import { GapfillCollector } from './gapfill-collector.js';
import { checkGroup, Groups, partsBeside, readsAggregate } from './grouping.js';
import { groupingSetsOf } from './grouping-sets.js';
import { latestRows } from './latest-on.js';
import { limitByBounds } from './limit.js';
import { type AggregateColumn, aggregatePlan, filterPlan, groupingSetsPlan } from './plans.js';
import { Relation } from './relation.js';
import { sampled } from './sample.js';
import { type SampleBuckets, sampleBuckets } from './sample-by.js';
import { Scope } from './scope.js';
import { expandCondition } from './select-columns.js';
import { type BoundItem, bindItems } from './select-items.js';
import { projectResult, type SelectResult } from './select-result.js';
import { UnnestCollector, withUnnested } from './unnest-collector.js';
import { WhereAliases } from './where-aliases.js';
import { mapWindows, WindowCollector } from './window-collector.js';
import type { WindowJoinCalls } from './window-join-calls.js';

export interface OrderBy {
  readonly items: readonly OrderItem[];
  readonly all: Pick<OrderItem, 'direction' | 'nulls'> | null;
  readonly limitBy: LimitBy | null;
}

/** byBucket: nothing but SAMPLE BY says the order. */
interface GroupedResult extends SelectResult {
  readonly byBucket: boolean;
}

interface SelectState {
  readonly syntax: Select;
  readonly context: BindContext;
  readonly commonTables: CommonTables;
  readonly scope: Scope;
  /** Below the groups, and above them. */
  readonly input: Relation;
  readonly above: Relation;
  readonly aggregates: AggregateCollector;
  readonly unnests: UnnestCollector;
  readonly windows: WindowCollector;
  readonly gapfill: GapfillCollector;
}

export function bindSelect(
  syntax: Select,
  order: OrderBy,
  context: BindContext,
  outer: Scope | null,
  commonTables: CommonTables,
): BoundQuery {
  const windowJoins: WindowJoinCalls[] = [];
  const from = bindFrom(syntax.from, { context, outer, lateral: null, commonTables, windowJoins });
  const scope = new Scope(from.columns, outer);
  scope.windowJoins = windowJoins;
  scope.isGrouped = syntax.groupBy !== null || syntax.sampleBy !== null || syntax.having !== null;
  const input = new Relation();
  const state: SelectState = {
    syntax,
    context,
    commonTables,
    scope,
    input,
    above: new Relation(),
    aggregates: new AggregateCollector(input),
    unnests: new UnnestCollector(context.nextId),
    windows: new WindowCollector(syntax.windows),
    gapfill: new GapfillCollector(),
  };
  let plan = bindWhere(state, sampled(from.plan, syntax.sample, { context, outer, commonTables }));
  if (syntax.latestOn) plan = latestRows(syntax.latestOn, plan, from, clauseOf(state, 'LATEST ON', false));
  const sample = syntax.sampleBy ? sampleBuckets(syntax.sampleBy, plan, from, clauseOf(state, 'SAMPLE BY', false)) : null;
  if (sample) plan = sample.plan;
  state.gapfill.rows = plan;

  const result = bindResult(order, sample, state);
  plan = withWindowJoins(plan, windowJoins);
  if (!isGrouped(result, sample, state)) return projectResult(state.above.settle(input.settle(plan)), result, context.nextId);
  const groups = sample ? bucketGroups(sample, result.items, state) : bindGroups(result.items, state);
  return projectGroups(plan, result, groups, sample, state);
}

/** The clauses that read the rows of FROM, or the groups of them. */
function bindResult(order: OrderBy, sample: SampleBuckets | null, state: SelectState): GroupedResult {
  const { syntax, context, commonTables, scope, windows } = state;
  scope.aggregates = state.aggregates;
  const written = bindItems(syntax.items, clauseOf(state, 'SELECT'), syntax.mayChooseColumns);
  let aliases: Clause['aliases'];
  const inSelect = (name: string): Clause => {
    aliases ??= aliasesOf(written);
    return clauseOf(state, name, true, aliases);
  };
  const toBucket = sample ? sample.toBucket : unchanged;
  const having = syntax.having && bindHaving(syntax.having, state, inSelect('HAVING'), toBucket);
  const hasOrder = order.all !== null || order.items.length > 0;
  const ordered = hasOrder ? mapHeld(bindOrder(order, written, inSelect('ORDER BY')), toBucket) : [];
  const byBucket = sample !== null && ordered.length === 0;
  const distinctOn = syntax.distinctOn.map((each) => toBucket(orderExpression(each, written, inSelect('DISTINCT ON'))));
  const qualify = syntax.qualify && bindQualify(syntax.qualify, state, inSelect('QUALIFY'));
  const result: GroupedResult = {
    items: mapHeld(written, toBucket),
    keys: byBucket ? [{ expression: sample.bucket, descending: false, nullsFirst: false }] : ordered,
    having,
    windows: mapWindows(windows.windows, toBucket),
    qualify: qualify && toBucket(qualify),
    distinct: syntax.distinct && syntax.distinctOn.length === 0,
    distinctOn,
    limitBy: order.limitBy && {
      keys: order.limitBy.by.map((each) => toBucket(orderExpression(each, written, inSelect('LIMIT BY')))),
      ...limitByBounds(order.limitBy, { context, outer: scope.outer, commonTables }),
    },
    byBucket,
    unnests: state.unnests.lists,
  };
  scope.aggregates = null;
  return result;
}

const unchanged = (expression: Expression): Expression => expression;

function isGrouped({ having }: GroupedResult, sample: SampleBuckets | null, { syntax, aggregates }: SelectState): boolean {
  return syntax.groupBy !== null || having !== null || sample !== null || aggregates.calls.length > 0 || aggregates.groupings.size > 0;
}

function clauseOf(state: SelectState, name: string, aggregates = true, aliases: Clause['aliases'] = null): Clause {
  const { context, scope, commonTables } = state;
  return {
    context,
    name,
    scope,
    commonTables,
    relation: aggregates ? state.above : state.input,
    aggregates: aggregates ? state.aggregates : null,
    unnests: name === 'SELECT' || name === 'ORDER BY' ? state.unnests : null,
    parameters: null,
    windows: aggregates ? state.windows : null,
    aliases,
    gapfill: aggregates || name === 'GROUP BY' ? state.gapfill : null,
  };
}

function bindWhere(state: SelectState, plan: LogicalPlan): LogicalPlan {
  const { where, mayChooseColumns } = state.syntax;
  if (where === null) return plan;
  const relation = new Relation();
  const bare: Clause = { ...clauseOf(state, 'WHERE', false), relation };
  const clause: Clause = { ...bare, aliases: new WhereAliases(state.syntax.items, bare) };
  const parts = bindWhereConjuncts(mayChooseColumns ? expandCondition(where, clause) : where, clause);
  const condition = conjunction(parts.map((part) => coerceBool(part, 'WHERE')));
  // Left rows that a condition leaves away need no windows, unless the condition looks at them.
  const looks = state.scope.windowJoins.some(({ made }) => readsSome(condition, made) || [...made].some((id) => relation.reads.has(id)));
  const joined = relation.settle(looks ? withWindowJoins(plan, state.scope.windowJoins) : plan);
  return filterPlan(joined, condition);
}

function withWindowJoins(plan: LogicalPlan, joins: readonly WindowJoinCalls[]): LogicalPlan {
  return joins.reduce((below, join) => join.settle(below), plan);
}

function bindHaving(
  syntax: Syntax,
  { context, windows }: SelectState,
  clause: Clause,
  toBucket: (expression: Expression) => Expression,
): Expression {
  const having = toBucket(coerceBool(context.bindExpression(syntax, { ...clause, windows: null }), 'HAVING'));
  rejectWindows(having, windows, 'HAVING');
  return having;
}

/** A condition on rows after window functions. Without any of them WHERE or HAVING is meant. */
function bindQualify(syntax: Syntax, { context, windows }: SelectState, clause: Clause): Expression {
  const condition = coerceBool(context.bindExpression(syntax, clause), 'QUALIFY');
  if (windows.windows.length > 0) return condition;
  throw new DbError('invalid_grouping', 'QUALIFY needs a window function in the SELECT list or in QUALIFY', {
    position: syntax.position,
    hint: 'use WHERE or HAVING',
  });
}

function aliasesOf(items: readonly BoundItem[]): ReadonlyMap<string, Expression> {
  const aliases = new Map<string, Expression>();
  for (const item of items) {
    const key = item.name.toLowerCase();
    if (item.named && !aliases.has(key)) aliases.set(key, item.expression);
  }
  return aliases;
}

// ---- ORDER BY ----

function bindOrder(order: OrderBy, items: readonly BoundItem[], clause: Clause): readonly SortKey[] {
  if (order.all) return items.map((item) => sortKeyOf(item.expression, order.all as NonNullable<OrderBy['all']>, clause.context));
  return order.items.map((item) => sortKeyOf(orderExpression(item.expression, items, clause), item, clause.context));
}

/** A position, the name of a result column, or any expression over the input. */
function orderExpression(syntax: Syntax, items: readonly BoundItem[], clause: Clause): Expression {
  if (syntax.kind === 'number') return itemAt(syntax.text, items, syntax.position, 'ORDER BY').expression;
  const name = syntax.kind === 'column' && syntax.name.length === 1 ? syntax.name[0]?.name.toLowerCase() : undefined;
  if (name !== undefined) {
    const named = items.filter((item) => item.named && item.name.toLowerCase() === name);
    const [first, ...others] = named;
    if (first && others.some((other) => fingerprint(other.expression) !== fingerprint(first.expression))) {
      throw new DbError('ambiguous_column', `ORDER BY ${name} means several result columns`, { position: syntax.position });
    }
    if (first) return first.expression;
  }
  return clause.context.bindExpression(syntax, clause);
}

function itemAt(text: string, items: readonly BoundItem[], position: number, clause: string): BoundItem {
  const item = /^\d+$/.test(text) ? items[Number(text) - 1] : undefined;
  if (!item) throw new DbError('column_not_found', `${clause} ${text}: the result has columns 1 to ${items.length}`, { position });
  return item;
}

// ---- groups ----

function bindGroups(items: readonly BoundItem[], state: SelectState): Groups {
  const { context, syntax, aggregates } = state;
  const groups = new Groups(context.nextId, state.scope);
  const clause: Clause = { ...clauseOf(state, 'GROUP BY', false), relation: state.input };
  if (syntax.groupBy?.all || groupsByItems(syntax)) {
    for (const item of items) if (groupsByItself(item.expression, state)) addItem(groups, item, state);
    return groups;
  }
  if (!syntax.groupBy) return groups;
  const sets = groupingSetsOf(syntax.groupBy, (part) => {
    const { expression, name } = groupExpression(part, items, clause);
    checkGroup(expression, aggregates);
    state.above.moveTo(state.input, expression);
    rejectWindows(expression, state.windows, 'GROUP BY');
    return groups.add(expression, name);
  });
  if (sets) groups.divide(sets);
  return groups;
}

/** Aggregates over a HORIZON JOIN are per combination of the other items, as if GROUP BY ALL was written. */
function groupsByItems({ groupBy, from }: Select): boolean {
  return groupBy === null && from.some((table) => table.kind === 'horizonJoin');
}

/** What GROUP BY ALL groups by: items that hold neither an aggregate nor a window function. */
function groupsByItself(expression: Expression, { aggregates, windows, gapfill }: SelectState): boolean {
  return !readsAggregate(expression, aggregates) && !windows.in(expression) && !gapfill.in(expression);
}

/** A position, a column of the input, the alias of an item, or any expression. */
function groupExpression(
  syntax: Syntax,
  items: readonly BoundItem[],
  clause: Clause,
): { readonly expression: Expression; readonly name: string } {
  if (syntax.kind === 'number') {
    const item = itemAt(syntax.text, items, syntax.position, 'GROUP BY');
    return { expression: { ...item.expression, position: syntax.position }, name: item.name };
  }
  if (syntax.kind === 'column' && syntax.name.length === 1 && !clause.scope.find(syntax.name)) {
    const name = syntax.name[0]?.name.toLowerCase();
    const item = items.find((each) => each.named && each.name.toLowerCase() === name);
    if (item) return { expression: { ...item.expression, position: syntax.position }, name: item.name };
  }
  const expression = clause.context.bindExpression(syntax, clause);
  return { expression, name: expression.kind === 'column' ? expression.name : 'key' };
}

/**
 * SAMPLE BY: of every item that aggregates nothing what does not follow from the bucket, and the bucket, which comes last: ids of pairs of keys lie
 * close together when the key that changes slowly is the second one.
 */
function bucketGroups({ bucket, toBucket }: SampleBuckets, items: readonly BoundItem[], state: SelectState): Groups {
  const groups = new Groups(state.context.nextId, state.scope);
  if (state.syntax.groupBy) {
    const written = bindGroups(items, state);
    const places = written.columns.map((column) => groups.add(toBucket(column.expression), column.name));
    const last = groups.add(bucket, 'bucket');
    if (written.sets) groups.divide(written.sets.map((set) => [...set.map((index) => places[index] ?? 0), last]));
    return groups;
  }
  for (const item of items) {
    if (!groupsByItself(item.expression, state)) continue;
    for (const expression of partsBeside(bucket, item.expression)) addItem(groups, { ...item, expression }, state);
  }
  groups.add(bucket, 'bucket');
  return groups;
}

/** Subqueries in a group key are joined below the groups. */
function addItem(groups: Groups, { expression, name }: BoundItem, state: SelectState): void {
  state.above.moveTo(state.input, expression);
  groups.add(expression, name);
}

function projectGroups(
  plan: LogicalPlan,
  result: GroupedResult,
  groups: Groups,
  sample: SampleBuckets | null,
  state: SelectState,
): BoundQuery {
  const { aggregates, scope, context } = state;
  const grouped = groups.rewriter(scope, aggregates);
  const calls = aggregates.calls.map((call): AggregateColumn => {
    const { id, function: name, type } = call;
    return { id, name, type, nullable: aggregates.isNullable(id), call: sample ? sample.byTime(call) : call };
  });
  const grouping = groups.columns.map((group) => group.expression);
  const early = state.unnests.readBy(grouping);
  const input = withUnnested(state.input.settle(plan), early);
  const aggregated = groups.sets
    ? groupingSetsPlan(input, groups.columns, { sets: groups.sets, id: groups.setId }, calls)
    : aggregatePlan(input, groups.columns, calls);
  const filling = gapFilling(aggregated, sample, groups, state);
  filling?.addItems(result.items.map((item) => grouped(item.expression)));
  const rewrite = (expression: Expression) => (filling ? filling.replace(grouped(expression)) : grouped(expression));
  // Completed rows come in that order by themselves.
  const inOrder = result.byBucket && filling !== null && state.above.isEmpty;
  const rewritten: SelectResult = {
    items: mapHeld(result.items, rewrite),
    keys: inOrder ? [] : mapHeld(result.keys, rewrite),
    having: result.having && rewrite(result.having),
    windows: mapWindows(result.windows, rewrite),
    qualify: result.qualify && rewrite(result.qualify),
    distinct: result.distinct,
    distinctOn: result.distinctOn.map(rewrite),
    limitBy: result.limitBy && { ...result.limitBy, keys: result.limitBy.keys.map(rewrite) },
    inOrder,
    unnests: result.unnests.filter((each) => !early.includes(each)).map((each) => ({ ...each, list: rewrite(each.list) })),
  };
  // What subqueries above read is known only when they are joined.
  if (filling && !state.above.isEmpty) for (const column of aggregated.output) filling.replace(columnOf(column));
  const below = filling ? filling.plan() : aggregated;
  let above: LogicalPlan = below;
  if (!state.above.isEmpty) {
    above = state.above.settle(below, rewrite);
    checkCorrelation(above, below, scope);
  }
  return projectResult(above, rewritten, context.nextId);
}

/** What completes the rows of the groups: SAMPLE BY with FILL, or time_bucket_gapfill; null: nothing does. */
function gapFilling(below: LogicalPlan, sample: SampleBuckets | null, groups: Groups, state: SelectState): GapFilling | null {
  const { gapfill, context, scope, aggregates } = state;
  const request = sample?.gaps ?? gapfill.request;
  const bucket = sample?.gaps ? sample.bucket : gapfill.bucket;
  if (!request || !bucket) {
    gapfill.rejectCalls();
    return null;
  }
  if (sample && gapfill.bucket) throw unsupported('time_bucket_gapfill beside SAMPLE BY', gapfill.bucket.position);
  const text = fingerprint(bucket);
  const place = groups.columns.findIndex((group) => fingerprint(group.expression) === text);
  const column = groups.columns[place];
  if (!column) throw new DbError('invalid_grouping', 'time_bucket_gapfill must stand in GROUP BY', { position: bucket.position });
  if (groups.sets?.some((set) => !set.includes(place))) {
    throw unsupported('a grouping set without time_bucket_gapfill', bucket.position, 'GROUP BY bucket, ROLLUP (…)');
  }
  // Rows of different grouping sets are series of their own.
  const keyCount = groups.columns.length + (groups.sets ? 1 : 0);
  const filling = new GapFilling(below, column.id, keyCount, request, context.nextId);
  const grouped = groups.rewriter(scope, aggregates);
  for (const { id, value, fill } of gapfill.calls) {
    filling.addCall(id, grouped(value), mapFill(fill, grouped));
  }
  return filling;
}

/** A subquery above the groups may read grouped columns only. */
function checkCorrelation(plan: LogicalPlan, groups: LogicalPlan, scope: Scope): void {
  const free = freeColumns(plan, groups);
  const column = scope.columns.find((each) => free.has(each.id));
  if (column) {
    throw new DbError('invalid_grouping', `a subquery reads column ${column.name}, which is not grouped`, {
      hint: `add ${column.name} to GROUP BY`,
    });
  }
}
