/** HORIZON JOIN on a thread: each left row once for every offset, with the right row that prevails then, vector by vector. */
import { flatVector, type Vector } from '../../../core/batch.js';
import { DbError } from '../../../core/errors.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import { INT64 } from '../../../core/types.js';
import { evaluate } from '../../expression/evaluate.js';
import { gatherVector, gatherVectorOrNull, toFlat } from '../../expression/gather.js';
import type { EvaluationContext } from '../../functions/contract.js';
import type { ColumnId } from '../../plan/expression.js';
import { Chunk, type ComposedRows, mayFail, NONE } from '../chunk.js';
import { createLookup, type Lookup } from '../join/join-lookup.js';
import type { Emit, Operator } from '../operators.js';
import { narrowOrderKey } from '../sort/sort-rows.js';
import type { HorizonSpec } from '../task.js';

/** Addresses of what each row of one emitted chunk is made of (uint32): left row, number of the offset, right position or none. */
interface Found {
  readonly rows: number;
  readonly offsets: number;
  readonly positions: number;
  readonly count: number;
}

export class Horizon implements Operator {
  readonly counter: number;
  private readonly spec: HorizonSpec;
  private readonly context: EvaluationContext;
  private readonly finder: Lookup | null;
  /** By group: where the last search has ended. */
  private readonly places: number;
  private readonly capacity: number;
  private readonly check: () => void;
  private readonly mayFail: boolean;
  private readonly rightColumns: ReadonlyMap<ColumnId, HorizonSpec['columns'][number]>;

  constructor(spec: HorizonSpec, context: EvaluationContext, scope: MemoryScope, capacity: number, check: () => void) {
    this.counter = spec.counter;
    this.spec = spec;
    this.context = context;
    this.capacity = capacity;
    this.check = check;
    const { lookup, groupCount } = spec.table;
    this.finder = lookup ? createLookup(lookup, scope, context.kernels) : null;
    this.places = scope.allocateZeroed(Math.max(64, (groupCount + 1) * 4));
    this.mayFail = [...spec.keys, spec.time, spec.shown].some(mayFail);
    this.rightColumns = new Map(spec.rightIds.map((id, i) => [id, spec.columns[i] as HorizonSpec['columns'][number]] as const));
  }

  push(input: Chunk, emit: Emit): void {
    const { spec, context, capacity } = this;
    const { kernels, scratch, arena } = context;
    const { table, count: m } = spec;
    const chunk = input.forExpressions(this.mayFail, context).compacted(context);
    const n = chunk.rowCount;
    const groups = this.groupsOf(chunk);
    const time = toFlat(evaluate(spec.time, chunk, context), context);
    const times = narrowOrderKey(time, false, context, scratch);
    const shown = toFlat(evaluate(spec.shown, chunk, context), context);
    const cursor = scratch.allocateZeroed(64);
    const room = {
      rows: scratch.allocate(capacity * 4),
      offsets: scratch.allocate(capacity * 4),
      positions: scratch.allocate(capacity * 4),
    };
    let mark = scratch.mark();
    for (let pass = 0, done = n === 0; !done; pass++) {
      this.check();
      scratch.rewind(mark);
      const count = kernels.match_offsets(
        0,
        n,
        groups,
        times,
        time.validity,
        spec.distances,
        m,
        table.starts,
        table.keys,
        this.places,
        cursor,
        capacity,
        room.rows,
        room.offsets,
        room.positions,
      );
      done = (arena.u32[cursor / 4] as number) >= n;
      if (pass === 0 && !done) {
        // Columns that are made when asked for must not be made inside a pass: the next one takes their memory.
        for (const id of spec.leftIds) chunk.column(id);
        mark = scratch.mark();
      }
      if (count > 0) emit(this.foundChunk(chunk, shown, { ...room, count }));
    }
  }

  private groupsOf(chunk: Chunk): number {
    const { spec, context, finder } = this;
    const n = chunk.rowCount;
    if (!finder) return context.scratch.allocateZeroed(Math.max(64, n * 4));
    const groups = finder.find(
      spec.keys.map((key) => evaluate(key, chunk, context)),
      n,
      context,
    );
    context.kernels.fill_missing_u32(spec.table.groupCount, n, groups);
    return groups;
  }

  private foundChunk(chunk: Chunk, shown: Vector, found: Found): Chunk {
    const { spec, context, rightColumns } = this;
    const { rows, count } = found;
    const known: ComposedRows = new Map();
    let rightRows = 0;
    const make = (id: ColumnId): Vector => {
      if (id === spec.offsetId) return this.offsetColumn(found);
      if (id === spec.timeId) return this.timeColumn(shown, found);
      const right = rightColumns.get(id);
      if (!right) return chunk.taken(id, rows, count, known, context);
      if (right.byPosition) return gatherVectorOrNull(right.vector, found.positions, count, context);
      if (rightRows === 0) {
        rightRows = context.scratch.allocate(Math.max(64, count * 4));
        context.kernels.map_found_ids(found.positions, spec.table.rows, count, rightRows);
      }
      return gatherVectorOrNull(right.vector, rightRows, count, context);
    };
    return new Chunk(count, 0, count, new Map(), NONE, make);
  }

  private offsetColumn({ offsets, count }: Found): Vector {
    const { kernels, scratch } = this.context;
    const values = scratch.allocate(Math.max(64, count * 8));
    kernels.gather_64(this.spec.offsets, offsets, count, values);
    return flatVector(INT64, count, values);
  }

  private timeColumn(shown: Vector, { rows, offsets, count }: Found): Vector {
    const { kernels, scratch } = this.context;
    const base = toFlat(gatherVector(shown, rows, count, this.context), this.context);
    const away = scratch.allocate(Math.max(64, count * 8));
    kernels.gather_64(this.spec.offsets, offsets, count, away);
    const values = scratch.allocate(Math.max(64, count * 8));
    if (kernels.add_i64(base.values, 1, away, 1, count, values, base.validity) >= 0) {
      throw new DbError('numeric_overflow', 'overflow: an offset of HORIZON JOIN leads out of the range of timestamps', {
        position: this.spec.position,
      });
    }
    return flatVector(shown.type, count, values, base.validity);
  }
}
