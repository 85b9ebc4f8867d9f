/** UNION JOIN (kdb+'s uj): the rows of both sides under the columns of both, NULL where a side has not got a column. */
import { DbError } from '../../core/errors.js';
import { NULL_TYPE } from '../../core/types.js';
import type { Expression } from '../plan/expression.js';
import type { OutputColumn } from '../plan/logical.js';
import type { Join } from '../syntax/ast/table.js';
import { checkAliases } from './check-aliases.js';
import { unify } from './coercion.js';
import type { BoundRelation, FromClause } from './context.js';
import { columnOf, literal } from './expressions.js';
import { projectPlan } from './plans.js';
import type { ScopeColumn } from './scope.js';

export function bindUnionJoin(reference: Join, clause: FromClause): BoundRelation {
  const { context } = clause;
  const sides = [reference.left, reference.right].map((side) => context.bindTable(side, { ...clause, windowJoins: null }));
  const [left, right] = sides as [BoundRelation, BoundRelation];
  checkAliases(left, right, reference.right.position);
  const named = sides.map((side) => byName(side, reference.right.position));
  const names = new Set(named.flatMap((columns) => [...columns.keys()]));
  const merged = [...names].map((name) => {
    const own = named.map((columns) => columns.get(name));
    const values = own.map((column): Expression => (column ? columnOf(column, reference.right.position) : literal(null, NULL_TYPE)));
    const { expressions } = unify(values, `UNION JOIN: column ${name}`);
    return { own, expressions, name: own.find((column) => column)?.name ?? name };
  });
  const inputs = sides.map((side, i) =>
    projectPlan(
      side.plan,
      merged.map(({ name, expressions }) => ({ id: context.nextId(), name, expression: expressions[i] as Expression })),
    ),
  );
  const output = merged.map(({ name, own }, i): OutputColumn => {
    const columns = inputs.map((input) => input.output[i]);
    const nullable = columns.some((column) => column?.nullable ?? true) || own.some((column) => !column);
    return { id: context.nextId(), name, type: columns[0]?.type ?? NULL_TYPE, nullable };
  });
  const columns = output.map((column): ScopeColumn => ({ ...column, table: null, unqualified: true }));
  const qualified = merged.flatMap(({ own }, i) =>
    own.flatMap((column) => (column?.table ? [{ ...(columns[i] as ScopeColumn), ...synonymOf(column) }] : [])),
  );
  const stamps = merged.findIndex(({ own }) => own[0]?.id === left.timestamp && own[1]?.id === right.timestamp);
  return { plan: { kind: 'union', inputs, output }, columns: [...columns, ...qualified], timestamp: output[stamps]?.id ?? null };
}

/** The merged column under the name that it has on a side. */
function synonymOf({ name, table }: ScopeColumn) {
  return { name, table, unqualified: false, synonym: true };
}

function byName(side: BoundRelation, position: number): ReadonlyMap<string, ScopeColumn> {
  const columns = new Map<string, ScopeColumn>();
  for (const column of side.columns) {
    if (!column.unqualified || column.synonym) continue;
    const key = column.name.toLowerCase();
    if (columns.has(key))
      throw new DbError('ambiguous_column', `UNION JOIN: two columns of one side are called ${column.name}`, { position });
    columns.set(key, column);
  }
  return columns;
}
