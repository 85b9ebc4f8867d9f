import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/command.js';
import { open } from '../../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'fletch-cli-backup-'));
const data = join(folder, 'data');
const target = join(folder, 'backups');
const out = join(folder, 'out');

beforeAll(async () => {
  const db = await open({ path: data, threads: 0, segment_rows: 64 });
  await db.exec(
    'CREATE SCHEMA s; CREATE TABLE s.big (a BIGINT, b TEXT); CREATE TABLE small (x INT, "odd/name" TEXT); CREATE TABLE "a/b" (y INT)',
  );
  await db.exec("INSERT INTO s.big SELECT i, 'text ' || i FROM generate_series(1, 200) AS g(i)");
  await db.exec("INSERT INTO small VALUES (1, 'one'), (2, NULL)");
  await db.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function fletch(...args: string[]) {
  const collected = { out: '', err: '' };
  const output = new PassThrough().on('data', (part: Buffer) => (collected.out += part.toString()));
  const errors = new PassThrough().on('data', (part: Buffer) => (collected.err += part.toString()));
  const io = { input: Object.assign(Readable.from([]), { isTTY: false }), output, errors, variables: {} };
  const code = await runCommandLine(args, io);
  return { code, ...collected };
}

describe('fletch backup and restore', () => {
  test('say what they have done, and a restored folder has what was backed up', async () => {
    const first = await fletch('backup', target, '--path', data);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toMatch(/^backup 1 in .*: 3 tables, 4 segment files, \d+ bytes; 4 segment files copied, \d+ bytes$/m);
    expect((await fletch('backup', target, '--path', data)).out).toMatch(/; 0 segment files copied, 0 bytes$/m);
    const third = await fletch('backup', target, '--path', data, '--keep', '2');
    expect(third.out).toContain('removed: backup 1\n');
    const checked = await fletch('restore', target, '--check');
    expect(checked.out.match(/^backup \d of .*: 3 tables, 4 segment files, sound$/gm)).toHaveLength(2);
    const place = join(folder, 'again');
    expect(await fletch('restore', target, '--number', '2', '--path', place)).toMatchObject({ code: 0, err: '' });
    const rows = await fletch('sql', '--path', place, '--format', 'csv', 'SELECT count(*), sum(a), max(b) FROM s.big');
    expect(rows.out).toContain('200,20100,text 99');
    expect((await fletch('check', '--path', place)).code).toBe(0);
  });

  test('a damaged backup is told by --check and by restore, with the file', async () => {
    const [name = ''] = readdirSync(join(target, 'segments'));
    const file = join(target, 'segments', name);
    const bytes = readFileSync(file);
    const changed = Buffer.from(bytes);
    changed[100] = (changed[100] ?? 0) ^ 1;
    writeFileSync(file, changed);
    const checked = await fletch('restore', target, '--check');
    expect(checked.code).toBe(1);
    expect(checked.err).toContain(name);
    expect(checked.out).toContain('1 damaged');
    const restored = await fletch('restore', target, '--path', join(folder, 'never'));
    expect(restored.code).toBe(1);
    expect(restored.err).toContain(name);
    expect(existsSync(join(folder, 'never'))).toBe(false);
    writeFileSync(file, bytes);
  });

  test.each([
    [['backup', '--path', data], 2],
    [['backup', target, '--path', data, '--keep', '0'], 2],
    [['backup', join(folder, 'x'), '--path', join(folder, 'nothing')], 1],
    [['restore', target], 2],
    [['restore', join(folder, 'nothing'), '--path', join(folder, 'y')], 1],
    [['restore', target, '--path', data], 2],
    [['export', '--path', data], 2],
    [['export', '--path', data, '--output', out, '--format', 'xls'], 2],
    [['export', 'none', '--path', data, '--output', out], 1],
  ])('%j is refused', async (args, code) => {
    const result = await fletch(...args);
    expect(result.code).toBe(code);
    expect(result.err).not.toBe('');
  });
});

describe('fletch export', () => {
  test('writes every table, some, or a query, in each format', async () => {
    expect(await fletch('export', '--path', data, '--output', out)).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(out).sort()).toEqual(['a_b.parquet', 's.big.parquet', 'small.parquet']);
    const db = await open({ threads: 0 });
    const read = `SELECT count(*) AS n, sum(a) AS sum FROM read_parquet('${join(out, 's.big.parquet')}')`;
    expect(await (await db.query(read)).toRows()).toEqual([{ n: 200n, sum: 20100n }]);
    await db.close();
    for (const format of ['csv', 'tsv', 'ndjson', 'json', 'arrow']) {
      expect((await fletch('export', 'small', '--path', data, '--output', out, '--format', format)).err).toBe('');
    }
    expect(readFileSync(join(out, 'small.csv'), 'utf8')).toBe('x,odd/name\n1,one\n2,\n');
    expect(readFileSync(join(out, 'small.ndjson'), 'utf8')).toBe('{"x":1,"odd/name":"one"}\n{"x":2,"odd/name":null}\n');
    expect(existsSync(join(out, 'small.arrows'))).toBe(true);
    const query = ['--query', 'SELECT a FROM s.big ORDER BY a DESC LIMIT 1', '--name', 'top', '--format', 'csv'];
    await fletch('export', '--path', data, '--output', out, ...query);
    expect(readFileSync(join(out, 'top.csv'), 'utf8')).toBe('a\n200\n');
    const failed = await fletch('export', '--path', data, '--output', out, '--query', 'SELECT 1 / (200 - a) FROM s.big', '--name', 'bad');
    expect(failed.code).toBe(1);
    expect(readdirSync(out).some((name) => name.startsWith('bad'))).toBe(false);
  });
});
