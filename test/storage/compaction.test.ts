/** Compaction while everything else goes on: the rows are those of a model, each once, in every snapshot. A failure tells its seed (FLETCH_SEED). */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Value } from '../../src/core/batch.js';
import type { Snapshot, StorageTransaction, TableDeletions } from '../../src/core/contracts.js';
import { DbError } from '../../src/core/errors.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import { FLOAT64, INT64, SYMBOL, TIMESTAMP_NS, UTF8 } from '../../src/core/types.js';
import { addBatch, appendRows, define, field, openTest, readRows, type TestStorage } from './harness.js';
import { randomOf } from './simulated-files.js';

const FIELDS = [field('ts', TIMESTAMP_NS, false), field('id', INT64), field('sym', SYMBOL), field('note', UTF8), field('x', FLOAT64)];
const SETTINGS = { segment_rows: 256, memory_limit: '96MB', seal_after_ms: 0, compaction: false };
/** Texts are soon too many for a dictionary. */
const RANDOM_SETTINGS = { ...SETTINGS, dictionary_values: 60, compaction: true };
const SEED = Number(process.env.FLETCH_SEED ?? 1);
const SEEDS = Number(process.env.FLETCH_RUNS ?? 6);
const HOUR = 3_600_000_000_000n;

let folder: string | undefined;
let test: TestStorage | undefined;

afterEach(async () => {
  await test?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  test = folder = undefined;
});

async function openFolder(overrides: Parameters<typeof openTest>[1] = {}): Promise<TestStorage> {
  folder ??= mkdtempSync(join(tmpdir(), 'fletch-compaction-'));
  test = await openTest(folder, { ...SETTINGS, ...overrides });
  return test;
}

interface Shape {
  readonly rows: number;
  readonly deleted: number;
  readonly level: number;
  readonly order: string;
}

/** Of all segments of table t. */
function shapes({ storage }: TestStorage): Shape[] {
  const snapshot = storage.snapshot();
  const view = snapshot.table('t');
  const found = (view?.segments ?? []).map((segment) => ({
    rows: segment.rowCount,
    deleted: segment.deletedCount,
    level: view?.storageOf?.(segment).level ?? 0,
    order: segment.order.kind,
  }));
  snapshot.release();
  return found;
}

const columnsOf = (rows: readonly Value[][]): Value[][] => FIELDS.map((_, c) => rows.map((row) => row[c] ?? null));

/** A row that its id and time tell. */
function rowOf(id: bigint, time: bigint): Value[] {
  return [time, id, `s${id % 5n}`, id % 3n === 0n ? null : `note ${id}`, id % 4n === 0n ? null : Number(id) / 8];
}

