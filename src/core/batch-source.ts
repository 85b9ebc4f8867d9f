/** Batches that come from something that must be closed. */
import type { OwnedBatch } from './batch.js';

/** The same batches. A generator does not see a return() before its first pull: `close` is called then, and only then. */
export function closedByReturn(batches: AsyncGenerator<OwnedBatch>, close: () => Promise<void>): AsyncIterableIterator<OwnedBatch> {
  let isStarted = false;
  const iterator: AsyncIterableIterator<OwnedBatch> = {
    [Symbol.asyncIterator]: () => iterator,
    next: () => {
      isStarted = true;
      return batches.next();
    },
    return: async () => {
      if (!isStarted) {
        isStarted = true;
        await batches.return(undefined);
        await close();
        return { done: true, value: undefined };
      }
      return batches.return(undefined);
    },
  };
  return iterator;
}
