/** One of two vectors per row, by a bitmap. */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { physicalOf, WIDTH_BYTES } from '../../core/types.js';
import { isValid } from '../../core/values.js';
import type { EvaluationContext } from '../functions/contract.js';
import { filledBitmap } from './bitmaps.js';
import { ColumnBuilder } from './column-builder.js';
import { gatherVector } from './gather.js';

/** The value of a where the mask's bit is set, else of b; NULL where that one is NULL. Both have the same type. */
export function choose(mask: number, a: Vector, b: Vector, rowCount: number, context: EvaluationContext): Vector {
  const width = WIDTH_BYTES[physicalOf(a.type)];
  if (width === 0) return chooseByPlace(mask, a, b, rowCount, context);
  const values = context.scratch.allocate(width * rowCount);
  selectKernel(context, width)(mask, a.values, step(a), b.values, step(b), rowCount, values);
  return flatVector(a.type, rowCount, values, chosenValidity(mask, a, b, rowCount, context));
}

function step(vector: Vector): number {
  return vector.encoding === 'constant' ? 0 : 1;
}

type SelectKernel = (mask: number, a: number, aStep: number, b: number, bStep: number, n: number, out: number) => void;

function selectKernel(context: EvaluationContext, width: number): SelectKernel {
  const { kernels } = context;
  if (width === 8) return kernels.select_64;
  if (width === 4) return kernels.select_32;
  if (width === 16) return kernels.select_128;
  return width === 1 ? kernels.select_8 : kernels.select_16;
}

/** Validity of a where the mask is set, of b elsewhere. */
function chosenValidity(mask: number, a: Vector, b: Vector, rowCount: number, context: EvaluationContext): number {
  const present = (vector: Vector): number => {
    if (vector.encoding !== 'constant') return vector.validity;
    return isValid(context.arena, vector, 0) ? 0 : filledBitmap(false, rowCount, context);
  };
  const [x, y] = [present(a), present(b)];
  if (x === 0 && y === 0) return 0;
  const { kernels, scratch } = context;
  const left = scratch.allocate(bitmapBytes(rowCount));
  kernels.bits_and(mask, x, rowCount, left);
  const right = scratch.allocate(bitmapBytes(rowCount));
  kernels.bits_not(mask, rowCount, right);
  kernels.bits_and(right, y, rowCount, right);
  kernels.bits_or(left, right, rowCount, left);
  return left;
}

/** Text, bool and nested types: both vectors one after the other, then a gather. */
function chooseByPlace(mask: number, a: Vector, b: Vector, rowCount: number, context: EvaluationContext): Vector {
  const { kernels, scratch, arena } = context;
  const places = scratch.allocate(4 * rowCount);
  const scope = new MemoryScope(arena);
  try {
    const builder = new ColumnBuilder(a.type, scope);
    const append = (vector: Vector): readonly [number, number] => {
      const first = builder.rowCount;
      builder.append(vector.encoding === 'constant' ? { ...vector, length: 1 } : vector, context);
      return [first, step(vector)];
    };
    const [bFirst, bStep] = append(b);
    const [aFirst, aStep] = append(a);
    const rows = scratch.allocate(4 * rowCount);
    kernels.sequence_u32(0, rowCount, rows);
    kernels.scatter_sequence(rows, rowCount, bFirst, bStep, places);
    const fromA = scratch.allocate(4 * rowCount);
    kernels.scatter_sequence(rows, rowCount, aFirst, aStep, fromA);
    kernels.select_32(mask, fromA, 1, places, 1, rowCount, places);
    return gatherVector(builder.view(), places, rowCount, context);
  } finally {
    scope.release();
  }
}
