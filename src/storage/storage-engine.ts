/** Storage: tables by name, sessions, DDL, flush, statistics. The parts that do the work are in their own files. */
import type { Arena } from '../core/arena.js';
import type {
  AppendResult,
  AppendSession,
  IngestService,
  Snapshot,
  Storage,
  StorageStatistics,
  StorageTransaction,
  TableDefinition,
  TableDeletions,
  TableInfo,
} from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { forgetWrites, TableAppendSession, truncateApplied, truncatePlanned } from './append-session.js';
import { deleteRows } from './delete-rows.js';
import { StorageIngest } from './ingest.js';
import type { Segment } from './segment.js';
import type { StorageContext } from './storage-context.js';
import { StorageSnapshot, type VisibleTable } from './storage-snapshot.js';
import { Table, type TableLimits, type Undo } from './table.js';
import { checkedDefinition } from './table-definition.js';

export interface StorageParts {
  readonly context: StorageContext;
  readonly limits: TableLimits;
  readonly readOnly: boolean;
  /** Gives the folder's lock back. */
  readonly unlock: () => void;
}

function notYet(what: string): DbError {
  return new DbError('unsupported', `the storage has no ${what} yet`);
}

export class StorageEngine implements Storage {
  readonly ingest: IngestService;
  readonly readOnly: boolean;
  private readonly parts: StorageParts;
  private readonly tables = new Map<string, Table>();
  /** As `tables`, commits under way included. */
  private readonly plannedTables: Map<string, Table>;
  private nextTableId: number;
  private visible: Map<string, VisibleTable> | null = null;
  private isClosed = false;
  private sealTimer: NodeJS.Timeout | undefined;

  constructor(parts: StorageParts, tables: readonly Table[], nextTableId: number) {
    this.parts = parts;
    this.readOnly = parts.readOnly;
    this.nextTableId = nextTableId;
    for (const table of tables) this.tables.set(table.info.definition.name.toLowerCase(), table);
    this.plannedTables = new Map(this.tables);
    this.ingest = new StorageIngest(this);
    this.watchAge();
  }

  get arena(): Arena {
    return this.parts.context.memory.arena;
  }

  snapshot(): Snapshot {
    if (this.isClosed) throw new DbError('closed', 'the database is closed');
    this.visible ??= new Map([...this.tables].map(([name, table]) => [name, { table, version: table.currentVersion() }]));
    return new StorageSnapshot(this.parts.context, this.visible);
  }

  tableChanged(): void {
    this.visible = null;
  }

  hasTable(name: string): boolean {
    return this.tables.has(name.toLowerCase());
  }

  async createTable(given: TableDefinition): Promise<TableInfo> {
    const { context, limits } = this.parts;
    context.assertWritable();
    const definition = checkedDefinition(given);
    const key = definition.name.toLowerCase();
    let table: Table;
    return context.queue.submit({
      plan: (_sequence, writes) => {
        context.assertWritable();
        if (this.plannedTables.has(key)) throw new DbError('table_exists', `table "${definition.name}" exists`);
        table = new Table(
          context.memory,
          context.catalog,
          { id: this.nextTableId, definition, plainColumns: [], nextSegmentId: 1 },
          limits,
        );
        this.nextTableId += 1;
        this.plannedTables.set(key, table);
        if (!context.catalog.persistent) return;
        writes.push({ store: 'table', key: [table.info.id], value: table.record });
        writes.push({ store: 'meta', key: 'nextTableId', value: this.nextTableId });
      },
      apply: () => {
        this.tables.set(key, table);
        this.tableChanged();
        return table.info;
      },
    });
  }

  begin(): StorageTransaction {
    throw notYet('transactions');
  }

  alterTable(): Promise<TableInfo> {
    return Promise.reject(notYet('ALTER TABLE'));
  }

  createView(): Promise<void> {
    return Promise.reject(notYet('views'));
  }

  dropView(): Promise<void> {
    return Promise.reject(notYet('views'));
  }

  createSchema(): Promise<void> {
    return Promise.reject(notYet('schemas'));
  }

  dropSchema(): Promise<void> {
    return Promise.reject(notYet('schemas'));
  }

