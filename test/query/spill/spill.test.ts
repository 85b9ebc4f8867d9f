/** Queries whose state does not fit in their memory: they give what they give with plenty of it, and leave nothing on disk, however they end. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemEnvironment } from '../../../src/core/environment.js';
import { asDbError } from '../../../src/core/errors.js';
import { EMBEDDED } from '../../../src/core/principal.js';
import { settingsWith } from '../../../src/core/settings.js';
import { valueAt } from '../../../src/core/values.js';
import { type OpenEngine, openDatabase } from '../../../src/database.js';
import { type Fault, SimulatedFiles } from '../../storage/simulated-files.js';

const ROWS = 90_000;
const MEMORY = 6_500_000;
const SPILL = '/spill/fletch-spill';

const TABLES = `
  CREATE TABLE t AS SELECT i, (i * 7919) % 60013 AS k, 'text' || ((i * 31) % 30011) AS s, (i * 13) % 977 AS f,
    CASE WHEN i % 11 = 0 THEN NULL ELSE (i % 40000)::DECIMAL(20, 2) END AS d, i % 2 = 0 AS b, 'v' || (i % 13) AS sym
    FROM range(${ROWS}) r(i);
  CREATE TABLE u AS SELECT (i * 3) % 70001 AS k, 'u' || i AS name, CASE WHEN i % 7 = 0 THEN NULL ELSE i % 40000 END AS n
    FROM range(${ROWS / 2}) r(i);
  CREATE TABLE kinds AS SELECT i, (i % 200 - 100)::TINYINT AS i8, (i % 1000)::SMALLINT AS i16, i::FLOAT / 7 AS f32, i % 977 / 7.0 AS f64,
    (i * 1000003)::DECIMAL(30, 4) AS dec, (DATE '2020-01-01' + (i % 3000)::INTEGER) AS day, TIMESTAMP '2020-01-01' + INTERVAL (i % 5000) SECOND AS at,
    INTERVAL (i % 400) DAY AS gap, CASE WHEN i % 3 = 0 THEN NULL ELSE 'n' || i END AS note, [i % 5, i % 7] AS l, {'a': i % 3, 'x': 'v' || (i % 4)} AS st,
    i % 2 = 0 AS flag, ('b' || i)::BLOB AS bytes FROM range(20000) r(i)`;

let files: SimulatedFiles;
let engine: OpenEngine;

async function opened(spillFiles: SimulatedFiles, settings: Record<string, string | number> = {}, threads = 2): Promise<OpenEngine> {
  const environment = { ...systemEnvironment, files: spillFiles };
  const all = settingsWith({ path: ':memory:', spill_folder: '/spill', memory_limit: '600MB', ...settings });
  const made = await openDatabase(all, { environment, workerThreads: threads });
  for await (const batch of (await made.query.execute({ sql: TABLES, principal: EMBEDDED })).batches) batch.release();
  return made;
}

beforeAll(async () => {
  files = new SimulatedFiles();
  engine = await opened(files);
});
afterAll(() => engine.close());

interface Given {
  readonly maxMemory?: number;
  readonly signal?: AbortSignal;
  readonly sorts?: boolean;
  readonly on?: OpenEngine;
}

async function rows(sql: string, { maxMemory = 0, signal, sorts = false, on = engine }: Given = {}): Promise<string[]> {
  const settings = { max_memory: maxMemory, vector_rows: 1024 };
  const result = await on.query.execute({ sql, principal: EMBEDDED, settings, ...(signal ? { signal } : {}) });
  const found: string[] = [];
  for await (const batch of result.batches) {
    for (let row = 0; row < batch.rowCount; row++) {
      const values = batch.columns.map((column) => valueAt(on.arena, column, row));
      found.push(JSON.stringify(values, (_, value) => (typeof value === 'bigint' ? `${value}` : value)));
    }
    batch.release();
  }
  return sorts ? found.sort() : found;
}

const writes = (): number => files.log.filter((call) => call.startsWith(`write ${SPILL}`)).length;
const nothingIsLeft = (of = files): void => {
  expect(of.namesIn(SPILL)).toEqual([]);
  expect(of.openFiles).toBe(0);
};

/** The same rows with little memory. */
async function expectSame(sql: string, sorts: boolean, maxMemory = MEMORY): Promise<void> {
  const wanted = await rows(sql, { sorts });
  const used = engine.arena.usedBytes;
  const found = await rows(sql, { sorts, maxMemory });
  expect(found.length).toBe(wanted.length);
  // One comparison: a difference of arrays of this size takes minutes to print.
  expect(found.findIndex((row, i) => row !== wanted[i])).toBe(-1);
  expect(engine.arena.usedBytes).toBe(used);
  nothingIsLeft();
}

