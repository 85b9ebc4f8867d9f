/** One column of one row group: its pages are decoded when their rows are asked for, and become vectors of as many rows as wanted. */
import type { AsyncBuffer, ColumnMetaData, CompressionCodec } from 'hyparquet';
import type { Kernels } from '../../../native-free/kernels.js';
import { kernelsOf } from '../../arrow/arena-kernels.js';
import { freshDictionaryId } from '../../arrow/dictionary-id.js';
import { assert } from '../../core/assert.js';
import { bitmapBytes, type DictionaryView, dictionaryVector, flatVector, type Vector } from '../../core/batch.js';
import { tooMuchText } from '../../core/build-vector.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { physicalOf, WIDTH_BYTES } from '../../core/types.js';
import { invalidParquet } from './invalid-parquet.js';
import { plainPage } from './page-codec.js';
import { type DecodedPage, type Dictionary, type Leaf, PageDecoder } from './page-decoder.js';
import { PageSource } from './page-source.js';

const MAX_BYTES = 2 ** 31 - 1;

interface OpenPage {
  readonly page: DecodedPage;
  readonly scope: MemoryScope;
}

/** Rows [first, first + count) of a page. */
interface Piece {
  readonly page: DecodedPage;
  readonly first: number;
  readonly count: number;
}

/** Memory for one page, one dictionary. */
export type MakeScope = () => MemoryScope;

export class ColumnChunk {
  private readonly leaf: Leaf;
  private readonly codec: CompressionCodec;
  private readonly pages: PageSource;
  private readonly makeScope: MakeScope;
  private readonly open: OpenPage[] = [];
  private readonly dictionaryId = freshDictionaryId();
  private dictionary: (Dictionary & { readonly scope: MemoryScope }) | undefined;
  /** Rows of the first open page that were given out. */
  private taken = 0;

  constructor(
    file: AsyncBuffer,
    data: ColumnMetaData,
    leaf: Leaf,
    readHeader: ConstructorParameters<typeof PageSource>[3],
    makeScope: MakeScope,
  ) {
    const dictionary = Number(data.dictionary_page_offset ?? 0);
    const values = Number(data.data_page_offset);
    const first = dictionary > 0 && dictionary < values ? dictionary : values;
    this.leaf = leaf;
    this.codec = data.codec;
    this.pages = new PageSource(file, first, first + Number(data.total_compressed_size), readHeader);
    this.makeScope = makeScope;
  }

  /** The next rowCount rows, in the scope's memory. Fails with `invalid_data`, `unsupported`, `query_memory_exceeded`. */
  async read(rowCount: number, scope: MemoryScope): Promise<Vector> {
    let ready = -this.taken;
    for (const { page } of this.open) ready += page.rows;
    while (ready < rowCount) ready += await this.nextPage();
    const pieces: Piece[] = [];
    let first = this.taken;
    let left = rowCount;
    for (const { page } of this.open) {
      const count = Math.min(left, page.rows - first);
      if (count > 0) pieces.push({ page, first, count });
      left -= count;
      first = 0;
    }
    const vector = new PieceJoiner(this.leaf, this.dictionary, this.dictionaryId, scope).joined(pieces, rowCount);
    this.forget(rowCount);
    return vector;
  }

  close(): void {
    for (const { scope } of this.open.splice(0)) scope.release();
    this.dictionary?.scope.release();
    this.dictionary = undefined;
  }

  /** Lets go what is behind the next rowCount rows. */
  private forget(rowCount: number): void {
    this.taken += rowCount;
    for (let page = this.open[0]; page && page.page.rows <= this.taken; page = this.open[0]) {
      this.taken -= page.page.rows;
      page.scope.release();
      this.open.shift();
    }
  }

  /** Rows of the page that was decoded; pages of other kinds have none. */
  private async nextPage(): Promise<number> {
    const raw = await this.pages.next();
    if (!raw) throw invalidParquet(`column ${this.leaf.name} ends before its row group`);
    const { header, bytes } = raw;
    const isData = header.type === 'DATA_PAGE' || header.type === 'DATA_PAGE_V2';
    if (!isData && header.type !== 'DICTIONARY_PAGE') return 0;
    const scope = this.makeScope();
    try {
      const second = header.type === 'DATA_PAGE_V2' ? header.data_page_header_v2 : undefined;
      const levels = second ? second.definition_levels_byte_length + second.repetition_levels_byte_length : 0;
      const codec = second?.is_compressed === false ? 'UNCOMPRESSED' : this.codec;
      const at = await plainPage(codec, bytes, levels, header.uncompressed_page_size, scope);
      const span = { at, end: at + header.uncompressed_page_size };
      const decoder = new PageDecoder(this.leaf, scope);
      if (!isData) {
        const count = header.dictionary_page_header?.num_values ?? -1;
        if (count < 0 || this.dictionary) throw invalidParquet(`column ${this.leaf.name} has a malformed dictionary`);
        this.dictionary = { ...decoder.dictionary(count, span), scope };
        return 0;
      }
      const rows = (header.data_page_header ?? second)?.num_values ?? -1;
      if (rows < 0) throw invalidParquet(`column ${this.leaf.name} has a page without rows`);
      this.open.push({ page: decoder.page(header, span, this.dictionary), scope });
      return rows;
    } catch (error) {
      scope.release();
      throw error;
    }
  }
}

