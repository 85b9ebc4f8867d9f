/** Aggregates by symbol and bucket of time against the definition, over rows in any order, with and without NULLs and filters. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMBEDDED } from '../../../src/core/principal.js';
import { settingsWith } from '../../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../../src/database.js';
import { Random } from '../../differential/random.js';
import { resultRows } from '../../time/rows.js';

interface Row {
  readonly ts: number;
  readonly sym: string | null;
  readonly x: number | null;
  readonly f: number | null;
  readonly i: bigint | null;
  readonly j: number | null;
}

const ROWS = 3000;
const MINUTE = 60_000_000_000;
const random = new Random(11);
const engines: OpenEngine[] = [];

function rowsOf(hasNulls: boolean, isLate: boolean): Row[] {
  const or = <T>(value: T): T | null => (hasNulls && random.chance(0.1) ? null : value);
  let ts = 0;
  return Array.from({ length: ROWS }, (_, row) => {
    ts += random.chance(0.01) ? 3 * MINUTE : random.whole(1, 400_000_000);
    const late = isLate && random.chance(0.1) ? random.whole(0, ts) : ts;
    const x = random.chance(0.002)
      ? [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][row % 3]
      : random.whole(-400, 800) / 8;
    return {
      ts: Math.floor(late / 1000) * 1000 + (row % 1000),
      sym: or(random.chance(0.01) ? `R${random.whole(0, 40)}` : `S${random.whole(0, 6)}`),
      x: or(x as number),
      f: or(random.whole(-100, 100) / 4),
      i: or(random.chance(0.01) ? 2n ** 62n + BigInt(row) : BigInt(random.whole(-50, 1000))),
      j: or(random.whole(1, 90)),
    };
  });
}

const TABLES = { ordered: rowsOf(false, false), late: rowsOf(false, true), gappy: rowsOf(true, false) } as const;
type TableName = keyof typeof TABLES;

beforeAll(async () => {
  const number = (value: number | null): string => (value === null || Number.isFinite(value) ? String(value) : `'${value}'`);
  for (const workerThreads of [0, 1, 2]) {
    const engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '512MB', segment_rows: 1024 }), { workerThreads });
    engines.push(engine);
    for (const [name, rows] of Object.entries(TABLES)) {
      const columns = 'ts TIMESTAMP_NS NOT NULL, sym SYMBOL, x DOUBLE, f FLOAT, i BIGINT, j INTEGER';
      await run(engine, `CREATE TABLE ${name} (${columns}) TIMESTAMP(ts) PARTITION BY HOUR`);
      const values = rows.map(
        ({ ts, sym, x, f, i, j }) => `(${ts}::timestamp_ns, ${sym === null ? 'NULL' : `'${sym}'`}, ${number(x)}, ${number(f)}, ${i}, ${j})`,
      );
      for (let first = 0; first < ROWS; first += 1000)
        await run(engine, `INSERT INTO ${name} VALUES ${values.slice(first, first + 1000).join(', ')}`);
    }
  }
}, 60_000);
afterAll(async () => {
  for (const engine of engines) await engine.close();
});

async function run(engine: OpenEngine, sql: string, vectorRows = 0): Promise<string[]> {
  const settings = vectorRows === 0 ? {} : { vector_rows: vectorRows };
  return resultRows(await engine.query.execute({ sql, principal: EMBEDDED, settings }), engine.arena);
}

type Numbers = readonly number[];
const there = <K extends keyof Row>(rows: readonly Row[], name: K): NonNullable<Row[K]>[] =>
  rows.flatMap((row) => (row[name] === null ? [] : [row[name] as NonNullable<Row[K]>]));
const total = (values: Numbers): number => values.reduce((a, b) => a + b, 0);
/** NaN is the largest. */
const largest = (values: Numbers): number => (values.some(Number.isNaN) ? Number.NaN : Math.max(...values));
const smallest = (values: Numbers): number =>
  values.every(Number.isNaN) ? Number.NaN : Math.min(...values.filter((x) => !Number.isNaN(x)));
const orNull = <T, R>(values: readonly T[], of: (values: readonly T[]) => R): R | null => (values.length === 0 ? null : of(values));
const ascending = (values: readonly bigint[]): bigint[] => [...values].sort((a, b) => Number(a - b));
const byTime = (rows: readonly Row[]): Row[] => [...rows].sort((a, b) => a.ts - b.ts);

function vwap(rows: readonly Row[], price: (row: Row) => number | null, size: (row: Row) => number | null): number | null {
  const both = rows.flatMap((row): [number, number][] => {
    const [p, s] = [price(row), size(row)];
    return p === null || s === null ? [] : [[p, s]];
  });
  const weight = total(both.map(([, s]) => s));
  return both.length === 0 || weight === 0 ? null : total(both.map(([p, s]) => p * s)) / weight;
}

function productSum(rows: readonly Row[], a: 'x' | 'f', b: 'j'): number | null {
  const products = rows.flatMap((row) => (row[a] === null || row[b] === null ? [] : [(row[a] as number) * (row[b] as number)]));
  return orNull(products, total);
}

