/** The right side of an interval join on the coordinating thread: its rows in order, and the columns that are read of it. */
import { assert } from '../../../core/assert.js';
import type { Batch, Vector } from '../../../core/batch.js';
import { BOOL, type DataType } from '../../../core/types.js';
import type { ColumnId, Expression } from '../../plan/expression.js';
import type { HorizonJoinPlan, LogicalPlan, WindowJoinPlan } from '../../plan/logical.js';
import { allocateTarget, type ColumnTarget, finishTarget } from '../../windows/column-target.js';
import type { TaskColumn } from '../../windows/window-rows.js';
import type { Executor } from '../executor.js';
import type { OperatorNode } from '../profile.js';
import type { QueryRun } from '../query-run.js';
import { withOperator } from '../sources.js';
import type { CollectedBatch } from '../task.js';
import { addressesOf, grouped, MOST_RANGES, piecesOf, RANGE_VECTORS } from '../window/window-pieces.js';
import { openWhere } from './range.js';
import type { MatchTable } from './task.js';

export interface MatchSide {
  readonly table: MatchTable;
  /** One for each of the expressions. */
  readonly columns: readonly TaskColumn[];
  /** True: the rows are so few that tasks run on this thread. */
  readonly here: boolean;
  /** What may be freed when the join is done. */
  readonly owned: readonly number[];
}

/** leftRows: how many rows the left side has, so far as it is known. reached: right rows for which these do not hold have no partner. */
export async function matchSide(
  plan: WindowJoinPlan | HorizonJoinPlan,
  expressions: readonly Expression[],
  leftRows: number,
  executor: Executor,
  node: OperatorNode,
  reached: readonly Expression[] = [],
): Promise<MatchSide> {
  const { run } = executor;
  const matched = [...plan.keys.map((key) => key.right), plan.time.right];
  const conditions = matched
    .filter((expression) => expression.nullable)
    .map((operand): Expression => ({ kind: 'is_null', operand, negated: true, type: BOOL, nullable: false, position: -1 }));
  const { batches, release } = await collectedSide(plan.right, [...expressions, ...matched], executor, node, [...reached, ...conditions]);
  const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  const here = run.runsHere(Math.max(rowCount, leftRows));
  const built = await run.run(
    {
      kind: 'match_build',
      frame: run.frame,
      batches: batches.map((batch) => ({ ...batch, columns: batch.columns.slice(expressions.length) })),
      types: matched.map((expression) => expression.type),
      counter: node.counter,
    },
    here,
  );
  const { match: table } = built;
  assert(table, 'building gives a table');
  const types = expressions.map((expression) => expression.type);
  const { columns, owned } = await movedColumns(batches, types, table, run, node.counter, here);
  // Columns that are not copies lie in the batches.
  if (owned.length > 0 && columns.every((column) => column.byPosition && table.positions !== 0)) release();
  return { table, columns, here, owned: [...built.owned, ...owned] };
}

/** Expressions over the rows of a side for which the conditions hold. */
export async function collectedSide(
  side: LogicalPlan,
  expressions: readonly Expression[],
  executor: Executor,
  { sourceCounter: counter }: OperatorNode,
  conditions: readonly Expression[] = [],
): Promise<{ readonly batches: readonly CollectedBatch[]; release(): void }> {
  const kept = await openWhere(side, conditions, executor, counter);
  const ids = expressions.map((_, i): ColumnId => -100 - i);
  const pipeline = withOperator(kept, { kind: 'project', ids, expressions, counter });
  const { batches, release } = await executor.collect(pipeline, { kind: 'collect', ids, limit: null, copy: false, counter });
  return { batches: batches.filter((batch) => batch.rowCount > 0), release };
}

/** The columns by position where values have a width, else as they come. */
async function movedColumns(
  batches: readonly CollectedBatch[],
  types: readonly DataType[],
  table: MatchTable,
  run: QueryRun,
  counter: number,
  here: boolean,
): Promise<{ readonly columns: readonly TaskColumn[]; readonly owned: readonly number[] }> {
  const { rowCount, positions } = table;
  const targets = types.map((type) => (positions === 0 ? null : allocateTarget(type, rowCount, run.scope, run.context)));
  const indexes = targets.flatMap((target, i) => (target ? [i] : []));
  const size = Math.max(run.frame.vectorRows * RANGE_VECTORS, Math.ceil(rowCount / MOST_RANGES));
  if (indexes.length > 0) {
    const tasks = grouped(piecesOf(batches, run), size).map((group) => ({
      kind: 'window_move' as const,
      frame: run.frame,
      pieces: group.map((piece) => ({ ...piece, columns: indexes.map((i) => piece.columns[i] as Vector) })),
      targets: indexes.map((i) => targets[i] as ColumnTarget),
      positions,
      counter,
    }));
    await run.runAll(tasks, here);
  }
  const rest = types.flatMap((type, i) => (targets[i] ? [] : [{ type, batches: batches.map((batch) => oneColumn(batch, i)) }]));
  const whole = await wholeColumns(rest, run, counter, here);
  const owned: number[] = [];
  const columns = types.map((type, i): TaskColumn => {
    const target = targets[i];
    if (!target) return { vector: whole.shift() as Vector, byPosition: positions === 0 };
    const vector = finishTarget(type, rowCount, target, run.scope, run.context);
    owned.push(...addressesOf(vector));
    return { vector, byPosition: true };
  });
  return { columns, owned };
}

/** Batches of one column as one vector each. */
export async function wholeColumns(
  columns: readonly { readonly type: DataType; readonly batches: readonly Batch[] }[],
  run: QueryRun,
  counter: number,
  here: boolean,
): Promise<Vector[]> {
  const tasks = columns.map((column) => ({ ...column, kind: 'window_column' as const, frame: run.frame, counter }));
  const done = await run.runAll(tasks, here);
  return done.map(({ batch }) => batch?.columns[0] as Vector);
}

export function oneColumn({ arena, rowCount, columns }: Batch, index: number): Batch {
  return { arena, rowCount, columns: [columns[index] as Vector] };
}