/** Pieces of pages → one vector. */
class PieceJoiner {
  private readonly leaf: Leaf;
  private readonly dictionary: Dictionary | undefined;
  private readonly dictionaryId: number;
  private readonly scope: MemoryScope;
  private readonly kernels: Kernels;

  constructor(leaf: Leaf, dictionary: Dictionary | undefined, dictionaryId: number, scope: MemoryScope) {
    this.leaf = leaf;
    this.dictionary = dictionary;
    this.dictionaryId = dictionaryId;
    this.scope = scope;
    this.kernels = kernelsOf(scope.arena);
  }

  joined(pieces: readonly Piece[], rowCount: number): Vector {
    const { type } = this.leaf;
    const validity = this.validity(pieces, rowCount);
    switch (physicalOf(type)) {
      case 'bit':
        return flatVector(type, rowCount, this.bits(pieces, rowCount), validity);
      case 'bytes': {
        const codes = this.dictionary && pieces.every(({ page }) => page.values.kind === 'codes') && this.dictionary.count <= rowCount / 2;
        if (codes) return dictionaryVector(type, rowCount, this.fixed(pieces, rowCount, 4), this.dictionaryView(), validity);
        const { offsets, values } = this.bytes(pieces, rowCount);
        return flatVector(type, rowCount, values, validity, offsets);
      }
      default:
        return flatVector(type, rowCount, this.fixed(pieces, rowCount, WIDTH_BYTES[physicalOf(type)]), validity);
    }
  }

  private validity(pieces: readonly Piece[], rowCount: number): number {
    if (pieces.every(({ page }) => page.validity === 0)) return 0;
    const target = this.scope.allocateZeroed(bitmapBytes(rowCount));
    let at = 0;
    for (const { page, first, count } of pieces) {
      if (page.validity === 0) this.kernels.set_bit_range(target, at, count);
      else this.kernels.copy_bit_range(target, at, page.validity, first, count);
      at += count;
    }
    return target;
  }

  private bits(pieces: readonly Piece[], rowCount: number): number {
    const target = this.scope.allocateZeroed(bitmapBytes(rowCount));
    let at = 0;
    for (const { page, first, count } of pieces) {
      this.kernels.copy_bit_range(target, at, page.values.values, first, count);
      at += count;
    }
    return target;
  }

  private fixed(pieces: readonly Piece[], rowCount: number, widthBytes: number): number {
    const { u8 } = this.scope.arena;
    const target = this.scope.allocate(rowCount * widthBytes);
    let at = target;
    for (const { page, first, count } of pieces) {
      const source = page.values.values + first * widthBytes;
      u8.copyWithin(at, source, source + count * widthBytes);
      at += count * widthBytes;
    }
    return target;
  }

  /** The dictionary lives as long as the vector. */
  private dictionaryView(): DictionaryView {
    const { count, values } = this.dictionary ?? { count: 0, values: undefined };
    assert(values?.kind === 'bytes', 'codes of text');
    const { u8, i32 } = this.scope.arena;
    const end = i32[values.offsets / 4 + count] as number;
    const offsets = this.scope.allocate(4 * (count + 1));
    const bytes = this.scope.allocate(end);
    u8.copyWithin(offsets, values.offsets, values.offsets + 4 * (count + 1));
    u8.copyWithin(bytes, values.values, values.values + end);
    return { id: this.dictionaryId, count, offsets, values: bytes };
  }

  /** Texts of pages that name them by codes, and of pages that have them themselves, one after the other. */
  private bytes(pieces: readonly Piece[], rowCount: number): { offsets: number; values: number } {
    const { scope, kernels } = this;
    const { i32, u8 } = scope.arena;
    const offsets = scope.allocate(4 * (rowCount + 1));
    i32[offsets / 4] = 0;
    const ends: number[] = [];
    let at = offsets;
    let end = 0;
    for (const { page, first, count } of pieces) {
      const { values } = page;
      if (values.kind === 'codes') {
        end = kernels.measure_code_bytes(at, end, values.values + 4 * first, page.validity, first, count, this.entries().offsets);
      } else {
        assert(values.kind === 'bytes', 'pages of text');
        const from = i32[values.offsets / 4 + first] as number;
        const size = (i32[values.offsets / 4 + first + count] as number) - from;
        if (end + size > MAX_BYTES) throw tooMuchText();
        kernels.rebase_wire_offsets(at, values.offsets + 4 * first, count + 1, end - from);
        end += size;
      }
      if (end > MAX_BYTES) throw tooMuchText();
      ends.push(end);
      at += 4 * count;
    }
    const target = scope.allocate(end);
    let begin = 0;
    for (const [i, { page, first, count }] of pieces.entries()) {
      const { values } = page;
      if (values.kind === 'codes') {
        const { offsets: entries, values: bytes } = this.entries();
        kernels.gather_code_bytes(target + begin, values.values + 4 * first, page.validity, first, count, entries, bytes);
      } else if (values.kind === 'bytes') {
        const from = values.values + (i32[values.offsets / 4 + first] as number);
        u8.copyWithin(target + begin, from, from + (ends[i] as number) - begin);
      }
      begin = ends[i] as number;
    }
    return { offsets, values: target };
  }

  private entries(): { readonly offsets: number; readonly values: number } {
    const values = this.dictionary?.values;
    // A page of nothing but NULLs may have codes without a dictionary.
    if (values === undefined) return { offsets: 0, values: 0 };
    assert(values.kind === 'bytes', 'codes of text');
    return values;
  }
}
