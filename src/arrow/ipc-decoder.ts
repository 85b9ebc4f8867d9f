/**
 * Arrow IPC messages → batches. One decoder serves one stream: it keeps the schema and the dictionaries that came. Bodies lie in the arena
 * already; a batch owns its body and what was made while it was decoded, and holds the dictionaries that it names until it is released.
 */
import type { Arena } from '../core/arena.js';
import { assert } from '../core/assert.js';
import type { DictionaryView, OwnedBatch, Vector } from '../core/batch.js';
import { DbError } from '../core/errors.js';
import { MemoryScope } from '../core/memory-scope.js';
import { physicalOf, type Schema, WIDTH_BYTES } from '../core/types.js';
import { kernelsOf } from './arena-kernels.js';
import { BodyReader } from './body-reader.js';
import { ColumnDecoder, type DecodedDictionary } from './decode-column.js';
import { freshDictionaryId } from './dictionary-id.js';
import { readFlatbuffer } from './flatbuffer-reader.js';
import { readSchema } from './ipc-schema.js';
import { type MessageHead, readMessage } from './message.js';
import { fieldOfWire, schemaOfWire, type WireField, type WireSchema } from './wire-type.js';

interface HeldDictionary extends DecodedDictionary {
  readonly memory: MemoryScope;
  readonly viewId: number;
  /** Batches that point into it, plus one while it is the stream's current one. */
  references: number;
}

export class IpcDecoder {
  readonly arena: Arena;
  /** Bound of what one message may take when it is decoded. */
  readonly maxBytes: number;
  private wireSchema: WireSchema | undefined;
  private ownSchema: Schema | undefined;
  private readonly dictionaryFields = new Map<number, WireField>();
  private readonly dictionaries = new Map<number, HeldDictionary>();
  /** Every dictionary whose memory is not given back yet, superseded ones included. */
  private readonly held = new Set<HeldDictionary>();

  constructor(arena: Arena, maxBytes: number) {
    this.arena = arena;
    this.maxBytes = maxBytes;
  }

  /** The schema of the batches; undefined until its message came. */
  get schema(): Schema | undefined {
    return this.ownSchema;
  }

  /** Reads a message's head. A schema is taken in at once; the others need their body: see decode(). */
  head(metadata: Uint8Array): MessageHead {
    const head = readMessage(metadata);
    if (head.kind === 'schema') this.takeSchema(readSchema(head.header));
    else if (this.wireSchema === undefined) throw new DbError('invalid_data', 'an Arrow batch came before its schema');
    if (head.bodyBytes > this.maxBytes) {
      throw new DbError('request_too_large', `an Arrow message of ${head.bodyBytes} bytes is larger than ${this.maxBytes}`, {
        hint: 'send smaller batches, or raise max_body_bytes',
      });
    }
    return head;
  }

  /** Takes the schema from a file's footer, for files that have no schema message. */
  footer(footer: Uint8Array): void {
    const schema = readFlatbuffer(footer).table(1);
    if (schema === undefined) throw new DbError('invalid_data', 'the footer of the Arrow file has no schema');
    this.takeSchema(readSchema(schema));
  }

  /**
   * Decodes a message whose body of head.bodyBytes lies at `address` (64 readable bytes follow it), in memory that `scope` owns. The scope
   * goes over to the decoder, also when it throws. A record batch gives a batch, which the caller releases; a dictionary gives null.
   */
  decode(head: MessageHead, scope: MemoryScope, address: number): OwnedBatch | null {
    try {
      const source = { arena: this.arena, scope, address, sizeBytes: head.bodyBytes, maxBytes: this.maxBytes };
      if (head.kind === 'batch') return this.batch(new BodyReader(source, head.header), scope);
      if (head.kind === 'dictionary') this.takeDictionary(head, source);
      else scope.release();
      return null;
    } catch (error) {
      scope.release();
      throw error;
    }
  }

  /** Gives the dictionaries back; batches that are still held stay readable. */
  close(): void {
    for (const dictionary of this.dictionaries.values()) this.dropReference(dictionary);
    this.dictionaries.clear();
  }

  /** Gives all dictionaries to a scope, for batches that are never released one by one. */
  moveTo(scope: MemoryScope): void {
    for (const dictionary of this.held) for (const address of dictionary.memory.giveAwayAll()) scope.adopt(address);
    this.held.clear();
    this.dictionaries.clear();
  }

  private takeSchema(wire: WireSchema): void {
    if (this.wireSchema !== undefined) throw new DbError('invalid_data', 'an Arrow stream has a second schema');
    this.ownSchema = schemaOfWire(wire);
    this.wireSchema = wire;
    const register = (field: WireField): void => {
      if (field.dictionary !== null) {
        const { type } = fieldOfWire(field);
        if (type.kind === 'list' || type.kind === 'struct') {
          throw new DbError('unsupported', `field ${field.name}: a dictionary of ${type.kind} values is not supported`);
        }
        const known = this.dictionaryFields.get(field.dictionary.id);
        if (known !== undefined && JSON.stringify(known.type) !== JSON.stringify(field.type)) {
          throw new DbError('invalid_data', `field ${field.name}: dictionary ${field.dictionary.id} has values of two types`);
        }
        this.dictionaryFields.set(field.dictionary.id, field);
      }
      for (const child of field.children) register(child);
    };
    for (const field of wire.fields) register(field);
  }

