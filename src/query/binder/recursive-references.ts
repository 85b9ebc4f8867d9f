/** Where the query of WITH RECURSIVE may name itself: anywhere in the right part of a UNION, as in DuckDB; each reference is the rows of the last round. */
import { DbError } from '../../core/errors.js';
import type { CommonTable, Query } from '../syntax/ast/query.js';

/** How often a table of this name stands in FROM, anywhere in the tree; too many where an inner WITH hides the name. */
export function countReferences(node: unknown, name: string): number {
  if (typeof node !== 'object' || node === null) return 0;
  let count = isReference(node, name) ? 1 : 0;
  for (const key in node) count += countReferences(node[key as keyof typeof node], name);
  return count;
}

function isReference(node: object, name: string): boolean {
  const table = node as { kind?: unknown; name?: unknown };
  if (table.kind !== 'table' || !Array.isArray(table.name) || table.name.length > 2) return false;
  const names = (table.name as { name: string }[]).map((part) => part.name.toLowerCase());
  return names.at(-1) === name && (names.length === 1 || names[0] === RECURRING);
}

/** `recurring.t` is all that a recursion has found so far. */
export const RECURRING = 'recurring';

export function namesAllRounds(node: unknown, name: string): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if (isReference(node, name)) return (node as { name: readonly unknown[] }).name.length === 2;
  return Object.values(node).some((each) => namesAllRounds(each, name));
}

export function checkRecursion(entry: CommonTable, query: Query, name: string): void {
  const { body } = query;
  if (body.kind !== 'setOperation' || body.operator !== 'union') {
    throw misuse(`${entry.name.name} names itself, so it must be of the form first UNION [ALL] recursive`, entry.position);
  }
  const { orderBy, orderByAll, limit, limitBy } = query;
  if (orderBy.length > 0 || orderByAll || limitBy || limit) {
    const position = orderBy[0]?.position ?? limit?.position ?? limitBy?.position ?? entry.position;
    throw misuse('ORDER BY and LIMIT may not stand in a recursive query; put them around it', position);
  }
  if (body.byName) throw misuse('UNION BY NAME may not be recursive', body.position);
  const early = find(body.left, name);
  if (early) throw misuse(`${entry.name.name} may not name itself in the first part`, early);
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
