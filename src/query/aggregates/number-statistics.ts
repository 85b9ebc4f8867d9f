/** Statistics that look at all numbers of a group, and at some of them twice. The numbers are kept in row order, so results do not depend on the number of threads. */
import { flatVector, type Vector } from '../../core/batch.js';
import { type DataType, FLOAT64, INT64, isInteger, isNumeric } from '../../core/types.js';
import { bucketRows, sortedBuckets } from '../execution/sort/sort-rows.js';
import { gatherVector } from '../expression/gather.js';
import type { ArgumentType } from '../functions/contract.js';
import type { AggregateFunction, AggregateRecipe, FinishInput } from './contract.js';
import { allocateValues, flagged, listAt, reached } from './finishing.js';

/** The numbers of one group, in row order. */
class Numbers {
  readonly values: Float64Array;
  private readonly check: () => void;

  constructor(values: Float64Array, check: () => void) {
    this.values = values;
    this.check = check;
  }

  get count(): number {
    return this.values.length;
  }

  /** The sum of a term per value. Rounding errors are carried along (Neumaier). */
  sum(term: (value: number, row: number) => number): number {
    const { values } = this;
    let sum = 0;
    let lost = 0;
    for (let first = 0; first < values.length; first += NUMBERS_AT_ONCE) {
      if (first > 0) this.check();
      const end = Math.min(values.length, first + NUMBERS_AT_ONCE);
      for (let row = first; row < end; row++) {
        const value = term(values[row] as number, row);
        const next = sum + value;
        lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
        sum = next;
      }
    }
    return Number.isFinite(sum) ? sum + lost : sum;
  }

  mean(): number {
    return this.sum((value) => value) / this.count;
  }

  /** The mean of the powers of the distances from the mean. */
  centralMoment(power: number): number {
    const middle = this.mean();
    return this.sum((value) => (value - middle) ** power) / this.count;
  }
}

/** Numbers that are added between two looks at the stop signal. */
const NUMBERS_AT_ONCE = 1 << 18;

export function isNumberArgument(arg: ArgumentType | undefined): boolean {
  return arg !== undefined && (isNumeric(arg.type) || arg.type.kind === 'null');
}

function floats(count: number): AggregateFunction['resolve'] {
  return (args) => (args.length === count && args.every(isNumberArgument) ? { args: args.map(() => FLOAT64), type: FLOAT64 } : undefined);
}

/** A number, or NULL, of the numbers of each group, argument by argument. */
function recipeOf(inputs: readonly number[], of: (numbers: readonly Numbers[]) => number | null): AggregateRecipe {
  return {
    slots: inputs.map((input) => ({ kind: 'list', inputs: [input] })),
    required: inputs,
    finish: (input) => {
      const { arena, groupCount, memory } = input;
      const check = () => input.context.check?.();
      const grouped = inputs.map((_, slot) => groupedNumbers(input, slot));
      const out = allocateValues(input, 8);
      const flags = memory.allocate(Math.max(64, groupCount));
      for (let group = 0; group < groupCount; group++) {
        check();
        const numbers = grouped.map(({ values, starts }) => {
          const [first, end] = [arena.u32[starts / 4 + group] ?? 0, arena.u32[starts / 4 + group + 1] ?? 0];
          return new Numbers(arena.f64.subarray(values / 8 + first, values / 8 + end), check);
        });
        const result = numbers[0]?.count === 0 ? null : of(numbers);
        arena.f64[out / 8 + group] = result ?? 0;
        arena.u8[flags + group] = result === null ? 0 : 1;
      }
      return flatVector(FLOAT64, groupCount, out, flagged(input, flags));
    },
  };
}

/** Addresses of the values group by group, and of where each group begins. */
function groupedNumbers(input: FinishInput, slot: number): { readonly values: number; readonly starts: number } {
  const list = listAt(input, slot);
  const { rows, starts } = bucketRows(input, list.groups, list.values.length, 0);
  return { values: gatherVector(list.values, rows, list.values.length, input.context, input.memory).values, starts };
}

