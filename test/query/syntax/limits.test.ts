import { describe, expect, it } from 'vitest';
import { DbError } from '../../../src/core/errors.js';
import { parseExpression, parseStatement, parseStatements } from '../../../src/query/syntax/parser.js';
import { formatExpression, formatStatement } from '../../../src/query/syntax/printer.js';

function codeOf(sql: string): string {
  try {
    parseStatements(sql);
    return 'accepted';
  } catch (thrown) {
    if (thrown instanceof DbError) return thrown.code;
    throw thrown;
  }
}

const MANY = 50_000;

/** `before` a thousand times over, the kernel, `after` as often. */
const NESTED: readonly (readonly [before: string, kernel: string, after: string])[] = [
  ['SELECT |(', '1', ')'],
  ['SELECT |f(', '1', ')'],
  ['SELECT |- ', '1', ''],
  ['SELECT |+', '1', ''],
  ['SELECT |~ ', '1', ''],
  ['SELECT |NOT ', '1', ''],
  ['SELECT |CASE WHEN ', '1', ' THEN 1 END'],
  ['SELECT |CASE ', '1', ' WHEN 1 THEN 1 END'],
  ['SELECT |[', '1', ']'],
  ['SELECT |{a: ', '1', '}'],
  ['SELECT |MAP {1: ', '1', '}'],
  ['SELECT |CAST(', '1', ' AS int)'],
  ['SELECT |(SELECT ', '1', ')'],
  ['SELECT |EXISTS (SELECT ', '1', ')'],
  ['SELECT |ARRAY(SELECT ', '1', ')'],
  ['SELECT |1 IN (', '1', ')'],
  ['SELECT |1 IN (SELECT ', '1', ')'],
  ['SELECT |1 = ANY (', '1', ')'],
  ['SELECT |x[', '1', ']'],
  ['SELECT |f(x -> ', '1', ')'],
  ['SELECT |f() FILTER (WHERE ', '1', ')'],
  ['SELECT |f() OVER (ORDER BY ', '1', ')'],
  ['SELECT |INTERVAL (', '1', ') DAY'],
  ['SELECT |EXTRACT(year FROM ', '1', ')'],
  ['SELECT |TRIM(BOTH FROM ', '1', ')'],
  ['SELECT |COLUMNS(* REPLACE (', '1', ' AS a))'],
  ['SELECT 1::|LIST(', 'INT', ')'],
  ['SELECT * FROM |(', 't', ')'],
  ['SELECT * FROM |(SELECT * FROM ', 't', ')'],
  ['SELECT * FROM |f(ARRAY(SELECT * FROM ', 't', '))'],
  ['SELECT * FROM a |JOIN b ', 'JOIN c ON 1', ' ON 1'],
  ['|(', 'SELECT 1', ')'],
  ['|(SELECT 1 UNION ', 'SELECT 1', ')'],
  ['|WITH a AS (', 'SELECT 1', ') SELECT 1'],
  ['|EXPLAIN ', 'SELECT 1', ''],
  ['|PREPARE p AS ', 'SELECT 1', ''],
  ['SELECT 1 GROUP BY |GROUPING SETS (', 'a', ')'],
];

function nested([before, kernel, after]: readonly [string, string, string], times: number): string {
  const [start = '', repeated = ''] = before.split('|');
  return start + repeated.repeat(times) + kernel + after.repeat(times);
}

