/** Joins of FROM: ON, USING and NATURAL conditions, and which columns are seen after them. */
import { DbError } from '../../core/errors.js';
import type { Expression } from '../plan/expression.js';
import type { JoinPlan, LogicalPlan } from '../plan/logical.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { Join, JoinType, TableReference } from '../syntax/ast/table.js';
import { joinWithSubqueries } from './bind-on.js';
import { bindPlusJoin } from './bind-plus-join.js';
import { bindUnionJoin } from './bind-union-join.js';
import { checkAliases } from './check-aliases.js';
import { coerceBool, unify } from './coercion.js';
import { type BoundRelation, type Clause, type FromClause, unsupported } from './context.js';
import { dependsOn, existsJoin, joinLateral } from './decorrelate.js';
import { caseOf, columnOf, conjunction, isNull } from './expressions.js';
import { joinPlan, positionalPlan, projectPlan } from './plans.js';
import { Relation } from './relation.js';
import { scalarCall } from './scalar-call.js';
import { Scope, type ScopeColumn } from './scope.js';

type PlanJoin = JoinPlan['join'];

const PLAN_JOINS: Readonly<Record<Exclude<JoinType, 'positional' | 'union' | 'plus'>, PlanJoin>> = {
  inner: 'inner',
  left: 'left',
  right: 'right',
  full: 'full',
  cross: 'cross',
  semi: 'semi',
  anti: 'anti',
};

/** Joins that have NULLs in place of a side's row, or nothing of it: windows around its rows would not be computed for them. */
const LOSES_LEFT: ReadonlySet<PlanJoin> = new Set(['right', 'full']);
const LOSES_RIGHT: ReadonlySet<PlanJoin> = new Set(['left', 'full', 'semi', 'anti']);

export function bindJoin(reference: Join, clause: FromClause): BoundRelation {
  if (reference.type === 'positional') return bindPositional(reference, clause);
  if (reference.type === 'union') return renamedBy(reference.alias, bindUnionJoin(reference, clause));
  if (reference.type === 'plus') return renamedBy(reference.alias, bindPlusJoin(reference, clause));
  const join = PLAN_JOINS[reference.type];
  const side = (table: TableReference, from: FromClause, losing: ReadonlySet<PlanJoin>): BoundRelation =>
    clause.context.bindTable(table, losing.has(join) ? { ...from, windowJoins: null } : from);
  const left = side(reference.left, clause, LOSES_LEFT);
  const right = side(reference.right, { ...clause, lateral: new Scope(left.columns, clause.lateral ?? clause.outer) }, LOSES_RIGHT);
  checkAliases(left, right, reference.right.position);
  const { condition } = reference;
  const bound =
    !condition || condition.kind === 'on'
      ? joinOn(join, left, right, reference, clause)
      : joinUsing(join, left, right, usingNames(reference, left, right), reference.position, clause);
  return renamedBy(reference.alias, bound);
}

/** The alias of parentheses around the join. */
function renamedBy(alias: Join['alias'], bound: BoundRelation): BoundRelation {
  if (!alias) return bound;
  const columns = bound.columns
    .filter((column) => !column.synonym)
    .map((column, i) => ({ ...column, table: alias.name.name, name: alias.columns[i]?.name ?? column.name }));
  return { ...bound, columns };
}

function bindPositional(reference: Join, clause: FromClause): BoundRelation {
  const [left, right] = [reference.left, reference.right].map((side) =>
    clause.context.bindTable(side, { ...clause, windowJoins: null }),
  ) as [BoundRelation, BoundRelation];
  checkAliases(left, right, reference.right.position);
  const columns = [...left.columns, ...right.columns].map((column) => ({ ...column, nullable: true }));
  return { plan: positionalPlan(left.plan, right.plan), columns, timestamp: left.timestamp };
}

/** The join of two sides; the right one may read the left one's columns (LATERAL). */
function joinSides(
  join: PlanJoin,
  left: BoundRelation,
  right: BoundRelation,
  condition: Expression | null,
  position: number,
  clause: FromClause,
): LogicalPlan {
  if (!dependsOn(right.plan, left.plan)) return joinPlan(join, left.plan, right.plan, [], condition);
  const { nextId } = clause.context;
  switch (join) {
    case 'inner':
    case 'cross':
      return joinLateral('inner', left.plan, right.plan, condition, nextId);
    case 'left':
      return joinLateral('left', left.plan, right.plan, condition, nextId);
    case 'semi':
    case 'anti':
      return existsJoin(join, left.plan, right.plan, condition, nextId);
    default:
      throw new DbError('invalid_argument', `the right side of a ${join.toUpperCase()} JOIN cannot read the left side`, {
        position,
        hint: 'LATERAL stands behind INNER, LEFT and CROSS joins',
      });
  }
}

