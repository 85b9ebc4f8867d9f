/** Batches on their way out, with something to do exactly once when the iteration ends: by its last batch, an error, or return(). */
import type { OwnedBatch } from '../core/batch.js';

export interface StreamWatch {
  /** Gets every batch before it is handed on; may throw (the batch is then released). */
  onBatch?(batch: OwnedBatch): void;
  /** What the caller is told of an error. */
  onError?(error: unknown): unknown;
  onEnd(): void;
}

/** A generator would not see a return() before its first pull; this does. */
export class BatchStream implements AsyncIterableIterator<OwnedBatch> {
  private readonly source: AsyncIterator<OwnedBatch>;
  private readonly watch: StreamWatch;
  private ended = false;
  private stopped: unknown;

  constructor(batches: AsyncIterable<OwnedBatch>, watch: StreamWatch) {
    this.source = batches[Symbol.asyncIterator]();
    this.watch = watch;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<OwnedBatch>> {
    if (this.stopped !== undefined) throw this.stopped;
    if (this.ended) return { done: true, value: undefined };
    try {
      const step = await this.source.next();
      if (step.done) this.end();
      else this.inspect(step.value);
      return step;
    } catch (error) {
      await this.return();
      throw this.watch.onError ? this.watch.onError(error) : error;
    }
  }

  async return(): Promise<IteratorResult<OwnedBatch>> {
    if (!this.ended) {
      try {
        await this.source.return?.();
      } finally {
        this.end();
      }
    }
    return { done: true, value: undefined };
  }

  /** Ends it from outside, also when nobody pulls: whoever does next gets the error. */
  async stop(error: unknown): Promise<void> {
    if (this.ended) return;
    this.stopped = error;
    await this.return();
  }

  private inspect(batch: OwnedBatch): void {
    try {
      this.watch.onBatch?.(batch);
    } catch (error) {
      batch.release();
      throw error;
    }
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.watch.onEnd();
  }
}
