/** A column that grows: vectors are appended to buffers of a memory scope. What materialising operators keep their rows in. */
import { assert } from '../../core/assert.js';
import { bitmapBytes, type DictionaryView, dictionaryVector, flatVector, type Vector } from '../../core/batch.js';
import { tooMuchText } from '../../core/build-vector.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, physicalOf, WIDTH_BYTES } from '../../core/types.js';
import { isValid } from '../../core/values.js';
import { fillKernel, gatherVector, type MoveContext, toFlat } from './gather.js';

const FIRST_BYTES = 4096;
const MAX_BYTES = 2 ** 31 - 1;

/** One growing allocation of a scope. */
class Buffer {
  address = 0;
  private capacity = 0;

  /** Makes room for sizeBytes, keeping the first usedBytes. */
  reserve(sizeBytes: number, usedBytes: number, scope: MemoryScope, context: MoveContext): void {
    if (sizeBytes <= this.capacity) return;
    const wanted = Math.max(FIRST_BYTES, sizeBytes, Math.min(2 * this.capacity, sizeBytes + 2 ** 26));
    const address = scope.allocate(wanted);
    if (this.address !== 0) {
      context.kernels.copy_bytes(address, this.address, usedBytes);
      scope.free(this.address);
    }
    this.address = address;
    this.capacity = scope.arena.capacityBytes(address);
  }

  drop(scope: MemoryScope): void {
    if (this.address !== 0) scope.free(this.address);
    this.address = 0;
    this.capacity = 0;
  }
}

/**
 * Owns its buffers through `scope` until the scope is released. Dictionary vectors stay encoded as long as all appended vectors share one
 * dictionary (whose memory the caller keeps alive); the first other one decodes everything.
 */
export class ColumnBuilder {
  readonly type: DataType;
  private readonly scope: MemoryScope;
  private readonly width: number;
  private readonly values = new Buffer();
  private readonly offsets = new Buffer();
  private readonly validity = new Buffer();
  private readonly children: readonly ColumnBuilder[];
  private dictionary: DictionaryView | null = null;
  private hasNulls = false;
  private rows = 0;
  private bytes = 0;

  constructor(type: DataType, scope: MemoryScope) {
    this.type = type;
    this.scope = scope;
    this.width = WIDTH_BYTES[physicalOf(type)];
    const childTypes = type.kind === 'list' ? [type.item.type] : type.kind === 'struct' ? type.fields.map((field) => field.type) : [];
    this.children = childTypes.map((child) => new ColumnBuilder(child, scope));
  }

  get rowCount(): number {
    return this.rows;
  }

  /** Room for all rows of the vectors, which will be appended: growing on the way would copy what is there over and over. */
  reserve(vectors: readonly Vector[], context: MoveContext): void {
    const rows = vectors.reduce((sum, vector) => sum + vector.length, 0);
    if (this.rows > 0 || rows === 0 || vectors.length < 2) return;
    if (this.width > 0) this.values.reserve(this.width * rows, 0, this.scope, context);
    if (this.type.kind === 'list') this.offsets.reserve(4 * (rows + 1), 0, this.scope, context);
    if (physicalOf(this.type) !== 'bytes') return;
    if (vectors.every((vector) => vector.dictionary !== null && vector.dictionary.id === vectors[0]?.dictionary?.id)) {
      this.values.reserve(4 * rows, 0, this.scope, context);
    } else if (vectors.every((vector) => vector.encoding === 'flat')) {
      const { i32 } = context.arena;
      const bytesOf = ({ offsets, length }: Vector) => (i32[offsets / 4 + length] as number) - (i32[offsets / 4] as number);
      const bytes = vectors.reduce((sum, vector) => sum + (vector.length > 0 ? bytesOf(vector) : 0), 0);
      if (bytes > MAX_BYTES) throw tooMuchText();
      this.offsets.reserve(4 * (rows + 1), 0, this.scope, context);
      this.values.reserve(bytes + 8, 0, this.scope, context);
    }
  }

  /** Appends all rows of a vector of the same type. */
  append(vector: Vector, context: MoveContext): void {
    if (vector.length === 0) return;
    this.appendValidity(vector, context);
    if (this.acceptsCodes(vector)) this.appendCodes(vector, context);
    else {
      if (this.dictionary !== null) this.decode(context);
      this.appendFlat(vector, context);
    }
    this.rows += vector.length;
  }

  /** A view of the rows so far: flat or dictionary. It stays valid until the next append, or for ever when none follows. */
  view(): Vector {
    const validity = this.hasNulls ? this.validity.address : 0;
    if (this.dictionary !== null) return dictionaryVector(this.type, this.rows, this.values.address, this.dictionary, validity);
    if (this.offsets.address === 0 && (physicalOf(this.type) === 'bytes' || this.type.kind === 'list')) this.emptyOffsets();
    return flatVector(
      this.type,
      this.rows,
      this.values.address,
      validity,
      this.offsets.address,
      this.children.map((child) => child.view()),
    );
  }

  private emptyOffsets(): void {
    this.offsets.address = this.scope.allocateZeroed(64);
  }

