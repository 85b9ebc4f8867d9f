/** Aggregates that the binder itself needs: for subqueries, DISTINCT ON, LATEST ON. */
import { DbError } from '../../core/errors.js';
import { resolveAggregate } from '../aggregates/registry.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import { argumentOf, castTo } from './coercion.js';
import type { AggregateColumn } from './plans.js';

export function aggregateColumn(
  name: string,
  args: readonly Expression[],
  id: ColumnId,
  extra: { readonly filter?: Expression; readonly orderBy?: AggregateColumn['orderBy'] } = {},
): AggregateColumn {
  const resolved = resolveAggregate(name, args.map(argumentOf));
  if (!resolved) throw new DbError('internal', `aggregate ${name} is missing`);
  return {
    id,
    name,
    function: resolved.name,
    args: args.map((arg, i) => castTo(arg, resolved.args[i] ?? arg.type)),
    type: resolved.type,
    nullable: name !== 'count',
    distinct: false,
    filter: extra.filter ?? null,
    orderBy: extra.orderBy ?? [],
    position: -1,
  };
}
