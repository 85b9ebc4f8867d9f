/**
 * median and the quantiles: continuous ones lie between two values, discrete ones are values. A quantile is a constant in [0, 1]; below 0 it
 * counts from the largest value; a list of them gives a list.
 */
import { flatVector, type Value, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, isNested, isNumeric, UTF8 } from '../../core/types.js';
import { sortedBuckets } from '../execution/sort/sort-rows.js';
import { gatherVectorOrNull } from '../expression/gather.js';
import type { ArgumentType } from '../functions/contract.js';
import type { AggregateFunction, AggregateRecipe, AggregateSignature, FinishInput } from './contract.js';
import { allocateValues, reached, slotAt } from './finishing.js';

const NOTHING = 0xffffffff;

/** `at` null: the median. */
function quantilesOf(input: FinishInput, at: number | null): readonly number[] {
  const given = at === null ? 0.5 : (input.constants[at] ?? null);
  return (Array.isArray(given) ? (given as readonly Value[]) : [given as Value]).map((value) => {
    const quantile = typeof value === 'bigint' ? Number(value) : value;
    if (typeof quantile === 'number' && quantile >= -1 && quantile <= 1) return quantile;
    throw new DbError('invalid_argument', 'a quantile is a constant between 0 and 1', { position: input.position });
  });
}

/** A quantile of continuous values, counted from the smallest. */
function ascending(quantile: number): number {
  return quantile < 0 ? 1 + quantile : quantile;
}

/** One vector of results per group, quantile by quantile: the result, or the items of the lists. */
type Compute = (input: FinishInput, sorted: SortedValues, quantiles: readonly number[]) => Vector;

/** The values of each group from smallest to largest. */
interface SortedValues {
  readonly values: Vector;
  /** Addresses: rows of `values` group by group, and where each group begins (count + 1 uint32). */
  readonly rows: number;
  readonly starts: number;
}

function quantileRecipe(at: number | null, several: boolean, compute: Compute): AggregateRecipe {
  return {
    slots: [{ kind: 'list', inputs: [0] }],
    required: [0],
    finish: (input) => {
      const { list } = slotAt(input, 0);
      if (!list) throw new Error('a list slot has a list');
      const quantiles = quantilesOf(input, at);
      const { rows, starts } = sortedBuckets(input, list);
      const items = compute(input, { values: list.values, rows, starts }, quantiles);
      return several ? listsOf(input, items, quantiles.length) : items;
    },
  };
}

/** Lists of so many items each. */
function listsOf(input: FinishInput, items: Vector, size: number): Vector {
  const { groupCount, arena, memory, type } = input;
  const offsets = memory.allocate((groupCount + 1) * 4 + 60);
  for (let group = 0; group <= groupCount; group++) arena.u32[offsets / 4 + group] = group * size;
  return flatVector(type, groupCount, 0, reached(input), offsets, [items]);
}

/** Where a group's values lie and how many there are. */
function extentOf({ arena }: FinishInput, { starts }: SortedValues, group: number): readonly [first: number, count: number] {
  const first = arena.u32[starts / 4 + group] ?? 0;
  return [first, (arena.u32[starts / 4 + group + 1] ?? 0) - first];
}

const betweenNumbers: Compute = (input, { values, rows, starts }, quantiles) => {
  const { groupCount, kernels, memory, arena } = input;
  const [only, ...more] = quantiles;
  const out = memory.allocate(Math.max(64, groupCount * quantiles.length * 8));
  if (only !== undefined && more.length === 0) {
    kernels.quantile_cont_f64(values.values, rows, starts, groupCount, ascending(only), out);
    return flatVector(FLOAT64, groupCount, out, reached(input));
  }
  const column = allocateValues(input, 8);
  for (const [i, quantile] of quantiles.entries()) {
    kernels.quantile_cont_f64(values.values, rows, starts, groupCount, ascending(quantile), column);
    for (let group = 0; group < groupCount; group++) arena.f64[out / 8 + group * quantiles.length + i] = arena.f64[column / 8 + group] ?? 0;
  }
  return flatVector(FLOAT64, groupCount * quantiles.length, out);
};

/** Times and the like are int64 ticks: the part of the way between two is rounded to whole ones. */
const betweenTicks: Compute = (input, sorted, quantiles) => {
  const { groupCount, arena, memory } = input;
  const count = groupCount * quantiles.length;
  const out = memory.allocate(Math.max(64, count * 8));
  const tick = (at: number): bigint => arena.i64[sorted.values.values / 8 + (arena.u32[sorted.rows / 4 + at] ?? 0)] ?? 0n;
  for (let group = 0; group < groupCount; group++) {
    const [first, size] = extentOf(input, sorted, group);
    for (const [i, quantile] of quantiles.entries()) {
      const place = ascending(quantile) * Math.max(0, size - 1);
      const low = size === 0 ? 0n : tick(first + Math.floor(place));
      const high = size === 0 ? 0n : tick(first + Math.ceil(place));
      const part = (place - Math.floor(place)) * Number(high - low);
      arena.i64[out / 8 + group * quantiles.length + i] = low + BigInt(Math.round(part));
    }
  }
  return flatVector(sorted.values.type, count, out, quantiles.length === 1 ? reached(input) : 0);
};

