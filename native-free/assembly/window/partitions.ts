/** Partitions of rows that come in order: codes (uint32) by row, 0 = all rows are of one. */

// @ts-ignore: decorator
@inline
export function partitionAt(codes: usize, i: usize): usize {
  return codes ? (load<u32>(codes + (i << 2)) as usize) : 0;
}
