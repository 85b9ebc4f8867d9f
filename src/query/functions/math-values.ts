/** Mathematics that is computed value by value: special functions, degrees, counting, digits. */

import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, FLOAT64, INT64, isInteger } from '../../core/types.js';
import type { ArgumentType, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { float, integer } from './overloads.js';
import { randomShare } from './random-share.js';
import { type Compute, each, listOf, listTypeOf, rowByRow } from './row-by-row.js';
import { decimalType } from './types.js';

const entry = entriesOf({ category: 'math' });
const HUGE = decimalType(38, 0);

function undefinedAt(name: string, ...values: readonly (Value | undefined)[]): DbError {
  return new DbError('invalid_value', `${name}(${values.map(String).join(', ')}) is not defined`, {
    hint: 'use CASE or nullif to leave such rows out',
  });
}

function overflow(name: string, ...values: readonly (Value | undefined)[]): DbError {
  return new DbError('numeric_overflow', `overflow: ${name}(${values.map(String).join(', ')}) does not fit`);
}

/** One float64 in, one out. A finite argument gives a finite result, or none. */
function floats(
  name: string,
  doc: string,
  sql: string,
  result: string,
  of: (x: number) => number,
  aliases: readonly string[] = [],
): ScalarFunction {
  const compute: Compute = ([value]) => {
    const x = Number(value);
    const y = of(x);
    if (Number.isNaN(y) && !Number.isNaN(x)) throw undefinedAt(name, value);
    if (!Number.isFinite(y) && Number.isFinite(x) && !Number.isNaN(y)) throw overflow(name, value);
    return y;
  };
  return entry(name, doc, [{ sql, result }], [each([float], FLOAT64, compute)], aliases);
}

/** Exact at the multiples of 30 and 45 degrees, as PostgreSQL's are. */
const EXACT_SINES: Readonly<Record<number, number>> = { 0: 0, 30: 0.5, 90: 1, 150: 0.5, 180: 0, 210: -0.5, 270: -1, 330: -0.5 };
const turned = (x: number) => ((x % 360) + 360) % 360;
const sind = (x: number) => EXACT_SINES[turned(x)] ?? Math.sin((x * Math.PI) / 180);
const cosd = (x: number) => sind(turned(x) + 90);
const tand = (x: number) => {
  const angle = turned(x);
  if (angle === 45 || angle === 225) return 1;
  if (angle === 135 || angle === 315) return -1;
  return sind(x) / cosd(x);
};
const inDegrees = (of: (x: number) => number) => (x: number) => {
  const degrees = (of(x) * 180) / Math.PI;
  const near = Math.round(degrees / 15) * 15;
  return Math.abs(degrees - near) < 1e-12 ? near : degrees;
};

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012,
  9.9843695780195716e-6, 1.5056327351493116e-7,
];

function gamma(x: number): number {
  if (Number.isInteger(x) && x > 0 && x < 172) {
    let product = 1;
    for (let i = 2; i < x; i++) product *= i;
    return product;
  }
  if (Number.isInteger(x) && x <= 0) return Number.NaN;
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * gamma(1 - x));
  const shifted = x - 1;
  const t = shifted + 7.5;
  const sum = LANCZOS.reduce((total, coefficient, i) => total + coefficient / (shifted + i + 1), 0.99999999999980993);
  return Math.sqrt(2 * Math.PI) * t ** (shifted + 0.5) * Math.exp(-t) * sum;
}

