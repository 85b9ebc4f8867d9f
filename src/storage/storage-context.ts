/** What the parts of storage share. */
import type { Environment } from '../core/environment.js';
import type { Settings } from '../core/settings.js';
import type { Background } from './background.js';
import type { Catalog } from './catalog/catalog.js';
import type { ColumnCache } from './columns/column-cache.js';
import type { DiskRoom } from './disk-room.js';
import type { StorageMemory } from './memory.js';
import type { Sealer } from './segments/sealer.js';
import type { Segment } from './tables/segment.js';
import type { Table } from './tables/table.js';
import type { BulkLoad } from './writes/bulk-load.js';
import type { CatalogWriter } from './writes/catalog-writer.js';
import type { CommitQueue } from './writes/commit-queue.js';

/** Bytes of segment files since the database was opened. */
export interface WrittenBytes {
  sealedBytes: number;
  compactedBytes: number;
  compactions: number;
}

export interface StorageContext {
  readonly written: WrittenBytes;
  readonly memory: StorageMemory;
  readonly catalog: Catalog;
  readonly queue: CommitQueue;
  readonly writer: CatalogWriter;
  readonly room: DiskRoom;
  readonly cache: ColumnCache;
  readonly sealer: Sealer;
  readonly background: Background;
  /** Loads that are neither committed nor discarded. */
  readonly loads: Set<BulkLoad>;
  readonly settings: Settings;
  readonly environment: Environment;
  /** Folder of the segment files; null: nothing is written. */
  readonly segmentsFolder: string | null;
  /** Part of the names of files that are written from this opening on, so that no two openings ever write the same. */
  readonly opening: string;
  /** Address of 64 zero bytes. */
  readonly nothing: number;
  /** Tables that the group being planned has changed: their new dictionary entries go into its transaction. */
  readonly changedTables: Set<Table>;
  /** Fails with `read_only` or `closed` when nothing can be written now. */
  assertWritable(): void;
  /** Writes are refused from now on; reads go on. */
  refuseWrites(cause: unknown): void;
  tableChanged(): void;
  /** Removes a segment file that no record names any more, when nobody reads it. */
  removeFile(name: string): void;
  /** Frees a segment's memory and file when no snapshot sees it any more. */
  retireSegment(segment: Segment): void;
}
