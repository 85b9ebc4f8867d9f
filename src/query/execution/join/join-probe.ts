/** The probe side of a join: rows look their partners up in a table that was built before. */
import { assert } from '../../../core/assert.js';
import { bitmapBytes, type Vector } from '../../../core/batch.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import { evaluate, evaluatePredicate } from '../../expression/evaluate.js';
import { gatherVector, gatherVectorOrNull } from '../../expression/gather.js';
import { asConstant } from '../../expression/vector-values.js';
import type { EvaluationContext } from '../../functions/contract.js';
import type { ColumnId, Expression } from '../../plan/expression.js';
import { Chunk, type ComposedRows, mayFail, NONE, type Origin } from '../chunk.js';
import type { Emit, Operator } from '../operators.js';
import type { ProbeSpec } from '../task.js';
import { createLookup, type Lookup, type Narrowed } from './join-lookup.js';
import { Spans } from './range-table.js';

const NO_ROW = 0xffffffff;

export class Probe implements Operator {
  readonly counter: number;
  private readonly spec: ProbeSpec;
  private readonly context: EvaluationContext;
  private readonly finder: Lookup | null;
  private readonly buildColumns: ReadonlyMap<ColumnId, Vector>;
  /** What is tested per pair. */
  private readonly residual: Expression | null;
  /** Probe rows without partner come as pairs too. */
  private readonly keepsUnmatched: boolean;
  private readonly narrows: boolean;
  private readonly keysMayFail: boolean;
  private readonly capacity: number;
  private readonly check: () => void;

  /** scope: memory for as long as the operator lives. check: throws when the query was cancelled. */
  constructor(spec: ProbeSpec, context: EvaluationContext, scope: MemoryScope, capacity: number, check: () => void) {
    this.counter = spec.counter;
    this.spec = spec;
    this.context = context;
    this.capacity = capacity;
    this.check = check;
    const { groups, ids, columns } = spec.table;
    this.finder = groups ? createLookup(groups, scope, context.kernels) : null;
    this.buildColumns = new Map(ids.map((id, i) => [id, columns[i] as Vector] as const));
    this.residual = spec.lookup && spec.table.range ? conjunctionOf(spec.lookup.rest) : spec.residual;
    this.keepsUnmatched = spec.join === 'left' && !this.residual;
    this.narrows = !this.keepsUnmatched && !(spec.table.range && spec.lookup);
    const bounds = [spec.lookup?.low, spec.lookup?.high, spec.lookup?.second?.bound];
    this.keysMayFail = [...spec.keys, ...bounds.flatMap((bound) => (bound ? [bound.probe] : []))].some(mayFail);
  }

  push(input: Chunk, emit: Emit): void {
    const { spec, context } = this;
    const chunk = input.forExpressions(this.keysMayFail, context);
    const { table } = spec;
    let groups = 0;
    if (this.finder) {
      const keys = spec.keys.map((key) => evaluate(key, chunk, context));
      const narrowed = this.narrows ? this.finder.narrow(keys, chunk.mask, chunk.rowCount, context) : null;
      if (narrowed) {
        this.pushNarrowed(chunk, narrowed, emit);
        return;
      }
      groups = this.finder.find(keys, chunk.rowCount, context);
    }
    const spans = table.range && spec.lookup ? new Spans(spec.lookup, table, table.range, chunk, groups, context) : null;
    const existence = spec.join === 'semi' || spec.join === 'anti';
    if (existence && !this.residual) this.pushExistence(chunk, groups, spans, emit);
    else if (!this.finder && !spans && table.rowCount === 1 && !this.residual && !existence && spec.matched === 0)
      this.pushSingle(chunk, emit);
    else this.pushPairs(chunk, emit, (room) => this.allPairs(chunk, groups, spans, room));
  }

  /** Only rows that have a partner are looked up. */
  private pushNarrowed(chunk: Chunk, narrowed: Narrowed, emit: Emit): void {
    const { spec, context } = this;
    if ((spec.join === 'semi' || spec.join === 'anti') && !this.residual) {
      this.emitExisting(chunk, narrowed.found, emit);
      return;
    }
    const { starts, rows } = spec.table;
    this.pushPairs(chunk, emit, ({ cursor, probeRows, buildRows }) =>
      context.kernels.rank_pairs(
        narrowed.table,
        narrowed.keys,
        narrowed.found,
        chunk.rowCount,
        starts,
        rows,
        cursor,
        this.capacity,
        probeRows,
        buildRows,
      ),
    );
  }

