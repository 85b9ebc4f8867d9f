import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sessionOf } from './doc-blocks.js';
import { pythonPath, type ServerProcess, startServerProcess } from './server.js';

let server: ServerProcess;

beforeAll(async () => {
  server = await startServerProcess(['--path', ':memory:', '--memory-limit', '300MB', '--threads', '1']);
});

afterAll(() => server.stop());

test('the Python of docs/flight.md prints what docs/flight.md shows', () => {
  const { program, output } = sessionOf('flight', 'python');
  const { status, stdout, stderr } = spawnSync(pythonPath(), ['-c', program.replaceAll('grpc://127.0.0.1:8815', server.flightUrl)], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toBe(output);
});
