import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { textRows } from '../sql/runner.js';
import { zonedBucket } from './zones.js';

interface Trade {
  /** Seconds. */
  readonly ts: number;
  readonly sym: string | null;
  readonly price: number | null;
  readonly size: number;
}

/** Deterministic random numbers in [0, 1). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const START = Date.UTC(2025, 9, 25) / 1000;

/** Two and a half days around the end of summer time in Europe: out of order, with ties, gaps, NULLs. */
function trades(seed: number, count: number): Trade[] {
  const next = random(seed);
  return Array.from({ length: count }, () => {
    const hour = Math.floor(next() * 60);
    const ts = START + (hour % 7 === 3 ? 0 : hour) * 3600 + Math.floor(next() * 12) * 300;
    const symbol = ['A', 'B', 'C', null][Math.floor(next() * 4)] ?? null;
    return { ts, sym: symbol, price: next() < 0.1 ? null : Math.round(next() * 64) / 4, size: Math.floor(next() * 100) };
  });
}

type Cell = number | string | null;
type Mode = 'NULL' | 'PREV' | 'NEXT' | 'LINEAR' | '7';

interface Case {
  readonly width: string;
  readonly seconds: number;
  readonly zone: string;
  readonly keyed: boolean;
  readonly modes: readonly [Mode, Mode, Mode];
  readonly maxGapSeconds: number | null;
  readonly range: readonly [number, number] | null;
}

