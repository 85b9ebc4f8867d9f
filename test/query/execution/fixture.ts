/** A small world for execution tests: tables over arena columns, plans by hand, results as rows of values. */
import { expect } from 'vitest';
import { instantiateKernels, type Kernels } from '../../../native-free/kernels.js';
import { Arena } from '../../../src/core/arena.js';
import { bitmapBytes, type DictionaryView, dictionaryVector, type Value, type Vector } from '../../../src/core/batch.js';
import type { ColumnDefinition, PinnedSegment, SegmentView, TableSnapshot, ZoneMap } from '../../../src/core/contracts.js';
import { systemEnvironment } from '../../../src/core/environment.js';
import { MemoryScope, Scratch } from '../../../src/core/memory-scope.js';
import { settingsWith } from '../../../src/core/settings.js';
import { BOOL, type DataType, isText } from '../../../src/core/types.js';
import { valueAt } from '../../../src/core/values.js';
import { resolveAggregate } from '../../../src/query/aggregates/registry.js';
import { type ExecutionOptions, executePlan, type PlanExecution } from '../../../src/query/execution/execute.js';
import type { WorkerPool } from '../../../src/query/execution/worker-pool.js';
import { vectorOf } from '../../../src/query/expression/vector-values.js';
import type { ColumnExpression, Expression } from '../../../src/query/plan/expression.js';
import type {
  AggregateCall,
  AggregatePlan,
  FilterPlan,
  JoinPlan,
  LimitPlan,
  LogicalPlan,
  OutputColumn,
  ProjectPlan,
  ScanPlan,
  SortPlan,
  ValuesPlan,
} from '../../../src/query/plan/logical.js';
import { createWorkerPool } from '../../../src/workers/pool.js';

export type Row = readonly Value[];

export interface World {
  readonly arena: Arena;
  readonly kernels: Kernels;
  /** Pools of 0, 1 and 2 threads over the arena. */
  readonly pools: readonly WorkerPool[];
  /** Owns the tables. */
  readonly scope: MemoryScope;
  close(): Promise<void>;
}

export function createWorld(threads: readonly number[] = [0, 1, 2], limitBytes = 1 << 29): World {
  const arena = Arena.create(0, limitBytes);
  const kernels = instantiateKernels(arena.memory);
  const pools = threads.map((count) => createWorkerPool({ threads: count, arena, kernels }));
  const scope = new MemoryScope(arena);
  return {
    arena,
    kernels,
    pools,
    scope,
    close: async () => {
      await Promise.all(pools.map((pool) => pool.close()));
    },
  };
}

/** Deterministic random numbers in [0, 1). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export interface TableColumn {
  readonly name: string;
  readonly type: DataType;
  readonly values: readonly Value[];
  /** Text: one dictionary for all segments, or flat. */
  readonly dictionary?: boolean;
}

export interface TableOptions {
  /** Rows of each segment; the last takes the rest. */
  readonly segmentRows?: number;
  readonly deleted?: (row: number) => boolean;
  readonly zoneMaps?: boolean;
  readonly timestampColumn?: number;
  readonly sorted?: boolean;
}

let nextId = 1;
let nextDictionary = 1;

export interface TestTable {
  readonly snapshot: TableSnapshot;
  readonly rows: readonly Row[];
  readonly pins: { held: number; made: number };
}

export function makeTable(world: World, columns: readonly TableColumn[], options: TableOptions = {}): TestTable {
  const rowCount = columns[0]?.values.length ?? 0;
  const segmentRows = options.segmentRows ?? Math.max(64, rowCount);
  const dictionaries = columns.map((column) => (column.dictionary ? makeDictionary(world, column) : null));
  const segments: { view: SegmentView; columns: Vector[]; alive: number }[] = [];
  for (let first = 0; first < rowCount; first += segmentRows) {
    const end = Math.min(rowCount, first + segmentRows);
    segments.push(makeSegment(world, columns, dictionaries, first, end, segments.length, options));
  }
  const pins = { held: 0, made: 0 };
  const definitions = columns.map(
    (column, id): ColumnDefinition => ({ name: column.name, type: column.type, nullable: true, id, defaultSql: null, comment: null }),
  );
  const rows: Row[] = [];
  for (let row = 0; row < rowCount; row++) if (!options.deleted?.(row)) rows.push(columns.map((column) => column.values[row] ?? null));
  const snapshot: TableSnapshot = {
    table: {
      id: nextId++,
      definition: {
        name: 't',
        columns: definitions,
        timestampColumn: options.timestampColumn ?? null,
        partitionBy: 'none',
        clusterBy: [],
        dedupKeys: [],
        ttl: null,
        options: {},
      },
    },
    segments: segments.map((segment) => segment.view),
    rowCount: rows.length,
    sizeBytes: 0,
    pin: (view, indexes): Promise<PinnedSegment> => {
      const segment = segments[view.id];
      if (!segment) throw new Error('no such segment');
      pins.held += 1;
      pins.made += 1;
      return Promise.resolve({
        columns: indexes.map((index) => segment.columns[index] as Vector),
        alive: segment.alive,
        release: () => {
          pins.held -= 1;
        },
      });
    },
  };
  return { snapshot, rows, pins };
}

