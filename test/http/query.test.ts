import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DbError } from '../../src/core/errors.js';
import { settingsWith } from '../../src/core/settings.js';
import type { StopSignal } from '../../src/core/stop-signal.js';
import { FLOAT64, INT32, INT64, TIMESTAMP_NS, UTF8 } from '../../src/core/types.js';
import { type HttpServer, startHttp } from '../../src/http/server.js';
import { FakeEngine, vectorOf } from './fake-engine.js';

const fake = new FakeEngine();
let server: HttpServer;
let url: string;
let ready = true;

beforeAll(async () => {
  const settings = settingsWith({ max_statement_bytes: '100kB' });
  server = await startHttp(fake.engine, { host: '127.0.0.1', port: 0, settings, ready: () => ready });
  url = `http://127.0.0.1:${server.port}`;
  fake.answers.set('SELECT 1', [{ name: '1', type: INT32, values: [1] }]);
  fake.answers.set('SELECT ticks', [
    { name: 'ts', type: TIMESTAMP_NS, values: [1767225600000000001n, null] },
    { name: 'price', type: FLOAT64, values: [1.5, Number.NaN] },
    { name: 'size', type: INT64, values: [9007199254740993n, -9223372036854775808n] },
    { name: 'sym', type: UTF8, values: ['A"\n,\u00e9', ''] },
  ]);
  fake.answers.set('CREATE TABLE t (a INT)', () => ({ kind: 'ddl' }));
  fake.answers.set('INSERT INTO t VALUES (1)', () => ({ kind: 'insert', affectedRows: 1 }));
});

afterAll(async () => {
  await server.close(100);
  expect(fake.liveBatches).toBe(0);
});

const post = (body: string, headers: Record<string, string> = {}, search = '') =>
  fetch(`${url}/${search}`, { method: 'POST', body, headers });

describe('answers', () => {
  test('a statement as text comes back as the documented JSON', async () => {
    const response = await post('SELECT ticks', { 'content-type': 'text/plain', 'x-request-id': 'my-1' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('x-request-id')).toBe('my-1');
    expect(await response.text()).toBe(
      '{"columns":["ts","price","size","sym"],"types":["timestamp[ns]","float64","int64","utf8"],"data":[' +
        '["2026-01-01T00:00:00.000000001Z",1.5,9007199254740993,"A\\"\\n,é"],[null,null,-9223372036854775808,""]],' +
        '"rows":2,"rows_scanned":10,"execution_time_us":412,"query_id":"my-1"}',
    );
  });

  test.each([
    ['ndjson', '{"ts":"2026-01-01T00:00:00.000000001Z","price":1.5,"size":9007199254740993,"sym":"A\\"\\n,é"}\n'],
    ['csv', 'ts,price,size,sym\n2026-01-01T00:00:00.000000001Z,1.5,9007199254740993,"A""\n,é"\n,NaN,-9223372036854775808,""\n'],
    ['TabSeparated', '2026-01-01T00:00:00.000000001Z\t1.5\t9007199254740993\tA"\\n,é\n\\N\tNaN\t-9223372036854775808\t\n'],
    ['markdown', '| 2026-01-01T00:00:00.000000001Z |   1.5 |     9007199254740993 | A"\\n,é |\n'],
  ])('format %s is written', async (format, expected) => {
    const response = await post('SELECT ticks', {}, `?format=${format}`);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain(expected);
  });

  test('Accept chooses the format, ?format= goes before it and ?default_format= behind it', async () => {
    const type = async (accept: string, search: string) => {
      const response = await post('SELECT 1', { accept }, search);
      await response.text();
      return response.headers.get('content-type')?.split(';')[0];
    };
    expect(await type('text/csv', '')).toBe('text/csv');
    expect(await type('text/html, text/csv;q=0.5, application/x-ndjson;q=0.9', '')).toBe('application/x-ndjson');
    expect(await type('text/csv', '?format=json')).toBe('application/json');
    expect(await type('text/csv', '?default_format=json')).toBe('text/csv');
    expect(await type('*/*', '?default_format=CSVWithNames')).toBe('text/csv');
  });

  test('int64=string, nonfinite=string and timestamps=epoch change exactly their values', async () => {
    const response = await post('SELECT ticks', {}, '?int64=string&nonfinite=string&timestamps=epoch');
    const { data } = (await response.json()) as { data: unknown[] };
    expect(data).toEqual([
      ['1767225600000000001', 1.5, '9007199254740993', 'A"\n,é'],
      [null, 'NaN', '-9223372036854775808', ''],
    ]);
  });

  test('statements without a result answer with no columns, DML with affected_rows', async () => {
    expect(await (await post('CREATE TABLE t (a INT)')).json()).toMatchObject({ columns: [], data: [], rows: 0 });
    expect(await (await post('INSERT INTO t VALUES (1)')).json()).toMatchObject({ data: [], affected_rows: 1 });
  });

  test('large results are compressed as the client accepts', async () => {
    const values = Array.from({ length: 50_000 }, (_, i) => i);
    fake.answers.set('SELECT many', [{ name: 'i', type: INT32, values }]);
    const body = await new Promise<Buffer>((resolve) => {
      httpRequest(`${url}/?query=SELECT+many&format=csv`, { headers: { 'accept-encoding': 'gzip' } }, (response) => {
        expect(response.headers['content-encoding']).toBe('gzip');
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part)).on('end', () => resolve(Buffer.concat(parts)));
      }).end();
    });
    expect(gunzipSync(body).toString()).toBe(`i\n${values.join('\n')}\n`);
  });

  test('a result of many batches and a value larger than every buffer arrive whole', async () => {
    const long = 'x"'.repeat(400_000);
    fake.answers.set('SELECT long', () => {
      async function* batches() {
        for (let i = 0; i < 20; i++) yield fake.owned([vectorOf(fake.arena, UTF8, [`a${i}`, long])], 2);
      }
      return { schema: { fields: [{ name: 's', type: UTF8, nullable: true }] }, batches: batches() };
    });
    const response = await post('SELECT long');
    const { data } = (await response.json()) as { data: string[][] };
    expect(data).toHaveLength(40);
    expect(data.every(([text], i) => text === (i % 2 === 0 ? `a${i / 2}` : long))).toBe(true);
  });
});