  /** Semi and anti joins without further condition need no pairs. */
  private pushExistence(chunk: Chunk, groups: number, spans: Spans | null, emit: Emit): void {
    const { context, spec } = this;
    const { kernels, scratch } = context;
    const bits = scratch.allocate(bitmapBytes(chunk.rowCount));
    if (spans) spans.found(chunk.rowCount, bits);
    else if (this.finder) kernels.bits_found_u32(groups, chunk.rowCount, bits);
    else kernels.mask_range(0, spec.table.rowCount > 0 ? chunk.rowCount : 0, chunk.rowCount, bits);
    this.emitExisting(chunk, bits, emit);
  }

  private emitExisting(chunk: Chunk, found: number, emit: Emit): void {
    const { kernels, scratch } = this.context;
    let bits = found;
    if (this.spec.join === 'anti') {
      bits = scratch.allocate(bitmapBytes(chunk.rowCount));
      kernels.mask_and_not(0, found, chunk.rowCount, bits);
    }
    const kept = chunk.restricted(bits, this.context);
    if (kept.count > 0) emit(kept);
  }

  /** One build row for all: its values are constants. */
  private pushSingle(chunk: Chunk, emit: Emit): void {
    const build = new Set(this.spec.buildIds);
    emit(
      new Chunk(chunk.rowCount, chunk.mask, chunk.count, new Map(), NONE, (id) =>
        build.has(id) ? asConstant(this.buildColumn(id), chunk.rowCount, this.context) : chunk.column(id),
      ),
    );
  }

  private allPairs(chunk: Chunk, groups: number, spans: Spans | null, { cursor, probeRows, buildRows }: PairRoom): number {
    const { spec, context, capacity } = this;
    const { mask, rowCount } = chunk;
    const keep = this.keepsUnmatched ? 1 : 0;
    if (spans) return spans.pairs(mask, rowCount, keep, cursor, capacity, probeRows, buildRows);
    if (!this.finder) return this.crossPairs(chunk, keep, cursor, probeRows, buildRows);
    const { starts, rows } = spec.table;
    return context.kernels.probe_pairs(groups, mask, rowCount, starts, rows, keep, cursor, capacity, probeRows, buildRows);
  }

  /** next: writes the next pairs, as many as there is room for, and returns how many. */
  private pushPairs(chunk: Chunk, emit: Emit, next: (room: PairRoom) => number): void {
    const { spec, context, capacity } = this;
    const { scratch, arena } = context;
    const cursor = scratch.allocateZeroed(64);
    const probeRows = scratch.allocate(capacity * 4);
    const buildRows = scratch.allocate(capacity * 4);
    // With a residual, whether a probe row has a partner is known only after all its pairs.
    const { residual } = this;
    const partnered = residual && spec.join !== 'inner' && spec.join !== 'mark' ? scratch.allocateZeroed(chunk.rowCount + 64) : 0;
    const room = { cursor, probeRows, buildRows };
    let mark = scratch.mark();
    for (let pass = 0, done = false; !done; pass++) {
      this.check();
      scratch.rewind(mark);
      const count = next(room);
      done = (arena.u32[cursor / 4] as number) >= chunk.rowCount;
      if (pass === 0 && !done) {
        // Columns that are made when asked for must not be made inside a pass: the next one takes their memory.
        for (const id of spec.probeIds) chunk.column(id);
        mark = scratch.mark();
      }
      if (count > 0) this.emitPairs(chunk, probeRows, buildRows, count, partnered, emit);
    }
    if (partnered !== 0) this.emitPartnerless(chunk, partnered, probeRows, buildRows, emit);
  }

  private crossPairs(chunk: Chunk, keepUnmatched: number, cursor: number, probeRows: number, buildRows: number): number {
    const { kernels, arena } = this.context;
    const { rowCount } = this.spec.table;
    if (rowCount > 0) return kernels.cross_pairs(chunk.mask, chunk.rowCount, rowCount, cursor, this.capacity, probeRows, buildRows);
    arena.u32[cursor / 4] = chunk.rowCount;
    if (keepUnmatched === 0) return 0;
    const rows = chunk.rowNumbers(this.context);
    kernels.copy_bytes(probeRows, rows, chunk.count * 4);
    kernels.fill_u32(NO_ROW, chunk.count, buildRows);
    return chunk.count;
  }

