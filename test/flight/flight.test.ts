import { afterEach, beforeEach, expect, test } from 'vitest';
import { settingsWith } from '../../src/core/settings.js';
import { startFlight } from '../../src/flight/server.js';
import type { FlightServer } from '../../src/flight/server-interface.js';
import { startFlight as startStub } from '../../src/flight/stub.js';
import { FakeEngine } from './fake-engine.js';
import { python } from './python.js';

let fake: FakeEngine;
let server: FlightServer;
let idleBytes: number;

beforeEach(async () => {
  fake = new FakeEngine();
  idleBytes = fake.arena.usedBytes;
  server = await startFlight(fake.engine, { host: '127.0.0.1', port: 0, settings: settingsWith() });
});

afterEach(async () => {
  await server.close();
});

const client = (scenario: string) => python('flight/clients.py', scenario, `grpc://127.0.0.1:${server.port}`);

/** All that is still allocated is what the fake's tables keep. */
function expectNoLeak(): void {
  expect(fake.liveBatches).toBe(0);
  fake.kept.release();
  expect(fake.arena.usedBytes).toBe(idleBytes);
}

test('every Arrow type that we take comes back with its values and nulls, whole and sliced', async () => {
  await client('round_trip');
  expectNoLeak();
});

test('int64, float32, float64, utf8, symbol and timestamp keep their type', async () => {
  await client('types');
  expectNoLeak();
});

test('every batch of a DoPut is acknowledged in order, an atomic stream once, whether the client reads or not', async () => {
  await client('many_batches');
  expect(fake.commits.filter((commit) => commit.table === 'many')).toHaveLength(100);
  expect(fake.commits.filter((commit) => commit.table === 'whole')).toEqual([{ table: 'whole', rows: 100_000, batches: 100 }]);
  expectNoLeak();
});

test('a path, SQL text and JSON with parameters describe and fetch the same rows', async () => {
  await client('descriptors');
  expect(fake.requests.map((request) => request.parameters)).toContainEqual([1n, 'x', 9007199254740993n, 1.5, null]);
  expect(fake.requests.every((request) => request.readOnly)).toBe(true);
});

test('actions answer, create, drop, flush and cancel', async () => {
  await client('actions');
  expect(fake.requests.map((request) => request.sql)).toEqual([
    'CREATE TABLE "a""b" ("ts" TIMESTAMP_NS NOT NULL, "x" DECIMAL(10, 2)) TIMESTAMP("ts") PARTITION BY DAY',
    'DROP TABLE "named"',
  ]);
  expect(fake.flushed).toEqual(['t']);
});

test('an error arrives as its Python class with the code first, and leaves nothing behind', async () => {
  fake.addNumbers('numbers', 3, 20_000);
  await client('errors');
  expect(fake.liveBatches).toBe(0);
});

test('cancel, a dropped reader, a deadline and a slow reader stop or hold the query', async () => {
  fake.addNumbers('numbers', 4, 65_536);
  await client('cancel');
  await expect.poll(() => fake.abortedQueries, { timeout: 10_000 }).toBe(4);
  expectNoLeak();
});

test('a client that outlives its deadline or dies in an atomic stream leaves no row', async () => {
  await client('leave');
  await expect.poll(() => fake.abortedSessions, { timeout: 10_000 }).toBe(2);
  expect(fake.commits).toEqual([]);
  expectNoLeak();
});

test('clients at the same time do not see each other', async () => {
  await client('parallel');
  expectNoLeak();
});

test('a closing server lets calls under way end, for as long as it was told', async () => {
  fake.addNumbers('numbers', 40, 65_536);
  let closed: Promise<void> | undefined;
  fake.onClose = () => {
    closed ??= server.close(10_000);
  };
  expect(Number(await client('drained'))).toBe(39 * 65_536);
  await closed;
  expect(fake.liveBatches).toBe(0);
});

test('a closing server cuts calls that do not end', async () => {
  fake.addNumbers('numbers', 1, 65_536);
  let closed: Promise<void> | undefined;
  fake.onClose = () => {
    closed ??= server.close(300);
  };
  await client('cut');
  await closed;
  await expect.poll(() => fake.abortedQueries, { timeout: 10_000 }).toBe(1);
  expectNoLeak();
});

test('a port that is taken is an io_error that names it', async () => {
  const options = { host: '127.0.0.1', port: server.port ?? 0, settings: settingsWith() };
  await expect(startFlight(fake.engine, options)).rejects.toMatchObject({
    code: 'io_error',
    message: expect.stringContaining(String(server.port)),
  });
});

test.runIf(process.env.FLETCH_RATES)('rates', async () => {
  fake.addNumbers('numbers', 3_000_000 / 62_500, 62_500);
  console.log(await client('rates'));
});

test('the stub starts nothing and says how to turn Flight on', async () => {
  const stub = await startStub(fake.engine, { host: '127.0.0.1', port: 8815, settings: settingsWith(), reason: 'not-installed' });
  expect(stub.port).toBeNull();
  expect(stub.notice).toContain('npm install @grpc/grpc-js');
  await stub.close();
});
