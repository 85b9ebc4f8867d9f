/**
 * Rows of a transaction that nobody else sees: pieces, each a segment of its own. The last piece grows; a piece that is full is sealed (its file
 * is written, in the order of its rows), so that large transactions do not keep their rows in memory.
 */

import type { CatalogWrite } from '../catalog/catalog.js';
import type { TailRecord } from '../catalog/tail-record.js';
import { forgetCodes } from '../columns/code-rows.js';
import { addressesOf, columnBytes, freeze } from '../columns/column-buffers.js';
import type { Epochs } from '../epochs.js';
import type { StorageContext } from '../storage-context.js';
import type { Layout } from '../tables/layout.js';
import { ALL_ALIVE, type AliveRows, aliveBytes, type Segment, type SegmentVersion } from '../tables/segment.js';
import { type Table, type Undo, undoAll } from '../tables/table.js';
import { adoptSealed, discardSealed, sealAlone } from './bulk-load.js';
import type { StagedRows } from './staged-rows.js';

export interface Piece {
  readonly segment: Segment;
  /** Of an unsealed piece: what its rows were made of, in order. */
  readonly records: TailRecord[];
  alive: AliveRows;
  /** Savepoints that were there when `alive` was made. */
  savepoints: number;
  /** The table has it now, or a commit under way gives it. */
  isTaken: boolean;
}

/** Whose the records of one append are: until all are placed, the append's. */
interface Owner {
  isPiece: boolean;
}

export class PrivateRows {
  readonly pieces: Piece[] = [];
  private readonly context: StorageContext;
  private readonly table: Table;
  /** Of the transaction's own snapshots. */
  private readonly epochs: Epochs;
  /** Bitmaps that only a savepoint names. */
  private readonly held = new Set<number>();
  /** Pieces before this index take no more rows. */
  private frozen = 0;

  constructor(context: StorageContext, table: Table, epochs: Epochs) {
    this.context = context;
    this.table = table;
    this.epochs = epochs;
  }

  get sizeBytes(): number {
    return this.pieces.reduce((sum, { records }) => sum + records.reduce((bytes, record) => bytes + record.sizeBytes, 0), 0);
  }

  /** Rows from here on go into a piece of their own. */
  freeze(): void {
    this.frozen = this.pieces.length;
  }

  /** Takes staged rows over; their segments are finished. A failure leaves them with their owner. */
  async take(staged: StagedRows, undo: Undo): Promise<void> {
    await this.sealFull();
    for (const segment of staged.bulk?.take() ?? [])
      this.push({ segment, records: [], alive: ALL_ALIVE, savepoints: 0, isTaken: false }, undo);
    const own: Undo = [];
    const owner: Owner = { isPiece: false };
    try {
      for (const record of staged.records) this.place(record, staged.layout, own, owner);
    } catch (error) {
      undoAll(own);
      throw error;
    }
    owner.isPiece = true;
    undo.push(...own);
    staged.records = [];
  }

  version(piece: Piece, id: number): SegmentVersion {
    const { segment, alive } = piece;
    const { memory } = this.context;
    if (segment.state === 'sealed' && alive.deleted > 0) memory.kernels.trim_bits(alive.address, segment.rows);
    const columns = segment.state === 'sealed' ? null : segment.columns.map(freeze);
    const bytes = columns?.reduce((sum, column) => sum + columnBytes(memory.arena, column), 0);
    return {
      id,
      rowCount: segment.rows,
      deletedCount: alive.deleted,
      order: segment.rowOrder,
      zoneMaps: segment.zoneMaps,
      sizeBytes: bytes ?? segment.record?.sizeBytes ?? 0,
      segment,
      columns,
      alive,
      reordered: false,
    };
  }

