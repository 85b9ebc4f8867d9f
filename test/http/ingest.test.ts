import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { settingsWith } from '../../src/core/settings.js';
import { BOOL, DATE32, type DataType, FLOAT32, FLOAT64, INT64, TIMESTAMP_NS, typeName, UTF8, UUID } from '../../src/core/types.js';
import { type HttpServer, startHttp } from '../../src/http/server.js';
import { FakeEngine } from './fake-engine.js';

const fake = new FakeEngine();
let server: HttpServer;
let url: string;

beforeAll(async () => {
  server = await startHttp(fake.engine, { host: '127.0.0.1', port: 0, settings: settingsWith({ max_body_bytes: '20MB' }) });
  url = `http://127.0.0.1:${server.port}`;
});
beforeEach(() => fake.tables.clear());
afterAll(() => server.close(100));

async function ingest(table: string, search: string, body: string | Uint8Array, headers: Record<string, string> = {}) {
  const before = fake.arena.usedBytes;
  const response = await fetch(`${url}/tables/${table}/rows?${search}`, { method: 'POST', body: body as never, headers });
  const answer = (await response.json()) as Record<string, unknown>;
  for (let i = 0; i < 50 && fake.arena.usedBytes !== before; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(fake.arena.usedBytes).toBe(before);
  return { status: response.status, answer };
}

const typesOf = (table: string) =>
  fake.tables.get(table)?.info.definition.columns.map((column) => `${column.name}:${typeName(column.type)}`);
const rowsOf = (table: string) => fake.tables.get(table)?.rows;
const nullable = (name: string, type: DataType) => ({ name, type, nullable: true });

describe('csv', () => {
  test('types are inferred and rows read', async () => {
    const csv =
      'ts,day,sym,price,size,ok,note,code\r\n' +
      '2026-01-01T00:00:00.000000001Z,2026-01-01,AAPL,1.5,9007199254740993,true,"a ""b"",\nc",007\r\n' +
      '2026-01-01 00:00:01+02:00,1969-12-31,,1e300,-1,FALSE,"",012\r\n\r\n' +
      ',,\\N,,,,plain,';
    const { status, answer } = await ingest('t', 'format=csv&create=true', csv);
    expect(answer).toMatchObject({ table: 't', rows: 3, duration_us: expect.any(Number) });
    expect(status).toBe(200);
    expect(typesOf('t')).toEqual([
      'ts:timestamp[ns]',
      'day:date32',
      'sym:utf8',
      'price:float64',
      'size:int64',
      'ok:bool',
      'note:utf8',
      'code:utf8',
    ]);
    expect(rowsOf('t')).toEqual([
      [1767225600000000001n, 20454, 'AAPL', 1.5, 9007199254740993n, true, 'a "b",\nc', '007'],
      [1767218401000000000n, -1, null, 1e300, -1n, false, '', '012'],
      [null, null, null, null, null, null, 'plain', null],
    ]);
  });

  test('the table directs the types, names match without case, missing columns are null', async () => {
    fake.addTable('Typed', [
      nullable('a', INT64),
      nullable('b', FLOAT32),
      nullable('c', BOOL),
      nullable('d', DATE32),
      nullable('e', UUID),
      nullable('f', { kind: 'decimal', precision: 10, scale: 2 }),
      nullable('g', { kind: 'time64', unit: 'us' }),
      nullable('h', { kind: 'int8' }),
      nullable('i', { kind: 'binary' }),
      nullable('j', { kind: 'interval' }),
      nullable('k', UTF8),
    ]);
    const csv =
      'J,i,H,g,f,e,d,c,B,A\nP1DT2.5S,\\x00ff,-128,23:59:59.5,-12.5,00112233-4455-6677-8899-aabbccddeeff,2000-02-29,yes,16777217,1e3\n"","","","","","","","","",""\n';
    const { answer } = await ingest('typed', 'format=csv', csv);
    expect(answer).toMatchObject({ table: 'Typed', rows: 2 });
    expect(rowsOf('typed')).toEqual([
      [
        1000n,
        16777216,
        true,
        11016,
        '00112233-4455-6677-8899-aabbccddeeff',
        -1250n,
        86399500000n,
        -128,
        new Uint8Array([0, 255]),
        { months: 0, days: 1, nanoseconds: 2500000000n },
        null,
      ],
      [null, null, null, null, null, null, null, null, new Uint8Array(), null, null].map((value, i) => (i === 9 ? null : value)),
    ]);
  });

  test.each([
    ['a,b\n1,2\n3\n', 'invalid_data', 'line 3: 1 cells where 2 are expected'],
    ['a,b\n1,"x\n\n', 'invalid_data', 'line 2: a quote is opened and never closed'],
    ['a,b\n1,2\n"x"y,3\n', 'invalid_data', 'line 3: text follows the closing quote of a cell'],
    ['a,b\n1,"2\n2"\n\nx,5\n', 'invalid_value', 'line 5, column a: "x" is no int64'],
    ['a,c\n1,2\n', 'column_not_found', 'the header: table t has no column c'],
    ['a,a\n1,2\n', 'invalid_data', 'the header: two columns are called a'],
    ['a\n9223372036854775808\n', 'invalid_value', 'line 2, column a: "9223372036854775808" is no int64: it is out of range'],
    ['', 'invalid_data', 'the CSV has no first row'],
    ['b\n\u00ff', 'invalid_data', 'line 2: the text is not UTF-8'],
  ])('%j is refused with its line, and nothing is written', async (csv, code, message) => {
    fake.addTable('t', [nullable('a', INT64), nullable('b', UTF8)]);
    const { answer, status } = await ingest('t', 'format=csv', Buffer.from(csv, 'latin1'));
    expect(answer).toMatchObject({ code, error: message });
    expect(status).toBe(400);
    expect(rowsOf('t')).toEqual([]);
  });

  test('a failure far into the body leaves no table that was created for it', async () => {
    const csv = `a\n${'1\n'.repeat(2_000_000)}x\n`;
    const { answer } = await ingest('fresh', 'format=csv&create=true', csv);
    expect(answer).toMatchObject({ code: 'invalid_value', error: 'line 2000002, column a: "x" is no int64' });
    expect(fake.tables.has('fresh')).toBe(false);
  });

  test('cells, quotes and line ends may be cut by the network anywhere', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `${i},"q""${i}\r\n",${i / 8}`);
    const body = Buffer.from(`i,s,f\r\n${rows.join('\r\n')}`);
    async function* pieces() {
      for (let at = 0; at < body.length; at += 997) yield body.subarray(at, at + 997);
    }
    const response = await fetch(`${url}/tables/cut/rows?format=csv&create=true`, {
      method: 'POST',
      body: pieces() as never,
      duplex: 'half',
    } as RequestInit);
    expect(await response.json()).toMatchObject({ rows: 3000 });
    expect(rowsOf('cut')?.every((row, i) => row[0] === BigInt(i) && row[1] === `q"${i}\r\n` && row[2] === i / 8)).toBe(true);
  });

  test('a cell longer than the window is read', async () => {
    const long = 'x'.repeat(9_000_000);
    const { answer } = await ingest('t', 'format=csv&create=true', `a,b\n1,${long}\n2,y\n`);
    expect(answer).toMatchObject({ rows: 2 });
    expect(rowsOf('t')?.map((row) => (row[1] as string).length)).toEqual([9_000_000, 1]);
  });

  test('header=false takes columns by position, delimiter is honoured', async () => {
    fake.addTable('t', [nullable('a', INT64), nullable('b', UTF8)]);
    await ingest('t', 'format=csv&header=false&delimiter=;', '1;x\n2;y,z\n');
    expect(rowsOf('t')).toEqual([
      [1n, 'x'],
      [2n, 'y,z'],
    ]);
  });

  test('gzip and brotli bodies are read, a broken one is refused', async () => {
    await ingest('t', 'format=csv&create=true', gzipSync('a\n1\n'), { 'content-encoding': 'gzip' });
    await ingest('t', 'format=csv', brotliCompressSync('a\n2\n'), { 'content-encoding': 'br' });
    expect(rowsOf('t')).toEqual([[1n], [2n]]);
    const broken = await ingest('t', 'format=csv', 'a\n3\n', { 'content-encoding': 'gzip' });
    expect(broken).toMatchObject({ status: 400, answer: { code: 'invalid_data' } });
    const unknown = await ingest('t', 'format=csv', 'a\n3\n', { 'content-encoding': 'rot13' });
    expect(unknown.status).toBe(415);
  });

  test('a bomb of a body stops at max_body_bytes', async () => {
    const bomb = gzipSync(Buffer.alloc(30_000_000, `${'a'.repeat(5000)}\n`));
    const { status, answer } = await ingest('t', 'format=csv&create=true', bomb, { 'content-encoding': 'gzip' });
    expect(status).toBe(413);
    expect(answer).toMatchObject({ code: 'request_too_large' });
    expect(fake.tables.size).toBe(0);
  });
});

