/** DEFAULT expressions: checked when the table is made, bound again at every INSERT. */

import type { ColumnDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { DataType } from '../../core/types.js';
import { assignmentCast } from '../binder/coercion.js';
import type { BindContext, Clause } from '../binder/context.js';
import { literal } from '../binder/expressions.js';
import { Scope } from '../binder/scope.js';
import type { Expression } from '../plan/expression.js';
import type { Expression as Syntax } from '../syntax/ast/query.js';
import { parseExpression } from '../syntax/parser.js';
import { bindContextOf, type StatementContext } from './statement.js';

function defaultClause(context: BindContext): Clause {
  return { context, name: 'DEFAULT', scope: new Scope([], null), commonTables: new Map(), relation: null, aggregates: null };
}

/** Fails when the expression reads a column, or its value does not fit the column. */
export function checkDefault(value: Syntax, type: DataType, column: string, context: StatementContext): void {
  const snapshot = context.writer.snapshot();
  try {
    const bind = bindContextOf(context, snapshot);
    assignmentCast(bind.bindExpression(value, defaultClause(bind)), type, column);
  } finally {
    snapshot.release();
  }
}

/** The value of a column that an INSERT does not name, in the column's type. */
export function defaultOf(column: ColumnDefinition, bind: BindContext, position: number): Expression {
  if (column.defaultSql !== null) {
    const own: BindContext = { ...bind, sql: column.defaultSql };
    return assignmentCast(own.bindExpression(parseExpression(column.defaultSql), defaultClause(own)), column.type, column.name);
  }
  if (!column.nullable) {
    throw new DbError('constraint_violation', `column ${column.name} is NOT NULL and has no default`, { position });
  }
  return literal(null, column.type);
}
