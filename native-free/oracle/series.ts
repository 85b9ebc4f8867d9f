/** Twins of the kernels of time series, over arrays. A missing row is −1. */

/** For each slot (place by place) the row that it takes its value from. reach: farthest place by place; null = any. */
export function fill_prev_rows(rows: readonly number[], series: number, reach: readonly number[] | null): number[] {
  return rows.map((row, slot) => {
    const place = Math.floor(slot / series);
    for (let at = slot; at >= 0; at -= series) {
      if (rows[at] !== -1) return reach && place > (reach[Math.floor(at / series)] ?? 0) ? -1 : (rows[at] ?? -1);
    }
    return row;
  });
}

export function fill_next_rows(rows: readonly number[], series: number, reach: readonly number[] | null): number[] {
  return rows.map((row, slot) => {
    const place = Math.floor(slot / series);
    for (let at = slot; at < rows.length; at += series) {
      if (rows[at] !== -1) return reach && Math.floor(at / series) > (reach[place] ?? 0) ? -1 : (rows[at] ?? -1);
    }
    return row;
  });
}

/** Values by slot, null where there is none. */
export function fill_linear_f64(
  values: readonly (number | null)[],
  rows: readonly number[],
  grid: readonly number[],
  series: number,
  reach: readonly number[] | null,
): (number | null)[] {
  const find = (from: number, step: number): number | undefined => {
    for (let at = from; at >= 0 && at < rows.length; at += step) if (rows[at] !== -1) return at;
    return undefined;
  };
  return rows.map((row, slot) => {
    if (row !== -1) return values[row] ?? null;
    const [before, after] = [find(slot, -series), find(slot, series)];
    if (before === undefined || after === undefined) return null;
    const [from, to] = [Math.floor(before / series), Math.floor(after / series)];
    const [y0, y1] = [values[rows[before] ?? -1] ?? null, values[rows[after] ?? -1] ?? null];
    if (y0 === null || y1 === null || (reach && to > (reach[from] ?? 0))) return null;
    const [x0 = 0, x1 = 0, x = 0] = [grid[from], grid[to], grid[Math.floor(slot / series)]];
    const share = (x - x0) / (x1 - x0);
    return y0 * (1 - share) + y1 * share;
  });
}

/** Place of each value in the grid; −1 when it is not in it. */
export function grid_places_i64(values: readonly (bigint | null)[], grid: readonly bigint[]): number[] {
  return values.map((value) => (value === null ? -1 : grid.indexOf(value)));
}

/** Start of the bucket of x that is `width` wide, counted from the origin. */
export function bucket_since_i64(x: bigint, origin: bigint, width: bigint): bigint {
  const rest = (x - origin) % width;
  return x - (rest < 0n ? rest + width : rest);
}
