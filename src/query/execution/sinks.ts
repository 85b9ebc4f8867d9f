/** Where a pipeline ends: sinks take the chunks of one lane and give its output. */
import type { Batch, Vector } from '../../core/batch.js';
import { type MemoryScope, Scratch } from '../../core/memory-scope.js';
import { physicalOf } from '../../core/types.js';
import { Accumulator } from '../aggregates/accumulator.js';
import type { AccumulatorInput } from '../aggregates/vectors-of-update.js';
import { ColumnBuilder } from '../expression/column-builder.js';
import { evaluate, evaluatePredicate } from '../expression/evaluate.js';
import { gatherVector, toFlat } from '../expression/gather.js';
import { type BucketRuns, bucketRuns } from '../functions/bucket-grid.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { ColumnId } from '../plan/expression.js';
import { GroupTable, type IdRuns, type NewGroups, type RowGroups } from './aggregate/group-table.js';
import { type Chunk, mayFail, STREAMING_SHARE } from './chunk.js';
import type { AggregationSpec, CollectedBatch, LaneOutput, SinkSpec } from './task.js';

export interface Sink {
  readonly counter: number;
  /** Returns true when the lane needs no further rows. */
  push(chunk: Chunk): boolean;
  /** The lane's output; its memory belongs to the scope that the sink was made with. */
  end(): LaneOutput;
}

export type CollectSpec = Omit<Extract<SinkSpec, { kind: 'collect' }>, 'kind'>;

/** Keeps rows as batches. Vectors that lie in the source are kept as they are. */
export class CollectSink implements Sink {
  readonly counter: number;
  private readonly ids: readonly ColumnId[];
  private readonly limit: number;
  private readonly scope: MemoryScope;
  private readonly context: EvaluationContext;
  private readonly copies: boolean;
  private readonly batches: CollectedBatch[] = [];
  private rows = 0;

  constructor(spec: CollectSpec, scope: MemoryScope, context: EvaluationContext) {
    this.ids = spec.ids;
    this.limit = spec.limit ?? Number.POSITIVE_INFINITY;
    this.copies = spec.copy;
    this.counter = spec.counter;
    this.scope = scope;
    this.context = context;
  }

  push(chunk: Chunk): boolean {
    const memory = new RecordingAllocator(this.scope);
    const rows = chunk.mask === 0 ? 0 : chunk.rowNumbers(this.context);
    const columns = this.ids.map((id) => {
      const vector = chunk.column(id);
      if (rows !== 0) return this.gathered(vector, rows, chunk.count, memory);
      return chunk.lasts(vector) && !this.copies ? vector : copyVector(vector, this.context, memory);
    });
    this.batches.push({ arena: this.scope.arena.id, rowCount: chunk.count, columns, owned: memory.addresses });
    this.rows += chunk.count;
    return this.rows >= this.limit;
  }

  private gathered(vector: Vector, rows: number, count: number, memory: RecordingAllocator): Vector {
    if (vector.encoding === 'constant') return copyVector({ ...vector, length: count }, this.context, memory);
    return gatherVector(vector, rows, count, this.context, memory);
  }

  end(): LaneOutput {
    return { kind: 'batches', batches: this.batches };
  }
}

/** Remembers what was allocated. */
class RecordingAllocator {
  readonly addresses: number[] = [];
  private readonly scope: MemoryScope;

  constructor(scope: MemoryScope) {
    this.scope = scope;
  }

  allocate(sizeBytes: number): number {
    const address = this.scope.allocate(Math.max(64, sizeBytes));
    this.addresses.push(address);
    return address;
  }
}

/** A copy in other memory; dictionaries stay where they are. */
function copyVector(vector: Vector, context: EvaluationContext, memory: { allocate(sizeBytes: number): number }): Vector {
  const rows = context.scratch.allocate(Math.max(64, vector.length * 4));
  if (vector.encoding === 'constant') return toFlat(vector, context, memory);
  context.kernels.row_numbers(0, vector.length, rows);
  return gatherVector(vector, rows, vector.length, context, memory);
}

export type AggregateSpec = Omit<Extract<SinkSpec, { kind: 'aggregate' }>, 'kind'>;

/** A chunk's rows for an accumulator. A class, because accessors in an object literal cost more than a vector's sum. */
class PushedRows implements AccumulatorInput {
  readonly groupCount: number;
  readonly args: readonly Vector[];
  readonly filters: readonly number[];
  private readonly chunk: Chunk;
  private readonly grouped: RowGroups | null;

  constructor(chunk: Chunk, grouped: RowGroups | null, groupCount: number, args: readonly Vector[], filters: readonly number[]) {
    this.chunk = chunk;
    this.grouped = grouped;
    this.groupCount = groupCount;
    this.args = args;
    this.filters = filters;
  }

  get groups(): number {
    return this.grouped === null ? 0 : this.grouped.rows;
  }

  get runs(): IdRuns | null {
    return this.grouped === null ? null : this.grouped.runs;
  }

  get added(): NewGroups | null {
    return this.grouped === null ? null : this.grouped.added;
  }

  get mask(): number {
    return this.chunk.mask;
  }

  get n(): number {
    return this.chunk.rowCount;
  }
}

/** One group of all rows, of columns as they lie there: nothing is made of them on the way. */
function streamsColumns({ groups, filters, arguments: args }: AggregationSpec): boolean {
  return groups.length === 0 && filters.length === 0 && args.every((argument) => argument.kind === 'column');
}

