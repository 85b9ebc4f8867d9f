/** Queries that read tables from their end, against a plain model and with the rule switched off, over random histories of a table. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { resultRows } from './rows.js';

interface Row {
  readonly ts: number;
  readonly sym: string | null;
  readonly exchange: string;
  readonly n: number;
}

type Step =
  | {
      readonly do: 'insert';
      readonly rows: readonly (readonly [ts: number, sym: string | null, exchange: string])[];
      readonly inOrder: boolean;
    }
  | { readonly do: 'delete'; readonly modulus: number }
  | { readonly do: 'flush' | 'reopen' };

const insert = fc.record({
  do: fc.constant('insert' as const),
  rows: fc.array(fc.tuple(fc.nat(60), fc.constantFrom('a', 'b', 'c', 'd', 'rare', null), fc.constantFrom('X', 'Y')), {
    minLength: 1,
    maxLength: 150,
  }),
  inOrder: fc.boolean(),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: insert },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), modulus: fc.integer({ min: 2, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'reopen' as const) }) },
);
const history = fc.record({
  partitionBy: fc.constantFrom('NONE', 'HOUR', 'DAY'),
  clusterBy: fc.boolean(),
  type: fc.constantFrom('SYMBOL', 'UTF8'),
  uncommitted: fc.option(insert, { nil: undefined }),
  steps: fc.array(step, { minLength: 1, maxLength: 9 }),
  bound: fc.nat(60),
  count: fc.integer({ min: 1, max: 12 }),
  sym: fc.constantFrom('a', 'rare', 'nope'),
});

/** Times are so many half hours after a day. */
const time = (ts: number) => new Date(Date.UTC(2026, 0, 1) + ts * 1_800_000).toISOString();

class World {
  rows: Row[] = [];
  /** Higher than any time so far, so that rows can come in order. */
  private newest = 0;
  private next = 0;
  engine: OpenEngine;
  private readonly path: string;

  constructor(engine: OpenEngine, path: string) {
    this.engine = engine;
    this.path = path;
  }

  static async open(path: string): Promise<OpenEngine> {
    return openDatabase(settingsWith({ path, memory_limit: '256MB', segment_rows: 128 }), { workerThreads: 0 });
  }

  async sql(text: string, disabled = false, session?: ReturnType<OpenEngine['query']['openSession']>): Promise<string[]> {
    const sql = disabled ? `SET disabled_optimizer_rules = 'backwards_scans'; ${text}` : text;
    const result = await this.engine.query.execute({ sql, principal: EMBEDDED, session });
    return resultRows(result, this.engine.arena);
  }

  insertSql({ rows, inOrder }: Extract<Step, { do: 'insert' }>): string {
    const given = inOrder ? [...rows].sort((a, b) => a[0] - b[0]).map(([ts, ...rest]) => [ts + this.newest, ...rest] as const) : rows;
    const made = given.map(([ts, sym, exchange]): Row => ({ ts, sym, exchange, n: this.next++ }));
    this.newest = Math.max(this.newest, ...made.map((row) => row.ts));
    this.rows.push(...made);
    const values = made.map(({ ts, sym, exchange, n }) => `('${time(ts)}', ${sym === null ? 'NULL' : `'${sym}'`}, '${exchange}', ${n})`);
    return `INSERT INTO t VALUES ${values.join(', ')}`;
  }

  async step(step: Step): Promise<void> {
    if (step.do === 'insert') await this.sql(this.insertSql(step));
    else if (step.do === 'delete') {
      await this.sql(`DELETE FROM t WHERE n % ${step.modulus} = 1`);
      this.rows = this.rows.filter((row) => row.n % step.modulus !== 1);
    } else if (step.do === 'flush') await this.engine.storage.flush('t');
    else if (this.path !== ':memory:') {
      await this.engine.close();
      this.engine = await World.open(this.path);
    }
  }
}

/** Of each key the rows of the largest time. */
function latest(rows: readonly Row[], keyOf: (row: Row) => string | null): Row[] {
  const most = new Map<string | null, number>();
  for (const row of rows) most.set(keyOf(row), Math.max(row.ts, most.get(keyOf(row)) ?? -1));
  return rows.filter((row) => row.ts === most.get(keyOf(row)));
}

