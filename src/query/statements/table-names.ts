/** Names of tables in statements that change them. */
import type { Snapshot, TableSnapshot, ViewDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { didYouMean } from '../binder/nearest-name.js';
import { DEFAULT_PATH, findObject, objectNames, type SearchPath, writtenName } from '../binder/object-name.js';
import type { QualifiedName } from '../syntax/ast/node.js';

/** Fails with `table_not_found`, also for a view. */
export function existingTable(name: QualifiedName, snapshot: Snapshot, path: SearchPath = DEFAULT_PATH): TableSnapshot {
  const found = findObject(name, snapshot, path);
  if (found?.kind === 'table') return found.table;
  throw notFound(name, snapshot, 'table', found?.kind === 'view' ? `${writtenName(name)} is a view` : undefined);
}

/** Fails with `table_not_found`, also for a table. */
export function existingView(name: QualifiedName, snapshot: Snapshot, path: SearchPath = DEFAULT_PATH): ViewDefinition {
  const found = findObject(name, snapshot, path);
  if (found?.kind === 'view') return found.view;
  throw notFound(name, snapshot, 'view', found?.kind === 'table' ? `${writtenName(name)} is a table` : undefined);
}

function notFound(name: QualifiedName, snapshot: Snapshot, what: string, instead: string | undefined): DbError {
  const last = name.at(-1);
  return new DbError('table_not_found', instead ?? `no ${what} is called ${writtenName(name)}`, {
    position: last?.position,
    hint: instead === undefined ? didYouMean(writtenName(name), objectNames(snapshot)) : undefined,
  });
}
