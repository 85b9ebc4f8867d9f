/** What is merged when, and what that costs. */
import { describe, expect, it } from 'vitest';
import { type Candidate, type CompactionLimits, chooseMerge } from '../../src/storage/segments/compaction-choice.js';
import { randomOf } from './simulated-files.js';

const LIMITS: CompactionLimits = {
  segmentRows: 1000,
  segmentBytes: 1e9,
  mergeRows: 8000,
  mergeBytes: 1e9,
  fanIn: 4,
  lateShare: 0.2,
  deletedShare: 0.3,
};

type Given = Partial<Omit<Candidate<string>, 'times'>> & { readonly rows: number; readonly times?: readonly [number, number] };

/** Named a, b, c … in their order in the table. */
const candidates = (...given: Given[]): Candidate<string>[] =>
  given.map((each, index) => ({
    source: String.fromCharCode(97 + index),
    index,
    deleted: 0,
    sizeBytes: 1,
    partition: '',
    isDisordered: false,
    ...each,
    times: each.times === undefined ? null : [BigInt(each.times[0]), BigInt(each.times[1])],
  }));

const choice = (given: Candidate<string>[], limits: Partial<CompactionLimits> = {}) => {
  const merge = chooseMerge(given, { ...LIMITS, ...limits });
  return merge && `${merge.reason} ${merge.sources.join('')}`;
};

describe('a merge', () => {
  it('of small segments waits for as many as make it worth its while', () => {
    const small = (count: number) => Array.from({ length: count }, () => ({ rows: 10 }));
    expect(choice(candidates(...small(3)))).toBeUndefined();
    expect(choice(candidates(...small(4)))).toBe('small abcd');
    expect(choice(candidates(...small(6)))).toBe('small abcdef');
    expect(choice(candidates({ rows: 40 }, ...small(3)))).toBeUndefined();
    expect(choice(candidates({ rows: 40 }, ...small(4)))).toBe('small bcde');
    expect(choice(candidates({ rows: 40 }, ...small(3)), { fanIn: 1 })).toBe('small bcd');
  });

  it('makes no segment that is too large', () => {
    expect(choice(candidates(...Array.from({ length: 8 }, () => ({ rows: 240 }))))).toBe('small abcd');
    expect(choice(candidates(...Array.from({ length: 8 }, () => ({ rows: 260 }))))).toBeUndefined();
    expect(choice(candidates(...Array.from({ length: 8 }, () => ({ rows: 10, sizeBytes: 3 }))), { segmentBytes: 12 })).toBe('small abcd');
  });

  it('stays inside a partition', () => {
    const parted = (name: string) => ({ rows: 10, partition: name, times: name === 'x' ? ([0, 9] as const) : ([10, 19] as const) });
    expect(
      choice(candidates(parted('x'), parted('y'), parted('x'), parted('y'), parted('x'), parted('y'), parted('x')), { lateShare: 1 }),
    ).toBe('small aceg');
  });

  it('puts late rows in their place when there are enough', () => {
    const big = { rows: 1000, times: [0, 1000] as const };
    expect(choice(candidates(big, { rows: 240, times: [0, 1000] }))).toBeUndefined();
    expect(choice(candidates(big, { rows: 260, times: [0, 1000] }))).toBe('late ab');
    expect(choice(candidates(big, { rows: 1000, times: [990, 2000] }))).toBeUndefined();
    expect(choice(candidates(big, { rows: 1000, times: [1000, 2000] }), { lateShare: 0 })).toBeUndefined();
    expect(choice(candidates(big, { rows: 10, times: [500, 500] }), { lateShare: 0 })).toBe('late ab');
    expect(choice(candidates({ rows: 10, times: [5, 5] }, { rows: 10, times: [5, 5] }), { lateShare: 0 })).toBeUndefined();
  });

  it('leaves out segments whose times are others', () => {
    const day = (n: number, rows = 1000) => ({ rows, times: [n * 100, n * 100 + 99] as const });
    expect(choice(candidates(day(0), day(1), day(2), day(3), day(1, 400)))).toBe('late be');
  });

  it('passes no segment by that shares a time with it', () => {
    const early = { rows: 10, times: [0, 1] as const };
    // d lies in the way of e: it shares times with a, b, c and comes before e.
    const inTheWay = { rows: 1000, times: [1, 900] as const };
    expect(choice(candidates(early, early, early, inTheWay, early), { lateShare: 1 })).toBeUndefined();
    expect(choice(candidates(early, early, early, { ...inTheWay, times: [2, 900] }, early), { lateShare: 1 })).toBe('small abce');
    expect(choice(candidates(early, early, early, { ...inTheWay, partition: 'alone' }, early), { lateShare: 1 })).toBeUndefined();
  });

  it('writes anew what has many deleted rows, or lies as it came', () => {
    expect(choice(candidates({ rows: 100, deleted: 29 }))).toBeUndefined();
    expect(choice(candidates({ rows: 100 }, { rows: 100, deleted: 30 }))).toBe('deleted b');
    expect(choice(candidates({ rows: 100, deleted: 100 }))).toBe('deleted a');
    expect(choice(candidates({ rows: 100, deleted: 50 }, { rows: 100, isDisordered: true }))).toBe('order b');
    expect(choice(candidates({ rows: 9000, isDisordered: true }))).toBeUndefined();
  });
});

