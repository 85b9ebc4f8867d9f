import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { settingsWith } from '../../src/core/settings.js';
import { open } from '../../src/index.js';
import { startServer } from '../../src/server.js';

const folder = mkdtempSync(join(tmpdir(), 'fletch-listen-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const small = { memory_limit: '200MB', threads: 1 } as const;
const answers = (port: number | null) =>
  fetch(`http://127.0.0.1:${port}/ping`).then(
    (response) => response.ok,
    () => false,
  );

/** A port that is taken while `run` runs. */
async function withTakenPort(run: (port: number) => Promise<void>): Promise<void> {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  try {
    await run((taken.address() as { port: number }).port);
  } finally {
    await new Promise((resolve) => taken.close(resolve));
  }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  let free = 0;
  await withTakenPort(async (port) => {
    free = port;
  });
  return free;
}

test('listen on port 0 gives free ports; closing it, the database, or both twice is harmless', async () => {
  const db = await open(small);
  const server = await db.listen({ http: 0, flight: 0 });
  expect(server.flightPort).toBeGreaterThan(0);
  expect(await answers(server.httpPort)).toBe(true);
  await Promise.all([server.close(), server.close()]);
  expect(await answers(server.httpPort)).toBe(false);
  const second = await db.listen({ http: 0 });
  expect(second.flightPort).toBeNull();
  await Promise.all([db.close(), db.close()]);
  await db.close();
  await second.close();
  expect(await answers(second.httpPort)).toBe(false);
  await expect(db.query('SELECT 1')).rejects.toMatchObject({ code: 'closed' });
  await expect(db.insert('t', { a: [1] })).rejects.toMatchObject({ code: 'closed' });
  await expect(db.listen({ http: 0 })).rejects.toMatchObject({ code: 'closed' });
});

test('listen on a taken Flight port names it and its setting, and leaves no HTTP server', async () => {
  const db = await open(small);
  const http = await freePort();
  await withTakenPort(async (port) => {
    await expect(db.listen({ http, flight: port })).rejects.toMatchObject({
      code: 'io_error',
      message: expect.stringContaining(`127.0.0.1:${port}`),
      hint: expect.stringContaining('flight_port'),
    });
    expect(await answers(http)).toBe(false);
    await expect(db.listen({ http: port })).rejects.toMatchObject({ code: 'io_error', hint: expect.stringContaining('http_port') });
  });
  const server = await db.listen({ http, flight: 0 });
  expect(await answers(http)).toBe(true);
  await server.close();
  await db.close();
});

test('listen on an address that others reach needs insecure', async () => {
  const db = await open(small);
  await expect(db.listen({ flight: 0, host: '0.0.0.0' })).rejects.toMatchObject({ code: 'invalid_argument' });
  await db.close();
});

test.each(['http_port', 'flight_port'] as const)('a server whose %s is taken says so and closes what it had opened', async (setting) => {
  const other = setting === 'http_port' ? 'flight_port' : 'http_port';
  const free = await freePort();
  await withTakenPort(async (port) => {
    const settings = settingsWith({ ...small, path: folder, [setting]: port, [other]: free });
    await expect(startServer(settings)).rejects.toMatchObject({
      code: 'io_error',
      message: expect.stringContaining(`127.0.0.1:${port}`),
      hint: expect.stringContaining(setting),
    });
  });
  // The folder is not locked any more and the other port is free.
  const server = await startServer(settingsWith({ ...small, path: folder, http_port: free, flight: false }));
  expect(await answers(free)).toBe(true);
  await server.close(100);
});

test('open refuses options that it does not have, and a folder that is open already', async () => {
  await expect(open({ pth: folder } as never)).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('pth') });
  const path = join(folder, 'locked');
  const db = await open({ ...small, path });
  await expect(open({ ...small, path })).rejects.toMatchObject({ code: 'locked' });
  await db.close();
});
