/** Kernels that update several states at once, or whole runs of rows, leave the bits that the kernels of single states leave. */
import { expect, test } from 'vitest';
import { instantiateKernels } from '../../native-free/kernels.js';
import { Arena } from '../../src/core/arena.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import { Dice } from './kernel-bench.js';

const arena = Arena.create(1, 8 * 1024 * 1024);
const kernels = instantiateKernels(arena.memory);
const GROUPS = 12;
const ODD = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0];

type Physical = 'i8' | 'i16' | 'i32' | 'i64' | 'u8' | 'u16' | 'u32' | 'u64' | 'f32' | 'f64';
const PHYSICALS: readonly Physical[] = ['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f32', 'f64'];
const WIDTHS = { i8: 1, i16: 2, i32: 4, i64: 8, u8: 1, u16: 2, u32: 4, u64: 8, f32: 4, f64: 8 } as const;

/** One run of random rows: values, a group for each, and the same groups as runs. */
class Rows {
  readonly scope = new MemoryScope(arena);
  readonly groups: readonly number[];
  readonly n: number;
  private readonly dice: Dice;

  constructor(seed: number, length: number) {
    this.dice = new Dice(seed);
    const groups: number[] = [];
    while (groups.length < length) {
      const group = this.dice.below(GROUPS);
      const run = this.dice.chance(3) ? 1 + this.dice.below(300) : 1 + this.dice.below(3);
      for (let i = 0; i < run && groups.length < length; i++) groups.push(group);
    }
    this.groups = groups;
    this.n = length;
  }

  room(bytes: number): number {
    return this.scope.allocateZeroed(Math.max(64, bytes + 512));
  }

  words(values: readonly number[]): number {
    const address = this.room(values.length * 4);
    arena.u32.set(values, address / 4);
    return address;
  }

  values(physical: Physical): number {
    const address = this.room(this.n * WIDTHS[physical]);
    const view = new DataView(arena.memory.buffer);
    const float = () => (this.dice.chance(40) ? (ODD[this.dice.below(ODD.length)] as number) : (this.dice.below(2000) - 1000) / 7);
    for (let i = 0; i < this.n; i++) {
      if (physical === 'f64') view.setFloat64(address + i * 8, float(), true);
      else if (physical === 'f32') view.setFloat32(address + i * 4, float(), true);
      else for (let b = 0; b < WIDTHS[physical]; b++) view.setUint8(address + i * WIDTHS[physical] + b, this.dice.below(256));
    }
    return address;
  }

  runs(): { ids: number; ends: number; runs: number } {
    const starts = this.groups.flatMap((group, i) => (i === 0 || this.groups[i - 1] !== group ? [i] : []));
    const ends = [...starts.slice(1), this.n];
    return { ids: this.words(starts.map((start) => this.groups[start] ?? 0)), ends: this.words(ends), runs: starts.length };
  }

  /** States of one element per group, all of the value that every other replaces. */
  worst(kind: 'min' | 'max', physical: Physical): number {
    const width = WIDTHS[physical];
    const address = this.room(GROUPS * width);
    const view = new DataView(arena.memory.buffer);
    for (let g = 0; g < GROUPS; g++) {
      if (physical === 'f64') view.setFloat64(address + g * 8, kind === 'max' ? Number.NEGATIVE_INFINITY : Number.NaN, true);
      else if (physical === 'f32') view.setFloat32(address + g * 4, kind === 'max' ? Number.NEGATIVE_INFINITY : Number.NaN, true);
      else {
        const signed = physical.startsWith('i');
        const all = kind === 'max' ? 0 : 255;
        for (let b = 0; b < width; b++) view.setUint8(address + g * width + b, all);
        if (signed) view.setUint8(address + g * width + width - 1, kind === 'max' ? 0x80 : 0x7f);
      }
    }
    return address;
  }
}

const bytes = (address: number, count: number): number[] => [...arena.u8.subarray(address, address + count)];
const lengths = [1, 63, 64, 65, 640, 1000];

function eachRows(body: (rows: Rows) => void): void {
  for (let seed = 1; seed <= 5; seed++) {
    for (const length of lengths) {
      const rows = new Rows(seed * 31 + length, length);
      try {
        body(rows);
      } finally {
        rows.scope.release();
      }
    }
  }
}

