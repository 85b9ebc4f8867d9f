/** Offsets of IANA time zones, by Intl. Each zone keeps the offsets that it was asked for by quarter of an hour. */
import { DbError } from '../../core/errors.js';

const SECONDS_PER_SLOT = 900;
const MAX_SLOTS = 200_000;

interface Zone {
  readonly format: Intl.DateTimeFormat;
  /** Offset in seconds by quarter of an hour since the epoch (offsets change only at quarters). */
  readonly offsets: Map<number, number>;
}

const zones = new Map<string, Zone | 'UTC'>();

function zoneOf(name: string): Zone | 'UTC' {
  const key = name.toLowerCase();
  const known = zones.get(key);
  if (known) return known;
  const zone = ['utc', 'z', 'gmt', 'etc/utc'].includes(key) ? 'UTC' : { format: formatOf(name), offsets: new Map<number, number>() };
  if (zones.size > 1000) zones.clear();
  zones.set(key, zone);
  return zone;
}

function formatOf(name: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (cause) {
    throw new DbError('invalid_value', `time zone '${name}' is not known`, { cause, hint: "try 'UTC' or a name such as 'Europe/Berlin'" });
  }
}

/** Fails with `invalid_value` when there is no such zone. */
export function requireZone(name: string): void {
  if (fixedOffset(name) === undefined) zoneOf(name);
}

function fixedOffset(name: string): number | undefined {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(name);
  if (!match) return undefined;
  const seconds = Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60;
  return match[1] === '-' ? -seconds : seconds;
}

/**
 * Seconds to add to UTC to get wall time in the zone. `seconds` is UTC, or wall time when `meaning` is 'local': a wall time that occurs twice
 * means the first (summer time), one that is skipped is read with the offset before the gap.
 */
export function zoneOffsetSeconds(name: string, seconds: number, meaning: 'utc' | 'local'): number {
  const fixed = fixedOffset(name);
  if (fixed !== undefined) return fixed;
  const zone = zoneOf(name);
  if (zone === 'UTC') return 0;
  if (meaning === 'utc') return offsetAt(zone, seconds);
  const before = offsetAt(zone, seconds - 86_400);
  if (offsetAt(zone, seconds - before) === before) return before;
  const after = offsetAt(zone, seconds + 86_400);
  return offsetAt(zone, seconds - after) === after ? after : before;
}

function offsetAt(zone: Zone, utcSeconds: number): number {
  const slot = Math.floor(utcSeconds / SECONDS_PER_SLOT);
  const known = zone.offsets.get(slot);
  if (known !== undefined) return known;
  const instant = slot * SECONDS_PER_SLOT;
  if (Math.abs(instant) > 8.64e12) throw new DbError('invalid_value', 'a timestamp is outside the range of time zone rules');
  const parts = Object.fromEntries(zone.format.formatToParts(instant * 1000).map((part) => [part.type, part.value]));
  const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year);
  const wall = Date.UTC(2000, Number(parts.month) - 1, Number(parts.day), Number(parts.hour), Number(parts.minute), Number(parts.second));
  const date = new Date(wall);
  date.setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day));
  const offset = date.getTime() / 1000 - instant;
  if (zone.offsets.size >= MAX_SLOTS) zone.offsets.clear();
  zone.offsets.set(slot, offset);
  return offset;
}
