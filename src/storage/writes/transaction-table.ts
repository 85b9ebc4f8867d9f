/** One table as a transaction sees it: what was committed when it began, and what the transaction has changed. */
import type { TableDeletions } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { Epochs } from '../epochs.js';
import type { StorageContext } from '../storage-context.js';
import { loadAlive } from '../tables/alive-rows.js';
import type { TableColumn, TableForm } from '../tables/layout.js';
import { type AliveRows, aliveBytes, type SegmentVersion, viewIn } from '../tables/segment.js';
import type { Table, TableVersion, Undo } from '../tables/table.js';
import { type Piece, PrivateRows } from './private-rows.js';

/** Ids of views of private segments; those of tables stay below. */
const FIRST_PRIVATE_VIEW = 2 ** 40;
let nextPrivateView = FIRST_PRIVATE_VIEW;

export interface Overlay {
  readonly version: SegmentVersion;
  /** Rows of the version that are alive for the transaction. */
  readonly alive: AliveRows;
  /** Savepoints that were made before. */
  readonly savepoints: number;
}

export class TransactionTable {
  readonly table: Table;
  /** null: the transaction created the table. */
  readonly base: TableVersion | null;
  readonly rows: PrivateRows;
  form: TableForm;
  /** All rows of before were removed. */
  isTruncated = false;
  isAltered = false;
  /** Columns that the table gets at the commit. */
  newColumns: readonly TableColumn[] = [];
  /** Nobody else may have changed anything. */
  isExclusive = false;
  /** By id of the base's view. */
  readonly overlays = new Map<number, Overlay>();
  private readonly context: StorageContext;
  private readonly epochs: Epochs;
  private readonly held = new Set<number>();
  private readonly views = new Map<number, { readonly piece: Piece; readonly rowCount: number }>();
  private version: TableVersion | null = null;

  constructor(context: StorageContext, table: Table, base: TableVersion | null, epochs: Epochs) {
    this.context = context;
    this.table = table;
    this.base = base;
    this.form = table.form;
    this.epochs = epochs;
    this.rows = new PrivateRows(context, table, epochs);
    if (base !== null) this.form = { ...table.form, info: base.info, layout: base.layout };
  }

  get isChanged(): boolean {
    return this.isTruncated || this.isAltered || this.overlays.size > 0 || this.rows.pieces.length > 0;
  }

  /** Something visible to the transaction has changed. */
  touch(): void {
    this.version = null;
  }

  currentVersion(): TableVersion {
    this.version ??= this.makeVersion();
    return this.version;
  }

  /** Removes all rows; what undoes it is pushed. */
  truncate(undo: Undo): void {
    const { isTruncated } = this;
    const overlays = [...this.overlays];
    this.isTruncated = true;
    for (const { alive } of this.overlays.values()) this.held.add(alive.address);
    this.overlays.clear();
    this.rows.clear(undo);
    this.touch();
    undo.push(() => {
      this.isTruncated = isTruncated;
      for (const [id, overlay] of overlays) {
        this.overlays.set(id, overlay);
        this.held.delete(overlay.alive.address);
      }
      this.touch();
    });
  }

  /** Marks rows as deleted; gives how many of them the transaction saw. */
  delete(deletions: readonly TableDeletions[], savepoints: number, undo: Undo): number {
    let removed = 0;
    for (const { segmentId, rows } of deletions) {
      const view = this.views.get(segmentId);
      if (view !== undefined) removed += this.rows.delete(view.piece, rows, view.rowCount, savepoints, undo);
      else removed += this.deleteInBase(segmentId, rows, savepoints, undo);
    }
    if (removed > 0) this.touch();
    return removed;
  }

  /** Frees what the table has not taken over. isUnknown: the storage has not got the table itself either. */
  end(isUnknown: boolean): void {
    for (const { alive } of this.overlays.values()) this.retire(alive.address);
    for (const address of this.held) this.retire(address);
    this.overlays.clear();
    this.held.clear();
    this.rows.end();
    const known = new Set(this.table.allColumns);
    const lost = this.newColumns.filter((column) => !known.has(column));
    this.epochs.retire(() => {
      for (const column of [...lost, ...(isUnknown ? known : [])]) column.dictionary?.retire();
    });
  }