  private emitPairs(chunk: Chunk, probeRows: number, buildRows: number, count: number, partnered: number, emit: Emit): void {
    const { spec, context } = this;
    const { kernels } = context;
    let pairs = this.pairChunk(chunk, probeRows, buildRows, count);
    let left = probeRows;
    let right = buildRows;
    if (this.residual) {
      pairs = pairs.restricted(evaluatePredicate(this.residual, pairs, context), context);
      if (pairs.count === 0) return;
      if (pairs.mask !== 0) {
        left = context.scratch.allocate(pairs.count * 4 + 64);
        right = context.scratch.allocate(pairs.count * 4 + 64);
        kernels.append_w4(probeRows, pairs.mask, count, left);
        kernels.append_w4(buildRows, pairs.mask, count, right);
      }
    }
    if (partnered !== 0) kernels.mark_rows(left, pairs.count, partnered);
    if (spec.matched !== 0) kernels.mark_rows(right, pairs.count, spec.matched);
    if (spec.join === 'semi' || spec.join === 'anti' || spec.join === 'mark') return;
    emit(pairs);
  }

  /** Probe rows without partner: with NULLs (left), as they are (anti); with one: semi. */
  private emitPartnerless(chunk: Chunk, partnered: number, probeRows: number, buildRows: number, emit: Emit): void {
    const { spec, context } = this;
    const { kernels, scratch } = context;
    const found = scratch.allocate(bitmapBytes(chunk.rowCount));
    kernels.bits_eq_u8(partnered, 1, chunk.rowCount, found);
    if (spec.join !== 'left') {
      this.emitExisting(chunk, found, emit);
      return;
    }
    const lonely = scratch.allocate(bitmapBytes(chunk.rowCount));
    kernels.mask_and_not(chunk.mask, found, chunk.rowCount, lonely);
    const rows = scratch.allocate(chunk.rowCount * 4 + 64);
    const count = kernels.bits_to_indices(lonely, chunk.rowCount, rows);
    kernels.fill_u32(NO_ROW, this.capacity, buildRows);
    for (let first = 0; first < count; first += this.capacity) {
      const some = Math.min(this.capacity, count - first);
      kernels.copy_bytes(probeRows, rows + first * 4, some * 4);
      emit(this.pairChunk(chunk, probeRows, buildRows, some));
    }
  }

  private pairChunk(chunk: Chunk, probeRows: number, buildRows: number, count: number): Chunk {
    const { context, spec } = this;
    const outer = spec.join === 'left';
    const known: ComposedRows = new Map();
    const make = (id: ColumnId): Vector => {
      const build = this.buildColumns.get(id);
      if (!build) return chunk.taken(id, probeRows, count, known, context);
      return outer ? gatherVectorOrNull(build, buildRows, count, context) : gatherVector(build, buildRows, count, context);
    };
    const originOf = (id: ColumnId): Origin | null => {
      const build = this.buildColumns.get(id);
      if (!build) return { rows: probeRows, take: (rows, some, composed) => chunk.taken(id, rows, some, composed, context) };
      return outer ? null : { rows: buildRows, take: (rows, some) => gatherVector(build, rows, some, context) };
    };
    return new Chunk(count, 0, count, new Map(), NONE, make, originOf);
  }

  private buildColumn(id: ColumnId): Vector {
    const vector = this.buildColumns.get(id);
    assert(vector, `column ${id} of a join's build side`);
    return vector;
  }
}

/** Where pairs are written. */
interface PairRoom {
  /** Where the writing goes on: two or three words. */
  readonly cursor: number;
  readonly probeRows: number;
  readonly buildRows: number;
}

function conjunctionOf(conditions: readonly Expression[]): Expression | null {
  const [first, ...more] = conditions;
  if (!first) return null;
  if (more.length === 0) return first;
  return { kind: 'and', operands: conditions, type: first.type, nullable: true, position: first.position };
}
