/** Twins of arithmetic, casts, decimals and mathematical functions. */
import type { VectorKernels } from '../generated/vector.js';
import { bitsOf, checkedRows, FLOAT_TYPES, firstError, INTEGER_TYPES, type NumberType, type OracleMemory, rows, wrap } from './memory.js';

type Kernel = (...args: number[]) => number | undefined;
type FloatType = 'f32' | 'f64';

const isFloat = (type: NumberType): type is FloatType => type === 'f32' || type === 'f64';

/** Undefined: the operation is an error and its slot 0. */
const INTEGER_OPERATIONS: Readonly<Record<string, (a: bigint, b: bigint) => bigint | undefined>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => (b === 0n ? undefined : a / b),
  modulo: (a, b) => (b === 0n ? undefined : a % b),
};

const FLOAT_OPERATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  modulo: (a, b) => a % b,
};

const absolute = (value: bigint) => (value < 0n ? -value : value);
const ten = (exponent: number) => 10n ** BigInt(exponent);

/** a / b rounded half away from zero. */
function divideRounded(a: bigint, b: bigint): bigint {
  const quotient = (2n * absolute(a) + absolute(b)) / (2n * absolute(b));
  return a < 0n !== b < 0n ? -quotient : quotient;
}

function nearestEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

export function numberOracle(memory: OracleMemory): Partial<VectorKernels> {
  return { ...arithmetic(memory), ...casts(memory), ...decimals(memory), ...functions(memory) } as Partial<VectorKernels>;
}

function arithmetic(memory: OracleMemory): Record<string, Kernel> {
  const kernels: Record<string, Kernel> = {};
  for (const type of INTEGER_TYPES) {
    for (const [name, operation] of Object.entries(INTEGER_OPERATIONS)) {
      kernels[`${name}_${type}`] = (a = 0, aStep = 0, b = 0, bStep = 0, n = 0, out = 0, validity = 0) =>
        firstError(memory, n, validity, (row) => {
          const exact = operation(memory.integer(type, a, row * aStep), memory.integer(type, b, row * bStep));
          memory.setInteger(type, out, row, wrap(type, exact ?? 0n));
          return exact === undefined || wrap(type, exact) !== exact;
        });
    }
  }
  for (const type of FLOAT_TYPES) {
    for (const [name, operation] of Object.entries(FLOAT_OPERATIONS)) {
      kernels[`${name}_${type}`] = (a = 0, aStep = 0, b = 0, bStep = 0, n = 0, out = 0, validity = 0) =>
        firstError(memory, n, validity, (row) => {
          const [x, y] = [memory.float(type, a, row * aStep), memory.float(type, b, row * bStep)];
          memory.setFloat(type, out, row, operation(x, y));
          return (name === 'divide' || name === 'modulo') && y === 0 && !Number.isNaN(x);
        });
    }
  }
  for (const type of ['i8', 'i16', 'i32', 'i64', 'f32', 'f64'] as const) {
    for (const name of ['negate', 'abs'] as const) {
      kernels[`${name}_${type}`] = (a = 0, n = 0, out = 0, validity = 0) =>
        firstError(memory, n, validity, (row) => {
          if (isFloat(type)) {
            const x = memory.float(type, a, row);
            memory.setFloat(type, out, row, name === 'abs' ? Math.abs(x) : -x);
            return false;
          }
          const x = memory.integer(type, a, row);
          const exact = name === 'abs' ? absolute(x) : -x;
          memory.setInteger(type, out, row, exact);
          return wrap(type, exact) !== exact;
        });
    }
  }
  const wide = (combine: (a: bigint, b: bigint) => bigint): Kernel => {
    return (a = 0, aStep = 0, b = 0, bStep = 0, n = 0, out = 0) => {
      for (const row of rows(n)) {
        memory.setInteger('i64', out, row, combine(memory.integer('i64', a, row * aStep), memory.integer('i64', b, row * bStep)));
      }
      return undefined;
    };
  };
  const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? absolute(a) : gcd(b, a % b));
  kernels.bit_and_i64 = wide((a, b) => a & b);
  kernels.bit_or_i64 = wide((a, b) => a | b);
  kernels.bit_xor_i64 = wide((a, b) => a ^ b);
  kernels.shift_left_i64 = wide((a, b) => a << (b & 63n));
  kernels.shift_right_i64 = wide((a, b) => a >> (b & 63n));
  kernels.gcd_i64 = wide(gcd);
  return kernels;
}