test.each(PHYSICALS)('smallest, largest and last value of %s in one pass', (physical) => {
  eachRows((rows) => {
    const width = WIDTHS[physical];
    const [values, groups] = [rows.values(physical), rows.words(rows.groups)];
    const single = [rows.worst('min', physical), rows.worst('max', physical), rows.room(GROUPS * 8), rows.room(GROUPS)] as const;
    kernels[`agg_min_${physical}`](values, 0, groups, rows.n, single[0]);
    kernels[`agg_max_${physical}`](values, 0, groups, rows.n, single[1]);
    kernels[`agg_last_w${width}`](values, 0, 0, groups, rows.n, single[2], single[3], rows.room(GROUPS * 4), 1, 0xffffffff);
    for (const wanted of [
      [true, true, true],
      [true, true, false],
      [true, false, true],
      [false, true, true],
    ] as const) {
      const joint = [rows.worst('min', physical), rows.worst('max', physical), rows.room(GROUPS * 8), rows.room(GROUPS)] as const;
      const [least, most, last] = wanted.map((is, i) => (is ? (joint[i] ?? 0) : 0)) as [number, number, number];
      kernels[`agg_spread_${physical}`](values, groups, rows.n, least, most, last, last === 0 ? 0 : joint[3]);
      wanted.forEach((is, i) => {
        if (is) expect(bytes(joint[i] ?? 0, GROUPS * width)).toEqual(bytes(single[i] ?? 0, GROUPS * width));
      });
      if (wanted[2]) expect(bytes(joint[3], GROUPS)).toEqual(bytes(single[3], GROUPS));
    }
  });
});

test('bounds side by side are the smallest and largest float64 values, but for NaN', () => {
  eachRows((rows) => {
    const [values, groups] = [rows.values('f64'), rows.words(rows.groups)];
    const isOdd = [...arena.f64.subarray(values / 8, values / 8 + rows.n)].some(Number.isNaN);
    for (const [hasLast, hasFlags] of [
      [false, false],
      [true, false],
      [true, true],
    ]) {
      const single = [rows.worst('min', 'f64'), rows.worst('max', 'f64'), rows.room(GROUPS * 8), rows.room(GROUPS)] as const;
      kernels.agg_spread_f64(values, groups, rows.n, ...single);
      const joint = [rows.worst('min', 'f64'), rows.worst('max', 'f64'), rows.room(GROUPS * 8), rows.room(GROUPS)] as const;
      const bounds = rows.room(GROUPS * 16);
      arena.f64.fill(Number.POSITIVE_INFINITY, bounds / 8, bounds / 8 + GROUPS * 2);
      const found = kernels.agg_bounds_f64(values, groups, rows.n, bounds, hasLast ? joint[2] : 0, hasFlags ? joint[3] : 0);
      expect(found).toBe(isOdd ? 1 : 0);
      // Twice is once.
      for (let i = 0; i < 2; i++) kernels.agg_settle_bounds_f64(bounds, GROUPS, joint[0], joint[1]);
      if (isOdd) kernels.agg_min_f64(values, 0, groups, rows.n, joint[0]);
      if (isOdd) kernels.agg_max_f64(values, 0, groups, rows.n, joint[1]);
      expect(floats(joint[0])).toEqual(floats(single[0]));
      expect(floats(joint[1])).toEqual(floats(single[1]));
      if (hasLast) expect(floats(joint[2])).toEqual(floats(single[2]));
      if (hasFlags) expect(bytes(joint[3], GROUPS)).toEqual(bytes(single[3], GROUPS));
    }
  });
});

/** Some rows. */
function someRows(rows: Rows): number {
  const mask = rows.room((rows.n >> 3) + 8);
  for (let i = 0; i < rows.n; i++)
    if ((i * 7) % 5 < 3 || i % 256 < 70) arena.u8[mask + (i >> 3)] = (arena.u8[mask + (i >> 3)] ?? 0) | (1 << (i & 7));
  return mask;
}

const floats = (address: number) => [...arena.f64.subarray(address / 8, address / 8 + GROUPS)];

function asFloats(rows: Rows, values: number, physical: Physical): number {
  if (physical === 'f64') return values;
  const out = rows.room(rows.n * 8);
  kernels[`cast_${physical as 'i64'}_f64`](values, rows.n, out, 0, 0);
  return out;
}

test.each(['f64', 'i64', 'i32'] as const)('sums of products with %s are the sums of a vector of products', (second) => {
  for (const first of ['f64', 'i64', 'i32'] as const) {
    eachRows((rows) => {
      const groups = rows.words(rows.groups);
      const [a, b] = [rows.values(first), rows.values(second)];
      const products = rows.room(rows.n * 8);
      kernels.multiply_f64(asFloats(rows, a, first), 1, asFloats(rows, b, second), 1, rows.n, products, 0);
      for (const ids of [0, groups]) {
        for (const mask of [0, someRows(rows)]) {
          const [wanted, found] = [rows.room(GROUPS * 8), rows.room(GROUPS * 8)];
          kernels.agg_sum_f64(products, mask, ids, rows.n, wanted);
          kernels[`agg_sum_product_${first}_${second}`](a, b, mask, ids, rows.n, found);
          expect(floats(found)).toEqual(floats(wanted));
        }
      }
    });
  }
});

