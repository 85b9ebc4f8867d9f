import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isReserved, keywordOf, keywordText } from '../../../src/query/syntax/keywords.js';
import { parseStatements } from '../../../src/query/syntax/parser.js';

const page = readFileSync(new URL('../../../docs/sql/grammar.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');

describe('docs/sql/grammar.md', () => {
  it('has examples', () => expect(examples.length).toBeGreaterThan(10));

  it.each(examples)('every example is of the grammar: %s', (sql) => expect(parseStatements(sql).length).toBeGreaterThan(0));

  it('lists exactly the reserved words', () => {
    const listed = (/\*\*Reserved\*\* are only: (.*)\.\n/.exec(page)?.[1] ?? '').split(' ');
    expect(listed.filter((word) => !isReserved(keywordOf(word) ?? 0))).toEqual([]);
    const first = keywordOf('all') ?? 0;
    const words: string[] = [];
    for (let kind = first; isReserved(kind); kind++) words.push(keywordText(kind) ?? '');
    expect(listed).toEqual(words);
  });

  it('quotes every keyword that its rules name', () => {
    const rules = [...page.matchAll(/```ebnf\n([\s\S]*?)```/g)].map((match) => match[1] ?? '').join('\n');
    const words = [...rules.matchAll(/'([A-Z_][A-Z_0-9]+)'/g)].map((match) => (match[1] ?? '').toLowerCase());
    const plain = new Set([
      'double',
      'precision',
      'character',
      'varying',
      'struct',
      'read',
      'write',
      'text',
      'json',
      'hour',
      'week',
      'month',
      'year',
      'restart',
      'abort',
    ]);
    expect([...new Set(words)].filter((word) => keywordOf(word) === undefined && !plain.has(word))).toEqual([]);
  });
});
