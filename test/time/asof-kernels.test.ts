/** The kernels of ASOF joins against their twin. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instantiateKernels } from '../../native-free/kernels.js';
import { type AsofRow, asof_find, type Direction } from '../../native-free/oracle/asof.js';
import { Arena } from '../../src/core/arena.js';
import { MemoryScope } from '../../src/core/memory-scope.js';

const arena = Arena.create(0, 1 << 26);
const kernels = instantiateKernels(arena.memory);
const NONE = 0xffffffff;
const KEYS = 5;
const DIRECTIONS: readonly Direction[] = ['ge', 'gt', 'le', 'lt', 'nearest'];
const EXTREMES = [-(2n ** 63n), 2n ** 63n - 1n, 0n];

const times = fc.oneof(fc.bigInt({ min: -20n, max: 20n }), fc.constantFrom(...EXTREMES));
const keys = fc.option(fc.nat(KEYS - 1), { nil: undefined });
const rows = fc.array(fc.record({ time: times, key: keys }), { maxLength: 120 });
const limits = fc.option(fc.bigInt({ min: 0n, max: 12n }), { nil: undefined });

function ascending(list: readonly AsofRow[]): AsofRow[] {
  return [...list].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

class Room {
  readonly scope = new MemoryScope(arena);

  longs(values: readonly bigint[]): number {
    const address = this.scope.allocate(values.length * 8 + 64);
    arena.i64.set(values, address / 8);
    return address;
  }

  words(values: readonly number[]): number {
    const address = this.scope.allocate(values.length * 4 + 64);
    arena.u32.set(values, address / 4);
    return address;
  }

  bits(values: readonly boolean[]): number {
    const address = this.scope.allocateZeroed(Math.ceil(values.length / 8) + 64);
    values.forEach((value, i) => {
      const at = address + (i >> 3);
      if (value) arena.u8[at] = (arena.u8[at] as number) | (1 << (i & 7));
    });
    return address;
  }

  found(address: number, n: number): (number | undefined)[] {
    return [...arena.u32.subarray(address / 4, address / 4 + n)].map((row) => (row === NONE ? undefined : row));
  }
}

function inRoom(body: (room: Room) => void): void {
  const room = new Room();
  try {
    body(room);
  } finally {
    room.scope.release();
  }
}

test('rows that look themselves up find what their twin finds, in any order of times', () => {
  fc.assert(
    fc.property(rows, rows, limits, fc.constantFrom(...DIRECTIONS), (left, unordered, limit, direction) => {
      const right = ascending(unordered);
      inRoom((room) => {
        const byKey = Array.from({ length: KEYS }, (_, key) => right.flatMap((row, i) => (row.key === key ? [i] : [])));
        const starts = room.words([0, ...byKey.map((_, key) => byKey.slice(0, key + 1).flat().length)]);
        const order = room.words(byKey.flat());
        const sorted = room.longs(byKey.flat().map((i) => right[i]?.time ?? 0n));
        const positions = room.words(left.map(() => 0));
        kernels.asof_find(
          room.words(left.map((row) => row.key ?? NONE)),
          room.longs(left.map((row) => row.time)),
          0,
          left.length,
          starts,
          sorted,
          room.words(Array.from({ length: KEYS }, () => 0)),
          DIRECTIONS.indexOf(direction),
          0,
          limit === undefined ? 0 : room.longs([limit]),
          positions,
        );
        kernels.asof_rows(positions, order, left.length, positions);
        expect(room.found(positions, left.length)).toEqual(asof_find(left, right, direction, limit));
      });
    }),
    { numRuns: 300 },
  );
});

test('merging finds what its twin finds, over pieces of any length, from any place on', () => {
  const cuts = fc.array(fc.nat(63), { minLength: 1, maxLength: 5 });
  const masks = fc.option(fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), { nil: undefined });
  fc.assert(
    fc.property(
      rows,
      rows,
      limits,
      fc.boolean(),
      cuts,
      fc.nat(100),
      masks,
      (unorderedLeft, unordered, limit, strict, lengths, skip, mask) => {
        const [left, right] = [ascending(unorderedLeft).slice(skip), ascending(unordered)];
        if (left.length === 0 || right.length === 0) return;
        inRoom((room) => {
          const pieces: AsofRow[][] = [];
          for (let at = 0, i = 0; at < right.length; i++) {
            const length = Math.max(1, lengths[i % lengths.length] ?? 1);
            pieces.push(right.slice(at, at + length));
            at += length;
          }
          const shift = 6;
          const described = room.words(
            pieces.flatMap((piece) => [
              room.longs(piece.map((row) => row.time)),
              room.words(piece.map((row) => row.key ?? KEYS)),
              piece.length,
              0,
            ]),
          );
          const cursor = room.longs([0n, EXTREMES[0] as bigint, 0n]);
          const last = room.words(Array.from({ length: KEYS + 3 }, () => 0));
          const counts = left.map((_, i) => mask?.[i % mask.length] ?? true);
          const valid = mask ? room.bits(counts) : 0;
          const leftTimes = room.longs(left.map((row, i) => (counts[i] ? row.time : (EXTREMES[i % 3] as bigint))));
          if (mask) kernels.asof_fill_times(leftTimes, valid, left.length, leftTimes);
          kernels.asof_seek(described, pieces.length, leftTimes, strict ? 1 : 0, cursor);
          kernels.asof_state(described, shift, cursor, 0, 0, KEYS, last);
          const out = room.words(left.map(() => 0));
          const codes = room.words(left.map((row) => row.key ?? NONE));
          const near = limit === undefined ? 0 : room.longs([limit]);
          const end = kernels.asof_merge(
            left.length,
            0,
            leftTimes,
            codes,
            0,
            KEYS + 1,
            valid,
            described,
            pieces.length,
            shift,
            strict ? 1 : 0,
            cursor,
            last,
            near,
            out,
          );
          expect(end).toBe(left.length);
          const number = new Map(pieces.flatMap((piece, p) => piece.map((row, i) => [row, (p << shift) + i] as const)));
          const expected = asof_find(left, right, strict ? 'gt' : 'ge', limit).map((row, i) =>
            row === undefined || !counts[i] ? undefined : number.get(right[row] as AsofRow),
          );
          expect(room.found(out, left.length)).toEqual(expected);
          expect(arena.u32[cursor / 4 + 4]).toBe(expected.filter((row) => row === undefined).length);
        });
      },
    ),
    { numRuns: 300 },
  );
});
