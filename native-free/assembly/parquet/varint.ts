// Unsigned LEB128, as lengths and the beginnings of runs are written.

/** Where the last one ended; 0 when it did not end before its limit or has more than 64 bits. */
let after: usize = 0;

export function varintEnd(): usize {
  return after;
}

export function readVarint(source: usize, end: usize): u64 {
  let value: u64 = 0;
  for (let shift: u64 = 0; shift < 70; shift += 7) {
    if (source >= end) break;
    const byte = <u64>load<u8>(source++);
    value |= (byte & 127) << shift;
    if (byte < 128) {
      after = source;
      return value;
    }
  }
  after = 0;
  return 0;
}

/** The signed number that a zigzag number means: 0, -1, 1, -2, … */
// @ts-ignore: decorator
@inline
export function unzigzag(value: u64): i64 {
  return <i64>(value >> 1) ^ -<i64>(value & 1);
}
