/** What a list holds: contains, position, has_any, intersect, distinct. Items are equal as in comparison; NULL items equal NULL. */
import type { Value } from '../../core/batch.js';
import { BOOL, type DataType, INT64 } from '../../core/types.js';
import { compareValues } from '../expression/compare.js';
import type { ArgumentType, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { type Compute, each, list, listOf, listTypeOf, rowByRow } from './row-by-row.js';
import { commonType } from './types.js';

export type ListValue = readonly Value[];

const entry = entriesOf({ category: 'list', infallible: true });

/** A text by which equal values of one type are equal, for sets. */
function keyOf(value: Value): string {
  if (value === null) return 'n';
  if (typeof value === 'number') return value === 0 ? '#0' : `#${value}`;
  if (typeof value === 'string') return `'${value.length}:${value}`;
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return `[${value.map((item) => keyOf(item)).join(',')}]`;
  if (typeof value === 'object') return `{${Object.values(value).map(keyOf).join(',')}}`;
  return String(value);
}

/** The type of lists that can hold both the list's items and the item. */
export function joinedItem(listArg: ArgumentType | undefined, item: ArgumentType | undefined): DataType | undefined {
  const type = listTypeOf(listArg);
  if (!type || !item) return undefined;
  if (listArg?.type.kind === 'null') return item.type;
  return commonType([{ type: type.item.type, literal: false }, item]);
}

/** (list, item): the item takes the list's type, or both their common one. */
function withItem(type: (item: DataType) => DataType, compute: Compute, nulls: 'strict' | 'seen' = 'strict', listFirst = true) {
  return (args: readonly ArgumentType[]): Overload | undefined => {
    if (args.length !== 2) return undefined;
    const item = listFirst ? joinedItem(args[0], args[1]) : joinedItem(args[1], args[0]);
    if (!item) return undefined;
    const types = [listOf(item), listOf(item).item.type];
    return {
      args: listFirst ? types : types.reverse(),
      type: type(listOf(item).item.type),
      evaluate: rowByRow(
        type(listOf(item).item.type),
        listFirst ? compute : ([a = null, b = null], context) => compute([b, a], context),
        nulls,
      ),
    };
  };
}

/** (list, list) of a common item type. */
function twoLists(type: (item: DataType) => DataType, compute: (a: ListValue, b: ListValue) => Value) {
  return (args: readonly ArgumentType[]): Overload | undefined => {
    const common = args.length === 2 && args.every((arg) => listTypeOf(arg)) ? commonType(args) : undefined;
    if (!common) return undefined;
    const lists = common.kind === 'list' ? common : listOf(common);
    const result = type(lists.item.type);
    return {
      args: [lists, lists],
      type: result,
      evaluate: rowByRow(result, ([a, b]) => compute(a as ListValue, b as ListValue)),
    };
  };
}

const placeOf = (items: ListValue, item: Value): number => items.findIndex((each) => same(each, item));

function same(a: Value, b: Value): boolean {
  return a === b || compareValues(a, b) === 0;
}

function placesOf([items, item = null]: readonly Value[]): Value {
  const places: Value[] = [];
  (items as ListValue).forEach((each, i) => {
    if (same(each, item)) places.push(BigInt(i + 1));
  });
  return places;
}

const holds: Compute = ([items, item = null]) => item !== null && placeOf(items as ListValue, item) >= 0;

/** Each value once, NULLs left out, in order of first appearance. */
function distinct(items: ListValue): Value[] {
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = keyOf(item);
    if (item === null || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function hasAny(a: ListValue, b: ListValue): boolean {
  const keys = new Set(a.filter((item) => item !== null).map(keyOf));
  return b.some((item) => item !== null && keys.has(keyOf(item)));
}

function hasAll(a: ListValue, b: ListValue): boolean {
  const keys = new Set(a.map(keyOf));
  return b.every((item) => item === null || keys.has(keyOf(item)));
}

function intersection(a: ListValue, b: ListValue): Value[] {
  const keys = new Set(b.map(keyOf));
  return distinct(a).filter((item) => keys.has(keyOf(item)));
}

export const LIST_SEARCH_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'list_contains',
    'True when the list holds the item.',
    [
      { sql: 'list_contains([1, 2], 2)', result: 'true' },
      { sql: "list_contains(['a'], 'b')", result: 'false' },
    ],
    withItem(() => BOOL, holds),
    ['array_contains', 'list_has', 'array_has'],
  ),
  entry(
    'list_position',
    'Place of the first such item, from 1; 0 when there is none. A NULL is found too.',
    [
      { sql: "list_position(['a', 'b'], 'b')", result: '2' },
      { sql: 'list_position([1], 5)', result: '0' },
    ],
    withItem(
      () => INT64,
      ([items, item = null]) => (items === null ? null : BigInt(placeOf(items as ListValue, item) + 1)),
      'seen',
    ),
    { aliases: ['array_position', 'list_indexof', 'array_indexof'], nulls: 'custom' },
  ),
  entry(
    'array_positions',
    'Places of all such items, from 1.',
    [{ sql: 'array_positions([1, 2, 1], 1)', result: '[1, 3]' }],
    withItem(() => listOf(INT64), placesOf),
  ),
  entry(
    'list_append',
    'The list with the item behind it; a NULL list counts as empty.',
    [{ sql: 'list_append([1, 2], 3)', result: '[1, 2, 3]' }],
    withItem(listOf, ([items, item = null]) => [...((items ?? []) as ListValue), item], 'seen'),
    { aliases: ['array_append', 'array_push_back'], nulls: 'custom' },
  ),
  entry(
    'list_prepend',
    'list_prepend(item, list): the list with the item before it.',
    [{ sql: 'list_prepend(1, [2, 3])', result: '[1, 2, 3]' }],
    withItem(listOf, ([items, item = null]) => [item, ...((items ?? []) as ListValue)], 'seen', false),
    { aliases: ['array_prepend'], nulls: 'custom' },
  ),
  entry(
    'array_push_front',
    'array_push_front(list, item): the list with the item before it.',
    [{ sql: 'array_push_front([2, 3], 1)', result: '[1, 2, 3]' }],
    withItem(listOf, ([items, item = null]) => [item, ...((items ?? []) as ListValue)], 'seen'),
    { nulls: 'custom' },
  ),
  entry(
    'array_remove',
    'The list without the items that equal a value.',
    [{ sql: 'array_remove([1, 2, 1], 1)', result: '[2]' }],
    withItem(listOf, ([items, item = null]) => (items === null ? null : (items as ListValue).filter((each) => !same(each, item))), 'seen'),
    { nulls: 'custom' },
  ),
  entry(
    'list_has_all',
    'True when every item of the second list is in the first. Also a @> b.',
    [
      { sql: 'list_has_all([1, 2, 3], [3, 1])', result: 'true' },
      { sql: '[1, 2] @> [4]', result: 'false' },
      { sql: '[1] <@ [1, 2]', result: 'true' },
    ],
    twoLists(() => BOOL, hasAll),
    ['array_has_all'],
  ),
  entry(
    'list_has_any',
    'True when the lists share an item. Also a && b.',
    [
      { sql: 'list_has_any([1, 2], [2, 5])', result: 'true' },
      { sql: '[1, 2] && [5]', result: 'false' },
    ],
    twoLists(() => BOOL, hasAny),
    ['array_has_any', 'array_overlap'],
  ),
  entry(
    'list_intersect',
    'Items of the first list that are in the second too, each once.',
    [{ sql: 'list_intersect([1, 2, 3, 2], [2, 3, 4])', result: '[2, 3]' }],
    twoLists(listOf, intersection),
    ['array_intersect'],
  ),
  entry(
    'list_distinct',
    'Each item once, NULLs left out, in order of first appearance.',
    [{ sql: 'list_distinct([1, 2, NULL, 1])', result: '[1, 2]' }],
    (args) =>
      ownType(
        args,
        (type) => type,
        ([items]) => distinct(items as ListValue),
      ),
    ['array_distinct'],
  ),
  entry(
    'list_unique',
    'How many different items there are, NULLs not counted.',
    [{ sql: 'list_unique([1, 2, NULL, 1])', result: '2' }],
    [each([list], INT64, ([items]) => BigInt(distinct(items as ListValue).length))],
    ['array_unique'],
  ),
];

/** One list; the result's type follows from it. */
export function ownType(
  args: readonly ArgumentType[],
  type: (list: Extract<DataType, { kind: 'list' }>) => DataType,
  compute: Compute,
  more: readonly DataType[] = [],
): Overload | undefined {
  const lists = listTypeOf(args[0]);
  if (!lists || args.length !== 1 + more.length) return undefined;
  if (more.some((type, i) => type.kind === 'list' && !listTypeOf(args[i + 1]))) return undefined;
  return { args: [lists, ...more], type: type(lists), evaluate: rowByRow(type(lists), compute) };
}
