/**
 * Fields of a record batch → vectors of ours. Values stay where they lie in the body when Arrow's layout is ours; other types are converted.
 * Whatever a kernel will later use as an index, a length or text is checked first.
 */

import type { Kernels } from '../../native-free/kernels.js';
import { bitmapBytes, type DictionaryView, dictionaryVector, flatVector, type Vector } from '../core/batch.js';
import { DbError } from '../core/errors.js';
import { type DataType, type Field, type IntegerKind, physicalOf, WIDTH_BYTES } from '../core/types.js';
import { kernelsOf } from './arena-kernels.js';
import type { BodyReader } from './body-reader.js';
import { onlyChild, type WireField } from './wire-type.js';

/** Values of a dictionary as the decoder keeps them. */
export interface DecodedDictionary {
  readonly count: number;
  /** Address of the bitmap of present entries; 0 = all. */
  readonly validity: number;
  /** For text and binary values. */
  readonly view: DictionaryView | null;
  /** For fixed-width values. */
  readonly values: number;
}

export type DictionaryLookup = (id: number) => DecodedDictionary | undefined;

const MAX_OFFSET = 2 ** 31 - 1;
const TAKE_CODES = {
  int8: 'take_codes_i8',
  uint8: 'take_codes_u8',
  int16: 'take_codes_i16',
  uint16: 'take_codes_u16',
  int32: 'take_codes_i32',
  uint32: 'take_codes_u32',
  int64: 'take_codes_i64',
  uint64: 'take_codes_u64',
} as const satisfies Record<IntegerKind, keyof Kernels>;
const NANOSECONDS = { s: 1_000_000_000, ms: 1_000_000, us: 1_000, ns: 1 } as const;

export class ColumnDecoder {
  private readonly body: BodyReader;
  private readonly kernels: Kernels;
  private readonly dictionaries: DictionaryLookup;

  constructor(body: BodyReader, dictionaries: DictionaryLookup) {
    this.body = body;
    this.kernels = kernelsOf(body.source.arena);
    this.dictionaries = dictionaries;
  }

  /** The next field, which must have `length` rows exactly, or at least so many when it is a child. */
  column(wire: WireField, field: Field, length: number, isChild = false): Vector {
    const node = this.body.nextNode(wire.name);
    if (node.length < length || (node.length > length && !isChild)) {
      throw new DbError('invalid_data', `field ${wire.name}: ${node.length} rows where the batch has ${length}`);
    }
    if (wire.type.kind === 'null') return flatVector(field.type, node.length, 0);
    const validity = this.validity(wire, node.length, node.nullCount);
    if (wire.dictionary !== null) return this.encoded(wire, field, node.length, validity, wire.dictionary.id, wire.dictionary.index);
    return this.plain(wire, field, node.length, validity);
  }

  private validity(wire: WireField, length: number, nullCount: number): number {
    const buffer = this.body.nextBuffer(wire.name, nullCount > 0 ? Math.ceil(length / 8) : 0);
    if (nullCount === 0 || length === 0 || buffer.sizeBytes < Math.ceil(length / 8)) return 0;
    return this.clearTail(buffer.address, length);
  }

  /** Bits past the last row are 0 in our bitmaps; the wire does not promise it. */
  private clearTail(address: number, length: number): number {
    const last = address + (length >> 3);
    const bytes = this.body.source.arena.u8;
    if (length % 8 !== 0) bytes[last] = (bytes[last] as number) & ((1 << (length & 7)) - 1);
    return address;
  }

  private plain(wire: WireField, field: Field, length: number, validity: number): Vector {
    const { type } = wire;
    const make = (values: number) => flatVector(field.type, length, values, validity);
    switch (type.kind) {
      case 'bool':
        return make(this.clearTail(this.body.nextBuffer(wire.name, Math.ceil(length / 8)).address, length));
      case 'utf8':
      case 'binary':
      case 'large_utf8':
      case 'large_binary':
        return this.bytes(wire, field, length, validity);
      case 'utf8_view':
      case 'binary_view':
        return this.views(wire, field, length, validity);
      case 'fixed_binary':
        return type.widthBytes === 16
          ? make(this.fixed(wire, length, 16))
          : this.fixedBytes(wire, field, length, validity, type.widthBytes);
      case 'list':
      case 'large_list':
      case 'map':
      case 'fixed_list':
        return this.list(wire, field, length, validity);
      case 'struct': {
        const fields = field.type.kind === 'struct' ? field.type.fields : [];
        const children = wire.children.map((child, i) => this.column(child, fields[i] as Field, length, true));
        return flatVector(field.type, length, 0, validity, 0, children);
      }
      default:
        return make(this.fixedValues(wire, field.type, length, validity));
    }
  }

