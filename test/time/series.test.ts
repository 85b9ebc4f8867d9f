/** Functions over series by their definitions: every group and every row looks at all rows. Ties, NULLs, gaps, rows out of order, several segments. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { type QuerySettings, settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { Random } from '../differential/random.js';
import { textRows } from '../sql/runner.js';

interface Row {
  readonly id: number;
  readonly sym: string | null;
  /** Seconds. */
  readonly t: number | null;
  readonly x: number | null;
  readonly on: boolean | null;
}

const ROWS = 700;
const EPOCH = Date.UTC(2026, 0, 1) / 1000;
const engines: OpenEngine[] = [];
const random = new Random(77);
let clock = 0;
const rows: Row[] = Array.from({ length: ROWS }, (_, id) => {
  clock += random.chance(0.3) ? 0 : random.chance(0.05) ? random.whole(60, 300) : random.whole(1, 4);
  const late = random.chance(0.15) ? random.whole(1, 40) : 0;
  return {
    id,
    sym: random.chance(0.08) ? null : `S${random.whole(0, 4)}`,
    t: random.chance(0.05) ? null : clock - late,
    x: random.chance(0.12) ? null : random.whole(1, 40) / 4,
    on: random.chance(0.1) ? null : random.chance(0.5),
  };
});

beforeAll(async () => {
  for (const workerThreads of [0, 2]) {
    const engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '512MB', segment_rows: 128 }), { workerThreads });
    engines.push(engine);
    await run(engine, 'CREATE TABLE s (id BIGINT, sym SYMBOL, ts TIMESTAMP_NS, x DOUBLE, state BOOLEAN)');
    const values = rows.map(({ id, sym, t, x, on }) => {
      const ts = t === null ? 'NULL' : `'${new Date((EPOCH + t) * 1000).toISOString()}'::timestamp_ns`;
      return `(${id}, ${sym === null ? 'NULL' : `'${sym}'`}, ${ts}, ${x ?? 'NULL'}, ${on ?? 'NULL'})`;
    });
    for (let first = 0; first < ROWS; first += 100) {
      await run(engine, `INSERT INTO s VALUES ${values.slice(first, first + 100).join(', ')}`);
    }
  }
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
});

async function run(engine: OpenEngine, sql: string, settings: Partial<QuerySettings> = {}): Promise<string[]> {
  return textRows(await engine.query.execute({ sql, principal: EMBEDDED, settings }), engine.arena);
}

/** Cells by row; every engine and size of vectors must give the same. */
async function cells(sql: string): Promise<string[][]> {
  const [first, second] = engines as [OpenEngine, OpenEngine];
  const expected = await run(first, sql);
  expect(await run(second, sql)).toEqual(expected);
  expect(await run(second, sql, { vector_rows: 64 })).toEqual(expected);
  return expected.map((line) => line.split(' | '));
}

type Sample = Row & { readonly t: number; readonly x: number };
type Result = number | null;

const samplesOf = (all: readonly Row[]): Sample[] => all.filter((row): row is Sample => row.t !== null && row.x !== null);
/** By time; rows of one time in the order in which they came. */
const byTime = <T extends { readonly t: number; readonly id: number }>(all: readonly T[]): T[] =>
  [...all].sort((a, b) => a.t - b.t || a.id - b.id);

const pairs = (s: readonly Sample[]): [Sample, Sample][] => s.slice(1).map((sample, i) => [s[i] as Sample, sample]);
const rise = (a: number, b: number): number => (b < a ? b : b - a);
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const ends = (s: readonly Sample[]): [Sample, Sample] => [s[0] as Sample, s.at(-1) as Sample];
const span = (s: readonly Sample[]): number => ends(s)[1].t - ends(s)[0].t;

