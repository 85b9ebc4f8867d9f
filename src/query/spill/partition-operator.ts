/** Says of each row into which part of a partitioning it goes. */
import { flatVector, type Vector } from '../../core/batch.js';
import { INT32 } from '../../core/types.js';
import { type Chunk, mayFail } from '../execution/chunk.js';
import type { Emit, Operator } from '../execution/operators.js';
import { rowHashes } from '../execution/row-hashes.js';
import type { PartitionSpec } from '../execution/task.js';
import { evaluate } from '../expression/evaluate.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { ColumnId } from '../plan/expression.js';

/** Bits of the hash that say the part of a row. */
const BITS = 5;
export const PARTS = 1 << BITS;

/** Adds the number of each row's part as a column. */
export class Partition implements Operator {
  readonly counter: number;
  private readonly spec: PartitionSpec;
  private readonly context: EvaluationContext;
  private readonly mayFail: boolean;

  constructor(spec: PartitionSpec, context: EvaluationContext) {
    this.counter = spec.counter;
    this.spec = spec;
    this.context = context;
    this.mayFail = spec.keys.some(mayFail);
  }

  push(input: Chunk, emit: Emit): void {
    const { spec, context } = this;
    const chunk = input.forExpressions(this.mayFail, context);
    const columns = new Map<ColumnId, Vector>(spec.ids.map((id) => [id, chunk.column(id)]));
    const parts = rowHashes(
      spec.keys.map((key) => evaluate(key, chunk, context)),
      chunk.rowCount,
      context,
    );
    const { u32 } = context.arena;
    const shift = spec.level * BITS;
    for (let i = parts / 4; i < parts / 4 + chunk.rowCount; i++) u32[i] = ((u32[i] as number) >>> shift) & (PARTS - 1);
    emit(chunk.projected(columns.set(spec.id, flatVector(INT32, chunk.rowCount, parts))));
  }
}
