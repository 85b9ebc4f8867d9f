import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QueryRequest } from '../../src/core/contracts.js';
import { ANONYMOUS, EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { textRows } from '../sql/runner.js';

let engine: OpenEngine;

beforeAll(async () => {
  const settings = settingsWith({ path: ':memory:', memory_limit: '256MB', max_concurrent_queries: 2, max_queued_queries: 1 });
  engine = await openDatabase(settings, { workerThreads: 0 });
  await rows('CREATE TABLE t (a INT, s TEXT)');
});
afterAll(() => engine.close());

function request(sql: string, more: Partial<QueryRequest> = {}): QueryRequest {
  return { sql, principal: ANONYMOUS, ...more };
}

async function rows(sql: string, more: Partial<QueryRequest> = {}): Promise<string[]> {
  return textRows(await engine.query.execute(request(sql, more)), engine.arena);
}

function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: { code?: string }) => error.code ?? String(error),
  );
}

describe('statements of one text', () => {
  it('run in order and give the result of the last one', async () => {
    expect(await rows("INSERT INTO t VALUES (1, 'x'); INSERT INTO t VALUES (2, 'y'); SELECT count(*) FROM t;")).toEqual(['2']);
  });
  it('are one transaction: an error undoes what ran before it', async () => {
    expect(await codeOf(rows('DELETE FROM t WHERE a = 2; SELECT nope; DELETE FROM t'))).toBe('column_not_found');
    expect(await rows('SELECT a FROM t ORDER BY a')).toEqual(['1', '2']);
    expect(await codeOf(rows('DELETE FROM t WHERE a = 2; SELECT 1 / (a - 1) FROM t'))).toBe('division_by_zero');
    expect(await rows('SELECT a FROM t ORDER BY a')).toEqual(['1', '2']);
    expect(await rows('BEGIN; DELETE FROM t WHERE a = 2; COMMIT; SELECT a FROM t')).toEqual(['1']);
  });
  it('write nothing at all where only reading is allowed', async () => {
    expect(await codeOf(rows("SELECT 1; INSERT INTO t VALUES (3, 'z')", { readOnly: true }))).toBe('method_not_allowed');
    expect(await rows('SELECT count(*) FROM t', { readOnly: true })).toEqual(['1']);
  });
  it('of an empty text give nothing', async () => {
    expect(await rows(' ; ')).toEqual([]);
  });
});

describe('settings', () => {
  it('SET lasts for the request', async () => {
    expect(await rows("SET timezone = 'Europe/Paris'; SHOW timezone")).toEqual(['Europe/Paris']);
    expect(await rows('SHOW timezone')).toEqual(['UTC']);
  });
  it('SET of the embedded owner lasts longer', async () => {
    await rows('SET vector_rows = 128', { principal: EMBEDDED });
    expect(await rows('SHOW vector_rows', { principal: EMBEDDED })).toEqual(['128']);
    await rows('RESET ALL', { principal: EMBEDDED });
  });
  it('max_rows ends a larger result with an error', async () => {
    expect(await codeOf(rows('SELECT * FROM range(10)', { settings: { max_rows: 5 } }))).toBe('query_memory_exceeded');
    expect(await rows('SELECT count(*) FROM range(10)', { settings: { max_rows: 5 } })).toEqual(['10']);
  });
  it('timeout_ms ends a long statement', async () => {
    const sql = 'SELECT count(*) FROM range(100000) a, range(100000) b WHERE a.range * b.range = 7';
    expect(await codeOf(rows(sql, { settings: { timeout_ms: 50 } }))).toBe('timeout');
  });
});