function slope(s: readonly Sample[]): { m: number; at: (t: number) => number } | null {
  const mt = total(s.map((p) => p.t)) / s.length;
  const mx = total(s.map((p) => p.x)) / s.length;
  const d = total(s.map((p) => (p.t - mt) ** 2));
  if (s.length < 2 || d === 0) return null;
  const m = total(s.map((p) => (p.t - mt) * (p.x - mx))) / d;
  return { m, at: (t) => mx + m * (t - mt) };
}

function area(s: readonly Sample[], linear: boolean): number {
  return total(pairs(s).map(([a, b]) => (linear ? (a.x + b.x) / 2 : a.x) * (b.t - a.t)));
}

function average(s: readonly Sample[], linear: boolean): Result {
  if (s.length === 0) return null;
  return span(s) === 0 ? total(s.map((p) => p.x)) / s.length : area(s, linear) / span(s);
}

/** Every function over the samples of a group in the order of time. */
const AGGREGATES: Readonly<Record<string, (s: readonly Sample[]) => Result>> = {
  'increase(x, ts)': (s) => (s.length < 2 ? null : total(pairs(s).map(([a, b]) => rise(a.x, b.x)))),
  'rate(ts, x)': (s) => (s.length < 2 || span(s) === 0 ? null : total(pairs(s).map(([a, b]) => rise(a.x, b.x))) / span(s)),
  'delta(x, ts)': (s) => (s.length < 2 ? null : ends(s)[1].x - ends(s)[0].x),
  'idelta(x, ts)': (s) => (s.length < 2 ? null : (s.at(-1) as Sample).x - (s.at(-2) as Sample).x),
  'irate(x, ts)': (s) => {
    const [a, b] = s.slice(-2);
    return a && b && b.t > a.t ? rise(a.x, b.x) / (b.t - a.t) : null;
  },
  'delta_sum(x, ts)': (s) => (s.length < 2 ? null : total(pairs(s).map(([a, b]) => Math.max(0, b.x - a.x)))),
  'changes(x, ts)': (s) => (s.length === 0 ? null : pairs(s).filter(([a, b]) => a.x !== b.x).length),
  'resets(x, ts)': (s) => (s.length === 0 ? null : pairs(s).filter(([a, b]) => b.x < a.x).length),
  'deriv(x, ts)': (s) => slope(s)?.m ?? null,
  'predict_linear(x, ts, 30)': (s) => slope(s)?.at(ends(s)[1].t + 30) ?? null,
  'twap(x, ts)': (s) => average(s, false),
  "time_weight('linear', ts, x)": (s) => average(s, true),
  'time_integral(x, ts)': (s) => (s.length === 0 ? null : area(s, true)),
  "integral(time_weight('locf', ts, x))": (s) => (s.length === 0 ? null : area(s, false)),
  'max_drawdown(x, ts)': (s) => {
    if (s.length === 0) return null;
    return Math.min(0, ...s.map((p, i) => p.x / Math.max(...s.slice(0, i + 1).map((q) => q.x)) - 1));
  },
  "ema(x, ts, half_life => INTERVAL '20 seconds')": (s) => emaByTime(s, 20),
  '(ohlc(x, ts)).open': (s) => s[0]?.x ?? null,
  '(ohlc(x, ts)).high': (s) => (s.length === 0 ? null : Math.max(...s.map((p) => p.x))),
  '(ohlc(x, ts)).low': (s) => (s.length === 0 ? null : Math.min(...s.map((p) => p.x))),
  '(ohlc(x, ts)).close': (s) => s.at(-1)?.x ?? null,
  'vwap(candlestick_agg(ts, x, id))': (s) =>
    s.length === 0 || total(s.map((p) => p.id)) === 0 ? null : total(s.map((p) => p.x * p.id)) / total(s.map((p) => p.id)),
  'rate(counter_agg(ts, x))': (s) => (s.length < 2 || span(s) === 0 ? null : total(pairs(s).map(([a, b]) => rise(a.x, b.x))) / span(s)),
};

