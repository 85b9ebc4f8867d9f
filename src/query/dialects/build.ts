/** Nodes of our syntax tree with their usual fields filled in. */
import type { Identifier } from '../syntax/ast/node.js';
import type { Expression, FunctionCall, OrderItem, Query, QueryBody } from '../syntax/ast/query.js';
import { newCall } from '../syntax/new-call.js';

export function identifier(name: string, position: number, quoted = false): Identifier {
  return { name, quoted, position };
}

export function call(name: string, args: readonly Expression[], position: number, more: Partial<FunctionCall> = {}): FunctionCall {
  return { ...newCall([identifier(name, position)], position), arguments: args.map((value) => ({ name: null, value })), ...more };
}

export function text(value: string, position: number): Expression {
  return { kind: 'string', position, end: position, value };
}

export function number(value: string, position: number): Expression {
  return { kind: 'number', position, end: position, text: value, isInteger: /^\d+$/.test(value) };
}

export function column(parts: readonly string[], position: number): Expression {
  return { kind: 'column', position, end: position, name: parts.map((part) => identifier(part, position)) };
}

export function queryOf(body: QueryBody, position: number, more: Partial<Query> = {}): Query {
  return { kind: 'query', position, end: position, with: null, body, orderBy: [], orderByAll: null, limitBy: null, limit: null, ...more };
}

export function orderItem(expression: Expression, direction: 'asc' | 'desc', nulls: 'first' | 'last'): OrderItem {
  return { position: expression.position, end: expression.end, expression, direction, nulls };
}
