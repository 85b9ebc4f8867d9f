/**
 * An engine without storage and query. Appended batches are kept in the arena as they were decoded; `SELECT * FROM t` streams them, and a few
 * other texts do what their names say.
 */
import { copyIntoArena } from '../../src/arrow/arena-copy.js';
import { messageParts } from '../../src/arrow/ipc-batch.js';
import { IpcDecoder } from '../../src/arrow/ipc-decoder.js';
import { StreamEncoder } from '../../src/arrow/stream-encoder.js';
import { Arena } from '../../src/core/arena.js';
import { type Batch, flatVector, type OwnedBatch } from '../../src/core/batch.js';
import type {
  AppendSession,
  Engine,
  IngestOptions,
  QueryRequest,
  QueryResult,
  Snapshot,
  Storage,
  TableInfo,
} from '../../src/core/contracts.js';
import { DbError } from '../../src/core/errors.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import { FLOAT64, INT64, type Schema, TIMESTAMP_NS } from '../../src/core/types.js';

interface FakeTable {
  readonly info: TableInfo;
  readonly schema: Schema;
  batches: Batch[];
}

export interface Commit {
  readonly table: string;
  readonly rows: number;
  readonly batches: number;
}

export class FakeEngine {
  readonly arena: Arena;
  readonly kept: MemoryScope;
  readonly tables = new Map<string, FakeTable>();
  readonly requests: QueryRequest[] = [];
  readonly commits: Commit[] = [];
  readonly cancelled: string[] = [];
  readonly flushed: (string | undefined)[] = [];
  /** Batches given out and not released. */
  liveBatches = 0;
  abortedQueries = 0;
  abortedSessions = 0;
  /** Called by a query that has CLOSE in it. */
  onClose: () => void = () => undefined;
  /** Milliseconds that a commit takes. */
  commitMs = 1;
  private sequence = 0n;

  constructor(limitBytes = 1 << 30) {
    this.arena = Arena.create(3, limitBytes);
    this.kept = new MemoryScope(this.arena);
  }

  get engine(): Engine {
    return {
      version: '0.0.0-test',
      arena: this.arena,
      storage: this.storage(),
      query: {
        openSession: () => ({ id: 'one', inTransaction: false, close: () => undefined }),
        execute: (request) => this.execute(request),
        describe: async (request) => {
          const table = this.tableOf(request.sql);
          return {
            kind: request.sql.startsWith('INSERT') ? 'insert' : 'query',
            schema: table.schema,
            rowCount: rowsOf(table),
            ordered: false,
          };
        },
        prepare: async () => ({ kind: 'query', schema: null, parameters: [] }),
        running: () => [],
        cancel: (queryId) => {
          this.cancelled.push(queryId);
          return queryId === 'known';
        },
        close: async () => undefined,
      },
      ingest: { open: async (table, schema, options) => this.open(table, schema, options) },
    };
  }

  /** A table of numbers, in batches of `rows` rows over the same memory. */
  addNumbers(name: string, batches: number, rows: number): void {
    const column = (fill: (row: number, address: number) => void) => {
      const address = this.kept.allocate(rows * 8);
      for (let row = 0; row < rows; row++) fill(row, address);
      return address;
    };
    const { arena } = this;
    const ts = column((row, at) => (arena.i64[at / 8 + row] = BigInt(row) * 1_000_000n));
    const price = column((row, at) => (arena.f64[at / 8 + row] = row / 7));
    const size = column((row, at) => (arena.i64[at / 8 + row] = BigInt(row)));
    const venue = column((row, at) => (arena.i64[at / 8 + row] = BigInt(row % 5)));
    const fields = [
      { name: 'ts', type: TIMESTAMP_NS, nullable: true },
      { name: 'price', type: FLOAT64, nullable: true },
      { name: 'size', type: INT64, nullable: true },
      { name: 'venue', type: INT64, nullable: true },
    ];
    const columns = [
      flatVector(TIMESTAMP_NS, rows, ts),
      flatVector(FLOAT64, rows, price),
      flatVector(INT64, rows, size),
      flatVector(INT64, rows, venue),
    ];
    const table = this.addTable(name, { fields });
    table.batches = Array.from({ length: batches }, () => ({ arena: arena.id, rowCount: rows, columns }));
  }

  addTable(name: string, schema: Schema): FakeTable {
    const definition = {
      name,
      columns: schema.fields.map((field, id) => ({ ...field, id, defaultSql: null, comment: null })),
      timestampColumn: null,
      partitionBy: 'none' as const,
      clusterBy: [],
      dedupKeys: [],
      ttl: null,
      options: {},
    };
    const table: FakeTable = { info: { id: this.tables.size + 1, definition }, schema, batches: [] };
    this.tables.set(name, table);
    return table;
  }

