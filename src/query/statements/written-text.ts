/** The text that a definition keeps: as it was written, or, where another system's SQL was translated, our own SQL for the same. */

import type { Expression, Query } from '../syntax/ast/query.js';
import { formatExpression, formatStatement } from '../syntax/printer.js';

/** What a translation made has no text of its own. */
function isWritten(node: { readonly position: number; readonly end: number }): boolean {
  return node.end > node.position;
}

export function expressionText(node: Expression, sql: string): string {
  return isWritten(node) ? sql.slice(node.position, node.end) : formatExpression(node);
}

export function queryText(node: Query, sql: string): string {
  return isWritten(node) ? sql.slice(node.position, node.end) : formatStatement(node);
}
