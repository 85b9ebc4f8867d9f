/** Backups of folders that are being written, and what becomes of them when something fails. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemEnvironment } from '../../src/core/environment.js';
import { type Files, systemFiles } from '../../src/core/files.js';
import { settingsWith } from '../../src/core/settings.js';
import { backUpDatabase } from '../../src/database.js';
import { open } from '../../src/index.js';
import { readManifests } from '../../src/storage/backup/backup-manifest.js';
import { findBackup, restoreBackup } from '../../src/storage/backup/restore.js';

let folder: string;
let source: string;
let target: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fletch-backup-'));
  source = join(folder, 'db');
  target = join(folder, 'backups');
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    const ended = new Promise((resolve) => child.once('close', resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

const cli = join(import.meta.dirname, '..', '..', 'dist', 'src', 'cli', 'main.js');

function backUp(keep = 0, files: Files = systemFiles) {
  return backUpDatabase(settingsWith({ path: source, memory_limit: '64MB' }), target, keep, { ...systemEnvironment, files });
}

async function restored(number?: number): Promise<string> {
  const place = join(folder, `restored-${readdirSync(folder).length}`);
  await restoreBackup(systemFiles, target, await findBackup(systemFiles, target, number), place);
  return place;
}

async function rowsOf(path: string, sql: string): Promise<Record<string, unknown>[]> {
  const db = await open({ path, threads: 0 });
  try {
    return (await (await db.query(sql)).toRows()) as Record<string, unknown>[];
  } finally {
    await db.close();
  }
}

async function write(...statements: string[]): Promise<void> {
  const db = await open({ path: source, threads: 0, segment_rows: 1024, seal_after_ms: 0 });
  for (const sql of statements) await db.exec(sql);
  await db.close();
}

const TABLE = 'CREATE TABLE t (ts TIMESTAMP, id BIGINT, sym SYMBOL, note TEXT) TIMESTAMP(ts)';
const CONTENT = 'SELECT count(*) AS rows, sum(id) AS ids, count(DISTINCT sym) AS syms, max(note) AS note FROM t';

function insert(first: number, count: number): string {
  return `INSERT INTO t SELECT TIMESTAMP '2026-01-01' + INTERVAL '1 second' * g, g, 'S' || g % 7, 'note ' || g FROM generate_series(${first}, ${first + count - 1}) s(g)`;
}

/** A server of the folder in a process of its own. */
async function serve(): Promise<string> {
  const child = spawn(
    process.execPath,
    [cli, 'serve', '--path', source, '--http-port', '0', '--no-flight', '--segment-rows', '512', '--threads', '1'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^http\s+(\S+)/.exec(line) ?? [];
    if (url) return url;
  }
  throw new Error('the server ended');
}

async function post(url: string, sql: string): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: sql });
  if (!answer.ok) throw new Error(await answer.text());
  await answer.arrayBuffer();
}

