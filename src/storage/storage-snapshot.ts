/** Snapshots: which segments, how many of their rows, and which columns are held in the arena while somebody reads them. */
import { assert } from '../core/assert.js';
import { bitmapBytes, type Vector } from '../core/batch.js';
import type { PinnedSegment, SegmentView, Snapshot, TableInfo, TableSnapshot, ViewDefinition } from '../core/contracts.js';
import { loadAlive } from './alive-rows.js';
import { type ColumnBuffers, vectorOf } from './column-buffers.js';
import type { CachedColumn } from './column-cache.js';
import { aliveBytes, columnAt, type SegmentVersion } from './segment.js';
import type { StorageContext } from './storage-context.js';
import type { Table, TableVersion } from './table.js';

export interface VisibleTable {
  readonly table: Table;
  readonly version: TableVersion;
}

export class StorageSnapshot implements Snapshot {
  readonly sequence: bigint;
  private readonly context: StorageContext;
  private readonly visible: ReadonlyMap<string, VisibleTable>;
  private readonly holder: number;
  private isReleased = false;

  /** visible: by lower-case name. */
  constructor(context: StorageContext, visible: ReadonlyMap<string, VisibleTable>) {
    this.context = context;
    this.visible = visible;
    this.sequence = BigInt(context.queue.sequence);
    this.holder = context.memory.epochs.enter();
  }

  tables(): readonly TableInfo[] {
    return [...this.visible.values()].map(({ version }) => version.info);
  }

  table(name: string): TableSnapshot | undefined {
    const found = this.visible.get(name.toLowerCase());
    if (found === undefined) return undefined;
    const { info, segments, rowCount, sizeBytes } = found.version;
    const pin = (segment: SegmentView, columnIndexes: readonly number[], signal?: AbortSignal) => {
      assert(!this.isReleased, 'a snapshot is not used after release()');
      return pinSegment(this.context, found.table, this.holder, segment as SegmentVersion, columnIndexes, signal);
    };
    return { table: info, segments, rowCount, sizeBytes, pin };
  }

  views(): readonly ViewDefinition[] {
    return [];
  }

  view(): ViewDefinition | undefined {
    return undefined;
  }

  schemas(): readonly string[] {
    return [];
  }

  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    this.context.memory.epochs.leave(this.holder);
  }
}

async function pinSegment(
  context: StorageContext,
  table: Table,
  holder: number,
  version: SegmentVersion,
  columnIndexes: readonly number[],
  signal: AbortSignal | undefined,
): Promise<PinnedSegment> {
  const { memory, cache } = context;
  signal?.throwIfAborted();
  memory.epochs.hold(holder);
  const entries: CachedColumn[] = [];
  const copies: number[] = [];
  let isReleased = false;
  const release = () => {
    if (isReleased) return;
    isReleased = true;
    for (const entry of entries) cache.unpin(entry);
    for (const address of copies) memory.free(address);
    memory.epochs.leave(holder);
  };
  try {
    const columns: Vector[] = [];
    for (const index of columnIndexes) {
      const column = await residentColumn(context, version, index, entries, copies);
      signal?.throwIfAborted();
      const dictionary = column.dictionary ? (table.columns[index]?.dictionary?.view() ?? null) : null;
      columns.push(vectorOf(column, version.rowCount, dictionary, context.nothing));
    }
    return { columns, alive: aliveOf(context, table, version, copies), release };
  } catch (error) {
    release();
    throw error;
  }
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

function aliveOf(context: StorageContext, table: Table, version: SegmentVersion, copies: number[]): number {
  const { alive, segment, rowCount } = version;
  if (alive.deleted === 0) return 0;
  const isSealed = version.columns === null;
  const capacityRows = isSealed ? rowCount : Math.max(context.settings.segment_rows, segment.rows);
  loadAlive(context.memory, context.catalog, alive, table.info.id, segment.id, capacityRows);
  assert(aliveBytes(rowCount) > 0, 'a segment with deleted rows has rows');
  return isSealed ? alive.address : trimmedBitmap(context, alive.address, rowCount, copies);
}
