/** The kernels of interval joins do what their twins do. */
import { expect, test } from 'vitest';
import { matchOracle } from '../../native-free/oracle/match.js';
import { Dice, KernelBench } from './kernel-bench.js';

const bench = new KernelBench();
const oracle = matchOracle(bench.memory) as unknown as Readonly<Record<string, (...args: number[]) => number>>;

/** Sorted groups of keys, some empty, and rows that look into them. */
function sides(dice: Dice) {
  const n = dice.below(200);
  const groupCount = 1 + dice.below(6);
  const spread = dice.pick([4, 60, 3_000]);
  const starts = [0];
  const keys: bigint[] = [];
  for (let g = 0; g < groupCount; g++) {
    const own = Array.from({ length: dice.chance(4) ? 0 : dice.below(80) }, () => BigInt(dice.below(spread)));
    keys.push(...own.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    starts.push(keys.length);
  }
  if (dice.chance(3) && keys.length > 0) keys[keys.length - 1] = 2n ** 64n - 1n;
  const u32 = (values: readonly number[]) => bench.integers('u32', values.map(BigInt));
  const isOrdered = dice.chance(2);
  const limits = Array.from({ length: n }, () => (dice.chance(20) ? dice.pick([0n, 2n ** 64n - 1n]) : BigInt(dice.below(spread))));
  if (isOrdered) limits.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const groups = Array.from({ length: n }, () => dice.below(groupCount));
  return {
    n,
    groups,
    groupCount,
    starts: u32(starts),
    keys: bench.integers('u64', keys),
    limits: bench.integers('u64', limits),
    count: keys.length,
    u32,
  };
}

function agree(name: string, args: readonly number[], seed: number): void {
  const [mine, theirs] = bench.run(name, oracle[name], args);
  expect(`${name} ${seed}: ${mine}`).toBe(`${name} ${seed}: ${theirs}`);
  expect(`${name} ${seed}: ${bench.difference()}`).toBe(`${name} ${seed}: undefined`);
}

test('bounds, edges and prevailing rows of random groups', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const dice = new Dice(seed * 7919);
    bench.start(dice);
    const { n, groups, starts, keys, limits, u32 } = sides(dice);
    const ids = u32(groups);
    const state = u32([0, 0]);
    const out = u32(Array.from({ length: n }, () => 0));
    for (const after of [0, 1]) agree('match_bounds', [ids, limits, after, starts, keys, n, state, out], seed);
    for (const end of [0, 1]) agree('match_edges', [ids, end, starts, n, out], seed);
    // The twin's bytes hold the low bounds now; the high ones lie anywhere.
    oracle.match_bounds?.(ids, limits, 0, starts, keys, n, state, out);
    const high = u32(Array.from({ length: n }, () => dice.below(100)));
    agree('match_prevailing', [ids, limits, starts, keys, n, out, high], seed);
  }
});

test('frames that go back, empty frames, their extent', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const dice = new Dice(seed * 104_729);
    bench.start(dice);
    const n = dice.below(100);
    const low = Array.from({ length: n }, () => dice.below(50));
    if (dice.chance(2)) low.sort((a, b) => a - b);
    const high = low.map((value) => value + dice.below(4) - 1);
    const [a, b] = [low, high].map((values) =>
      bench.integers(
        'u32',
        values.map((value) => BigInt(Math.max(0, value))),
      ),
    );
    const out = bench.place(8);
    agree('frames_extent', [a ?? 0, b ?? 0, n, out], seed);
    agree('shift_frames', [a ?? 0, b ?? 0, n, 0], seed);
    const ids = bench.integers(
      'u32',
      low.map((value) => (value % 3 === 0 ? 0xffffffffn : BigInt(value))),
    );
    agree('fill_missing_u32', [99, n, ids], seed);
  }
});

test('rows and offsets in pieces of any size', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const dice = new Dice(seed * 15_485_863);
    bench.start(dice);
    const { n, groups, groupCount, starts, keys, limits, u32 } = sides(dice);
    const m = 1 + dice.below(5);
    const offsets = bench.integers(
      'i64',
      Array.from({ length: m }, () => BigInt(dice.below(200)) - 100n),
    );
    const validity = dice.chance(2) ? 0 : bench.bitmap(Array.from({ length: n }, () => !dice.chance(4)));
    const places = u32(Array.from({ length: groupCount }, () => 0));
    const cursor = u32([0, 0]);
    const capacity = dice.pick([1, 7, 64, 2_000]);
    const [rows, numbers, positions] = [0, 1, 2].map(() => bench.place(4 * capacity)) as [number, number, number];
    const ids = u32(groups);
    for (let piece = 0; piece < 20; piece++) {
      agree(
        'match_offsets',
        [0, n, ids, limits, validity, offsets, m, starts, keys, places, cursor, capacity, rows, numbers, positions],
        seed,
      );
    }
  }
});
