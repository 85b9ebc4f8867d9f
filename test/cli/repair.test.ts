import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { open as openLmdb } from 'lmdb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/command.js';
import { open } from '../../src/index.js';

const folders: string[] = [];
let sound = '';
let path = '';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fletch-repair-'));
  folders.push(folder);
  return folder;
}

/** t: segments of 64 rows for each of four days, with deleted rows on the third, then 16 rows in the tail. other: a segment. */
beforeAll(async () => {
  sound = newFolder();
  const db = await open({ path: sound, threads: 0, segment_rows: 64, seal_after_ms: 0, compaction: false });
  await db.exec('CREATE TABLE t (ts TIMESTAMP NOT NULL, id BIGINT, sym SYMBOL, note TEXT) TIMESTAMP(ts)');
  await db.exec('CREATE TABLE other (id BIGINT)');
  await db.exec('CREATE VIEW v AS SELECT 1 AS one');
  for (let day = 0; day < 5; day++) {
    await db.exec(`INSERT INTO t SELECT TIMESTAMP '2025-01-01' + INTERVAL '${day} days' + i * INTERVAL '1 minute', ${day * 100} + i, 's' || i % 3, 'note ' || ${day * 100} + i
      FROM generate_series(1, ${day === 4 ? 16 : 64}) AS g(i)`);
  }
  await db.exec('INSERT INTO other SELECT i FROM generate_series(1, 64) AS g(i)');
  await db.exec('DELETE FROM t WHERE id IN (205, 206)');
  await db.close();
});
afterEach(() => rmSync(path, { recursive: true, force: true }));
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function damagedCopy(): string {
  path = newFolder();
  cpSync(sound, path, { recursive: true });
  return path;
}

async function fletch(...args: string[]) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const collected = { out: '', err: '' };
  output.on('data', (part: Buffer) => (collected.out += part.toString()));
  errors.on('data', (part: Buffer) => (collected.err += part.toString()));
  const io = { input: Object.assign(Readable.from([]), { isTTY: false }), output, errors, variables: {} };
  const code = await runCommandLine([...args, '--path', path], io);
  return { code, ...collected };
}

async function query(sql: string, readOnly = true): Promise<unknown[]> {
  const db = await open({ path, threads: 0, read_only: readOnly });
  try {
    return await (await db.query(sql)).toRows();
  } finally {
    await db.close();
  }
}

/** Days whose rows are there, and how many. */
const days = async (readOnly = true) =>
  (await query('SELECT (id / 100)::INT AS day, count(*)::INT AS n FROM t GROUP BY 1 ORDER BY 1', readOnly)).map((row) =>
    Object.values(row as object),
  );

const SOUND_DAYS = [
  [0, 64],
  [1, 64],
  [2, 62],
  [3, 64],
  [4, 16],
];
const without = (...gone: number[]) => SOUND_DAYS.filter(([day = -1]) => !gone.includes(day));

/** The name of the segment file that has an id in it, and where. */
function fileWith(id: bigint): { name: string; at: number } {
  const wanted = Buffer.alloc(16);
  wanted.writeBigInt64LE(id);
  wanted.writeBigInt64LE(id + 1n, 8);
  for (const name of readdirSync(join(path, 'segments'))) {
    const at = readFileSync(join(path, 'segments', name)).indexOf(wanted);
    if (at >= 0) return { name, at };
  }
  throw new Error(`no file has ${id}`);
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file, bytes);
}

async function damageRecord(store: string, isWanted: (key: number[]) => boolean = () => true): Promise<void> {
  const root = openLmdb({ path: join(path, 'catalog'), maxDbs: 16, encoding: 'binary' });
  const records = root.openDB({ name: store, encoding: 'binary' });
  const [first] = [...records.getRange({})].filter(({ key }) => isWanted(key as unknown as number[]));
  if (first === undefined) throw new Error(`no ${store} record`);
  const bytes = Buffer.from(first.value as Buffer);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  await records.put(typeof first.key === 'number' ? [first.key] : first.key, bytes);
  await root.close();
}

/** Runs the repair, first without and then with --apply; gives the lines of the first. */
async function repaired(): Promise<string> {
  const before = readdirSync(join(path, 'segments'));
  const dry = await fletch('repair');
  expect(dry).toMatchObject({ code: 1, err: '' });
  expect(dry.out).toContain('nothing is changed');
  expect(readdirSync(join(path, 'segments'))).toEqual(before);
  const done = await fletch('repair', '--apply');
  expect(done).toMatchObject({ code: 0, err: '' });
  expect(done.out).toMatch(/all is sound\n$/);
  expect(await fletch('repair')).toMatchObject({ code: 0, out: expect.stringContaining('all is sound') });
  const [quarantine = ''] = readdirSync(path).filter((name) => name.startsWith('quarantine-'));
  expect(existsSync(join(path, quarantine, 'catalog', 'data.mdb'))).toBe(true);
  expect(dry.out).toContain(readFileSync(join(path, quarantine, 'report.txt'), 'utf8'));
  // A writer opens it too, and takes rows.
  const db = await open({ path, threads: 0 });
  if (/^t: its|table number/.test(dry.out)) await db.exec('CREATE TABLE t (ts TIMESTAMP, id BIGINT)');
  await db.exec("INSERT INTO t (ts, id) VALUES ('2025-02-01', 900)");
  await db.exec('DELETE FROM t WHERE id = 900');
  expect(await (await db.query('SELECT count(*)::INT AS n FROM other')).toRows()).toEqual([{ n: 64 }]);
  await db.close();
  return dry.out;
}

