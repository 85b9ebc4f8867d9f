/** The entries of a column below lists and structs, in groups of whole rows. A row may go on in the next page. */
import type { Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { ChunkPages } from './chunk-pages.js';
import { invalidParquet } from './invalid-parquet.js';
import type { EntryPage } from './page-decoder.js';
import { type Piece, PieceJoiner } from './piece-joiner.js';

export interface LeafEntries {
  readonly count: number;
  readonly repetitions: Uint8Array;
  readonly definitions: Uint8Array;
  /** Those that are present, one after the other. */
  readonly values: Vector;
}

type OpenPage = EntryPage & { readonly scope: MemoryScope };

export class EntryStream {
  private readonly pages: ChunkPages;
  private readonly open: OpenPage[] = [];
  /** Entries of the first open page that were given out, and how many of them are present. */
  private taken = 0;
  private takenPresent = 0;

  constructor(pages: ChunkPages) {
    this.pages = pages;
  }

  /** The entries of the next rowCount rows; their values lie in the scope's memory. */
  async read(rowCount: number, scope: MemoryScope): Promise<LeafEntries> {
    const { pageCount, last } = await this.find(rowCount);
    const count = this.open.slice(0, pageCount).reduce((sum, page) => sum + page.entries, last - this.taken);
    const repetitions = new Uint8Array(count);
    const definitions = new Uint8Array(count);
    const pieces: Piece[] = [];
    let at = 0;
    for (const [i, page] of this.open.entries()) {
      const end = i < pageCount ? page.entries : last;
      if (i > pageCount || (i === pageCount && last === 0)) break;
      const size = end - this.taken;
      this.copyLevels(page.repetitions, size, repetitions, at);
      const present = this.copyLevels(page.definitions, size, definitions, at);
      if (present > 0) pieces.push({ page: page.present, first: this.takenPresent, count: present });
      at += size;
      this.taken = end;
      this.takenPresent += present;
      if (i < pageCount) this.taken = this.takenPresent = 0;
    }
    const present = pieces.reduce((sum, piece) => sum + piece.count, 0);
    const values = new PieceJoiner(this.pages, scope).joined(pieces, present);
    for (const { scope: own } of this.open.splice(0, pageCount)) own.release();
    return { count, repetitions, definitions, values };
  }

  close(): void {
    for (const { scope } of this.open.splice(0)) scope.release();
    this.pages.close();
  }

  /** Where the row behind the next rowCount rows begins: whole pages before it, and entries of the page after those. */
  private async find(rowCount: number): Promise<{ pageCount: number; last: number }> {
    let rows = 0;
    for (let pageCount = 0, entry = this.taken; ; pageCount++, entry = 0) {
      if (pageCount === this.open.length && !(await this.nextPage())) {
        if (rows < rowCount) throw invalidParquet(`column ${this.pages.leaf.name} ends before its row group`);
        return { pageCount, last: 0 };
      }
      const page = this.open[pageCount] as OpenPage;
      const levels = this.levelsOf(page);
      for (; entry < page.entries; entry++) {
        if (levels !== null && levels[entry] !== 0) continue;
        if (rows === rowCount) return { pageCount, last: entry };
        rows++;
      }
      if (rows === 0 && page.entries > this.taken) throw invalidParquet(`column ${this.pages.leaf.name} begins in the midst of a row`);
    }
  }

  private levelsOf(page: OpenPage): Uint32Array | null {
    if (page.repetitions === 0) return null;
    return page.scope.arena.u32.subarray(page.repetitions / 4, page.repetitions / 4 + page.entries);
  }

  /** Levels of `size` entries behind those that were taken, as bytes; says how many are as high as they can be. */
  private copyLevels(address: number, size: number, target: Uint8Array, at: number): number {
    if (address === 0) return size;
    const { leaf } = this.pages;
    const first = address / 4 + this.taken;
    const levels = (this.open[0] as OpenPage).scope.arena.u32.subarray(first, first + size);
    target.set(levels, at);
    let full = 0;
    for (const level of levels) full += level === leaf.definition ? 1 : 0;
    return full;
  }

  private async nextPage(): Promise<boolean> {
    const { pages } = this;
    const page = await pages.next((decoder, header, span) => decoder.entries(header, span, pages.dictionary));
    if (page) this.open.push(page);
    return page !== undefined;
  }
}
