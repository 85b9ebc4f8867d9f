import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { zonePeriods } from '../../src/query/expression/zones.js';
import { textRows } from '../sql/runner.js';
import { EDGES, wallBucket, wallSeconds, ZONES, zonedBucket } from './zones.js';

let engine: OpenEngine;
beforeAll(async () => {
  engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '256MB' }), { workerThreads: 0 });
});
afterAll(() => engine.close());

async function rows(sql: string): Promise<string[]> {
  return textRows(await engine.query.execute({ sql, principal: EMBEDDED }), engine.arena);
}

const isoOf = (second: number) => new Date(second * 1000).toISOString().replace('.000Z', '.000000000Z');

const WIDTHS = {
  '15 minutes': { seconds: 900 },
  '30 minutes': { seconds: 1800 },
  '1 hour': { seconds: 3600 },
  '4 hours': { seconds: 14_400 },
  '12 hours': { seconds: 43_200 },
  '1 day': { seconds: 86_400 },
  '1 week': { seconds: 604_800 },
  '1 month': { months: 1 },
} as const;

describe('periods of zones', () => {
  it.each(ZONES)('%s: offsets are those of Intl, to the second', (zone) => {
    for (const edge of EDGES) {
      const middle = Date.parse(edge) / 1000;
      const { starts, offsets } = zonePeriods(zone, middle - 90_000, middle + 90_000);
      for (let second = middle - 90_000; second <= middle + 90_000; second += 450) {
        const period = starts.findLastIndex((start) => start <= second);
        expect(second + (offsets[period] ?? 0), `${zone} ${isoOf(second)}`).toBe(wallSeconds(zone, second));
      }
    }
  });
  it('local mean time ends to the second', () => {
    const change = Date.UTC(1893, 2, 31, 23, 6, 32) / 1000;
    expect(zonePeriods('Europe/Berlin', change, change)).toMatchObject({
      starts: [Number.NEGATIVE_INFINITY, change],
      offsets: [3208, 3600],
    });
  });
  it('rules go on beyond the years that Intl is asked for', () => {
    const july = Date.UTC(9999, 6, 1) / 1000;
    const { starts, offsets } = zonePeriods('Europe/Berlin', july, july);
    expect(july + (offsets[starts.findLastIndex((start) => start <= july)] ?? 0)).toBe(wallSeconds('Europe/Berlin', july));
  });
});

describe('buckets in zones', () => {
  it.each(ZONES)('%s: every width, around changes of the clock, is what a walk back over the clock finds', async (zone) => {
    const seconds = EDGES.flatMap((edge) => {
      const middle = Date.parse(edge) / 1000;
      return [-90_000, -7200, -5400, -3601, -3600, -1800, -1, 0, 1, 1799, 1800, 2700, 3599, 3600, 5400, 7200, 20_000].map(
        (by) => middle + by,
      );
    });
    const values = seconds.map((second) => `(TIMESTAMP_NS '${isoOf(second)}')`).join(', ');
    for (const [name, width] of Object.entries(WIDTHS)) {
      const found = await rows(`SELECT time_bucket('${name}', ts, '${zone}') FROM (VALUES ${values}) t(ts)`);
      if ('months' in width || width.seconds > 86_400) {
        // A walk over weeks is long: the start lies in the bucket, and what is before it does not.
        found.forEach((text, i) => {
          const [start, second] = [Date.parse(text) / 1000, seconds[i] ?? 0];
          const labels = [start - 1, start, second].map((at) => wallBucket(width, wallSeconds(zone, at)));
          expect(start <= second && labels[0] !== labels[1] && labels[1] === labels[2], `${zone} ${name} ${isoOf(second)}: ${text}`).toBe(
            true,
          );
        });
        continue;
      }
      expect(found, `${zone} ${name}`).toEqual(seconds.map((second) => isoOf(zonedBucket(zone, width, second))));
    }
  });
  it('hours of the doubled hour stay apart, days do not', async () => {
    const sql = (unit: string) =>
      `SELECT date_trunc('${unit}', ts, 'Europe/Berlin') AS b, count(*) FROM generate_series(TIMESTAMP '2025-10-25 22:00:00', TIMESTAMP '2025-10-26 22:30:00', INTERVAL '30 minutes') t(ts) GROUP BY b ORDER BY b`;
    expect((await rows(sql('hour'))).length).toBe(25);
    expect(await rows(sql('day'))).toEqual(['2025-10-25T22:00:00.000000Z | 50']);
  });
});
