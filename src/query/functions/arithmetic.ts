/** + − × ÷ % and sign over numbers. Overflow is an error, never a wrap; so is division by zero, of floats too (as PostgreSQL). */
import type { Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, INT32, INT64, isInteger, isNumeric, physicalOf, typeName } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { valueToText } from '../expression/literals.js';
import type { ArgumentType, EvaluationContext, FunctionExample, Overload, ScalarFunction } from './contract.js';
import { result, room, step } from './overloads.js';
import { resolveTemporal } from './temporal-arithmetic.js';
import { asDecimal, commonType, decimalType, integerShape, MAX_PRECISION } from './types.js';

type Operation = 'add' | 'subtract' | 'multiply' | 'divide' | 'modulo';
type BinaryKernel = (a: number, aStep: number, b: number, bStep: number, n: number, out: number, validity: number) => number;

const SIGNS = { add: '+', subtract: '-', multiply: '*', divide: '/', modulo: '%' } as const satisfies Record<Operation, string>;
/** Digits behind the point that a decimal quotient has at least. */
const QUOTIENT_SCALE = 16;

function binary(operation: Operation, doc: string, examples: readonly FunctionExample[]): ScalarFunction {
  return {
    name: operation,
    category: 'operator',
    nulls: 'strict',
    doc,
    examples,
    resolve: (args) => (args.length === 2 ? (resolveTemporal(operation, args) ?? resolveNumeric(operation, args)) : undefined),
  };
}

function resolveNumeric(operation: Operation, args: readonly ArgumentType[]): Overload | undefined {
  const common = commonType(args);
  if (!common) return undefined;
  if (common.kind === 'null') return numericOverload(operation, INT64);
  if (!isNumeric(common) || !args.some((arg) => isNumeric(arg.type))) return undefined;
  if (common.kind === 'decimal') return decimalOverload(operation, args);
  // tinyint + 1 is an int32, as the literal alone would be.
  const narrow = (integerShape(common)?.bits ?? 64) < 32 && args.some((arg) => arg.literal);
  return numericOverload(operation, narrow ? INT32 : common);
}

function numericOverload(operation: Operation, type: DataType): Overload {
  return {
    args: [type, type],
    type,
    evaluate: (context, [a, b], rowCount, validity) => {
      const name = `${operation}_${physicalOf(type)}`;
      const kernel = (context.kernels as unknown as Readonly<Record<string, BinaryKernel>>)[name];
      if (!kernel) throw new DbError('internal', `kernel ${name} is missing`);
      return computed(operation, type, a as Vector, b as Vector, rowCount, context, (out) =>
        kernel((a as Vector).values, step(a as Vector), (b as Vector).values, step(b as Vector), rowCount, out, validity),
      );
    },
  };
}

/** Runs a kernel that reports the first row in error. */
function computed(
  operation: Operation,
  type: DataType,
  a: Vector,
  b: Vector,
  rowCount: number,
  context: EvaluationContext,
  kernel: (out: number) => number,
): Vector {
  const out = room(type, rowCount, context);
  const bad = kernel(out);
  if (bad >= 0) throw failure(operation, type, a, b, bad, context);
  return result(type, rowCount, out);
}

function failure(operation: Operation, type: DataType, a: Vector, b: Vector, row: number, context: EvaluationContext): DbError {
  const left = valueToText(valueAt(context.arena, a, row), a.type);
  const divisor = valueAt(context.arena, b, row);
  const right = valueToText(divisor, b.type);
  const text = `${left} ${SIGNS[operation]} ${right}`;
  if ((operation === 'divide' || operation === 'modulo') && Number(divisor) === 0) {
    return new DbError('division_by_zero', `division by zero: ${text}`, { hint: 'use nullif(divisor, 0) to get NULL instead' });
  }
  return new DbError('numeric_overflow', `overflow: ${text} does not fit ${typeName(type)}`, { hint: 'cast an operand to a wider type' });
}

// ---- decimals ----

interface DecimalShape {
  readonly precision: number;
  readonly scale: number;
}

/** A literal needs only its own digits; a column its type's. */
function shapeOf(arg: ArgumentType): DecimalShape | undefined {
  if (arg.type.kind === 'null') return { precision: 1, scale: 0 };
  if (arg.literal && isInteger(arg.type) && (typeof arg.value === 'bigint' || typeof arg.value === 'number')) {
    return { precision: String(arg.value).replace('-', '').length, scale: 0 };
  }
  return asDecimal(arg.type);
}

function decimalOverload(operation: Operation, args: readonly ArgumentType[]): Overload | undefined {
  const a = args[0] && shapeOf(args[0]);
  const b = args[1] && shapeOf(args[1]);
  if (!a || !b) return numericOverload(operation, FLOAT64);
  switch (operation) {
    case 'multiply':
      return a.scale + b.scale > MAX_PRECISION ? numericOverload(operation, FLOAT64) : decimalProduct(a, b);
    case 'divide':
      return decimalQuotient(a, b);
    default: {
      const scale = Math.max(a.scale, b.scale);
      const whole = Math.max(a.precision - a.scale, b.precision - b.scale);
      return decimalSum(operation, whole + scale, scale);
    }
  }
}

function decimalSum(operation: 'add' | 'subtract' | 'modulo', precision: number, scale: number): Overload {
  const operand = decimalType(precision, scale);
  const type = operation === 'modulo' ? operand : decimalType(precision + 1, scale);
  const digits = Math.min(precision + 1, MAX_PRECISION);
  return {
    args: [operand, operand],
    type,
    evaluate: (context, [left, right], rowCount, validity) => {
      const { kernels } = context;
      const [a, b] = [left as Vector, right as Vector];
      return computed(operation, type, a, b, rowCount, context, (out) => {
        if (operation === 'modulo') return kernels.modulo_i128(a.values, step(a), b.values, step(b), rowCount, out, validity);
        const kernel = operation === 'add' ? kernels.add_i128 : kernels.subtract_i128;
        return kernel(a.values, step(a), b.values, step(b), rowCount, digits, out, validity);
      });
    },
  };
}

