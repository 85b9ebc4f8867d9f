/** Random interleavings of transactions, of changes outside of them, of sealing and reopening, against a model of maps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Value } from '../../src/core/batch.js';
import type { Snapshot, StorageTransaction, StorageWriter, TableDeletions } from '../../src/core/contracts.js';
import { DbError } from '../../src/core/errors.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import { INT64, UTF8 } from '../../src/core/types.js';
import { valueAt } from '../../src/core/values.js';
import { addBatch, define, field, openTest, type TestStorage } from './harness.js';

const SETTINGS = { segment_rows: 128, dictionary_values: 50 };
const RUNS = Number(process.env.FLETCH_RUNS ?? 20);
const STEPS = 60;
const TABLES = ['a', 'b'] as const;

/** Mulberry32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

interface Column {
  /** Of the model alone. */
  readonly id: number;
  readonly name: string;
  readonly fill: string | null;
}

interface ModelTable {
  /** Of the model alone: a dropped and created table is another one. */
  readonly id: number;
  readonly columns: readonly Column[];
  /** Key → what was written, by column id. */
  readonly rows: ReadonlyMap<number, ReadonlyMap<number, string>>;
}

type Model = ReadonlyMap<string, ModelTable>;

/** What a transaction has done to tables, by the model's table id. */
interface Changes {
  /** Keys of its beginning that it deleted. */
  readonly deleted: Map<number, Set<number>>;
  readonly touched: Set<number>;
  /** Altered, truncated or dropped. */
  readonly replaced: Set<number>;
  readonly truncated: Set<number>;
}

interface Savepoint {
  readonly number: number;
  readonly state: Model;
  readonly changes: Changes;
}

interface Open {
  readonly writer: StorageWriter;
  /** null: the storage itself, whose changes count at once. */
  readonly transaction: StorageTransaction | null;
  readonly base: Model;
  readonly startedAt: number;
  readonly savepoints: Savepoint[];
  state: Model;
  changes: Changes;
}

function noChanges(): Changes {
  return { deleted: new Map(), touched: new Set(), replaced: new Set(), truncated: new Set() };
}

function copyOf({ deleted, touched, replaced, truncated }: Changes): Changes {
  return {
    deleted: new Map([...deleted].map(([id, keys]) => [id, new Set(keys)])),
    touched: new Set(touched),
    replaced: new Set(replaced),
    truncated: new Set(truncated),
  };
}

class Run {
  private readonly random: (below: number) => number;
  private readonly path: string;
  private test: TestStorage;
  private committed: Model = new Map();
  private open: Open[] = [];
  private looks: { snapshot: Snapshot; state: Model }[] = [];
  private clock = 0;
  private nextKey = 1;
  private nextId = 1;
  /** When rows and tables were last changed by somebody: by table id. */
  private readonly deletedAt = new Map<string, number>();
  private readonly replacedAt = new Map<number, number>();

  constructor(seed: number, path: string, test: TestStorage) {
    this.random = randomOf(seed);
    this.path = path;
    this.test = test;
  }

  async run(): Promise<void> {
    for (const name of TABLES) {
      await this.test.storage.createTable(define(name, [field('k', INT64, false)]));
      this.committed = new Map(this.committed).set(name, { id: this.nextId++, columns: [], rows: new Map() });
    }
    for (let step = 0; step < STEPS; step++) {
      await this.step();
      await this.compare(this.test.storage, this.committed);
      for (const open of this.open) await this.compare(open.writer, open.state);
    }
    await this.endAll();
    await this.reopen();
    await this.compare(this.test.storage, this.committed);
    await this.test.close();
  }

  private async step(): Promise<void> {
    const open = this.open[this.random(Math.max(1, this.open.length))];
    const choice = this.random(20);
    if (choice < 3 && this.open.length < 4) this.open.push(this.begun(this.test.storage.begin()));
    else if (choice < 12 && open !== undefined) await this.change(open);
    else if (choice === 12 && open !== undefined) this.savepoint(open);
    else if (choice === 13 && open !== undefined) this.rollbackTo(open);
    else if (choice === 14 && open !== undefined) await this.commit(open);
    else if (choice === 15 && open !== undefined && this.random(3) === 0) this.rollback(open);
    else if (choice === 16) await this.test.storage.flush();
    else if (choice === 17) await this.look();
    else if (choice === 18 && this.random(4) === 0) await this.reopen();
    else await this.changeAlone();
  }

