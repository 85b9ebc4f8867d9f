/** Lists become rows: each input row comes once for every element. */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { INT64 } from '../../core/types.js';
import { evaluate } from '../expression/evaluate.js';
import { gatherVector, gatherVectorOrNull, toFlat } from '../expression/gather.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { ColumnId } from '../plan/expression.js';
import { Chunk, mayFail, NONE } from './chunk.js';
import type { Emit, Operator } from './operators.js';
import type { UnnestSpec } from './task.js';

/** Addresses of the input row and of the place in its lists for each output row. */
interface Expanded {
  readonly rows: number;
  readonly places: number;
  readonly count: number;
}

export class Unnest implements Operator {
  readonly counter: number;
  private readonly spec: UnnestSpec;
  private readonly context: EvaluationContext;
  private readonly capacity: number;
  private readonly check: () => void;
  private readonly mayFail: boolean;

  /** check: throws when the query was cancelled. */
  constructor(spec: UnnestSpec, context: EvaluationContext, capacity: number, check: () => void) {
    this.counter = spec.counter;
    this.spec = spec;
    this.context = context;
    this.capacity = capacity;
    this.check = check;
    this.mayFail = spec.lists.some(mayFail);
  }

  push(input: Chunk, emit: Emit): void {
    const { spec, context, capacity } = this;
    const { kernels, scratch, arena } = context;
    const chunk = input.forExpressions(this.mayFail, context).compacted(context);
    const n = chunk.rowCount;
    const lists = spec.lists.map((list) => toFlat(evaluate(list, chunk, context), context));
    const lengths = scratch.allocateZeroed(Math.max(64, n * 4));
    for (const list of lists) if (list.type.kind === 'list') kernels.max_lengths(list.offsets, list.validity, n, lengths);
    const cursor = scratch.allocateZeroed(64);
    const rows = scratch.allocate(capacity * 4);
    const places = scratch.allocate(capacity * 4);
    let mark = scratch.mark();
    for (let pass = 0, done = false; !done; pass++) {
      this.check();
      scratch.rewind(mark);
      const count = kernels.expand_rows(lengths, n, spec.outer ? 1 : 0, cursor, capacity, rows, places);
      done = (arena.u32[cursor / 4] as number) >= n;
      if (pass === 0 && !done) {
        // Columns that are made when asked for must not be made inside a pass: the next one takes their memory.
        for (const id of spec.inputIds) chunk.column(id);
        mark = scratch.mark();
      }
      if (count > 0) emit(this.expandedChunk(chunk, lists, { rows, places, count }));
    }
  }

  private expandedChunk(chunk: Chunk, lists: readonly Vector[], expanded: Expanded): Chunk {
    const { spec, context } = this;
    const { rows, count } = expanded;
    const own = new Map<ColumnId, () => Vector>();
    spec.listIds.forEach((id, i) => {
      own.set(id, () => this.elements(lists[i] as Vector, expanded));
    });
    if (spec.ordinalId !== null) own.set(spec.ordinalId, () => this.ordinals(expanded));
    return new Chunk(count, 0, count, new Map(), NONE, (id) => {
      const make = own.get(id);
      return make ? make() : gatherVector(chunk.column(id), rows, count, context);
    });
  }

  private elements(list: Vector, { rows, places, count }: Expanded): Vector {
    const { kernels, scratch } = this.context;
    const child = list.children[0];
    if (list.type.kind !== 'list' || !child) return toFlat({ ...flatVector(list.type, count, 0), encoding: 'constant' }, this.context);
    const indices = scratch.allocate(Math.max(64, count * 4));
    kernels.element_indices(list.offsets, list.validity, rows, places, count, indices);
    return gatherVectorOrNull(child, indices, count, this.context);
  }

  private ordinals({ places, count }: Expanded): Vector {
    const { kernels, scratch } = this.context;
    const values = scratch.allocate(Math.max(64, count * 8));
    kernels.ordinals_i64(places, count, values);
    if (!this.spec.outer) return flatVector(INT64, count, values);
    const validity = scratch.allocate(bitmapBytes(count));
    kernels.bits_found_u32(places, count, validity);
    return flatVector(INT64, count, values, validity);
  }
}