/** At the end of a group of tests. */
function expectWrites(): void {
  let before = 0;
  beforeAll(() => {
    before = writes();
  });
  test('rows went to disk', () => expect(writes()).toBeGreaterThan(before));
}

describe('ORDER BY', () => {
  test.each([
    'SELECT i, k, s, f, d FROM t ORDER BY k, i',
    'SELECT i, s, d FROM t ORDER BY s DESC, f, i',
    'SELECT i, d, sym FROM t ORDER BY d NULLS FIRST, k DESC',
    'SELECT i, s, f, d, k FROM t ORDER BY b',
    'SELECT i, upper(sym) AS u FROM t ORDER BY u, k, i',
    'SELECT i, s FROM t ORDER BY k + f, i DESC',
    'SELECT k, s, i FROM t ORDER BY s, i LIMIT 88000 OFFSET 1000',
  ])('%s', (sql) => expectSame(sql, false));

  test.each(['i8', 'f64', 'dec', 'gap', 'note', 'flag', 'bytes'])('by %s, with all kinds of columns', (key) =>
    expectSame(`SELECT * FROM kinds ORDER BY ${key} DESC, i`, false),
  );
  expectWrites();
});

describe('aggregates', () => {
  test.each([
    'SELECT k, count(*), sum(f), min(s), max(d), first(i) FROM t GROUP BY k',
    'SELECT DISTINCT s, f FROM t',
    'SELECT s, b, count(DISTINCT k), median(f), list(i ORDER BY k DESC) FROM t GROUP BY s, b',
    "SELECT d, count(*) FILTER (WHERE b), string_agg(sym, ',' ORDER BY i) FROM t GROUP BY d",
    'SELECT k, sym, count(*), sum(i), grouping(k, sym) FROM t GROUP BY GROUPING SETS ((k, sym), (k), (sym), ())',
    'SELECT count(*), sum(c) FROM (SELECT i, count(*) AS c FROM t GROUP BY i)',
    'SELECT i % 50000 AS g, avg(f), arg_max(s, k) FROM t GROUP BY g',
    'SELECT i, k FROM t UNION SELECT k, n FROM u',
    'SELECT k FROM u EXCEPT SELECT k FROM t WHERE b',
  ])('%s', (sql) => expectSame(sql, true));
  expectWrites();
});

describe('joins', () => {
  test.each([
    'SELECT t.i, u.name FROM t JOIN u ON t.k = u.k',
    'SELECT t.i, u.name, u.n FROM t LEFT JOIN u ON t.k = u.k AND u.n > 1000',
    'SELECT t.i, u.name FROM t RIGHT JOIN u ON t.k = u.n',
    'SELECT t.i, u.name FROM t FULL JOIN u ON t.i = u.n AND t.f < 900',
    'SELECT t.i, t.s FROM t WHERE i IN (SELECT k FROM t)',
    'SELECT i, s FROM t WHERE NOT EXISTS (SELECT 1 FROM t o WHERE o.i = t.k AND o.f < t.f)',
    'SELECT a.i, b.i FROM t a JOIN t b ON a.s = b.s AND a.sym = b.sym AND a.i < b.i',
  ])('%s', (sql) => expectSame(sql, true));

  // Two joins that stand on each other share the memory.
  test('a join of a join', () =>
    expectSame('SELECT count(*), sum(a.i), min(b.s) FROM t a JOIN t b ON a.i = b.k JOIN t c ON c.i = b.i', true, 2 * MEMORY));
  expectWrites();
});

