/** Snapshots: which segments, how many of their rows, and which columns are held in the arena while somebody reads them. */

import { assert } from '../core/assert.js';
import { bitmapBytes, type Vector } from '../core/batch.js';
import type { PinnedSegment, SegmentStorage, SegmentView, Snapshot, TableInfo, TableSnapshot, ViewDefinition } from '../core/contracts.js';
import type { StopSignal } from '../core/stop-signal.js';
import { clusterOf } from './catalog/cluster-record.js';
import { codeRowsOf } from './columns/code-rows.js';
import { type ColumnBuffers, vectorOf } from './columns/column-buffers.js';
import type { CachedColumn } from './columns/column-cache.js';
import { filledColumn } from './columns/fill-column.js';
import { newestRowsOf } from './columns/newest-rows.js';
import type { Epochs } from './epochs.js';
import type { StorageContext } from './storage-context.js';
import { loadAlive } from './tables/alive-rows.js';
import type { Layout } from './tables/layout.js';
import type { Names } from './tables/names.js';
import { aliveBytes, columnAt, type SegmentVersion } from './tables/segment.js';
import type { TableVersion } from './tables/table.js';

/** What a snapshot sees: tables by their key (names.ts). */
export interface Visible {
  readonly tables: ReadonlyMap<string, TableVersion>;
  readonly views: Names['views'];
  readonly schemas: Names['schemas'];
}

export class StorageSnapshot implements Snapshot {
  readonly sequence: bigint;
  private readonly context: StorageContext;
  private readonly visible: Visible;
  private readonly epochs: Epochs;
  private readonly holder: number;
  private isReleased = false;

  constructor(context: StorageContext, visible: Visible, sequence: number, epochs: Epochs) {
    this.context = context;
    this.visible = visible;
    this.sequence = BigInt(sequence);
    this.epochs = epochs;
    this.holder = epochs.enter();
  }

  tables(): readonly TableInfo[] {
    return [...this.visible.tables.values()].map(({ info }) => info);
  }

  table(name: string): TableSnapshot | undefined {
    const found = this.visible.tables.get(name.toLowerCase());
    if (found === undefined) return undefined;
    const { info, layout, segments, rowCount, sizeBytes } = found;
    const pin = (segment: SegmentView, columnIndexes: readonly number[], signal?: StopSignal) => {
      assert(!this.isReleased, 'a snapshot is not used after release()');
      const place = { tableId: info.id, layout, epochs: this.epochs, holder: this.holder };
      return pinSegment(this.context, place, segment as SegmentVersion, columnIndexes, signal);
    };
    const distinctValues = (columnIndex: number) => {
      const column = layout.columns[columnIndex];
      return column?.plain === false ? column.dictionary?.knownCount : undefined;
    };
    const clusterIndex = (segment: SegmentView) =>
      segment.order.kind === 'cluster'
        ? (clusterOf(this.context.catalog, info.id, (segment as SegmentVersion).segment) ?? undefined)
        : undefined;
    const encoded = (version: SegmentVersion, columnIndex: number) => {
      const column = layout.columns[columnIndex];
      const position = version.segment.layout.columns.findIndex((each) => each.id === column?.id);
      return column?.dictionary == null || position < 0 ? undefined : { position, codeCount: column.dictionary.count };
    };
    const codeRows = async (segment: SegmentView, columnIndex: number) => {
      const found = encoded(segment as SegmentVersion, columnIndex);
      if (!found) return undefined;
      return codeRowsOf(this.context.memory, this.context.cache, segment as SegmentVersion, found.position, found.codeCount);
    };
    const newestRows = (segment: SegmentView, columnIndex: number) => {
      const found = encoded(segment as SegmentVersion, columnIndex);
      return found && newestRowsOf(this.context.memory, segment as SegmentVersion, found.position, found.codeCount);
    };
    /** Plain text columns have rows without a code, and so may columns that came later. */
    const codeOf = (columnIndex: number, text: string) => {
      const column = layout.columns[columnIndex];
      return column?.plain === false && column.fill === null ? column.dictionary?.find(text) : undefined;
    };
    return { table: info, segments, rowCount, sizeBytes, distinctValues, clusterIndex, codeRows, newestRows, codeOf, storageOf, pin };
  }

  views(): readonly ViewDefinition[] {
    return [...this.visible.views.values()];
  }

  view(name: string): ViewDefinition | undefined {
    return this.visible.views.get(name.toLowerCase());
  }

