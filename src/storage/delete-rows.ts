/** Deleting rows: a new bitmap of the rows that are alive per segment and commit; older snapshots keep the old one. */
import type { AppendResult, TableDeletions } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { loadAlive, writeAlive } from './alive-rows.js';
import type { CatalogWrite } from './catalog.js';
import { type AliveRows, aliveBytes, type Segment, type SegmentVersion } from './segment.js';
import type { StorageContext } from './storage-context.js';
import { markChanged, type Table, type Undo, undoAll } from './table.js';

export interface Request {
  readonly version: SegmentVersion;
  /** Our copy of the bitmap, over version.rowCount rows. */
  readonly rows: number;
}

/** The bitmaps are copied before this returns its promise. */
export async function deleteRows(context: StorageContext, table: Table, deletions: readonly TableDeletions[]): Promise<AppendResult> {
  const { memory, queue } = context;
  const holder = memory.epochs.enter();
  const requests: Request[] = [];
  try {
    for (const deletion of deletions) requests.push(copyRequest(context, table, deletion));
    let removed = 0;
    const planned: Deletion[] = [];
    return await queue.submit({
      plan: (sequence, writes) => {
        context.assertWritable();
        const undo: Undo = [];
        const own: CatalogWrite[] = [];
        try {
          for (const request of requests) {
            if (request.version.segment.discarded) continue;
            const deletion = planDeletion(context, table, request, undo, own);
            if (deletion === null) continue;
            planned.push(deletion);
            removed += deletion.count;
          }
          if (removed > 0) markChanged(table, sequence, undo);
        } catch (error) {
          undoAll(undo);
          throw error;
        }
        writes.push(...own);
      },
      apply: (sequence) => {
        for (const deletion of planned) showDeletion(context, table, deletion);
        context.tableChanged();
        return { rows: removed, sequence: BigInt(sequence) };
      },
    });
  } finally {
    for (const request of requests) memory.free(request.rows);
    memory.epochs.leave(holder);
  }
}

export function rowsMoved(table: Table): DbError {
  return new DbError('conflict', `rows of table "${table.info.definition.name}" moved since they were read`, {
    hint: 'run the statement again',
  });
}

function copyRequest({ memory }: StorageContext, table: Table, deletion: TableDeletions): Request {
  const version = table.views.get(deletion.segmentId);
  if (version === undefined) throw rowsMoved(table);
  const rows = memory.allocate(aliveBytes(version.rowCount));
  memory.kernels.copy_bytes(rows, deletion.rows, aliveBytes(version.rowCount));
  memory.kernels.trim_bits(rows, version.rowCount);
  return { version, rows };
}

export interface Deletion {
  readonly segment: Segment;
  readonly alive: AliveRows;
  /** Rows that were alive until now. */
  readonly count: number;
}

/** Marks rows of a segment that is not discarded; null when none of them was alive. */
export function planDeletion(context: StorageContext, table: Table, request: Request, undo: Undo, writes: CatalogWrite[]): Deletion | null {
  const { segment } = request.version;
  const { plannedAlive, plannedRecord } = segment;
  const count = deleteInSegment(context, table, request);
  if (count === 0) return null;
  const alive = segment.plannedAlive;
  undo.push(() => {
    context.memory.free(alive.address);
    segment.plannedAlive = plannedAlive;
    segment.plannedRecord = plannedRecord;
  });
  if (context.catalog.persistent) writeDeletion(context, table, segment, writes);
  return { segment, alive, count };
}

/** A planned deletion becomes visible. */
export function showDeletion({ memory }: StorageContext, table: Table, { segment, alive }: Deletion): void {
  if (segment.alive.address !== alive.address) memory.retire(segment.alive.address);
  segment.alive = alive;
  segment.record = segment.plannedRecord;
  table.touch(segment);
}

/** Rows that were alive and are not any more. */
function deleteInSegment(context: StorageContext, table: Table, { version, rows }: Request): number {
  const { memory, catalog, settings } = context;
  const { kernels } = memory;
  const { segment } = version;
  const capacityRows = isSealing(segment) ? segment.rows : Math.max(settings.segment_rows, segment.rows);
  loadAlive(memory, catalog, segment.plannedAlive, table.id, segment.id, capacityRows);
  const alive = memory.allocate(aliveBytes(capacityRows));
  if (segment.plannedAlive.deleted > 0) kernels.copy_bytes(alive, segment.plannedAlive.address, aliveBytes(capacityRows));
  else {
    kernels.fill_bytes(alive, 255, aliveBytes(capacityRows));
    if (isSealing(segment)) kernels.trim_bits(alive, segment.rows);
  }
  let removed = 0;
  try {
    removed = removeRows(context, table, segment, version, rows, alive);
  } finally {
    if (removed === 0) memory.free(alive);
  }
  if (removed > 0) segment.plannedAlive = { deleted: segment.plannedAlive.deleted + removed, address: alive };
  return removed;
}

/** Sealed, or about to be in this very transaction. */
function isSealing(segment: Segment): boolean {
  return segment.plannedRecord !== null;
}

function removeRows(
  { memory }: StorageContext,
  table: Table,
  segment: Segment,
  version: SegmentVersion,
  rows: number,
  alive: number,
): number {
  const { kernels } = memory;
  if (!segment.reordered || version.reordered) return kernels.remove_bits(alive, rows, version.rowCount);
  const { order } = segment;
  if (order === 0) throw rowsMoved(table);
  return memory.scratch((allocate) => {
    const bytes = aliveBytes(segment.rows);
    const whole = allocate(bytes);
    const moved = allocate(bytes);
    kernels.fill_bytes(whole, 0, bytes);
    kernels.copy_bytes(whole, rows, aliveBytes(version.rowCount));
    kernels.permute_bits(moved, whole, order, segment.rows);
    return kernels.remove_bits(alive, moved, segment.rows);
  });
}

export function writeDeletion({ memory }: StorageContext, table: Table, segment: Segment, writes: CatalogWrite[]): void {
  const key = [table.id, segment.id];
  writes.push({ store: 'deletion', key, value: writeAlive(memory, segment.plannedAlive, segment.rows) });
  if (segment.plannedRecord === null) return;
  segment.plannedRecord = { ...segment.plannedRecord, deleted: segment.plannedAlive.deleted };
  writes.push({ store: 'segment', key, value: segment.plannedRecord });
}
