import { afterAll, beforeAll, expect, it } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { textRows } from '../sql/runner.js';

let engine: OpenEngine;

/** Ten days of a reading every minute, and one a nanosecond after each midnight. */
beforeAll(async () => {
  const settings = settingsWith({ path: ':memory:', memory_limit: '256MB', segment_rows: 1024 });
  engine = await openDatabase(settings, { workerThreads: 0 });
  await rows('CREATE TABLE t (ts TIMESTAMP_NS, x BIGINT) TIMESTAMP(ts) PARTITION BY DAY');
  for (let day = 1; day <= 10; day++) {
    const midnight = `TIMESTAMP_NS '2026-01-${String(day).padStart(2, '0')}'`;
    await rows(`INSERT INTO t SELECT ${midnight} + n * INTERVAL '1 minute', n FROM generate_series(0, 1439) s(n)`);
    await rows(`INSERT INTO t VALUES ('2026-01-${String(day).padStart(2, '0')}T00:00:00.000000001Z', -1)`);
  }
});
afterAll(() => engine.close());

async function rows(sql: string): Promise<string[]> {
  return textRows(await engine.query.execute({ sql, principal: EMBEDDED }), engine.arena);
}

/** What an interval text means, written as ranges by hand: [first day, first minute, minutes] in turn. */
const CASES = [
  ["'2026-01-05'", [[5, 0, 1440]]],
  ["'2026-01-05T10'", [[5, 600, 60]]],
  ["'2026-01-05T10;1h'", [[5, 600, 120]]],
  [
    "'2026-01-02T10;30m;3d;3'",
    [
      [2, 600, 90],
      [5, 600, 90],
      [8, 600, 90],
    ],
  ],
  ["'2026-01-05T10:07;-30s'", [[5, 607, 0.5]]],
  ["'2026-01-05;2h;1d;2'", [[5, 0, 1440 + 1440 + 120]]],
] as const;

it.each(CASES)('ts IN %s is what its ranges are, and reads the segments of those days only', async (text, ranges) => {
  const bounds = ranges.map(([day, first, minutes]) => {
    const start = Date.UTC(2026, 0, day) + first * 60_000;
    return `(ts >= '${new Date(start).toISOString()}' AND ts < '${new Date(start + minutes * 60_000).toISOString()}')`;
  });
  const wanted = await rows(`SELECT count(*), sum(x), min(ts), max(ts) FROM t WHERE ${bounds.join(' OR ')}`);
  expect(await rows(`SELECT count(*), sum(x), min(ts), max(ts) FROM t WHERE ts IN ${text}`)).toEqual(wanted);
  const plan = (await rows(`EXPLAIN ANALYZE SELECT sum(x) FROM t WHERE ts IN ${text}`)).join('\n');
  const [, read = '0', all = '0'] = /segments (\d+) of (\d+)/.exec(plan) ?? [];
  expect(Number(all)).toBeGreaterThanOrEqual(10);
  // A day is two segments, and one more for what came after.
  const days = ranges.reduce((sum, [, first, minutes]) => sum + Math.ceil((first + minutes) / 1440), 0);
  expect(Number(read)).toBeLessThanOrEqual(3 * days);
});

it('a nanosecond is not lost', async () => {
  expect(await rows("SELECT x FROM t WHERE ts IN '2026-01-05T00:00:00.000000001'")).toEqual(['-1']);
  expect(await rows("SELECT x FROM t WHERE ts IN '2026-01-05T00:00:00.000000000' ORDER BY x")).toEqual(['0']);
  expect(await rows("SELECT count(*) FROM t WHERE ts IN '2026-01-05T00:00:00;-1s'")).toEqual(['0']);
});
