/** PARTITION BY units against the calendar that Date knows. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { partitionName, partitionOf } from '../../src/core/partitions.js';
import type { DataType } from '../../src/core/types.js';

const MS: DataType = { kind: 'timestamp', unit: 'ms', timezone: null };
const NS: DataType = { kind: 'timestamp', unit: 'ns', timezone: null };
const UNITS = ['hour', 'day', 'week', 'month', 'year'] as const;

/** The start by Date's calendar. */
function startOf(unit: (typeof UNITS)[number], ms: number): number {
  const date = new Date(ms);
  date.setUTCMinutes(0, 0, 0);
  if (unit !== 'hour') date.setUTCHours(0);
  if (unit === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  if (unit === 'month' || unit === 'year') date.setUTCDate(1);
  if (unit === 'year') date.setUTCMonth(0);
  return date.getTime();
}

it('partitions begin and end where the calendar says, before 1970 and around leap days too', () => {
  const special = fc.constantFrom(
    ...['1969-12-31T23:59:59.999Z', '1970-01-01T00:00:00Z', '2000-02-29T12:00:00Z', '1900-03-01T00:00:00Z', '2024-12-30T00:00:00Z'].map(
      Date.parse,
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(special, fc.integer({ min: Date.parse('0001-01-01'), max: Date.parse('9999-12-31') })),
      fc.constantFrom(...UNITS),
      (ms, unit) => {
        const partition = partitionOf(unit, MS, BigInt(ms));
        expect(Number(partition?.start)).toBe(startOf(unit, ms));
        expect(Number(partition?.end)).toBeGreaterThan(ms);
        expect(startOf(unit, Number(partition?.end))).toBe(Number(partition?.end));
        expect(startOf(unit, Number(partition?.end) - 1)).toBe(Number(partition?.start));
        expect(partitionOf(unit, NS, BigInt(ms) * 1_000_000n + 999_999n)?.start).toBe(BigInt(startOf(unit, ms)) * 1_000_000n);
        const name = partitionName(unit, MS, BigInt(ms)) ?? '';
        const wanted = new Date(startOf(unit, ms)).toISOString();
        expect(wanted.startsWith(name)).toBe(true);
        expect(name.length).toBe({ hour: 13, day: 10, week: 10, month: 7, year: 4 }[unit]);
      },
    ),
    { numRuns: 1000 },
  );
});

it('without PARTITION BY there is no partition', () => {
  expect(partitionOf('none', MS, 0n)).toBeNull();
  expect(partitionName('none', MS, 0n)).toBeNull();
});
