/**
 * What must be transactional: an LMDB environment in <path>/catalog with one database per kind of record. Keys are arrays of numbers or
 * strings in lmdb-js's "ordered-binary" encoding, so ranges of one table or segment are contiguous. Behind every value but meta's "format"
 * stand four bytes: its checksum (record-checksum.ts).
 *
 *   database    key                              value
 *   meta        "format"                         JSON number: version of this layout (FORMAT_VERSION of lmdb-reader.ts)
 *   meta        "sequence"                       JSON number: of the last commit
 *   meta        "nextTableId"                    JSON number
 *   table       [table]                          JSON TableRecord
 *   segment     [table, segment]                 JSON SegmentRecord (sealed segments only)
 *   tail        [table, segment, commit, index]  a tail record (tail-record.ts) of an unsealed segment
 *   dictionary  [table, column, first code]      dictionary entries (column-dictionary.ts)
 *   view        "schema.name", lower case        JSON ViewDefinition
 *   schema      "name", lower case               JSON text: the name
 *   cluster     [table, segment]                 u32 n, n codes (u32, ascending; 0xffffffff = NULL), n times the row after the last of a code (u32)
 *   deletion    [table, segment]                 u32 rows, u32 deleted rows, then the bitmap of the rows that are alive, in 8-byte words
 *
 * LMDB syncs a transaction (fdatasync) before its promise resolves, since overlappingSync is off. Commits are one transaction each, or together
 * (writes/catalog-writer.ts).
 */
import type { ColumnDefinition, TableDefinition, ViewDefinition } from '../../core/contracts.js';
import type { StoredBound } from '../columns/zone-map.js';
import type { StoredValue } from './stored-value.js';

export interface TableRecord {
  readonly id: number;
  readonly definition: TableDefinition;
  /** Ids of text columns that are stored plain from now on. */
  readonly plainColumns: readonly number[];
  readonly nextSegmentId: number;
  /** Dropped columns; older segments may hold them. */
  readonly retired?: readonly ColumnDefinition[];
  /** By column id: the value in segments older than the column, where it is not NULL. */
  readonly fills?: readonly (readonly [number, StoredValue])[];
  readonly nextColumnId?: number;
}

/** [offset in the file, bytes, CRC32C of them]; with a fourth number it is a ZSTD frame of so many bytes; null = the buffer is absent. */
export type StoredBuffer = readonly [offset: number, sizeBytes: number, checksum: number, plainBytes?: number] | null;

export interface StoredNode {
  readonly rows: number;
  /** In the order of rolesOf. */
  readonly buffers: readonly StoredBuffer[];
  readonly children: readonly StoredNode[];
}

export interface StoredColumn {
  readonly id: number;
  readonly dictionary: boolean;
  readonly node: StoredNode;
  /** [null count, minimum, maximum] */
  readonly zone: readonly [number, StoredBound, StoredBound];
}

export interface SegmentRecord {
  readonly id: number;
  readonly rows: number;
  readonly deleted: number;
  readonly sorted: boolean;
  /** Id of the column by whose codes rows are grouped; `cluster` of the catalog then has the index. */
  readonly cluster?: number;
  /** The segment stands where the segment of this number stood, as its part of that index. Absent: its id tells where it stands. */
  readonly place?: readonly [segment: number, part: number];
  /** How often compaction has written its rows anew, at most. Absent: never. */
  readonly level?: number;
  /** Name inside <path>/segments. */
  readonly file: string;
  readonly sizeBytes: number;
  /** Bytes of the columns before they were compressed where that pays. Absent: the file has them as they are. */
  readonly plainBytes?: number;
  /** CRC-32 (zlib's) of the whole file. Absent: the file is of before it was kept. */
  readonly checksum?: number;
  readonly columns: readonly StoredColumn[];
}

/** Bytes of a segment's columns in memory, or some more. */
export function plainBytesOf(record: SegmentRecord | null): number {
  return record?.plainBytes ?? record?.sizeBytes ?? 0;
}

export type StoreName = 'meta' | 'table' | 'segment' | 'tail' | 'dictionary' | 'deletion' | 'cluster' | 'view' | 'schema';
export type CatalogKey = string | number[];