function casts(memory: OracleMemory): Record<string, Kernel> {
  const kernels: Record<string, Kernel> = {};
  const types = [...INTEGER_TYPES, ...FLOAT_TYPES] as const;
  for (const from of types) {
    for (const to of types) {
      if (from === to) continue;
      kernels[`cast_${from}_${to}`] = (a = 0, n = 0, out = 0, validity = 0, ok = 0) =>
        checkedRows(memory, n, validity, ok, (row) => !castOne(memory, from, to, a, out, row));
    }
  }
  return kernels;
}

/** False: the value does not fit. */
function castOne(memory: OracleMemory, from: NumberType, to: NumberType, a: number, out: number, row: number): boolean {
  if (isFloat(to)) {
    const value = isFloat(from) ? memory.float(from, a, row) : memory.integer(from, a, row);
    memory.setFloat(to, out, row, typeof value === 'bigint' ? (to === 'f32' ? nearestFloat32(value) : Number(value)) : value);
    return to === 'f64' || typeof value === 'bigint' || Number.isFinite(Math.fround(value)) || !Number.isFinite(value);
  }
  const value = isFloat(from) ? nearestEven(memory.float(from, a, row)) : memory.integer(from, a, row);
  const exact = typeof value === 'bigint' ? value : Number.isFinite(value) ? BigInt(value) : undefined;
  const fits = exact !== undefined && wrap(to, exact) === exact;
  memory.setInteger(to, out, row, fits ? exact : 0n);
  return fits;
}

/** The float32 next to an integer, ties to even: rounding to float64 first would round twice. */
function nearestFloat32(value: bigint): number {
  const size = absolute(value);
  const shift = BigInt(Math.max(0, size.toString(2).length - 24));
  const low = size >> shift;
  const rest = size - (low << shift);
  const half = shift === 0n ? 0n : 1n << (shift - 1n);
  const up = shift > 0n && (rest > half || (rest === half && (low & 1n) === 1n));
  const rounded = Number((up ? low + 1n : low) << shift);
  return value < 0n ? -rounded : rounded;
}

