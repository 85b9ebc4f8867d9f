import { Table, vectorFromArray } from 'apache-arrow';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, type InsertPart, open } from '../../src/index.js';

let db: Database;
beforeEach(async () => {
  db = await open({ memory_limit: '300MB', threads: 1 });
});
afterEach(async () => {
  await db.close();
});

const rowsOf = async (sql: string) => (await db.query(sql)).toRows();
const bytes = (...values: number[]) => Uint8Array.from(values);
const UUID = '00112233-4455-6677-8899-aabbccddeeff';

/** SQL type, what goes in, what comes back. */
const TYPES: readonly [string, readonly never[] | readonly unknown[], readonly unknown[]][] = [
  ['BOOLEAN', [true, false, null], [true, false, null]],
  ['TINYINT', [-128, 127n, null], [-128, 127, null]],
  ['SMALLINT', [-32_768, null, 32_767], [-32_768, null, 32_767]],
  ['INTEGER', [-(2 ** 31), 2 ** 31 - 1, null], [-(2 ** 31), 2 ** 31 - 1, null]],
  ['BIGINT', [-(2n ** 63n), 2n ** 63n - 1n, null, 7], [-(2n ** 63n), 2n ** 63n - 1n, null, 7n]],
  ['REAL', [0.5, null, -1n], [0.5, null, -1]],
  ['DOUBLE', [0.1, null, 1e300, -0], [0.1, null, 1e300, -0]],
  ['DECIMAL(10, 2)', ['-12.30', 5n, 0.25, null], ['-12.30', '5.00', '0.25', null]],
  ['VARCHAR', ['', 'naïve 😀', null, '﻿bom'], ['', 'naïve 😀', null, '﻿bom']],
  ['SYMBOL', ['a', null, 'b', 'a'], ['a', null, 'b', 'a']],
  ['BLOB', [bytes(0, 255), bytes(), null, 'a'], [bytes(0, 255), bytes(), null, bytes(97)]],
  ['UUID', [UUID.toUpperCase(), null], [UUID, null]],
  ['DATE', ['1969-12-31', new Date('2026-01-01T12:00Z'), 1, null], ['1969-12-31', '2026-01-01', '1970-01-02', null]],
  ['TIME', ['00:00:01.5', '12:30', 1n, null], [1_500_000n, 45_000_000_000n, 1n, null]],
  [
    'TIMESTAMP_NS',
    ['1969-12-31T23:59:59.999999999Z', '2026-01-01T01:00:00+01:00', new Date(1), 5n, null],
    [-1n, 1_767_225_600_000_000_000n, 1_000_000n, 5n, null],
  ],
];

test.each(TYPES)('%s goes in by columns, rows and a stream of both, and comes back', async (type, given, expected) => {
  await db.exec(`CREATE TABLE t (v ${type}, i BIGINT)`);
  const values = given as (string | null)[];
  const i = values.map((_, index) => BigInt(index));
  const rows = values.map((v, index) => ({ v, i: index }));
  async function* parts(): AsyncGenerator<InsertPart> {
    yield { v: values, i };
    yield rows;
  }
  expect(await db.insert('t', { v: values, i })).toEqual({ rows: given.length });
  expect(await db.insert('t', rows)).toEqual({ rows: given.length });
  expect(await db.insert('t', parts())).toEqual({ rows: 2 * given.length });
  const want = [...expected, ...expected, ...expected, ...expected];
  expect((await rowsOf('SELECT v FROM t')).map((row) => row.v)).toEqual(want);
  const columns = await (await db.query('SELECT v FROM t')).toColumns();
  expect(Array.from(columns.v as ArrayLike<unknown>)).toEqual(want);
});

test.each(TYPES)('%s comes back from an Arrow table that goes in again', async (type, given, expected) => {
  await db.exec(`CREATE TABLE t (v ${type}); CREATE TABLE u (v ${type})`);
  await db.insert('t', { v: given as string[] });
  const table = await (await db.query('SELECT v FROM t')).toArrow();
  expect(table.numRows).toBe(given.length);
  expect(await db.insert('u', table)).toEqual({ rows: given.length });
  expect((await rowsOf('SELECT v FROM u')).map((row) => row.v)).toEqual(expected);
});