interface Stored {
  readonly times: number[];
}

/** Segments that get batches of rows, in turn, and are merged as long as something is worth it. */
function run(batches: readonly number[][], limits = LIMITS): { segments: Stored[]; amplification: number } {
  let segments: Stored[] = [];
  let [rows, written] = [0, 0];
  for (const batch of batches) {
    segments.push({ times: batch.toSorted((a, b) => a - b) });
    rows += batch.length;
    for (let merges = 0; ; merges++) {
      expect(merges, 'merging comes to an end').toBeLessThan(200);
      const merge = chooseMerge(segments.map(candidateOf), limits);
      if (merge === undefined) break;
      const times = merge.sources.flatMap((source) => source.times).sort((a, b) => a - b);
      written += times.length;
      const count = Math.min(merge.sources.length, Math.ceil(times.length / LIMITS.segmentRows));
      const results = Array.from({ length: count }, (_, i) => ({
        times: times.slice(Math.ceil((times.length * i) / count), Math.ceil((times.length * (i + 1)) / count)),
      }));
      const at = segments.indexOf(merge.sources[0] as Stored);
      segments = segments.flatMap((segment, i) => (i === at ? results : merge.sources.includes(segment) ? [] : [segment]));
    }
  }
  return { segments, amplification: (rows + written) / rows };
}

function candidateOf(source: Stored, index: number): Candidate<Stored> {
  const { times } = source;
  const bounds = [BigInt(times[0] ?? 0), BigInt(times.at(-1) ?? 0)] as const;
  return { source, index, rows: times.length, deleted: 0, sizeBytes: 1, times: bounds, partition: '', isDisordered: false };
}

describe('what compaction writes is bounded', () => {
  const random = randomOf(Number(process.env.FLETCH_SEED ?? 1));
  const batches = (count: number, rows: number, time: (i: number) => number) =>
    Array.from({ length: count }, (_, b) => Array.from({ length: rows }, (__, i) => Math.floor(time(b * rows + i))));

  it.each([
    ['rows in order', 4, (i: number) => i],
    ['rows a little out of order', 4, (i: number) => i + random() * 40],
    ['one row in five late', 12, (i: number) => (random() < 0.2 ? i - random() * 3000 : i)],
    ['a few rows very late', 8, (i: number) => (random() < 0.01 ? random() * i : i)],
    // The whole is written anew each time that it has grown by a quarter.
    ['all rows anywhere', 15, () => random() * 1e6],
    ['rows backwards', 4, (i: number) => 1e6 - i],
    ['many rows of one time', 4, (i: number) => Math.floor(i / 5000)],
  ])('%s', (_name, most, time) => {
    const { segments, amplification } = run(batches(300, 40, time));
    expect(segments.flatMap(({ times }) => times).length).toBe(12_000);
    expect(amplification).toBeLessThan(most);
    const all = run(batches(60, 40, time), { ...LIMITS, fanIn: 1, lateShare: 0 });
    expect(all.segments.length).toBeLessThan(8);
    expect(run(batches(60, 40, time), { ...LIMITS, fanIn: 1, lateShare: 0, mergeRows: 1500 }).segments.length).toBeLessThan(40);
    expect(segments.length).toBeLessThan(40);
  });
});
