/** Flight SQL with clients in other languages, where this machine has them: FLETCH_JDBC_DRIVER is the driver's path (`npm test` fetches it), FLETCH_GO a go command. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, test } from 'vitest';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { startFlight } from '../../src/flight/server.js';
import type { FlightServer } from '../../src/flight/server-interface.js';

const run = promisify(execFile);
const { FLETCH_JDBC_DRIVER: driver, FLETCH_GO: go } = process.env;
let engine: OpenEngine;
let server: FlightServer;
let url: string;

beforeEach(async () => {
  const settings = settingsWith({ path: ':memory:', threads: 1 });
  engine = await openDatabase(settings);
  server = await startFlight(engine, { host: '127.0.0.1', port: 0, settings });
  url = `grpc://127.0.0.1:${server.port}`;
});

afterEach(async () => {
  await server.close();
  await engine.close();
});

test.skipIf(driver === undefined)(
  'JDBC: queries, updates, parameters, batches, metadata, logins',
  async () => {
    const program = join(import.meta.dirname, 'java/Jdbc.java');
    await run('java', ['--add-opens=java.base/java.nio=ALL-UNNAMED', '-cp', driver ?? '', program, url], { timeout: 100_000 });
  },
  110_000,
);

test.skipIf(go === undefined)(
  'Go: every command and action of Flight SQL',
  async () => {
    await run(go ?? 'go', ['run', '.', url], { cwd: join(import.meta.dirname, 'go'), timeout: 900_000 });
  },
  910_000,
);
