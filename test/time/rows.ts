/** Rows of a result as text, values parted by "|". */
import type { Arena } from '../../src/core/arena.js';
import type { QueryResult } from '../../src/core/contracts.js';
import { valueAt } from '../../src/core/values.js';

export async function resultRows(result: QueryResult, arena: Arena): Promise<string[]> {
  const rows: string[] = [];
  for await (const batch of result.batches) {
    for (let row = 0; row < batch.rowCount; row++) rows.push(batch.columns.map((column) => String(valueAt(arena, column, row))).join('|'));
    batch.release();
  }
  return rows;
}
