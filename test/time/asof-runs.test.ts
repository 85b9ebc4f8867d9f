/** ASOF joins of many rows: the pass over both sides against looking each row up, on several threads, in little memory, out of time. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { type QuerySettings, settingsWith } from '../../src/core/settings.js';
import { valueAt } from '../../src/core/values.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';

const SYMBOL = "CASE WHEN h % 97 = 0 THEN NULL WHEN h % 4001 = 1 THEN 'rare' ELSE 'S' || (h % 13)::text END";
const SERIES = (name: string, rows: number, step: number, salt: number): string =>
  `INSERT INTO ${name} SELECT i, TIMESTAMP '2026-01-01' + INTERVAL '1 microsecond' * (i * ${step} - i * ${step} % 7), ${SYMBOL}, 1
   FROM (SELECT i, (i * 7919 + ${salt}) % 104729 AS h FROM range(${rows}) g(i))`;

async function rowsOf(engine: OpenEngine, sql: string, settings: Partial<QuerySettings> = {}): Promise<string[]> {
  const result = await engine.query.execute({ sql, principal: EMBEDDED, settings: { vector_rows: 64, ...settings } });
  const rows: string[] = [];
  for await (const batch of result.batches) {
    for (let i = 0; i < batch.rowCount; i++) rows.push(batch.columns.map((column) => String(valueAt(engine.arena, column, i))).join(' '));
    batch.release();
  }
  return rows;
}

const THREADS = [0, 1, 2];
let engines: OpenEngine[] = [];

beforeAll(async () => {
  engines = await Promise.all(
    THREADS.map(async (workerThreads) => {
      const engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '512MB', segment_rows: 8192 }), { workerThreads });
      for (const [name, rows, step, salt] of [
        ['l', 20_000, 10, 1],
        ['r', 40_000, 5, 2],
      ] as const) {
        await rowsOf(engine, `CREATE TABLE ${name} (id INT, ts TIMESTAMP, sym SYMBOL, one INT) TIMESTAMP(ts)`);
        await rowsOf(engine, SERIES(name, rows, step, salt));
      }
      await rowsOf(engine, 'CREATE TABLE c (id INT, ts TIMESTAMP, sym SYMBOL, one INT) TIMESTAMP(ts) CLUSTER BY (sym)');
      await rowsOf(engine, SERIES('c', 40_000, 5, 2));
      await engine.storage.flush();
      return engine;
    }),
  );
}, 60_000);

afterAll(async () => {
  for (const engine of engines) await engine.close();
});

const CONDITIONS = [
  'l.sym = r.sym AND l.ts >= r.ts',
  'l.sym = r.sym AND l.ts > r.ts',
  'l.ts >= r.ts',
  'l.ts > r.ts',
  "l.sym = r.sym AND l.ts >= r.ts AND r.ts < TIMESTAMP '2026-01-01 00:00:00.1'",
  "l.sym = r.sym AND l.ts >= r.ts AND r.ts > TIMESTAMP '2026-01-01 00:00:00.0701' AND r.ts <= TIMESTAMP '2026-01-01 00:00:00.15'",
  "l.sym = r.sym AND l.ts >= r.ts TOLERANCE INTERVAL '40 microseconds'",
  "l.sym = r.sym AND l.ts > r.ts AND l.id % 3 = 0 TOLERANCE INTERVAL '40 microseconds'",
];

const WHERES = [
  '',
  ' WHERE l.id % 5 = 0',
  ' WHERE l.id BETWEEN 7000 AND 7100',
  " WHERE l.ts >= '2026-01-01 00:00:00.05' AND l.ts < '2026-01-01 00:00:00.1203'",
];

test.each(CONDITIONS)(
  'ON %s: reading both sides side by side gives what looking each row up gives, for any number of threads',
  async (on) => {
    for (const where of WHERES) {
      const wanted = await rowsOf(
        engines[0] as OpenEngine,
        `SELECT l.id, r.id FROM l ASOF LEFT JOIN (SELECT * FROM r ORDER BY ts, id) r ON ${on}${where}`,
      );
      expect(wanted.length).toBeGreaterThan(90);
      for (const engine of engines) {
        for (const vector_rows of [64, 16_384]) {
          // Without a key, equal times of a clustered table come in another order.
          for (const table of on.includes('sym') ? ['r', 'c r'] : ['r']) {
            expect(await rowsOf(engine, `SELECT l.id, r.id FROM l ASOF LEFT JOIN ${table} ON ${on}${where}`, { vector_rows })).toEqual(
              wanted,
            );
          }
        }
      }
    }
  },
  60_000,
);

test('a clustered table stands on either side, in any direction', async () => {
  for (const direction of ['>=', '<', 'NEAREST']) {
    const select = (left: string, right: string) =>
      `SELECT a.id, b.id FROM ${left} a ASOF JOIN ${right} b ON a.sym = b.sym AND a.ts ${direction} b.ts ORDER BY a.id`;
    const wanted = await rowsOf(engines[0] as OpenEngine, select('(SELECT * FROM r ORDER BY id)', '(SELECT * FROM l ORDER BY id)'));
    for (const engine of engines) expect(await rowsOf(engine, select('c', 'l'))).toEqual(wanted);
    const mirrored = await rowsOf(engines[0] as OpenEngine, select('(SELECT * FROM r ORDER BY id)', '(SELECT * FROM r ORDER BY id)'));
    for (const engine of engines) expect(await rowsOf(engine, select('c', 'c'))).toEqual(mirrored);
  }
}, 60_000);

const JOINS = [
  'SELECT l.id, c.id FROM l ASOF JOIN c ON l.sym = c.sym AND l.ts >= c.ts',
  'SELECT l.id, r.id FROM l ASOF JOIN r ON l.sym = r.sym AND l.ts >= r.ts',
  'SELECT l.id, r.id FROM l ASOF JOIN r ON l.sym = r.sym AND l.ts <= r.ts',
  'SELECT l.id, r.id FROM l ASOF JOIN r ON l.sym = r.sym AND l.ts NEAREST r.ts',
  'SELECT l.id, r.id FROM l ASOF JOIN r ON l.sym = r.sym AND l.ts >= r.ts AND l.id % 7 <> r.id % 7',
];

describe.each(THREADS.map((threads, i) => [threads, i] as const))('with %i threads', (_, index) => {
  const engine = (): OpenEngine => engines[index] as OpenEngine;

  test.each(JOINS)(
    'after %s all memory is given back',
    async (sql) => {
      await rowsOf(engine(), sql);
      const before = engine().arena.usedBytes;
      await rowsOf(engine(), sql);
      expect(engine().arena.usedBytes).toBe(before);
    },
    30_000,
  );

  test.each(JOINS)('%s in less memory than it needs is an error that frees everything', async (sql) => {
    const before = engine().arena.usedBytes;
    await expect(rowsOf(engine(), sql, { max_memory: 60_000, vector_rows: 1024 })).rejects.toMatchObject({ code: 'query_memory_exceeded' });
    expect(engine().arena.usedBytes).toBe(before);
  });

  test('a condition that nothing meets looks at every row before, until its time is over', async () => {
    const sql = 'SELECT count(r.id) FROM l ASOF LEFT JOIN r ON l.ts >= r.ts AND l.one <> r.one';
    await expect(rowsOf(engine(), sql, { timeout_ms: 300 })).rejects.toMatchObject({ code: 'timeout' });
    const before = engine().arena.usedBytes;
    await expect(rowsOf(engine(), sql, { timeout_ms: 300 })).rejects.toMatchObject({ code: 'timeout' });
    expect(engine().arena.usedBytes).toBe(before);
  }, 30_000);
});
