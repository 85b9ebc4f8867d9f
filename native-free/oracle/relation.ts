/** What the kernels of assembly/relation compute, in plain TypeScript: slow, obvious, and over JavaScript values instead of addresses. */

/** Ids of keys in order of first appearance; null is a key like others; undefined rows (outside the mask) get 0. */
export function encode(keys: readonly (bigint | string | null | undefined)[], known: Map<bigint | string | null, number>): number[] {
  return keys.map((key) => {
    if (key === undefined) return 0;
    let id = known.get(key);
    if (id === undefined) {
      id = known.size;
      known.set(key, id);
    }
    return id;
  });
}

/** Sum of the rows that count, in eight lanes: row i adds to lane i mod 8; lanes are added pairwise, then to the state. */
export function agg_sum_f64(values: readonly number[], counts: readonly boolean[], state: number): number {
  const lanes = [0, 0, 0, 0, 0, 0, 0, 0];
  for (const [i, value] of values.entries()) if (counts[i]) lanes[i % 8] = (lanes[i % 8] as number) + value;
  const [a, b, c, d, e, f, g, h] = lanes as [number, number, number, number, number, number, number, number];
  return state + (a + c + (e + g) + (b + d + (f + h)));
}

/** Sums by group in row order. */
export function agg_sum_grouped<T extends number | bigint>(
  values: readonly T[],
  counts: readonly boolean[],
  groups: readonly number[],
  states: T[],
): T[] {
  const sums = [...states];
  for (const [i, value] of values.entries()) {
    const group = groups[i] as number;
    if (counts[i]) sums[group] = ((sums[group] as number) + (value as number)) as T;
  }
  return sums;
}

/** An unsigned 64-bit number in the order of the floats: −0 equals 0, NaN is the largest. */
export function order_f64(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Number.isNaN(value) ? Number.NaN : value + 0);
  const bits = view.getBigUint64(0);
  return bits >> 63n === 0n ? bits | (1n << 63n) : BigInt.asUintN(64, ~bits);
}

export function order_i64(value: bigint): bigint {
  return BigInt.asUintN(64, value) ^ (1n << 63n);
}

/** Pairs of probe rows and build rows with equal ids, in probe order, then build order; null = no partner. */
export function probe_pairs(
  probe: readonly (number | null)[],
  build: readonly number[],
  keepUnmatched: boolean,
): [number, number | null][] {
  return probe.flatMap((id, row): [number, number | null][] => {
    const partners = build.flatMap((other, i): [number, number][] => (id !== null && other === id ? [[row, i]] : []));
    return partners.length === 0 && keepUnmatched ? [[row, null]] : partners;
  });
}

/** First row of ascending values that is >= the bound, or > it when `above`. */
export function lower_bound_i64(values: readonly bigint[], bound: bigint, above: boolean): number {
  const index = values.findIndex((value) => (above ? value > bound : value >= bound));
  return index < 0 ? values.length : index;
}