function decimals(memory: OracleMemory): Record<string, Kernel> {
  const read = (address: number, row: number) => memory.integer('i128', address, row);
  const put = (out: number, row: number, value: bigint | undefined, precision: number): boolean => {
    const fits = value !== undefined && absolute(value) < ten(precision);
    memory.setInteger('i128', out, row, fits ? value : 0n);
    return fits;
  };
  const sum =
    (sign: bigint): Kernel =>
    (a = 0, aStep = 0, b = 0, bStep = 0, n = 0, precision = 0, out = 0, validity = 0) =>
      firstError(memory, n, validity, (row) => {
        const exact = read(a, row * aStep) + sign * read(b, row * bStep);
        memory.setInteger('i128', out, row, exact);
        return absolute(exact) >= ten(precision);
      });
  const fromInteger =
    (type: 'i64' | 'u64'): Kernel =>
    (a = 0, n = 0, scale = 0, precision = 0, out = 0, validity = 0, ok = 0) =>
      checkedRows(memory, n, validity, ok, (row) => !put(out, row, memory.integer(type, a, row) * ten(scale), precision));
  const toInteger =
    (type: 'i64' | 'u64'): Kernel =>
    (a = 0, n = 0, scale = 0, out = 0, validity = 0, ok = 0) =>
      checkedRows(memory, n, validity, ok, (row) => {
        const value = divideRounded(read(a, row), ten(scale));
        const fits = wrap(type, value) === value;
        memory.setInteger(type, out, row, fits ? value : 0n);
        return !fits;
      });
  return {
    rescale_i128: (a = 0, n = 0, shift = 0, precision = 0, out = 0, validity = 0, ok = 0) =>
      checkedRows(memory, n, validity, ok, (row) => {
        const value = read(a, row);
        return !put(out, row, shift >= 0 ? value * ten(shift) : divideRounded(value, ten(-shift)), precision);
      }),
    cast_i64_i128: fromInteger('i64'),
    cast_u64_i128: fromInteger('u64'),
    cast_i128_i64: toInteger('i64'),
    cast_i128_u64: toInteger('u64'),
    cast_f64_i128: (a = 0, n = 0, scale = 0, precision = 0, out = 0, validity = 0, ok = 0) =>
      checkedRows(memory, n, validity, ok, (row) => {
        const x = memory.float('f64', a, row);
        const size = Math.abs(x) * 10 ** scale;
        const rounded = Math.floor(size + size * Number.EPSILON + 0.5);
        const value = rounded < 10 ** precision ? BigInt(rounded) : undefined;
        return !put(out, row, value === undefined ? undefined : x < 0 ? -value : value, 39);
      }),
    cast_i128_f64: (a = 0, n = 0, scale = 0, out = 0) => {
      for (const row of rows(n)) memory.setFloat('f64', out, row, Number(read(a, row)) / 10 ** scale);
      return undefined;
    },
    add_i128: sum(1n),
    subtract_i128: sum(-1n),
    multiply_i128: (a = 0, aStep = 0, b = 0, bStep = 0, n = 0, precision = 0, out = 0, validity = 0) =>
      firstError(memory, n, validity, (row) => !put(out, row, read(a, row * aStep) * read(b, row * bStep), precision)),
    divide_i128: (a = 0, aStep = 0, b = 0, bStep = 0, n = 0, shift = 0, precision = 0, out = 0, validity = 0) =>
      firstError(memory, n, validity, (row) => {
        const divisor = read(b, row * bStep);
        return !put(out, row, divisor === 0n ? undefined : divideRounded(read(a, row * aStep) * ten(shift), divisor), precision);
      }),
    modulo_i128: (a = 0, aStep = 0, b = 0, bStep = 0, n = 0, out = 0, validity = 0) =>
      firstError(memory, n, validity, (row) => {
        const divisor = read(b, row * bStep);
        memory.setInteger('i128', out, row, divisor === 0n ? 0n : read(a, row * aStep) % divisor);
        return divisor === 0n;
      }),
    negate_i128: (a = 0, n = 0, out = 0) => {
      for (const row of rows(n)) memory.setInteger('i128', out, row, -read(a, row));
      return undefined;
    },
    abs_i128: (a = 0, n = 0, out = 0) => {
      for (const row of rows(n)) memory.setInteger('i128', out, row, absolute(read(a, row)));
      return undefined;
    },
    round_i128: (a = 0, n = 0, mode = 0, scale = 0, out = 0) => {
      for (const row of rows(n)) memory.setInteger('i128', out, row, roundedTo(read(a, row), ten(scale), mode) * ten(scale));
      return undefined;
    },
  };
}

function roundedTo(value: bigint, unit: bigint, mode: number): bigint {
  const truncated = value / unit;
  const exact = truncated * unit === value;
  if (mode === 3) return divideRounded(value, unit);
  if (mode === 0) return !exact && value < 0n ? truncated - 1n : truncated;
  return mode === 1 && !exact && value > 0n ? truncated + 1n : truncated;
}

const UNARY: Readonly<Record<string, (x: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  sqrt: Math.sqrt,
  exp: Math.exp,
  ln: Math.log,
  log10: Math.log10,
  log2: Math.log2,
  cbrt: Math.cbrt,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  degrees: (x) => x * (180 / Math.PI),
  radians: (x) => x * (Math.PI / 180),
  sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
};

