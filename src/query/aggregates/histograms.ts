/**
 * Histograms: bins with their counts (those of distinct values: value-counts.ts). The values of a group are sorted by kernels; where a value or a bin ends is then
 * searched, so that a group costs look-ups by bins and not by rows.
 */
import type { Value, Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, INT64, isInteger, isNested, isText, UTF8 } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { sortedBuckets } from '../execution/sort/sort-rows.js';
import { compareValues } from '../expression/compare.js';
import { bytesToNested } from '../expression/nested-bytes.js';
import { vectorOf } from '../expression/vector-values.js';
import type { ArgumentType } from '../functions/contract.js';
import { intervalNanoseconds } from '../functions/interval-values.js';
import { otherBin } from '../functions/other-bin.js';
import { listOf } from '../functions/row-by-row.js';
import { commonType, knownType } from '../functions/types.js';
import type { AggregateFunction, AggregateRecipe, AggregateSignature, FinishInput } from './contract.js';
import { reached, slotAt } from './finishing.js';
import { valueHistogram } from './value-counts.js';

type Compare = (a: Value, b: Value) => number;

/** The values of one group from smallest to largest. */
interface Group {
  readonly count: number;
  readonly compare: Compare;
  readonly key: DataType;
  at(place: number): Value;
}

interface Bin {
  readonly key: Value;
  readonly value: bigint;
}

/** The bins of group `index`. */
type Count = (group: Group, index: number) => readonly Bin[];

function histogramRecipe(prepare: (input: FinishInput) => Count): AggregateRecipe {
  return {
    slots: [
      { kind: 'list', inputs: [0] },
      { kind: 'first', inputs: [1] },
    ],
    required: [0],
    finish: (input) => {
      const { list } = slotAt(input, 0);
      if (!list) throw new Error('a list slot has a list');
      const key = keyOf(input.type);
      const { rows, starts } = sortedBuckets(input, list);
      const read = reader(input, list.values, key);
      const { arena, context, groupCount } = input;
      const present = reached(input);
      const count = prepare(input);
      const compare = comparison(key);
      const results = Array.from({ length: groupCount }, (_, index): Value => {
        context.check?.();
        if (present !== 0 && (((arena.u8[present + (index >> 3)] as number) >> (index & 7)) & 1) === 0) return null;
        const first = arena.u32[starts / 4 + index] ?? 0;
        const size = (arena.u32[starts / 4 + index + 1] ?? 0) - first;
        const at = (place: number) => read(arena.u32[rows / 4 + first + place] ?? 0);
        return count({ count: size, compare, key, at }, index) as readonly (Bin & { readonly [name: string]: Value })[];
      });
      return vectorOf(results, input.type, context, input.memory);
    },
  };
}

function keyOf(type: DataType): DataType {
  const item = type.kind === 'list' ? type.item.type : type;
  return (item.kind === 'struct' && item.fields[0]?.type) || UTF8;
}

function comparison(key: DataType): Compare {
  if (key.kind !== 'interval') return compareValues;
  const length = (value: Value) => intervalNanoseconds(value as Parameters<typeof intervalNanoseconds>[0]);
  return (a, b) => compareValues(length(a), length(b));
}

/** Lists and structs were kept as bytes. */
function reader(input: FinishInput, values: Vector, key: DataType): (row: number) => Value {
  const shown = isNested(key) ? bytesToNested(values, key, input.context, input.memory) : values;
  return (row) => valueAt(input.arena, shown, row);
}

