/** What a dialect's statement is in ours, printed; and that grouping does not depend on the package's own. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIALECTS } from '../../../src/query/dialects/dialect.js';
import { readDialect } from '../../../src/query/dialects/read-dialect.js';
import { formatStatement } from '../../../src/query/syntax/printer.js';

async function translated(dialect: string, sql: string): Promise<string> {
  const statements = await readDialect(sql, dialect, {});
  return statements.map(formatStatement).join('; ');
}

const SENTENCES: readonly (readonly [dialect: string, sql: string, ours: string])[] = [
  ['mysql', 'SELECT a, SUM(b) FROM t GROUP BY a WITH ROLLUP', 'SELECT a, sum(b) FROM t GROUP BY ROLLUP (a)'],
  [
    'mysql',
    'SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b DESC) FROM t',
    'SELECT row_number() OVER (PARTITION BY a ORDER BY b DESC NULLS LAST) FROM t',
  ],
  [
    'mysql',
    'SELECT SUM(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING) FROM t',
    'SELECT sum(a) OVER (ORDER BY b NULLS FIRST ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING) FROM t',
  ],
  ['mysql', "UPDATE t SET a = a + 1, b = 'x' WHERE c = 2", "UPDATE t SET a = a + 1, b = 'x' WHERE c = 2"],
  ['mysql', 'SELECT a FROM t WHERE b = ? AND c = ?', 'SELECT a FROM t WHERE b = $1 AND c = $2'],
  ['mysql', 'SELECT 1; SELECT 2', 'SELECT 1; SELECT 2'],
  ['mysql', 'EXPLAIN ANALYZE SELECT 1', 'EXPLAIN ANALYZE SELECT 1'],
  ['mysql', 'SHOW TABLES', 'SHOW TABLES'],
  [
    'snowflake',
    'SELECT a FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) = 1',
    'SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b NULLS LAST) = 1',
  ],
  ['snowflake', 'SELECT LAG(a) IGNORE NULLS OVER (ORDER BY b) FROM t', 'SELECT lag(a) IGNORE NULLS OVER (ORDER BY b NULLS LAST) FROM t'],
  ['transactsql', 'SELECT a FROM t WHERE b = @p', 'SELECT a FROM t WHERE b = :p'],
  ['bigquery', 'DELETE FROM t WHERE a = 1', 'DELETE FROM t WHERE a = 1'],
  [
    'redshift',
    'SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t',
    'SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a NULLS LAST) FROM t',
  ],
];

describe('a translated statement', () => {
  it.each(SENTENCES)('%s: %s', async (dialect, sql, ours) => {
    expect(await translated(dialect, sql)).toBe(ours);
  });
});

type Tree = string | { readonly operator: string; readonly left: Tree; readonly right: Tree };
const STRENGTH: Readonly<Record<string, number>> = { OR: 1, AND: 2, '<': 3, '+': 4, '-': 4, '*': 5, '/': 5 };

function whole(tree: Tree): string {
  return typeof tree === 'string' ? tree : `(${whole(tree.left)} ${tree.operator} ${whole(tree.right)})`;
}

/** With parentheses only where the tree needs them. */
function sparing(tree: Tree, least = 0): string {
  if (typeof tree === 'string') return tree;
  const own = STRENGTH[tree.operator] ?? 0;
  const written = `${sparing(tree.left, own)} ${tree.operator} ${sparing(tree.right, own + 1)}`;
  return own < least ? `(${written})` : written;
}

const trees = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.record({ operator: fc.constantFrom(...Object.keys(STRENGTH)), left: tie('tree'), right: tie('tree') }),
  ),
})).tree;

/** Each parse takes the package milliseconds. */
const RUNS = 20;

describe('operators', () => {
  it.each(Object.keys(DIALECTS))('group in %s as they do with every parenthesis written', async (dialect) => {
    await fc.assert(
      fc.asyncProperty(trees, async (tree) => {
        const [first, second] = await Promise.all(
          [sparing(tree), whole(tree)].map((sql) => translated(dialect, `SELECT 1 FROM t WHERE ${sql}`)),
        );
        expect(first).toBe(second);
      }),
      { numRuns: RUNS },
    );
  });
});
