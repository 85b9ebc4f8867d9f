/** `--demo`: the first 272,727 of three million real US flights (the npm package vega-datasets), so that a first query has something to answer. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { Engine } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { MemoryScope } from '../core/memory-scope.js';
import { EMBEDDED } from '../core/principal.js';
import { batchFromColumns, type ColumnValue } from '../embedded/column-input.js';

const TABLE = 'flights';
const CREATE = `CREATE TABLE ${TABLE} (date TIMESTAMP_US, delay BIGINT, distance BIGINT, origin UTF8, destination UTF8) TIMESTAMP(date) PARTITION BY MONTH`;

/** Loads the demo table unless it exists. Fails with `not_found` when the data set is not installed. */
export async function loadDemo(engine: Engine): Promise<void> {
  const snapshot = engine.storage.snapshot();
  const present = snapshot.table(TABLE) !== undefined;
  snapshot.release();
  if (present) return;
  const columns = await readFirstRows(findDataset());
  await engine.query.execute({ sql: CREATE, principal: EMBEDDED });
  const scope = new MemoryScope(engine.arena);
  const created = engine.storage.snapshot();
  try {
    const fields = created.table(TABLE)?.table.definition.columns ?? [];
    const { batch, schema } = batchFromColumns(scope, columns, { fields });
    const session = engine.storage.openAppend(TABLE);
    await session.append(batch, schema);
    await session.commit();
  } finally {
    created.release();
    scope.release();
  }
}

function findDataset(): string {
  const require = createRequire(import.meta.url);
  const folders = require.resolve.paths('vega-datasets') ?? [];
  const found = folders.map((folder) => join(folder, 'vega-datasets/data/flights-3m.parquet')).find((path) => existsSync(path));
  if (!found) {
    throw new DbError('not_found', `the demo data set is not installed (looked from ${dirname(folders[0] ?? '.')})`, {
      hint: 'npm install vega-datasets@3',
    });
  }
  return found;
}

/** The columns of the file's first row group. */
async function readFirstRows(path: string): Promise<Record<string, ColumnValue[]>> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const columns: Record<string, ColumnValue[]> = {};
  const onChunk = ({ columnName, columnData }: { columnName: string; columnData: ArrayLike<unknown> }) => {
    columns[columnName] = Array.from(columnData) as ColumnValue[];
  };
  await parquetRead({ file, metadata, compressors, rowStart: 0, rowEnd: Number(metadata.row_groups[0]?.num_rows ?? 0) - 1, onChunk });
  return columns;
}