/** The first place from `from` on whose value is not below the bound, or with `after` above it. */
function placeOf({ count, at, compare }: Group, bound: Value, from: number, after: boolean): number {
  let [low, high] = [from, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compare(at(middle), bound);
    if (order < 0 || (after && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const LOOKS_BETWEEN_CHECKS = 1024;

/** How many values each bin has; what has none comes last, under the key of otherBin(). */
function counting(input: FinishInput, bounds: readonly Value[], exact: boolean): Count {
  return (group) => {
    const bins: Bin[] = [];
    let [from, inBins] = [0, 0];
    for (const [i, key] of bounds.entries()) {
      if (i % LOOKS_BETWEEN_CHECKS === 0) input.context.check?.();
      if (exact) from = placeOf(group, key, from, false);
      const end = placeOf(group, key, from, true);
      bins.push({ key, value: BigInt(end - from) });
      inBins += end - from;
      from = end;
    }
    const other = otherBin(group.key);
    const rest = group.count - inBins;
    return rest > 0 && other !== undefined ? [...bins, { key: other, value: BigInt(rest) }] : bins;
  };
}

/** The bins are the ones of the group's first row. */
function eachBin(exact: boolean): (input: FinishInput) => Count {
  return (input) => {
    const { arena, context, memory, type, position } = input;
    const { parts, texts } = slotAt(input, 1);
    const [ids = 0, flags = 0] = parts;
    const key = keyOf(type);
    const counts = new Map<number, Count>();
    const lists = texts && bytesToNested(texts, { kind: 'list', item: { name: 'item', type: key, nullable: true } }, context, memory);
    return (group, index) => {
      if (arena.u8[flags + index] !== 1 || !lists) throw new DbError('invalid_argument', 'the bins of a histogram are NULL', { position });
      const id = arena.u32[ids / 4 + index] ?? 0;
      let count = counts.get(id);
      if (!count) {
        count = counting(input, sortedBins(valueAt(arena, lists, id), comparison(key), position), exact);
        counts.set(id, count);
      }
      return count(group, index);
    };
  };
}

function sortedBins(list: Value, compare: Compare, position: number): Value[] {
  const bounds = [...(list as readonly Value[])];
  if (bounds.includes(null)) throw new DbError('invalid_argument', 'a bin of a histogram is NULL', { position });
  return bounds.sort(compare).filter((bound, i) => i === 0 || compare(bound, bounds[i - 1] ?? null) !== 0);
}

// ---- types ----

function histogramType(key: DataType): DataType {
  const fields = [
    { name: 'key', type: key, nullable: true },
    { name: 'value', type: INT64, nullable: true },
  ];
  return listOf({ kind: 'struct', fields });
}

/** Bins that are whole numbers or texts become values of the column's type; others and the column what holds both. */
function binType(value: ArgumentType, bins: DataType): DataType | undefined {
  const type = knownType(value.type);
  if (bins.kind === 'null' || isText(type) || isText(bins)) return type;
  if (isInteger(bins) && (isInteger(type) || type.kind === 'decimal')) return type;
  return commonType([
    { ...value, type },
    { type: bins, literal: false },
  ]);
}

function binned([value, bins, ...more]: readonly ArgumentType[]): AggregateSignature | undefined {
  if (!value || !bins || more.length > 0) return undefined;
  if (bins.type.kind !== 'list' && bins.type.kind !== 'null') return undefined;
  const key = binType(value, bins.type.kind === 'list' ? bins.type.item.type : bins.type);
  return key && { args: [key, listOf(key)], type: histogramType(key) };
}

export const HISTOGRAMS: readonly AggregateFunction[] = [
  {
    name: 'histogram',
    doc: 'The distinct values with their counts, as a list of {key, value}, smallest first. histogram(x, bins): how many values each bin has, where a bin reaches from the bin before, exclusive, to its own bound, inclusive; what is above all of them comes last, under the greatest value of the type (floats: infinity; texts, binary values and lists: the empty one), and is not counted where the type has none (bool, uuid, interval). The bins are those of the first row.',
    examples: [
      { sql: "SELECT histogram(x) FROM (VALUES ('b'), ('a'), ('b')) t(x)", result: "[{'key': a, 'value': 1}, {'key': b, 'value': 2}]" },
      {
        sql: 'SELECT histogram(x, [10, 20]) FROM (VALUES (3), (10), (11)) t(x)',
        result: "[{'key': 10, 'value': 2}, {'key': 20, 'value': 1}]",
      },
    ],
    readsBytes: true,
    resolve: (args) => {
      const [value, ...more] = args;
      if (!value || more.length > 0) return binned(args);
      return { args: [knownType(value.type)], type: histogramType(knownType(value.type)) };
    },
    recipe: (args) => (args.length > 1 ? histogramRecipe(eachBin(false)) : valueHistogram()),
  },
  {
    name: 'histogram_exact',
    doc: 'histogram_exact(x, bins): how often each of these values is there, as a list of {key, value}, smallest first; all other values come last, as in histogram(x, bins).',
    examples: [
      {
        sql: "SELECT histogram_exact(x, ['a', 'c']) FROM (VALUES ('b'), ('a'), ('b')) t(x)",
        result: "[{'key': a, 'value': 1}, {'key': c, 'value': 0}, {'key': '', 'value': 2}]",
      },
    ],
    readsBytes: true,
    resolve: binned,
    recipe: () => histogramRecipe(eachBin(true)),
  },
];