const pickedValues: Compute = (input, sorted, quantiles) => {
  const { groupCount, arena, memory, context } = input;
  const picked = memory.allocate(Math.max(64, groupCount * quantiles.length * 4));
  for (let group = 0; group < groupCount; group++) {
    const [first, count] = extentOf(input, sorted, group);
    for (const [i, quantile] of quantiles.entries()) {
      const place = Math.max(0, Math.ceil(Math.abs(quantile) * count) - 1);
      const at = first + (quantile < 0 ? count - 1 - place : place);
      arena.u32[picked / 4 + group * quantiles.length + i] = count === 0 ? NOTHING : (arena.u32[sorted.rows / 4 + at] ?? 0);
    }
  }
  return gatherVectorOrNull(sorted.values, picked, groupCount * quantiles.length, context, memory);
};

// ---- types ----

/** What continuous quantiles work on: numbers as float64, dates as timestamps; undefined where there is nothing between two values. */
function continuousType(type: DataType): DataType | undefined {
  if (isNumeric(type) || type.kind === 'null') return FLOAT64;
  if (type.kind === 'date32') return { kind: 'timestamp', unit: 'us', timezone: null };
  return type.kind === 'timestamp' || type.kind === 'time64' ? type : undefined;
}

function discreteType(type: DataType): DataType | undefined {
  if (type.kind === 'null') return UTF8;
  return isNested(type) ? undefined : type;
}

function signature(args: readonly ArgumentType[], type: DataType | undefined): AggregateSignature | undefined {
  const at = args[1]?.type;
  if (args.length !== 2 || !type || !at) return undefined;
  if (at.kind === 'list') {
    const isList = isNumeric(at.item.type);
    return isList ? { args: [type, listType(FLOAT64)], type: listType(type) } : undefined;
  }
  return isNumeric(at) ? { args: [type, FLOAT64], type } : undefined;
}

function listType(type: DataType): DataType {
  return { kind: 'list', item: { name: 'item', type, nullable: true } };
}

function continuousRecipe([value, at]: readonly DataType[], constant: number | null): AggregateRecipe {
  return quantileRecipe(constant, at?.kind === 'list', value?.kind === 'float64' ? betweenNumbers : betweenTicks);
}

export const QUANTILES = [
  {
    name: 'median',
    doc: 'Middle value, interpolated between the two middle ones of an even number; the lower of the two where nothing lies between (texts and so on).',
    examples: [
      { sql: 'SELECT median(x) FROM (VALUES (1), (2), (10), (4)) t(x)', result: '3' },
      { sql: "SELECT median(x) FROM (VALUES ('a'), ('b'), ('c'), ('d')) t(x)", result: 'b' },
    ],
    resolve: ([value, ...more]) => {
      const type = value && more.length === 0 && (continuousType(value.type) ?? discreteType(value.type));
      return type ? { args: [type], type } : undefined;
    },
    recipe: (args) => (args[0] && continuousType(args[0]) ? continuousRecipe(args, null) : quantileRecipe(null, false, pickedValues)),
  },
  {
    name: 'quantile_cont',
    aliases: ['percentile_cont'],
    doc: 'Quantile (a constant in [0, 1], below 0 counted from the largest, or a list of them) interpolated between values. percentile_cont(q) WITHIN GROUP (ORDER BY x) is quantile_cont(x, q).',
    examples: [{ sql: 'SELECT quantile_cont(x, 0.25) FROM (VALUES (1), (2), (3), (4)) t(x)', result: '1.75' }],
    constantsFrom: 1,
    resolve: (args) => signature(args, args[0] && continuousType(args[0].type)),
    recipe: (args) => continuousRecipe(args, 1),
  },
  {
    name: 'quantile_disc',
    aliases: ['percentile_disc', 'quantile', 'reservoir_quantile'],
    doc: 'Quantile (a constant in [0, 1], below 0 counted from the largest, or a list of them) as the first value whose share of rows reaches it.',
    examples: [
      { sql: 'SELECT quantile_disc(x, 0.5) FROM (VALUES (1), (2), (3), (4)) t(x)', result: '2' },
      { sql: 'SELECT quantile_disc(x, [0.5, 1]) FROM (VALUES (1), (2), (3), (4)) t(x)', result: '[2, 4]' },
    ],
    constantsFrom: 1,
    resolve: (args) => signature(args, args[0] && discreteType(args[0].type)),
    recipe: ([, at]) => quantileRecipe(1, at?.kind === 'list', pickedValues),
  },
] as const satisfies readonly AggregateFunction[];
