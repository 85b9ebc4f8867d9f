/** CREATE VIEW, DROP VIEW, and changes of views. */
import type { StorageTransaction, StorageWriter, ViewDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { bindRoot } from '../binder/binder.js';
import { findObject, newName, storedName, writtenName } from '../binder/object-name.js';
import { renamed } from '../binder/table-alias.js';
import type { QualifiedName } from '../syntax/ast/node.js';
import type { AlterTable, CreateView } from '../syntax/ast/statement.js';
import { inTransaction } from './ddl-transaction.js';
import { withPivotValues } from './find-pivot-values.js';
import { done, notYet, type StatementContext, type StatementOutcome } from './statement.js';
import { existingView } from './table-names.js';
import { queryText } from './written-text.js';

export async function createView(statement: CreateView, context: StatementContext): Promise<StatementOutcome> {
  if (statement.materialized) throw notYet('CREATE MATERIALIZED VIEW', statement);
  if (statement.temporary) throw notYet('CREATE TEMPORARY VIEW', statement);
  if (statement.options.length > 0) throw notYet('CREATE VIEW … WITH (…)', statement);
  return inTransaction(context, statement.name[0]?.position ?? statement.position, async (writer) => {
    const view = await checkedView(statement, writer, context);
    if (view !== null) await writer.createView(view, statement.orReplace);
    return done('ddl');
  });
}

/** Null: it is there already, and may be. */
async function checkedView(statement: CreateView, writer: StorageWriter, context: StatementContext): Promise<ViewDefinition | null> {
  const snapshot = writer.snapshot();
  try {
    const { searchPath } = context.session;
    const { schema, name } = newName(statement.name, snapshot, searchPath);
    const target = [
      { name: schema, quoted: true, position: 0 },
      { name, quoted: true, position: 0 },
    ];
    const found = findObject(target, snapshot);
    const position = statement.name[0]?.position;
    if (found?.kind === 'table') throw new DbError('table_exists', `${writtenName(statement.name)} is a table`, { position });
    if (found !== undefined && statement.ifNotExists) return null;
    if (found !== undefined && !statement.orReplace) {
      throw new DbError('table_exists', `view ${writtenName(statement.name)} exists already`, {
        position,
        hint: 'CREATE VIEW IF NOT EXISTS, or OR REPLACE',
      });
    }
    const openViews = [storedName({ name, schema }).toLowerCase()];
    const { columns } = await withPivotValues(context, snapshot, (bind) =>
      bindRoot(statement.query, { ...bind, parameters: undefined, openViews }),
    );
    const columnNames = statement.columns.map((column) => column.name);
    assertDistinct(
      renamed(columns, columnNames, statement.columns[0]?.position ?? statement.position).map((column) => column.name),
      statement,
    );
    const comment = found?.kind === 'view' ? found.view.comment : null;
    return { name, schema, sql: queryText(statement.query, context.sql), columnNames, comment, searchPath };
  } finally {
    snapshot.release();
  }
}

function assertDistinct(names: readonly string[], statement: CreateView): void {
  const twice = names.find((name, i) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) < i);
  if (twice === undefined) return;
  throw new DbError('column_exists', `the view would have two columns of the name ${twice}`, {
    position: statement.query.position,
    hint: 'name them: CREATE VIEW v (a, b) AS …',
  });
}

/** ALTER VIEW … RENAME TO, SET SCHEMA. */
export async function alterView(statement: AlterTable, context: StatementContext): Promise<StatementOutcome> {
  return inTransaction(context, statement.position, async (writer) => {
    for (const action of statement.actions) {
      const snapshot = writer.snapshot();
      try {
        if (statement.ifExists && !findObject(statement.name, snapshot, context.session.searchPath)) return done('ddl');
        const view = existingView(statement.name, snapshot, context.session.searchPath);
        if (action.kind === 'rename') await moveView(view, { ...view, name: action.to.name }, writer);
        else if (action.kind === 'setSchema') {
          const { schema } = newName([action.schema, { ...action.schema, name: view.name }], snapshot);
          await moveView(view, { ...view, schema }, writer);
        } else
          throw new DbError('unsupported', 'a view can be renamed, moved to another schema, or made anew', { position: action.position });
      } finally {
        snapshot.release();
      }
    }
    return done('ddl');
  });
}

async function moveView(from: ViewDefinition, to: ViewDefinition, writer: StorageTransaction): Promise<void> {
  await writer.dropView(storedName(from));
  await writer.createView(to, false);
}

export async function commentOnView(
  name: QualifiedName,
  comment: string | null,
  writer: StorageWriter,
  context: StatementContext,
): Promise<void> {
  const snapshot = writer.snapshot();
  try {
    await writer.createView({ ...existingView(name, snapshot, context.session.searchPath), comment }, true);
  } finally {
    snapshot.release();
  }
}