/** Columns after a join; the side that may be missing is nullable. */
function visible(join: PlanJoin, left: readonly ScopeColumn[], right: readonly ScopeColumn[]): readonly ScopeColumn[] {
  const missing = (columns: readonly ScopeColumn[]) => columns.map((column) => (column.nullable ? column : { ...column, nullable: true }));
  if (join === 'semi' || join === 'anti') return left;
  return [
    ...(join === 'right' || join === 'full' ? missing(left) : left),
    ...(join === 'left' || join === 'full' ? missing(right) : right),
  ];
}

function joinOn(join: PlanJoin, left: BoundRelation, right: BoundRelation, reference: Join, clause: FromClause): BoundRelation {
  const { condition } = reference;
  const columns = visible(join, left.columns, right.columns);
  let residual: Expression | null = null;
  if (condition?.kind === 'on') {
    const scope = new Scope([...left.columns, ...right.columns], clause.outer);
    const relation = new Relation();
    const { context, commonTables } = clause;
    const on: Clause = {
      context,
      name: 'ON',
      scope,
      commonTables,
      relation,
      aggregates: null,
      unnests: null,
      parameters: null,
      windows: null,
      aliases: null,
    };
    residual = coerceBool(clause.context.bindExpression(condition.expression, on), 'ON');
    if (!relation.isEmpty) {
      if (dependsOn(right.plan, left.plan))
        throw unsupported('a subquery in the condition of a LATERAL join', condition.expression.position);
      const plan = joinWithSubqueries(join, left.plan, right.plan, residual, relation, clause.context);
      return { plan, columns, timestamp: left.timestamp };
    }
  }
  return { plan: joinSides(join, left, right, residual, reference.right.position, clause), columns, timestamp: left.timestamp };
}

function usingNames(reference: Join, left: BoundRelation, right: BoundRelation): readonly Identifier[] {
  const { condition } = reference;
  if (condition?.kind === 'using') return condition.columns;
  const shared: Identifier[] = [];
  for (const column of left.columns) {
    if (!column.unqualified) continue;
    const match = right.columns.some((other) => other.unqualified && other.name.toLowerCase() === column.name.toLowerCase());
    if (match) shared.push({ name: column.name, quoted: false, position: reference.position });
  }
  return shared;
}

interface UsingPair {
  readonly left: ScopeColumn;
  readonly right: ScopeColumn;
}

/** USING: the named columns are seen once, first, with the value of the side that is there. */
function joinUsing(
  join: PlanJoin,
  left: BoundRelation,
  right: BoundRelation,
  names: readonly Identifier[],
  position: number,
  clause: FromClause,
): BoundRelation {
  const pairs = names.map((name) => ({ left: single(left, name, 'left'), right: single(right, name, 'right') }));
  const condition = conjunction(pairs.map((pair) => scalarCall('eq', [columnOf(pair.left), columnOf(pair.right)], position)));
  const kind: PlanJoin = join === 'cross' ? 'inner' : join;
  const joined = joinSides(kind, left, right, condition, position, clause);
  const all = visible(kind, left.columns, right.columns);
  if (kind === 'semi' || kind === 'anti') return { plan: joined, columns: all, timestamp: left.timestamp };
  const hidden = new Set(pairs.flatMap((pair) => [pair.left.id, pair.right.id]));
  const rest = all.map((column) => (hidden.has(column.id) ? { ...column, unqualified: false } : column));
  const { plan, merged } = mergeColumns(kind, joined, pairs, all, clause);
  return { plan, columns: [...merged, ...rest], timestamp: left.timestamp };
}

function mergeColumns(
  join: PlanJoin,
  joined: LogicalPlan,
  pairs: readonly UsingPair[],
  all: readonly ScopeColumn[],
  clause: FromClause,
): { readonly plan: LogicalPlan; readonly merged: readonly ScopeColumn[] } {
  const seen = (column: ScopeColumn) => all.find((each) => each.id === column.id) ?? column;
  if (join !== 'full') {
    const merged = pairs.map((pair) => ({ ...seen(join === 'right' ? pair.right : pair.left), table: null, unqualified: true }));
    return { plan: joined, merged };
  }
  const values = pairs.map((pair) => {
    const { type, expressions } = unify([columnOf(seen(pair.left)), columnOf(seen(pair.right))], 'USING');
    const [a, b] = expressions as readonly [Expression, Expression];
    return { id: clause.context.nextId(), name: pair.left.name, expression: caseOf([[isNull(a, true), a]], b, type) };
  });
  const kept = joined.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
  const merged = values.map(({ id, name, expression }) => ({
    id,
    name,
    table: null,
    type: expression.type,
    nullable: expression.nullable,
    unqualified: true,
  }));
  return { plan: projectPlan(joined, [...kept, ...values]), merged };
}

function single(relation: BoundRelation, name: Identifier, side: string): ScopeColumn {
  const found = relation.columns.filter((column) => column.unqualified && column.name.toLowerCase() === name.name.toLowerCase());
  const [column, ...others] = found;
  if (!column) throw new DbError('column_not_found', `USING: the ${side} side has no column ${name.name}`, { position: name.position });
  if (others.length > 0)
    throw new DbError('ambiguous_column', `USING: ${name.name} is ambiguous on the ${side} side`, { position: name.position });
  return column;
}
