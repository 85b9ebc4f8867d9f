/** WINDOW JOIN, HORIZON JOIN and PLUS JOIN by their definitions: every left row looks at all right rows. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { type QuerySettings, settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { Random } from '../differential/random.js';
import { textRows } from '../sql/runner.js';

interface LeftRow {
  readonly id: number;
  /** Seconds; null = NULL, here and below. */
  readonly t: number | null;
  readonly sym: string | null;
  readonly venue: number;
}

interface RightRow extends LeftRow {
  readonly x: number | null;
  readonly v: number | null;
  readonly s: string | null;
}

const EPOCH = Date.UTC(2026, 0, 1) / 1000;
const random = new Random(4711);
let clock = 0;

function timed(id: number): LeftRow {
  clock += random.chance(0.3) ? 0 : random.chance(0.03) ? random.whole(30, 90) : random.whole(1, 3);
  const late = random.chance(0.15) ? random.whole(1, 25) : 0;
  return {
    id,
    t: random.chance(0.04) ? null : clock - late,
    sym: random.chance(0.06) ? null : `S${random.whole(0, 4)}`,
    venue: random.whole(0, 1),
  };
}

const left = Array.from({ length: 170 }, (_, id) => timed(id));
clock = 0;
const right = Array.from({ length: 320 }, (_, id): RightRow => {
  return {
    ...timed(id),
    x: random.chance(0.1) ? null : random.whole(-40, 40) / 4,
    v: random.chance(0.1) ? null : random.whole(0, 12),
    s: random.chance(0.1) ? null : `t${random.whole(0, 9)}`,
  };
});

const engines: OpenEngine[] = [];

beforeAll(async () => {
  for (const workerThreads of [0, 1, 2]) {
    const engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '512MB', segment_rows: 64 }), { workerThreads });
    engines.push(engine);
    await run(engine, 'CREATE TABLE l (ts TIMESTAMP, id INT, sym SYMBOL, venue INT)');
    await run(engine, 'CREATE TABLE r (ts TIMESTAMP_NS, id INT, sym SYMBOL, venue INT, x DOUBLE, v INT, s TEXT)');
    await run(engine, 'CREATE TABLE lt (ts TIMESTAMP, id INT, sym TEXT, venue BIGINT) TIMESTAMP(ts) PARTITION BY HOUR');
    const stamp = (t: number | null) => (t === null ? 'NULL' : `'${new Date((EPOCH + t) * 1000).toISOString()}'`);
    const text = (s: string | null) => (s === null ? 'NULL' : `'${s}'`);
    const start = ({ t, id, sym, venue }: LeftRow) => `${stamp(t)}, ${id}, ${text(sym)}, ${venue}`;
    await inParts(
      engine,
      'l',
      left.map((row) => `(${start(row)})`),
    );
    await inParts(
      engine,
      'lt',
      left.filter((row) => row.t !== null).map((row) => `(${start(row)})`),
    );
    await inParts(
      engine,
      'r',
      right.map((row) => `(${start(row)}, ${row.x ?? 'NULL'}, ${row.v ?? 'NULL'}, ${text(row.s)})`),
    );
  }
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
});

async function inParts(engine: OpenEngine, table: string, rows: readonly string[]): Promise<void> {
  for (let first = 0; first < rows.length; first += 60)
    await run(engine, `INSERT INTO ${table} VALUES ${rows.slice(first, first + 60).join(', ')}`);
}

async function run(engine: OpenEngine, sql: string, settings: Partial<QuerySettings> = {}): Promise<string[]> {
  return textRows(await engine.query.execute({ sql, principal: EMBEDDED, settings }), engine.arena);
}

/** Every number of threads and size of vectors must give the same rows, in the same order. */
async function rowsOf(sql: string): Promise<string[]> {
  const [first, ...others] = engines as [OpenEngine, ...OpenEngine[]];
  const expected = await run(first, sql);
  for (const engine of others) {
    expect(await run(engine, sql)).toEqual(expected);
    expect(await run(engine, sql, { vector_rows: 64 })).toEqual(expected);
  }
  return expected;
}

