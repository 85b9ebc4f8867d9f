import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Peer } from './peer.js';
import { compareWorld, emptyReport, type Report } from './runner.js';

/**
 * FLETCH_SEED=n runs the seed n only; FLETCH_DIFFERENTIAL=n runs n queries a seed, FLETCH_DIFFERENTIAL_WORLD=n of them over each random
 * schema; FLETCH_DIFFERENTIAL_LOG=file keeps what failed;
 * FLETCH_DIFFERENTIAL_AT_ONCE=1 runs a query in one configuration instead of all, FLETCH_DIFFERENTIAL_ROWS=n makes tables of at most n rows;
 * FLETCH_PEER_ERRORS=1 prints what DuckDB refuses; FLETCH_VALUE_ERRORS=1 reports overflows and casts that only fail here.
 */
// A seed of today finds new differences at a developer's desk; CI answers for the change, so its seeds stand.
const SEED = Number(process.env.FLETCH_SEED ?? (process.env.CI ? 2 : Date.now() % 1_000_000));
const QUERIES = Number(process.env.FLETCH_DIFFERENTIAL ?? 160);
const WORLD_QUERIES = Number(process.env.FLETCH_DIFFERENTIAL_WORLD ?? 40);
let peer: Peer;

beforeAll(() => {
  peer = new Peer();
});

afterAll(() => peer.close());

async function compare(seed: number): Promise<Report> {
  const report = emptyReport();
  for (let i = 0; report.compared + report.refusedByBoth + report.refusedByPeer < QUERIES; i++)
    await compareWorld(seed + i, WORLD_QUERIES, peer, report);
  if (process.env.FLETCH_DIFFERENTIAL !== undefined) console.log(JSON.stringify({ ...report, failures: report.failures.length }));
  if (process.env.FLETCH_DIFFERENTIAL_LOG !== undefined)
    writeFileSync(process.env.FLETCH_DIFFERENTIAL_LOG, report.failures.map((each) => each.text).join('\n\n'));
  return report;
}

for (const seed of process.env.FLETCH_SEED === undefined ? [1, SEED] : [SEED]) {
  test(`random queries answer as DuckDB does, for every thread count and vector size (seed ${seed})`, async () => {
    const report = await compare(seed);
    expect(report.failures.map((each) => each.text).join('\n\n')).toBe('');
  }, 3_600_000);
}
