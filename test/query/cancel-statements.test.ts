/** Cancelling statements of every kind, those that write too: they end soon, with the right error, and leave nothing behind. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { valueAt } from '../../src/core/values.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';

/** Far above what is promised (100 ms): other tests share the machine. */
const SOON_MS = 5_000;
const ROWS = 600_000;
const COLUMNS = 'ts TIMESTAMP, id BIGINT, sym SYMBOL, price DOUBLE, size BIGINT, note TEXT';

let folder: string;
let engine: OpenEngine;
let before: Awaited<ReturnType<typeof leftovers>>;

interface Stop {
  readonly queryId?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

async function run(sql: string, { queryId, signal, timeoutMs }: Stop = {}): Promise<string[]> {
  const settings = timeoutMs === undefined ? {} : { settings: { timeout_ms: timeoutMs } };
  const request = { sql, principal: EMBEDDED, ...(queryId ? { queryId } : {}), ...(signal ? { signal } : {}), ...settings };
  const result = await engine.query.execute(request);
  const rows: string[] = [];
  for await (const batch of result.batches) {
    if (rows.length < 10 && batch.rowCount > 0) rows.push(String(batch.columns.map((column) => valueAt(engine.arena, column, 0))));
    batch.release();
  }
  return rows;
}

const CONTENT = 'SELECT count(*), max(ts), max(sym), sum(id), sum(price), sum(size), max(note) FROM';

/** What a cancelled statement must not change. */
async function leftovers(): Promise<object> {
  // Planning keeps some memory for constants, and columns that were read stay in memory.
  for (const table of ['t', 'keyed']) await run(`${CONTENT} ${table}`);
  return {
    t: await run(`${CONTENT} t`),
    keyed: await run(`${CONTENT} keyed`),
    tables: await run(
      "SELECT string_agg(table_name, ',' ORDER BY table_name) FROM information_schema.tables WHERE table_schema = 'public'",
    ),
    columns: await run(
      "SELECT string_agg(data_type, ',' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 't'",
    ),
    files: readdirSync(folder).sort(),
    segments: readdirSync(join(folder, 'data', 'segments')).sort(),
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fletch-cancel-'));
  engine = await openDatabase(settingsWith({ path: join(folder, 'data'), memory_limit: '1GB', segment_rows: 131_072 }), {
    workerThreads: 2,
  });
  await run(`CREATE TABLE t (${COLUMNS}) TIMESTAMP(ts)`);
  await run(`CREATE TABLE keyed (${COLUMNS}) TIMESTAMP(ts) DEDUP KEYS (ts, id)`);
  await run(`INSERT INTO t SELECT TIMESTAMP '2026-01-01' + INTERVAL '1 millisecond' * g, g, 'S' || g % 100, (g * 7919 % 1000003) / 100.0,
    g * 31 % 1000, 'note ' || g * 7919 % 10000019 FROM generate_series(1, ${ROWS}) s(g)`);
  await run('INSERT INTO keyed SELECT * FROM t LIMIT 1000');
  for (const name of ['t.parquet', 't.csv', 't.ndjson']) await run(`COPY t TO '${join(folder, name)}'`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  before = await leftovers();
});

afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

/** `{dir}` is the folder of the files. */
const WRITES = {
  'an INSERT of a query': 'INSERT INTO t SELECT a.* FROM t a, range(100)',
  'an INSERT in another order': 'INSERT INTO t SELECT a.* FROM t a, range(8) ORDER BY price',
  'an INSERT into a table with keys': 'INSERT INTO keyed SELECT ts, id + 1, sym, price, size, note FROM t',
  'an INSERT with a returned result': 'INSERT INTO t SELECT a.* FROM t a, range(20) RETURNING id',
  'an UPDATE': "UPDATE t SET price = price + 1, note = md5(note || sym) || repeat('x', 100)",
  'an UPDATE from another table': 'UPDATE t SET price = b.price FROM t b WHERE t.id = b.id + 1',
  'a DELETE': "DELETE FROM t WHERE regexp_matches(md5(note || sym) || md5(sym || note), '^(a|b|.)*c.*7$')",
  'a MERGE':
    'MERGE INTO t USING (SELECT id + 300000 AS id, price FROM t) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET price = s.price WHEN NOT MATCHED THEN INSERT (ts, id, price) VALUES (now(), s.id, s.price)',
  'a CREATE TABLE AS': 'CREATE TABLE made AS SELECT a.* FROM t a, range(100)',
  'a column of another type': 'ALTER TABLE t ALTER COLUMN size TYPE TEXT USING md5(size::TEXT || note)',
  'several statements': 'CREATE TABLE made (x BIGINT); INSERT INTO made SELECT g FROM generate_series(1, 100000000) s(g)',
  'a COPY to Parquet': "COPY (SELECT a.* FROM t a, range(50)) TO '{dir}/out.parquet'",
  'a COPY to CSV': "COPY (SELECT a.* FROM t a, range(50)) TO '{dir}/out.csv'",
  'a COPY to NDJSON': "COPY (SELECT a.* FROM t a, range(50)) TO '{dir}/out.ndjson.gz'",
  'a COPY to Arrow': "COPY (SELECT a.* FROM t a, range(200)) TO '{dir}/out.arrow'",
  'a COPY from Parquet': "COPY t FROM '{dir}/t.parquet'",
  'a COPY from CSV': "COPY keyed FROM '{dir}/t.csv'",
  'a COPY from NDJSON': "COPY t FROM '{dir}/t.ndjson'",
} as const;

const READS = {
  'a histogram of one group': 'SELECT len(histogram(x)) FROM (SELECT hash(g) AS x FROM generate_series(1, 3000000) s(g))',
  'statistics of one group': 'SELECT kurtosis(g), mad(g), geomean(g), wavg(g, g) FROM generate_series(1, 4000000) s(g)',
  'quantiles of one group': 'SELECT median(hash(g)), quantile_disc(g, 0.3) FROM generate_series(1, 4000000) s(g)',
  'a JSON array of one group': "SELECT length(json_group_array('text ' || g)) FROM generate_series(1, 4000000) s(g)",
  'a PIVOT into many columns':
    'SELECT * FROM (PIVOT (SELECT id % 50000 AS id, sym, price FROM t, range(20)) ON sym USING sum(price) GROUP BY id)',
  'DISTINCT aggregates': 'SELECT count(DISTINCT note || size), count(DISTINCT id * 3) FROM t, range(10)',
  'grouping sets': 'SELECT max(c) FROM (SELECT count(DISTINCT note) AS c FROM t, range(10) GROUP BY CUBE (sym, size, id % 1000))',
  'windows over one partition':
    'SELECT max(x) FROM (SELECT sum(price) OVER (ORDER BY price, id) + rank() OVER (ORDER BY size) AS x FROM t, range(4))',
  'a range join': 'SELECT count(*) FROM t a JOIN t b ON a.id BETWEEN b.id AND b.id + 3000',
  'an ASOF join':
    'SELECT count(b.price) FROM (SELECT t.* FROM t, range(6)) a ASOF JOIN (SELECT t.* FROM t, range(6)) b ON a.size = b.size AND a.ts > b.ts',
  'a lateral subquery': 'SELECT count(*) FROM t a, LATERAL (SELECT max(g) AS m FROM generate_series(1, a.size * 100) s(g)) q',
  'reading Parquet': "SELECT max(note) FROM read_parquet('{dir}/t.parquet')",
  'reading NDJSON': "SELECT max(note) FROM read_json('{dir}/t.ndjson')",
  'large texts': "SELECT max(length(regexp_replace(repeat('ab' || i, 20000), '[bx]([0-9]?)a', 'yy', 'g'))) FROM range(800) r(i)",
  'a union': 'SELECT count(*) FROM (SELECT id, note FROM t UNION SELECT id + 5, note FROM t)',
  'rows that nobody limits': 'SELECT a.id, b.note FROM t a, t b',
} as const;

const statements = Object.entries({ ...WRITES, ...READS });

async function stopped(sql: string, stop: (queryId: string) => Promise<Stop>): Promise<{ outcome: unknown; tookMs: number }> {
  const running = stop('slow').then(async (how) => run(sql.replaceAll('{dir}', folder), { queryId: 'slow', ...how }));
  const outcome = await running.then(
    () => 'done',
    (error: unknown) => error,
  );
  return { outcome, tookMs: performance.now() };
}

/** Texts of rows that were never committed stay known to the dictionaries, up to a limit. */
const DICTIONARY_BYTES = 32 << 20;

/** What ends in the background is over soon. */
async function expectNothingLeft(usedBytes: number, mayGrow: boolean): Promise<void> {
  const most = usedBytes + (mayGrow ? DICTIONARY_BYTES : 0);
  for (const end = performance.now() + 10_000; ; ) {
    const after = await leftovers();
    if (performance.now() > end) {
      expect(after).toEqual(before);
      expect(engine.arena.usedBytes).toBeLessThanOrEqual(most);
    }
    if (JSON.stringify(after) === JSON.stringify(before) && engine.arena.usedBytes <= most) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test.each(statements)('a cancel stops %s and leaves nothing behind', async (name, sql) => {
  const usedBytes = engine.arena.usedBytes;
  let asked = 0;
  let timer: NodeJS.Timeout | undefined;
  let wasRunning = false;
  const { outcome, tookMs } = await stopped(sql, async () => {
    timer = setTimeout(() => {
      asked = performance.now();
      wasRunning = engine.query.cancel('slow');
    }, 150);
    return {};
  });
  clearTimeout(timer);
  if (asked === 0) throw new Error(`the statement ended before it was cancelled: ${String(outcome)}`);
  expect(wasRunning).toBe(true);
  expect(outcome).toMatchObject({ code: 'cancelled' });
  expect(tookMs - asked).toBeLessThan(SOON_MS);
  await expectNothingLeft(usedBytes, name in WRITES);
  expect(existsSync(join(folder, 'out.parquet'))).toBe(false);
});

test.each(['an UPDATE', 'an INSERT of a query', 'a COPY to Parquet'] as const)('time-out and a client that goes stop %s', async (name) => {
  const usedBytes = engine.arena.usedBytes;
  const { outcome } = await stopped(WRITES[name], async () => ({ timeoutMs: 100 }));
  expect(outcome).toMatchObject({ code: 'timeout' });
  await expectNothingLeft(usedBytes, true);
  const client = new AbortController();
  let gone = 0;
  const left = await stopped(WRITES[name], async () => {
    setTimeout(() => {
      gone = performance.now();
      client.abort();
    }, 100);
    return { signal: client.signal };
  });
  expect(left.outcome).toMatchObject({ code: 'cancelled' });
  expect(left.tookMs - gone).toBeLessThan(SOON_MS);
  await expectNothingLeft(usedBytes, true);
});
