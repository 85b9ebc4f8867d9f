/**
 * Approximate aggregates in bounded memory: HyperLogLog and t-digest. Their results depend on the data alone, not on the number of threads.
 * A window's frames slide over exact structures, which are as fast there: over OVER these functions are exact.
 */
import { flatVector, type Value, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, INT64, isNumeric, physicalOf } from '../../core/types.js';
import { castNumber } from '../expression/cast-number.js';
import type { ArgumentType } from '../functions/contract.js';
import { listOf } from '../functions/row-by-row.js';
import type { AggregateFunction, AggregateRecipe, AggregateSignature, FinishInput } from './contract.js';
import { allocateValues, partAt, reached } from './finishing.js';
import { DIGEST_WORK_BYTES } from './sketch-states.js';

const TEMPORAL: ReadonlySet<DataType['kind']> = new Set(['date32', 'timestamp', 'time64']);

/** Numbers become float64; dates and times stay what they are. */
function digestType({ type }: ArgumentType): DataType | undefined {
  if (isNumeric(type) || type.kind === 'null') return FLOAT64;
  return TEMPORAL.has(type.kind) ? type : undefined;
}

function quantileSignature([value, at, ...more]: readonly ArgumentType[]): AggregateSignature | undefined {
  const type = value && digestType(value);
  if (!type || !at || more.length > 0) return undefined;
  if (at.type.kind === 'list' && isNumeric(at.type.item.type)) return { args: [type, listOf(FLOAT64)], type: listOf(type) };
  return isNumeric(at.type) ? { args: [type, FLOAT64], type } : undefined;
}

function checkedQuantiles(wanted: readonly Value[], position: number): readonly number[] {
  return wanted.map((value) => {
    const quantile = typeof value === 'bigint' ? Number(value) : value;
    if (typeof quantile === 'number' && quantile >= 0 && quantile <= 1) return quantile;
    throw new DbError('invalid_argument', 'a quantile is a constant between 0 and 1', { position: position < 0 ? undefined : position });
  });
}

/** The quantiles of all groups, group by group, as values of the type. */
function quantilesOf(input: FinishInput, quantiles: readonly number[], type: DataType): Vector {
  const { arena, context, kernels, memory, groupCount } = input;
  const n = groupCount * quantiles.length;
  const wanted = memory.allocate(Math.max(64, quantiles.length * 8));
  arena.f64.set(quantiles, wanted / 8);
  const out = memory.allocate(Math.max(64, n * 8));
  const work = memory.allocate(DIGEST_WORK_BYTES);
  kernels.digest_quantiles(partAt(input, 0, 0), groupCount, wanted, quantiles.length, work, out);
  const values = flatVector(FLOAT64, n, out);
  if (type.kind === 'float64') return values;
  const whole: DataType = physicalOf(type) === 'i32' ? { kind: 'int32' } : INT64;
  const numbers = castNumber(values, whole, false, context);
  const kept = memory.allocate(Math.max(64, n * 8));
  kernels.copy_bytes(kept, numbers.values, n * (whole.kind === 'int32' ? 4 : 8));
  return flatVector(type, n, kept);
}

function oneQuantile(of: (input: FinishInput) => Value): AggregateRecipe {
  return {
    slots: [{ kind: 'digest', inputs: [0] }],
    required: [0],
    finish: (input) => {
      const values = quantilesOf(input, checkedQuantiles([of(input)], input.position), input.type);
      return { ...values, validity: reached(input) };
    },
  };
}

function listOfQuantiles(): AggregateRecipe {
  return {
    slots: [{ kind: 'digest', inputs: [0] }],
    required: [0],
    finish: (input) => {
      const { arena, groupCount, memory, type } = input;
      const quantiles = checkedQuantiles((input.constants[1] ?? []) as readonly Value[], input.position);
      const item = type.kind === 'list' ? type.item.type : FLOAT64;
      const offsets = memory.allocate((groupCount + 1) * 4);
      for (let group = 0; group <= groupCount; group++) arena.u32[offsets / 4 + group] = group * quantiles.length;
      return flatVector(type, groupCount, 0, reached(input), offsets, [quantilesOf(input, quantiles, item)]);
    },
  };
}

export const SKETCHES = [
  {
    name: 'approx_count_distinct',
    aliases: ['approx_distinct'],
    doc: 'Number of distinct values that are not NULL, by HyperLogLog with 16,384 registers: the standard error is 0.8 %, at most 16 KiB per group; up to 767 distinct values are counted exactly. The same rows give the same number, whatever their order and the number of threads.',
    examples: [{ sql: 'SELECT approx_count_distinct(x) FROM (VALUES (1), (1), (2)) t(x)', result: '2' }],
    distinctInWindows: true,
    resolve: (args) => (args.length === 1 ? { args: args.map((arg) => arg.type), type: INT64 } : undefined),
    recipe: () => ({
      slots: [{ kind: 'hyperloglog', inputs: [0] }],
      required: [0],
      finish: (input) => {
        const out = allocateValues(input, 8);
        input.kernels.hll_estimate(partAt(input, 0, 0), input.groupCount, input.memory.allocate(256), out);
        return flatVector(INT64, input.groupCount, out);
      },
    }),
  },
  {
    name: 'approx_quantile',
    aliases: ['approx_percentile'],
    doc: 'Quantile (a constant in [0, 1], or a list of them) of numbers, dates or times, by a t-digest of at most 400 clusters and 17 KiB per group: the rank of the result is off by less than 0.5 % of the rows in the middle, and by less towards the ends. Groups of up to some hundred values are exact, as quantile_cont.',
    examples: [{ sql: 'SELECT approx_quantile(x, 0.25) FROM (VALUES (1), (2), (3), (4)) t(x)', result: '1.75' }],
    constantsFrom: 1,
    resolve: quantileSignature,
    recipe: (args) => (args[1]?.kind === 'list' ? listOfQuantiles() : oneQuantile((input) => input.constants[1] ?? null)),
  },
  {
    name: 'approx_median',
    doc: 'approx_quantile(x, 0.5).',
    examples: [{ sql: 'SELECT approx_median(x) FROM (VALUES (1), (2), (10), (4)) t(x)', result: '3' }],
    resolve: ([value, ...more]) => {
      const type = value && digestType(value);
      return type && more.length === 0 ? { args: [type], type } : undefined;
    },
    recipe: () => oneQuantile(() => 0.5),
  },
] as const satisfies readonly AggregateFunction[];
