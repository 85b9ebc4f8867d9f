import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DbError } from '../../../src/core/errors.js';
import type { Statement } from '../../../src/query/syntax/ast/statement.js';
import { parseStatements } from '../../../src/query/syntax/parser.js';
import { formatStatement } from '../../../src/query/syntax/printer.js';
import { CALLS, EXPRESSIONS, STATEMENTS } from './corpus.js';
import { withoutOffsets } from './tree.js';

/** The statements, or null when the text is refused as it should be: with a DbError and a position inside the text. */
function parsed(sql: string): Statement[] | null {
  try {
    return parseStatements(sql);
  } catch (thrown) {
    if (!(thrown instanceof DbError)) throw thrown;
    expect(thrown.code).toMatch(/^(?:syntax_error|nesting_too_deep)$/);
    expect(thrown.position).toBeGreaterThanOrEqual(0);
    expect(thrown.position).toBeLessThanOrEqual(sql.length);
    return null;
  }
}

function expectRoundTrip(sql: string): void {
  const trees = parsed(sql);
  if (trees === null) return;
  const printed = trees.map((tree) => formatStatement(tree)).join('; ');
  expect(withoutOffsets(parsed(printed)), `${sql}\n→ ${printed}`).toEqual(withoutOffsets(trees));
}

const CORPUS = [...STATEMENTS, ...[...EXPRESSIONS, ...CALLS].map((expression) => `SELECT ${expression} FROM t`)];
const TOKENS = [...new Set(CORPUS.flatMap((sql) => sql.match(/'[^']*'|"[^"]*"|\w+|[^\s\w]/g) ?? []))];
const statement = fc.constantFrom(...CORPUS);

describe('no text breaks the parser', () => {
  it('any characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => void parsed(text)),
      { numRuns: 5000 },
    );
  });

  it('any tokens in any order', () => {
    const soup = fc.array(fc.constantFrom(...TOKENS), { maxLength: 25 }).map((tokens) => tokens.join(' '));
    fc.assert(fc.property(soup, expectRoundTrip), { numRuns: 5000 });
    fc.assert(
      fc.property(
        soup.map((text) => `SELECT ${text}`),
        expectRoundTrip,
      ),
      { numRuns: 5000 },
    );
  });

  it('statements with tokens dropped, doubled, swapped or replaced', () => {
    const edit = fc.tuple(fc.nat(), fc.constantFrom('drop', 'double', 'swap', 'replace'), fc.constantFrom(...TOKENS));
    fc.assert(
      fc.property(statement, fc.array(edit, { minLength: 1, maxLength: 3 }), (sql, edits) => {
        const tokens = sql.match(/'[^']*'|"[^"]*"|\w+|\s+|[^\s\w]/g) ?? [];
        for (const [at, kind, token] of edits) {
          const index = at % tokens.length;
          if (kind === 'drop') tokens.splice(index, 1);
          else if (kind === 'double') tokens.splice(index, 0, tokens[index] ?? '');
          else if (kind === 'replace') tokens[index] = token;
          else tokens.splice(index, 2, tokens[index + 1] ?? '', tokens[index] ?? '');
        }
        expectRoundTrip(tokens.join(''));
      }),
      { numRuns: 5000 },
    );
  });

  it('statements cut anywhere', () => {
    fc.assert(
      fc.property(statement, fc.nat(), (sql, at) => void parsed(sql.slice(0, at % (sql.length + 1)))),
      { numRuns: 5000 },
    );
  });
});

describe('white space, comments and case change nothing', () => {
  it('between all tokens', () => {
    for (const sql of STATEMENTS) {
      if (/'.*[ '].*'|\$\$|[":]|COLUMNS|\/\*/i.test(sql)) continue;
      const spaced = sql.replaceAll(/(?<=[^\w.]) (?=\S)|(?<=\w) (?=\S)/g, '\n /* c /* d */ */ -- e\n\t');
      expect(withoutOffsets(parseStatements(spaced)), spaced).toEqual(withoutOffsets(parseStatements(sql)));
    }
  });
});
