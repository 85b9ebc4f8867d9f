/** The pages of one column chunk as plain bytes in the arena. Its dictionary is decoded on the way. */
import type { AsyncBuffer, ColumnMetaData, CompressionCodec, PageHeader } from 'hyparquet';
import { freshDictionaryId } from '../../arrow/dictionary-id.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { invalidParquet } from './invalid-parquet.js';
import { plainPage } from './page-codec.js';
import { type Dictionary, type Leaf, PageDecoder, type Span } from './page-decoder.js';
import { PageSource, type ReadHeader } from './page-source.js';

/** What reading a chunk needs. */
export interface ChunkReading {
  readonly file: AsyncBuffer;
  readonly readHeader: ReadHeader;
  /** Memory for one page, or the dictionary. */
  readonly memory: () => MemoryScope;
}

export class ChunkPages {
  readonly leaf: Leaf;
  readonly dictionaryId = freshDictionaryId();
  dictionary: (Dictionary & { readonly scope: MemoryScope }) | undefined;
  private readonly codec: CompressionCodec;
  private readonly source: PageSource;
  private readonly memory: () => MemoryScope;

  constructor(leaf: Leaf, data: ColumnMetaData, { file, readHeader, memory }: ChunkReading) {
    const dictionary = Number(data.dictionary_page_offset ?? 0);
    const values = Number(data.data_page_offset);
    const first = dictionary > 0 && dictionary < values ? dictionary : values;
    this.leaf = leaf;
    this.codec = data.codec;
    this.source = new PageSource(file, first, first + Number(data.total_compressed_size), readHeader);
    this.memory = memory;
  }

  /** The next page of data, decoded into memory of its own; undefined behind the last one. */
  async next<Page>(
    decode: (decoder: PageDecoder, header: PageHeader, span: Span) => Page,
  ): Promise<(Page & { scope: MemoryScope }) | undefined> {
    for (let raw = await this.source.next(); raw; raw = await this.source.next()) {
      const { header, bytes } = raw;
      const isData = header.type === 'DATA_PAGE' || header.type === 'DATA_PAGE_V2';
      if (!isData && header.type !== 'DICTIONARY_PAGE') continue;
      const scope = this.memory();
      try {
        const at = await this.plain(header, bytes, scope);
        const span = { at, end: at + header.uncompressed_page_size };
        const decoder = new PageDecoder(this.leaf, scope);
        if (isData) return { ...decode(decoder, header, span), scope };
        this.dictionary = { ...this.dictionaryOf(decoder, header, span), scope };
      } catch (error) {
        scope.release();
        throw error;
      }
    }
    return undefined;
  }

  close(): void {
    this.dictionary?.scope.release();
    this.dictionary = undefined;
  }

  private plain(header: PageHeader, bytes: Uint8Array, scope: MemoryScope): Promise<number> {
    const second = header.type === 'DATA_PAGE_V2' ? header.data_page_header_v2 : undefined;
    const levels = second ? second.definition_levels_byte_length + second.repetition_levels_byte_length : 0;
    const codec = second?.is_compressed === false ? 'UNCOMPRESSED' : this.codec;
    return plainPage(codec, bytes, levels, header.uncompressed_page_size, scope);
  }

  private dictionaryOf(decoder: PageDecoder, header: PageHeader, span: Span): Dictionary {
    const count = header.dictionary_page_header?.num_values ?? -1;
    if (count < 0 || this.dictionary) throw invalidParquet(`column ${this.leaf.name} has a malformed dictionary`);
    return decoder.dictionary(count, span);
  }
}
