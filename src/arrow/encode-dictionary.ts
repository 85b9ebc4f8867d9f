/**
 * The dictionary of one field of an outgoing stream, and the codes of its rows. Three ways, chosen by what comes:
 *
 * - whole: the vectors' own dictionary goes out as it is, and their codes too.
 * - used: a large dictionary of which few rows use little: only the values seen so far go out, codes are renumbered.
 * - own: text without a dictionary, or of several ones: a dictionary is built while rows pass.
 */
import type { Arena } from '../core/arena.js';
import { assert } from '../core/assert.js';
import type { DictionaryView } from '../core/batch.js';
import { DbError } from '../core/errors.js';
import { MemoryScope } from '../core/memory-scope.js';
import { kernelsOf } from './arena-kernels.js';
import { encodeBytesOf } from './encode-column.js';
import type { EncodeContext, EncodedMessage, Rows } from './encoded-message.js';
import { encodeDictionaryBatch } from './ipc-batch.js';
import type { WireField } from './wire-type.js';

/** Up to so many entries a dictionary goes out whole, however few rows there are. */
const WHOLE_ENTRIES = 1024;
/** Beyond so many bytes that the reader already has, growth goes out as a delta; below, the dictionary is replaced (all readers can do that). */
const DELTA_FROM_BYTES = 65_536;
const MAX_BYTES = 2 ** 31 - 1;

type Mode =
  | { readonly kind: 'whole'; readonly viewId: number }
  | { readonly kind: 'used'; readonly viewId: number }
  | { readonly kind: 'own' };

export class DictionaryEncoder {
  private readonly arena: Arena;
  private readonly memory: MemoryScope;
  private readonly field: WireField;
  private readonly deltas: boolean;
  private mode: Mode | undefined;
  private grown: GrowingDictionary | undefined;
  /** used: code → new code + 1 for the first mapEntries codes; the codes seen, in order of their new ones. own: hash slots. */
  private map = 0;
  private mapEntries = 0;
  private seen = 0;
  private sentEntries = 0;
  private sentBytes = 0;

  constructor(arena: Arena, field: WireField, deltas: boolean) {
    this.arena = arena;
    this.memory = new MemoryScope(arena);
    this.field = field;
    this.deltas = deltas;
  }

  /** Addresses of the codes of each run; dictionary batches that must go out before them are added to messages. */
  codes(context: EncodeContext, rows: readonly Rows[], messages: EncodedMessage[]): number[] {
    const before = this.mode;
    const mode = this.choose(rows);
    const isNew =
      before === undefined || before.kind !== mode.kind || ('viewId' in before && 'viewId' in mode && before.viewId !== mode.viewId);
    if (isNew) this.restart(mode);
    if (mode.kind === 'whole') return this.wholeCodes(context, rows, messages, isNew);
    const addresses = rows.map((run) => (mode.kind === 'used' ? this.usedCodes(context, run) : this.ownCodes(context, run)));
    const grown = this.grown;
    assert(grown !== undefined, 'restart() made a dictionary');
    this.send(context, grown.view, messages, isNew);
    return addresses;
  }

  release(): void {
    this.memory.release();
  }

  private choose(rows: readonly Rows[]): Mode {
    if (this.mode?.kind === 'own') return this.mode;
    const filled = rows.filter((run) => run.count > 0);
    const view = filled[0]?.vector.dictionary ?? null;
    if (filled.length === 0) return this.mode ?? { kind: 'own' };
    if (view === null || filled.some((run) => run.vector.dictionary?.id !== view.id)) return { kind: 'own' };
    if (this.mode?.viewId === view.id) return this.mode;
    const total = filled.reduce((sum, run) => sum + run.count, 0);
    return { kind: view.count <= Math.max(WHOLE_ENTRIES, 4 * total) ? 'whole' : 'used', viewId: view.id };
  }

