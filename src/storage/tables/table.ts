/** One table: its columns' dictionaries, its segments in order, and the placing of new rows. */
import type { TableInfo } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { isText } from '../../core/types.js';
import type { Catalog, CatalogWrite, TableRecord } from '../catalog/catalog.js';
import { storeValue } from '../catalog/stored-value.js';
import type { TailRecord } from '../catalog/tail-record.js';
import { appendColumn, lengthsOf, reserveColumn, truncateColumn } from '../columns/column-append.js';
import { type ColumnBuffers, emptyColumn, lastOffset } from '../columns/column-buffers.js';
import type { ColumnDictionary } from '../columns/column-dictionary.js';
import { forgetNewest } from '../columns/newest-rows.js';
import type { StorageMemory } from '../memory.js';
import { type ColumnMaker, columnMaker, formOfRecord, hasSameColumns, type Layout, type TableColumn, type TableForm } from './layout.js';
import { columnAt, Segment, type SegmentVersion, viewIn } from './segment.js';

/** Distinct values are weighed against rows from here on. */
const WEIGHING_ROWS = 65_536;
/** Bytes of one text column in a segment at which the segment is closed before it is full. */
const TEXT_BYTES_PER_SEGMENT = 2 ** 30;

export interface TableVersion {
  readonly info: TableInfo;
  readonly layout: Layout;
  readonly segments: readonly SegmentVersion[];
  readonly rowCount: number;
  readonly sizeBytes: number;
}

/** How to take back what a plan has changed, last step first. */
export type Undo = (() => void)[];

export function undoAll(undo: Undo, downTo = 0): void {
  while (undo.length > downTo) undo.pop()?.();
}

export interface TableLimits {
  readonly segmentRows: number;
  /** Bytes of rows at which a segment is closed before it has its rows: wide rows must not make a segment that does not fit twice. */
  readonly segmentBytes: number;
  readonly dictionaryValues: number;
  readonly nowMicroseconds: () => number;
}

export class Table {
  readonly id: number;
  /** What is visible. */
  form: TableForm;
  /** As `form`, commits under way included. */
  plannedForm: TableForm;
  /** All columns that segments may have, dropped ones too. */
  allColumns: readonly TableColumn[];
  segments: Segment[] = [];
  active: Segment | null = null;
  nextSegmentId: number;
  /** A commit under way included. */
  dropped = false;
  /** Commit numbers, commits under way included: of the last change of any kind, of the definition, and of the last removal of all rows. */
  changedAt = 0;
  alteredAt = 0;
  truncatedAt = 0;
  /** Plain columns that the catalog knows, or a transaction on its way. */
  persistedPlain: number;
  /** A file of the table could not be written or synced: it takes no more writes until the next opening. */
  refusal: DbError | null = null;
  /** Views that snapshots may still hold, by id. */
  readonly views = new Map<number, SegmentVersion>();
  readonly makeColumn: ColumnMaker;
  private readonly memory: StorageMemory;
  private readonly limits: TableLimits;
  private version: TableVersion | null = null;
  private nextViewId = 1;

  constructor(memory: StorageMemory, catalog: Catalog, record: TableRecord, limits: TableLimits) {
    this.memory = memory;
    this.limits = limits;
    this.id = record.id;
    this.makeColumn = columnMaker(memory, catalog, record.id);
    const { form, columns } = formOfRecord(record, this.makeColumn);
    this.form = this.plannedForm = form;
    this.allColumns = columns;
    this.nextSegmentId = record.nextSegmentId;
    this.persistedPlain = record.plainColumns.length;
  }

  /** Fails with `read_only` after refuseWrites(). */
  assertWritable(): void {
    const { refusal } = this;
    if (refusal !== null) throw new DbError(refusal.code, refusal.message, { hint: refusal.hint, cause: refusal });
  }

  /** The table takes no writes from now on; it can be read and dropped, and other tables take writes. */
  refuseWrites(cause: DbError): void {
    this.refusal ??= new DbError('read_only', `table "${this.info.definition.name}" takes no writes since one failed: ${cause.message}`, {
      cause,
      hint: 'see to the disk, then open the database again; reads go on, and other tables take writes',
    });
  }

  get info(): TableInfo {
    return this.form.info;
  }

  get layout(): Layout {
    return this.form.layout;
  }

  /** Of the planned form. */
  get record(): TableRecord {
    const { info, retired, nextColumnId } = this.plannedForm;
    const plainColumns = this.allColumns.filter((column) => column.plain).map((column) => column.id);
    const fills = this.allColumns.filter((column) => column.fill !== null).map((column) => [column.id, storeValue(column.fill)] as const);
    return { id: this.id, definition: info.definition, plainColumns, nextSegmentId: this.nextSegmentId, retired, fills, nextColumnId };
  }