function moveContext(world: World) {
  return { arena: world.arena, kernels: world.kernels, scratch: new Scratch(world.scope) };
}

function makeDictionary(world: World, column: TableColumn): { view: DictionaryView; codes: Map<Value, number> } {
  const distinct = [...new Set(column.values.filter((value) => value !== null))];
  const flat = vectorOf(distinct.length > 0 ? distinct : [''], column.type, moveContext(world), world.scope);
  const view = { id: nextDictionary++, count: Math.max(1, distinct.length), offsets: flat.offsets, values: flat.values };
  return { view, codes: new Map(distinct.map((value, code) => [value, code] as const)) };
}

function makeSegment(
  world: World,
  columns: readonly TableColumn[],
  dictionaries: readonly ({ view: DictionaryView; codes: Map<Value, number> } | null)[],
  first: number,
  end: number,
  id: number,
  options: TableOptions,
): { view: SegmentView; columns: Vector[]; alive: number } {
  const { arena, scope } = world;
  const n = end - first;
  const vectors = columns.map((column, i) => {
    const values = column.values.slice(first, end);
    const flat = vectorOf(values, column.type, moveContext(world), scope);
    const dictionary = dictionaries[i];
    if (!dictionary) return flat;
    const codes = scope.allocate(n * 4 + 64);
    for (const [row, value] of values.entries()) arena.i32[codes / 4 + row] = value === null ? 0 : (dictionary.codes.get(value) ?? 0);
    return dictionaryVector(column.type, n, codes, dictionary.view, flat.validity);
  });
  let alive = 0;
  let deletedCount = 0;
  if (options.deleted) {
    alive = scope.allocateZeroed(bitmapBytes(n));
    for (let row = 0; row < n; row++) {
      if (options.deleted(first + row)) deletedCount += 1;
      else arena.u8[alive + (row >> 3)] = (arena.u8[alive + (row >> 3)] as number) | (1 << (row & 7));
    }
  }
  const zoneMaps = columns.map((column) => (options.zoneMaps ? zoneOf(column.values.slice(first, end)) : undefined));
  const view = {
    id,
    rowCount: n,
    deletedCount,
    order: { kind: options.sorted ? 'time' : 'insertion' } as const,
    zoneMaps,
    sizeBytes: n * 8,
  };
  return { view, columns: vectors, alive };
}

function zoneOf(values: readonly Value[]): ZoneMap {
  const present = values.filter(
    (value): value is number | bigint | string => value !== null && typeof value !== 'object' && typeof value !== 'boolean',
  );
  const sorted = [...present].sort(compareValues);
  return { nullCount: values.length - present.length, min: sorted[0] as number, max: sorted.at(-1) as number };
}

/** Order of values as SQL has it: NaN last among numbers, text by code point. */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number' && (Number.isNaN(a) || Number.isNaN(b))) {
    return (Number.isNaN(a) ? 1 : 0) - (Number.isNaN(b) ? 1 : 0);
  }
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

// ---- plans -----------------------------------------------------------------------------------------------------------------------

export function scan(table: TestTable, filters: (columns: Record<string, ColumnExpression>) => readonly Expression[] = () => []): ScanPlan {
  const { columns } = table.snapshot.table.definition;
  const output = columns.map((column): OutputColumn => ({ id: nextId++, name: column.name, type: column.type, nullable: true }));
  const ids = output.map((column, columnIndex) => ({ id: column.id, columnIndex }));
  return {
    kind: 'scan',
    output,
    source: table.snapshot,
    columnIndexes: output.map((_, i) => i),
    columns: ids,
    filters: filters(Object.fromEntries(output.map((column) => [column.name, columnOf(column)]))),
  };
}

