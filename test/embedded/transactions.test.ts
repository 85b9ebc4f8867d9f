import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Database, open } from '../../src/index.js';

let db: Database;

beforeEach(async () => {
  db = await open({ memory_limit: '256MB', threads: 1 });
  await db.exec('CREATE TABLE t (a BIGINT, b TEXT); CREATE TABLE k (id BIGINT PRIMARY KEY, v TEXT, u BIGINT UNIQUE, CHECK (u > 0))');
});
afterEach(() => db.close());

async function column(sql: string): Promise<unknown[]> {
  return (await (await db.query(sql)).toRows()).map((row) => {
    const [value] = Object.values(row);
    return typeof value === 'bigint' ? Number(value) : value;
  });
}

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no error',
    (error: { code?: string }) => error.code ?? error,
  );
}

it('transaction() commits what its work did when it resolves', async () => {
  const value = await db.transaction(async (tx) => {
    await tx.exec('INSERT INTO t VALUES ($1, $2)', [1, 'one']);
    await tx.insert('t', { a: [2, 3], b: ['two', 'three'] });
    expect(await column('SELECT count(*) FROM t')).toEqual([0]);
    const [row] = await (await tx.query('SELECT count(*) AS n FROM t')).toRows();
    return Number(row?.n);
  });
  expect(value).toBe(3);
  expect(await column('SELECT a FROM t ORDER BY a')).toEqual([1, 2, 3]);
});

it('transaction() undoes everything when its work throws', async () => {
  const thrown = new Error('mine');
  const failed = db.transaction(async (tx) => {
    await tx.exec("INSERT INTO t VALUES (1, 'x'); CREATE TABLE made (a INT)");
    throw thrown;
  });
  expect(await failure(failed)).toBe(thrown);
  expect(await column('SELECT count(*) FROM t')).toEqual([0]);
  expect(await failure(db.query('SELECT * FROM made'))).toBe('table_not_found');
});

it('of two transactions that change one row the second is a retryable conflict', async () => {
  await db.exec("INSERT INTO t VALUES (1, 'old')");
  const failed = db.transaction(async (tx) => {
    await tx.exec("UPDATE t SET b = 'outer'");
    await db.transaction(async (other) => void (await other.exec("UPDATE t SET b = 'inner'")));
  });
  expect(await failure(failed)).toBe('conflict');
  expect(await column('SELECT b FROM t')).toEqual(['inner']);
});

it('BEGIN and COMMIT of the owner go over several calls, bulk inserts included', async () => {
  await db.exec('BEGIN');
  await db.exec("INSERT INTO t VALUES (1, 'x')");
  await db.insert('t', [{ a: 2, b: 'y' }]);
  await db.exec('ROLLBACK');
  expect(await column('SELECT count(*) FROM t')).toEqual([0]);
  await db.exec('BEGIN');
  await db.insert('t', [{ a: 2, b: 'y' }]);
  await db.exec('COMMIT');
  expect(await column('SELECT count(*) FROM t')).toEqual([1]);
});

it('insert() keeps keys and checks: a key that exists is replaced, what violates is refused whole', async () => {
  await db.insert('k', { id: [1, 2, 1], v: ['a', 'b', 'c'], u: [1, 2, 3] });
  expect(await column('SELECT v FROM k ORDER BY id')).toEqual(['c', 'b']);
  await db.insert('k', { id: [2], v: ['bb'], u: [2] });
  expect(await column('SELECT v FROM k ORDER BY id')).toEqual(['c', 'bb']);
  expect(await failure(db.insert('k', { id: [3, 4], v: ['x', 'y'], u: [4, 2] }))).toBe('constraint_violation');
  expect(await failure(db.insert('k', { id: [3, 4], v: ['x', 'y'], u: [4, -1] }))).toBe('constraint_violation');
  expect(await failure(db.insert('k', { id: [null], v: ['x'], u: [9] }))).toBe('constraint_violation');
  expect(await column('SELECT count(*) FROM k')).toEqual([2]);
});

it('concurrent inserts of one key leave one row', async () => {
  await Promise.all(Array.from({ length: 8 }, (_, i) => db.insert('k', { id: [1, 10 + i], v: [`v${i}`, 'x'], u: [1000 + i, 10 + i] })));
  expect(await column('SELECT count(*) FROM k WHERE id = 1')).toEqual([1]);
  expect(await column('SELECT count(*) FROM k')).toEqual([9]);
});

it('exec() tells how many rows changed', async () => {
  expect(await db.exec("INSERT INTO t VALUES (1, 'x'), (2, 'y')")).toEqual({ affectedRows: 2 });
  expect(await db.exec('UPDATE t SET a = a + 1 RETURNING a')).toEqual({ affectedRows: 2 });
  expect(await db.exec('DELETE FROM t WHERE a = 3')).toEqual({ affectedRows: 1 });
});
