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
  TableChange,
  TableDefinition,
  TableDeletions,
  TableInfo,
  Verified,
  ViewDefinition,
} from '../core/contracts.js';
import { asDbError, DbError } from '../core/errors.js';
import type { Follower } from './follower.js';
import { StorageIngest } from './ingest.js';
import { Compactor } from './segments/compactor.js';
import { Retention } from './segments/retention.js';
import type { StorageContext } from './storage-context.js';
import { StorageSnapshot, type Visible } from './storage-snapshot.js';
import { type Names, namesIn } from './tables/names.js';
import type { Segment } from './tables/segment.js';
import { Table, type TableLimits, type Undo } from './tables/table.js';
import { verifyTables } from './verify.js';
import { openTableAppend } from './writes/append-session.js';
import { deleteRows } from './writes/delete-rows.js';
import { Transaction, type TransactionHost } from './writes/transaction.js';

export interface StorageParts {
  readonly context: StorageContext;
  readonly limits: TableLimits;
  /** Of a read-only opening of a folder; null: nobody else writes what is read here. */
  readonly follower: Follower | null;
  /** Resolves when nothing is done in the background any more. */
  readonly close: () => Promise<void>;
  /** Gives the folder's lock back. */
  readonly unlock: () => void;
}

/** How often a change of its own is made again when others were faster. */
const ATTEMPTS = 50;

export class StorageEngine implements Storage {
  readonly ingest: IngestService;
  readonly readOnly: boolean;
  private readonly parts: StorageParts;
  private readonly host: TransactionHost;
  private readonly retention: Retention;
  private readonly compactor: Compactor;
  private names: Names;
  private visible: Visible | null = null;
  /** Changes of definitions run one after the other. */
  private lastAlone: Promise<unknown> = Promise.resolve();
  private isClosed = false;
  private sealTimer: NodeJS.Timeout | undefined;

  constructor(parts: StorageParts, tables: readonly Table[], nextTableId: number) {
    this.parts = parts;
    this.readOnly = parts.context.settings.read_only;
    const { catalog } = parts.context;
    this.names = namesIn(catalog, tables);
    this.host = this.makeHost(nextTableId);
    this.ingest = new StorageIngest(this);
    this.retention = new Retention(parts.context, () => this.names.tables.values());
    if (!this.readOnly) this.retention.start();
    this.compactor = new Compactor(parts.context, parts.limits, () => this.names.tables.values());
    if (!this.readOnly) this.compactor.notice();
    this.watchAge();
  }

  get arena(): Arena {
    return this.parts.context.memory.arena;
  }

  snapshot(): Snapshot {
    this.assertOpen();
    return this.ofLatest((context) => new StorageSnapshot(context, this.visibleNow(), context.queue.sequence, context.memory.epochs));
  }

  begin(): StorageTransaction {
    this.assertOpen();
    return this.ofLatest((context) => new Transaction(this.parts.follower ? { ...this.host, context } : this.host));
  }

  tableChanged(): void {
    this.visible = null;
    this.retention.notice();
    this.compactor.notice();
  }

  hasTable(name: string): boolean {
    return this.names.tables.has(name.toLowerCase());
  }

  createTable(definition: TableDefinition): Promise<TableInfo> {
    return this.alone((transaction) => transaction.createTable(definition));
  }

  alterTable(name: string, changes: readonly TableChange[]): Promise<TableInfo> {
    return this.alone((transaction) => transaction.alterTable(name, changes));
  }

  dropTable(name: string): Promise<void> {
    return this.alone((transaction) => transaction.dropTable(name));
  }

  truncateTable(name: string): Promise<void> {
    return this.alone((transaction) => transaction.truncateTable(name));
  }

  createView(view: ViewDefinition, replace: boolean): Promise<void> {
    return this.alone((transaction) => transaction.createView(view, replace));
  }

  dropView(name: string): Promise<void> {
    return this.alone((transaction) => transaction.dropView(name));
  }

  createSchema(name: string): Promise<void> {
    return this.alone((transaction) => transaction.createSchema(name));
  }

  dropSchema(name: string): Promise<void> {
    return this.alone((transaction) => transaction.dropSchema(name));
  }

  openAppend(name: string): AppendSession {
    return this.openSession(name, false);
  }

  /** replace: the commit removes all rows that are there first. */
  openSession(name: string, replace: boolean): AppendSession {
    this.parts.context.assertWritable();
    return openTableAppend(this.parts.context, this.tableOf(name), replace);
  }

  deleteRows(name: string, deletions: readonly TableDeletions[]): Promise<AppendResult> {
    this.parts.context.assertWritable();
    return deleteRows(this.parts.context, this.tableOf(name), deletions);
  }

  async flush(name?: string): Promise<void> {
    const tables = name === undefined ? [...this.names.tables.values()] : [this.tableOf(name)];
    await this.closeActive(tables);
    this.parts.context.sealer.retry();
    await this.parts.context.sealer.drain();
    await this.retention.expire();
    await this.parts.context.writer.flush();
    this.assertWritable(tables);
  }

