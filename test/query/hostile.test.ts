/** Statements that are large or endless on purpose: they answer, or fail as they should, in little time. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';

let engine: OpenEngine;

beforeAll(async () => {
  engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '512MB' }), { workerThreads: 0 });
  await rowsOf('CREATE TABLE t AS SELECT g AS id, g % 1000 AS k, (g * 7919) % 100003 AS v FROM generate_series(1, 200000) s(g)');
});

afterAll(() => engine.close());

async function rowsOf(sql: string, timeoutMs = 0): Promise<number> {
  const result = await engine.query.execute({ sql, principal: EMBEDDED, settings: { timeout_ms: timeoutMs } });
  let rows = 0;
  for await (const batch of result.batches) {
    rows += batch.rowCount;
    batch.release();
  }
  return rows;
}

test.each([
  'SELECT count(*) FROM t a JOIN t b ON a.k < b.v',
  'SELECT mode(v) OVER (ORDER BY id ROWS BETWEEN 10000 PRECEDING AND 10000 FOLLOWING) FROM t',
  'SELECT median(v) OVER (ORDER BY id ROWS BETWEEN 20000 PRECEDING AND 20000 FOLLOWING EXCLUDE CURRENT ROW) FROM t',
  'SELECT list_reduce(range(300), (a, b) -> a + b + id % 2) FROM t',
  'SELECT levenshtein(repeat(id::TEXT, 100), repeat(v::TEXT, 100)) FROM t',
])('a time limit holds where one row of work lasts long and no other thread runs: %s', async (sql) => {
  const used = engine.arena.usedBytes;
  const begin = performance.now();
  await expect(rowsOf(sql, 50)).rejects.toMatchObject({ code: 'timeout' });
  expect(performance.now() - begin).toBeLessThan(3000);
  expect(engine.arena.usedBytes).toBe(used);
});

test('common tables that read each other twice are refused before their uses fill the memory', async () => {
  const tables = Array.from({ length: 22 }, (_, i) =>
    i === 0 ? 'c0 AS NOT MATERIALIZED (SELECT 1 AS a)' : `c${i} AS NOT MATERIALIZED (SELECT 1 AS a FROM c${i - 1} p, c${i - 1} q)`,
  );
  await expect(rowsOf(`WITH ${tables.join(', ')} SELECT count(*) FROM c21`)).rejects.toMatchObject({ code: 'nesting_too_deep' });
});

test('a long chain of EXCEPT ALL is answered', async () => {
  expect(await rowsOf(Array.from({ length: 400 }, (_, i) => `SELECT ${i}`).join(' EXCEPT ALL '))).toBe(1);
});
