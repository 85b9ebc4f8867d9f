/**
 * Which segments of a table are merged next. A choice pays for what it writes:
 * - `small`: the result is at least `fanIn` times as large as its largest source, so a row is written log(fanIn, full / first) times at most;
 * - `late`: at least `lateShare` of the rows overlap others in time, so each late row pays for 1 / lateShare rows at most;
 * - `deleted`: at least `deletedShare` of the rows are gone;
 * - `order`: the rows of one segment were stored as they came, out of order or across partitions; once each.
 * Rows of equal times keep their order of insertion: no segment is left out that shares a time with the merged ones and stands between them.
 */

export interface Candidate<Source = unknown> {
  readonly source: Source;
  /** Where it stands in the table, ascending. */
  readonly index: number;
  readonly rows: number;
  readonly deleted: number;
  readonly sizeBytes: number;
  /** First and last time; null: not known, or the table has none. */
  readonly times: readonly [bigint, bigint] | null;
  /** Segments of one partition are merged with each other only. */
  readonly partition: string;
  /** Rows lie out of order, or in several partitions. */
  readonly isDisordered: boolean;
}

export interface CompactionLimits {
  /** Of one segment. */
  readonly segmentRows: number;
  readonly segmentBytes: number;
  /** Of everything that is merged at once. */
  readonly mergeRows: number;
  readonly mergeBytes: number;
  readonly fanIn: number;
  readonly lateShare: number;
  readonly deletedShare: number;
}

export type MergeReason = 'order' | 'deleted' | 'late' | 'small';

export interface Merge<Source> {
  readonly reason: MergeReason;
  /** In their order in the table. */
  readonly sources: readonly Source[];
}

const MOST_SOURCES = 64;

type Range<Source> = readonly Candidate<Source>[];

/** undefined: nothing is worth it. */
export function chooseMerge<Source>(candidates: Range<Source>, limits: CompactionLimits): Merge<Source> | undefined {
  const alone = chooseAlone(candidates, limits);
  if (alone !== undefined) return alone;
  const partitions = new Map<string, Candidate<Source>[]>();
  for (const each of candidates) {
    const members = partitions.get(each.partition);
    if (members === undefined) partitions.set(each.partition, [each]);
    else members.push(each);
  }
  for (const reason of ['late', 'small'] as const) {
    for (const members of partitions.values()) {
      const range = members.length < 2 ? undefined : bestRange(reason, members, candidates, limits);
      if (range !== undefined) return mergeOf(reason, range);
    }
  }
  return undefined;
}

function mergeOf<Source>(reason: MergeReason, range: Range<Source>): Merge<Source> {
  return { reason, sources: range.toSorted((a, b) => a.index - b.index).map(({ source }) => source) };
}

function chooseAlone<Source>(candidates: Range<Source>, limits: CompactionLimits): Merge<Source> | undefined {
  const fits = ({ rows, sizeBytes }: Candidate<Source>) => rows <= limits.mergeRows && sizeBytes <= limits.mergeBytes;
  const disordered = candidates.find((each) => each.isDisordered && fits(each));
  if (disordered !== undefined) return mergeOf('order', [disordered]);
  const emptied = candidates.find((each) => each.deleted > 0 && each.deleted >= limits.deletedShare * each.rows && fits(each));
  return emptied && mergeOf('deleted', [emptied]);
}

/** Of segments that follow each other in time. */
function bestRange<Source>(
  reason: 'late' | 'small',
  members: Range<Source>,
  all: Range<Source>,
  limits: CompactionLimits,
): Range<Source> | undefined {
  const inTime = members.toSorted(compareTimes);
  let best: Range<Source> | undefined;
  let bestGain = 0;
  for (let first = 0; first < inTime.length; first++) {
    const sum: Sum = { rows: 0, alive: 0, most: 0, sizeBytes: 0, last: null };
    const most = Math.min(inTime.length, first + MOST_SOURCES);
    for (let end = first + 1; end <= most; end++) {
      const added = inTime[end - 1] as Candidate<Source>;
      // What begins when all the others have ended has no late rows with them.
      if (reason === 'late' && sum.last !== null && (added.times === null || added.times[0] >= sum.last)) break;
      add(sum, added);
      if (sum.rows > limits.mergeRows || sum.sizeBytes > limits.mergeBytes) break;
      if (end === first + 1) continue;
      const gain = reason === 'late' ? lateGain(inTime.slice(first, end), sum, limits) : smallGain(sum, limits);
      if (gain <= bestGain || !keepsOrder(inTime.slice(first, end), all)) continue;
      best = inTime.slice(first, end);
      bestGain = gain;
    }
  }
  return best;
}

