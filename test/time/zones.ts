/** What a clock in a zone shows, asked of Intl instant by instant: slow, and independent of the tables that queries use. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** Wall time in seconds since the epoch, as if it were UTC. */
export function wallSeconds(zone: string, second: number): number {
  const known = `${zone}/${second}`;
  const found = shown.get(known) ?? shownBy(zone, second);
  shown.set(known, found);
  return found;
}

const shown = new Map<string, number>();

function shownBy(zone: string, second: number): number {
  let format = formats.get(zone);
  if (!format) {
    const numeric = 'numeric' as const;
    const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric };
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...fields });
    formats.set(zone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(second * 1000).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second: seconds = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, seconds) / 1000;
}

/** The wall start of the bucket that a wall time lies in, counted from Monday 2000-01-03 (months: from 2000-01). */
export function wallBucket(width: { readonly seconds: number } | { readonly months: number }, wall: number): number {
  if ('seconds' in width) {
    const origin = Date.UTC(2000, 0, 3) / 1000;
    return origin + Math.floor((wall - origin) / width.seconds) * width.seconds;
  }
  const date = new Date(wall * 1000);
  const month = date.getUTCFullYear() * 12 + date.getUTCMonth() - 24_000;
  const first = Math.floor(month / width.months) * width.months + 24_000;
  return Date.UTC(Math.floor(first / 12), first % 12, 1) / 1000;
}

/** Start of the bucket of an instant, found by walking back over the clock by quarters of an hour (clocks of these zones change at quarters). */
export function zonedBucket(zone: string, width: { readonly seconds: number } | { readonly months: number }, second: number): number {
  const known = `${zone}/${JSON.stringify(width)}/${second}`;
  const found = buckets.get(known) ?? walkedBucket(zone, width, second);
  buckets.set(known, found);
  return found;
}

const buckets = new Map<string, number>();

function walkedBucket(zone: string, width: { readonly seconds: number } | { readonly months: number }, second: number): number {
  const whole = 'months' in width || width.seconds >= 86_400;
  const label = wallBucket(width, wallSeconds(zone, second));
  let at = second - (((second % 900) + 900) % 900);
  for (;;) {
    if (!whole && wallSeconds(zone, at) === label) return at;
    if (wallBucket(width, wallSeconds(zone, at - 900)) !== label) return at;
    at -= 900;
  }
}

export const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Havana',
  'Africa/Casablanca',
  'America/Sao_Paulo',
] as const;

/** Hours around which clocks change, of one spring and one autumn of each zone and some more. */
export const EDGES: readonly string[] = [
  '2025-03-30T01:00:00Z',
  '2025-10-26T01:00:00Z',
  '2025-03-09T07:00:00Z',
  '2025-11-02T06:00:00Z',
  '2025-04-05T15:00:00Z',
  '2025-10-04T15:30:00Z',
  '1985-12-31T18:30:00Z',
  '2025-03-09T05:00:00Z',
  '2025-11-02T05:00:00Z',
  '2025-02-23T02:00:00Z',
  '2018-02-18T02:00:00Z',
  '2017-10-15T03:00:00Z',
  '1945-05-24T00:00:00Z',
  '1968-02-29T23:59:59Z',
  '2024-12-31T23:00:00Z',
];
