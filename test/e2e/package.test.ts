import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './server.js';

const PROGRAM = `
import { open, DbError, type Row } from 'fletchdb';
const db = await open({ path: './data' });
await db.exec('CREATE TABLE trades (ts TIMESTAMP_NS, sym SYMBOL, price DOUBLE, size BIGINT) TIMESTAMP(ts)');
await db.insert('trades', { ts: [1n, 2n, 9007199254740993n], sym: ['A', 'B', null], price: Float64Array.of(1.5, 2.5, 3.5), size: [1, 2, 9007199254740993n] });
await db.insert('trades', [{ ts: new Date(0), sym: 'A', price: 4, size: 4 }]);
const rows: Row[] = await (await db.query('SELECT sym, sum(size) AS size FROM trades GROUP BY sym ORDER BY sym')).toRows();
for await (const batch of await db.query('SELECT ts FROM trades ORDER BY ts DESC LIMIT 1')) console.log(String(batch.toRows()[0]?.['ts']));
const error = await db.query('SELECT prise FROM trades').catch((e: unknown) => e as DbError);
const server = await db.listen({ http: 0, flight: 0 });
const answer = await fetch('http://127.0.0.1:' + server.httpPort, { method: 'POST', body: 'SELECT count(*) FROM trades' });
console.log(JSON.stringify({ rows: rows.map((r) => [r['sym'], String(r['size'])]), code: (error as DbError).code, data: ((await answer.json()) as { data: unknown }).data }));
await db.close();
`;

test('the packed package installs in an empty folder, type-checks and works as an import, with worker threads and both servers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fletch-package-'));
  execFileSync(process.execPath, [join(ROOT, 'node_modules/publint/src/cli.js'), '--strict', '--pack', 'false', ROOT], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const npm = (args: string[], cwd: string) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const tarball = npm(['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], ROOT).trim();
  writeFileSync(join(folder, 'package.json'), '{"name":"user","private":true,"type":"module"}');
  npm(['install', '--no-audit', '--no-fund', '--loglevel=error', join(folder, tarball)], folder);
  writeFileSync(join(folder, 'main.ts'), PROGRAM);
  const typescript = join(ROOT, 'node_modules/typescript/lib/tsc.js');
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
  execFileSync(
    process.execPath,
    [typescript, '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', ...types, 'main.ts'],
    { cwd: folder, stdio: 'inherit' },
  );
  const output = execFileSync(process.execPath, ['main.js'], { cwd: folder, encoding: 'utf8' }).trim().split('\n');
  expect(output[0]).toBe('9007199254740993');
  expect(JSON.parse(output[1] ?? '')).toEqual({
    rows: [
      ['A', '5'],
      ['B', '2'],
      [null, '9007199254740993'],
    ],
    code: 'column_not_found',
    data: [[4]],
  });
  expect(
    execFileSync(
      join(folder, 'node_modules/.bin/fletch'),
      ['sql', '--path', './data', '--format', 'csv', 'SELECT count(*) AS n FROM trades'],
      { cwd: folder, encoding: 'utf8' },
    ).trim(),
  ).toBe('n\n4');
  rmSync(folder, { recursive: true, force: true });
}, 300_000);
