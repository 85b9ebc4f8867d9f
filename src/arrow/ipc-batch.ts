/**
 * Vectors → Arrow record batch and dictionary batch messages. Column bytes are not copied where their layout allows it: a message is its
 * flatbuffer plus a list of pieces of the arena, which the caller writes in order. Only joined bitmaps, rebased offsets, expanded constants
 * and decoded dictionaries are made in scratch memory, which belongs to the scope that the caller passes.
 *
 * Body of a record batch: the buffers of each field, depth first, each at a multiple of alignmentBytes, zero padding between:
 *   null: none │ bool, fixed width: validity, values │ text, binary: validity, offsets, bytes │ list: validity, offsets, then the item
 *   struct: validity, then the fields │ dictionary-encoded: validity, int32 codes
 */
import type { Arena } from '../core/arena.js';
import { assert } from '../core/assert.js';
import type { Batch, DictionaryView, Vector } from '../core/batch.js';
import { CODECS, type Codec } from './compression.js';
import { encodeColumn } from './encode-column.js';
import type { BatchRows, BodyPiece, EncodeContext, EncodedMessage } from './encoded-message.js';
import { bool, type FlatSlots, i16, i64, structs, table, u8, writeFlatbuffer } from './flatbuffer-writer.js';
import { encapsulate, MESSAGE_KIND, METADATA_V5 } from './ipc-schema.js';
import { MessageBody } from './message-body.js';
import type { WireField, WireSchema } from './wire-type.js';

/** A message before it is put together: its body may be exchanged for one whose buffers are compressed. */
export interface OpenMessage {
  readonly body: MessageBody;
  close(body: MessageBody, codec: Codec | null): EncodedMessage;
}

/** One record batch of all rows of a batch. */
export function encodeRecordBatch(context: EncodeContext, schema: WireSchema, batch: Batch): EncodedMessage {
  return encodeRecordBatchRows(context, schema, [{ batch, start: 0, count: batch.rowCount }]);
}

/** One record batch of rows of several batches, one after the other. */
export function encodeRecordBatchRows(context: EncodeContext, schema: WireSchema, runs: readonly BatchRows[]): EncodedMessage {
  const { body, close } = openRecordBatch(context, schema, runs);
  return close(body, null);
}

export function openRecordBatch(context: EncodeContext, schema: WireSchema, runs: readonly BatchRows[]): OpenMessage {
  const rowCount = runs.reduce((sum, run) => sum + run.count, 0);
  const body = new MessageBody(context.alignmentBytes);
  for (const [column, field] of schema.fields.entries()) {
    encodeColumn(
      context,
      body,
      field,
      runs.map(({ batch, start, count }) => ({ vector: columnOf(batch, column), start, count })),
    );
  }
  return { body, close: (stored, codec) => message(MESSAGE_KIND.batch, stored, recordBatchSlots(rowCount, stored, codec)) };
}

function columnOf(batch: Batch, column: number): Vector {
  const vector = batch.columns[column];
  assert(vector !== undefined, `batch without column ${column}`);
  return vector;
}

/**
 * A dictionary batch of the entries [firstCode, view.count). Without delta it replaces what the reader knows of this id (then firstCode is 0).
 */
export function encodeDictionaryBatch(
  context: EncodeContext,
  field: WireField,
  view: DictionaryView,
  firstCode = 0,
  isDelta = firstCode > 0,
): EncodedMessage {
  const { body, close } = openDictionaryBatch(context, field, view, firstCode, isDelta);
  return close(body, null);
}

export function openDictionaryBatch(
  context: EncodeContext,
  field: WireField,
  view: DictionaryView,
  firstCode = 0,
  isDelta = firstCode > 0,
): OpenMessage {
  const { dictionary } = field;
  assert(dictionary !== null, `field ${field.name} has a dictionary`);
  const count = view.count - firstCode;
  const vector: Vector = {
    type: { kind: 'utf8' },
    encoding: 'flat',
    length: view.count,
    validity: 0,
    values: view.values,
    offsets: view.offsets,
    dictionary: null,
    children: [],
  };
  const body = new MessageBody(context.alignmentBytes);
  encodeColumn(context, body, { ...field, dictionary: null }, [{ vector, start: firstCode, count }]);
  const slots = (stored: MessageBody, codec: Codec | null): FlatSlots => [
    i64(dictionary.id),
    table(recordBatchSlots(count, stored, codec)),
    bool(isDelta),
  ];
  return { body, close: (stored, codec) => message(MESSAGE_KIND.dictionary, stored, slots(stored, codec)) };
}

/** With a codec every buffer begins with its plain length (compression.ts). */
function recordBatchSlots(rowCount: number, body: MessageBody, codec: Codec | null): FlatSlots {
  const slots = [i64(rowCount), structs(2, body.nodes), structs(2, body.buffers.flat())];
  return codec === null ? slots : [...slots, table([u8(CODECS.indexOf(codec))])];
}

function message(kind: number, body: MessageBody, header: FlatSlots): EncodedMessage {
  body.finish();
  const metadata = writeFlatbuffer([i16(METADATA_V5), u8(kind), table(header), i64(body.sizeBytes)]);
  return { metadata, pieces: body.pieces, bodyBytes: body.sizeBytes, buffers: body.buffers };
}

/**
 * The message as parts for a byte stream or file: the encapsulated head, then views of the arena and padding. startOffset is the position in
 * the file, which alignmentBytes of the body's first byte refers to.
 */
export function messageParts(arena: Arena, encoded: EncodedMessage, startOffset = 0, alignmentBytes = 8): Uint8Array[] {
  return [encapsulate(encoded.metadata, startOffset, alignmentBytes), ...bodyParts(arena, encoded.pieces)];
}

const ZEROS = new Uint8Array(64);

/** Views of the arena's bytes (valid as long as the batch and the scratch scope are) and of padding. */
export function bodyParts(arena: Arena, pieces: readonly BodyPiece[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (const { address, sizeBytes, paddingBytes } of pieces) {
    if (sizeBytes > 0) parts.push(new Uint8Array(arena.buffer, address, sizeBytes));
    for (let left = paddingBytes; left > 0; left -= ZEROS.length) parts.push(ZEROS.subarray(0, Math.min(left, ZEROS.length)));
  }
  return parts;
}
