/** Every store kernel against its plain twin, over random memory. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StoreKernels } from '../../native-free/generated/store.js';
import { instantiateKernels } from '../../native-free/kernels.js';
import { storeOracle } from '../../native-free/oracle/store.js';
import { Arena } from '../../src/core/arena.js';

const arena = Arena.create(0, 1 << 20);
const kernels = instantiateKernels(arena.memory);
const SIZE = 8192;
const [A, B, C, D, OUT, FREE] = Array.from({ length: 6 }, () => arena.allocate(SIZE)) as [number, number, number, number, number, number];
const END = FREE;

/** Runs kernel and twin over the same memory; the results must be the same, and the memory unless a check has failed. */
function same<Name extends keyof StoreKernels>(name: Name, ...args: Parameters<StoreKernels[Name]>): number | undefined {
  const bytes = arena.u8.slice(0, END);
  const run = (table: StoreKernels) => (table[name] as (...values: number[]) => number | undefined)(...(args as number[]));
  const wanted = run(storeOracle(bytes));
  const found = run(kernels);
  expect(found, name).toBe(wanted);
  const isCheck = /^(narrow|exact|multiply_exact|divide_exact)_/.test(name);
  if (!isCheck || found === -1) expect(Buffer.compare(arena.u8.slice(A, END), bytes.subarray(A, END)), `memory after ${name}`).toBe(0);
  return found;
}

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const rows = fc.nat(150);
/** 0 = no bitmap, else a bitmap of these bytes at D. */
const validities = fc.option(bytes(32), { nil: undefined });

function load(address: number, given: ArrayLike<number>): number {
  arena.u8.set(given, address);
  return address;
}

function validity(given: Uint8Array | undefined): number {
  return given === undefined ? 0 : load(D, given);
}

function loadOffsets(address: number, lengths: readonly number[]): void {
  let end = 0;
  arena.i32[address / 4] = 0;
  lengths.forEach((length, i) => {
    end += length;
    arena.i32[address / 4 + i + 1] = end;
  });
}

function loadWords(address: number, values: readonly number[]): void {
  values.forEach((value, i) => {
    arena.u32[address / 4 + i] = value;
  });
}

it('rows are grouped by their codes, NULLs last, and the first and last row of each code found', () => {
  fc.assert(
    fc.property(
      rows,
      fc.array(fc.nat(7), { minLength: 150, maxLength: 150 }),
      validities,
      fc.infiniteStream(fc.nat()),
      (n, codes, valid, places) => {
        const order = codes.slice(0, n).map((_, i) => i);
        for (let i = order.length - 1; i > 0; i--) {
          const j = (places.next().value as number) % (i + 1);
          [order[i], order[j]] = [order[j] as number, order[i] as number];
        }
        loadWords(A, codes);
        loadWords(B, order);
        same('cluster_rows', OUT, B, A, validity(valid), n, 8, C);
        same('code_rows', A, validity(valid), n, 8, C, OUT);
      },
    ),
  );
});

it('the rows of one code are found in a range, up to a number, without those that are NULL or deleted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(3), { maxLength: 150 }),
      validities,
      validities,
      fc.nat(150),
      fc.constantFrom(0, 1, 5, 30, 200),
      fc.boolean(),
      (codes, valid, alive, at, most, counts) => {
        loadWords(A, codes);
        const first = Math.min(at, codes.length);
        const aliveAt = alive === undefined ? 0 : load(C, alive);
        same('rows_of_code', A, validity(valid), aliveAt, first, codes.length, 2, most, counts ? 0 : OUT);
      },
    ),
  );
});

it('the newest row of each code is carried on over rows that come later', () => {
  const row = fc.tuple(fc.nat(5), fc.bigInt({ min: -4n, max: 4n }));
  fc.assert(
    fc.property(fc.array(row, { maxLength: 90 }), validities, fc.nat(90), (given, valid, at) => {
      const [codes, times, best, newest] = [A, A + 1024, C, C + 64];
      loadWords(
        codes,
        given.map(([code]) => code),
      );
      given.forEach(([, time], i) => {
        arena.i64[times / 8 + i] = time;
      });
      loadWords(newest, Array(7).fill(0xffffffff));
      const middle = Math.min(at, given.length);
      same('newest_rows', codes, validity(valid), times, 0, middle, 6, best, newest);
      same('newest_rows', codes, validity(valid), times, middle, given.length, 6, best, newest);
    }),
  );
});

