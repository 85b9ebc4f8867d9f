/**
 * Histories during which the n-th call to the files fails, or the power does: no acknowledged row is lost or doubled, no batch is torn, no file
 * is left over. FLETCH_FAULTS=all tries every n (else a part of them, another part for each FLETCH_SEED).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Value } from '../../src/core/batch.js';
import { systemEnvironment } from '../../src/core/environment.js';
import { DbError } from '../../src/core/errors.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import { FLOAT64, INT64, SYMBOL, TIMESTAMP_NS, UTF8 } from '../../src/core/types.js';
import { addBatch, define, field, openTest, readRows, type TestStorage } from './harness.js';
import { type Fault, randomOf, SimulatedFiles } from './simulated-files.js';

const FIELDS = [field('ts', TIMESTAMP_NS, false), field('id', INT64), field('sym', SYMBOL), field('note', UTF8), field('x', FLOAT64)];
const SETTINGS = { segment_rows: 64, dictionary_values: 20, memory_limit: '64MB' };
const STEPS = 10;
const SEED = Number(process.env.FLETCH_SEED ?? 1);
const STRIDE = process.env.FLETCH_FAULTS === 'all' ? 1 : 23;
/** The catalog's file is none of those that fail; it need not survive a loss of power either. */
const PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

type Step = (history: History) => Promise<void>;

/** What comes next, by weight. */
const KINDS: readonly (readonly [number, Step])[] = [
  [5, (history) => history.append(1 + history.below(40))],
  [2, (history) => history.append(65 + history.below(150))],
  [3, (history) => history.flush()],
  [3, (history) => history.compact()],
  [3, (history) => history.deleteEvery(2 + history.below(5))],
  [2, (history) => history.read()],
  [1, (history) => history.replace(1 + history.below(90))],
  [1, (history) => history.truncate()],
  [2, (history) => history.reopen()],
];

/** A table and the rows that it must have, which are told by their ids. */
class History {
  acknowledged = new Set<bigint>();
  /** What the rows are when the step that was going on has been carried out after all. */
  maybe: Set<bigint> | null = null;
  failures: DbError[] = [];
  files: SimulatedFiles;
  private readonly random: () => number;
  private readonly path: string;
  private test: TestStorage | null = null;
  private nextId = 0n;
  private isCreated = false;

  constructor(path: string, files: SimulatedFiles, seed: number) {
    this.path = path;
    this.files = files;
    this.random = randomOf(seed);
  }

  below(n: number): number {
    return Math.floor(this.random() * n);
  }

  async run(): Promise<void> {
    await this.attempt(async () => {
      this.test = await this.open();
      await this.test.storage.createTable({ ...define('t', FIELDS, 0), partitionBy: 'hour' });
      this.isCreated = true;
    });
    if (!this.isCreated) return;
    const all = KINDS.flatMap(([weight, step]) => Array.from({ length: weight }, () => step));
    for (let i = 0; i < STEPS; i++) await (all[this.below(all.length)] as Step)(this);
    await this.append(100);
    await this.compact();
    await this.read();
  }

  async append(rows: number): Promise<void> {
    const [first, columns] = this.newRows(rows);
    await this.change(this.with(first, rows), async ({ storage }, test) => {
      const session = storage.openAppend('t');
      await addBatch(test, session, FIELDS, columns);
      await session.commit();
    });
  }

  async replace(rows: number): Promise<void> {
    const [first, columns] = this.newRows(rows);
    const after = new Set(Array.from({ length: rows }, (_, i) => first + BigInt(i)));
    await this.change(after, async ({ storage }, test) => {
      const principal = { name: 'test', kind: 'embedded' } as const;
      const session = await storage.ingest.open('t', { fields: FIELDS }, { principal, create: false, mode: 'replace' });
      await addBatch(test, session, FIELDS, columns);
      await session.commit();
    });
  }

  async truncate(): Promise<void> {
    await this.change(new Set(), async ({ storage }) => void (await storage.truncateTable('t')));
  }

  async flush(): Promise<void> {
    await this.change(this.acknowledged, ({ storage }) => storage.flush('t'));
  }

  async compact(): Promise<void> {
    await this.flush();
    await this.change(this.acknowledged, ({ storage }) => storage.compact('t'));
  }

  async deleteEvery(n: number): Promise<void> {
    const after = new Set([...this.acknowledged].filter((id) => id % BigInt(n) !== 0n));
    await this.change(after, async ({ storage, arena }) => {
      const snapshot = storage.snapshot();
      const scope = new MemoryScope(arena);
      try {
        const view = snapshot.table('t');
        const deletions: { segmentId: number; rows: number }[] = [];
        for (const segment of view?.segments ?? []) {
          const pinned = await view?.pin(segment, [1]);
          const rows = scope.allocateZeroed(Math.ceil(segment.rowCount / 64) * 8);
          const ids = arena.i64.subarray((pinned?.columns[0]?.values ?? 0) / 8);
          for (let row = 0; row < segment.rowCount; row++) {
            if ((ids[row] as bigint) % BigInt(n) === 0n)
              arena.u8[rows + (row >> 3)] = (arena.u8[rows + (row >> 3)] as number) | (1 << (row & 7));
          }
          pinned?.release();
          deletions.push({ segmentId: segment.id, rows });
        }
        await storage.deleteRows('t', deletions);
      } finally {
        scope.release();
        snapshot.release();
      }
    });
  }