function columnOf(column: OutputColumn): ColumnExpression {
  return { kind: 'column', id: column.id, name: column.name, type: column.type, nullable: column.nullable, position: -1 };
}

/** Output column of this name as an expression. */
export function col(plan: LogicalPlan, name: string): ColumnExpression {
  const column = plan.output.find((candidate) => candidate.name === name);
  if (!column) throw new Error(`no column ${name}`);
  return columnOf(column);
}

export function lit(value: Value, type: DataType): Expression {
  return { kind: 'literal', value, type, nullable: value === null, position: -1 };
}

export function call(name: string, args: readonly Expression[], type: DataType): Expression {
  return { kind: 'call', function: name, args, type, nullable: true, position: -1 };
}

export function compare(name: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', a: Expression, b: Expression): Expression {
  return call(name, [a, b], BOOL);
}

export function filter(input: LogicalPlan, condition: Expression): FilterPlan {
  return { kind: 'filter', output: input.output, input, condition };
}

export function project(input: LogicalPlan, expressions: Readonly<Record<string, Expression>>): ProjectPlan {
  const output = Object.entries(expressions).map(([name, expression]) => ({ id: nextId++, name, type: expression.type, nullable: true }));
  return { kind: 'project', output, input, expressions: Object.values(expressions) };
}

export interface AggregateOptions {
  readonly distinct?: boolean;
  readonly filter?: Expression;
  readonly orderBy?: AggregateCall['orderBy'];
}

export function agg(name: string, args: readonly Expression[], options: AggregateOptions = {}): AggregateCall {
  const resolved = resolveAggregate(
    name,
    args.map((arg) => ({ type: arg.type, literal: false })),
  );
  if (!resolved) throw new Error(`no aggregate ${name}(${args.map((arg) => arg.type.kind)})`);
  const cast = args.map((operand, i): Expression => {
    const type = resolved.args[i] as DataType;
    return type.kind === operand.type.kind ? operand : { kind: 'cast', operand, safe: false, type, nullable: true, position: -1 };
  });
  return {
    id: nextId++,
    function: resolved.name,
    args: cast,
    type: resolved.type,
    distinct: options.distinct ?? false,
    filter: options.filter ?? null,
    orderBy: options.orderBy ?? [],
    position: -1,
  };
}

export function aggregate(input: LogicalPlan, groups: readonly Expression[], aggregates: readonly AggregateCall[]): AggregatePlan {
  const output = [
    ...groups.map((group, i) => ({ id: nextId++, name: `g${i}`, type: group.type, nullable: true })),
    ...aggregates.map((one, i) => ({ id: one.id, name: `a${i}`, type: one.type, nullable: true })),
  ];
  return { kind: 'aggregate', output, input, groups, aggregates };
}

export function sort(input: LogicalPlan, keys: SortPlan['keys'], limitRows: number | null = null): SortPlan {
  return { kind: 'sort', output: input.output, input, keys, limit: limitRows };
}

export function key(expression: Expression, descending = false, nullsFirst = descending): SortPlan['keys'][number] {
  return { expression, descending, nullsFirst };
}

export function limit(input: LogicalPlan, count: number | null, offset = 0): LimitPlan {
  return { kind: 'limit', output: input.output, input, limit: count, offset };
}

export function join(
  kind: JoinPlan['join'],
  left: LogicalPlan,
  right: LogicalPlan,
  keys: JoinPlan['keys'],
  residual: Expression | null = null,
): JoinPlan {
  const output = kind === 'semi' || kind === 'anti' ? left.output : [...left.output, ...right.output];
  return { kind: 'join', join: kind, left, right, keys, residual, output };
}

export function values(rows: readonly (readonly Value[])[], types: readonly DataType[]): ValuesPlan {
  const output = types.map((type, i) => ({ id: nextId++, name: `c${i}`, type, nullable: true }));
  return { kind: 'values', output, rows: rows.map((row) => row.map((value, i) => lit(value, types[i] as DataType))) };
}

// ---- running ---------------------------------------------------------------------------------------------------------------------

export interface RunOptions {
  readonly pool?: WorkerPool;
  readonly vectorRows?: number;
  readonly signal?: AbortSignal;
  readonly memoryLimitBytes?: number;
}

