/** What snapshots of now may still ask the catalog for is loaded before it is removed there. */

import { DbError } from '../../core/errors.js';
import { clusterOf } from '../catalog/cluster-record.js';
import type { StorageContext } from '../storage-context.js';
import { loadAlive } from './alive-rows.js';
import type { Segment } from './segment.js';
import type { Table } from './table.js';

/** Fails with `corrupt` or `query_memory_exceeded`. */
export function loadForReaders({ memory, catalog }: StorageContext, table: Table, segment: Segment): void {
  loadAlive(memory, catalog, segment.alive, table.id, segment.id, segment.rows);
  clusterOf(catalog, table.id, segment);
}

/** As loadForReaders, of rows that go in any case. */
export function tryLoadForReaders(context: StorageContext, table: Table, segment: Segment): void {
  if (segment.state !== 'sealed' || !context.memory.epochs.isHeld) return;
  attempt(() => loadForReaders(context, table, segment));
}

/** The texts of a table that goes. */
export function tryLoadTexts({ memory }: StorageContext, table: Table): void {
  if (!memory.epochs.isHeld) return;
  for (const { dictionary } of table.allColumns) if (dictionary) attempt(() => dictionary.load());
}

/** Where it fails, it is the readers' failure, and theirs alone. */
function attempt(load: () => void): void {
  try {
    load();
  } catch (error) {
    if (error instanceof DbError) return;
    throw error;
  }
}
