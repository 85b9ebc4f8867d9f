/** The values of a page, in rows, as our vectors hold them. Kernels do the work; what they index by is checked first. */
import type { Encoding, PageHeader } from 'hyparquet';
import type { Kernels } from '../../../native-free/kernels.js';
import { kernelsOf } from '../../arrow/arena-kernels.js';
import { assert } from '../../core/assert.js';
import { bitmapBytes } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, isText, physicalOf, WIDTH_BYTES } from '../../core/types.js';
import { invalidParquet } from './invalid-parquet.js';
import { type LeafKind, leafKind, type SchemaNode } from './parquet-types.js';

/** Addresses of values; `codes` are int32 into the chunk's dictionary. */
export type PageValues =
  | { readonly kind: 'fixed'; readonly values: number; readonly widthBytes: number }
  | { readonly kind: 'bits'; readonly values: number }
  | { readonly kind: 'bytes'; readonly offsets: number; readonly values: number }
  | { readonly kind: 'codes'; readonly values: number };

export interface DecodedPage {
  readonly rows: number;
  /** Address of a bitmap; 0: no row is NULL. */
  readonly validity: number;
  readonly values: PageValues;
}

export interface Dictionary {
  readonly count: number;
  readonly values: PageValues;
}

/** Entries of a page below lists and structs: levels (uint32 each, no address where all are 0), and the values that are present. */
export interface EntryPage {
  readonly entries: number;
  readonly repetitions: number;
  readonly definitions: number;
  readonly present: DecodedPage;
}

/** A column of plain values. */
export interface Leaf {
  readonly name: string;
  readonly type: DataType;
  readonly kind: LeafKind;
  readonly stored: string;
  /** Of FIXED_LEN_BYTE_ARRAY. */
  readonly lengthBytes: number;
  /** What the levels of its entries are at most: how many lists are around it, and how many of those and of itself may be missing. */
  readonly repetition: number;
  readonly definition: number;
}

const STORED_BYTES: Readonly<Record<string, number>> = { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8, INT96: 12 };
const MAX_BYTES = 2 ** 31 - 1;
const MICROSECONDS_PER_MILLISECOND = 1000;
/** Of one page: writers cut them at thousands. */
const MOST_ENTRIES = 1 << 28;

/** Levels: of the leaf itself, or of one at the top of the schema. */
export function leafOf({ element }: SchemaNode, type: DataType, levels?: Pick<Leaf, 'repetition' | 'definition'>): Leaf {
  return {
    name: element.name,
    type,
    kind: leafKind(element, type),
    stored: element.type ?? 'BYTE_ARRAY',
    lengthBytes: element.type_length ?? 0,
    ...(levels ?? { repetition: 0, definition: element.repetition_type === 'REQUIRED' ? 0 : 1 }),
  };
}

/** [at, end): bytes of values. */
export interface Span {
  readonly at: number;
  readonly end: number;
}

interface PageParts {
  readonly entries: number;
  readonly repetitions: Span;
  readonly definitions: Span;
  readonly values: Span;
  readonly encoding: Encoding;
}

export class PageDecoder {
  private readonly leaf: Leaf;
  private readonly scope: MemoryScope;
  private readonly kernels: Kernels;

  /** What is decoded lies in the scope's memory, or in the page itself. */
  constructor(leaf: Leaf, scope: MemoryScope) {
    this.leaf = leaf;
    this.scope = scope;
    this.kernels = kernelsOf(scope.arena);
  }

  dictionary(count: number, span: Span): Dictionary {
    return { count, values: this.ours(this.stored('PLAIN', count, span), count) };
  }

  /** Rows of a page of a leaf at the top of the schema. */
  page(header: PageHeader, span: Span, dictionary: Dictionary | undefined): DecodedPage {
    const { entries: rows, definitions, values: rest, encoding } = this.parts(header, span);
    if (this.leaf.definition === 0) return { rows, validity: 0, values: this.values(encoding, rows, rest, dictionary) };
    const validity = this.scope.allocateZeroed(bitmapBytes(rows) + 8);
    const present = this.kernels.unpack_hybrid_bits(validity, rows, definitions.at, definitions.end);
    if (present < 0) throw this.invalid('malformed levels');
    const values = this.values(encoding, present, rest, dictionary);
    return present === rows ? { rows, validity: 0, values } : { rows, validity, values: this.spread(values, validity, rows) };
  }

