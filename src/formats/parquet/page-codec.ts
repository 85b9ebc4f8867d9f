/** Compressed bytes of pages → plain bytes in the arena. */
import zlib from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';
import { kernelsOf } from '../../arrow/arena-kernels.js';
import { decompress } from '../../arrow/compression.js';
import { asDbError, DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { invalidParquet } from './invalid-parquet.js';

/** Kernels read words, also the last one of a page. */
const ROOM_BYTES = 64;

type Inflate = (bytes: Uint8Array, plainBytes: number) => Uint8Array | Promise<Uint8Array>;
/** Writes exactly plainBytes to target; false: malformed. */
type Kernel = (scope: MemoryScope, source: number, sizeBytes: number, target: number, plainBytes: number) => boolean;

const KERNELS: Partial<Record<CompressionCodec, Kernel>> = {
  SNAPPY: ({ arena }, source, sizeBytes, target, plainBytes) =>
    kernelsOf(arena).decode_snappy_block(target, target + plainBytes, source, source + sizeBytes) >>> 0 === target + plainBytes,
  LZ4_RAW: ({ arena }, source, sizeBytes, target, plainBytes) =>
    kernelsOf(arena).decode_lz4_block(target, target + plainBytes, target, source, source + sizeBytes) >>> 0 === target + plainBytes,
  ZSTD: ({ arena }, source, sizeBytes, target, plainBytes) => {
    try {
      decompress(arena, 'zstd', source, sizeBytes, target, plainBytes);
      return true;
    } catch (error) {
      if (asDbError(error).code === 'invalid_data') return false;
      throw error;
    }
  },
};

const INFLATORS: Partial<Record<CompressionCodec, Inflate>> = {
  GZIP: (bytes, plainBytes) => zlib.unzipSync(bytes, { maxOutputLength: Math.max(1, plainBytes) }),
  BROTLI: (bytes, plainBytes) => zlib.brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, plainBytes) }),
  LZ4: async (bytes, plainBytes) => {
    const { compressors } = await import('hyparquet-compressors');
    const inflate = compressors.LZ4;
    if (!inflate) throw unknownCodec('LZ4');
    return inflate(bytes, plainBytes);
  },
};

/** Address of plainBytes bytes, which begin with `raw` bytes that are stored as they are. Fails with `invalid_data`, `unsupported`. */
export async function plainPage(
  codec: CompressionCodec,
  bytes: Uint8Array,
  raw: number,
  plainBytes: number,
  scope: MemoryScope,
): Promise<number> {
  const { u8 } = scope.arena;
  if (raw > bytes.length || raw > plainBytes) throw invalidParquet('the levels of a page are longer than the page');
  const target = scope.allocate(plainBytes + ROOM_BYTES);
  if (codec === 'UNCOMPRESSED') {
    if (bytes.length !== plainBytes) throw invalidParquet(`a page of ${bytes.length} bytes says that it has ${plainBytes}`);
    u8.set(bytes, target);
    return target;
  }
  u8.set(bytes.subarray(0, raw), target);
  const packed = bytes.subarray(raw);
  const size = plainBytes - raw;
  if (packed.length === 0 && size === 0) return target;
  const kernel = KERNELS[codec];
  if (kernel) {
    const source = scope.allocate(packed.length + ROOM_BYTES);
    u8.set(packed, source);
    const isWhole = kernel(scope, source, packed.length, target + raw, size);
    scope.free(source);
    if (!isWhole) throw invalidParquet(`the ${codec} of a page is malformed`);
    return target;
  }
  const inflate = INFLATORS[codec];
  if (!inflate) throw unknownCodec(codec);
  const plain = await inflate(packed, size);
  if (plain.length !== size) throw invalidParquet(`a page of ${plain.length} bytes says that it has ${size}`);
  u8.set(plain, target + raw);
  return target;
}

function unknownCodec(codec: string): DbError {
  return new DbError('unsupported', `Parquet files compressed with ${codec} are not read`);
}
