/** A horizontal slice of a table. It is active (takes rows), then closed (waits to be sealed), then sealed (immutable, usually in a file). */

import { assert } from '../../core/assert.js';
import type { ClusterIndex, CodeRows, RowOrder, SegmentView, ZoneMap } from '../../core/contracts.js';
import type { SegmentRecord } from '../catalog/catalog.js';
import { type ColumnBuffers, columnBytes, freeze } from '../columns/column-buffers.js';
import type { CachedColumn } from '../columns/column-cache.js';
import type { KnownNewest } from '../columns/newest-rows.js';
import { loadBound } from '../columns/zone-map.js';
import type { StorageMemory } from '../memory.js';
import { type Layout, positionsIn } from './layout.js';

/** Which rows are not deleted. Immutable: a deletion makes a new one. */
export interface AliveRows {
  readonly deleted: number;
  /** Bitmap, all ones past the rows; 0 = nothing deleted, or not read from the catalog yet. */
  address: number;
}

/** Where the rows of a segment are that is no more. */
export interface Became {
  /** Rows of all that the parts were made of are numbered one after the other: so many, the segment's own from `base` on. */
  readonly base: number;
  readonly total: number;
  /** Shared by all segments that the parts were made of. */
  readonly parts: readonly SegmentPart[];
}

export interface SegmentPart {
  readonly segment: Segment;
  /** Row i was row order[i] (u32); 0 when nobody can ask any more. */
  order: number;
}

const TIME_ORDER: RowOrder = { kind: 'time' };
const INSERTION_ORDER: RowOrder = { kind: 'insertion' };

export const ALL_ALIVE: AliveRows = { deleted: 0, address: 0 };

/** What one snapshot sees of a segment. Its id names this view, so that a deletion can be mapped to what became of the segment. */
export interface SegmentVersion extends SegmentView {
  readonly segment: Segment;
  /** Buffers of an unsealed segment as they were; null: they come from the column cache. */
  readonly columns: readonly ColumnBuffers[] | null;
  readonly alive: AliveRows;
  /** Whether rows stand in the order of the sorted segment. */
  readonly reordered: boolean;
}

export class Segment {
  /** Ascending in the order of the table's segments. */
  id: number;
  /** Positions of columns are this layout's. */
  readonly layout: Layout;
  readonly createdMicroseconds: number;
  state: 'active' | 'closed' | 'sealed' = 'active';
  /** Rows placed, those of commits under way included. */
  rows = 0;
  /** Bytes of the records placed. */
  bytes = 0;
  visibleRows = 0;
  /** Rows placed are in ascending order of the designated timestamp. */
  sorted: boolean;
  /** By column position; of an unsealed segment. */
  columns: ColumnBuffers[] = [];
  /** By column position; of a sealed segment: what is resident. */
  readonly cached: (CachedColumn | undefined)[] = [];
  readonly tailKeys: number[][] = [];
  record: SegmentRecord | null = null;
  /** As `record`, commits under way included. */
  plannedRecord: SegmentRecord | null = null;
  zoneMaps: readonly (ZoneMap | undefined)[] = [];
  /** Of an unsealed segment: bounds of the designated timestamps of its rows. */
  times: { readonly least: bigint; readonly most: bigint } | null = null;
  alive: AliveRows = ALL_ALIVE;
  /** As `alive`, commits under way included. */
  plannedAlive: AliveRows = ALL_ALIVE;
  /** Sealing changed the row order (a seal under way included): row i was row order[i] before. The address is 0 when nobody can ask any more. */
  reordered = false;
  order = 0;
  /** The segment was cut when it was sealed, or merged by compaction, a commit under way included. */
  became: Became | null = null;
  /** Where the values of the CLUSTER BY column lie, when rows are grouped by it and that was read already. */
  cluster: ClusterIndex | null = null;
  /** By column position. */
  readonly codeRows = new Map<number, CodeRows>();
  /** Of an unsealed segment, by column position. */
  readonly newestRows = new Map<number, KnownNewest>();
  /** Truncated or dropped, a commit under way included. */
  discarded = false;
  private version: SegmentVersion | null = null;

  constructor(id: number, layout: Layout, createdMicroseconds: number) {
    this.id = id;
    this.layout = layout;
    this.sorted = layout.timestampColumn >= 0;
    this.createdMicroseconds = createdMicroseconds;
  }

