/**
 * Aggregates that look at all values of a group: what needs a second look at the values, or their order. The values are kept in row order, so
 * results do not depend on the number of threads.
 */

import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, INT64, isInteger, isNumeric, isText, UTF8 } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { bucketRows } from '../execution/sort-rows.js';
import { compareValues } from '../expression/compare.js';
import { vectorOf } from '../expression/vector-values.js';
import type { ArgumentType } from '../functions/contract.js';
import type { AggregateFunction, AggregateRecipe, AggregateSignature, FinishInput } from './contract.js';
import { reached, slotAt } from './finishing.js';

/** One group: its values, argument by argument, in row order; undefined where an argument is a constant. */
type Compute = (values: readonly (readonly Value[])[], constants: readonly (Value | undefined)[]) => Value;

interface Shape {
  /** Arguments that are kept by row. */
  readonly inputs: readonly number[];
  /** Of which rows with NULL do not count; all of them when not given. */
  readonly required?: readonly number[];
  /** What no rows give; NULL when not given. */
  readonly empty?: Value;
}

function recipeOf({ inputs, required = inputs, empty = null }: Shape, compute: Compute): AggregateRecipe {
  return {
    slots: inputs.map((input) => ({ kind: 'list', inputs: [input] })),
    required,
    finish: (input) => {
      const groups = valuesByGroup(input, inputs.length);
      const present = reached(input);
      const results = groups.map((values, group) => {
        input.context.check?.();
        const isThere = present === 0 || (((input.arena.u8[present + (group >> 3)] as number) >> (group & 7)) & 1) === 1;
        return isThere ? atCall(input, () => compute(values, input.constants)) : empty;
      });
      return vectorOf(results, input.type, input.context, input.memory);
    },
  };
}

function atCall<T>(input: FinishInput, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof DbError) || input.position < 0) throw error;
    throw new DbError(error.code, error.message, { position: input.position, hint: error.hint, cause: error });
  }
}

/** Values that are read between two looks at the stop signal. */
const VALUES_AT_ONCE = 1 << 14;

function valuesByGroup(input: FinishInput, slots: number): Value[][][] {
  const groups: Value[][][] = Array.from({ length: input.groupCount }, () => Array.from({ length: slots }, () => []));
  for (let slot = 0; slot < slots; slot++) {
    const list = slotAt(input, slot).list;
    if (!list) throw new Error('a list slot has a list');
    const { rows, starts } = bucketRows(input, list.groups, list.values.length, 0);
    for (let group = 0; group < input.groupCount; group++) {
      const end = input.arena.u32[starts / 4 + group + 1] as number;
      for (let at = input.arena.u32[starts / 4 + group] as number; at < end; at++) {
        if (at % VALUES_AT_ONCE === 0) input.context.check?.();
        groups[group]?.[slot]?.push(valueAt(input.arena, list.values, input.arena.u32[rows / 4 + at] as number));
      }
    }
  }
  return groups;
}

// ---- numbers ----

const number = (arg: ArgumentType | undefined) => arg !== undefined && (isNumeric(arg.type) || arg.type.kind === 'null');

function floats(count: number): AggregateFunction['resolve'] {
  return (args) => (args.length === count && args.every(number) ? { args: args.map(() => FLOAT64), type: FLOAT64 } : undefined);
}

/** Rounding errors are carried along (Neumaier). */
function exactSum(values: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return Number.isFinite(sum) ? sum + lost : sum;
}

const mean = (values: readonly number[]) => exactSum(values) / values.length;

/** The mean of the powers of the distances from the mean. */
function centralMoment(values: readonly number[], power: number): number {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** power));
}

function statistic(
  name: string,
  aliases: readonly string[],
  doc: string,
  rows: string,
  result: string,
  of: (values: readonly number[]) => number | null,
): AggregateFunction {
  return {
    name,
    aliases,
    doc,
    examples: [{ sql: `SELECT ${name}(x) FROM (VALUES ${rows}) t(x)`, result }],
    resolve: floats(1),
    recipe: () => recipeOf({ inputs: [0] }, ([values = []]) => of(values as readonly number[])),
  };
}

