/** Rows that leave as they lie in their source, perhaps under other names: nothing is computed, so no task is made for them. */
import type { Vector } from '../../core/batch.js';
import type { ColumnId } from '../plan/expression.js';
import type { QueryRun } from './query-run.js';
import { sliceVector } from './slice-vector.js';
import type { Branch, CollectedBatch, Counter, Lane, LaneRange, OperatorSpec } from './task.js';

/** True when operators only rename. */
export function onlyPasses(branches: readonly { readonly operators: readonly OperatorSpec[] }[]): boolean {
  return branches.every(({ operators }) =>
    operators.every((operator) => operator.kind === 'project' && operator.expressions.every((expression) => expression.kind === 'column')),
  );
}

/**
 * The rows of the lanes as batches that point into their pieces; null where they do not lie there as they are wanted: deleted rows in between,
 * an order of their own, or a beginning in the middle of a bitmap's word. The branches only pass; counters are kept as a task would.
 */
export function passedRows(
  branches: readonly Branch[],
  lanes: readonly Lane[],
  ids: readonly ColumnId[],
  run: QueryRun,
): CollectedBatch[] | null {
  run.check();
  const counters: Counter[] = [];
  const batches: CollectedBatch[] = [];
  for (const { ranges } of lanes) {
    for (const range of ranges) {
      const branch = branches[range.branch];
      const columns = branch && columnsOf(branch, range, ids);
      if (!branch || !columns) return null;
      const rowCount = range.end - range.first;
      batches.push({ arena: run.options.arena.id, rowCount, columns, owned: [] });
      count(counters, branch.counter, rowCount);
      for (const { counter } of branch.operators) count(counters, counter, rowCount);
    }
  }
  run.nodes.add(counters);
  return batches;
}

function columnsOf(
  { columns, pieces, operators }: Branch,
  { piece: index, first, end }: LaneRange,
  ids: readonly ColumnId[],
): Vector[] | null {
  const piece = pieces[index];
  if (piece?.kind !== 'rows' || piece.alive !== 0 || piece.order !== 0 || first % 64 !== 0) return null;
  const found: Vector[] = [];
  for (const id of ids) {
    const vector = piece.columns[columns.indexOf(sourceOf(id, operators))];
    if (!vector) return null;
    found.push(sliceVector(vector, first, end - first));
  }
  return found;
}

/** The id that the column has before the operators. */
function sourceOf(id: ColumnId, operators: readonly OperatorSpec[]): ColumnId {
  let source = id;
  for (let i = operators.length - 1; i >= 0; i--) {
    const operator = operators[i];
    const expression = operator?.kind === 'project' ? operator.expressions[operator.ids.indexOf(source)] : undefined;
    if (expression?.kind !== 'column') return -1;
    source = expression.id;
  }
  return source;
}

function count(counters: Counter[], counter: number, rows: number): void {
  const entry = counters[counter];
  if (entry) entry.rows += rows;
  else counters[counter] = { rows, bytes: 0, microseconds: 0 };
}
