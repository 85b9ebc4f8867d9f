/** Storage under test: opening it, batches from JavaScript values, and all rows read back. */
import { instantiateKernels } from '../../native-free/kernels.js';
import { Arena } from '../../src/core/arena.js';
import { type Batch, bitmapBytes, type Value, type Vector } from '../../src/core/batch.js';
import type { IngestService, Snapshot, Storage, TableDefinition } from '../../src/core/contracts.js';
import { type Environment, systemEnvironment } from '../../src/core/environment.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import { type SettingName, settingsWith } from '../../src/core/settings.js';
import { type DataType, type Field, physicalOf, WIDTH_BYTES } from '../../src/core/types.js';
import { valueAt } from '../../src/core/values.js';
import { openStorage } from '../../src/storage/open.js';

export interface TestStorage {
  readonly storage: Storage & { ingest: IngestService };
  readonly arena: Arena;
  close(): Promise<void>;
}

/** FLETCH_DURABILITY=memory runs the tests at another level. */
const LEVEL = process.env.FLETCH_DURABILITY === undefined ? {} : { durability: process.env.FLETCH_DURABILITY };

type Overrides = Partial<Record<SettingName, string | number | boolean>>;

export async function openTest(
  path: string,
  overrides: Overrides = {},
  environment: Environment = systemEnvironment,
): Promise<TestStorage> {
  const settings = settingsWith({ memory_limit: '512MB', ...LEVEL, ...overrides });
  const arena = Arena.create(0, settings.memory_limit);
  const kernels = instantiateKernels(arena.memory);
  const storage = await openStorage({ path, settings, environment, arena, kernels });
  return { storage, arena, close: () => storage.close() };
}

export function define(name: string, fields: readonly Field[], timestampColumn: number | null = null): TableDefinition {
  const columns = fields.map((field, id) => ({ ...field, id, defaultSql: null, comment: null }));
  return { name, columns, timestampColumn, partitionBy: 'none', clusterBy: [], dedupKeys: [], ttl: null, options: {} };
}

export const field = (name: string, type: DataType, nullable = true): Field => ({ name, type, nullable });

/** Columns of values → a batch in the arena, owned by the scope. Text may be given as dictionary-encoded. */
function batchOf(scope: MemoryScope, fields: readonly Field[], columns: readonly (readonly Value[])[], dictionary = false): Batch {
  const rowCount = columns[0]?.length ?? 0;
  return { arena: scope.arena.id, rowCount, columns: fields.map((f, i) => vectorFrom(scope, f.type, columns[i] ?? [], dictionary)) };
}

const encoder = new TextEncoder();
let nextDictionary = -1;

function vectorFrom(scope: MemoryScope, type: DataType, values: readonly Value[], dictionary = false): Vector {
  const { arena } = scope;
  const n = values.length;
  let validity = 0;
  if (values.includes(null) && type.kind !== 'null') {
    validity = scope.allocateZeroed(bitmapBytes(n) + 8);
    values.forEach((value, i) => {
      if (value !== null) arena.u8[validity + (i >> 3)] = (arena.u8[validity + (i >> 3)] as number) | (1 << (i & 7));
    });
  }
  const vector: Vector = { type, encoding: 'flat', length: n, validity, values: 0, offsets: 0, dictionary: null, children: [] };
  if (type.kind === 'null') return vector;
  if (type.kind === 'list') {
    const lists = values.map((value) => (value === null ? [] : (value as readonly Value[])));
    const offsets = offsetsFrom(
      scope,
      lists.map((list) => list.length),
    );
    return { ...vector, offsets, children: [vectorFrom(scope, type.item.type, lists.flat())] };
  }
  if (type.kind === 'struct') {
    const children = type.fields.map((f) =>
      vectorFrom(
        scope,
        f.type,
        values.map((value) => (value === null ? null : ((value as Record<string, Value>)[f.name] ?? null))),
      ),
    );
    return { ...vector, children };
  }
  if (physicalOf(type) === 'bytes') {
    if (dictionary && type.kind !== 'binary') return dictionaryFrom(scope, vector, values);
    return {
      ...vector,
      ...bytesFrom(
        scope,
        values.map((value) => bytesOf(value)),
      ),
    };
  }
  return { ...vector, values: fixedFrom(scope, type, values) };
}

function bytesOf(value: Value): Uint8Array {
  if (value === null) return new Uint8Array(0);
  return typeof value === 'string' ? encoder.encode(value) : (value as Uint8Array);
}

function offsetsFrom(scope: MemoryScope, lengths: readonly number[]): number {
  const offsets = scope.allocate((lengths.length + 1) * 4);
  let total = 0;
  scope.arena.i32[offsets / 4] = 0;
  lengths.forEach((length, i) => {
    total += length;
    scope.arena.i32[offsets / 4 + i + 1] = total;
  });
  return offsets;
}

