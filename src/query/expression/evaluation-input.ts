/** The rows that an expression is evaluated over. */
import type { Vector } from '../../core/batch.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import { gatherVector } from './gather.js';

/** All columns have rowCount rows and lie in the context's arena. */
export interface EvaluationInput {
  readonly rowCount: number;
  column(id: ColumnId): Vector;
}

/** evaluate() as its own parts call it. */
export type Evaluate = (expression: Expression, input: EvaluationInput, context: EvaluationContext) => Vector;

/** Some rows of an input: columns are gathered when first asked for. */
export function selectedRows(input: EvaluationInput, indices: number, count: number, context: EvaluationContext): EvaluationInput {
  const gathered = new Map<ColumnId, Vector>();
  return {
    rowCount: count,
    column(id) {
      let vector = gathered.get(id);
      if (!vector) {
        vector = gatherVector(input.column(id), indices, count, context);
        gathered.set(id, vector);
      }
      return vector;
    },
  };
}
