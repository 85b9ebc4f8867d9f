/** Deleting rows: a new bitmap of the rows that are alive per segment and commit; older snapshots keep the old one. */
import type { AppendResult, TableDeletions } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { loadAlive, writeAlive } from './alive-rows.js';
import type { CatalogWrite } from './catalog.js';
import { type AliveRows, aliveBytes, type Segment, type SegmentVersion } from './segment.js';
import type { StorageContext } from './storage-context.js';
import type { Table } from './table.js';

interface Request {
  readonly version: SegmentVersion;
  /** Our copy of the bitmap, over version.rowCount rows. */
  readonly rows: number;
}

interface Deletion {
  readonly segment: Segment;
  readonly alive: AliveRows;
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
      plan: (_sequence, writes) => {
        context.assertWritable();
        removed = planDeletion(context, table, requests, planned, writes);
      },
      apply: (sequence) => {
        for (const { segment, alive } of planned) {
          if (segment.alive.address !== alive.address) memory.retire(segment.alive.address);
          segment.alive = alive;
          segment.record = segment.plannedRecord;
          table.touch(segment);
        }
        context.tableChanged();
        return { rows: removed, sequence: BigInt(sequence) };
      },
    });
  } finally {
    for (const request of requests) memory.free(request.rows);
    memory.epochs.leave(holder);
  }
}

function conflict(table: Table): DbError {
  return new DbError('conflict', `rows of table "${table.info.definition.name}" moved since they were read`, {
    hint: 'run the statement again',
  });
}

function copyRequest({ memory }: StorageContext, table: Table, deletion: TableDeletions): Request {
  const version = table.views.get(deletion.segmentId);
  if (version === undefined) throw conflict(table);
  const rows = memory.allocate(aliveBytes(version.rowCount));
  memory.kernels.copy_bytes(rows, deletion.rows, aliveBytes(version.rowCount));
  memory.kernels.trim_bits(rows, version.rowCount);
  return { version, rows };
}

function planDeletion(
  context: StorageContext,
  table: Table,
  requests: readonly Request[],
  planned: Deletion[],
  writes: CatalogWrite[],
): number {
  const before = requests.map(({ version: { segment } }) => [segment, segment.plannedAlive, segment.plannedRecord] as const);
  const own: CatalogWrite[] = [];
  let removed = 0;
  try {
    for (const request of requests) {
      const { segment } = request.version;
      if (segment.discarded) continue;
      const count = deleteInSegment(context, table, request);
      if (count === 0) continue;
      removed += count;
      planned.push({ segment, alive: segment.plannedAlive });
      if (context.catalog.persistent) writeDeletion(context, table, segment, own);
    }
  } catch (error) {
    for (const { alive } of planned) context.memory.free(alive.address);
    for (const [segment, alive, record] of before.reverse()) {
      segment.plannedAlive = alive;
      segment.plannedRecord = record;
    }
    throw error;
  }
  writes.push(...own);
  return removed;
}

/** Rows that were alive and are not any more. */
function deleteInSegment(context: StorageContext, table: Table, { version, rows }: Request): number {
  const { memory, catalog, settings } = context;
  const { kernels } = memory;
  const { segment } = version;
  const capacityRows = isSealing(segment) ? segment.rows : Math.max(settings.segment_rows, segment.rows);
  loadAlive(memory, catalog, segment.plannedAlive, table.info.id, segment.id, capacityRows);
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
  if (order === 0) throw conflict(table);
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

function writeDeletion({ memory }: StorageContext, table: Table, segment: Segment, writes: CatalogWrite[]): void {
  const key = [table.info.id, segment.id];
  writes.push({ store: 'deletion', key, value: writeAlive(memory, segment.plannedAlive, segment.rows) });
  if (segment.plannedRecord === null) return;
  segment.plannedRecord = { ...segment.plannedRecord, deleted: segment.plannedAlive.deleted };
  writes.push({ store: 'segment', key, value: segment.plannedRecord });
}
