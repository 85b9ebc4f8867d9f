/** One pass over both sides of an ASOF join that ascend in time. */
import { bitmapBytes, type DictionaryView, flatVector, type Vector } from '../../../core/batch.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import type { EvaluationContext } from '../../functions/contract.js';
import type { Lookup } from '../join/join-lookup.js';
import type { AsofFinder, AsofRows } from './finder.js';
import type { AsofPieces, AsofSpec } from './spec.js';

/** Right rows between here and the next left row up to which walking is as good as looking from behind. */
const NEAR_ROWS = 4096;

/** Values of a left dictionary up to which each is looked up once, before the rows. */
const MAPPED_VALUES = 1 << 16;

/** Words of the cursor: piece and row that come next; left rows without a right row. */
const PIECE = 0;
const ROW = 1;
const MISSING = 4;

interface LeftKeys {
  /** Key or code of each row; 0 = there is one key only. */
  readonly codes: number;
  /** Key by code; 0 = codes are keys. */
  readonly map: number;
  readonly validity: number;
}

/**
 * Remembers the last right row of every key, from chunk to chunk. A gap between chunks is made up for from behind, which ends as soon as
 * every key was seen. Left rows may go back in time; then the state is made anew.
 */
export class AsofMerge implements AsofFinder {
  private readonly spec: AsofSpec;
  private readonly pieces: AsofPieces;
  private readonly lookup: Lookup | null;
  private readonly scope: MemoryScope;
  private readonly context: EvaluationContext;
  private readonly check: () => void;
  private readonly last: number;
  private readonly cursor: number;
  private readonly target: number;
  private readonly none: number;
  private readonly strict: number;
  private readonly maps = new Map<number, { readonly count: number; readonly address: number }>();
  private started = false;

  constructor(
    spec: AsofSpec,
    pieces: AsofPieces,
    lookup: Lookup | null,
    scope: MemoryScope,
    context: EvaluationContext,
    check: () => void,
  ) {
    this.spec = spec;
    this.pieces = pieces;
    this.lookup = lookup;
    this.scope = scope;
    this.context = context;
    this.check = check;
    // Right rows without a key are counted as key `keyCount`; the one after it never has a row, the last one is never read.
    this.none = spec.table.keyCount + 1;
    this.last = scope.allocateZeroed(Math.max(64, (this.none + 2) * 4));
    this.cursor = scope.allocateZeroed(64);
    this.target = scope.allocateZeroed(64);
    this.strict = spec.direction === 'gt' ? 1 : 0;
  }

  find(rows: AsofRows): { readonly rows: number; readonly all: boolean } {
    const { n, times } = rows;
    const { context, pieces, cursor, last, none, strict, spec } = this;
    const { kernels, scratch, arena } = context;
    const { shift } = spec.table.columns;
    const out = scratch.allocate(Math.max(64, n * 4));
    const { codes, map, validity } = this.keysOf(rows.keys, n);
    const valid = this.both(rows.valid, validity, n);
    arena.u32[cursor / 4 + MISSING] = 0;
    let values = times.values;
    if (valid !== 0) {
      values = scratch.allocate(Math.max(64, n * 8));
      kernels.asof_fill_times(times.values, valid, n, values);
    }
    for (let row = 0; row < n; ) {
      this.moveTo(values + row * 8);
      row = kernels.asof_merge(
        n,
        row,
        values,
        codes,
        map,
        none,
        valid,
        pieces.address,
        pieces.count,
        shift,
        strict,
        cursor,
        last,
        spec.limit,
        out,
      );
      if (row < n) this.check();
    }
    return { rows: out, all: arena.u32[cursor / 4 + MISSING] === 0 };
  }

  private keysOf(keys: readonly Vector[], n: number): LeftKeys {
    const { lookup, spec } = this;
    const [only] = keys;
    if (!lookup || !only) return { codes: 0, map: 0, validity: 0 };
    const { dictionary } = only;
    if (only.encoding === 'dictionary' && dictionary) {
      const same = dictionary.id === spec.table.dictionary && dictionary.count <= spec.table.keyCount;
      if (same) return { codes: only.values, map: 0, validity: only.validity };
      if (dictionary.count <= MAPPED_VALUES) {
        return { codes: only.values, map: this.mapOf(dictionary, only, lookup), validity: only.validity };
      }
    }
    return { codes: lookup.find(keys, n, this.context), map: 0, validity: 0 };
  }

  /** Key by code of a left dictionary. */
  private mapOf(dictionary: DictionaryView, vector: Vector, lookup: Lookup): number {
    const known = this.maps.get(dictionary.id);
    if (known && known.count >= dictionary.count) return known.address;
    const { context, scope, none } = this;
    const values = flatVector(vector.type, dictionary.count, dictionary.values, 0, dictionary.offsets);
    const address = scope.allocate(Math.max(64, dictionary.count * 4));
    context.kernels.asof_map(lookup.find([values], dictionary.count, context), dictionary.count, none, address);
    if (known) scope.free(known.address);
    this.maps.set(dictionary.id, { count: dictionary.count, address });
    return address;
  }

  private both(a: number, b: number, n: number): number {
    if (a === 0 || b === 0) return a + b;
    const out = this.context.scratch.allocate(bitmapBytes(n));
    this.context.kernels.mask_and(a, b, n, out);
    return out;
  }

  /** Brings the state to where the right rows end that the time at the address sees, when that is far away or behind. */
  private moveTo(time: number): void {
    const { context, pieces, cursor, target, last, strict, spec } = this;
    const { arena, kernels } = context;
    const { u32 } = arena;
    const { shift } = spec.table.columns;
    kernels.asof_seek(pieces.address, pieces.count, time, strict, target);
    const [piece, row] = [u32[cursor / 4 + PIECE] as number, u32[cursor / 4 + ROW] as number];
    const [toPiece, toRow] = [u32[target / 4 + PIECE] as number, u32[target / 4 + ROW] as number];
    const back = this.started && (toPiece < piece || (toPiece === piece && toRow < row));
    if (back) {
      arena.u8.fill(0, last, last + (this.none + 2) * 4);
      u32[cursor / 4 + PIECE] = 0;
      u32[cursor / 4 + ROW] = 0;
    }
    this.started = true;
    if (!back && toPiece === piece && toRow - row <= NEAR_ROWS) return;
    const [fromPiece, fromRow] = [u32[cursor / 4 + PIECE] as number, u32[cursor / 4 + ROW] as number];
    kernels.asof_state(pieces.address, shift, target, fromPiece, fromRow, spec.table.keyCount, last);
    u32[cursor / 4 + PIECE] = toPiece;
    u32[cursor / 4 + ROW] = toRow;
  }
}