test('typed arrays are columns of their element type, and ticks or days where the column is a time', async () => {
  const columns = {
    i8: Int8Array.of(-1),
    u8: Uint8Array.of(255),
    i16: Int16Array.of(-1),
    u16: Uint16Array.of(65_535),
    i32: Int32Array.of(-1),
    u32: Uint32Array.of(2 ** 32 - 1),
    i64: BigInt64Array.of(-1n),
    u64: BigUint64Array.of(2n ** 64n - 1n),
    f32: Float32Array.of(0.1),
    f64: Float64Array.of(0.1),
  };
  await db.insert('t', columns, { create: true });
  const result = await db.query('SELECT * FROM t');
  expect(result.columns.map((column) => column.type).join()).toBe('int8,uint8,int16,uint16,int32,uint32,int64,uint64,float32,float64');
  expect(await result.toColumns()).toEqual(columns);
  await db.exec('CREATE TABLE times (ts TIMESTAMP_NS, d DATE, t TIME)');
  await db.insert('times', { ts: BigInt64Array.of(3n), d: Int32Array.of(-1), t: BigInt64Array.of(5n) });
  expect(await rowsOf('SELECT * FROM times')).toEqual([{ ts: 3n, d: '1969-12-31', t: 5n }]);
  await db.insert('times', { ts: new BigInt64Array([1n, 2n, 3n]).subarray(1, 2) });
  expect((await rowsOf('SELECT ts FROM times')).map((row) => row.ts)).toEqual([3n, 2n]);
});

test('a table is created with the types of its first values; the first timestamp is the designated one', async () => {
  const row = { at: new Date(5), n: 1, big: 2n ** 62n, f: 1.5, s: 'x', b: true, bin: bytes(1), none: null };
  await db.insert('made', [row, { ...row, n: 2, extra: 'only here' }], { create: true });
  const result = await db.query('SELECT * FROM made');
  expect(Object.fromEntries(result.columns.map(({ name, type }) => [name, type]))).toEqual({
    at: 'timestamp[ms]',
    n: 'int64',
    big: 'int64',
    f: 'float64',
    s: 'utf8',
    b: 'bool',
    bin: 'binary',
    none: 'utf8',
    extra: 'utf8',
  });
  expect((await result.toRows()).map((got) => [got.at, got.n, got.none, got.extra])).toEqual([
    [5n, 1n, null, null],
    [5n, 2n, null, 'only here'],
  ]);
  await expect(db.insert('made', { n: [1] })).rejects.toMatchObject({
    code: 'constraint_violation',
    hint: expect.stringContaining('TIMESTAMP('),
  });
});

test('an Arrow table with its own types creates a table', async () => {
  const table = new Table({
    n: vectorFromArray([1, null]),
    s: vectorFromArray(['a', null]),
    when: vectorFromArray([new Date(0), new Date(86_400_000)]),
  });
  await db.insert('arrow', table, { create: true });
  await db.insert('arrow', table.slice(1, 2));
  expect((await rowsOf('SELECT s, n FROM arrow')).map((row) => [row.s, row.n])).toEqual([
    ['a', 1],
    [null, null],
    [null, null],
  ]);
});

test('an insert into a table that is missing says how to create it', async () => {
  await expect(db.insert('nope', { a: [1] })).rejects.toMatchObject({ code: 'table_not_found', hint: expect.stringContaining('create') });
});