/** Rows of one symbol and time keep their order of insertion, so the last of them is known. */
function lastOf(rows: readonly Row[], keyOf: (row: Row) => string | null): Row[] {
  const tied = latest(rows, keyOf);
  return tied.filter((row) => !tied.some((other) => keyOf(other) === keyOf(row) && other.n > row.n));
}

const shown = (row: Row, ...columns: (keyof Row)[]) =>
  columns.map((column) => (column === 'ts' ? String(row.ts) : String(row[column]))).join('|');
const HALF_HOURS = `(date_diff('minute', TIMESTAMP '2026-01-01', ts) / 30)::BIGINT AS ts`;

interface Case {
  readonly sql: string;
  readonly wanted: (rows: readonly Row[]) => string[];
  /** Rows must come in the order that is wanted. */
  readonly ordered?: boolean;
}

function cases({ bound, count, sym }: { readonly bound: number; readonly count: number; readonly sym: string }): Case[] {
  const bySym = (row: Row) => row.sym;
  const lateFirst = (rows: readonly Row[]) => [...rows].sort((a, b) => b.ts - a.ts || a.n - b.n);
  return [
    {
      sql: `SELECT ${HALF_HOURS}, sym, n FROM t LATEST ON ts PARTITION BY sym`,
      wanted: (rows) => lastOf(rows, bySym).map((row) => shown(row, 'ts', 'sym', 'n')),
    },
    {
      sql: `SELECT n FROM t WHERE ts < '${time(bound)}' AND n % 3 <> 0 LATEST ON ts PARTITION BY sym`,
      wanted: (rows) =>
        lastOf(
          rows.filter((row) => row.ts < bound && row.n % 3 !== 0),
          bySym,
        ).map((row) => shown(row, 'n')),
    },
    {
      sql: `SELECT n FROM t WHERE sym IN ('b', '${sym}') LATEST ON ts PARTITION BY sym`,
      wanted: (rows) =>
        lastOf(
          rows.filter((row) => row.sym === 'b' || row.sym === sym),
          bySym,
        ).map((row) => shown(row, 'n')),
    },
    {
      sql: `SELECT t.n FROM t JOIN (SELECT sym, max(ts) AS ts FROM t GROUP BY sym) m ON t.sym = m.sym AND t.ts = m.ts`,
      wanted: (rows) =>
        latest(rows, bySym)
          .filter((row) => row.sym !== null)
          .map((row) => shown(row, 'n')),
    },
    {
      sql: `SELECT m.sym, t.n FROM (SELECT sym, max(ts) AS last FROM t WHERE n % 4 < 3 GROUP BY sym) m JOIN t ON m.last = t.ts AND t.sym = m.sym WHERE t.n % 4 < 3`,
      wanted: (rows) =>
        latest(
          rows.filter((row) => row.n % 4 < 3),
          bySym,
        )
          .filter((row) => row.sym !== null)
          .map((row) => shown(row, 'sym', 'n')),
    },
    {
      sql: 'SELECT sym, last(n ORDER BY ts, n), max(ts) = last(ts, ts) FROM t GROUP BY sym',
      wanted: (rows) => lastOf(rows, bySym).map((row) => `${shown(row, 'sym', 'n')}|true`),
    },
    {
      sql: 'SELECT DISTINCT ON (sym) sym, n FROM t ORDER BY sym, ts DESC, n DESC',
      wanted: (rows) => lastOf(rows, bySym).map((row) => shown(row, 'sym', 'n')),
    },
    {
      sql: `SELECT ${HALF_HOURS}, n FROM t ORDER BY t.ts DESC, n LIMIT ${count}`,
      wanted: (rows) =>
        lateFirst(rows)
          .slice(0, count)
          .map((row) => shown(row, 'ts', 'n')),
      ordered: true,
    },
    {
      sql: `SELECT n FROM t WHERE sym = '${sym}' ORDER BY ts DESC, n LIMIT ${count}`,
      wanted: (rows) =>
        lateFirst(rows.filter((row) => row.sym === sym))
          .slice(0, count)
          .map((row) => shown(row, 'n')),
      ordered: true,
    },
    {
      sql: `SELECT n FROM t WHERE n % 5 = 2 AND ts >= '${time(bound)}' ORDER BY ts, n LIMIT ${count}`,
      wanted: (rows) =>
        rows
          .filter((row) => row.n % 5 === 2 && row.ts >= bound)
          .sort((a, b) => a.ts - b.ts || a.n - b.n)
          .slice(0, count)
          .map((row) => shown(row, 'n')),
      ordered: true,
    },
    {
      sql: `SELECT count(*), sum(n) FROM t WHERE sym = '${sym}' AND ts >= '${time(bound)}'`,
      wanted: (rows) => {
        const found = rows.filter((row) => row.sym === sym && row.ts >= bound);
        return [`${found.length}|${found.length === 0 ? 'null' : found.reduce((sum, row) => sum + row.n, 0)}`];
      },
    },
    {
      sql: `SELECT ${HALF_HOURS}, sym, exchange, n FROM t WHERE '${sym}' = sym AND n % 3 <> 1 AND exchange = 'X'`,
      wanted: (rows) =>
        rows
          .filter((row) => row.sym === sym && row.n % 3 !== 1 && row.exchange === 'X')
          .map((row) => shown(row, 'ts', 'sym', 'exchange', 'n')),
    },
    {
      sql: `SELECT exchange, count(*), min(n) FROM t WHERE sym = '${sym}' AND ts < '${time(bound)}' GROUP BY exchange`,
      wanted: (rows) => {
        const found = rows.filter((row) => row.sym === sym && row.ts < bound);
        return ['X', 'Y'].flatMap((exchange) => {
          const own = found.filter((row) => row.exchange === exchange);
          return own.length === 0 ? [] : [`${exchange}|${own.length}|${Math.min(...own.map((row) => row.n))}`];
        });
      },
    },
    {
      sql: `SELECT n FROM t LATEST ON ts PARTITION BY sym, exchange`,
      wanted: (rows) => lastOf(rows, (row) => `${row.sym} ${row.exchange}`).map((row) => shown(row, 'n')),
    },
  ];
}

