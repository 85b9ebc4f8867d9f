/** Calls with OVER: which rows, in which order, which frame; window functions and aggregates over them. */
import { DbError } from '../../core/errors.js';
import { BOOL, INT64, typeName } from '../../core/types.js';
import { AGGREGATE_FUNCTIONS, aggregateFunction, isAggregate, resolveAggregate } from '../aggregates/registry.js';
import type { Expression } from '../plan/expression.js';
import type { WindowCall, WindowFrame } from '../plan/window.js';
import type {
  WindowFrame as FrameSyntax,
  FunctionCall,
  OrderItem,
  Expression as Syntax,
  WindowSpecification,
} from '../syntax/ast/query.js';
import { WINDOW_FUNCTIONS, type WindowFunction, windowFunction } from '../windows/registry.js';
import { SERIES_WINDOWS } from '../windows/series-functions.js';
import { isCount, modeArguments, ORDERED_SET, orderedSetArguments, sortKeyOf } from './bind-call.js';
import { jsonAggregateArguments } from './bind-composite.js';
import { bindSeriesWindow } from './bind-series-window.js';
import { argumentOf, castTo, coerceBool } from './coercion.js';
import { type Clause, unsupported } from './context.js';
import { caseOf, conjunction, isNull, literal } from './expressions.js';
import { didYouMean } from './nearest-name.js';
import { scalarCall } from './scalar-call.js';
import { arrangedCall } from './series-arguments.js';
import type { WindowCollector } from './window-collector.js';
import { bindFrame, wholePartition } from './window-frame.js';

/** What a window consists of, after named windows were looked up. */
interface Over {
  readonly partitionBy: readonly Syntax[];
  readonly orderBy: readonly OrderItem[];
  readonly frame: FrameSyntax | null;
}

export function bindWindow(name: string, syntax: FunctionCall, clause: Clause): Expression {
  const { windows } = clause;
  if (!windows) throw misplaced(name, syntax, clause);
  const inner: Clause = {
    ...clause,
    windows: null,
    unnests: null,
    parameters: null,
    name: `the arguments of window function ${name}`,
  };
  const bind = (each: Syntax): Expression => withoutWindows(clause.context.bindExpression(each, inner), windows);
  const over = overOf(syntax.over as NonNullable<FunctionCall['over']>, windows);
  const partitionBy = over.partitionBy.map(bind).filter((expression) => expression.kind !== 'literal');
  const orderBy = over.orderBy
    .map((item) => sortKeyOf(bind(item.expression), item, clause.context))
    .filter((key) => key.expression.kind !== 'literal');
  const frame = bindFrame(over.frame, orderBy, inner);
  const add = (call: WindowCall): Expression => windows.add({ partitionBy, orderBy, call });
  const arranged = arrangedCall(name, syntax, bind, inner, orderBy[0]?.expression ?? null);
  const entry = windowFunction(arranged.name);
  if (entry?.takesOrder || (entry && SERIES_WINDOWS.includes(entry))) {
    return bindSeriesWindow(entry, { syntax, arranged, clause: inner, orderBy, hasFrame: over.frame !== null, add });
  }
  const ownOrder = syntax.orderBy
    .map((item) => sortKeyOf(bind(item.expression), item, clause.context))
    .filter((key) => key.expression.kind !== 'literal');
  const addOrdered = (call: WindowCall): Expression => {
    if (isWhole(frame)) return windows.add({ partitionBy, orderBy: ownOrder, call: { ...call, frame: wholePartition() } });
    return windows.add({ partitionBy, orderBy, call: { ...call, frame, orderBy: ownOrder } });
  };
  const aggregate = (target: string, args: readonly Expression[]): Expression =>
    bindAggregateOver(target, syntax, inner, args, bind, frame, add, addOrdered);
  if (entry && ownOrder.length > 0) return bindOrdered(entry, syntax, inner, arranged.args, frame, addOrdered, aggregate);
  if (entry) return bindPlain(entry, syntax, inner, arranged.args, frame, add);
  if (!isAggregate(name) && ORDERED_SET[name] === undefined) {
    const names = [...WINDOW_FUNCTIONS, ...AGGREGATE_FUNCTIONS].flatMap((each) => [each.name, ...(each.aliases ?? [])]);
    throw new DbError('function_not_found', `no window function or aggregate is called ${name}`, {
      position: syntax.position,
      hint: didYouMean(name, names),
    });
  }
  return aggregate(name, arranged.args);
}

