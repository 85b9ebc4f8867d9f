/** What the kernels of assembly/asof compute, in plain TypeScript: slow, obvious, and over JavaScript values instead of addresses. */

export interface AsofRow {
  readonly time: bigint;
  /** Undefined: equals nothing. */
  readonly key: number | undefined;
}

export type Direction = 'ge' | 'gt' | 'le' | 'lt' | 'nearest';

/** For each left row the number of the closest right row, not further away than the limit; undefined where there is none. Right rows ascend. */
export function asof_find(
  left: readonly AsofRow[],
  right: readonly AsofRow[],
  direction: Direction,
  limit: bigint | undefined,
): (number | undefined)[] {
  return left.map((row) => {
    const own = right.flatMap((each, i) => (each.key !== undefined && each.key === row.key ? [i] : []));
    const timeOf = (i: number): bigint => right[i]?.time ?? 0n;
    const before = own.filter((i) => (direction === 'gt' ? timeOf(i) < row.time : timeOf(i) <= row.time)).at(-1);
    const after = own.find((i) => (direction === 'le' ? timeOf(i) >= row.time : timeOf(i) > row.time));
    const found = direction === 'nearest' ? nearer(row.time, before, after, timeOf) : direction.startsWith('g') ? before : after;
    if (found === undefined || limit === undefined) return found;
    const distance = timeOf(found) - row.time;
    return (distance < 0n ? -distance : distance) <= limit ? found : undefined;
  });
}

function nearer(time: bigint, before: number | undefined, after: number | undefined, timeOf: (i: number) => bigint): number | undefined {
  if (before === undefined || after === undefined) return before ?? after;
  return time - timeOf(before) <= timeOf(after) - time ? before : after;
}