/** count(*), max(price), last(size) by bucket and series, then every bucket between the ends for every series. */
function naive(rows: readonly Trade[], { seconds, zone, keyed, modes, maxGapSeconds, range }: Case): Cell[][] {
  const kept = range ? rows.filter(({ ts }) => ts >= range[0] && ts < range[1]) : rows;
  const bucketOf = (ts: number) => zonedBucket(zone, { seconds }, ts);
  const series: (string | null)[] = [];
  const groups = new Map<string, Trade[]>();
  for (const trade of kept) {
    const key = keyed ? trade.sym : '';
    if (!series.includes(key)) series.push(key);
    const name = `${bucketOf(trade.ts)}/${key}`;
    groups.set(name, [...(groups.get(name) ?? []), trade]);
  }
  const times = kept.map(({ ts }) => bucketOf(ts));
  const [from, to] = range ?? [Math.min(...times), Math.max(...times) + 1];
  const buckets = [
    ...new Set(
      Array.from({ length: (to - from) / 300 + 1 }, (_, i) => from + i * 300)
        .filter((at) => at < to)
        .map(bucketOf),
    ),
  ];
  const valuesOf = (bucket: number, key: string | null): Cell[] | undefined => {
    const own = groups.get(`${bucket}/${key}`);
    if (!own) return undefined;
    const prices = own.flatMap(({ price }) => (price === null ? [] : [price]));
    const last = own.reduce((best, trade) => (trade.ts >= best.ts ? trade : best));
    return [own.length, prices.length === 0 ? null : Math.max(...prices), last.size];
  };
  const near = (at: number, by: 1 | -1, key: string | null): number | undefined => {
    for (let i = at + by; i >= 0 && i < buckets.length; i += by) if (valuesOf(buckets[i] ?? 0, key)) return i;
    return undefined;
  };
  const allowed = (a: number, b: number) => maxGapSeconds === null || b - a <= maxGapSeconds;
  return buckets.flatMap((bucket, at) =>
    series.map((key): Cell[] => {
      const own = valuesOf(bucket, key);
      const [before, after] = [near(at, -1, key), near(at, 1, key)].map((i) => (i === undefined ? undefined : (buckets[i] ?? 0)));
      const filled = modes.map((mode, i): Cell => {
        const of = (place: number) => valuesOf(place, key)?.[i] ?? null;
        if (mode === 'PREV') return before !== undefined && allowed(before, bucket) ? of(before) : null;
        if (mode === 'NEXT') return after !== undefined && allowed(bucket, after) ? of(after) : null;
        if (mode === '7') return 7;
        if (mode === 'NULL' || before === undefined || after === undefined || !allowed(before, after)) return null;
        const [y0, y1] = [of(before), of(after)];
        if (typeof y0 !== 'number' || typeof y1 !== 'number') return null;
        const share = (bucket - before) / (after - before);
        return i === 1 ? y0 * (1 - share) + y1 * share : y0 + roundEven((y1 - y0) * share);
      });
      return [bucket, ...(keyed ? [key] : []), ...(own ?? filled)];
    }),
  );
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function sqlOf({ width, zone, keyed, modes, maxGapSeconds, range }: Case): string {
  const iso = (second: number) => `TIMESTAMP '${new Date(second * 1000).toISOString()}'`;
  const gap = maxGapSeconds === null ? '' : ` MAX GAP '${maxGapSeconds} seconds'`;
  const bounds = range ? ` FROM ${iso(range[0])} TO ${iso(range[1])}` : '';
  const align = zone === 'UTC' ? '' : ` ALIGN TO CALENDAR TIME ZONE '${zone}'`;
  const usesGap = modes.some((mode) => mode === 'PREV' || mode === 'NEXT' || mode === 'LINEAR');
  return `SELECT ts, ${keyed ? 'sym, ' : ''}count(*) n, max(price) p, last(size) s FROM trades SAMPLE BY ${width}${bounds} FILL(${modes.join(', ')})${usesGap ? gap : ''}${align}`;
}

const CONFIGURATIONS = [
  { threads: 0, vector_rows: 64 },
  { threads: 2, vector_rows: 64 },
  { threads: 0, vector_rows: 16_384 },
];

describe.each(CONFIGURATIONS)('$threads threads, vectors of $vector_rows rows', ({ threads, vector_rows }) => {
  let engine: OpenEngine;
  const rows = trades(vector_rows + threads, 900);
  beforeAll(async () => {
    const settings = settingsWith({ path: ':memory:', memory_limit: '256MB', segment_rows: 1024, vector_rows });
    engine = await openDatabase(settings, { workerThreads: threads });
    await run('CREATE TABLE trades (ts TIMESTAMP_NS, sym SYMBOL, price DOUBLE, size BIGINT) TIMESTAMP(ts) PARTITION BY DAY');
    for (let first = 0; first < rows.length; first += 300) {
      const values = rows.slice(first, first + 300).map(({ ts, sym, price, size }) => {
        return `('${new Date(ts * 1000).toISOString()}', ${sym === null ? 'NULL' : `'${sym}'`}, ${price}, ${size})`;
      });
      await run(`INSERT INTO trades VALUES ${values.join(', ')}`);
    }
  });
  afterAll(() => engine.close());

  async function run(sql: string): Promise<string[]> {
    return textRows(await engine.query.execute({ sql, principal: EMBEDDED }), engine.arena);
  }

  const modes: readonly Mode[] = ['NULL', 'PREV', 'NEXT', 'LINEAR', '7'];
  const next = random(7);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)] as T;
  const cases = Array.from({ length: 40 }, (): Case => {
    const [width, seconds] = pick([
      ['15m', 900],
      ['1h', 3600],
      ['2h', 7200],
      ['1d', 86_400],
      ["INTERVAL '30 minutes'", 1800],
    ] as const);
    const zone = pick(['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/New_York']);
    const chosen = [pick(modes), pick(modes), pick(modes)] as const;
    const range = next() < 0.3 ? ([START, START + 129_600] as const) : null;
    // FROM starts a bucket, which the walk over the clock does not know.
    const plain = range === null || (zone === 'UTC' && seconds <= 86_400);
    return {
      width,
      seconds,
      zone,
      keyed: next() < 0.7,
      modes: chosen,
      maxGapSeconds: next() < 0.3 ? pick([3600, 7200, 20_000]) : null,
      range: plain ? range : null,
    };
  });
  it.each(cases.map((each) => [sqlOf(each), each] as const))('%s', async (sql, each) => {
    const found = await run(sql);
    const wanted = naive(rows, each).map(([bucket, ...cells]) => {
      const start = new Date(Number(bucket) * 1000).toISOString().replace('.000Z', '.000000000Z');
      return [start, ...cells.map((cell) => (cell === null ? 'NULL' : String(cell)))].join(' | ');
    });
    // Series come in the order in which their first rows are met, which threads and segments decide.
    expect([...found].sort()).toEqual([...wanted].sort());
    expect(found.map((row) => row.slice(0, 30))).toEqual(wanted.map((row) => row.slice(0, 30)));
  });
});
