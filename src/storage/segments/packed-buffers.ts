/**
 * Buffers as segment files hold them when columns are compressed. In a message with a codec every buffer begins with eight bytes: the length of
 * what follows when it is plain, −1 when it is plain already. A buffer is compressed where that saves a tenth. Codes of a dictionary are first
 * narrowed to as many bytes as the greatest one needs.
 */
import { decodeZstd, encodeZstd, ZSTD_DECODER_BYTES, ZSTD_ENCODER_BYTES } from '../../arrow/compression.js';
import { asDbError, DbError } from '../../core/errors.js';
import type { IntegerKind } from '../../core/types.js';
import { type BufferRole, type ColumnBuffers, widthOf } from '../columns/column-buffers.js';
import type { StorageMemory } from '../memory.js';

/** Smaller buffers are not worth it. */
const LEAST_BYTES = 256;
/** What compressed bytes may take of the plain ones. */
const MOST_OF_PLAIN = 0.9;

export interface PackedBuffer {
  /** The length, then the bytes: [address, size] of each; none when the buffer is empty. */
  readonly ranges: readonly (readonly [number, number])[];
  /** Of the bytes behind the length. */
  readonly checksum: number;
  /** Bytes that the frame holds; undefined: it is none. */
  readonly plainBytes: number | undefined;
}

const EMPTY: PackedBuffer = { ranges: [], checksum: 0, plainBytes: undefined };

/** Makes packed buffers of columns in the arena, and owns their memory until release(). */
export class BufferPacker {
  private readonly memory: StorageMemory;
  private readonly turn: () => Promise<void>;
  private readonly held = new Set<number>();
  private readonly work: number;
  /** Address of −1. */
  private readonly isPlain: number;

  /** `turn` gives others their turn, and fails when the work is to end. */
  constructor(memory: StorageMemory, turn: () => Promise<void>) {
    this.memory = memory;
    this.turn = turn;
    this.work = this.allocate(ZSTD_ENCODER_BYTES);
    this.isPlain = this.allocate(64);
    memory.arena.i64[this.isPlain / 8] = -1n;
  }

  release(): void {
    for (const address of this.held) this.memory.free(address);
    this.held.clear();
  }

  /** A buffer of a column. `index`: what codes are written as. */
  async pack(column: ColumnBuffers, role: BufferRole, sizeBytes: number, index: IntegerKind): Promise<PackedBuffer> {
    if (role === 'values' && column.dictionary && index !== 'int32') return this.packCodes(column, index);
    const width = role === 'offsets' ? 4 : role === 'values' ? widthOf(column) || 1 : 1;
    return this.packBytes(column[role], sizeBytes, width);
  }

  async packBytes(source: number, plainBytes: number, widthBytes: number): Promise<PackedBuffer> {
    if (plainBytes === 0) return EMPTY;
    const { arena } = this.memory;
    const room = plainBytes < LEAST_BYTES ? 0 : this.allocate(plainBytes + 64);
    const size =
      room === 0
        ? 0
        : await encodeZstd(arena, { source, plainBytes, widthBytes }, { target: room, most: MOST_OF_PLAIN, work: this.work }, this.turn);
    if (size === 0) {
      if (room !== 0) this.free(room);
      const ranges = [
        [this.isPlain, 8],
        [source, plainBytes],
      ] as const;
      return { ranges, checksum: this.checksum(source, plainBytes), plainBytes: undefined };
    }
    const frame = this.allocate(8 + size);
    arena.i64[frame / 8] = BigInt(plainBytes);
    this.memory.kernels.copy_bytes(frame + 8, room, size);
    this.free(room);
    return { ranges: [[frame, 8 + size]], checksum: this.checksum(frame + 8, size), plainBytes };
  }

  private async packCodes({ values, length }: ColumnBuffers, index: IntegerKind): Promise<PackedBuffer> {
    const { kernels } = this.memory;
    const width = index === 'int8' ? 1 : 2;
    const codes = this.allocate(Math.max(64, length * width));
    if (width === 1) kernels.narrow_codes_8(codes, values, length);
    else kernels.narrow_codes_16(codes, values, length);
    const packed = await this.packBytes(codes, length * width, width);
    if (packed.plainBytes !== undefined) this.free(codes);
    return packed;
  }

  private checksum(address: number, sizeBytes: number): number {
    return this.memory.kernels.crc32c(address, sizeBytes, 0) >>> 0;
  }

  private allocate(sizeBytes: number): number {
    const address = this.memory.allocate(sizeBytes);
    this.held.add(address);
    return address;
  }

  private free(address: number): void {
    this.held.delete(address);
    this.memory.free(address);
  }
}

/** The narrowest integers that hold so many codes. */
export function indexFor(codes: number): IntegerKind {
  if (codes <= 128) return 'int8';
  return codes <= 32_768 ? 'int16' : 'int32';
}

/** The plain bytes of a frame in the arena, in an allocation of the caller's. Fails with `corrupt`. */
export function unpackBytes(memory: StorageMemory, frame: number, sizeBytes: number, plainBytes: number, where: string): number {
  const padded = Math.max(64, Math.ceil(plainBytes / 64) * 64);
  const target = memory.allocate(padded);
  try {
    memory.kernels.fill_bytes(target + padded - 64, 0, 64);
    memory.scratch((allocate) => decodeZstd(memory.arena, frame, sizeBytes, target, plainBytes, allocate(ZSTD_DECODER_BYTES)));
    return target;
  } catch (error) {
    memory.free(target);
    if (asDbError(error).code === 'query_memory_exceeded') throw error;
    throw new DbError('corrupt', `segment file ${where}: a compressed buffer cannot be read`, { cause: error });
  }
}

/** The codes of `rows` rows as int32, of narrower ones in the arena, in an allocation of the caller's. Fails with `corrupt`. */
export function widenCodes(
  memory: StorageMemory,
  codes: { readonly address: number; readonly widthBytes: number; readonly validity: number },
  rows: number,
  where: string,
): number {
  const { kernels } = memory;
  const { address, widthBytes, validity } = codes;
  const take = widthBytes === 1 ? kernels.take_codes_i8 : widthBytes === 2 ? kernels.take_codes_i16 : null;
  if (take === null) throw new DbError('corrupt', `segment file ${where}: its codes take ${widthBytes} bytes each`);
  const target = memory.allocateZeroed(Math.max(64, rows * 4));
  if (take(target, address, validity, rows, 0x7fffffff) < 0) return target;
  memory.free(target);
  throw new DbError('corrupt', `segment file ${where}: it has codes below 0`);
}
