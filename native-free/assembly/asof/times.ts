/** Times as int64 in their order, and the distance of two. */

/** Order keys (uint64) as int64 in the same order, in place. */
export function asof_signed(keys: usize, n: u32): void {
  for (let i: usize = 0; i < n; i++) store<u64>(keys + (i << 3), load<u64>(keys + (i << 3)) ^ 0x8000000000000000);
}

/** The low words of 16-byte integers that fit into them. Returns 0 when one does not (validity 0 = all rows count). */
export function asof_narrow(values: usize, validity: usize, n: u32, out: usize): u32 {
  let fits: u32 = 1;
  for (let i: usize = 0; i < n; i++) {
    const low = load<i64>(values + (i << 4));
    store<i64>(out + (i << 3), low);
    if (load<i64>(values + (i << 4) + 8) != low >> 63 && (validity == 0 || (load<u8>(validity + (i >> 3)) >> ((i & 7) as u8)) & 1)) fits = 0;
  }
  return fits;
}

/** The float64 that an int64 in float order stands for. */
// @ts-ignore: decorator
@inline
function floatOf(key: i64): f64 {
  const bits = (key as u64) ^ 0x8000000000000000;
  return reinterpret<f64>(bits >> 63 ? bits ^ 0x8000000000000000 : ~bits);
}

/** Whether later − earlier <= the limit at the address (0 = any). Floats: the limit is a float64. */
// @ts-ignore: decorator
@inline
export function isNear(later: i64, earlier: i64, floats: u32, limit: usize): bool {
  if (limit == 0) return true;
  if (floats) return floatOf(later) - floatOf(earlier) <= load<f64>(limit);
  return (later as u64) - (earlier as u64) <= load<u64>(limit);
}

/** Whether t − before <= after − t. */
// @ts-ignore: decorator
@inline
export function isBeforeNearer(t: i64, before: i64, after: i64, floats: u32): bool {
  if (floats) return !(floatOf(after) - floatOf(t) < floatOf(t) - floatOf(before));
  return (t as u64) - (before as u64) <= (after as u64) - (t as u64);
}
