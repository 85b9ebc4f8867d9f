/** The first rows of a result, read before the transaction around it is committed: an error in them still undoes everything. */
import type { OwnedBatch } from '../core/batch.js';
import { BatchStream } from './batch-stream.js';
import type { StatementOutcome } from './statements/statement.js';

/** Rows that are read ahead at most; the others come after the commit. */
const HELD_ROWS = 1 << 18;

export async function readAhead(outcome: StatementOutcome): Promise<StatementOutcome> {
  if (!outcome.batches) return outcome;
  const source = outcome.batches[Symbol.asyncIterator]();
  const held: OwnedBatch[] = [];
  const release = (): void => {
    for (const batch of held.splice(0)) batch.release();
  };
  let ended = false;
  try {
    for (let rows = 0; !ended && rows < HELD_ROWS; ) {
      const step = await source.next();
      if (step.done) ended = true;
      else {
        held.push(step.value);
        rows += step.value.rowCount;
      }
    }
  } catch (error) {
    release();
    throw error;
  }
  async function* batches(): AsyncGenerator<OwnedBatch> {
    for (let batch = held.shift(); batch !== undefined; batch = held.shift()) yield batch;
    while (!ended) {
      const step = await source.next();
      if (step.done) return;
      yield step.value;
    }
  }
  const onEnd = (): void => {
    release();
    if (!ended) void source.return?.();
  };
  return { ...outcome, batches: new BatchStream(batches(), { onEnd }) };
}

export async function drop(outcome: StatementOutcome): Promise<void> {
  await outcome.batches?.[Symbol.asyncIterator]().return?.();
}
