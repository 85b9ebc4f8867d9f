/** `--demo`: the first 272,727 of three million real US flights (the npm package vega-datasets), so that a first query has something to answer. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Engine } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { MemoryScope } from '../core/memory-scope.js';
import { EMBEDDED } from '../core/principal.js';
import { StopController } from '../core/stop-signal.js';
import { fileOptions } from '../formats/files/file-options.js';
import { readFile } from '../formats/files/read-file.js';

const TABLE = 'flights';
const CREATE = `CREATE TABLE ${TABLE} (date TIMESTAMP_US, delay BIGINT, distance BIGINT, origin UTF8, destination UTF8) TIMESTAMP(date) PARTITION BY MONTH`;

/** Loads the demo table unless it exists. Fails with `not_found` when the data set is not installed. */
export async function loadDemo(engine: Engine): Promise<void> {
  const snapshot = engine.storage.snapshot();
  const present = snapshot.table(TABLE) !== undefined;
  snapshot.release();
  if (present) return;
  const path = findDataset();
  const signal = new StopController();
  const memory = () => new MemoryScope(engine.arena);
  const reading = { arena: engine.arena, memory, signal, maxBytes: Number.MAX_SAFE_INTEGER };
  const source = await readFile(path, fileOptions(path, {}), { table: TABLE, columns: undefined }, reading);
  await engine.query.execute({ sql: CREATE, principal: EMBEDDED });
  const session = engine.storage.openAppend(TABLE);
  try {
    for await (const batch of source.batches) {
      try {
        await session.append(batch, source.schema);
      } finally {
        batch.release();
      }
      // The first row group is enough.
      break;
    }
    await session.commit();
  } catch (error) {
    session.abort();
    throw error;
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
