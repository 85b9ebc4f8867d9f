/** The embedded API: the engine inside the caller's own process. */
import { type ApacheTable, fromApacheTable, isApacheTable } from '../arrow/to-apache.js';
import type { AppendSession, ParameterValue, QueryRequest, QuerySession } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { MemoryScope } from '../core/memory-scope.js';
import { EMBEDDED } from '../core/principal.js';
import type { QuerySettings, SettingName } from '../core/settings.js';
import { SETTINGS, settingsWith } from '../core/settings.js';
import type { Schema } from '../core/types.js';
import { type OpenEngine, openDatabase } from '../database.js';
import { batchFromColumns, type ColumnInput, columnsOfRows, type RowInput } from './column-input.js';
import { Result, type ResultOptions } from './result.js';

export interface OpenOptions extends Partial<Record<Exclude<SettingName, 'path'>, string | number | boolean>> {
  /** Folder of the database; left out: everything is in memory and nothing is kept. */
  readonly path?: string;
}

export interface QueryOptions extends ResultOptions {
  readonly signal?: AbortSignal;
  readonly settings?: Partial<QuerySettings>;
}

export interface InsertOptions {
  /** Create the table from the data when it is absent (default false). */
  readonly create?: boolean;
  readonly signal?: AbortSignal;
}

/** The database as one transaction sees and changes it; only valid while the work of Database.transaction() runs. */
export interface Transaction {
  exec(sql: string, parameters?: QueryParameters, options?: QueryOptions): Promise<{ affectedRows: number }>;
  query(sql: string, parameters?: QueryParameters, options?: QueryOptions): Promise<Result>;
  /** The table must exist. */
  insert(table: string, data: InsertData, options?: InsertOptions): Promise<{ rows: number }>;
}

/** Columns by name, rows, or an Arrow table. */
export type InsertPart = Readonly<Record<string, ColumnInput>> | readonly RowInput[] | ApacheTable;

/** One part, or an async iterable of parts; all rows of one insert become visible together. */
export type InsertData = InsertPart | AsyncIterable<InsertPart>;

export interface ListenOptions {
  /** Port; 0 picks a free one; left out or false: not served. */
  readonly http?: number | false;
  readonly flight?: number | false;
  readonly host?: string;
}

export interface ListeningServer {
  readonly httpPort: number | null;
  readonly flightPort: number | null;
  close(): Promise<void>;
}

export type QueryParameters = readonly ParameterValue[] | Readonly<Record<string, ParameterValue>>;

/** Opens a database. Fails with DbError codes `locked`, `corrupt`, `invalid_argument`, `io_error`. */
export async function open(options: OpenOptions = {}): Promise<Database> {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(SETTINGS, name))
      throw new DbError('invalid_argument', `open has no option ${name}`, { hint: 'options are those of docs/cli.md' });
  }
  return new Database(await openDatabase(settingsWith({ ...options, path: options.path ?? ':memory:' })));
}

export class Database {
  private readonly engine: OpenEngine;
  private readonly servers = new Set<ListeningServer>();
  private closing: Promise<void> | undefined;

  /** Use open(). */
  constructor(engine: OpenEngine) {
    this.engine = engine;
  }

  /** Runs statements without looking at a result; gives the rows that the last one changed (0 for DDL). */
  async exec(sql: string, parameters?: QueryParameters, options: QueryOptions = {}): Promise<{ affectedRows: number }> {
    return this.execIn(undefined, sql, parameters, options);
  }

  private async execIn(session: QuerySession | undefined, sql: string, parameters: QueryParameters | undefined, options: QueryOptions) {
    const result = await this.engine.query.execute(this.request(sql, parameters, options, session));
    for await (const batch of result.batches) batch.release();
    return { affectedRows: result.affectedRows ?? 0 };
  }

  /** Runs a statement; the result streams as it is read. Give up early by leaving the loop or through the signal. */
  async query(sql: string, parameters?: QueryParameters, options: QueryOptions = {}): Promise<Result> {
    return this.queryIn(undefined, sql, parameters, options);
  }

