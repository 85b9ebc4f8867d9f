// Copies of the decompressors.

/** For the few bytes that most copies have, a loop beats a bulk copy. */
// @ts-ignore: decorator
@inline
export function copyShort(target: usize, source: usize, length: usize): void {
  if (length > 64) {
    memory.copy(target, source, length);
    return;
  }
  const end = target + length;
  for (; target + 8 <= end; target += 8, source += 8) store<u64>(target, load<u64>(source));
  for (; target < end; target++, source++) store<u8>(target, load<u8>(source));
}

/** Copies length bytes from distance bytes back; where they overlap, what was just written repeats. */
export function copyMatch(target: usize, distance: usize, length: usize): void {
  if (distance >= length && length > 64) {
    memory.copy(target, target - distance, length);
    return;
  }
  const end = target + length;
  if (distance >= 8) for (; target + 8 <= end; target += 8) store<u64>(target, load<u64>(target - distance));
  for (; target < end; target++) store<u8>(target, load<u8>(target - distance));
}
