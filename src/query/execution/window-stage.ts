/** A window node on the coordinating thread: what its input must hold, and the calls' columns put beside the input's rows. */
import { assert } from '../../core/assert.js';
import type { Batch, Vector } from '../../core/batch.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type { WindowPlan } from '../plan/logical.js';
import { compileWindow } from '../windows/compile-window.js';
import type { WindowSpec } from '../windows/spec.js';
import { cutBatch } from './cut-batch.js';
import type { QueryRun } from './query-run.js';
import type { CollectedBatch } from './task.js';

export interface PreparedWindow {
  readonly spec: WindowSpec;
  /** Columns of the input, then what the calls need besides. */
  readonly ids: readonly ColumnId[];
  readonly expressions: readonly Expression[];
  /** False: the input has everything already. */
  readonly computes: boolean;
  readonly inputColumns: number;
  /** Where the specification's columns stand among them. */
  readonly places: readonly number[];
}

export function prepareWindow(plan: WindowPlan, context: EvaluationContext, nextId: () => ColumnId): PreparedWindow {
  const { spec, columns } = compileWindow(plan, context);
  const input = plan.input.output;
  const made: { id: ColumnId; expression: Expression }[] = [];
  const places = columns.map((expression) => {
    const known = expression.kind === 'column' ? input.findIndex((column) => column.id === expression.id) : -1;
    if (known >= 0) return known;
    made.push({ id: nextId(), expression });
    return input.length + made.length - 1;
  });
  const own = input.map(({ id, name, type, nullable }): Expression => ({ kind: 'column', id, name, type, nullable, position: -1 }));
  return {
    spec,
    ids: [...input.map((column) => column.id), ...made.map((one) => one.id)],
    expressions: [...own, ...made.map((one) => one.expression)],
    computes: made.length > 0,
    inputColumns: input.length,
    places,
  };
}

/** The input's batches stay as they are; the calls' columns are computed over all rows and cut alike. */
export async function computeWindow(
  prepared: PreparedWindow,
  batches: readonly CollectedBatch[],
  run: QueryRun,
  counter: number,
): Promise<readonly CollectedBatch[]> {
  const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  if (rowCount === 0) return [];
  const needed = batches.map((batch): Batch => {
    const columns = prepared.places.map((place) => batch.columns[place] as Vector);
    return { arena: batch.arena, rowCount: batch.rowCount, columns };
  });
  const task = { kind: 'window', frame: run.frame, batches: needed, rowCount, spec: prepared.spec, counter } as const;
  const { batch: result } = await run.run(task, run.runsHere(rowCount));
  assert(result, 'window functions give columns');
  let first = 0;
  return batches.map((batch) => {
    const calls = cutBatch({ ...result, owned: [] }, first, batch.rowCount, run);
    first += batch.rowCount;
    return { ...batch, columns: [...batch.columns.slice(0, prepared.inputColumns), ...calls.columns] };
  });
}
