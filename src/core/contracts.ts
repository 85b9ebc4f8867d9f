/**
 * Where storage, query and the doors meet. Storage implements Storage; query implements QueryService; http, flight and the embedded API
 * see only these. All methods are called on the main thread.
 */

import type { Arena } from './arena.js';
import type { Batch, OwnedBatch, Value, Vector } from './batch.js';
import type { DbError } from './errors.js';
import type { Principal } from './principal.js';
import type { QuerySettings } from './settings.js';
import type { StopSignal } from './stop-signal.js';
import type { TypedValue } from './typed-value.js';
import type { Field, Schema } from './types.js';

// ---- tables ----------------------------------------------------------------------------------------------------------------------

export interface ColumnDefinition extends Field {
  /** Position-independent identity; survives rename and drop of other columns. */
  readonly id: number;
  /** SQL text of the default expression, bound by query at INSERT; null = NULL. */
  readonly defaultSql: string | null;
  readonly comment: string | null;
}

export type PartitionUnit = 'none' | 'hour' | 'day' | 'week' | 'month' | 'year';

export interface TableDefinition {
  readonly name: string;
  readonly columns: readonly ColumnDefinition[];
  /** Index into columns of the designated timestamp; null = an ordinary table. */
  readonly timestampColumn: number | null;
  readonly partitionBy: PartitionUnit;
  /** Indexes of the column that sealed segments are grouped by (at most one), and of the DEDUP KEYS / PRIMARY KEY columns. */
  readonly clusterBy: readonly number[];
  readonly dedupKeys: readonly number[];
  /** As it was written (core/time-to-live.ts reads it). */
  readonly ttl: string | null;
  readonly options: Readonly<Record<string, string>>;
  /** Of schema `public` when absent. */
  readonly schema?: string | undefined;
  readonly comment?: string | null | undefined;
  readonly constraints?: readonly TableConstraint[] | undefined;
}

export type TableConstraint =
  | { readonly kind: 'check'; readonly name: string; readonly sql: string }
  | { readonly kind: 'unique'; readonly name: string /** Indexes into columns. */; readonly columns: readonly number[] };

export interface TableInfo {
  /** Never reused. */
  readonly id: number;
  readonly definition: TableDefinition;
}

/** Minimum and maximum of a column's values in a segment, in the column's physical representation (bigint for 64-bit integers and times). */
export interface ZoneMap {
  readonly nullCount: number;
  /** undefined: unknown, or no value at all. Text: the first 64 bytes, the maximum rounded up. NaN is the largest float. */
  readonly min: number | bigint | string | undefined;
  readonly max: number | bigint | string | undefined;
}

/**
 * How the rows of a segment lie. Rows that are equal by it are in insertion order. Nothing else may be assumed of them, and nothing across
 * segments but their order and their zone maps (timeOrderOf in query/execution/scan/scan-order.ts puts the two together).
 */
export type RowOrder =
  /** As they were inserted. */
  | { readonly kind: 'insertion' }
  /** Ascending by the designated timestamp. */
  | { readonly kind: 'time' }
  /**
   * By the codes of a dictionary-encoded column, ascending, NULLs last; rows of one value ascending by the designated timestamp.
   * `column`: its index in the table; −1 = the table has it no more, and rows lie in no order that can be used.
   */
  | { readonly kind: 'cluster'; readonly column: number };

/** Where the values of the CLUSTER BY column lie in a segment. */
export interface ClusterIndex {
  /** That occur, ascending; NULL_CODE, always the last, stands for NULL. */
  readonly codes: Uint32Array;
  /** The row after the last one of each. */
  readonly ends: Uint32Array;
}

/** Where each code of a column first and last occurs in a segment. Addresses of u32, by code; at [codeCount] those of NULL; 0xffffffff = nowhere. */
export interface CodeRows {
  /** Codes from here on do not occur. */
  readonly codeCount: number;
  readonly first: number;
  readonly last: number;
}

/** Of each code of a column the row of the largest designated timestamp, the last one of several: address of u32, as in CodeRows. */
export interface NewestRows {
  readonly codeCount: number;
  readonly newest: number;
}

export const NULL_CODE = 0xffff_ffff;

export interface SegmentView {
  readonly id: number;
  /** Rows of the segment that this snapshot sees, deleted ones included. */
  readonly rowCount: number;
  /** Rows that are marked as deleted in this snapshot. */
  readonly deletedCount: number;
  readonly order: RowOrder;
  /** By column index; for an active segment they may be absent. */
  readonly zoneMaps: readonly (ZoneMap | undefined)[];
  readonly sizeBytes: number;
}

