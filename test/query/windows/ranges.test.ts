/** Windows whose partitions are worked on side by side: the same rows for any number of threads, stops, limits, memory that comes back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMBEDDED } from '../../../src/core/principal.js';
import { type QuerySettings, settingsWith } from '../../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../../src/database.js';
import { textRows } from '../../sql/runner.js';

const ROWS = 12_000;
const THREADS = [0, 1, 2] as const;
const engines: OpenEngine[] = [];

beforeAll(async () => {
  for (const workerThreads of THREADS) {
    const engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '512MB', segment_rows: 4096 }), { workerThreads });
    engines.push(engine);
    await rowsOf(
      engine,
      `CREATE TABLE w AS SELECT i, (i * 7919) % 97 AS p, (i * 31) % 1000 AS k, ((i * 17) % 1009) / 7.0 AS x,
         CASE WHEN i % 11 = 0 THEN NULL ELSE (i * 13) % 512 END AS v, 'text ' || ((i * 37) % 700) AS s, i % 3 = 0 AS b
       FROM generate_series(1, ${ROWS}) t(i)`,
    );
  }
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
});

async function rowsOf(engine: OpenEngine, sql: string, settings: Partial<QuerySettings> = {}): Promise<string[]> {
  return textRows(await engine.query.execute({ sql, principal: EMBEDDED, settings }), engine.arena);
}

const CALLS = [
  'avg(x) OVER (PARTITION BY p ORDER BY i ROWS BETWEEN 19 PRECEDING AND CURRENT ROW)',
  'sum(v) OVER (PARTITION BY p ORDER BY k DESC, i), rank() OVER (PARTITION BY p ORDER BY k), sum(x) OVER (PARTITION BY p)',
  'lag(s) OVER (PARTITION BY p ORDER BY k), first_value(v) IGNORE NULLS OVER (PARTITION BY p ORDER BY i), string_agg(s) OVER (PARTITION BY p ORDER BY i ROWS 3 PRECEDING)',
  'bool_or(b) OVER (PARTITION BY p ORDER BY k ROWS 1 PRECEDING), bool_and(b) FILTER (WHERE v > 500) OVER (PARTITION BY p ORDER BY i ROWS 40 PRECEDING)',
  'median(x) OVER (PARTITION BY p ORDER BY i ROWS 9 PRECEDING), count(DISTINCT v) OVER (PARTITION BY p ORDER BY k), max(x) OVER (PARTITION BY p ORDER BY i RANGE 500 PRECEDING)',
  'row_number() OVER (PARTITION BY p, b ORDER BY x DESC), ntile(7) OVER (PARTITION BY b ORDER BY i), lead(i, 2, -1) OVER (ORDER BY x, i)',
  'array_agg(v) OVER (PARTITION BY p ORDER BY i ROWS 2 PRECEDING), min(s) OVER (PARTITION BY p ORDER BY x GROUPS 1 PRECEDING EXCLUDE CURRENT ROW)',
  'stddev(x) OVER (PARTITION BY i % 5000 ORDER BY k), sum(x) OVER (PARTITION BY i), percent_rank() OVER (PARTITION BY s ORDER BY v)',
];

test.each(CALLS)('%s is the same for any number of threads and size of vectors', async (calls) => {
  const sql = `SELECT i, ${calls} FROM w ORDER BY i`;
  const [first, ...others] = engines;
  const expected = await rowsOf(first as OpenEngine, sql);
  expect(expected).toHaveLength(ROWS);
  for (const engine of others) expect(await rowsOf(engine, sql)).toEqual(expected);
  expect(await rowsOf(engines[2] as OpenEngine, sql, { vector_rows: 64 })).toEqual(expected);
});

describe.each(THREADS.map((threads, i) => [threads, i] as const))('with %i threads', (_, index) => {
  const engine = (): OpenEngine => engines[index] as OpenEngine;

  test.each(CALLS)('after %s all memory is given back', async (calls) => {
    const sql = `SELECT ${calls} FROM w`;
    await rowsOf(engine(), sql);
    const before = engine().arena.usedBytes;
    await rowsOf(engine(), sql, { vector_rows: 64 });
    expect(engine().arena.usedBytes).toBe(before);
  });

  test.each(CALLS)('%s over more memory than allowed is an error that frees everything', async (calls) => {
    const before = engine().arena.usedBytes;
    for (const max_memory of [100_000, 300_000]) {
      await expect(rowsOf(engine(), `SELECT ${calls} FROM w`, { max_memory, vector_rows: 1024 })).rejects.toMatchObject({
        code: 'query_memory_exceeded',
      });
      expect(engine().arena.usedBytes).toBe(before);
    }
  });

  test('a window over very many rows of frames stops when its time is over, and frees everything', async () => {
    const sql = 'SELECT mode(v) OVER (PARTITION BY p % 2 ORDER BY i ROWS BETWEEN 3000 PRECEDING AND CURRENT ROW) FROM w';
    await expect(rowsOf(engine(), sql, { timeout_ms: 150 })).rejects.toMatchObject({ code: 'timeout' });
    const before = engine().arena.usedBytes;
    const began = performance.now();
    await expect(rowsOf(engine(), sql, { timeout_ms: 150 })).rejects.toMatchObject({ code: 'timeout' });
    expect(performance.now() - began).toBeLessThan(5000);
    expect(engine().arena.usedBytes).toBe(before);
  });
});
