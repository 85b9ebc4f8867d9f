/** Windows over rows that come in order already are computed in one pass, lane by lane; others the general way. Both give what the definition says. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { type QuerySettings, settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { Random } from '../differential/random.js';
import { textRows } from '../sql/runner.js';

interface Row {
  readonly sym: string;
  readonly x: number;
  /** The same, with gaps. */
  readonly y: number | null;
}

const ROWS = 3600;
const engines: OpenEngine[] = [];
const random = new Random(5);
// Some partitions are rare, so that lanes lie between their rows.
const rows: Row[] = Array.from({ length: ROWS }, () => {
  const sym = random.chance(0.004) ? `R${random.whole(0, 3)}` : `S${random.whole(0, 9)}`;
  const x = random.whole(1, 400) / 8;
  return { sym, x, y: random.chance(0.3) ? null : x };
});

beforeAll(async () => {
  for (const workerThreads of [0, 1, 2]) {
    const engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '512MB', segment_rows: 1024 }), { workerThreads });
    engines.push(engine);
    await run(
      engine,
      'CREATE TABLE t (ts TIMESTAMP_NS NOT NULL, sym SYMBOL NOT NULL, x DOUBLE NOT NULL, y DOUBLE, i BIGINT, s SYMBOL) TIMESTAMP(ts)',
    );
    const values = rows.map(
      ({ sym, x, y }, i) =>
        `(${Math.floor(i / 3) * 1000}::timestamp_ns, '${sym}', ${x}, ${y}, ${i}, ${sym === 'S1' || sym === 'R1' ? null : `'${sym}'`})`,
    );
    for (let first = 0; first < ROWS; first += 900)
      await run(engine, `INSERT INTO t VALUES ${values.slice(first, first + 900).join(', ')}`);
  }
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
});

async function run(engine: OpenEngine, sql: string, settings: Partial<QuerySettings> = {}): Promise<string[]> {
  return textRows(await engine.query.execute({ sql, principal: EMBEDDED, settings }), engine.arena);
}

/** The call's value at the last of the rows of a partition so far. */
type Oracle<T> = (before: readonly T[]) => number | null;
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const ema = (values: readonly number[], alpha: number): number => values.reduce((a, x, i) => (i === 0 ? x : a + alpha * (x - a)));

const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

const CALLS: readonly (readonly [call: string, frame: string, oracle: Oracle<number>])[] = [
  ['avg(x)', 'ROWS 19 PRECEDING', (v) => total(v.slice(-20)) / Math.min(20, v.length)],
  ['sum(x)', 'ROWS 4 PRECEDING', (v) => total(v.slice(-5))],
  ['sum(x)', 'ROWS CURRENT ROW', (v) => total(v.slice(-1))],
  ['sum((x * 8)::INTEGER)', 'ROWS 9 PRECEDING', (v) => 8 * total(v.slice(-10))],
  ['avg((x * 8)::BIGINT)', 'ROWS CURRENT ROW', (v) => 8 * total(v.slice(-1))],
  ['sum(x::DECIMAL(9, 4))', 'ROWS 30 PRECEDING', (v) => total(v.slice(-31))],
  ['avg(x)', 'ROWS 699 PRECEDING', (v) => total(v.slice(-700)) / Math.min(700, v.length)],
  ['mavg(3, x)', '', (v) => total(v.slice(-3)) / Math.min(3, v.length)],
  ['ema(x, alpha => 0.1)', '', (v) => ema(v, 0.1)],
  ['ema(x, alpha => 1)', '', (v) => ema(v, 1)],
];

/** Types that are summed in their own ways, and what a cast from a float gives. */
const NUMBERS: readonly (readonly [type: string, toNumber: (value: number) => number])[] = [
  ['DOUBLE', (x) => x],
  ['REAL', (x) => x],
  ['TINYINT', halfToEven],
  ['BIGINT', halfToEven],
  ['UINT64', halfToEven],
  ['DECIMAL(12, 3)', (x) => x],
];

