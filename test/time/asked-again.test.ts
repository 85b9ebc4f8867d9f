/** Texts that come again find what has changed since: what is kept with their plans belongs to the segments that they saw. */
import { expect, it } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { resultRows } from './rows.js';

interface Row {
  readonly minute: number;
  readonly sym: string;
  readonly x: number;
}

const time = (minute: number) => new Date(Date.UTC(2026, 0, 1) + minute * 60_000).toISOString().slice(0, 19);
const inside = ({ minute }: Row) => minute >= 100 && minute < 400;
const total = (rows: readonly Row[]) => [[rows.length, rows.length === 0 ? 'null' : rows.reduce((sum, { x }) => sum + x, 0)]];

const BOUNDS = `ts >= '${time(100)}' AND ts < '${time(400)}'`;
const ASKED: readonly { readonly sql: string; readonly wanted: (rows: readonly Row[]) => (number | string)[][] }[] = [
  { sql: `SELECT count(*), sum(x) FROM t WHERE ${BOUNDS}`, wanted: (rows) => total(rows.filter(inside)) },
  {
    sql: `SELECT count(*), sum(x) FROM t WHERE sym = 'late' AND ${BOUNDS}`,
    wanted: (rows) => total(rows.filter((row) => inside(row) && row.sym === 'late')),
  },
  { sql: `SELECT count(*), sum(x) FROM t WHERE sym = 'a'`, wanted: (rows) => total(rows.filter(({ sym }) => sym === 'a')) },
  {
    sql: `SELECT x FROM t WHERE sym = 'b' ORDER BY ts DESC LIMIT 2`,
    wanted: (rows) =>
      rows
        .filter(({ sym }) => sym === 'b')
        .sort((p, q) => q.minute - p.minute)
        .slice(0, 2)
        .map(({ x }) => [x]),
  },
  {
    sql: `SELECT max(x), min(x) FROM (SELECT x FROM t WHERE sym = 'b' ORDER BY ts DESC LIMIT 1)`,
    wanted: (rows) => {
      const last = rows.filter(({ sym }) => sym === 'b').sort((p, q) => q.minute - p.minute)[0];
      return [[last?.x ?? 'null', last?.x ?? 'null']];
    },
  },
];

async function run(engine: OpenEngine, sql: string): Promise<string[]> {
  return resultRows(await engine.query.execute({ sql, principal: EMBEDDED }), engine.arena);
}

it.each([
  { clustered: false, threads: 0 },
  { clustered: true, threads: 2 },
])('a text that comes again sees rows that came, went, moved to files or got a new symbol (%o)', async ({ clustered, threads }) => {
  const engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '256MB', segment_rows: 128 }), {
    workerThreads: threads,
  });
  let rows: Row[] = [];
  const ask = async () => {
    for (const { sql, wanted } of ASKED) {
      for (let again = 0; again < 3; again++) {
        expect(await run(engine, sql), `${sql}, time ${again}`).toEqual(wanted(rows).map((row) => row.join('|')));
      }
    }
  };
  const insert = async (from: number, count: number, symbols: readonly string[]) => {
    const added = Array.from({ length: count }, (_, i) => ({
      minute: from + i,
      sym: symbols[i % symbols.length] ?? '',
      x: from * 1000 + i,
    }));
    rows = [...rows, ...added];
    await run(engine, `INSERT INTO t VALUES ${added.map(({ minute, sym, x }) => `('${time(minute)}', '${sym}', ${x})`).join()}`);
  };
  try {
    await run(engine, `CREATE TABLE t (ts TIMESTAMP, sym SYMBOL, x BIGINT) TIMESTAMP(ts)${clustered ? ' CLUSTER BY (sym)' : ''}`);
    await ask();
    await insert(0, 300, ['a', 'b', 'c']);
    await ask();
    await insert(300, 200, ['a', 'late']);
    await ask();
    await run(engine, 'DELETE FROM t WHERE x % 7 = 3');
    rows = rows.filter(({ x }) => x % 7 !== 3);
    await ask();
    await engine.storage.flush();
    await ask();
    await run(engine, `UPDATE t SET x = x + 1 WHERE sym = 'b'`);
    rows = rows.map((row) => (row.sym === 'b' ? { ...row, x: row.x + 1 } : row));
    await ask();
    await insert(600, 1, ['b']);
    await ask();
    await run(engine, 'TRUNCATE t');
    rows = [];
    await ask();
  } finally {
    await engine.close();
  }
});