  /** Reading fails at most once: the fault is over then. */
  async read(): Promise<void> {
    if (this.test === null) return;
    await this.attempt(async () => {
      await this.check();
    });
  }

  async reopen(): Promise<void> {
    await this.close();
    await this.attempt(async () => {
      this.test = await this.open();
    });
  }

  async close(): Promise<void> {
    const { test } = this;
    this.test = null;
    if (test) await this.attempt(() => test.close());
  }

  /** Opens what the next process finds, looks at the rows, drops the table and looks for what is left over. */
  async inspect(files: SimulatedFiles): Promise<void> {
    this.files = files;
    this.test = await this.open();
    const { storage, arena } = this.test;
    if (this.isCreated) {
      await this.check();
      await storage.flush();
      await this.check();
      await storage.dropTable('t');
    }
    await this.test.close();
    expect(arena.usedBytes).toBeLessThanOrEqual(1024);
    expect(files.namesIn(join(this.path, 'segments'))).toEqual([]);
    expect(files.openFiles).toBe(0);
  }

  private open(): Promise<TestStorage> {
    return openTest(this.path, SETTINGS, { ...systemEnvironment, files: this.files });
  }

  /** The rows are those that were acknowledged, or those after the step that was going on, and each is as it was sent. */
  private async check(): Promise<void> {
    const { test } = this;
    if (test === null) return;
    const rows = await readRows(test, 't');
    for (const row of rows) expect(row).toEqual(rowOf(row[1] as bigint));
    const ids = rows.map((row) => row[1] as bigint);
    const found = new Set(ids);
    expect(found.size).toBe(ids.length);
    const isAfter = this.maybe !== null && sameIds(found, this.maybe);
    if (!isAfter) expect([...found].sort()).toEqual([...this.acknowledged].sort());
    this.acknowledged = found;
    this.maybe = null;
  }

  private async change(after: Set<bigint>, action: (test: TestStorage, same: TestStorage) => Promise<void>): Promise<void> {
    const { test } = this;
    if (test === null) return;
    const isDone = await this.attempt(() => action(test, test));
    if (isDone) this.acknowledged = after;
    else if (this.maybe === null) this.maybe = after;
  }

  private async attempt(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      this.failures.push(error);
      return false;
    }
  }

  private newRows(rows: number): [bigint, Value[][]] {
    const first = this.nextId;
    this.nextId += BigInt(rows);
    const values = Array.from({ length: rows }, (_, i) => rowOf(first + BigInt(i)));
    return [first, FIELDS.map((_, c) => values.map((row) => row[c] ?? null))];
  }

  private with(first: bigint, rows: number): Set<bigint> {
    return new Set([...this.acknowledged, ...Array.from({ length: rows }, (_, i) => first + BigInt(i))]);
  }
}

/** Times go to and fro over some hours. */
function rowOf(id: bigint): Value[] {
  const time = ((id * 7919n) % 40n) * 300_000_000_000n + id;
  return [time, id, `s${id % 7n}`, id % 3n === 0n ? null : `note ${id}`, id % 5n === 0n ? null : Number(id) / 8];
}

function sameIds(a: ReadonlySet<bigint>, b: ReadonlySet<bigint>): boolean {
  return a.size === b.size && [...a].every((id) => b.has(id));
}

async function emptyFiles(path: string): Promise<SimulatedFiles> {
  const files = new SimulatedFiles();
  await files.makeFolder(join(path, 'catalog'));
  for (let at = path; at !== '/'; at = join(at, '..')) await files.syncFolder(at);
  await files.syncFolder('/');
  return files.afterExit();
}

/** Runs a history in which call number `at` fails. Gives how many calls there were. */
async function runWith(seed: number, fault: Fault | null, at: number): Promise<number> {
  const path = mkdtempSync(join(PLACE, 'fletch-faults-'));
  try {
    const files = (await emptyFiles(path)).afterExit(fault, at);
    const history = new History(path, files, seed);
    await history.run();
    await history.close();
    const left = history.files;
    if (fault === null || fault === 'short') expect(history.failures).toEqual([]);
    expect(left.openFiles).toBe(0);
    const { calls } = left;
    await history.inspect(fault === 'crash' || at % 2 === 0 ? left.afterCrash(randomOf(seed * 1000 + at)) : left.afterExit());
    return calls;
  } catch (error) {
    throw new Error(`seed ${seed}, ${fault} at call ${at}`, { cause: error });
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

describe.each(['short', 'EIO', 'ENOSPC', 'crash'] as const)('%s at any call', (fault) => {
  it('loses, doubles and tears nothing', async () => {
    for (const seed of [SEED, SEED + 1]) {
      const calls = await runWith(seed, null, 0);
      expect(calls).toBeGreaterThan(30);
      for (let at = 1 + (SEED % STRIDE); at <= calls; at += STRIDE) await runWith(seed, fault, at);
    }
  }, 600_000);
});