describe('requests', () => {
  test('JSON bodies carry query, params, settings and format; integers beyond 2^53 stay exact', async () => {
    const body =
      '{"query":"SELECT 1","params":[1,"a",null,9007199254740993,1.5,[1,2]],"settings":{"timeout_ms":5,"int64":"string"},"format":"csv"}';
    const response = await post(body, { 'content-type': 'application/json' });
    expect(await response.text()).toBe('1\n1\n');
    expect(fake.requests.at(-1)).toMatchObject({
      sql: 'SELECT 1',
      parameters: [1, 'a', null, 9007199254740993n, 1.5, [1, 2]],
      settings: { timeout_ms: 5 },
    });
  });

  test('param_x and settings come from the query string', async () => {
    await (await post('SELECT 1', {}, '?param_sym=A&param_n=5&max_rows=7')).text();
    expect(fake.requests.at(-1)).toMatchObject({ parameters: { sym: 'A', n: '5' }, settings: { max_rows: 7 } });
    await (await post('SELECT 1', {}, '?param_2=b&param_1=a')).text();
    expect(fake.requests.at(-1)).toMatchObject({ parameters: ['a', 'b'] });
  });

  test('an unknown option is refused with the nearest name', async () => {
    const response = await post('SELECT 1', {}, '?formt=csv');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_argument', hint: 'did you mean format?' });
  });

  test('gzip bodies are read', async () => {
    const { gzipSync } = await import('node:zlib');
    const response = await fetch(url, { method: 'POST', body: gzipSync('SELECT 1'), headers: { 'content-encoding': 'gzip' } });
    expect(await response.json()).toMatchObject({ data: [[1]] });
  });
});

