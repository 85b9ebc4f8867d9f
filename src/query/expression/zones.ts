/**
 * Offsets of IANA time zones. Intl knows them instant by instant; here they become tables of periods with one offset, year by year, and the
 * table says when a year is asked for again.
 */
import { DbError } from '../../core/errors.js';
import { daysFromCivil } from '../../core/values.js';

const SECONDS_PER_DAY = 86_400;
/** How far apart a year is looked at; between two looks with the same offset there is no change. */
const STEP_DAYS = 4;
/** Before it clocks show local mean time. */
const FIRST_YEAR = 1840;
/** From here on rules repeat as the calendar does. */
const REPEATING_YEAR = 2400;
const CYCLE_YEARS = 400;
const CYCLE_SECONDS = 146_097 * SECONDS_PER_DAY;
/** Dates end here. */
const MOST_SECONDS = 8.64e12;

/** Periods of one offset in ascending order. The first one starts at −Infinity. Seconds since the epoch, UTC. */
export interface ZonePeriods {
  readonly starts: readonly number[];
  /** Seconds to add to UTC. */
  readonly offsets: readonly number[];
}

interface YearOfZone {
  /** When the year starts. */
  readonly offset: number;
  readonly changes: readonly { readonly at: number; readonly offset: number }[];
}

interface Zone {
  readonly format: Intl.DateTimeFormat;
  readonly years: Map<number, YearOfZone>;
}

const zones = new Map<string, Zone | 'UTC'>();

function zoneOf(name: string): Zone | 'UTC' {
  const key = name.toLowerCase();
  const known = zones.get(key);
  if (known) return known;
  const zone = ['utc', 'z', 'gmt', 'etc/utc'].includes(key) ? 'UTC' : { format: formatOf(name), years: new Map<number, YearOfZone>() };
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

/** The periods that hold instants and wall times of [from, to]. */
export function zonePeriods(name: string, from: number, to: number): ZonePeriods {
  const fixed = fixedOffset(name);
  const zone = fixed === undefined ? zoneOf(name) : 'UTC';
  if (zone === 'UTC') return { starts: [Number.NEGATIVE_INFINITY], offsets: [fixed ?? 0] };
  const [first, last] = [yearOf(from - 2 * SECONDS_PER_DAY), yearOf(to + 2 * SECONDS_PER_DAY)];
  const starts = [Number.NEGATIVE_INFINITY];
  const offsets = [yearOfZone(zone, first).offset];
  for (let year = Math.max(first, FIRST_YEAR); year <= last; year++) {
    for (const { at, offset } of yearOfZone(zone, year).changes) {
      starts.push(at);
      offsets.push(offset);
    }
  }
  return { starts, offsets };
}

/**
 * Seconds to add to UTC to get wall time in the zone. `seconds` is UTC, or wall time when `meaning` is 'local': a wall time that occurs twice
 * means the first (summer time), one that is skipped is read with the offset before the gap.
 */
export function zoneOffsetSeconds(name: string, seconds: number, meaning: 'utc' | 'local'): number {
  const fixed = fixedOffset(name);
  if (fixed !== undefined) return fixed;
  if (zoneOf(name) === 'UTC') return 0;
  const { starts, offsets } = zonePeriods(name, seconds, seconds);
  let period = 0;
  for (let next = 1; next < starts.length; next++) {
    const [start = 0, before = 0, after = 0] = [starts[next], offsets[next - 1], offsets[next]];
    const begins = meaning === 'utc' ? start : start + Math.max(before, after);
    if (seconds >= begins) period = next;
  }
  return offsets[period] ?? 0;
}

function yearOf(second: number): number {
  if (Math.abs(second) > MOST_SECONDS) throw new DbError('invalid_value', 'a timestamp is outside the range of time zone rules');
  return new Date(second * 1000).getUTCFullYear();
}

function yearOfZone(zone: Zone, year: number): YearOfZone {
  if (year >= REPEATING_YEAR + CYCLE_YEARS) {
    const cycles = Math.floor((year - REPEATING_YEAR) / CYCLE_YEARS);
    const same = yearOfZone(zone, year - cycles * CYCLE_YEARS);
    return { offset: same.offset, changes: same.changes.map(({ at, offset }) => ({ at: at + cycles * CYCLE_SECONDS, offset })) };
  }
  const known = zone.years.get(year);
  if (known) return known;
  const made = year < FIRST_YEAR ? { offset: yearOfZone(zone, FIRST_YEAR).offset, changes: [] } : changesIn(zone, year);
  zone.years.set(year, made);
  return made;
}

function changesIn(zone: Zone, year: number): YearOfZone {
  const start = daysFromCivil(year, 1, 1) * SECONDS_PER_DAY;
  const end = daysFromCivil(year + 1, 1, 1) * SECONDS_PER_DAY;
  const changes: { at: number; offset: number }[] = [];
  const first = offsetAt(zone, start - 1);
  let before = first;
  for (let low = start - 1; low < end - 1; ) {
    const high = Math.min(low + STEP_DAYS * SECONDS_PER_DAY, end - 1);
    const after = offsetAt(zone, high);
    if (after !== before) {
      const at = changeBetween(zone, low, high, before);
      before = offsetAt(zone, at);
      changes.push({ at, offset: before });
      low = at;
    } else low = high;
  }
  return { offset: first, changes };
}

/** The first second after low with another offset than low has. */
function changeBetween(zone: Zone, low: number, high: number, before: number): number {
  let [same, other] = [low, high];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(zone, middle) === before) same = middle;
    else other = middle;
  }
  return other;
}

function offsetAt(zone: Zone, instant: number): number {
  const parts = Object.fromEntries(zone.format.formatToParts(instant * 1000).map((part) => [part.type, part.value]));
  const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year);
  const days = daysFromCivil(year, Number(parts.month), Number(parts.day));
  return days * SECONDS_PER_DAY + Number(parts.hour) * 3600 + Number(parts.minute) * 60 + Number(parts.second) - instant;
}
