/** Cancelling statements whose work is one long step: the thread that answers stays free, and the statement ends soon. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';

/** Far above what is promised (100 ms): other tests share the machine. */
const SOON_MS = 1500;

let engine: OpenEngine;

beforeAll(async () => {
  engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '512MB' }), { workerThreads: 2 });
  await rowsOf(
    "CREATE TABLE t AS SELECT g AS id, g % 1000 AS k, (g * 7919) % 100003 AS v, 'row ' || g AS s FROM generate_series(1, 100000) s(g)",
  );
  // Starting threads is no work of a query.
  await rowsOf('SELECT count(*) FROM t a JOIN t b ON a.k = b.k');
});

afterAll(() => engine.close());

async function rowsOf(sql: string, queryId?: string, signal?: AbortSignal): Promise<number> {
  const result = await engine.query.execute({ sql, principal: EMBEDDED, ...(queryId ? { queryId } : {}), ...(signal ? { signal } : {}) });
  let rows = 0;
  for await (const batch of result.batches) {
    rows += batch.rowCount;
    batch.release();
  }
  return rows;
}

const SLOW = {
  'a lambda over a long list': 'SELECT list_reduce(range(1000000), (a, b) -> (a + b) % 1000)',
  'a lambda over long lists': 'SELECT sum(len(list_transform(range(1000000), x -> md5(x::TEXT || id)))) FROM t',
  'sorting lists': 'SELECT max(len(list_sort(list_transform(range(200000), x -> (x * 7919 + id) % 100003)))) FROM t WHERE id < 100',
  'a regular expression with a back-reference': "SELECT count(*) FROM t WHERE regexp_matches(repeat('a', 18) || s, '^(a|a)*\\1$')",
  'a regular expression that backtracks': "SELECT count(*) FROM t WHERE repeat(s, 100) SIMILAR TO '%(w|r)*1%x'",
  'how alike long texts are': "SELECT levenshtein(repeat('ab', 30000), repeat('ba', 30000))",
  'a long series as rows': 'SELECT sin(x)::TEXT FROM generate_series(1, 100000000000) g(x) WHERE x < 0',
  'a product of series': 'SELECT count(*) FROM range(1000000000) a(x), range(1000000000) b(y) WHERE x + y = 17',
  unnesting: 'SELECT count(*) FROM t, LATERAL generate_series(1, 1000000) g(x) WHERE x % 7 = t.id',
  'a recursion of one row': 'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r',
  'a recursion of many rows': 'WITH RECURSIVE r(n) AS (SELECT id FROM t UNION ALL SELECT (n * 3) % 100 FROM r) SELECT max(n) FROM r',
  'a join of all with all': "SELECT count(*) FROM t a JOIN t b ON a.s || b.s LIKE '%9%8%7%'",
  'windows over wide frames': 'SELECT mode(v) OVER (ORDER BY id ROWS BETWEEN 10000 PRECEDING AND 10000 FOLLOWING) FROM t',
  'sorting texts': 'SELECT max(x) FROM (SELECT row_number() OVER (ORDER BY md5(g::TEXT)) AS x FROM generate_series(1, 1500000) s(g))',
  'sorting numbers': 'SELECT * FROM (SELECT (g * 7919) % 1000003 AS x FROM generate_series(1, 5000000) s(g)) q ORDER BY x DESC',
  'a list of many rows': 'SELECT len(list(g)) FROM generate_series(1, 8000000) s(g)',
  'texts of many rows joined': "SELECT max(length(x)) FROM (SELECT string_agg(s, ',') AS x FROM t, range(30) r(i) GROUP BY k, i % 7) q",
  'the most frequent value': 'SELECT mode((g * 7919) % 1000003) FROM generate_series(1, 4000000) s(g)',
  'values of groups in JavaScript': 'SELECT len(histogram(g % 100003)) FROM generate_series(1, 3000000) s(g)',
  'grouping by texts': 'SELECT count(DISTINCT repeat(s, 500)) FROM t',
} as const;

test.each(Object.entries(SLOW))('a cancel stops %s', async (_, sql) => {
  // Planning keeps some memory for constants from its first use on.
  await rowsOf("SELECT repeat('a', 10)");
  const used = engine.arena.usedBytes;
  const running = rowsOf(sql, 'slow').catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 150));
  const asked = performance.now();
  const wasRunning = engine.query.cancel('slow');
  const outcome = await running;
  const tookMs = performance.now() - asked;
  if (wasRunning) expect(outcome).toMatchObject({ code: 'cancelled' });
  expect(tookMs).toBeLessThan(SOON_MS);
  expect(engine.arena.usedBytes).toBe(used);
});

test.each([
  ["SELECT regexp_matches(repeat('a', 60) || 'b', '^(a|a)*\\1$')", 'invalid_value'],
  ["SELECT regexp_replace(repeat('ab', 10000000), 'x', 'y')", 'query_memory_exceeded'],
  ["SELECT repeat('a', 400000000)", 'query_memory_exceeded'],
  ["SELECT upper(repeat('äbc', 20000000))", 'query_memory_exceeded'],
  ['SELECT list_sort(range(10000000))', 'query_memory_exceeded'],
  ['SELECT max(len(list_transform(range(300000), x -> x + id))) FROM t', 'query_memory_exceeded'],
  ['INSERT INTO t VALUES (list_reduce(range(10000000), (a, b) -> (a + b) % 1000), 1, 1, NULL)', 'timeout'],
  ['SELECT 1 LIMIT list_reduce(range(1000000), (a, b) -> (a + b) % 1000)', 'timeout'],
])('what no thread could finish is refused: %s', async (sql, code) => {
  await expect(rowsOf(sql)).rejects.toMatchObject({ code });
  expect(await rowsOf('SELECT 1')).toBe(1);
});

test('an expensive constant is computed by a thread, and the calling thread stays free', async () => {
  let last = performance.now();
  let longestMs = 0;
  const timer = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - last);
    last = performance.now();
  }, 5);
  await rowsOf(
    "SELECT levenshtein(repeat('ab', 2000), repeat('ba', 2000)), len(list_sort(list_transform(range(100000), x -> (x * 7919) % 100003)))",
  );
  clearInterval(timer);
  expect(longestMs).toBeLessThan(500);
});