  private retire(address: number): void {
    this.epochs.retire(() => this.context.memory.free(address));
  }

  private deleteInBase(id: number, rows: number, savepoints: number, undo: Undo): number {
    const version = this.isTruncated ? undefined : this.base?.segments.find((segment) => segment.id === id);
    if (version === undefined) throw unknownRows(this.table);
    const { memory, catalog } = this.context;
    const { kernels } = memory;
    const before = this.overlays.get(id);
    const bytes = aliveBytes(version.rowCount);
    const old = before?.alive ?? version.alive;
    if (before === undefined) this.load(version, catalog);
    const address = memory.allocate(bytes);
    if (old.deleted > 0) kernels.copy_bytes(address, old.address, bytes);
    else kernels.fill_bytes(address, 255, bytes);
    kernels.trim_bits(address, version.rowCount);
    const removed = kernels.remove_bits(address, rows, version.rowCount);
    if (removed === 0) {
      memory.free(address);
      return 0;
    }
    this.overlays.set(id, { version, alive: { deleted: old.deleted + removed, address }, savepoints });
    // A state that no savepoint names is not gone back to.
    if (before !== undefined && before.savepoints === savepoints) this.retire(before.alive.address);
    else this.remember(id, before, undo);
    return removed;
  }

  private remember(id: number, before: Overlay | undefined, undo: Undo): void {
    if (before !== undefined) this.held.add(before.alive.address);
    undo.push(() => {
      const present = this.overlays.get(id);
      if (present !== undefined) this.retire(present.alive.address);
      if (before === undefined) this.overlays.delete(id);
      else {
        this.overlays.set(id, before);
        this.held.delete(before.alive.address);
      }
      this.touch();
    });
  }

  private load({ alive, segment, rowCount, columns }: SegmentVersion, catalog: StorageContext['catalog']): void {
    const capacityRows = columns === null ? rowCount : Math.max(this.context.settings.segment_rows, segment.rows);
    loadAlive(this.context.memory, catalog, alive, this.table.id, segment.id, capacityRows);
  }

  private makeVersion(): TableVersion {
    const { info, layout } = this.form;
    const kept = this.isTruncated || this.base === null ? [] : this.base.segments.map((version) => this.overlaid(version));
    const own = this.rows.pieces
      .filter((piece) => piece.segment.rows > piece.alive.deleted)
      .map((piece) => {
        const version = this.rows.version(piece, nextPrivateView++);
        this.views.set(version.id, { piece, rowCount: version.rowCount });
        return version;
      });
    const segments = [...kept, ...own].map((version) => viewIn(layout, version));
    return {
      info,
      layout,
      segments,
      rowCount: segments.reduce((sum, segment) => sum + segment.rowCount - segment.deletedCount, 0),
      sizeBytes: segments.reduce((sum, segment) => sum + segment.sizeBytes, 0),
    };
  }

  private overlaid(version: SegmentVersion): SegmentVersion {
    const overlay = this.overlays.get(version.id);
    return overlay === undefined ? version : { ...version, deletedCount: overlay.alive.deleted, alive: overlay.alive };
  }
}

/** Rows that the transaction removed from a view of what was committed, as a bitmap in memory of `allocate`. */
export function removedRows(context: StorageContext, { version, alive }: Overlay, allocate: (sizeBytes: number) => number): number {
  const { kernels } = context.memory;
  const bytes = aliveBytes(version.rowCount);
  const rows = allocate(bytes);
  if (version.alive.deleted > 0) kernels.copy_bytes(rows, version.alive.address, bytes);
  else kernels.fill_bytes(rows, 255, bytes);
  kernels.trim_bits(rows, version.rowCount);
  kernels.remove_bits(rows, alive.address, version.rowCount);
  return rows;
}

function unknownRows(table: Table): DbError {
  return new DbError('conflict', `rows of table "${table.info.definition.name}" moved since they were read`, {
    hint: 'run the statement again',
  });
}