  private acceptsCodes(vector: Vector): boolean {
    if (vector.encoding !== 'dictionary' || vector.dictionary === null) return false;
    return this.dictionary === null ? this.rows === 0 : this.dictionary.id === vector.dictionary.id;
  }

  private appendCodes(vector: Vector, context: MoveContext): void {
    this.values.reserve(4 * (this.rows + vector.length), 4 * this.rows, this.scope, context);
    context.kernels.copy_bytes(this.values.address + 4 * this.rows, vector.values, 4 * vector.length);
    if (this.dictionary === null || (vector.dictionary !== null && vector.dictionary.count > this.dictionary.count)) {
      this.dictionary = vector.dictionary;
    }
  }

  /** The codes so far become text. */
  private decode(context: MoveContext): void {
    const encoded = dictionaryVector(
      this.type,
      this.rows,
      this.values.address,
      this.dictionary as DictionaryView,
      this.hasNulls ? this.validity.address : 0,
    );
    const mark = context.scratch.mark();
    const flat = toFlat(encoded, context);
    this.dictionary = null;
    this.values.drop(this.scope);
    const rows = this.rows;
    this.rows = 0;
    this.appendFlat(flat, context);
    this.rows = rows;
    context.scratch.rewind(mark);
  }

  private appendValidity(vector: Vector, context: MoveContext): void {
    const { kernels } = context;
    const constant = vector.encoding === 'constant';
    const mayBeNull = constant ? !isValid(context.arena, vector, 0) : vector.validity !== 0;
    if (!mayBeNull && !this.hasNulls) return;
    const first = !this.hasNulls;
    this.validity.reserve(bitmapBytes(this.rows + vector.length) + 8, bitmapBytes(this.rows), this.scope, context);
    if (first) kernels.bits_fill(this.rows, 1, this.validity.address);
    this.hasNulls = true;
    if (!constant || !mayBeNull) kernels.append_bits(this.validity.address, this.rows, constant ? 0 : vector.validity, vector.length);
    else {
      const mark = context.scratch.mark();
      const zeros = context.scratch.allocate(bitmapBytes(vector.length));
      kernels.bits_fill(vector.length, 0, zeros);
      kernels.append_bits(this.validity.address, this.rows, zeros, vector.length);
      context.scratch.rewind(mark);
    }
  }

  private appendFlat(vector: Vector, context: MoveContext): void {
    const mark = context.scratch.mark();
    const { width } = this;
    if (width > 0) this.appendFixed(vector, context);
    else {
      const flat = toFlat(vector, context);
      switch (physicalOf(this.type)) {
        case 'bit':
          this.values.reserve(bitmapBytes(this.rows + flat.length) + 8, bitmapBytes(this.rows), this.scope, context);
          context.kernels.append_bits(this.values.address, this.rows, flat.values, flat.length);
          break;
        case 'bytes':
          this.appendBytes(flat, context);
          break;
        case 'list':
          this.appendLists(flat, context);
          break;
        case 'struct':
          for (const [i, child] of this.children.entries()) {
            const source = flat.children[i];
            assert(source && source.length === flat.length, 'a struct has its children');
            child.append(source, context);
          }
          break;
        default:
          break;
      }
    }
    context.scratch.rewind(mark);
  }

  private appendFixed(vector: Vector, context: MoveContext): void {
    const { width, rows } = this;
    this.values.reserve(width * (rows + vector.length), width * rows, this.scope, context);
    const target = this.values.address + width * rows;
    if (vector.encoding === 'constant') fillKernel(context, width)(vector.values, vector.length, target);
    else context.kernels.copy_bytes(target, vector.values, width * vector.length);
  }

  /** Appends the offsets, moved by what is already here, and tells the range of bytes or elements that they span. */
  private appendOffsets(vector: Vector, context: MoveContext): readonly [number, number] {
    const { rows } = this;
    const { i32 } = context.arena;
    this.offsets.reserve(4 * (rows + vector.length + 1), rows === 0 ? 0 : 4 * (rows + 1), this.scope, context);
    const first = i32[vector.offsets / 4] as number;
    const end = i32[vector.offsets / 4 + vector.length] as number;
    if (this.bytes + (end - first) > MAX_BYTES) throw tooMuchText();
    context.kernels.append_offsets(vector.offsets, vector.length + 1, this.bytes - first, this.offsets.address + 4 * rows);
    return [first, end];
  }

  private appendBytes(vector: Vector, context: MoveContext): void {
    const [first, end] = this.appendOffsets(vector, context);
    const size = end - first;
    this.values.reserve(this.bytes + size + 8, this.bytes, this.scope, context);
    context.kernels.copy_bytes(this.values.address + this.bytes, vector.values + first, size);
    this.bytes += size;
  }

  private appendLists(vector: Vector, context: MoveContext): void {
    const [first, end] = this.appendOffsets(vector, context);
    const source = vector.children[0];
    const child = this.children[0];
    const count = end - first;
    // Empty lists need not have any.
    if (count === 0) return;
    assert(source && child, 'a list has a child');
    if (first === 0 && count === source.length) child.append(source, context);
    else {
      const indices = context.scratch.allocate(4 * count);
      context.kernels.sequence_u32(first, count, indices);
      child.append(gatherVector(source, indices, count, context), context);
    }
    this.bytes += count;
  }
}
