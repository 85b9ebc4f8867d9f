/** Names of result columns that have no alias: column name, function name, else the expression's text. */
import type { Expression } from '../syntax/ast/query.js';

const MAX_NAME = 120;

export function outputName(syntax: Expression, sql: string): string {
  switch (syntax.kind) {
    case 'column':
      return syntax.name.at(-1)?.name ?? '';
    case 'function':
      return (syntax.name.at(-1)?.name ?? '').toLowerCase();
    case 'cast':
      return syntax.operand.kind === 'column' || syntax.operand.kind === 'function' || syntax.operand.kind === 'cast'
        ? outputName(syntax.operand, sql)
        : sourceText(syntax, sql);
    case 'field':
      return syntax.name.name;
    case 'case':
      return 'case';
    case 'exists':
      return 'exists';
    case 'extract':
      return 'extract';
    case 'collate':
    case 'atTimeZone':
      return outputName(syntax.operand, sql);
    case 'subquery':
      return subqueryName(syntax.query.body, sql) ?? sourceText(syntax, sql);
    default:
      return sourceText(syntax, sql);
  }
}

function subqueryName(body: Extract<Expression, { kind: 'subquery' }>['query']['body'], sql: string): string | undefined {
  const item = body.kind === 'select' ? body.items[0] : undefined;
  return item && item.expression.kind !== 'star' ? (item.alias?.name ?? outputName(item.expression, sql)) : undefined;
}

/** The text as it was written, on one line. */
function sourceText(syntax: Expression, sql: string): string {
  const text = sql.slice(syntax.position, syntax.end).replace(/\s+/g, ' ').trim();
  return text.length > MAX_NAME ? `${text.slice(0, MAX_NAME - 1)}…` : text;
}
