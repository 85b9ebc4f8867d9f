/** DROP TABLE, VIEW, SCHEMA: all names in one commit. */
import { findObject, storedName } from '../binder/object-name.js';
import type { Drop } from '../syntax/ast/statement.js';
import { inTransaction } from './ddl-transaction.js';
import { dropSchemas } from './schemas.js';
import { done, notYet, type StatementContext, type StatementOutcome } from './statement.js';
import { existingTable, existingView } from './table-names.js';

export async function drop(statement: Drop, context: StatementContext): Promise<StatementOutcome> {
  switch (statement.objectType) {
    case 'schema':
      return dropSchemas(statement, context);
    case 'materializedView':
      if (statement.ifExists) return done('ddl');
      throw notYet('DROP MATERIALIZED VIEW', statement);
    case 'index':
      // An index is accepted and has no effect, so there is nothing to drop either.
      return done('ddl');
    case 'table':
    case 'view':
      return dropObjects(statement, statement.objectType, context);
  }
}

async function dropObjects(statement: Drop, what: 'table' | 'view', context: StatementContext): Promise<StatementOutcome> {
  const path = context.session.searchPath;
  return inTransaction(context, statement.position, async (writer) => {
    for (const name of statement.names) {
      const snapshot = writer.snapshot();
      try {
        if (statement.ifExists && !findObject(name, snapshot, path)) continue;
        if (what === 'table') await writer.dropTable(storedName(existingTable(name, snapshot, path).table.definition));
        else await writer.dropView(storedName(existingView(name, snapshot, path)));
      } finally {
        snapshot.release();
      }
    }
    return done('ddl');
  });
}
