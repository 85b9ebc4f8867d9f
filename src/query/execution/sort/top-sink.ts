/** The first rows in an order: keeps candidates only, and lets go of rows that cannot be among them. */
import type { Batch, Vector } from '../../../core/batch.js';
import { MemoryScope, Scratch } from '../../../core/memory-scope.js';
import { type DataType, physicalOf, WIDTH_BYTES } from '../../../core/types.js';
import { isValid } from '../../../core/values.js';
import { evaluate } from '../../expression/evaluate.js';
import { gatherVector, toFlat } from '../../expression/gather.js';
import type { EvaluationContext } from '../../functions/contract.js';
import type { ColumnId } from '../../plan/expression.js';
import { Chunk, NONE } from '../chunk.js';
import { CollectSink, concatenate, type Sink } from '../sinks.js';
import type { CollectedBatch, LaneOutput, OrderSpec } from '../task.js';
import { narrowOrderKey, orderKeysOf, sortRows } from './sort-rows.js';

const CANDIDATE_ROWS = 32_768;

export interface TopSpec {
  readonly ids: readonly ColumnId[];
  readonly types: readonly DataType[];
  readonly keys: readonly OrderSpec[];
  readonly limit: number;
  readonly counter: number;
}

export class TopSink implements Sink {
  readonly counter: number;
  private readonly spec: TopSpec;
  private readonly context: EvaluationContext;
  /** Scratch of its own for sorting: the operators above are in the middle of a chunk whose scratch must stay. */
  private readonly sorting: EvaluationContext;
  private readonly sortingScope: MemoryScope;
  private readonly target: MemoryScope;
  private readonly check: () => void;
  /** Candidates; replaced as a whole when there are too many. */
  private scope: MemoryScope;
  private batches: Batch[] = [];
  private rows = 0;
  /** Address of the order key that a row must not exceed; 0 = not known yet. */
  private readonly bound: number;
  private bounded = false;

  constructor(spec: TopSpec, scope: MemoryScope, context: EvaluationContext, check: () => void) {
    this.spec = spec;
    this.counter = spec.counter;
    this.context = context;
    this.target = scope;
    this.check = check;
    this.sortingScope = new MemoryScope(scope.arena, scope.limitBytes, scope.budget);
    this.sorting = { ...context, scratch: new Scratch(this.sortingScope) };
    this.bound = scope.allocate(64);
    this.scope = this.freshScope();
  }

  push(input: Chunk): boolean {
    const chunk = this.withinBound(input);
    if (chunk.count === 0) return false;
    const sink = new CollectSink({ ids: this.spec.ids, limit: null, copy: false, counter: this.counter }, this.scope, this.context);
    sink.push(chunk);
    const output = sink.end();
    if (output.kind === 'batches') this.batches.push(...output.batches);
    this.rows += chunk.count;
    if (this.rows >= Math.max(CANDIDATE_ROWS, 4 * this.spec.limit)) this.reduce();
    return false;
  }

  end(): LaneOutput {
    try {
      if (this.rows === 0) return { kind: 'batches', batches: [] };
      const { batch, order, count } = this.sorted(this.scope);
      const columns = batch.columns.map((column) => kept(gatherVector(column, order, count, this.sorting, this.target), count, this));
      const result: CollectedBatch = { arena: batch.arena, rowCount: count, columns, owned: [] };
      return { kind: 'batches', batches: [result] };
    } finally {
      this.release();
    }
  }

  /** Frees the candidates. */
  release(): void {
    this.scope.release();
    this.sortingScope.release();
  }

  flatten(vector: Vector): Vector {
    return toFlat(vector, this.sorting, this.target);
  }

  private freshScope(): MemoryScope {
    const { arena, limitBytes, budget } = this.target;
    return new MemoryScope(arena, limitBytes, budget);
  }

  private withinBound(chunk: Chunk): Chunk {
    const [key] = this.spec.keys;
    if (!this.bounded || !key) return chunk;
    const { context } = this;
    const flat = toFlat(evaluate(key.expression, chunk, context), context);
    const keys = narrowOrderKey(flat, key.descending, context, context.scratch);
    const out = context.scratch.allocate(Math.ceil(chunk.rowCount / 64) * 8);
    const { kernels } = context;
    const count = kernels.select_le_u64(keys, flat.validity, chunk.mask, chunk.rowCount, this.bound, key.nullsFirst ? 1 : 0, out);
    return chunk.masked(out, count);
  }

  /** Keeps the best rows only, and learns the bound from the worst of them. */
  private reduce(): void {
    this.check();
    const fresh = this.freshScope();
    try {
      const { batch, order, count } = this.sorted(this.scope);
      const columns = batch.columns.map((column) => gatherVector(column, order, count, this.sorting, fresh));
      this.scope.release();
      this.scope = fresh;
      this.batches = [{ arena: batch.arena, rowCount: count, columns }];
      this.rows = count;
      this.learnBound();
    } catch (error) {
      fresh.release();
      throw error;
    }
  }

  private learnBound(): void {
    const [key] = this.spec.keys;
    const [batch] = this.batches;
    if (!key || !batch || batch.rowCount < this.spec.limit || batch.rowCount === 0) return;
    const physical = physicalOf(key.expression.type);
    if (physical !== 'bit' && (WIDTH_BYTES[physical] === 0 || WIDTH_BYTES[physical] > 8)) return;
    const context = this.sorting;
    const flat = toFlat(evaluate(key.expression, chunkOf(batch, this.spec.ids), context), context);
    const last = batch.rowCount - 1;
    this.bounded = isValid(context.arena, flat, last);
    const keys = narrowOrderKey(flat, key.descending, context, context.scratch);
    context.kernels.copy_bytes(this.bound, keys + last * 8, 8);
  }

  private sorted(scope: MemoryScope): { batch: Batch; order: number; count: number } {
    const { sorting: context, spec } = this;
    context.scratch.reset();
    const batch = concatenate(this.batches, spec.types, scope, context, this.check);
    const order = sortBatch(batch, spec.ids, spec.keys, context, scope, this.check);
    return { batch, order, count: Math.min(spec.limit, batch.rowCount) };
  }
}

/** A result must not point into candidates that are about to be freed. */
function kept(vector: Vector, count: number, sink: TopSink): Vector {
  return vector.encoding === 'constant' ? sink.flatten({ ...vector, length: count }) : vector;
}

export function chunkOf(batch: Batch, ids: readonly ColumnId[]): Chunk {
  const columns = new Map(batch.columns.map((column, i) => [ids[i] ?? -1, column] as const));
  return new Chunk(batch.rowCount, 0, batch.rowCount, columns, NONE);
}

/** Row numbers of a batch in order, allocated from the scope. */
export function sortBatch(
  batch: Batch,
  ids: readonly ColumnId[],
  keys: readonly OrderSpec[],
  context: EvaluationContext,
  scope: MemoryScope,
  check: () => void,
): number {
  if (batch.rowCount === 1) return scope.allocateZeroed(64);
  const temporary = new MemoryScope(scope.arena, scope.limitBytes, scope.budget);
  try {
    const chunk = chunkOf(batch, ids);
    const columns = keys.map((key) => {
      check();
      return orderKeysOf(evaluate(key.expression, chunk, context), key, context, temporary);
    });
    return sortRows(columns, batch.rowCount, context, scope, check);
  } finally {
    temporary.release();
  }
}
