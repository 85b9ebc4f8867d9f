/**
 * Where encoders write: buffers in the arena that go to a destination as they fill. At most RING_BUFFERS of them are out at once, so a
 * result of any size takes bounded memory, and a slow reader slows the query down.
 */
import { copyIntoArena } from '../../arrow/arena-copy.js';
import type { Arena } from '../../core/arena.js';
import { assert } from '../../core/assert.js';

/** Takes bytes away. */
export interface Destination {
  /** Resolves when the bytes have been taken and their memory may be written again. Calls may overlap; order is kept. */
  write(bytes: Buffer): Promise<void>;
  /** The last bytes of the result; `whole`: they are all of it. Bytes may be written again when it resolves. */
  end(bytes: Buffer, whole: boolean): Promise<void>;
}

const BUFFER_BYTES = 256 * 1024;
const RING_BUFFERS = 4;
const KEPT_BUFFERS = 16;
const COPIED_BYTES = 32 * 1024;

/** Buffers of BUFFER_BYTES that responses share. */
export class BufferPool {
  readonly arena: Arena;
  private readonly kept: number[] = [];

  constructor(arena: Arena) {
    this.arena = arena;
  }

  acquire(): number {
    return this.kept.pop() ?? this.arena.allocate(BUFFER_BYTES);
  }

  release(address: number): void {
    if (this.kept.length < KEPT_BUFFERS) this.kept.push(address);
    else this.arena.free(address);
  }

  close(): void {
    for (const address of this.kept.splice(0)) this.arena.free(address);
  }
}

export class Output {
  readonly arena: Arena;
  /** Where the next byte goes. */
  position: number;
  private readonly pool: BufferPool;
  private readonly destination: Destination;
  private readonly flights = new Set<Promise<void>>();
  private start: number;
  private capacityBytes = BUFFER_BYTES;
  private failure: { error: unknown } | undefined;
  private flushed = false;
  bytesOut = 0;

  constructor(pool: BufferPool, destination: Destination) {
    this.arena = pool.arena;
    this.pool = pool;
    this.destination = destination;
    this.start = pool.acquire();
    this.position = this.start;
  }

  get limit(): number {
    return this.start + this.capacityBytes;
  }

  get isEmpty(): boolean {
    return this.position === this.start;
  }

  /** True once bytes have left: from then on an error cannot be answered any more. */
  get hasFlushed(): boolean {
    return this.flushed;
  }

  async text(text: string): Promise<void> {
    let rest = Buffer.from(text, 'utf8');
    while (rest.length > 0) {
      const count = Math.min(rest.length, this.limit - this.position);
      if (count > 0) this.arena.u8.set(rest.subarray(0, count), this.position);
      this.position += count;
      rest = rest.subarray(count);
      if (rest.length > 0) await this.flush();
    }
  }

  /** Bytes of anywhere that stay as they are until this resolves: small ones are copied, large ones go out from where they lie. */
  async through(bytes: Uint8Array): Promise<void> {
    if (bytes.length > COPIED_BYTES || bytes.length > this.limit - this.position) await this.flush();
    if (bytes.length > COPIED_BYTES) {
      this.flushed = true;
      this.bytesOut += bytes.length;
      return await this.destination.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    }
    copyIntoArena(this.arena, this.position, bytes);
    this.position += bytes.length;
  }

  /** Hands the filled part over and goes on with a free buffer; waits while too many are on their way. */
  async flush(): Promise<void> {
    if (this.isEmpty) return;
    this.flushed = true;
    this.send();
    this.take(BUFFER_BYTES);
    while (this.flights.size >= RING_BUFFERS) await Promise.race(this.flights);
    if (this.failure) throw this.failure.error;
  }

  /** Makes room for at least sizeBytes in one piece. */
  async reserve(sizeBytes: number): Promise<void> {
    if (this.limit - this.position >= sizeBytes) return;
    await this.flush();
    if (this.capacityBytes >= sizeBytes) return;
    this.giveBack(this.start, this.capacityBytes);
    this.start = 0;
    this.take(sizeBytes);
  }

  async end(): Promise<void> {
    const bytes = this.filled();
    this.bytesOut += bytes.length;
    await this.destination.end(bytes, !this.flushed);
    await Promise.all(this.flights);
    if (this.failure) throw this.failure.error;
  }

  /** Gives all memory back, also that of bytes whose write is still pending when it ends. */
  release(): void {
    if (this.start !== 0) this.giveBack(this.start, this.capacityBytes);
    this.start = 0;
  }

  private filled(): Buffer {
    return Buffer.from(this.arena.buffer as unknown as ArrayBuffer, this.start, this.position - this.start);
  }

  private send(): void {
    const { start, capacityBytes } = this;
    const bytes = this.filled();
    this.bytesOut += bytes.length;
    const flight = this.destination
      .write(bytes)
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => {
        this.flights.delete(flight);
        this.giveBack(start, capacityBytes);
      });
    this.flights.add(flight);
    this.start = 0;
  }

  private take(sizeBytes: number): void {
    assert(this.start === 0, 'the former buffer was handed over');
    this.start = sizeBytes <= BUFFER_BYTES ? this.pool.acquire() : this.arena.allocate(sizeBytes);
    this.capacityBytes = Math.max(sizeBytes, BUFFER_BYTES);
    this.position = this.start;
  }

  private giveBack(address: number, capacityBytes: number): void {
    if (capacityBytes === BUFFER_BYTES) this.pool.release(address);
    else this.arena.free(address);
  }
}