type Matches = (left: LeftRow, right: RightRow) => boolean;

const KEYS: readonly (readonly [string, Matches])[] = [
  ['ON l.sym = r.sym', (l, r) => l.sym !== null && l.sym === r.sym],
  ['ON (sym, venue, ts)', (l, r) => l.sym !== null && l.sym === r.sym && l.venue === r.venue],
  ['ON l.venue + 1 = r.venue + 1 AND r.v > 3 AND l.id % 2 = 0', (l, r) => l.venue === r.venue && (r.v ?? 0) > 3 && l.id % 2 === 0],
  ['', () => true],
];

const BOUNDS: readonly (readonly [string, number, number])[] = [
  ['1s PRECEDING AND 1s FOLLOWING', -1, 1],
  ['20s PRECEDING AND CURRENT ROW', -20, 0],
  ["INTERVAL '30 seconds' PRECEDING AND '10s' PRECEDING", -30, -10],
  ['0s FOLLOWING AND 1 minute FOLLOWING', 0, 60],
  ['5s FOLLOWING AND 15s FOLLOWING', 5, 15],
  ['CURRENT ROW AND CURRENT ROW', 0, 0],
  ['UNBOUNDED PRECEDING AND 3s PRECEDING', Number.NEGATIVE_INFINITY, -3],
  ['3s FOLLOWING AND UNBOUNDED FOLLOWING', 3, Number.POSITIVE_INFINITY],
  ['UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING', Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  ['3000 days PRECEDING AND 1s PRECEDING', -3000 * 86_400, -1],
];

/** Right rows of the interval around a left row, by time; equal times in the order of insertion. */
function window(l: LeftRow, matches: Matches, from: number, to: number, prevailing: boolean): RightRow[] {
  const { t } = l;
  if (t === null) return [];
  const own = right.filter((r): r is RightRow & { t: number } => r.t !== null && matches(l, r)).sort((a, b) => a.t - b.t || a.id - b.id);
  const inside = own.filter((r) => r.t >= t + from && r.t <= t + to);
  if (!prevailing || inside.some((r) => r.t === t + from)) return inside;
  const before = own.filter((r) => r.t < t + from).at(-1);
  return before ? [before, ...inside] : inside;
}

const present = <T>(values: readonly (T | null)[]): T[] => values.filter((value): value is T => value !== null);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const textOf = (value: unknown): string => (value === null || value === undefined ? 'NULL' : String(value));

/** One way of computing each call. */
const CALLS: readonly (readonly [string, (rows: readonly RightRow[]) => unknown])[] = [
  ['count(*)', (rows) => rows.length],
  ['wj_count(r.x)', (rows) => present(rows.map((r) => r.x)).length],
  ['wj_sum(r.v)', (rows) => (present(rows.map((r) => r.v)).length === 0 ? null : sum(present(rows.map((r) => r.v))))],
  ['sum(r.x)', (rows) => (present(rows.map((r) => r.x)).length === 0 ? null : sum(present(rows.map((r) => r.x))))],
  ['wj_min(r.x)', (rows) => present(rows.map((r) => r.x)).sort((a, b) => a - b)[0]],
  [
    'max(r.s)',
    (rows) =>
      present(rows.map((r) => r.s))
        .sort()
        .at(-1),
  ],
  ['wj_first(r.id)', (rows) => rows[0]?.id],
  ['wj_last(r.id)', (rows) => rows.at(-1)?.id],
  [
    'max(r.v) FILTER (WHERE r.x > 0)',
    (rows) =>
      present(rows.filter((r) => (r.x ?? 0) > 0).map((r) => r.v))
        .sort((a, b) => a - b)
        .at(-1),
  ],
  ['count(DISTINCT r.v)', (rows) => new Set(present(rows.map((r) => r.v))).size],
  ["string_agg(r.s, '+')", (rows) => (present(rows.map((r) => r.s)).length === 0 ? null : present(rows.map((r) => r.s)).join('+'))],
  [
    'avg(r.x) * 1000',
    (rows) =>
      present(rows.map((r) => r.x)).length === 0
        ? null
        : (sum(present(rows.map((r) => r.x))) / present(rows.map((r) => r.x)).length) * 1000,
  ],
];

/** Cells that are numbers agree but for the last digits of an average. */
function expectCells(actual: readonly string[], expected: readonly (readonly unknown[])[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((line, i) => {
    const cells = line.split(' | ');
    (expected[i] ?? []).forEach((value, c) => {
      const cell = cells[c] ?? '';
      if (typeof value === 'number' && !Number.isInteger(value)) expect(Number(cell)).toBeCloseTo(value, 9);
      else expect(`${i}.${c} ${cell}`).toBe(`${i}.${c} ${textOf(value)}`);
    });
  });
}

describe.each(KEYS)('WINDOW JOIN %s', (condition, matches) => {
  test.each(BOUNDS)('BETWEEN %s', async (bounds, from, to) => {
    for (const prevailing of ['', 'INCLUDE PREVAILING', 'EXCLUDE PREVAILING']) {
      const calls = CALLS.map(([call]) => call).join(', ');
      const sql = `SELECT l.id, ${calls} FROM l TIMESTAMP(ts) WINDOW JOIN r TIMESTAMP(ts) ${condition} RANGE BETWEEN ${bounds} ${prevailing}`;
      const expected = left.map((l) => {
        const rows = window(l, matches, from, to, prevailing !== 'EXCLUDE PREVAILING' && from > Number.NEGATIVE_INFINITY);
        return [l.id, ...CALLS.map(([, compute]) => compute(rows))];
      });
      expectCells(await rowsOf(sql), expected);
    }
  });
});

test('bounds may differ from row to row', async () => {
  const bounds = 'to_seconds(l.id % 7) PRECEDING AND to_seconds(l.id % 3 * 20) FOLLOWING';
  const sql = `SELECT l.id, ${CALLS.map(([call]) => call).join(', ')} FROM l TIMESTAMP(ts) WINDOW JOIN r TIMESTAMP(ts) ON l.sym = r.sym RANGE BETWEEN ${bounds} EXCLUDE PREVAILING`;
  const expected = left.map((l) => {
    const rows = window(l, KEYS[0]?.[1] as Matches, -(l.id % 7), (l.id % 3) * 20, false);
    return [l.id, ...CALLS.map(([, compute]) => compute(rows))];
  });
  expectCells(await rowsOf(sql), expected);
});

test('INNER leaves left rows without right rows away', async () => {
  const sql =
    'SELECT lt.id, wj_count(*) FROM lt INNER WINDOW JOIN (SELECT ts, sym FROM r) q TIMESTAMP(ts) ON lt.sym = q.sym RANGE BETWEEN 1s PRECEDING AND 1s FOLLOWING EXCLUDE PREVAILING ORDER BY lt.id';
  const expected = left
    .filter((l) => l.t !== null)
    .map((l) => [l.id, window(l, KEYS[0]?.[1] as Matches, -1, 1, false).length])
    .filter(([, count]) => count !== 0);
  expectCells(await rowsOf(sql), expected);
});

test('values of windows are grouped, filtered, ordered and used in expressions like columns', async () => {
  const sql = `SELECT venue, count(*), sum(wj_count(*) + l.id), max(wj_last(r.id)) FROM l TIMESTAMP(ts) WINDOW JOIN r TIMESTAMP(ts) ON l.sym = r.sym
    RANGE BETWEEN 5s PRECEDING AND 5s FOLLOWING WHERE wj_count(*) > 2 AND l.id > 10 GROUP BY venue ORDER BY venue`;
  const rows = left
    .map((l) => ({ l, rows: window(l, KEYS[0]?.[1] as Matches, -5, 5, true) }))
    .filter(({ l, rows }) => rows.length > 2 && l.id > 10);
  const expected = [0, 1].map((venue) => {
    const own = rows.filter(({ l }) => l.venue === venue);
    return [venue, own.length, sum(own.map(({ l, rows }) => rows.length + l.id)), Math.max(...own.map(({ rows }) => rows.at(-1)?.id ?? 0))];
  });
  expectCells(await rowsOf(sql), expected);
});

test('two WINDOW JOINs stand side by side', async () => {
  const sql = `SELECT l.id, wj_count(a.id), max(b.id) - min(a.id) FROM l TIMESTAMP(ts)
    WINDOW JOIN r TIMESTAMP(ts) a ON l.sym = a.sym RANGE BETWEEN 5s PRECEDING AND CURRENT ROW EXCLUDE PREVAILING
    WINDOW JOIN r TIMESTAMP(ts) b ON l.venue = b.venue RANGE BETWEEN CURRENT ROW AND 5s FOLLOWING EXCLUDE PREVAILING`;
  const expected = left.map((l) => {
    const a = window(l, KEYS[0]?.[1] as Matches, -5, 0, false);
    const b = window(l, (x, y) => x.venue === y.venue, 0, 5, false);
    const gap = a.length > 0 && b.length > 0 ? Math.max(...b.map((r) => r.id)) - Math.min(...a.map((r) => r.id)) : null;
    return [l.id, a.length, gap];
  });
  expectCells(await rowsOf(sql), expected);
});

/** The last right row at or before a time; among equal times the last one inserted. */
function prevailingAt(l: LeftRow, matches: Matches, time: number): RightRow | undefined {
  return right
    .filter((r): r is RightRow & { t: number } => r.t !== null && r.t <= time && matches(l, r))
    .sort((a, b) => a.t - b.t || a.id - b.id)
    .at(-1);
}

describe.each(KEYS)('HORIZON JOIN %s', (condition, matches) => {
  test.each([
    ['RANGE FROM -10s TO 20s STEP 5s', [-10, -5, 0, 5, 10, 15, 20]],
    ['LIST (0, 1s, 90s)', [0, 1, 90]],
    ['LIST (30s, -400d, -30s)', [30, -400 * 86_400, -30]],
  ] as const)('%s', async (offsets, seconds) => {
    const sql = `SELECT l.id, h.offset, epoch(h.timestamp)::bigint - ${EPOCH}, r.id, r.x, r.s FROM l TIMESTAMP(ts) HORIZON JOIN r TIMESTAMP(ts) ${condition} ${offsets} AS h`;
    const expected = left.flatMap((l) =>
      seconds.map((offset) => {
        const found = l.t === null ? undefined : prevailingAt(l, matches, l.t + offset);
        return [l.id, offset * 1_000_000, l.t === null ? null : l.t + offset, found?.id, found?.x, found?.s];
      }),
    );
    expectCells(await rowsOf(sql), expected);
  });
});

test.each([
  ['RANGE FROM -10s TO 20s STEP 5s', [-10, -5, 0, 5, 10, 15, 20]],
  ['LIST (30s, -400d, 0)', [30, -400 * 86_400, 0]],
] as const)('HORIZON JOIN of several tables, %s: each is looked up by itself', async (offsets, seconds) => {
  const sql = `SELECT l.id, h.offset, r.id, s.id, u.id FROM l TIMESTAMP(ts) HORIZON JOIN r TIMESTAMP(ts) ON (sym)
    HORIZON JOIN r TIMESTAMP(ts) s ON l.venue = s.venue AND s.id % 2 = 0 HORIZON JOIN r TIMESTAMP(ts) u ${offsets} AS h`;
  const expected = left.flatMap((l) =>
    seconds.map((offset) => {
      const at = (matches: Matches) => (l.t === null ? undefined : prevailingAt(l, matches, l.t + offset)?.id);
      return [l.id, offset * 1_000_000, at(KEYS[0]?.[1] as Matches), at((x, y) => x.venue === y.venue && y.id % 2 === 0), at(() => true)];
    }),
  );
  expectCells(await rowsOf(sql), expected);
});

test('HORIZON JOIN aggregates by offset', async () => {
  const sql = `SELECT h.offset / 1000000 AS o, count(r.x), sum(r.x) FROM l TIMESTAMP(ts) HORIZON JOIN r TIMESTAMP(ts) ON (sym) RANGE FROM -2s TO 2s STEP 1s AS h ORDER BY o`;
  const expected = [-2, -1, 0, 1, 2].map((offset) => {
    const values = present(left.map((l) => (l.t === null ? null : (prevailingAt(l, KEYS[0]?.[1] as Matches, l.t + offset)?.x ?? null))));
    return [offset, values.length, sum(values)];
  });
  expectCells(await rowsOf(sql), expected);
});

test('PLUS JOIN adds the first right row of the keys', async () => {
  const sql = `SELECT id, venue, v, x FROM (SELECT id, sym, venue, id % 5 AS v FROM l) a PLUS JOIN (SELECT sym, venue, v, x FROM r WHERE v > 4) b USING (sym)`;
  const expected = left.map((l) => {
    const found = l.sym === null ? undefined : right.find((r) => (r.v ?? 0) > 4 && r.sym === l.sym);
    return [l.id, l.venue + (found?.venue ?? 0), (l.id % 5) + (found?.v ?? 0), found?.x ?? 0];
  });
  expectCells(await rowsOf(sql), expected);
});

describe('whatever happens', () => {
  const QUERIES = [
    `SELECT l.id, ${CALLS.map(([call]) => call).join(', ')} FROM l TIMESTAMP(ts) WINDOW JOIN r TIMESTAMP(ts) ON (sym) RANGE BETWEEN 9s PRECEDING AND 9s FOLLOWING`,
    'SELECT h.offset, sum(r.x), max(r.s) FROM l TIMESTAMP(ts) HORIZON JOIN r TIMESTAMP(ts) ON (sym) RANGE FROM -10s TO 60s STEP 1s AS h GROUP BY ALL',
  ];

  test.each(QUERIES)('%s gives all memory back', async (sql) => {
    for (const engine of engines) {
      await run(engine, sql);
      const before = engine.arena.usedBytes;
      await run(engine, sql, { vector_rows: 64 });
      expect(engine.arena.usedBytes).toBe(before);
      for (const max_memory of [20_000, 60_000, 150_000]) {
        await run(engine, sql, { max_memory, vector_rows: 1024 }).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'query_memory_exceeded' });
        });
        expect(engine.arena.usedBytes).toBe(before);
      }
    }
  });

  test('a horizon of very many offsets stops when its time is over, and frees everything', async () => {
    const sql = 'SELECT sum(r.x) FROM l TIMESTAMP(ts) HORIZON JOIN r TIMESTAMP(ts) ON (sym) RANGE FROM -40000s TO 40000s STEP 1s AS h';
    for (const engine of engines) {
      const before = engine.arena.usedBytes;
      await expect(run(engine, sql, { timeout_ms: 20 })).rejects.toMatchObject({ code: 'timeout' });
      expect(engine.arena.usedBytes).toBe(before);
    }
  });

  test.each([
    ['l', 'r WHERE false'],
    ['l WHERE false', 'r'],
    ['l', 'r WHERE sym IS NULL'],
  ])('FROM %s and %s', async (a, b) => {
    const calls = CALLS.map(([call]) => call).join(', ');
    const sql = `SELECT l.id, ${calls} FROM (SELECT * FROM ${a}) l TIMESTAMP(ts) WINDOW JOIN (SELECT * FROM ${b}) r TIMESTAMP(ts) ON (sym) RANGE BETWEEN 9s PRECEDING AND 9s FOLLOWING`;
    const rows = a === 'l' ? left : [];
    expectCells(
      await rowsOf(sql),
      rows.map((l) => [l.id, ...CALLS.map(([, compute]) => compute([]))]),
    );
  });
});
