/**
 * A session of more rows than a segment takes: its rows do not go through the tail. They become segments of their own, whose files are written
 * and synced while the session is open; the commit makes them known to the catalog in one small transaction. A crash or abort before it leaves
 * files that nobody knows. One segment is sealed while the next one fills.
 */
import { DbError } from '../../core/errors.js';
import type { CatalogWrite } from '../catalog/catalog.js';
import { writeCluster } from '../catalog/cluster-record.js';
import type { TailRecord } from '../catalog/tail-record.js';
import { forgetCodes } from '../columns/code-rows.js';
import { addressesOf } from '../columns/column-buffers.js';
import type { Epochs } from '../epochs.js';
import { becomeSealed, discardPrepared, prepareSegments } from '../segments/seal-segment.js';
import { removeSegmentFile } from '../segments/segment-file.js';
import type { StorageContext } from '../storage-context.js';
import type { Layout } from '../tables/layout.js';
import type { Segment } from '../tables/segment.js';
import type { Table, Undo } from '../tables/table.js';

export class BulkLoad {
  private readonly context: StorageContext;
  private readonly table: Table;
  private readonly layout: Layout;
  /** What the table has stays readable until the load ends, even when it is dropped. */
  private readonly isHeld: boolean;
  private readonly sealed: Segment[] = [];
  private filling: Segment | null = null;
  private sealing: Promise<void> = Promise.resolve();
  private isGone = false;
  /** The catalog may know the segments: files stay, even when the commit seems to have failed. */
  private isPlanned = false;

  constructor(context: StorageContext, table: Table, layout: Layout, isHeld: boolean) {
    this.context = context;
    this.table = table;
    this.layout = layout;
    this.isHeld = isHeld;
    context.loads.add(this);
  }

  /** Takes the rows of a record over. Resolves when more may come. After a failure the load can only be discarded. */
  async add(record: TailRecord): Promise<void> {
    const { table } = this;
    if (this.filling !== null && !table.fits(this.filling, record)) await this.sealFilling();
    if (this.isGone) throw new DbError('cancelled', 'the append was aborted');
    this.assertTable();
    if (this.filling === null) {
      this.filling = table.newSegment(this.layout);
      table.shapeSegment(this.filling, record);
    }
    table.addRows(this.filling, record, [], table.rowsToExpect(record));
    if (this.filling.rows >= this.context.settings.segment_rows) await this.sealFilling();
  }

  /** Resolves when all files are on disk. */
  async finish(): Promise<void> {
    if (this.filling !== null) await this.sealFilling();
    await this.sealing;
  }

  /** Puts the segments at the end of the table, invisibly. */
  plan(undo: Undo, writes: CatalogWrite[]): void {
    this.isPlanned = true;
    undo.push(() => {
      this.isPlanned = false;
    });
    for (const segment of this.sealed) adoptSealed(this.context, this.table, segment, undo, writes);
  }

  apply(): void {
    for (const segment of this.sealed) {
      segment.visibleRows = segment.rows;
      this.table.touch(segment);
    }
    this.sealed.length = 0;
    this.context.loads.delete(this);
  }

  /** Hands the segments over to the caller; finish() came before. */
  take(): Segment[] {
    this.context.loads.delete(this);
    return this.sealed.splice(0);
  }

  /** Frees what was not committed. */
  async discard(): Promise<void> {
    if (this.isGone || this.isPlanned) return;
    this.isGone = true;
    this.context.loads.delete(this);
    await this.sealing.catch(() => undefined);
    if (this.filling !== null) for (const address of this.filling.columns.flatMap(addressesOf)) this.context.memory.free(address);
    this.filling = null;
    for (const segment of this.sealed.splice(0)) await discardSealed(this.context, segment);
  }

  /** Starts sealing the segment that is full, once the one before it is done. */
  private async sealFilling(): Promise<void> {
    const segment = this.filling;
    if (segment === null) return;
    await this.sealing;
    if (this.isGone) return;
    this.filling = null;
    this.sealing = this.seal(segment);
    // Its failure is met by whoever awaits it next.
    this.sealing.catch(() => undefined);
  }

  private async seal(segment: Segment): Promise<void> {
    const { context, table } = this;
    try {
      this.assertTable();
      this.sealed.push(...(await sealAlone(context, table, segment, { keepOrder: false, readers: null, isGone: () => this.isGone })));
    } finally {
      if (segment.state !== 'sealed') for (const address of segment.columns.flatMap(addressesOf)) context.memory.free(address);
    }
  }

  private assertTable(): void {
    const { dropped, info } = this.table;
    if (dropped && !this.isHeld) throw new DbError('table_not_found', `table "${info.definition.name}" was dropped`);
  }
}

interface SealOptions {
  /** Rows are not sorted by time. */
  readonly keepOrder: boolean;
  /** Whose snapshots may have seen the segment; null = nobody's. */
  readonly readers: Epochs | null;
  /** Asked when the file is written: nobody wants the segment any more. */
  isGone(): boolean;
}

/**
 * Seals a segment that the catalog does not hear of yet, and gives what it has become: itself, or segments of parts of its rows (its own buffers
 * then stay the caller's). None: it is gone. A failure leaves the segment as it was.
 */
export async function sealAlone(context: StorageContext, table: Table, segment: Segment, options: SealOptions): Promise<Segment[]> {
  const { memory, cache } = context;
  const holder = memory.epochs.enter();
  try {
    const prepared = await prepareSegments(context, table, segment, options.keepOrder);
    if (options.isGone()) {
      for (const part of prepared) await discardPrepared(context, part);
      return [];
    }
    for (const part of prepared) {
      part.target.rows = part.record.rows;
      becomeSealed(context, part.target, part, part.record, options.readers);
      part.target.reordered = false;
    }
    cache.trim();
    return prepared.map((part) => part.target);
  } finally {
    memory.epochs.leave(holder);
  }
}

/** Puts a sealed segment that the catalog does not know yet at the end of the table, invisibly. */
export function adoptSealed(context: StorageContext, table: Table, segment: Segment, undo: Undo, writes: CatalogWrite[]): void {
  // Ids are the order of segments, so they are given at the commit.
  segment.id = table.nextSegmentId++;
  segment.plannedRecord = segment.record = segment.record && { ...segment.record, id: segment.id };
  table.segments.push(segment);
  undo.push(() => void table.segments.pop());
  if (context.catalog.persistent && segment.record !== null) {
    writes.push({ store: 'segment', key: [table.id, segment.id], value: segment.record });
    if (segment.cluster !== null) writes.push({ store: 'cluster', key: [table.id, segment.id], value: writeCluster(segment.cluster) });
  }
}

/** Frees a sealed segment that no table has taken. */
export async function discardSealed({ memory, cache, environment, segmentsFolder }: StorageContext, segment: Segment): Promise<void> {
  cache.drop(segment);
  forgetCodes(memory, segment);
  if (segmentsFolder !== null && segment.record !== null) await removeSegmentFile(environment.files, segmentsFolder, segment.record.file);
}
