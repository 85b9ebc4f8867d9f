/** CHECK conditions: text in the table's definition, bound to the columns whenever rows are written. */
import type { ColumnDefinition, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { coerceBool } from '../binder/coercion.js';
import type { BindContext, Clause } from '../binder/context.js';
import { Scope, type ScopeColumn } from '../binder/scope.js';
import type { Expression } from '../plan/expression.js';
import type { Expression as Syntax } from '../syntax/ast/query.js';
import { parseExpression } from '../syntax/parser.js';

function clauseOf(columns: readonly ScopeColumn[], context: BindContext): Clause {
  return { context, name: 'CHECK', scope: new Scope(columns, null), commonTables: new Map(), relation: null, aggregates: null };
}

/** Fails when a CHECK that is being made is no condition over the table's own columns. */
export function validateCheck(condition: Syntax, table: string, columns: readonly ColumnDefinition[], bind: BindContext): void {
  const scope = columns.map((column): ScopeColumn => {
    const { name, type, nullable } = column;
    return { id: bind.nextId(), name, table, type, nullable, unqualified: true };
  });
  coerceBool(bind.bindExpression(condition, clauseOf(scope, bind)), 'CHECK');
}

/** The condition of a table that exists, over columns of a plan; `columns` are the table's, in order. */
export function bindCheck(sql: string, definition: TableDefinition, columns: readonly ScopeColumn[], bind: BindContext): Expression {
  const own: BindContext = { ...bind, sql };
  try {
    return coerceBool(own.bindExpression(parseExpression(sql), clauseOf(columns, own)), 'CHECK');
  } catch (error) {
    // Its positions are of another text.
    if (!(error instanceof DbError)) throw error;
    throw new DbError(error.code, `CHECK (${sql}) of table ${definition.name}: ${error.message}`, { cause: error });
  }
}
