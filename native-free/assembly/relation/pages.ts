/**
 * Pages of sketches: state of one group each, of a size that grows with what the group has seen.
 *
 * Heap header (32-bit words): 0 pages by group, 4 heap, 8 heap bytes used (64 at first), 12 heap bytes to be had.
 * A page's reference is its offset in the heap / 64 << 3 | class; 0 = the group has none. Pages are multiples of 64 bytes.
 */
const PAGES: usize = 0;
const HEAP: usize = 4;
const USED: usize = 8;
const CAPACITY: usize = 12;

// @ts-ignore: decorator
@inline
export function referenceOf(header: usize, group: u32): usize {
  return (load<u32>(header + PAGES) as usize) + ((group as usize) << 2);
}

// @ts-ignore: decorator
@inline
export function classOf(reference: u32): u32 {
  return reference & 7;
}

// @ts-ignore: decorator
@inline
export function pageAt(heap: usize, reference: u32): usize {
  return heap + ((reference >> 3) as usize << 6);
}

// @ts-ignore: decorator
@inline
export function heapOf(header: usize): usize {
  return load<u32>(header + HEAP) as usize;
}

/** The reference of a fresh zeroed page; 0 when the heap has no room for it. */
export function newPage(header: usize, pageClass: u32, sizeBytes: u32): u32 {
  const used = load<u32>(header + USED);
  if (used + sizeBytes > load<u32>(header + CAPACITY)) return 0;
  store<u32>(header + USED, used + sizeBytes);
  memory.fill(heapOf(header) + used, 0, sizeBytes);
  return ((used >> 6) << 3) | pageClass;
}
