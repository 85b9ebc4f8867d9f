/** An engine without storage and query: results are made from JavaScript values, appends are kept as JavaScript values. */
import { Arena } from '../../src/core/arena.js';
import { dictionaryVector, type OwnedBatch, type Value, type Vector } from '../../src/core/batch.js';
import { buildVector } from '../../src/core/build-vector.js';
import type {
  AppendSession,
  Engine,
  QueryRequest,
  QueryResult,
  RunningQuery,
  SegmentView,
  Snapshot,
  Storage,
  TableInfo,
} from '../../src/core/contracts.js';
import { DbError } from '../../src/core/errors.js';
import type { DataType, Field, Schema } from '../../src/core/types.js';
import { valueAt } from '../../src/core/values.js';

export interface FakeColumn {
  readonly name: string;
  readonly type: DataType;
  readonly values: readonly Value[];
  readonly encoding?: 'dictionary' | 'constant';
}

export type FakeAnswer = readonly FakeColumn[] | ((request: QueryRequest) => Partial<QueryResult> | Promise<Partial<QueryResult>>);

export interface FakeTable {
  info: TableInfo;
  rows: Value[][];
}

/** A vector in the arena, made from values as valueAt() gives them. */
export function vectorOf(arena: Arena, type: DataType, values: readonly Value[], encoding?: 'dictionary' | 'constant'): Vector {
  if (encoding === 'constant') return { ...vectorOf(arena, type, values.slice(0, 1)), encoding, length: values.length };
  if (encoding === 'dictionary') return dictionaryOf(arena, type, values);
  return buildVector(values, type, arena, arena);
}

function dictionaryOf(arena: Arena, type: DataType, values: readonly Value[]): Vector {
  const distinct = [...new Set(values.filter((value) => value !== null))];
  const flat = buildVector(distinct, type, arena, arena);
  const codes = arena.allocateZeroed(values.length * 4 + 4);
  values.forEach((value, row) => {
    arena.i32[codes / 4 + row] = Math.max(0, distinct.indexOf(value as string));
  });
  const { validity } = buildVector(values, type, arena, arena);
  const dictionary = { id: 1, count: distinct.length, offsets: flat.offsets, values: flat.values };
  return dictionaryVector(type, values.length, codes, dictionary, validity);
}

export class FakeEngine {
  readonly arena: Arena;
  readonly tables = new Map<string, FakeTable>();
  readonly answers = new Map<string, FakeAnswer>();
  readonly requests: QueryRequest[] = [];
  readonly cancelled: string[] = [];
  runningQueries: RunningQuery[] = [];
  /** Batches not released yet. */
  liveBatches = 0;
  aborted = 0;

  constructor(limitBytes = 256 * 1024 * 1024) {
    this.arena = Arena.create(7, limitBytes);
  }

  get engine(): Engine {
    return {
      version: '0.0.0-test',
      arena: this.arena,
      storage: this.storage(),
      query: {
        openSession: () => ({ id: 'one', inTransaction: false, close: () => undefined }),
        execute: (request) => this.execute(request),
        describe: async () => ({ kind: 'query', schema: { fields: [] }, rowCount: null, ordered: false }),
        prepare: async () => ({ kind: 'query', schema: null, parameters: [] }),
        running: () => this.runningQueries,
        cancel: (queryId) => {
          this.cancelled.push(queryId);
          return this.runningQueries.some((query) => query.queryId === queryId);
        },
        close: async () => undefined,
      },
      ingest: { open: async (table, schema, options) => this.openAppend(table, schema, options.create, options.mode) },
    };
  }

  owned(columns: readonly Vector[], rowCount: number): OwnedBatch {
    this.liveBatches++;
    return {
      arena: this.arena.id,
      rowCount,
      columns,
      release: () => {
        this.liveBatches--;
      },
    };
  }