/** Of the segments looked at so far. */
interface Sum {
  rows: number;
  alive: number;
  /** Of the largest. */
  most: number;
  sizeBytes: number;
  last: bigint | null;
}

function add(sum: Sum, { rows, deleted, sizeBytes, times }: Candidate): void {
  sum.rows += rows;
  sum.alive += rows - deleted;
  sum.most = Math.max(sum.most, rows - deleted, 1);
  sum.sizeBytes += sizeBytes;
  if (times !== null && (sum.last === null || times[1] > sum.last)) sum.last = times[1];
}

/** Rows of the result for each row of the largest source, when it is one segment and large enough; else 0. */
function smallGain({ alive, most, sizeBytes }: Sum, { segmentRows, segmentBytes, fanIn }: CompactionLimits): number {
  if (alive > segmentRows || sizeBytes > segmentBytes) return 0;
  return alive >= fanIn * most ? alive / most : 0;
}

/** The share of rows that overlap, when it is large enough; else 0. */
function lateGain(range: Range<unknown>, { alive }: Sum, { lateShare }: CompactionLimits): number {
  const share = alive === 0 ? 0 : lateRows(range) / alive;
  return share > 0 && share >= lateShare ? share : 0;
}

/**
 * Rows beside those of the segment that has the most, in each stretch of time that several segments share; rows are taken to be spread evenly.
 * Segments that only touch share none.
 */
export function lateRows(range: Range<unknown>): number {
  const known = range.flatMap(({ times, rows, deleted }) =>
    times === null ? [] : [{ first: times[0], last: times[1], rows: rows - deleted }],
  );
  const bounds = [...new Set(known.flatMap(({ first, last }) => [first, last]))].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  let late = 0;
  for (const { first: at, last, rows } of known) {
    if (at === last && known.some((other) => other.first < at && at < other.last)) late += rows;
  }
  for (const [i, to] of bounds.entries()) {
    const from = bounds[i - 1];
    if (from === undefined) continue;
    let [sum, most] = [0, 0];
    for (const { first, last, rows } of known) {
      if (first > from || last < to) continue;
      const inside = (rows * Number(to - from)) / Number(last - first);
      sum += inside;
      most = Math.max(most, inside);
    }
    late += sum - most;
  }
  return late;
}

/** No other segment that shares a time with these stands between them. */
function keepsOrder(range: Range<unknown>, all: Range<unknown>): boolean {
  const chosen = new Set(range);
  const first = Math.min(...range.map(({ index }) => index));
  const last = Math.max(...range.map(({ index }) => index));
  const hull = hullOf(range);
  return all.every((each) => chosen.has(each) || each.index < first || each.index > last || !meets(each, hull));
}

/** From the first time to the last; null: some of them are not known. */
function hullOf(range: Range<unknown>): readonly [bigint, bigint] | null {
  let hull: [bigint, bigint] | undefined;
  for (const { times } of range) {
    if (times === null) return null;
    const [first, last] = times;
    hull ??= [first, last];
    if (first < hull[0]) hull[0] = first;
    if (last > hull[1]) hull[1] = last;
  }
  return hull ?? null;
}

function meets({ times }: Candidate, hull: readonly [bigint, bigint] | null): boolean {
  return times === null || hull === null || (times[0] <= hull[1] && times[1] >= hull[0]);
}

/** By first time, then last, then place; what has no times by place. */
function compareTimes(a: Candidate, b: Candidate): number {
  for (const side of [0, 1] as const) {
    const [x, y] = [a.times?.[side], b.times?.[side]];
    if (x !== undefined && y !== undefined && x !== y) return x < y ? -1 : 1;
  }
  return a.index - b.index;
}