  /** Entries of a page of any leaf. */
  entries(header: PageHeader, span: Span, dictionary: Dictionary | undefined): EntryPage {
    const parts = this.parts(header, span);
    const { entries } = parts;
    const repetitions = this.levels(this.leaf.repetition, entries, parts.repetitions);
    const definitions = this.levels(this.leaf.definition, entries, parts.definitions);
    let rows = entries;
    if (definitions !== 0) {
      const each = this.scope.arena.u32.subarray(definitions / 4, definitions / 4 + entries);
      rows = 0;
      for (const level of each) rows += level === this.leaf.definition ? 1 : 0;
    }
    const values = this.values(parts.encoding, rows, parts.values, dictionary);
    return { entries, repetitions, definitions, present: { rows, validity: 0, values } };
  }

  /** Address of n levels; 0: none can be above 0. */
  private levels(most: number, n: number, { at, end }: Span): number {
    if (most === 0) return 0;
    const target = this.scope.allocate(4 * n + 64);
    const width = 32 - Math.clz32(most);
    if (this.kernels.unpack_hybrid_codes(target, n, width, at, end, most + 1) !== 0) throw this.invalid('malformed levels');
    return target;
  }

  /** Where the parts of a page of either version lie. */
  private parts(header: PageHeader, span: Span): PageParts {
    const [first, second] = [header.data_page_header, header.data_page_header_v2];
    const entries = (first ?? second)?.num_values ?? -1;
    if (entries < 0 || entries > MOST_ENTRIES) throw this.invalid(`a page of ${entries} values`);
    if (first) {
      const { repetition, definition } = this.leaf;
      if (repetition > 0 && first.repetition_level_encoding !== 'RLE') throw this.unsupported(first.repetition_level_encoding);
      if (definition > 0 && first.definition_level_encoding !== 'RLE') throw this.unsupported(first.definition_level_encoding);
      const repetitions = repetition > 0 ? this.prefixed(span) : { at: span.at, end: span.at };
      const behind = { at: repetitions.end, end: span.end };
      const definitions = definition > 0 ? this.prefixed(behind) : { at: behind.at, end: behind.at };
      return { entries, repetitions, definitions, values: { at: definitions.end, end: span.end }, encoding: first.encoding };
    }
    assert(second, 'a page of data has one of two headers');
    const { repetition_levels_byte_length: ofRepetitions, definition_levels_byte_length: ofDefinitions, encoding } = second;
    const from = span.at + ofRepetitions;
    const to = from + ofDefinitions;
    if (ofRepetitions < 0 || ofDefinitions < 0 || to > span.end) throw this.invalid('levels that are longer than their page');
    const repetitions = { at: span.at, end: from };
    return { entries, repetitions, definitions: { at: from, end: to }, values: { at: to, end: span.end }, encoding };
  }

  private values(encoding: Encoding, n: number, span: Span, dictionary: Dictionary | undefined): PageValues {
    if (encoding !== 'PLAIN_DICTIONARY' && encoding !== 'RLE_DICTIONARY') return this.ours(this.stored(encoding, n, span), n);
    const codes = this.scope.allocate(n * 4 + 64);
    if (n > 0) {
      if (span.at >= span.end || !dictionary) throw this.invalid('codes without a dictionary');
      const width = this.scope.arena.u8[span.at] as number;
      const isBad = this.kernels.unpack_hybrid_codes(codes, n, width, span.at + 1, span.end, dictionary.count) !== 0;
      if (isBad) throw this.invalid('malformed codes');
    }
    if (!dictionary || dictionary.values.kind === 'bytes') return { kind: 'codes', values: codes };
    assert(dictionary.values.kind === 'fixed', 'a dictionary of fixed-width values or bytes');
    const { values, widthBytes } = dictionary.values;
    const target = this.scope.allocate(n * widthBytes);
    this.kernels.gather_code_values(target, codes, values, widthBytes, n);
    return { kind: 'fixed', values: target, widthBytes };
  }

  // ---- as they are stored ----------------------------------------------------------------------------------------------------------

  private stored(encoding: Encoding, n: number, span: Span): PageValues {
    switch (this.leaf.stored) {
      case 'BOOLEAN':
        return this.storedBits(encoding, n, span);
      case 'BYTE_ARRAY':
        return this.storedBytes(encoding, n, span);
      default:
        return this.storedFixed(encoding, n, span);
    }
  }

  private storedBits(encoding: Encoding, n: number, span: Span): PageValues {
    if (encoding === 'PLAIN') {
      if (Math.ceil(n / 8) > span.end - span.at) throw this.short();
      return { kind: 'bits', values: span.at };
    }
    if (encoding !== 'RLE') throw this.unsupported(encoding);
    const values = this.scope.allocateZeroed(bitmapBytes(n) + 8);
    if (n > 0) {
      const runs = this.prefixed(span);
      if (this.kernels.unpack_hybrid_bits(values, n, runs.at, runs.end) < 0) throw this.invalid('malformed booleans');
    }
    return { kind: 'bits', values };
  }