describe('json', () => {
  test('ndjson: names and types are inferred over all first objects', async () => {
    const ndjson =
      '{"ts":"2026-01-01T00:00:00.5Z","n":9007199254740993,"x":1,"s":"a\\u00e9\\n\\ud83d\\ude00","b":true,"o":{"k":[1,"}"]}}\n' +
      '{"n":-1,"x":2.5e-3,"late":"12"}\n\n  {"b":null,"s":"123"}';
    const { answer } = await ingest('j', 'format=ndjson&create=true', ndjson);
    expect(answer).toMatchObject({ table: 'j', rows: 3 });
    expect(typesOf('j')).toEqual(['ts:timestamp[us]', 'n:int64', 'x:float64', 's:utf8', 'b:bool', 'o:utf8', 'late:utf8']);
    expect(rowsOf('j')).toEqual([
      [1767225600500000n, 9007199254740993n, 1, 'aé\n😀', true, '{"k":[1,"}"]}', null],
      [null, -1n, 0.0025, null, null, null, '12'],
      [null, null, null, '123', null, null, null],
    ]);
  });

  test('a JSON array of objects is read into the types of the table', async () => {
    fake.addTable('t', [nullable('ts', TIMESTAMP_NS), nullable('v', FLOAT64)]);
    const { answer } = await ingest('t', 'format=json', '[ {"v":"1.25","TS":5} , {"ts":"1970-01-01","v":null} ]\n');
    expect(answer).toMatchObject({ rows: 2 });
    expect(rowsOf('t')).toEqual([
      [5n, 1.25],
      [0n, null],
    ]);
  });

  test.each([
    ['{"a":1}\n{"a":}\n', 'invalid_data', 'line 2: this is no valid JSON'],
    ['{"a":1}\n{"a":2', 'invalid_data', 'line 2: the JSON ends in the middle'],
    ['[{"a":1},', 'invalid_data', 'line 1: the JSON ends in the middle'],
    ['[{"a":1} {"a":2}]', 'invalid_data', 'line 1: an object is expected here'],
    ['[{"a":1}] x', 'invalid_data', 'line 1: an object is expected here'],
    ['{"a":1}\n{"b":1}', 'column_not_found', 'line 2: table t has no column b'],
    ['{"a":1}\n\n{"a":1.5}', 'invalid_value', 'line 3, column a: "1.5" is no int64'],
    ['{"a":tru}', 'invalid_data', 'line 1: this is no valid JSON'],
    ['42', 'invalid_data', 'line 1: an object is expected here'],
  ])('%j is refused with its line, and nothing is written', async (json, code, message) => {
    fake.addTable('t', [nullable('a', INT64)]);
    const { answer, status } = await ingest('t', 'format=ndjson', json);
    expect(answer).toMatchObject({ code, error: message });
    expect(status).toBe(400);
    expect(rowsOf('t')).toEqual([]);
  });

  test('a body larger than one window comes whole', async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `{"i":${i},"text":"value ${i} of many that are alike"}`);
    const { answer } = await ingest('t', 'format=ndjson&create=true', `${lines.join('\n')}\n`);
    expect(answer).toMatchObject({ rows: 100_000 });
    expect(rowsOf('t')?.every((row, i) => row[0] === BigInt(i) && row[1] === `value ${i} of many that are alike`)).toBe(true);
  });
});

