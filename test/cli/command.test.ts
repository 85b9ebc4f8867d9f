import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/command.js';
import { errorText } from '../../src/cli/error-text.js';
import { isComplete } from '../../src/cli/statement-end.js';
import { DbError } from '../../src/core/errors.js';
import { settingsWith } from '../../src/core/settings.js';
import { INT64, UTF8 } from '../../src/core/types.js';
import { type HttpServer, startHttp } from '../../src/http/server.js';
import { FakeEngine } from '../http/fake-engine.js';

const fake = new FakeEngine();
const folder = mkdtempSync(join(tmpdir(), 'fletch-cli-'));
let server: HttpServer;
let url: string;

beforeAll(async () => {
  server = await startHttp(fake.engine, { host: '127.0.0.1', port: 0, settings: settingsWith() });
  url = `http://127.0.0.1:${server.port}`;
  const rows = [
    { name: 'n', type: INT64, values: [1n, null] },
    { name: 's', type: UTF8, values: ['a|b', 'x\ny'] },
  ];
  fake.answers.set('SELECT rows', rows);
  fake.answers.set('SELECT rows;', rows);
  fake.answers.set('SELECT\nrows;', rows);
  fake.answers.set('SHOW TABLES', [{ name: 'name', type: UTF8, values: ['trades'] }]);
});
afterAll(() => server.close(100));

async function run(args: string[], input?: string, isTTY = false) {
  const stdin = Object.assign(Readable.from(input === undefined ? [] : [input]), { isTTY });
  const output = new PassThrough();
  const errors = new PassThrough();
  const collected = { out: '', err: '' };
  output.on('data', (part: Buffer) => (collected.out += part.toString()));
  errors.on('data', (part: Buffer) => (collected.err += part.toString()));
  const variables = { FLETCH_HISTORY: join(folder, 'history') };
  const code = await runCommandLine(args, { input: stdin, output, errors, variables });
  return { code, ...collected };
}

const TABLE = `┌───────┬──────┐
│     n │ s    │
│ int64 │ utf8 │
├───────┼──────┤
│     1 │ a|b  │
│  null │ x\\ny │
└───────┴──────┘
2 rows
`;

describe('fletch sql', () => {
  test('one statement prints a table, or the format that is asked for', async () => {
    expect(await run(['sql', '--url', url, 'SELECT rows'])).toEqual({ code: 0, out: TABLE, err: '' });
    expect((await run(['sql', '--url', url, '--format', 'csv', 'SELECT rows'])).out).toBe('n,s\n1,a|b\n,"x\ny"\n');
    expect((await run(['sql', '--url', url, '--format=json', 'SELECT rows'])).out).toMatch(/^\{"columns".*\}\n$/);
  });

  test('a script comes from a pipe', async () => {
    expect((await run(['sql', '--url', url], 'SELECT rows\n')).out).toBe(TABLE);
  });

  test('an error shows the place and ends with 1', async () => {
    const { code, err } = await run(['sql', '--url', url, 'SELECT nonsense']);
    expect(code).toBe(1);
    expect(err).toBe('error: not understood: SELECT nonsense (syntax_error)\n1: SELECT nonsense\n          ^\nhint: no\n');
  });

  test('a server that is not there is an error', async () => {
    const { code, err } = await run(['sql', '--url', 'http://127.0.0.1:1', 'SELECT 1']);
    expect(code).toBe(1);
    expect(err).toContain('does not answer');
  });

  test('the shell takes statements over several lines, commands, and keeps a history', async () => {
    const script = [
      'SELECT',
      'rows;',
      '\\timing',
      '\\dt',
      '\\nope',
      '\\format csv',
      'SELECT rows;',
      'SELECT oops;',
      '\\q',
      'SELECT rows;',
    ].join('\n');
    const { code, out } = await run(['sql', '--url', url], `${script}\n`, true);
    expect(code).toBe(0);
    expect(out).toContain(TABLE);
    expect(out).toContain('timing is on');
    expect(out).toMatch(/trades[\s\S]*\d ms\n/);
    expect(out).toContain('unknown command \\nope');
    expect(out).toContain('n,s\n1,a|b\n');
    expect(out).toContain('error: not understood: SELECT oops;');
    const history = readFileSync(join(folder, 'history'), 'utf8');
    expect(history.split('\n').slice(0, 3)).toEqual(['SELECT rows;', '\\timing', '\\dt']);
  });
});

describe('fletch import', () => {
  test('files go into a table, by their names', async () => {
    const csv = join(folder, 'a.csv');
    const packed = join(folder, 'b.ndjson.gz');
    writeFileSync(csv, 'a,b\n1,x\n');
    writeFileSync(packed, gzipSync('{"a":2,"b":"y"}\n{"a":3}\n'));
    const { code, out } = await run(['import', csv, packed, '--table', 'imported', '--url', url]);
    expect(code).toBe(0);
    expect(out).toMatch(/a\.csv: 1 rows into imported in .* ms\n.*b\.ndjson\.gz: 2 rows into imported/);
    expect(fake.tables.get('imported')?.rows).toEqual([
      [1n, 'x'],
      [2n, 'y'],
      [3n, null],
    ]);
  });

  test('what is missing is said', async () => {
    expect((await run(['import', '--table', 't'])).err).toContain('import needs a file');
    expect((await run(['import', '/nope.csv'])).err).toContain('import needs --table');
    expect((await run(['import', '/nope.csv', '--table', 't'])).err).toContain('no file /nope.csv');
  });
});

describe('fletch', () => {
  test('help names every command, a command its flags', async () => {
    const { out } = await run([]);
    for (const name of ['serve', 'sql', 'import', 'export', 'check', 'backup']) expect(out).toContain(`  ${name}`);
    expect((await run(['serve', '--help'])).out).toContain('--no-flight');
    expect((await run(['sql', '-h'])).out).toContain('--url URL');
  });

  test('unknown commands and flags end with 2 and the nearest name', async () => {
    expect(await run(['sevre'])).toMatchObject({ code: 2, err: expect.stringContaining('did you mean fletch serve?') });
    expect(await run(['sql', '--urll', 'x'])).toMatchObject({ code: 2, err: expect.stringContaining('did you mean --url?') });
    expect(await run(['backup'])).toMatchObject({ code: 2, err: expect.stringContaining('one folder of backups') });
  });
});

describe('pieces', () => {
  test.each([
    ['SELECT 1;', true],
    ['SELECT 1', false],
    ["SELECT ';", false],
    ["SELECT ';'; -- done", true],
    ['SELECT /* ; */ 1', false],
    ['SELECT 1; /* not /* yet */ closed', false],
    ['SELECT 1; SELECT 2', false],
    ['SELECT "a;b";', true],
    ['', false],
  ])('isComplete(%j) is %j', (text, complete) => {
    expect(isComplete(text)).toBe(complete);
  });

  test('the caret stands under the place, on its line', () => {
    const error = new DbError('syntax_error', 'bad', { position: 12 });
    expect(errorText(error, 'SELECT 1\n\t, x y')).toBe('error: bad (syntax_error)\n2:  , x y\n      ^\n');
  });
});