function statistic(
  name: string,
  aliases: readonly string[],
  doc: string,
  rows: string,
  result: string,
  of: (numbers: Numbers) => number | null,
): AggregateFunction {
  return {
    name,
    aliases,
    doc,
    examples: [{ sql: `SELECT ${name}(x) FROM (VALUES ${rows}) t(x)`, result }],
    resolve: floats(1),
    recipe: () => recipeOf([0], ([numbers]) => (numbers ? of(numbers) : null)),
  };
}

function paired(
  name: string,
  aliases: readonly string[],
  doc: string,
  result: string,
  of: (y: Numbers, x: Numbers) => number | null,
): AggregateFunction {
  return {
    name,
    aliases,
    doc,
    examples: [{ sql: `SELECT ${name}(y, x) FROM (VALUES (1, 1), (3, 2), (5, 3)) t(y, x)`, result }],
    resolve: floats(2),
    recipe: () => recipeOf([0, 1], ([y, x]) => (y && x ? of(y, x) : null)),
  };
}

function skewness(numbers: Numbers): number | null {
  const n = numbers.count;
  const spread = n < 3 ? 0 : numbers.centralMoment(2);
  return spread === 0 ? null : (Math.sqrt(n * (n - 1)) / (n - 2)) * (numbers.centralMoment(3) / spread ** 1.5);
}

function kurtosis(numbers: Numbers): number | null {
  const n = numbers.count;
  const spread = n < 4 ? 0 : numbers.centralMoment(2);
  if (spread === 0) return null;
  const ratio = numbers.centralMoment(4) / spread ** 2;
  return ((n - 1) / ((n - 2) * (n - 3))) * ((n + 1) * ratio - 3 * (n - 1));
}

function populationKurtosis(numbers: Numbers): number | null {
  const spread = numbers.count < 2 ? 0 : numbers.centralMoment(2);
  return spread === 0 ? null : numbers.centralMoment(4) / spread ** 2 - 3;
}

const products = (y: Numbers, x: Numbers): number => {
  const [middleY, middleX] = [y.mean(), x.mean()];
  return y.sum((value, row) => (value - middleY) * ((x.values[row] ?? 0) - middleX));
};

function weightedAverage(x: Numbers, weights: Numbers): number | null {
  const total = weights.sum((weight) => weight);
  return total === 0 ? null : x.sum((value, row) => value * (weights.values[row] ?? 0)) / total;
}

/** Median of the distances from the median: two sorts. */
function deviation(input: FinishInput): Vector {
  const { arena, context, memory, groupCount } = input;
  const list = listAt(input, 0);
  const count = list.values.length;
  const medians = mediansOf(input, list);
  const distances = memory.allocate(Math.max(64, count * 8));
  for (let first = 0; first < count; first += NUMBERS_AT_ONCE) {
    context.check?.();
    for (let row = first; row < Math.min(count, first + NUMBERS_AT_ONCE); row++) {
      const middle = arena.f64[medians / 8 + (arena.u32[list.groups / 4 + row] ?? 0)] ?? 0;
      arena.f64[distances / 8 + row] = Math.abs((arena.f64[list.values.values / 8 + row] ?? 0) - middle);
    }
  }
  const spread = mediansOf(input, { values: flatVector(FLOAT64, count, distances), groups: list.groups });
  return flatVector(FLOAT64, groupCount, spread, reached(input));
}

function mediansOf(input: FinishInput, list: { readonly values: Vector; readonly groups: number }): number {
  const out = allocateValues(input, 8);
  const { rows, starts } = sortedBuckets(input, list);
  input.kernels.quantile_cont_f64(list.values.values, rows, starts, input.groupCount, 0.5, out);
  return out;
}

/** The bits of all int64 values of each group, put together. */
function bitwise(name: string, doc: string, result: string, of: (a: number, b: number) => number): AggregateFunction {
  return {
    name,
    doc,
    examples: [{ sql: `SELECT ${name}(x) FROM (VALUES (5), (3), (NULL)) t(x)`, result }],
    resolve: ([arg, ...more]) =>
      arg && more.length === 0 && (isInteger(arg.type) || arg.type.kind === 'null') ? { args: [INT64], type: INT64 } : undefined,
    recipe: () => ({
      slots: [{ kind: 'list', inputs: [0] }],
      required: [0],
      finish: (input) => bitsTogether(input, name === 'bit_and' ? -1 : 0, of),
    }),
  };
}

