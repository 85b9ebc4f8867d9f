/** Aggregates over the distinct values of each group and how often each comes: the values are sorted, equal ones are counted. */
import { flatVector, type Value, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { FLOAT64, INT64, isNested } from '../../core/types.js';
import { sortedBuckets } from '../execution/sort/sort-rows.js';
import { gatherVector, toFlat } from '../expression/gather.js';
import { bytesToNested } from '../expression/nested-bytes.js';
import { listOf } from '../functions/row-by-row.js';
import { knownType } from '../functions/types.js';
import type { AggregateFunction, AggregateRecipe, FinishInput } from './contract.js';
import { allocateValues, listAt, offsetsOf, reached } from './finishing.js';
import { isNumberArgument } from './number-statistics.js';

/** The distinct values of all groups, group by group, smallest first. */
interface CountedValues {
  readonly values: Vector;
  /** Addresses (uint32): the first row of `values` that has each distinct value, how many have it, and where each group begins (count + 1). */
  readonly firsts: number;
  readonly counts: number;
  readonly starts: number;
  /** Distinct values of all groups. */
  readonly total: number;
}

/** Rows that are looked at between two looks at the stop signal. */
const ROWS_AT_ONCE = 1 << 18;

function countedValues(input: FinishInput): CountedValues {
  const { u32 } = input.arena;
  const list = listAt(input, 0);
  const { rows, starts: rowStarts, ranks } = sortedBuckets(input, list);
  const allocate = (count: number) => input.memory.allocate(Math.max(64, count * 4));
  const [firsts, counts, starts] = [allocate(list.values.length), allocate(list.values.length), allocate(input.groupCount + 1)];
  let total = 0;
  for (let group = 0, at = 0; group < input.groupCount; group++) {
    u32[starts / 4 + group] = total;
    const end = u32[rowStarts / 4 + group + 1] as number;
    let last = -1;
    while (at < end) {
      input.context.check?.();
      for (const piece = Math.min(end, at + ROWS_AT_ONCE); at < piece; at++) {
        const row = u32[rows / 4 + at] as number;
        if (last >= 0 && sameRank(u32, ranks / 4, row, last)) u32[counts / 4 + total - 1] = (u32[counts / 4 + total - 1] as number) + 1;
        else {
          u32[firsts / 4 + total] = row;
          u32[counts / 4 + total++] = 1;
        }
        last = row;
      }
    }
  }
  u32[starts / 4 + input.groupCount] = total;
  return { values: list.values, firsts, counts, starts, total };
}

function sameRank(u32: Uint32Array, ranks: number, a: number, b: number): boolean {
  return u32[ranks + 2 * a] === u32[ranks + 2 * b] && u32[ranks + 2 * a + 1] === u32[ranks + 2 * b + 1];
}

function countsRecipe(finish: (input: FinishInput, counted: CountedValues) => Vector): AggregateRecipe {
  return { slots: [{ kind: 'list', inputs: [0] }], required: [0], finish: (input) => finish(input, countedValues(input)) };
}

/** Each distinct value with how often it is there, smallest first: a list of {key, value}. */
function histogram(input: FinishInput, { values, firsts, counts, starts, total }: CountedValues): Vector {
  const { arena, context, memory, groupCount, type } = input;
  if (type.kind !== 'list' || type.item.type.kind !== 'struct') throw new Error('a histogram is a list of structs');
  const keyType = type.item.type.fields[0]?.type ?? values.type;
  const kept = toFlat(gatherVector(values, firsts, total, context, memory), context, memory);
  // Lists and structs were kept as bytes.
  const key = isNested(keyType) ? bytesToNested(kept, keyType, context, memory) : kept;
  const numbers = memory.allocate(Math.max(64, total * 8));
  for (let i = 0; i < total; i++) {
    if (i % ROWS_AT_ONCE === 0) context.check?.();
    arena.u32[numbers / 4 + 2 * i] = arena.u32[counts / 4 + i] as number;
    arena.u32[numbers / 4 + 2 * i + 1] = 0;
  }
  const items = flatVector(type.item.type, total, 0, 0, 0, [key, flatVector(INT64, total, numbers)]);
  return flatVector(type, groupCount, 0, reached(input), starts, [items]);
}

/** The recipe of histogram(x). */
export function valueHistogram(): AggregateRecipe {
  return countsRecipe(histogram);
}

function entropy(input: FinishInput, { counts, starts }: CountedValues): Vector {
  const { arena, context, groupCount } = input;
  const out = allocateValues(input, 8);
  for (let group = 0; group < groupCount; group++) {
    const [first, end] = [arena.u32[starts / 4 + group] as number, arena.u32[starts / 4 + group + 1] as number];
    let all = 0;
    for (let i = first; i < end; i++) all += arena.u32[counts / 4 + i] as number;
    let sum = 0;
    for (let i = first; i < end; i++) {
      if (i % ROWS_AT_ONCE === 0) context.check?.();
      const share = (arena.u32[counts / 4 + i] as number) / all;
      sum -= share * Math.log2(share);
    }
    arena.f64[out / 8 + group] = sum + 0;
  }
  return flatVector(FLOAT64, groupCount, out);
}

/** The n most frequent values; of those that come as often, the smallest. */
function mostFrequent(input: FinishInput, { values, firsts, counts, starts, total }: CountedValues): Vector {
  const { arena, context, memory, groupCount, type } = input;
  const wanted = Math.max(0, Number(input.constants[1] ?? 0));
  const picked = memory.allocate(Math.max(64, total * 4));
  let kept = 0;
  let compared = 0;
  const moreOften = (a: number, b: number): number => {
    if (compared++ % ROWS_AT_ONCE === 0) context.check?.();
    return (arena.u32[counts / 4 + b] as number) - (arena.u32[counts / 4 + a] as number) || a - b;
  };
  const ends = Array.from({ length: groupCount }, (_, group) => {
    const first = arena.u32[starts / 4 + group] as number;
    const count = (arena.u32[starts / 4 + group + 1] as number) - first;
    const order = Uint32Array.from({ length: count }, (_value, i) => first + i).sort(moreOften);
    for (const entry of order.subarray(0, wanted)) arena.u32[picked / 4 + kept++] = arena.u32[firsts / 4 + entry] as number;
    return kept;
  });
  const items = gatherVector(values, picked, kept, context, memory);
  return flatVector(type, groupCount, 0, reached(input), offsetsOf(input, ends), [items]);
}

export const VALUE_COUNTS: readonly AggregateFunction[] = [
  {
    name: 'entropy',
    doc: 'Entropy of the values in bits; 0 of no values.',
    examples: [{ sql: 'SELECT entropy(x) FROM (VALUES (1), (2), (2), (5)) t(x)', result: '1.5' }],
    resolve: (args) => (args.length === 1 && args[0] ? { args: [knownType(args[0].type)], type: FLOAT64 } : undefined),
    recipe: () => countsRecipe(entropy),
  },
  {
    name: 'approx_top_k',
    doc: 'approx_top_k(x, n): the n most frequent values (exact), most frequent first.',
    examples: [{ sql: "SELECT approx_top_k(x, 1) FROM (VALUES ('b'), ('a'), ('b')) t(x)", result: '[b]' }],
    constantsFrom: 1,
    resolve: ([value, n, ...more]) =>
      value && isNumberArgument(n) && more.length === 0
        ? { args: [knownType(value.type), INT64], type: listOf(knownType(value.type)) }
        : undefined,
    recipe: () => countsRecipe(mostFrequent),
  },
];

/** The n smallest or largest, best first; n is the argument behind. */
export function severalExtremes(least: boolean): AggregateRecipe {
  return {
    slots: [{ kind: 'list', inputs: [0] }],
    required: [0],
    finish: (input) => firstOfEach(input, listAt(input, 0).values, 0, least, 1),
  };
}

/** The first arguments of the rows with the n smallest or largest second ones, best first; rows that tie in row order. */
export function severalBest(least: boolean): AggregateRecipe {
  return {
    slots: [
      { kind: 'list', inputs: [0] },
      { kind: 'list', inputs: [1] },
    ],
    required: [0, 1],
    finish: (input) => firstOfEach(input, listAt(input, 0).values, 1, least, 2),
  };
}

/** Of each group the values of the rows that come first by a slot. */
function firstOfEach(input: FinishInput, values: Vector, order: number, least: boolean, countArgument: number): Vector {
  const { arena, context, memory, groupCount, type } = input;
  const list = listAt(input, order);
  if (list.values.length === 0)
    return flatVector(type, groupCount, 0, reached(input), offsetsOf(input, new Array(groupCount).fill(0)), [values]);
  const wanted = countOf(input, input.constants[countArgument]);
  const { rows, starts } = sortedBuckets(input, list, !least);
  let kept = 0;
  const ends = Array.from({ length: groupCount }, (_, group) => {
    const first = arena.u32[starts / 4 + group] as number;
    const end = Math.min(first + wanted, arena.u32[starts / 4 + group + 1] as number);
    // In place: never behind what is still to be read.
    arena.u32.copyWithin(rows / 4 + kept, rows / 4 + first, rows / 4 + end);
    kept += end - first;
    return kept;
  });
  const items = gatherVector(values, rows, kept, context, memory);
  return flatVector(type, groupCount, 0, reached(input), offsetsOf(input, ends), [items]);
}

const MOST_VALUES = 1_000_000;

function countOf({ position }: FinishInput, n: Value | undefined): number {
  const count = Number(n ?? 0);
  if (count >= 1 && count < MOST_VALUES) return count;
  throw new DbError('invalid_argument', `the number of values must be from 1 to ${MOST_VALUES - 1}, not ${n ?? 'NULL'}`, {
    position: position < 0 ? undefined : position,
  });
}
