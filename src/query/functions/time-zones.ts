/** The time zone that a timestamp's calendar is read in. */
import type { Vector } from '../../core/batch.js';
import type { DataType } from '../../core/types.js';
import { shiftZone } from '../expression/zone-shift.js';
import type { EvaluationContext } from './contract.js';

/** The zone in whose calendar a timestamp is read: that of its type; undefined for UTC. */
export function calendarZone(type: DataType): string | undefined {
  if (type.kind !== 'timestamp' || type.timezone === null) return undefined;
  return ['utc', 'z', 'gmt', 'etc/utc', '+00:00'].includes(type.timezone.toLowerCase()) ? undefined : type.timezone;
}

/** Wall time of a zoned timestamp; others as they are. */
export function wallTime(vector: Vector, rowCount: number, context: EvaluationContext): Vector {
  const zone = calendarZone(vector.type);
  return zone === undefined ? vector : shiftZone(vector, zone, 'to', rowCount, context);
}