function halfToEven(x: number): number {
  const low = Math.floor(x);
  return x - low > 0.5 || (x - low === 0.5 && low % 2 === 1) ? low + 1 : low;
}

type CallWithNulls = readonly [call: string, frame: string, oracle: Oracle<number | null>];

const CALLS_WITH_NULLS: readonly CallWithNulls[] = [
  ['ema(y, alpha => 0.1)', '', (v) => (known(v).length === 0 ? null : ema(known(v), 0.1))],
  ['ema(y, alpha => 1)', '', (v) => known(v).at(-1) ?? null],
  ...NUMBERS.flatMap(([type, toNumber]): CallWithNulls[] => {
    const last = (v: readonly (number | null)[], n: number): number[] => known(v.slice(-n)).map(toNumber);
    return [
      [`avg(y::${type})`, 'ROWS 19 PRECEDING', (v) => (last(v, 20).length === 0 ? null : total(last(v, 20)) / last(v, 20).length)],
      [`sum(y::${type})`, 'ROWS 2 PRECEDING', (v) => (last(v, 3).length === 0 ? null : total(last(v, 3)))],
    ];
  }),
];

test.each([
  ...CALLS.map(([call, frame, oracle]) => [call, frame, (v: readonly Row[]) => oracle(v.map(({ x }) => x))] as const),
  ...CALLS_WITH_NULLS.map(([call, frame, oracle]) => [call, frame, (v: readonly Row[]) => oracle(v.map(({ y }) => y))] as const),
])(
  '%s over %s',
  async (call, frame, oracle) => {
    for (const partition of ['PARTITION BY sym', '', 'PARTITION BY s']) {
      const own = new Map<string, Row[]>();
      const wanted = rows.map((row) => {
        const key = partition === '' ? '' : partition.endsWith(' s') && ['S1', 'R1'].includes(row.sym) ? 'NULL' : row.sym;
        const values = own.get(key) ?? [];
        values.push(row);
        own.set(key, values);
        return oracle(values);
      });
      for (const [engine, settings] of [
        [engines[0], {}],
        [engines[0], { vector_rows: 64 }],
        [engines[1], { vector_rows: 64 }],
        [engines[2], { vector_rows: 64 }],
      ].slice(partition === 'PARTITION BY sym' ? 0 : 2) as [OpenEngine, Partial<QuerySettings>][]) {
        const sql = `SELECT i, ${call} OVER (${partition} ORDER BY ts ${frame}) FROM t ORDER BY i`;
        const got = await run(engine as OpenEngine, sql, settings);
        expect(got).toHaveLength(ROWS);
        got.forEach((line, i) => {
          const [id, value] = line.split(' | ');
          expect(id).toBe(String(i));
          const right = wanted[i] ?? null;
          const isRight = right === null ? value === 'NULL' : Math.abs(Number(value) - right) <= 1e-9 * Math.abs(right);
          if (!isRight) expect.fail(`row ${i}: ${value} is not ${right}`);
        });
      }
    }
  },
  60_000,
);

const TOGETHER =
  'SELECT i, avg(x) OVER (PARTITION BY sym ORDER BY ts ROWS 19 PRECEDING), ema(y, 9) OVER (PARTITION BY sym ORDER BY ts), sum(x) OVER (ORDER BY ts ROWS 99 PRECEDING) FROM t';

test('several windows together are the same for any number of threads, and give their memory back', async () => {
  const [none, one, two] = engines as [OpenEngine, OpenEngine, OpenEngine];
  const expected = await run(none, TOGETHER, { vector_rows: 64 });
  for (const engine of [one, two]) {
    expect(await run(engine, TOGETHER, { vector_rows: 64 })).toEqual(expected);
    const before = engine.arena.usedBytes;
    await run(engine, TOGETHER, { vector_rows: 64 });
    expect(engine.arena.usedBytes).toBe(before);
    await expect(run(engine, TOGETHER, { vector_rows: 64, max_memory: 100_000 })).rejects.toMatchObject({ code: 'query_memory_exceeded' });
    expect(engine.arena.usedBytes).toBe(before);
  }
});

