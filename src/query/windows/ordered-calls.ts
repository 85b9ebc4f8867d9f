/** Quantiles and distinct counts while frames slide: rows come to and go from a set of ranks. */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { FLOAT64 } from '../../core/types.js';
import { orderKeysOf, sortRows } from '../execution/sort/sort-rows.js';
import type { FramePiece, Stretch } from './frames.js';
import { positionMask } from './slide-calls.js';
import type { WindowCallSpec } from './spec.js';
import { ComputedCall, int64Result, PickedCall, type WindowComputation } from './window-call.js';
import type { WindowRows } from './window-rows.js';

/** Ranks by position, and the memory of the set that slides. */
interface RankedRows {
  readonly ranks: number;
  readonly size: number;
  readonly mask: number;
  readonly state: number;
  /** One zeroed word per rank and one more. */
  readonly counts: number;
}

const NESTED: ReadonlySet<string> = new Set(['list', 'struct', 'null']);

/** The computation of an aggregate over sets of ranks; undefined for the others. */
export function orderedCall(spec: WindowCallSpec, rows: WindowRows): WindowComputation | undefined {
  const type = spec.argTypes[0];
  if (!type || NESTED.has(type.kind)) return undefined;
  if (spec.distinct)
    return spec.function === 'count' || spec.function === 'approx_count_distinct' ? new DistinctCount(spec, rows) : undefined;
  const quantile = spec.function === 'median' || spec.function === 'approx_median' ? 0.5 : Number(spec.constants[1] ?? Number.NaN);
  if (!(quantile >= 0 && quantile <= 1)) return undefined;
  const isContinuous = spec.function === 'median' || spec.function === 'quantile_cont' || spec.function.startsWith('approx_');
  if (isContinuous && spec.type.kind === 'float64') return new ContinuousQuantile(spec, rows, quantile);
  return spec.function === 'quantile_disc' ? new DiscreteQuantile(spec, rows, quantile) : undefined;
}

function rankedRows(spec: WindowCallSpec, rows: WindowRows): RankedRows {
  const { n, run } = rows;
  const { context, memory } = run;
  const { kernels } = context;
  const temporary = new MemoryScope(memory.arena, memory.limitBytes, memory.budget);
  try {
    const order = orderKeysOf(rows.column(spec.args[0] ?? -1), { descending: false, nullsFirst: false }, context, temporary);
    const sorted = sortRows([order], n, context, temporary, run.check);
    const byRow = memory.allocateZeroed(Math.max(64, n * 4));
    const size = kernels.rank_values(order.keys[0] ?? 0, order.keys[1] ?? 0, sorted, order.validity, n, byRow);
    return {
      ranks: byRow,
      size,
      mask: positionMask(spec, [0], rows),
      state: memory.allocateZeroed(64),
      counts: memory.allocateZeroed(Math.max(64, (size + 1) * 4)),
    };
  } finally {
    temporary.release();
  }
}

function onlyPiece(pieces: readonly FramePiece[]): FramePiece {
  const [piece] = pieces;
  if (!piece || pieces.length > 1) throw new Error('a set of ranks slides over whole frames');
  return piece;
}

class DistinctCount extends ComputedCall {
  private readonly ranked: RankedRows;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    super(spec, rows);
    this.ranked = rankedRows(spec, rows);
  }

  protected compute({ n }: Stretch, pieces: readonly FramePiece[]): Vector {
    const { kernels, scratch } = this.rows.run.context;
    const { ranks, mask, state, counts } = this.ranked;
    const { low, high } = onlyPiece(pieces);
    const out = scratch.allocate(n * 8);
    kernels.slide_distinct(ranks, mask, low, high, n, state, counts, out);
    return int64Result(out, n);
  }
}

/** A position with each rank. */
function positionsOf({ ranks, mask, size }: RankedRows, rows: WindowRows): number {
  const { memory, context } = rows.run;
  const out = memory.allocate(Math.max(64, size * 4));
  context.kernels.rank_positions(ranks, mask, rows.n, out);
  return out;
}

class ContinuousQuantile extends ComputedCall {
  private readonly ranked: RankedRows;
  private readonly positions: number;
  private readonly quantile: number;

  constructor(spec: WindowCallSpec, rows: WindowRows, quantile: number) {
    super(spec, rows);
    this.ranked = rankedRows(spec, rows);
    this.positions = positionsOf(this.ranked, rows);
    this.quantile = quantile;
  }

  protected compute({ n }: Stretch, pieces: readonly FramePiece[]): Vector {
    const { rows, ranked, quantile, positions } = this;
    const { kernels, scratch } = rows.run.context;
    const { low, high } = onlyPiece(pieces);
    const below = scratch.allocate(n * 4);
    const above = scratch.allocate(n * 4);
    const fractions = scratch.allocate(n * 8);
    const { ranks, mask, size, state, counts } = ranked;
    kernels.slide_quantile(0, quantile, ranks, positions, mask, size, low, high, n, state, counts, below, above, fractions);
    const out = scratch.allocate(n * 8);
    kernels.between_positions_f64(rows.values(this.spec.args[0] ?? -1), below, above, fractions, n, out);
    const validity = scratch.allocate(bitmapBytes(n));
    kernels.bits_found_u32(below, n, validity);
    return flatVector(FLOAT64, n, out, validity);
  }
}

class DiscreteQuantile extends PickedCall {
  private readonly ranked: RankedRows;
  private readonly positions: number;
  private readonly quantile: number;

  constructor(spec: WindowCallSpec, rows: WindowRows, quantile: number) {
    super(spec, rows);
    this.ranked = rankedRows(spec, rows);
    this.positions = positionsOf(this.ranked, rows);
    this.quantile = quantile;
  }

  protected pick({ n }: Stretch, pieces: readonly FramePiece[], out: number): void {
    const { kernels } = this.rows.run.context;
    const { low, high } = onlyPiece(pieces);
    const { ranks, mask, size, state, counts } = this.ranked;
    kernels.slide_quantile(1, this.quantile, ranks, this.positions, mask, size, low, high, n, state, counts, out, 0, 0);
  }
}
