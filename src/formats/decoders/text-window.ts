/** The part of a body that is being cut into rows: a buffer in the arena that is filled from a stream and consumed from its start. */
import { copyIntoArena } from '../../arrow/arena-copy.js';
import type { Arena } from '../../core/arena.js';
import { DbError } from '../../core/errors.js';

const WINDOW_BYTES = 4 * 1024 * 1024;
/** Filled up to here before rows are cut, so that batches are not as small as the chunks of a socket. */
const WANTED_BYTES = 2 * 1024 * 1024;
/** SIMD loads of tokenizers go past the end. */
const SLACK_BYTES = 64;
/** Lengths of cells have 29 bits. */
const LONGEST_ROW_BYTES = 2 ** 29 - 1;

export class TextWindow {
  readonly arena: Arena;
  /** The text that is there: [start, end). */
  start: number;
  end: number;
  /** True when nothing follows. */
  atEnd = false;
  private readonly source: AsyncIterator<Uint8Array>;
  private base: number;
  private sizeBytes = WINDOW_BYTES;
  private surplus: Uint8Array = new Uint8Array(0);

  constructor(arena: Arena, source: AsyncIterable<Uint8Array>) {
    this.arena = arena;
    this.source = source[Symbol.asyncIterator]();
    this.base = arena.allocate(WINDOW_BYTES + SLACK_BYTES);
    this.start = this.base;
    this.end = this.base;
  }

  /** Reads on until there is enough to work on. At least one byte more than before, unless the source ends. */
  async fill(): Promise<void> {
    this.makeRoom();
    const had = this.end - this.start;
    while (!this.atEnd && (this.end - this.start < WANTED_BYTES || this.end - this.start === had)) {
      if (this.surplus.length === 0) {
        const next = await this.source.next();
        if (next.done === true) this.atEnd = true;
        else this.surplus = next.value;
      }
      const count = Math.min(this.surplus.length, this.base + this.sizeBytes - this.end);
      if (count === 0 && !this.atEnd && this.surplus.length > 0) break;
      copyIntoArena(this.arena, this.end, this.surplus.subarray(0, count));
      this.end += count;
      this.surplus = this.surplus.subarray(count);
    }
  }

  /** Moves what is there to the front; a window that is full already is doubled. */
  private makeRoom(): void {
    const length = this.end - this.start;
    if (length > this.sizeBytes / 2) {
      if (this.sizeBytes >= LONGEST_ROW_BYTES / 2) throw new DbError('invalid_data', `a row is longer than ${this.sizeBytes} bytes`);
      const base = this.arena.allocate(this.sizeBytes * 2 + SLACK_BYTES);
      this.arena.u8.copyWithin(base, this.start, this.end);
      this.arena.free(this.base);
      this.base = base;
      this.sizeBytes *= 2;
    } else this.arena.u8.copyWithin(this.base, this.start, this.end);
    this.start = this.base;
    this.end = this.base + length;
  }

  text(start: number, end: number): string {
    return Buffer.from(this.arena.buffer as unknown as ArrayBuffer, start, end - start).toString('utf8');
  }

  async close(): Promise<void> {
    if (this.base !== 0) this.arena.free(this.base);
    this.base = 0;
    if (!this.atEnd) await this.source.return?.();
  }
}
