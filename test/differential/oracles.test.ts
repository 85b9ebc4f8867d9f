import { expect, test } from 'vitest';
import { checkWorld, type OracleReport } from './oracles.js';

/** FLETCH_SEED=n runs the seed n only; FLETCH_ORACLES=n runs n partitions. */
const SEED = Number(process.env.FLETCH_SEED ?? (process.env.CI ? 2 : Date.now() % 1_000_000));
const PARTITIONS = Number(process.env.FLETCH_ORACLES ?? 120);
const WORLD_PARTITIONS = 40;

test(`the parts of a condition are together the whole (seed ${SEED})`, async () => {
  const report: OracleReport = { checked: 0, skipped: 0, failures: [] };
  for (let i = 0; i * WORLD_PARTITIONS < PARTITIONS; i++) await checkWorld(SEED + i, WORLD_PARTITIONS, report);
  if (process.env.FLETCH_ORACLES !== undefined) console.log(`checked ${report.checked}, skipped ${report.skipped}`);
  expect(report.failures.join('\n\n')).toBe('');
  expect(report.checked).toBeGreaterThan(report.skipped);
}, 3_600_000);
