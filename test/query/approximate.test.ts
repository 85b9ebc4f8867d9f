/** The error of approximate aggregates, measured, and that it does not depend on threads or vectors. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, open } from '../../src/index.js';

const ROWS = 400_000;

/** Distributions as expressions of a row number i. */
const SHAPES = {
  ascending: 'i::DOUBLE',
  descending: `(${ROWS} - i)::DOUBLE`,
  shuffled: `((i * 7919) % 400009)::DOUBLE`,
  exponential: `-ln((((i * 7919) % 400009) + 1) / 400010.0)`,
  'with long tails': `tan(3.14159 * ((((i * 7919) % 400009) + 1) / 400010.0 - 0.5))`,
  'of few values': '((i * 7919) % 400009 % 10)::DOUBLE',
  'of two clumps': '((i * 7919) % 400009)::DOUBLE + CASE WHEN i % 4 = 0 THEN 1e9 ELSE 0 END',
} as const;

const QUANTILES = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1];

let db: Database;
beforeAll(async () => {
  db = await open({ threads: 2 });
  const columns = Object.values(SHAPES).map((sql, i) => `${sql} AS x${i}`);
  await db.exec(`CREATE TABLE d AS SELECT i, i % 7 AS g, ${columns.join(', ')} FROM generate_series(1, ${ROWS}) t(i)`);
});
afterAll(() => db.close());

async function row(sql: string): Promise<Readonly<Record<string, unknown>>> {
  const [first] = await (await db.query(sql)).toRows();
  return first as Readonly<Record<string, unknown>>;
}

describe('approx_quantile', () => {
  it.each(Object.keys(SHAPES).map((name, i) => [name, i] as const))(
    'of values %s has a rank that is off by less than 0.5 %%',
    async (_, i) => {
      const found = (await row(`SELECT approx_quantile(x${i}, [${QUANTILES}]) AS q FROM d`)).q as readonly number[];
      const ranks = found.map((value) => `sum(CASE WHEN x${i} < ${value}::DOUBLE THEN 1 ELSE 0 END) AS a`);
      const upTo = found.map((value) => `sum(CASE WHEN x${i} <= ${value}::DOUBLE THEN 1 ELSE 0 END) AS b`);
      const [below] = await (await db.query(`SELECT [${ranks.map((sql) => sql.replace(' AS a', ''))}] AS v FROM d`)).toRows();
      const [until] = await (await db.query(`SELECT [${upTo.map((sql) => sql.replace(' AS b', ''))}] AS v FROM d`)).toRows();
      const low = (below as { v: readonly bigint[] }).v;
      const high = (until as { v: readonly bigint[] }).v;
      QUANTILES.forEach((quantile, q) => {
        const bound = quantile < 0.01 || quantile > 0.99 ? 0.0005 : 0.005;
        expect(Number(low[q]) / ROWS, `${quantile}`).toBeLessThanOrEqual(quantile + bound);
        // A value between two that the data has has the rank of neither.
        if (i !== 5) expect(Number(high[q]) / ROWS, `${quantile}`).toBeGreaterThanOrEqual(quantile - bound);
      });
    },
  );

  it('is exact for groups of some hundred values', async () => {
    const sql =
      'SELECT count(*) AS n FROM (SELECT i % 2000 AS g, approx_quantile(x3, 0.3) AS a, quantile_cont(x3, 0.3) AS q FROM d GROUP BY 1) WHERE a <> q';
    expect(await row(sql)).toEqual({ n: 0n });
  });
});

describe('approx_count_distinct', () => {
  it.each([100, 1000, 10_000, 100_000, 400_000])('of %i values is off by less than 3 %%', async (count) => {
    const types = ['i', 'i::TEXT', 'i::DOUBLE / 3', 'i::DECIMAL(30, 3)', "TIMESTAMP '2026-01-01' + INTERVAL '1 second' * i"];
    const calls = types.map((sql, t) => `approx_count_distinct(${sql}) AS c${t}`);
    const found = Object.values(await row(`SELECT ${calls} FROM d WHERE i <= ${count}`));
    for (const value of found) expect(Math.abs(Number(value) / count - 1)).toBeLessThan(0.03);
  });

  it('has a standard error of about 0.8 %', async () => {
    const sql = `SELECT stddev_pop(c / 4000.0 - 1) AS e, avg(c / 4000.0 - 1) AS b FROM (SELECT i % 100 AS g, approx_count_distinct(i) AS c FROM d GROUP BY 1)`;
    const { e, b } = await row(sql);
    expect(e).toBeLessThan(0.011);
    expect(Math.abs(b as number)).toBeLessThan(0.003);
  });
});

it('approximate results are the same for any number of threads', async () => {
  const sql = `SELECT g, approx_count_distinct(x2) AS c, approx_quantile(x3, [0.1, 0.5]) AS q, approx_median(x4) AS m FROM d GROUP BY g ORDER BY g`;
  const expected = await (await db.query(sql)).toRows();
  const alone = await open({ threads: 1 });
  try {
    const columns = Object.values(SHAPES).map((shape, i) => `${shape} AS x${i}`);
    await alone.exec(`CREATE TABLE d AS SELECT i, i % 7 AS g, ${columns.join(', ')} FROM generate_series(1, ${ROWS}) t(i)`);
    expect(await (await alone.query(sql)).toRows()).toEqual(expected);
  } finally {
    await alone.close();
  }
});
