/**
 * Ranks and neighbours in an order of their own: `rank(ORDER BY x) OVER w` is the row's rank among the rows of its frame. Every row of a frame
 * is looked at; frames that are the whole partition do not come here, as the binder makes their order that of the window.
 */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { BOOL } from '../../core/types.js';
import type { FramePiece, Stretch } from './frames.js';
import { OwnOrder } from './own-order.js';
import type { WindowCallSpec } from './spec.js';
import {
  badNumber,
  ComputedCall,
  type IntegerArgument,
  int64Result,
  integerArgument,
  PickedCall,
  type WindowComputation,
} from './window-call.js';
import type { WindowRows } from './window-rows.js';

/** Rows whose frames are walked between two looks at the clock. */
const STEP_ROWS = 256;

const NOTHING = 0xffffffff;

/** The computation of a call with an order of its own; undefined for the others. */
export function frameRankCall(spec: WindowCallSpec, rows: WindowRows): WindowComputation | undefined {
  if (spec.order.length === 0) return undefined;
  switch (spec.function) {
    case 'lag':
    case 'lead':
      return new FrameNeighbour(spec, rows);
    case 'lag_exists':
    case 'lead_exists':
      return new FrameNeighbourExists(spec, rows);
    default:
      return new FrameRank(spec, rows);
  }
}

/** What a row sees of its frame. */
interface Standing {
  /** Rows of the frame. */
  readonly size: number;
  /** Rows that come before the row, and those of them that are no equals. */
  readonly before: number;
  readonly below: number;
  /** Its equals, itself included where it is in the frame. */
  readonly equal: number;
  /** Groups of equals below. */
  readonly groups: number;
}

class FrameRank extends ComputedCall {
  private readonly order: OwnOrder;
  private readonly buckets: IntegerArgument | null;
  /** Row that has last seen each group, counted from 1. */
  private readonly seen: number;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    super(spec, rows);
    this.order = new OwnOrder(spec.order, rows);
    this.buckets = spec.function === 'ntile' ? integerArgument(spec, 0, 1n, rows) : null;
    this.seen = rows.run.memory.allocateZeroed(Math.max(64, rows.n * 4));
  }

  protected compute(): Vector {
    throw new Error('frames are walked in steps');
  }

  override *addInSteps(stretch: Stretch, pieces: readonly FramePiece[]): Generator<void> {
    const { context, check } = this.rows.run;
    const { arena, scratch } = context;
    const { n } = stretch;
    const isShare = this.spec.type.kind === 'float64';
    const out = scratch.allocate(n * 8);
    const buckets = this.buckets?.at(stretch);
    for (let k = 0; k < n; k++) {
      if (k % STEP_ROWS === 0) {
        check();
        yield;
      }
      const standing = this.standingOf(k, stretch, pieces);
      if (isShare) arena.f64[out / 8 + k] = this.share(standing);
      else if (buckets)
        arena.i64[out / 8 + k] = this.bucket(
          standing,
          arena.i64[(buckets.values + k * buckets.step) / 8] ?? 0n,
          isSet(buckets.validity, k, arena.u8),
        );
      else arena.i64[out / 8 + k] = BigInt(this.rank(standing));
    }
    this.append(isShare ? flatVector(this.spec.type, n, out) : int64Result(out, n, buckets?.validity ?? 0), stretch);
  }

  private standingOf(k: number, { first }: Stretch, pieces: readonly FramePiece[]): Standing {
    const { u32 } = this.rows.run.context.arena;
    const { places, groups } = this.order;
    const seen = this.seen / 4;
    const row = first + k;
    const place = u32[places / 4 + row] as number;
    const group = u32[groups / 4 + row] as number;
    let [size, before, below, equal, different] = [0, 0, 0, 0, 0];
    for (const { low, high } of pieces) {
      const to = u32[high / 4 + k] as number;
      for (let at = u32[low / 4 + k] as number; at < to; at++) {
        const other = u32[groups / 4 + at] as number;
        size++;
        if ((u32[places / 4 + at] as number) < place) before++;
        if (other === group) equal++;
        if (other >= group) continue;
        below++;
        if (u32[seen + other] !== row + 1) different++;
        u32[seen + other] = row + 1;
      }
    }
    return { size, before, below, equal, groups: different };
  }

  private rank({ before, below, groups }: Standing): number {
    if (this.spec.function === 'row_number') return before + 1;
    return this.spec.function === 'rank' ? below + 1 : groups + 1;
  }

  private share({ size, below, equal }: Standing): number {
    if (this.spec.function === 'percent_rank') return size > 1 ? below / (size - 1) : 0;
    return size > 0 ? (below + equal) / size : 0;
  }

  /** The first buckets have one row more where they cannot be equal. */
  private bucket({ size, before }: Standing, buckets: bigint, isThere: boolean): bigint {
    if (!isThere) return 0n;
    if (buckets <= 0n) throw badNumber('the number of buckets', this.spec);
    const count = Number(buckets);
    const least = Math.floor(size / count);
    const larger = size % count;
    const inLarger = larger * (least + 1);
    return BigInt(
      1 + (before < inLarger ? Math.floor(before / (least + 1)) : larger + Math.floor((before - inLarger) / Math.max(1, least))),
    );
  }
}