const CALLS: Readonly<Record<string, (rows: readonly Row[]) => unknown>> = {
  'count(*)': (rows) => rows.length,
  'count(x)': (rows) => there(rows, 'x').length,
  'min(x)': (rows) => orNull(there(rows, 'x'), smallest),
  'max(x)': (rows) => orNull(there(rows, 'x'), largest),
  'first(x ORDER BY ts)': (rows) => byTime(rows)[0]?.x,
  'last(x ORDER BY ts)': (rows) => byTime(rows).at(-1)?.x,
  'last(i, ts)': (rows) => byTime(rows).at(-1)?.i,
  'sum(x)': (rows) => orNull(there(rows, 'x'), total),
  'avg(x)': (rows) => orNull(there(rows, 'x'), (values) => total(values) / values.length),
  'min(i)': (rows) => orNull(there(rows, 'i'), (values) => ascending(values)[0]),
  'max(i)': (rows) => orNull(there(rows, 'i'), (values) => ascending(values).at(-1)),
  'min(f)': (rows) => orNull(there(rows, 'f'), smallest),
  'max(f)': (rows) => orNull(there(rows, 'f'), largest),
  'sum(f)': (rows) => orNull(there(rows, 'f'), total),
  'min(j)': (rows) => orNull(there(rows, 'j'), smallest),
  'last(j ORDER BY ts)': (rows) => byTime(rows).at(-1)?.j,
  'sum(j)': (rows) => orNull(there(rows, 'j'), total),
  'avg(j)': (rows) => orNull(there(rows, 'j'), (values) => total(values) / values.length),
  'vwap(x, j)': (rows) =>
    vwap(
      rows,
      (row) => row.x,
      (row) => row.j,
    ),
  'vwap(j, f)': (rows) =>
    vwap(
      rows,
      (row) => row.j,
      (row) => row.f,
    ),
  'sum(x * j)': (rows) => productSum(rows, 'x', 'j'),
  'avg(j * x)': (rows) => {
    const sum = productSum(rows, 'x', 'j');
    return sum === null ? null : sum / rows.filter((row) => row.x !== null && row.j !== null).length;
  },
  'sum(j * x) / sum(j)': (rows) => {
    const [products, sum] = [productSum(rows, 'x', 'j'), orNull(there(rows, 'j'), total)];
    return products === null || sum === null ? null : products / sum;
  },
  'sum(f::double * x * j)': (rows) =>
    orNull(
      rows.flatMap(({ f, x, j }) => (f === null || x === null || j === null ? [] : [f * x * j])),
      total,
    ),
  // The sums take more than 64 bits.
  'floor(avg(i) / 1e6::double)': (rows) =>
    orNull(there(rows, 'i'), (values) => Math.floor(Number(values.reduce((a, b) => a + b, 0n)) / values.length / 1e6)),
  'max(x) FILTER (WHERE j > 40)': (rows) =>
    orNull(
      there(
        rows.filter((row) => (row.j ?? 0) > 40),
        'x',
      ),
      largest,
    ),
};

const KEYS: Readonly<Record<string, (row: Row) => unknown>> = {
  sym: (row) => row.sym,
  "date_trunc('minute', ts)": (row) => BigInt(Math.floor(row.ts / MINUTE)) * BigInt(MINUTE),
  'j % 3': (row) => (row.j === null ? null : row.j % 3),
};
const MINUTES = "date_trunc('minute', ts)";
const GROUPINGS = [['sym'], [MINUTES], ['sym', MINUTES], [MINUTES, 'sym'], ['j % 3', 'sym', MINUTES], [MINUTES, 'j % 3']];
const FILTERS: Readonly<Record<string, (row: Row) => boolean>> = {
  '': () => true,
  'WHERE j > 30': (row) => row.j !== null && row.j > 30,
};

function expected(table: TableName, keys: readonly string[], calls: readonly string[], where: string): string[] {
  const groups = new Map<string, Row[]>();
  for (const row of TABLES[table]) {
    if (!FILTERS[where]?.(row)) continue;
    const key = keys.map((name) => String(KEYS[name]?.(row))).join('|');
    const known = groups.get(key);
    if (known) known.push(row);
    else groups.set(key, [row]);
  }
  return [...groups].map(([key, rows]) => [key, ...calls.map((call) => String(CALLS[call]?.(rows) ?? null))].join('|')).sort();
}

const calls = Object.keys(CALLS);
// All together, the calls of a candle, and each by itself: what goes together differs.
const SETS = [calls, ['first(x ORDER BY ts)', 'max(x)', 'min(x)', 'last(x ORDER BY ts)', 'sum(j)'], ...calls.map((call) => [call])];

test.each(Object.keys(TABLES) as TableName[])(
  'aggregates of groups of %s rows are what the definition says',
  async (table) => {
    for (const keys of GROUPINGS) {
      for (const where of Object.keys(FILTERS)) {
        for (const [s, set] of SETS.entries()) {
          if (s > 1 && (keys.join() !== `sym,${MINUTES}` || where !== '')) continue;
          const wanted = expected(table, keys, set, where);
          const sql = `SELECT ${[...keys, ...set].join(', ')} FROM ${table} ${where} GROUP BY ${keys.map((_, i) => i + 1).join(', ')}`;
          for (const [e, engine] of engines.entries()) {
            if (s > 1 && e > 0) continue;
            for (const vectorRows of [0, 64]) {
              expect((await run(engine, sql, vectorRows)).sort(), `${sql}, engine ${e}, vectors of ${vectorRows}`).toEqual(wanted);
            }
          }
        }
      }
    }
  },
  120_000,
);

test('groups come in the order of their first rows, for any number of threads', async () => {
  for (const [keys, where] of GROUPINGS.flatMap((keys) => [[keys, ''] as const, [keys, 'WHERE j > 30'] as const])) {
    const sql = `SELECT ${keys.join(', ')}, min(x), last(x ORDER BY ts) FROM ordered ${where} GROUP BY ${keys.map((_, i) => i + 1).join(', ')}`;
    const rows = byTime(TABLES.ordered).filter((row) => FILTERS[where]?.(row));
    const seen = [...new Set(rows.map((row) => keys.map((name) => String(KEYS[name]?.(row))).join('|')))];
    for (const engine of engines) {
      const found = (await run(engine, sql)).map((row) => row.split('|').slice(0, keys.length).join('|'));
      expect(found).toEqual(seen);
    }
  }
});
