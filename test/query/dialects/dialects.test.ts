/** Statements as other systems write them, against real rows: one .slt file for each dialect. `UPDATE_SLT=1` writes what came. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsWith } from '../../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../../src/database.js';
import { runFile } from '../../sql/runner.js';

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.slt'));

describe.each(files)('%s', (file) => {
  let engine: OpenEngine;
  beforeAll(async () => {
    engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '256MB' }), { workerThreads: 0 });
  });
  afterAll(() => engine.close());

  it('gives what its records say', async () => {
    const dialect = file.replace('.slt', '');
    const update = process.env.UPDATE_SLT === '1';
    expect(await runFile(join(import.meta.dirname, file), engine, { settings: { dialect }, update })).toEqual([]);
  });
});