function isSet(validity: number, k: number, u8: Uint8Array): boolean {
  return validity === 0 || (((u8[validity + (k >>> 3)] as number) >>> (k & 7)) & 1) === 1;
}

/** Finds the row that lag or lead looks at. */
class Neighbours {
  private readonly order: OwnOrder;
  private readonly offsets: IntegerArgument;
  private readonly spec: WindowCallSpec;
  private readonly rows: WindowRows;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    this.spec = spec;
    this.rows = rows;
    this.order = new OwnOrder(spec.order, rows);
    this.offsets = integerArgument(spec, 1, 1n, rows);
  }

  /** Writes the position of each row's neighbour, or 0xFFFFFFFF. */
  *find(stretch: Stretch, pieces: readonly FramePiece[], out: number): Generator<void> {
    const { arena } = this.rows.run.context;
    const { values, step, validity } = this.offsets.at(stretch);
    const forward = this.spec.function.startsWith('lead') ? 1 : -1;
    for (let k = 0; k < stretch.n; k++) {
      if (k % STEP_ROWS === 0) {
        this.rows.run.check();
        yield;
      }
      const offset = Number(arena.i64[(values + k * step) / 8] ?? 0n) * forward;
      arena.u32[out / 4 + k] = isSet(validity, k, arena.u8) ? this.neighbour(k, offset, stretch, pieces) : NOTHING;
    }
  }

  private neighbour(k: number, offset: number, { first }: Stretch, pieces: readonly FramePiece[]): number {
    const { u8, u32 } = this.rows.run.context.arena;
    const { places, positions } = this.order;
    if (offset === 0) return first + k;
    const nulls = this.spec.ignoreNulls ? this.rows.column(this.spec.args[0] ?? -1).validity : 0;
    const own = u32[places / 4 + first + k] as number;
    const behind: number[] = [];
    for (const { low, high } of pieces) {
      const to = u32[high / 4 + k] as number;
      for (let at = u32[low / 4 + k] as number; at < to; at++) {
        const place = u32[places / 4 + at] as number;
        if ((offset > 0 ? place > own : place < own) && isSet(nulls, at, u8)) behind.push(place);
      }
    }
    const sorted = Uint32Array.from(behind).sort();
    const place = sorted.at(offset > 0 ? offset - 1 : offset);
    return place === undefined || Math.abs(offset) > sorted.length ? NOTHING : (u32[positions / 4 + place] as number);
  }
}

class FrameNeighbour extends PickedCall {
  private readonly neighbours: Neighbours;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    super(spec, rows);
    this.neighbours = new Neighbours(spec, rows);
  }

  protected pick(stretch: Stretch, pieces: readonly FramePiece[], out: number): void {
    for (const _ of this.neighbours.find(stretch, pieces, out));
  }
}

/** True where lag or lead has a row to look at. */
class FrameNeighbourExists extends ComputedCall {
  private readonly neighbours: Neighbours;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    super(spec, rows);
    this.neighbours = new Neighbours(spec, rows);
  }

  protected compute(stretch: Stretch, pieces: readonly FramePiece[]): Vector {
    const { kernels, scratch } = this.rows.run.context;
    const { n } = stretch;
    const picked = scratch.allocate(n * 4);
    for (const _ of this.neighbours.find(stretch, pieces, picked));
    const bits = scratch.allocate(bitmapBytes(n));
    kernels.bits_found_u32(picked, n, bits);
    return flatVector(BOOL, n, bits);
  }
}
