/** Functions that are computed value by value: where JavaScript has what is wanted and a kernel would not pay. */
import type { Value, Vector } from '../../core/batch.js';
import { type DataType, isText, NULL_TYPE } from '../../core/types.js';
import { textsOf, valuesOf, vectorOf } from '../expression/vector-values.js';
import type { ArgumentType, EvaluationContext, Overload } from './contract.js';
import type { Parameter, Signature } from './overloads.js';

const ROWS_BETWEEN_CHECKS = 256;

/** One row: its arguments (NULL only for functions whose entry says `custom`) to the result. */
export type Compute = (args: readonly Value[], context: EvaluationContext) => Value;

/** evaluate() of a value-by-value function. Rows with a NULL argument give NULL unless `nulls` is 'seen'. */
export function rowByRow(type: DataType, compute: Compute, nulls: 'strict' | 'seen' = 'strict'): Overload['evaluate'] {
  return (context, args, rowCount) => {
    const columns = args.map((arg) => columnOf(arg, context));
    const out = new Array<Value>(rowCount);
    const row = new Array<Value>(columns.length);
    for (let i = 0; i < rowCount; i++) {
      if (i % ROWS_BETWEEN_CHECKS === 0) context.check?.();
      let missing = false;
      for (let c = 0; c < columns.length; c++) {
        const value = columns[c]?.(i) ?? null;
        row[c] = value;
        if (value === null) missing = true;
      }
      out[i] = missing && nulls === 'strict' ? null : compute(row, context);
    }
    return vectorOf(out, type, context);
  };
}

/** A column's values by row; a constant is read once. */
function columnOf(vector: Vector, context: EvaluationContext): (row: number) => Value {
  if (vector.encoding === 'constant') {
    const [value = null] = valuesOf({ ...vector, length: Math.min(1, vector.length) }, context);
    return () => value;
  }
  const values = isText(vector.type) ? textsOf(vector, context) : valuesOf(vector, context);
  return (row) => values[row] ?? null;
}

/** A signature computed value by value. */
export function each(params: readonly Parameter[], type: DataType, compute: Compute, rest?: Parameter): Signature {
  const evaluate = rowByRow(type, compute);
  return rest ? { params, rest, type, evaluate } : { params, type, evaluate };
}

/** As each, for functions that see NULLs. */
export function eachWithNulls(params: readonly Parameter[], type: DataType, compute: Compute, rest?: Parameter): Signature {
  const evaluate = rowByRow(type, compute, 'seen');
  return rest ? { params, rest, type, evaluate } : { params, type, evaluate };
}

/** A list type of items that may be NULL. */
export function listOf(type: DataType): Extract<DataType, { kind: 'list' }> {
  return { kind: 'list', item: { name: 'item', type, nullable: true } };
}

/** The argument's list type; undefined when it is none. NULL counts as a list of NULLs. */
export function listTypeOf(arg: ArgumentType | undefined): Extract<DataType, { kind: 'list' }> | undefined {
  if (arg?.type.kind === 'list') return arg.type;
  return arg?.type.kind === 'null' ? listOf(NULL_TYPE) : undefined;
}

export const list: Parameter = (arg) => listTypeOf(arg);
