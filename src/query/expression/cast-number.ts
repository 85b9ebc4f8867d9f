/** Casts among integers, floats and decimals. */
import { flatVector, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, INT64, isInteger, physicalOf, sameType, typeName, UINT64, WIDTH_BYTES } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { filledBitmap, restrict } from './bitmaps.js';
import type { MoveContext } from './gather.js';
import { valueToText } from './literals.js';

type CastKernel = (a: number, n: number, out: number, validity: number, ok: number) => number;
type NumberType = 'i8' | 'i16' | 'i32' | 'i64' | 'u8' | 'u16' | 'u32' | 'u64' | 'f32' | 'f64';

const ALL_FIT = -1;

/** A flat number vector as another number type. Floats round half to even, decimals half away from zero. */
export function castNumber(vector: Vector, to: DataType, safe: boolean, context: MoveContext): Vector {
  const { type } = vector;
  if (sameType(type, to)) return vector;
  if (type.kind === 'decimal') return fromDecimal(vector, type.scale, to, safe, context);
  if (to.kind === 'decimal') return toDecimal(vector, to.precision, to.scale, to, safe, context);
  if (physicalOf(type) === physicalOf(to)) return { ...vector, type: to };
  const name = `cast_${physicalOf(type) as NumberType}_${physicalOf(to) as NumberType}`;
  const kernel = (context.kernels as unknown as Readonly<Record<string, CastKernel>>)[name];
  if (!kernel) throw new DbError('internal', `kernel ${name} is missing`);
  return run(vector, to, safe, context, kernel);
}

function run(vector: Vector, to: DataType, safe: boolean, context: MoveContext, kernel: CastKernel): Vector {
  const { length, validity } = vector;
  const out = context.scratch.allocate(WIDTH_BYTES[physicalOf(to)] * length);
  const ok = safe ? filledBitmap(true, length, context) : 0;
  const bad = kernel(vector.values, length, out, validity, ok);
  if (bad !== ALL_FIT) {
    const text = valueToText(valueAt(context.arena, vector, bad), vector.type) ?? 'NULL';
    throw new DbError('numeric_overflow', `${text} is outside the range of ${typeName(to)}`);
  }
  return restrict(flatVector(to, length, out, validity), ok, length, context);
}

function fromDecimal(vector: Vector, scale: number, to: DataType, safe: boolean, context: MoveContext): Vector {
  const { kernels } = context;
  if (to.kind === 'decimal') {
    return run(vector, to, safe, context, (a, n, out, validity, ok) =>
      kernels.rescale_i128(a, n, to.scale - scale, to.precision, out, validity, ok),
    );
  }
  if (to.kind === 'float64' || to.kind === 'float32') {
    const out = context.scratch.allocate(8 * vector.length);
    kernels.cast_i128_f64(vector.values, vector.length, scale, out);
    return castNumber(flatVector(FLOAT64, vector.length, out, vector.validity), to, safe, context);
  }
  if (to.kind === 'uint64')
    return run(vector, to, safe, context, (a, n, out, validity, ok) => kernels.cast_i128_u64(a, n, scale, out, validity, ok));
  const wide = run(vector, INT64, safe, context, (a, n, out, validity, ok) => kernels.cast_i128_i64(a, n, scale, out, validity, ok));
  return castNumber(wide, to, safe, context);
}

function toDecimal(vector: Vector, precision: number, scale: number, to: DataType, safe: boolean, context: MoveContext): Vector {
  const { kernels } = context;
  if (isInteger(vector.type)) {
    const unsigned = vector.type.kind === 'uint64';
    const wide = castNumber(vector, unsigned ? UINT64 : INT64, safe, context);
    const kernel = unsigned ? kernels.cast_u64_i128 : kernels.cast_i64_i128;
    return run(wide, to, safe, context, (a, n, out, validity, ok) => kernel(a, n, scale, precision, out, validity, ok));
  }
  const wide = castNumber(vector, FLOAT64, safe, context);
  return run(wide, to, safe, context, (a, n, out, validity, ok) => kernels.cast_f64_i128(a, n, scale, precision, out, validity, ok));
}
