import { copyMatch, copyShort } from './copy-match';

/**
 * Decodes one raw Snappy block of [source, sourceEnd) to target, never beyond targetEnd. Returns the end of what was written, 0 when the
 * block is malformed or says another length than targetEnd - target.
 *
 * A block is its plain length (varint), then elements: the two low bits of a tag are 0 for literals (length - 1 in the upper six; 60 to 63
 * mean that 1 to 4 bytes with it follow), 1 for a match of 4 to 11 bytes at a distance of 11 bits, 2 and 3 for one of 1 to 64 bytes at a
 * distance of 2 or 4 bytes.
 */
export function decode_snappy_block(target: usize, targetEnd: usize, source: usize, sourceEnd: usize): usize {
  const history = target;
  let plain: u64 = 0;
  for (let shift: u64 = 0; ; shift += 7) {
    if (source >= sourceEnd || shift > 28) return 0;
    const byte = <u64>load<u8>(source++);
    plain |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  if (plain != <u64>(targetEnd - target)) return 0;
  while (source < sourceEnd) {
    const tag = <usize>load<u8>(source++);
    const kind = tag & 3;
    if (kind == 0) {
      let length = (tag >> 2) + 1;
      if (length > 60) {
        const more = length - 60;
        if (more > sourceEnd - source) return 0;
        length = 0;
        for (let i: usize = 0; i < more; i++) length |= (<usize>load<u8>(source + i)) << (i << 3);
        if (length == <usize>u32.MAX_VALUE) return 0;
        length++;
        source += more;
      }
      if (length > sourceEnd - source || length > targetEnd - target) return 0;
      copyShort(target, source, length);
      source += length;
      target += length;
      continue;
    }
    let length: usize, distance: usize;
    if (kind == 1) {
      if (source >= sourceEnd) return 0;
      length = 4 + ((tag >> 2) & 7);
      distance = ((tag >> 5) << 8) | (<usize>load<u8>(source++));
    } else {
      const bytes: usize = kind == 2 ? 2 : 4;
      if (bytes > sourceEnd - source) return 0;
      length = (tag >> 2) + 1;
      distance = kind == 2 ? <usize>load<u16>(source) : <usize>load<u32>(source);
      source += bytes;
    }
    if (distance == 0 || distance > target - history || length > targetEnd - target) return 0;
    copyMatch(target, distance, length);
    target += length;
  }
  return target == targetEnd ? target : 0;
}