describe('fletch repair', () => {
  test('says that a sound database is sound, and changes nothing', async () => {
    damagedCopy();
    expect(await fletch('repair', '--apply')).toMatchObject({ code: 0, err: '', out: expect.stringContaining('all is sound') });
    expect(readdirSync(path).filter((name) => name.startsWith('quarantine'))).toEqual([]);
    expect(await days()).toEqual(SOUND_DAYS);
  });

  test('a damaged segment fails the queries that need it, with its file, and no others; repaired, it is gone alone', async () => {
    damagedCopy();
    const { name, at } = fileWith(110n);
    flip(join(path, 'segments', name), at);
    await expect(query('SELECT sum(id) FROM t')).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(name) });
    await expect(query("SELECT id FROM t WHERE ts BETWEEN '2025-01-02' AND '2025-01-03'")).rejects.toMatchObject({ code: 'corrupt' });
    expect(await query("SELECT count(id)::INT AS n FROM t WHERE ts >= '2025-01-03'")).toEqual([{ n: 142 }]);
    expect(await query('SELECT count(DISTINCT note)::INT AS n FROM t')).toEqual([{ n: 270 }]);
    expect(await query('SELECT count(*)::INT AS n FROM other')).toEqual([{ n: 64 }]);
    const report = await repaired();
    expect(report).toMatch(
      new RegExp(
        `^t: segment file ${name}, column "id": .*: 64 rows, 2025-01-02T00:01:00.000Z to 2025-01-02T01:04:00.000Z; ${name} is set aside$`,
        'm',
      ),
    );
    expect(await days()).toEqual(without(1));
    const [quarantine = ''] = readdirSync(path).filter((each) => each.startsWith('quarantine-'));
    expect(readdirSync(join(path, quarantine))).toContain(name);
  });

  test('a segment file that is missing is left out', async () => {
    damagedCopy();
    rmSync(join(path, 'segments', fileWith(310n).name));
    expect(await repaired()).toContain('ENOENT');
    expect(await days()).toEqual(without(3));
  });

  test('rows of a tail record that is damaged go, and no others', async () => {
    damagedCopy();
    await damageRecord('tail', ([table]) => table === 1);
    await expect(days()).rejects.toMatchObject({ code: 'corrupt' });
    expect(await repaired()).toContain('t: rows of the unsealed segment');
    expect(await days()).toEqual(without(4));
  });

  test('a segment whose record is damaged goes, its file is set aside', async () => {
    damagedCopy();
    await damageRecord('segment', ([table]) => table === 1);
    const report = await repaired();
    expect(report).toMatch(/t: the record of segment 1-\d is damaged: an unknown number of rows/);
    expect(report).toContain('1 file');
    expect(await days()).toEqual(without(0));
  });

  test('rows do not come back when it is damaged which of them are deleted', async () => {
    damagedCopy();
    await damageRecord('deletion');
    expect(await repaired()).toContain('62 rows, 2025-01-03T');
    expect(await days()).toEqual(without(2));
  });

  test('a damaged dictionary takes the segments that use it; their files are whole Arrow files', async () => {
    damagedCopy();
    await damageRecord('dictionary');
    const report = await repaired();
    expect(report).toMatch(/^t: the dictionary of column "\w+" is damaged: no rows$/m);
    expect(report).toContain('fletch import reads it');
    expect(await days()).toEqual([]);
  });

  test('a table whose definition is damaged goes, its files are set aside, and others stay', async () => {
    damagedCopy();
    await damageRecord('table', (key) => [key].flat()[0] === 1);
    const report = await repaired();
    expect(report).toContain('table number 1: its definition is damaged');
    expect(report).toContain('4 files');
  });

  test('views and counters that are damaged are left out, or set anew', async () => {
    damagedCopy();
    await damageRecord('view');
    await damageRecord('meta', (key) => String(key) === 'nextTableId');
    const report = await repaired();
    expect(report).toContain('view "v" is damaged');
    expect(report).toContain('the counter "nextTableId" is damaged');
    expect(await days()).toEqual(SOUND_DAYS);
  });

  test('several damages at once are all left out, and what is sound stays', async () => {
    damagedCopy();
    const first = fileWith(10n);
    flip(join(path, 'segments', first.name), first.at);
    rmSync(join(path, 'segments', fileWith(110n).name));
    await damageRecord('tail', ([table]) => table === 1);
    await repaired();
    expect(await days()).toEqual(without(0, 1, 4));
  });

  test('a folder without a database is named, and nothing is made there', async () => {
    path = join(newFolder(), 'none');
    expect(await fletch('repair')).toMatchObject({ code: 1, err: expect.stringContaining('no database') });
    expect(existsSync(path)).toBe(false);
  });
});
