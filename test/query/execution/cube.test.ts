import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, open } from '../../../src/index.js';

const COLUMNS = [2, 3, 5, 7, 4, 6, 8, 9, 10, 11];
const ROWS = 60;

let db: Database;
beforeAll(async () => {
  db = await open({ threads: 0, memory_limit: '128MB' });
  const columns = COLUMNS.map((width, c) => `i % ${width} AS c${c}`);
  await db.exec(`CREATE TABLE c AS SELECT ${columns}, i::DOUBLE / 8 AS x, (i % 3)::TEXT AS s FROM generate_series(1, ${ROWS}) t(i)`);
});
afterAll(() => db.close());

/** Distinct groups over all sets. */
function groupCount(): number {
  const groups = new Set<string>();
  for (let set = 0; set < 2 ** COLUMNS.length; set++) {
    for (let i = 1; i <= ROWS; i++) groups.add(`${set}:${COLUMNS.map((width, c) => ((set >> c) & 1 ? i % width : ''))}`);
  }
  return groups.size;
}

const names = COLUMNS.map((_, c) => `c${c}`).join(', ');
const total = 1024 * ((ROWS * (ROWS + 1)) / 2 / 8);

it.each([
  ['what merges', 'sum(x) AS k, count(*) AS n, median(x) AS m, count(DISTINCT s) AS d'],
  ['what wants the order of rows', 'sum(x) AS k, count(*) AS n, string_agg(s) AS m, first(s) AS d'],
])('CUBE of ten columns over a few rows fits into little memory, with %s', async (_, calls) => {
  const sql = `SELECT count(*) AS groups, sum(k) AS total, sum(n) AS n, count(m) AS m, count(d) AS d FROM (SELECT ${names}, ${calls} FROM c GROUP BY CUBE (${names}))`;
  const groups = BigInt(groupCount());
  expect(await (await db.query(sql)).toRows()).toEqual([{ groups, total, n: BigInt(1024 * ROWS), m: groups, d: groups }]);
});

it('sets that come from finer ones have what grouping by them has', async () => {
  const calls = 'sum(x) AS a, avg(x) AS b, stddev(x) AS c, median(x) AS d, mode(s) AS e, approx_quantile(x, 0.5) AS f, max(s) AS g';
  const cube = await (await db.query(`SELECT c1, ${calls} FROM c GROUP BY CUBE (c1, c4) HAVING grouping(c1, c4) = 1 ORDER BY 1`)).toRows();
  expect(cube).toHaveLength(3);
  expect(cube).toEqual(await (await db.query(`SELECT c1, ${calls} FROM c GROUP BY c1 ORDER BY 1`)).toRows());
});