function emaByTime(s: readonly Sample[], halfLife: number): Result {
  let average: Result = null;
  let last = 0;
  for (const { t, x } of s) {
    average = average === null ? x : x + (average - x) * 2 ** (-Math.abs(t - last) / halfLife);
    last = t;
  }
  return average;
}

function close(got: string | undefined, wanted: Result, what: string): void {
  if (wanted === null) expect(got, what).toBe('NULL');
  else {
    expect(got, what).not.toBe('NULL');
    expect(Math.abs(Number(got) - wanted), `${what}: ${got} is not ${wanted}`).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(wanted)));
  }
}

describe('aggregates over series', () => {
  const keys = [...new Set(rows.map((row) => row.sym))];

  test.each(Object.entries(AGGREGATES))('%s of groups', async (call, oracle) => {
    const got = new Map((await cells(`SELECT sym, ${call} FROM s GROUP BY sym`)).map(([key, value]) => [key, value]));
    expect(got.size).toBe(keys.length);
    for (const key of keys) close(got.get(key ?? 'NULL'), oracle(byTime(samplesOf(rows.filter((row) => row.sym === key)))), `${key}`);
  });

  test.each(Object.entries(AGGREGATES))('%s of small groups, of all rows and of none', async (call, oracle) => {
    const got = await cells(`SELECT id // 3, ${call} FROM s GROUP BY 1 ORDER BY 1`);
    got.forEach(([, value], i) => {
      close(value, oracle(byTime(samplesOf(rows.slice(3 * i, 3 * i + 3)))), `group ${i}`);
    });
    close((await cells(`SELECT ${call} FROM s`))[0]?.[0], oracle(byTime(samplesOf(rows))), 'all');
    close((await cells(`SELECT ${call} FROM s WHERE id < 0`))[0]?.[0], null, 'none');
  });

  test.each(Object.entries(AGGREGATES).filter(([call]) => !call.includes('('.repeat(2))))(
    '%s over the last minute',
    async (call, oracle) => {
      if (call.startsWith('(') || call.includes('_agg') || call.includes('half_life')) return;
      const over = "OVER (PARTITION BY sym ORDER BY ts RANGE BETWEEN INTERVAL '1 minute' PRECEDING AND CURRENT ROW)";
      const got = await cells(`SELECT id, ${call} ${over} FROM s WHERE ts IS NOT NULL ORDER BY id`);
      const timed = rows.filter((row) => row.t !== null);
      got.forEach(([id, value], i) => {
        const row = timed[i] as Row & { t: number };
        expect(id).toBe(String(row.id));
        const frame = timed.filter((each) => each.sym === row.sym && (each.t as number) >= row.t - 60 && (each.t as number) <= row.t);
        close(value, oracle(byTime(samplesOf(frame))), `row ${id}`);
      });
    },
  );

  test('duration_in is the time from each row in which the condition holds to the next', async () => {
    const got = await cells(
      'SELECT sym, epoch(duration_in(state, ts)), epoch(duration_in(state_agg(ts, state), true)) FROM s GROUP BY sym',
    );
    for (const [key, value, other] of got) {
      const own = byTime(rows.filter((row): row is Row & { t: number } => (row.sym ?? 'NULL') === key && row.t !== null));
      const wanted = total(own.slice(1).map((row, i) => (own[i]?.on === true ? row.t - (own[i]?.t ?? 0) : 0)));
      close(value, wanted, key ?? '');
      close(other, wanted, key ?? '');
    }
  });

  test('ema by rows goes in insertion order, or in the order that is asked for', async () => {
    const got = await cells(
      'SELECT sym, round(ema(x, alpha => 0.3), 11), round(ema(x, alpha => 0.3 ORDER BY ts, id), 11), round(ema(0.3, x), 11), round(ema(x, 9), 11), round(ema(x, half_life => 2.5), 11), round(ema(x, com => 4), 11) FROM s GROUP BY sym',
    );
    for (const [key, plain, ordered, turned, periods, halved, com] of got) {
      const own = rows.filter((row): row is Row & { x: number } => (row.sym ?? 'NULL') === key && row.x !== null);
      const sorted = [...own].sort((a, b) => (a.t ?? Infinity) - (b.t ?? Infinity) || a.id - b.id);
      const of = (list: readonly { x: number }[], alpha: number): Result =>
        list.reduce<Result>((average, { x }) => (average === null ? x : average + alpha * (x - average)), null);
      close(plain, of(own, 0.3), 'plain');
      close(ordered, of(sorted, 0.3), 'ordered');
      close(turned, of(own, 0.3), 'turned');
      close(periods, of(own, 0.2), 'periods');
      close(halved, of(own, 1 - 2 ** (-1 / 2.5)), 'half life');
      close(com, of(own, 0.2), 'com');
    }
  });

  test('lttb keeps the ends and of every bucket the largest triangle', async () => {
    const got = await cells(
      'SELECT sym, len(lttb(ts, x, 12)), list_sum(list_transform(lttb(ts, x, 12), p -> p.value)), epoch(lttb(x, ts, 12)[1].time), epoch(lttb(ts, x, 12)[12].time) FROM s GROUP BY sym',
    );
    for (const [key, count, sum, from, to] of got) {
      const own = byTime(samplesOf(rows.filter((row) => (row.sym ?? 'NULL') === key)));
      const kept = lttb(own, 12);
      expect(Number(count)).toBe(kept.length);
      close(sum, total(kept.map((p) => p.x)), 'sum');
      close(from, EPOCH + ends(kept)[0].t, 'from');
      close(to, EPOCH + ends(kept)[1].t, 'to');
    }
  });
});

