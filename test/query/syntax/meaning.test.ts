import { describe, expect, it } from 'vitest';
import type { Expression, Query, Select } from '../../../src/query/syntax/ast/query.js';
import type { TableReference } from '../../../src/query/syntax/ast/table.js';
import { parseExpression, parseStatement, parseStatements } from '../../../src/query/syntax/parser.js';
import { formatExpression } from '../../../src/query/syntax/printer.js';
import { withoutOffsets } from './tree.js';

function select(sql: string): Select {
  const statement = parseStatement(sql) as Query;
  if (statement.body.kind !== 'select') throw new Error(statement.body.kind);
  return statement.body;
}

function table(sql: string): TableReference {
  const [reference] = select(`SELECT * FROM ${sql}`).from;
  if (reference === undefined) throw new Error('no table');
  return reference;
}

function expectNode(node: unknown, shape: object): void {
  expect(withoutOffsets(node)).toMatchObject(shape);
}

const column = (name: string) => ({ kind: 'column', name: [{ name }] });
const string = (value: string) => ({ kind: 'string', value });

describe('literals keep their value', () => {
  const numbers: readonly (readonly [string, string, boolean])[] = [
    ['18446744073709551616', '18446744073709551616', true],
    ['1_000_000', '1000000', true],
    ['0xFF', '255', true],
    ['0b101', '5', true],
    ['0o17', '15', true],
    ['0xffff_ffff_ffff_ffff', '18446744073709551615', true],
    ['1.50', '1.50', false],
    ['.5', '0.5', false],
    ['5.', '5.0', false],
    ['1E5', '1e5', false],
    ['1.5e-3', '1.5e-3', false],
  ];
  it.each(numbers)('%s', (sql, text, isInteger) => expectNode(parseExpression(sql), { kind: 'number', text, isInteger }));

  const strings: readonly (readonly [string, string])[] = [
    ["'it''s'", "it's"],
    ["'a\\n'", 'a\\n'],
    ["E'a\\n\\t\\\\\\'\\x41\\101\\u00e9\\U0001F600'", "a\n\t\\'AAé😀"],
    ["$$it's$$", "it's"],
    ['$x$ $$ $x$', ' $$ '],
    ["U&'\\0041\\+01F600\\\\'", 'A😀\\'],
    ["'a'\n  'b'", 'ab'],
    ["'日本'", '日本'],
  ];
  it.each(strings)('%s', (sql, value) => expectNode(parseExpression(sql), string(value)));

  it('the least int64 is a sign before a number', () => {
    expectNode(parseExpression('-9223372036854775808'), { kind: 'unary', operator: '-', operand: { text: '9223372036854775808' } });
  });

  it('durations are whole parts, and case tells minutes from months', () => {
    const parts = (sql: string) => {
      const node = parseExpression(sql);
      return node.kind === 'duration' ? node.parts.map((part) => `${part.amount} ${part.unit}`) : node.kind;
    };
    expect(parts('1h30m')).toEqual(['1 hour', '30 minute']);
    expect(parts('250ms')).toEqual(['250 millisecond']);
    expect(parts('100T')).toEqual(['100 millisecond']);
    expect(parts('2M')).toEqual(['2 month']);
    expect(parts('1e5')).toBe('number');
  });

  it('typed literals, intervals and blobs', () => {
    expectNode(parseExpression("TIMESTAMP '2026-01-01'"), { kind: 'typedLiteral', type: { name: 'timestamp' }, value: '2026-01-01' });
    expectNode(parseExpression("TIMESTAMP(9) WITH TIME ZONE 'x'"), {
      type: { name: 'timestamp with time zone', arguments: [{ value: 9 }] },
    });
    expectNode(parseExpression("INTERVAL '1 hour'"), { kind: 'interval', quantity: string('1 hour'), unit: null });
    expectNode(parseExpression('INTERVAL 5 MINUTES'), { kind: 'interval', quantity: { text: '5' }, unit: 'minute' });
    expectNode(parseExpression("X'00fF'"), { kind: 'blob', hex: '00ff' });
  });

  it('parameters of four spellings; question marks count through the text', () => {
    expectNode(parseExpression('[$2, ?, ?, :a, $b, {c:Int64}]'), {
      items: [{ index: 2 }, { index: 1 }, { index: 2 }, { name: 'a' }, { name: 'b' }, { name: 'c', type: { name: 'int64' } }],
    });
    const [, second] = parseStatements('SELECT ?; SELECT ?');
    expectNode(second, { body: { items: [{ expression: { index: 2 } }] } });
  });

  it('braces with a space or another word are a struct', () => {
    expectNode(parseExpression('{a: date}'), { kind: 'struct', fields: [{ name: { name: 'a', quoted: false }, value: column('date') }] });
    expectNode(parseExpression('{a:b}'), { kind: 'struct' });
    expectNode(parseExpression("{'a': 1}"), { kind: 'struct', fields: [{ name: { name: 'a', quoted: true } }] });
  });
});