async function append(on: TestStorage, ids: readonly number[], time: (id: number) => bigint): Promise<void> {
  await appendRows(on, 't', FIELDS, columnsOf(ids.map((id) => rowOf(BigInt(id), time(id)))));
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

/** A bitmap of the rows whose id is wanted, for each segment of a snapshot; gives the ids that were found. */
async function marks(on: TestStorage, snapshot: Snapshot, scope: MemoryScope, isWanted: (id: bigint) => boolean) {
  const view = snapshot.table('t');
  const deletions: TableDeletions[] = [];
  const ids: bigint[] = [];
  for (const segment of view?.segments ?? []) {
    const pinned = await view?.pin(segment, [1]);
    const rows = scope.allocateZeroed(Math.ceil(segment.rowCount / 64) * 8);
    for (let row = 0; row < segment.rowCount; row++) {
      const isAlive = !pinned || pinned.alive === 0 || (((on.arena.u8[pinned.alive + (row >> 3)] as number) >> (row & 7)) & 1) === 1;
      const id = on.arena.i64[(pinned?.columns[0]?.values ?? 0) / 8 + row] as bigint;
      if (!isAlive || !isWanted(id)) continue;
      ids.push(id);
      on.arena.u8[rows + (row >> 3)] = (on.arena.u8[rows + (row >> 3)] as number) | (1 << (row & 7));
    }
    pinned?.release();
    deletions.push({ segmentId: segment.id, rows });
  }
  return { deletions, ids };
}

describe('compaction', () => {
  it('makes one segment of small ones, in order of time, and removes their files', async () => {
    const on = await openFolder();
    await on.storage.createTable(define('t', FIELDS, 0));
    for (let batch = 0; batch < 6; batch++) {
      await append(on, range(batch * 20, 20), (id) => BigInt((id * 37) % 50));
      await on.storage.flush();
    }
    const snapshot = on.storage.snapshot();
    const before = await readRows(on, 't', snapshot);
    await on.storage.compact();
    expect(shapes(on)).toEqual([{ rows: 120, deleted: 0, level: 1, order: 'time' }]);
    expect(readdirSync(join(folder as string, 'segments')).length).toBe(7);
    expect(await readRows(on, 't', snapshot)).toEqual(before);
    snapshot.release();
    await expect.poll(() => readdirSync(join(folder as string, 'segments')).length).toBe(1);
    const after = await readRows(on, 't');
    // Equal times stay in the order of their insertion.
    const wanted = before.toSorted((a, b) => Number((a[0] as bigint) - (b[0] as bigint)) || Number((a[1] as bigint) - (b[1] as bigint)));
    expect(after).toEqual(wanted);
    await on.close();
    expect(await readRows(await openFolder(), 't')).toEqual(wanted);
  });

  it('leaves rows without a designated timestamp in the order of their insertion, and drops what is deleted', async () => {
    const on = await openFolder();
    await on.storage.createTable(define('t', FIELDS));
    for (let batch = 0; batch < 5; batch++) {
      await append(on, range(batch * 30, 30), (id) => BigInt(-id));
      await on.storage.flush();
    }
    const scope = new MemoryScope(on.arena);
    const snapshot = on.storage.snapshot();
    await on.storage.deleteRows('t', (await marks(on, snapshot, scope, (id) => id % 3n === 0n)).deletions);
    snapshot.release();
    scope.release();
    await on.storage.compact('t');
    expect(shapes(on)).toEqual([{ rows: 100, deleted: 0, level: 2, order: 'insertion' }]);
    expect((await readRows(on, 't')).map((row) => row[1])).toEqual(
      range(0, 150)
        .filter((id) => id % 3 !== 0)
        .map(BigInt),
    );
  });

  it('keeps rows grouped, and each partition by itself', async () => {
    const on = await openFolder();
    await on.storage.createTable({ ...define('t', FIELDS, 0), partitionBy: 'hour', clusterBy: [2] });
    for (let batch = 0; batch < 4; batch++) {
      await append(on, range(batch * 40, 40), (id) => BigInt(id % 3) * HOUR + BigInt((id * 7919) % 1000));
      await on.storage.flush();
    }
    await on.storage.compact();
    expect(shapes(on)).toEqual([54, 53, 53].map((rows) => ({ rows, deleted: 0, level: 1, order: 'cluster' })));
  });

  it('cuts overlapping segments into ones that do not', async () => {
    const on = await openFolder();
    await on.storage.createTable(define('t', FIELDS, 0));
    for (let batch = 0; batch < 4; batch++) await append(on, range(batch * 256, 256), (id) => BigInt((id * 7919) % 10_000));
    await on.storage.flush();
    await on.storage.compact();
    expect(shapes(on).map(({ rows }) => rows)).toEqual([256, 256, 256, 256]);
    const times = (await readRows(on, 't')).map((row) => row[0] as bigint);
    expect(times).toEqual(times.toSorted((a, b) => Number(a - b)));
  });

  it('removes a segment that has no rows any more', async () => {
    const on = await openFolder();
    await on.storage.createTable(define('t', FIELDS, 0));
    await append(on, range(0, 256), BigInt);
    await append(on, range(256, 256), BigInt);
    await on.storage.flush();
    const scope = new MemoryScope(on.arena);
    const snapshot = on.storage.snapshot();
    await on.storage.deleteRows('t', (await marks(on, snapshot, scope, (id) => id < 256n)).deletions);
    snapshot.release();
    scope.release();
    await on.storage.compact();
    expect(shapes(on).map(({ rows }) => rows)).toEqual([256]);
    await expect.poll(() => readdirSync(join(folder as string, 'segments')).length).toBe(1);
  });

  it('runs by itself where it is on, for a table or for all', async () => {
    const on = await openFolder();
    await on.storage.createTable({ ...define('t', FIELDS, 0), options: { compaction: 'on', compaction_fan_in: '3' } });
    for (let batch = 0; batch < 3; batch++) {
      await append(on, range(batch * 30, 30), BigInt);
      await on.storage.flush();
    }
    await expect.poll(() => shapes(on).length, { timeout: 10_000 }).toBe(1);
    const { compactedBytes, sealedBytes, segmentsByLevel } = on.storage.statistics();
    expect(segmentsByLevel).toEqual([0, 1]);
    expect(compactedBytes).toBeGreaterThan(1000);
    expect(sealedBytes).toBeGreaterThan(compactedBytes);
  });

  it('refuses options that say nothing', async () => {
    const on = await openFolder();
    for (const options of [{ compaction: 'perhaps' }, { compaction_fan_in: '1' }, { compaction_late_percent: 'x' }])
      await expect(on.storage.createTable({ ...define('t', FIELDS, 0), options })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it.each(['compact', 'truncateTable', 'dropTable'] as const)('%s keeps what an open snapshot has not read yet', async (change) => {
    const before = await openFolder();
    await before.storage.createTable({ ...define('t', FIELDS, 0), clusterBy: [2] });
    for (let batch = 0; batch < 5; batch++) {
      await append(before, range(batch * 30, 30), BigInt);
      await before.storage.flush();
    }
    const scope = new MemoryScope(before.arena);
    const snapshot = before.storage.snapshot();
    await before.storage.deleteRows('t', (await marks(before, snapshot, scope, (id) => id % 4n === 0n)).deletions);
    snapshot.release();
    scope.release();
    const wanted = await readRows(before, 't');
    await before.close();
    const on = await openFolder();
    const old = on.storage.snapshot();
    await on.storage[change]('t');
    const view = old.table('t');
    for (const segment of view?.segments ?? []) expect(view?.clusterIndex?.(segment)?.ends.at(-1)).toBe(segment.rowCount);
    const rows = await readRows(on, 't', old);
    expect(rows.length).toBe(112);
    expect(rows.map(String).sort()).toEqual(wanted.map(String).sort());
    old.release();
  });

  it('is no damage to a process that reads the folder beside', async () => {
    const on = await openFolder();
    await on.storage.createTable(define('t', FIELDS, 0));
    for (let batch = 0; batch < 5; batch++) {
      await append(on, range(batch * 30, 30), BigInt);
      await on.storage.flush();
    }
    const reader = await openTest(folder as string, { ...SETTINGS, read_only: true });
    await on.storage.compact();
    await expect.poll(() => readdirSync(join(folder as string, 'segments')).length).toBe(1);
    expect((await readRows(reader, 't')).length).toBe(150);
    for await (const { error } of reader.storage.verify()) expect(error).toBeNull();
    await reader.close();
  });

  it('goes on around a damaged segment', async () => {
    const on = await openFolder();
    await on.storage.createTable(define('t', FIELDS, 0));
    for (let batch = 0; batch < 6; batch++) {
      await append(on, range(batch * 30, 30), BigInt);
      await on.storage.flush();
    }
    await on.close();
    const segments = join(folder as string, 'segments');
    const [damaged] = readdirSync(segments).sort();
    const { readFileSync, writeFileSync } = await import('node:fs');
    const bytes = readFileSync(join(segments, damaged as string));
    for (let at = 0; at < bytes.length; at++) if (at > bytes.length / 4) bytes[at] = (bytes[at] as number) ^ 255;
    writeFileSync(join(segments, damaged as string), bytes);
    const again = await openFolder();
    await expect(again.storage.compact()).rejects.toMatchObject({ code: 'corrupt' });
    expect(shapes(again).map(({ rows }) => rows)).toEqual([30, 150]);
  });
});

type Step = (run: Run) => Promise<void> | void;

const STEPS: readonly (readonly [number, Step])[] = [
  [6, (run) => run.append(1 + run.below(60))],
  [2, (run) => run.append(200 + run.below(400))],
  [4, (run) => run.flush()],
  [6, (run) => run.compact()],
  [3, (run) => run.delete()],
  [3, (run) => run.keepDeletion()],
  [3, (run) => run.deleteKept()],
  [3, (run) => run.beginUpdate()],
  [3, (run) => run.commitUpdate()],
  [3, (run) => run.look()],
  [2, (run) => run.releaseLooks()],
  [1, (run) => run.truncate()],
  [1, (run) => run.alter()],
  [1, (run) => run.reopen()],
];

/** Steps one after the other, flushes and compactions beside them. */
class Run {
  private readonly rows = new Map<bigint, bigint>();
  private readonly random: () => number;
  private readonly path: string;
  private on: TestStorage;
  private beside: Promise<unknown>[] = [];
  private looks: { snapshot: Snapshot; rows: Map<bigint, bigint> }[] = [];
  private kept: { snapshot: Snapshot; scope: MemoryScope; deletions: TableDeletions[]; ids: bigint[] } | null = null;
  private update: { transaction: StorageTransaction; gone: bigint[]; added: Map<bigint, bigint> } | null = null;
  private nextId = 0n;
  private columns = 0;

  constructor(on: TestStorage, path: string, seed: number) {
    this.on = on;
    this.path = path;
    this.random = randomOf(seed);
  }

  below(n: number): number {
    return Math.floor(this.random() * n);
  }

  async run(): Promise<void> {
    const { usedBytes } = this.on.arena;
    const definition = define('t', FIELDS, this.below(4) === 0 ? null : 0);
    const isTimed = definition.timestampColumn !== null;
    const partitionBy = isTimed && this.below(2) === 0 ? 'hour' : 'none';
    await this.on.storage.createTable({ ...definition, partitionBy, clusterBy: this.below(3) === 0 ? [2] : [] });
    const all = STEPS.flatMap(([weight, step]) => Array.from({ length: weight }, () => step));
    for (let i = 0; i < 60; i++) await (all[this.below(all.length)] as Step)(this);
    await this.rest();
    await this.check();
    await this.on.storage.compact();
    await this.check();
    await this.on.storage.dropTable('t');
    await expect.poll(() => this.on.arena.usedBytes).toBeLessThanOrEqual(usedBytes + 128);
    if (this.path !== ':memory:') await expect.poll(() => readdirSync(join(this.path, 'segments'))).toEqual([]);
    await this.on.close();
  }

  close(): Promise<void> {
    return this.on.close();
  }

  async append(count: number): Promise<void> {
    const added = this.newRows(count);
    await appendRows(this.on, 't', FIELDS, columnsOf([...added].map(([id, time]) => rowOf(id, time))));
    for (const [id, time] of added) this.rows.set(id, time);
  }

  flush(): void {
    this.goOn(() => this.on.storage.flush());
  }

  compact(): void {
    const { storage } = this.on;
    this.goOn(async () => {
      await storage.flush();
      await storage.compact();
    });
  }

  /** Closing ends it. */
  private goOn(work: () => Promise<void>): void {
    this.beside.push(
      work().catch((error: unknown) => {
        if (!(error instanceof DbError) || error.code !== 'closed') throw error;
      }),
    );
  }

  async delete(): Promise<void> {
    await this.keepDeletion();
    await this.deleteKept();
  }

  /** Rows are chosen now, and deleted when segments may have become others. */
  async keepDeletion(): Promise<void> {
    if (this.kept !== null) return;
    const snapshot = this.on.storage.snapshot();
    const scope = new MemoryScope(this.on.arena);
    const every = BigInt(2 + this.below(8));
    this.kept = { snapshot, scope, ...(await marks(this.on, snapshot, scope, (id) => id % every === 0n)) };
  }

  async deleteKept(): Promise<void> {
    const { kept } = this;
    if (kept === null) return;
    this.kept = null;
    const there = kept.ids.filter((id) => this.rows.has(id)).length;
    const { rows } = await this.on.storage.deleteRows('t', kept.deletions);
    expect(rows).toBe(there);
    for (const id of kept.ids) this.rows.delete(id);
    kept.snapshot.release();
    kept.scope.release();
  }

  /** An UPDATE in a transaction: rows are removed, and put in again under other ids. */
  async beginUpdate(): Promise<void> {
    if (this.update !== null) return;
    const transaction = this.on.storage.begin();
    const snapshot = transaction.snapshot();
    const scope = new MemoryScope(this.on.arena);
    const rest = BigInt(this.below(9));
    const { deletions, ids } = await marks(this.on, snapshot, scope, (id) => id % 9n === rest);
    await transaction.deleteRows('t', deletions);
    const added = this.newRows(Math.min(300, ids.length));
    const session = transaction.openAppend('t');
    await addBatch(this.on, session, FIELDS, columnsOf([...added].map(([id, time]) => rowOf(id, time))));
    await session.commit();
    snapshot.release();
    scope.release();
    this.update = { transaction, gone: ids, added };
  }

  /** Compaction alone is never a reason for a conflict. */
  async commitUpdate(): Promise<void> {
    const { update } = this;
    if (update === null) return;
    this.update = null;
    const isHindered = update.gone.some((id) => !this.rows.has(id)) || this.isDisturbed;
    try {
      await update.transaction.commit();
    } catch (error) {
      if (!(error instanceof DbError) || error.code !== 'conflict' || !isHindered) throw error;
      return;
    } finally {
      this.isDisturbed = false;
    }
    for (const id of update.gone) this.rows.delete(id);
    for (const [id, time] of update.added) this.rows.set(id, time);
  }

  private isDisturbed = false;

  look(): void {
    this.looks.push({ snapshot: this.on.storage.snapshot(), rows: new Map(this.rows) });
  }

  async releaseLooks(): Promise<void> {
    for (const { snapshot, rows } of this.looks.splice(0)) {
      await this.check(snapshot, rows);
      snapshot.release();
    }
  }

  async truncate(): Promise<void> {
    if (this.below(3) > 0) return;
    await this.on.storage.truncateTable('t');
    this.rows.clear();
    this.isDisturbed = this.update !== null;
  }

  async alter(): Promise<void> {
    this.columns += 1;
    const column = { ...field(`more${this.columns}`, INT64), defaultSql: null, comment: null };
    await this.on.storage.alterTable('t', [{ kind: 'add_column', column, fill: null }]);
    this.isDisturbed = this.update !== null;
  }

  async reopen(): Promise<void> {
    if (this.path === ':memory:') return;
    await this.rest(this.below(2) === 0);
    await this.on.close();
    await Promise.allSettled(this.beside.splice(0));
    this.on = await openTest(this.path, RANDOM_SETTINGS);
    await this.check();
  }

  /** Ends what goes on beside. */
  private async rest(waits = true): Promise<void> {
    await this.deleteKept();
    await this.commitUpdate();
    await this.releaseLooks();
    if (waits) await Promise.all(this.beside.splice(0));
  }

  /** Times run on, some are late. */
  private newRows(count: number): Map<bigint, bigint> {
    const added = new Map<bigint, bigint>();
    for (let i = 0; i < count; i++) {
      const id = this.nextId++;
      const late = this.below(5) === 0 ? BigInt(this.below(4000)) : 0n;
      added.set(id, ((id / 3n - late) * HOUR) / 400n);
    }
    return added;
  }

  /** Each row is there once and is as it was sent; rows of equal times are in the order of their ids, so far as nothing was put in again. */
  private async check(snapshot?: Snapshot, wanted: ReadonlyMap<bigint, bigint> = this.rows): Promise<void> {
    const found = await readRows(this.on, 't', snapshot);
    for (const row of found) expect(row.slice(0, FIELDS.length)).toEqual(rowOf(row[1] as bigint, row[0] as bigint));
    const byId = (a: readonly [bigint, bigint], b: readonly [bigint, bigint]) => Number(a[0] - b[0]);
    expect(found.map((row) => [row[1], row[0]] as [bigint, bigint]).sort(byId)).toEqual([...wanted].sort(byId));
  }
}

describe.each(['disk', 'memory'])('a table on %s that is compacted all the time', (place) => {
  it('has every row once, in every snapshot, whatever else goes on', async () => {
    for (let seed = SEED; seed < SEED + SEEDS; seed++) {
      const path = place === 'disk' ? mkdtempSync(join(tmpdir(), 'fletch-compaction-')) : ':memory:';
      const run = new Run(await openTest(path, RANDOM_SETTINGS), path, seed);
      try {
        await run.run();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      } finally {
        await run.close();
        if (place === 'disk') rmSync(path, { recursive: true, force: true });
      }
    }
  }, 300_000);
});
