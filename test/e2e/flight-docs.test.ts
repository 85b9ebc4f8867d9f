import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sessionOf } from './doc-blocks.js';
import { pythonPath, type ServerProcess, startServerProcess } from './server.js';

let server: ServerProcess;

beforeEach(async () => {
  server = await startServerProcess(['--path', ':memory:', '--memory-limit', '300MB', '--threads', '1']);
});

afterEach(() => server.stop());

test.each(['flight', 'flight-sql'])('the Python of docs/%s.md prints what the page shows', (page) => {
  const { program, output } = sessionOf(page, 'python');
  const { status, stdout, stderr } = spawnSync(pythonPath(), ['-c', program.replaceAll('grpc://127.0.0.1:8815', server.flightUrl)], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toBe(output);
});