function logGamma(x: number): number {
  if (x <= 0) return Number.isInteger(x) ? Number.POSITIVE_INFINITY : Math.log(Math.abs(gamma(x)));
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  const shifted = x - 1;
  const t = shifted + 7.5;
  const sum = LANCZOS.reduce((total, coefficient, i) => total + coefficient / (shifted + i + 1), 0.99999999999980993);
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** By its series near 0, by the continued fraction of erfc beyond. */
function erf(x: number): number {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? x : Math.sign(x);
  if (Math.abs(x) > 2.5) return Math.sign(x) * (1 - erfcTail(Math.abs(x)));
  let term = x;
  let sum = x;
  for (let n = 1; n < 200 && Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function erfcTail(x: number): number {
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * (x + fraction));
}

const erfc = (x: number) => (x > 2.5 ? erfcTail(x) : 1 - erf(x));

const even = (x: number) => {
  const up = Math.ceil(Math.abs(x));
  return Math.sign(x) * (up % 2 === 0 ? up : up + 1);
};

function factorial([n]: readonly Value[]): Value {
  const count = Number(n);
  if (count < 0) throw undefinedAt('factorial', n);
  if (count > 33) throw overflow('factorial', n);
  let product = 1n;
  for (let i = 2n; i <= BigInt(count); i++) product *= i;
  return product;
}

/** n over k. Fails with `numeric_overflow` beyond 38 digits. */
function binomial([n, k]: readonly Value[]): Value {
  const [all, some] = [n as bigint, k as bigint];
  if (all < 0n) throw undefinedAt('binom', n, k);
  if (some > all - some) return binomial([all, all - some]);
  let ways = some < 0n ? 0n : 1n;
  for (let i = 1n; i <= some; i++) {
    ways = (ways * (all - some + i)) / i;
    if (ways >= 10n ** 38n) throw overflow('binom', n, k);
  }
  return ways;
}

/** By Box and Muller. */
const randomNormal: Compute = ([mean = 0, deviation = 1]) =>
  Number(mean) + Number(deviation) * Math.sqrt(-2 * Math.log(1 - randomShare())) * Math.cos(2 * Math.PI * randomShare());

const bits = new DataView(new ArrayBuffer(8));

function nextAfter(from: number, towards: number): number {
  if (Number.isNaN(from) || Number.isNaN(towards)) return Number.NaN;
  if (from === towards) return towards;
  if (from === 0) return Math.sign(towards - from) * Number.MIN_VALUE;
  bits.setFloat64(0, from);
  const away = from < towards === from > 0;
  bits.setBigUint64(0, bits.getBigUint64(0) + (away ? 1n : -1n));
  return bits.getFloat64(0);
}

function roundHalfEven(x: number, digits: number): number {
  const scale = 10 ** digits;
  const scaled = x * scale;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = rest === 0.5 ? (floor % 2 === 0 ? floor : floor + 1) : Math.round(scaled);
  const result = rounded / scale;
  return Number.isFinite(result) ? result : x;
}

/** The bucket of x among count equal ones in [low, high); 0 below, count + 1 above; high may be the smaller. */
const widthBucket: Compute = ([value, from, to, count]) => {
  const [x, low, high, n] = [value, from, to, count].map(Number) as [number, number, number, number];
  if (n < 1) throw new DbError('invalid_value', 'width_bucket: there must be one bucket at least');
  if (!Number.isFinite(low) || !Number.isFinite(high) || low === high || Number.isNaN(x))
    throw undefinedAt('width_bucket', value, from, to, count);
  const place = ((x - low) / (high - low)) * n;
  return place < 0 ? 0n : BigInt(Math.min(n, Math.floor(place)) + 1);
};

function resolveThresholds(args: readonly ArgumentType[]): Overload | undefined {
  const type = listTypeOf(args[1])?.item.type;
  if (args.length !== 2 || !args[0] || !type || !float(args[0]) || !float({ type, literal: false })) return undefined;
  const evaluate = rowByRow(INT64, ([x, list]) =>
    BigInt((list as readonly Value[]).filter((each) => each !== null && Number(each) <= Number(x)).length),
  );
  return { args: [FLOAT64, listOf(FLOAT64)], type: INT64, evaluate };
}

/** Division of whole numbers cut towards zero; of floats, whole multiples. */
const div: Compute = ([a, b]) => {
  if (Number(b) === 0) throw new DbError('division_by_zero', `division by zero: div(${String(a)}, 0)`);
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    const quotient = a / b;
    if (quotient > 2n ** 63n - 1n) throw overflow('div', a, b);
    return quotient;
  }
  return Math.trunc(Number(a) / Number(b));
};

const fdiv: Compute = ([a, b]) => Math.floor(Number(a) / Number(b));
const fmod: Compute = ([a, b]) => Number(a) - Number(b) * Math.floor(Number(a) / Number(b));

/** Digits behind the point of a decimal. */
function scaleOf(name: 'scale' | 'min_scale'): ScalarFunction['resolve'] {
  return ([arg, ...more]) => {
    if (!arg || more.length > 0 || (arg.type.kind !== 'decimal' && !isInteger(arg.type))) return undefined;
    const scale = arg.type.kind === 'decimal' ? arg.type.scale : 0;
    const evaluate = rowByRow(INT64, ([value]) => {
      if (name === 'scale') return BigInt(scale);
      let least = scale;
      for (let rest = BigInt(value as bigint | number); least > 0 && rest % 10n === 0n; rest /= 10n) least -= 1;
      return BigInt(least);
    });
    return { args: [arg.type], type: INT64, evaluate };
  };
}

export const MATH_VALUE_FUNCTIONS: readonly ScalarFunction[] = [
  floats('asinh', 'Inverse hyperbolic sine.', 'asinh(0)', '0', Math.asinh),
  floats('acosh', 'Inverse hyperbolic cosine of numbers from 1.', 'acosh(1)', '0', Math.acosh),
  floats('atanh', 'Inverse hyperbolic tangent of numbers between -1 and 1.', 'atanh(0)', '0', Math.atanh),
  floats('cot', 'Cotangent of radians.', 'round(cot(1), 4)', '0.6421', (x) => 1 / Math.tan(x)),
  floats('sind', 'Sine of degrees.', 'sind(30)', '0.5', sind),
  floats('cosd', 'Cosine of degrees.', 'cosd(60)', '0.5', cosd),
  floats('tand', 'Tangent of degrees.', 'tand(45)', '1', tand),
  floats('cotd', 'Cotangent of degrees.', 'cotd(45)', '1', (x) => 1 / tand(x)),
  floats('asind', 'Inverse sine in degrees.', 'asind(0.5)', '30', inDegrees(Math.asin)),
  floats('acosd', 'Inverse cosine in degrees.', 'acosd(0.5)', '60', inDegrees(Math.acos)),
  floats('atand', 'Inverse tangent in degrees.', 'atand(1)', '45', inDegrees(Math.atan)),
  entry(
    'atan2d',
    'Inverse tangent of y / x in degrees, in the right quadrant.',
    [{ sql: 'atan2d(1, 1)', result: '45' }],
    [each([float, float], FLOAT64, ([y, x]) => (Math.atan2(Number(y), Number(x)) * 180) / Math.PI)],
  ),
  floats('gamma', 'Gamma function.', 'gamma(5)', '24', gamma),
  floats('lgamma', 'Logarithm of the gamma function.', 'round(lgamma(10), 4)', '12.8018', logGamma),
  floats('erf', 'Error function.', 'round(erf(1), 6)', '0.842701', erf),
  floats('erfc', '1 less the error function.', 'round(erfc(1), 6)', '0.157299', erfc),
  floats('even', 'The next even number away from zero.', 'even(2.1)', '4', even),
  floats('exp2', '2 to the power of x.', 'exp2(10)', '1024', (x) => 2 ** x),
  floats('log1p', 'ln(1 + x), exact near 0.', 'log1p(0)', '0', Math.log1p),
  floats('expm1', 'exp(x) - 1, exact near 0.', 'expm1(0)', '0', Math.expm1),
  entry(
    'factorial',
    'n! as decimal(38, 0).',
    [{ sql: 'factorial(20)', result: '2432902008176640000' }],
    [each([integer], HUGE, factorial)],
  ),
  entry(
    'binom',
    'How many ways there are to choose k of n, as decimal(38, 0).',
    [{ sql: 'binom(5, 2)', result: '10' }],
    [each([integer, integer], HUGE, binomial)],
  ),
  entry(
    'random_normal',
    'random_normal([mean = 0[, deviation = 1]]): a random number of a normal distribution, new for every row.',
    [{ sql: 'random_normal(5, 0)', result: '5' }],
    [each([], FLOAT64, randomNormal), each([float], FLOAT64, randomNormal), each([float, float], FLOAT64, randomNormal)],
    { volatile: true },
  ),
  entry(
    'signbit',
    'True for numbers with a minus sign, −0 too.',
    [{ sql: 'signbit(-1.0)', result: 'true' }],
    [each([float], BOOL, ([x]) => Number(x) < 0 || Object.is(x, -0))],
  ),
  entry(
    'nextafter',
    'The next float64 from x in the direction of y.',
    [{ sql: 'nextafter(1, 2) > 1', result: 'true' }],
    [each([float, float], FLOAT64, ([x, y]) => nextAfter(Number(x), Number(y)))],
  ),
  entry(
    'round_even',
    'round_even(x[, digits]): rounds half to the even neighbour.',
    [{ sql: 'round_even(2.5)', result: '2' }],
    [
      each([float], FLOAT64, ([x]) => roundHalfEven(Number(x), 0)),
      each([float, integer], FLOAT64, ([x, digits]) => roundHalfEven(Number(x), Number(digits))),
    ],
    ['roundbankers'],
  ),
  entry(
    'width_bucket',
    'width_bucket(x, low, high, n): the bucket of x among n equal ones, 0 below and n + 1 above; width_bucket(x, list): how many limits x has reached.',
    [
      { sql: 'width_bucket(5.35, 0.024, 10.06, 5)', result: '3' },
      { sql: 'width_bucket(15, [10, 20])', result: '1' },
    ],
    (args) => (args.length === 2 ? resolveThresholds(args) : entryOfFour(args)),
  ),
  entry(
    'div',
    'Quotient of whole numbers, cut towards zero.',
    [{ sql: 'div(-7, 2)', result: '-3' }],
    [each([integer, integer], INT64, div), each([float, float], FLOAT64, div)],
  ),
  entry('fdiv', 'Quotient rounded down.', [{ sql: 'fdiv(-5, 2)', result: '-3' }], [each([float, float], FLOAT64, fdiv)]),
  entry('fmod', 'Remainder with the sign of the divisor.', [{ sql: 'fmod(-5, 3)', result: '1' }], [each([float, float], FLOAT64, fmod)]),
  entry('scale', 'Digits behind the point of a decimal.', [{ sql: "scale('1.50'::decimal(5, 2))", result: '2' }], scaleOf('scale')),
  entry(
    'min_scale',
    'Digits behind the point that are needed.',
    [{ sql: "min_scale('1.50'::decimal(5, 2))", result: '1' }],
    scaleOf('min_scale'),
  ),
  entry('e', "Euler's number.", [{ sql: 'round(e(), 5)', result: '2.71828' }], [each([], FLOAT64, () => Math.E)]),
];

function entryOfFour(args: readonly ArgumentType[]): Overload | undefined {
  const [x, low, high, n] = args;
  if (args.length !== 4 || !x || !low || !high || !n || !float(x) || !float(low) || !float(high) || !integer(n)) return undefined;
  return { args: [FLOAT64, FLOAT64, FLOAT64, INT64], type: INT64, evaluate: rowByRow(INT64, widthBucket) };
}
