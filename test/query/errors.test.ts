/** Wrong statements: every error has its code, its place, and for names the nearest known one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asDbError } from '../../src/core/errors.js';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';

let engine: OpenEngine;

beforeAll(async () => {
  engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '256MB' }), { workerThreads: 0 });
  const sql =
    'CREATE TABLE trades (ts TIMESTAMP, sym SYMBOL, price DOUBLE, size BIGINT); CREATE SCHEMA lab; CREATE VIEW recent AS SELECT * FROM trades';
  await engine.query.execute({ sql, principal: EMBEDDED });
});
afterAll(() => engine.close());

async function failure(sql: string): Promise<string> {
  try {
    const result = await engine.query.execute({ sql, principal: EMBEDDED });
    for await (const batch of result.batches) batch.release();
    return 'no error';
  } catch (error) {
    const { code, position, hint } = asDbError(error);
    return `${code} @${position}${hint?.startsWith('did you mean') ? ` ${hint}` : ''}`;
  }
}

const WRONG: readonly (readonly [sql: string, failure: string])[] = [
  ['SELECT * FROM trade', 'table_not_found @14 did you mean trades?'],
  ['SELECT * FROM tradess t JOIN trades u ON true', 'table_not_found @14 did you mean trades?'],
  ['SELECT * FROM lab.trades', 'table_not_found @14 did you mean trades?'],
  ['SELECT * FROM recnt', 'table_not_found @14 did you mean recent?'],
  ['SELECT * FROM information_schema.tabels', 'table_not_found @14 did you mean tables?'],
  ['SELECT * FROM pg_catalog.pg_clas', 'table_not_found @14 did you mean pg_class?'],
  ['SELECT prise FROM trades', 'column_not_found @7 did you mean price?'],
  ['SELECT t.prise FROM trades t', 'column_not_found @7 did you mean price?'],
  ['SELECT x.price FROM trades t', 'column_not_found @7 did you mean t?'],
  ['SELECT price FROM trades WHERE sise > 1', 'column_not_found @31 did you mean size?'],
  ['SELECT price FROM trades GROUP BY symm', 'column_not_found @34 did you mean sym?'],
  ['SELECT price FROM trades ORDER BY pricee', 'column_not_found @34 did you mean price?'],
  ['SELECT lowr(sym) FROM trades', 'function_not_found @7 did you mean lower?'],
  ['SELECT summ(price) FROM trades', 'function_not_found @7 did you mean sum?'],
  ['SELECT row_numbr() OVER () FROM trades', 'function_not_found @7 did you mean row_number?'],
  ['SELECT * FROM generate_serie(1, 2)', 'unsupported @14 did you mean generate_series?'],
  ['SELECT * FROM fletch_setings()', 'unsupported @14 did you mean fletch_settings?'],
  ['SELECT CAST(1 AS integr)', 'type_mismatch @17 did you mean integer?'],
  ['CREATE TABLE x (a bigintt)', 'type_mismatch @18 did you mean bigint?'],
  ['SET timezoen = 1', 'invalid_argument @0 did you mean timezone?'],
  ['SHOW timezoen', 'invalid_argument @5 did you mean timezone?'],
  ["SET dialect = 'mysq'", 'invalid_argument @0 did you mean mysql?'],
  ["SELECT 'x'::regtype", 'not_found @7'],
  ["SELECT 'trade'::regclass", 'table_not_found @7 did you mean trades?'],
  ['INSERT INTO trade VALUES (1)', 'table_not_found @12 did you mean trades?'],
  ['INSERT INTO trades (prise) VALUES (1)', 'column_not_found @20 did you mean price?'],
  ['UPDATE trades SET prise = 1', 'column_not_found @18 did you mean price?'],
  ['UPDATE trade SET price = 1', 'table_not_found @7 did you mean trades?'],
  ['DELETE FROM trade', 'table_not_found @12 did you mean trades?'],
  ['DROP TABLE trade', 'table_not_found @11 did you mean trades?'],
  ['DROP VIEW recet', 'table_not_found @10 did you mean recent?'],
  ['ALTER TABLE trades DROP COLUMN prise', 'column_not_found @31 did you mean price?'],
  ['TRUNCATE trade', 'table_not_found @9 did you mean trades?'],
  ['DESCRIBE trade', 'table_not_found @9 did you mean trades?'],
  ['SUMMARIZE trade', 'table_not_found @10 did you mean trades?'],
  ['SHOW CREATE TABLE trade', 'table_not_found @18 did you mean trades?'],
  ['SELECT price + sym FROM trades', 'type_mismatch @13'],
  ['SELECT sum(sym) FROM trades', 'function_not_found @7'],
  ['SELECT price, sum(size) FROM trades', 'invalid_grouping @7'],
  ['SELECT * FROM trades WHERE sum(size) > 1', 'invalid_grouping @27'],
  ['SELECT * FROM trades WHERE price', 'type_mismatch @27'],
  ['SELECT ts FROM trades a, trades b', 'ambiguous_column @7'],
  ['SELECT 1 UNION SELECT 1, 2', 'type_mismatch @15'],
  ["SELECT 1 UNION SELECT upper('x')", 'type_mismatch @15'],
  ['SELECT (SELECT 1, 2)', 'type_mismatch @7'],
  ['SELECT $1', 'parameter_missing @7'],
  ['SELECT 1 +', 'syntax_error @10'],
  ['SELEC 1', 'syntax_error @0 did you mean SELECT?'],
  ['SELECT FROM WHERE', 'syntax_error @7'],
  ["SELECT 'abc", 'syntax_error @7'],
  ['SELECT (1', 'syntax_error @9'],
  ["SELECT DATE '2024-13-01'", 'invalid_value @7'],
  ["SELECT '12x'::int", 'invalid_value @7'],
  ['SELECT * FROM trades LIMIT price', 'column_not_found @27'],
  ['SELECT * FROM trades ORDER BY 9', 'column_not_found @30'],
  ['SELECT 1 ORDER BY ALL DESCC', 'syntax_error @22 did you mean DESC?'],
  ['CREATE TABLE trades (a INT)', 'table_exists @13'],
  ['CREATE TABLE y (a INT, a INT)', 'invalid_argument @13'],
  ['EXPLAIN SELECT prise FROM trades', 'column_not_found @15 did you mean price?'],
  ['WITH a AS (SELECT 1) SELECT * FROM b', 'table_not_found @35 did you mean a?'],
];

describe('a wrong statement', () => {
  it.each(WRONG)('%s', async (sql, wanted) => {
    expect(await failure(sql)).toBe(wanted);
  });
});
