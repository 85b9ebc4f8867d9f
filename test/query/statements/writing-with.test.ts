/** WITH whose parts change rows: what the doors make of it, what is left when it fails, and others that write at the same time. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { EMBEDDED } from '../../../src/core/principal.js';
import { settingsWith } from '../../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../../src/database.js';
import { type HttpServer, startHttp } from '../../../src/http/server.js';
import { textRows } from '../../sql/runner.js';

let engine: OpenEngine;
let server: HttpServer;

beforeAll(async () => {
  const settings = settingsWith({ path: ':memory:', memory_limit: '256MB' });
  engine = await openDatabase(settings, { workerThreads: 1 });
  server = await startHttp(engine, { host: '127.0.0.1', port: 0, settings });
  await rows('CREATE TABLE t (id INT, v TEXT); CREATE TABLE k (id INT PRIMARY KEY, n INT)');
});
afterAll(async () => {
  await server.close(100);
  await engine.close();
});
beforeEach(() => rows("DELETE FROM t; DELETE FROM k; INSERT INTO t VALUES (1, 'a'), (2, 'b')"));

async function rows(sql: string, more: object = {}): Promise<string[]> {
  return textRows(await engine.query.execute({ sql, principal: EMBEDDED, ...more }), engine.arena);
}

function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no error',
    (error: { code?: string }) => error.code ?? error,
  );
}

async function http(body: string, method: 'GET' | 'POST'): Promise<{ status: number; body: Record<string, unknown> }> {
  const query = method === 'GET' ? `?query=${encodeURIComponent(body)}` : '';
  const response = await fetch(`http://127.0.0.1:${server.port}/${query}`, method === 'GET' ? {} : { method, body });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const MOVE =
  'WITH d AS (DELETE FROM t WHERE id = 1 RETURNING *), i AS (INSERT INTO k SELECT id, 10 FROM d RETURNING n) SELECT v, n FROM d, i';

test('POST runs it and answers with its rows, GET refuses it', async () => {
  expect((await http(MOVE, 'GET')).status).toBe(405);
  expect(await rows('SELECT count(*) FROM t')).toEqual(['2']);
  expect((await http(MOVE, 'POST')).body).toMatchObject({ columns: ['v', 'n'], data: [['a', 10]] });
  expect(await rows('SELECT (SELECT count(*) FROM t), (SELECT sum(n) FROM k)')).toEqual(['1 | 10']);
});

test('a statement that may only be read is refused before anything of it runs', async () => {
  expect(await codeOf(rows(MOVE, { readOnly: true }))).toBe('method_not_allowed');
  expect(await codeOf(rows(`PREPARE p AS ${MOVE}; EXECUTE p`, { readOnly: true }))).toBe('method_not_allowed');
  expect(await rows('SELECT count(*) FROM t')).toEqual(['2']);
});

test('describe() tells its columns and changes nothing', async () => {
  const description = await engine.query.describe({ sql: MOVE, principal: EMBEDDED });
  expect(description).toMatchObject({ kind: 'query', schema: { fields: [{ name: 'v' }, { name: 'n' }] } });
  expect(await rows('SELECT count(*) FROM t')).toEqual(['2']);
});

test('parameters are bound in every part', async () => {
  const sql =
    'WITH i AS (INSERT INTO t VALUES ($1, $2) RETURNING id), d AS (DELETE FROM t WHERE id = $3 RETURNING v) SELECT i.id, d.v FROM i, d';
  expect(await rows(sql, { parameters: [7, 'seven', 2] })).toEqual(['7 | b']);
});

test('the rows affected are those of the statement itself', async () => {
  const result = await engine.query.execute({
    sql: 'WITH d AS (DELETE FROM t RETURNING *) INSERT INTO t SELECT id + 10, v FROM d WHERE id = 1',
    principal: EMBEDDED,
  });
  expect(result.affectedRows).toBe(1);
  expect(await rows('SELECT * FROM t')).toEqual(['11 | a']);
});

test.each([
  'WITH d AS (DELETE FROM t RETURNING id) SELECT 1 / (id - 1) FROM d',
  'WITH d AS (DELETE FROM t RETURNING id), i AS (INSERT INTO k SELECT 1, 1 / (id - 1) FROM d) SELECT 1',
  "WITH d AS (DELETE FROM t RETURNING id) INSERT INTO k SELECT id, 'x' || id FROM d",
])('%s fails and leaves all rows and no memory behind', async (sql) => {
  await rows("SELECT repeat('a', 10)");
  const used = engine.arena.usedBytes;
  expect(await codeOf(rows(sql))).not.toBe('no error');
  expect(await rows('SELECT count(*), (SELECT count(*) FROM k) FROM t')).toEqual(['2 | 0']);
  expect(engine.arena.usedBytes).toBe(used);
});

test('a result that is not read to its end gives its memory back, and the changes stay', async () => {
  await rows('CREATE OR REPLACE TABLE many AS SELECT n FROM range(100000) r(n)');
  await rows('WITH i AS (INSERT INTO k VALUES (1, 1) RETURNING *) SELECT * FROM i');
  const result = await engine.query.execute({ sql: 'WITH i AS (INSERT INTO k VALUES (2, 2)) SELECT n FROM many', principal: EMBEDDED });
  for await (const batch of result.batches) {
    batch.release();
    break;
  }
  expect(await rows('SELECT count(*) FROM k')).toEqual(['2']);
  expect(engine.query.running()).toEqual([]);
});

test('the rows are whole after the table that they were read from is gone', async () => {
  await rows("CREATE OR REPLACE TABLE gone AS SELECT n, 'text ' || n AS v FROM range(1000) r(n)");
  for (const sql of ['WITH d AS (DELETE FROM gone WHERE n < 500 RETURNING *) SELECT v FROM d', 'DELETE FROM gone RETURNING v']) {
    const result = await engine.query.execute({ sql, principal: EMBEDDED });
    await rows('DROP TABLE gone');
    const found = await textRows(result, engine.arena);
    expect(found).toEqual(Array.from({ length: sql.startsWith('WITH') ? 500 : 1000 }, (_, n) => `text ${n}`));
    await rows("CREATE TABLE gone AS SELECT n, 'text ' || n AS v FROM range(1000) r(n)");
  }
});

test('held rows that do not fit are query_memory_exceeded, and nothing has changed', async () => {
  const sql = "WITH i AS (INSERT INTO t SELECT n, repeat('x', 100) || n FROM range(300000) r(n) RETURNING *) SELECT * FROM i";
  expect(await codeOf(rows(sql, { settings: { max_memory: 4_000_000 } }))).toBe('query_memory_exceeded');
  expect(await rows('SELECT count(*) FROM t')).toEqual(['2']);
});

test('a cancel stops it and undoes its parts', async () => {
  const slow = 'WITH d AS (DELETE FROM t RETURNING *) SELECT count(*) FROM range(1000000000) a(x), range(1000000000) b(y) WHERE x + y = 17';
  const running = codeOf(rows(slow, { queryId: 'slow' }));
  await new Promise((resolve) => setTimeout(resolve, 150));
  engine.query.cancel('slow');
  expect(await running).toBe('cancelled');
  expect(await rows('SELECT count(*) FROM t')).toEqual(['2']);
});

test('statements that change the same keys at the same time come one after the other', async () => {
  await rows('INSERT INTO k VALUES (1, 0)');
  const more = Array.from({ length: 12 }, (_, i) =>
    rows(`WITH u AS (UPDATE k SET n = n + 1 WHERE id = 1 RETURNING n), i AS (INSERT INTO t SELECT ${i}, 'x' FROM u) SELECT n FROM u`),
  );
  const seen = (await Promise.all(more)).flat().map(Number);
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  expect(await rows('SELECT count(*) FROM t')).toEqual(['14']);
});
