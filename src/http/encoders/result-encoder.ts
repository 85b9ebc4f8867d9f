/** What every result format implements, and the one loop that drives it. */
import type { Arena } from '../../core/arena.js';
import type { Batch } from '../../core/batch.js';
import type { QueryResult } from '../../core/contracts.js';
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

/** Calls come in the order begin, batch…, end; release() always comes last, also after a failure. */
export interface ResultEncoder {
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
}

export type MakeEncoder = (arena: Arena, schema: Schema, options: EncoderOptions) => ResultEncoder;

/** Pulls the whole result through the encoder into the output and ends it. Returns the number of rows. Fails as the query fails. */
export async function encodeResult(result: QueryResult, encoder: ResultEncoder, output: Output): Promise<number> {
  let rows = 0;
  try {
    await encoder.begin(output);
    for await (const batch of result.batches) {
      try {
        rows += batch.rowCount;
        await encoder.batch(batch, output);
      } finally {
        batch.release();
      }
    }
    const { rowsScanned, elapsedMicroseconds } = result.progress();
    await encoder.end({ queryId: result.queryId, rows, rowsScanned, elapsedMicroseconds, affectedRows: result.affectedRows }, output);
    await output.end();
    return rows;
  } finally {
    encoder.release();
    output.release();
  }
}
