import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open } from '../../src/index.js';
import { ROOT, runPython, type ServerProcess, startServerProcess } from './server.js';

const PARQUET = join(ROOT, 'node_modules/vega-datasets/data/flights-3m.parquet');
const folder = mkdtempSync(join(tmpdir(), 'fletch-flights-'));
let server: ServerProcess;

beforeAll(async () => {
  server = await startServerProcess(['--path', folder]);
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('three million real flights go in by DoPut, come back equal, and answer as DuckDB does by Flight and HTTP', async () => {
  const result = JSON.parse(await runPython('flights.py', ['load', server.flightUrl, server.httpUrl, PARQUET]));
  expect(result).toMatchObject({ rows: 3_000_000, queries: 16, get_rows: 3_000_000 });
}, 300_000);

test('after kill -9 the same questions have the same answers', async () => {
  server.process.kill('SIGKILL');
  server = await startServerProcess(['--path', folder]);
  const result = JSON.parse(await runPython('flights.py', ['check', server.flightUrl, server.httpUrl, PARQUET]));
  expect(result).toMatchObject({ queries: 16, get_rows: 3_000_000 });
}, 300_000);

test('the embedded library opens the same folder once the server has stopped', async () => {
  expect(await server.stop()).toBe(0);
  const db = await open({ path: folder });
  const rows = await (await db.query('SELECT count(*) AS n, sum(distance) AS m FROM flights WHERE origin = $1', ['SFO'])).toRows();
  expect(rows).toEqual([{ n: 60_869n, m: 76_435_835n }]);
  await db.close();
}, 120_000);
