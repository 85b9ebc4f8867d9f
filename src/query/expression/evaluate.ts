/** Evaluates bound expressions over vectors. */
import type { Value, Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { ColumnId, Expression } from '../plan/expression.js';

export { type ColumnBuilder, copyVectorInto } from './column-builder.js';
export { gatherVector, gatherVectorOrNull, selectionFromBitmap, toFlat } from './gather.js';

/** The rows that an expression is evaluated over. All columns have rowCount rows and lie in the context's arena. */
export interface EvaluationInput {
  readonly rowCount: number;
  column(id: ColumnId): Vector;
}

/** The expression's value for every row. The result lies in context.scratch or is (a part of) the input; any encoding. */
export function evaluate(expression: Expression, input: EvaluationInput, context: EvaluationContext): Vector {
  void input;
  void context;
  throw new DbError('unsupported', `expression ${expression.kind} is not evaluated yet`);
}

/** Address of a bitmap in scratch: bit set where the bool expression is true (neither false nor NULL). Whole 64-bit words; bits past rowCount are 0. */
export function evaluatePredicate(expression: Expression, input: EvaluationInput, context: EvaluationContext): number {
  return evaluate(expression, input, context).values;
}

/** The value of an expression that reads no column, for folding, LIMIT and VALUES. Throws what its evaluation throws (1/0: division_by_zero). */
export function evaluateConstant(expression: Expression, context: EvaluationContext): Value {
  void evaluate(
    expression,
    {
      rowCount: 1,
      column: () => {
        throw new DbError('invalid_argument', 'a constant is expected here', { position: expression.position });
      },
    },
    context,
  );
  return null;
}