  private async queryIn(session: QuerySession | undefined, sql: string, parameters: QueryParameters | undefined, options: QueryOptions) {
    return new Result(await this.engine.query.execute(this.request(sql, parameters, options, session)), this.engine.arena, options);
  }

  /**
   * Runs the work in one transaction: what `tx` writes is committed when the work resolves, and undone when it throws. Others see nothing of it
   * before. Fails with `conflict` (retryable) when another has changed meanwhile what it changes.
   */
  async transaction<Value>(work: (tx: Transaction) => Promise<Value>): Promise<Value> {
    const session = this.engine.query.openSession(EMBEDDED);
    try {
      await this.execIn(session, 'BEGIN', undefined, {});
      const value = await work({
        exec: (sql, parameters, options = {}) => this.execIn(session, sql, parameters, options),
        query: (sql, parameters, options = {}) => this.queryIn(session, sql, parameters, options),
        insert: (table, data, options = {}) => this.insertIn(session, table, data, options),
      });
      await this.execIn(session, 'COMMIT', undefined, {});
      return value;
    } finally {
      // What was not committed is given up.
      session.close();
    }
  }

  /** Appends rows; durable and visible together when it resolves. int64 goes in as bigint or whole number, timestamps as Date, ISO text or bigint of the column's unit. */
  async insert(table: string, data: InsertData, options: InsertOptions = {}): Promise<{ rows: number }> {
    return this.insertIn(undefined, table, data, options);
  }

  private async insertIn(
    into: QuerySession | undefined,
    table: string,
    data: InsertData,
    options: InsertOptions,
  ): Promise<{ rows: number }> {
    const isNew = options.create === true && this.tableSchema(table) === undefined;
    const abort = new AbortController();
    const follow = () => abort.abort(options.signal?.reason);
    options.signal?.addEventListener('abort', follow, { once: true });
    if (options.signal?.aborted) follow();
    let session: AppendSession | undefined;
    try {
      for await (const part of untilAborted(partsOf(data), abort.signal)) {
        session = await this.append(session, into, table, part, { ...options, signal: abort.signal });
      }
      if (!session) return { rows: 0 };
      abort.signal.throwIfAborted();
      const { rows } = await session.commit();
      return { rows };
    } catch (error) {
      session?.abort();
      if (isNew) await this.dropEmpty(table);
      if (error === abort.signal.reason) throw new DbError('cancelled', 'the insert was cancelled', { cause: error });
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', follow);
    }
  }

  /**
   * Serves this database to other processes until it or the returned server is closed. Fails with `io_error` (port taken) or
   * `invalid_argument` (address that others reach, and opened without `insecure`); then nothing listens.
   */
  async listen(options: ListenOptions): Promise<ListeningServer> {
    if (this.closing) throw new DbError('closed', 'the database is closed');
    const { openDoors } = await import('../server.js');
    const wantsFlight = typeof options.flight === 'number';
    const settings = { ...this.engine.settings, host: options.host ?? this.engine.settings.host, flight: wantsFlight };
    const http = typeof options.http === 'number' ? options.http : null;
    const doors = await openDoors(this.engine, settings, { http, flight: wantsFlight ? (options.flight as number) : null });
    if (this.closing) {
      await doors.close(0);
      throw new DbError('closed', 'the database was closed meanwhile');
    }
    let closing: Promise<void> | undefined;
    const server: ListeningServer = {
      httpPort: doors.httpPort,
      flightPort: doors.flightPort,
      close: () => {
        this.servers.delete(server);
        closing ??= doors.close();
        return closing;
      },
    };
    this.servers.add(server);
    return server;
  }

  /** Ends servers and running queries and closes the files; a second call waits for the first. A forgotten close loses nothing acknowledged. */
  async close(): Promise<void> {
    this.closing ??= this.closeAll();
    await this.closing;
  }

