/**
 * Aggregates over the right side of a WINDOW JOIN, which are a value of each left row: those that read the right side's columns, and those
 * called wj_…. Without GROUP BY, SAMPLE BY and HAVING also those that read no column: count(*) counts the right rows.
 */
import { DbError } from '../../core/errors.js';
import { typeName } from '../../core/types.js';
import { aggregateFunction, isAggregate, resolveAggregate } from '../aggregates/registry.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { QualifiedName } from '../syntax/ast/node.js';
import type { FunctionCall } from '../syntax/ast/query.js';
import { argumentOf, castTo, coerceBool } from './coercion.js';
import { type Clause, unsupported } from './context.js';
import { Scope } from './scope.js';
import { wholePartition } from './window-frame.js';
import type { WindowJoinCalls } from './window-join-calls.js';

const PREFIX = 'wj_';

/** What binds a call's arguments, as bind-call has it. */
export interface AggregateBinder {
  isOrderedSet(name: string): boolean;
  argumentsOf(name: string, syntax: FunctionCall, clause: Clause): { readonly target: string; readonly args: readonly Expression[] };
  isCount(name: string): boolean;
}

/** Undefined: the call is no aggregate of a window join. */
export function bindWindowAggregate(name: string, syntax: FunctionCall, clause: Clause, binder: AggregateBinder): Expression | undefined {
  const { windowJoins } = clause.scope;
  if (windowJoins.length === 0 && !name.startsWith(PREFIX)) return undefined;
  const isExplicit = name.startsWith(PREFIX) && isAggregate(name.slice(PREFIX.length));
  const target = isExplicit ? name.slice(PREFIX.length) : name;
  if (windowJoins.length === 0 || !(isExplicit || isAggregate(target) || binder.isOrderedSet(target))) {
    if (!isExplicit) return undefined;
    throw new DbError(
      'invalid_grouping',
      `${name} is an aggregate over the right side of a WINDOW JOIN; it may not stand in ${clause.name}`,
      {
        position: syntax.position,
        hint: 'FROM a WINDOW JOIN b ON … RANGE BETWEEN … AND …',
      },
    );
  }
  const join = joinOf(syntax, clause, isExplicit);
  if (join) return bindOver(join, target, name, syntax, clause, binder);
  if (!isExplicit) return undefined;
  throw new DbError('invalid_argument', `${name} must read columns of the right side of the WINDOW JOIN`, { position: syntax.position });
}

// ---- which join ----

/** The join whose right side the arguments read. */
function joinOf(syntax: FunctionCall, clause: Clause, isExplicit: boolean): WindowJoinCalls | undefined {
  const { scope } = clause;
  const { windowJoins } = scope;
  const found = new Set<WindowJoinCalls>();
  const names: QualifiedName[] = [];
  collectNames([syntax.arguments, syntax.filter, syntax.orderBy, syntax.withinGroup], names);
  let ofLeft = false;
  for (const name of names) {
    const isOwn = scope.find(name) !== undefined;
    const joins = windowJoins.filter((join) => new Scope(join.columns, null).find(name));
    const [first, ...others] = joins;
    if (others.length > 0 || (first && isOwn && !isExplicit)) throw ambiguous(name);
    if (first) found.add(first);
    else ofLeft ||= isOwn;
  }
  if (found.size > 1) {
    throw new DbError('invalid_argument', 'an aggregate reads the right side of one WINDOW JOIN only', { position: syntax.position });
  }
  const [join] = found;
  if (join || ofLeft || (names.length > 0 && !isExplicit)) return join;
  if (!isExplicit && scope.isGrouped) return undefined;
  if (windowJoins.length === 1) return windowJoins[0];
  throw new DbError('invalid_argument', 'it is not clear which WINDOW JOIN this aggregate is over', {
    position: syntax.position,
    hint: 'let it read a column of the right side',
  });
}

function ambiguous(name: QualifiedName): DbError {
  const text = name.map((part) => part.name).join('.');
  return new DbError('ambiguous_column', `column ${text} is ambiguous`, {
    position: name[0]?.position,
    hint: 'say of which table it is',
  });
}

/** Names of columns in the arguments; aggregates among them are calls of their own. */
function collectNames(node: unknown, names: QualifiedName[]): void {
  if (typeof node !== 'object' || node === null) return;
  const { kind, name } = node as { kind?: unknown; name?: unknown };
  if (kind === 'query') return;
  if (kind === 'column') names.push(name as QualifiedName);
  if (kind === 'function') {
    const called = ((name as QualifiedName).at(-1)?.name ?? '').toLowerCase();
    if (isAggregate(called) || called.startsWith(PREFIX)) return;
  }
  for (const child of Object.values(node)) collectNames(child, names);
}

// ---- the call ----

function bindOver(
  join: WindowJoinCalls,
  target: string,
  name: string,
  syntax: FunctionCall,
  clause: Clause,
  binder: AggregateBinder,
): Expression {
  const { position } = syntax;
  const { context, scope } = clause;
  const inner: Clause = {
    context,
    name: `the arguments of ${name}`,
    scope: new Scope(join.columns, new Scope(scope.columns, scope.outer)),
    commonTables: clause.commonTables,
    relation: null,
    aggregates: null,
  };
  if (syntax.nullTreatment === 'ignore') throw unsupported('IGNORE NULLS', position);
  const { target: canonical, args: given } = binder.argumentsOf(target, syntax, inner);
  const resolved = resolveAggregate(canonical, given.map(argumentOf));
  if (!resolved) {
    const types = given.map((arg) => typeName(arg.type)).join(', ');
    throw new DbError('function_not_found', `${target} does not take (${types})`, { position });
  }
  if (syntax.orderBy.length > 0 && aggregateFunction(resolved.name)?.ordered === true) {
    throw unsupported('ORDER BY inside an aggregate over a WINDOW JOIN', position, 'rows come in the order of their times');
  }
  const filter = syntax.filter ? coerceBool(context.bindExpression(syntax.filter, inner), 'FILTER') : null;
  const args = given.map((arg, i) => castTo(arg, resolved.args[i] ?? arg.type));
  checkSides([...args, ...(filter ? [filter] : [])], scope);
  const call = {
    id: context.nextId(),
    function: resolved.name,
    aggregate: true,
    args,
    type: resolved.type,
    nullable: !binder.isCount(resolved.name),
    distinct: syntax.distinct && given.length > 0,
    filter,
    ignoreNulls: false,
    fromLast: false,
    frame: wholePartition(),
    position,
  };
  return join.add(call, name);
}

/** Columns of the query around are the same for all rows; those of the left side are not there when the right rows are gone through. */
function checkSides(expressions: readonly Expression[], { columns, windowJoins }: Scope): void {
  const left = new Set([...columns.map((column) => column.id), ...windowJoins.flatMap((join) => [...join.made])]);
  for (const expression of expressions) {
    if (![...columnsOf(expression)].some((id) => left.has(id))) continue;
    throw unsupported('an aggregate over both sides of a WINDOW JOIN', expression.position, 'combine its result with the left columns');
  }
}
