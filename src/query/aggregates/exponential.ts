/** Exponential averages as aggregates: the average at the last row. The binder brings every spelling into the two forms here (binder/bind-ema.ts). */
import type { Kernels } from '../../../native-free/kernels.js';
import { flatVector, type Value } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { FLOAT64 } from '../../core/types.js';
import type { AggregateFunction } from './contract.js';
import { allocateValues, partAt, reached } from './finishing.js';
import { eightByteResult, isNumber, listSlots, seriesRows, valueTimeTypes } from './series-rows.js';
import { type MergeInput, PartState, type StateInput, type StateResult } from './states.js';

/** Number of values, the first one, the average: float64 each. Rows come in order, so the states of later rows are merged behind. */
export class EmaState extends PartState {
  private readonly alpha: number;

  constructor(scope: MemoryScope, kernels: Kernels, constants: readonly (Value | undefined)[]) {
    super(scope, kernels, [24]);
    this.alpha = Number(constants[1] ?? Number.NaN);
  }

  update({ values, mask, groups, n }: StateInput): void {
    this.kernels.agg_ema(this.alpha, values[0]?.address ?? 0, mask, groups, n, this.parts.at(0));
  }

  merge(other: StateResult, { groups, n }: MergeInput): void {
    this.kernels.agg_merge_ema(this.alpha, other.parts[0] ?? 0, groups, n, this.parts.at(0));
  }
}

export const EXPONENTIAL: readonly AggregateFunction[] = [
  {
    name: 'ema',
    aliases: ['ewm_mean', 'ewma', 'exponential_moving_average', 'exponentialmovingaverage'],
    doc: 'ema(x, n), ema(x, alpha => a), ema(x, half_life => h), ema(x, com => c): exponential average in row order, at the last row; each value has the share a (n periods: a = 2 ÷ (n + 1)), the first one all. A half life that is an interval needs a time: ema(x, ts, half_life => INTERVAL …). With OVER: at every row.',
    examples: [
      { sql: 'SELECT ema(x, alpha => 0.5) FROM (VALUES (1), (2), (4)) t(x)', result: '2.75' },
      { sql: 'SELECT ema(x, 3) FROM (VALUES (1), (2), (4)) t(x)', result: '2.75' },
    ],
    ordered: true,
    constantsFrom: 1,
    resolve: (args) => (args.length === 2 && args.every(isNumber) ? { args: [FLOAT64, FLOAT64], type: FLOAT64 } : undefined),
    recipe: () => ({
      slots: [{ kind: 'ema', inputs: [0] }],
      required: [0],
      finish: (input) => {
        const out = allocateValues(input, 8);
        input.kernels.finish_ema(partAt(input, 0, 0), input.groupCount, out);
        return flatVector(FLOAT64, input.groupCount, out, reached(input));
      },
    }),
  },
  {
    name: 'ema_by',
    aliases: ['ewm_mean_by'],
    doc: 'ema_by(x, ts, half_life): exponential average by time; what was before halves its weight in every half life (an interval, or seconds). With OVER: at every row.',
    examples: [
      {
        sql: "SELECT ema_by(x, ts, INTERVAL '1 minute') FROM (VALUES (4, TIMESTAMP '2026-01-01 00:00:00'), (8, TIMESTAMP '2026-01-01 00:01:00')) t(x, ts)",
        result: '6',
      },
    ],
    ordered: true,
    constantsFrom: 2,
    resolve: (args) => {
      const types = valueTimeTypes(args.slice(0, 2), false);
      return types && args.length === 3 && isNumber(args[2]) ? { args: [...types, FLOAT64], type: FLOAT64 } : undefined;
    },
    recipe: () => ({
      slots: listSlots(2),
      required: [0, 1],
      finish: (input) => {
        const { rows, starts, values } = seriesRows(input, 1);
        const [x = 0, ts = 0] = values;
        return eightByteResult(input, FLOAT64, (out, present) =>
          input.kernels.series_ema(Number(input.constants[2] ?? Number.NaN), x, ts, rows, starts, input.groupCount, out, present),
        );
      },
    }),
  },
];
