/** Mathematical functions. Float arguments outside a function's domain are errors, as in PostgreSQL. */
import { bitmapBytes, type Vector } from '../../core/batch.js';
import { systemEnvironment } from '../../core/environment.js';
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, FLOAT64, INT64, isInteger } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { boolVector } from '../expression/bitmaps.js';
import { castNumber } from '../expression/cast-number.js';
import { constantVector } from '../expression/vector-values.js';
import type { ArgumentType, EvaluationContext, FunctionExample, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { float, integer, oneOf, type Parameter, result, room, type Signature, step } from './overloads.js';
import { ROUNDING_FUNCTIONS } from './rounding.js';
import { each } from './row-by-row.js';

type FloatKernel = (a: number, n: number, out: number) => void;
type FloatKernels = EvaluationContext['kernels'];
type KernelName = {
  [Name in keyof FloatKernels]: FloatKernels[Name] extends FloatKernel ? (Name extends `${string}_f64` ? Name : never) : never;
}[keyof FloatKernels];

interface Domain {
  /** Arguments must be above (or at) this limit. */
  readonly above?: number;
  readonly orEqual?: boolean;
  /** Arguments must lie in [-1, 1]. */
  readonly unit?: boolean;
  /** A finite argument must give a finite result. */
  readonly finite?: boolean;
}

function requireDomain(name: string, vector: Vector, rowCount: number, validity: number, domain: Domain, context: EvaluationContext): void {
  const { kernels, scratch } = context;
  const outside = (row: number): DbError => {
    const value = valueAt(context.arena, vector, row);
    return new DbError('invalid_value', `${name}(${String(value)}) is not defined`, { hint: 'use CASE or nullif to leave such rows out' });
  };
  if (domain.above !== undefined) {
    const bad = kernels.first_below_f64(vector.values, rowCount, domain.above, domain.orEqual ? 1 : 0, validity);
    if (bad >= 0) throw outside(bad);
  }
  if (domain.unit) {
    const magnitude = scratch.allocate(8 * rowCount);
    kernels.abs_f64(vector.values, rowCount, magnitude, 0);
    kernels.negate_f64(magnitude, rowCount, magnitude, 0);
    const bad = kernels.first_below_f64(magnitude, rowCount, -1, 1, validity);
    if (bad >= 0) throw outside(bad);
  }
}

/** One float64 in, one out. */
function unary(
  name: string,
  kernel: KernelName,
  doc: string,
  examples: readonly FunctionExample[],
  domain: Domain = {},
  aliases: readonly string[] = [],
): ScalarFunction {
  return {
    name,
    aliases,
    category: 'math',
    nulls: 'strict',
    doc,
    examples,
    resolve: oneOf({
      params: [float],
      type: FLOAT64,
      evaluate: (context, [arg], rowCount, validity) => {
        const vector = arg as Vector;
        requireDomain(name, vector, rowCount, validity, domain, context);
        const out = room(FLOAT64, rowCount, context);
        (context.kernels[kernel] as FloatKernel)(vector.values, rowCount, out);
        if (domain.finite && context.kernels.first_overflow_f64(vector.values, rowCount, out, validity) >= 0) {
          throw new DbError('numeric_overflow', `overflow: the result of ${name} does not fit float64`);
        }
        return result(FLOAT64, rowCount, out);
      },
    }),
  };
}

function integerArgument(args: readonly ArgumentType[]): DataType | undefined {
  const type = args[0]?.type;
  return type && isInteger(type) ? type : undefined;
}

const time: Parameter = (arg) => (['timestamp', 'date32', 'interval'].includes(arg.type.kind) ? arg.type : undefined);

function classTest(name: string, kindOf: 0 | 1 | 2, doc: string, examples: readonly FunctionExample[]): ScalarFunction {
  return {
    name,
    category: 'math',
    nulls: 'strict',
    infallible: true,
    doc,
    examples,
    resolve: oneOf(
      {
        params: [float],
        type: BOOL,
        evaluate: (context, [arg], rowCount) => {
          const out = context.scratch.allocate(bitmapBytes(rowCount));
          context.kernels.is_class_f64((arg as Vector).values, rowCount, kindOf, out);
          return boolVector(out, rowCount);
        },
      },
      ...(kindOf === 2 ? [each([time], BOOL, () => true)] : []),
    ),
  };
}

function signOf(args: readonly ArgumentType[]): Overload | undefined {
  if (integerArgument(args)?.kind !== 'uint64' && integerArgument(args)) {
    return oneOf({
      params: [integer],
      type: INT64,
      evaluate: (context, [arg], rowCount) => {
        const out = room(INT64, rowCount, context);
        context.kernels.sign_i64((arg as Vector).values, rowCount, out);
        return result(INT64, rowCount, out);
      },
    })(args);
  }
  return oneOf({
    params: [float],
    type: FLOAT64,
    evaluate: (context, [arg], rowCount) => {
      const out = room(FLOAT64, rowCount, context);
      context.kernels.sign_f64((arg as Vector).values, rowCount, out);
      return result(FLOAT64, rowCount, out);
    },
  })(args);
}

type BinaryFloatKernel = (a: number, aStep: number, b: number, bStep: number, n: number, out: number) => void;

function binaryFloat(kernelOf: (context: EvaluationContext) => BinaryFloatKernel, name: string, checked: boolean): Signature {
  return {
    params: [float, float],
    type: FLOAT64,
    evaluate: (context, [left, right], rowCount, validity) => {
      const [a, b] = [left as Vector, right as Vector];
      const out = room(FLOAT64, rowCount, context);
      kernelOf(context)(a.values, step(a), b.values, step(b), rowCount, out);
      if (checked) requireFinite(name, a, b, out, rowCount, validity, context);
      return result(FLOAT64, rowCount, out);
    },
  };
}

/** Finite arguments must not give an infinity or NaN. */
function requireFinite(
  name: string,
  a: Vector,
  b: Vector,
  out: number,
  rowCount: number,
  validity: number,
  context: EvaluationContext,
): void {
  const { kernels, scratch, arena } = context;
  const strange = scratch.allocate(bitmapBytes(rowCount));
  kernels.is_class_f64(out, rowCount, 2, strange);
  kernels.bits_not(strange, rowCount, strange);
  kernels.bits_and(strange, validity, rowCount, strange);
  if (kernels.bits_count(strange, rowCount) === 0) return;
  const rows = scratch.allocate(4 * rowCount);
  const count = kernels.bits_to_indices(strange, rowCount, rows);
  for (let i = 0; i < count; i++) {
    const row = arena.i32[rows / 4 + i] as number;
    const x = Number(valueAt(arena, a, row));
    const y = Number(valueAt(arena, b, row));
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    if (Number.isNaN(arena.f64[out / 8 + row]) || x === 0) throw new DbError('invalid_value', `${name}(${x}, ${y}) is not defined`);
    throw new DbError('numeric_overflow', `overflow: ${name}(${x}, ${y}) does not fit float64`);
  }
}

const gcd: Signature = {
  params: [integer, integer],
  type: INT64,
  evaluate: (context, [a, b], rowCount) => result(INT64, rowCount, gcdOf(a as Vector, b as Vector, rowCount, context)),
};

function gcdOf(a: Vector, b: Vector, rowCount: number, context: EvaluationContext): number {
  const out = room(INT64, rowCount, context);
  context.kernels.gcd_i64(a.values, step(a), b.values, step(b), rowCount, out);
  return out;
}

/** |a / gcd · b|; a gcd of 0 (both 0) counts as 1. */
const lcm: Signature = {
  params: [integer, integer],
  type: INT64,
  evaluate: (context, [left, right], rowCount, validity) => {
    const { kernels, scratch } = context;
    const [a, b] = [left as Vector, right as Vector];
    const divisor = gcdOf(a, b, rowCount, context);
    const zero = constantVector(0n, INT64, rowCount, context);
    const isZero = scratch.allocate(bitmapBytes(rowCount));
    kernels.compare_i64(0, divisor, zero.values, 0, rowCount, isZero);
    const bytes = scratch.allocate(rowCount);
    kernels.bits_to_bytes(isZero, rowCount, bytes);
    const ones = castNumber(result({ kind: 'uint8' }, rowCount, bytes), INT64, false, context);
    kernels.bit_or_i64(divisor, 1, ones.values, 1, rowCount, divisor);
    const out = room(INT64, rowCount, context);
    kernels.divide_i64(a.values, step(a), divisor, 1, rowCount, out, 0);
    const overflow = kernels.multiply_i64(out, 1, b.values, step(b), rowCount, out, validity);
    if (overflow >= 0 || kernels.abs_i64(out, rowCount, out, validity) >= 0)
      throw new DbError('numeric_overflow', 'overflow: lcm does not fit int64');
    return result(INT64, rowCount, out);
  },
};

const random: Overload['evaluate'] = (context, _args, rowCount) => {
  const state = context.scratch.allocate(16);
  context.arena.u8.set(Buffer.from(systemEnvironment.uuid().replaceAll('-', ''), 'hex'), state);
  const out = room(FLOAT64, rowCount, context);
  context.kernels.random_f64(state, rowCount, out);
  return result(FLOAT64, rowCount, out);
};

type BitKernel = (a: number, aStep: number, b: number, bStep: number, n: number, out: number) => void;

function bitwise(
  name: string,
  kernelOf: (context: EvaluationContext) => BitKernel,
  doc: string,
  examples: readonly FunctionExample[],
): ScalarFunction {
  const evaluate: Overload['evaluate'] = (context, [left, right], rowCount) => {
    const [a, b] = [left as Vector, right as Vector];
    const out = room(INT64, rowCount, context);
    kernelOf(context)(a.values, step(a), b.values, step(b), rowCount, out);
    return result(INT64, rowCount, out);
  };
  return {
    name,
    category: 'operator',
    nulls: 'strict',
    infallible: true,
    doc,
    examples,
    resolve: oneOf({ params: [integer, integer], type: INT64, evaluate }),
  };
}

const bitNot: Signature = {
  params: [integer],
  type: INT64,
  evaluate: (context, [arg], rowCount) => {
    const ones = constantVector(-1n, INT64, rowCount, context);
    const out = room(INT64, rowCount, context);
    context.kernels.bit_xor_i64((arg as Vector).values, 1, ones.values, 0, rowCount, out);
    return result(INT64, rowCount, out);
  },
};

/** log(x) is base 10, log(b, x) base b. */
const logarithms: readonly Signature[] = [
  {
    params: [float],
    type: FLOAT64,
    evaluate: (context, [arg], rowCount, validity) => {
      requireDomain('log', arg as Vector, rowCount, validity, { above: 0 }, context);
      const out = room(FLOAT64, rowCount, context);
      context.kernels.log10_f64((arg as Vector).values, rowCount, out);
      return result(FLOAT64, rowCount, out);
    },
  },
  {
    params: [float, float],
    type: FLOAT64,
    evaluate: (context, args, rowCount, validity) => {
      const { kernels } = context;
      const [base, value] = args.map((arg) => {
        const vector = arg.encoding === 'constant' ? { ...arg, length: 1 } : arg;
        requireDomain('log', vector, vector.length, vector.length === rowCount ? validity : 0, { above: 0 }, context);
        const out = room(FLOAT64, vector.length, context);
        kernels.ln_f64(vector.values, vector.length, out);
        return { ...vector, values: out };
      }) as [Vector, Vector];
      const out = room(FLOAT64, rowCount, context);
      const bad = kernels.divide_f64(value.values, step(value), base.values, step(base), rowCount, out, validity);
      if (bad >= 0) throw new DbError('division_by_zero', 'log: the base must not be 1');
      return result(FLOAT64, rowCount, out);
    },
  },
];

const entry = entriesOf({ category: 'math' });

export const MATH_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'sign',
    'Sign of a number: -1, 0 or 1; 0 of NaN.',
    [
      { sql: 'sign(-3)', result: '-1' },
      { sql: "sign('NaN'::float64)", result: '0' },
    ],
    signOf,
  ),
  ...ROUNDING_FUNCTIONS,
  unary('sqrt', 'sqrt_f64', 'Square root; an error for negative numbers.', [{ sql: 'sqrt(16)', result: '4' }], { above: 0, orEqual: true }),
  unary('cbrt', 'cbrt_f64', 'Cube root.', [{ sql: 'cbrt(27)', result: '3' }]),
  unary('exp', 'exp_f64', 'e to the power of x.', [{ sql: 'exp(0)', result: '1' }], { finite: true }),
  unary('ln', 'ln_f64', 'Natural logarithm of a positive number.', [{ sql: 'ln(1)', result: '0' }], { above: 0 }),
  unary('log2', 'log2_f64', 'Logarithm to base 2.', [{ sql: 'log2(8)', result: '3' }], { above: 0 }),
  unary('log10', 'log10_f64', 'Logarithm to base 10.', [{ sql: 'log10(1000)', result: '3' }], { above: 0 }),
  entry(
    'log',
    'log(x): logarithm to base 10; log(b, x): to base b.',
    [
      { sql: 'log(100)', result: '2' },
      { sql: 'log(2, 8)', result: '3' },
    ],
    oneOf(...logarithms),
  ),
  entry(
    'power',
    'a to the power of b, as float64. Also a ^ b.',
    [{ sql: 'power(2, 10)', result: '1024' }],
    oneOf(binaryFloat((context) => context.kernels.power_f64, 'power', true)),
    { aliases: ['pow'] },
  ),
  entry(
    'pi',
    'The number π.',
    [{ sql: 'round(pi(), 5)', result: '3.14159' }],
    oneOf({ params: [], type: FLOAT64, evaluate: (context, _args, rowCount) => constantVector(Math.PI, FLOAT64, rowCount, context) }),
  ),
  unary('sin', 'sin_f64', 'Sine of radians.', [{ sql: 'sin(0)', result: '0' }]),
  unary('cos', 'cos_f64', 'Cosine of radians.', [{ sql: 'cos(0)', result: '1' }]),
  unary('tan', 'tan_f64', 'Tangent of radians.', [{ sql: 'tan(0)', result: '0' }]),
  unary('asin', 'asin_f64', 'Inverse sine, of numbers in [-1, 1].', [{ sql: 'asin(0)', result: '0' }], { unit: true }),
  unary('acos', 'acos_f64', 'Inverse cosine, of numbers in [-1, 1].', [{ sql: 'acos(1)', result: '0' }], { unit: true }),
  unary('atan', 'atan_f64', 'Inverse tangent.', [{ sql: 'atan(0)', result: '0' }]),
  entry(
    'atan2',
    'Inverse tangent of y / x in the right quadrant.',
    [{ sql: 'atan2(0, 1)', result: '0' }],
    oneOf(binaryFloat((context) => context.kernels.atan2_f64, 'atan2', false)),
  ),
  unary('sinh', 'sinh_f64', 'Hyperbolic sine.', [{ sql: 'sinh(0)', result: '0' }], { finite: true }),
  unary('cosh', 'cosh_f64', 'Hyperbolic cosine.', [{ sql: 'cosh(0)', result: '1' }], { finite: true }),
  unary('tanh', 'tanh_f64', 'Hyperbolic tangent.', [{ sql: 'tanh(0)', result: '0' }]),
  unary('degrees', 'degrees_f64', 'Radians to degrees.', [{ sql: 'degrees(pi())', result: '180' }]),
  unary('radians', 'radians_f64', 'Degrees to radians.', [{ sql: 'radians(180) = pi()', result: 'true' }]),
  entry('gcd', 'Greatest common divisor.', [{ sql: 'gcd(12, 18)', result: '6' }], oneOf(gcd), ['greatest_common_divisor']),
  entry(
    'lcm',
    'Least common multiple.',
    [
      { sql: 'lcm(4, 6)', result: '12' },
      { sql: 'lcm(0, 0)', result: '0' },
    ],
    oneOf(lcm),
    ['least_common_multiple'],
  ),
  classTest('isnan', 0, 'True for NaN.', [{ sql: "isnan('NaN'::float64)", result: 'true' }]),
  classTest('isinf', 1, 'True for the infinities.', [{ sql: "isinf('-inf'::float64)", result: 'true' }]),
  classTest('isfinite', 2, 'True for numbers that are neither NaN nor infinite, and for every date, timestamp and interval.', [
    { sql: 'isfinite(1.5)', result: 'true' },
  ]),
  entry(
    'random',
    'A random float64 in [0, 1), new for every row.',
    [{ sql: 'random() < 1', result: 'true' }],
    oneOf({ params: [], type: FLOAT64, evaluate: random }),
    { volatile: true },
  ),
  bitwise('bit_and', (context) => context.kernels.bit_and_i64, 'a & b on int64.', [{ sql: '12 & 10', result: '8' }]),
  bitwise('bit_or', (context) => context.kernels.bit_or_i64, 'a | b on int64.', [{ sql: '12 | 10', result: '14' }]),
  bitwise('bit_xor', (context) => context.kernels.bit_xor_i64, 'a # b on int64.', [{ sql: '12 # 10', result: '6' }]),
  bitwise('shift_left', (context) => context.kernels.shift_left_i64, 'a << b on int64; the count is taken modulo 64.', [
    { sql: '1 << 4', result: '16' },
  ]),
  bitwise('shift_right', (context) => context.kernels.shift_right_i64, 'a >> b on int64, keeping the sign.', [
    { sql: '-16 >> 2', result: '-4' },
  ]),
  entry('bit_not', '~a on int64.', [{ sql: '~5', result: '-6' }], oneOf(bitNot), { category: 'operator', infallible: true }),
];