function functions(memory: OracleMemory): Record<string, Kernel> {
  const read = (address: number, row: number) => memory.float('f64', address, row);
  const kernels: Record<string, Kernel> = {};
  for (const [name, apply] of Object.entries(UNARY)) {
    kernels[`${name}_f64`] = (a = 0, n = 0, out = 0) => {
      for (const row of rows(n)) memory.setFloat('f64', out, row, apply(read(a, row)));
      return undefined;
    };
  }
  for (const [name, apply] of [
    ['power', (x: number, y: number) => x ** y],
    ['atan2', Math.atan2],
  ] as const) {
    kernels[`${name}_f64`] = (a = 0, aStep = 0, b = 0, bStep = 0, n = 0, out = 0) => {
      for (const row of rows(n)) memory.setFloat('f64', out, row, apply(read(a, row * aStep), read(b, row * bStep)));
      return undefined;
    };
  }
  const away = (x: number) => Math.sign(x) * Math.floor(Math.abs(x) + (Math.abs(x) % 1 >= 0.5 ? 0.5 : 0));
  return {
    ...kernels,
    round_f64: (a = 0, n = 0, digits = 0, out = 0) => {
      for (const row of rows(n)) {
        const x = read(a, row);
        const scaled = x * 10 ** digits;
        const settled = scaled + Math.sign(x) * Math.abs(scaled) * Number.EPSILON;
        const fraction = Math.abs(scaled) < 2 ** 53 ? away(settled) / 10 ** digits : x;
        memory.setFloat('f64', out, row, digits === 0 ? away(x) : digits > 0 ? fraction : away(x / 10 ** -digits) * 10 ** -digits);
      }
      return undefined;
    },
    trunc_digits_f64: (a = 0, n = 0, digits = 0, out = 0) => {
      const scale = 10 ** Math.abs(digits);
      for (const row of rows(n)) {
        const x = read(a, row);
        const cut = digits >= 0 ? Math.trunc(x * scale) / scale : Math.trunc(x / scale) * scale;
        memory.setFloat('f64', out, row, Math.abs(cut) < Infinity ? cut : x);
      }
      return undefined;
    },
    sign_i64: (a = 0, n = 0, out = 0) => {
      for (const row of rows(n)) {
        const x = memory.integer('i64', a, row);
        memory.setInteger('i64', out, row, x > 0n ? 1n : x < 0n ? -1n : 0n);
      }
      return undefined;
    },
    is_class_f64: (a = 0, n = 0, kind = 0, out = 0) => {
      const tests = [Number.isNaN, (x: number) => Math.abs(x) === Infinity, Number.isFinite];
      memory.writeBits(out, n, (row) => tests[kind]?.(read(a, row)) ?? false);
      return undefined;
    },
    first_below_f64: (a = 0, n = 0, limit = 0, strict = 0, validity = 0) =>
      firstError(memory, n, validity, (row) => (strict ? read(a, row) < limit : read(a, row) <= limit)),
    first_overflow_f64: (a = 0, n = 0, out = 0, validity = 0) =>
      firstError(memory, n, validity, (row) => Math.abs(read(out, row)) === Infinity && Math.abs(read(a, row)) < Infinity),
    random_f64: (state = 0, n = 0, out = 0) => {
      let [s0, s1] = [memory.integer('u64', state), memory.integer('u64', state + 8)];
      for (const row of rows(n)) {
        const y = s1;
        const x = BigInt.asUintN(64, s0 ^ (s0 << 23n));
        s0 = y;
        s1 = x ^ y ^ (x >> 17n) ^ (y >> 26n);
        memory.setFloat('f64', out, row, Number(BigInt.asUintN(64, s1 + y) >> 11n) / 2 ** 53);
      }
      memory.setInteger('u64', state, 0, s0);
      memory.setInteger('u64', state, 1, s1);
      return undefined;
    },
  };
}

/** Smallest and largest value of an integer type, for tests. */
export function extremes(type: NumberType): readonly [bigint, bigint] {
  const { bits, signed } = bitsOf(type);
  return signed ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n] : [0n, (1n << BigInt(bits)) - 1n];
}
