/** The surroundings of one action of ALTER TABLE. */
import type { StorageTransaction, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { didYouMean } from '../binder/nearest-name.js';
import { storedName } from '../binder/object-name.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { StatementContext } from './statement.js';

export interface Altering {
  /** As the actions before have left it. */
  readonly definition: TableDefinition;
  readonly rowCount: number;
  readonly writer: StorageTransaction;
  readonly context: StatementContext;
}

export function definitionNow(writer: StorageTransaction, stored: string): TableDefinition {
  const snapshot = writer.snapshot();
  try {
    const found = snapshot.table(stored);
    if (found === undefined) throw new DbError('internal', 'an altered table is there');
    return found.table.definition;
  } finally {
    snapshot.release();
  }
}

/** Fails with `column_not_found`. */
export function columnIndex(definition: TableDefinition, column: Identifier): number {
  const index = definition.columns.findIndex((each) => each.name.toLowerCase() === column.name.toLowerCase());
  if (index >= 0) return index;
  const names = definition.columns.map((each) => each.name);
  const hint = didYouMean(column.name, names);
  throw new DbError('column_not_found', `table ${storedName(definition)} has no column ${column.name}`, {
    position: column.position,
    hint,
  });
}