  /** Rows in a bitmap of `rows` rows that are alive are so no more; gives how many. */
  delete(piece: Piece, bitmap: number, rows: number, savepoints: number, undo: Undo): number {
    const { memory, settings } = this.context;
    const { kernels } = memory;
    const before = piece.alive;
    if (before.deleted >= piece.segment.rows) return 0;
    const bytes = aliveBytes(Math.max(settings.segment_rows, piece.segment.rows));
    const address = memory.allocate(bytes);
    if (before.deleted > 0) kernels.copy_bytes(address, before.address, bytes);
    else kernels.fill_bytes(address, 255, bytes);
    const removed = memory.scratch((allocate) => {
      const wanted = allocate(aliveBytes(rows));
      kernels.copy_bytes(wanted, bitmap, aliveBytes(rows));
      kernels.trim_bits(wanted, rows);
      return kernels.remove_bits(address, wanted, rows);
    });
    if (removed === 0) {
      memory.free(address);
      return 0;
    }
    // A state that no savepoint names is not gone back to.
    if (before.address !== 0 && piece.savepoints === savepoints) this.retire(before.address);
    else this.remember(piece, undo);
    piece.alive = { deleted: before.deleted + removed, address };
    piece.savepoints = savepoints;
    return removed;
  }

  /** All rows are gone, and pieces grow no more. */
  clear(undo: Undo): void {
    for (const piece of this.pieces) {
      this.remember(piece, undo);
      piece.alive = { deleted: piece.segment.rows, address: 0 };
    }
    this.freeze();
  }

  /** What undoes changes of the bitmap from here on. */
  private remember(piece: Piece, undo: Undo): void {
    const { alive, savepoints } = piece;
    this.held.add(alive.address);
    undo.push(() => {
      this.retire(piece.alive.address);
      this.held.delete(alive.address);
      piece.alive = alive;
      piece.savepoints = savepoints;
    });
  }

  private retire(address: number): void {
    if (address !== 0) this.epochs.retire(() => this.context.memory.free(address));
  }

  /** Frees what no table has taken, as soon as no snapshot sees it. */
  end(): void {
    this.discard(0);
    for (const address of this.held) this.retire(address);
    this.held.clear();
  }

  private discard(from: number): void {
    for (const piece of this.pieces.splice(from)) this.epochs.retire(() => this.free(piece));
    this.frozen = Math.min(this.frozen, from);
  }

  private free({ segment, records, alive, isTaken }: Piece): void {
    const { memory } = this.context;
    for (const record of records) memory.free(record.address);
    if (isTaken) return;
    memory.free(alive.address);
    if (segment.state === 'sealed') {
      this.context.background.add(discardSealed(this.context, segment));
      return;
    }
    forgetCodes(memory, segment);
    for (const address of segment.columns.flatMap(addressesOf)) memory.free(address);
  }

  private push(piece: Piece, undo: Undo): void {
    this.pieces.push(piece);
    const index = this.pieces.length - 1;
    undo.push(() => this.discard(index));
  }

  private place(record: TailRecord, layout: Layout, undo: Undo, owner: Owner): void {
    const { table } = this;
    const last = this.pieces.length > this.frozen ? this.pieces.at(-1) : undefined;
    let piece = last?.segment.state === 'active' && last.segment.layout === layout && table.fits(last.segment, record) ? last : undefined;
    if (piece === undefined) {
      piece = { segment: table.newSegment(layout), records: [], alive: ALL_ALIVE, savepoints: 0, isTaken: false };
      table.shapeSegment(piece.segment, record);
      this.push(piece, undo);
    }
    const { records } = piece;
    table.addRows(piece.segment, record, undo, 0);
    records.push(record);
    undo.push(() => {
      const taken = records.pop();
      if (taken !== undefined && owner.isPiece) this.context.memory.free(taken.address);
    });
  }

  /** Seals pieces that take no more rows and are large. */
  private async sealFull(): Promise<void> {
    const { context, table } = this;
    for (const piece of this.pieces.slice(0, -1)) {
      const { segment, records } = piece;
      if (segment.state === 'sealed' || table.holds(2 * segment.rows, 2 * segment.bytes)) continue;
      segment.state = 'closed';
      await sealAlone(context, table, segment, { keepOrder: true, readers: this.epochs, isGone: () => false });
      for (const record of records.splice(0)) context.memory.free(record.address);
    }
  }
}

/** Gives a sealed piece to its table, invisibly. */
export function planSealedPiece(context: StorageContext, table: Table, piece: Piece, undo: Undo, writes: CatalogWrite[]): void {
  piece.isTaken = true;
  undo.push(() => {
    piece.isTaken = false;
  });
  adoptSealed(context, table, piece.segment, undo, writes);
}
