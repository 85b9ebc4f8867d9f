/** Taking rows out of columns that lie in several pieces, where they lie. */
import { bitmapBytes, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { physicalOf, WIDTH_BYTES } from '../../core/types.js';
import { gatherVectorOrNull } from '../expression/gather.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { ColumnId } from '../plan/expression.js';
import type { PieceColumn, PieceColumns } from './asof/spec.js';

const GATHER = {
  1: 'gather_pieces_8',
  2: 'gather_pieces_16',
  4: 'gather_pieces_32',
  8: 'gather_pieces_64',
  16: 'gather_pieces_128',
} as const;

/** The columns in one piece. */
export function wholeColumns(ids: readonly ColumnId[], vectors: readonly Vector[]): PieceColumns {
  return { shift: 31, columns: ids.map((id, i) => ({ id, vectors: [vectors[i] as Vector], values: 0, validities: 0 })) };
}

/** The columns of pieces of at most 2^shift rows; null when their values cannot be taken from several pieces. */
export function piecedColumns(
  ids: readonly ColumnId[],
  pieces: readonly (readonly Vector[])[],
  shift: number,
  memory: MemoryScope,
): PieceColumns | null {
  if ((pieces.length << shift) >>> shift !== pieces.length || pieces.length * 2 ** shift >= 2 ** 32) return null;
  const columns: PieceColumn[] = [];
  for (const [i, id] of ids.entries()) {
    const vectors = pieces.map((piece) => piece[i] as Vector);
    const first = vectors[0];
    if (!first) return null;
    const { encoding, dictionary } = first;
    const width = encoding === 'dictionary' ? 4 : WIDTH_BYTES[physicalOf(first.type)];
    if (encoding === 'constant' || !(width in GATHER)) return null;
    if (vectors.some((vector) => vector.encoding !== encoding || vector.dictionary?.id !== dictionary?.id)) return null;
    const values = listed(
      vectors.map((vector) => vector.values),
      memory,
    );
    const nulls = vectors.some((vector) => vector.validity !== 0);
    columns.push({
      id,
      vectors,
      values,
      validities: nulls
        ? listed(
            vectors.map((vector) => vector.validity),
            memory,
          )
        : 0,
    });
  }
  return { shift, columns };
}

function listed(addresses: readonly number[], memory: MemoryScope): number {
  const list = memory.allocate(Math.max(64, addresses.length * 4));
  memory.arena.u32.set(addresses, list / 4);
  return list;
}

/** The dictionary of several views of it that knows most values. */
function widest(vectors: readonly Vector[]): Vector['dictionary'] {
  return vectors.reduce<Vector['dictionary']>(
    (most, { dictionary }) => (dictionary && dictionary.count > (most?.count ?? -1) ? dictionary : most),
    null,
  );
}

/** The values of `count` rows (uint32) in scratch; 0xFFFFFFFF gives NULL. `all`: every row is one. */
export function gatherPieces(
  column: PieceColumn,
  shift: number,
  rows: number,
  count: number,
  all: boolean,
  context: EvaluationContext,
): Vector {
  const { vectors, values, validities } = column;
  const [first] = vectors as readonly [Vector];
  if (vectors.length === 1) return gatherVectorOrNull(first, rows, count, context);
  const { kernels, scratch } = context;
  const width = first.encoding === 'dictionary' ? 4 : WIDTH_BYTES[physicalOf(first.type)];
  const out = scratch.allocate(Math.max(64, width * count));
  kernels[GATHER[width as keyof typeof GATHER]](values, shift, rows, count, out);
  let validity = 0;
  if (validities !== 0) {
    validity = scratch.allocate(bitmapBytes(count));
    kernels.gather_pieces_bits(validities, shift, rows, count, validity);
  } else if (!all) {
    validity = scratch.allocate(bitmapBytes(count));
    kernels.bits_found_u32(rows, count, validity);
  }
  return { ...first, length: count, values: out, validity, dictionary: widest(vectors) };
}
