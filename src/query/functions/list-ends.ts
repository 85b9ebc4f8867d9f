/** Lists without their first or last item, in random order, crossed, and what PostgreSQL says of their bounds. Value by value. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { FLOAT64, INT64, UTF8 } from '../../core/types.js';
import type { ArgumentType, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import type { ListValue } from './list-search.js';
import { randomShare } from './random-share.js';
import { type Compute, list, listOf, listTypeOf, rowByRow } from './row-by-row.js';
import { implicitlyCasts } from './types.js';

const entry = entriesOf({ category: 'list' });
const items = (value: Value | undefined) => (value ?? []) as ListValue;

/** (list[, number]) to a list of the same type. */
function sameList(compute: Compute, takesNumber = false): ScalarFunction['resolve'] {
  return (args: readonly ArgumentType[]): Overload | undefined => {
    const type = listTypeOf(args[0]);
    const [, number] = args;
    if (!type || args.length !== (takesNumber ? 2 : 1) || (number && !implicitlyCasts(number, INT64))) return undefined;
    return { args: takesNumber ? [type, INT64] : [type], type, evaluate: rowByRow(type, compute) };
  };
}

/** The first `count` places of a random order. */
function shuffled(values: ListValue, count: number): Value[] {
  const out = [...values];
  for (let at = 0; at < count; at++) {
    const other = at + Math.floor(randomShare() * (out.length - at));
    [out[at], out[other]] = [out[other] ?? null, out[at] ?? null];
  }
  return out.slice(0, count);
}

const sampled: Compute = ([values, count]) => {
  const size = Number(count);
  if (size < 0 || size > items(values).length) {
    throw new DbError('invalid_argument', `a sample has between 0 and ${items(values).length} items, not ${size}`);
  }
  return shuffled(items(values), size);
};

/** `[1:3][1:2]`: of lists in lists the first one tells the size. */
function dimensions(value: Value | undefined): string {
  const own = items(value);
  if (own.length === 0) return '';
  return `[1:${own.length}]${Array.isArray(own[0]) ? dimensions(own[0] as Value) : ''}`;
}

const crossed: Compute = ([left, right]) => {
  const [a, b] = [items(left).map(Number), items(right).map(Number)];
  if (a.length !== 3 || b.length !== 3 || [...items(left), ...items(right)].includes(null)) {
    throw new DbError('invalid_argument', 'a cross product takes two lists of three numbers');
  }
  const part = (i: number, j: number) => (a[i] as number) * (b[j] as number) - (a[j] as number) * (b[i] as number);
  return [part(1, 2), part(2, 0), part(0, 1)];
};

export const LIST_END_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'list_pop_back',
    'The list without its last item.',
    [{ sql: 'list_pop_back([1, 2, 3])', result: '[1, 2]' }],
    sameList(([values]) => items(values).slice(0, -1)),
    ['array_pop_back'],
  ),
  entry(
    'list_pop_front',
    'The list without its first item.',
    [{ sql: 'list_pop_front([1, 2, 3])', result: '[2, 3]' }],
    sameList(([values]) => items(values).slice(1)),
    ['array_pop_front'],
  ),
  entry(
    'array_shuffle',
    'The items in random order.',
    [{ sql: 'list_sort(array_shuffle([3, 1, 2]))', result: '[1, 2, 3]' }],
    sameList(([values]) => shuffled(items(values), items(values).length)),
    { volatile: true, aliases: ['list_shuffle'] },
  ),
  entry(
    'array_sample',
    'So many of the items, in random order.',
    [{ sql: 'len(array_sample([3, 1, 2], 2))', result: '2' }],
    sameList(sampled, true),
    { volatile: true, aliases: ['list_sample'] },
  ),
  entry(
    'array_dims',
    'The bounds of a list and of the lists in it, as text; NULL of an empty one.',
    [{ sql: 'array_dims([[1, 2, 3], [4, 5, 6]])', result: '[1:2][1:3]' }],
    (args) => {
      const type = list(args[0] as ArgumentType);
      if (args.length !== 1 || !type) return undefined;
      return { args: [type], type: UTF8, evaluate: rowByRow(UTF8, ([value]) => dimensions(value) || null) };
    },
  ),
  entry(
    'array_cross_product',
    'The vector that stands on two vectors of three numbers.',
    [{ sql: 'array_cross_product([1, 2, 3], [2, 3, 4])', result: '[-1, 2, -1]' }],
    (args) => {
      if (args.length !== 2 || !args.every((arg) => implicitlyCasts(arg, listOf(FLOAT64)))) return undefined;
      return { args: [listOf(FLOAT64), listOf(FLOAT64)], type: listOf(FLOAT64), evaluate: rowByRow(listOf(FLOAT64), crossed) };
    },
    ['cross_product', 'list_cross_product'],
  ),
];
