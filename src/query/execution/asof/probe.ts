/** The left side of an ASOF join: each row gets the number of its right row, and right columns are made when they are asked for. */
import { assert } from '../../../core/assert.js';
import { bitmapBytes, type Vector } from '../../../core/batch.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import { evaluate, evaluatePredicate } from '../../expression/evaluate.js';
import type { EvaluationContext } from '../../functions/contract.js';
import { type ColumnId, columnsOf, type Expression } from '../../plan/expression.js';
import { type Chunk, mayFail, type Origin } from '../chunk.js';
import { createLookup, type Lookup } from '../join/join-lookup.js';
import type { Emit, Operator } from '../operators.js';
import { gatherPieces } from '../piece-columns.js';
import type { AsofFinder, AsofRows } from './finder.js';
import { AsofMerge } from './merge.js';
import { ASOF_DIRECTION, type AsofSpec, type PieceColumn } from './spec.js';
import { hasFloatTimes, type Times, timesOf } from './times.js';

export class AsofProbe implements Operator {
  readonly counter: number;
  private readonly spec: AsofSpec;
  private readonly context: EvaluationContext;
  private readonly finder: AsofFinder;
  private readonly columns: ReadonlyMap<ColumnId, PieceColumn>;
  private readonly mayFail: boolean;

  /** scope: memory for as long as the operator lives. */
  constructor(spec: AsofSpec, context: EvaluationContext, scope: MemoryScope, check: () => void) {
    this.counter = spec.counter;
    this.spec = spec;
    this.context = context;
    const { lookup, columns, by } = spec.table;
    const finder = lookup ? createLookup(lookup, scope, context.kernels) : null;
    this.columns = new Map(columns.columns.map((column) => [column.id, column] as const));
    this.finder =
      by.kind === 'merge'
        ? new AsofMerge(spec, by.pieces, finder, scope, context, check)
        : new IndexFinder(spec, this, finder, scope, context, check);
    this.mayFail = [...spec.keys, spec.time, ...(spec.residual ? [spec.residual] : [])].some(mayFail);
  }

  push(input: Chunk, emit: Emit): void {
    const { context, spec } = this;
    const { kernels, scratch } = context;
    const chunk = input.forExpressions(this.mayFail, context);
    const n = chunk.rowCount;
    const keys = spec.keys.map((key) => evaluate(key, chunk, context));
    const times = timesOf(evaluate(spec.time, chunk, context), context);
    const found = this.finder.find({ n, keys, times, valid: this.validRows(chunk, times) }, chunk);
    const clears = spec.residual && spec.table.by.kind === 'merge';
    if (clears) this.clearFailed(spec.residual, chunk, found.rows);
    if (found.all && !clears) {
      emit(this.withRight(chunk, found.rows, true));
      return;
    }
    const bits = scratch.allocate(bitmapBytes(n));
    kernels.bits_found_u32(found.rows, n, bits);
    const matched = chunk.restricted(bits, context);
    if (spec.join === 'left') emit(this.withRight(chunk, found.rows, matched.count === n));
    else if (matched.count > 0) emit(this.withRight(matched, found.rows, matched.count === n));
  }

  isRight(id: ColumnId): boolean {
    return this.columns.has(id);
  }

  /** The rows with the right side's columns beside them. all: every row of the chunk has a right row. */
  withRight(chunk: Chunk, found: number, all: boolean): Chunk {
    const { columns, context } = this;
    const { shift } = this.spec.table.columns;
    const make = (id: ColumnId, rows: number, count: number): Vector => {
      const column = columns.get(id);
      assert(column, `column ${id} of an ASOF join's right side`);
      return gatherPieces(column, shift, rows, count, all, context);
    };
    return chunk.widened(
      columns,
      (id) => make(id, found, chunk.rowCount),
      (id): Origin => ({ rows: found, take: (rows, count) => make(id, rows, count) }),
    );
  }

  /** A condition of the left side alone is the same for every candidate. */
  private clearFailed(residual: Expression, chunk: Chunk, found: number): void {
    const { context } = this;
    const failed = context.scratch.allocate(bitmapBytes(chunk.rowCount));
    context.kernels.mask_and_not(0, evaluatePredicate(residual, chunk, context), chunk.rowCount, failed);
    context.kernels.asof_clear(failed, chunk.rowCount, found);
  }

  private validRows(chunk: Chunk, { validity }: Times): number {
    if (validity === 0) return chunk.mask;
    if (chunk.mask === 0) return validity;
    const out = this.context.scratch.allocate(bitmapBytes(chunk.rowCount));
    this.context.kernels.mask_and(chunk.mask, validity, chunk.rowCount, out);
    return out;
  }
}

interface GroupedRows extends AsofRows {
  /** Key of each row (uint32); 0 = there is one key only. */
  readonly groups: number;
}