describe('windows and relations', () => {
  test.each([
    'SELECT i, row_number() OVER (PARTITION BY s ORDER BY i), sum(f) OVER (PARTITION BY s ORDER BY i) FROM t',
    'SELECT i, lag(f) OVER (PARTITION BY k ORDER BY i), count(*) OVER (PARTITION BY k, b) FROM t',
    'WITH c AS MATERIALIZED (SELECT i, s, k, f, sym FROM t) SELECT a.i, a.s, a.k, a.f, a.sym FROM c a UNION ALL SELECT i, s, k, f, sym FROM c',
  ])('%s', (sql) => expectSame(sql, true));
  expectWrites();
});

test('one thread and none give the same', async () => {
  const sql = 'SELECT t.i, u.name, row_number() OVER (PARTITION BY t.k ORDER BY t.i) FROM t JOIN u ON t.k = u.k ORDER BY t.s, t.i, u.name';
  const wanted = await rows(sql);
  for (const threads of [0, 1]) {
    const other = await opened(new SimulatedFiles(), {}, threads);
    expect((await rows(sql, { maxMemory: MEMORY, on: other })).findIndex((row, i) => row !== wanted[i])).toBe(-1);
    await other.close();
  }
});

describe('what goes wrong', () => {
  const sql = 'SELECT s, i, count(*) FROM t GROUP BY s, i ORDER BY s, i';

  /** Calls of a run that nothing disturbs, by number; those before the first are the opening's. */
  async function callsOf(): Promise<readonly [number, number]> {
    const undisturbed = new SimulatedFiles();
    const own = await opened(undisturbed, {}, 0);
    const first = undisturbed.calls + 1;
    await rows(sql, { maxMemory: MEMORY, on: own });
    const last = undisturbed.calls;
    await own.close();
    return [first, last];
  }

  test('a fault at any call is an io_error; memory and disk are as before, and the next query works', async () => {
    const [first, last] = await callsOf();
    expect(last - first).toBeGreaterThan(20);
    // The last calls close and remove files: where they fail, the next opening does it.
    const middle = Math.round((first + last) / 2);
    const faults: Record<string, readonly number[]> = { EIO: [first, first + 2, middle], ENOSPC: [first + 1, first + 3, middle] };
    for (const [fault, numbers] of Object.entries(faults)) {
      for (const at of numbers) {
        const faulty = new SimulatedFiles(undefined, fault as Fault, at);
        const own = await opened(faulty, {}, 0);
        const used = own.arena.usedBytes;
        const failed = await rows(sql, { maxMemory: MEMORY, on: own }).then(
          () => undefined,
          (error: unknown) => asDbError(error),
        );
        expect([at, failed?.code]).toEqual([at, 'io_error']);
        expect(failed?.message).toContain(SPILL);
        expect(own.arena.usedBytes).toBe(used);
        nothingIsLeft(faulty);
        expect(await rows('SELECT count(*) FROM (SELECT k FROM t ORDER BY k)', { maxMemory: MEMORY, on: own })).toEqual(['["90000"]']);
        await own.close();
      }
    }
  }, 120_000);

  test('reads and writes that do less than they are asked for are gone on with', async () => {
    const [first, last] = await callsOf();
    const wanted = await rows(sql);
    for (const at of [first + 3, last - 9]) {
      const own = await opened(new SimulatedFiles(undefined, 'short', at), {}, 0);
      expect((await rows(sql, { maxMemory: MEMORY, on: own })).findIndex((row, i) => row !== wanted[i])).toBe(-1);
      await own.close();
    }
  }, 60_000);

  test('bytes that changed on disk are `corrupt`', async () => {
    const damaged = new SimulatedFiles();
    const own = await opened(damaged, {}, 0);
    const result = await own.query.execute({
      sql: 'SELECT i, s, k, f, d, sym FROM t ORDER BY k, i',
      principal: EMBEDDED,
      settings: { max_memory: MEMORY, vector_rows: 1024 },
    });
    let isDamaged = false;
    const read = async (): Promise<void> => {
      for await (const batch of result.batches) {
        batch.release();
        if (isDamaged) continue;
        isDamaged = true;
        for (const folder of damaged.namesIn(SPILL)) {
          for (const name of damaged.namesIn(`${SPILL}/${folder}`)) {
            const bytes = damaged.bytesOf(`${SPILL}/${folder}/${name}`);
            for (let at = 100; at < bytes.length; at += 1000) bytes[at] = (bytes[at] as number) ^ 1;
          }
        }
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'corrupt' });
    nothingIsLeft(damaged);
    await own.close();
  });

  test('a query that is stopped while it spills leaves nothing', async () => {
    const used = engine.arena.usedBytes;
    for (const after of [20, 100, 250]) {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), after);
      const ended = await rows('SELECT a.i, b.s FROM t a JOIN t b ON a.f = b.f ORDER BY b.s, a.i', {
        maxMemory: 2 * MEMORY,
        signal: abort.signal,
      }).then(
        () => 'done',
        (error: unknown) => asDbError(error).code,
      );
      clearTimeout(timer);
      expect(ended).toBe('cancelled');
      nothingIsLeft();
      expect(engine.arena.usedBytes).toBe(used);
    }
  });

  test('a result that is left leaves nothing', async () => {
    const result = await engine.query.execute({
      sql: 'SELECT i, s, k FROM t ORDER BY k, i',
      principal: EMBEDDED,
      settings: { max_memory: MEMORY, vector_rows: 1024 },
    });
    for await (const batch of result.batches) {
      batch.release();
      break;
    }
    nothingIsLeft();
  });

  test('spill_limit bounds what is on disk', async () => {
    const small = new SimulatedFiles();
    const own = await opened(small, { spill_limit: 500_000 }, 0);
    await expect(rows(sql, { maxMemory: MEMORY, on: own })).rejects.toMatchObject({
      code: 'query_memory_exceeded',
      message: expect.stringContaining('spill_limit'),
    });
    nothingIsLeft(small);
    await own.close();
  });

  test('rows of one key that do not fit in memory are query_memory_exceeded', async () => {
    await expect(rows('SELECT b, list(s || i) FROM t GROUP BY b', { maxMemory: 4_000_000 })).rejects.toMatchObject({
      code: 'query_memory_exceeded',
    });
    nothingIsLeft();
  });
});

test('a database in memory does not spill unless it is told where', async () => {
  const own = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '300MB' }), { workerThreads: 0 });
  const sql = `SELECT count(*) FROM (SELECT i FROM range(${ROWS}) r(i) ORDER BY i * 7919 % 60013)`;
  const settings = { max_memory: 3_000_000 };
  const run = async (): Promise<void> => {
    for await (const batch of (await own.query.execute({ sql, principal: EMBEDDED, settings })).batches) batch.release();
  };
  await expect(run()).rejects.toMatchObject({ code: 'query_memory_exceeded' });
  await own.close();
});

test('what a crash has left is removed at the opening', async () => {
  const left = new SimulatedFiles();
  await left.makeFolder(`${SPILL}/1`);
  await (await left.open(`${SPILL}/1/0`, 'write')).close();
  const own = await openDatabase(settingsWith({ path: ':memory:', spill_folder: '/spill' }), {
    environment: { ...systemEnvironment, files: left },
    workerThreads: 0,
  });
  expect(left.namesIn('/spill')).toEqual([]);
  await own.close();
});
