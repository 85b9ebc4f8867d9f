/** Shifting timestamps between UTC and the wall time of a zone. Offsets come from Intl, row by row, as numbers of seconds. */
import { flatVector, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { FLOAT64, INT64, UNITS_PER_SECOND } from '../../core/types.js';
import { castNumber } from './cast-number.js';
import type { MoveContext } from './gather.js';
import { int64Slot } from './int64-slot.js';
import { requireZone, zoneOffsetSeconds } from './zones.js';

/** 'to': UTC → wall time; 'from': wall time → UTC. The type's name stays. */
export function shiftZone(vector: Vector, zone: string, direction: 'to' | 'from', rowCount: number, context: MoveContext): Vector {
  requireZone(zone);
  const { arena, kernels, scratch } = context;
  const perSecond = vector.type.kind === 'timestamp' ? UNITS_PER_SECOND[vector.type.unit] : 1n;
  const length = vector.encoding === 'constant' ? 1 : rowCount;
  const seconds = scratch.allocate(8 * length);
  kernels.floor_divide_i64(vector.values, 1, int64Slot(perSecond, context), length, seconds);
  const asFloat = castNumber(flatVector(INT64, length, seconds), FLOAT64, false, context);
  const offsets = scratch.allocate(8 * length);
  const meaning = direction === 'to' ? 'utc' : 'local';
  for (let row = 0; row < length; row++) {
    const present = vector.validity === 0 || (((arena.u8[vector.validity + (row >> 3)] as number) >> (row & 7)) & 1) === 1;
    const second = arena.f64[asFloat.values / 8 + row] as number;
    arena.f64[offsets / 8 + row] = present ? zoneOffsetSeconds(zone, second, meaning) : 0;
  }
  const ticks = castNumber(flatVector(FLOAT64, length, offsets), INT64, false, context);
  kernels.multiply_i64(ticks.values, 1, int64Slot(perSecond, context), 0, length, ticks.values, 0);
  const out = scratch.allocate(8 * length);
  const kernel = direction === 'to' ? kernels.add_i64 : kernels.subtract_i64;
  const bad = kernel(vector.values, 1, ticks.values, 1, length, out, vector.validity);
  if (bad >= 0) throw new DbError('numeric_overflow', 'overflow: the timestamp leaves its range in this time zone');
  return { ...vector, values: out };
}
