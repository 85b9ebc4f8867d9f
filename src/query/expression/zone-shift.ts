/** Shifting timestamps between UTC and the wall time of a zone: kernels look offsets up in a table of the zone's periods. */
import type { Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { UNITS_PER_SECOND } from '../../core/types.js';
import type { MoveContext } from './gather.js';
import { requireZone, zonePeriods } from './zones.js';

/** A zone's periods in ticks, in scratch. */
export interface ZoneTable {
  readonly starts: number;
  readonly offsets: number;
  readonly count: number;
}

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/** The zone's periods around all values of a timestamp vector. */
export function zoneTable(vector: Vector, zone: string, rowCount: number, context: MoveContext): ZoneTable {
  requireZone(zone);
  const { arena, kernels, scratch } = context;
  const perSecond = vector.type.kind === 'timestamp' ? UNITS_PER_SECOND[vector.type.unit] : 1n;
  const slot = scratch.allocate(64);
  arena.i64[slot / 8] = MOST;
  arena.i64[slot / 8 + 1] = LEAST;
  const known = kernels.extent_i64(vector.values, vector.validity, 0, rowCount, slot) > 0;
  const [least, most] = known ? [arena.i64[slot / 8] ?? 0n, arena.i64[slot / 8 + 1] ?? 0n] : [0n, 0n];
  const { starts, offsets } = zonePeriods(zone, Number(least / perSecond), Number(most / perSecond));
  const address = scratch.allocate(16 * starts.length);
  const middle = address + 8 * starts.length;
  starts.forEach((start, i) => {
    arena.i64[address / 8 + i] = i === 0 ? LEAST : clamped(BigInt(start) * perSecond);
    arena.i64[middle / 8 + i] = BigInt(offsets[i] ?? 0) * perSecond;
  });
  return { starts: address, offsets: middle, count: starts.length };
}

function clamped(ticks: bigint): bigint {
  return ticks < LEAST ? LEAST : ticks > MOST ? MOST : ticks;
}

/** 'to': UTC → wall time; 'from': wall time → UTC. The type's name stays. */
export function shiftZone(vector: Vector, zone: string, direction: 'to' | 'from', rowCount: number, context: MoveContext): Vector {
  const { kernels, scratch } = context;
  const length = vector.encoding === 'constant' ? 1 : rowCount;
  const { starts, offsets, count } = zoneTable(vector, zone, length, context);
  const out = scratch.allocate(8 * length);
  const kernel = direction === 'to' ? kernels.zone_to_wall_i64 : kernels.zone_from_wall_i64;
  const bad = kernel(vector.values, 1, starts, offsets, count, length, out, vector.validity);
  if (bad >= 0) throw new DbError('numeric_overflow', 'overflow: the timestamp leaves its range in this time zone');
  return { ...vector, values: out };
}