function decimalProduct(a: DecimalShape, b: DecimalShape): Overload {
  const type = decimalType(a.precision + b.precision, a.scale + b.scale);
  const precision = Math.min(a.precision + b.precision, MAX_PRECISION);
  return {
    args: [decimalType(a.precision, a.scale), decimalType(b.precision, b.scale)],
    type,
    evaluate: (context, [left, right], rowCount, validity) => {
      const [x, y] = [left as Vector, right as Vector];
      return computed('multiply', type, x, y, rowCount, context, (out) =>
        context.kernels.multiply_i128(x.values, step(x), y.values, step(y), rowCount, precision, out, validity),
      );
    },
  };
}

function decimalQuotient(a: DecimalShape, b: DecimalShape): Overload {
  const scale = Math.max(a.scale, b.scale, QUOTIENT_SCALE);
  const type = decimalType(MAX_PRECISION, scale);
  const shift = scale - a.scale + b.scale;
  if (shift > MAX_PRECISION) return numericOverload('divide', FLOAT64);
  return {
    args: [decimalType(a.precision, a.scale), decimalType(b.precision, b.scale)],
    type,
    evaluate: (context, [left, right], rowCount, validity) => {
      const [x, y] = [left as Vector, right as Vector];
      return computed('divide', type, x, y, rowCount, context, (out) =>
        context.kernels.divide_i128(x.values, step(x), y.values, step(y), rowCount, shift, MAX_PRECISION, out, validity),
      );
    },
  };
}

// ---- one operand ----

type UnaryKernel = (a: number, n: number, out: number, validity: number) => number;

/** negate and abs: the type stays; unsigned integers are negated as the next wider signed type. */
function unary(
  name: 'negate' | 'abs',
  category: ScalarFunction['category'],
  doc: string,
  examples: readonly FunctionExample[],
): ScalarFunction {
  const resolve = (args: readonly ArgumentType[]): Overload | undefined => {
    const [arg] = args;
    if (args.length !== 1 || !arg) return undefined;
    if (arg.type.kind === 'interval' && name === 'negate') return resolveTemporal('negate', args);
    if (arg.type.kind === 'null') return unaryOverload(name, INT64);
    if (!isNumeric(arg.type)) return undefined;
    const shape = integerShape(arg.type);
    if (!shape || shape.signed) return unaryOverload(name, arg.type);
    if (name === 'abs') return { args: [arg.type], type: arg.type, evaluate: (_context, [vector]) => vector as Vector };
    const wider: DataType = shape.bits === 64 ? decimalType(20, 0) : { kind: `int${shape.bits * 2}` as 'int16' | 'int32' | 'int64' };
    return unaryOverload(name, wider);
  };
  return { name, category, nulls: 'strict', doc, examples, resolve };
}

function unaryOverload(name: 'negate' | 'abs', type: DataType): Overload {
  return {
    args: [type],
    type,
    evaluate: (context, [arg], rowCount, validity) => {
      const vector = arg as Vector;
      const out = room(type, rowCount, context);
      const kernelName = `${name}_${physicalOf(type)}`;
      const kernel = (context.kernels as unknown as Readonly<Record<string, UnaryKernel>>)[kernelName];
      if (!kernel) throw new DbError('internal', `kernel ${kernelName} is missing`);
      if (kernel(vector.values, rowCount, out, validity) >= 0) {
        throw new DbError('numeric_overflow', `overflow: ${name} of the smallest ${typeName(type)} does not fit ${typeName(type)}`);
      }
      return result(type, rowCount, out);
    },
  };
}

export const ARITHMETIC_FUNCTIONS: readonly ScalarFunction[] = [
  binary('add', 'a + b. Numbers; timestamp, date or time + interval; date + days; interval + interval.', [
    { sql: '1 + 2', result: '3' },
    { sql: "TIMESTAMP '2026-01-31 00:00:00' + INTERVAL '1 month'", result: '2026-02-28T00:00:00.000000Z' },
    { sql: "DATE '2026-01-31' + 1", result: '2026-02-01' },
  ]),
  binary('subtract', 'a - b. Numbers; timestamp - timestamp gives an interval of nanoseconds; date - date gives days.', [
    { sql: '1 - 2', result: '-1' },
    { sql: "DATE '2026-03-01' - DATE '2026-02-01'", result: '28' },
    { sql: "TIMESTAMP '2026-01-02' - TIMESTAMP '2026-01-01'", result: '24:00:00' },
  ]),
  binary('multiply', 'a * b. Numbers; interval * number.', [
    { sql: '6 * 7', result: '42' },
    { sql: "INTERVAL '1 hour' * 2.5", result: '02:30:00' },
  ]),
  binary('divide', 'a / b. Integers truncate; division by zero is an error, of floats too.', [
    { sql: '7 / 2', result: '3' },
    { sql: '-7 / 2', result: '-3' },
    { sql: '7 / 2.0', result: '3.5' },
  ]),
  binary('modulo', 'a % b: the remainder, with the sign of a.', [
    { sql: '-7 % 3', result: '-1' },
    { sql: '5.5 % 2', result: '1.5' },
  ]),
  unary('negate', 'operator', '-a.', [{ sql: '-(5)', result: '-5' }]),
  unary('abs', 'math', 'Absolute value.', [
    { sql: 'abs(-5)', result: '5' },
    { sql: 'abs(-2.5)', result: '2.5' },
  ]),
];