it.each(['disk', 'memory'])(
  'a table on %s answers from its end as it does from its beginning',
  async (place) => {
    await fc.assert(
      fc.asyncProperty(history, async (given) => {
        const path = place === 'disk' ? mkdtempSync(join(tmpdir(), 'fletch-backwards-')) : ':memory:';
        const world = new World(await World.open(path), path);
        try {
          const { partitionBy, clusterBy, type, steps, uncommitted } = given;
          const cluster = clusterBy ? 'CLUSTER BY (sym)' : '';
          await world.sql(
            `CREATE TABLE t (ts TIMESTAMP_NS, sym ${type}, exchange SYMBOL, n BIGINT) TIMESTAMP(ts) PARTITION BY ${partitionBy} ${cluster}`,
          );
          for (const each of steps) await world.step(each);
          const session = world.engine.query.openSession(EMBEDDED);
          if (uncommitted) {
            await world.sql('BEGIN', false, session);
            await world.sql(world.insertSql(uncommitted), false, session);
          }
          for (const { sql, wanted, ordered } of cases(given)) {
            const expected = wanted(world.rows);
            for (const disabled of [false, true]) {
              const found = await world.sql(sql, disabled && !uncommitted, session);
              const [a, b] = ordered ? [found, expected] : [[...found].sort(), [...expected].sort()];
              expect(a, `${sql}${disabled ? ' without the rule' : ''}`).toEqual(b);
            }
          }
          if (uncommitted) await world.sql('ROLLBACK', false, session);
          session.close();
        } finally {
          await world.engine.close();
          if (place === 'disk') rmSync(path, { recursive: true, force: true });
        }
      }),
      {
        numRuns: Number(process.env.FLETCH_RUNS ?? 40),
        ...(process.env.FLETCH_SEED === undefined ? {} : { seed: Number(process.env.FLETCH_SEED) }),
      },
    );
  },
  300_000,
);