function bytesFrom(scope: MemoryScope, items: readonly Uint8Array[]): { offsets: number; values: number } {
  const offsets = offsetsFrom(
    scope,
    items.map((item) => item.length),
  );
  const values = scope.allocate(
    Math.max(
      1,
      items.reduce((sum, item) => sum + item.length, 0),
    ),
  );
  items.forEach((item, i) => {
    scope.arena.u8.set(item, values + (scope.arena.i32[offsets / 4 + i] as number));
  });
  return { offsets, values };
}

function dictionaryFrom(scope: MemoryScope, vector: Vector, values: readonly Value[]): Vector {
  const distinct = [...new Set(values.filter((value) => value !== null) as string[])].reverse();
  const codes = scope.allocateZeroed(Math.max(1, values.length) * 4);
  values.forEach((value, i) => {
    scope.arena.i32[codes / 4 + i] = value === null ? 0 : distinct.indexOf(value as string);
  });
  const entries = distinct.length === 0 ? [''] : distinct;
  const { offsets, values: bytes } = bytesFrom(
    scope,
    entries.map((entry) => encoder.encode(entry)),
  );
  const view = { id: nextDictionary--, count: entries.length, offsets, values: bytes };
  return { ...vector, encoding: 'dictionary', values: codes, dictionary: view };
}

function fixedFrom(scope: MemoryScope, type: DataType, values: readonly Value[]): number {
  const { arena } = scope;
  const physical = physicalOf(type);
  if (physical === 'bit') {
    const address = scope.allocateZeroed(bitmapBytes(values.length) + 8);
    values.forEach((value, i) => {
      if (value === true) arena.u8[address + (i >> 3)] = (arena.u8[address + (i >> 3)] as number) | (1 << (i & 7));
    });
    return address;
  }
  const width = WIDTH_BYTES[physical];
  const address = scope.allocateZeroed(Math.max(1, values.length * width));
  values.forEach((value, i) => {
    if (value !== null) writeFixed(arena, physical, address, i, value);
  });
  return address;
}

function writeFixed(arena: Arena, physical: ReturnType<typeof physicalOf>, address: number, i: number, value: Value): void {
  const views = {
    i8: arena.i8,
    i16: arena.i16,
    i32: arena.i32,
    u8: arena.u8,
    u16: arena.u16,
    u32: arena.u32,
    f32: arena.f32,
    f64: arena.f64,
  };
  if (physical === 'i64' || physical === 'u64') arena.i64[address / 8 + i] = value as bigint;
  else if (physical === 'i128') {
    arena.i64[address / 8 + 2 * i] = value as bigint;
    arena.i64[address / 8 + 2 * i + 1] = (value as bigint) >> 64n;
  } else if (physical === 'interval') {
    const { months, days, nanoseconds } = value as { months: number; days: number; nanoseconds: bigint };
    arena.i32[address / 4 + 4 * i] = months;
    arena.i32[address / 4 + 4 * i + 1] = days;
    arena.i64[address / 8 + 2 * i + 1] = nanoseconds;
  } else if (physical === 'fixed16') arena.u8.set(Buffer.from((value as string).replaceAll('-', ''), 'hex'), address + 16 * i);
  else views[physical as keyof typeof views][address / WIDTH_BYTES[physical] + i] = value as number;
}

/** Appends rows, given as columns, and commits. */
export async function appendRows(
  test: TestStorage,
  table: string,
  fields: readonly Field[],
  columns: readonly (readonly Value[])[],
  dictionary = false,
): Promise<bigint> {
  const session = test.storage.openAppend(table);
  await addBatch(test, session, fields, columns, dictionary);
  return (await session.commit()).sequence;
}

export async function addBatch(
  test: TestStorage,
  session: ReturnType<Storage['openAppend']>,
  fields: readonly Field[],
  columns: readonly (readonly Value[])[],
  dictionary = false,
): Promise<void> {
  const scope = new MemoryScope(test.arena);
  try {
    await session.append(batchOf(scope, fields, columns, dictionary), { fields });
  } finally {
    scope.release();
  }
}

/** All rows that are not deleted, in table order, as arrays of values. */
export async function readRows(test: TestStorage, table: string, snapshot?: Snapshot): Promise<Value[][]> {
  const own = snapshot ?? test.storage.snapshot();
  try {
    const view = own.table(table);
    if (view === undefined) throw new Error(`no table ${table}`);
    const rows: Value[][] = [];
    const indexes = view.table.definition.columns.map((_, i) => i);
    for (const segment of view.segments) {
      const pinned = await view.pin(segment, indexes);
      for (let row = 0; row < segment.rowCount; row++) {
        const isAlive = pinned.alive === 0 || (((test.arena.u8[pinned.alive + (row >> 3)] as number) >> (row & 7)) & 1) === 1;
        if (isAlive) rows.push(pinned.columns.map((column) => valueAt(test.arena, column, row)));
      }
      pinned.release();
    }
    if (rows.length !== view.rowCount) throw new Error(`the snapshot says ${view.rowCount} rows, its segments have ${rows.length}`);
    return rows;
  } finally {
    if (snapshot === undefined) own.release();
  }
}
