/** Functions that are computed value by value: where JavaScript has what is wanted and a kernel would not pay. */
import type { Value } from '../../core/batch.js';
import { type DataType, NULL_TYPE } from '../../core/types.js';
import { byValue } from '../expression/by-value.js';
import type { ArgumentType, EvaluationContext, Overload } from './contract.js';
import type { Parameter, Signature } from './overloads.js';

/** One row: its arguments (NULL only for functions whose entry says `custom`) to the result. */
export type Compute = (args: readonly Value[], context: EvaluationContext) => Value;

/** evaluate() of a value-by-value function. Rows with a NULL argument give NULL unless `nulls` is 'seen'. */
export function rowByRow(type: DataType, compute: Compute, nulls: 'strict' | 'seen' = 'strict'): Overload['evaluate'] {
  return (context, args, rowCount) => byValue(type, args, rowCount, (row) => compute(row, context), nulls, context);
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