export type CatalogWrite =
  | { readonly store: StoreName; readonly key: CatalogKey; readonly value: CatalogValue }
  | { readonly store: StoreName; readonly key: CatalogKey; readonly remove: true }
  /** Removes everything of a table, or of one segment of it, from a database. */
  | { readonly store: StoreName; readonly removeAllOf: readonly [table: number, segment?: number] };

/** JSON, bytes, or bytes of the arena (read before commit() returns its promise). */
export type CatalogValue = object | number | string | Uint8Array | ArenaBytes | SealedBytes;

export class ArenaBytes {
  readonly address: number;
  readonly sizeBytes: number;

  constructor(address: number, sizeBytes: number) {
    this.address = address;
    this.sizeBytes = sizeBytes;
  }
}

/** A value with its checksum behind it. */
export class SealedBytes {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** A catalog that other processes may have open too. */
export interface SharedCatalog extends Catalog {
  /** Reads as of the last commit, whatever any process commits later. */
  hold(): HeldCatalog;
  /** Number of LMDB's last transaction. */
  lastTransaction(): number;
  /** That of the oldest one that a process reads as of; undefined: nobody reads. */
  oldestReader(): number | undefined;
  /** Fails with `corrupt` when a record has got under another key. */
  checkStrays(): void;
  /** All records of a database, one by one; null: the bytes of one do not match their checksum. */
  examine(store: StoreName): Iterable<{ readonly key: CatalogKey; readonly value: Buffer | null }>;
  /** A write that holds bytes of its own, to be committed later, and how many. */
  detached(write: CatalogWrite): { readonly write: CatalogWrite; readonly sizeBytes: number };
  /** Writes a copy as of the last commit into an empty folder, while others may commit. */
  copyTo(folder: string): Promise<void>;
}

/** Reads what was committed at one time, and tells what has changed since another. */
export interface HeldCatalog extends Catalog {
  /** A table's record, and those of its segments by ascending id. */
  storedTable(table: number): Buffer | undefined;
  storedSegments(table: number): Iterable<StoredRecord>;
  segmentOf(table: number, stored: StoredRecord): SegmentRecord;
  /** Segments that have tail records, ascending. */
  tailSegments(table: number): Iterable<number>;
  /** Tail records of one segment, behind that of a key. */
  tailOf(table: number, segment: number, after: readonly number[] | undefined): Iterable<TailEntry>;
  /** Another reader of the same commit, that need not be released. */
  copy(): HeldCatalog;
  /** Reads as of the other's commit from now on. */
  moveTo(newer: HeldCatalog): void;
  /** No read comes after it. Until then the space of what is removed is not used again. */
  release(): void;
}

/** A record as it is stored: equal bytes are an unchanged record. */
export interface StoredRecord {
  readonly id: number;
  readonly bytes: Buffer;
}

export interface TailEntry {
  readonly key: number[];
  readonly segment: number;
  readonly bytes: Uint8Array;
}

/** Where storage keeps its records. The catalog in memory keeps none. */
export interface Catalog {
  readonly persistent: boolean;
  meta(key: string): number | undefined;
  tables(): TableRecord[];
  views(): ViewDefinition[];
  /** Names of created schemas. */
  schemas(): string[];
  segments(table: number): SegmentRecord[];
  tail(table: number): Iterable<TailEntry>;
  /** Records from the one on whose first code is `from`. */
  dictionary(table: number, column: number, from?: number): Iterable<Uint8Array>;
  deletion(table: number, segment: number): Uint8Array | undefined;
  cluster(table: number, segment: number): Uint8Array | undefined;
  /** Resolves when the writes are on disk, all of them or none. */
  commit(writes: readonly CatalogWrite[]): Promise<void>;
  sizeBytes(): number;
  close(): Promise<void>;
}

export const memoryCatalog: Catalog = {
  persistent: false,
  meta: () => undefined,
  tables: () => [],
  views: () => [],
  schemas: () => [],
  segments: () => [],
  tail: () => [],
  dictionary: () => [],
  deletion: () => undefined,
  cluster: () => undefined,
  commit: () => Promise.resolve(),
  sizeBytes: () => 0,
  close: () => Promise.resolve(),
};
