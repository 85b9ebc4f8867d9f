import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { settingsWith } from '../../src/core/settings.js';
import { FLOAT64, INT64, SYMBOL, TIMESTAMP_NS, UTF8 } from '../../src/core/types.js';
import { type HttpServer, startHttp } from '../../src/http/server.js';
import { FakeEngine } from './fake-engine.js';

const fake = new FakeEngine();
let server: HttpServer;
let url: string;

beforeAll(async () => {
  server = await startHttp(fake.engine, { host: '127.0.0.1', port: 0, settings: settingsWith() });
  url = `http://127.0.0.1:${server.port}`;
  const count = 100_000;
  const each = <T>(make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
  fake.answers.set('SELECT many', [
    { name: 'ts', type: TIMESTAMP_NS, values: each((i) => BigInt(i)) },
    { name: 'n', type: INT64, values: each((i) => (i % 3 === 0 ? null : BigInt(i) ** 3n)) },
    { name: 'x', type: FLOAT64, values: each((i) => i / 8) },
    { name: 's', type: UTF8, values: each((i) => `text ${i}`) },
    { name: 'sym', type: SYMBOL, values: each((i) => ['A', 'B', null][i % 3] as string | null), encoding: 'dictionary' },
  ]);
});
afterAll(() => server.close(100));

const stream = async () => {
  const response = await fetch(url, { method: 'POST', body: 'SELECT many', headers: { accept: 'application/vnd.apache.arrow.stream' } });
  expect(response.headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
  return new Uint8Array(await response.arrayBuffer());
};

test('a result as an Arrow stream has every value', async () => {
  const table = tableFromIPC(await stream());
  expect(table.numRows).toBe(100_000);
  for (const i of [0, 1, 2, 77_777, 99_999]) {
    const row = table.get(i)?.toJSON();
    expect(row).toMatchObject({ n: i % 3 === 0 ? null : BigInt(i) ** 3n, x: i / 8, s: `text ${i}`, sym: ['A', 'B', null][i % 3] });
  }
});

test('an Arrow stream and an Arrow file are ingested; a truncated one writes nothing', async () => {
  const bytes = await stream();
  const post = async (table: string, body: Uint8Array) =>
    (await fetch(`${url}/tables/${table}/rows?format=arrow&create=true`, { method: 'POST', body: body as never })).json();
  expect(await post('a', bytes)).toMatchObject({ rows: 100_000 });
  expect(fake.tables.get('a')?.rows[99_998]).toEqual([99_998n, 99_998n ** 3n, 12499.75, 'text 99998', null]);
  expect(await post('b', Buffer.concat([Buffer.from('ARROW1\0\0'), bytes, Buffer.from('ARROW1')]))).toMatchObject({ rows: 100_000 });
  expect(await post('c', bytes.subarray(0, bytes.length / 2))).toMatchObject({ code: 'invalid_data' });
  expect(fake.tables.has('c')).toBe(false);
});
