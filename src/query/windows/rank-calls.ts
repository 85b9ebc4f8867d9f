/** row_number, rank and their kin. */
import { flatVector, type Vector } from '../../core/batch.js';
import { FLOAT64 } from '../../core/types.js';
import type { FramePiece, Stretch } from './frames.js';
import type { WindowCallSpec } from './spec.js';
import { badNumber, ComputedCall, type IntegerArgument, int64Result, integerArgument, type WindowComputation } from './window-call.js';
import type { WindowRows } from './window-rows.js';

class RankCall extends ComputedCall {
  protected compute(stretch: Stretch): Vector {
    const { context } = this.rows.run;
    const { kernels } = context;
    const { first, n, low, high } = stretch;
    const out = context.scratch.allocate(n * 8);
    if (this.spec.function === 'row_number') {
      kernels.row_number(low, first, n, out);
      return int64Result(out, n);
    }
    const { groups, starts } = this.rows.peers;
    switch (this.spec.function) {
      case 'rank':
        kernels.rank(groups, starts, low, first, n, out);
        return int64Result(out, n);
      case 'dense_rank':
        kernels.dense_rank(groups, low, first, n, out);
        return int64Result(out, n);
      case 'percent_rank':
        kernels.percent_rank(groups, starts, low, high, first, n, out);
        return flatVector(FLOAT64, n, out);
      default:
        kernels.cume_dist(groups, starts, low, high, first, n, out);
        return flatVector(FLOAT64, n, out);
    }
  }
}

class NtileCall extends ComputedCall {
  private readonly buckets: IntegerArgument;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    super(spec, rows);
    this.buckets = integerArgument(spec, 0, 1n, rows);
  }

  protected compute(stretch: Stretch, _pieces: readonly FramePiece[]): Vector {
    const { kernels, scratch } = this.rows.run.context;
    const { first, n, low, high } = stretch;
    const { values, step, validity } = this.buckets.at(stretch);
    const out = scratch.allocate(n * 8);
    if (kernels.ntile(values, step, validity, low, high, first, n, out) >= 0) throw badNumber('the number of buckets', this.spec);
    return int64Result(out, n, validity);
  }
}

export function rankCall(spec: WindowCallSpec, rows: WindowRows): WindowComputation {
  return spec.function === 'ntile' ? new NtileCall(spec, rows) : new RankCall(spec, rows);
}
