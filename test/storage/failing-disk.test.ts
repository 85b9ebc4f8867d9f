/**
 * A disk that fails, and one that is really full: a small tmpfs is mounted, which takes root on Linux. Where that is impossible those tests are
 * skipped, and say so.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Environment, systemEnvironment } from '../../src/core/environment.js';
import type { DbError } from '../../src/core/errors.js';
import type { OpenFile } from '../../src/core/files.js';
import { settingsWith } from '../../src/core/settings.js';
import { INT64, UTF8 } from '../../src/core/types.js';
import { backUpDatabase } from '../../src/database.js';
import { appendRows, define, field, openTest, readRows, type TestStorage } from './harness.js';

const FIELDS = [field('id', INT64, false), field('text', UTF8)];
const MOUNT = mkdtempSync(join(tmpdir(), 'fletch-small-disk-'));
/** No dictionary, which each segment file would hold a copy of. */
const PLAIN = { segment_rows: 512, dictionary_values: 0 };
const SIZE_BYTES = 48 << 20;
/** What is freed later has room for everything once more: rows of the tail are written into files. */
const FILLER_BYTES = 34 << 20;
const canMount =
  process.platform === 'linux' && spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_BYTES}`, 'tmpfs', MOUNT]).status === 0;
if (!canMount) console.warn('a tmpfs cannot be mounted here (it takes root): tests of a full disk are skipped');

afterAll(() => {
  if (canMount) spawnSync('umount', [MOUNT]);
  rmSync(MOUNT, { recursive: true, force: true });
});

/** Text that takes its room in the tail and in a file. */
const append = (test: TestStorage, table: string, first: number, rows: number) => {
  const ids = Array.from({ length: rows }, (_, i) => BigInt(first + i));
  return appendRows(test, table, FIELDS, [ids, ids.map((id) => `${id} `.padEnd(500, `${id}`))]);
};

async function idsOf(test: TestStorage, table: string): Promise<number[]> {
  const rows = await readRows(test, table);
  for (const [id, text] of rows) if (text !== `${id} `.padEnd(500, `${id}`)) throw new Error(`row ${id} has another text`);
  return rows.map(([id]) => Number(id)).sort((a, b) => a - b);
}

const upTo = (rows: number) => Array.from({ length: rows }, (_, i) => i);

describe('after a failed sync of a segment file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fletch-failed-sync-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['of the file', 'file'],
    ['of its folder', 'folder'],
  ] as const)('%s the table takes no more writes, others do, all are read, and an opening takes writes again', async (_, what) => {
    const path = join(folder, what);
    mkdirSync(path);
    const failing = { isOn: false };
    const test = await openTest(path, { segment_rows: 64, compaction: false }, withFailingSyncs(failing, what));
    for (const name of ['t', 'other']) {
      await test.storage.createTable(define(name, FIELDS));
      await append(test, name, 0, 10);
    }
    failing.isOn = true;
    await expect(test.storage.flush('t')).rejects.toMatchObject({ code: 'read_only', message: expect.stringContaining('EIO') });
    failing.isOn = false;
    const refused = { code: 'read_only', message: expect.stringContaining('table "t" takes no writes since one failed') };
    await expect(append(test, 't', 10, 1)).rejects.toMatchObject(refused);
    await expect(test.storage.truncateTable('t')).rejects.toMatchObject(refused);
    await expect(test.storage.compact('t')).rejects.toMatchObject(refused);
    await append(test, 'other', 10, 10);
    await test.storage.flush('other');
    expect(test.storage.statistics()).toMatchObject({ readOnlyTables: 1, sealedSegments: 1 });
    expect(await idsOf(test, 't')).toEqual(upTo(10));
    expect(await idsOf(test, 'other')).toEqual(upTo(20));
    await test.close();
    const again = await openTest(path, { segment_rows: 64, compaction: false });
    await append(again, 't', 10, 10);
    await again.storage.flush();
    expect(await idsOf(again, 't')).toEqual(upTo(20));
    expect(again.storage.statistics().readOnlyTables).toBe(0);
    await again.close();
  });

  it('of a bulk load nothing of the load is there, and the table can still be dropped', async () => {
    const failing = { isOn: false };
    const test = await openTest(join(folder, 'bulk'), { segment_rows: 64 }, withFailingSyncs(failing, 'file'));
    await test.storage.createTable(define('t', FIELDS));
    await append(test, 't', 0, 10);
    failing.isOn = true;
    await expect(append(test, 't', 10, 300)).rejects.toMatchObject({ code: 'io_error' });
    await expect(append(test, 't', 10, 1)).rejects.toMatchObject({ code: 'read_only' });
    expect(await idsOf(test, 't')).toEqual(upTo(10));
    await test.storage.dropTable('t');
    await test.close();
  });
});

function withFailingSyncs(failing: { isOn: boolean }, what: 'file' | 'folder'): Environment {
  const { files } = systemEnvironment;
  const fail = () => Promise.reject(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }));
  const open = async (path: string, use: 'read' | 'write'): Promise<OpenFile> => {
    const handle = await files.open(path, use);
    return { ...handle, sync: () => (failing.isOn && what === 'file' ? fail() : handle.sync()) };
  };
  const syncFolder = (path: string) => (failing.isOn && what === 'folder' ? fail() : files.syncFolder(path));
  return { ...systemEnvironment, files: { ...files, open, syncFolder } };
}

describe.runIf(canMount)('on a disk that is full', () => {
  const filler = join(MOUNT, 'filler');
  const path = join(MOUNT, 'db');
  let test: TestStorage | null = null;

  afterEach(async () => {
    await test?.close();
    test = null;
    for (const name of readdirSync(MOUNT)) rmSync(join(MOUNT, name), { recursive: true });
  });

  /** Appends until it is refused; gives the rows that are there, and why. */
  async function fill(to: TestStorage): Promise<[rows: number, refusal: DbError]> {
    for (let rows = 0; rows < 100_000; rows += 100) {
      try {
        await append(to, 't', rows, 100);
      } catch (error) {
        return [rows, error as DbError];
      }
    }
    throw new Error('the disk is never full');
  }

  function takeRoom(): void {
    writeFileSync(filler, Buffer.alloc(FILLER_BYTES));
    const { bavail, bsize } = statfsSync(MOUNT);
    expect(bavail * bsize).toBeLessThanOrEqual(SIZE_BYTES - FILLER_BYTES);
  }

  it.each(['fsync', 'group', 'memory'] as const)(
    'writes are refused, reads go on, and writes resume when there is room: %s',
    async (durability) => {
      takeRoom();
      test = await openTest(path, { ...PLAIN, durability });
      await test.storage.createTable(define('t', FIELDS));
      const [rows, refusal] = await fill(test);
      expect(refusal).toMatchObject({ code: 'read_only', message: expect.stringContaining('full') });
      expect(rows).toBeGreaterThan(500);
      expect(await idsOf(test, 't')).toEqual(upTo(rows));
      rmSync(filler);
      await append(test, 't', rows, 100);
      await test.storage.flush();
      expect(await idsOf(test, 't')).toEqual(upTo(rows + 100));
      await test.close();
      test = await openTest(path, PLAIN);
      expect(await idsOf(test, 't')).toEqual(upTo(rows + 100));
    },
  );

  it('a backup says so, leaves the one before it, and works when there is room', async () => {
    const target = join(MOUNT, 'backups');
    const settings = settingsWith({ path: join(tmpdir(), `fletch-backed-up-${process.pid}`), memory_limit: '64MB' });
    const source = await openTest(settings.path, PLAIN);
    try {
      await source.storage.createTable(define('t', FIELDS));
      await append(source, 't', 0, 600);
      expect(await backUpDatabase(settings, target)).toMatchObject({ manifest: { number: 1 } });
      await append(source, 't', 600, 2000);
      const { bavail, bsize } = statfsSync(MOUNT);
      writeFileSync(filler, Buffer.alloc(bavail * bsize - (1 << 19)));
      await expect(backUpDatabase(settings, target)).rejects.toMatchObject({ code: 'read_only' });
      rmSync(filler);
      expect(await backUpDatabase(settings, target)).toMatchObject({ manifest: { number: 2 } });
    } finally {
      await source.close();
      rmSync(settings.path, { recursive: true, force: true });
    }
  });
});