  private fixed(wire: WireField, length: number, widthBytes: number): number {
    return this.body.nextBuffer(wire.name, length * widthBytes).address;
  }

  /** Fixed-width values, converted where the wire's width or unit is not ours. */
  private fixedValues(wire: WireField, ours: DataType, length: number, validity: number): number {
    const { type } = wire;
    const { body, kernels } = this;
    const width = WIDTH_BYTES[physicalOf(ours)];
    const convert = (sourceWidth: number, run: (target: number, source: number) => unknown): number => {
      const source = this.fixed(wire, length, sourceWidth);
      const target = body.allocate(length * width);
      const bad = run(target, source);
      if (typeof bad === 'number' && bad >= 0)
        throw new DbError('invalid_data', `field ${wire.name}: the ${type.kind} of row ${bad} does not fit`);
      return target;
    };
    switch (type.kind) {
      case 'float16':
        return convert(2, (target, source) => kernels.widen_f16_f32(target, source, length));
      case 'date64':
        return convert(8, (target, source) => kernels.narrow_date64_date32(target, source, validity, length));
      case 'time32':
        return convert(4, (target, source) => kernels.scale_i32_i64(target, source, length, type.unit === 's' ? 1_000_000 : 1_000));
      case 'duration':
        return convert(8, (target, source) => kernels.widen_duration_interval(target, source, validity, length, NANOSECONDS[type.unit]));
      case 'interval':
        if (type.unit === 'year_month') return convert(4, (target, source) => kernels.widen_months_interval(target, source, length));
        if (type.unit === 'day_time') return convert(8, (target, source) => kernels.widen_days_interval(target, source, length));
        return this.fixed(wire, length, 16);
      case 'decimal':
        if (type.bitWidth === 32) return convert(4, (target, source) => kernels.widen_i32_i128(target, source, length));
        if (type.bitWidth === 64) return convert(8, (target, source) => kernels.widen_i64_i128(target, source, length));
        if (type.bitWidth === 256) return convert(32, (target, source) => kernels.narrow_i256_i128(target, source, validity, length));
        return this.fixed(wire, length, 16);
      default:
        return this.fixed(wire, length, width);
    }
  }

  private bytes(wire: WireField, field: Field, length: number, validity: number): Vector {
    const isLarge = wire.type.kind.startsWith('large');
    const offsets = this.body.nextBuffer(wire.name, length === 0 ? 0 : (length + 1) * (isLarge ? 8 : 4)).address;
    const values = this.body.nextBuffer(wire.name, 0);
    if (length === 0) return flatVector(field.type, 0, values.address, validity, this.body.zeros());
    const ours = this.offsets(wire, offsets, length, values.sizeBytes, isLarge);
    if (wire.type.kind.endsWith('utf8')) this.checkText(wire, ours, values.address, validity, length);
    return flatVector(field.type, length, values.address, validity, ours);
  }

  /** Address of checked int32 offsets. */
  private offsets(wire: WireField, offsets: number, length: number, limit: number, isLarge: boolean): number {
    const target = isLarge ? this.body.allocate((length + 1) * 4) : offsets;
    const bounded = Math.min(limit, MAX_OFFSET);
    const bad = isLarge
      ? this.kernels.narrow_wire_offsets(target, offsets, length + 1, bounded)
      : this.kernels.check_wire_offsets(offsets, length + 1, bounded);
    if (bad >= 0)
      throw new DbError('invalid_data', `field ${wire.name}: offset ${bad} does not ascend or points outside of ${limit} values`);
    return target;
  }

  private checkText(wire: WireField, offsets: number, values: number, validity: number, length: number): void {
    const { i32 } = this.body.source.arena;
    const first = i32[offsets / 4] as number;
    const end = i32[offsets / 4 + length] as number;
    const isWhole = this.kernels.check_utf8_range(values + first, end - first) === 1;
    if (isWhole && this.kernels.check_utf8_starts(offsets, values, length) < 0) return;
    const bad = this.kernels.check_utf8_rows(offsets, values, validity, length);
    if (bad >= 0) throw new DbError('invalid_data', `field ${wire.name}: the text of row ${bad} is not valid UTF-8`);
  }