it('the last row of each code is found over rows and segments in any order', () => {
  const code = fc.nat(5);
  const step = fc.record({
    segment: fc.nat(3),
    rows: fc.array(fc.tuple(code, fc.bigInt({ min: -4n, max: 4n }), fc.nat(20)), { maxLength: 70 }),
    mask: fc.option(bytes(16), { nil: undefined }),
    valid: fc.option(bytes(16), { nil: undefined }),
    last: fc.array(fc.oneof(fc.constant(0xffffffff), fc.nat(9)), { minLength: 7, maxLength: 7 }),
  });
  // best, segments and rows of the codes; out after them.
  const [best, segments, found, out] = [C, C + 64, C + 128, C + 192];
  fc.assert(
    fc.property(fc.array(step, { maxLength: 5 }), fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }), (steps, wanted) => {
      loadWords(
        segments,
        wanted.map((is) => (is ? 0xffffffff : 0xfffffffe)),
      );
      for (const { segment, rows: given, mask, valid, last } of steps) {
        const [codes, times, numbers] = [A, A + 1024, A + 4096];
        loadWords(
          codes,
          given.map(([c]) => c),
        );
        given.forEach(([, time], i) => {
          arena.i64[times / 8 + i] = time;
        });
        loadWords(
          numbers,
          given.map(([, , row]) => row),
        );
        const chosen = mask === undefined ? 0 : load(B, mask);
        const validAt = validity(valid);
        same('latest_rows', codes, validAt, times, numbers, chosen, given.length, 6, segment, best, segments, found);
        same('latest_least', 6, best, segments, out);
        same('latest_ties', codes, validAt, times, numbers, chosen, given.length, 6, best, segments, out);
        loadWords(B + 64, last);
        if (given.length >= 10) same('latest_candidates', B + 64, times, 6, segment, best, segments, found);
        same('latest_take', 6, segment, segments, found, out);
      }
    }),
  );
});

it('bitmaps: move, fill, trim, count, find, remove, permute', () => {
  fc.assert(
    fc.property(bytes(64), bytes(64), fc.nat(70), fc.nat(70), rows, (source, target, from, to, n) => {
      load(A, source);
      load(OUT, target);
      same('move_bits', OUT, to, A, from, n);
      same('fill_bits', OUT, from, n);
      same('tally_bits', A, from, n);
      same('find_clear_bit', OUT, from, n);
      same('trim_bits', OUT, n);
      same('remove_bits', OUT, A, n);
      loadWords(
        B,
        Array.from({ length: n }, (_, i) => (i * 31 + from) % 200),
      );
      same('permute_bits', OUT, A, B, n);
    }),
  );
});

it('rows are permuted at every width', () => {
  fc.assert(
    fc.property(bytes(2400), rows, fc.nat(), (source, n, salt) => {
      load(A, source);
      loadWords(
        B,
        Array.from({ length: n }, (_, i) => (i * 7 + salt) % 150),
      );
      for (const name of ['permute_8', 'permute_16', 'permute_32', 'permute_64', 'permute_128'] as const) same(name, OUT, A, B, n);
    }),
  );
});

it('offsets, bytes and lists are permuted, shifted, stepped and tiled', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(20), { maxLength: 60 }),
      bytes(1200),
      fc.nat(),
      fc.integer({ min: -50, max: 50 }),
      (lengths, values, salt, delta) => {
        const n = lengths.length;
        loadOffsets(A, lengths);
        load(C, values);
        loadWords(
          B,
          Array.from({ length: n }, (_, i) => (i + salt) % n),
        );
        same('permute_offsets', OUT, A, B, n);
        same('permute_bytes', OUT, A, C, B, n);
        same('permute_ranges', OUT, A, B, n);
        same('shift_offsets', OUT, A, delta, n);
        same('step_offsets', OUT, delta, n);
        same('tile_bytes', OUT, C, salt % 17, n);
        same('sum_lengths', OUT, B, delta, n);
      },
    ),
  );
});

const interesting = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -300n, max: 300n }),
  fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 31n, 2n ** 32n, -1n, 0n),
);

it('integers widen and narrow, and say which row does not fit', () => {
  fc.assert(
    fc.property(fc.array(interesting, { maxLength: 40 }), validities, fc.bigInt({ min: 1n, max: 10n ** 10n }), (values, valid, factor) => {
      const n = values.length;
      values.forEach((value, i) => {
        arena.i64[A / 8 + i] = value;
      });
      const v = validity(valid);
      for (const name of ['narrow_i8', 'narrow_i16', 'narrow_i32', 'narrow_u8', 'narrow_u16', 'narrow_u32'] as const)
        same(name, OUT, A, v, n);
      for (const name of ['widen_i8', 'widen_i16', 'widen_i32', 'widen_u8', 'widen_u16', 'widen_u32'] as const) same(name, OUT, A, n);
      for (const name of ['exact_f64_i64', 'exact_f64_u64'] as const) same(name, OUT, A, v, n);
      same('find_negative_i64', A, v, n);
      arena.i64[B / 8] = factor;
      same('multiply_exact_i64', OUT, A, B, v, n);
      same('divide_exact_i64', OUT, A, B, v, n);
      same('widen_i128', OUT, A, 0, n);
      same('widen_i128', OUT, A, 1, n);
      arena.i64[B / 8] = BigInt.asIntN(64, 10n ** 25n);
      arena.i64[B / 8 + 1] = (10n ** 25n) >> 64n;
      if (same('multiply_exact_i128', C, OUT, n % 8, B, v, n) === -1) same('multiply_exact_i128', OUT, C, 0, B, v, n);
    }),
  );
});