function lttb(s: readonly Sample[], keep: number): Sample[] {
  if (s.length <= keep) return [...s];
  const every = (s.length - 2) / (keep - 2);
  const kept = [s[0] as Sample];
  const bucket = (i: number): Sample[] => s.slice(1 + Math.floor(i * every), 1 + Math.floor((i + 1) * every));
  for (let i = 0; i < keep - 2; i++) {
    const next = i === keep - 3 ? [s.at(-1) as Sample] : bucket(i + 1);
    const [mt, mx] = [total(next.map((p) => p.t)) / next.length, total(next.map((p) => p.x)) / next.length];
    const last = kept.at(-1) as Sample;
    const size = (p: Sample): number => Math.abs((last.t - mt) * (p.x - last.x) - (last.t - p.t) * (mx - last.x));
    kept.push(bucket(i).reduce((best, p) => (size(p) > size(best) ? p : best)));
  }
  return [...kept, s.at(-1) as Sample];
}

// ---- window functions ----

/** The rows of the partition in order, and where the row stands among them. */
type RowOracle = (list: readonly Row[], at: number) => Result | boolean;

const values = (list: readonly Row[]): number[] => list.flatMap((row) => (row.x === null ? [] : [row.x]));
const upTo = (list: readonly Row[], at: number): number[] => values(list.slice(0, at + 1));
const last = (list: readonly Row[], at: number, n: number): number[] => values(list.slice(Math.max(0, at - n + 1), at + 1));
const mean = (list: readonly number[]): Result => (list.length === 0 ? null : total(list) / list.length);
const deviation = (list: readonly number[], less: number): Result =>
  list.length <= less ? null : Math.sqrt(total(list.map((v) => (v - (mean(list) as number)) ** 2)) / (list.length - less));