test.each(['f64', 'i64', 'i32'] as const)('sums of products and weights of %s in one pass', (second) => {
  for (const first of ['f64', 'i64', 'i32'] as const) {
    eachRows((rows) => {
      const groups = rows.words(rows.groups);
      const [a, b] = [rows.values(first), rows.values(second)];
      for (const mask of [0, someRows(rows)]) {
        const single = [rows.room(GROUPS * 8), rows.room(GROUPS * 8)] as const;
        const joint = [rows.room(GROUPS * 8), rows.room(GROUPS * 8)] as const;
        kernels[`agg_sum_product_${first}_${second}`](a, b, mask, groups, rows.n, single[0]);
        kernels.agg_sum_f64(asFloats(rows, b, second), mask, groups, rows.n, single[1]);
        kernels[`agg_weighted_${first}_${second}`](a, b, mask, groups, rows.n, joint[0], joint[1]);
        expect(joint.map(floats)).toEqual(single.map(floats));
        if (second === 'f64') continue;
        const [products, sums, others] = [rows.room(GROUPS * 8), rows.room(GROUPS * 8), rows.room(GROUPS * 8)];
        const bits = kernels[`agg_weighted_whole_${first}_${second}`](a, b, mask, groups, rows.n, products, sums);
        expect(bits).toBe(kernels[`agg_add_${second}`](b, mask, groups, rows.n, others));
        expect(floats(products)).toEqual(floats(single[0]));
        expect(bytes(sums, GROUPS * 8)).toEqual(bytes(others, GROUPS * 8));
      }
    });
  }
});

test.each(['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32'] as const)('sums of %s in 64 bits are carried into those in 128', (physical) => {
  eachRows((rows) => {
    const values = rows.values(physical);
    // Values of 64 bits are made small enough for their sums to fit.
    const longs = physical === 'i64' ? arena.i64.subarray(values / 8, values / 8 + rows.n) : [];
    longs.forEach((value, i) => {
      longs[i] = value >> 12n;
    });
    for (const ids of [0, rows.words(rows.groups)]) {
      for (const mask of [0, someRows(rows)]) {
        const [wanted, found, sums] = [rows.room(GROUPS * 16), rows.room(GROUPS * 16), rows.room(GROUPS * 8)];
        kernels[`agg_sum_${physical}`](values, mask, ids, rows.n, wanted);
        const bits = kernels[`agg_add_${physical}`](values, mask, ids, rows.n, sums);
        expect(bits).toBeLessThanOrEqual(physical === 'i64' ? 51 : WIDTHS[physical] * 8);
        kernels.agg_carry_i64(sums, GROUPS, found);
        expect(bytes(found, GROUPS * 16)).toEqual(bytes(wanted, GROUPS * 16));
        expect(bytes(sums, GROUPS * 8)).toEqual(bytes(rows.room(GROUPS * 8), GROUPS * 8));
      }
    }
  });
});

test('int64 sums that do not fit are taken back', () => {
  eachRows((rows) => {
    const [values, groups] = [rows.values('i64'), rows.words(rows.groups)];
    for (const mask of [0, someRows(rows)]) {
      const [sums, before] = [rows.room(GROUPS * 8), rows.room(GROUPS * 8)];
      for (const at of [sums, before]) arena.i64.fill(123_456_789n, at / 8, at / 8 + GROUPS);
      kernels.agg_add_i64(values, mask, groups, rows.n, sums);
      kernels.agg_take_i64(values, mask, groups, rows.n, sums);
      expect(bytes(sums, GROUPS * 8)).toEqual(bytes(before, GROUPS * 8));
    }
  });
});

test('codes are seen where rows have them', () => {
  eachRows((rows) => {
    const codes = rows.words(rows.groups);
    for (const mask of [0, someRows(rows)]) {
      const isThere = (i: number) => mask === 0 || ((arena.u8[mask + (i >> 3)] ?? 0) >> (i & 7)) % 2 === 1;
      const wanted = [...new Set(rows.groups.filter((group, i) => group >= 4 && group < 9 && isThere(i)))];
      const order = rows.room(5 * 4);
      expect(kernels.codes_seen(codes, mask, rows.n, 4, 5, rows.room(5), order)).toBe(wanted.length);
      expect([...arena.u32.subarray(order / 4, order / 4 + wanted.length)]).toEqual(wanted);
    }
  });
});