  /** A sealed segment as the catalog has it; nothing is read. */
  static fromRecord(record: SegmentRecord, layout: Layout): Segment {
    const segment = new Segment(record.id, layout, 0);
    segment.sorted = record.sorted;
    segment.state = 'sealed';
    segment.rows = segment.visibleRows = record.rows;
    segment.record = segment.plannedRecord = record;
    segment.alive = segment.plannedAlive = { deleted: record.deleted, address: 0 };
    segment.zoneMaps = zoneMapsOf(record, layout);
    return segment;
  }

  widenTimes(least: bigint, most: bigint): void {
    const { timestampColumn, columns } = this.layout;
    this.times = { least, most };
    this.zoneMaps = columns.map((_, i) => (i === timestampColumn ? { nullCount: 0, min: least, max: most } : undefined));
  }

  /** Columns are the segment's own. */
  get rowOrder(): RowOrder {
    const grouping = this.state === 'sealed' ? this.record?.cluster : undefined;
    if (grouping !== undefined) return { kind: 'cluster', column: this.layout.columns.findIndex(({ id }) => id === grouping) };
    return this.sorted ? TIME_ORDER : INSERTION_ORDER;
  }

  /** The view of now. `register` hears of a new view, `retire` of one that is replaced. */
  currentVersion(memory: StorageMemory, register: (version: SegmentVersion) => number): SegmentVersion {
    this.version ??= this.makeVersion(memory, register);
    return this.version;
  }

  /** Takes the current view away, because something visible has changed. */
  takeVersion(): SegmentVersion | null {
    const { version } = this;
    this.version = null;
    return version;
  }

  private makeVersion(memory: StorageMemory, register: (version: SegmentVersion) => number): SegmentVersion {
    const columns = this.state === 'sealed' ? null : this.columns.map(freeze);
    const version = {
      id: 0,
      rowCount: this.visibleRows,
      deletedCount: this.alive.deleted,
      order: this.rowOrder,
      zoneMaps: this.zoneMaps,
      sizeBytes:
        columns === null ? (this.record?.sizeBytes ?? 0) : columns.reduce((sum, column) => sum + columnBytes(memory.arena, column), 0),
      segment: this,
      columns,
      alive: this.alive,
      reordered: this.state === 'sealed' && this.reordered,
    };
    version.id = register(version);
    return version;
  }
}

function zoneMapsOf(record: SegmentRecord, { columns }: Layout): (ZoneMap | undefined)[] {
  const byId = new Map(record.columns.map((column) => [column.id, column.zone]));
  return columns.map(({ id }) => {
    const zone = byId.get(id);
    return zone && { nullCount: zone[0], min: loadBound(zone[1]), max: loadBound(zone[2]) };
  });
}

/** The view as a table of this layout shows it. */
export function viewIn(layout: Layout, version: SegmentVersion): SegmentVersion {
  const own = version.segment.layout;
  if (own.columns === layout.columns) return version;
  return {
    ...version,
    order: orderIn(layout, own, version.order),
    zoneMaps: positionsIn(own, layout).map((at) => (at < 0 ? undefined : version.zoneMaps[at])),
  };
}

function orderIn(layout: Layout, own: Layout, order: RowOrder): RowOrder {
  if (order.kind !== 'cluster') return order;
  const id = own.columns[order.column]?.id;
  return { kind: 'cluster', column: layout.columns.findIndex((column) => column.id === id) };
}

/** Where a segment stands in its table. */
export function placeOf({ id, record }: Segment): readonly [segment: number, part: number] {
  return record?.place ?? [id, 0];
}

export function comparePlaces(a: Segment, b: Segment): number {
  const [x, y] = [placeOf(a), placeOf(b)];
  return x[0] - y[0] || x[1] - y[1];
}

/** Bytes of an alive bitmap of a segment, padded so that growing segments stay inside. */
export function aliveBytes(rows: number): number {
  return Math.ceil(rows / 64) * 8;
}

export function columnAt(columns: readonly ColumnBuffers[], index: number): ColumnBuffers {
  const column = columns[index];
  assert(column, `column ${index} of ${columns.length}`);
  return column;
}
