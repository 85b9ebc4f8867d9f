import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instantiateKernels } from '../../../native-free/kernels.js';
import * as oracle from '../../../native-free/oracle/relation.js';
import { Arena } from '../../../src/core/arena.js';
import { MemoryScope, Scratch } from '../../../src/core/memory-scope.js';
import { INT64, UTF8 } from '../../../src/core/types.js';
import { FixedEncoder } from '../../../src/query/execution/aggregate/key-encoder.js';
import { TextEncoder32 } from '../../../src/query/execution/aggregate/text-encoder.js';
import { sortRows } from '../../../src/query/execution/sort/sort-rows.js';
import { vectorOf } from '../../../src/query/expression/vector-values.js';

const arena = Arena.create(0, 1 << 27);
const kernels = instantiateKernels(arena.memory);
const NO_ID = 0xffffffff;

/** Runs with memory that is free afterwards. */
function withScope<T>(body: (scope: MemoryScope, context: { arena: Arena; kernels: typeof kernels; scratch: Scratch }) => T): T {
  const scope = new MemoryScope(arena);
  try {
    return body(scope, { arena, kernels, scratch: new Scratch(scope) });
  } finally {
    scope.release();
  }
}

function maskOf(bits: readonly boolean[], scope: MemoryScope): number {
  const address = scope.allocateZeroed(Math.ceil(bits.length / 64) * 8 + 8);
  for (const [i, bit] of bits.entries()) if (bit) arena.u8[address + (i >> 3)] = (arena.u8[address + (i >> 3)] as number) | (1 << (i & 7));
  return address;
}

function words(values: readonly number[], scope: MemoryScope): number {
  const address = scope.allocate(values.length * 4 + 64);
  arena.u32.set(values, address / 4);
  return address;
}

function longs(values: readonly number[], scope: MemoryScope): number {
  const address = scope.allocate(values.length * 8 + 64);
  arena.i64.set(values.map(BigInt), address / 8);
  return address;
}

const rowsOf = <T>(value: fc.Arbitrary<T>) => fc.array(fc.tuple(value, fc.boolean(), fc.nat(6)), { maxLength: 300 });
const anyI64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -5n, max: 5n }));

describe('sums', () => {
  it('of float64 add in the order of the contract, bit for bit', () => {
    fc.assert(
      fc.property(rowsOf(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 })), (rows) => {
        withScope((scope) => {
          const values = scope.allocate(rows.length * 8 + 64);
          arena.f64.set(
            rows.map((row) => row[0]),
            values / 8,
          );
          const counts = rows.map((row) => row[1]);
          const state = scope.allocateZeroed(64);
          kernels.agg_sum_f64(values, maskOf(counts, scope), 0, rows.length, state);
          expect(arena.f64[state / 8]).toBe(
            oracle.agg_sum_f64(
              rows.map((row) => row[0]),
              counts,
              0,
            ),
          );
          const groups = rows.map((row) => row[2]);
          const states = scope.allocateZeroed(64);
          kernels.agg_sum_f64(values, maskOf(counts, scope), words(groups, scope), rows.length, states);
          const expected = oracle.agg_sum_grouped(
            rows.map((row) => row[0]),
            counts,
            groups,
            Array.from({ length: 7 }, () => 0),
          );
          expect(Array.from({ length: 7 }, (_, group) => arena.f64[states / 8 + group])).toEqual(expected);
        });
      }),
    );
  });

  it('of int64 are exact in 128 bits, in one group and in several', () => {
    fc.assert(
      fc.property(rowsOf(anyI64), (rows) => {
        withScope((scope) => {
          const values = scope.allocate(rows.length * 8 + 64);
          for (const [i, row] of rows.entries()) arena.i64[values / 8 + i] = row[0];
          const counts = rows.map((row) => row[1]);
          const mask = maskOf(counts, scope);
          const groups = rows.map((row) => row[2]);
          const wide = (at: number): bigint => ((arena.i64[at / 8 + 1] as bigint) << 64n) + (arena.u64[at / 8] as bigint);
          const state = scope.allocateZeroed(64);
          kernels.agg_sum_i64(values, mask, 0, rows.length, state);
          expect(wide(state)).toBe(rows.reduce((sum, row) => (row[1] ? sum + row[0] : sum), 0n));
          const states = scope.allocateZeroed(16 * 7);
          kernels.agg_sum_i64(values, mask, words(groups, scope), rows.length, states);
          const expected = oracle.agg_sum_grouped(
            rows.map((row) => row[0]),
            counts,
            groups,
            Array.from({ length: 7 }, () => 0n),
          );
          expect(Array.from({ length: 7 }, (_, group) => wide(states + 16 * group))).toEqual(expected);
        });
      }),
    );
  });
});

