/** CASE: each branch is evaluated only for the rows that reach it, so that its errors are theirs alone. */
import { bitmapBytes, type Vector } from '../../core/batch.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { physicalOf, WIDTH_BYTES } from '../../core/types.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { CaseExpression, Expression } from '../plan/expression.js';
import { analyse } from './analysis.js';
import { filledBitmap } from './bitmaps.js';
import { choose } from './choose.js';
import { ColumnBuilder } from './column-builder.js';
import { type Evaluate, type EvaluationInput, selectedRows } from './evaluation-input.js';
import { gatherVectorOrNull } from './gather.js';
import { evaluateWhere, truthBitmap } from './logic.js';
import { constantVector } from './vector-values.js';

/** Results of some rows: row i of `values` belongs to the i-th row of the selection, or its only row to all when it is constant. */
interface Piece {
  readonly indices: number;
  readonly count: number;
  readonly values: Vector;
}

export function evaluateCase(expression: CaseExpression, input: EvaluationInput, context: EvaluationContext, evaluate: Evaluate): Vector {
  const quick = evaluateChoice(expression, input, context, evaluate);
  if (quick) return quick;
  const { rowCount } = input;
  const { kernels, scratch } = context;
  let remaining = filledBitmap(true, rowCount, context);
  const pieces: Piece[] = [];
  const take = (then: Expression, rows: number): void => {
    const count = kernels.bits_count(rows, rowCount);
    if (count === 0) return;
    const indices = scratch.allocate(4 * count);
    kernels.bits_to_indices(rows, rowCount, indices);
    const all = count === rowCount;
    pieces.push({ indices, count, values: evaluate(then, all ? input : selectedRows(input, indices, count, context), context) });
  };
  for (const { when, then } of expression.branches) {
    const condition = analyse(when).fallible ? evaluateWhere(when, remaining, input, context, evaluate) : evaluate(when, input, context);
    const holds = scratch.allocate(bitmapBytes(rowCount));
    kernels.bits_and(truthBitmap(condition, rowCount, context), remaining, rowCount, holds);
    take(then, holds);
    const rest = scratch.allocate(bitmapBytes(rowCount));
    kernels.bits_and_not(remaining, holds, rowCount, rest);
    remaining = rest;
  }
  if (expression.otherwise !== null) take(expression.otherwise, remaining);
  return assemble(pieces, expression, rowCount, context);
}

/** CASE WHEN c THEN a ELSE b where nothing can fail and values are of fixed width: both sides, then one selection. */
function evaluateChoice(
  expression: CaseExpression,
  input: EvaluationInput,
  context: EvaluationContext,
  evaluate: Evaluate,
): Vector | undefined {
  const [branch, second] = expression.branches;
  const { otherwise } = expression;
  const width = WIDTH_BYTES[physicalOf(expression.type)];
  if (!branch || second || otherwise === null || width === 0) return undefined;
  if ([branch.when, branch.then, otherwise].some((part) => analyse(part).fallible)) return undefined;
  const { rowCount } = input;
  const mask = truthBitmap(evaluate(branch.when, input, context), rowCount, context);
  const chosen = choose(mask, evaluate(branch.then, input, context), evaluate(otherwise, input, context), rowCount, context);
  return { ...chosen, type: expression.type };
}

/** Lays the pieces one after another and takes each row from its place; rows without a piece are NULL. */
function assemble(pieces: readonly Piece[], expression: CaseExpression, rowCount: number, context: EvaluationContext): Vector {
  const { kernels, scratch, arena } = context;
  const [only] = pieces;
  if (!only) return constantVector(null, expression.type, rowCount, context);
  if (pieces.length === 1 && only.count === rowCount) return only.values;
  const places = scratch.allocate(4 * rowCount);
  arena.u8.fill(255, places, places + 4 * rowCount);
  const scope = new MemoryScope(arena);
  try {
    const builder = new ColumnBuilder(expression.type, scope);
    for (const { indices, count, values } of pieces) {
      const constant = values.encoding === 'constant';
      kernels.scatter_sequence(indices, count, builder.rowCount, constant ? 0 : 1, places);
      builder.append(constant ? { ...values, length: 1 } : values, context);
    }
    return gatherVectorOrNull(builder.view(), places, rowCount, context);
  } finally {
    scope.release();
  }
}