describe('a backup', () => {
  test('of a folder that is written meanwhile has every row acknowledged before it, and no torn batch', async () => {
    const url = await serve();
    await post(url, 'CREATE TABLE w (writer INT, batch INT, part INT)');
    const acknowledged = [0, 0, 0];
    let isOver = false;
    const writers = acknowledged.map(async (_, writer) => {
      for (let batch = 1; !isOver; batch++) {
        await post(url, `INSERT INTO w SELECT ${writer}, ${batch}, g FROM generate_series(1, 50) s(g)`);
        acknowledged[writer] = batch;
      }
    });
    try {
      while (acknowledged.includes(0)) await new Promise((resolve) => setTimeout(resolve, 20));
      for (let round = 1; round <= 4; round++) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        const before = [...acknowledged];
        await backUp();
        const after = [...acknowledged];
        const batches = await rowsOf(
          await restored(),
          'SELECT writer, max(batch) AS last, count(DISTINCT batch) AS batches, count(*) AS rows, sum(part) AS parts FROM w GROUP BY writer ORDER BY writer',
        );
        for (const row of batches) {
          const [writer, last] = [Number(row.writer), Number(row.last)];
          expect(row).toMatchObject({ batches: BigInt(last), rows: BigInt(50 * last), parts: BigInt(1275 * last) });
          expect(last).toBeGreaterThanOrEqual(before[writer] ?? 0);
          // One may have been committed and not yet acknowledged.
          expect(last).toBeLessThanOrEqual((after[writer] ?? 0) + 1);
        }
        expect(batches).toHaveLength(3);
      }
    } finally {
      isOver = true;
      await Promise.all(writers);
    }
  });

  test('has the rows of its beginning although all are replaced while it copies', async () => {
    const url = await serve();
    await post(url, TABLE);
    await post(url, insert(1, 4000));
    let copied = 0;
    const files: Files = {
      ...systemFiles,
      open: async (path, use) => {
        if (use === 'read' && path.startsWith(join(source, 'segments')) && copied++ === 0) {
          await post(url, `TRUNCATE t; ${insert(5001, 3000)}`);
          await new Promise((resolve) => setTimeout(resolve, 1200));
        }
        return systemFiles.open(path, use);
      },
    };
    const { manifest } = await backUp(0, files);
    expect(copied).toBe(manifest.segments.length);
    expect(await rowsOf(await restored(), CONTENT)).toMatchObject([{ rows: 4000n, note: 'note 999' }]);
    await backUp();
    expect(await rowsOf(await restored(), CONTENT)).toMatchObject([{ rows: 3000n, note: 'note 8000' }]);
  });

  test('begins anew when a file is gone all the same', async () => {
    const url = await serve();
    await post(url, TABLE);
    await post(url, insert(1, 4000));
    let opened = 0;
    const files: Files = {
      ...systemFiles,
      open: async (path, use) => {
        if (use === 'read' && path.startsWith(join(source, 'segments')) && opened++ === 1) {
          await post(url, `TRUNCATE t; ${insert(5001, 3000)}`);
          throw Object.assign(new Error('gone'), { code: 'ENOENT' });
        }
        return systemFiles.open(path, use);
      },
    };
    const { manifest } = await backUp(0, files);
    expect(await rowsOf(await restored(), CONTENT)).toMatchObject([{ rows: 3000n, note: 'note 8000' }]);
    expect(new Set(readdirSync(join(target, 'segments')))).toEqual(new Set(manifest.segments.map(({ name }) => name)));
  });

  test('copies what is new since the one before, and older ones stay what they were', async () => {
    await write(TABLE, insert(1, 3000), 'CREATE VIEW v AS SELECT count(*) AS n FROM t');
    const first = await backUp();
    await write(insert(3001, 3000), 'DELETE FROM t WHERE id % 10 = 0', "INSERT INTO t VALUES (now(), -1, 'tail', 'tail')");
    const second = await backUp();
    await write('CREATE TABLE other AS SELECT 1 AS x', 'DROP VIEW v', 'TRUNCATE t', insert(1, 10));
    const third = await backUp();
    const again = await backUp();
    expect(first.copiedFiles).toBeGreaterThan(1);
    expect(second.manifest.segments.length).toBeGreaterThan(first.manifest.segments.length);
    expect(second.copiedFiles).toBe(second.manifest.segments.length - first.manifest.segments.length);
    expect(again.copiedFiles).toBe(0);
    expect(await rowsOf(await restored(1), CONTENT)).toMatchObject([{ rows: 3000n, ids: 4501500n, syms: 7n, note: 'note 999' }]);
    expect(await rowsOf(await restored(2), 'SELECT * FROM v')).toEqual([{ n: 5401n }]);
    expect(await rowsOf(await restored(2), "SELECT note FROM t WHERE sym = 'tail'")).toEqual([{ note: 'tail' }]);
    expect(await rowsOf(await restored(third.manifest.number), CONTENT)).toMatchObject([{ rows: 10n, ids: 55n }]);
    expect(await rowsOf(await restored(), 'SELECT x FROM other')).toEqual([{ x: 1n }]);
    await expect(restored(9)).rejects.toMatchObject({ code: 'not_found' });
    const { removed } = await backUp(2);
    expect(removed).toEqual([1, 2, 3]);
    const named = new Set(again.manifest.segments.map(({ name }) => name));
    expect(new Set(readdirSync(join(target, 'segments')))).toEqual(named);
    expect(await rowsOf(await restored(4), CONTENT)).toMatchObject([{ rows: 10n }]);
  });

  test('of a folder that is restored and written on goes on', async () => {
    await write(TABLE, insert(1, 2000));
    await backUp();
    source = await restored();
    await write(insert(2001, 2000));
    await backUp();
    expect(await rowsOf(await restored(), CONTENT)).toMatchObject([{ rows: 4000n, ids: 8002000n }]);
  });

  test('that is killed leaves the ones before it, and the next one clears away what it left', async () => {
    await write(TABLE, insert(1, 20_000));
    await backUp();
    await write(insert(20_001, 40_000));
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, [cli, 'backup', target, '--path', source], { stdio: 'ignore' });
      const ended = new Promise((resolve) => child.once('close', resolve));
      const begun = performance.now();
      // Some are killed as soon as they write, some later.
      while (!existsSync(join(target, 'catalog-2')) && performance.now() - begun < 20_000)
        await new Promise((resolve) => setTimeout(resolve, 2));
      await new Promise((resolve) => setTimeout(resolve, round * 6));
      child.kill('SIGKILL');
      await ended;
      if (existsSync(join(target, 'backup-2.json'))) break;
      expect(await rowsOf(await restored(), CONTENT)).toMatchObject([{ rows: 20_000n }]);
    }
    await backUp();
    expect(await rowsOf(await restored(), CONTENT)).toMatchObject([{ rows: 60_000n }]);
    const named = (await readManifests(systemFiles, target)).flatMap(({ segments }) => segments.map(({ name }) => name));
    expect(new Set(readdirSync(join(target, 'segments')))).toEqual(new Set(named));
  });

  test('that meets a full disk or an error, wherever, leaves the ones before it, and works when the cause is gone', async () => {
    await write(TABLE, insert(1, 2000));
    await backUp();
    await write(insert(2001, 2000));
    for (const code of ['ENOSPC', 'EIO'] as const) {
      for (let at = 1; ; at++) {
        let calls = 0;
        const fail = (): void => {
          if (++calls === at) throw Object.assign(new Error(`${code}: made up`), { code });
        };
        const files: Files = {
          ...systemFiles,
          open: async (path, use) => {
            const handle = await systemFiles.open(path, use);
            if (use === 'read' && code === 'ENOSPC') return handle;
            return {
              ...handle,
              write: async (from, begin, count) => {
                fail();
                return handle.write(from, begin, count);
              },
              sync: async () => {
                fail();
                return handle.sync();
              },
            };
          },
          rename: async (from, to) => {
            fail();
            return systemFiles.rename(from, to);
          },
        };
        const outcome = await backUp(0, files).catch((error: unknown) => error);
        if (calls < at) break;
        expect(outcome).toMatchObject({ code: code === 'ENOSPC' ? 'read_only' : 'io_error' });
        expect(readdirSync(target).filter((name) => /^backup-\d+\.json$/.test(name))).toEqual(['backup-1.json']);
        expect(existsSync(join(target, 'catalog-2'))).toBe(false);
      }
      expect(await rowsOf(await restored(), CONTENT)).toMatchObject([{ rows: 4000n }]);
      expect(await rowsOf(await restored(1), CONTENT)).toMatchObject([{ rows: 2000n }]);
      rmSync(join(target, 'backup-2.json'));
      rmSync(join(target, 'catalog-2'), { recursive: true });
    }
  });

  test('refuses a database that is damaged, naming the file, and a target that cannot be', async () => {
    await write(TABLE, insert(1, 2000));
    const [name = ''] = readdirSync(join(source, 'segments')).sort();
    const file = join(source, 'segments', name);
    const bytes = readFileSync(file);
    const changed = Buffer.from(bytes);
    // The values 33 and 34 of the column id.
    const wanted = Buffer.alloc(16);
    wanted.writeBigInt64LE(33n);
    wanted.writeBigInt64LE(34n, 8);
    changed[changed.indexOf(wanted)] = 99;
    writeFileSync(file, changed);
    await expect(backUp()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(name) });
    rmSync(file);
    await expect(backUp()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(name) });
    writeFileSync(file, bytes);
    expect((await backUp()).manifest.number).toBe(1);
    target = join(source, 'backups');
    await expect(backUp()).rejects.toMatchObject({ code: 'invalid_argument' });
    target = join(folder, 'elsewhere');
    source = join(folder, 'nothing');
    await expect(backUp()).rejects.toMatchObject({ code: 'not_found' });
    expect(existsSync(target)).toBe(false);
  });
});

