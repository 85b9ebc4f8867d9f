/** Times of ASOF joins as int64 values in ascending order of time. */
import type { Vector } from '../../../core/batch.js';
import type { Allocator } from '../../../core/build-vector.js';
import { DbError } from '../../../core/errors.js';
import { type DataType, physicalOf, typeName } from '../../../core/types.js';
import { type MoveContext, toFlat } from '../../expression/gather.js';
import { narrowOrderKey } from '../sort/sort-rows.js';

export interface Times {
  /** Address of the values (int64). */
  readonly values: number;
  readonly validity: number;
}

/** Whether distances are of floats. */
export function hasFloatTimes(type: DataType): boolean {
  return type.kind === 'float64';
}

/** In place where the values are such numbers already. */
export function timesOf(vector: Vector, context: MoveContext, memory: Allocator = context.scratch): Times {
  const { kernels } = context;
  const flat = toFlat(vector, context, memory);
  const { validity, length } = flat;
  const physical = physicalOf(flat.type);
  if (physical === 'i64') return { values: flat.values, validity };
  if (physical === 'i128') {
    const values = memory.allocate(Math.max(64, length * 8));
    if (kernels.asof_narrow(flat.values, validity, length, values) === 1) return { values, validity };
    throw new DbError('numeric_overflow', `an ASOF join orders by ${typeName(flat.type)} only while the digits fit into 64 bits`, {
      hint: 'cast to a narrower type',
    });
  }
  const values = narrowOrderKey(flat, false, context, memory);
  kernels.asof_signed(values, length);
  return { values, validity };
}
