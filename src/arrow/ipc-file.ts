/**
 * Pieces of an Arrow IPC file:
 *
 *   "ARROW1" 00 00 │ schema message │ dictionary batches │ record batches │ FFFFFFFF 00000000 │ footer │ footer bytes (i32) │ "ARROW1"
 *
 * The writer keeps the position: FileLayout tells for every message where it and its buffers stand in the file.
 */
import type { Arena } from '../core/arena.js';
import type { EncodedMessage } from './encoded-message.js';
import { i16, structs, table, writeFlatbuffer } from './flatbuffer-writer.js';
import { bodyParts } from './ipc-batch.js';
import { encapsulate, encodeSchema, METADATA_V5, schemaSlots } from './ipc-schema.js';
import type { WireSchema } from './wire-type.js';

export const FILE_MAGIC = Uint8Array.from([0x41, 0x52, 0x52, 0x4f, 0x57, 0x31, 0, 0]);
const END_OF_STREAM = Uint8Array.from([255, 255, 255, 255, 0, 0, 0, 0]);

export interface PlacedMessage {
  /** Bytes to write next, in order: head and body. The body's parts are views of the arena. */
  readonly parts: readonly Uint8Array[];
  /** Position of the body's first byte in the file. */
  readonly bodyOffset: number;
  /** Absolute [offset, length] in the file of every buffer, in Arrow's order. */
  readonly buffers: readonly (readonly [number, number])[];
}

/** Lays out one file. Calls in this order: open, then dictionaries and batches as they come, then close; every result is written in order. */
export class FileLayout {
  private readonly arena: Arena;
  private readonly schema: WireSchema;
  private readonly alignmentBytes: 8 | 64;
  private readonly dictionaries: number[] = [];
  private readonly batches: number[] = [];
  private offset = 0;

  constructor(arena: Arena, schema: WireSchema, alignmentBytes: 8 | 64 = 64) {
    this.arena = arena;
    this.schema = schema;
    this.alignmentBytes = alignmentBytes;
  }

  /** Bytes of the file so far. */
  get sizeBytes(): number {
    return this.offset;
  }

  open(): Uint8Array[] {
    const schema = encodeSchema(this.schema, FILE_MAGIC.length, this.alignmentBytes);
    this.offset = FILE_MAGIC.length + schema.length;
    return [FILE_MAGIC, schema];
  }

  dictionary(message: EncodedMessage): PlacedMessage {
    return this.place(message, this.dictionaries);
  }

  batch(message: EncodedMessage): PlacedMessage {
    return this.place(message, this.batches);
  }

  close(): Uint8Array[] {
    const footer = writeFlatbuffer([
      i16(METADATA_V5),
      table(schemaSlots(this.schema)),
      structs(3, this.dictionaries),
      structs(3, this.batches),
    ]);
    const tail = new Uint8Array(10);
    new DataView(tail.buffer).setInt32(0, footer.length, true);
    tail.set(FILE_MAGIC.subarray(0, 6), 4);
    this.offset += END_OF_STREAM.length + footer.length + tail.length;
    return [END_OF_STREAM, footer, tail];
  }

  /** Block: offset of the message, length of its head (an i32 in the low half of its word), length of its body. */
  private place(message: EncodedMessage, blocks: number[]): PlacedMessage {
    const head = encapsulate(message.metadata, this.offset, this.alignmentBytes);
    const bodyOffset = this.offset + head.length;
    blocks.push(this.offset, head.length, message.bodyBytes);
    this.offset = bodyOffset + message.bodyBytes;
    const parts = [head, ...bodyParts(this.arena, message.pieces)];
    return { parts, bodyOffset, buffers: message.buffers.map(([offset, length]) => [bodyOffset + offset, length]) };
  }
}