  private batch(body: BodyReader, scope: MemoryScope): OwnedBatch {
    const { wireSchema, ownSchema } = this;
    assert(wireSchema !== undefined && ownSchema !== undefined, 'head() has seen a schema');
    const used = new Set<HeldDictionary>();
    const decoder = new ColumnDecoder(body, (id) => {
      const dictionary = this.dictionaries.get(id);
      if (dictionary !== undefined) used.add(dictionary);
      return dictionary;
    });
    const columns = wireSchema.fields.map((field, i) => {
      const own = ownSchema.fields[i];
      assert(own !== undefined, 'as many fields as the wire has');
      return decoder.column(field, own, body.rowCount);
    });
    for (const dictionary of used) dictionary.references++;
    let isHeld = true;
    const release = (): void => {
      assert(isHeld, 'a batch is released once');
      isHeld = false;
      scope.release();
      for (const dictionary of used) this.dropReference(dictionary);
    };
    return { arena: this.arena.id, rowCount: body.rowCount, columns, release };
  }

  private takeDictionary(head: MessageHead, source: ConstructorParameters<typeof BodyReader>[0]): void {
    const id = head.header.i64(0);
    const field = this.dictionaryFields.get(id);
    const data = head.header.table(1);
    if (field === undefined || data === undefined) throw new DbError('invalid_data', `a dictionary batch of id ${id}, which no field has`);
    const plain = { ...field, dictionary: null };
    const body = new BodyReader(source, data);
    const vector = new ColumnDecoder(body, () => undefined).column(plain, fieldOfWire(plain), body.rowCount);
    const current = this.dictionaries.get(id);
    const isDelta = head.header.bool(2) && current !== undefined;
    const held = isDelta ? this.extended(field, current, vector, source.scope) : this.fresh(vector, source.scope);
    this.dictionaries.set(id, held);
    this.held.add(held);
    if (current !== undefined) this.dropReference(current);
  }

  private fresh(vector: Vector, memory: MemoryScope): HeldDictionary {
    const viewId = freshDictionaryId();
    const isBytes = physicalOf(vector.type) === 'bytes';
    const view: DictionaryView | null = isBytes
      ? { id: viewId, count: vector.length, offsets: vector.offsets, values: vector.values }
      : null;
    return { count: vector.length, validity: vector.validity, view, values: vector.values, memory, viewId, references: 1 };
  }

  /** Appends entries: everything is copied once more, since views of the old dictionary stay right for ever. */
  private extended(field: WireField, current: HeldDictionary, added: Vector, memory: MemoryScope): HeldDictionary {
    const target = new MemoryScope(this.arena, this.maxBytes + 4096);
    try {
      const count = current.count + added.length;
      const validity = this.joinedValidity(target, current, added);
      const held = { count, validity, memory: target, viewId: current.viewId, references: 1 };
      if (current.view === null) {
        const width = WIDTH_BYTES[physicalOf(added.type)];
        if (width === 0) throw new DbError('unsupported', `field ${field.name}: a delta of a dictionary of ${added.type.kind} values`);
        return {
          ...held,
          view: null,
          values: this.joinedBytes(target, current.values, current.count * width, added.values, added.length * width),
        };
      }
      return { ...held, ...this.joinedText(target, current.view, added) };
    } catch (error) {
      target.release();
      throw error;
    } finally {
      memory.release();
    }
  }

  private joinedValidity(target: MemoryScope, current: HeldDictionary, added: Vector): number {
    if (current.validity === 0 && added.validity === 0) return 0;
    const kernels = kernelsOf(this.arena);
    const bitmap = target.allocateZeroed(Math.ceil((current.count + added.length) / 64) * 8);
    const append = (bit: number, validity: number, count: number): void => {
      if (validity === 0) kernels.set_bit_range(bitmap, bit, count);
      else kernels.copy_bit_range(bitmap, bit, validity, 0, count);
    };
    append(0, current.validity, current.count);
    append(current.count, added.validity, added.length);
    return bitmap;
  }

  private joinedText(target: MemoryScope, view: DictionaryView, added: Vector): { readonly view: DictionaryView; readonly values: number } {
    const { i32 } = this.arena;
    const kernels = kernelsOf(this.arena);
    const first = i32[view.offsets / 4] as number;
    const oldBytes = (i32[view.offsets / 4 + view.count] as number) - first;
    const addedFirst = i32[added.offsets / 4] as number;
    const addedBytes = (i32[added.offsets / 4 + added.length] as number) - addedFirst;
    const count = view.count + added.length;
    if (oldBytes + addedBytes > 2 ** 31 - 1) throw new DbError('request_too_large', 'a dictionary has more than 2 GiB of text');
    const offsets = target.allocate((count + 1) * 4);
    kernels.rebase_wire_offsets(offsets, view.offsets, view.count + 1, -first);
    kernels.rebase_wire_offsets(offsets + view.count * 4, added.offsets, added.length + 1, oldBytes - addedFirst);
    const values = this.joinedBytes(target, view.values + first, oldBytes, added.values + addedFirst, addedBytes);
    return { view: { id: view.id, count, offsets, values }, values };
  }

  private joinedBytes(target: MemoryScope, first: number, firstBytes: number, second: number, secondBytes: number): number {
    const kernels = kernelsOf(this.arena);
    const values = target.allocate(firstBytes + secondBytes + 64);
    kernels.copy_bytes(values, first, firstBytes);
    kernels.copy_bytes(values + firstBytes, second, secondBytes);
    return values;
  }

  private dropReference(dictionary: HeldDictionary): void {
    dictionary.references--;
    if (dictionary.references > 0) return;
    this.held.delete(dictionary);
    dictionary.memory.release();
  }
}