function isWhole({ start, end, exclude }: WindowFrame): boolean {
  return start.kind === 'unbounded_preceding' && end.kind === 'unbounded_following' && exclude === 'none';
}

/** Window functions and the aggregates that they are over the rows of a frame. */
const OVER_FRAMES: Readonly<Record<string, string>> = { first_value: 'first', last_value: 'last', nth_value: 'array_agg' };

/**
 * A window function with an order of its own goes by the frame, in that order: first_value(x ORDER BY y) is the aggregate first(x ORDER BY y).
 * Over whole partitions its order takes the place of the window's.
 */
function bindOrdered(
  entry: WindowFunction,
  syntax: FunctionCall,
  clause: Clause,
  args: readonly Expression[],
  frame: WindowFrame,
  addOrdered: Add,
  aggregate: (target: string, args: readonly Expression[]) => Expression,
): Expression {
  const { position } = syntax;
  const [value, nth] = args;
  const same = OVER_FRAMES[entry.name];
  if (same && value && entry.resolve(args.map(argumentOf))) {
    const picked = aggregate(same, [value]);
    return nth ? itemOf(picked, nth, syntax) : picked;
  }
  if (frame.exclude !== 'none') throw unsupported(`EXCLUDE for ${entry.name} with an ORDER BY of its own`, position);
  return bindPlain(entry, { ...syntax, orderBy: [] }, clause, args, frame, addOrdered);
}

/** The n-th of the values, or from the last one; a number below 1 has none. */
function itemOf(values: Expression, nth: Expression, { fromLast, position }: FunctionCall): Expression {
  const count = castTo(nth, INT64);
  const item = scalarCall('list_extract', [values, fromLast ? scalarCall('negate', [count], position) : count], position);
  const isThere = scalarCall('ge', [count, literal(1n, INT64)], position);
  return { ...caseOf([[isThere, item]], null, item.type), position };
}

function misplaced(name: string, syntax: FunctionCall, clause: Clause): DbError {
  const nested = clause.name.startsWith('the arguments of');
  return new DbError('invalid_grouping', `${name} with OVER is a window function; it may not stand in ${clause.name}`, {
    position: syntax.position,
    hint: nested ? 'compute the inner one in a subquery' : 'use QUALIFY, or compute it in a subquery and test it outside',
  });
}

/** An alias may bring a window function in where none may be. */
function withoutWindows(expression: Expression, windows: WindowCollector): Expression {
  const inside = windows.in(expression);
  if (inside) {
    throw new DbError('invalid_grouping', 'a window function may not stand inside another one', {
      position: inside.position,
      hint: 'compute the inner one in a subquery',
    });
  }
  return expression;
}

// ---- the window ----

function overOf(over: NonNullable<FunctionCall['over']>, windows: WindowCollector): Over {
  if (over.kind === 'windowName') return named(over.name.name, over.position, windows, []);
  return inherited(over, windows, []);
}

function named(name: string, position: number, windows: WindowCollector, seen: readonly string[]): Over {
  const key = name.toLowerCase();
  const found = windows.named.find((window) => window.name.name.toLowerCase() === key);
  if (!found || seen.includes(key)) {
    const names = windows.named.map((window) => window.name.name);
    throw new DbError('invalid_argument', `no window is called ${name}`, { position, hint: didYouMean(name, names) });
  }
  return inherited(found.specification, windows, [...seen, key]);
}

/** A window on top of another one may add an order and a frame; what the other has already, it may not have again. */
function inherited(own: WindowSpecification, windows: WindowCollector, seen: readonly string[]): Over {
  const { partitionBy, orderBy, frame, position } = own;
  if (!own.base) return { partitionBy, orderBy, frame };
  const name = own.base.name;
  const base = named(name, own.base.position, windows, seen);
  const clash = (what: string): DbError => new DbError('invalid_argument', `${what} of window ${name}`, { position });
  if (partitionBy.length > 0) throw clash('PARTITION BY may not be added to that');
  if (orderBy.length > 0 && base.orderBy.length > 0) throw clash('ORDER BY may not replace that');
  if (base.frame) throw clash('a window may not be based on the frame');
  return { partitionBy: base.partitionBy, orderBy: orderBy.length > 0 ? orderBy : base.orderBy, frame };
}

// ---- calls ----

type Bind = (syntax: Syntax) => Expression;
type Add = (call: WindowCall) => Expression;

