/** Plain twins of the kernels in assembly/store/merge.ts. */
import type { StoreKernels } from '../generated/store.js';

type Merge = Pick<StoreKernels, 'alive_rows' | 'merge_rows_i64' | 'split_rows'>;

export function mergeOracle(bytes: Uint8Array): Merge {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number) => view.getUint32(at, true);
  const put = (at: number, values: readonly number[]) => {
    values.forEach((value, i) => {
      view.setUint32(at + 4 * i, value, true);
    });
  };
  const list = (at: number, n: number) => Array.from({ length: n }, (_, i) => u32(at + 4 * i));

  return {
    alive_rows: (order, n, alive, base, out) => {
      const isAlive = (row: number) => alive === 0 || (((bytes[alive + (row >> 3)] as number) >> (row & 7)) & 1) === 1;
      const given = order === 0 ? Array.from({ length: n }, (_, i) => i) : list(order, n);
      let found = 0;
      for (const row of given) {
        put(out + 4 * found, [base + row]);
        if (isAlive(row)) found += 1;
      }
      return found;
    },
    merge_rows_i64: (times, first, firstCount, second, secondCount, out, state, most) => {
      const time = (row: number) => view.getBigInt64(times + 8 * row, true);
      const [a, b] = [list(first, firstCount), list(second, secondCount)];
      const [i, j] = [u32(state), u32(state + 4)];
      const merged = [...a.map((row) => ({ row, of: 0 })), ...b.map((row) => ({ row, of: 1 }))].sort((x, y) =>
        time(x.row) < time(y.row) ? -1 : time(x.row) > time(y.row) ? 1 : x.of - y.of,
      );
      const taken = merged.slice(i + j, i + j + most);
      put(
        out + 4 * (i + j),
        taken.map(({ row }) => row),
      );
      const seconds = taken.filter(({ of }) => of === 1).length;
      put(state, [i + taken.length - seconds, j + seconds]);
      return i + j + taken.length === merged.length ? 1 : 0;
    },
    split_rows: (order, n, ends, sources, rows, places, starts) => {
      const bounds = list(ends, sources);
      const given = list(order, n).map((row) => ({ row, source: bounds.findIndex((end) => row < end) }));
      const bySource = bounds.map((_, s) => given.filter(({ source }) => source === s));
      const split = bySource.flat();
      put(
        rows,
        split.map(({ row, source }) => row - (bounds[source - 1] ?? 0)),
      );
      put(
        places,
        given.map((each) => split.indexOf(each)),
      );
      put(starts, [0, ...bySource.map((_, s) => bySource.slice(0, s + 1).flat().length)]);
    },
  };
}