  private views(wire: WireField, field: Field, length: number, validity: number): Vector {
    const views = this.fixed(wire, length, 16);
    const count = this.body.nextViewCount(wire.name);
    const buffers = Array.from({ length: count }, () => this.body.nextBuffer(wire.name, 0));
    const table = this.body.allocate(count * 8);
    this.body.source.arena.u32.set(
      buffers.flatMap(({ address, sizeBytes }) => [address, sizeBytes]),
      table / 4,
    );
    const offsets = this.body.allocate((length + 1) * 4);
    const end = this.kernels.measure_views(offsets, views, validity, length, table, count);
    if (end < 0) throw new DbError('invalid_data', `field ${wire.name}: the view of row ${-end - 1} points outside of its buffer`);
    if (end > MAX_OFFSET) throw new DbError('request_too_large', `field ${wire.name}: ${end} bytes of text in one batch`);
    const values = this.body.allocate(end + 64);
    this.kernels.gather_views(values, views, validity, length, table);
    if (wire.type.kind === 'utf8_view') this.checkText(wire, offsets, values, validity, length);
    return flatVector(field.type, length, values, validity, offsets);
  }

  private fixedBytes(wire: WireField, field: Field, length: number, validity: number, widthBytes: number): Vector {
    if (length * widthBytes > MAX_OFFSET) throw new DbError('invalid_data', `field ${wire.name}: ${length} values of ${widthBytes} bytes`);
    const values = this.fixed(wire, length, widthBytes);
    return flatVector(field.type, length, values, validity, this.steps(length, widthBytes));
  }

  private steps(length: number, step: number): number {
    const offsets = this.body.allocate((length + 1) * 4);
    this.kernels.step_wire_offsets(offsets, 0, step, length + 1);
    return offsets;
  }

  private list(wire: WireField, field: Field, length: number, validity: number): Vector {
    const item = onlyChild(wire);
    const ours = field.type.kind === 'list' ? field.type.item : field;
    if (wire.type.kind === 'fixed_list') {
      const total = length * wire.type.size;
      if (total > MAX_OFFSET) throw new DbError('invalid_data', `field ${wire.name}: ${length} lists of ${wire.type.size} items`);
      const offsets = this.steps(length, wire.type.size);
      return flatVector(field.type, length, 0, validity, offsets, [this.column(item, ours, total, true)]);
    }
    const isLarge = wire.type.kind === 'large_list';
    const raw = this.body.nextBuffer(wire.name, length === 0 ? 0 : (length + 1) * (isLarge ? 8 : 4)).address;
    const child = this.column(item, ours, 0, true);
    const offsets = length === 0 ? this.body.zeros() : this.offsets(wire, raw, length, child.length, isLarge);
    return flatVector(field.type, length, 0, validity, offsets, [child]);
  }

  private encoded(wire: WireField, field: Field, length: number, validity: number, id: number, index: IntegerKind): Vector {
    const dictionary = this.dictionaries(id);
    const source = this.fixed(wire, length, WIDTH_BYTES[physicalOf({ kind: index })]);
    const count = dictionary?.count ?? 0;
    let codes = source;
    if (index !== 'int32' || this.kernels.check_codes_i32(source, length, count) === 0) {
      if (index !== 'int32') codes = this.body.allocate(length * 4);
      const bad = this.kernels[TAKE_CODES[index]](codes, source, validity, length, count);
      if (bad >= 0)
        throw new DbError('invalid_data', `field ${wire.name}: row ${bad} names an entry that its dictionary of ${count} does not have`);
    }
    const present = this.presentRows(codes, validity, length, dictionary);
    if (field.type.kind === 'utf8' || field.type.kind === 'symbol' || field.type.kind === 'binary') {
      return dictionaryVector(field.type, length, codes, dictionary?.view ?? this.emptyView(), present);
    }
    return flatVector(field.type, length, this.gathered(field.type, codes, length, dictionary), present);
  }

  private presentRows(codes: number, validity: number, length: number, dictionary: DecodedDictionary | undefined): number {
    if (dictionary === undefined || dictionary.validity === 0 || dictionary.count === 0) return validity;
    const target = this.body.allocateZeroed(bitmapBytes(length));
    this.kernels.and_code_validity(target, codes, validity, length, dictionary.validity);
    return target;
  }

  private gathered(type: DataType, codes: number, length: number, dictionary: DecodedDictionary | undefined): number {
    const width = WIDTH_BYTES[physicalOf(type)];
    if (type.kind === 'bool') {
      const target = this.body.allocateZeroed(bitmapBytes(length));
      if (dictionary !== undefined && dictionary.count > 0) this.kernels.gather_code_bits(target, codes, dictionary.values, length);
      return target;
    }
    if (dictionary === undefined || dictionary.count === 0) return this.body.allocateZeroed(length * width);
    const target = this.body.allocate(length * width);
    this.kernels.gather_code_values(target, codes, dictionary.values, width, length);
    return target;
  }

  private emptyView(): DictionaryView {
    return { id: 0, count: 0, offsets: this.body.zeros(), values: this.body.zeros() };
  }
}
