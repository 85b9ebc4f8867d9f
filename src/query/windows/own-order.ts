/** ORDER BY inside a call: the rows of a frame in an order of their own. */
import { MemoryScope } from '../../core/memory-scope.js';
import { orderKeysOf, sortRows } from '../execution/sort/sort-rows.js';
import { inPieces } from '../expression/in-pieces.js';
import type { WindowOrder } from './spec.js';
import type { WindowRows } from './window-rows.js';

/** Rows that are looked at between two looks at the stop signal. */
const ROWS_AT_ONCE = 1 << 18;

export class OwnOrder {
  /** Place of each position in the order (uint32); those that tie come in the order of the window. */
  readonly places: number;
  /** Number of the group of equals that each position is in (uint32), in the order. */
  readonly groups: number;
  /** Position of each place (uint32). */
  readonly positions: number;
  private readonly rows: WindowRows;

  constructor(order: readonly WindowOrder[], rows: WindowRows) {
    this.rows = rows;
    const { n, run } = rows;
    const { memory, context } = run;
    const { kernels, arena } = context;
    this.places = memory.allocate(Math.max(64, n * 4));
    this.groups = memory.allocate(Math.max(64, n * 4));
    const temporary = new MemoryScope(memory.arena, memory.limitBytes, memory.budget);
    try {
      const keys = order.map((key) => orderKeysOf(rows.column(key.column), key, context, temporary));
      const sorted = sortRows(keys, n, context, memory, run.check);
      this.positions = sorted;
      inPieces(n, context, (first, count) => kernels.invert_u32(sorted, first, first + count, this.places));
      const marks = temporary.allocateZeroed(Math.max(64, n));
      const moved = temporary.allocate(Math.max(64, n * 8));
      for (const { keys: words, validity } of keys) {
        for (const word of words) {
          inPieces(n, context, (first, count) => kernels.gather_64(word, sorted + first * 4, count, moved + first * 8));
          kernels.mark_changes_u64(moved, n, marks);
        }
        for (let i = 1; validity !== 0 && i < n; i++) {
          if (i % ROWS_AT_ONCE === 0) run.check();
          if (bitAt(validity, sorted, i, arena) !== bitAt(validity, sorted, i - 1, arena)) arena.u8[marks + i] = 1;
        }
      }
      let group = 0;
      for (let i = 0; i < n; i++) {
        if (i % ROWS_AT_ONCE === 0) run.check();
        if (i > 0) group += arena.u8[marks + i] as number;
        arena.u32[this.groups / 4 + (arena.u32[sorted / 4 + i] as number)] = group;
      }
    } finally {
      temporary.release();
    }
  }

  /** Positions of frames laid out one behind the other, each frame in the order: `frames` has the frame of each, ascending. */
  sort(positions: number, frames: number, n: number): void {
    const { memory, context, check } = this.rows.run;
    const { arena, kernels } = context;
    const temporary = new MemoryScope(memory.arena, memory.limitBytes, memory.budget);
    try {
      const keys = temporary.allocate(Math.max(64, n * 8));
      for (let i = 0; i < n; i++) {
        arena.u32[keys / 4 + 2 * i] = arena.u32[this.places / 4 + (arena.u32[positions / 4 + i] as number)] as number;
        arena.u32[keys / 4 + 2 * i + 1] = arena.u32[frames / 4 + i] as number;
      }
      const order = { keys: [keys], validity: 0, descending: false, nullsFirst: false };
      const sorted = sortRows([order], n, context, temporary, check);
      const moved = temporary.allocate(Math.max(64, n * 4));
      kernels.gather_32(positions, sorted, n, moved);
      kernels.copy_bytes(positions, moved, n * 4);
    } finally {
      temporary.release();
    }
  }
}

function bitAt(bitmap: number, rows: number, i: number, { u8, u32 }: { readonly u8: Uint8Array; readonly u32: Uint32Array }): number {
  const row = u32[rows / 4 + i] as number;
  return ((u8[bitmap + (row >>> 3)] as number) >>> (row & 7)) & 1;
}
