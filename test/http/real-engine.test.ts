import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { type HttpServer, startHttp } from '../../src/http/server.js';

let engine: OpenEngine;
let server: HttpServer;
let url: string;

beforeAll(async () => {
  const settings = settingsWith({ path: ':memory:', memory_limit: '400MB' });
  engine = await openDatabase(settings, { workerThreads: 0 });
  server = await startHttp(engine, { host: '127.0.0.1', port: 0, settings });
  url = `http://127.0.0.1:${server.port}`;
});
afterAll(async () => {
  await server.close(100);
  await engine.close();
});

const sql = async (text: string, search = '') => {
  const response = await fetch(`${url}/${search}`, { method: 'POST', body: text });
  return { status: response.status, text: await response.text() };
};
const rows = async (text: string) => JSON.parse((await sql(text)).text).data as unknown[];
const ingest = async (table: string, search: string, body: string | Uint8Array) => {
  const response = await fetch(`${url}/tables/${table}/rows?${search}`, { method: 'POST', body: body as never });
  return (await response.json()) as Record<string, unknown>;
};

describe('a whole way through the engine', () => {
  test('rows go in as CSV and come out in every format', async () => {
    const csv = 'ts,sym,price,size\n2026-01-01T00:00:00.000000001Z,AAPL,1.5,9007199254740993\n2026-01-01T00:00:01Z,,,-1\n';
    expect(await ingest('trades', 'format=csv&create=true', csv)).toMatchObject({ table: 'trades', rows: 2 });
    expect(JSON.parse((await sql('SELECT * FROM trades ORDER BY ts')).text)).toMatchObject({
      columns: ['ts', 'sym', 'price', 'size'],
      types: ['timestamp[ns]', 'utf8', 'float64', 'int64'],
      rows: 2,
    });
    const select = 'SELECT ts, sym, price, size FROM trades ORDER BY ts';
    expect((await sql(select, '?format=csv')).text).toBe(
      'ts,sym,price,size\n2026-01-01T00:00:00.000000001Z,AAPL,1.5,9007199254740993\n2026-01-01T00:00:01.000000000Z,,,-1\n',
    );
    expect((await sql(select, '?format=ndjson')).text).toBe(
      '{"ts":"2026-01-01T00:00:00.000000001Z","sym":"AAPL","price":1.5,"size":9007199254740993}\n' +
        '{"ts":"2026-01-01T00:00:01.000000000Z","sym":null,"price":null,"size":-1}\n',
    );
    const response = await fetch(`${url}/?format=arrow`, { method: 'POST', body: select });
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(tableFromIPC(bytes).get(0)?.toJSON()).toMatchObject({ sym: 'AAPL', price: 1.5, size: 9007199254740993n });
    expect(await ingest('copied', 'format=arrow&create=true', bytes)).toMatchObject({ rows: 2 });
    expect((await sql('SELECT ts, sym, price, size FROM copied ORDER BY ts', '?format=csv')).text).toContain('AAPL,1.5,9007199254740993');
  });

  test('what one format writes, ingest reads back', async () => {
    await sql('CREATE TABLE source (b BOOL, i8 INT8, u64 UINT64, f32 FLOAT32, f64 FLOAT64, s UTF8, y SYMBOL, d DATE, t TIMESTAMP_MS)');
    const inserted = await sql(
      `INSERT INTO source VALUES (true, -128, 18446744073709551615, 0.1, 1e300, 'a"b,c' , 'sym', DATE '2000-02-29', TIMESTAMP '1969-12-31T23:59:59.999'),
       (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (false, 127, 0, -3.5, -0.25, '', 'é', DATE '1900-01-01', TIMESTAMP '2100-01-01')`,
    );
    expect(inserted.status, inserted.text).toBe(200);
    const expected = (await sql('SELECT * FROM source')).text.replace(/,"rows_scanned".*/, '');
    for (const format of ['csv', 'ndjson', 'arrow']) {
      await sql(
        `CREATE TABLE back_${format} (b BOOL, i8 INT8, u64 UINT64, f32 FLOAT32, f64 FLOAT64, s UTF8, y SYMBOL, d DATE, t TIMESTAMP_MS)`,
      );
      const response = await fetch(`${url}/?format=${format}`, { method: 'POST', body: 'SELECT * FROM source' });
      const answer = await ingest(`back_${format}`, `format=${format}`, new Uint8Array(await response.arrayBuffer()));
      expect(answer).toMatchObject({ rows: 3 });
      expect((await sql(`SELECT * FROM back_${format}`)).text.replace(/,"rows_scanned".*/, '')).toBe(expected);
    }
  });

  test('a body with one wrong row leaves the table as it was', async () => {
    await sql('CREATE TABLE strict (a BIGINT)');
    await ingest('strict', 'format=csv', 'a\n1\n');
    const csv = `a\n${'2\n'.repeat(200_000)}three\n`;
    expect(await ingest('strict', 'format=csv', csv)).toMatchObject({
      code: 'invalid_value',
      error: 'line 200002, column a: "three" is no int64',
    });
    expect(await rows('SELECT count(*), sum(a) FROM strict')).toEqual([[1, 1]]);
    expect(await ingest('never', 'format=csv&create=true', csv)).toMatchObject({ code: 'invalid_value' });
    expect((await fetch(`${url}/tables/never`)).status).toBe(404);
  });

  test('parameters are bound', async () => {
    const ask = async (body: object) =>
      (await (
        await fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
      ).json()) as {
        data: unknown;
      };
    expect((await ask({ query: "SELECT $1 + 1, $2 || 'x'", params: [41, 'y'] })).data).toEqual([[42, 'yx']]);
    expect((await ask({ query: 'SELECT :a + :b', params: { a: 1, b: 2.5 } })).data).toEqual([[3.5]]);
  });

  test('an error has its place and GET does not write', async () => {
    const { status, text } = await sql('SELECT\n  nope FROM trades');
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ code: 'column_not_found', position: 9, line: 2, column: 3, query_id: expect.any(String) });
    const write = await fetch(`${url}/?query=${encodeURIComponent('CREATE TABLE w (a INT)')}`);
    expect(write.status).toBe(405);
    expect((await sql('SELECT 1 AS a; SELECT 2 AS b', '?format=csv')).text).toBe('b\n2\n');
  });

  test('tables tell rows and time range', async () => {
    expect(await (await fetch(`${url}/tables/trades`)).json()).toMatchObject({
      name: 'trades',
      rows: 2,
      timestamp: 'ts',
      time_range: { min: '2026-01-01T00:00:00.000000001Z', max: '2026-01-01T00:00:01.000000000Z' },
    });
  });

  test('a million rows stream, memory stays', async () => {
    const before = engine.arena.usedBytes;
    const response = await fetch(`${url}/?format=ndjson`, {
      method: 'POST',
      body: 'SELECT range AS i, range * 2 AS j FROM range(1000000)',
    });
    let length = 0;
    let most = 0;
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      length += part.length;
      most = Math.max(most, engine.arena.usedBytes - before);
    }
    expect(length).toBeGreaterThan(20_000_000);
    expect(most).toBeLessThan(32_000_000);
  });

  test('a list that is too large for JSON is an error, and may be taken as Arrow', async () => {
    const large = await sql('SELECT range(4000000)');
    expect(large.status).toBe(422);
    expect(JSON.parse(large.text)).toMatchObject({ code: 'query_memory_exceeded', hint: expect.stringContaining('Arrow') });
    const arrow = await fetch(`${url}/?format=arrow`, { method: 'POST', body: 'SELECT range(4000000)' });
    expect(arrow.status).toBe(200);
    expect((await arrow.arrayBuffer()).byteLength).toBeGreaterThan(32_000_000);
    expect(await rows('SELECT 1')).toEqual([[1]]);
  });

  test('a running query is listed and cancelled by its id', async () => {
    const running = fetch(`${url}/?query_id=long-1`, {
      method: 'POST',
      body: 'SELECT count(*) FROM range(100000) a CROSS JOIN range(10000000) b',
    });
    for (let i = 0; i < 200; i++) {
      const cancelled = await fetch(`${url}/queries/long-1`, { method: 'DELETE' });
      if (cancelled.status === 200) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const answer = await running;
    expect(answer.status).toBe(499);
    expect(await answer.json()).toMatchObject({ code: 'cancelled', query_id: 'long-1' });
  });
});
