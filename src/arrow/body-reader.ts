/** Field nodes and buffers of one record batch, handed out in order; bounds are checked here, once, for everyone. */
import type { Arena } from '../core/arena.js';
import { DbError } from '../core/errors.js';
import type { MemoryScope } from '../core/memory-scope.js';
import { kernelsOf } from './arena-kernels.js';
import { CODECS, type Codec, canHold, decompress } from './compression.js';
import type { FlatTable } from './flatbuffer-reader.js';

const MAX_ROWS = 2 ** 31 - 1;
/** Rows that a batch may have beyond what its bytes can hold (columns of type null take none). */
const FREE_ROWS = 2 ** 24;
/** How much longer decompressed bytes can plausibly be. */
const MAX_RATIO = 4096;

export interface BodyBuffer {
  /** 8-byte aligned, readable up to 64 bytes past the end. */
  readonly address: number;
  readonly sizeBytes: number;
}

export interface BodySource {
  readonly arena: Arena;
  /** Owns what is decoded; on success it goes over to the batch. */
  readonly scope: MemoryScope;
  readonly address: number;
  readonly sizeBytes: number;
  /** Bound of everything that decoding one message may allocate. */
  readonly maxBytes: number;
}

export class BodyReader {
  readonly source: BodySource;
  readonly rowCount: number;
  private readonly nodes: readonly number[];
  private readonly buffers: readonly number[];
  private readonly viewCounts: readonly number[];
  private readonly codec: Codec | null;
  private readonly maxRows: number;
  private node = 0;
  private buffer = 0;
  private view = 0;
  private zeroAddress = 0;

  constructor(source: BodySource, recordBatch: FlatTable) {
    this.source = source;
    this.rowCount = recordBatch.i64(0);
    this.nodes = recordBatch.words(1, 2);
    this.buffers = recordBatch.words(2, 2);
    this.viewCounts = recordBatch.words(4, 1);
    const compression = recordBatch.table(3);
    const codec = compression === undefined ? null : CODECS[compression.u8(0)];
    if (codec === undefined) throw new DbError('unsupported', 'an Arrow body is compressed with an unknown codec');
    this.codec = codec;
    this.maxRows = Math.min(MAX_ROWS, source.sizeBytes * 8 * (codec === null ? 1 : MAX_RATIO) + FREE_ROWS);
    this.checkRows(this.rowCount);
  }

  /** Length and null count of the next field. */
  nextNode(name: string): { readonly length: number; readonly nullCount: number } {
    const length = this.nodes[2 * this.node];
    const nullCount = this.nodes[2 * this.node + 1];
    this.node++;
    if (length === undefined || nullCount === undefined)
      throw new DbError('invalid_data', `field ${name}: the record batch has no node for it`);
    this.checkRows(length);
    if (nullCount > length) throw new DbError('invalid_data', `field ${name}: ${length} rows with ${nullCount} nulls`);
    return { length, nullCount };
  }

  /** The next buffer, decompressed, aligned, of at least minBytes. */
  nextBuffer(name: string, minBytes: number): BodyBuffer {
    const offset = this.buffers[2 * this.buffer];
    const length = this.buffers[2 * this.buffer + 1];
    this.buffer++;
    if (offset === undefined || length === undefined)
      throw new DbError('invalid_data', `field ${name}: the record batch has no buffer for it`);
    if (offset < 0 || length < 0 || offset + length > this.source.sizeBytes) {
      throw new DbError(
        'invalid_data',
        `field ${name}: a buffer [${offset}, +${length}) lies outside of the body of ${this.source.sizeBytes} bytes`,
      );
    }
    const plain = this.codec === null || length === 0 ? this.aligned(offset, length) : this.decompressed(name, this.codec, offset, length);
    if (plain.sizeBytes < minBytes) {
      throw new DbError('invalid_data', `field ${name}: a buffer of ${plain.sizeBytes} bytes should have ${minBytes}`);
    }
    return plain.sizeBytes === 0 ? { address: this.zeros(), sizeBytes: 0 } : plain;
  }

  /** Number of data buffers of the next string view field. */
  nextViewCount(name: string): number {
    const count = this.viewCounts[this.view++];
    if (count === undefined || count < 0 || count > this.buffers.length) {
      throw new DbError('invalid_data', `field ${name}: the number of its view buffers is missing or wrong`);
    }
    return count;
  }

  /** Address of 64 zero bytes. */
  zeros(): number {
    if (this.zeroAddress === 0) this.zeroAddress = this.source.scope.allocateZeroed(64);
    return this.zeroAddress;
  }

  /** Memory for decoded values, within the bound of the message. */
  allocate(sizeBytes: number): number {
    this.checkMemory(sizeBytes);
    return this.source.scope.allocate(sizeBytes);
  }

  allocateZeroed(sizeBytes: number): number {
    this.checkMemory(sizeBytes);
    return this.source.scope.allocateZeroed(sizeBytes);
  }

  private checkRows(rows: number): void {
    if (rows >= 0 && rows <= this.maxRows) return;
    throw new DbError('invalid_data', `an Arrow record batch claims ${rows} rows in ${this.source.sizeBytes} bytes`);
  }

  private checkMemory(sizeBytes: number): void {
    if (this.source.scope.usedBytes + sizeBytes <= this.source.maxBytes + 4096) return;
    throw new DbError('request_too_large', `an Arrow record batch needs more than ${this.source.maxBytes} bytes when it is decoded`, {
      hint: 'send smaller batches, or raise max_body_bytes',
    });
  }

  private aligned(offset: number, length: number): BodyBuffer {
    const address = this.source.address + offset;
    if (address % 8 === 0 || length === 0) return { address, sizeBytes: length };
    const copy = this.allocate(length + 64);
    kernelsOf(this.source.arena).copy_bytes(copy, address, length);
    return { address: copy, sizeBytes: length };
  }

  private decompressed(name: string, codec: Codec, offset: number, length: number): BodyBuffer {
    const { arena, address } = this.source;
    if (length < 8) throw new DbError('invalid_data', `field ${name}: a compressed buffer of ${length} bytes`);
    const view = new DataView(arena.buffer, address + offset, 8);
    const plainBytes = view.getInt32(4, true) * 2 ** 32 + view.getUint32(0, true);
    if (plainBytes === -1) return this.aligned(offset + 8, length - 8);
    if (plainBytes < 0 || !canHold(codec, length - 8, plainBytes)) {
      throw new DbError('invalid_data', `field ${name}: ${length} compressed bytes claim to hold ${plainBytes}`);
    }
    const target = this.allocate(plainBytes + 64);
    decompress(arena, codec, address + offset + 8, length - 8, target, plainBytes);
    return { address: target, sizeBytes: plainBytes };
  }
}
