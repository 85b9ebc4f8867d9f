/** What is told of a statement whose parameters have no values yet. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { typeName } from '../../src/core/types.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';

let engine: OpenEngine;

beforeAll(async () => {
  engine = await openDatabase(settingsWith({ path: ':memory:', threads: 1 }));
  await engine.query.execute({ sql: 'CREATE TABLE t (ts TIMESTAMP_NS, s SYMBOL, v DOUBLE, n INTEGER)', principal: EMBEDDED });
});

afterAll(() => engine.close());

const prepared = async (sql: string) => {
  const { kind, schema, parameters } = await engine.query.prepare({ sql, principal: EMBEDDED });
  const columns = schema?.fields.map(({ name, type }) => `${name} ${typeName(type)}`) ?? null;
  return [kind, columns, parameters.map(({ name, type }) => `${name} ${typeName(type)}`)];
};

test.each([
  ['SELECT n FROM t', 'query', ['n int32'], []],
  ['SELECT s FROM t WHERE ts >= ? AND v < ? LIMIT ?', 'query', ['s symbol'], ['$1 timestamp[ns]', '$2 float64', '$3 int64']],
  ['SELECT n + $2 AS m FROM t WHERE s = $1', 'query', ['m int32'], ['$1 symbol', '$2 int32']],
  ['SELECT :a::DATE AS d, :b AS x', 'query', ['d date32', 'x utf8'], [':a date32', ':b utf8']],
  ['SELECT $3 AS x', 'query', ['x utf8'], ['$1 utf8', '$2 utf8', '$3 utf8']],
  ['INSERT INTO t (n, v) VALUES (?, ?)', 'insert', [], ['$1 int32', '$2 float64']],
  ['DELETE FROM t WHERE n = ? RETURNING s', 'delete', ['s symbol'], ['$1 int32']],
  ['CREATE TABLE u (a BIGINT)', 'ddl', [], []],
])('%s', async (sql, kind, columns, parameters) => {
  expect(await prepared(sql)).toEqual([kind, columns, parameters]);
});

test('a statement that is wrong whatever its parameters are is an error, with its position', async () => {
  await expect(prepared('SELECT nothing FROM t WHERE n = ?')).rejects.toMatchObject({ code: 'column_not_found', position: 7 });
  await expect(prepared('SELECT ? FROM nothing')).rejects.toMatchObject({ code: 'table_not_found' });
});