it('floats are narrowed only when nothing is lost', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.float(), fc.double({ noNaN: true })), { maxLength: 40 }), validities, (values, valid) => {
      values.forEach((value, i) => {
        arena.f64[A / 8 + i] = value;
        arena.f32[B / 4 + i] = Number.isNaN(value) ? 0 : value;
      });
      same('exact_f32_f64', OUT, A, validity(valid), values.length);
      same('widen_f32', OUT, B, values.length);
    }),
  );
});

it('the checksum is CRC32C', () => {
  load(A, Buffer.from('123456789'));
  expect(kernels.crc32c(A, 9, 0) >>> 0).toBe(0xe3069283);
  fc.assert(
    fc.property(bytes(300), fc.nat(40), fc.nat(250), (values, from, n) => {
      load(A, values);
      const whole = same('crc32c', A + from, n, 0);
      const half = n >> 1;
      expect(kernels.crc32c(A + from + half, n - half, kernels.crc32c(A + from, half, 0))).toBe(whole);
    }),
  );
});

it('sorting is stable, and disorder is found', () => {
  const keys = fc.oneof(fc.array(interesting, { maxLength: 100 }), fc.array(fc.bigInt({ min: -5n, max: 5n }), { maxLength: 100 }));
  const scratch = arena.allocate(100 * 20 + 8192);
  fc.assert(
    fc.property(keys, (values) => {
      values.forEach((value, i) => {
        arena.i64[A / 8 + i] = value;
      });
      same('find_unsorted_i64', A, values.length);
      same('sort_rows_i64', OUT, A, values.length, scratch);
    }),
  );
});

it('zones are the least and the greatest valid value, NaN the greatest of all', () => {
  const special = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1.5);
  fc.assert(
    fc.property(
      bytes(800),
      fc.array(fc.oneof(fc.double({ noNaN: true }), special), { maxLength: 50 }),
      validities,
      (raw, floats, valid) => {
        const v = validity(valid);
        const n = Math.min(50, floats.length);
        load(A, raw);
        const integers = [
          'zone_i8',
          'zone_i16',
          'zone_i32',
          'zone_i64',
          'zone_u8',
          'zone_u16',
          'zone_u32',
          'zone_u64',
          'zone_i128',
        ] as const;
        for (const name of integers) same(name, A, v, n, OUT);
        floats.forEach((value, i) => {
          arena.f64[B / 8 + i] = value;
          arena.f32[C / 4 + i] = value;
        });
        const positive = (values: readonly (number | undefined)[]) => values.map((value) => (value === 0 ? 0 : value));
        const wanted = floats.slice(0, n).filter((_, i) => v === 0 || (((arena.u8[v + (i >> 3)] as number) >> (i & 7)) & 1) === 1);
        const numbers = wanted.filter((value) => !Number.isNaN(value));
        const least = numbers.length > 0 ? Math.min(...numbers) : Number.NaN;
        const most = wanted.length > numbers.length ? Number.NaN : Math.max(...numbers);
        expect(kernels.zone_f64(B, v, n, OUT)).toBe(wanted.length > 0 ? 1 : 0);
        if (wanted.length > 0) expect(positive([arena.f64[OUT / 8], arena.f64[OUT / 8 + 1]])).toEqual(positive([least, most]));
        expect(kernels.zone_f32(C, v, n, OUT)).toBe(wanted.length > 0 ? 1 : 0);
        if (wanted.length > 0) {
          const narrow = [Math.fround(least), Math.fround(most)];
          expect(positive([arena.f32[OUT / 4], arena.f32[OUT / 4 + 1]])).toEqual(positive(narrow));
        }
      },
    ),
  );
});

it('zones of text follow the order of bytes', () => {
  const words = fc.array(fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('', 'aaaaaaaab', 'aaaaaaaa', 'ä')), { maxLength: 40 });
  fc.assert(
    fc.property(words, validities, (given, valid) => {
      const encoded = given.map((word) => Buffer.from(word));
      loadOffsets(
        A,
        encoded.map((word) => word.length),
      );
      load(B, Buffer.concat(encoded));
      same('zone_bytes', A, B, validity(valid), given.length, OUT);
    }),
  );
});

