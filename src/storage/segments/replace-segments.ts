/** The commit of a merge: one catalog transaction puts the results in the place of their sources. */

import { writeCluster } from '../catalog/cluster-record.js';
import type { StorageContext } from '../storage-context.js';
import { writeAlive } from '../tables/alive-rows.js';
import { ALL_ALIVE, type AliveRows, aliveBytes, comparePlaces, type Segment } from '../tables/segment.js';
import type { Table } from '../tables/table.js';
import type { MergedSegment } from './merge-segments.js';
import { forgetOrders } from './seal-segment.js';

/** Somebody removed the rows meanwhile, or closes the database. */
export class GivenUp extends Error {}

/** Resolves when the results are there for new snapshots. `onPlanned`: from then on the catalog may know the files. */
export async function replaceSegments(
  context: StorageContext,
  table: Table,
  sources: readonly Segment[],
  results: readonly MergedSegment[],
  onPlanned: () => void,
): Promise<void> {
  await context.queue.submit({
    plan: (_sequence, writes) => {
      context.assertWritable();
      if (!sources.every((source) => isInTable(table, source))) throw new GivenUp();
      const alive = aliveInResults(context, sources, results);
      onPlanned();
      const parts = results.map(({ target, order }) => ({ segment: target, order }));
      const total = sources.reduce((sum, { rows }) => sum + rows, 0);
      let base = 0;
      for (const source of sources) {
        source.became = { base, total, parts };
        base += source.rows;
        const key = [table.id, source.id];
        if (context.catalog.persistent)
          for (const store of ['segment', 'deletion', 'cluster'] as const) writes.push({ store, key, remove: true });
      }
      for (const [i, { target, record, cluster }] of results.entries()) {
        target.alive = target.plannedAlive = alive[i] ?? ALL_ALIVE;
        target.plannedRecord = { ...record, deleted: target.alive.deleted };
        if (!context.catalog.persistent) continue;
        const key = [table.id, target.id];
        writes.push({ store: 'segment', key, value: target.plannedRecord });
        if (cluster !== null) writes.push({ store: 'cluster', key, value: writeCluster(cluster) });
        if (target.alive.deleted > 0) writes.push({ store: 'deletion', key, value: writeAlive(context.memory, target.alive, target.rows) });
      }
    },
    apply: () => show(context, table, sources, results),
  });
}

function isInTable(table: Table, source: Segment): boolean {
  return !table.dropped && !source.discarded && source.became === null && table.segments.includes(source);
}

/** Rows that were deleted since the merge began. Fails with `query_memory_exceeded`, and then leaves nothing behind. */
function aliveInResults({ memory }: StorageContext, sources: readonly Segment[], results: readonly MergedSegment[]): AliveRows[] {
  const { kernels } = memory;
  if (sources.every(({ plannedAlive }) => plannedAlive.deleted === 0)) return results.map(() => ALL_ALIVE);
  const made: AliveRows[] = [];
  try {
    return memory.scratch((allocate) => {
      const total = sources.reduce((sum, { rows }) => sum + rows, 0);
      const all = allocate(aliveBytes(total));
      kernels.fill_bytes(all, 255, aliveBytes(total));
      let base = 0;
      for (const { plannedAlive, rows } of sources) {
        if (plannedAlive.deleted > 0) kernels.move_bits(all, base, plannedAlive.address, 0, rows);
        base += rows;
      }
      for (const { order, record } of results) {
        const address = memory.allocate(aliveBytes(record.rows));
        kernels.permute_bits(address, all, order, record.rows);
        const deleted = record.rows - kernels.tally_bits(address, 0, record.rows);
        if (deleted === 0) memory.free(address);
        made.push(deleted === 0 ? ALL_ALIVE : { deleted, address });
      }
      return made;
    });
  } catch (error) {
    for (const { address } of made) memory.free(address);
    throw error;
  }
}

function show(context: StorageContext, table: Table, sources: readonly Segment[], results: readonly MergedSegment[]): void {
  for (const { target, record, cluster, zones } of results) {
    target.state = 'sealed';
    target.sorted = record.sorted;
    target.cluster = cluster;
    target.visibleRows = target.rows;
    target.zoneMaps = zones;
    target.record = target.plannedRecord;
  }
  const gone = new Set(sources);
  table.segments = [...table.segments.filter((segment) => !gone.has(segment)), ...results.map(({ target }) => target)];
  table.segments.sort(comparePlaces);
  for (const source of sources) {
    table.touch(source);
    context.retireSegment(source);
  }
  const [first] = sources;
  if (first !== undefined) context.memory.epochs.retire(() => forgetOrders(context.memory, first));
  table.touchAll();
  context.tableChanged();
}
