/** The pages of one column chunk, one after the other. The file is read through a window: memory is bounded by the largest page. */
import type { AsyncBuffer, PageHeader } from 'hyparquet';
import { invalidParquet } from './invalid-parquet.js';

export interface RawPage {
  readonly header: PageHeader;
  /** As they lie in the file; valid until the next page is asked for. */
  readonly bytes: Uint8Array;
}

export type ReadHeader = (reader: { view: DataView; offset: number }) => PageHeader;

const WINDOW_BYTES = 1 << 20;
/** Statistics make headers long: of the longest values in it, least and largest. */
const LONGEST_HEADER_BYTES = 1 << 24;

export class PageSource {
  private readonly file: AsyncBuffer;
  private readonly end: number;
  private readonly readHeader: ReadHeader;
  private window: Uint8Array<ArrayBufferLike> = new Uint8Array(0);
  /** Where in the file the window begins, and where in the window the next page. */
  private first: number;
  private at = 0;

  /** [first, end): the chunk's bytes in the file. */
  constructor(file: AsyncBuffer, first: number, end: number, readHeader: ReadHeader) {
    if (!(first >= 0 && end >= first && end <= file.byteLength)) throw invalidParquet('a column lies outside of the file');
    this.file = file;
    this.first = first;
    this.end = end;
    this.readHeader = readHeader;
  }

  /** Undefined behind the last one. */
  async next(): Promise<RawPage | undefined> {
    if (this.first + this.at >= this.end) return undefined;
    const header = await this.header();
    const sizeBytes = header.compressed_page_size;
    if (!(sizeBytes >= 0 && header.uncompressed_page_size >= 0)) throw invalidParquet('a page has a negative size');
    await this.ensure(sizeBytes);
    const bytes = this.window.subarray(this.at, this.at + sizeBytes);
    this.at += sizeBytes;
    return { header, bytes };
  }

  private async header(): Promise<PageHeader> {
    const left = this.end - this.first - this.at;
    for (let size = Math.min(left, 4096); ; size = Math.min(left, size * 16)) {
      await this.ensure(size);
      const reader = { view: new DataView(this.window.buffer, this.window.byteOffset + this.at, this.window.length - this.at), offset: 0 };
      try {
        const header = this.readHeader(reader);
        this.at += reader.offset;
        return header;
      } catch (error) {
        // It may only be longer than what was read of it.
        if (size === left || size >= LONGEST_HEADER_BYTES) throw error;
      }
    }
  }

  /** Has the next sizeBytes bytes in the window. */
  private async ensure(sizeBytes: number): Promise<void> {
    if (this.window.length - this.at >= sizeBytes) return;
    const from = this.first + this.at;
    if (from + sizeBytes > this.end) throw invalidParquet('a page ends behind its column');
    const to = Math.min(this.end, from + Math.max(sizeBytes, WINDOW_BYTES));
    this.window = new Uint8Array(await this.file.slice(from, to));
    if (this.window.length < sizeBytes) throw invalidParquet('the file ends early');
    this.first = from;
    this.at = 0;
  }
}
