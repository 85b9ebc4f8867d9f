/** The embedded API: the engine inside the caller's own process. */
import { type ApacheTable, fromApacheTable, isApacheTable } from '../arrow/to-apache.js';
import type { AppendSession, ParameterValue, QueryRequest } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { MemoryScope } from '../core/memory-scope.js';
import { EMBEDDED } from '../core/principal.js';
import type { QuerySettings, SettingName } from '../core/settings.js';
import { settingsWith } from '../core/settings.js';
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
  return new Database(await openDatabase(settingsWith({ ...options, path: options.path ?? ':memory:' })));
}

export class Database {
  private readonly engine: OpenEngine;
  private readonly servers = new Set<ListeningServer>();

  /** Use open(). */
  constructor(engine: OpenEngine) {
    this.engine = engine;
  }

  /** Runs statements without looking at a result; gives the rows that the last one changed (0 for DDL). */
  async exec(sql: string, parameters?: QueryParameters, options: QueryOptions = {}): Promise<{ affectedRows: number }> {
    const result = await this.engine.query.execute(this.request(sql, parameters, options));
    for await (const batch of result.batches) batch.release();
    return { affectedRows: result.affectedRows ?? 0 };
  }

  /** Runs a statement; the result streams as it is read. Give up early by leaving the loop or through the signal. */
  async query(sql: string, parameters?: QueryParameters, options: QueryOptions = {}): Promise<Result> {
    return new Result(await this.engine.query.execute(this.request(sql, parameters, options)), this.engine.arena, options);
  }

  /** Appends rows; durable and visible together when it resolves. int64 goes in as bigint or whole number, timestamps as Date, ISO text or bigint of the column's unit. */
  async insert(table: string, data: InsertData, options: InsertOptions = {}): Promise<{ rows: number }> {
    let session: AppendSession | undefined;
    try {
      for await (const part of partsOf(data)) session = await this.append(session, table, part, options);
      if (!session) return { rows: 0 };
      options.signal?.throwIfAborted();
      const { rows } = await session.commit();
      return { rows };
    } catch (error) {
      session?.abort();
      throw error;
    }
  }

  /** Serves this database to other processes until it or the returned server is closed. */
  async listen(options: ListenOptions): Promise<ListeningServer> {
    const { startFlightOrStub } = await import('../server.js');
    const { startHttp } = await import('../http/server.js');
    const settings = { ...this.engine.settings, host: options.host ?? this.engine.settings.host };
    const http =
      typeof options.http === 'number' ? await startHttp(this.engine, { host: settings.host, port: options.http, settings }) : undefined;
    const flight = typeof options.flight === 'number' ? await startFlightOrStub(this.engine, settings, options.flight) : undefined;
    const server: ListeningServer = {
      httpPort: http?.port ?? null,
      flightPort: flight?.port ?? null,
      close: async () => {
        this.servers.delete(server);
        await Promise.all([http?.close(), flight?.close()]);
      },
    };
    this.servers.add(server);
    return server;
  }

  /** Ends servers and running queries and closes the files. A forgotten close loses nothing acknowledged. */
  async close(): Promise<void> {
    await Promise.all([...this.servers].map((server) => server.close()));
    await this.engine.close();
  }

  private request(sql: string, parameters: QueryParameters | undefined, options: QueryOptions): QueryRequest {
    return { sql, parameters, settings: options.settings, principal: EMBEDDED, signal: options.signal };
  }

  private async append(
    session: AppendSession | undefined,
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
    const columns = Array.isArray(part) ? columnsOfRows(part as readonly RowInput[]) : (part as Readonly<Record<string, ColumnInput>>);
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
  if (data === null || typeof data !== 'object')
    throw new DbError('invalid_argument', 'insert takes columns, rows, an Arrow table or an async iterable of them');
  if (Symbol.asyncIterator in data && !isApacheTable(data)) yield* data as AsyncIterable<InsertPart>;
  else yield data as InsertPart;
}