  private async closeAll(): Promise<void> {
    await Promise.all([...this.servers].map((server) => server.close()));
    await this.engine.close();
  }

  private request(
    sql: string,
    parameters: QueryParameters | undefined,
    options: QueryOptions,
    session: QuerySession | undefined,
  ): QueryRequest {
    return { sql, session, parameters, settings: options.settings, principal: EMBEDDED, signal: options.signal };
  }

  /** Takes back the table that a failed insert had created, unless another has put rows into it. */
  private async dropEmpty(table: string): Promise<void> {
    const snapshot = this.engine.storage.snapshot();
    const rows = snapshot.table(table)?.rowCount;
    snapshot.release();
    if (rows === 0) await this.engine.storage.dropTable(table);
  }

  private async append(
    session: AppendSession | undefined,
    into: QuerySession | undefined,
    table: string,
    part: InsertPart,
    options: InsertOptions,
  ): Promise<AppendSession> {
    options.signal?.throwIfAborted();
    const scope = new MemoryScope(this.engine.arena);
    try {
      const { batches, schema } = this.toBatches(scope, table, part);
      const opened =
        session ??
        (await this.engine.ingest.open(table, schema, {
          principal: EMBEDDED,
          create: options.create ?? false,
          mode: 'append',
          session: into,
          signal: options.signal,
        }));
      for (const batch of batches) await opened.append(batch, schema);
      return opened;
    } finally {
      scope.release();
    }
  }

  private toBatches(scope: MemoryScope, table: string, part: InsertPart) {
    if (isApacheTable(part)) return fromApacheTable(part, scope);
    let columns: Readonly<Record<string, ColumnInput>>;
    if (Array.isArray(part)) columns = columnsOfRows(part as readonly RowInput[]);
    else {
      assertColumns(part);
      columns = part;
    }
    const { batch, schema } = batchFromColumns(scope, columns, this.tableSchema(table));
    return { batches: [batch], schema };
  }

  private tableSchema(table: string): Schema | undefined {
    const snapshot = this.engine.storage.snapshot();
    try {
      const found = snapshot.table(table);
      return found ? { fields: found.table.definition.columns } : undefined;
    } finally {
      snapshot.release();
    }
  }
}

async function* partsOf(data: InsertData): AsyncGenerator<InsertPart> {
  if (data === null || typeof data !== 'object') throw notInsertable();
  if (Symbol.asyncIterator in data && !isApacheTable(data)) yield* data as AsyncIterable<InsertPart>;
  else yield data as InsertPart;
}

function notInsertable(hint?: string): DbError {
  return new DbError('invalid_argument', 'insert takes columns, rows, an Arrow table or an async iterable of them', { hint });
}

function assertColumns(part: unknown): asserts part is Readonly<Record<string, ColumnInput>> {
  if (part === null || typeof part !== 'object' || ArrayBuffer.isView(part) || Symbol.iterator in part) {
    const isTable = part !== null && typeof part === 'object' && 'schema' in part && 'batches' in part;
    throw notInsertable(isTable ? 'the Arrow table is of another copy of apache-arrow: install the version that fletchdb uses' : undefined);
  }
}

/** The parts, until the signal is aborted; then it throws, also when the source never answers. */
async function* untilAborted<Part>(parts: AsyncGenerator<Part>, signal: AbortSignal): AsyncGenerator<Part> {
  signal.throwIfAborted();
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  // Nobody may be waiting when it rejects.
  aborted.catch(() => undefined);
  let isDone = false;
  try {
    while (!isDone) {
      const next = await Promise.race([parts.next(), aborted]);
      isDone = next.done === true;
      if (next.done !== true) yield next.value;
    }
  } finally {
    // A source that hangs would hold return() too, so it is not awaited then.
    const closed = isDone ? undefined : parts.return(undefined);
    if (!signal.aborted) await closed;
    else closed?.catch(() => undefined);
  }
}