  private storedFixed(encoding: Encoding, n: number, span: Span): PageValues {
    const { leaf, scope, kernels } = this;
    const widthBytes = STORED_BYTES[leaf.stored] ?? leaf.lengthBytes;
    if (!(widthBytes >= 0 && n * widthBytes <= MAX_BYTES)) throw this.invalid(`values of ${widthBytes} bytes`);
    const fixed = (values: number): PageValues => ({ kind: 'fixed', values, widthBytes });
    const room = () => scope.allocate(n * widthBytes + 64);
    switch (encoding) {
      case 'PLAIN':
        if (n * widthBytes > span.end - span.at) throw this.short();
        return fixed(span.at);
      case 'BYTE_STREAM_SPLIT': {
        if (n * widthBytes > span.end - span.at) throw this.short();
        const target = room();
        kernels.join_byte_streams(target, span.at, widthBytes, n);
        return fixed(target);
      }
      case 'DELTA_BINARY_PACKED': {
        const target = room();
        if (leaf.stored !== 'INT32' && leaf.stored !== 'INT64') throw this.unsupported(encoding);
        const unpack = leaf.stored === 'INT32' ? kernels.unpack_deltas_i32 : kernels.unpack_deltas_i64;
        if (n > 0 && unpack(target, n, span.at, span.end) === 0) throw this.invalid('malformed deltas');
        return fixed(target);
      }
      case 'DELTA_BYTE_ARRAY': {
        if (leaf.stored !== 'FIXED_LEN_BYTE_ARRAY') throw this.unsupported(encoding);
        const bytes = this.storedBytes(encoding, n, span);
        assert(bytes.kind === 'bytes', 'byte strings');
        const { i32 } = scope.arena;
        for (let i = 0; i <= n; i++) if (i32[bytes.offsets / 4 + i] !== i * widthBytes) throw this.invalid('values of another length');
        return fixed(bytes.values);
      }
      default:
        throw this.unsupported(encoding);
    }
  }

  private storedBytes(encoding: Encoding, n: number, span: Span): PageValues {
    const { scope, kernels } = this;
    const offsets = scope.allocate(4 * (n + 1));
    switch (encoding) {
      case 'PLAIN': {
        const total = kernels.measure_plain_bytes(offsets, n, span.at, span.end);
        if (total < 0) throw this.short();
        const values = scope.allocate(total + 64);
        kernels.gather_plain_bytes(values, n, span.at);
        return { kind: 'bytes', offsets, values };
      }
      case 'DELTA_LENGTH_BYTE_ARRAY':
        return this.lengthsFirst(n, span, offsets);
      case 'DELTA_BYTE_ARRAY': {
        const [prefixes, behind] = this.deltas(n, span);
        const suffixes = this.lengthsFirst(n, { at: behind, end: span.end }, scope.allocate(4 * (n + 1)));
        const total = kernels.measure_prefixed_bytes(offsets, prefixes, suffixes.offsets, n);
        if (total < 0) throw this.invalid('malformed beginnings of strings');
        const values = scope.allocate(total + 64);
        kernels.gather_prefixed_bytes(values, prefixes, suffixes.offsets, n, suffixes.values);
        return { kind: 'bytes', offsets, values };
      }
      default:
        throw this.unsupported(encoding);
    }
  }

  private lengthsFirst(n: number, span: Span, offsets: number): PageValues & { readonly kind: 'bytes' } {
    const [lengths, values] = this.deltas(n, span);
    if (this.kernels.sum_byte_lengths(offsets, lengths, n, span.end - values) < 0) throw this.short();
    return { kind: 'bytes', offsets, values };
  }

  /** Addresses of n int32, and of what follows them in the page. */
  private deltas(n: number, span: Span): readonly [number, number] {
    const target = this.scope.allocate(n * 4 + 64);
    if (n === 0) return [target, span.end];
    const behind = this.kernels.unpack_deltas_i32(target, n, span.at, span.end) >>> 0;
    if (behind === 0) throw this.invalid('malformed deltas');
    return [target, behind];
  }

  /** Bytes behind their length, which are levels or booleans; `end` is where the rest of the page begins. */
  private prefixed({ at, end }: Span): Span {
    if (end - at < 4) throw this.short();
    const { u8 } = this.scope.arena;
    const size =
      ((u8[at] as number) | ((u8[at + 1] as number) << 8) | ((u8[at + 2] as number) << 16) | ((u8[at + 3] as number) << 24)) >>> 0;
    if (size > end - at - 4) throw this.short();
    return { at: at + 4, end: at + 4 + size };
  }