  /** What a snapshot of now sees. */
  currentVersion(): TableVersion {
    this.version ??= this.makeVersion();
    return this.version;
  }

  /** Something visible of a segment has changed. */
  touch(segment: Segment): void {
    this.version = null;
    const replaced = segment.takeVersion();
    if (replaced !== null) this.memory.epochs.retire(() => this.views.delete(replaced.id));
  }

  /** The list of segments has changed. */
  touchAll(): void {
    this.version = null;
  }

  newSegment(layout: Layout, id = this.nextSegmentId): Segment {
    this.nextSegmentId = Math.max(this.nextSegmentId, id + 1);
    return new Segment(id, layout, this.limits.nowMicroseconds());
  }

  /** The dictionary that new rows of a text column are encoded with; null: they are stored plain. Counts the rows as encoded. */
  dictionaryForAppend(column: TableColumn, rows: number): ColumnDictionary | null {
    if (!column.dictionary || column.plain) return null;
    if (column.type.kind === 'utf8') {
      const distinct = column.dictionary.count;
      const isMostlyDistinct = column.rowsEncoded >= WEIGHING_ROWS && distinct > column.rowsEncoded / 2;
      if (distinct > this.limits.dictionaryValues || isMostlyDistinct) {
        column.plain = true;
        return null;
      }
    }
    column.rowsEncoded += rows;
    return column.dictionary;
  }

  /**
   * Adds the rows of a record, staged in a layout, to the active segment, invisibly, and returns the segment that took them. Segments that it closed are pushed to
   * `closed`. Fails with `query_memory_exceeded`; undo then takes back what was done.
   */
  place(record: TailRecord, layout: Layout, undo: Undo, closed: Segment[]): Segment {
    const { active } = this;
    if (active !== null && !(hasSameColumns(active.layout, layout) && this.fits(active, record))) this.closeActive(undo, closed);
    const segment = this.active ?? this.openSegment(record, layout, undo);
    this.addRows(segment, record, undo, this.isFillingUp() ? this.rowsToExpect(record) : 0);
    return segment;
  }

  closeActive(undo: Undo, closed: Segment[]): void {
    const segment = this.active;
    if (segment === null) return;
    segment.state = 'closed';
    this.active = null;
    closed.push(segment);
    undo.push(() => {
      segment.state = 'active';
      this.active = segment;
    });
  }

  /** Adds the rows of a record to a segment. */
  addRows(segment: Segment, record: TailRecord, undo: Undo, expectedRows: number): void {
    const sources = record.columns.map((column, i) => this.asStored(column, columnAt(segment.columns, i), segment.layout.columns[i]));
    try {
      const { rows, bytes, sorted } = segment;
      const lengths = segment.columns.map(lengthsOf);
      undo.push(() => {
        forgetNewest(this.memory, segment, rows);
        segment.rows = rows;
        segment.bytes = bytes;
        segment.sorted = sorted;
        segment.columns.forEach((column, i) => {
          truncateColumn(column, lengths[i] ?? []);
        });
      });
      segment.columns.forEach((column, i) => {
        reserveColumn(this.memory, column, columnAt(sources, i), expectedRows);
      });
      segment.columns.forEach((column, i) => {
        appendColumn(this.memory, column, columnAt(sources, i));
      });
      segment.rows += record.rows;
      segment.bytes += record.sizeBytes;
      this.checkOrder(segment, rows);
    } finally {
      sources.forEach((source, i) => {
        if (source !== record.columns[i]) for (const address of [source.offsets, source.values]) this.memory.free(address);
      });
    }
  }

  /** An empty segment whose text columns are encoded as the record's are. */
  shapeSegment(segment: Segment, record: TailRecord): void {
    segment.columns = record.columns.map((column, i) => {
      return emptyColumn(column.type, column.dictionary && segment.layout.columns[i]?.plain !== true);
    });
  }

  private openSegment(record: TailRecord, layout: Layout, undo: Undo): Segment {
    const segment = this.newSegment(layout);
    this.shapeSegment(segment, record);
    this.segments.push(segment);
    this.active = segment;
    undo.push(() => {
      this.active = null;
      this.segments.pop();
    });
    return segment;
  }

  /** Whether a segment can take the rows of a record as they are encoded. */
  fits(segment: Segment, record: TailRecord): boolean {
    if (segment.rows + record.rows > this.limits.segmentRows) return false;
    if (segment.bytes + record.sizeBytes > this.limits.segmentBytes) return false;
    return segment.columns.every((column, i) => {
      const source = columnAt(record.columns, i);
      if (!isText(column.type) && column.type.kind !== 'binary') return true;
      if (column.dictionary) return source.dictionary;
      if (source.dictionary) return true;
      return lastOffset(this.memory.arena, column) + lastOffset(this.memory.arena, source) <= TEXT_BYTES_PER_SEGMENT;
    });
  }