  schemas(): readonly string[] {
    return [...this.visible.schemas.values()];
  }

  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    this.epochs.leave(this.holder);
  }
}

function storageOf(view: SegmentView): SegmentStorage {
  const { id, state, record } = (view as SegmentVersion).segment;
  return { number: id, state, level: record?.level ?? 0, file: record?.file ? record.file : null, plainBytes: record?.plainBytes };
}

interface Place {
  readonly tableId: number;
  readonly layout: Layout;
  readonly epochs: Epochs;
  readonly holder: number;
}

async function pinSegment(
  context: StorageContext,
  { tableId, layout, epochs, holder }: Place,
  version: SegmentVersion,
  columnIndexes: readonly number[],
  signal: StopSignal | undefined,
): Promise<PinnedSegment> {
  const { memory, cache } = context;
  signal?.throwIfAborted();
  epochs.hold(holder);
  const entries: CachedColumn[] = [];
  const copies: number[] = [];
  let isReleased = false;
  const release = () => {
    if (isReleased) return;
    isReleased = true;
    for (const entry of entries) cache.unpin(entry);
    for (const address of copies) memory.free(address);
    epochs.leave(holder);
  };
  try {
    const columns: Vector[] = [];
    for (const index of columnIndexes) {
      const column = await columnOf(context, layout, version, index, entries, copies);
      signal?.throwIfAborted();
      const dictionary = column.dictionary ? (layout.columns[index]?.dictionary?.view() ?? null) : null;
      columns.push(vectorOf(column, version.rowCount, dictionary, context.nothing));
    }
    return { columns, alive: aliveOf(context, tableId, version, copies), release };
  } catch (error) {
    release();
    throw error;
  }
}

/** The column of a layout in a segment, which may be older than the column. */
async function columnOf(
  context: StorageContext,
  layout: Layout,
  version: SegmentVersion,
  index: number,
  entries: CachedColumn[],
  copies: number[],
): Promise<ColumnBuffers> {
  const own = version.segment.layout;
  const wanted = layout.columns[index];
  assert(wanted, `column ${index} of ${layout.columns.length}`);
  const position = own.columns === layout.columns ? index : own.columns.findIndex((column) => column.id === wanted.id);
  if (position >= 0) return residentColumn(context, version, position, entries, copies);
  return filledColumn(context.memory, wanted, version.rowCount, (sizeBytes) => {
    const address = context.memory.allocate(sizeBytes);
    copies.push(address);
    return address;
  });
}

async function residentColumn(
  context: StorageContext,
  version: SegmentVersion,
  index: number,
  entries: CachedColumn[],
  copies: number[],
): Promise<ColumnBuffers> {
  if (version.columns !== null) return trimmed(context, columnAt(version.columns, index), version.rowCount, copies);
  const entry = await context.cache.pin(version.segment, index);
  entries.push(entry);
  return entry.column;
}

/** Bitmaps of a growing column hold bits of later rows in their last word; readers get copies that end where the snapshot does. */
function trimmed(context: StorageContext, column: ColumnBuffers, rows: number, copies: number[]): ColumnBuffers {
  const copy = (address: number) => trimmedBitmap(context, address, rows, copies);
  const validity = column.validity === 0 ? 0 : copy(column.validity);
  const values = column.type.kind === 'bool' && column.values !== 0 ? copy(column.values) : column.values;
  const children = column.children.map((child) => trimmed(context, child, column.type.kind === 'list' ? child.length : rows, copies));
  return { ...column, validity, values, children };
}

function trimmedBitmap({ memory }: StorageContext, address: number, rows: number, copies: number[]): number {
  if (rows % 64 === 0) return address;
  const copy = memory.allocate(bitmapBytes(rows));
  copies.push(copy);
  memory.kernels.copy_bytes(copy, address, bitmapBytes(rows));
  memory.kernels.trim_bits(copy, rows);
  return copy;
}

function aliveOf(context: StorageContext, tableId: number, version: SegmentVersion, copies: number[]): number {
  const { alive, segment, rowCount } = version;
  if (alive.deleted === 0) return 0;
  const isSealed = version.columns === null;
  const capacityRows = isSealed ? rowCount : Math.max(context.settings.segment_rows, segment.rows);
  loadAlive(context.memory, context.catalog, alive, tableId, segment.id, capacityRows);
  assert(aliveBytes(rowCount) > 0, 'a segment with deleted rows has rows');
  return isSealed ? alive.address : trimmedBitmap(context, alive.address, rowCount, copies);
}