const WINDOWS: Readonly<Record<string, RowOracle>> = {
  'cumsum(x)': (list, at) => (upTo(list, at).length === 0 ? null : total(upTo(list, at))),
  'prds(1 + x / 1000)': (list, at) => (upTo(list, at).length === 0 ? null : upTo(list, at).reduce((a, b) => a * (1 + b / 1000), 1)),
  'cummax(x)': (list, at) => (upTo(list, at).length === 0 ? null : Math.max(...upTo(list, at))),
  'mins(x)': (list, at) => (upTo(list, at).length === 0 ? null : Math.min(...upTo(list, at))),
  'avgs(x)': (list, at) => mean(upTo(list, at)),
  'cumcount(x)': (list, at) => upTo(list, at).length,
  'moving_avg(x, 5)': (list, at) => mean(last(list, at, 5)),
  'mavg(7, x)': (list, at) => mean(last(list, at, 7)),
  'msum(3, x)': (list, at) => (last(list, at, 3).length === 0 ? null : total(last(list, at, 3))),
  'moving_min(x, 4)': (list, at) => (last(list, at, 4).length === 0 ? null : Math.min(...last(list, at, 4))),
  'mmax(4, x)': (list, at) => (last(list, at, 4).length === 0 ? null : Math.max(...last(list, at, 4))),
  'mcount(4, x)': (list, at) => last(list, at, 4).length,
  'mdev(6, x)': (list, at) => deviation(last(list, at, 6), 0),
  'moving_stddev(x, 6)': (list, at) => deviation(last(list, at, 6), 1),
  'prev(x)': (list, at) => list[at - 1]?.x ?? null,
  'xprev(3, x)': (list, at) => list[at - 3]?.x ?? null,
  'next(x)': (list, at) => list[at + 1]?.x ?? null,
  'deltas(x)': (list, at) => minus(list[at]?.x, list[at - 1]?.x),
  'deltas(x, 0)': (list, at) => minus(list[at]?.x, at === 0 ? 0 : list[at - 1]?.x),
  'ratios(x)': (list, at) =>
    typeof list[at - 1]?.x === 'number' && typeof list[at]?.x === 'number' ? (list[at]?.x ?? 0) / (list[at - 1]?.x ?? 0) : null,
  'fills(x)': (list, at) => upTo(list, at).at(-1) ?? null,
  'bfill(x)': (list, at) => values(list.slice(at))[0] ?? null,
  'differ(x)': (list, at) => at === 0 || (list[at]?.x ?? null) !== (list[at - 1]?.x ?? null),
  'drawdown(x)': (list, at) => (list[at]?.x === null ? null : (list[at]?.x ?? 0) / Math.max(...upTo(list, at)) - 1),
  'ema(x, alpha => 0.2)': (list, at) => upTo(list, at).reduce<Result>((a, x) => (a === null ? x : a + 0.2 * (x - a)), null),
  "avg(x, 'period', 9)": (list, at) => upTo(list, at).reduce<Result>((a, x) => (a === null ? x : a + 0.2 * (x - a)), null),
  "ema(x, half_life => INTERVAL '15 seconds')": (list, at) => emaByTime(samplesOf(list.slice(0, at + 1)), 15),
  'ema_by(x, ts, 15)': (list, at) => emaByTime(samplesOf(list.slice(0, at + 1)), 15),
  "avg(x, 'second', 30)": (list, at) => emaByTime(samplesOf(list.slice(0, at + 1)), 30 * Math.LN2),
  "sessionize(ts, INTERVAL '30 seconds')": (list, at) => {
    const times = list.slice(0, at + 1).flatMap((row) => (row.t === null ? [] : [row.t]));
    if (list[at]?.t === null) return null;
    return 1 + times.slice(1).filter((t, i) => Math.abs(t - (times[i] ?? 0)) > 30).length;
  },
  'epoch(state_duration(state, ts) OVER w)': (list, at) => {
    const timed = list.slice(0, at + 1).filter((row) => row.t !== null);
    if (list[at]?.t === null || list[at]?.on !== true) return null;
    const before = timed.map((row) => row.on === true).lastIndexOf(false);
    return Math.abs((list[at]?.t ?? 0) - (timed[before + 1]?.t ?? 0));
  },
  'derivative(x, ts)': (list, at) => {
    const [a, b] = [list[at - 1], list[at]];
    if (!a || !b || a.x === null || b.x === null || a.t === null || b.t === null || a.t === b.t) return null;
    return (b.x - a.x) / (b.t - a.t);
  },
};