describe('encoders', () => {
  it('number keys by first appearance over several vectors, and find them again', () => {
    const key = fc.option(anyI64);
    fc.assert(
      fc.property(fc.array(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 200 }), { maxLength: 4 }), (vectors) => {
        withScope((scope, context) => {
          const encoder = new FixedEncoder(INT64, scope, kernels);
          const known = new Map<bigint | string | null, number>();
          for (const rows of vectors) {
            const vector = vectorOf(
              rows.map((row) => row[0]),
              INT64,
              context,
            );
            const out = scope.allocate(rows.length * 4 + 64);
            encoder.encode(
              vector,
              maskOf(
                rows.map((row) => row[1]),
                scope,
              ),
              context,
              out,
            );
            const expected = oracle.encode(
              rows.map((row) => (row[1] ? row[0] : undefined)),
              known,
            );
            expect([...arena.u32.subarray(out / 4, out / 4 + rows.length)]).toEqual(expected);
            encoder.find(vector, context, out);
            const found = rows.map((row) => (row[0] === null ? NO_ID : (known.get(row[0]) ?? NO_ID)));
            expect([...arena.u32.subarray(out / 4, out / 4 + rows.length)]).toEqual(found);
          }
        });
      }),
    );
  });

  it('number texts by first appearance, and find them again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.option(fc.string({ maxLength: 20, unit: 'grapheme' })), { maxLength: 100 }), { maxLength: 4 }),
        (vectors) => {
          withScope((scope, context) => {
            const encoder = new TextEncoder32(UTF8, scope, kernels);
            const known = new Map<bigint | string | null, number>();
            for (const rows of vectors) {
              const vector = vectorOf(rows, UTF8, context);
              const out = scope.allocate(rows.length * 4 + 64);
              encoder.encode(vector, 0, context, out);
              expect([...arena.u32.subarray(out / 4, out / 4 + rows.length)]).toEqual(oracle.encode(rows, known));
              encoder.find(vector, context, out);
              expect([...arena.u32.subarray(out / 4, out / 4 + rows.length)]).toEqual(
                rows.map((row) => (row === null ? NO_ID : known.get(row))),
              );
            }
          });
        },
      ),
    );
  });
});

describe('order', () => {
  it('keys of floats and integers sort as their values do', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.double(), anyI64), { maxLength: 300 }), (rows) => {
        withScope((scope, context) => {
          const floats = scope.allocate(rows.length * 8 + 64);
          const longs = scope.allocate(rows.length * 8 + 64);
          for (const [i, row] of rows.entries()) {
            arena.f64[floats / 8 + i] = row[0];
            arena.i64[longs / 8 + i] = row[1];
          }
          const keys = [floats, longs].map((values, which) => {
            const out = scope.allocate(rows.length * 8 + 64);
            if (which === 0) kernels.order_f64(values, rows.length, 0, out);
            else kernels.order_i64(values, rows.length, 0, out);
            const expected = rows.map((row) => (which === 0 ? oracle.order_f64(row[0]) : oracle.order_i64(row[1])));
            expect([...arena.u64.subarray(out / 8, out / 8 + rows.length)]).toEqual(expected);
            return out;
          });
          const columns = keys.map((address) => ({ keys: [address], validity: 0, descending: false, nullsFirst: false }));
          const sorted = sortRows(columns, rows.length, context, scope, () => undefined);
          const order = [...rows.keys()].sort((a, b) => {
            const [p, q] = [rows[a], rows[b]] as [[number, bigint], [number, bigint]];
            const [x, y] = [oracle.order_f64(p[0]), oracle.order_f64(q[0])];
            return x < y ? -1 : x > y ? 1 : p[1] < q[1] ? -1 : p[1] > q[1] ? 1 : a - b;
          });
          expect([...arena.u32.subarray(sorted / 4, sorted / 4 + rows.length)]).toEqual(order);
        });
      }),
    );
  });

  it('bounds of ascending times are found', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: 0n, max: 40n }), { maxLength: 80 }),
        fc.bigInt({ min: -1n, max: 41n }),
        fc.boolean(),
        (values, bound, above) => {
          withScope((scope) => {
            const sorted = [...values].sort((a, b) => Number(a - b));
            const address = scope.allocate(sorted.length * 8 + 64);
            for (const [i, value] of sorted.entries()) arena.i64[address / 8 + i] = value;
            const slot = scope.allocate(64);
            arena.i64[slot / 8] = bound;
            expect(kernels.lower_bound_i64(address, 0, sorted.length, slot, above ? 1 : 0)).toBe(
              oracle.lower_bound_i64(sorted, bound, above),
            );
          });
        },
      ),
    );
  });
});

