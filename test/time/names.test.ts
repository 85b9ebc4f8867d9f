import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CANDLES } from '../../src/query/aggregates/candles.js';
import { EXPONENTIAL } from '../../src/query/aggregates/exponential.js';
import { AGGREGATE_FUNCTIONS, aggregateFunction } from '../../src/query/aggregates/registry.js';
import { SERIES } from '../../src/query/aggregates/series.js';
import type { FunctionExample } from '../../src/query/functions/contract.js';
import { SCALAR_FUNCTIONS } from '../../src/query/functions/registry.js';
import { WINDOW_FUNCTIONS } from '../../src/query/windows/registry.js';
import { SERIES_WINDOWS } from '../../src/query/windows/series-functions.js';

const namesOf = (entries: readonly { readonly name: string; readonly aliases?: readonly string[] }[]): string[] =>
  entries.flatMap((entry) => [entry.name, ...(entry.aliases ?? [])]);
const repeated = (names: readonly string[]): string[] => names.filter((name, i) => names.indexOf(name) !== i);

test('no two window functions share a name, nor two aggregates', () => {
  expect(repeated(namesOf(WINDOW_FUNCTIONS))).toEqual([]);
  expect(repeated(namesOf(AGGREGATE_FUNCTIONS))).toEqual([]);
});

test('no aggregate and no window function hides a scalar function', () => {
  // Of two values, and of all values of a group.
  const both = ['bit_and', 'bit_or', 'bit_xor'];
  const scalars = new Set(namesOf(Object.values(SCALAR_FUNCTIONS)));
  expect(namesOf([...WINDOW_FUNCTIONS, ...AGGREGATE_FUNCTIONS]).filter((name) => scalars.has(name))).toEqual(both);
});

interface Shown {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly doc: string;
  readonly examples: readonly FunctionExample[];
}

const PAGE = new URL('../../docs/sql/time-series/functions.md', import.meta.url);

const HEAD = `# Functions over series, one by one

Written from the registry by \`UPDATE=1 npx vitest run test/time/names.test.ts\`; do not edit. Every example runs as a test. How they are used: [series.md](series.md).
`;

function shown({ name, aliases = [], doc, examples }: Shown): string {
  const names = [name, ...aliases].map((each) => `\`${each}\``).join(', ');
  return `### ${names}\n\n${doc}\n\n\`\`\`\n${examples.map(({ sql, result }) => `${sql} → ${result}`).join('\n')}\n\`\`\`\n`;
}

test('docs/sql/time-series/functions.md is what the registry says', () => {
  const picks = ['first', 'last', 'arg_min', 'arg_max', 'vwap', 'corr', 'histogram'].flatMap((name) => aggregateFunction(name) ?? []);
  const section = (title: string, entries: readonly Shown[]): string =>
    `## ${title}\n\n${[...entries]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(shown)
      .join('\n')}`;
  const page = [
    HEAD,
    section('Aggregates', [...SERIES, ...CANDLES, ...EXPONENTIAL, ...picks]),
    section('Window functions', SERIES_WINDOWS),
  ].join('\n');
  if (process.env.UPDATE === '1') writeFileSync(PAGE, page);
  expect(existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '').toBe(page);
});