test('rows that do not come in order, NULLs and filtered rows give what a sort gives', async () => {
  const [, , engine] = engines as [OpenEngine, OpenEngine, OpenEngine];
  const over = 'OVER (PARTITION BY sym ORDER BY k ROWS 2 PRECEDING)';
  for (const [source, order] of [
    ['(SELECT i AS k, * FROM t)', 'i'],
    ['(SELECT -i AS k, * FROM t)', '-i'],
    ['(SELECT i % 100 AS k, * FROM t)', 'i % 100, i'],
    ['(SELECT CASE WHEN i = 77 THEN NULL ELSE i END AS k, * FROM t)', 'coalesce(nullif(i, 77), 1000000)'],
    ['(SELECT i AS k, * FROM t WHERE i % 3 <> 1)', 'i'],
  ] as const) {
    const windowed = await run(
      engine,
      `SELECT i, round(avg(x) ${over}, 9), round(ema(x, 4) OVER (PARTITION BY sym ORDER BY k), 9) FROM ${source} s ORDER BY i`,
      { vector_rows: 64 },
    );
    const sorted = await run(
      engine,
      `WITH r AS (SELECT *, row_number() OVER (PARTITION BY sym ORDER BY ${order}) n FROM ${source} s)
       SELECT a.i, round(avg(b.x), 9) FROM r a JOIN r b ON a.sym = b.sym AND b.n BETWEEN a.n - 2 AND a.n GROUP BY a.i ORDER BY a.i`,
    );
    expect(windowed.map((line) => line.split(' | ').slice(0, 2).join(' | '))).toEqual(sorted);
  }
});

test('what is not finite stays so in every later lane of its partition', async () => {
  const [none, , two] = engines as [OpenEngine, OpenEngine, OpenEngine];
  for (const [value, partition] of [
    ["'NaN'::double", 'S3'],
    ["'Infinity'::double", 'S4'],
  ]) {
    const sql = `SELECT sym, count(*), max(i) FROM (SELECT i, sym, ema(CASE WHEN i > 500 AND i < 520 AND sym = '${partition}' THEN ${value} ELSE x END, 9)
      OVER (PARTITION BY sym ORDER BY ts) e FROM t) w WHERE NOT e < 1e9 GROUP BY sym`;
    const got = await run(none, sql, { vector_rows: 64 });
    expect(got).toEqual(await run(two, sql, { vector_rows: 64 }));
    const last = rows.map(({ sym }) => sym).lastIndexOf(partition as string);
    const first = rows.findIndex(({ sym }, i) => i > 500 && sym === partition);
    const count = rows.filter(({ sym }, i) => sym === partition && i >= first).length;
    expect(got).toEqual([`${partition} | ${count} | ${last}`]);
  }
});

test('sums of whole numbers are exact, and an error beyond the type', async () => {
  const [none, , two] = engines as [OpenEngine, OpenEngine, OpenEngine];
  // A float64 has no neighbour within 512 of it.
  const near = 2n ** 63n - 1024n;
  const sql = (frame: string) =>
    `SELECT sum(v) OVER (PARTITION BY sym ORDER BY ts ${frame}) - v FROM (SELECT ts, sym, ${near} + i % 7 AS v FROM t) w`;
  for (const engine of [none, two]) {
    expect(new Set(await run(engine, sql('ROWS CURRENT ROW'), { vector_rows: 64 }))).toEqual(new Set(['0']));
    await expect(run(engine, sql('ROWS 1 PRECEDING'), { vector_rows: 64 })).rejects.toMatchObject({ code: 'numeric_overflow' });
    const averages = `SELECT min(a), max(a) FROM (SELECT avg(${near} + i % 7) OVER (PARTITION BY sym ORDER BY ts ROWS 3 PRECEDING) a FROM t) w`;
    expect(await run(engine, averages, { vector_rows: 64 })).toEqual(['9223372036854775000 | 9223372036854775000']);
  }
});
