import { afterAll, beforeAll, expect, test } from 'vitest';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { type HttpServer, startHttp } from '../../src/http/server.js';

let engine: OpenEngine;
let server: HttpServer;

beforeAll(async () => {
  const settings = settingsWith({ path: ':memory:', memory_limit: '400MB' });
  engine = await openDatabase(settings, { workerThreads: 0 });
  server = await startHttp(engine, { host: '127.0.0.1', port: 0, settings });
  await post('CREATE TABLE t (a INT); CREATE TABLE k (id INT PRIMARY KEY, v TEXT CHECK (v <> $$bad$$))');
});
afterAll(async () => {
  await server.close(100);
  await engine.close();
});

async function post(body: string, path = '', method = 'POST'): Promise<{ status: number; body: Record<string, unknown> }> {
  const query = method === 'GET' ? `?query=${encodeURIComponent(body)}` : '';
  const response = await fetch(`http://127.0.0.1:${server.port}/${path}${query}`, method === 'GET' ? {} : { method, body });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('the statements of one body are all or nothing', async () => {
  const failed = await post('INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); SELECT a / 0 FROM t');
  expect(failed).toMatchObject({ status: 400, body: { code: 'division_by_zero' } });
  expect((await post('SELECT count(*) FROM t')).body.data).toEqual([[0]]);
  expect((await post('INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); SELECT a FROM t ORDER BY a')).body.data).toEqual([[1], [2]]);
  expect((await post('SELECT count(*) FROM t')).body.data).toEqual([[2]]);
});

test('a body that does not end its transaction is refused and undone', async () => {
  expect(await post('BEGIN; DELETE FROM t')).toMatchObject({ status: 400, body: { code: 'transaction_state' } });
  expect((await post('SELECT count(*) FROM t')).body.data).toEqual([[2]]);
});

test('RETURNING answers with the changed rows', async () => {
  expect((await post('UPDATE t SET a = a * 10 WHERE a = 2 RETURNING a, a + 1 AS next')).body).toMatchObject({
    columns: ['a', 'next'],
    data: [[20, 21]],
  });
});

test('GET refuses UPDATE and MERGE, and lets a transaction that reads pass', async () => {
  expect((await post('UPDATE t SET a = 1', '', 'GET')).status).toBe(405);
  expect((await post('BEGIN; UPDATE t SET a = 1; COMMIT', '', 'GET')).status).toBe(405);
  expect((await post('BEGIN READ ONLY; SELECT 5 AS n; COMMIT; SELECT 6', '', 'GET')).body.data).toEqual([[6]]);
});

test('rows that are posted keep keys and checks', async () => {
  expect((await post('{"id":1,"v":"a"}\n{"id":1,"v":"b"}\n{"id":2,"v":"c"}', 'tables/k/rows?format=ndjson')).body).toMatchObject({
    rows: 3,
  });
  expect((await post('id,v\n2,cc\n3,d', 'tables/k/rows?format=csv')).body).toMatchObject({ rows: 2 });
  expect((await post('SELECT * FROM k ORDER BY id')).body.data).toEqual([
    [1, 'b'],
    [2, 'cc'],
    [3, 'd'],
  ]);
  expect(await post('id,v\n4,ok\n5,bad', 'tables/k/rows?format=csv')).toMatchObject({
    status: 400,
    body: { code: 'constraint_violation' },
  });
  expect((await post('SELECT count(*) FROM k')).body.data).toEqual([[3]]);
});