describe('names', () => {
  it('keep their case and whether they were quoted', () => {
    expectNode(parseExpression('T."Col"'), {
      name: [
        { name: 'T', quoted: false },
        { name: 'Col', quoted: true },
      ],
    });
    expectNode(parseExpression('`a b`'), { name: [{ name: 'a b', quoted: true }] });
    expectNode(parseExpression('U&"d\\0061t"'), { name: [{ name: 'dat', quoted: true }] });
  });

  it('a clause word is an alias unless its clause follows', () => {
    expectNode(table('t sample'), { kind: 'table', alias: { name: { name: 'sample' } } });
    expect(select('SELECT * FROM t SAMPLE BY 1m').sampleBy).not.toBeNull();
    expectNode(table('t asof'), { alias: { name: { name: 'asof' } } });
    expect(table('t ASOF JOIN u').kind).toBe('asofJoin');
    expectNode(table('t fill'), { alias: { name: { name: 'fill' } } });
    expectNode(table('t timestamp'), { alias: { name: { name: 'timestamp' } } });
    expectNode(table('t TIMESTAMP(ts)'), { alias: null, timestamp: { name: 'ts' } });
    expect(table('t UNION JOIN u')).toMatchObject({ kind: 'join', type: 'union' });
    expect(table('t WINDOW JOIN u RANGE BETWEEN 1s PRECEDING AND 1s FOLLOWING').kind).toBe('windowJoin');
  });
});

describe('standard spellings become plain calls', () => {
  const calls: readonly (readonly [string, string])[] = [
    ['SUBSTRING(s FROM 2 FOR 3)', 'substring(s, 2, 3)'],
    ['SUBSTRING(s FOR 3)', 'substring(s, 1, 3)'],
    ["POSITION('a' IN s)", "position(s, 'a')"],
    ["TRIM(LEADING 'x' FROM s)", "ltrim(s, 'x')"],
    ['TRIM(BOTH FROM s)', 'trim(s)'],
    ["OVERLAY(s PLACING 'x' FROM 2 FOR 1)", "overlay(s, 'x', 2, 1)"],
    ['current_date', 'CURRENT_DATE'],
    ['a == b AND c != d', 'a = b AND c <> d'],
    ['x::int', 'CAST(x AS int)'],
    ["s ~~* 'a'", "s ILIKE 'a'"],
    ['ARRAY[1, 2]', '[1, 2]'],
    ['2 ** 3', '2 ^ 3'],
    ['- - 1', '-(-1)'],
  ];
  it.each(calls)('%s', (sql, printed) => expect(formatExpression(parseExpression(sql))).toBe(printed));
});

describe('expressions of two readings', () => {
  it('an arrow is a lambda, or the JSON operator before a key', () => {
    const first = (sql: string) => {
      const node = parseExpression(sql);
      return node.kind === 'function' ? node.arguments[0]?.value.kind : node.kind;
    };
    expect(first('f(x -> x + 1)')).toBe('lambda');
    expect(first("f(x -> 'a')")).toBe('binary');
    expect(first('f(x -> 0)')).toBe('binary');
    expect(first("list_transform(x -> 'a' || x)")).toBe('lambda');
    expect(first('f((x, y) -> 1)')).toBe('lambda');
    expect(first("x -> 'a'")).toBe('binary');
  });

  it('IN takes a list, a query, or a value without parentheses', () => {
    const kinds = ['x IN (1)', 'x IN (SELECT 1)', 'x IN ((SELECT 1))', 'x IN ((SELECT 1), 2)', "ts IN '2026-01'", 'x NOT IN $1'];
    expect(kinds.map((sql) => parseExpression(sql).kind)).toEqual(['inList', 'inQuery', 'inQuery', 'inList', 'inSet', 'inSet']);
  });

  it('brackets hold an index or a slice', () => {
    expect(['x[1]', 'x[1:2]', 'x[:n]', 'x[1:]', 'x[:]'].map((sql) => parseExpression(sql).kind)).toEqual([
      'subscript',
      ...Array(4).fill('slice'),
    ]);
  });

  it('AND chains are flat and parentheses nest', () => {
    expectNode(parseExpression('a AND b AND (c AND d) OR e'), {
      operator: 'or',
      operands: [{ operator: 'and', operands: [column('a'), column('b'), { operator: 'and' }] }, column('e')],
    });
  });
});

