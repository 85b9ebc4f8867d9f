/**
 * ORDER BY around a set operation, where it names no column of the result: as in DuckDB an item of any of its SELECTs may be meant, by its alias
 * or written out, and stands for the result's column in its place.
 */
import { DbError } from '../../core/errors.js';
import type { QueryBody, SelectItem, Expression as Syntax } from '../syntax/ast/query.js';

/** The place of the result's column, or its name; undefined when no SELECT has such an item. */
export function columnInSelects(syntax: Syntax, body: QueryBody): number | string | undefined {
  switch (body.kind) {
    case 'select': {
      const place = body.items.findIndex((item) => isMeant(item, syntax));
      const before = place < 0 ? [] : body.items.slice(0, place + 1);
      return place < 0 || before.some((item) => item.expression.kind === 'star') ? undefined : place;
    }
    case 'setOperation': {
      const found = [body.left, body.right].map((side) => {
        const at = columnInSelects(syntax, side);
        return body.byName ? nameAt(side, at) : at;
      });
      const [first, ...others] = found.filter((at) => at !== undefined);
      if (others.some((other) => other !== first)) {
        throw new DbError('ambiguous_column', 'ORDER BY means several result columns', { position: syntax.position });
      }
      return first;
    }
    case 'query':
      return columnInSelects(syntax, body.body);
    case 'values':
      return undefined;
  }
}

/** The name of a column of a query. */
function nameAt(body: QueryBody, at: number | string | undefined): string | undefined {
  if (typeof at !== 'number') return at;
  if (body.kind === 'query') return nameAt(body.body, at);
  if (body.kind === 'setOperation') return nameAt(body.left, at);
  const item = body.kind === 'select' ? body.items[at] : undefined;
  return item?.alias?.name ?? (item?.expression.kind === 'column' ? item.expression.name.at(-1)?.name : undefined);
}

function isMeant(item: SelectItem, syntax: Syntax): boolean {
  if (syntax.kind === 'column' && syntax.name.length === 1 && item.alias) {
    return item.alias.name.toLowerCase() === syntax.name[0]?.name.toLowerCase();
  }
  const { expression } = item;
  // `t.x` and `x` are one.
  if (syntax.kind === 'column' && expression.kind === 'column' && !item.alias && syntax.name.length !== expression.name.length) {
    return sameSyntax(expression.name.at(-1), syntax.name.at(-1));
  }
  return sameSyntax(expression, syntax);
}

/** Names of columns in an expression. */
export function columnNamesIn(node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null) return [];
  const { kind, name } = node as { kind?: unknown; name?: readonly { name: string }[] };
  if (kind === 'column' && Array.isArray(name)) return name.length === 1 ? [name[0]?.name.toLowerCase() ?? ''] : [''];
  return Object.values(node).flatMap((each) => columnNamesIn(each));
}

/** Fields that say where a node stands, and whether a name is quoted. */
const PLACES = /^(end|quoted|position|.*Position)$/;

/** Equal but for where they stand, and for the case of names. */
function sameSyntax(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = Object.keys(a).filter((key) => !PLACES.test(key));
  if (keys.length !== Object.keys(b).filter((key) => !PLACES.test(key)).length) return false;
  return keys.every((key) => {
    const [left, right] = [a[key as keyof typeof a] as unknown, b[key as keyof typeof b] as unknown];
    const isName = key === 'name' && typeof left === 'string' && typeof right === 'string';
    return isName ? left.toLowerCase() === right.toLowerCase() : sameSyntax(left, right);
  });
}
