import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/command.js';
import { open } from '../../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'fletch-check-'));

beforeAll(async () => {
  const db = await open({ path: folder, threads: 0, segment_rows: 64 });
  await db.exec('CREATE SCHEMA s; CREATE TABLE s.big (a BIGINT, b TEXT, c SYMBOL); CREATE TABLE small (a INT)');
  await db.exec("INSERT INTO s.big SELECT i, 'text ' || i, 'k' || i % 3 FROM generate_series(1, 64) AS g(i)");
  await db.exec('INSERT INTO small VALUES (1)');
  await db.exec('DELETE FROM s.big WHERE a = 5');
  await db.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function check() {
  const output = new PassThrough();
  const errors = new PassThrough();
  const collected = { out: '', err: '' };
  output.on('data', (part: Buffer) => (collected.out += part.toString()));
  errors.on('data', (part: Buffer) => (collected.err += part.toString()));
  const io = { input: Object.assign(Readable.from([]), { isTTY: false }), output, errors, variables: {} };
  const code = await runCommandLine(['check', '--path', folder], io);
  return { code, ...collected };
}

describe('fletch check', () => {
  test('says of each table how much there is, and that it is sound', async () => {
    const { code, out, err } = await check();
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^s\.big: 1 file, \d{4} bytes, sound$/m);
    expect(out).toMatch(/^small: 0 files, 0 bytes, sound$/m);
    expect(out).toMatch(/^all is sound$/m);
  });

  test('names the file and the column that are damaged, and fails', async () => {
    const [name = ''] = readdirSync(join(folder, 'segments'));
    const file = join(folder, 'segments', name);
    const bytes = readFileSync(file);
    const wanted = Buffer.alloc(16);
    wanted.writeBigInt64LE(33n);
    wanted.writeBigInt64LE(34n, 8);
    const changed = Buffer.from(bytes);
    changed[bytes.indexOf(wanted)] = 99;
    writeFileSync(file, changed);
    const { code, out, err } = await check();
    expect(code).toBe(1);
    expect(err).toContain(name);
    expect(err).toContain('"a"');
    expect(out).toContain('s.big: 1 file, ');
    expect(out).toContain('1 damaged');
    const unread = Buffer.from(bytes);
    unread[bytes.length - 20] = (bytes[bytes.length - 20] as number) ^ 1;
    writeFileSync(file, unread);
    expect((await check()).err).toContain('bytes that no query reads');
    writeFileSync(file, Buffer.concat([bytes, Buffer.from('x')]));
    expect((await check()).code).toBe(1);
    rmSync(file);
    expect((await check()).err).toContain('ENOENT');
    writeFileSync(file, bytes);
    expect((await check()).code).toBe(0);
  });
});
