/** Rounding: ceil, floor, round, trunc of integers, decimals and floats. */
import { assert } from '../../core/assert.js';
import type { Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, INT64, isInteger } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import type { ArgumentType, EvaluationContext, FunctionExample, Overload, ScalarFunction } from './contract.js';
import { float, integer, oneOf, result, room, type Signature, step } from './overloads.js';

const identity: Overload['evaluate'] = (_context, [vector]) => vector as Vector;

// Numbers as the kernel knows them.
const ROUNDING_MODES = { floor: 0, ceil: 1, trunc: 2, round: 3 } as const;

/** floor, ceil, trunc, round: integers stay as they are, decimals give decimals without a fraction, floats give float64. */
function rounding(
  name: keyof typeof ROUNDING_MODES,
  doc: string,
  examples: readonly FunctionExample[],
  aliases: readonly string[] = [],
): ScalarFunction {
  const resolve = (args: readonly ArgumentType[]): Overload | undefined => {
    const type = args[0]?.type;
    if (args.length === 2 && (name === 'round' || name === 'trunc')) return roundingToDigits(name, args);
    if (args.length !== 1 || !type) return undefined;
    if (isInteger(type)) return { args: [type], type, evaluate: identity };
    if (type.kind === 'decimal') return decimalRounding(type, ROUNDING_MODES[name], 0, [type]);
    return oneOf(floatRounding(name))(args);
  };
  return { name, aliases, category: 'math', nulls: 'strict', doc, examples, resolve };
}

function floatRounding(name: keyof typeof ROUNDING_MODES): Signature {
  return {
    params: [float],
    type: FLOAT64,
    evaluate: (context, [arg], rowCount) => {
      const { kernels } = context;
      const out = room(FLOAT64, rowCount, context);
      const { values } = arg as Vector;
      if (name === 'round') kernels.round_f64(values, rowCount, 0, out);
      else ({ floor: kernels.floor_f64, ceil: kernels.ceil_f64, trunc: kernels.trunc_f64 })[name](values, rowCount, out);
      return result(FLOAT64, rowCount, out);
    },
  };
}

type Decimal = Extract<DataType, { kind: 'decimal' }>;

/** To `digits` decimal places, which become the scale. Rounding up may need a digit more: 99.9 → 100. */
function decimalRounding(type: Decimal, mode: number, digits: number, args: readonly DataType[]): Overload {
  if (digits >= type.scale) return { args, type, evaluate: identity };
  const scale = Math.max(0, digits);
  const shorter: Decimal = { kind: 'decimal', precision: Math.min(38, type.precision - type.scale + scale + 1), scale };
  return {
    args,
    type: shorter,
    evaluate: (context, [vector], rowCount) => {
      const { kernels } = context;
      const { values, validity } = vector as Vector;
      const out = room(shorter, rowCount, context);
      kernels.round_i128(values, rowCount, mode, Math.min(38, type.scale - digits), out);
      const failed = kernels.rescale_i128(out, rowCount, scale - type.scale, shorter.precision, out, validity, 0);
      assert(failed < 0, 'a rounded decimal has room for its digits');
      return result(shorter, rowCount, out);
    },
  };
}

/** The number of digits comes with the rows: the scale stays, digits behind it become zeros. */
function decimalRoundingToDigits(name: 'round' | 'trunc', type: Decimal): Overload {
  const wider: Decimal = { ...type, precision: Math.min(38, type.precision + 1) };
  return {
    args: [type, INT64],
    type: wider,
    evaluate: (context, [vector, digits], rowCount) => {
      const cleared = Math.min(38, type.scale - constantDigits(name, digits as Vector, context));
      if (cleared <= 0) return { ...(vector as Vector), type: wider };
      const out = room(wider, rowCount, context);
      context.kernels.round_i128((vector as Vector).values, rowCount, ROUNDING_MODES[name], cleared, out);
      return result(wider, rowCount, out);
    },
  };
}

function roundingToDigits(name: 'round' | 'trunc', args: readonly ArgumentType[]): Overload | undefined {
  const type = args[0]?.type;
  const digits = args[1] && integer(args[1]);
  if (!type || !digits) return undefined;
  if (type.kind === 'decimal') {
    const places = args[1]?.value;
    if (typeof places !== 'number' && typeof places !== 'bigint') return decimalRoundingToDigits(name, type);
    return decimalRounding(type, ROUNDING_MODES[name], clampDigits(places), [type, INT64]);
  }
  return oneOf({
    params: [float, integer],
    type: FLOAT64,
    evaluate: (context, [arg, places], rowCount) => {
      const { kernels } = context;
      const kernel = name === 'round' ? kernels.round_f64 : kernels.trunc_digits_f64;
      const out = room(FLOAT64, rowCount, context);
      const [value, place] = [arg as Vector, places as Vector];
      if (place.encoding === 'constant') {
        if (value.encoding !== 'constant' || rowCount === 1)
          kernel(value.values, rowCount, clampDigits(valueAt(context.arena, place, 0)), out);
        return result(FLOAT64, rowCount, out);
      }
      for (let row = 0; row < rowCount; row++) {
        kernel(value.values + 8 * row * step(value), 1, clampDigits(valueAt(context.arena, place, row)), out + 8 * row);
      }
      return result(FLOAT64, rowCount, out);
    },
  })(args);
}

function clampDigits(value: unknown): number {
  return Math.max(-330, Math.min(330, Number(value ?? 0)));
}

function constantDigits(name: string, vector: Vector, context: EvaluationContext): number {
  if (vector.encoding !== 'constant' && vector.length !== 1) {
    throw new DbError('unsupported', `${name} of a decimal takes a constant number of digits`);
  }
  return clampDigits(valueAt(context.arena, vector, 0));
}

export const ROUNDING_FUNCTIONS: readonly ScalarFunction[] = [
  rounding(
    'ceil',
    'Smallest whole number that is not less.',
    [
      { sql: 'ceil(1.2)', result: '2' },
      { sql: 'ceil(-1.2)', result: '-1' },
    ],
    ['ceiling'],
  ),
  rounding('floor', 'Largest whole number that is not greater.', [{ sql: 'floor(-1.2)', result: '-2' }]),
  rounding('round', 'Rounds half away from zero, to whole numbers or to n decimal places.', [
    { sql: 'round(2.5)', result: '3' },
    { sql: 'round(1.005, 2)', result: '1.01' },
    { sql: 'round(1234, -2)', result: '1200' },
    { sql: "round('2.345'::decimal(10, 3), 2)", result: '2.35' },
  ]),
  rounding('trunc', 'Cuts towards zero, to whole numbers or to n decimal places.', [
    { sql: 'trunc(-1.7)', result: '-1' },
    { sql: 'trunc(1.239, 2)', result: '1.23' },
  ]),
];
