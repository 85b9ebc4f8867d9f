import { afterEach, beforeEach, expect, test } from 'vitest';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { startFlight } from '../../src/flight/server.js';
import type { FlightServer } from '../../src/flight/server-interface.js';
import { python } from './python.js';

let engine: OpenEngine;
let server: FlightServer;

beforeEach(async () => {
  const settings = settingsWith({ path: ':memory:', threads: 1 });
  engine = await openDatabase(settings);
  server = await startFlight(engine, { host: '127.0.0.1', port: 0, settings });
});

afterEach(async () => {
  await server.close();
  await engine.close();
});

const adbc = (scenario: string) => python('flight/adbc.py', scenario, `grpc://127.0.0.1:${server.port}`);

test.each([
  ['types', 'every type goes in by an ingest and comes back, with the schema that was announced'],
  ['parameter_types', 'parameters of every type, by place, number and name; one run for each bound row'],
  ['prepared_schemas', 'a prepared statement tells the types of its parameters'],
  ['ingest', 'an ingest creates, appends, replaces, all or nothing'],
  ['transactions', 'transactions are isolated, commit, roll back, and hold all rows of executemany or none'],
  ['statements', 'DDL and DML that come as queries are done at once; RETURNING gives rows'],
  ['metadata', 'catalogs, schemas, tables, columns, keys, by patterns'],
  ['frames', 'polars and pandas read and write'],
  ['cancel', 'a cancelled query stops'],
  ['large', 'large results come in messages that fit'],
])(
  'ADBC, %s: %s',
  async (scenario) => {
    await adbc(scenario);
    expect(engine.query.running()).toEqual([]);
  },
  60_000,
);

test('malformed messages, forged handles and tickets of changed tables are refused, and nothing stays behind', async () => {
  await python('flight/sql_raw.py', `grpc://127.0.0.1:${server.port}`);
  expect(engine.query.running()).toEqual([]);
}, 60_000);
