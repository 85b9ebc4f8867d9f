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
/** So often is looked for segments in the way, for one choice in a partition. */
const MOST_CHECKS = 2000;

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

/** Of segments that follow each other in time, or in the table. */
function bestRange<Source>(
  reason: 'late' | 'small',
  members: Range<Source>,
  all: Range<Source>,
  limits: CompactionLimits,
): Range<Source> | undefined {
  let best: Range<Source> | undefined;
  let bestGain = 0;
  let checks = 0;
  for (const sequence of [members.toSorted(compareTimes), members.toSorted((a, b) => a.index - b.index)]) {
    for (let first = 0; first < sequence.length; first++) {
      const sum = new Sum();
      const most = Math.min(sequence.length, first + MOST_SOURCES);
      for (let end = first + 1; end <= most; end++) {
        sum.add(sequence[end - 1] as Candidate<Source>);
        if (sum.rows > limits.mergeRows || sum.sizeBytes > limits.mergeBytes) break;
        const gain = end === first + 1 ? 0 : reason === 'late' ? lateGain(sum, limits) : smallGain(sum, limits);
        if (gain <= bestGain || checks++ > MOST_CHECKS || !keepsOrder(sequence.slice(first, end), all)) continue;
        best = sequence.slice(first, end);
        bestGain = gain;
      }
    }
  }
  return best;
}

interface Span {
  readonly first: number;
  readonly last: number;
  readonly rows: number;
}

/** Of the segments looked at so far. */
class Sum {
  rows = 0;
  alive = 0;
  /** Of the largest. */
  most = 1;
  sizeBytes = 0;
  /** Rows beside those of the segments before, where they share a stretch of time; rows are taken to be spread evenly. */
  late = 0;
  private readonly spans: Span[] = [];
  private start: bigint | null = null;

  add({ rows, deleted, sizeBytes, times }: Candidate): void {
    const alive = rows - deleted;
    this.rows += rows;
    this.alive += alive;
    this.most = Math.max(this.most, alive);
    this.sizeBytes += sizeBytes;
    if (times === null) return;
    this.start ??= times[0];
    const span = { first: Number(times[0] - this.start), last: Number(times[1] - this.start), rows: alive };
    this.late += lateRows(span, this.spans);
    this.spans.push(span);
  }
}

/** Rows that a segment and those before it have in the stretch of time that they share, as many as the one has that has fewer. */
function lateRows({ first, last, rows }: Span, before: readonly Span[]): number {
  if (first === last) return before.some((span) => span.first < first && first < span.last) ? rows : 0;
  const from = Math.max(
    first,
    before.reduce((least, span) => Math.min(least, span.first), Number.POSITIVE_INFINITY),
  );
  const to = Math.min(
    last,
    before.reduce((most, span) => Math.max(most, span.last), Number.NEGATIVE_INFINITY),
  );
  if (to <= from) return 0;
  const inside = (span: Span) => {
    if (span.first === span.last) return from < span.first && span.first < to ? span.rows : 0;
    return (span.rows * Math.max(0, Math.min(to, span.last) - Math.max(from, span.first))) / (span.last - span.first);
  };
  const theirs = before.reduce((sum, span) => sum + inside(span), 0);
  return Math.min(theirs, inside({ first, last, rows }));
}

/** Rows of the result for each row of the largest source, when it is one segment and large enough; else 0. */
function smallGain({ alive, most, sizeBytes }: Sum, { segmentRows, segmentBytes, fanIn }: CompactionLimits): number {
  if (alive > segmentRows || sizeBytes > segmentBytes) return 0;
  return alive >= fanIn * most ? alive / most : 0;
}

/** The share of rows that overlap, when it is large enough; else 0. */
function lateGain({ alive, late }: Sum, { lateShare }: CompactionLimits): number {
  const share = alive === 0 ? 0 : late / alive;
  return share > 0 && share >= lateShare ? share : 0;
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
