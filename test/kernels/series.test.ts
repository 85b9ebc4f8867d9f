import { expect, test } from 'vitest';
import { instantiateKernels } from '../../native-free/kernels.js';
import * as oracle from '../../native-free/oracle/series.js';
import { Arena } from '../../src/core/arena.js';
import { Dice } from './kernel-bench.js';

const arena = Arena.create(1, 8 * 1024 * 1024);
const kernels = instantiateKernels(arena.memory);

function words(values: readonly number[]): number {
  const address = arena.allocate(Math.max(64, values.length * 4));
  arena.i32.set(values, address / 4);
  return address;
}

function longs(values: readonly bigint[]): number {
  const address = arena.allocate(Math.max(64, values.length * 8));
  arena.i64.set(values, address / 8);
  return address;
}

const wordsAt = (address: number, count: number) => [...arena.i32.subarray(address / 4, address / 4 + count)];
const bit = (address: number, i: number) => (((arena.u8[address + (i >> 3)] ?? 0) >> (i & 7)) & 1) === 1;

/** Bitmap of what is not null. */
function bitmap(values: readonly unknown[]): number {
  const address = arena.allocate(Math.max(64, Math.ceil(values.length / 64) * 8));
  arena.u8.fill(0, address, address + Math.ceil(values.length / 64) * 8);
  values.forEach((value, i) => {
    if (value !== null) arena.u8[address + (i >> 3)] = (arena.u8[address + (i >> 3)] ?? 0) | (1 << (i & 7));
  });
  return address;
}

test.each(Array.from({ length: 60 }, (_, seed) => seed + 1))('filling between slots is what its twins say (seed %i)', (seed) => {
  const dice = new Dice(seed * 7919);
  const [places, series] = [1 + dice.below(40), 1 + dice.below(5)];
  let count = 0;
  const rows = Array.from({ length: places * series }, () => (dice.chance(3) ? count++ : -1));
  const values = Array.from({ length: count }, () => (dice.chance(6) ? null : dice.below(1000) / 8));
  const reach = dice.chance(2)
    ? null
    : Array.from({ length: places }, (_, place) => Math.min(places - 1, place + 1 + dice.below(1) + (seed % 3)));
  const grid = Array.from({ length: places }, (_, place) => place * 60 + (seed % 2 === 0 ? place * place : 0));
  const at = words(rows);
  const limit = reach ? words(reach) : 0;
  const last = words(Array.from({ length: series }, () => 0));
  const out = words(rows);
  kernels.fill_prev_rows(at, places, series, limit, last, out);
  expect(wordsAt(out, rows.length)).toEqual(oracle.fill_prev_rows(rows, series, reach));
  kernels.fill_next_rows(at, places, series, limit, last, out);
  expect(wordsAt(out, rows.length)).toEqual(oracle.fill_next_rows(rows, series, reach));
  const data = arena.allocate(Math.max(64, count * 8));
  arena.f64.set(
    values.map((value) => value ?? 0),
    data / 8,
  );
  const line = arena.allocate(Math.max(64, rows.length * 8));
  const valid = bitmap(rows.map(() => null));
  kernels.fill_linear_f64(data, bitmap(values), at, longs(grid.map(BigInt)), places, series, limit, last, line, valid);
  const found = rows.map((_, slot) => (bit(valid, slot) ? (arena.f64[line / 8 + slot] ?? 0) : null));
  expect(found).toEqual(oracle.fill_linear_f64(values, rows, grid, series, reach));
});

test('places in a grid, and buckets since an origin', () => {
  const dice = new Dice(11);
  const grid = Array.from({ length: 50 }, (_, i) => BigInt(i * 7 - 100));
  const values = Array.from({ length: 300 }, () => (dice.chance(5) ? null : BigInt(dice.below(400) - 150)));
  const out = words(values.map(() => 0));
  kernels.grid_places_i64(longs(values.map((value) => value ?? 0n)), bitmap(values), values.length, longs(grid), grid.length, out);
  expect(wordsAt(out, values.length)).toEqual(oracle.grid_places_i64(values, grid));
  const [times, origins] = [values.map((value) => value ?? 5n), values.map(() => BigInt(dice.below(100) - 50))];
  const starts = longs(times);
  kernels.bucket_since_i64(longs(times), 1, longs(origins), 1, longs([13n, 0n, 86_400n, 0n, 0n, 0n, 0n]), times.length, starts, 0);
  const buckets = [...arena.i64.subarray(starts / 8, starts / 8 + times.length)];
  expect(buckets).toEqual(times.map((time, i) => oracle.bucket_since_i64(time, origins[i] ?? 0n, 13n)));
});

test('aggregates over rows in runs are those of the rows one by one', () => {
  const dice = new Dice(5);
  const n = 64 * 20 + 17;
  const groups = Array.from({ length: n }, (_, i) => (i < 640 ? Math.floor(i / 150) : i % 64 === 5 ? 9 : 4 + Math.floor(i / 320)));
  const values = groups.map(() => BigInt(dice.below(1000) - 500));
  const floats = values.map((value) => Number(value) / 4);
  const ids = words(groups);
  const data = longs(values);
  const real = arena.allocate(n * 8);
  arena.f64.set(floats, real / 8);
  const most = 16;
  const of = (group: number) => values.filter((_, i) => groups[i] === group);
  const state = (fill: bigint) => longs(Array.from({ length: most * 2 }, () => fill));
  const [sums, counts, lows, totals, firsts, lasts] = [state(0n), state(0n), state(2n ** 62n), state(0n), state(0n), state(0n)];
  const flags = [words(Array.from({ length: most }, () => 0)), words(Array.from({ length: most }, () => 0))] as const;
  kernels.agg_sum_i64(data, 0, ids, n, sums);
  kernels.agg_count(0, ids, n, counts);
  kernels.agg_min_i64(data, 0, ids, n, lows);
  kernels.agg_sum_f64(real, 0, ids, n, totals);
  kernels.agg_first_w8(data, 0, 0, ids, n, firsts, flags[0], 0, most);
  const stamps = words(Array.from({ length: most }, () => 0));
  kernels.agg_last_w8(data, 0, 0, ids, n, lasts, flags[1], stamps, 1, most);
  for (const group of new Set(groups)) {
    const own = of(group);
    const long = (address: number) => arena.i64[address / 8 + group];
    expect(arena.i64[sums / 8 + group * 2]).toBe(own.reduce((sum, value) => sum + value, 0n));
    expect(long(counts)).toBe(BigInt(own.length));
    expect(long(lows)).toBe([...own].sort((a, b) => Number(a - b))[0]);
    expect(arena.f64[totals / 8 + group]).toBe(own.reduce((sum, value) => sum + Number(value) / 4, 0));
    expect([long(firsts), long(lasts)]).toEqual([own[0], own.at(-1)]);
  }
});
