/** What every result format implements, and the one loop that drives it. */
import type { Arena } from '../../core/arena.js';
import type { Batch, OwnedBatch } from '../../core/batch.js';
import type { QueryResult } from '../../core/contracts.js';
import type { StopSignal } from '../../core/stop-signal.js';
import type { Schema } from '../../core/types.js';
import type { Output } from './output.js';
import type { ValueOptions } from './value-text.js';

/** What is known when the last row has been written. */
export interface ResultSummary {
  readonly queryId: string;
  readonly rows: number;
  readonly rowsScanned: number;
  readonly elapsedMicroseconds: number;
  readonly affectedRows: number | null;
}

/**
 * Calls come in the order begin, batch…, end; release() always comes last, also after a failure. An encoder that pulls batches itself, and
 * releases them, has `consume` instead of doing anything in batch.
 */
export interface ResultEncoder {
  consume?(batches: AsyncIterable<OwnedBatch>, output: Output): Promise<void>;
  begin(output: Output): Promise<void>;
  /** The batch is released by the caller afterwards. */
  batch(batch: Batch, output: Output): Promise<void>;
  end(summary: ResultSummary, output: Output): Promise<void>;
  release(): void;
}

export interface EncoderOptions {
  readonly values: ValueOptions;
  readonly delimiter: string;
  /** Names of columns as the first row of CSV and TSV. */
  readonly header: boolean;
  /** CSV: the text of NULL; empty when absent. */
  readonly nullText?: string | undefined;
  /** Parquet: how pages are compressed; snappy when absent. */
  readonly codec?: 'SNAPPY' | 'GZIP' | 'UNCOMPRESSED' | undefined;
  /** Parquet: looked at between columns. Elsewhere batches and the output are enough to stop soon. */
  readonly signal?: StopSignal | undefined;
}

export type MakeEncoder = (arena: Arena, schema: Schema, options: EncoderOptions) => ResultEncoder;

/** Pulls the whole result through the encoder into the output and ends it. Returns the number of rows. Fails as the query fails. */
export function encodeResult(result: QueryResult, encoder: ResultEncoder, output: Output): Promise<number> {
  const { queryId, affectedRows } = result;
  return encodeBatches(result.batches, encoder, output, (rows) => ({ queryId, rows, affectedRows, ...result.progress() }));
}

const NO_PROGRESS = { queryId: '', affectedRows: null, rowsScanned: 0, elapsedMicroseconds: 0 };

/** The same of batches that are no query's result. */
export async function encodeBatches(
  batches: AsyncIterable<OwnedBatch>,
  encoder: ResultEncoder,
  output: Output,
  summaryOf: (rows: number) => ResultSummary = (rows) => ({ ...NO_PROGRESS, rows }),
): Promise<number> {
  const count = { rows: 0 };
  try {
    await encoder.begin(output);
    const all = counted(batches, count);
    if (encoder.consume) await encoder.consume(all, output);
    else await pushBatches(all, encoder, output);
    await encoder.end(summaryOf(count.rows), output);
    await output.end();
    return count.rows;
  } finally {
    encoder.release();
    output.release();
  }
}

async function pushBatches(batches: AsyncIterable<OwnedBatch>, encoder: ResultEncoder, output: Output): Promise<void> {
  for await (const batch of batches) {
    try {
      await encoder.batch(batch, output);
    } finally {
      batch.release();
    }
  }
}

async function* counted(batches: AsyncIterable<OwnedBatch>, count: { rows: number }): AsyncGenerator<OwnedBatch> {
  for await (const batch of batches) {
    count.rows += batch.rowCount;
    yield batch;
  }
}
