import { copyMatch } from './copy-match';

/**
 * Decodes one LZ4 block of [source, sourceEnd) to target, never beyond targetEnd; matches may reach back to history (the beginning of the
 * frame's output). Returns the end of what was written, 0 when the block is malformed.
 *
 * A block is a row of sequences: token (literal length in the high, match length - 4 in the low 4 bits; 15 = more length bytes, each up to
 * 255, follow), literals, match distance (u16). The last sequence ends after its literals.
 */
export function decode_lz4_block(target: usize, targetEnd: usize, history: usize, source: usize, sourceEnd: usize): usize {
  while (source < sourceEnd) {
    const token = <usize>load<u8>(source++);
    let literals = token >> 4;
    if (literals == 15) {
      let more: usize = 255;
      while (more == 255) {
        if (source >= sourceEnd) return 0;
        more = <usize>load<u8>(source++);
        literals += more;
      }
    }
    if (literals > sourceEnd - source || literals > targetEnd - target) return 0;
    memory.copy(target, source, literals);
    source += literals;
    target += literals;
    if (source == sourceEnd) return target;
    if (sourceEnd - source < 2) return 0;
    const distance = <usize>load<u16>(source);
    source += 2;
    let length = token & 15;
    if (length == 15) {
      let more: usize = 255;
      while (more == 255) {
        if (source >= sourceEnd) return 0;
        more = <usize>load<u8>(source++);
        length += more;
      }
    }
    length += 4;
    if (distance == 0 || distance > target - history || length > targetEnd - target) return 0;
    copyMatch(target, distance, length);
    target += length;
  }
  return target;
}
