/** Long loops of kernels in pieces: a cancelled query stops between them, and kernels that are new on a thread become fast after the first. */

import type { EvaluationContext } from '../functions/contract.js';

/** Some milliseconds of work; a multiple of 64, so that bitmaps can be cut there. */
const ROWS_AT_ONCE = 1 << 18;

/** Calls `step` for rows [first, first + count) until all n rows were there; between them the context's check, which throws when the query is to stop. */
export function inPieces(n: number, context: Pick<EvaluationContext, 'check'>, step: (first: number, count: number) => void): void {
  for (let first = 0; first < n; first += ROWS_AT_ONCE) {
    if (first > 0) context.check?.();
    step(first, Math.min(ROWS_AT_ONCE, n - first));
  }
}
