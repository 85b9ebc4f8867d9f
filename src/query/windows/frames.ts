/** Frames of some positions: where the partition of each lies, and the pieces of each frame after EXCLUDE. */
import type { FrameBound } from '../plan/window.js';
import type { FrameSpec } from './spec.js';
import type { PositionKeys, WindowRows } from './window-rows.js';

/** Positions [first, first + n) with what their partitions are. Arrays lie in scratch. */
export interface Stretch {
  readonly first: number;
  readonly n: number;
  /** Partition of each position: [low, high), uint32 × n. */
  readonly low: number;
  readonly high: number;
}

/** Addresses of the arrays of bounds of one piece of every frame. Bounds never go back from position to position. */
export interface FramePiece {
  readonly low: number;
  readonly high: number;
}

const EXCLUDE = { current: 1, group: 2, ties: 3 } as const;

/** Cuts positions into stretches, in order. */
export class Stretches {
  private readonly rows: WindowRows;
  private partition = 0;

  constructor(rows: WindowRows) {
    this.rows = rows;
  }

  at(first: number, n: number): Stretch {
    const { scratch, kernels } = this.rows.run.context;
    const low = scratch.allocate(n * 4);
    const high = scratch.allocate(n * 4);
    this.partition = kernels.partition_bounds(this.rows.starts, this.partition, first, n, low, high);
    return { first, n, low, high };
  }
}

/** Makes the frames of one kind, stretch by stretch in order. */
export class Framer {
  private readonly rows: WindowRows;
  private readonly spec: FrameSpec;
  private readonly states: readonly [number, number];
  private readonly key: PositionKeys | null;
  private readonly limits: readonly (PositionKeys | null)[];
  private readonly ticks: number;

  constructor(spec: FrameSpec, rows: WindowRows, order: { readonly descending: boolean; readonly nullsFirst: boolean } | undefined) {
    this.rows = rows;
    this.spec = spec;
    const { memory, context } = rows.run;
    const state = memory.allocateZeroed(64);
    this.states = [state, state + 8];
    this.ticks = state + 16;
    const direction = order ?? { descending: false, nullsFirst: false };
    this.key = spec.rangeKey !== null ? rows.keysOf(spec.rangeKey, direction) : null;
    this.limits = [spec.start, spec.end].map((bound) => (bound.kind === 'limit' ? rows.keysOf(bound.limit, direction) : null));
    [spec.start, spec.end].forEach((bound, i) => {
      if (bound.kind === 'distance') context.arena.u64[this.ticks / 8 + i] = bound.ticks;
    });
  }

  /** The pieces of the frames, in order of positions; one without EXCLUDE. They lie in scratch. */
  pieces(stretch: Stretch): readonly FramePiece[] {
    const { spec } = this;
    const frame = { low: this.bound(spec.start, 0, stretch), high: this.bound(spec.end, 1, stretch) };
    if (spec.exclude === 'none') return [frame];
    const { scratch, kernels } = this.rows.run.context;
    const array = (): number => scratch.allocate(stretch.n * 4);
    const [before, own, behind] = [0, 1, 2].map(() => ({ low: array(), high: array() })) as [FramePiece, FramePiece, FramePiece];
    const { groups, starts } = this.rows.peers;
    const kind = EXCLUDE[spec.exclude];
    const { first, n } = stretch;
    kernels.split_frames(
      kind,
      frame.low,
      frame.high,
      groups,
      starts,
      first,
      n,
      before.low,
      before.high,
      own.low,
      own.high,
      behind.low,
      behind.high,
    );
    return spec.exclude === 'ties' ? [before, own, behind] : [before, behind];
  }

  private bound(bound: FrameBound<number>, end: 0 | 1, stretch: Stretch): number {
    const { first, n, low, high } = stretch;
    if (bound.kind === 'unbounded_preceding') return low;
    if (bound.kind === 'unbounded_following') return high;
    const { scratch, kernels } = this.rows.run.context;
    const out = scratch.allocate(n * 4);
    if (bound.kind === 'distance' || bound.kind === 'limit') {
      this.rangeBound(bound, end, stretch, out);
      return out;
    }
    const following = bound.kind === 'count' && bound.following ? 1 : 0;
    const count = bound.kind === 'count' ? bound.count : 0;
    if (this.spec.unit === 'rows') kernels.bound_rows(end, following, count, low, high, first, n, out);
    else {
      const { groups, starts } = this.rows.peers;
      kernels.bound_groups(end, following, count, groups, starts, low, high, first, n, out);
    }
    return out;
  }

  private rangeBound(bound: Extract<FrameBound<number>, { kind: 'distance' | 'limit' }>, end: 0 | 1, stretch: Stretch, out: number): void {
    const { first, n, low, high } = stretch;
    const { scratch, kernels } = this.rows.run.context;
    const { key } = this;
    if (!key) throw new Error('RANGE without a key');
    let limits = 0;
    let minor = 0;
    if (bound.kind === 'limit') {
      const given = this.limits[end];
      limits = (given?.keys ?? 0) + first * 8;
      minor = given && given.minor !== 0 ? given.minor + first * 8 : 0;
    } else {
      limits = scratch.allocate(n * 8);
      kernels.range_limits(key.keys + first * 8, bound.following ? 1 : 0, this.ticks + end * 8, n, limits);
    }
    const { groups, starts } = this.rows.peers;
    const nullsFirst = key.nullsFirst ? 1 : 0;
    const state = this.states[end];
    kernels.bound_range(end, key.keys, key.minor, limits, minor, key.validity, nullsFirst, groups, starts, low, high, first, n, state, out);
  }
}

/** Addresses of the bounds of pieces, one after the other, as kernels take them. */
export function boundsTable(pieces: readonly FramePiece[], rows: WindowRows): number {
  const { scratch, arena } = rows.run.context;
  const table = scratch.allocate(64);
  pieces.forEach(({ low, high }, i) => {
    arena.u32[table / 4 + 2 * i] = low;
    arena.u32[table / 4 + 2 * i + 1] = high;
  });
  return table;
}