function paired(
  name: string,
  aliases: readonly string[],
  doc: string,
  result: string,
  of: (y: readonly number[], x: readonly number[]) => number | null,
): AggregateFunction {
  return {
    name,
    aliases,
    doc,
    examples: [{ sql: `SELECT ${name}(y, x) FROM (VALUES (1, 1), (3, 2), (5, 3)) t(y, x)`, result }],
    resolve: floats(2),
    recipe: () => recipeOf({ inputs: [0, 1] }, ([y = [], x = []]) => of(y as readonly number[], x as readonly number[])),
  };
}

function skewness(values: readonly number[]): number | null {
  const n = values.length;
  const spread = n < 3 ? 0 : centralMoment(values, 2);
  return spread === 0 ? null : (Math.sqrt(n * (n - 1)) / (n - 2)) * (centralMoment(values, 3) / spread ** 1.5);
}

function kurtosis(values: readonly number[]): number | null {
  const n = values.length;
  const spread = n < 4 ? 0 : centralMoment(values, 2);
  if (spread === 0) return null;
  const ratio = centralMoment(values, 4) / spread ** 2;
  return ((n - 1) / ((n - 2) * (n - 3))) * ((n + 1) * ratio - 3 * (n - 1));
}

function populationKurtosis(values: readonly number[]): number | null {
  const spread = values.length < 2 ? 0 : centralMoment(values, 2);
  return spread === 0 ? null : centralMoment(values, 4) / spread ** 2 - 3;
}

function quantile(sorted: readonly number[], at: number): number | null {
  if (sorted.length === 0) return null;
  const place = at * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0];
  return low === high ? low : low + (place - Math.floor(place)) * (high - low);
}

const ascending = (values: readonly number[]) => [...values].sort((a, b) => compareValues(a, b));

function deviation(values: readonly number[]): number | null {
  const middle = quantile(ascending(values), 0.5) ?? 0;
  return quantile(ascending(values.map((value) => Math.abs(value - middle))), 0.5);
}

const products = (y: readonly number[], x: readonly number[]) => {
  const [middleY, middleX] = [mean(y), mean(x)];
  return exactSum(y.map((value, i) => (value - middleY) * ((x[i] ?? 0) - middleX)));
};

// ---- any values ----

/** Distinct values with their counts, smallest first. */
function counted(values: readonly Value[]): readonly { readonly value: Value; count: number }[] {
  const sorted = [...values].sort(compareValues);
  const found: { readonly value: Value; count: number }[] = [];
  for (const value of sorted) {
    const last = found.at(-1);
    if (last && compareValues(last.value, value) === 0) last.count += 1;
    else found.push({ value, count: 1 });
  }
  return found;
}

const known = (type: DataType): DataType => (type.kind === 'null' ? UTF8 : type);
const listOf = (type: DataType): DataType => ({ kind: 'list', item: { name: 'item', type, nullable: true } });

/** The n smallest or largest, best first; n is the argument behind. */
export function severalExtremes(least: boolean): AggregateRecipe {
  return recipeOf({ inputs: [0] }, ([values = []], [, n]) => {
    const sorted = [...values].sort((a, b) => (least ? compareValues(a, b) : compareValues(b, a)));
    return sorted.slice(0, countOf(n));
  });
}

/** The first arguments of the rows with the n smallest or largest second ones, best first; rows that tie in row order. */
export function severalBest(least: boolean): AggregateRecipe {
  return recipeOf({ inputs: [0, 1] }, ([values = [], orders = []], [, , n]) => {
    const rows = orders.map((_, row) => row);
    const order = (a: number, b: number): number => compareValues(orders[a] ?? null, orders[b] ?? null);
    rows.sort((a, b) => (least ? order(a, b) : order(b, a)));
    return rows.slice(0, countOf(n)).map((row) => values[row] ?? null);
  });
}

const MOST_VALUES = 1_000_000;

function countOf(n: Value | undefined): number {
  const count = Number(n ?? 0);
  if (count >= 1 && count < MOST_VALUES) return count;
  throw new DbError('invalid_argument', `the number of values must be from 1 to ${MOST_VALUES - 1}, not ${n ?? 'NULL'}`);
}

