/** Names of tables in statements that change them. */
import type { Snapshot, TableSnapshot } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { didYouMean } from '../binder/nearest-name.js';
import type { QualifiedName } from '../syntax/ast/node.js';

const OWN_SCHEMAS = new Set(['public', 'main', 'default', 'fletch']);

/** The table's own name; there is one schema. */
export function tableName(name: QualifiedName): string {
  const schema = name.at(-2);
  if (schema && !OWN_SCHEMAS.has(schema.name.toLowerCase())) {
    throw new DbError('table_not_found', `no schema is called ${schema.name}`, {
      position: schema.position,
      hint: 'tables lie in schema public',
    });
  }
  return name.at(-1)?.name ?? '';
}

/** Fails with `table_not_found`. */
export function existingTable(name: QualifiedName, snapshot: Snapshot): TableSnapshot {
  const own = tableName(name);
  const table = snapshot.table(own);
  if (table) return table;
  const tables = snapshot.tables().map((each) => each.definition.name);
  throw new DbError('table_not_found', `no table is called ${own}`, { position: name.at(-1)?.position, hint: didYouMean(own, tables) });
}