it('a dictionary gives equal values equal codes, through a rehash and another dictionary', () => {
  const word = fc.oneof(fc.constantFrom('', 'a', 'ab', 'abc', 'abcd', 'abcdefg', 'abcdefgh', 'abcdefghi'), fc.string({ maxLength: 20 }));
  const [slots, offsets, values, state] = [4096, 4096, 16384, 64].map((size) => arena.allocate(size)) as [number, number, number, number];
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), validities, fc.nat(9), (given, valid, first) => {
      const n = Math.max(0, given.length - first);
      const encoded = given.map((text) => Buffer.from(text));
      loadOffsets(
        A,
        encoded.map((text) => text.length),
      );
      load(B, Buffer.concat(encoded));
      const v = validity(valid);
      const reset = () => {
        loadWords(state, [slots, 511, offsets, values, 0]);
        arena.i32[offsets / 4] = 0;
        kernels.rehash_dictionary(state);
      };
      const twice = (run: (table: StoreKernels) => void) => {
        reset();
        const copy = arena.u8.slice();
        run(storeOracle(copy));
        run(kernels);
        const count = arena.u32[state / 4 + 4] as number;
        const end = arena.i32[offsets / 4 + count] as number;
        for (const [from, size] of [
          [OUT, 4 * n],
          [offsets, 4 * count + 4],
          [values, end],
        ] as const) {
          expect(Buffer.compare(arena.u8.slice(from, from + size), copy.subarray(from, from + size))).toBe(0);
        }
      };
      twice((table) => table.encode_bytes(OUT, state, A, B, v, first, n));
      kernels.rehash_dictionary(state);
      const before = arena.u32[state / 4 + 4];
      kernels.encode_bytes(OUT, state, A, B, v, first, n);
      expect(arena.u32[state / 4 + 4]).toBe(before);
      loadWords(
        C,
        Array.from({ length: n + first }, (_, i) => (i * 5) % Math.max(1, given.length)),
      );
      const map = arena.allocate(given.length * 4 + 4);
      if (given.length > 0) {
        twice((table) => {
          if (table === kernels) arena.u8.fill(255, map, map + given.length * 4);
          else table.fill_bytes(map, 255, given.length * 4);
          table.encode_codes(OUT, state, C, A, B, map, v, first, n);
        });
        const total = same('spell_offsets', OUT, C, A, v, first, n);
        expect(total).toBe(arena.i32[OUT / 4 + n]);
        arena.u8.copyWithin(D + 4096, OUT, OUT + 4 * n + 4);
        same('spell_bytes', OUT, D + 4096, C, A, B, first, n);
        arena.u8.fill(0, OUT, OUT + 64);
        same('mark_codes', OUT, C, v === 0 ? 0 : D, n);
      }
      arena.free(map);
    }),
  );
});

it('rows that are alive are numbered, in any order', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(149), { maxLength: 150 }),
      validities,
      fc.nat(1000),
      fc.boolean(),
      (order, alive, base, isOrdered) => {
        loadWords(A, order);
        same('alive_rows', isOrdered ? A : 0, order.length, validity(alive), base, OUT);
      },
    ),
  );
});

it('two lists of rows are merged by time, piece by piece, equal times in their order', () => {
  const time = fc.bigInt({ min: -9n, max: 9n });
  fc.assert(
    fc.property(fc.array(time, { maxLength: 60 }), fc.array(time, { maxLength: 60 }), fc.integer({ min: 1, max: 70 }), (a, b, most) => {
      const [first, second, state] = [B, C, D];
      [...a, ...b].forEach((value, i) => {
        arena.i64[A / 8 + i] = value;
      });
      const byTime = (values: bigint[], base: number) =>
        values
          .map((value, i) => ({ value, i }))
          .sort((x, y) => Number(x.value - y.value) || x.i - y.i)
          .map(({ i }) => base + i);
      loadWords(first, byTime(a, 0));
      loadWords(second, byTime(b, a.length));
      loadWords(state, [0, 0]);
      for (let done = 0; done === 0; ) done = same('merge_rows_i64', A, first, a.length, second, b.length, OUT, state, most) ?? 1;
    }),
  );
});

it('rows of several sources are split by these', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(12), { minLength: 1, maxLength: 9 }), fc.infiniteStream(fc.nat()), (sizes, places) => {
      const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((sum, size) => sum + size, 0));
      const order = Array.from({ length: ends.at(-1) ?? 0 }, (_, i) => i).filter(() => (places.next().value as number) % 3 > 0);
      order.sort(() => ((places.next().value as number) % 2 === 0 ? 1 : -1));
      loadWords(A, order);
      loadWords(B, ends);
      same('split_rows', A, order.length, B, sizes.length, C, D, OUT);
    }),
  );
});
