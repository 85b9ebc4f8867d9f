/** Deleting rows: a new bitmap of the rows that are alive per segment and commit; older snapshots keep the old one. */
import type { AppendResult, TableDeletions } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { CatalogWrite } from '../catalog/catalog.js';
import type { StorageContext } from '../storage-context.js';
import { loadAlive, writeAlive } from '../tables/alive-rows.js';
import { type AliveRows, aliveBytes, type Segment, type SegmentVersion } from '../tables/segment.js';
import { markChanged, type Table, type Undo, undoAll } from '../tables/table.js';

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
      mayWait: true,
      plan: (sequence, writes) => {
        context.assertWritable();
        table.assertWritable();
        const undo: Undo = [];
        const own: CatalogWrite[] = [];
        try {
          for (const request of requests) {
            if (request.version.segment.discarded) continue;
            const deletions = planDeletions(context, table, request, undo, own);
            planned.push(...deletions);
            removed += deletions.reduce((sum, { count }) => sum + count, 0);
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

/** Marks rows of what has become of a segment, so far as it is not discarded; only segments of which rows were alive are given. */
export function planDeletions(context: StorageContext, table: Table, request: Request, undo: Undo, writes: CatalogWrite[]): Deletion[] {
  const { memory, catalog } = context;
  return memory.scratch((allocate) =>
    markedRows(context, table, request, allocate).flatMap(({ segment, rows, rowCount }) => {
      if (segment.discarded) return [];
      const { plannedAlive, plannedRecord } = segment;
      const count = deleteInSegment(context, table, segment, rows, rowCount);
      if (count === 0) return [];
      const alive = segment.plannedAlive;
      undo.push(() => {
        memory.free(alive.address);
        segment.plannedAlive = plannedAlive;
        segment.plannedRecord = plannedRecord;
      });
      if (catalog.persistent) writeDeletion(context, table, segment, writes);
      return [{ segment, alive, count }];
    }),
  );
}

interface MarkedRows {
  readonly segment: Segment;
  /** Bitmap in the segment's present order. */
  readonly rows: number;
  readonly rowCount: number;
}

/** The rows of a request in the segments, and the order, that they are in now. */
function markedRows(
  { memory: { kernels } }: StorageContext,
  table: Table,
  { version, rows }: Request,
  allocate: (sizeBytes: number) => number,
): MarkedRows[] {
  /** Rows, from a bit of a bitmap of `total` zero bits on, in another order. */
  const moved = (marked: MarkedRows, base: number, total: number, to: Segment, order: number): MarkedRows => {
    if (order === 0) throw rowsMoved(table);
    const whole = allocate(aliveBytes(total));
    kernels.fill_bytes(whole, 0, aliveBytes(total));
    kernels.move_bits(whole, base, marked.rows, 0, marked.rowCount);
    const bitmap = allocate(aliveBytes(to.rows));
    kernels.permute_bits(bitmap, whole, order, to.rows);
    return { segment: to, rows: bitmap, rowCount: to.rows };
  };
  const followed = (marked: MarkedRows): MarkedRows[] => {
    const { became } = marked.segment;
    if (became === null) return [marked];
    const { base, total, parts } = became;
    return parts.flatMap(({ segment, order }) => followed(moved(marked, base, total, segment, order)));
  };
  const { segment } = version;
  const asSeen = { segment, rows, rowCount: version.rowCount };
  const isReordered = segment.reordered && !version.reordered;
  return followed(isReordered ? moved(asSeen, 0, segment.rows, segment, segment.order) : asSeen);
}

/** A planned deletion becomes visible. */
export function showDeletion({ memory }: StorageContext, table: Table, { segment, alive }: Deletion): void {
  if (segment.alive.address !== alive.address) memory.retire(segment.alive.address);
  segment.alive = alive;
  segment.record = segment.plannedRecord;
  table.touch(segment);
}

/** Rows that were alive and are not any more. */
function deleteInSegment(context: StorageContext, table: Table, segment: Segment, rows: number, rowCount: number): number {
  const { memory, catalog, settings } = context;
  const { kernels } = memory;
  const capacityRows = isSealing(segment) ? segment.rows : Math.max(settings.segment_rows, segment.rows);
  loadAlive(memory, catalog, segment.plannedAlive, table.id, segment.id, capacityRows);
  const alive = memory.allocate(aliveBytes(capacityRows));
  if (segment.plannedAlive.deleted > 0) kernels.copy_bytes(alive, segment.plannedAlive.address, aliveBytes(capacityRows));
  else {
    kernels.fill_bytes(alive, 255, aliveBytes(capacityRows));
    if (isSealing(segment)) kernels.trim_bits(alive, segment.rows);
  }
  const removed = kernels.remove_bits(alive, rows, rowCount);
  if (removed === 0) memory.free(alive);
  else segment.plannedAlive = { deleted: segment.plannedAlive.deleted + removed, address: alive };
  return removed;
}

/** Sealed, or about to be in this very transaction. */
function isSealing(segment: Segment): boolean {
  return segment.plannedRecord !== null;
}

export function writeDeletion({ memory }: StorageContext, table: Table, segment: Segment, writes: CatalogWrite[]): void {
  const key = [table.id, segment.id];
  writes.push({ store: 'deletion', key, value: writeAlive(memory, segment.plannedAlive, segment.rows) });
  if (segment.plannedRecord === null) return;
  segment.plannedRecord = { ...segment.plannedRecord, deleted: segment.plannedAlive.deleted };
  writes.push({ store: 'segment', key, value: segment.plannedRecord });
}