  /** Whether so much is less than a whole segment. */
  holds(rows: number, sizeBytes: number): boolean {
    return rows < this.limits.segmentRows && sizeBytes < this.limits.segmentBytes;
  }

  /** Rows that a segment of rows like these will have. */
  rowsToExpect(record: TailRecord): number {
    return Math.min(this.limits.segmentRows, Math.floor((this.limits.segmentBytes * record.rows) / record.sizeBytes));
  }

  /** Whether the last segment was a large one, so that room for the next is best made at once. */
  private isFillingUp(): boolean {
    const last = this.segments.at(-2);
    return last !== undefined && (last.rows * 2 > this.limits.segmentRows || last.bytes * 2 > this.limits.segmentBytes);
  }

  /** Codes that go to a segment which stores the text plain are spelled out. */
  private asStored(source: ColumnBuffers, target: ColumnBuffers, column: TableColumn | undefined): ColumnBuffers {
    const dictionary = column?.dictionary;
    if (source.dictionary === target.dictionary || !dictionary) return source;
    const { memory } = this;
    const { kernels } = memory;
    const view = dictionary.view();
    const offsets = memory.allocate((source.length + 1) * 4);
    const total = kernels.spell_offsets(offsets, source.values, view.offsets, source.validity, 0, source.length);
    const values = memory.allocate(total + 1);
    kernels.spell_bytes(values, offsets, source.values, view.offsets, view.values, 0, source.length);
    return { ...source, dictionary: false, offsets, values };
  }

  private checkOrder(segment: Segment, firstNew: number): void {
    const { timestampColumn } = segment.layout;
    if (timestampColumn < 0 || segment.rows === firstNew) return;
    const times = columnAt(segment.columns, timestampColumn);
    this.widenTimes(segment, times, firstNew);
    if (!segment.sorted) return;
    const from = Math.max(0, firstNew - 1);
    if (times.validity !== 0 || this.memory.kernels.find_unsorted_i64(times.values + from * 8, segment.rows - from) >= 0)
      segment.sorted = false;
  }

  /** Bounds of the designated timestamp are known while the segment grows, too; they may be wider than its rows, never narrower. */
  private widenTimes(segment: Segment, times: ColumnBuffers, firstNew: number): void {
    const { memory } = this;
    const { i64 } = memory.arena;
    memory.scratch((allocate) => {
      const out = allocate(64);
      memory.kernels.zone_i64(times.values + firstNew * 8, 0, segment.rows - firstNew, out);
      const [least, most] = [i64[out / 8] as bigint, i64[out / 8 + 1] as bigint];
      const { times: known } = segment;
      if (known !== null && known.least <= least && known.most >= most) return;
      segment.widenTimes(
        known === null || least < known.least ? least : known.least,
        known === null || most > known.most ? most : known.most,
      );
    });
  }

  private makeVersion(): TableVersion {
    const register = (version: SegmentVersion) => {
      const id = this.nextViewId++;
      this.views.set(id, version);
      return id;
    };
    const segments = this.segments
      .filter((segment) => segment.visibleRows > 0)
      .map((segment) => viewIn(this.layout, segment.currentVersion(this.memory, register)));
    return {
      info: this.info,
      layout: this.layout,
      segments,
      rowCount: segments.reduce((sum, segment) => sum + segment.rowCount - segment.deletedCount, 0),
      sizeBytes: segments.reduce((sum, segment) => sum + segment.sizeBytes, 0),
    };
  }
}

/** What the catalog does not have yet: dictionary entries, and which columns are plain from now on. */
export function tableWrites(table: Table, writes: CatalogWrite[]): void {
  const { record } = table;
  if (record.plainColumns.length > table.persistedPlain) {
    writes.push({ store: 'table', key: [table.info.id], value: record });
    table.persistedPlain = record.plainColumns.length;
  }
  for (const { dictionary, id } of table.allColumns) {
    if (dictionary === null || dictionary.count <= dictionary.persistedCount) continue;
    const first = dictionary.persistedCount;
    writes.push({ store: 'dictionary', key: [table.id, id, first], value: dictionary.record(first) });
    dictionary.persistedCount = dictionary.count;
  }
}

/** Notes the number of a commit that changes the table. */
export function markChanged(table: Table, sequence: number, undo: Undo): void {
  const { changedAt } = table;
  table.changedAt = sequence;
  undo.push(() => {
    table.changedAt = changedAt;
  });
}
