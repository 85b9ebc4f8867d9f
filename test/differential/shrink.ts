/** Makes a failing query smaller. */
import { type Expr, smaller } from './expressions.js';
import type { Query } from './queries.js';

function without<T>(list: readonly T[], i: number): readonly T[] {
  return list.filter((_each, j) => i !== j);
}

function replaced<T>(list: readonly T[], i: number, by: T): readonly T[] {
  return list.map((each, j) => (i === j ? by : each));
}

/** The same query with one clause, item or subexpression less. */
export function smallerQueries(query: Query): Query[] {
  const out: Query[] = [];
  if (query.setOperation) out.push({ ...query, setOperation: undefined }, query.setOperation.right);
  if (query.limit !== undefined) out.push({ ...query, limit: undefined, offset: undefined });
  if (query.offset !== undefined) out.push({ ...query, offset: undefined });
  if (query.order.length > 0 && query.limit === undefined) out.push({ ...query, order: [] });
  if (query.distinct) out.push({ ...query, distinct: false });
  out.push(...query.joins.map((_each, i) => ({ ...query, joins: without(query.joins, i) })));
  out.push(...query.where.map((_each, i) => ({ ...query, where: without(query.where, i) })));
  out.push(...query.having.map((_each, i) => ({ ...query, having: without(query.having, i) })));
  out.push(...fewerItems(query), ...fewerJoinConditions(query), ...smallerExpressions(query));
  out.push(...query.with.map((_each, i) => ({ ...query, with: without(query.with, i) })));
  return out;
}

function fewerItems(query: Query): Query[] {
  if (query.items.length < 2 || query.setOperation || query.limit !== undefined) return [];
  const plain = query.items.map((_each, i) => ({ ...query, items: without(query.items, i), order: orderWithout(query, i) }));
  const { group } = query;
  if (!group) return plain;
  const keys = group.map((key, i) => ({
    ...query,
    group: without(group, i),
    items: query.items.filter((item) => item !== key),
    order: [],
  }));
  return [...keys.filter((each) => each.items.length > 0), ...plain];
}

function orderWithout(query: Query, position: number): Query['order'] {
  const rest = query.order.filter((each) => each.position !== position);
  return rest.map((each) => (each.position > position ? { ...each, position: each.position - 1 } : each));
}

function fewerJoinConditions(query: Query): Query[] {
  return query.joins.flatMap((join, i) =>
    join.on.length < 2
      ? []
      : join.on.map((_each, j) => ({ ...query, joins: replaced(query.joins, i, { ...join, on: without(join.on, j) }) })),
  );
}

function smallerExpressions(query: Query): Query[] {
  const out: Query[] = [];
  const shrink = (list: readonly Expr[], put: (list: readonly Expr[]) => Query) => {
    list.forEach((expr, i) => {
      for (const less of smaller(expr)) out.push(put(list.map((each, j) => (i === j ? less : each))));
    });
  };
  shrink(query.where, (where) => ({ ...query, where }));
  shrink(query.having, (having) => ({ ...query, having }));
  if (!query.group) shrink(query.items, (items) => ({ ...query, items }));
  else {
    const keys = query.group;
    query.items.forEach((item, i) => {
      const at = keys.indexOf(item);
      for (const less of smaller(item)) {
        const items = query.items.map((each, j) => (i === j ? less : each));
        out.push({ ...query, items, group: at < 0 ? keys : keys.map((key, j) => (j === at ? less : key)) });
      }
    });
  }
  return out;
}
