/** Batches of one result → the messages of one Arrow stream: cut to size, with the dictionaries that they need before them. */
import type { Arena } from '../core/arena.js';
import { assert } from '../core/assert.js';
import type { MemoryScope } from '../core/memory-scope.js';
import type { Schema } from '../core/types.js';
import { OffsetOverflow } from './encode-column.js';
import { DictionaryEncoder } from './encode-dictionary.js';
import type { BatchRows, EncodeContext, EncodedMessage } from './encoded-message.js';
import { encodeRecordBatchRows } from './ipc-batch.js';
import { encodeSchemaMetadata } from './ipc-schema.js';
import { type WireField, type WireSchema, wireSchemaOf } from './wire-type.js';

export interface StreamEncoderOptions {
  /** Most rows of one record batch; 65,536 when absent. */
  readonly maxRows?: number | undefined;
  /** A record batch with a larger body is cut in two where it has more than one row; 12 MiB when absent. */
  readonly maxBodyBytes?: number | undefined;
  /** Let dictionaries grow by delta messages (default) or always replace them. */
  readonly deltas?: boolean | undefined;
  /** How the schema goes over the wire, where it is not as wireSchemaOf() has it. */
  readonly wire?: WireSchema | undefined;
}

/** What streams of one schema have in common. */
interface StreamHead {
  readonly schema: WireSchema;
  metadata: Uint8Array | undefined;
}

/** A plan that is run again has the same schema object. */
const heads = new WeakMap<Schema | WireSchema, StreamHead>();

function headOf(schema: Schema, wire: WireSchema | undefined): StreamHead {
  let head = heads.get(wire ?? schema);
  if (!head) {
    head = { schema: wire ?? wireSchemaOf(schema), metadata: undefined };
    heads.set(wire ?? schema, head);
  }
  return head;
}

export class StreamEncoder {
  readonly schema: WireSchema;
  private readonly head: StreamHead;
  private readonly arena: Arena;
  private readonly maxRows: number;
  private readonly maxBodyBytes: number;
  private readonly dictionaries = new Map<number, DictionaryEncoder>();

  constructor(arena: Arena, schema: Schema, options: StreamEncoderOptions = {}) {
    this.arena = arena;
    this.head = headOf(schema, options.wire);
    this.schema = this.head.schema;
    this.maxRows = options.maxRows ?? 65_536;
    this.maxBodyBytes = options.maxBodyBytes ?? 12 * 2 ** 20;
    const register = (field: WireField): void => {
      if (field.dictionary !== null) {
        this.dictionaries.set(field.dictionary.id, new DictionaryEncoder(arena, field, options.deltas ?? true));
      }
      for (const child of field.children) register(child);
    };
    for (const field of this.schema.fields) register(field);
  }

  /** The flatbuffer of the schema message, the first of the stream. */
  schemaMetadata(): Uint8Array {
    this.head.metadata ??= encodeSchemaMetadata(this.schema);
    return this.head.metadata;
  }

  /**
   * Messages of the rows, in order: as few record batches as the limits allow. Their pieces point into the batches and into memory of the
   * scope, so both must stay until the messages are written.
   */
  encode(runs: readonly BatchRows[], scope: MemoryScope): EncodedMessage[] {
    const messages: EncodedMessage[] = [];
    const context: EncodeContext = {
      arena: this.arena,
      scope,
      alignmentBytes: 8,
      codes: (field, rows) => {
        const dictionary = field.dictionary === null ? undefined : this.dictionaries.get(field.dictionary.id);
        assert(dictionary !== undefined, `field ${field.name} has a dictionary`);
        return dictionary.codes(context, rows, messages);
      },
    };
    for (const slice of slices(runs, this.maxRows)) this.encodeSlice(context, slice, messages);
    return messages;
  }

  /** Gives the memory of the dictionaries back. */
  close(): void {
    for (const dictionary of this.dictionaries.values()) dictionary.release();
  }

  private encodeSlice(context: EncodeContext, runs: readonly BatchRows[], messages: EncodedMessage[]): void {
    const total = rowsOf(runs);
    const encoded = this.tryEncode(context, runs, total);
    if (encoded !== undefined && (encoded.bodyBytes <= this.maxBodyBytes || total <= 1)) {
      messages.push(encoded);
      return;
    }
    const shares = encoded === undefined ? 2 : Math.min(total, Math.ceil((encoded.bodyBytes * 1.1) / this.maxBodyBytes));
    for (const slice of slices(runs, Math.ceil(total / shares))) this.encodeSlice(context, slice, messages);
  }

  private tryEncode(context: EncodeContext, runs: readonly BatchRows[], total: number): EncodedMessage | undefined {
    try {
      return encodeRecordBatchRows(context, this.schema, runs);
    } catch (error) {
      if (error instanceof OffsetOverflow && total > 1) return undefined;
      throw error;
    }
  }
}

function rowsOf(runs: readonly BatchRows[]): number {
  return runs.reduce((sum, run) => sum + run.count, 0);
}

/** Cuts runs into groups of at most maxRows rows. No rows give one empty group. */
function slices(runs: readonly BatchRows[], maxRows: number): BatchRows[][] {
  const groups: BatchRows[][] = [];
  let group: BatchRows[] = [];
  let room = maxRows;
  for (const run of runs) {
    for (let done = 0; done < run.count; ) {
      const count = Math.min(room, run.count - done);
      group.push({ batch: run.batch, start: run.start + done, count });
      done += count;
      room -= count;
      if (room === 0) {
        groups.push(group);
        group = [];
        room = maxRows;
      }
    }
  }
  if (group.length > 0) groups.push(group);
  return groups.length > 0 ? groups : [[...runs]];
}
