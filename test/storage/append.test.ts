/** What an append takes, casts and refuses; DDL; ingest. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Value } from '../../src/core/batch.js';
import { EMBEDDED } from '../../src/core/principal.js';
import {
  DATE32,
  type DataType,
  FLOAT32,
  FLOAT64,
  INT32,
  INT64,
  NULL_TYPE,
  SYMBOL,
  TIMESTAMP_NS,
  UINT64,
  UTF8,
} from '../../src/core/types.js';
import { addBatch, appendRows, define, field, openTest, readRows, type TestStorage } from './harness.js';

let test: TestStorage;
beforeEach(async () => {
  test = await openTest(':memory:', { segment_rows: 64 });
});
afterEach(async () => {
  await test.close();
});

const int = (kind: 'int8' | 'int16' | 'uint8' | 'uint16' | 'uint32'): DataType => ({ kind });
const timestamp = (unit: 's' | 'ms' | 'us' | 'ns', timezone: string | null = null): DataType => ({ kind: 'timestamp', unit, timezone });
const decimal = (precision: number, scale: number): DataType => ({ kind: 'decimal', precision, scale });

async function store(from: DataType, to: DataType, values: readonly Value[]): Promise<Value[]> {
  await test.storage.createTable(define('c', [field('x', to)]));
  await appendRows(test, 'c', [field('X', from)], [values]);
  return (await readRows(test, 'c')).map((row) => row[0] ?? null);
}

describe('a lossless cast', () => {
  it.each<[DataType, DataType, Value[], Value[]]>([
    [int('int8'), INT64, [-5, null, 7], [-5n, null, 7n]],
    [int('uint32'), INT64, [4_294_967_295], [4_294_967_295n]],
    [INT64, int('int16'), [-32_768n, 32_767n, null], [-32_768, 32_767, null]],
    [INT64, UINT64, [0n, 2n ** 63n - 1n], [0n, 2n ** 63n - 1n]],
    [UINT64, INT64, [5n], [5n]],
    [INT64, FLOAT64, [2n ** 53n, -1n], [2 ** 53, -1]],
    [INT32, FLOAT32, [16_777_216], [16_777_216]],
    [FLOAT32, FLOAT64, [0.5, null], [0.5, null]],
    [FLOAT64, FLOAT32, [0.25, Number.NaN], [0.25, Number.NaN]],
    [timestamp('s'), TIMESTAMP_NS, [-1n, 2n], [-1_000_000_000n, 2_000_000_000n]],
    [timestamp('ns'), timestamp('ms'), [5_000_000n], [5n]],
    [timestamp('us', 'UTC'), timestamp('us'), [5n], [5n]],
    [DATE32, timestamp('s'), [1, -1], [86_400n, -86_400n]],
    [{ kind: 'time64', unit: 'us' }, { kind: 'time64', unit: 'ns' }, [3n], [3000n]],
    [decimal(5, 2), decimal(20, 4), [-12_345n, null], [-1_234_500n, null]],
    [INT32, decimal(10, 2), [-7], [-700n]],
    [UTF8, SYMBOL, ['a', null, 'b', 'a'], ['a', null, 'b', 'a']],
    [SYMBOL, UTF8, ['ä'], ['ä']],
    [NULL_TYPE, INT64, [null, null], [null, null]],
    [NULL_TYPE, UTF8, [null], [null]],
    [
      { kind: 'list', item: field('item', INT32) },
      { kind: 'list', item: field('item', INT64) },
      [[1, null], null, []],
      [[1n, null], null, []],
    ],
  ])('from %j to %j keeps the values', async (from, to, values, wanted) => {
    expect(await store(from, to, values)).toEqual(wanted);
  });

  it.each<[DataType, DataType, Value[], number]>([
    [INT64, int('int8'), [1n, null, 128n], 2],
    [int('int8'), int('uint8'), [1, -1], 1],
    [INT64, UINT64, [-1n], 0],
    [UINT64, INT64, [2n ** 63n], 0],
    [INT64, FLOAT64, [0n, 2n ** 53n + 1n], 1],
    [FLOAT64, FLOAT32, [0.5, 0.1], 1],
    [timestamp('s'), TIMESTAMP_NS, [10n ** 10n], 0],
    [timestamp('ns'), timestamp('us'), [1000n, 1001n], 1],
    [decimal(10, 0), decimal(10, 2), [10n ** 9n], 0],
    [UINT64, int('uint32'), [2n ** 64n - 1n], 0],
  ])('from %j to %j names the row that does not fit', async (from, to, values, row) => {
    await expect(store(from, to, values)).rejects.toMatchObject({
      code: 'invalid_value',
      message: expect.stringMatching(`"x", row ${row}:`),
    });
    expect(await readRows(test, 'c')).toEqual([]);
  });

  it.each<[DataType, DataType]>([
    [UTF8, TIMESTAMP_NS],
    [FLOAT64, INT64],
    [INT64, TIMESTAMP_NS],
    [decimal(10, 2), decimal(10, 1)],
    [UTF8, INT64],
    [INT64, UTF8],
  ])('from %j to %j does not exist', async (from, to) => {
    await expect(store(from, to, [null])).rejects.toMatchObject({ code: 'type_mismatch' });
  });

  it('keeps constants, and dictionaries of other tables', async () => {
    const fields = [field('a', INT64), field('b', UTF8)];
    await test.storage.createTable(define('t', fields));
    const { arena } = test;
    const one = arena.allocate(64);
    arena.i32[one / 4] = 42;
    const text = arena.allocate(64);
    arena.i32[text / 4] = 0;
    arena.i32[text / 4 + 1] = 3;
    arena.u8.set(Buffer.from('abc'), text + 16);
    const constant = { encoding: 'constant', length: 100, validity: 0, dictionary: null, children: [] } as const;
    const session = test.storage.openAppend('t');
    const columns = [
      { ...constant, type: INT32, values: one, offsets: 0 },
      { ...constant, type: UTF8, values: text + 16, offsets: text },
    ];
    await session.append({ arena: 0, rowCount: 100, columns }, { fields: [field('a', INT32), field('b', UTF8)] });
    await session.commit();
    expect(await readRows(test, 't')).toEqual(Array.from({ length: 100 }, () => [42n, 'abc']));
  });
});

describe('an append', () => {
  const fields = [field('ts', TIMESTAMP_NS), field('name', UTF8), field('n', INT64, false)];
  beforeEach(async () => {
    await test.storage.createTable(define('t', fields, 0));
  });

  it('refuses unknown columns, columns given twice, and nulls where none may be', async () => {
    const put = (given: typeof fields, columns: Value[][]) => appendRows(test, 't', given, columns);
    await expect(put([...fields, field('zz', INT64)], [[1n], ['a'], [1n], [1n]])).rejects.toMatchObject({ code: 'column_not_found' });
    await expect(put([field('n', INT64), field('N', INT64)], [[1n], [1n]])).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(
      put(fields, [
        [1n, null],
        ['a', 'b'],
        [1n, 2n],
      ]),
    ).rejects.toMatchObject({
      code: 'constraint_violation',
      message: expect.stringContaining('"ts" is NOT NULL and is null in row 1'),
      hint: expect.stringContaining('create the table first, with TIMESTAMP(another column) or without'),
    });
    await expect(put([field('ts', TIMESTAMP_NS)], [[1n]])).rejects.toMatchObject({ code: 'constraint_violation' });
    expect(await readRows(test, 't')).toEqual([]);
  });

  it('fills missing columns with NULL, and matches names in any case and order', async () => {
    await appendRows(test, 'T', [field('N', INT64), field('TS', TIMESTAMP_NS)], [[5n], [9n]]);
    expect(await readRows(test, 't')).toEqual([[9n, null, 5n]]);
  });

  it('that fails leaves the earlier batches of its session', async () => {
    const session = test.storage.openAppend('t');
    await addBatch(test, session, fields, [[1n], ['a'], [1n]]);
    await expect(addBatch(test, session, fields, [[null], ['b'], [2n]])).rejects.toMatchObject({ code: 'constraint_violation' });
    await addBatch(test, session, fields, [[3n], ['c'], [3n]]);
    expect(await readRows(test, 't')).toEqual([]);
    expect(await session.commit()).toMatchObject({ rows: 2 });
    expect((await readRows(test, 't')).map((row) => row[1])).toEqual(['a', 'c']);
    await expect(session.commit()).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('of sessions side by side becomes visible in the order of their commits', async () => {
    const first = test.storage.openAppend('t');
    const second = test.storage.openAppend('t');
    await addBatch(test, first, fields, [[1n], ['first'], [1n]]);
    await addBatch(test, second, fields, [[2n], ['second'], [2n]]);
    const [b, a] = await Promise.all([second.commit(), first.commit()]);
    expect(a.sequence).toBeGreaterThan(b.sequence);
    expect((await readRows(test, 't')).map((row) => row[1])).toEqual(['second', 'first']);
  });

  it('after the table was dropped or truncated does the right thing', async () => {
    const session = test.storage.openAppend('t');
    await addBatch(test, session, fields, [[1n], ['kept'], [1n]]);
    await appendRows(test, 't', fields, [[1n], ['gone'], [1n]]);
    await test.storage.truncateTable('t');
    await session.commit();
    expect((await readRows(test, 't')).map((row) => row[1])).toEqual(['kept']);
    const late = test.storage.openAppend('t');
    await addBatch(test, late, fields, [[1n], ['late'], [1n]]);
    await test.storage.dropTable('T');
    await expect(late.commit()).rejects.toMatchObject({ code: 'table_not_found' });
    expect(() => test.storage.openAppend('t')).toThrow(expect.objectContaining({ code: 'table_not_found' }));
  });
});

describe('a quiet active segment', () => {
  it('is sealed when it has become old', async () => {
    const quiet = await openTest(':memory:', { seal_after_ms: 30 });
    await quiet.storage.createTable(define('q', [field('n', INT64)]));
    await appendRows(quiet, 'q', [field('n', INT64)], [[1n]]);
    await expect.poll(() => quiet.storage.statistics().sealedSegments).toBe(1);
    await quiet.close();
  });
});

describe('tables', () => {
  it('have names without regard to case, and definitions that hold together', async () => {
    await test.storage.createTable(define('Trades', [field('a', INT64)]));
    await expect(test.storage.createTable(define('TRADES', [field('a', INT64)]))).rejects.toMatchObject({ code: 'table_exists' });
    await expect(test.storage.createTable(define('u', [field('a', INT64), field('A', INT64)]))).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    await expect(test.storage.createTable(define('u', [field('a', INT64)], 0))).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(test.storage.createTable(define('u', []))).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(test.storage.dropTable('nope')).rejects.toMatchObject({ code: 'table_not_found' });
    const snapshot = test.storage.snapshot();
    expect(snapshot.table('tRADES')?.table.definition.name).toBe('Trades');
    snapshot.release();
  });
});

describe('ingest', () => {
  const schema = { fields: [field('v', FLOAT64), field('at', timestamp('us')), field('s', SYMBOL), field('nothing', NULL_TYPE)] };
  const options = { principal: EMBEDDED, create: true, mode: 'append' as const };

  it('makes the table from the schema', async () => {
    await expect(test.storage.ingest.open('m', schema, { ...options, create: false })).rejects.toMatchObject({ code: 'table_not_found' });
    const session = await test.storage.ingest.open('m', schema, options);
    await addBatch(test, session, schema.fields, [[1.5], [7n], ['x'], [null]]);
    await session.commit();
    const snapshot = test.storage.snapshot();
    const definition = snapshot.table('m')?.table.definition;
    expect(definition?.timestampColumn).toBe(1);
    expect(definition?.partitionBy).toBe('day');
    expect(definition?.columns.map((column) => column.type.kind)).toEqual(['float64', 'timestamp', 'symbol', 'utf8']);
    expect(definition?.columns[1]?.nullable).toBe(false);
    snapshot.release();
    expect(await readRows(test, 'm')).toEqual([[1.5, 7n, 'x', null]]);
  });

  it('of several sessions at once into a table that none of them has seen makes it once', async () => {
    const sessions = await Promise.all(['m', 'M', 'm'].map((name) => test.storage.ingest.open(name, schema, options)));
    for (const session of sessions) await addBatch(test, session, schema.fields, [[1], [7n], ['x'], [null]]);
    await Promise.all(sessions.map((session) => session.commit()));
    expect(await readRows(test, 'm')).toHaveLength(3);
  });

  it('can replace all rows at once', async () => {
    for (const [mode, value] of [
      ['append', 1],
      ['append', 2],
      ['replace', 3],
    ] as const) {
      const session = await test.storage.ingest.open('m', schema, { ...options, mode });
      await addBatch(test, session, schema.fields, [[value], [7n], ['x'], [null]]);
      const before = await readRows(test, 'm');
      await session.commit();
      expect(before.map((row) => row[0])).toEqual([1, 2].slice(0, value - 1));
    }
    expect((await readRows(test, 'm')).map((row) => row[0])).toEqual([3]);
  });

  it('gives up when its signal is aborted', async () => {
    const controller = new AbortController();
    const session = await test.storage.ingest.open('m', schema, { ...options, signal: controller.signal });
    await addBatch(test, session, schema.fields, [[1], [7n], ['x'], [null]]);
    controller.abort();
    await expect(session.commit()).rejects.toMatchObject({ code: 'cancelled' });
    expect(await readRows(test, 'm')).toEqual([]);
  });
});