/** Looks each row up in an index, and where a condition fails, the next candidate. */
class IndexFinder implements AsofFinder {
  private readonly spec: AsofSpec;
  private readonly probe: AsofProbe;
  private readonly lookup: Lookup | null;
  private readonly context: EvaluationContext;
  private readonly check: () => void;
  private readonly index: { readonly starts: number; readonly times: number; readonly rows: number };
  private readonly cursors: number;
  private readonly floats: number;

  constructor(spec: AsofSpec, probe: AsofProbe, lookup: Lookup | null, scope: MemoryScope, context: EvaluationContext, check: () => void) {
    assert(spec.table.by.kind === 'index', 'an index to look up in');
    this.spec = spec;
    this.probe = probe;
    this.lookup = lookup;
    this.context = context;
    this.check = check;
    this.index = spec.table.by.index;
    this.cursors = scope.allocateZeroed(Math.max(64, spec.table.keyCount * 4));
    this.floats = hasFloatTimes(spec.time.type) ? 1 : 0;
  }

  find(given: AsofRows, chunk: Chunk): { readonly rows: number; readonly all: boolean } {
    const { spec, context, index, lookup } = this;
    const rows: GroupedRows = { ...given, groups: lookup ? lookup.find(given.keys, given.n, context) : 0 };
    let positions: number;
    if (!spec.residual) positions = this.positions(rows, ASOF_DIRECTION[spec.direction]);
    else if (spec.direction !== 'nearest') positions = this.passing(rows, chunk, ASOF_DIRECTION[spec.direction]);
    else {
      positions = this.passing(rows, chunk, ASOF_DIRECTION.ge);
      const after = this.passing(rows, chunk, ASOF_DIRECTION.lt);
      context.kernels.asof_nearer(rows.times.values, rows.n, index.times, this.floats, positions, after);
    }
    context.kernels.asof_rows(positions, index.rows, rows.n, positions);
    return { rows: positions, all: false };
  }

  private positions({ n, groups, times, valid }: GroupedRows, direction: number): number {
    const { context, index, cursors, floats, spec } = this;
    const out = context.scratch.allocate(Math.max(64, n * 4));
    context.kernels.asof_find(groups, times.values, valid, n, index.starts, index.times, cursors, direction, floats, spec.limit, out);
    return out;
  }

  /** The closest positions whose rows pass the residual. */
  private passing(rows: GroupedRows, chunk: Chunk, direction: number): number {
    const { context, spec, index, floats } = this;
    const { kernels, scratch } = context;
    const { residual } = spec;
    const positions = this.positions(rows, direction);
    if (!residual) return positions;
    const { n } = rows;
    const found = scratch.allocate(Math.max(64, n * 4));
    const failed = scratch.allocate(bitmapBytes(n));
    // Columns that are made when asked for must not be made inside the loop, which takes their memory.
    for (const id of columnsOf(residual)) if (!this.probe.isRight(id)) chunk.column(id);
    const mark = scratch.mark();
    let open = chunk.mask;
    for (;;) {
      this.check();
      scratch.rewind(mark);
      kernels.asof_rows(positions, index.rows, n, found);
      const has = scratch.allocate(bitmapBytes(n));
      kernels.bits_found_u32(found, n, has);
      const pairs = this.probe.withRight(chunk.masked(open, chunk.count), found, false).restricted(has, context);
      if (pairs.count === 0) return positions;
      const passed = this.passedRows(residual, pairs);
      if (kernels.asof_failed(positions, pairs.mask, passed, n, failed) === 0) return positions;
      open = failed;
      const { groups, times } = rows;
      if (kernels.asof_step(groups, times.values, failed, n, index.starts, index.times, direction, floats, spec.limit, positions) === 0)
        return positions;
    }
  }

  /** Bitmap over the rows of `pairs` of those that pass. */
  private passedRows(residual: NonNullable<AsofSpec['residual']>, pairs: Chunk): number {
    const { context } = this;
    const few = pairs.forExpressions(mayFail(residual), context);
    const passed = evaluatePredicate(residual, few, context);
    if (few === pairs) return passed;
    // The predicate saw the rows that exist only: their bits go back to their places.
    const { scratch, kernels, arena } = context;
    const numbers = pairs.rowNumbers(context);
    const chosen = scratch.allocate(Math.max(64, few.rowCount * 4));
    const count = kernels.bits_to_indices(passed, few.rowCount, chosen);
    const out = scratch.allocateZeroed(bitmapBytes(pairs.rowCount));
    const { u32, u8 } = arena;
    for (let i = 0; i < count; i++) {
      const row = u32[numbers / 4 + (u32[chosen / 4 + i] as number)] as number;
      u8[out + (row >> 3)] = (u8[out + (row >> 3)] as number) | (1 << (row & 7));
    }
    return out;
  }
}
