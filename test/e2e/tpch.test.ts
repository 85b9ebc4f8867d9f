import { afterAll, beforeAll, expect, test } from 'vitest';
import { runPython, type ServerProcess, startServerProcess } from './server.js';

let server: ServerProcess;

beforeAll(async () => {
  server = await startServerProcess(['--path', ':memory:']);
});

afterAll(() => server.stop());

test('all 22 queries of TPC-H answer as DuckDB does', async () => {
  const result = JSON.parse(await runPython('tpch_answers.py', [server.flightUrl])) as { queries: number; rows: number };
  expect(result.queries).toBe(22);
  expect(result.rows).toBeGreaterThan(500);
}, 120_000);