describe('failures', () => {
  test('errors tell code, position, line, column, hint and query id', async () => {
    const response = await post('SELECT\n FROM', { 'x-request-id': 'q-7' });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: 'not understood: SELECT\n FROM',
      code: 'syntax_error',
      position: 7,
      line: 2,
      column: 1,
      hint: 'no',
      query_id: 'q-7',
    });
  });

  test('GET does not write: 405 with Allow', async () => {
    const response = await fetch(`${url}/?query=${encodeURIComponent('INSERT INTO t VALUES (1)')}`);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await response.json()).toMatchObject({ code: 'method_not_allowed' });
  });

  test('a body over max_statement_bytes is answered with 413 and the connection lives', async () => {
    const response = await post('x'.repeat(5_000_000));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'statement_too_large' });
    expect((await post('SELECT 1')).status).toBe(200);
  });

  test('a client that closes after its request, and reads only when it has sent all, still gets the error', async () => {
    const socket = connect(server.port, '127.0.0.1');
    const answer = new Promise<string>((resolve, reject) => {
      let text = '';
      socket.on('data', (part) => (text += String(part))).on('close', () => resolve(text));
      socket.on('error', reject);
    });
    socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 30000000\r\n\r\n');
    for (let i = 0; i < 30; i++) await new Promise((resolve) => socket.write(Buffer.alloc(1_000_000, 0x31), resolve));
    expect(await answer).toContain('statement_too_large');
  });

  test('an error before the first byte has left is a plain error, after it the connection breaks', async () => {
    const failing = (rows: number) => () => {
      async function* batches() {
        yield fake.owned(
          [
            vectorOf(
              fake.arena,
              UTF8,
              Array.from({ length: rows }, () => 'y'.repeat(1000)),
            ),
          ],
          rows,
        );
        throw new DbError('numeric_overflow', 'too much');
      }
      return { schema: { fields: [{ name: 's', type: UTF8, nullable: true }] }, batches: batches() };
    };
    fake.answers.set('SELECT early', failing(1));
    fake.answers.set('SELECT late', failing(2000));
    const early = await post('SELECT early');
    expect(early.status).toBe(400);
    expect(await early.json()).toMatchObject({ code: 'numeric_overflow' });
    const late = await post('SELECT late');
    await expect(late.text()).rejects.toThrow();
  });

  test('overload is 503 with Retry-After', async () => {
    fake.answers.set('SELECT busy', () => {
      throw new DbError('overloaded', 'busy');
    });
    const response = await post('SELECT busy');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    await response.text();
  });

  test('a client that goes away cancels its query', async () => {
    let signal: StopSignal | undefined;
    const seen = new Promise<void>((resolve) => {
      fake.answers.set('SELECT slow', (request) => {
        signal = request.signal;
        resolve();
        return new Promise((_, reject) => request.signal?.addEventListener('abort', () => reject(new DbError('cancelled', 'gone'))));
      });
    });
    const client = new AbortController();
    const response = fetch(url, { method: 'POST', body: 'SELECT slow', signal: client.signal }).catch(() => 'aborted');
    await seen;
    client.abort();
    expect(await response).toBe('aborted');
    for (let i = 0; i < 100 && !signal?.aborted; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(signal?.aborted).toBe(true);
  });

  test('a reader that stops reading stops the query, in bounded memory', async () => {
    let pulled = 0;
    const column = vectorOf(
      fake.arena,
      UTF8,
      Array.from({ length: 1000 }, () => 'z'.repeat(200)),
    );
    fake.answers.set('SELECT endless', () => {
      async function* batches() {
        for (; pulled < 10_000; pulled++) yield fake.owned([column], 1000);
      }
      return { schema: { fields: [{ name: 's', type: UTF8, nullable: true }] }, batches: batches() };
    });
    const before = fake.arena.usedBytes;
    const client = httpRequest(`${url}/?query=SELECT+endless`, (response) => response.pause()).end();
    client.on('error', () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const settled = pulled;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(pulled).toBe(settled);
    expect(pulled).toBeLessThan(200);
    expect(fake.arena.usedBytes - before).toBeLessThan(4_000_000);
    client.destroy();
  });
});