/** The signature of min(x, n) and max(x, n). */
export function severalSignature([value, n, ...more]: readonly ArgumentType[]): AggregateSignature | undefined {
  if (!value || !n || !number(n) || more.length > 0) return undefined;
  return { args: [known(value.type), INT64], type: listOf(known(value.type)) };
}

/** The signature of arg_min(x, y, n) and arg_max(x, y, n). */
export function severalBestSignature([value, order, n, ...more]: readonly ArgumentType[]): AggregateSignature | undefined {
  if (!value || !order || !n || !number(n) || more.length > 0) return undefined;
  return { args: [known(value.type), known(order.type), INT64], type: listOf(known(value.type)) };
}

/** The value of the first row where the second argument, of any type, is smallest or largest. */
export function bestBy(least: boolean, required: readonly number[] = [0, 1]): AggregateRecipe {
  return recipeOf({ inputs: [0, 1], required }, ([values = [], orders = []]) => {
    let best = 0;
    for (let row = 1; row < orders.length; row++) {
      const order = compareValues(orders[row] ?? null, orders[best] ?? null);
      if (least ? order < 0 : order > 0) best = row;
    }
    return values[best] ?? null;
  });
}

function bitwise(name: string, doc: string, result: string, of: (a: bigint, b: bigint) => bigint): AggregateFunction {
  return {
    name,
    doc,
    examples: [{ sql: `SELECT ${name}(x) FROM (VALUES (5), (3), (NULL)) t(x)`, result }],
    resolve: ([arg, ...more]) =>
      arg && more.length === 0 && (isInteger(arg.type) || arg.type.kind === 'null') ? { args: [INT64], type: INT64 } : undefined,
    recipe: () => recipeOf({ inputs: [0] }, ([values = []]) => (values as readonly bigint[]).reduce(of)),
  };
}

// ---- JSON: the binder has made the values JSON text ----

const texts =
  (count: number): AggregateFunction['resolve'] =>
  (args): AggregateSignature | undefined =>
    args.length === count && args.every((arg) => isText(arg.type) || arg.type.kind === 'null')
      ? { args: args.map(() => UTF8), type: UTF8 }
      : undefined;

function jsonObject([names = [], values = []]: readonly (readonly Value[])[]): Value {
  const members = names.map((name, i) => {
    if (name === null) throw new DbError('invalid_value', 'a name in a JSON object must not be NULL');
    return `${JSON.stringify(name)}:${values[i] ?? 'null'}`;
  });
  return `{${members.join(',')}}`;
}

