/** Conditional functions. coalesce and if are evaluated as CASE when an argument can fail, so that only what is needed is computed. */
import { bitmapBytes, type Vector } from '../../core/batch.js';
import { BOOL, type DataType, isText, UTF8 } from '../../core/types.js';
import { commonValidity, filledBitmap, intersection } from '../expression/bitmaps.js';
import { castVector } from '../expression/cast.js';
import { choose } from '../expression/choose.js';
import { type Comparison, compareVectors } from '../expression/compare.js';
import { toFlat } from '../expression/gather.js';
import { isNullConstant } from '../expression/vector-values.js';
import type { ArgumentType, EvaluationContext, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { commonType, implicitlyCasts } from './types.js';

const entry = entriesOf({ category: 'conditional', nulls: 'custom', infallible: true });

/** All arguments in their common type, which is the result's. */
function alike(args: readonly ArgumentType[], least: number, evaluate: Overload['evaluate']): Overload | undefined {
  const type = args.length < least ? undefined : resultType(args);
  return type && { args: args.map(() => type), type, evaluate };
}

function resultType(args: readonly ArgumentType[]): DataType | undefined {
  const type = commonType(args);
  return type?.kind === 'null' ? UTF8 : type;
}

/** Bitmap of the rows that have a value. */
function presentRows(vector: Vector, rowCount: number, context: EvaluationContext): number {
  if (isNullConstant(vector, context)) return filledBitmap(false, rowCount, context);
  const validity = commonValidity([vector], rowCount, context);
  return validity === 0 ? filledBitmap(true, rowCount, context) : validity;
}

const coalesce: Overload['evaluate'] = (context, args, rowCount) => {
  let chosen = args.at(-1) as Vector;
  for (const arg of args.slice(0, -1).reverse()) {
    chosen = choose(presentRows(arg, rowCount, context), arg, chosen, rowCount, context);
  }
  return chosen;
};

/** The result has the type of a, whatever it is compared as; a bare text takes the other side's. */
function resolveNullif(args: readonly ArgumentType[]): Overload | undefined {
  const [a] = args;
  const common = args.length === 2 ? resultType(args) : undefined;
  if (!a || !common) return undefined;
  const type = a.type.kind === 'null' || (a.literal && isText(a.type)) ? common : a.type;
  return { args: [type, common], type, evaluate: nullif };
}

const nullif: Overload['evaluate'] = (context, [a, b], rowCount) => {
  const [left, right] = [a as Vector, b as Vector];
  if (isNullConstant(left, context) || isNullConstant(right, context)) return left;
  const { kernels } = context;
  const equal = compareVectors('eq', castVector(left, right.type, false, context), right, rowCount, context);
  kernels.bits_and(equal, commonValidity([left, right], rowCount, context), rowCount, equal);
  const differs = context.scratch.allocate(bitmapBytes(rowCount));
  kernels.bits_not(equal, rowCount, differs);
  const flat = left.encoding === 'constant' ? toFlat(left, context) : left;
  return { ...flat, validity: intersection(flat.validity, differs, rowCount, context) };
};

/** The greatest or least of the values that are not NULL. */
function extreme(comparison: Comparison): Overload['evaluate'] {
  return (context, args, rowCount) => {
    const { kernels, scratch } = context;
    return args.reduce((best, next) => {
      if (isNullConstant(next, context)) return best;
      if (isNullConstant(best, context)) return next;
      const wins = compareVectors(comparison, next, best, rowCount, context);
      kernels.bits_and(wins, presentRows(next, rowCount, context), rowCount, wins);
      const bestMissing = scratch.allocate(bitmapBytes(rowCount));
      kernels.bits_not(presentRows(best, rowCount, context), rowCount, bestMissing);
      kernels.bits_or(wins, bestMissing, rowCount, wins);
      return choose(wins, next, best, rowCount, context);
    });
  };
}

const choice: Overload['evaluate'] = (context, [condition, then, otherwise], rowCount) => {
  const flat = toFlat(condition as Vector, context);
  const holds = context.scratch.allocate(bitmapBytes(rowCount));
  if (isNullConstant(condition as Vector, context)) context.kernels.bits_fill(rowCount, 0, holds);
  else context.kernels.bits_and(flat.values, flat.validity, rowCount, holds);
  return choose(holds, then as Vector, otherwise as Vector, rowCount, context);
};

function resolveChoice(args: readonly ArgumentType[]): Overload | undefined {
  const [condition, then, otherwise] = args;
  if (args.length !== 3 || !condition || !then || !otherwise || !implicitlyCasts(condition, BOOL)) return undefined;
  const type = resultType([then, otherwise]);
  return type && { args: [BOOL, type, type], type, evaluate: choice };
}

export const CONDITIONAL_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'coalesce',
    'The first argument that is not NULL.',
    [
      { sql: 'coalesce(NULL, 2, 3)', result: '2' },
      { sql: "coalesce(NULL, 'x')", result: 'x' },
      { sql: 'coalesce(1, 1 / 0)', result: '1' },
    ],
    (args) => alike(args, 1, coalesce),
    ['ifnull', 'nvl'],
  ),
  entry(
    'nullif',
    'NULL when a = b, else a.',
    [
      { sql: 'nullif(1, 1)', result: 'NULL' },
      { sql: 'nullif(1, 2)', result: '1' },
    ],
    resolveNullif,
  ),
  entry(
    'greatest',
    'The greatest of the arguments that are not NULL.',
    [
      { sql: 'greatest(1, 3, 2)', result: '3' },
      { sql: "greatest('a', NULL, 'b')", result: 'b' },
    ],
    (args) => alike(args, 1, extreme('gt')),
  ),
  entry('least', 'The least of the arguments that are not NULL.', [{ sql: 'least(2, 1.5, 3)', result: '1.5' }], (args) =>
    alike(args, 1, extreme('lt')),
  ),
  entry(
    'if',
    'if(condition, a, b): a where the condition is true, else b.',
    [
      { sql: 'if(1 < 2, 10, 20)', result: '10' },
      { sql: 'iff(NULL, 10, 20)', result: '20' },
    ],
    resolveChoice,
    ['iff', 'iif'],
  ),
];
