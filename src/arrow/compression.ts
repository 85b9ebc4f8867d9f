/**
 * Compressed buffers of Arrow bodies: each begins with its plain length (i64; -1 = the rest is not compressed), then an LZ4 or ZSTD frame.
 *
 * LZ4 frame: magic 184D2204 │ flags │ block size │ [content size u64] │ [dictionary id u32] │ header checksum u8 │ blocks │ 0 (u32) │ [checksum]
 * block: size (u32, top bit = stored) │ bytes │ [checksum u32]
 */
import type { Arena } from '../core/arena.js';
import { DbError } from '../core/errors.js';
import { kernelsOf } from './arena-kernels.js';

export const CODECS = ['lz4', 'zstd'] as const;
export type Codec = (typeof CODECS)[number];

const LZ4_MAGIC = 0x184d2204;
const LZ4_MAX_RATIO = 255;

/** Decompresses sizeBytes at source to exactly plainBytes at target; both lie in the arena. Fails with `invalid_data`. */
export function decompress(arena: Arena, codec: Codec, source: number, sizeBytes: number, target: number, plainBytes: number): void {
  if (codec === 'lz4') {
    decodeLz4Frame(arena, source, source + sizeBytes, target, target + plainBytes);
    return;
  }
  const work = arena.allocate(ZSTD_DECODER_BYTES);
  try {
    decodeZstd(arena, source, sizeBytes, target, plainBytes, work);
  } finally {
    arena.free(work);
  }
}

/** False when no frame of sizeBytes can hold plainBytes: what claims so is lying, and nothing is allocated for it. */
export function canHold(codec: Codec, sizeBytes: number, plainBytes: number): boolean {
  return codec !== 'lz4' || plainBytes <= sizeBytes * LZ4_MAX_RATIO;
}

function decodeLz4Frame(arena: Arena, source: number, end: number, target: number, targetEnd: number): void {
  const kernels = kernelsOf(arena);
  const view = new DataView(arena.buffer, source, end - source);
  const size = end - source;
  if (size < 7 || view.getUint32(0, true) !== LZ4_MAGIC) throw malformed('lz4');
  const flags = view.getUint8(4);
  const hasBlockChecksum = (flags & 0x10) !== 0;
  let at = 7 + ((flags & 8) !== 0 ? 8 : 0) + ((flags & 1) !== 0 ? 4 : 0);
  let written = target;
  while (true) {
    if (at + 4 > size) throw malformed('lz4');
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const blockBytes = word & 0x7fffffff;
    if (at + blockBytes > size) throw malformed('lz4');
    if (word >>> 31 === 1) {
      if (blockBytes > targetEnd - written) throw malformed('lz4');
      kernels.copy_bytes(written, source + at, blockBytes);
      written += blockBytes;
    } else {
      written = kernels.decode_lz4_block(written, targetEnd, target, source + at, source + at + blockBytes) >>> 0;
      if (written === 0) throw malformed('lz4');
    }
    at += blockBytes + (hasBlockChecksum ? 4 : 0);
  }
  if (written !== targetEnd) throw malformed('lz4');
}

/** Bytes of workspace that the ZSTD kernels need. */
export const ZSTD_DECODER_BYTES = 152_064;
export const ZSTD_ENCODER_BYTES = 1_062_144;

/** As decompress(), in a workspace of ZSTD_DECODER_BYTES. */
export function decodeZstd(arena: Arena, source: number, sizeBytes: number, target: number, plainBytes: number, work: number): void {
  const end = kernelsOf(arena).decode_zstd_frames(target, target + plainBytes, source, source + sizeBytes, work) >>> 0;
  if (end !== target + plainBytes) throw malformed('zstd');
}

const ZSTD_BLOCK_BYTES = 131_072;
/** Blocks after which a frame that has gained too little is given up. */
const TRIED_BLOCKS = 4;

/**
 * Writes plainBytes at source as a ZSTD frame at target. `widthBytes`: of a value; 1 = they are bytes. Returns the size of the frame, 0 when
 * that would be more than `most` times what it holds. `turn` gives others their turn, after every block.
 */
export async function encodeZstd(
  arena: Arena,
  from: { readonly source: number; readonly plainBytes: number; readonly widthBytes: number },
  to: { readonly target: number; readonly most: number; readonly work: number },
  turn: () => Promise<void>,
): Promise<number> {
  const { source, plainBytes, widthBytes } = from;
  const { target, most, work } = to;
  const kernels = kernelsOf(arena);
  const limit = target + Math.floor(plainBytes * most);
  let end = kernels.begin_zstd_frame(target, plainBytes, work) >>> 0;
  for (let done = 0; done < plainBytes; await turn()) {
    const next = Math.min(plainBytes, done + ZSTD_BLOCK_BYTES);
    const isLast = next === plainBytes;
    end = kernels.encode_zstd_block(end, limit, source, source + done, source + next, widthBytes, isLast, work) >>> 0;
    if (end === 0) return 0;
    done = next;
    if (done === TRIED_BLOCKS * ZSTD_BLOCK_BYTES && end - target > done * most) return 0;
  }
  return end - target;
}

function malformed(codec: Codec): DbError {
  return new DbError('invalid_data', `an ${codec.toUpperCase()}-compressed Arrow buffer is malformed`);
}