  // ---- as ours --------------------------------------------------------------------------------------------------------------------

  /** n stored values → values of the leaf's type. */
  private ours(stored: PageValues, n: number): PageValues {
    const { leaf, kernels, scope } = this;
    const { type } = leaf;
    if (stored.kind === 'bits') return stored;
    if (stored.kind === 'bytes') {
      if (leaf.kind === 'decimal') {
        return this.converted(16, n, (target) => kernels.widen_bytes_i128(target, stored.offsets, stored.values, n));
      }
      if (isText(type)) this.checkText(stored.offsets, stored.values, n);
      return stored;
    }
    assert(stored.kind === 'fixed', 'stored values have no codes');
    const { values, widthBytes } = stored;
    switch (leaf.kind) {
      case 'decimal':
        return this.converted(16, n, (target) => {
          if (leaf.stored === 'INT32') return kernels.widen_i32_i128(target, values, n);
          if (leaf.stored === 'INT64') return kernels.widen_i64_i128(target, values, n);
          return kernels.widen_fixed_i128(target, values, widthBytes, n);
        });
      case 'time_ms':
        return this.converted(8, n, (target) => kernels.scale_i32_i64(target, values, n, MICROSECONDS_PER_MILLISECOND));
      case 'timestamp_ns96':
        return this.converted(8, n, (target) => kernels.widen_int96_i64(target, values, n));
      case 'interval':
        if (widthBytes !== 12) throw this.invalid(`intervals of ${widthBytes} bytes`);
        return this.converted(16, n, (target) => kernels.widen_stored_interval(target, values, n));
      case 'float16':
        if (widthBytes !== 2) throw this.invalid(`floats of ${widthBytes} bytes`);
        return this.converted(4, n, (target) => kernels.widen_f16_f32(target, values, n));
      default: {
        if (physicalOf(type) === 'bytes') {
          const offsets = scope.allocate(4 * (n + 1));
          kernels.step_wire_offsets(offsets, 0, widthBytes, n + 1);
          return { kind: 'bytes', offsets, values };
        }
        const own = WIDTH_BYTES[physicalOf(type)];
        if (own === widthBytes) return stored;
        if (leaf.stored !== 'INT32' || own > 2) throw this.invalid(`values of ${widthBytes} bytes for ${type.kind}`);
        return this.converted(own, n, (target) => kernels.narrow_stored_i32(target, values, own, n));
      }
    }
  }

  private converted(widthBytes: number, n: number, run: (target: number) => unknown): PageValues {
    const target = this.scope.allocate(n * widthBytes + 64);
    const bad = run(target);
    if (typeof bad === 'number' && bad >= 0) throw this.invalid('a number that does not fit');
    return { kind: 'fixed', values: target, widthBytes };
  }

  private checkText(offsets: number, values: number, n: number): void {
    const end = this.scope.arena.i32[offsets / 4 + n] as number;
    const isWhole = this.kernels.check_utf8_range(values, end) === 1;
    if (isWhole && this.kernels.check_utf8_starts(offsets, values, n) < 0) return;
    if (this.kernels.check_utf8_rows(offsets, values, 0, n) >= 0) throw this.invalid('text that is not valid UTF-8');
  }

  private spread(values: PageValues, validity: number, rows: number): PageValues {
    return spreadValues(values, validity, rows, this.scope);
  }

  // ---- errors ----------------------------------------------------------------------------------------------------------------------

  private short(): DbError {
    return this.invalid('values that end behind their page');
  }

  private invalid(what: string): DbError {
    return invalidParquet(`column ${this.leaf.name} has ${what}`);
  }

  private unsupported(encoding: string): DbError {
    return new DbError('unsupported', `column ${this.leaf.name} of the Parquet file has an encoding that is not read: ${encoding}`);
  }
}

/** Values of the present rows → values of all rows, whose bits say which are present. */
export function spreadValues(values: PageValues, validity: number, rows: number, scope: MemoryScope): PageValues {
  const kernels = kernelsOf(scope.arena);
  switch (values.kind) {
    case 'bits': {
      const target = scope.allocateZeroed(bitmapBytes(rows) + 8);
      kernels.spread_row_bits(target, values.values, validity, rows);
      return { kind: 'bits', values: target };
    }
    case 'bytes': {
      const offsets = scope.allocate(4 * (rows + 1));
      kernels.spread_row_offsets(offsets, values.offsets, validity, rows);
      return { ...values, offsets };
    }
    default: {
      const widthBytes = values.kind === 'codes' ? 4 : values.widthBytes;
      const target = scope.allocate(rows * widthBytes);
      kernels.spread_rows(target, values.values, widthBytes, validity, rows);
      return { ...values, values: target };
    }
  }
}
