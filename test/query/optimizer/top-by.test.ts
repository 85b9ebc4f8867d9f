import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, open } from '../../../src/index.js';

let db: Database;
beforeAll(async () => {
  db = await open({ threads: 2, vector_rows: 256 });
  await db.exec(
    "CREATE TABLE t AS SELECT i, i % 700 AS g, (i * 7919) % 1009 AS x, i::DOUBLE AS y, 'k' || i % 3 AS s FROM generate_series(1, 200000) r(i)",
  );
});
afterAll(() => db.close());

async function planOf(sql: string): Promise<string> {
  const rows = await (await db.query(`EXPLAIN ${sql}`)).toRows();
  return rows.map((row) => String(row.plan)).join('\n');
}

it.each([
  ['row_number within a bound', 'SELECT * FROM t QUALIFY row_number() OVER (PARTITION BY g ORDER BY x) <= 2', 'TopBy 2'],
  ['rank of a subquery', 'SELECT * FROM (SELECT *, rank() OVER (PARTITION BY g ORDER BY x DESC) AS k FROM t) WHERE 3 > k', 'TopBy 2'],
  ['LIMIT BY', 'SELECT * FROM t ORDER BY x LIMIT 3 OFFSET 1 BY g', 'TopBy 4'],
  ['DISTINCT ON', 'SELECT DISTINCT ON (g) * FROM t ORDER BY g, x DESC, i', 'TopBy 1'],
])('%s drops rows on the way in', async (_, sql, node) => {
  expect(await planOf(sql)).toContain(node);
});

it.each([
  ['dense ranks', 'SELECT * FROM t QUALIFY dense_rank() OVER (PARTITION BY g ORDER BY x) <= 2'],
  ['lower bounds', 'SELECT * FROM t QUALIFY row_number() OVER (PARTITION BY g ORDER BY x) >= 2'],
  [
    'windows that look at all rows',
    'SELECT *, count(*) OVER w FROM t WINDOW w AS (PARTITION BY g ORDER BY x) QUALIFY row_number() OVER w <= 2',
  ],
  ['orders of texts', 'SELECT * FROM t QUALIFY row_number() OVER (PARTITION BY g ORDER BY s) <= 2'],
  ['either condition', 'SELECT * FROM t QUALIFY row_number() OVER (PARTITION BY g ORDER BY x) <= 2 OR x = 5'],
])('%s keep all rows', async (_, sql) => {
  expect(await planOf(sql)).not.toContain('TopBy');
});

it.each(['x', 'x DESC', 'y DESC', 'y', 'x % 3, y DESC'])('the first rows ordered by %s are those of a plain window', async (order) => {
  const sql = `SELECT count(*) AS n, sum(i) AS s, sum(k * i) AS c FROM (SELECT i, row_number() OVER (PARTITION BY g ORDER BY ${order}) AS k FROM t) WHERE k <= 5`;
  const found = await (await db.query(sql)).toRows();
  await db.exec("SET disabled_optimizer_rules = 'top_by'");
  expect(await (await db.query(sql)).toRows()).toEqual(found);
  await db.exec('RESET disabled_optimizer_rules');
});
