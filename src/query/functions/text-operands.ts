/** What text functions share: operands as kernels take them, and results with offsets. */
import type { Vector } from '../../core/batch.js';
import { tooMuchText } from '../../core/build-vector.js';
import { DbError } from '../../core/errors.js';
import { type DataType, UTF8 } from '../../core/types.js';
import { type MoveContext, toFlat } from '../expression/gather.js';
import type { EvaluationContext } from './contract.js';
import { result, step } from './overloads.js';
import { rowByRow } from './row-by-row.js';

/** A text operand of a kernel: addresses, and 0 for a constant or 1 for a column. */
export interface TextOperand {
  readonly offsets: number;
  readonly values: number;
  readonly step: number;
}

export function operand(vector: Vector | undefined, context: MoveContext): TextOperand {
  const flat = flatText(vector as Vector, context);
  return { offsets: flat.offsets, values: flat.values, step: step(flat) };
}

/** Codes decoded; constants stay constants. */
export function flatText(vector: Vector, context: MoveContext): Vector {
  return vector.encoding === 'dictionary' ? toFlat(vector, context) : vector;
}

/** Bytes of all rows of a text operand. */
export function textBytes(text: TextOperand, rowCount: number, context: MoveContext): number {
  const { i32 } = context.arena;
  const at = text.offsets / 4;
  if (text.step === 0) return rowCount * ((i32[at + 1] as number) - (i32[at] as number));
  return (i32[at + rowCount] as number) - (i32[at] as number);
}

/** Runs a kernel that writes text of at most maxBytes. */
export function writtenText(
  rowCount: number,
  maxBytes: number,
  context: EvaluationContext,
  write: (offsets: number, out: number) => void,
  type: DataType = UTF8,
): Vector {
  if (maxBytes > 2 ** 31 - 1) throw tooMuchText();
  const offsets = context.scratch.allocate(4 * (rowCount + 1));
  const values = context.scratch.allocate(maxBytes);
  write(offsets, values);
  return result(type, rowCount, values, 0, offsets);
}

/** Longest text that a function makes: kernels that write it cannot be interrupted, and clients shall still hold it. */
const LONGEST_TEXT_BYTES = 2 ** 26;
/** Bytes that take noticeable time to write. */
const LONG_BYTES = 2 ** 22;

/** Runs a kernel twice: first (out = 0) for the size, then to write. */
export function measuredText(rowCount: number, context: EvaluationContext, kernel: (offsets: number, out: number) => number): Vector {
  const sizeBytes = kernel(0, 0);
  if (sizeBytes < 0) throw tooMuchText();
  if (sizeBytes > LONGEST_TEXT_BYTES * rowCount) throw new DbError('query_memory_exceeded', 'a text would be longer than 64 MiB');
  context.check?.();
  if (sizeBytes > LONG_BYTES) context.beforeLongStep?.();
  return writtenText(rowCount, sizeBytes, context, kernel);
}

/** Value by value, for what no kernel does. */
export function mappedText(vector: Vector, context: EvaluationContext, map: (text: string) => string | null): Vector {
  return rowByRow(UTF8, ([text]) => map(String(text)))(context, [vector], vector.length, 0);
}
