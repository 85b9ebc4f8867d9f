import { afterAll, describe, expect, it } from 'vitest';
import { EMBEDDED } from '../../../src/core/principal.js';
import { settingsWith } from '../../../src/core/settings.js';
import { valueAt } from '../../../src/core/values.js';
import { openDatabase } from '../../../src/database.js';
import { AGGREGATE_FUNCTIONS } from '../../../src/query/aggregates/registry.js';
import { valueToText } from '../../../src/query/expression/literals.js';

const engine = openDatabase(settingsWith({ path: ':memory:', memory_limit: '256MB' }), { workerThreads: 0 });
afterAll(async () => (await engine).close());

async function textOf(sql: string): Promise<string> {
  const { arena, query } = await engine;
  const result = await query.execute({ sql, principal: EMBEDDED });
  const texts: string[] = [];
  for await (const batch of result.batches) {
    for (let row = 0; row < batch.rowCount; row++) {
      const column = batch.columns[0];
      texts.push(column ? (valueToText(valueAt(arena, column, row), column.type) ?? 'NULL') : '');
    }
    batch.release();
  }
  return texts.join('\n');
}

describe('the examples of aggregates', () => {
  it.each(AGGREGATE_FUNCTIONS.flatMap((entry) => entry.examples.map((example) => [example.sql, example.result] as const)))(
    '%s gives %s',
    async (sql, result) => {
      expect(await textOf(sql)).toBe(result);
    },
  );

  it('every aggregate has one', () => {
    expect(AGGREGATE_FUNCTIONS.filter((entry) => entry.examples.length === 0)).toEqual([]);
  });
});
