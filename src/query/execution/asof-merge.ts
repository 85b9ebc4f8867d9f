/** One pass over both sides of an ASOF join that ascend in time. */
import type { MemoryScope } from '../../core/memory-scope.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { AsofRows } from './asof-probe.js';
import type { AsofPieces, AsofSpec } from './asof-spec.js';

/** Right rows between here and the next left row up to which walking is as good as looking from behind. */
const NEAR_ROWS = 4096;

/**
 * Remembers the last right row of every key, from chunk to chunk. A gap between chunks is made up for from behind, which ends as soon as
 * every key was seen. Left rows may go back in time; then the state is made anew.
 */
export class AsofMerge {
  private readonly spec: AsofSpec;
  private readonly pieces: AsofPieces;
  private readonly context: EvaluationContext;
  private readonly check: () => void;
  private readonly last: number;
  private readonly lastTimes: number;
  /** Piece and row that come next, the last left time (int64). */
  private readonly cursor: number;
  private readonly target: number;
  private readonly none: number;
  private readonly strict: number;
  private started = false;

  constructor(spec: AsofSpec, pieces: AsofPieces, scope: MemoryScope, context: EvaluationContext, check: () => void) {
    this.spec = spec;
    this.pieces = pieces;
    this.context = context;
    this.check = check;
    // Right rows without a key are counted as key `keyCount`; the one after it never has a row.
    this.none = spec.table.keyCount + 1;
    this.last = scope.allocateZeroed(Math.max(64, (this.none + 1) * 4));
    this.lastTimes = spec.limit === 0 ? 0 : scope.allocateZeroed(Math.max(64, (this.none + 1) * 8));
    this.cursor = scope.allocateZeroed(64);
    this.target = scope.allocateZeroed(64);
    this.strict = spec.direction === 'gt' ? 1 : 0;
  }

  find({ n, groups, times, valid }: AsofRows): number {
    const { context, pieces, cursor, last, lastTimes, none, strict, spec } = this;
    const { kernels, scratch, arena } = context;
    const { shift } = spec.table.columns;
    const out = scratch.allocate(Math.max(64, n * 4));
    const codes = groups === 0 ? scratch.allocateZeroed(Math.max(64, n * 4)) : groups;
    for (let row = 0; row < n; ) {
      const first = firstValid(valid, row, n, arena.u8);
      if (first < n) this.moveTo(times.values + first * 8);
      const stopped =
        spec.limit === 0
          ? kernels.asof_merge(n, row, times.values, codes, none, valid, pieces.address, pieces.count, shift, strict, cursor, last, out)
          : kernels.asof_merge_near(
              n,
              row,
              times.values,
              codes,
              none,
              valid,
              pieces.address,
              pieces.count,
              shift,
              strict,
              cursor,
              last,
              lastTimes,
              spec.limit,
              out,
            );
      if (stopped < n) this.check();
      row = stopped;
    }
    return out;
  }

  /** Brings the state to where the right rows end that the time at the address sees, when that is far away or behind. */
  private moveTo(time: number): void {
    const { context, pieces, cursor, target, last, strict, spec } = this;
    const { arena, kernels } = context;
    const { u32, i64 } = arena;
    const { shift } = spec.table.columns;
    kernels.asof_seek(pieces.address, pieces.count, time, strict, target);
    const [piece, row] = [u32[cursor / 4] as number, u32[cursor / 4 + 1] as number];
    const [toPiece, toRow] = [u32[target / 4] as number, u32[target / 4 + 1] as number];
    const back = this.started && (toPiece < piece || (toPiece === piece && toRow < row));
    if (back) {
      arena.u8.fill(0, last, last + (this.none + 1) * 4);
      u32[cursor / 4] = 0;
      u32[cursor / 4 + 1] = 0;
    }
    const near = !back && toPiece === piece && toRow - row <= NEAR_ROWS;
    i64[cursor / 8 + 1] = i64[time / 8] as bigint;
    this.started = true;
    if (near) return;
    const keys = spec.table.keyCount;
    kernels.asof_state(pieces.address, shift, target, u32[cursor / 4] as number, u32[cursor / 4 + 1] as number, keys, last);
    if (this.lastTimes !== 0) kernels.asof_state_times(pieces.address, shift, last, keys + 1, this.lastTimes);
    u32[cursor / 4] = toPiece;
    u32[cursor / 4 + 1] = toRow;
  }
}

/** The first row from `row` on whose bit is set (0 = all are); n when there is none. */
function firstValid(bitmap: number, row: number, n: number, u8: Uint8Array): number {
  if (bitmap === 0) return row;
  let i = row;
  while (i < n && (((u8[bitmap + (i >> 3)] as number) >> (i & 7)) & 1) === 0) i++;
  return i;
}