  private tableOf(sql: string): FakeTable {
    const name = /FROM "?([^"\s]+)"?/.exec(sql)?.[1] ?? '';
    const table = this.tables.get(name);
    if (!table) throw new DbError('table_not_found', `no table ${name} – naïve`, { position: 14, hint: 'did you mean trades?' });
    return table;
  }

  private async execute(request: QueryRequest): Promise<QueryResult> {
    this.requests.push(request);
    if (request.sql.includes('CLOSE')) this.onClose();
    if (request.readOnly && /^(INSERT|DROP|CREATE)/.test(request.sql)) throw new DbError('method_not_allowed', 'this door only reads');
    const schema = /^(DROP|CREATE)/.test(request.sql) ? { fields: [] } : this.tableOf(request.sql).schema;
    if (request.sql.startsWith('DROP')) this.tables.delete(/"([^"]+)"/.exec(request.sql)?.[1] ?? '');
    return {
      queryId: 'q',
      kind: 'query',
      schema,
      affectedRows: null,
      batches: schema.fields.length === 0 ? none() : this.stream(request),
      progress: () => ({ rowsScanned: 0, rowsReturned: 0, elapsedMicroseconds: 0 }),
    };
  }

  private async *stream(request: QueryRequest): AsyncGenerator<OwnedBatch> {
    let given = 0;
    try {
      const isEndless = request.sql.includes('FOREVER');
      do {
        for (const batch of this.tableOf(request.sql).batches) {
          if (request.signal?.aborted) throw new DbError('cancelled', 'stopped');
          if (request.sql.includes('BROKEN') && given++ > 0) throw new DbError('numeric_overflow', 'int64 out of range');
          this.liveBatches++;
          yield { ...batch, release: () => void this.liveBatches-- };
        }
        if (isEndless) await new Promise((resolve) => setTimeout(resolve, 1));
      } while (isEndless);
    } finally {
      if (request.signal?.aborted) this.abortedQueries++;
    }
  }

  private open(name: string, schema: Schema, options: IngestOptions): AppendSession {
    let table = this.tables.get(name);
    if (!table && !options.create) throw new DbError('table_not_found', `no table ${name}`);
    table ??= this.addTable(name, schema);
    const unknown = schema.fields.find((field) => !table.schema.fields.some((known) => known.name === field.name));
    if (unknown) throw new DbError('column_not_found', `table ${name} has no column ${unknown.name}`);
    if (options.mode === 'replace') table.batches = [];
    const staged: Batch[] = [];
    let batches = 0;
    let rows = 0;
    return {
      append: async (batch, given) => {
        batches++;
        rows += batch.rowCount;
        if (!name.startsWith('sink')) staged.push(...this.copied(batch, given));
      },
      commit: async () => {
        await new Promise((resolve) => setTimeout(resolve, this.commitMs));
        if (name === 'failing' && this.commits.length > 0) throw new DbError('io_error', 'disk full');
        table.batches.push(...staged);
        this.commits.push({ table: name, rows, batches });
        return { rows, sequence: ++this.sequence };
      },
      abort: () => {
        this.abortedSessions++;
      },
    };
  }

  /** A copy of a batch that stays: through our own messages and back. */
  private copied(batch: Batch, schema: Schema): Batch[] {
    const encoder = new StreamEncoder(this.arena, schema);
    const decoder = new IpcDecoder(this.arena, 1 << 30);
    const scratch = new MemoryScope(this.arena);
    const copies: Batch[] = [];
    decoder.head(encoder.schemaMetadata());
    for (const message of encoder.encode([{ batch, start: 0, count: batch.rowCount }], scratch)) {
      const head = decoder.head(message.metadata);
      const own = new MemoryScope(this.arena);
      let at = own.allocate(head.bodyBytes + 64);
      const start = at;
      for (const part of messageParts(this.arena, message).slice(1)) {
        copyIntoArena(this.arena, at, part);
        at += part.length;
      }
      const decoded = decoder.decode(head, own, start);
      if (decoded) copies.push(decoded);
      for (const address of own.giveAwayAll()) this.kept.adopt(address);
    }
    decoder.moveTo(this.kept);
    scratch.release();
    encoder.close();
    return copies;
  }

  private storage(): Storage {
    const snapshot = (): Snapshot => ({
      sequence: 1n,
      tables: () => [...this.tables.values()].map((table) => table.info),
      table: (name) => {
        const table = this.tables.get(name);
        return (
          table && { table: table.info, segments: [], rowCount: rowsOf(table), sizeBytes: 64, pin: () => Promise.reject(new Error('no')) }
        );
      },
      views: () => [],
      view: () => undefined,
      schemas: () => [],
      release: () => undefined,
    });
    const partial: Partial<Storage> = {
      arena: this.arena,
      readOnly: false,
      snapshot,
      flush: async (table) => {
        this.flushed.push(table);
      },
    };
    return partial as Storage;
  }
}

function rowsOf(table: FakeTable): number {
  return table.batches.reduce((sum, batch) => sum + batch.rowCount, 0);
}

async function* none(): AsyncGenerator<OwnedBatch> {
  // A statement without a result.
}
