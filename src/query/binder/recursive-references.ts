/** Where the query of WITH RECURSIVE may name itself: once, in the right part of a UNION, not where a round could not be computed from the last. */
import { DbError } from '../../core/errors.js';
import type { CommonTable, QueryBody } from '../syntax/ast/query.js';
import type { TableReference } from '../syntax/ast/table.js';

/** How often a table of this name stands in FROM, anywhere in the tree; too many where an inner WITH hides the name. */
export function countReferences(node: unknown, name: string): number {
  if (typeof node !== 'object' || node === null) return 0;
  let count = isReference(node, name) ? 1 : 0;
  for (const key in node) count += countReferences(node[key as keyof typeof node], name);
  return count;
}

function isReference(node: object, name: string): boolean {
  const table = node as { kind?: unknown; name?: unknown };
  if (table.kind !== 'table' || !Array.isArray(table.name) || table.name.length !== 1) return false;
  const [part] = table.name as { name: string }[];
  return part?.name.toLowerCase() === name;
}

/** Fails where PostgreSQL does. */
export function checkRecursion(entry: CommonTable, name: string): void {
  const { body } = entry.query;
  if (body.kind !== 'setOperation' || body.operator !== 'union') {
    throw misuse(`${entry.name.name} names itself, so it must be of the form first UNION [ALL] recursive`, entry.position);
  }
  const { orderBy, orderByAll, limit, limitBy } = entry.query;
  if (orderBy.length > 0 || orderByAll || limitBy || limit) {
    const position = orderBy[0]?.position ?? limit?.position ?? limitBy?.position ?? entry.position;
    throw misuse('ORDER BY and LIMIT may not stand in a recursive query; put them around it', position);
  }
  if (body.byName) throw misuse('UNION BY NAME may not be recursive', body.position);
  const early = find(body.left, name);
  if (early) throw misuse(`${entry.name.name} may not name itself in the first part`, early);
  const count = countReferences(body.right, name);
  const first = find(body.right, name) ?? body.right.position;
  if (count > 1) throw misuse(`${entry.name.name} may name itself only once`, lastReference(body.right, name) ?? first);
  if (!standsInFrom(body.right, name)) {
    throw misuse(
      `${entry.name.name} may name itself in the FROM of the recursive part only, not in a subquery, EXCEPT or INTERSECT`,
      first,
    );
  }
}

function misuse(message: string, position: number): DbError {
  return new DbError('syntax_error', message, { position });
}

function references(node: unknown, name: string): readonly number[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((each) => references(each, name));
  const own = isReference(node, name) ? [(node as { position: number }).position] : [];
  return [...own, ...Object.values(node).flatMap((each) => references(each, name))];
}

const find = (node: unknown, name: string): number | undefined => references(node, name)[0];
const lastReference = (node: unknown, name: string): number | undefined => references(node, name).at(-1);

/** True when the reference is reached through FROM clauses alone. */
function standsInFrom(body: QueryBody, name: string): boolean {
  switch (body.kind) {
    case 'query':
      checkNoOrder(body, name);
      return standsInFrom(body.body, name);
    case 'select': {
      const found = body.from.some((reference) => reachable(reference, name));
      if (found && (body.groupBy || body.having)) {
        throw misuse('the recursive part may not aggregate', body.groupBy?.position ?? body.having?.position ?? body.position);
      }
      return found;
    }
    case 'setOperation':
      if (body.operator !== 'union') return false;
      return standsInFrom(body.left, name) || standsInFrom(body.right, name);
    case 'values':
      return false;
  }
}

function checkNoOrder(query: Extract<QueryBody, { kind: 'query' }>, name: string): void {
  const limit = query.limit ?? query.limitBy ?? query.orderBy[0];
  if (limit && countReferences(query.body, name) > 0) {
    throw misuse('ORDER BY and LIMIT may not stand in the recursive part', limit.position);
  }
}

function reachable(reference: TableReference, name: string): boolean {
  switch (reference.kind) {
    case 'table':
      return isReference(reference, name);
    case 'derived':
      return standsInFrom(reference.query, name);
    case 'join': {
      const left = reachable(reference.left, name);
      const right = reachable(reference.right, name);
      const missing =
        (right && (reference.type === 'left' || reference.type === 'full')) ||
        (left && (reference.type === 'right' || reference.type === 'full'));
      if (missing) throw misuse('a recursive reference may not stand on the side of an outer join that can be missing', reference.position);
      return left || right;
    }
    case 'asofJoin':
    case 'windowJoin':
      return reachable(reference.left, name) || reachable(reference.right, name);
    case 'horizonJoin':
      return [reference.left, reference.right, ...reference.more.map((each) => each.right)].some((each) => reachable(each, name));
    case 'pivot':
    case 'unpivot':
      return reachable(reference.source, name);
    default:
      return false;
  }
}