describe('probe_pairs', () => {
  it('gives all pairs in order, whatever the room for them', () => {
    const ids = fc.array(fc.option(fc.nat(5)), { maxLength: 40 });
    fc.assert(
      fc.property(
        ids,
        fc.array(fc.nat(5), { maxLength: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        (probe, build, capacity, keep) => {
          withScope((scope) => {
            const buildIds = words(build, scope);
            const starts = scope.allocateZeroed(64);
            kernels.count_ids(buildIds, build.length, starts);
            kernels.running_sum_u32(starts, 6);
            const cursors = scope.allocate(64);
            kernels.copy_bytes(cursors, starts, 28);
            const rows = scope.allocate(build.length * 4 + 64);
            kernels.bucket_rows(buildIds, 0, 0, build.length, cursors, rows);
            const probeIds = words(
              probe.map((id) => id ?? NO_ID),
              scope,
            );
            const [cursor, left, right] = [scope.allocateZeroed(64), scope.allocate(capacity * 4), scope.allocate(capacity * 4)];
            const pairs: [number, number | null][] = [];
            do {
              const count = kernels.probe_pairs(probeIds, 0, probe.length, starts, rows, keep ? 1 : 0, cursor, capacity, left, right);
              expect(count).toBeLessThanOrEqual(capacity);
              for (let i = 0; i < count; i++) {
                const row = arena.u32[right / 4 + i] as number;
                pairs.push([arena.u32[left / 4 + i] as number, row === NO_ID ? null : row]);
              }
            } while ((arena.u32[cursor / 4] as number) < probe.length);
            expect(pairs).toEqual(oracle.probe_pairs(probe, build, keep));
          });
        },
      ),
    );
  });
});

describe('rank_test and rank_pairs', () => {
  it('find the rows with a partner, then their pairs in order, whatever the room for them', () => {
    const key = fc.integer({ min: -70, max: 140 });
    const rows = fc.array(fc.record({ key, valid: fc.boolean(), wanted: fc.boolean() }), { minLength: 1, maxLength: 150 });
    fc.assert(
      fc.property(rows, fc.array(key, { minLength: 1, maxLength: 150 }), fc.integer({ min: 1, max: 20 }), (probe, build, capacity) => {
        withScope((scope) => {
          const least = Math.min(...build);
          const blocks = Math.ceil((Math.max(...build) - least + 1) / 64);
          const table = scope.allocateZeroed(64);
          arena.u32[table / 4] = scope.allocateZeroed(blocks * 16);
          arena.i64[table / 8 + 1] = BigInt(least);
          arena.u32[table / 4 + 4] = blocks;
          kernels.rank_mark(table, longs(build, scope), 0, build.length);
          kernels.rank_number(table);
          const groups = scope.allocate(build.length * 4 + 64);
          kernels.rank_find(table, longs(build, scope), 0, build.length, groups);
          const starts = scope.allocateZeroed(1024);
          kernels.count_ids(groups, build.length, starts);
          kernels.running_sum_u32(starts, arena.u32[table / 4 + 1] as number);
          const cursors = scope.allocate(1024);
          kernels.copy_bytes(cursors, starts, 1024);
          const buckets = scope.allocate(build.length * 4 + 64);
          kernels.bucket_rows(groups, 0, 0, build.length, cursors, buckets);

          const keys = probe.map((row) => row.key);
          const mask = (of: (row: (typeof probe)[number]) => boolean) => maskOf(probe.map(of), scope);
          const found = scope.allocate(64);
          const probeKeys = longs(keys, scope);
          const n = probe.length;
          const valid = mask((row) => row.valid);
          const wanted = mask((row) => row.wanted);
          const count = kernels.rank_test(table, probeKeys, valid, wanted, n, found);
          const seen = probe.map((row) => (row.valid && row.wanted && build.includes(row.key) ? row.key : null));
          expect(count).toBe(seen.filter((one) => one !== null).length);
          const [cursor, left, right] = [scope.allocateZeroed(64), scope.allocate(capacity * 4), scope.allocate(capacity * 4)];
          const pairs: [number, number | null][] = [];
          do {
            const some = kernels.rank_pairs(table, probeKeys, found, n, starts, buckets, cursor, capacity, left, right);
            expect(some).toBeLessThanOrEqual(capacity);
            for (let i = 0; i < some; i++) pairs.push([arena.u32[left / 4 + i] as number, arena.u32[right / 4 + i] as number]);
          } while ((arena.u32[cursor / 4] as number) < n);
          expect(pairs).toEqual(oracle.probe_pairs(seen, build, false));
        });
      }),
    );
  });
});
