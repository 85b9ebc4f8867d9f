/** DROP TABLE. */
import { DbError } from '../../core/errors.js';
import type { Drop } from '../syntax/ast/statement.js';
import { done, notYet, type StatementContext, type StatementOutcome } from './statement.js';
import { existingTable, tableName } from './table-names.js';

export async function drop(statement: Drop, context: StatementContext): Promise<StatementOutcome> {
  if (statement.objectType === 'view' || statement.objectType === 'materializedView' || statement.objectType === 'schema') {
    if (statement.ifExists) return done('ddl');
    throw notYet(`DROP ${statement.objectType.toUpperCase()}`, statement);
  }
  // An index is accepted and has no effect, so there is nothing to drop either.
  if (statement.objectType === 'index') return done('ddl');
  const snapshot = context.writer.snapshot();
  let names: readonly string[];
  try {
    const there = statement.ifExists ? statement.names.filter((name) => snapshot.table(tableName(name))) : statement.names;
    names = there.map((name) => existingTable(name, snapshot).table.definition.name);
  } finally {
    snapshot.release();
  }
  for (const name of names) {
    try {
      await context.writer.dropTable(name);
    } catch (error) {
      if (!(error instanceof DbError && error.code === 'table_not_found' && statement.ifExists)) throw error;
    }
  }
  return done('ddl');
}
