/** What a table in time promises holds after the database was closed and opened again: its clauses, how its segments lie, and that keys stay unique. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { textRows } from '../sql/runner.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fletch-restart-'));
  folders.push(folder);
  return folder;
}

/** Opens the folder's database for as long as the body runs. */
async function opened(path: string, body: (run: (sql: string) => Promise<string[]>, engine: OpenEngine) => Promise<void>): Promise<void> {
  const engine = await openDatabase(settingsWith({ path, memory_limit: '256MB', segment_rows: 1024 }), { workerThreads: 0 });
  try {
    await body(async (sql) => textRows(await engine.query.execute({ sql, principal: EMBEDDED, settings: {} }), engine.arena), engine);
  } finally {
    await engine.close();
  }
}

const SYMBOLS = ['a', 'b', 'c'] as const;
/** Rows [first, end) as values: a time and a symbol each, all different. */
function values(first: number, end: number, price: number): string {
  return Array.from({ length: end - first }, (_, k) => {
    const i = first + k;
    return `('2026-01-05 10:00:00'::timestamp + INTERVAL 1 second * ${Math.floor(i / 3)}, '${SYMBOLS[i % 3]}', ${price + i})`;
  }).join(', ');
}

const STATE = `SELECT count(*), count(DISTINCT (ts, sym)), sum(price), min(ts), max(ts) FROM t`;
const BY_SYMBOL = `SELECT sym, count(*), sum(price) FROM t WHERE sym = 'b' GROUP BY sym`;
const ORDERED = 'SELECT ts, sym, price FROM t ORDER BY ts, sym';

test('a table that is clustered and has keys is the same after a restart, and its keys stay unique', async () => {
  const path = newFolder();
  let before: string[][] = [];
  const seen = async (run: (sql: string) => Promise<string[]>) => [
    await run('SHOW CREATE TABLE t'),
    await run(STATE),
    await run(BY_SYMBOL),
    await run(ORDERED),
  ];
  await opened(path, async (run, engine) => {
    await run(
      'CREATE TABLE t (ts TIMESTAMP, sym SYMBOL, price DOUBLE) TIMESTAMP(ts) PARTITION BY DAY CLUSTER BY (sym) DEDUP KEYS (ts, sym)',
    );
    for (let first = 0; first < 3000; first += 500) await run(`INSERT INTO t VALUES ${values(first, first + 500, 0)}`);
    // Some come again, with other prices.
    await run(`INSERT INTO t VALUES ${values(100, 400, 10_000)}`);
    expect(await run('SELECT count(*) FROM t')).toEqual(['3000']);
    await engine.storage.flush();
    before = await seen(run);
  });
  await opened(path, async (run, engine) => {
    expect(await seen(run)).toEqual(before);
    expect(before[0]?.join()).toMatch(/CLUSTER BY \(sym\)[\s\S]*DEDUP KEYS \(ts, sym\)/);
    // Keys of segments that were sealed before the restart.
    await run(`INSERT INTO t VALUES ${values(350, 700, 20_000)}`);
    expect(await run('SELECT count(*), count(DISTINCT (ts, sym)) FROM t')).toEqual(['3000 | 3000']);
    expect(await run("SELECT price FROM t WHERE ts = '2026-01-05 10:02:00' AND sym = 'b'")).toEqual(['20361']);
    // New rows: sealed, clustered too.
    for (let first = 3000; first < 6000; first += 500) await run(`INSERT INTO t VALUES ${values(first, first + 500, 0)}`);
    await engine.storage.flush();
    before = await seen(run);
  });
  await opened(path, async (run) => {
    expect(await seen(run)).toEqual(before);
    expect(await run('SELECT count(*) FROM t')).toEqual(['6000']);
    expect(await run("SELECT count(*) > 0 FROM sys.segments WHERE table_name = 't' AND row_order = 'cluster'")).toEqual(['true']);
  });
});