describe('other routes', () => {
  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`);
    return { status: response.status, text: await response.text(), headers: response.headers };
  };

  test('the root without a query says who is there, and shows a page to browsers', async () => {
    expect(JSON.parse((await get('/')).text)).toEqual({ status: 'ok', engine: 'FletchDB', version: '0.0.0-test' });
    const page = await fetch(url, { headers: { accept: 'text/html' } });
    expect(await page.text()).toContain('<h1>FletchDB</h1>');
  });

  test('probes answer', async () => {
    expect((await get('/ping')).text).toBe('Ok.\n');
    expect((await get('/health')).status).toBe(200);
    expect((await get('/ready')).status).toBe(200);
    ready = false;
    expect((await get('/ready')).status).toBe(503);
    ready = true;
    expect(JSON.parse((await get('/whoami')).text)).toEqual({ name: 'anonymous', kind: 'anonymous' });
  });

  test('metrics count queries by kind and code', async () => {
    const { text } = await get('/metrics');
    expect(text).toMatch(/fletchdb_queries_total\{kind="query",code="ok"\} \d+/);
    expect(text).toMatch(/fletchdb_queries_total\{kind="unknown",code="syntax_error"\} 1/);
    expect(text).toMatch(/fletchdb_arena_bytes \d+/);
  });

  test('tables and their columns are listed', async () => {
    fake.addTable('Trades', [{ name: 'ts', type: TIMESTAMP_NS, nullable: false }], 0);
    expect(JSON.parse((await get('/tables')).text)).toEqual({ tables: [{ name: 'Trades', rows: 0, bytes: 64, segments: 0 }] });
    expect(JSON.parse((await get('/tables/trades')).text)).toMatchObject({
      name: 'Trades',
      timestamp: 'ts',
      time_range: null,
      columns: [{ name: 'ts', type: 'timestamp[ns]', nullable: false }],
    });
    const missing = await get('/tables/trade');
    expect(missing.status).toBe(404);
    expect(JSON.parse(missing.text)).toMatchObject({ code: 'table_not_found', hint: 'did you mean Trades?' });
  });

  test('running queries are listed and cancelled', async () => {
    const principal = { name: 'anonymous', kind: 'anonymous' } as const;
    const counters = { rowsScanned: 5, rowsReturned: 0, elapsedMicroseconds: 9.6 };
    fake.runningQueries = [{ queryId: 'q1', sql: 'SELECT 1', principal, startedAt: 0n, state: 'running', ...counters }];
    expect(JSON.parse((await get('/queries')).text).queries).toMatchObject([{ query_id: 'q1', state: 'running', elapsed_us: 10 }]);
    const cancel = (id: string) => fetch(`${url}/queries/${id}`, { method: 'DELETE' });
    expect(await (await cancel('q1')).json()).toEqual({ query_id: 'q1', cancelled: true });
    expect((await cancel('q2')).status).toBe(404);
  });

  test('unknown routes are 404, known ones with another method 405 with Allow', async () => {
    expect((await get('/nothing')).status).toBe(404);
    const response = await fetch(`${url}/tables`, { method: 'DELETE' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET');
  });

  test('openapi.json has every route', async () => {
    const document = JSON.parse((await get('/openapi.json')).text);
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toContain('/tables/{name}/rows');
    expect(Object.keys(document.paths['/'])).toEqual(['post', 'get']);
  });
});

describe('who may ask', () => {
  test('an address that others can reach needs --insecure', async () => {
    const start = startHttp(fake.engine, { host: '0.0.0.0', port: 0, settings: settingsWith() });
    await expect(start).rejects.toMatchObject({ code: 'invalid_argument', hint: expect.stringContaining('--insecure') });
  });

  test('pages of other sites and foreign host names are refused on a loopback address', async () => {
    const status = (headers: Record<string, string>) =>
      new Promise((resolve) => {
        httpRequest(`${url}/?query=SELECT+1`, { headers }, (response) => resolve(response.resume().statusCode)).end();
      });
    expect(await status({ origin: 'https://evil.example' })).toBe(403);
    expect(await status({ host: 'evil.example' })).toBe(403);
    expect(await status({ origin: url })).toBe(200);
    expect(await status({ host: `localhost:${server.port}` })).toBe(200);
  });
});
