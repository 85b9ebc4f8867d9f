/** What the kernels of assembly/match compute, over any bytes: every search looks at all keys of the group. */
import type { MatchKernels } from '../generated/match.js';
import type { OracleMemory } from './memory.js';

const NONE = 0xffffffff;

export function matchOracle(memory: OracleMemory): MatchKernels {
  const { view } = memory;
  const u32 = (base: number, i = 0): number => view.getUint32(base + 4 * i, true);
  const put = (base: number, i: number, value: number): void => view.setUint32(base + 4 * i, value, true);
  const key = (base: number, i = 0): bigint => view.getBigUint64(base + 8 * i, true);
  const rows = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  const isSet = (bitmap: number, i: number): boolean => bitmap === 0 || ((memory.bytes[bitmap + (i >> 3)] ?? 0) & (1 << (i & 7))) !== 0;

  /** The first position of [from, to) whose key is at (after: above) the limit or later. */
  const find = (keys: number, from: number, to: number, limit: bigint, after: boolean): number => {
    for (let at = from; at < to; at++) if (after ? key(keys, at) > limit : key(keys, at) >= limit) return at;
    return to;
  };
  const saturated = (value: bigint): bigint => (value < 0n ? 0n : value > 2n ** 64n - 1n ? 2n ** 64n - 1n : value);

  return {
    match_bounds: (groups, limits, after, starts, keys, n, state, out) => {
      for (const k of rows(n)) {
        const group = u32(groups, k);
        put(out, k, find(keys, u32(starts, group), u32(starts, group + 1), key(limits, k), after !== 0));
        put(state, 0, group + 1);
        put(state, 1, u32(out, k));
      }
    },
    match_edges: (groups, end, starts, n, out) => {
      for (const k of rows(n)) put(out, k, u32(starts, u32(groups, k) + end));
    },
    match_prevailing: (groups, limits, starts, keys, n, low, high) => {
      for (const k of rows(n)) {
        const [a, b, group] = [u32(low, k), u32(high, k), u32(groups, k)];
        put(high, k, Math.max(a, b));
        const isAtStart = a < u32(starts, group + 1) && key(keys, a) === key(limits, k);
        if (a > u32(starts, group) && !isAtStart) put(low, k, a - 1);
      }
    },
    frames_extent: (low, high, n, out) => {
      const frames = rows(n)
        .map((k) => [u32(low, k), u32(high, k)] as const)
        .filter(([a, b]) => a < b);
      put(out, 0, frames.length === 0 ? 0 : Math.min(...frames.map(([a]) => a)));
      put(out, 1, Math.max(0, ...frames.map(([, b]) => b)));
      return frames.some(([a, b], i) => i > 0 && (a < (frames[i - 1]?.[0] ?? 0) || b < (frames[i - 1]?.[1] ?? 0))) ? 1 : 0;
    },
    shift_frames: (low, high, n, first) => {
      for (const k of rows(n)) {
        const [a, b] = [u32(low, k), u32(high, k)];
        put(low, k, a < b ? a - first : 0);
        put(high, k, a < b ? b - first : 0);
      }
    },
    fill_missing_u32: (other, n, ids) => {
      for (const i of rows(n)) if (u32(ids, i) === NONE) put(ids, i, other);
    },
    match_offsets: (
      chosen,
      n,
      groups,
      times,
      validity,
      offsets,
      m,
      starts,
      keys,
      places,
      cursor,
      capacity,
      outRows,
      outOffsets,
      outPositions,
    ) => {
      let count = 0;
      let j = u32(cursor, 1);
      for (let k = u32(cursor, 0); k < n; k++, j = 0) {
        const row = chosen === 0 ? k : u32(chosen, k);
        const [from, to] = [u32(starts, u32(groups, row)), u32(starts, u32(groups, row) + 1)];
        for (; j < m; j++, count++) {
          if (count === capacity) {
            put(cursor, 0, k);
            put(cursor, 1, j);
            return count;
          }
          const known = isSet(validity, row) && from < to;
          const limit = saturated(key(times, row) + view.getBigInt64(offsets + 8 * j, true));
          const behind = known ? find(keys, from, to, limit, true) : from;
          if (known && j === 0) put(places, u32(groups, row), behind);
          put(outRows, count, row);
          put(outOffsets, count, j);
          put(outPositions, count, behind > from ? behind - 1 : NONE);
        }
      }
      put(cursor, 0, n);
      put(cursor, 1, 0);
      return count;
    },
  };
}