describe('running queries', () => {
  it('are listed, can be cancelled by id, and free their place', async () => {
    const result = await engine.query.execute(request('SELECT * FROM range(1000000)', { queryId: 'q1' }));
    const batches = result.batches[Symbol.asyncIterator]();
    const first = await batches.next();
    if (!first.done) first.value.release();
    expect(engine.query.running().map((query) => [query.queryId, query.state])).toEqual([['q1', 'streaming']]);
    expect(result.progress().rowsReturned).toBeGreaterThan(0);
    expect(engine.query.cancel('q1')).toBe(true);
    expect(await codeOf(batches.next())).toBe('cancelled');
    expect(engine.query.running()).toEqual([]);
    expect(engine.query.cancel('q1')).toBe(false);
  });
  it('end when the consumer leaves, also before the first batch', async () => {
    const result = await engine.query.execute(request('SELECT * FROM range(1000000)'));
    await result.batches[Symbol.asyncIterator]().return?.();
    expect(engine.query.running()).toEqual([]);
  });
  it('stop with the caller’s signal', async () => {
    const controller = new AbortController();
    const running = rows('SELECT count(*) FROM range(100000) a, range(100000) b WHERE a.range * b.range = 7', {
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 30);
    expect(await codeOf(running)).toBe('cancelled');
  });
  it('wait in a queue, and beyond it are refused', async () => {
    const open = await Promise.all([1, 2].map(() => engine.query.execute(request('SELECT * FROM range(1000000)'))));
    const waiting = rows('SELECT 1');
    expect(await codeOf(rows('SELECT 2'))).toBe('overloaded');
    for (const result of open) await result.batches[Symbol.asyncIterator]().return?.();
    expect(await waiting).toEqual(['1']);
  });
});

describe('describe', () => {
  it('tells the schema and, where the plan alone says it, the number of rows', async () => {
    const described = async (sql: string) => {
      const { schema, rowCount, ordered, kind } = await engine.query.describe(request(sql));
      return [kind, schema.fields.map((field) => `${field.name}:${field.type.kind}`).join(), rowCount, ordered];
    };
    expect(await described('SELECT * FROM t')).toEqual(['query', 'a:int32,s:utf8', 1, true]);
    expect(await described('SELECT a + 1 AS b FROM t WHERE a > 0')).toEqual(['query', 'b:int32', null, true]);
    expect(await described('SELECT count(*) FROM t')).toEqual(['query', 'count:int64', 1, true]);
    expect(await described("INSERT INTO t VALUES (9, 'n')")).toEqual(['insert', '', null, false]);
    expect(await rows('SELECT count(*) FROM t')).toEqual(['1']);
  });
  it('agrees with the executed schema', async () => {
    for (const sql of [
      'SELECT a, s, NULL AS n FROM t',
      'SHOW TABLES',
      'EXPLAIN SELECT 1',
      'SELECT s, count(*) FROM t GROUP BY s',
      'DESCRIBE t',
    ]) {
      const described = await engine.query.describe(request(sql));
      const executed = await engine.query.execute(request(sql));
      for await (const batch of executed.batches) batch.release();
      expect(executed.schema).toEqual(described.schema);
    }
  });
});

describe('parameters', () => {
  it('take the type of what they stand beside', async () => {
    await rows('CREATE TABLE p (n SMALLINT, at TIMESTAMP, d DECIMAL(10, 2), s TEXT)');
    await rows('INSERT INTO p VALUES (?, ?, ?, ?)', { parameters: [7, '2026-01-01', 1.25, 'x'] });
    await rows('INSERT INTO p VALUES ($1, $2, $1, NULL)', { parameters: [8n, new Date('2026-01-02T00:00:00Z')] });
    expect(
      await rows('SELECT s, n FROM p WHERE at < :to AND d = {d:Decimal(10, 2)}', { parameters: { to: '2026-01-02', d: 1.25 } }),
    ).toEqual(['x | 7']);
    expect(await rows('SELECT n FROM p WHERE n = ANY($1) ORDER BY n LIMIT $2', { parameters: [[7, 8], 1] })).toEqual(['7']);
    expect(await codeOf(rows('SELECT * FROM p WHERE n = $2', { parameters: [1] }))).toBe('parameter_missing');
  });
});

describe('about the database', () => {
  it('CANCEL QUERY stops by id, and says when there is none', async () => {
    const result = await engine.query.execute(request('SELECT * FROM range(1000000)', { queryId: 'long' }));
    expect((await rows('SHOW QUERIES')).some((row) => row.startsWith('long | SELECT * FROM range'))).toBe(true);
    await rows("CANCEL QUERY 'long'");
    expect(await codeOf(result.batches[Symbol.asyncIterator]().next())).toBe('cancelled');
    expect(await codeOf(rows("CANCEL QUERY 'long'"))).toBe('not_found');
  });
  it('EXPLAIN ANALYZE tells rows and pruned segments', async () => {
    const lines = await rows('EXPLAIN ANALYZE SELECT count(s) FROM t WHERE a = 1');
    expect(lines.join('\n')).toMatch(/Scan t \(rows 1,.*segments 1 of 1/);
    expect(lines.at(-1)).toMatch(/^1 rows, 1 scanned, /);
  });
  it('settings and functions are listed', async () => {
    expect((await rows('SHOW ALL')).some((row) => row.startsWith('vector_rows | 16384 | query'))).toBe(true);
    expect((await rows("SHOW FUNCTIONS LIKE 'vwap'")).length).toBe(1);
    expect(await codeOf(rows('SET http_port = 1'))).toBe('invalid_argument');
    expect(await codeOf(rows('SET vector_row = 1'))).toBe('invalid_argument');
  });
});

describe('large INSERT … VALUES', () => {
  it('of 100,000 rows is built without an expression per value', async () => {
    await rows('CREATE TABLE big (n BIGINT, x DOUBLE, s TEXT, at TIMESTAMP)');
    const values = Array.from({ length: 100_000 }, (_, i) => `(${i}, ${i}.5, 's${i % 10}', '2026-01-01T00:00:00')`).join(',');
    const started = performance.now();
    const result = await engine.query.execute(request(`INSERT INTO big VALUES ${values}`));
    expect(result.affectedRows).toBe(100_000);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(await rows('SELECT count(*), sum(n), sum(x), min(s), max(s) FROM big')).toEqual(['100000 | 4999950000 | 5000000000 | s0 | s9']);
  });
});

describe('memory', () => {
  it('of queries is given back', async () => {
    const work = async () => {
      await rows('SELECT s, count(*), sum(n) FROM big GROUP BY s ORDER BY 2');
      await rows('SELECT b.n FROM big a JOIN big b ON a.n = b.n WHERE a.n < 100');
      await codeOf(rows('SELECT 1 / (n - 5) FROM big'));
      const left = await engine.query.execute(request('SELECT * FROM big ORDER BY s'));
      await left.batches[Symbol.asyncIterator]().return?.();
    };
    await work();
    const before = engine.arena.usedBytes;
    for (let i = 0; i < 3; i++) await work();
    expect(engine.arena.usedBytes).toBe(before);
  });
});

describe('the dialect', () => {
  it('of a request, of a text and of a session is read', async () => {
    expect(await rows('SELECT IFNULL(NULL, 1) `x`', { settings: { dialect: 'mysql' } })).toEqual(['1']);
    expect(await rows("SET dialect = 'mysql'; SELECT 7 / 2, FALSE || TRUE")).toEqual(['3.5 | true']);
    await rows('SET dialect = transactsql', { principal: EMBEDDED });
    expect(await rows('SELECT TOP 1 * FROM range(3) AS r', { principal: EMBEDDED })).toHaveLength(1);
    await rows('RESET ALL', { principal: EMBEDDED });
  });
  it('that is not known names the nearest one', async () => {
    await expect(rows('SELECT 1', { settings: { dialect: 'mysq' } })).rejects.toMatchObject({
      code: 'invalid_argument',
      hint: 'did you mean mysql?',
    });
    await expect(rows("SET dialect = 'snowflak'; SELECT 1")).rejects.toMatchObject({ code: 'invalid_argument', position: 15 });
    expect(await codeOf(rows("SELECT 1; SET dialect = 'mysql'; SELECT 1"))).toBe('unsupported');
  });
  it('keeps what only reads from writing', async () => {
    expect(await codeOf(rows('DELETE FROM t', { settings: { dialect: 'mysql' }, readOnly: true }))).toBe('method_not_allowed');
  });
});
