/**
 * Any aggregate over any frames: the rows of some frames at a time are laid out one frame after the other and aggregated as groups. Frames
 * that neighbours share (whole partitions, peers) are computed once. The work is that of all rows of all different frames.
 */

import type { Vector } from '../../core/batch.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { Accumulator, type CallSpec } from '../aggregates/accumulator.js';
import { ColumnBuilder } from '../expression/column-builder.js';
import { evaluatePredicate } from '../expression/evaluate.js';
import { gatherVector, toFlat } from '../expression/gather.js';
import { boundsTable, type FramePiece, type Stretch } from './frames.js';
import { OwnOrder } from './own-order.js';
import type { WindowCallSpec } from './spec.js';
import { ComputedCall } from './window-call.js';
import type { WindowRows } from './window-rows.js';

/** Rows that are laid out at once, unless one frame alone has more. */
const EXPANDED_ROWS = 1 << 18;

export class ExpandCall extends ComputedCall {
  private readonly call: CallSpec;
  private readonly order: OwnOrder | null;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    super(spec, rows);
    this.order = spec.order.length > 0 ? new OwnOrder(spec.order, rows) : null;
    this.call = {
      function: spec.function,
      type: spec.type,
      args: spec.args.map((_, i) => i),
      argTypes: spec.argTypes,
      constants: spec.constants,
      filter: spec.filter >= 0 ? 0 : -1,
      distinct: spec.distinct,
      position: spec.position,
    };
  }

  protected compute(): Vector {
    throw new Error('frames are laid out in steps');
  }

  override *addInSteps(stretch: Stretch, pieces: readonly FramePiece[]): Generator<void> {
    const { context, memory } = this.rows.run;
    const { kernels, scratch } = context;
    const { n } = stretch;
    const bounds = boundsTable(pieces, this.rows);
    const numbers = scratch.allocate(n * 4);
    const count = kernels.number_frames(bounds, pieces.length, n, numbers);
    const temporary = new MemoryScope(memory.arena, memory.limitBytes, memory.budget);
    const results = new ColumnBuilder(this.spec.type, temporary);
    try {
      const count_ = (from: number, to: number): number =>
        kernels.expand_frames(bounds, pieces.length, numbers, n, from, to, 0, 0, 0) >>> 0;
      for (let from = 0; from < count; ) {
        this.rows.run.check();
        let size = Math.min(count - from, 1024);
        while (size > 1 && count_(from, from + size) > EXPANDED_ROWS) size = size >> 1;
        const mark = scratch.mark();
        this.aggregate(bounds, pieces.length, numbers, n, from, from + size, count_(from, from + size), results);
        scratch.rewind(mark);
        from += size;
        yield;
      }
      this.append(gatherVector(results.view(), numbers, n, context), stretch);
    } finally {
      temporary.release();
    }
  }

  private aggregate(
    bounds: number,
    pieces: number,
    numbers: number,
    n: number,
    from: number,
    to: number,
    total: number,
    results: ColumnBuilder,
  ): void {
    const { rows, spec } = this;
    const { context, memory } = rows.run;
    const { kernels, scratch } = context;
    const chosen = scratch.allocate(total * 4);
    const frames = scratch.allocate(total * 4);
    kernels.expand_frames(bounds, pieces, numbers, n, from, to, 0, chosen, frames);
    if (this.order) this.order.sort(chosen, frames, total);
    const temporary = new MemoryScope(memory.arena, memory.limitBytes, memory.budget);
    try {
      const accumulator = new Accumulator([this.call], temporary, kernels);
      const args = spec.args.map((index) => gatherVector(rows.column(index), chosen, total, context));
      const filters = spec.filter < 0 ? [] : [this.filterBits(chosen, total)];
      const groupCount = to - from;
      if (total > 0) accumulator.update({ groups: frames, groupCount, mask: 0, n: total, args, filters, sparse: true }, context);
      const [result] = accumulator.finish(groupCount, context);
      if (!result) throw new Error('one call gives one result');
      // What the accumulator holds goes away with it.
      results.append(toFlat(result, context), context);
    } finally {
      temporary.release();
    }
  }

  private filterBits(chosen: number, total: number): number {
    const { rows, spec } = this;
    const { context } = rows.run;
    const column = gatherVector(rows.column(spec.filter), chosen, total, context);
    const input = { rowCount: total, column: () => column };
    return evaluatePredicate({ kind: 'column', id: 0, name: 'filter', type: column.type, nullable: true, position: -1 }, input, context);
  }
}
