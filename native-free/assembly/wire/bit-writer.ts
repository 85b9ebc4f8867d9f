// Bits that are read backwards: the first that is read was written last.

let word: u64 = 0;
let bits: u32 = 0;
let at: usize = 0;

// @ts-ignore: decorator
@inline
export function beginBits(target: usize): void {
  word = 0;
  bits = 0;
  at = target;
}

/** At most 56 bits between two flushes, seven of which may be left from before. */
// @ts-ignore: decorator
@inline
export function addBits(value: u64, count: u32): void {
  word |= value << bits;
  bits += count;
}

/** Writes whole bytes; up to eight beyond them are overwritten. */
// @ts-ignore: decorator
@inline
export function flushBits(): void {
  store<u64>(at, word);
  at += bits >> 3;
  word >>= bits & 56;
  bits &= 7;
}

// @ts-ignore: decorator
@inline
export function bitsAt(): usize {
  return at;
}

/** Ends with a bit that is set; returns the end. */
export function endBits(): usize {
  addBits(1, 1);
  flushBits();
  if (bits == 0) return at;
  store<u8>(at, <u8>word);
  return at + 1;
}