  private restart(mode: Mode): void {
    this.memory.release();
    this.mode = mode;
    this.map = 0;
    this.mapEntries = 0;
    this.sentEntries = 0;
    this.sentBytes = 0;
    this.grown = mode.kind === 'whole' ? undefined : new GrowingDictionary(this.arena, this.memory);
  }

  private wholeCodes(context: EncodeContext, rows: readonly Rows[], messages: EncodedMessage[], isNew: boolean): number[] {
    let largest: DictionaryView | null = null;
    for (const { vector } of rows)
      if (vector.dictionary !== null && vector.dictionary.count > (largest?.count ?? -1)) largest = vector.dictionary;
    if (largest !== null) this.send(context, largest, messages, isNew);
    return rows.map(({ vector, start }) => vector.values + start * 4);
  }

  /** Brings the reader's dictionary up to the view. */
  private send(context: EncodeContext, view: DictionaryView, messages: EncodedMessage[], isFirst: boolean): void {
    if (view.count <= this.sentEntries && !isFirst) return;
    const isDelta = this.deltas && !isFirst && this.sentBytes >= DELTA_FROM_BYTES;
    const { i32 } = this.arena;
    const message = encodeDictionaryBatch(context, this.field, view, isDelta ? this.sentEntries : 0, isDelta);
    messages.push(this.mode?.kind === 'whole' ? message : inScope(context, message));
    this.sentEntries = view.count;
    this.sentBytes = (i32[view.offsets / 4 + view.count] as number) - (i32[view.offsets / 4] as number);
  }

  private usedCodes(context: EncodeContext, { vector, start, count }: Rows): number {
    const target = context.scope.allocate(count * 4);
    const { dictionary } = vector;
    const { grown } = this;
    if (dictionary === null) return target;
    assert(grown !== undefined, 'restart() made a dictionary');
    if (dictionary.count > this.mapEntries) this.growMap(dictionary.count);
    const before = grown.view.count;
    const codes = vector.values + start * 4;
    const kernels = kernelsOf(this.arena);
    const after = kernels.remap_seen_codes(target, codes, vector.validity, start, count, this.map, this.seen, before);
    if (after > before) grown.appendCodes(this.seen + before * 4, after - before, dictionary);
    return target;
  }

  private growMap(entries: number): void {
    const kernels = kernelsOf(this.arena);
    const capacity = Math.max(entries, 2 * this.mapEntries);
    const map = this.memory.allocateZeroed(capacity * 4);
    const seen = this.memory.allocateZeroed(capacity * 4);
    if (this.mapEntries > 0) {
      kernels.copy_bytes(map, this.map, this.mapEntries * 4);
      kernels.copy_bytes(seen, this.seen, this.mapEntries * 4);
      this.memory.free(this.map);
      this.memory.free(this.seen);
    }
    this.map = map;
    this.seen = seen;
    this.mapEntries = capacity;
  }

  private ownCodes(context: EncodeContext, run: Rows): number {
    const { grown } = this;
    assert(grown !== undefined, 'restart() made a dictionary');
    const target = context.scope.allocateZeroed(run.count * 4);
    if (run.count === 0) return target;
    const isConstant = run.vector.encoding === 'constant';
    const plain = encodeBytesOf(context, isConstant ? { ...run, start: 0, count: 1 } : run);
    const count = isConstant ? 1 : run.count;
    grown.reserve(count, plain.sizeBytes);
    const { vector } = run;
    grown.intern(target, plain.offsets, plain.values, vector.validity, isConstant ? 0 : run.start, count);
    if (isConstant) kernelsOf(this.arena).repeat_wire_bytes(target, target, 4, run.count);
    return target;
  }
}

/** A dictionary in the making: offsets and bytes that grow, and a hash table over them when values are interned. */
class GrowingDictionary {
  private readonly arena: Arena;
  private readonly memory: MemoryScope;
  private offsets: number;
  private values: number;
  private entryCapacity = 256;
  private byteCapacity = 4096;
  private slots = 0;
  private slotCount = 0;
  private count = 0;

