import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QueryRequest, QuerySession } from '../../src/core/contracts.js';
import { ANONYMOUS, EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { textRows } from '../sql/runner.js';

let engine: OpenEngine;

beforeAll(async () => {
  engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '256MB', segment_rows: 1024 }), { workerThreads: 0 });
  await rows('CREATE TABLE t (a INT, b TEXT); CREATE TABLE k (id INT PRIMARY KEY, n INT UNIQUE)');
});
afterAll(() => engine.close());

async function rows(sql: string, session?: QuerySession, more: Partial<QueryRequest> = {}): Promise<string[]> {
  return textRows(await engine.query.execute({ sql, principal: ANONYMOUS, session, ...more }), engine.arena);
}

function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: { code?: string }) => error.code ?? String(error),
  );
}

it('a session keeps SET, prepared statements and its transaction; others see nothing of them', async () => {
  const session = engine.query.openSession(ANONYMOUS);
  await rows("SET timezone = 'Europe/Paris'", session);
  await rows('PREPARE p AS SELECT $1 + 1', session);
  await rows("BEGIN; INSERT INTO t VALUES (1, 'x')", session);
  expect(session.inTransaction).toBe(true);
  expect(await rows('SHOW timezone', session)).toEqual(['Europe/Paris']);
  expect(await rows('EXECUTE p(1)', session)).toEqual(['2']);
  expect(await rows('SELECT count(*) FROM t', session)).toEqual(['1']);
  expect(await rows('SHOW timezone')).toEqual(['UTC']);
  expect(await rows('SELECT count(*) FROM t')).toEqual(['0']);
  expect(await failure(rows('EXECUTE p(1)'))).toBe('not_found');
  await rows('COMMIT', session);
  expect(session.inTransaction).toBe(false);
  expect(await rows('SELECT count(*) FROM t')).toEqual(['1']);
  session.close();
  expect(await failure(rows('SELECT 1', session))).toBe('closed');
});

it('closing a session gives its transaction up', async () => {
  const session = engine.query.openSession(ANONYMOUS);
  await rows("BEGIN; INSERT INTO t VALUES (2, 'gone')", session);
  session.close();
  expect(await rows('SELECT count(*) FROM t WHERE a = 2')).toEqual(['0']);
});

it('a text that begins a transaction without a session must end it', async () => {
  expect(await failure(rows("BEGIN; INSERT INTO t VALUES (3, 'lost')"))).toBe('transaction_state');
  expect(await rows('SELECT count(*) FROM t WHERE a = 3')).toEqual(['0']);
  expect(await failure(rows('BEGIN; SELECT nope'))).toBe('column_not_found');
});

it('two transactions that change one row conflict; the first one stays', async () => {
  await rows("DELETE FROM t; INSERT INTO t VALUES (1, 'old'), (2, 'old')");
  const [first, second] = [engine.query.openSession(ANONYMOUS), engine.query.openSession(ANONYMOUS)];
  await rows('BEGIN', first);
  await rows('BEGIN', second);
  await rows("UPDATE t SET b = 'first' WHERE a = 1", first);
  await rows("UPDATE t SET b = 'second'", second);
  await rows('COMMIT', first);
  expect(await failure(rows('COMMIT', second))).toBe('conflict');
  expect(second.inTransaction).toBe(false);
  expect(await rows('SELECT * FROM t ORDER BY a')).toEqual(['1 | first', '2 | old']);
  first.close();
  second.close();
});

it('two transactions that change different rows do not conflict, and read what was there when they began', async () => {
  await rows("DELETE FROM t; INSERT INTO t VALUES (1, 'old'), (2, 'old')");
  const [first, second] = [engine.query.openSession(ANONYMOUS), engine.query.openSession(ANONYMOUS)];
  await rows('BEGIN', first);
  await rows('BEGIN', second);
  await rows("UPDATE t SET b = 'first' WHERE a = 1", first);
  await rows("UPDATE t SET b = 'second' WHERE a = 2", second);
  await rows('COMMIT', first);
  expect(await rows('SELECT b FROM t WHERE a = 1', second)).toEqual(['old']);
  await rows('COMMIT', second);
  expect(await rows('SELECT * FROM t ORDER BY a')).toEqual(['1 | first', '2 | second']);
  first.close();
  second.close();
});

it('two transactions cannot insert the same key', async () => {
  const [first, second] = [engine.query.openSession(ANONYMOUS), engine.query.openSession(ANONYMOUS)];
  await rows('BEGIN; INSERT INTO k VALUES (1, 1)', first);
  await rows('BEGIN; INSERT INTO k VALUES (2, 1)', second);
  await rows('COMMIT', first);
  expect(await failure(rows('COMMIT', second))).toBe('conflict');
  expect(await rows('SELECT * FROM k')).toEqual(['1 | 1']);
  first.close();
  second.close();
});

it('concurrent single statements on one key are run one after the other', async () => {
  await rows('DELETE FROM k; INSERT INTO k VALUES (1, 0)');
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      rows(`INSERT INTO k VALUES (1, 1), (${i + 100}, ${i + 100}) ON CONFLICT (id) DO UPDATE SET n = k.n + 1`),
    ),
  );
  expect(await rows('SELECT n FROM k WHERE id = 1')).toEqual(['20']);
  expect(await rows('SELECT count(*) FROM k')).toEqual(['21']);
});

it('concurrent updates of one row are run again until each is counted', async () => {
  await rows("DELETE FROM t; INSERT INTO t VALUES (0, 'n')");
  await Promise.all(Array.from({ length: 6 }, () => rows('UPDATE t SET a = a + 1')));
  expect(await rows('SELECT a FROM t')).toEqual(['6']);
});

it('a door that only reads refuses what a prepared statement would write', async () => {
  const session = engine.query.openSession(ANONYMOUS);
  await rows('PREPARE w AS DELETE FROM t; PREPARE r AS SELECT 1', session);
  expect(await failure(rows('EXECUTE w', session, { readOnly: true }))).toBe('method_not_allowed');
  expect(await rows('BEGIN; EXECUTE r; COMMIT; EXECUTE r', session, { readOnly: true })).toEqual(['1']);
  session.close();
});

it('an error while the rows of a result are read aborts the transaction', async () => {
  const session = engine.query.openSession(ANONYMOUS);
  await rows('BEGIN', session);
  expect(await failure(rows('SELECT 1 / (range - 5) FROM range(10)', session))).toBe('division_by_zero');
  expect(await failure(rows('SELECT 1', session))).toBe('transaction_aborted');
  await rows('ROLLBACK', session);
  session.close();
});

it('bulk rows become part of the transaction of their session', async () => {
  const session = engine.query.openSession(EMBEDDED);
  await rows('DELETE FROM t');
  await rows('BEGIN', session);
  const append = await engine.ingest.open('t', { fields: [] }, { principal: EMBEDDED, create: false, mode: 'append', session });
  const result = await engine.query.execute({ sql: 'SELECT 7 AS a', principal: ANONYMOUS });
  for await (const batch of result.batches) {
    await append.append(batch, result.schema);
    batch.release();
  }
  await append.commit();
  expect(await rows('SELECT a FROM t', session)).toEqual(['7']);
  expect(await rows('SELECT a FROM t')).toEqual([]);
  await rows('ROLLBACK', session);
  expect(await rows('SELECT a FROM t')).toEqual([]);
  session.close();
});
