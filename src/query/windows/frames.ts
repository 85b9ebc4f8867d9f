/** Frames of some positions: where the partition of each lies, and the pieces of each frame after EXCLUDE. */
import { DbError } from '../../core/errors.js';
import { toFlat } from '../expression/gather.js';
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
  private readonly offsets = new Map<number, number>();

  constructor(spec: FrameSpec, rows: WindowRows, order: { readonly descending: boolean; readonly nullsFirst: boolean } | undefined) {
    this.rows = rows;
    this.spec = spec;
    const { memory, context } = rows.run;
    const state = memory.allocateZeroed(64);
    this.states = [state, state + 8];
    this.ticks = state + 16;
    const direction = order ?? { descending: false, nullsFirst: false };
    this.key = spec.rangeKey !== null ? rows.keysOf(spec.rangeKey, direction) : null;
    this.limits = [spec.start, spec.end].map((bound) =>
      bound.kind === 'limit' && spec.unit === 'range' ? rows.keysOf(bound.limit, direction) : null,
    );
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
    if (bound.kind === 'limit' && this.spec.unit !== 'range') {
      this.varyingBound(bound, end, stretch, out);
      return out;
    }
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
    const find = (k: number, count: number): void => {
      const at = k * 4;
      const [one, two] = [limits + at * 2, minor === 0 ? 0 : minor + at * 2];
      const where = [groups, starts, low + at, high + at, first + k, count, state, out + at] as const;
      kernels.bound_range(end, key.keys, key.minor, one, two, key.validity, nullsFirst, ...where);
    };
    if (!this.spec.wanders) find(0, n);
    else
      for (let k = 0; k < n; k++) {
        if (bound.kind === 'limit') this.checkLimit(bound, end, first + k);
        // From the beginning of the partition, as the place of the row before may lie behind.
        this.rows.run.context.arena.u64[state / 8] = 0n;
        find(k, 1);
      }
  }

  /** An offset that differs from row to row is looked at when it is met. */
  private checkLimit({ following }: Limit, end: 0 | 1, position: number): void {
    const { u8, u64 } = this.rows.run.context.arena;
    const [key, limit] = [this.key, this.limits[end]];
    if (!key || !limit || !isSet(key.validity, position, u8)) return;
    if (!isSet(limit.validity, position, u8)) throw this.badOffset('NULL');
    const [from, to] = [u64[key.keys / 8 + position] as bigint, u64[limit.keys / 8 + position] as bigint];
    if (following ? to < from : to > from) throw this.badOffset('negative');
  }

  private badOffset(what: string): DbError {
    return new DbError('invalid_argument', `the offset of a frame may not be ${what}`, { position: this.spec.wanders?.position });
  }

  /** ROWS and GROUPS with a number of rows or groups for each row, kept inside the partition. */
  private varyingBound({ limit, following }: Limit, end: 0 | 1, stretch: Stretch, out: number): void {
    const { first, n, low, high } = stretch;
    const { arena } = this.rows.run.context;
    const offsets = this.offsetsOf(limit);
    const peers = this.spec.unit === 'groups' ? this.rows.peers : null;
    const { u32, f64 } = arena;
    for (let k = 0; k < n; k++) {
      const from = u32[low / 4 + k] as number;
      const to = u32[high / 4 + k] as number;
      const away = f64[offsets / 8 + first + k] as number;
      const step = following ? away : -away;
      let bound = first + k + step + end;
      if (peers) {
        const groupAt = (position: number): number => u32[peers.groups / 4 + position] as number;
        const group = groupAt(first + k) + step + end;
        if (group <= groupAt(from)) bound = from;
        else bound = group > groupAt(to - 1) ? to : (u32[peers.starts / 4 + group] as number);
      }
      u32[out / 4 + k] = Math.min(to, Math.max(from, bound));
    }
  }

  /** Address of the numbers by position (float64), which are neither NULL nor negative. */
  private offsetsOf(column: number): number {
    const { rows } = this;
    const known = this.offsets.get(column);
    if (known !== undefined) return known;
    const { u8, f64 } = rows.run.context.arena;
    const { validity } = toFlat(rows.column(column), rows.run.context, rows.run.memory);
    const values = rows.values(column);
    for (let i = 0; i < rows.n; i++) {
      if (!isSet(validity, i, u8)) throw this.badOffset('NULL');
      if (!((f64[values / 8 + i] as number) >= 0)) throw this.badOffset('negative');
    }
    this.offsets.set(column, values);
    return values;
  }
}

type Limit = Extract<FrameBound<number>, { kind: 'limit' }>;

function isSet(bitmap: number, i: number, u8: Uint8Array): boolean {
  return bitmap === 0 || (((u8[bitmap + (i >>> 3)] as number) >>> (i & 7)) & 1) === 1;
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