describe('a restore', () => {
  test('refuses a backup with a damaged or missing file, naming it, and makes no folder', async () => {
    await write(TABLE, insert(1, 2000));
    const { manifest } = await backUp();
    const segment = join('segments', manifest.segments[0]?.name ?? '');
    const place = join(folder, 'new');
    const restore = async () => restoreBackup(systemFiles, target, await findBackup(systemFiles, target), place);
    for (const path of [segment, manifest.catalog.name, 'backup-1.json']) {
      const file = join(target, path);
      const bytes = readFileSync(file);
      for (const at of [0, bytes.length >> 1, bytes.length - 2]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 0x10;
        writeFileSync(file, changed);
        await expect(restore()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(path) });
      }
      writeFileSync(file, bytes.subarray(0, -1));
      await expect(restore()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(path) });
      rmSync(file);
      const missing = path === 'backup-1.json' ? { code: 'not_found' } : { code: 'corrupt', message: expect.stringContaining(path) };
      await expect(restore()).rejects.toMatchObject(missing);
      writeFileSync(file, bytes);
      expect(existsSync(place)).toBe(false);
      expect(existsSync(`${place}.restoring`)).toBe(false);
    }
    await restore();
    expect(await rowsOf(place, CONTENT)).toMatchObject([{ rows: 2000n }]);
    await expect(restore()).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('not empty') });
  });
});
