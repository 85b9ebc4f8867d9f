/** Pieces of decoded pages → one vector. */
import type { Kernels } from '../../../native-free/kernels.js';
import { kernelsOf } from '../../arrow/arena-kernels.js';
import { assert } from '../../core/assert.js';
import { bitmapBytes, type DictionaryView, dictionaryVector, flatVector, type Vector } from '../../core/batch.js';
import { tooMuchText } from '../../core/build-vector.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { physicalOf, WIDTH_BYTES } from '../../core/types.js';
import type { ChunkPages } from './chunk-pages.js';
import type { DecodedPage, Dictionary, Leaf } from './page-decoder.js';

const MAX_BYTES = 2 ** 31 - 1;

/** Rows [first, first + count) of a page. */
export interface Piece {
  readonly page: DecodedPage;
  readonly first: number;
  readonly count: number;
}

export class PieceJoiner {
  private readonly leaf: Leaf;
  private readonly dictionary: Dictionary | undefined;
  private readonly dictionaryId: number;
  private readonly scope: MemoryScope;
  private readonly kernels: Kernels;

  constructor({ leaf, dictionary, dictionaryId }: ChunkPages, scope: MemoryScope) {
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
