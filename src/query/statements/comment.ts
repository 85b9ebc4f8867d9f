/** COMMENT ON TABLE, COLUMN, VIEW. */
import { DbError } from '../../core/errors.js';
import { storedName } from '../binder/object-name.js';
import type { Comment } from '../syntax/ast/statement.js';
import { inTransaction } from './ddl-transaction.js';
import { done, notYet, type StatementContext, type StatementOutcome } from './statement.js';
import { existingTable } from './table-names.js';
import { commentOnView } from './views.js';

export async function comment(statement: Comment, context: StatementContext): Promise<StatementOutcome> {
  const { objectType, name, text } = statement;
  if (objectType !== 'table' && objectType !== 'column' && objectType !== 'view')
    throw notYet(`COMMENT ON ${objectType.toUpperCase()}`, statement);
  const isColumn = objectType === 'column';
  if (isColumn && name.length < 2)
    throw new DbError('syntax_error', 'a column is named table.column here', { position: name[0]?.position });
  return inTransaction(context, name[0]?.position ?? statement.position, async (writer) => {
    if (objectType === 'view') {
      await commentOnView(name, text, writer, context);
      return done('ddl');
    }
    const snapshot = writer.snapshot();
    try {
      const table = existingTable(isColumn ? name.slice(0, -1) : name, snapshot, context.session.searchPath);
      const change = isColumn
        ? ({ kind: 'change_column', name: name.at(-1)?.name ?? '', change: { comment: text } } as const)
        : ({ kind: 'set_options', change: { comment: text } } as const);
      await writer.alterTable(storedName(table.table.definition), [change]);
      return done('ddl');
    } finally {
      snapshot.release();
    }
  });
}
