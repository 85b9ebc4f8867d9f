/** lag, lead, first_value, last_value, nth_value. */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { BOOL } from '../../core/types.js';
import { boundsTable, type FramePiece, type Stretch } from './frames.js';
import type { WindowCallSpec } from './spec.js';
import { badNumber, ComputedCall, type IntegerArgument, integerArgument, PickedCall, type WindowComputation } from './window-call.js';
import type { WindowRows } from './window-rows.js';

/** The positions that count: how many lie below each, and which they are; zeros when all do. */
export interface Counting {
  readonly before: number;
  readonly list: number;
}

const ALL: Counting = { before: 0, list: 0 };

/** mask: bitmap over positions. */
export function counting(mask: number, rows: WindowRows): Counting {
  if (mask === 0) return ALL;
  const { memory, context } = rows.run;
  const before = memory.allocate(Math.max(64, (rows.n + 1) * 4));
  const count = context.kernels.running_bits(mask, rows.n, before);
  const list = memory.allocate(Math.max(64, count * 4));
  context.kernels.list_bits(mask, rows.n, list);
  return { before, list };
}

function countingOf(spec: WindowCallSpec, rows: WindowRows): Counting {
  return spec.ignoreNulls ? counting(rows.column(spec.args[0] ?? -1).validity, rows) : ALL;
}

class NeighbourCall extends PickedCall {
  private readonly offsets: IntegerArgument;
  private readonly counts: Counting;
  private readonly lead: number;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    super(spec, rows);
    this.offsets = integerArgument(spec, 1, 1n, rows);
    this.counts = countingOf(spec, rows);
    this.lead = spec.function === 'lead' ? 1 : 0;
  }

  protected pick({ ...stretch }: Stretch, _pieces: readonly FramePiece[], out: number): void {
    const { values, step, validity } = this.offsets.at(stretch);
    const { before, list } = this.counts;
    const { first, n, low, high } = stretch;
    this.rows.run.context.kernels.pick_neighbour(this.lead, values, step, validity, before, list, low, high, first, n, out);
  }
}

/** True where lag or lead has a row to look at. */
class NeighbourExists extends ComputedCall {
  private readonly offsets: IntegerArgument;
  private readonly counts: Counting;
  private readonly lead: number;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    super(spec, rows);
    this.offsets = integerArgument(spec, 1, 1n, rows);
    this.counts = countingOf(spec, rows);
    this.lead = spec.function === 'lead_exists' ? 1 : 0;
  }

  protected compute(stretch: Stretch): Vector {
    const { kernels, scratch } = this.rows.run.context;
    const { values, step, validity } = this.offsets.at(stretch);
    const { before, list } = this.counts;
    const { first, n, low, high } = stretch;
    const picked = scratch.allocate(n * 4);
    const flags = scratch.allocate(n);
    kernels.has_neighbour(this.lead, values, step, validity, before, list, low, high, first, n, picked, flags);
    const bits = scratch.allocate(bitmapBytes(n));
    kernels.bits_eq_u8(flags, 1, n, bits);
    return flatVector(BOOL, n, bits);
  }
}

class NthCall extends PickedCall {
  private readonly nth: IntegerArgument;
  private readonly counts: Counting;
  private readonly fromLast: number;

  constructor(spec: WindowCallSpec, rows: WindowRows, counts: Counting, fromLast: boolean) {
    super(spec, rows);
    this.nth = integerArgument(spec, 1, 1n, rows);
    this.counts = counts;
    this.fromLast = fromLast ? 1 : 0;
  }

  protected pick(stretch: Stretch, pieces: readonly FramePiece[], out: number): void {
    const { values, step, validity } = this.nth.at(stretch);
    const { before, list } = this.counts;
    const bounds = boundsTable(pieces, this.rows);
    const { kernels } = this.rows.run.context;
    const bad = kernels.pick_nth(bounds, pieces.length, values, step, validity, this.fromLast, before, list, stretch.n, out);
    if (bad >= 0) throw badNumber('the row number', this.spec);
  }
}

/** The first (or last) position of the frame that counts: first_value and the aggregates that are like it. */
export function edgeCall(spec: WindowCallSpec, rows: WindowRows, counts: Counting, last: boolean): WindowComputation {
  return new NthCall({ ...spec, args: spec.args.slice(0, 1) }, rows, counts, last);
}

export function valueCall(spec: WindowCallSpec, rows: WindowRows): WindowComputation | undefined {
  switch (spec.function) {
    case 'lag':
    case 'lead':
      return new NeighbourCall(spec, rows);
    case 'lag_exists':
    case 'lead_exists':
      return new NeighbourExists(spec, rows);
    case 'first_value':
    case 'nth_value':
      return new NthCall(spec, rows, countingOf(spec, rows), spec.fromLast);
    case 'last_value':
      return new NthCall(spec, rows, countingOf(spec, rows), true);
    default:
      return undefined;
  }
}