/** How a segment is kept. */
export interface SegmentStorage {
  /** Of the table; it stands in the name of the file, too. */
  readonly number: number;
  /** It takes rows, waits to be sealed, or is immutable. */
  readonly state: 'active' | 'closed' | 'sealed';
  /** How often compaction has written its rows anew, at most. */
  readonly level: number;
  /** Inside of `segments`; null: it has none. */
  readonly file: string | null;
  /** Bytes of its columns before they were compressed; undefined: they are as they were. */
  readonly plainBytes: number | undefined;
}

/** Columns of one segment, resident and held in the arena until release(). */
export interface PinnedSegment {
  /** One vector per asked column index, of segment.rowCount rows, in the asked order. They are flat or dictionary-encoded. */
  readonly columns: readonly Vector[];
  /** Bitmap of the rows that are *not* deleted; 0 = none is deleted. */
  readonly alive: number;
  release(): void;
}

export interface TableSnapshot {
  readonly table: TableInfo;
  /** In insertion order of their rows: row order of the table = segment order, then row order inside. */
  readonly segments: readonly SegmentView[];
  /** Rows that are not deleted. */
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** Distinct values of a dictionary-encoded column, deleted ones included; undefined when that is not known at little cost. */
  distinctValues?(columnIndex: number): number | undefined;
  /** Of a segment whose order is `cluster`; undefined for others. Fails with `corrupt`. */
  clusterIndex?(segment: SegmentView): ClusterIndex | undefined;
  /** Of a sealed segment and a dictionary-encoded column, deleted rows included; undefined where it would not pay. Valid as long as the snapshot. */
  codeRows?(segment: SegmentView, columnIndex: number): Promise<CodeRows | undefined>;
  /** Of an unsealed segment and a dictionary-encoded column, deleted rows included; undefined where it would not pay. Valid until the caller awaits. */
  newestRows?(segment: SegmentView, columnIndex: number): NewestRows | undefined;
  /** How a segment is kept now. */
  storageOf?(segment: SegmentView): SegmentStorage;
  /** Code of a text in a column's dictionary; −1 = no row has it; undefined when rows may have it without a code. */
  codeOf?(columnIndex: number, text: string): number | undefined;
  /**
   * Makes columns resident (reading files where needed; checksums are verified, failure is `corrupt`) and holds them.
   * Fails with `query_memory_exceeded` when they do not fit under memory_limit even after eviction.
   */
  pin(segment: SegmentView, columnIndexes: readonly number[], signal?: StopSignal): Promise<PinnedSegment>;
}

/** A consistent view of all tables. Writers never wait for it. Old segments stay readable until release(). */
export interface Snapshot {
  readonly sequence: bigint;
  tables(): readonly TableInfo[];
  /** Case-insensitive, case-preserving. A table of another schema than `public` is asked for as `schema.table`. */
  table(name: string): TableSnapshot | undefined;
  views(): readonly ViewDefinition[];
  view(name: string): ViewDefinition | undefined;
  /** Names of schemas that were created; `public` always exists and is not among them. */
  schemas(): readonly string[];
  release(): void;
}

export interface AppendResult {
  readonly rows: number;
  /** Commit number: later commits have larger ones. */
  readonly sequence: bigint;
}

/** One atomic append: all its batches become visible and durable together at commit(), or none does. */
export interface AppendSession {
  /**
   * Columns are matched by name (case-insensitive); lossless casts are made (int32 → int64, timestamp[s] → timestamp[ns], utf8 ⇄ symbol,
   * dictionary-encoded or not, …); missing columns become NULL; an unknown column or a lossy value is an error and nothing of the batch stays.
   * The batch's bytes are copied before the promise resolves; the caller keeps owning them.
   */
  append(batch: Batch, schema: Schema): Promise<void>;
  /** Resolves when everything is on disk (group commit). */
  commit(): Promise<AppendResult>;
  abort(): void;
}

export interface TableDeletions {
  readonly segmentId: number;
  /** Address in the main arena of a bitmap of the segment's rowCount rows: bit set = delete. Read before delete() returns its promise. */
  readonly rows: number;
}

/** One change of ALTER TABLE; names are column names, case-insensitive. */
export type TableChange =
  | { readonly kind: 'rename_table'; readonly name: string /** Absent: it stays in its schema. */; readonly schema?: string }
  | { readonly kind: 'add_column'; readonly column: Omit<ColumnDefinition, 'id'>; readonly fill: Value }
  | { readonly kind: 'drop_column'; readonly name: string }
  | { readonly kind: 'rename_column'; readonly from: string; readonly to: string }
  | {
      readonly kind: 'change_column';
      readonly name: string;
      readonly change: Partial<Pick<ColumnDefinition, 'nullable' | 'defaultSql' | 'comment'>>;
    }
  | {
      readonly kind: 'set_options';
      readonly change: Partial<Pick<TableDefinition, 'comment' | 'ttl' | 'options' | 'constraints' | 'clusterBy' | 'dedupKeys'>>;
    };

