/** The levels of durability. A copy of the folder is what the next process finds after a kill. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Settings } from '../../src/core/settings.js';
import { parseSetting } from '../../src/core/settings.js';
import { INT64, SYMBOL } from '../../src/core/types.js';
import { appendRows, define, field, openTest, readRows, type TestStorage } from './harness.js';

type Level = Settings['durability'];

const FIELDS = [field('id', INT64, false), field('sym', SYMBOL)];
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fletch-durability-'));
  folders.push(folder);
  return folder;
}

async function openAt(path: string, durability: Level, more: Record<string, number> = {}): Promise<TestStorage> {
  const test = await openTest(path, { durability, segment_rows: 128, ...more });
  await test.storage.createTable(define('t', FIELDS));
  return test;
}

const append = (test: TestStorage, first: number, rows: number) => {
  const ids = Array.from({ length: rows }, (_, i) => BigInt(first + i));
  return appendRows(test, 't', FIELDS, [ids, ids.map((id) => `s${id}`)]);
};

async function idsOf(test: TestStorage): Promise<number[]> {
  const rows = await readRows(test, 't');
  for (const [id, sym] of rows) expect(sym).toBe(`s${id}`);
  return rows.map(([id]) => Number(id)).sort((a, b) => a - b);
}

/** The ids that are there when the process is killed now. */
async function idsAfterKill(path: string): Promise<number[]> {
  const copy = newFolder();
  cpSync(path, copy, { recursive: true, filter: (file) => !file.endsWith('.lock') });
  const test = await openTest(copy, { segment_rows: 128 });
  const ids = await idsOf(test);
  await test.close();
  return ids;
}

async function deleteFirst(test: TestStorage): Promise<void> {
  const snapshot = test.storage.snapshot();
  const [segment] = snapshot.table('t')?.segments ?? [];
  if (segment === undefined) throw new Error('a segment');
  const rows = test.arena.allocate(Math.ceil(segment.rowCount / 64) * 8);
  test.arena.u8.fill(0, rows, rows + Math.ceil(segment.rowCount / 64) * 8);
  test.arena.u8[rows] = 1;
  await test.storage.deleteRows('t', [{ segmentId: segment.id, rows }]);
  test.arena.free(rows);
  snapshot.release();
}

const upTo = (rows: number) => Array.from({ length: rows }, (_, i) => i);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('durability fsync', () => {
  it('has every acknowledged row on disk', async () => {
    const path = newFolder();
    const test = await openAt(path, 'fsync');
    await append(test, 0, 10);
    expect(test.storage.statistics()).toMatchObject({ durability: 'fsync', waitingBytes: 0 });
    expect(await idsAfterKill(path)).toEqual(upTo(10));
    await test.close();
  });
});

describe('durability group', () => {
  it('shows rows at once and has them on disk when the time is over', async () => {
    const path = newFolder();
    const test = await openAt(path, 'group', { group_commit_ms: 150 });
    for (let i = 0; i < 5; i++) await append(test, i * 10, 10);
    expect(await idsOf(test)).toEqual(upTo(50));
    const { waitingBytes } = test.storage.statistics();
    if (waitingBytes > 0) expect((await idsAfterKill(path)).length).toBeLessThanOrEqual(50);
    await sleep(400);
    expect(test.storage.statistics().waitingBytes).toBe(0);
    expect(await idsAfterKill(path)).toEqual(upTo(50));
    await test.close();
  });

  it('lets a process that ends without closing finish what it has acknowledged', async () => {
    const path = newFolder();
    const test = await openAt(path, 'group', { group_commit_ms: 1 });
    for (let i = 0; i < 100; i++) await append(test, i, 1);
    await sleep(100);
    expect(await idsAfterKill(path)).toEqual(upTo(100));
    await test.close();
  });
});

describe('durability memory', () => {
  it('keeps rows in memory until the closing', async () => {
    const path = newFolder();
    const test = await openAt(path, 'memory');
    await append(test, 0, 10);
    await append(test, 10, 10);
    expect(await idsOf(test)).toEqual(upTo(20));
    expect(test.storage.statistics().waitingBytes).toBeGreaterThan(200);
    expect(await idsAfterKill(path)).toEqual([]);
    await test.close();
    expect(await idsAfterKill(path)).toEqual(upTo(20));
  });

  it('writes what waits together with a changed definition, a sealed segment, and when it is flushed', async () => {
    const path = newFolder();
    const test = await openAt(path, 'memory');
    await append(test, 0, 10);
    await test.storage.createTable(define('other', FIELDS));
    expect(await idsAfterKill(path)).toEqual(upTo(10));
    await append(test, 10, 10);
    await deleteFirst(test);
    expect(await idsAfterKill(path)).toEqual(upTo(10));
    await test.storage.flush();
    expect(await idsAfterKill(path)).toEqual(upTo(20).slice(1));
    await append(test, 20, 100);
    await append(test, 120, 100);
    for (let i = 0; i < 100 && test.storage.statistics().sealedSegments < 2; i++) await sleep(20);
    expect((await idsAfterKill(path)).length).toBeGreaterThanOrEqual(119);
    await test.close();
    expect(await idsAfterKill(path)).toEqual(upTo(220).slice(1));
  });

  it('forgets what waits of a table that is emptied, and of rows that a bulk load replaces', async () => {
    const path = newFolder();
    const test = await openAt(path, 'memory');
    await append(test, 0, 10);
    await test.storage.truncateTable('t');
    expect(await idsAfterKill(path)).toEqual([]);
    await append(test, 0, 10);
    await append(test, 10, 600);
    expect(await idsAfterKill(path)).toEqual(upTo(610));
    await append(test, 610, 1);
    await test.storage.dropTable('t');
    await test.storage.createTable(define('t', FIELDS));
    expect(await idsAfterKill(path)).toEqual([]);
    await test.close();
  });

  it('keeps every prefix of a history whole: rows of a later commit are never there without those of an earlier one', async () => {
    const path = newFolder();
    const test = await openAt(path, 'memory');
    let next = 0;
    let longest = 0;
    for (let step = 0; step < 60; step++) {
      const rows = 1 + ((step * 7) % 40);
      await append(test, next, rows);
      next += rows;
      if (step % 9 === 8) await test.storage.createSchema(`s${step}`);
      if (step % 6 !== 5) continue;
      const ids = await idsAfterKill(path);
      expect(ids).toEqual(upTo(ids.length));
      expect(ids.length).toBeGreaterThanOrEqual(longest);
      longest = ids.length;
    }
    expect(longest).toBeGreaterThan(300);
    await test.close();
    expect(await idsAfterKill(path)).toEqual(upTo(next));
  });
});

it('a level of another name is refused', () => {
  expect(() => parseSetting('durability', 'sometimes')).toThrow(/none of fsync, group, memory/);
});
