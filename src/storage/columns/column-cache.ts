/**
 * Columns of sealed segments that are resident in the arena. A pinned column stays; the others go, least recently used first, when an
 * allocation fails or when together they take more than their share of the memory limit. Columns that have no file are never evicted.
 */
import { assert } from '../../core/assert.js';
import type { StorageMemory } from '../memory.js';
import type { Segment } from '../tables/segment.js';
import { addressesOf, type ColumnBuffers, columnBytes } from './column-buffers.js';

/** Share of the arena that cached columns may take; the rest is left to active segments, queries and staging. */
const SHARE = 0.75;

export interface CachedColumn {
  readonly segment: Segment;
  readonly index: number;
  column: ColumnBuffers | null;
  loading: Promise<ColumnBuffers> | null;
  sizeBytes: number;
  pins: number;
  evictable: boolean;
}

export class ColumnCache {
  bytes = 0;
  private readonly memory: StorageMemory;
  private readonly read: (segment: Segment, index: number) => Promise<ColumnBuffers>;
  /** In order of last use. */
  private readonly resident = new Set<CachedColumn>();

  constructor(memory: StorageMemory, read: (segment: Segment, index: number) => Promise<ColumnBuffers>) {
    this.memory = memory;
    this.read = read;
    memory.evict = (sizeBytes) => this.evict(sizeBytes);
  }

  /** Makes a column resident and holds it until unpin(). */
  async pin(segment: Segment, index: number): Promise<CachedColumn & { column: ColumnBuffers }> {
    segment.cached[index] ??= { segment, index, column: null, loading: null, sizeBytes: 0, pins: 0, evictable: true };
    const entry = segment.cached[index];
    entry.pins += 1;
    try {
      if (entry.column === null) {
        entry.loading ??= this.load(entry);
        await entry.loading;
      }
      assert(entry.column !== null, 'a pinned column is resident');
      return entry as CachedColumn & { column: ColumnBuffers };
    } catch (error) {
      entry.pins -= 1;
      throw error;
    }
  }

  unpin(entry: CachedColumn): void {
    assert(entry.pins > 0, 'a column is unpinned once');
    entry.pins -= 1;
    if (entry.pins > 0) return;
    this.resident.delete(entry);
    this.resident.add(entry);
    this.trim();
  }

  /** Takes over the columns of a segment that has just been sealed. */
  adopt(segment: Segment, index: number, column: ColumnBuffers, evictable: boolean): CachedColumn {
    const entry = { segment, index, column, loading: null, sizeBytes: 0, pins: 0, evictable };
    segment.cached[index] = entry;
    this.account(entry, column);
    return entry;
  }

  /** Frees all columns of a segment that no snapshot sees any more. */
  drop(segment: Segment): void {
    for (const entry of segment.cached) if (entry?.column) this.release(entry);
  }

  /** Evicts when cached columns take more than their share. */
  trim(): void {
    const excess = this.bytes - this.memory.arena.limitBytes * SHARE;
    if (excess > 0) this.evict(excess);
  }

  /** Bytes that evict() could free. */
  evictableBytes(): number {
    let bytes = 0;
    for (const entry of this.resident) if (entry.pins === 0 && entry.evictable) bytes += entry.sizeBytes;
    return bytes;
  }

  private evict(sizeBytes: number): number {
    let freed = 0;
    for (const entry of this.resident) {
      if (freed >= sizeBytes) break;
      if (entry.pins > 0 || !entry.evictable) continue;
      freed += entry.sizeBytes;
      this.release(entry);
    }
    return freed;
  }

  private async load(entry: CachedColumn): Promise<ColumnBuffers> {
    try {
      const column = await this.read(entry.segment, entry.index);
      entry.column = column;
      this.account(entry, column);
      this.trim();
      return column;
    } finally {
      entry.loading = null;
    }
  }

  private account(entry: CachedColumn, column: ColumnBuffers): void {
    entry.sizeBytes = columnBytes(this.memory.arena, column);
    this.bytes += entry.sizeBytes;
    this.resident.add(entry);
  }

  private release(entry: CachedColumn): void {
    assert(entry.column !== null && entry.pins === 0, 'a resident column that nobody holds');
    for (const address of addressesOf(entry.column)) this.memory.free(address);
    this.bytes -= entry.sizeBytes;
    entry.column = null;
    entry.sizeBytes = 0;
    this.resident.delete(entry);
  }
}