function bindPlain(
  entry: WindowFunction,
  syntax: FunctionCall,
  clause: Clause,
  given: readonly Expression[],
  frame: WindowFrame,
  add: Add,
): Expression {
  const { position } = syntax;
  const refuse = (what: string): DbError => new DbError('type_mismatch', `${entry.name} does not take ${what}`, { position });
  if (syntax.distinct) throw refuse('DISTINCT');
  if (syntax.orderBy.length > 0 || syntax.withinGroup.length > 0) throw refuse('an ORDER BY of its own');
  if (syntax.filter) throw refuse('FILTER');
  if (syntax.nullTreatment === 'ignore' && !entry.skipsNulls) throw refuse('IGNORE NULLS');
  if (syntax.fromLast && entry.name !== 'nth_value') throw refuse('FROM LAST');
  const signature = entry.resolve(given.map(argumentOf));
  if (!signature || syntax.star) {
    const types = given.map((arg) => typeName(arg.type)).join(', ');
    throw new DbError('function_not_found', `${entry.name} does not take (${syntax.star ? '*' : types})`, { position, hint: entry.doc });
  }
  const args = given.map((arg, i) => castTo(arg, signature.args[i] ?? arg.type));
  const call: WindowCall = {
    id: clause.context.nextId(),
    function: entry.name,
    aggregate: false,
    args: args.slice(0, 2),
    type: signature.type,
    nullable: signature.nullable,
    distinct: false,
    filter: null,
    ignoreNulls: syntax.nullTreatment === 'ignore',
    fromLast: syntax.fromLast,
    frame: entry.framed ? frame : wholePartition(),
    position,
  };
  const value = add(call);
  const otherwise = args[2];
  if (!otherwise) return value;
  // The default of lag and lead is any expression over the row, so it stands in a CASE around the call.
  const exists = add({ ...call, id: clause.context.nextId(), function: `${entry.name}_exists`, type: BOOL, nullable: false });
  return { ...caseOf([[exists, value]], otherwise, signature.type), position };
}

/** Aggregates that take IGNORE NULLS: NULLs are left out of their frames. */
const SKIPS_NULLS: ReadonlySet<string> = new Set(['first', 'last', 'any_value', 'array_agg']);

function bindAggregateOver(
  name: string,
  syntax: FunctionCall,
  clause: Clause,
  direct: readonly Expression[],
  bind: Bind,
  frame: WindowFrame,
  add: Add,
  addOrdered: Add,
): Expression {
  const { position } = syntax;
  if (syntax.nullTreatment === 'ignore' && !SKIPS_NULLS.has(aggregateFunction(name)?.name ?? '')) {
    throw new DbError('type_mismatch', `${name} does not take IGNORE NULLS`, { position, hint: 'use FILTER (WHERE … IS NOT NULL)' });
  }
  const ordered = syntax.withinGroup[0];
  const target = ordered ? (ORDERED_SET[name] ?? name) : name;
  const plain = jsonAggregateArguments(aggregateFunction(target)?.name, direct, clause);
  const given =
    ordered && ORDERED_SET[name] !== undefined ? orderedSetArguments(name, ordered, plain, clause) : modeArguments(target, syntax, plain);
  const resolved = resolveAggregate(target, given.map(argumentOf));
  if (!resolved) {
    const types = given.map((arg) => typeName(arg.type)).join(', ');
    throw new DbError('function_not_found', `${target} does not take (${types})`, { position });
  }
  const isOrdered = syntax.orderBy.length > 0 && aggregateFunction(resolved.name)?.ordered === true;
  const [value] = given;
  const present = syntax.nullTreatment === 'ignore' && value ? [isNull(value, true)] : [];
  const conditions = [...(syntax.filter ? [coerceBool(bind(syntax.filter), 'FILTER')] : []), ...present];
  const filter = conditions.length === 0 ? null : conjunction(conditions);
  return (isOrdered ? addOrdered : add)({
    id: clause.context.nextId(),
    function: resolved.name,
    aggregate: true,
    args: given.map((arg, i) => castTo(arg, resolved.args[i] ?? arg.type)),
    type: resolved.type,
    nullable: !isCount(resolved.name),
    distinct: syntax.distinct && given.length > 0,
    filter,
    ignoreNulls: false,
    fromLast: false,
    frame,
    position,
  });
}

/** For errors of clauses that aliases bring window functions into. */
export function rejectWindows(expression: Expression, windows: WindowCollector, clause: string): void {
  const inside = windows.in(expression);
  if (!inside) return;
  throw new DbError('invalid_grouping', `a window function may not stand in ${clause}`, {
    position: expression.position,
    hint: 'use QUALIFY, or compute it in a subquery and use it outside',
  });
}
