import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Database, open, type QueryParameters } from '../../src/index.js';
import { optimize } from '../../src/query/optimizer/optimizer.js';

// The real rules; only counted.
vi.mock('../../src/query/optimizer/optimizer.js', { spy: true });

let db: Database;

beforeAll(async () => {
  db = await open({ threads: 0 });
  await db.exec('CREATE TABLE t (a BIGINT, b TEXT); INSERT INTO t VALUES (1, $$x$$), (2, $$y$$)');
});

afterAll(() => db.close());

async function rows(sql: string, parameters?: QueryParameters, settings = {}): Promise<unknown[][]> {
  const result = await db.query(sql, parameters, { settings });
  return (await result.toRows()).map((row) => Object.values(row));
}

/** The same text before and after: twice before, so that a plan is known. */
async function beforeAndAfter(sql: string, change: () => Promise<unknown>): Promise<[unknown[][], unknown[][]]> {
  await rows(sql);
  const before = await rows(sql);
  await change();
  return [before, await rows(sql)];
}

/** Plans made by running the text so many times. */
async function plansMade(sql: string, times: number): Promise<number> {
  vi.mocked(optimize).mockClear();
  for (let i = 0; i < times; i++) await rows(sql);
  return vi.mocked(optimize).mock.calls.length;
}

describe('a query that comes again', () => {
  test('is planned once: with functions, groups, common tables and joins too; anew when it reads the clock or the catalog', async () => {
    for (const sql of [
      'SELECT 1 AS planned',
      'SELECT upper(b), abs(a) FROM t WHERE length(b) > 0',
      'WITH w AS (SELECT a, count(*) AS n FROM t GROUP BY a) SELECT w.n, row_number() OVER (ORDER BY w.a) FROM w JOIN t USING (a)',
    ])
      expect(await plansMade(sql, 5)).toBe(1);
    for (const sql of ['SELECT now() AS clock', 'SELECT count(*) FROM information_schema.tables', "SELECT to_regclass('t')"])
      expect(await plansMade(sql, 3)).toBe(3);
  });

  test('sees rows that were added, changed and deleted meanwhile, also where the plan alone gave the answer', async () => {
    for (const sql of ['SELECT count(*) FROM t', 'SELECT max(a) FROM t WHERE a > 0', 'SELECT count(*) FROM (SELECT 1 FROM t LIMIT 100)']) {
      const [before, after] = await beforeAndAfter(sql, () => db.exec("INSERT INTO t VALUES (3, 'z')"));
      expect(before).toEqual([[2n]]);
      expect(after).toEqual([[3n]]);
      await db.exec('DELETE FROM t WHERE a = 3');
      expect(await rows(sql)).toEqual([[2n]]);
    }
  });

  test('reads the table that now has the name, and fails when there is none', async () => {
    const sql = 'SELECT * FROM again';
    await db.exec('CREATE TABLE again AS SELECT 1 AS one');
    const [before, after] = await beforeAndAfter(sql, () => db.exec('CREATE OR REPLACE TABLE again AS SELECT 2 AS two, 3 AS three'));
    expect([before, after]).toEqual([[[1n]], [[2n, 3n]]]);
    await db.exec('DROP TABLE again');
    await expect(rows(sql)).rejects.toMatchObject({ code: 'table_not_found' });
  });

  test('takes the parameters that are given now, of any type', async () => {
    const sql = 'SELECT b, $1 AS p FROM t WHERE a = $1';
    expect(await rows(sql, [1])).toEqual([['x', 1n]]);
    expect(await rows(sql, [2])).toEqual([['y', 2n]]);
    expect(await rows(sql, [1])).toEqual([['x', 1n]]);
    expect(await rows(sql, ['2'])).toEqual([['y', '2']]);
    expect(await rows(sql, [2n])).toEqual([['y', 2n]]);
    expect(await rows('SELECT a FROM t WHERE a > :low', { low: 1 })).toEqual([[2n]]);
    expect(await rows('SELECT a FROM t WHERE a > :low', { low: 0 })).toEqual([[1n], [2n]]);
    expect(await rows('SELECT a FROM t WHERE a = ANY($1)', [[1, 5]])).toEqual([[1n]]);
    expect(await rows('SELECT a FROM t WHERE a = ANY($1)', [[2, 5]])).toEqual([[2n]]);
  });

  test('follows the time zone in force', async () => {
    const sql = "SELECT extract(hour FROM TIMESTAMP '2026-01-01 00:00:00' AT TIME ZONE current_setting('timezone')) AS h, a FROM t LIMIT 1";
    const settings = { timezone: 'Europe/Berlin' };
    const utc = await rows(sql);
    const berlin = await rows(sql, undefined, settings);
    expect(berlin).not.toEqual(utc);
    expect(await rows(sql)).toEqual(utc);
    expect(await rows(sql, undefined, settings)).toEqual(berlin);
  });

  test('has the time of its own start', async () => {
    const sql = 'SELECT epoch_us(now()) AS at FROM t LIMIT 1';
    const [first] = await rows(sql);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const [second] = await rows(sql);
    expect(second?.[0] as bigint).toBeGreaterThan(first?.[0] as bigint);
    const filtered = "SELECT count(*) FROM t WHERE now() > TIMESTAMPTZ '2020-01-01'";
    expect(await rows(filtered)).toEqual(await rows(filtered));
  });

  test('shows the catalog as it is', async () => {
    const sql = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'late'";
    const [before, after] = await beforeAndAfter(sql, () => db.exec('CREATE TABLE late (a INT)'));
    expect([before, after]).toEqual([[[0n]], [[1n]]]);
  });

  test('draws random values anew', async () => {
    const sql = 'SELECT random()';
    expect(await rows(sql)).not.toEqual(await rows(sql));
  });

  test('reads through a view as it is now', async () => {
    await db.exec('CREATE VIEW v AS SELECT 1 AS x');
    const [before, after] = await beforeAndAfter('SELECT * FROM v', () => db.exec('CREATE OR REPLACE VIEW v AS SELECT 2 AS x'));
    expect([before, after]).toEqual([[[1n]], [[2n]]]);
  });

  test('inside a transaction sees its changes, and outside does not', async () => {
    const sql = 'SELECT count(*) FROM t';
    await rows(sql);
    await db.exec("BEGIN; INSERT INTO t VALUES (9, 'q')");
    expect(await rows(sql)).toEqual([[3n]]);
    await db.exec('ROLLBACK');
    expect(await rows(sql)).toEqual([[2n]]);
  });

  test('runs several times at once', async () => {
    const sql = 'SELECT a, b FROM t ORDER BY a';
    const all = await Promise.all(Array.from({ length: 8 }, () => rows(sql)));
    for (const each of all)
      expect(each).toEqual([
        [1n, 'x'],
        [2n, 'y'],
      ]);
  });
});
