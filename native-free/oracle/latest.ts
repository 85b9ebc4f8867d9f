/** Plain twins of the kernels in assembly/store/latest.ts. */
import type { StoreKernels } from '../generated/store.js';

type Latest = Pick<StoreKernels, 'newest_rows' | 'latest_rows' | 'latest_candidates' | 'latest_least' | 'latest_ties' | 'latest_take'>;

const NONE = 0xffff_ffff;
const UNWANTED = 0xffff_fffe;

export function latestOracle(bytes: Uint8Array): Latest {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number) => view.getUint32(at, true);
  const i64 = (at: number) => view.getBigInt64(at, true);
  const setU32 = (at: number, value: number) => view.setUint32(at, value, true);
  const setI64 = (at: number, value: bigint) => view.setBigInt64(at, value, true);
  const isSet = (bitmap: number, i: number) => bitmap === 0 || (((bytes[bitmap + (i >> 3)] as number) >> (i & 7)) & 1) === 1;
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);

  return {
    newest_rows: (codes, validity, times, first, end, codeCount, best, newest) => {
      for (const i of range(end).slice(first)) {
        const c = isSet(validity, i) ? u32(codes + 4 * i) : codeCount;
        if (u32(newest + 4 * c) !== NONE && i64(times + 8 * i) < i64(best + 8 * c)) continue;
        setU32(newest + 4 * c, i);
        setI64(best + 8 * c, i64(times + 8 * i));
      }
    },
    latest_rows: (codes, validity, times, numbers, mask, n, codeCount, segment, best, segments, rows) => {
      const seen = new Set<number>();
      for (const i of range(n).filter((row) => isSet(mask, row))) {
        const c = isSet(validity, i) ? u32(codes + 4 * i) : codeCount;
        if (offered(c, i64(times + 8 * i), segment, u32(numbers + 4 * i), best, segments, rows)) seen.add(c);
      }
      return seen.size;
    },
    latest_candidates: (last, times, codeCount, segment, best, segments, rows) =>
      range(codeCount + 1).filter((c) => {
        const row = u32(last + 4 * c);
        return row !== NONE && offered(c, i64(times + 8 * row), segment, row, best, segments, rows);
      }).length,
    latest_least: (codeCount, best, segments, out) => {
      const seen = range(codeCount + 1).filter((c) => u32(segments + 4 * c) < UNWANTED);
      let least = 2n ** 63n - 1n;
      for (const c of seen) if (i64(best + 8 * c) < least) least = i64(best + 8 * c);
      setI64(out, least);
      return range(codeCount + 1).filter((c) => u32(segments + 4 * c) === NONE).length;
    },
    latest_ties: (codes, validity, times, numbers, mask, n, codeCount, best, segments, out) => {
      const found = range(n).filter((i) => {
        const c = isSet(validity, i) ? u32(codes + 4 * i) : codeCount;
        return isSet(mask, i) && u32(segments + 4 * c) < UNWANTED && i64(best + 8 * c) === i64(times + 8 * i);
      });
      found.forEach((i, at) => {
        setU32(out + 4 * at, u32(numbers + 4 * i));
      });
      return found.length;
    },
    latest_take: (codeCount, segment, segments, rows, out) => {
      const found = range(codeCount + 1).filter((c) => u32(segments + 4 * c) === segment);
      found.forEach((c, at) => {
        setU32(out + 4 * at, u32(rows + 4 * c));
      });
      return found.length;
    },
  };

  function offered(c: number, time: bigint, segment: number, row: number, best: number, segments: number, rows: number): boolean {
    const known = u32(segments + 4 * c);
    if (known === UNWANTED) return false;
    const isNew = known === NONE;
    const most = i64(best + 8 * c);
    const isLater = segment > known || (segment === known && row > u32(rows + 4 * c));
    if (isNew || time > most || (time === most && isLater)) {
      setI64(best + 8 * c, time);
      setU32(segments + 4 * c, segment);
      setU32(rows + 4 * c, row);
    }
    return isNew;
  }
}
