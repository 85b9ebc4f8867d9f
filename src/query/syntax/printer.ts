/**
 * Syntax tree → canonical SQL: keywords in capitals, names as they were written, parentheses only where they matter.
 * Reading the text back gives the same tree, positions apart.
 */
import type { Expression } from './ast/query.js';
import type { Statement } from './ast/statement.js';
import { StatementPrinter } from './printer/statements.js';

const PRINTER = new StatementPrinter();

export function formatStatement(statement: Statement): string {
  return PRINTER.statement(statement);
}

export function formatExpression(expression: Expression): string {
  return PRINTER.expression(expression);
}
