/** The beginning of a pipeline: cuts the rows of a lane into chunks of vectors. */
import { assert } from '../../core/assert.js';
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { gatherVector } from '../expression/gather.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { ColumnId } from '../plan/expression.js';
import { Chunk, NONE } from './chunk.js';
import { sliceVector } from './slice-vector.js';
import type { Branch, LaneRange, RowsPiece, SeriesPiece } from './task.js';

/** The chunks of a range. Each is valid until the next is asked for; scratch is reset in between. */
export function* chunksOf(branch: Branch, range: LaneRange, vectorRows: number, context: EvaluationContext): Generator<Chunk> {
  const piece = branch.pieces[range.piece];
  assert(piece, `piece ${range.piece}`);
  for (let row = range.first; row < range.end; ) {
    context.scratch.reset();
    if (piece.kind === 'series') {
      const end = Math.min(row + vectorRows, range.end);
      yield seriesChunk(piece, branch.columns[0] ?? 0, row, end - row, context);
      row = end;
    } else if (piece.order !== 0) {
      const end = Math.min(row + vectorRows, range.end);
      yield orderedChunk(piece, branch, row, end - row, context);
      row = end;
    } else {
      const from = row - (row % 64);
      const end = Math.min(from + vectorRows, range.end);
      yield rowsChunk(piece, branch, from, row, end, context);
      row = end;
    }
  }
}

function seriesChunk(piece: SeriesPiece, id: ColumnId, first: number, length: number, context: EvaluationContext): Chunk {
  const values = context.scratch.allocate(length * 8);
  context.kernels.series_i64(piece.slots, piece.slots + 8, first, length, values);
  return new Chunk(length, 0, length, new Map([[id, flatVector(piece.type, length, values)]]), NONE);
}

function orderedChunk(piece: RowsPiece, branch: Branch, first: number, length: number, context: EvaluationContext): Chunk {
  const byId = new Map(branch.columns.map((id, i) => [id, piece.columns[i]] as const));
  const make = (id: ColumnId) => {
    const vector = byId.get(id);
    assert(vector, `column ${id} of a sorted source`);
    return gatherVector(vector, piece.order + first * 4, length, context);
  };
  return new Chunk(length, 0, length, new Map(), NONE, make, null, branch.ascending);
}

/** Rows [from, end), of which those before `first` do not count. */
function rowsChunk(piece: RowsPiece, branch: Branch, from: number, first: number, end: number, context: EvaluationContext): Chunk {
  const n = end - from;
  const columns = new Map<ColumnId, Vector>();
  const lasting = new Set<Vector>();
  branch.columns.forEach((id, i) => {
    const vector = piece.columns[i];
    assert(vector, `column ${id} of a source`);
    const slice = sliceVector(vector, from, n);
    columns.set(id, slice);
    lasting.add(slice);
  });
  const { kernels, scratch } = context;
  let mask = 0;
  let count = n;
  if (first > from) {
    mask = scratch.allocate(bitmapBytes(n));
    kernels.mask_range(first - from, n, n, mask);
    count = end - first;
  }
  if (piece.alive !== 0) {
    const both = scratch.allocate(bitmapBytes(n));
    count = kernels.mask_and(mask, piece.alive + from / 8, n, both);
    mask = count === n ? 0 : both;
  }
  return new Chunk(n, mask, count, columns, lasting, null, null, branch.ascending);
}