export function execution(world: World, plan: LogicalPlan, options: RunOptions = {}): PlanExecution {
  const pool = options.pool ?? world.pools[0];
  if (!pool) throw new Error('no pool');
  const settings = settingsWith({ vector_rows: options.vectorRows ?? 64 });
  const full: ExecutionOptions = {
    arena: world.arena,
    kernels: world.kernels,
    pool,
    settings,
    signal: options.signal ?? new AbortController().signal,
    nowNanoseconds: 1_700_000_000_000_000_000n,
    timezone: 'UTC',
    memoryLimitBytes: options.memoryLimitBytes ?? 1 << 28,
    environment: systemEnvironment,
  };
  return executePlan(plan, full);
}

export async function rowsOf(world: World, run: PlanExecution): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const batch of run.batches) {
    for (let row = 0; row < batch.rowCount; row++) rows.push(batch.columns.map((column) => valueAt(world.arena, column, row)));
    batch.release();
  }
  return rows;
}

/** The rows of a plan, the same with 0, 1 and 2 threads; all memory and pins are given back. */
export async function run(world: World, plan: LogicalPlan, options: RunOptions = {}): Promise<Row[]> {
  let first: Row[] | undefined;
  for (const pool of world.pools) {
    const before = world.arena.usedBytes;
    const rows = await rowsOf(world, execution(world, plan, { pool, ...options }));
    expect(world.arena.usedBytes, `memory after ${pool.threads} threads`).toBe(before);
    if (first) expect(rows, `${pool.threads} threads`).toEqual(first);
    else first = rows;
  }
  return first ?? [];
}

// ---- data ------------------------------------------------------------------------------------------------------------------------

const WORDS = ['', 'a', 'b', 'ab', 'abc', 'ä', '🚀 rocket', 'a longer text of more than sixteen bytes', 'zz', 'Z'];

/** A random value of a type; NULL one time in eight, odd values now and then. */
function randomValue(random: () => number, type: DataType, distinct = 50): Value {
  if (random() < 0.125) return null;
  const small = Math.floor(random() * distinct);
  switch (type.kind) {
    case 'bool':
      return random() < 0.5;
    case 'int8':
    case 'int16':
    case 'int32':
    case 'date32':
      return small - Math.floor(distinct / 2);
    case 'uint8':
    case 'uint16':
    case 'uint32':
      return small;
    case 'int64':
      return random() < 0.02 ? 2n ** 62n + BigInt(small) : BigInt(small - 10);
    case 'uint64':
      return random() < 0.02 ? 2n ** 63n + BigInt(small) : BigInt(small);
    case 'timestamp':
    case 'time64':
      return BigInt(small) * 1_000_000n;
    case 'float32':
    case 'float64': {
      if (random() < 0.03) return [Number.NaN, Number.POSITIVE_INFINITY, -0, 0][small % 4] as number;
      const value = (small - distinct / 2) * 1.25;
      return type.kind === 'float32' ? Math.fround(value) : value + (random() < 0.5 ? 0.1 : 0);
    }
    case 'decimal':
      return BigInt(small - 20) * 10n ** BigInt(random() < 0.1 ? 20 : 2);
    case 'utf8':
    case 'symbol':
      return small < WORDS.length ? (WORDS[small] as string) : `word${small}`;
    case 'binary':
      return Uint8Array.from({ length: small % 7 }, (_, i) => (small + i) & 255);
    case 'uuid': {
      const hex = small.toString(16).padStart(32, small % 3 === 0 ? 'f' : '0');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    }
    case 'interval':
      return { months: small % 3, days: small % 5, nanoseconds: BigInt(small) };
    default:
      return null;
  }
}

export function randomColumn(name: string, type: DataType, rows: number, seed: number, distinct = 50): TableColumn {
  const random = randomOf(seed);
  return {
    name,
    type,
    values: Array.from({ length: rows }, () => randomValue(random, type, distinct)),
    dictionary: isText(type) && seed % 2 === 0,
  };
}

/** Text by which equal values are equal: NaN is NaN, −0 is 0, NULL is NULL. */
export function keyText(row: Row): string {
  return JSON.stringify(row, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'number') return Number.isNaN(value) ? 'NaN' : value === 0 ? 0 : Number.isFinite(value) ? value : String(value);
    if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`;
    return value;
  });
}