describe('requests', () => {
  test('the format comes from Content-Type when ?format= is not given', async () => {
    await ingest('t', 'create=true', '{"a":1}', { 'content-type': 'application/x-ndjson; charset=utf-8' });
    expect(rowsOf('t')).toEqual([[1n]]);
    expect((await ingest('t', '', '{"a":1}', { 'content-type': 'image/png' })).status).toBe(415);
  });

  test('a table that is absent needs create=true; unknown options and formats are refused', async () => {
    expect(await ingest('nope', 'format=csv', 'a\n1\n')).toMatchObject({ status: 404, answer: { code: 'table_not_found' } });
    expect((await ingest('t', 'format=csv&creat=true', 'a\n1\n')).answer).toMatchObject({ hint: 'did you mean create?' });
    expect((await ingest('t', 'format=csvv', 'a\n1\n')).answer).toMatchObject({ hint: 'did you mean csv?' });
    expect((await ingest('t', 'format=parquet&create=true', 'PAR1')).answer).toMatchObject({ code: 'invalid_data' });
  });

  test('mode=replace takes the place of the rows', async () => {
    await ingest('t', 'format=csv&create=true', 'a\n1\n');
    await ingest('t', 'format=csv&mode=replace', 'a\n2\n');
    expect(rowsOf('t')).toEqual([[2n]]);
  });
});