  private begun(transaction: StorageTransaction | null): Open {
    return {
      writer: transaction ?? this.test.storage,
      transaction,
      base: this.committed,
      startedAt: this.clock,
      savepoints: [],
      state: this.committed,
      changes: noChanges(),
    };
  }

  private async changeAlone(): Promise<void> {
    const alone = this.begun(null);
    await this.change(alone);
    this.committed = alone.state;
    this.note(alone);
  }

  private async change(open: Open): Promise<void> {
    const { writer, changes } = open;
    const name = TABLES[this.random(TABLES.length)] as string;
    const table = open.state.get(name);
    const choice = this.random(14);
    const become = (next: ModelTable | undefined) => {
      const state = new Map(open.state);
      if (next === undefined) state.delete(name);
      else state.set(name, next);
      open.state = state;
      if (table !== undefined) changes.touched.add(table.id);
    };
    if (table === undefined) {
      await writer.createTable(define(name, [field('k', INT64, false)]));
      become({ id: this.nextId++, columns: [], rows: new Map() });
    } else if (choice < 6) {
      const rows = await this.append(writer, name, table);
      if (rows !== undefined) become({ ...table, rows: new Map([...table.rows, ...rows]) });
    } else if (choice < 11) become(await this.delete(open, name, table));
    else if (choice === 11 && this.random(2) === 0) {
      await writer.truncateTable(name);
      become({ ...table, rows: new Map() });
      changes.replaced.add(table.id);
      changes.truncated.add(table.id);
      changes.deleted.delete(table.id);
    } else if (choice === 12) {
      become(await this.alter(writer, name, table));
      changes.replaced.add(table.id);
    } else if (choice === 13 && this.random(3) === 0) {
      await writer.dropTable(name);
      become(undefined);
      changes.replaced.add(table.id);
      changes.deleted.delete(table.id);
    }
  }

  private async delete(open: Open, name: string, table: ModelTable): Promise<ModelTable> {
    const every = 2 + this.random(6);
    const gone = await removeRows(this.test, open.writer, name, (key) => key % every === 0);
    const wanted = [...table.rows.keys()].filter((key) => key % every === 0);
    expect(gone.sort((x, y) => x - y)).toEqual(wanted.sort((x, y) => x - y));
    const base = [...open.base.values()].find((each) => each.id === table.id)?.rows;
    const own = open.changes.deleted.get(table.id) ?? new Set();
    for (const key of gone) if (base?.has(key)) own.add(key);
    open.changes.deleted.set(table.id, own);
    return { ...table, rows: new Map([...table.rows].filter(([key]) => key % every !== 0)) };
  }

  private async append(writer: StorageWriter, name: string, table: ModelTable): Promise<Map<number, Map<number, string>> | undefined> {
    const count = this.random(5) === 0 ? 200 + this.random(400) : this.random(40);
    const keys = Array.from({ length: count }, () => this.nextKey++);
    const fields = [field('k', INT64), ...table.columns.map((column) => field(column.name, UTF8))];
    const text = (key: number, column: Column) => `${column.id}:${key % 7}`;
    const session = writer.openAppend(name);
    await addBatch(
      this.test,
      session,
      fields,
      [keys.map(BigInt), ...table.columns.map((column) => keys.map((key): Value => text(key, column)))],
      this.random(2) === 0,
    );
    if (this.random(6) === 0) {
      session.abort();
      return undefined;
    }
    await session.commit();
    return new Map(keys.map((key) => [key, new Map(table.columns.map((column) => [column.id, text(key, column)]))]));
  }

