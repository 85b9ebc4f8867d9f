/** Evaluates bound expressions over vectors. */
import type { Value, Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { MAX_VALUE_WEIGHT, weightAt } from '../../core/value-weight.js';
import { valueAt } from '../../core/values.js';
import type { EvaluationContext, Overload, ScalarFunction } from '../functions/contract.js';
import { resolveScalar } from '../functions/registry.js';
import type { CallExpression, Expression } from '../plan/expression.js';
import { commonValidity, restrict } from './bitmaps.js';
import { castVector } from './cast.js';
import { evaluateCase } from './conditional.js';
import type { EvaluationInput } from './evaluation-input.js';
import { evaluateLambda, lambdaCall } from './lambda.js';
import { asCase } from './lazy.js';
import { evaluateLifted } from './lifting.js';
import { evaluateConnective, evaluateIn, evaluateIsNull, evaluateNot, truthBitmap } from './logic.js';
import { asConstant, constantVector, isNullConstant } from './vector-values.js';

export { ColumnBuilder } from './column-builder.js';
export { DictionaryCache } from './dictionary-cache.js';
export type { EvaluationInput } from './evaluation-input.js';
export { gatherVector, gatherVectorOrNull, toFlat } from './gather.js';
export { vectorOf } from './vector-values.js';

/** The expression's value for every row. The result lies in context.scratch, in the cache, or is (a part of) the input; any encoding. */
export function evaluate(expression: Expression, input: EvaluationInput, context: EvaluationContext): Vector {
  switch (expression.kind) {
    case 'column':
      return input.column(expression.id);
    case 'lambda_parameter':
      return input.column(expression.id);
    case 'literal':
      return constantVector(expression.value, expression.type, input.rowCount, context);
    default:
      return evaluateLifted(expression, input, context, evaluate) ?? evaluateNode(expression, input, context);
  }
}

/** Address of a bitmap in scratch: bit set where the bool expression is true (neither false nor NULL). Whole 64-bit words; bits past rowCount are 0. */
export function evaluatePredicate(expression: Expression, input: EvaluationInput, context: EvaluationContext): number {
  return truthBitmap(evaluate(expression, input, context), input.rowCount, context);
}

/** The value of an expression that reads no column, for folding, LIMIT and VALUES. Throws what its evaluation throws (1/0: division_by_zero). */
export function evaluateConstant(expression: Expression, context: EvaluationContext): Value {
  const mark = context.scratch.mark();
  try {
    const column = () => {
      throw new DbError('invalid_argument', 'a constant is expected here', { position: expression.position });
    };
    const vector = evaluate(expression, { rowCount: 1, column }, context);
    if (weightAt(context.arena, vector, 0) > MAX_VALUE_WEIGHT) {
      throw new DbError('query_memory_exceeded', 'a constant is larger than 16 MiB', { position: expression.position });
    }
    return valueAt(context.arena, vector, 0);
  } finally {
    context.scratch.rewind(mark);
  }
}

function evaluateNode(
  expression: Exclude<Expression, { kind: 'column' | 'literal' | 'lambda_parameter' }>,
  input: EvaluationInput,
  context: EvaluationContext,
): Vector {
  const { rowCount } = input;
  // Items of lists may be many more than a vector's rows.
  if (rowCount > LONG_VECTOR_ROWS) context.check?.();
  switch (expression.kind) {
    case 'call':
      return evaluateCall(expression, input, context);
    case 'cast': {
      const operand = evaluate(expression.operand, input, context);
      return atPosition(expression, () => castVector(operand, expression.type, expression.safe, context));
    }
    case 'case':
      return evaluateCase(expression, input, context, evaluate);
    case 'and':
    case 'or':
      return evaluateConnective(expression, input, context, evaluate);
    case 'not':
      return evaluateNot(evaluate(expression.operand, input, context), rowCount, context);
    case 'is_null':
      return evaluateIsNull(expression, evaluate(expression.operand, input, context), rowCount, context);
    case 'lambda':
      throw new DbError('internal', 'a lambda outside of a call that takes one', { position: expression.position });
    case 'in':
      return evaluateIn(expression, evaluate(expression.operand, input, context), rowCount, context);
  }
}

/** Rows from which on the time of a single step is worth a look at whether the query shall go on. */
const LONG_VECTOR_ROWS = 100_000;

interface Resolved {
  readonly function: ScalarFunction;
  readonly overload: Overload;
}

const overloads = new WeakMap<CallExpression, Resolved>();

/** The function and overload of a bound call. The binder found them before, so that they are not there is our bug. */
function overloadOf(expression: CallExpression): Resolved {
  let resolved = overloads.get(expression);
  if (!resolved) {
    resolved = resolveScalar(
      expression.function,
      expression.args.map((arg) =>
        arg.kind === 'literal' ? { type: arg.type, literal: false, value: arg.value } : { type: arg.type, literal: false },
      ),
    );
    if (!resolved)
      throw new DbError('internal', `no overload of ${expression.function} for its bound arguments`, { position: expression.position });
    overloads.set(expression, resolved);
  }
  return resolved;
}

function evaluateCall(expression: CallExpression, input: EvaluationInput, context: EvaluationContext): Vector {
  const lazily = asCase(expression);
  if (lazily) return evaluateCase(lazily, input, context, evaluate);
  const over = lambdaCall(expression);
  if (over) return evaluateLambda(expression, over, input, context, evaluate);
  const { function: entry, overload } = overloadOf(expression);
  const { rowCount } = input;
  const args = expression.args.map((arg) => evaluate(arg, input, context));
  if (rowCount === 0) return constantVector(null, expression.type, 0, context);
  if (rowCount > 1 && args.length > 0 && entry.volatile !== true && args.every((arg) => arg.encoding === 'constant')) {
    const single = args.map((arg) => ({ ...arg, length: 1 }));
    return asConstant(
      atPosition(expression, () => run(entry, overload, single, 1, context)),
      rowCount,
      context,
    );
  }
  return atPosition(expression, () => run(entry, overload, args, rowCount, context));
}

function run(entry: ScalarFunction, overload: Overload, args: readonly Vector[], rowCount: number, context: EvaluationContext): Vector {
  if (entry.nulls === 'custom') return overload.evaluate(context, args, rowCount, 0);
  if (args.some((arg) => isNullConstant(arg, context))) return constantVector(null, overload.type, rowCount, context);
  const validity = commonValidity(args, rowCount, context);
  return restrict(overload.evaluate(context, args, rowCount, validity), validity, rowCount, context);
}

/** Errors get the place of the expression that raised them. */
function atPosition<T>(expression: Expression, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof DbError) || error.position !== undefined || expression.position < 0) throw error;
    throw new DbError(error.code, error.message, { position: expression.position, hint: error.hint, cause: error });
  }
}
