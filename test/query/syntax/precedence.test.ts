/** PostgreSQL's own grammar is the oracle: it must read our explicit parentheses as it reads the text without them. */
import fc from 'fast-check';
import { loadModule, parseSync } from 'libpg-query';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Expression } from '../../../src/query/syntax/ast/query.js';
import { parseExpression } from '../../../src/query/syntax/parser.js';
import { formatExpression } from '../../../src/query/syntax/printer.js';

beforeAll(async () => {
  await loadModule();
});

/** PostgreSQL's tree of an expression without its offsets, or null when it refuses it. */
function postgresTree(sql: string): string | null {
  try {
    return JSON.stringify(parseSync(`SELECT (${sql})`), (key, value) =>
      /location|^stmt_len$|_start$|_end$/.test(key) ? undefined : value,
    );
  } catch {
    return null;
  }
}

/** The tree with parentheses around every operator. */
function explicit(node: Expression): string {
  const not = 'negated' in node && node.negated ? 'NOT ' : '';
  switch (node.kind) {
    case 'unary':
      return `(${node.operator} ${explicit(node.operand)})`;
    case 'binary':
      return `(${explicit(node.left)} ${node.operator} ${explicit(node.right)})`;
    case 'logical':
      return `(${node.operands.map(explicit).join(` ${node.operator} `)})`;
    case 'is':
      return `(${explicit(node.operand)} IS ${not}${node.test})`;
    case 'distinctFrom':
      return `(${explicit(node.left)} IS ${not}DISTINCT FROM ${explicit(node.right)})`;
    case 'between':
      return `(${explicit(node.operand)} ${not}BETWEEN ${explicit(node.low)} AND ${explicit(node.high)})`;
    case 'inList':
      return `(${explicit(node.operand)} ${not}IN (${node.items.map(explicit).join(', ')}))`;
    case 'like':
      return `(${explicit(node.operand)} ${not}${node.operator === 'similar' ? 'SIMILAR TO' : node.operator} ${explicit(node.pattern)})`;
    case 'cast':
      return `(${explicit(node.operand)}::int)`;
    case 'atTimeZone':
      return `(${explicit(node.operand)} AT TIME ZONE ${explicit(node.zone)})`;
    case 'collate':
      return `(${explicit(node.operand)} COLLATE "C")`;
    case 'subscript':
      return `((${explicit(node.operand)})[${explicit(node.index)}])`;
    case 'quantified':
      return `(${explicit(node.left)} ${node.operator} ANY (${explicit(node.right)}))`;
    default:
      return formatExpression(node);
  }
}

const FIXED = [
  'a OR b AND NOT c = d',
  'NOT a = b',
  'NOT a IS NULL',
  'a = NOT b',
  'a < b IS TRUE',
  'a IS NULL = b',
  'a + b * c ^ d - e % f / g',
  '- a ^ b',
  '- a ^ - b',
  'a ^ b ^ c',
  'a - b - c',
  'a || b + c || d',
  'a -> b = c',
  'a < b LIKE c',
  'a LIKE b || c',
  'a = b IN (c, d)',
  'a NOT IN (b) AND c',
  'a BETWEEN b AND c AND d',
  'a BETWEEN b + 1 AND c || d OR e',
  'a IS DISTINCT FROM b = c',
  'a IS NOT DISTINCT FROM b AND c',
  '-a::int',
  'a + b::int',
  'a AT TIME ZONE b || c',
  'a + b AT TIME ZONE c',
  '- a AT TIME ZONE b',
  'a COLLATE "C" || b COLLATE "C"',
  '~ a + b',
  '~ a || b',
  'a & b + c | d',
  'a[1]::int + b[c + 1]',
  'a = ANY (b) AND c',
  'a + b = ANY (c)',
  'NOT a LIKE b',
  'a ISNULL AND b NOTNULL',
  '@ a - b',
  'a <> b OR a != c',
  'a ~ b || c',
];

describe('operators bind as in PostgreSQL', () => {
  it.each(FIXED)('%s', (sql) => {
    const expected = postgresTree(sql);
    expect(expected).not.toBeNull();
    expect(postgresTree(explicit(parseExpression(sql)))).toBe(expected);
  });

  const atom = fc.constantFrom('a', 'b', '1', "'x'", 'f(c)', '(d)');
  const prefix = fc.constantFrom('', '', '', '', '- ', 'NOT ', '+ ', '~ ');
  const postfix = fc.constantFrom(
    '',
    '',
    '',
    '',
    ' IS NULL',
    ' IS NOT TRUE',
    '::int',
    '[1]',
    ' COLLATE "C"',
    " AT TIME ZONE 'u'",
    ' IN (1, 2)',
    ' NOT BETWEEN 1 AND 2',
  );
  const infix = fc.constantFrom(
    ...['+', '-', '*', '/', '%', '^', '||', '&', '|', '#', '<<', '->', '@>', '~', '!~*', '=', '<>', '<', '>=', 'AND', 'OR', 'AND', 'OR'],
    ...['LIKE', 'NOT ILIKE', 'IS DISTINCT FROM', 'SIMILAR TO', 'BETWEEN 1 AND'],
  );
  const operand = fc.tuple(prefix, atom, postfix).map((parts) => parts.join(''));
  const expression = fc
    .tuple(operand, fc.array(fc.tuple(infix, operand), { maxLength: 7 }))
    .map(([first, rest]) => first + rest.map(([operator, right]) => ` ${operator} ${right}`).join(''));

  it('in any order', () => {
    let compared = 0;
    fc.assert(
      fc.property(expression, (sql) => {
        const expected = postgresTree(sql);
        if (expected === null) return;
        compared++;
        const tree = parseExpression(sql);
        expect(postgresTree(explicit(tree)), sql).toBe(expected);
        expect(postgresTree(formatExpression(tree)), `${sql} printed`).toBe(expected);
      }),
      { numRuns: 3000 },
    );
    expect(compared).toBeGreaterThan(500);
  });
});