  private async alter(writer: StorageWriter, name: string, table: ModelTable): Promise<ModelTable> {
    const [first] = table.columns;
    if (first !== undefined && this.random(2) === 0) {
      await writer.alterTable(name, [{ kind: 'drop_column', name: first.name }]);
      return { ...table, columns: table.columns.slice(1) };
    }
    const id = this.nextId++;
    const column: Column = { id, name: `c${id}`, fill: this.random(2) === 0 ? null : `fill${id}` };
    const definition = { name: column.name, type: UTF8, nullable: true, defaultSql: null, comment: null };
    await writer.alterTable(name, [{ kind: 'add_column', column: definition, fill: column.fill }]);
    return { ...table, columns: [...table.columns, column] };
  }

  private savepoint({ transaction, savepoints, state, changes }: Open): void {
    if (transaction !== null) savepoints.push({ number: transaction.savepoint(), state, changes: copyOf(changes) });
  }

  private rollbackTo(open: Open): void {
    const index = this.random(Math.max(1, open.savepoints.length));
    const savepoint = open.savepoints[index];
    if (savepoint === undefined) return;
    open.transaction?.rollbackTo(savepoint.number);
    open.state = savepoint.state;
    open.changes = copyOf(savepoint.changes);
    open.savepoints.length = index + 1;
  }

  private rollback(open: Open): void {
    open.transaction?.rollback();
    this.open = this.open.filter((each) => each !== open);
  }

  /** A commit either makes the model's merge, or conflicts because another has changed what it changed. */
  private async commit(open: Open): Promise<void> {
    this.open = this.open.filter((each) => each !== open);
    const mustFail = this.mustConflict(open);
    const isReplaced = [...open.changes.touched].some((id) => (this.replacedAt.get(id) ?? 0) > open.startedAt);
    const mayFail = mustFail || isReplaced || this.namesMoved(open);
    try {
      await open.transaction?.commit();
    } catch (error) {
      if (!(error instanceof DbError) || error.code !== 'conflict') throw error;
      expect(mayFail, `a reason for: ${error.message}`).toBe(true);
      return;
    }
    expect(mustFail, 'rows that another deleted meanwhile').toBe(false);
    const merged = new Map(this.committed);
    for (const name of new Set([...open.base.keys(), ...open.state.keys()])) {
      const [before, after] = [open.base.get(name), open.state.get(name)];
      const isTruncated = after !== undefined && open.changes.truncated.has(after.id);
      if (before === after || (before !== undefined && after !== undefined && !isTruncated && isSame(before, after))) continue;
      if (after === undefined) merged.delete(name);
      else if (before?.id !== after.id) merged.set(name, after);
      else merged.set(name, mergeTable(before, after, this.committed.get(name) as ModelTable, isTruncated));
    }
    this.committed = merged;
    this.note(open);
  }

  private mustConflict({ changes, state, startedAt }: Open): boolean {
    const kept = new Set([...state.values()].map((table) => table.id));
    return [...changes.deleted].some(
      ([id, keys]) => kept.has(id) && [...keys].some((key) => (this.deletedAt.get(`${id}/${key}`) ?? 0) > startedAt),
    );
  }

  private namesMoved(open: Open): boolean {
    return TABLES.some((name) => this.committed.get(name)?.id !== open.base.get(name)?.id);
  }

  private note({ changes }: Open): void {
    this.clock++;
    for (const [id, keys] of changes.deleted) for (const key of keys) this.deletedAt.set(`${id}/${key}`, this.clock);
    for (const id of changes.replaced) this.replacedAt.set(id, this.clock);
  }

  private async look(): Promise<void> {
    this.looks.push({ snapshot: this.test.storage.snapshot(), state: this.committed });
    if (this.looks.length < 3) return;
    const [oldest] = this.looks.splice(0, 1);
    if (oldest === undefined) return;
    await compareSnapshot(this.test, oldest.snapshot, oldest.state);
    oldest.snapshot.release();
  }

  private async endAll(): Promise<void> {
    for (const open of [...this.open]) await this.commit(open);
    for (const { snapshot, state } of this.looks.splice(0)) {
      await compareSnapshot(this.test, snapshot, state);
      snapshot.release();
    }
  }

  private async reopen(): Promise<void> {
    await this.endAll();
    await this.test.close();
    this.test = await openTest(this.path, SETTINGS);
  }