describe('time-series clauses', () => {
  it('SAMPLE BY', () => {
    const { sampleBy } = select(
      "SELECT x FROM t SAMPLE BY 5m FROM 'a' TO 'b' FILL(PREV MAX GAP 1h, 0) MAX GAP '2h' ALIGN TO CALENDAR TIME ZONE 'UTC' WITH OFFSET '01:00'",
    );
    expectNode(sampleBy, {
      width: { kind: 'duration', parts: [{ amount: 5, unit: 'minute' }] },
      from: string('a'),
      to: string('b'),
      fill: [
        { mode: 'prev', maxGap: { kind: 'duration' } },
        { mode: 'value', value: { text: '0' }, maxGap: null },
      ],
      maxGap: string('2h'),
      align: { kind: 'calendar', timeZone: string('UTC'), offset: string('01:00') },
    });
  });

  it('LATEST ON after WHERE', () => {
    const { where, latestOn } = select('SELECT * FROM t WHERE a LATEST ON ts PARTITION BY s, v');
    expectNode([where, latestOn], [column('a'), { timestamp: column('ts'), partitionBy: [column('s'), column('v')] }] as object);
  });

  it('ASOF joins', () => {
    expectNode(table('a ASOF JOIN b ON (sym) TOLERANCE 5s'), {
      variant: 'asof',
      outer: null,
      condition: { kind: 'using', columns: [{ name: 'sym' }] },
      tolerance: { kind: 'duration' },
    });
    expectNode(table('a ASOF LEFT JOIN b MATCH_CONDITION (a.t >= b.t) ON a.k = b.k'), {
      outer: 'left',
      matchCondition: { operator: '>=' },
      condition: { kind: 'on' },
    });
    expectNode(table('a ASOF JOIN b ON a.k = b.k AND a.t NEAREST b.t'), {
      nearest: false,
      condition: { expression: { operands: [{}, { operator: 'nearest' }] } },
    });
    expectNode(table('a ASOF JOIN b ON a.k = b.k NEAREST'), { nearest: true });
    expectNode(table('a LT JOIN b ASOF JOIN c'), { variant: 'asof', left: { variant: 'lt' } });
    expectNode(table('a AJ0 b USING (k, t)'), { variant: 'aj0' });
  });

  it('WINDOW and HORIZON joins', () => {
    expectNode(table('a WINDOW JOIN b ON (k) RANGE BETWEEN 1 SECOND PRECEDING AND CURRENT ROW EXCLUDE PREVAILING'), {
      start: { kind: 'preceding', offset: { kind: 'duration' } },
      finish: { kind: 'currentRow' },
      prevailing: 'exclude',
    });
    expectNode(table('a HORIZON JOIN b ON (k) RANGE FROM -10s TO 60s STEP 1s AS h'), {
      offsets: { kind: 'range', from: { kind: 'unary', operator: '-' }, step: { kind: 'duration' } },
      alias: { name: { name: 'h' } },
    });
  });

  it('a table of ours', () => {
    const sql =
      "CREATE TABLE t (ts TIMESTAMP_NS, sym SYMBOL NOT NULL) TIMESTAMP(ts) PARTITION BY DAY CLUSTER BY (sym) TTL 90 DAYS DEDUP KEYS (ts, sym) WITH (a = 'b')";
    expectNode(parseStatement(sql), {
      columns: [
        { name: { name: 'ts' }, type: { name: 'timestamp_ns' }, constraints: [] },
        { name: { name: 'sym' }, constraints: [{ kind: 'notNull' }] },
      ],
      timestamp: { name: 'ts' },
      partitionBy: 'day',
      clusterBy: [{ name: 'sym' }],
      timeToLive: { kind: 'duration', parts: [{ amount: 90, unit: 'day' }] },
      dedupKeys: [{ name: 'ts' }, { name: 'sym' }],
      options: [{ name: 'a', value: string('b') }],
    });
  });
});

describe('every node knows its text', () => {
  it('position and end delimit it', () => {
    const sql = "SELECT a + b * f(c, 'd') AS x FROM t AS u WHERE y IS NOT NULL";
    const { items, from, where } = select(sql);
    const textOf = (node: { position: number; end: number } | null | undefined) => sql.slice(node?.position, node?.end);
    const sum = items[0]?.expression as Expression & { kind: 'binary' };
    expect(textOf(items[0])).toBe("a + b * f(c, 'd') AS x");
    expect(textOf(sum)).toBe("a + b * f(c, 'd')");
    expect(textOf(sum.right)).toBe("b * f(c, 'd')");
    expect(sql[sum.operatorPosition]).toBe('+');
    expect(textOf(from[0])).toBe('t AS u');
    expect(textOf(where)).toBe('y IS NOT NULL');
  });

  it('several statements keep their offsets in the whole text', () => {
    const sql = ' SELECT 1 ;; SELECT 2';
    expect(parseStatements(sql).map((statement) => sql.slice(statement.position, statement.end))).toEqual(['SELECT 1', 'SELECT 2']);
  });
});