function bitsTogether(input: FinishInput, nothing: number, of: (a: number, b: number) => number): Vector {
  const { i32, u32 } = input.arena;
  const list = listAt(input, 0);
  const out = allocateValues(input, 8);
  i32.fill(nothing, out / 4, out / 4 + 2 * input.groupCount);
  const from = list.values.values / 4;
  for (let first = 0; first < list.values.length; first += NUMBERS_AT_ONCE) {
    input.context.check?.();
    for (let row = first; row < Math.min(list.values.length, first + NUMBERS_AT_ONCE); row++) {
      const at = out / 4 + 2 * (u32[list.groups / 4 + row] as number);
      i32[at] = of(i32[at] as number, i32[from + 2 * row] as number);
      i32[at + 1] = of(i32[at + 1] as number, i32[from + 2 * row + 1] as number);
    }
  }
  return flatVector(INT64, input.groupCount, out, reached(input));
}

const twoNumbers: readonly DataType[] = [FLOAT64, FLOAT64];

export const NUMBER_STATISTICS: readonly AggregateFunction[] = [
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
  {
    name: 'mad',
    doc: 'Median of the distances from the median.',
    examples: [{ sql: 'SELECT mad(x) FROM (VALUES (1), (2), (10), (5)) t(x)', result: '2' }],
    resolve: floats(1),
    recipe: () => ({ slots: [{ kind: 'list', inputs: [0] }], required: [0], finish: deviation }),
  },
  statistic('sem', [], 'Standard error of the mean.', '(1), (2), (2), (5)', '0.75', (numbers) =>
    Math.sqrt(numbers.centralMoment(2) / numbers.count),
  ),
  statistic('geometric_mean', ['geomean'], 'Geometric mean of positive numbers.', '(1), (4), (16)', '4', (numbers) =>
    Math.exp(numbers.sum(Math.log) / numbers.count),
  ),
  statistic(
    'harmonic_mean',
    [],
    'Harmonic mean.',
    '(1), (2), (4)',
    '1.7142857142857142',
    (numbers) => numbers.count / numbers.sum((value) => 1 / value),
  ),
  statistic(
    'fsum',
    ['kahan_sum', 'sumkahan'],
    'Sum of floats with the rounding errors carried along.',
    '(1e16), (1.0), (-1e16)',
    '1',
    (numbers) => numbers.sum((value) => value),
  ),
  statistic('favg', [], 'Average of floats with the rounding errors carried along.', '(1e16), (2.0), (-1e16), (2.0)', '1', (numbers) =>
    numbers.mean(),
  ),
  paired('weighted_avg', ['wavg', 'avg_weighted'], 'weighted_avg(x, weight): average with weights.', '3.6666666666666665', weightedAverage),
  {
    ...paired('regr_count', [], 'Rows in which both sides have a value.', '3', (y) => y.count),
    resolve: (args) => (args.length === 2 && args.every(isNumberArgument) ? { args: twoNumbers, type: INT64 } : undefined),
    recipe: () => ({
      slots: [],
      required: [0, 1],
      counts: true,
      finish: (input) => flatVector(INT64, input.groupCount, input.counts),
    }),
  },
  paired('regr_avgx', [], 'Average of x.', '2', (_y, x) => x.mean()),
  paired('regr_avgy', [], 'Average of y.', '3', (y) => y.mean()),
  paired('regr_sxx', [], 'Sum of the squared distances of x from its mean.', '2', (_y, x) => products(x, x)),
  paired('regr_syy', [], 'Sum of the squared distances of y from its mean.', '8', (y) => products(y, y)),
  paired('regr_sxy', [], 'Sum of the products of the distances from the means.', '4', products),
  bitwise('bit_and', 'Bits that all values have.', '1', (a, b) => a & b),
  bitwise('bit_or', 'Bits that any value has.', '7', (a, b) => a | b),
  bitwise('bit_xor', 'Bits that an odd number of values have.', '6', (a, b) => a ^ b),
];