/** As streamsColumns; also by one bucket of time or one column of symbols: no group is made for each row then. */
export function streamsGroups({ groups, buckets, filters, arguments: args }: AggregationSpec): boolean {
  const [group, ...more] = groups;
  const isPlain = group === undefined || buckets[0] !== null || (group.kind === 'column' && physicalOf(group.type) === 'bytes');
  return isPlain && more.length === 0 && filters.length === 0 && args.every((argument) => argument.kind === 'column');
}

/** Groups rows and keeps the states of their aggregates. */
export class AggregateSink implements Sink {
  readonly counter: number;
  private readonly spec: AggregationSpec;
  private readonly finishes: boolean;
  private readonly context: EvaluationContext;
  private readonly table: GroupTable | null;
  private readonly accumulator: Accumulator;
  private readonly mayFail: boolean;
  private readonly denseShare: number | undefined;
  private readonly scope: MemoryScope;

  constructor({ spec, finishes, counter }: AggregateSpec, scope: MemoryScope, context: EvaluationContext) {
    this.spec = spec;
    this.finishes = finishes;
    this.counter = counter;
    this.context = context;
    this.scope = scope;
    this.table =
      spec.groups.length === 0
        ? null
        : new GroupTable(
            spec.groups.map((group) => group.type),
            scope,
            context.kernels,
            finishes ? 'ordered' : 'any order',
          );
    this.accumulator = new Accumulator(spec.calls, scope, context.kernels, spec.groups.length === 0);
    this.mayFail = [...spec.groups, ...spec.arguments, ...spec.filters].some(mayFail);
    this.denseShare = streamsColumns(spec) ? STREAMING_SHARE : undefined;
  }

  push(input: Chunk): boolean {
    const { spec, context } = this;
    const chunk = input.forExpressions(this.mayFail, context, this.denseShare);
    const keys = spec.groups.map((group, i) => this.runsOf(i, chunk) ?? evaluate(group, chunk, context));
    const grouped = this.table ? this.table.group(keys, chunk.mask, chunk.rowCount, context) : null;
    const args = spec.arguments.map((argument) => evaluate(argument, chunk, context));
    const filters = spec.filters.map((filter) => evaluatePredicate(filter, chunk, context));
    this.accumulator.update(new PushedRows(chunk, grouped, this.table ? this.table.groupCount : 1, args, filters), context);
    return false;
  }

  /** A bucket of time as runs of rows: rows mostly come in the order of their times. */
  private runsOf(index: number, chunk: Chunk): BucketRuns | undefined {
    const bucket = this.spec.buckets[index];
    if (!bucket || chunk.mask !== 0 || chunk.rowCount === 0) return undefined;
    const times = chunk.column(bucket.time);
    if (times.encoding !== 'flat' || times.validity !== 0) return undefined;
    return bucketRuns(times, bucket.grid, chunk.ascending === bucket.time, this.context);
  }

  end(): LaneOutput {
    const context = { ...this.context, scratch: new Scratch(this.scope) };
    const groupCount = this.table ? this.table.groupCount : 1;
    if (this.finishes) {
      const batch = groupCount > 0 && finishedGroups(this.table, this.accumulator, this.context, this.scope);
      return { kind: 'batches', batches: batch ? [{ ...batch, owned: [] }] : [] };
    }
    this.accumulator.ensure(groupCount);
    return {
      kind: 'aggregate',
      lane: {
        groupCount,
        table: this.table?.result(context) ?? null,
        states: this.accumulator.result(context, this.spec.arguments.length),
      },
    };
  }
}

/** First piece of the memory that results may lie in: there may be thousands of grouping sets. */
const LASTING_BYTES = 1024;

/** Group columns, then one column per call; the memory is the scope's. */
export function finishedGroups(table: GroupTable | null, accumulator: Accumulator, context: EvaluationContext, scope: MemoryScope): Batch {
  const rowCount = table ? table.groupCount : 1;
  const keys: Vector[] = table ? table.keyVectors(context, scope) : [];
  // Result vectors may lie in what finishing allocates on the way.
  const lasting = { ...context, scratch: new Scratch(scope, LASTING_BYTES) };
  return { arena: scope.arena.id, rowCount, columns: [...keys, ...accumulator.finish(rowCount, lasting)] };
}

/** One batch out of several with the same columns; the memory is the scope's. */
export function concatenate(
  batches: readonly Batch[],
  types: readonly Vector['type'][],
  scope: MemoryScope,
  context: EvaluationContext,
  check: () => void,
): Batch {
  const only = batches[0];
  if (batches.length === 1 && only?.columns.every((column) => column.encoding !== 'constant')) return only;
  const builders = types.map((type) => new ColumnBuilder(type, scope));
  builders.forEach((builder, i) => {
    builder.reserve(
      batches.flatMap((batch) => batch.columns[i] ?? []),
      context,
    );
  });
  let rowCount = 0;
  for (const batch of batches) {
    check();
    context.scratch.reset();
    builders.forEach((builder, i) => {
      const column = batch.columns[i];
      if (column) builder.append(column, context);
    });
    rowCount += batch.rowCount;
  }
  return { arena: scope.arena.id, rowCount, columns: builders.map((builder) => builder.view()) };
}
