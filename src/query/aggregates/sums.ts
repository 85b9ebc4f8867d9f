/** sum, avg and their kin. */
import { flatVector, type Vector } from '../../core/batch.js';
import { type DataType, FLOAT64, INT64, INTERVAL, isInteger, isNumeric, UINT64 } from '../../core/types.js';
import type { ArgumentType } from '../functions/contract.js';
import { averagedTime, averageInterval, averageTicks, intervalRecipe, summedInterval } from './averages.js';
import type { AggregateFunction, AggregateRecipe, FinishInput, SlotKind, SlotSpec } from './contract.js';
import { allocateValues, checkOverflow, partAt, ratioVector, reached } from './finishing.js';

function onlyNumber(args: readonly ArgumentType[]): DataType | undefined {
  const type = args[0]?.type;
  if (args.length !== 1 || !type) return undefined;
  if (type.kind === 'null') return INT64;
  return isNumeric(type) ? type : undefined;
}

function isInterval(args: readonly ArgumentType[]): boolean {
  return args.length === 1 && args[0]?.type.kind === 'interval';
}

function sumSlot(type: DataType | undefined): SlotKind {
  if (type?.kind === 'decimal') return 'sum_decimal';
  return type && isInteger(type) ? 'sum_integer' : 'sum_float';
}

function sumType(type: DataType): DataType {
  if (type.kind === 'decimal') return { kind: 'decimal', precision: 38, scale: type.scale };
  if (type.kind === 'uint64') return UINT64;
  return isInteger(type) ? INT64 : FLOAT64;
}

function finishSum(input: FinishInput): Vector {
  const sums = partAt(input, 0, 0);
  if (input.type.kind === 'float64') return flatVector(FLOAT64, input.groupCount, sums, reached(input));
  if (input.type.kind === 'decimal') {
    checkOverflow(input, input.kernels.finish_sum_i128(sums, partAt(input, 0, 1), input.groupCount), 'sum');
    return flatVector(input.type, input.groupCount, sums, reached(input));
  }
  const out = allocateValues(input, 8);
  const finish = input.type.kind === 'uint64' ? input.kernels.finish_sum_u64 : input.kernels.finish_sum_i64;
  checkOverflow(input, finish(sums, input.groupCount, out), 'sum');
  return flatVector(input.type, input.groupCount, out, reached(input));
}

/** One argument is summed; two, as compiled plans may have them (execution/aggregate/compile-aggregation.ts), are factors whose products are. */
function summedSlot(args: readonly DataType[]): SlotSpec {
  return args.length === 2 ? { kind: 'sum_product', inputs: [0, 1] } : { kind: sumSlot(args[0]), inputs: [0] };
}

function averageOf(args: readonly DataType[]): AggregateRecipe {
  const [type] = args;
  const slot = summedSlot(args);
  const scale = type?.kind === 'decimal' ? 10 ** type.scale : 1;
  return {
    slots: [slot],
    required: slot.inputs,
    counts: true,
    finish: (input) => {
      const out = allocateValues(input, 8);
      const sums = partAt(input, 0, 0);
      if (slot.kind === 'sum_float' || slot.kind === 'sum_product') input.kernels.finish_avg_f64(sums, input.counts, input.groupCount, out);
      else {
        const flags = slot.kind === 'sum_decimal' ? partAt(input, 0, 1) : 0;
        checkOverflow(
          input,
          input.kernels.finish_avg_i128(sums, flags, input.counts, input.groupCount, scale, out),
          'the sum of avg',
          'decimal(38)',
        );
      }
      return flatVector(FLOAT64, input.groupCount, out, reached(input));
    },
  };
}

export const SUMS = [
  {
    name: 'sum',
    doc: 'Sum of the values that are not NULL; NULL of none. Integers are summed exactly; a sum that does not fit int64 is an error. Months, days and time of intervals are summed apart.',
    examples: [
      { sql: 'SELECT sum(x) FROM (VALUES (1), (2), (NULL)) t(x)', result: '3' },
      { sql: 'SELECT sum(x) FROM (VALUES (1.5::double), (2)) t(x)', result: '3.5' },
    ],
    resolve: (args) => {
      if (isInterval(args)) return { args: [INTERVAL], type: INTERVAL };
      const type = onlyNumber(args);
      return type && { args: [type], type: sumType(type) };
    },
    recipe: (args) => {
      if (args[0]?.kind === 'interval') return intervalRecipe(summedInterval);
      const slot = summedSlot(args);
      return { slots: [slot], required: slot.inputs, finish: finishSum };
    },
  },
  {
    name: 'avg',
    aliases: ['mean'],
    doc: 'Arithmetic mean as float64; NULL of no values. Of timestamps and times one of them, of dates a timestamp, of intervals an interval: what is left of its months goes on as days, what is left of its days as time.',
    examples: [
      { sql: 'SELECT avg(x) FROM (VALUES (1), (2), (NULL)) t(x)', result: '1.5' },
      { sql: "SELECT avg(x) FROM (VALUES (date '2026-01-01'), (date '2026-01-04')) t(x)", result: '2026-01-02T12:00:00.000000Z' },
      { sql: "SELECT avg(x) FROM (VALUES (interval '1 month'), (interval '2 months')) t(x)", result: '1 mon 15 days' },
    ],
    resolve: (args) => {
      if (isInterval(args)) return { args: [INTERVAL], type: INTERVAL };
      const [arg] = args;
      const time = args.length === 1 && arg ? averagedTime(arg.type) : undefined;
      if (time) return { args: [time], type: time };
      const type = onlyNumber(args);
      return type && { args: [type], type: FLOAT64 };
    },
    recipe: (args) => {
      const [type] = args;
      if (type?.kind === 'interval') return intervalRecipe(averageInterval);
      return type && averagedTime(type) ? averageTicks() : averageOf(args);
    },
  },
  {
    name: 'product',
    doc: 'Product of the values as float64; NULL of no values.',
    examples: [{ sql: 'SELECT product(x) FROM (VALUES (2), (3)) t(x)', result: '6' }],
    resolve: (args) => (onlyNumber(args) ? { args: [FLOAT64], type: FLOAT64 } : undefined),
    recipe: () => ({
      slots: [{ kind: 'product', inputs: [0] }],
      required: [0],
      finish: (input) => flatVector(FLOAT64, input.groupCount, partAt(input, 0, 0), reached(input)),
    }),
  },
  {
    name: 'vwap',
    doc: 'Volume-weighted average: sum(price × size) ÷ sum(size) over rows where both are present; NULL where the sizes are 0.',
    examples: [{ sql: 'SELECT vwap(p, s) FROM (VALUES (10, 1), (20, 3)) t(p, s)', result: '17.5' }],
    resolve: (args) => {
      const numeric = args.length === 2 && args.every((arg) => isNumeric(arg.type) || arg.type.kind === 'null');
      return numeric ? { args: [FLOAT64, FLOAT64], type: FLOAT64 } : undefined;
    },
    recipe: () => ({
      slots: [
        { kind: 'sum_product', inputs: [0, 1] },
        { kind: 'sum_float', inputs: [1] },
      ],
      required: [0, 1],
      finish: (input) => ratioVector(input, partAt(input, 0, 0), partAt(input, 1, 0)),
    }),
  },
] as const satisfies readonly AggregateFunction[];
