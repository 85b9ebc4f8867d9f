/** Calls of scalar functions, operators and aggregates. */

import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, isNumeric, typeName, UTF8 } from '../../core/types.js';
import { aggregateFunction, resolveAggregate } from '../aggregates/registry.js';
import { addColumnsOf, type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import type { AggregateCall, SortKey } from '../plan/logical.js';
import type { FunctionCall, OrderItem } from '../syntax/ast/query.js';
import type { AggregateCollector } from './aggregate-collector.js';
import { bindLambdaCall, jsonAggregateArguments, jsonArguments } from './bind-composite.js';
import { type AggregateBinder, bindWindowAggregate } from './bind-window-aggregate.js';
import { bindSpecially, callMeaning, rejectNamedArguments } from './call-meaning.js';
import { argumentOf, castTo, coerceBool } from './coercion.js';
import { type BindContext, type Clause, unsupported } from './context.js';
import { boolLiteral, literal } from './expressions.js';
import { scalarCall } from './scalar-call.js';
import type { Scope } from './scope.js';
import { arrangedCall } from './series-arguments.js';

/** Aggregates that give 0 rather than NULL over no rows. */
const COUNTS = new Set(['count', 'count_star', 'count_if', 'approx_count_distinct', 'regr_count']);

export function isCount(name: string): boolean {
  return COUNTS.has(name);
}

/** PostgreSQL's ordered-set names and the aggregates that they are here; the ordered value becomes the first argument. */
export const ORDERED_SET: Readonly<Record<string, string>> = {
  percentile_cont: 'quantile_cont',
  percentile_disc: 'quantile_disc',
  mode: 'mode',
};

const WINDOW_AGGREGATES: AggregateBinder = {
  isOrderedSet: (name) => Object.hasOwn(ORDERED_SET, name),
  argumentsOf: aggregateArguments,
  isCount,
};

/** Canonical name and arguments of an aggregate call, whichever way it is spelled. isOrdered: WITHIN GROUP is one of the arguments. */
function aggregateArguments(name: string, syntax: FunctionCall, inner: Clause) {
  const arranged = arrangedCall(name, syntax, (each) => inner.context.bindExpression(each, inner), inner, null);
  const target = syntax.withinGroup.length > 0 ? (ORDERED_SET[name] ?? name) : arranged.name;
  const direct = jsonAggregateArguments(aggregateFunction(target)?.name, arranged.args, inner);
  const [ordered, second] = ORDERED_SET[name] === undefined ? [] : syntax.withinGroup;
  if (second) throw new DbError('invalid_argument', `${name} is ordered by one expression`, { position: second.position });
  return {
    target,
    args: ordered ? orderedSetArguments(name, ordered, direct, inner) : modeArguments(target, syntax, direct),
    isOrdered: Boolean(ordered),
  };
}

/** mode(x ORDER BY x DESC) takes the largest of several. */
export function modeArguments(target: string, { orderBy }: FunctionCall, args: readonly Expression[]): readonly Expression[] {
  return target === 'mode' && args.length === 1 && orderBy[0]?.direction === 'desc' ? [...args, boolLiteral(true)] : args;
}

/** Other spellings of operators, which the registry has under the operator's name. */
const OPERATOR_SPELLINGS: Readonly<Record<string, string>> = { mod: 'modulo', xor: 'bit_xor' };

export function bindFunction(syntax: FunctionCall, clause: Clause): Expression {
  const name = (syntax.name.at(-1)?.name ?? '').toLowerCase();
  const { special, aggregate, scalar, isWindow } = callMeaning(name);
  const early = bindSpecially(special.early, name, syntax, clause);
  if (early) return early;
  if (syntax.over !== null) return clause.context.bindWindow(name, syntax, clause);
  const overWindow = bindWindowAggregate(name, syntax, clause, WINDOW_AGGREGATES);
  if (overWindow) return overWindow;
  const plain = bindLambdaCall(name, scalar?.name, syntax, clause) ?? bindSpecially(special.plain, name, syntax, clause);
  if (plain) return plain;
  if (isWindow && !aggregate) {
    throw new DbError('invalid_grouping', `${name} is a window function and needs OVER`, {
      position: syntax.position,
      hint: `${name}(…) OVER (PARTITION BY … ORDER BY …)`,
    });
  }
  if (!aggregate) rejectNamedArguments(syntax);
  if (syntax.withinGroup.length > 0 || aggregate) return bindAggregate(name, syntax, clause);
  if (syntax.star) throw new DbError('syntax_error', `${name}(*) is not a call; only count takes *`, { position: syntax.position });
  if (scalar && (syntax.distinct || syntax.filter !== null || syntax.orderBy.length > 0 || syntax.nullTreatment !== null)) {
    throw new DbError('type_mismatch', `${name} is not an aggregate`, {
      position: syntax.position,
      hint: 'DISTINCT, FILTER, ORDER BY and IGNORE NULLS belong to aggregates and window functions',
    });
  }
  const rewritten = bindSpecially(special.scalar, name, syntax, clause);
  if (rewritten) return rewritten;
  const args = syntax.arguments.map((argument) => clause.context.bindExpression(argument.value, clause));
  return scalarCall(OPERATOR_SPELLINGS[name] ?? name, jsonArguments(scalar?.name, args, clause), syntax.position);
}

function bindAggregate(name: string, syntax: FunctionCall, clause: Clause): Expression {
  const { aggregates } = clause;
  if (syntax.nullTreatment === 'ignore') throw unsupported('IGNORE NULLS', syntax.position);
  const collector = aggregates ?? outerAggregates(clause.scope);
  if (!collector)
    throw new DbError('invalid_grouping', `${name} is an aggregate; it may not stand in ${clause.name}`, { position: syntax.position });
  const own = clause.scope.aggregates;
  clause.scope.aggregates = null;
  try {
    return bindAggregateOver(name, syntax, clause, collector);
  } finally {
    clause.scope.aggregates = own;
  }
}

/** The aggregates of the nearest query around that may hold some. */
function outerAggregates(scope: Scope): AggregateCollector | null {
  for (let outer = scope.outer; outer !== null; outer = outer.outer) if (outer.aggregates) return outer.aggregates;
  return null;
}

function bindAggregateOver(name: string, syntax: FunctionCall, clause: Clause, nearest: AggregateCollector): Expression {
  const { aggregates, context } = clause;
  const relation = (aggregates ?? nearest).input;
  const inner: Clause = {
    ...clause,
    aggregates: null,
    windows: null,
    unnests: null,
    // A lambda's parameter has values for one row at a time, long after the rows were aggregated.
    parameters: null,
    relation,
    name: `the arguments of ${name}`,
  };
  const { target, args, isOrdered } = aggregateArguments(name, syntax, inner);
  const orderBy = [...syntax.orderBy, ...(isOrdered ? [] : syntax.withinGroup)].map((item) => bindSortKey(item, inner));
  const filter = syntax.filter === null ? null : coerceBool(context.bindExpression(syntax.filter, { ...inner, name: 'FILTER' }), 'FILTER');
  const owner = inner.scope.outer && ownerOf(columnsRead(args, filter, orderBy), inner.scope);
  const collector = owner === null ? aggregates : owner.aggregates;
  if (!collector)
    throw new DbError('invalid_grouping', `${name} is an aggregate; it may not stand in ${clause.name}`, { position: syntax.position });
  const resolved = resolveAggregate(target, args.map(argumentOf));
  if (!resolved) throw noAggregate(target, args, syntax.position);
  const converted = args.map((arg, i) => castTo(arg, resolved.args[i] ?? arg.type));
  const canonical = resolved.name;
  const call: AggregateCall = {
    id: context.nextId(),
    function: canonical,
    args: converted,
    type: resolved.type,
    distinct: syntax.distinct,
    filter,
    orderBy,
    position: syntax.position,
  };
  return collector.add(call, name, !isCount(canonical));
}

function columnsRead(args: readonly Expression[], filter: Expression | null, orderBy: readonly SortKey[]): ReadonlySet<ColumnId> {
  const read = new Set<ColumnId>();
  for (const arg of args) addColumnsOf(arg, read);
  if (filter) addColumnsOf(filter, read);
  for (const key of orderBy) addColumnsOf(key.expression, read);
  return read;
}

/** An aggregate over columns of a query around belongs to that query, as PostgreSQL has it; null: to the query itself. */
function ownerOf(read: ReadonlySet<ColumnId>, scope: Scope): Scope | null {
  if (read.size === 0 || scope.columns.some((column) => read.has(column.id))) return null;
  for (let outer = scope.outer; outer !== null; outer = outer.outer) {
    if (outer.columns.some((column) => read.has(column.id))) return outer;
  }
  for (const beside of scope.allBeside()) if (beside.columns.some((column) => read.has(column.id))) return beside;
  return null;
}

/** percentile_cont(0.9) WITHIN GROUP (ORDER BY x [DESC]) → quantile_cont(x, 0.9). */
export function orderedSetArguments(name: string, item: OrderItem, direct: readonly Expression[], clause: Clause): readonly Expression[] {
  const value = clause.context.bindExpression(item.expression, clause);
  const [fraction, ...more] = direct;
  const surplus = name === 'mode' ? fraction : more[0];
  if (surplus) throw noAggregate(name, direct, surplus.position);
  if (name === 'mode') return item.direction === 'asc' ? [value] : [value, boolLiteral(true)];
  if (!fraction) return [value];
  return [value, share(fraction, item.direction === 'desc', clause)];
}

/** The share of rows, or a list of shares; counted from the largest value they are below 0. */
function share(fraction: Expression, descending: boolean, clause: Clause): Expression {
  const { position } = fraction;
  const isList = fraction.type.kind === 'list';
  const type: DataType = isList ? { kind: 'list', item: { name: 'item', type: FLOAT64, nullable: true } } : FLOAT64;
  if (columnsOf(fraction).size > 0 || !(isList || isNumeric(fraction.type))) return fraction;
  const value = clause.context.evaluateConstant(castTo(fraction, type));
  const turned = (isList && value !== null ? (value as readonly Value[]) : [value as Value]).map((each) => {
    const part = Number(each);
    if (each === null || !(part >= 0 && part <= 1)) throw new DbError('invalid_argument', 'a percentile is between 0 and 1', { position });
    return descending ? (part === 0 ? 1 : -part) : part;
  });
  return literal(isList ? turned : (turned[0] ?? null), type, position);
}

function bindSortKey(item: OrderItem, clause: Clause): SortKey {
  return sortKeyOf(clause.context.bindExpression(item.expression, clause), item, clause.context);
}

export function sortKeyOf(expression: Expression, flags: Pick<OrderItem, 'direction' | 'nulls'>, { nullOrder }: BindContext): SortKey {
  const descending = flags.direction === 'desc';
  const byDefault = descending ? nullOrder.descendingFirst : nullOrder.ascendingFirst;
  return { expression, descending, nullsFirst: flags.nulls === null ? byDefault : flags.nulls === 'first' };
}

function noAggregate(name: string, args: readonly Expression[], position: number): DbError {
  const types = args.map((arg) => typeName(arg.type.kind === 'null' ? UTF8 : arg.type)).join(', ');
  return new DbError('function_not_found', `${name} does not take (${types})`, { position });
}
