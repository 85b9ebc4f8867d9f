/** Appends to a table outside of transactions: one commit each, all rows or none. */
import type { AppendResult, AppendSession } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { ArenaBytes, type CatalogWrite } from '../catalog/catalog.js';
import type { TailRecord } from '../catalog/tail-record.js';
import type { StorageContext } from '../storage-context.js';
import { tryLoadForReaders } from '../tables/load-for-readers.js';
import type { Segment } from '../tables/segment.js';
import { markChanged, type Table, type Undo, undoAll } from '../tables/table.js';
import { type AppendTarget, StagedAppend } from './staged-append.js';
import { StagedRows } from './staged-rows.js';

/** replace: at commit all rows that the table has are removed first. */
export function openTableAppend(context: StorageContext, table: Table, replace: boolean): AppendSession {
  const staged = new StagedRows(context, table, table.layout, table.info.definition.name, false);
  return new StagedAppend(staged, new TableAppend(context, table, replace));
}

class TableAppend implements AppendTarget {
  private readonly context: StorageContext;
  private readonly table: Table;
  private readonly replace: boolean;

  constructor(context: StorageContext, table: Table, replace: boolean) {
    this.context = context;
    this.table = table;
    this.replace = replace;
  }

  assertOpen(): void {
    if (this.table.dropped) throw droppedMeanwhile(this.table);
    this.context.assertWritable();
    this.table.assertWritable();
  }

  async commit(staged: StagedRows): Promise<AppendResult> {
    const changes: Changes = { placed: [], closed: [], doomed: [] };
    return await this.context.queue.submit({
      sizeBytes: staged.sizeBytes,
      mayWait: staged.bulk === null && !this.replace,
      plan: (sequence, writes) => this.plan(staged, sequence, writes, changes),
      apply: (sequence) => this.apply(staged, sequence, changes),
    });
  }

  private plan(staged: StagedRows, sequence: number, writes: CatalogWrite[], { placed, closed, doomed }: Changes): void {
    const { table, context } = this;
    context.assertWritable();
    table.assertWritable();
    if (table.dropped) throw droppedMeanwhile(table);
    if (table.plannedForm.layout.shape !== staged.layout.shape) throw alteredMeanwhile(table);
    const undo: Undo = [];
    const own: CatalogWrite[] = [];
    try {
      if (this.replace) truncatePlanned(context, table, sequence, undo, doomed, own);
      markChanged(table, sequence, undo);
      if (staged.bulk !== null) {
        table.closeActive(undo, closed);
        staged.bulk.plan(undo, own);
      }
      placed.push(...placeRecords(context, table, staged.layout, staged.records, sequence, 0, { undo, closed, writes: own }));
      closeFull(context, table, undo, closed);
    } catch (error) {
      undoAll(undo);
      throw error;
    }
    if (this.replace) forgetWrites(table, writes);
    writes.push(...own);
    context.changedTables.add(table);
  }

  private apply(staged: StagedRows, sequence: number, { placed, closed, doomed }: Changes): AppendResult {
    const { table, context } = this;
    if (this.replace) truncateApplied(context, table, doomed);
    staged.bulk?.apply();
    table.touchAll();
    showRecords(table, placed, staged.records);
    context.tableChanged();
    for (const segment of closed) context.sealer.enqueue(table, segment);
    return { rows: staged.rows, sequence: BigInt(sequence) };
  }
}

/** Segments that took the rows, were closed by them, are removed. */
interface Changes {
  readonly placed: Segment[];
  readonly closed: Segment[];
  readonly doomed: Segment[];
}

function droppedMeanwhile(table: Table): DbError {
  return new DbError('table_not_found', `table "${table.info.definition.name}" was dropped`);
}

function alteredMeanwhile(table: Table): DbError {
  return new DbError('conflict', `table "${table.info.definition.name}" was altered meanwhile`, { hint: 'run the statement again' });
}

interface Placing {
  readonly undo: Undo;
  readonly closed: Segment[];
  readonly writes: CatalogWrite[];
}

/** Adds records to the end of the table, invisibly; gives the segment of each. `firstIndex`: records of this commit before them. */
function placeRecords(
  context: StorageContext,
  table: Table,
  layout: Segment['layout'],
  records: readonly TailRecord[],
  sequence: number,
  firstIndex: number,
  { undo, closed, writes }: Placing,
): Segment[] {
  return records.map((record, index) => {
    const segment = table.place(record, layout, undo, closed);
    if (context.catalog.persistent) writeRecord(segment, record, [table.id, segment.id, sequence, firstIndex + index], undo, writes);
    return segment;
  });
}

export function writeRecord(segment: Segment, record: TailRecord, key: number[], undo: Undo, writes: CatalogWrite[]): void {
  segment.tailKeys.push(key);
  undo.push(() => void segment.tailKeys.pop());
  writes.push({ store: 'tail', key, value: new ArenaBytes(record.address, record.sizeBytes) });
}

/** Records that were placed become visible. */
function showRecords(table: Table, placed: readonly Segment[], records: readonly TailRecord[]): void {
  placed.forEach((segment, i) => {
    segment.visibleRows += records[i]?.rows ?? 0;
    table.touch(segment);
  });
}

export function closeFull(context: StorageContext, table: Table, undo: Undo, closed: Segment[]): void {
  if (table.active !== null && table.active.rows >= context.settings.segment_rows) table.closeActive(undo, closed);
}

/** What the catalog has of a table's rows. */
const ROW_STORES = ['segment', 'tail', 'deletion', 'cluster'] as const;

/** Plans the removal of all rows: segments of now are doomed, rows placed from here on stay. */
export function truncatePlanned(
  context: StorageContext,
  table: Table,
  sequence: number,
  undo: Undo,
  doomed: Segment[],
  writes: CatalogWrite[],
): void {
  const { active, truncatedAt } = table;
  table.active = null;
  table.truncatedAt = sequence;
  undo.push(() => {
    table.active = active;
    table.truncatedAt = truncatedAt;
  });
  markChanged(table, sequence, undo);
  for (const segment of table.segments.flatMap((each) => [each, ...(each.became?.parts ?? []).map((part) => part.segment)])) {
    if (segment.discarded) continue;
    tryLoadForReaders(context, table, segment);
    segment.discarded = true;
    doomed.push(segment);
    undo.push(() => {
      segment.discarded = false;
    });
  }
  if (!context.catalog.persistent) return;
  const { id } = table.info;
  for (const store of ROW_STORES) writes.push({ store, removeAllOf: [id] });
}

/** Takes out what the group being planned would write for rows that are removed after it. */
export function forgetWrites(table: Table, writes: CatalogWrite[]): void {
  const kept = writes.filter((write) => {
    const isRow = (ROW_STORES as readonly string[]).includes(write.store);
    return !isRow || 'removeAllOf' in write || typeof write.key === 'string' || write.key[0] !== table.info.id;
  });
  writes.splice(0, writes.length, ...kept);
}

export function truncateApplied(context: StorageContext, table: Table, doomed: readonly Segment[]): void {
  const gone = new Set(doomed);
  table.segments = table.segments.filter((segment) => !gone.has(segment));
  for (const segment of doomed) {
    table.touch(segment);
    context.retireSegment(segment);
  }
  table.touchAll();
  context.tableChanged();
}