/** A stored query under a name; views share the name space of tables. */
export interface ViewDefinition {
  readonly name: string;
  readonly schema: string;
  /** The query's text; bound anew at each use. */
  readonly sql: string;
  /** Schemas that names without one are looked for in; its own, then public, when absent. */
  readonly searchPath?: readonly string[] | undefined;
  /** Names for the query's columns, in turn; empty = the query's own. */
  readonly columnNames: readonly string[];
  readonly comment: string | null;
}

/** Where statements write: the storage itself, each call a commit of its own, or a transaction. */
export interface StorageWriter {
  /** A transaction's snapshot shows its own changes too. */
  snapshot(): Snapshot;
  /** Fails with `table_exists`. */
  createTable(definition: TableDefinition): Promise<TableInfo>;
  /** Fails with `table_not_found`, `column_not_found`, `column_exists` and so on. All changes or none. */
  alterTable(name: string, changes: readonly TableChange[]): Promise<TableInfo>;
  /** Fails with `table_not_found`. */
  dropTable(name: string): Promise<void>;
  /** Removes all rows. */
  truncateTable(name: string): Promise<void>;
  createView(view: ViewDefinition, replace: boolean): Promise<void>;
  dropView(name: string): Promise<void>;
  createSchema(name: string): Promise<void>;
  /** Fails when something lies in it. */
  dropSchema(name: string): Promise<void>;
  /** In a transaction, the session's commit() makes the rows part of it; they are durable when the transaction is. */
  openAppend(table: string): AppendSession;
  /** Atomic and durable. Rows deleted meanwhile by another are not counted (in a transaction they are a `conflict` at its commit). Fails with `conflict` when a segment was replaced since the snapshot. */
  deleteRows(table: string, deletions: readonly TableDeletions[]): Promise<AppendResult>;
}

/** Snapshot isolation: it reads what was committed when it began, and its own changes. One user at a time. */
export interface StorageTransaction extends StorageWriter {
  /** Everything becomes visible and durable together. Fails with `conflict` (retryable; nothing is kept) when another has changed meanwhile what it changes. */
  commit(): Promise<AppendResult>;
  rollback(): void;
  /**
   * The commit fails with `conflict` when another has changed the table (any row or its definition) since the transaction began.
   * For what was computed from all of its rows: a unique key, a rewrite, a NOT NULL that was checked.
   */
  expectUnchanged(table: string): void;
  /** Names the present state; rollbackTo() gives up all that came after it. */
  savepoint(): number;
  rollbackTo(savepoint: number): void;
}

export interface Storage extends StorageWriter {
  /** The arena of the main data; every batch that goes in or comes out lies in it. */
  readonly arena: Arena;
  readonly readOnly: boolean;
  begin(): StorageTransaction;
  /** Seals active segments into files now, and drops what is past its TTL. */
  flush(table?: string): Promise<void>;
  /** Merges segments as far as they can be, also where it costs more than the background would pay. */
  compact(table?: string): Promise<void>;
  statistics(): StorageStatistics;
  /** Bytes of the arena that are free, cached columns that nobody holds counted as free. */
  room(): number;
  /** Lets cached columns go until so many bytes of the arena are free, as far as there are any. */
  makeRoom(sizeBytes: number): void;
  /** Reads everything that is stored and compares it with its checksums. */
  verify(): AsyncIterable<Verified>;
  close(): Promise<void>;
}

/** A segment file, or a table's records in the catalog. */
export interface Verified {
  readonly table: string;
  /** null: the records. */
  readonly file: string | null;
  readonly sizeBytes: number;
  /** What is wrong with it. */
  readonly error: DbError | null;
}

export interface StorageStatistics {
  readonly tables: number;
  readonly rows: number;
  readonly segments: number;
  readonly diskBytes: number;
  readonly arenaBytes: number;
  readonly cachedBytes: number;
  readonly commits: number;
  readonly sealedSegments: number;
  /** Of sealed segments, by level; trailing zeros are left away. */
  readonly segmentsByLevel: readonly number[];
  /** Bytes of segment files that were written since the opening: by sealing and loading, and by compaction of what was there. */
  readonly sealedBytes: number;
  readonly compactedBytes: number;
  readonly compactions: number;
  /** Tables that take no writes since a file of theirs could not be written. */
  readonly readOnlyTables: number;
  readonly durability: 'fsync' | 'group' | 'memory';
  /** Of commits that are acknowledged and not on disk yet. */
  readonly waitingBytes: number;
}

// ---- queries ---------------------------------------------------------------------------------------------------------------------