function minus(a: number | null | undefined, b: number | null | undefined): Result {
  return typeof a === 'number' && typeof b === 'number' ? a - b : null;
}

describe.each([
  ['PARTITION BY sym ORDER BY ts, id', (row: Row) => row.sym, 1],
  ['PARTITION BY sym, state ORDER BY ts DESC, id DESC', (row: Row) => `${row.sym} ${row.on}`, -1],
  ['ORDER BY ts, id', () => '', 1],
] as const)('window functions OVER (%s)', (over, keyOf, sign) => {
  test.each(Object.entries(WINDOWS))('%s', async (call, oracle) => {
    const text = call.includes('OVER w') ? call : `${call} OVER w`;
    const got = await cells(`SELECT id, ${text} FROM s WINDOW w AS (${over}) ORDER BY id`);
    expect(got).toHaveLength(ROWS);
    const partitions = new Map<unknown, Row[]>();
    for (const row of rows) partitions.set(keyOf(row), [...(partitions.get(keyOf(row)) ?? []), row]);
    for (const list of partitions.values()) {
      // NULLs come last ascending and first descending.
      list.sort((a, b) => sign * ((a.t ?? 1e9) - (b.t ?? 1e9)) || sign * (a.id - b.id));
      list.forEach((row, at) => {
        const wanted = oracle(list, at);
        const value = got[row.id]?.[1];
        if (typeof wanted === 'boolean') expect(value, `row ${row.id}`).toBe(String(wanted));
        else close(value, wanted, `row ${row.id}`);
      });
    }
  });
});

describe('first and last by a time that ascends', () => {
  test('groups whose first rows are left out find theirs later; late rows are seen', async () => {
    const [, engine] = engines as [OpenEngine, OpenEngine];
    await run(engine, 'CREATE TABLE f (ts TIMESTAMP_NS, k SYMBOL, v BIGINT) TIMESTAMP(ts)');
    const list = Array.from({ length: 900 }, (_, i) => ({
      t: i < 890 ? Math.floor(i / 4) : 3,
      k: `k${(i * 7) % 5}${i > 300 ? (i % 90 === 0 ? 'late' : '') : ''}`,
      v: i % 3 === 0 && i < 400 ? null : i,
    }));
    await run(
      engine,
      `INSERT INTO f VALUES ${list.map(({ t, k, v }) => `(${t * 1000}::timestamp_ns, '${k}', ${v ?? 'NULL'})`).join(', ')}`,
    );
    for (const where of ['true', 'v % 2 = 0', "k <> 'k1'"]) {
      const kept = list.filter(({ k, v }) => where === 'true' || (where.startsWith('v') ? v !== null && v % 2 === 0 : k !== 'k1'));
      const sql = `SELECT k, first(v, ts), last(v, ts), arg_min(v, ts), arg_max(v, ts), first(v, ts) FILTER (WHERE v > 500) FROM f WHERE ${where} GROUP BY k ORDER BY k`;
      for (const settings of [{}, { vector_rows: 64 }]) {
        for (const line of await run(engine, sql, settings)) {
          const [k, ...got] = line.split(' | ');
          const own = kept.map((row, i) => ({ ...row, id: i })).filter((row) => row.k === k);
          const present = own.filter((row) => row.v !== null);
          const pick = (all: typeof own, last: boolean, ties: boolean): string => {
            const best = all.reduce<(typeof own)[number] | null>(
              (a, b) => (a === null || (last ? (ties ? b.t >= a.t : b.t > a.t) : b.t < a.t) ? b : a),
              null,
            );
            return best === null ? 'NULL' : String(best.v ?? 'NULL');
          };
          const wanted = [
            pick(own, false, false),
            pick(own, true, true),
            pick(present, false, false),
            pick(present, true, false),
            pick(
              own.filter((row) => (row.v ?? 0) > 500),
              false,
              false,
            ),
          ];
          expect([k, ...got]).toEqual([k, ...wanted]);
        }
      }
    }
  });
});
