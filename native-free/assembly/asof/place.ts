/** Rows of pieces (described as in merge.ts) key by key. Rows of keys from `keys` on are left away. */

/** Adds the rows of a piece to the counts of their keys (uint32). */
export function asof_count(piece: usize, keys: u32, counts: usize): void {
  const codes = load<u32>(piece + 4) as usize;
  const n = load<u32>(piece + 8) as usize;
  for (let i: usize = 0; i < n; i++) {
    const code = load<u32>(codes + (i << 2));
    if (code >= keys) continue;
    const at = counts + ((code as usize) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
}

/** Times and row numbers (from `base` on) of a piece to the next positions of their keys. cursors are moved on. */
export function asof_place(piece: usize, keys: u32, base: u32, cursors: usize, outTimes: usize, outRows: usize): void {
  const times = load<u32>(piece) as usize;
  const codes = load<u32>(piece + 4) as usize;
  const n = load<u32>(piece + 8) as usize;
  for (let i: usize = 0; i < n; i++) {
    const code = load<u32>(codes + (i << 2));
    if (code >= keys) continue;
    const at = cursors + ((code as usize) << 2);
    const position = load<u32>(at);
    store<u32>(at, position + 1);
    store<i64>(outTimes + ((position as usize) << 3), load<i64>(times + (i << 3)));
    store<u32>(outRows + ((position as usize) << 2), base + (i as u32));
  }
}
