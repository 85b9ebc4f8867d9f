import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { DbError } from '../../src/core/errors.js';
import { settingsWith } from '../../src/core/settings.js';
import { INT64 } from '../../src/core/types.js';
import { startHttp } from '../../src/http/server.js';
import { FakeEngine, vectorOf } from './fake-engine.js';

const start = async () => {
  const fake = new FakeEngine();
  const server = await startHttp(fake.engine, { host: '127.0.0.1', port: 0, settings: settingsWith() });
  return { fake, server, url: `http://127.0.0.1:${server.port}` };
};
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('close lets a running request end and takes no new one', async () => {
  const { fake, server, url } = await start();
  const seen = new Promise<void>((resolve) => {
    fake.answers.set('SELECT slow', async () => {
      resolve();
      await later(200);
      async function* batches() {
        yield fake.owned([vectorOf(fake.arena, INT64, [1n])], 1);
      }
      return { schema: { fields: [{ name: 'a', type: INT64, nullable: true }] }, batches: batches() };
    });
  });
  const running = fetch(url, { method: 'POST', body: 'SELECT slow' });
  await seen;
  const closed = server.close(5000);
  await expect(fetch(`${url}/ping`)).rejects.toThrow();
  expect(await (await running).json()).toMatchObject({ data: [[1]] });
  await closed;
  expect(fake.arena.usedBytes).toBeLessThan(4096);
});

test('close cuts off what does not end in time, and cancels it', async () => {
  const { fake, server, url } = await start();
  let aborted = false;
  const seen = new Promise<void>((resolve) => {
    fake.answers.set('SELECT forever', (request) => {
      resolve();
      return new Promise((_, reject) => {
        request.signal?.addEventListener('abort', () => {
          aborted = true;
          reject(new DbError('cancelled', 'gone'));
        });
      });
    });
  });
  const running = fetch(url, { method: 'POST', body: 'SELECT forever' }).catch(() => 'cut');
  await seen;
  const started = performance.now();
  await server.close(100);
  expect(performance.now() - started).toBeLessThan(2000);
  expect(await running).toBe('cut');
  expect(aborted).toBe(true);
});

test('an idle connection does not hold the server', async () => {
  const { server } = await start();
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  const started = performance.now();
  await server.close(10_000);
  expect(performance.now() - started).toBeLessThan(2000);
  socket.destroy();
});

test('a request that is no HTTP is answered with 400 and the server lives', async () => {
  const { server, url } = await start();
  const socket = connect(server.port, '127.0.0.1');
  const answer = new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (part) => (text += String(part))).on('close', () => resolve(text));
  });
  socket.write('\u0000\u0001 nonsense\r\n\r\n');
  expect(await answer).toContain('400');
  expect((await fetch(`${url}/ping`)).status).toBe(200);
  await server.close(100);
});
