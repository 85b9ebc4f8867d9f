/** Taking rows out of vectors: by index, with missing rows as NULL, and decoded to flat. */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { type Allocator, tooMuchText } from '../../core/build-vector.js';
import { DbError } from '../../core/errors.js';
import { physicalOf, WIDTH_BYTES } from '../../core/types.js';
import { isValid } from '../../core/values.js';
import type { EvaluationContext } from '../functions/contract.js';
import { inPieces } from './in-pieces.js';

/** What moving vectors needs. An EvaluationContext is one. */
export type MoveContext = Pick<EvaluationContext, 'arena' | 'kernels' | 'scratch' | 'check'>;

const MISSING = -1;

/** The rows of `vector` named by `count` uint32 at address `indices`, each < vector.length. Dictionary vectors stay dictionary vectors, constants constants. */
export function gatherVector(
  vector: Vector,
  indices: number,
  count: number,
  context: MoveContext,
  memory: Allocator = context.scratch,
): Vector {
  if (vector.encoding === 'constant') return { ...vector, length: count };
  return gather(vector, indices, count, context, memory, false);
}

/** As gatherVector; index 0xFFFFFFFF gives NULL. */
export function gatherVectorOrNull(
  vector: Vector,
  indices: number,
  count: number,
  context: MoveContext,
  memory: Allocator = context.scratch,
): Vector {
  return gather(vector.encoding === 'constant' ? toFlat(vector, context) : vector, indices, count, context, memory, true);
}

/** The same rows as a flat vector: dictionary codes and constants decoded. A flat vector is returned as it is. */
export function toFlat(vector: Vector, context: MoveContext, memory: Allocator = context.scratch): Vector {
  if (vector.encoding === 'flat') return vector;
  if (vector.encoding === 'constant') return repeat(vector, context, memory);
  const { dictionary, length } = vector;
  if (dictionary === null) return vector;
  let codes = vector.values;
  if (vector.validity !== 0) {
    codes = context.scratch.allocate(4 * length);
    context.kernels.mask_indices(vector.values, vector.validity, length, MISSING, codes);
  }
  return { ...gatherBytes(vector, dictionary.offsets, dictionary.values, codes, length, context, memory), validity: vector.validity };
}

/** vector.length copies of a constant. */
function repeat(vector: Vector, context: MoveContext, memory: Allocator): Vector {
  const { type, length } = vector;
  const { kernels } = context;
  let validity = 0;
  if (!isValid(context.arena, { ...vector, length: 1 }, 0)) {
    validity = memory.allocate(bitmapBytes(length));
    kernels.bits_fill(length, 0, validity);
  }
  const physical = physicalOf(type);
  const width = WIDTH_BYTES[physical];
  if (physical === 'none') return flatVector(type, length, 0, 0);
  if (width > 0) {
    const values = memory.allocate(width * length);
    fillKernel(context, width)(vector.values, length, values);
    return flatVector(type, length, values, validity);
  }
  if (physical === 'bit') {
    const values = memory.allocate(bitmapBytes(length));
    kernels.bits_fill(length, (context.arena.u8[vector.values] as number) & 1, values);
    return flatVector(type, length, values, validity);
  }
  const zeros = context.scratch.allocate(4 * length);
  context.arena.u8.fill(validity === 0 ? 0 : 255, zeros, zeros + 4 * length);
  const one: Vector = { ...vector, encoding: 'flat', length: 1 };
  return { ...gather(one, zeros, length, context, memory, validity !== 0), validity };
}

export function fillKernel(context: MoveContext, width: number): (value: number, count: number, out: number) => void {
  const { kernels } = context;
  if (width === 8) return kernels.fill_64;
  if (width === 4) return kernels.fill_32;
  if (width === 16) return kernels.fill_128;
  return width === 1 ? kernels.fill_8 : kernels.fill_16;
}

type GatherKernel = (values: number, indices: number, count: number, out: number) => void;

function gatherKernel(context: MoveContext, width: number, missing: boolean): GatherKernel {
  const { kernels } = context;
  if (width === 8) return missing ? kernels.gather_or_zero_64 : kernels.gather_64;
  if (width === 4) return missing ? kernels.gather_or_zero_32 : kernels.gather_32;
  if (width === 16) return missing ? kernels.gather_or_zero_128 : kernels.gather_128;
  if (width === 1) return missing ? kernels.gather_or_zero_8 : kernels.gather_8;
  return missing ? kernels.gather_or_zero_16 : kernels.gather_16;
}

function gather(vector: Vector, indices: number, count: number, context: MoveContext, memory: Allocator, missing: boolean): Vector {
  const { type } = vector;
  let validity = 0;
  if (vector.validity !== 0 || missing) {
    validity = memory.allocate(bitmapBytes(count));
    inPieces(count, context, (first, some) => {
      context.kernels.gather_bits(vector.validity, indices + first * 4, some, validity + first / 8);
    });
  }
  const physical = physicalOf(type);
  const width = vector.encoding === 'dictionary' ? 4 : WIDTH_BYTES[physical];
  if (width > 0) {
    const values = memory.allocate(width * count);
    const kernel = gatherKernel(context, width, missing);
    inPieces(count, context, (first, some) => kernel(vector.values, indices + first * 4, some, values + first * width));
    return { ...vector, length: count, values, validity };
  }
  switch (physical) {
    case 'bit': {
      const values = memory.allocate(bitmapBytes(count));
      context.kernels.gather_bits(vector.values, indices, count, values);
      return { ...vector, length: count, values, validity };
    }
    case 'bytes':
      return { ...gatherBytes(vector, vector.offsets, vector.values, indices, count, context, memory), validity };
    case 'list':
      return { ...gatherLists(vector, indices, count, context, memory), validity };
    case 'struct': {
      const children = vector.children.map((child) =>
        missing
          ? gatherVectorOrNull(child, indices, count, context, memory)
          : gather(toFlat(child, context), indices, count, context, memory, false),
      );
      return { ...vector, length: count, validity, children };
    }
    default:
      return { ...vector, length: count };
  }
}

function gatherBytes(
  vector: Vector,
  offsets: number,
  values: number,
  indices: number,
  count: number,
  context: MoveContext,
  memory: Allocator,
): Vector {
  const sizeBytes = context.kernels.gather_bytes_size(offsets, indices, count);
  if (sizeBytes < 0) throw tooMuchText();
  const outOffsets = memory.allocate(4 * (count + 1));
  const outValues = memory.allocate(sizeBytes);
  context.kernels.gather_bytes(offsets, values, indices, count, outOffsets, outValues);
  return flatVector(vector.type, count, outValues, 0, outOffsets);
}

function gatherLists(vector: Vector, indices: number, count: number, context: MoveContext, memory: Allocator): Vector {
  const child = vector.children[0];
  const elements = context.kernels.gather_lists(vector.offsets, indices, count, 0, 0);
  if (elements < 0) throw new DbError('query_memory_exceeded', 'lists of one vector have more than 2^31 items together');
  const outOffsets = memory.allocate(4 * (count + 1));
  const chosen = context.scratch.allocate(4 * elements);
  context.kernels.gather_lists(vector.offsets, indices, count, outOffsets, chosen);
  const children = child === undefined ? [] : [gather(toFlat(child, context), chosen, elements, context, memory, false)];
  return { ...vector, length: count, offsets: outOffsets, children };
}