test.each(PHYSICALS)('runs of rows of %s are added as rows one by one', (physical) => {
  eachRows((rows) => {
    const width = WIDTHS[physical];
    const [values, groups] = [rows.values(physical), rows.words(rows.groups)];
    const { ids, ends, runs } = rows.runs();
    const same = (bytesEach: number, single: number, inRuns: number): void =>
      expect(bytes(inRuns, GROUPS * bytesEach)).toEqual(bytes(single, GROUPS * bytesEach));
    for (const kind of ['min', 'max'] as const) {
      const [single, inRuns] = [rows.worst(kind, physical), rows.worst(kind, physical)];
      kernels[`agg_${kind}_${physical}`](values, 0, groups, rows.n, single);
      kernels[`agg_${kind}_runs_${physical}`](values, ids, ends, runs, inRuns);
      same(width, single, inRuns);
    }
    for (const last of [0, 1]) {
      const [single, inRuns, flags, runFlags] = [rows.room(GROUPS * 8), rows.room(GROUPS * 8), rows.room(GROUPS), rows.room(GROUPS)];
      if (last === 1) kernels[`agg_last_w${width}`](values, 0, 0, groups, rows.n, single, flags, rows.room(GROUPS * 4), 1, GROUPS);
      else kernels[`agg_first_w${width}`](values, 0, 0, groups, rows.n, single, flags, 0, GROUPS);
      const added = kernels.agg_edge_runs(last, width, values, ids, ends, runs, inRuns, runFlags);
      expect(added).toBe(new Set(rows.groups).size);
      same(width, single, inRuns);
      same(1, flags, runFlags);
    }
    const [single, inRuns] = [rows.room(GROUPS * 16), rows.room(GROUPS * 16)];
    kernels.agg_count(0, groups, rows.n, single);
    kernels.agg_count_runs(ids, ends, runs, inRuns);
    same(8, single, inRuns);
    if (physical === 'f32') return;
    const [sums, sumsOfRuns] = [rows.room(GROUPS * 16), rows.room(GROUPS * 16)];
    kernels[`agg_sum_${physical}`](values, 0, groups, rows.n, sums);
    kernels[`agg_sum_runs_${physical}`](values, ids, ends, runs, sumsOfRuns);
    if (physical !== 'f64') same(16, sums, sumsOfRuns);
    else {
      expect(floats(sumsOfRuns)).toEqual(floats(sums));
    }
  });
});

test('first rows are found in groups that are not settled, however many are', () => {
  eachRows((rows) => {
    // Groups in the order of their first rows, as a table numbers them.
    const order = [...new Set(rows.groups)];
    const own = rows.groups.map((group) => order.indexOf(group));
    const [values, groups] = [rows.values('i64'), rows.words(own)];
    const [states, flags] = [rows.room(GROUPS * 8), rows.room(GROUPS)];
    const settled = Math.floor(order.length / 2);
    arena.u8.fill(1, flags, flags + settled);
    expect(kernels.agg_first_w8(values, 0, 0, groups, rows.n, states, flags, settled, order.length)).toBe(order.length - settled);
    const wanted = order.map((_, group) => (group < settled ? 0n : arena.i64[values / 8 + own.indexOf(group)]));
    expect([...arena.i64.subarray(states / 8, states / 8 + order.length)]).toEqual(wanted);
  });
});

test('ids of pairs with one id in runs are those of pairs row by row', () => {
  eachRows((rows) => {
    const [stride, height] = [16, 16];
    const runIds = rows.words(rows.groups);
    const { ids, ends, runs } = rows.runs();
    const other = rows.words(rows.groups.map((_, i) => (i * i) % 13));
    for (const runsFirst of [0, 1]) {
      const [table, map, keys, out] = [rows.room(64), rows.room(stride * height * 4), rows.room(256 * 8), rows.room(rows.n * 4)];
      const [table2, map2, keys2, out2] = [rows.room(64), rows.room(stride * height * 4), rows.room(256 * 8), rows.room(rows.n * 4)];
      arena.u32[table / 4 + 2] = keys;
      arena.u32[table2 / 4 + 2] = keys2;
      const [added, added2] = [rows.room(256 * 4), rows.room(256 * 4)];
      arena.u32[table / 4 + 5] = added;
      arena.u32[table2 / 4 + 5] = added2;
      const [a, b] = runsFirst === 1 ? [runIds, other] : [other, runIds];
      kernels.encode_pairs_direct(table, map, stride, a, b, 0, rows.n, out);
      kernels.encode_pairs_runs(table2, map2, stride, other, ids, ends, runs, runsFirst, out2);
      expect(bytes(out2, rows.n * 4)).toEqual(bytes(out, rows.n * 4));
      expect(arena.u32[table2 / 4 + 3]).toBe(arena.u32[table / 4 + 3]);
      expect(bytes(keys2, 256 * 8)).toEqual(bytes(keys, 256 * 8));
      const pairs = rows.groups.map((group, i) => `${group} ${(i * i) % 13}`);
      const firstRows = [...new Set(pairs)].map((pair) => pairs.indexOf(pair));
      for (const each of [added, added2]) expect([...arena.u32.subarray(each / 4, each / 4 + firstRows.length)]).toEqual(firstRows);
    }
  });
});