export const OVER_VALUES: readonly AggregateFunction[] = [
  statistic('skewness', [], 'Skewness of a sample; NULL of fewer than three values.', '(1), (2), (10)', '1.65231674033299', skewness),
  statistic(
    'kurtosis',
    [],
    'Excess kurtosis of a sample; NULL of fewer than four values.',
    '(1), (2), (10), (5)',
    '0.29737609329446',
    kurtosis,
  ),
  statistic('kurtosis_pop', [], 'Excess kurtosis of a population.', '(1), (2), (10), (5)', '-1.1603498542274053', populationKurtosis),
  statistic('mad', [], 'Median of the distances from the median.', '(1), (2), (10), (5)', '2', deviation),
  statistic('sem', [], 'Standard error of the mean.', '(1), (2), (2), (5)', '0.75', (values) =>
    Math.sqrt(centralMoment(values, 2) / values.length),
  ),
  statistic('geometric_mean', ['geomean'], 'Geometric mean of positive numbers.', '(1), (4), (16)', '4', (values) =>
    Math.exp(mean(values.map(Math.log))),
  ),
  statistic(
    'harmonic_mean',
    [],
    'Harmonic mean.',
    '(1), (2), (4)',
    '1.7142857142857142',
    (values) => values.length / exactSum(values.map((value) => 1 / value)),
  ),
  statistic(
    'fsum',
    ['kahan_sum', 'sumkahan'],
    'Sum of floats with the rounding errors carried along.',
    '(1e16), (1.0), (-1e16)',
    '1',
    exactSum,
  ),
  statistic('favg', [], 'Average of floats with the rounding errors carried along.', '(1e16), (2.0), (-1e16), (2.0)', '1', mean),
  paired('weighted_avg', ['wavg', 'avg_weighted'], 'weighted_avg(x, weight): average with weights.', '3.6666666666666665', (x, weights) => {
    const total = exactSum(weights);
    return total === 0 ? null : exactSum(x.map((value, i) => value * (weights[i] ?? 0))) / total;
  }),
  {
    ...paired('regr_count', [], 'Rows in which both sides have a value.', '3', (y) => y.length),
    resolve: (args) => (args.length === 2 && args.every(number) ? { args: [FLOAT64, FLOAT64], type: INT64 } : undefined),
    recipe: () => ({
      slots: [{ kind: 'list', inputs: [0] }],
      required: [0, 1],
      finish: (input) =>
        vectorOf(
          valuesByGroup(input, 1).map(([values = []]) => BigInt(values.length)),
          INT64,
          input.context,
          input.memory,
        ),
    }),
  },
  paired('regr_avgx', [], 'Average of x.', '2', (_y, x) => mean(x)),
  paired('regr_avgy', [], 'Average of y.', '3', (y) => mean(y)),
  paired('regr_sxx', [], 'Sum of the squared distances of x from its mean.', '2', (_y, x) => products(x, x)),
  paired('regr_syy', [], 'Sum of the squared distances of y from its mean.', '8', (y) => products(y, y)),
  paired('regr_sxy', [], 'Sum of the products of the distances from the means.', '4', products),
  bitwise('bit_and', 'Bits that all values have.', '1', (a, b) => a & b),
  bitwise('bit_or', 'Bits that any value has.', '7', (a, b) => a | b),
  bitwise('bit_xor', 'Bits that an odd number of values have.', '6', (a, b) => a ^ b),
  {
    name: 'entropy',
    doc: 'Entropy of the values in bits; 0 of no values.',
    examples: [{ sql: 'SELECT entropy(x) FROM (VALUES (1), (2), (2), (5)) t(x)', result: '1.5' }],
    resolve: (args) => (args.length === 1 && args[0] ? { args: [known(args[0].type)], type: FLOAT64 } : undefined),
    recipe: () =>
      recipeOf(
        { inputs: [0], empty: 0 },
        ([values = []]) => exactSum(counted(values).map(({ count }) => -(count / values.length) * Math.log2(count / values.length))) + 0,
      ),
  },
  {
    name: 'approx_top_k',
    doc: 'approx_top_k(x, n): the n most frequent values (exact), most frequent first.',
    examples: [{ sql: "SELECT approx_top_k(x, 1) FROM (VALUES ('b'), ('a'), ('b')) t(x)", result: '[b]' }],
    constantsFrom: 1,
    resolve: ([value, n, ...more]) =>
      value && n && number(n) && more.length === 0 ? { args: [known(value.type), INT64], type: listOf(known(value.type)) } : undefined,
    recipe: () =>
      recipeOf({ inputs: [0] }, ([values = []], [, n]) =>
        [...counted(values)]
          .sort((a, b) => b.count - a.count)
          .slice(0, Number(n ?? 0))
          .map(({ value }) => value),
      ),
  },
  {
    name: 'json_group_array',
    aliases: ['json_agg', 'jsonb_agg', 'json_arrayagg'],
    doc: 'All values, NULLs too, as a JSON array in row order.',
    examples: [{ sql: "SELECT json_group_array(x) FROM (VALUES ('a'), (NULL)) t(x)", result: '["a",null]' }],
    ordered: true,
    resolve: texts(1),
    recipe: () => recipeOf({ inputs: [0], required: [] }, ([values = []]) => `[${values.map((value) => value ?? 'null').join(',')}]`),
  },
  {
    name: 'json_group_object',
    aliases: ['json_object_agg', 'jsonb_object_agg', 'json_objectagg'],
    doc: 'json_group_object(name, value): a JSON object of all rows.',
    examples: [{ sql: "SELECT json_group_object(k, v) FROM (VALUES ('a', 1), ('b', NULL)) t(k, v)", result: '{"a":1,"b":null}' }],
    ordered: true,
    resolve: texts(2),
    recipe: () => recipeOf({ inputs: [0, 1], required: [] }, jsonObject),
  },
];
