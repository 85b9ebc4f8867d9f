/**
 * A batch as one run of bytes, and back: buffers one after the other, each at a multiple of 64 bytes. What is not bytes (types, lengths, the
 * views of dictionaries, which stay in memory) is kept beside it.
 */
import type { Arena } from '../../core/arena.js';
import { type Batch, bitmapBytes, type DictionaryView, type Vector } from '../../core/batch.js';
import { type DataType, physicalOf, WIDTH_BYTES } from '../../core/types.js';
import { sliceVector } from '../execution/slice-vector.js';

/** A vector whose addresses are offsets into the page; −1 = there is no such buffer. */
interface PagedVector {
  readonly type: Vector['type'];
  readonly encoding: Vector['encoding'];
  readonly length: number;
  readonly validity: number;
  readonly values: number;
  readonly offsets: number;
  /** What the first offset says: the bytes before it are not in the page. */
  readonly start: number;
  readonly dictionary: DictionaryView | null;
  readonly children: readonly PagedVector[];
}

export interface PageLayout {
  readonly rowCount: number;
  readonly sizeBytes: number;
  readonly columns: readonly PagedVector[];
}

interface Part {
  readonly from: number;
  readonly at: number;
  readonly sizeBytes: number;
}

const NONE = -1;

/** How a batch lies in a page, and what is to be copied there. */
export function layOut(batch: Batch, arena: Arena): { readonly layout: PageLayout; readonly parts: readonly Part[] } {
  const writer = new PageWriter(arena);
  const columns = batch.columns.map((column) => writer.vector(column));
  return { layout: { rowCount: batch.rowCount, sizeBytes: Math.max(64, writer.size), columns }, parts: writer.parts };
}

class PageWriter {
  readonly parts: Part[] = [];
  size = 0;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  vector(vector: Vector): PagedVector {
    const { type, encoding, length, dictionary } = vector;
    const rows = encoding === 'constant' ? 1 : length;
    const validity = vector.validity === 0 ? NONE : this.place(vector.validity, bitmapBytes(rows));
    const paged = { type, encoding, length, validity, values: NONE, offsets: NONE, start: 0, dictionary, children: [] };
    if (dictionary) return { ...paged, values: this.place(vector.values, rows * 4) };
    const physical = physicalOf(type);
    if (physical === 'none') return paged;
    if (physical === 'struct') return { ...paged, children: vector.children.map((child) => this.vector(child)) };
    if (physical === 'bit') return { ...paged, values: this.place(vector.values, bitmapBytes(rows)) };
    if (physical !== 'bytes' && physical !== 'list') return { ...paged, values: this.place(vector.values, rows * WIDTH_BYTES[physical]) };
    if (vector.offsets === 0) return { ...paged, children: vector.children.map((child) => this.vector(sliceVector(child, 0, 0))) };
    const offsets = this.place(vector.offsets, (rows + 1) * 4);
    const start = this.arena.i32[vector.offsets / 4] as number;
    const end = this.arena.i32[vector.offsets / 4 + rows] as number;
    if (physical === 'bytes') return { ...paged, offsets, start, values: this.place(vector.values + start, end - start) };
    // Bitmaps of items cannot be cut anywhere, so those before the first list come along.
    return { ...paged, offsets, children: vector.children.map((child) => this.vector(sliceVector(child, 0, end))) };
  }

  private place(from: number, sizeBytes: number): number {
    const at = this.size;
    if (sizeBytes > 0) this.parts.push({ from, at, sizeBytes });
    this.size += Math.ceil(sizeBytes / 64) * 64;
    return at;
  }
}

/** The batch of a page whose bytes lie at the address. */
export function batchAt({ rowCount, columns }: PageLayout, address: number, arena: Arena): Batch {
  return { arena: arena.id, rowCount, columns: columns.map((column) => vectorAt(column, address, arena)) };
}

function vectorAt(paged: PagedVector, address: number, arena: Arena): Vector {
  const { type, encoding, length, dictionary, start } = paged;
  const at = (offset: number): number => (offset === NONE ? 0 : address + offset);
  const offsets = at(paged.offsets);
  if (start !== 0) {
    const first = offsets / 4;
    const rows = encoding === 'constant' ? 1 : length;
    for (let i = first; i <= first + rows; i++) arena.i32[i] = (arena.i32[i] as number) - start;
  }
  const children = paged.children.map((child) => vectorAt(child, address, arena));
  return { type, encoding, length, validity: at(paged.validity), values: at(paged.values), offsets, dictionary, children };
}

/** Bytes of a row of these types, about. */
export function rowBytesOf(types: readonly DataType[]): number {
  return types.reduce((sum, type) => sum + (WIDTH_BYTES[physicalOf(type)] || 16), 0);
}
