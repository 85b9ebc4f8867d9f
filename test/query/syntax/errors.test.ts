import { describe, expect, it } from 'vitest';
import { DbError } from '../../../src/core/errors.js';
import { parseExpression, parseStatement, parseStatements } from '../../../src/query/syntax/parser.js';

function errorOf(sql: string): DbError {
  try {
    parseStatements(sql);
  } catch (thrown) {
    if (thrown instanceof DbError) return thrown;
    throw thrown;
  }
  throw new Error(`accepted: ${sql}`);
}

/** The text, `^` before the token that must be blamed; a piece of the message; a piece of the hint. */
const BLAMED: readonly (readonly [sql: string, message: string, hint?: string])[] = [
  ['^selec 1', 'expected a statement, found "selec"', 'SELECT'],
  ['^CRAETE TABLE t (a INT)', 'expected a statement', 'CREATE'],
  ['SELECT a FORM ^t', 'expected the end of the statement, found "t"', 'FROM instead of FORM'],
  ['SELECT * ^FORM t', 'found "FORM"', 'FROM'],
  ['SELECT * FROM t WEHRE ^x = 1', 'found "x"', 'WHERE instead of WEHRE'],
  ['SELECT * FROM t ODER ^BY 1', 'found BY', 'ORDER instead of ODER'],
  ['SELECT a FROM t GROUP ^BT a', 'expected BY, found "BT"', 'BY'],
  ['SELECT a FROM t WHERE^', 'expected an expression, found the end of the statement'],
  ['SELECT ^FROM t', 'expected an expression, found FROM'],
  ['SELECT * FROM ^select', 'expected a table, found SELECT', '"select"'],
  ['SELECT (1 + 2^', 'expected ")", found the end of the statement'],
  ['SELECT f(1, ^)', 'expected an expression, found ")"'],
  ['SELECT a < b ^< c', 'comparisons cannot be chained', 'AND'],
  ['SELECT CASE ^END', 'expected an expression, found END'],
  ['SELECT CASE WHEN a ^ELSE b END', 'expected THEN, found ELSE'],
  ['SELECT CAST(a ^, int)', 'expected AS, found ","'],
  ['SELECT a IS ^5', 'expected NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM, found "5"'],
  ['SELECT x BETWEEN 1 ^OR 2', 'expected AND, found OR'],
  ["SELECT ^'abc", 'unterminated string'],
  ['SELECT ^"abc', 'unterminated quoted identifier'],
  ['SELECT ^""', 'cannot be empty'],
  ['SELECT 1 ^/* a /* b */', 'unterminated comment'],
  ['SELECT ^$tag$ a', 'unterminated dollar-quoted string'],
  ['SELECT ^5x', 'neither a number nor a duration', '"x" is no unit'],
  ['SELECT ^1.5h', 'neither a number nor a duration', 'whole numbers'],
  ['SELECT ^1h30', 'neither a number nor a duration', 'no unit'],
  ['SELECT ^0xzz', 'is not a number'],
  ["SELECT ^X'abc'", 'pairs of hexadecimal digits'],
  ['SELECT 1 ^\\ 2', 'unexpected character "\\\\"'],
  ['SELECT ^$0', '$0 is no parameter'],
  ['SELECT a FROM t JOIN u^', 'expected ON or USING'],
  ['SELECT a FROM t GROUP BY a ^WHERE b', 'WHERE stands too late', 'order'],
  ['SELECT a FROM t WHERE a ^WHERE b', 'a second WHERE clause'],
  ['SELECT a FROM t SAMPLE BY 1h FILL(PREV) ALIGN TO ^CALENDER', 'expected CALENDAR', 'CALENDAR'],
  ['SELECT a FROM t LATEST ON ts ^BY sym', 'expected PARTITION, found BY'],
  ['SELECT * FROM t WINDOW JOIN q ON (sym) ^WHERE x', 'expected RANGE, found WHERE'],
  ['INSERT ^t VALUES (1)', 'expected INTO, found "t"'],
  ['INSERT INTO t ^VALEUS (1)', 'found "VALEUS"', 'VALUES'],
  ['INSERT INTO t VALUES (1) ON CONFLICT DO ^DELETE', 'NOTHING or UPDATE'],
  ['UPDATE t ^WHERE a', 'expected SET, found WHERE'],
  ['DELETE ^t', 'expected FROM, found "t"'],
  ['CREATE ^TABEL t (a INT)', 'expected TABLE, VIEW, SCHEMA or INDEX', 'TABLE'],
  ['CREATE TABLE t (a INT) PARTITION BY ^CENTURY', 'HOUR, DAY, WEEK, MONTH, YEAR or NONE'],
  ['CREATE TABLE t^', 'expected "(" or AS'],
  ['CREATE TABLE t (a INT ^NOT UNIQUE)', 'expected NOT NULL'],
  ['ALTER TABLE t ^FROB', 'ADD, DROP, RENAME'],
  ['EXPLAIN FORMAT ^xml SELECT 1', 'TEXT or JSON'],
  ['SHOW COLUMNS ^t', 'expected FROM'],
  ['SELECT 1; SELECT ^', 'expected an expression'],
  ['SELECT 1 ^SELECT 2', 'expected the end of the statement, found SELECT'],
];

describe('a syntax error names its place, what was found and what was expected', () => {
  for (const [marked, message, hint] of BLAMED) {
    it(marked, () => {
      const position = marked.indexOf('^');
      const error = errorOf(marked.slice(0, position) + marked.slice(position + 1));
      expect(error.code).toBe('syntax_error');
      expect(error.message).toContain(message);
      expect(error.position).toBe(position);
      if (hint !== undefined) expect(error.hint).toContain(hint);
    });
  }

  it('positions are offsets in characters, not bytes', () => {
    expect(errorOf("SELECT 'naïve 日本 🎉' FROM t WHERE )").position).toBe("SELECT 'naïve 日本 🎉' FROM t WHERE ".length);
  });

  it('one statement is wanted where one is wanted', () => {
    expect(() => parseStatement('')).toThrow('expected a statement, found nothing');
    expect(() => parseStatement(' ; -- nothing')).toThrow('found nothing');
    expect(() => parseStatement('SELECT 1; SELECT 2')).toThrow('found several');
    expect(() => parseExpression('1 2')).toThrow('expected the end of the expression');
  });
});