test.each<[string, unknown, string, string]>([
  ['columns of unequal length', { i: [1, 2], s: ['a'] }, 'invalid_argument', 'column s has 1 values'],
  ['a column that the table has not', { i: [1], zz: [1] }, 'column_not_found', 'zz'],
  ['text in a number column', { i: ['5'] }, 'invalid_value', 'string 5'],
  ['a Date in a number column', { i: [new Date(5)] }, 'invalid_value', 'column i'],
  ['a fraction in an integer column', { i: [1.5] }, 'invalid_value', '1.5'],
  ['a number beyond 2^53', { i: [2 ** 53] }, 'invalid_value', 'column i'],
  ['an integer beyond int64', { i: [2n ** 63n] }, 'invalid_value', 'column i'],
  ['an integer beyond int8', { tiny: [128] }, 'invalid_value', 'column tiny'],
  ['a boolean in an integer column', { tiny: [true] }, 'invalid_value', 'column tiny'],
  ['a bigint that a double does not hold', { f: [2n ** 53n + 1n] }, 'invalid_value', 'column f'],
  ['more digits than a decimal has', { dec: ['1.234'] }, 'invalid_value', 'column dec'],
  ['a decimal that is too large', { dec: ['1000.00'] }, 'invalid_value', 'column dec'],
  ['a number in a text column', { s: [5] }, 'invalid_value', 'column s'],
  ['text that is no timestamp', { ts: ['yesterday'] }, 'invalid_value', 'yesterday'],
  ['a day that is not in the calendar', { ts: ['2026-02-30'] }, 'invalid_value', '2026-02-30'],
  ['an invalid Date', { ts: [new Date(Number.NaN)] }, 'invalid_value', 'invalid Date'],
  ['a number as timestamp', { ts: [5] }, 'invalid_value', 'column ts'],
  ['a Date as time of day', { t: [new Date(5)] }, 'invalid_value', 'column t'],
  ['a time in a date', { d: ['1969-12-31T12:00:00Z'] }, 'invalid_value', 'not a date'],
  ['text that is no uuid', { u: ['x'] }, 'invalid_value', 'uuid'],
  ['columns that are no arrays', { i: 5 }, 'invalid_argument', 'column i'],
  ['rows that are no objects', [[1, 2]], 'invalid_argument', 'row 0'],
  ['a string', 'rows', 'invalid_argument', 'insert takes'],
  ['a generator that is not async', [{ i: 1 }].values(), 'invalid_argument', 'insert takes'],
  ['bytes', bytes(1), 'invalid_argument', 'insert takes'],
  [
    'a table of another copy of apache-arrow',
    { schema: {}, batches: [], [Symbol.iterator]: () => [].values() },
    'invalid_argument',
    'insert takes',
  ],
])('%s is refused and leaves no row', async (_what, data, code, message) => {
  await db.exec('CREATE TABLE t (i BIGINT, tiny TINYINT, f DOUBLE, dec DECIMAL(5, 2), s VARCHAR, ts TIMESTAMP_NS, d DATE, t TIME, u UUID)');
  await expect(db.insert('t', data as InsertPart)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  expect(await rowsOf('SELECT count(*) AS n FROM t')).toEqual([{ n: 0n }]);
});

test.each([
  ['a number and text', [1, 'a']],
  ['text and a number', ['a', 1]],
  ['a boolean and a number', [true, 1]],
  ['a fraction and a bigint', [1.5, 2n]],
  ['bytes and a number', [bytes(1), 2]],
])('a new column does not take %s', async (_what, v) => {
  await expect(db.insert('mixed', { v } as InsertPart, { create: true })).rejects.toMatchObject({
    code: expect.stringMatching(/^invalid_(argument|value)$/),
  });
  await expect(db.query('SELECT * FROM mixed')).rejects.toMatchObject({ code: 'table_not_found' });
});

test('an insert that fails takes back the table that it had created', async () => {
  async function* parts(): AsyncGenerator<InsertPart> {
    yield { a: [1] };
    yield { a: ['x'] };
  }
  await expect(db.insert('made', parts(), { create: true })).rejects.toMatchObject({ code: 'invalid_value' });
  await expect(db.query('SELECT * FROM made')).rejects.toMatchObject({ code: 'table_not_found' });
  await expect(db.insert('made', { ts: [new Date(0), null] }, { create: true })).rejects.toMatchObject({
    code: 'constraint_violation',
    hint: expect.stringContaining('create the table first'),
  });
  await db.exec('CREATE TABLE made (ts TIMESTAMP_MS)');
  expect(await db.insert('made', { ts: [new Date(0), null] })).toEqual({ rows: 2 });
});

test('all rows of a stream become visible together, and none when its source fails', async () => {
  await db.exec('CREATE TABLE t (i BIGINT)');
  async function* failing(): AsyncGenerator<InsertPart> {
    yield { i: [1] };
    expect(await rowsOf('SELECT count(*) AS n FROM t')).toEqual([{ n: 0n }]);
    throw new Error('the source broke');
  }
  await expect(db.insert('t', failing())).rejects.toThrow('the source broke');
  expect(await rowsOf('SELECT count(*) AS n FROM t')).toEqual([{ n: 0n }]);
  async function* none(parts: InsertPart[] = []): AsyncGenerator<InsertPart> {
    yield* parts;
  }
  expect(await db.insert('t', none())).toEqual({ rows: 0 });
});

test('a signal ends an insert, also while its source hangs', async () => {
  await db.exec('CREATE TABLE t (i BIGINT)');
  const abort = new AbortController();
  async function* hanging(): AsyncGenerator<InsertPart> {
    yield { i: [1] };
    setTimeout(() => abort.abort(), 10);
    await new Promise(() => undefined);
  }
  await expect(db.insert('t', hanging(), { signal: abort.signal })).rejects.toMatchObject({ code: 'cancelled' });
  await expect(db.insert('t', { i: [1] }, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  expect(await rowsOf('SELECT count(*) AS n FROM t')).toEqual([{ n: 0n }]);
});
