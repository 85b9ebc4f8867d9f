/** Views in FROM: the stored query is read and bound anew at each use. */
import type { ViewDefinition } from '../../core/contracts.js';
import { asDbError, DbError } from '../../core/errors.js';
import type { OutputColumn } from '../plan/logical.js';
import type { TableName } from '../syntax/ast/table.js';
import { parseStatement } from '../syntax/parser.js';
import type { BindContext, BoundQuery, BoundRelation, FromClause } from './context.js';
import { designatedOf } from './designated-column.js';
import { PUBLIC, storedName } from './object-name.js';
import { PivotValuesNeeded } from './pivot-values.js';
import { asRelation, renamed } from './table-alias.js';

/** Views inside views; deeper ones are refused. */
const DEEPEST = 64;

export function bindView(view: ViewDefinition, reference: TableName, clause: FromClause): BoundRelation {
  const bound = within(view, reference.position, () => boundQuery(view, clause.context));
  const columns = renamed(bound.columns, view.columnNames, reference.position);
  const designated = designatedOf(bound.plan, columns, reference.timestamp);
  return asRelation(bound.plan, columns, reference.alias, view.name, designated, reference.position);
}

/** The columns that a view has now. Fails as selecting from it does. */
export function viewColumns(view: ViewDefinition, context: BindContext): readonly OutputColumn[] {
  return renamed(boundQuery(view, context).columns, view.columnNames, 0);
}

function boundQuery(view: ViewDefinition, context: BindContext): BoundQuery {
  const name = storedName(view).toLowerCase();
  const open = context.openViews;
  if (open.includes(name))
    throw new DbError('invalid_argument', `view ${view.name} reads itself`, { hint: [...open, name].join(' reads ') });
  if (open.length >= DEEPEST) throw new DbError('nesting_too_deep', `more than ${DEEPEST} views inside each other`);
  context.countUse(view.name, -1);
  const statement = parseStatement(view.sql);
  if (statement.kind !== 'query') throw new DbError('corrupt', `view ${view.name} holds no query`);
  const own: BindContext = {
    ...context,
    sql: view.sql,
    parameters: undefined,
    openViews: [...open, name],
    searchPath: view.searchPath ?? [view.schema, PUBLIC],
  };
  return own.bindQuery(statement, own, null, new Map());
}

/** Positions inside the view mean nothing to who reads from it: errors point at its name. */
function within<Result>(view: ViewDefinition, position: number, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    // No failure where the statement can run a query between.
    if (error instanceof PivotValuesNeeded) throw error.at(position);
    const { code, message, hint } = asDbError(error);
    if (code === 'internal') throw error;
    throw new DbError(code, `in view ${view.name}: ${message}`, { position, hint, cause: error });
  }
}
