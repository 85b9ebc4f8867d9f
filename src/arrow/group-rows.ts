/** Small batches of a result are sent together; one that is alone for a moment is sent alone. */
import type { OwnedBatch } from '../core/batch.js';
import type { BatchRows } from './encoded-message.js';

/** Batches that go out as one; whoever takes the group releases it. */
export interface RowGroup {
  readonly runs: readonly BatchRows[];
  release(): void;
}

/** From so many rows on, waiting for more is not worth it. */
const ENOUGH_ROWS = 49_152;
const MAX_ROWS = 65_536;
const PATIENCE_MS = 2;

/** Groups batches in order, towards 48 k to 64 k rows. A batch waits at most 2 ms for another. Empty batches are dropped. */
export async function* groupRows(batches: AsyncIterable<OwnedBatch>): AsyncGenerator<RowGroup> {
  const iterator = batches[Symbol.asyncIterator]();
  let waiting: OwnedBatch[] = [];
  let rows = 0;
  let pending: Promise<IteratorResult<OwnedBatch>> | undefined;
  const flush = (): RowGroup => {
    const group = groupOf(waiting);
    waiting = [];
    rows = 0;
    return group;
  };
  try {
    while (true) {
      pending ??= iterator.next();
      const next = waiting.length === 0 ? await pending : await within(pending, PATIENCE_MS);
      if (next === undefined) {
        yield flush();
        continue;
      }
      pending = undefined;
      if (next.done === true) break;
      const batch = next.value;
      if (batch.rowCount === 0) {
        batch.release();
        continue;
      }
      if (rows > 0 && rows + batch.rowCount > MAX_ROWS) yield flush();
      waiting.push(batch);
      rows += batch.rowCount;
      if (rows >= ENOUGH_ROWS) yield flush();
    }
    if (waiting.length > 0) yield flush();
  } finally {
    for (const batch of waiting) batch.release();
    await leave(iterator, pending);
  }
}

function groupOf(batches: readonly OwnedBatch[]): RowGroup {
  return {
    runs: batches.map((batch) => ({ batch, start: 0, count: batch.rowCount })),
    release: () => {
      for (const batch of batches) batch.release();
    },
  };
}

/** The promise's value, or undefined when it takes longer. A timer is dear, and what ends at once, as most small results do, needs none. */
async function within<Value>(promise: Promise<Value>, milliseconds: number): Promise<Value | undefined> {
  const soon = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
  const early = await Promise.race([promise, soon]);
  if (early !== undefined) return early;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends the source; a batch that was asked for and still comes is released. */
async function leave(iterator: AsyncIterator<OwnedBatch>, pending: Promise<IteratorResult<OwnedBatch>> | undefined): Promise<void> {
  const ended = iterator.return?.();
  if (pending !== undefined) {
    const last = await pending.catch(() => undefined);
    if (last?.done === false) last.value.release();
  }
  await ended;
}
