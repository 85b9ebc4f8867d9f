import { expect, test } from 'vitest';
import { AGGREGATE_FUNCTIONS } from '../../src/query/aggregates/registry.js';
import { SCALAR_FUNCTIONS } from '../../src/query/functions/registry.js';
import { WINDOW_FUNCTIONS } from '../../src/query/windows/registry.js';

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
