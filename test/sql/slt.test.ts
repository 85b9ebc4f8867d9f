import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { type QuerySettings, settingsWith } from '../../src/core/settings.js';
import { openDatabase } from '../../src/database.js';
import { RULES } from '../../src/query/optimizer/optimizer.js';
import { runFile } from './runner.js';

const folder = dirname(fileURLToPath(import.meta.url));
const update = process.env.UPDATE_SLT === '1';
const files = readdirSync(folder).filter((name) => name.endsWith('.slt'));

interface Configuration {
  readonly name: string;
  readonly workerThreads: number;
  readonly settings: Partial<QuerySettings>;
  /** Optimizer rules that are left away: the rows must stay the same. */
  readonly disabled?: readonly string[];
}

const CONFIGURATIONS: readonly Configuration[] = [
  { name: 'inline, default vectors', workerThreads: 0, settings: {} },
  { name: 'inline, vectors of 64 rows', workerThreads: 0, settings: { vector_rows: 64 } },
  { name: 'two threads, vectors of 64 rows', workerThreads: 2, settings: { vector_rows: 64 } },
  { name: 'without the optimizer', workerThreads: 0, settings: {}, disabled: RULES.map((rule) => rule.name) },
  ...RULES.map((rule) => ({ name: `without ${rule.name}`, workerThreads: 0, settings: {}, disabled: [rule.name] })),
];

for (const configuration of update ? CONFIGURATIONS.slice(0, 1) : CONFIGURATIONS) {
  describe(configuration.name, () => {
    for (const file of files) {
      it(`${file} gives what it says`, async () => {
        const settings = settingsWith({ path: ':memory:', memory_limit: '256MB', segment_rows: 1024 });
        const engine = await openDatabase(settings, { workerThreads: configuration.workerThreads });
        try {
          if (configuration.disabled) {
            const sql = `SET disabled_optimizer_rules = '${configuration.disabled.join(',')}'`;
            await engine.query.execute({ sql, principal: EMBEDDED });
          }
          const failures = await runFile(join(folder, file), engine, { settings: configuration.settings, update });
          const text = failures.map(
            (each) => `${file}:${each.line}\n${each.sql}\n-- expected\n${each.expected}\n-- actual\n${each.actual}`,
          );
          if (!update) expect(text.join('\n\n')).toBe('');
        } finally {
          await engine.close();
        }
      });
    }
  });
}