  private async execute(request: QueryRequest): Promise<QueryResult> {
    this.requests.push(request);
    if (request.readOnly && /^\s*(insert|create|delete|drop)/i.test(request.sql))
      throw new DbError('method_not_allowed', 'this door only reads');
    const answer = this.answers.get(request.sql.trim());
    if (answer === undefined) throw new DbError('syntax_error', `not understood: ${request.sql}`, { position: 7, hint: 'no' });
    const defaults = {
      queryId: request.queryId ?? 'generated-id',
      kind: 'query' as const,
      affectedRows: null,
      progress: () => ({ rowsScanned: 10, rowsReturned: 0, elapsedMicroseconds: 412 }),
    };
    if (typeof answer === 'function') return { ...defaults, schema: { fields: [] }, batches: noBatches(), ...(await answer(request)) };
    const fields = answer.map(({ name, type }) => ({ name, type, nullable: true }));
    const columns = answer.map((column) => vectorOf(this.arena, column.type, column.values, column.encoding));
    const batches = this.oneBatch(columns, answer[0]?.values.length ?? 0);
    return { ...defaults, schema: { fields }, batches };
  }

  private async *oneBatch(columns: readonly Vector[], rowCount: number): AsyncGenerator<OwnedBatch> {
    yield this.owned(columns, rowCount);
  }

  addTable(name: string, columns: readonly Field[], timestampColumn: number | null = null): FakeTable {
    const definition = {
      name,
      columns: columns.map((field, id) => ({ ...field, id, defaultSql: null, comment: null })),
      timestampColumn,
      partitionBy: 'none' as const,
      clusterBy: [],
      dedupKeys: [],
      ttl: null,
      options: {},
    };
    const table: FakeTable = { info: { id: this.tables.size + 1, definition }, rows: [] };
    this.tables.set(name.toLowerCase(), table);
    return table;
  }

  private openAppend(name: string, schema: Schema, create: boolean, mode: 'append' | 'replace'): AppendSession {
    let table = this.tables.get(name.toLowerCase());
    if (!table && !create) throw new DbError('table_not_found', `no table ${name}`);
    table ??= this.addTable(name, schema.fields);
    const { rows: kept, info } = table;
    if (mode === 'replace') kept.length = 0;
    const rows: Value[][] = [];
    return {
      append: async (batch, given) => {
        const indexes = info.definition.columns.map((column) => given.fields.findIndex((field) => same(field.name, column.name)));
        for (let row = 0; row < batch.rowCount; row++)
          rows.push(indexes.map((index) => (index < 0 ? null : valueAt(this.arena, batch.columns[index] as Vector, row))));
      },
      commit: async () => {
        kept.push(...rows);
        return { rows: rows.length, sequence: 1n };
      },
      abort: () => {
        this.aborted++;
      },
    };
  }

  private storage(): Storage {
    const snapshotOf = (table: FakeTable) => ({
      table: table.info,
      segments: [] as SegmentView[],
      rowCount: table.rows.length,
      sizeBytes: 64,
      pin: () => Promise.reject(new Error('no pins')),
    });
    const snapshot = (): Snapshot => ({
      sequence: 1n,
      tables: () => [...this.tables.values()].map((table) => table.info),
      table: (name) => {
        const table = this.tables.get(name.toLowerCase());
        return table && snapshotOf(table);
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
      dropTable: async (name) => {
        this.tables.delete(name.toLowerCase());
      },
      statistics: () => ({
        tables: this.tables.size,
        rows: 0,
        segments: 0,
        diskBytes: 0,
        arenaBytes: 0,
        cachedBytes: 0,
        commits: 0,
        sealedSegments: 0,
        segmentsByLevel: [],
        sealedBytes: 0,
        compactedBytes: 0,
        readOnlyTables: 0,
        durability: 'fsync' as const,
        waitingBytes: 0,
        compactions: 0,
      }),
    };
    return partial as Storage;
  }
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

async function* noBatches(): AsyncGenerator<OwnedBatch> {
  // A statement without a result.
}