describe('nesting is bounded', () => {
  it.each(NESTED)('%s %s %s', (...shape) => {
    expect(codeOf(nested(shape, 20))).toBe('accepted');
    expect(codeOf(nested(shape, 1000))).toBe('nesting_too_deep');
    expect(codeOf(nested(shape, MANY))).toBe('nesting_too_deep');
  });

  it('200,000 parentheses, signs or NOTs end in the same error', () => {
    for (const shape of [
      ['SELECT |(', '1', ')'],
      ['SELECT |- ', '1', ''],
      ['SELECT |NOT ', '1', ''],
    ] as const) {
      expect(codeOf(nested(shape, 200_000))).toBe('nesting_too_deep');
    }
  });

  it('at least ninety levels of anything are accepted', () => {
    for (const shape of NESTED) expect(codeOf(nested(shape, 90)), shape[0]).toBe('accepted');
  });

  it('a chain that makes the tree tall is bounded, so that whoever walks the tree is safe', () => {
    for (const link of [' + 1', ' || 1', ' ^ 1', '::int', '[1]', ' IS NULL', ' COLLATE c', " AT TIME ZONE 'u'", ' EXCEPT SELECT 1']) {
      expect(codeOf(`SELECT a${link.repeat(900)}`), link).toBe('accepted');
      expect(codeOf(`SELECT a${link.repeat(MANY)}`), link).toBe('nesting_too_deep');
    }
    expect(codeOf(`SELECT * FROM a${' CROSS JOIN b'.repeat(900)}`)).toBe('accepted');
    expect(codeOf(`SELECT * FROM a${' CROSS JOIN b'.repeat(MANY)}`)).toBe('nesting_too_deep');
  });

  it('a chain of one kind of union may be long', () => {
    for (const link of [' UNION ALL SELECT 1', ' UNION SELECT 1', ' UNION ALL BY NAME SELECT 1']) {
      expect(codeOf(`SELECT 1${link.repeat(20_000)}`), link).toBe('accepted');
    }
  });

  it('whatever is accepted can be printed', () => {
    for (const shape of NESTED) expect(formatStatement(parseStatement(nested(shape, 90)))).not.toBe('');
    for (const link of [' + 1', ' IS NULL', ' COLLATE c', ' UNION ALL SELECT 1']) {
      expect(formatStatement(parseStatement(`SELECT a${link.repeat(990)}`)).length).toBeGreaterThan(990);
    }
  });

  it('tall chains inside each other add up', () => {
    let sql = '1';
    for (let i = 0; i < 40; i++) sql = `(${sql})${' + 1'.repeat(100)}`;
    expect(codeOf(`SELECT ${sql}`)).toBe('nesting_too_deep');
  });

  it('AND and OR chains are one node of any length', () => {
    for (const operator of ['and', 'or'] as const) {
      const tree = parseExpression(Array.from({ length: 100_000 }, (_, i) => `a = ${i}`).join(` ${operator} `));
      expect(tree.kind === 'logical' && tree.operands.length).toBe(100_000);
      expect(formatExpression(tree).length).toBeGreaterThan(1_000_000);
    }
  });

  it('the depth is an option', () => {
    expect(() => parseStatements(`SELECT ${'('.repeat(30)}1${')'.repeat(30)}`, { maxDepth: 20 })).toThrow(DbError);
    expect(() => parseStatements(`SELECT ${'('.repeat(30)}1${')'.repeat(30)}`, { maxDepth: 60 })).not.toThrow();
  });

  it('a caller deep in its own stack gets the same error', () => {
    const sql = `SELECT ${'f('.repeat(200)}1${')'.repeat(200)}`;
    const codes = new Set<string>();
    const descend = (): void => {
      codes.add(codeOf(sql));
      if (!codes.has('nesting_too_deep')) descend();
    };
    descend();
    expect([...codes]).toEqual(['accepted', 'nesting_too_deep']);
  });
});

describe('size is bounded', () => {
  it('a 50 MB statement is refused at once', () => {
    const sql = `SELECT '${'x'.repeat(50 * 1024 * 1024)}'`;
    const start = performance.now();
    expect(codeOf(sql)).toBe('statement_too_large');
    expect(performance.now() - start).toBeLessThan(200);
  });

  it('the limit counts bytes', () => {
    expect(() => parseStatements(`SELECT '${'é'.repeat(60)}'`, { maxBytes: 100 })).toThrow('longer than 100 bytes');
    expect(() => parseStatements(`SELECT '${'e'.repeat(60)}'`, { maxBytes: 100 })).not.toThrow();
  });

  it('100,000 rows of VALUES are read whole', () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => `(${i}, 'sym${i % 100}', ${i / 8}, -1, NULL)`);
    const statement = parseStatement(`INSERT INTO t VALUES ${rows.join(', ')}`);
    const body = statement.kind === 'insert' ? statement.source?.body : undefined;
    expect(body?.kind === 'values' && body.rows.length).toBe(100_000);
  });

  it('hostile comments and quotes cost linear time', () => {
    expect(codeOf('/*'.repeat(MANY))).toBe('syntax_error');
    expect(codeOf(`${'/*'.repeat(MANY)}${'*/'.repeat(MANY)} SELECT 1`)).toBe('accepted');
    expect(codeOf(`${'/**/'.repeat(MANY)}SELECT 1`)).toBe('accepted');
    expect(codeOf(`SELECT '${"''".repeat(MANY)}'`)).toBe('accepted');
    expect(codeOf('$a$'.repeat(MANY + 1))).toBe('syntax_error');
    expect(codeOf(`${'('.repeat(MANY)}x, y) ->`)).toBe('nesting_too_deep');
  });
});
