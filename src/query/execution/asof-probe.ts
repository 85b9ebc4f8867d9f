/** The left side of an ASOF join: each row gets the number of its right row, and right columns are made when they are asked for. */
import { assert } from '../../core/assert.js';
import { bitmapBytes, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { evaluate, evaluatePredicate } from '../expression/evaluate.js';
import type { EvaluationContext } from '../functions/contract.js';
import { type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import { AsofMerge } from './asof-merge.js';
import { ASOF_DIRECTION, type AsofSpec, type PieceColumn } from './asof-spec.js';
import { hasFloatTimes, type Times, timesOf } from './asof-times.js';
import { type Chunk, mayFail, type Origin } from './chunk.js';
import { createLookup, type Lookup } from './join-lookup.js';
import type { Emit, Operator } from './operators.js';
import { gatherPieces } from './piece-columns.js';

/** What is looked up for a chunk of left rows. */
export interface AsofRows {
  readonly n: number;
  /** Key of each row (uint32); 0 = there is one key only. */
  readonly groups: number;
  readonly times: Times;
  /** Rows that have a time and are wanted; 0 = all. */
  readonly valid: number;
}

/** Writes the right row of each left row (uint32, 0xFFFFFFFF = none), and returns where. */
interface Finder {
  find(rows: AsofRows, chunk: Chunk): number;
}

export class AsofProbe implements Operator {
  readonly counter: number;
  private readonly spec: AsofSpec;
  private readonly context: EvaluationContext;
  private readonly lookup: Lookup | null;
  private readonly finder: Finder;
  private readonly columns: ReadonlyMap<ColumnId, PieceColumn>;
  private readonly mayFail: boolean;

  /** scope: memory for as long as the operator lives. */
  constructor(spec: AsofSpec, context: EvaluationContext, scope: MemoryScope, check: () => void) {
    this.counter = spec.counter;
    this.spec = spec;
    this.context = context;
    const { lookup, columns, by } = spec.table;
    this.lookup = lookup ? createLookup(lookup, scope, context.kernels) : null;
    this.columns = new Map(columns.columns.map((column) => [column.id, column] as const));
    this.finder =
      by.kind === 'merge' ? new AsofMerge(spec, by.pieces, scope, context, check) : new IndexFinder(spec, this, scope, context, check);
    this.mayFail = [...spec.keys, spec.time, ...(spec.residual ? [spec.residual] : [])].some(mayFail);
  }

  push(input: Chunk, emit: Emit): void {
    const { context, spec } = this;
    const { kernels, scratch } = context;
    const chunk = input.forExpressions(this.mayFail, context);
    const n = chunk.rowCount;
    const groups = this.groupsOf(chunk);
    const times = timesOf(evaluate(spec.time, chunk, context), context);
    const found = this.finder.find({ n, groups, times, valid: this.validRows(chunk, times) }, chunk);
    if (spec.residual && spec.table.by.kind === 'merge') this.clearFailed(spec.residual, chunk, found);
    const bits = scratch.allocate(bitmapBytes(n));
    kernels.bits_found_u32(found, n, bits);
    const matched = chunk.restricted(bits, context);
    if (spec.join === 'left') emit(this.withRight(chunk, found, matched.count === n));
    else if (matched.count > 0) emit(this.withRight(matched, found, matched.count === n));
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

  private groupsOf(chunk: Chunk): number {
    const { lookup, spec, context } = this;
    if (!lookup) return 0;
    const keys = spec.keys.map((key) => evaluate(key, chunk, context));
    const [only] = keys;
    const { dictionary, keyCount } = spec.table;
    const same = only?.encoding === 'dictionary' && only.validity === 0 && only.dictionary?.id === dictionary;
    if (same && only.dictionary.count <= keyCount) return only.values;
    return lookup.find(keys, chunk.rowCount, context);
  }

  private validRows(chunk: Chunk, { validity }: Times): number {
    if (validity === 0) return chunk.mask;
    if (chunk.mask === 0) return validity;
    const out = this.context.scratch.allocate(bitmapBytes(chunk.rowCount));
    this.context.kernels.mask_and(chunk.mask, validity, chunk.rowCount, out);
    return out;
  }
}

/** Looks each row up in an index, and where a condition fails, the next candidate. */
class IndexFinder implements Finder {
  private readonly spec: AsofSpec;
  private readonly probe: AsofProbe;
  private readonly context: EvaluationContext;
  private readonly check: () => void;
  private readonly index: { readonly starts: number; readonly times: number; readonly rows: number };
  private readonly cursors: number;
  private readonly floats: number;

  constructor(spec: AsofSpec, probe: AsofProbe, scope: MemoryScope, context: EvaluationContext, check: () => void) {
    assert(spec.table.by.kind === 'index', 'an index to look up in');
    this.spec = spec;
    this.probe = probe;
    this.context = context;
    this.check = check;
    this.index = spec.table.by.index;
    this.cursors = scope.allocateZeroed(Math.max(64, spec.table.keyCount * 4));
    this.floats = hasFloatTimes(spec.time.type) ? 1 : 0;
  }

  find(rows: AsofRows, chunk: Chunk): number {
    const { spec, context, index } = this;
    let positions: number;
    if (!spec.residual) positions = this.positions(rows, ASOF_DIRECTION[spec.direction]);
    else if (spec.direction !== 'nearest') positions = this.passing(rows, chunk, ASOF_DIRECTION[spec.direction]);
    else {
      positions = this.passing(rows, chunk, ASOF_DIRECTION.ge);
      const after = this.passing(rows, chunk, ASOF_DIRECTION.lt);
      context.kernels.asof_nearer(rows.times.values, rows.n, index.times, this.floats, positions, after);
    }
    context.kernels.asof_rows(positions, index.rows, rows.n, positions);
    return positions;
  }

  private positions({ n, groups, times, valid }: AsofRows, direction: number): number {
    const { context, index, cursors, floats, spec } = this;
    const out = context.scratch.allocate(Math.max(64, n * 4));
    context.kernels.asof_find(groups, times.values, valid, n, index.starts, index.times, cursors, direction, floats, spec.limit, out);
    return out;
  }

  /** The closest positions whose rows pass the residual. */
  private passing(rows: AsofRows, chunk: Chunk, direction: number): number {
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
