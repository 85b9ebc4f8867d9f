/** Lists cut, turned, sorted, joined and taken apart; and lists made of numbers and text. */
import type { Value, Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, FLOAT64, INT64, isText, UTF8 } from '../../core/types.js';
import { compareValues } from '../expression/compare.js';
import { valueToText } from '../expression/literals.js';
import type { ArgumentType, EvaluationContext, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { joinedItem, type ListValue, ownType } from './list-search.js';
import { float, integer, text } from './overloads.js';
import { each, eachWithNulls, list, listOf, listTypeOf, rowByRow } from './row-by-row.js';
import { implicitlyCasts } from './types.js';

const entry = entriesOf({ category: 'list' });
/** Items of one list that range and repeat make at most. */
const MAX_ITEMS = 10_000_000;

const items = (value: Value | undefined) => (value ?? []) as ListValue;
const whole = (value: Value | undefined) => Number(value ?? 0);

// ---- slices ----

/** Bounds from 1, both inclusive, negative from the end, NULL open; a negative step walks backwards. */
function slice<T>(values: readonly T[], lower: Value, upper: Value, step: number): T[] {
  if (step === 0) throw new DbError('invalid_value', 'the step of a slice must not be 0');
  const place = (bound: Value, open: number) =>
    bound === null ? open : Number(bound) < 0 ? values.length + Number(bound) + 1 : Number(bound);
  const [first, last] = step > 0 ? [place(lower, 1), place(upper, values.length)] : [place(lower, values.length), place(upper, 1)];
  const chosen: T[] = [];
  if (step > 0) for (let at = Math.max(1, first); at <= Math.min(values.length, last); at += step) chosen.push(values[at - 1] as T);
  else for (let at = Math.min(values.length, first); at >= Math.max(1, last); at += step) chosen.push(values[at - 1] as T);
  return chosen;
}

function resolveSlice(args: readonly ArgumentType[]): Overload | undefined {
  const [value, ...bounds] = args;
  if (!value || (args.length !== 3 && args.length !== 4) || !bounds.every((bound) => implicitlyCasts(bound, INT64))) return undefined;
  const type = isText(value.type) ? UTF8 : listTypeOf(value);
  if (!type) return undefined;
  const evaluate = rowByRow(
    type,
    ([source = null, lower = null, upper = null, step = null]) => {
      if (source === null) return null;
      const by = step === null ? 1 : Number(step);
      if (typeof source === 'string') return slice([...source], lower, upper, by).join('');
      return slice(source as ListValue, lower, upper, by);
    },
    'seen',
  );
  return { args: [isText(value.type) ? value.type : type, ...bounds.map(() => INT64)], type, evaluate };
}

// ---- order ----

interface Direction {
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

const COMPARISONS_BETWEEN_CHECKS = 4096;

function sorted(values: ListValue, { descending, nullsFirst }: Direction, context: EvaluationContext): Value[] {
  let comparisons = 0;
  return [...values].sort((a, b) => {
    if (comparisons++ % COMPARISONS_BETWEEN_CHECKS === 0) context.check?.();
    if (a === null || b === null) return a === b ? 0 : (a === null) === nullsFirst ? -1 : 1;
    return descending ? compareValues(b, a) : compareValues(a, b);
  });
}

/** The words after the list: 'DESC', 'NULLS FIRST'. */
function directionOf(words: readonly Value[], usual: boolean): Direction {
  const order = words[0] === undefined ? '' : String(words[0]).trim().toUpperCase();
  const nulls = words[1] === undefined ? '' : String(words[1]).trim().toUpperCase();
  if (!['', 'ASC', 'DESC', 'ASCENDING', 'DESCENDING'].includes(order))
    throw new DbError('invalid_argument', `'${order}' is no order: ASC or DESC`);
  if (!['', 'NULLS FIRST', 'NULLS LAST'].includes(nulls)) throw new DbError('invalid_argument', `'${nulls}' is no place of NULLs`);
  const descending = order === '' ? usual : order.startsWith('DESC');
  return { descending, nullsFirst: nulls === 'NULLS FIRST' };
}

function sorting(descending: boolean): ScalarFunction['resolve'] {
  return (args) =>
    args.length > 3
      ? undefined
      : ownType(
          args,
          (type) => type,
          ([values, ...words], context) => sorted(items(values), directionOf(words, descending), context),
          args.slice(1).map(() => UTF8),
        );
}

const grades: Overload['evaluate'] = rowByRow(listOf(INT64), ([values, ...words], context) => {
  const direction = directionOf(words, false);
  const pairs = items(values).map((value, i) => ({ value, i }));
  pairs.sort((a, b) => {
    const [first] = sorted([a.value, b.value], direction, context);
    return compareValues(a.value, b.value) === 0 ? a.i - b.i : first === a.value ? -1 : 1;
  });
  return pairs.map(({ i }) => BigInt(i + 1));
});

// ---- several lists ----

function resolveFlatten(args: readonly ArgumentType[]): Overload | undefined {
  const outer = listTypeOf(args[0]);
  if (args.length !== 1 || !outer) return undefined;
  const inner = outer.item.type;
  if (inner.kind !== 'list') return undefined;
  return {
    args: [outer],
    type: inner,
    evaluate: rowByRow(inner, ([lists]) => items(lists).flatMap((each) => (each === null ? [] : [...items(each)]))),
  };
}

function resolveZip(args: readonly ArgumentType[]): Overload | undefined {
  const types = args.map(listTypeOf);
  const lists = types.filter((type) => type !== undefined);
  if (args.length < 2 || lists.length !== args.length) return undefined;
  const fields = lists.map((type, i) => ({ name: `f${i + 1}`, type: type.item.type, nullable: true }));
  const type = listOf({ kind: 'struct', fields });
  return {
    args: lists,
    type,
    evaluate: rowByRow(
      type,
      (columns) => {
        const length = Math.max(...columns.map((column) => items(column).length));
        return Array.from({ length }, (_, row) =>
          Object.fromEntries(fields.map((field, i) => [field.name, items(columns[i])[row] ?? null] as const)),
        );
      },
      'seen',
    ),
  };
}

function resolveResize(args: readonly ArgumentType[]): Overload | undefined {
  const item = args.length === 3 ? joinedItem(args[0], args[2]) : listTypeOf(args[0])?.item.type;
  if (!item || args.length < 2 || args.length > 3 || !args[1] || !implicitlyCasts(args[1], INT64)) return undefined;
  const type = listOf(item);
  return {
    args: [type, INT64, ...(args.length === 3 ? [type.item.type] : [])],
    type,
    evaluate: rowByRow(
      type,
      ([values = null, size = null, filler = null]) => {
        if (values === null || size === null) return null;
        const length = checkedLength(Number(size));
        return Array.from({ length }, (_, i) => (i < items(values).length ? (items(values)[i] ?? null) : filler));
      },
      'seen',
    ),
  };
}

function checkedLength(length: number): number {
  if (length < 0) throw new DbError('invalid_value', 'a list has no negative length');
  if (length > MAX_ITEMS) throw new DbError('query_memory_exceeded', `a list of ${length} items is longer than ${MAX_ITEMS}`);
  return length;
}

function resolveReplace(args: readonly ArgumentType[]): Overload | undefined {
  const item = joinedItem(args[0], args[1]);
  const both = item && joinedItem({ type: listOf(item), literal: false }, args[2]);
  if (!both || args.length !== 3) return undefined;
  const type = listOf(both);
  const same = (a: Value, b: Value) => compareValues(a, b) === 0;
  return {
    args: [type, type.item.type, type.item.type],
    type,
    evaluate: rowByRow(
      type,
      ([values = null, from = null, to = null]) =>
        values === null ? null : items(values).map((value) => (same(value, from) ? to : value)),
      'seen',
    ),
  };
}

function resolveFill(args: readonly ArgumentType[]): Overload | undefined {
  const [item, count] = args;
  if (args.length !== 2 || !item || !count || !(listTypeOf(count) || implicitlyCasts(count, INT64))) return undefined;
  const type = listOf(item.type);
  const counts = listTypeOf(count) && count.type.kind !== 'null' ? listOf(INT64) : INT64;
  const evaluate = rowByRow(
    type,
    ([value = null, size = null]) => {
      if (size === null) return null;
      if (Array.isArray(size) && size.length === 0) return [];
      const length: Value | undefined = Array.isArray(size) ? size[0] : size;
      if (length === null) throw new DbError('invalid_value', 'the length of a list is NULL');
      return new Array<Value>(checkedLength(Number(length))).fill(value);
    },
    'seen',
  );
  return { args: [type.item.type, counts], type, evaluate };
}

// ---- text ----

function resolveToText(args: readonly ArgumentType[]): Overload | undefined {
  const type = listTypeOf(args[0]);
  if (!type || args.length < 2 || args.length > 3 || !args.slice(1).every((arg) => text(arg))) return undefined;
  return {
    args: [type, ...args.slice(1).map(() => UTF8)],
    type: UTF8,
    evaluate: rowByRow(
      UTF8,
      ([values = null, separator = null, missing = null]) => {
        if (values === null || separator === null) return null;
        const texts = items(values).map((value) => valueToText(value, type.item.type) ?? missing);
        return texts.filter((each) => each !== null).join(String(separator));
      },
      'seen',
    ),
  };
}

/** NULL separates every character, an empty text nothing. */
function split(source: string, separator: Value): string[] {
  if (separator === null) return [...source];
  if (source === '') return [];
  return separator === '' ? [source] : source.split(String(separator));
}

// ---- vectors of numbers ----

function numeric(name: string, compute: (a: readonly number[], b: readonly number[]) => number) {
  return each([floats, floats], FLOAT64, ([a, b]) => {
    const [x, y] = [items(a), items(b)];
    if (x.length !== y.length) throw new DbError('invalid_value', `${name}: the lists have ${x.length} and ${y.length} items`);
    if ([...x, ...y].includes(null)) throw new DbError('invalid_value', `${name}: the lists must not hold NULL`);
    return compute(x.map(Number), y.map(Number));
  });
}

const floats = (arg: ArgumentType): DataType | undefined => {
  const type = listTypeOf(arg)?.item.type;
  return type && float({ type, literal: false }) ? listOf(FLOAT64) : undefined;
};

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
const similarity = (a: readonly number[], b: readonly number[]) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

// ---- truth ----

/** True when any is; else NULL when any is unknown; else false. `all` is the same the other way round. */
function quantifier(decided: boolean): Overload['evaluate'] {
  return rowByRow(BOOL, ([values]) => (items(values).includes(decided) ? decided : items(values).includes(null) ? null : !decided));
}

const dimension = (of: (length: number) => bigint) => [
  each([list, integer], INT64, ([values, which]) => (whole(which) === 1 && items(values).length > 0 ? of(items(values).length) : null)),
];

const depth: Overload['evaluate'] = (context: EvaluationContext, [values], rowCount) => {
  let levels = 0;
  for (let type = (values as Vector).type; type.kind === 'list'; type = type.item.type) levels += 1;
  return rowByRow(INT64, ([value]) => (items(value).length === 0 ? null : BigInt(levels)))(context, [values as Vector], rowCount, 0);
};

export const LIST_SHAPE_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'list_slice',
    'list_slice(list, from, to[, step]), also list[from:to:step]: both ends belong to it, places count from 1, negative ones from the end. Text is sliced by characters.',
    [
      { sql: '[1, 2, 3, 4][2:3]', result: '[2, 3]' },
      { sql: '[1, 2, 3, 4][-2:]', result: '[3, 4]' },
      { sql: 'list_slice([1, 2, 3, 4], 4, 1, -1)', result: '[4, 3, 2, 1]' },
      { sql: "'hello'[2:4]", result: 'ell' },
    ],
    resolveSlice,
    { aliases: ['array_slice'], nulls: 'custom' },
  ),
  entry(
    'list_sort',
    "list_sort(list[, 'ASC' | 'DESC'[, 'NULLS FIRST' | 'NULLS LAST']]); NULLs are last unless it is said otherwise.",
    [
      { sql: 'list_sort([3, NULL, 1])', result: '[1, 3, NULL]' },
      { sql: "list_sort([3, 1], 'DESC')", result: '[3, 1]' },
    ],
    sorting(false),
    ['array_sort'],
  ),
  entry('list_reverse_sort', 'Sorted descending.', [{ sql: 'list_reverse_sort([1, 3, 2])', result: '[3, 2, 1]' }], sorting(true), [
    'array_reverse_sort',
  ]),
  entry(
    'list_reverse',
    'Items in reverse order.',
    [{ sql: 'list_reverse([1, 2, 3])', result: '[3, 2, 1]' }],
    (args) =>
      ownType(
        args,
        (type) => type,
        ([values]) => [...items(values)].reverse(),
      ),
    ['array_reverse'],
  ),
  entry(
    'list_grade_up',
    'Places of the items in sorted order.',
    [{ sql: 'list_grade_up([30, 10, 20])', result: '[2, 3, 1]' }],
    (args) => {
      const type = listTypeOf(args[0]);
      return type && args.length <= 3
        ? { args: [type, ...args.slice(1).map(() => UTF8)], type: listOf(INT64), evaluate: grades }
        : undefined;
    },
    ['array_grade_up', 'grade_up'],
  ),
  entry('flatten', 'A list of lists as one list.', [{ sql: 'flatten([[1, 2], NULL, [3]])', result: '[1, 2, 3]' }], resolveFlatten),
  entry(
    'list_zip',
    'The first items of several lists as a struct, then the second ones, …; the longest list decides.',
    [{ sql: "list_zip([1, 2], ['a'])", result: "[{'f1': 1, 'f2': a}, {'f1': 2, 'f2': NULL}]" }],
    resolveZip,
    { aliases: ['array_zip'], nulls: 'custom' },
  ),
  entry(
    'list_resize',
    'list_resize(list, n[, filler]): cut, or filled up.',
    [{ sql: 'list_resize([1, 2], 3, 0)', result: '[1, 2, 0]' }],
    resolveResize,
    { aliases: ['array_resize'], nulls: 'custom' },
  ),
  entry(
    'array_replace',
    'Every item that equals a becomes b.',
    [{ sql: 'array_replace([1, 2, 1], 1, 9)', result: '[9, 2, 9]' }],
    resolveReplace,
    {
      nulls: 'custom',
    },
  ),
  entry(
    'array_fill',
    'array_fill(value, n): a list of n times the value.',
    [{ sql: "array_fill('a', 3)", result: '[a, a, a]' }],
    resolveFill,
    {
      nulls: 'custom',
    },
  ),
  entry('trim_array', 'trim_array(list, n): without its last n items.', [{ sql: 'trim_array([1, 2, 3], 2)', result: '[1]' }], (args) =>
    args[1] && implicitlyCasts(args[1], INT64)
      ? ownType(
          args,
          (type) => type,
          ([values, n]) => items(values).slice(0, Math.max(0, items(values).length - whole(n))),
          [INT64],
        )
      : undefined,
  ),
  entry(
    'list_where',
    'Items where the list of conditions is true.',
    [{ sql: 'list_where([10, 20, 30], [true, false, true])', result: '[10, 30]' }],
    (args) =>
      ownType(
        args,
        (type) => type,
        ([values, mask]) => items(values).filter((_, i) => items(mask)[i] === true),
        [listOf(BOOL)],
      ),
    ['array_where'],
  ),
  entry(
    'list_select',
    'Items at the places that a second list names.',
    [{ sql: "list_select(['a', 'b', 'c'], [3, 1])", result: '[c, a]' }],
    (args) =>
      ownType(
        args,
        (type) => type,
        ([values, places]) => items(places).map((place) => (place === null ? null : (items(values)[Number(place) - 1] ?? null))),
        [listOf(INT64)],
      ),
    ['array_select'],
  ),
  entry(
    'array_to_string',
    'array_to_string(list, separator[, text for NULL]): NULL items are left out unless a text stands for them.',
    [
      { sql: "array_to_string([1, NULL, 3], ',')", result: '1,3' },
      { sql: "array_to_string([1, NULL, 3], ',', '*')", result: '1,*,3' },
    ],
    resolveToText,
    { aliases: ['list_to_string', 'array_join'], nulls: 'custom' },
  ),
  entry(
    'string_to_array',
    'string_to_array(text, separator[, text that means NULL]); a NULL separator gives the characters.',
    [
      { sql: "string_to_array('a,b', ',')", result: '[a, b]' },
      { sql: "string_to_array('a,,b', ',', '')", result: '[a, NULL, b]' },
    ],
    [
      eachWithNulls([text, text], listOf(UTF8), ([source = null, separator = null]) =>
        source === null ? null : split(String(source), separator),
      ),
      eachWithNulls([text, text, text], listOf(UTF8), ([source = null, separator = null, missing = null]) =>
        source === null ? null : split(String(source), separator).map((part) => (part === missing ? null : part)),
      ),
    ],
    { nulls: 'custom' },
  ),
  entry(
    'string_split',
    'The parts of a text between separators; an empty separator gives the characters.',
    [
      { sql: "string_split('a b', ' ')", result: '[a, b]' },
      { sql: "split('', ',')", result: "['']" },
    ],
    [
      each([text, text], listOf(UTF8), ([source, separator]) =>
        separator === '' ? [...String(source)] : String(source).split(String(separator)),
      ),
    ],
    ['str_split', 'split'],
  ),
  entry(
    'list_dot_product',
    'Sum of the products of two lists of numbers.',
    [{ sql: 'list_dot_product([1, 2], [3, 4])', result: '11' }],
    [numeric('list_dot_product', dot)],
    ['list_inner_product', 'array_dot_product', 'array_inner_product'],
  ),
  entry(
    'list_distance',
    'Euclidean distance of two lists of numbers.',
    [{ sql: 'list_distance([1, 2], [4, 6])', result: '5' }],
    [numeric('list_distance', (a, b) => Math.hypot(...a.map((x, i) => x - (b[i] ?? 0))))],
    ['array_distance'],
  ),
  entry(
    'list_cosine_similarity',
    'Cosine of the angle between two lists of numbers.',
    [{ sql: 'list_cosine_similarity([1, 0], [1, 0])', result: '1' }],
    [numeric('list_cosine_similarity', similarity)],
    ['array_cosine_similarity'],
  ),
  entry(
    'list_cosine_distance',
    '1 less the cosine similarity.',
    [{ sql: 'list_cosine_distance([1, 0], [0, 1])', result: '1' }],
    [numeric('list_cosine_distance', (a, b) => 1 - similarity(a, b))],
    ['array_cosine_distance'],
  ),
  entry(
    'list_any',
    'True when any item is true; else NULL when any is NULL. What x = ANY (list) calls.',
    [{ sql: '2 = ANY ([1, 2, NULL])', result: 'true' }],
    [
      {
        params: [(arg) => (arg.type.kind === 'list' && arg.type.item.type.kind === 'bool' ? arg.type : undefined)],
        type: BOOL,
        evaluate: quantifier(true),
      },
    ],
  ),
  entry(
    'list_all',
    'False when any item is false; else NULL when any is NULL. What x = ALL (list) calls.',
    [{ sql: '3 > ALL ([1, 2])', result: 'true' }],
    [
      {
        params: [(arg) => (arg.type.kind === 'list' && arg.type.item.type.kind === 'bool' ? arg.type : undefined)],
        type: BOOL,
        evaluate: quantifier(false),
      },
    ],
  ),
  entry(
    'array_lower',
    'Place of the first item of a dimension: 1; NULL of an empty list.',
    [{ sql: 'array_lower([7, 8], 1)', result: '1' }],
    dimension(() => 1n),
  ),
  entry(
    'array_upper',
    'Place of the last item of a dimension; NULL of an empty list.',
    [{ sql: 'array_upper([7, 8], 1)', result: '2' }],
    dimension((length) => BigInt(length)),
  ),
  entry(
    'array_ndims',
    'How deep the lists are nested.',
    [{ sql: 'array_ndims([[1], [2]])', result: '2' }],
    [{ params: [list], type: INT64, evaluate: depth }],
  ),
];