  async compact(name?: string): Promise<void> {
    this.parts.context.assertWritable();
    const tables = name === undefined ? [...this.names.tables.values()] : [this.tableOf(name)];
    await this.compactor.compact(tables);
    this.assertWritable(tables);
  }

  room(): number {
    const { memory, cache } = this.parts.context;
    return memory.arena.limitBytes - memory.arena.usedBytes + cache.evictableBytes();
  }

  makeRoom(sizeBytes: number): void {
    const { memory } = this.parts.context;
    const missing = sizeBytes - (memory.arena.limitBytes - memory.arena.usedBytes);
    if (missing > 0) memory.evict(missing);
  }

  statistics(): StorageStatistics {
    return this.ofLatest((context) => this.statisticsOf(context));
  }

  private statisticsOf(context: StorageContext): StorageStatistics {
    const versions = [...this.names.tables.values()].map((table) => table.currentVersion());
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
      segmentsByLevel: countByLevel(segments.map(({ segment }) => segment)),
      ...context.written,
      readOnlyTables: [...this.names.tables.values()].filter(({ refusal }) => refusal !== null).length,
      durability: context.settings.durability,
      waitingBytes: context.writer.waitingBytes,
    };
  }

  async *verify(): AsyncIterable<Verified> {
    this.assertOpen();
    const { epochs } = this.parts.context.memory;
    const { context, holder } = this.ofLatest((latest) => ({ context: latest, holder: epochs.enter() }));
    try {
      yield* verifyTables(context, this.names.tables.values());
    } finally {
      epochs.leave(holder);
    }
  }

  /** Fails when acknowledged commits could not be brought to the disk; all else is closed then. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    const { context, unlock } = this.parts;
    await this.stop();
    const failure = await context.writer.flush().catch((error: unknown) => asDbError(error));
    context.writer.stop();
    context.refuseWrites(new DbError('closed', 'the database is closed'));
    for (const load of context.loads) await load.discard();
    await this.parts.close();
    await context.catalog.close();
    unlock();
    if (failure !== undefined) throw failure;
  }

  /** Ends all that goes on by itself. */
  async stop(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.sealTimer);
    const { context } = this.parts;
    await this.retention.stop();
    await this.compactor.stop();
    await context.sealer.stop();
    await context.queue.drain();
  }

  private makeHost(firstTableId: number): TransactionHost {
    const { context, limits } = this.parts;
    return {
      context,
      plannedNames: this.names,
      nextTableId: firstTableId,
      names: () => this.names,
      visible: () => this.visibleNow(),
      showNames: (names) => {
        this.names = names;
      },
      makeTable(definition) {
        const id = this.nextTableId++;
        return new Table(context.memory, context.catalog, { id, definition, plainColumns: [], nextSegmentId: 1 }, limits);
      },
    };
  }

  private visibleNow(): Visible {
    const { tables, views, schemas } = this.names;
    this.visible ??= { tables: new Map([...tables].map(([key, table]) => [key, table.currentVersion()])), views, schemas };
    return this.visible;
  }

  /** A transaction of one change. It is made again when another was faster: only what is so then may refuse it. */
  private alone<Result>(change: (transaction: StorageTransaction) => Promise<Result>): Promise<Result> {
    const attempt = async (left: number): Promise<Result> => {
      const transaction = this.begin();
      try {
        const result = await change(transaction);
        await transaction.commit();
        return result;
      } catch (error) {
        transaction.rollback();
        if (left > 0 && error instanceof DbError && error.code === 'conflict') return attempt(left - 1);
        throw error;
      }
    };
    const done = this.lastAlone.then(() => attempt(ATTEMPTS));
    this.lastAlone = done.catch(() => undefined);
    return done;
  }

  /** Opens what reads as of the last commit, also of another process. */
  private ofLatest<Opened>(open: (context: StorageContext) => Opened): Opened {
    const { follower } = this.parts;
    if (follower === null) return open(this.parts.context);
    const context = follower.latest((names) => {
      this.names = names;
      this.visible = null;
    });
    const opened = open(context);
    follower.releaseWhenIdle();
    return opened;
  }

  private assertWritable(tables: readonly Table[]): void {
    this.parts.context.assertWritable();
    for (const table of tables) table.assertWritable();
  }

  private assertOpen(): void {
    if (this.isClosed) throw new DbError('closed', 'the database is closed');
  }

  private tableOf(name: string): Table {
    const table = this.names.tables.get(name.toLowerCase());
    if (table === undefined) throw new DbError('table_not_found', `table "${name}" does not exist`);
    return table;
  }

  private async closeActive(tables: readonly Table[]): Promise<void> {
    const { context } = this.parts;
    context.assertWritable();
    const closed: [Table, Segment][] = [];
    await context.queue.submit({
      mayWait: true,
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
      const old = [...this.names.tables.values()].filter(isOld);
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

function countByLevel(segments: readonly Segment[]): number[] {
  const counts: number[] = [];
  for (const { record } of segments) {
    if (record === null) continue;
    const level = record.level ?? 0;
    while (counts.length <= level) counts.push(0);
    counts[level] = (counts[level] ?? 0) + 1;
  }
  return counts;
}
