/** Moving, running and exponential functions against what Polars says of the same rows. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, open } from '../../src/embedded/database.js';
import { Random } from '../differential/random.js';
import { pythonPath } from '../e2e/server.js';

const SCRIPT = `
import json, math, sys
import polars as pl
data = json.load(sys.stdin)
df = pl.DataFrame({'ts': pl.Series(data['t']).cast(pl.Datetime('ns')), 'k': data['k'], 'x': data['x']})
x = pl.col('x')
out = df.select(*[eval(text).over('k').alias(name) for name, text in data['columns'].items()])
print(json.dumps({name: [None if v is None or math.isnan(v) else v for v in out[name].to_list()] for name in out.columns}))
`;

/** Ours by Polars' expression. */
const CALLS: Readonly<Record<string, string>> = {
  'ema(x, alpha => 0.1)': 'x.ewm_mean(alpha=0.1, adjust=False)',
  'ema(x, 9)': 'x.ewm_mean(span=9, adjust=False)',
  'ema(x, half_life => 3)': 'x.ewm_mean(half_life=3, adjust=False)',
  'ema(x, com => 4)': 'x.ewm_mean(com=4, adjust=False)',
  "ema(x, half_life => INTERVAL '5 seconds')": "x.ewm_mean_by('ts', half_life='5s')",
  'moving_avg(x, 20)': 'x.rolling_mean(20, min_samples=1)',
  'moving_stddev(x, 5)': 'x.rolling_std(5, min_samples=1)',
  'moving_median(x, 5)': 'x.rolling_median(5, min_samples=1)',
  'moving_max(x, 7)': 'x.rolling_max(7, min_samples=1)',
  "moving_sum(x, INTERVAL '10 seconds')": "x.rolling_sum_by('ts', '10s', closed='both')",
  'cumsum(x)': 'x.cum_sum()',
  'cumprod(x / 100)': '(x / 100).cum_prod()',
  'cummin(x)': 'x.cum_min()',
  'deltas(x)': 'x.diff()',
};

const random = new Random(13);
let db: Database;
let clock = 0;
const rows = Array.from({ length: 400 }, () => {
  clock += random.whole(1, 4000) * 1_000_000;
  return { t: clock, k: `K${random.whole(0, 2)}`, x: 80 + random.whole(0, 40_000) / 1000 };
});

beforeAll(async () => {
  db = await open({});
  await db.exec('CREATE TABLE t (i BIGINT, ts TIMESTAMP_NS, k SYMBOL, x DOUBLE) TIMESTAMP(ts)');
  await db.exec(`INSERT INTO t VALUES ${rows.map(({ t, k, x }, i) => `(${i}, ${t}::timestamp_ns, '${k}', ${x})`).join(', ')}`);
});
afterAll(() => db.close());

test('Polars says the same of moving, running and exponential functions', async () => {
  const columns = Object.fromEntries(Object.values(CALLS).map((text, i) => [`c${i}`, text]));
  const input = JSON.stringify({ t: rows.map((row) => row.t), k: rows.map((row) => row.k), x: rows.map((row) => row.x), columns });
  const theirs = JSON.parse(execFileSync(pythonPath(), ['-c', SCRIPT], { input, encoding: 'utf8' })) as Record<string, (number | null)[]>;
  const items = Object.keys(CALLS).map((call, i) => `${call} OVER w AS c${i}`);
  const result = await db.query(`SELECT ${items.join(', ')} FROM t WINDOW w AS (PARTITION BY k ORDER BY ts) ORDER BY i`);
  const ours = await result.toRows<Record<string, number | null>>();
  Object.keys(CALLS).forEach((call, i) => {
    ours.forEach((row, at) => {
      const [mine, wanted] = [row[`c${i}`] ?? null, theirs[`c${i}`]?.[at] ?? null];
      const same = mine === null || wanted === null ? mine === wanted : Math.abs(mine - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted));
      if (!same) expect.fail(`${call} of row ${at}: ${mine} is not ${wanted}`);
    });
  });
});
