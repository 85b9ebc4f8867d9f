/** The pages of docs/sql/time-series: every `sql` block runs, and a `text` block behind it is what its last statement gives. UPDATE_DOCS=1 writes them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { valueAt } from '../../src/core/values.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { valueToText } from '../../src/query/expression/literals.js';

const folder = join(import.meta.dirname, '../../docs/sql/time-series');
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));

/** Column names and rows; cells as text. */
async function tableOf(engine: OpenEngine, sql: string): Promise<string> {
  const result = await engine.query.execute({ sql, principal: EMBEDDED, settings: {} });
  const lines = [result.schema.fields.map((field) => field.name).join(' | ')];
  for await (const batch of result.batches) {
    for (let i = 0; i < batch.rowCount; i++) {
      lines.push(batch.columns.map((column) => valueToText(valueAt(engine.arena, column, i), column.type) ?? 'NULL').join(' | '));
    }
    batch.release();
  }
  return `${lines.join('\n')}\n`;
}

it.each(pages)('the examples of %s give what the page shows', async (page) => {
  const path = join(folder, page);
  const text = readFileSync(path, 'utf8');
  const engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '256MB' }), { workerThreads: 0 });
  try {
    let written = text;
    for (const [, sql = '', shown] of text.matchAll(/^```sql\n([\s\S]*?)^```$(?:\n\n?```text\n([\s\S]*?)^```$)?/gm)) {
      const given = await tableOf(engine, sql);
      if (shown === undefined) continue;
      if (process.env.UPDATE_DOCS !== '1') expect(given).toBe(shown);
      else written = written.replace(`${sql}\`\`\`\n\`\`\`text\n${shown}\`\`\``, () => `${sql}\`\`\`\n\`\`\`text\n${given}\`\`\``);
    }
    if (written !== text) writeFileSync(path, written);
  } finally {
    await engine.close();
  }
});
