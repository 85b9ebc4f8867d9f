import { describe, expect, it } from 'vitest';
import { parseExpression, parseStatement } from '../../../src/query/syntax/parser.js';
import { formatExpression, formatStatement } from '../../../src/query/syntax/printer.js';
import { CALLS, EXPRESSIONS, STATEMENTS } from './corpus.js';
import { withoutOffsets } from './tree.js';

describe('the printed form of a tree reads back as the same tree', () => {
  it.each([...EXPRESSIONS, ...CALLS])('%s', (sql) => {
    const tree = parseExpression(sql);
    const printed = formatExpression(tree);
    expect(withoutOffsets(parseExpression(printed)), printed).toEqual(withoutOffsets(tree));
    expect(formatExpression(parseExpression(printed))).toBe(printed);
  });

  it.each(STATEMENTS)('%s', (sql) => {
    const tree = parseStatement(sql);
    const printed = formatStatement(tree);
    expect(withoutOffsets(parseStatement(printed)), printed).toEqual(withoutOffsets(tree));
    expect(formatStatement(parseStatement(printed))).toBe(printed);
  });
});
