/** One column of one row group: its pages are decoded when their rows are asked for, and become vectors of as many rows as wanted. */
import type { Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { ChunkPages } from './chunk-pages.js';
import { invalidParquet } from './invalid-parquet.js';
import type { DecodedPage } from './page-decoder.js';
import { type Piece, PieceJoiner } from './piece-joiner.js';

export class ColumnChunk {
  private readonly pages: ChunkPages;
  private readonly open: (DecodedPage & { readonly scope: MemoryScope })[] = [];
  /** Rows of the first open page that were given out. */
  private taken = 0;

  constructor(pages: ChunkPages) {
    this.pages = pages;
  }

  /** The next rowCount rows, in the scope's memory. Fails with `invalid_data`, `unsupported`, `query_memory_exceeded`. */
  async read(rowCount: number, scope: MemoryScope): Promise<Vector> {
    let ready = -this.taken;
    for (const page of this.open) ready += page.rows;
    while (ready < rowCount) ready += await this.nextPage();
    const pieces: Piece[] = [];
    let first = this.taken;
    let left = rowCount;
    for (const page of this.open) {
      const count = Math.min(left, page.rows - first);
      if (count > 0) pieces.push({ page, first, count });
      left -= count;
      first = 0;
    }
    const vector = new PieceJoiner(this.pages, scope).joined(pieces, rowCount);
    this.forget(rowCount);
    return vector;
  }

  close(): void {
    for (const { scope } of this.open.splice(0)) scope.release();
    this.pages.close();
  }

  /** Lets go what is behind the next rowCount rows. */
  private forget(rowCount: number): void {
    this.taken += rowCount;
    for (let page = this.open[0]; page && page.rows <= this.taken; page = this.open[0]) {
      this.taken -= page.rows;
      page.scope.release();
      this.open.shift();
    }
  }

  private async nextPage(): Promise<number> {
    const { pages } = this;
    const page = await pages.next((decoder, header, span) => decoder.page(header, span, pages.dictionary));
    if (!page) throw invalidParquet(`column ${pages.leaf.name} ends before its row group`);
    this.open.push(page);
    return page.rows;
  }
}
