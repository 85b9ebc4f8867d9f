/** Aggregates that the binder itself needs: for subqueries, DISTINCT ON, LATEST ON. */
import { DbError } from '../../core/errors.js';
import { resolveAggregate } from '../aggregates/registry.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type { AggregateCall } from '../plan/logical.js';
import { argumentOf, castTo } from './coercion.js';
import type { AggregateColumn } from './plans.js';

export function aggregateColumn(
  name: string,
  args: readonly Expression[],
  id: ColumnId,
  extra: { readonly filter?: Expression; readonly orderBy?: AggregateCall['orderBy'] } = {},
): AggregateColumn {
  const resolved = resolveAggregate(name, args.map(argumentOf));
  if (!resolved) throw new DbError('internal', `aggregate ${name} is missing`);
  const { type } = resolved;
  const call: AggregateCall = {
    id,
    function: resolved.name,
    args: args.map((arg, i) => castTo(arg, resolved.args[i] ?? arg.type)),
    type,
    distinct: false,
    filter: extra.filter ?? null,
    orderBy: extra.orderBy ?? [],
    position: -1,
  };
  return { id, name, type, nullable: name !== 'count', call };
}
