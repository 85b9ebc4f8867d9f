import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, DbError, open, type ResultBatch } from '../../src/index.js';

let db: Database;
beforeAll(async () => {
  db = await open({ memory_limit: '300MB', threads: 1 });
  await db.exec('CREATE TABLE t (ts TIMESTAMP_NS, big BIGINT, f DOUBLE, s SYMBOL) TIMESTAMP(ts)');
  await db.insert('t', { ts: [-1n, 1_767_225_600_123_456_789n], big: [1, 2n ** 60n], f: [1.5, null], s: ['a', null] });
});
afterAll(() => db.close());

test('exec tells how many rows the last statement changed', async () => {
  expect(await db.exec('CREATE TABLE e (i BIGINT); INSERT INTO e VALUES (1), (2), (3)')).toEqual({ affectedRows: 3 });
  expect(await db.exec('DELETE FROM e WHERE i > $1', [1])).toEqual({ affectedRows: 2 });
  expect(await db.exec('DROP TABLE e')).toEqual({ affectedRows: 0 });
});

test('parameters are positions or names', async () => {
  expect(await (await db.query('SELECT f FROM t WHERE s = $1 AND big = $2', ['a', 1n])).toRows()).toEqual([{ f: 1.5 }]);
  expect(await (await db.query('SELECT f FROM t WHERE ts < :until', { until: new Date(0) })).toRows()).toEqual([{ f: 1.5 }]);
});

test('a result has its columns before its rows, and batches as they come', async () => {
  const result = await db.query('SELECT ts, big, s FROM t');
  expect(result.columns.map(({ name, type }) => [name, type])).toEqual([
    ['ts', 'timestamp[ns]'],
    ['big', 'int64'],
    ['s', 'symbol'],
  ]);
  let kept: ResultBatch | undefined;
  for await (const batch of result) {
    expect(batch.toColumns().big).toEqual(BigInt64Array.of(1n, 2n ** 60n));
    kept = batch;
  }
  expect(kept?.rowCount).toBe(2);
  expect(() => kept?.toRows()).toThrow(expect.objectContaining({ code: 'closed', hint: expect.stringContaining('inside the loop') }));
});

test('a result is read once', async () => {
  const result = await db.query('SELECT 1 AS one');
  expect(await result.toRows()).toHaveLength(1);
  await expect(result.toRows()).rejects.toMatchObject({ code: 'closed' });
  await expect(result.toArrow()).rejects.toMatchObject({ code: 'closed' });
  await result.close();
});

test('int64 as number is exact or an error', async () => {
  const options = { int64: 'number' } as const;
  expect(await (await db.query('SELECT big FROM t WHERE big = 1', [], options)).toRows()).toEqual([{ big: 1 }]);
  expect(await (await db.query('SELECT big FROM t WHERE big = 1', [], options)).toColumns()).toEqual({ big: [1] });
  await expect((await db.query('SELECT big FROM t', [], options)).toRows()).rejects.toMatchObject({
    code: 'invalid_value',
    message: '1152921504606846976 is not exact as a number',
  });
});

test('timestamps are ticks, text or Date', async () => {
  const read = async (timestamps: 'bigint' | 'iso' | 'date') =>
    (await (await db.query('SELECT ts FROM t', [], { timestamps })).toRows()).map((row) => row.ts);
  expect(await read('bigint')).toEqual([-1n, 1_767_225_600_123_456_789n]);
  expect(await read('iso')).toEqual(['1969-12-31T23:59:59.999999999Z', '2026-01-01T00:00:00.123456789Z']);
  expect(await read('date')).toEqual([new Date(-1), new Date('2026-01-01T00:00:00.123Z')]);
});

test('columns of the same name are told apart', async () => {
  const result = await db.query('SELECT 1 AS a, 2 AS a, 3 AS a_1');
  expect(Object.values((await result.toRows())[0] ?? {}).map(Number)).toEqual([1, 2, 3]);
});

test('an empty result has its columns', async () => {
  expect(await (await db.query('SELECT big, s FROM t WHERE false')).toColumns()).toEqual({ big: [], s: [] });
  expect((await (await db.query('SELECT big, s FROM t WHERE false')).toArrow()).schema.names).toEqual(['big', 's']);
});

test('an error has its code, position and hint', async () => {
  const error = await db.query('SELECT bigg FROM t').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DbError);
  expect(error).toMatchObject({ code: 'column_not_found', position: 7, hint: expect.stringContaining('big') });
});

test('a signal ends a query: before it starts and while it streams', async () => {
  await expect(db.query('SELECT 1', [], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  const abort = new AbortController();
  const result = await db.query('SELECT count(*) AS n FROM range(1000000000) a WHERE a.range % 7 = 3', [], { signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  await expect(result.toRows()).rejects.toMatchObject({ code: 'cancelled' });
});

test('settings are for one query', async () => {
  const result = async () => (await db.query('SELECT * FROM t', [], { settings: { max_rows: 1 } })).toRows();
  await expect(result()).rejects.toMatchObject({ message: expect.stringContaining('max_rows') });
});

test('results that are left or closed hold no place of the queries that may run', async () => {
  const own = await open({ memory_limit: '200MB', threads: 1, max_concurrent_queries: 1, max_queued_queries: 0 });
  await own.exec('CREATE TABLE t (i BIGINT); INSERT INTO t SELECT range FROM range(100000)');
  for await (const batch of await own.query('SELECT i FROM t')) {
    expect(batch.rowCount).toBeGreaterThan(0);
    break;
  }
  await (await own.query('SELECT i FROM t')).close();
  expect(await (await own.query('SELECT count(*) AS n FROM t')).toRows()).toEqual([{ n: 100_000n }]);
  await own.close();
});