/** A parameter's value: bound as a literal of its type, or of the one that its JavaScript type says (Date → timestamp[ms], bigint → int64, …). */
export type ParameterValue = Value | Date | TypedValue;

export type Parameters = readonly ParameterValue[] | Readonly<Record<string, ParameterValue>>;

/** What lasts from one request of a client to the next: SET, prepared statements, an open transaction (given up when it closes). */
export interface QuerySession {
  readonly id: string;
  readonly inTransaction: boolean;
  close(): void;
}

export interface QueryRequest {
  readonly sql: string;
  /** Absent: the request is a session of its own. One request of a session runs at a time. */
  readonly session?: QuerySession | undefined;
  readonly parameters?: Parameters | undefined;
  readonly settings?: Partial<QuerySettings> | undefined;
  readonly principal: Principal;
  /** True at doors that only read: a statement that writes fails with `method_not_allowed`. */
  readonly readOnly?: boolean | undefined;
  readonly signal?: StopSignal | undefined;
  /** Chosen by the client, or made. Unique among running queries. */
  readonly queryId?: string | undefined;
}

export type StatementKind = 'query' | 'insert' | 'delete' | 'update' | 'ddl' | 'utility';

export interface QueryResult {
  readonly queryId: string;
  readonly kind: StatementKind;
  /** No fields for statements without a result. */
  readonly schema: Schema;
  /** Rows changed by DML; null for others. */
  readonly affectedRows: number | null;
  /**
   * Pulled by one consumer; work goes on only as it pulls (bounded look-ahead). Each batch is released by the consumer.
   * return() (leaving a for-await loop) cancels the rest. Errors of execution are thrown here.
   */
  readonly batches: AsyncIterable<OwnedBatch>;
  /** Counters so far; final after the last batch. */
  progress(): QueryProgress;
}

export interface QueryProgress {
  readonly rowsScanned: number;
  readonly rowsReturned: number;
  readonly elapsedMicroseconds: number;
}

export interface RunningQuery extends QueryProgress {
  readonly queryId: string;
  readonly sql: string;
  readonly principal: Principal;
  readonly startedAt: bigint;
  readonly state: 'queued' | 'running' | 'streaming';
}

/** What planning alone tells. */
export interface QueryDescription {
  readonly kind: StatementKind;
  readonly schema: Schema;
  /** Exact number of result rows where it is known without executing, else null. */
  readonly rowCount: number | null;
  readonly ordered: boolean;
}

/** What planning tells of a statement whose parameters have no values yet. */
export interface PreparedDescription {
  readonly kind: StatementKind;
  /** null: it depends on the parameters' values. */
  readonly schema: Schema | null;
  /** In the order of their numbers, named `$1`, …, then the named ones in the order of the text, `:name`. Text where nothing tells the type. */
  readonly parameters: readonly Field[];
}

export interface QueryService {
  openSession(principal: Principal): QuerySession;
  /** Runs all statements of the text in order; the last one's result is returned (its batches still to be pulled). */
  execute(request: QueryRequest): Promise<QueryResult>;
  /** Parses, binds and plans the last statement; executes nothing. */
  describe(request: QueryRequest): Promise<QueryDescription>;
  /** The same without the parameters' values (those of the request are not looked at), and what types they should have. */
  prepare(request: QueryRequest): Promise<PreparedDescription>;
  running(): readonly RunningQuery[];
  /** True when a query of this id was running and has been told to stop. */
  cancel(queryId: string): boolean;
  close(): Promise<void>;
}

// ---- ingest ----------------------------------------------------------------------------------------------------------------------

export interface IngestOptions {
  readonly principal: Principal;
  /** Create the table from the schema when it is absent; the first timestamp column becomes the designated one. */
  readonly create: boolean;
  readonly mode: 'append' | 'replace';
  /** False: a table that is created has no designated timestamp, so that its rows may lack one. */
  readonly designated?: boolean | undefined;
  /** Of the table, which is then asked for as `schema.table`; `public` when absent. */
  readonly schema?: string | undefined;
  /** Where it has an open transaction, the rows become part of that. */
  readonly session?: QuerySession | undefined;
  readonly signal?: StopSignal | undefined;
}

/** The one way in for rows: HTTP bodies, DoPut streams, embedded inserts and INSERT statements all come here as batches. */
export interface IngestService {
  /** An atomic session on a table, created first when asked. */
  open(table: string, schema: Schema, options: IngestOptions): Promise<AppendSession>;
}

/** All that a door needs; made by database.ts. */
export interface Engine {
  readonly version: string;
  readonly arena: Arena;
  readonly storage: Storage;
  readonly query: QueryService;
  readonly ingest: IngestService;
}