  constructor(arena: Arena, memory: MemoryScope) {
    this.arena = arena;
    this.memory = memory;
    this.offsets = memory.allocateZeroed((this.entryCapacity + 1) * 4);
    this.values = memory.allocate(this.byteCapacity + 64);
  }

  get view(): DictionaryView {
    return { id: 0, count: this.count, offsets: this.offsets, values: this.values };
  }

  /** Makes room for more entries and bytes. */
  reserve(entries: number, sizeBytes: number): void {
    const end = this.endBytes;
    if (end + sizeBytes > MAX_BYTES)
      throw new DbError('request_too_large', 'the dictionary of a result column has more than 2 GiB of text');
    if (this.count + entries > this.entryCapacity) {
      this.entryCapacity = Math.max(this.count + entries, 2 * this.entryCapacity);
      const grown = this.memory.allocate((this.entryCapacity + 1) * 4);
      kernelsOf(this.arena).copy_bytes(grown, this.offsets, (this.count + 1) * 4);
      this.memory.free(this.offsets);
      this.offsets = grown;
    }
    this.reserveBytes(end, end + sizeBytes);
  }

  /** Appends the values of count codes of another dictionary. */
  appendCodes(codes: number, count: number, dictionary: DictionaryView): void {
    const kernels = kernelsOf(this.arena);
    const base = this.endBytes;
    this.reserve(count, 0);
    const end = kernels.measure_code_bytes(this.offsets + this.count * 4, base, codes, 0, 0, count, dictionary.offsets);
    if (end > MAX_BYTES) throw new DbError('request_too_large', 'the dictionary of a result column has more than 2 GiB of text');
    this.reserveBytes(base, end);
    kernels.gather_code_bytes(this.values + base, codes, 0, 0, count, dictionary.offsets, dictionary.values);
    this.count += count;
  }

  /** Codes of plain text rows; unseen values are appended (reserve() first). */
  intern(target: number, offsets: number, values: number, validity: number, bit: number, count: number): void {
    const kernels = kernelsOf(this.arena);
    if (this.slotCount < 2 * (this.count + count)) {
      if (this.slots !== 0) this.memory.free(this.slots);
      this.slotCount = 2 ** Math.ceil(Math.log2(4 * (this.count + count)));
      this.slots = this.memory.allocateZeroed(this.slotCount * 4);
      kernels.rehash_wire_entries(this.slots, this.slotCount, this.offsets, this.values, this.count);
    }
    const { slots, slotCount } = this;
    const entries = this.count;
    this.count = kernels.intern_wire_bytes(
      target,
      offsets,
      values,
      validity,
      bit,
      count,
      slots,
      slotCount,
      this.offsets,
      this.values,
      entries,
    );
  }

  /** Keeps the first `end` bytes and makes room for `wanted` in all. */
  private reserveBytes(end: number, wanted: number): void {
    if (wanted <= this.byteCapacity) return;
    this.byteCapacity = Math.max(wanted, 2 * this.byteCapacity);
    const grown = this.memory.allocate(this.byteCapacity + 64);
    kernelsOf(this.arena).copy_bytes(grown, this.values, end);
    this.memory.free(this.values);
    this.values = grown;
  }

  private get endBytes(): number {
    return this.arena.i32[this.offsets / 4 + this.count] as number;
  }
}

/** The same message with a body of its own: what it pointed at may grow and move before it is written. */
function inScope({ arena, scope }: EncodeContext, message: EncodedMessage): EncodedMessage {
  if (message.bodyBytes === 0) return message;
  const target = scope.allocateZeroed(message.bodyBytes);
  let at = target;
  for (const { address, sizeBytes, paddingBytes } of message.pieces) {
    kernelsOf(arena).copy_bytes(at, address, sizeBytes);
    at += sizeBytes + paddingBytes;
  }
  return { ...message, pieces: [{ address: target, sizeBytes: message.bodyBytes, paddingBytes: 0 }] };
}