  async dropTable(name: string): Promise<void> {
    const { context } = this.parts;
    const doomed: Segment[] = [];
    let table: Table;
    await context.queue.submit({
      plan: (_sequence, writes) => {
        context.assertWritable();
        table = this.tableOf(name, this.plannedTables);
        const { persistent } = context.catalog;
        const own: Parameters<typeof truncatePlanned>[4] = [];
        truncatePlanned(table, persistent, [], doomed, own);
        forgetWrites(table, writes);
        writes.push(...own);
        for (const store of ['table', 'dictionary'] as const) if (persistent) writes.push({ store, removeAllOf: [table.info.id] });
        table.dropped = true;
        this.plannedTables.delete(name.toLowerCase());
      },
      apply: () => {
        if (this.tables.get(name.toLowerCase()) === table) this.tables.delete(name.toLowerCase());
        truncateApplied(context, table, doomed);
        for (const column of table.columns) column.dictionary?.retire();
      },
    });
  }

  async truncateTable(name: string): Promise<void> {
    const { context } = this.parts;
    const doomed: Segment[] = [];
    let table: Table;
    await context.queue.submit({
      plan: (_sequence, writes) => {
        context.assertWritable();
        table = this.tableOf(name, this.plannedTables);
        const own: Parameters<typeof truncatePlanned>[4] = [];
        truncatePlanned(table, context.catalog.persistent, [], doomed, own);
        forgetWrites(table, writes);
        writes.push(...own);
        context.changedTables.add(table);
      },
      apply: () => truncateApplied(context, table, doomed),
    });
  }

  openAppend(name: string): AppendSession {
    return this.openSession(name, false);
  }

  /** replace: the commit removes all rows that are there first. */
  openSession(name: string, replace: boolean): AppendSession {
    this.parts.context.assertWritable();
    return new TableAppendSession(this.parts.context, this.tableOf(name), replace);
  }

  deleteRows(name: string, deletions: readonly TableDeletions[]): Promise<AppendResult> {
    this.parts.context.assertWritable();
    return deleteRows(this.parts.context, this.tableOf(name), deletions);
  }

  async flush(name?: string): Promise<void> {
    const tables = name === undefined ? [...this.tables.values()] : [this.tableOf(name)];
    await this.closeActive(tables);
    this.parts.context.sealer.retry();
    await this.parts.context.sealer.drain();
    this.parts.context.assertWritable();
  }

  statistics(): StorageStatistics {
    const { context } = this.parts;
    const versions = [...this.tables.values()].map((table) => table.currentVersion());
    const segments = versions.flatMap((version) => version.segments);
    const fileBytes =
      context.segmentsFolder === null ? 0 : segments.reduce((sum, { segment }) => sum + (segment.record?.sizeBytes ?? 0), 0);
    return {
      tables: versions.length,
      rows: versions.reduce((sum, version) => sum + version.rowCount, 0),
      segments: segments.length,
      diskBytes: fileBytes + context.catalog.sizeBytes(),
      arenaBytes: context.memory.arena.usedBytes,
      cachedBytes: context.cache.bytes,
      commits: context.queue.commits,
      sealedSegments: segments.filter(({ segment }) => segment.state === 'sealed').length,
    };
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.sealTimer);
    const { context, unlock } = this.parts;
    await context.sealer.stop();
    await context.queue.drain();
    context.refuseWrites(new DbError('closed', 'the database is closed'));
    await context.catalog.close();
    unlock();
  }

  private tableOf(name: string, tables: ReadonlyMap<string, Table> = this.tables): Table {
    const table = tables.get(name.toLowerCase());
    if (table === undefined) throw new DbError('table_not_found', `table "${name}" does not exist`);
    return table;
  }

  private async closeActive(tables: readonly Table[]): Promise<void> {
    const { context } = this.parts;
    context.assertWritable();
    const closed: [Table, Segment][] = [];
    await context.queue.submit({
      plan: () => {
        for (const table of tables) {
          const segments: Segment[] = [];
          const undo: Undo = [];
          table.closeActive(undo, segments);
          for (const segment of segments) closed.push([table, segment]);
        }
      },
      apply: () => {
        for (const [table, segment] of closed) context.sealer.enqueue(table, segment);
      },
    });
  }

  /** Seals active segments that have become old. */
  private watchAge(): void {
    const { settings, environment } = this.parts.context;
    const ageMs = settings.seal_after_ms;
    if (ageMs === 0 || this.readOnly) return;
    const look = async () => {
      const now = environment.monotonicMicroseconds();
      const isOld = (table: Table) => table.active !== null && now - table.active.createdMicroseconds >= ageMs * 1000;
      const old = [...this.tables.values()].filter(isOld);
      if (old.length > 0 && !this.isClosed) await this.closeActive(old);
    };
    const schedule = () => {
      this.sealTimer = setTimeout(
        () => {
          look().then(schedule, schedule);
        },
        Math.min(ageMs, 60_000),
      );
      this.sealTimer.unref();
    };
    schedule();
  }
}