  private async compare(writer: StorageWriter, state: Model): Promise<void> {
    const snapshot = writer.snapshot();
    try {
      await compareSnapshot(this.test, snapshot, state);
    } finally {
      snapshot.release();
    }
  }
}

function isSame(a: ModelTable, b: ModelTable): boolean {
  return a.id === b.id && a.columns === b.columns && a.rows.size === b.rows.size && [...a.rows.keys()].every((key) => b.rows.has(key));
}

/** The changes from `before` to `after`, made to what is there now. */
function mergeTable(before: ModelTable, after: ModelTable, now: ModelTable, wasTruncated: boolean): ModelTable {
  const added = [...after.rows].filter(([key]) => !before.rows.has(key));
  const kept = [...now.rows].filter(([key]) => after.rows.has(key) || (!before.rows.has(key) && !wasTruncated));
  return { id: after.id, columns: after.columns === before.columns ? now.columns : after.columns, rows: new Map([...kept, ...added]) };
}

async function compareSnapshot(test: TestStorage, snapshot: Snapshot, state: Model): Promise<void> {
  expect(
    snapshot
      .tables()
      .map((table) => table.definition.name)
      .sort(),
  ).toEqual([...state.keys()].sort());
  for (const [name, table] of state) {
    const view = snapshot.table(name);
    expect(view?.rowCount).toBe(table.rows.size);
    const found: string[] = [];
    for (const segment of view?.segments ?? []) {
      const pinned = await view?.pin(
        segment,
        (view?.table.definition.columns ?? []).map((_, i) => i),
      );
      if (pinned === undefined) continue;
      for (let row = 0; row < segment.rowCount; row++) {
        const isAlive = pinned.alive === 0 || (((test.arena.u8[pinned.alive + (row >> 3)] as number) >> (row & 7)) & 1) === 1;
        if (isAlive) found.push(pinned.columns.map((column) => String(valueAt(test.arena, column, row))).join('|'));
      }
      pinned.release();
    }
    const wanted = [...table.rows].map(([key, values]) =>
      [String(key), ...table.columns.map((column) => values.get(column.id) ?? String(column.fill))].join('|'),
    );
    expect(found.sort()).toEqual(wanted.sort());
  }
}

/** Deletes rows by key; gives the keys. */
async function removeRows(test: TestStorage, writer: StorageWriter, name: string, isGone: (key: number) => boolean): Promise<number[]> {
  const { arena } = test;
  const snapshot = writer.snapshot();
  const scope = new MemoryScope(arena);
  const gone: number[] = [];
  const deletions: TableDeletions[] = [];
  try {
    const view = snapshot.table(name);
    for (const segment of view?.segments ?? []) {
      const pinned = await view?.pin(segment, [0]);
      const column = pinned?.columns[0];
      if (pinned === undefined || column === undefined) continue;
      const rows = scope.allocateZeroed(Math.ceil(segment.rowCount / 64) * 8);
      for (let row = 0; row < segment.rowCount; row++) {
        const isAlive = pinned.alive === 0 || (((arena.u8[pinned.alive + (row >> 3)] as number) >> (row & 7)) & 1) === 1;
        const key = Number(valueAt(arena, column, row));
        if (!isAlive || !isGone(key)) continue;
        gone.push(key);
        arena.u8[rows + (row >> 3)] = (arena.u8[rows + (row >> 3)] as number) | (1 << (row & 7));
      }
      pinned.release();
      deletions.push({ segmentId: segment.id, rows });
    }
    if (deletions.length > 0) expect((await writer.deleteRows(name, deletions)).rows).toBe(gone.length);
    return gone;
  } finally {
    scope.release();
    snapshot.release();
  }
}

describe('transactions in random order', () => {
  it(`see and leave what the model says, ${RUNS} times`, async () => {
    const first = Number(process.env.FLETCH_SEED ?? 1);
    for (let seed = first; seed < first + RUNS; seed++) {
      const path = mkdtempSync(join(tmpdir(), 'fletch-transactions-'));
      const test = await openTest(path, SETTINGS);
      try {
        await new Run(seed, path, test).run();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      } finally {
        await test.close();
        rmSync(path, { recursive: true, force: true });
      }
    }
  }, 300_000);
});
