/** Databases that earlier versions wrote (golden/make.mjs) are read, and written on. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Database, open } from '../../src/index.js';

const here = new URL('golden/', import.meta.url).pathname;
const formats = readdirSync(here).filter((name) => name.startsWith('format-'));
const answers = JSON.parse(readFileSync(join(here, 'answers.json'), 'utf8')) as Record<string, unknown[]>;
const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);

async function expectAnswers(db: Database): Promise<void> {
  for (const [sql, rows] of Object.entries(answers)) {
    expect(JSON.parse(JSON.stringify(await (await db.query(sql)).toRows(), plain))).toEqual(rows);
  }
}

describe.each(formats)('a database of %s', (format) => {
  it('is read as it is, renewed by a writer, and read again', async () => {
    const path = mkdtempSync(join(tmpdir(), 'fletch-golden-'));
    cpSync(join(here, format), path, { recursive: true });
    try {
      const before = readFileSync(join(path, 'catalog/data.mdb'));
      const reader = await open({ path, read_only: true, threads: 0 });
      await expectAnswers(reader);
      await reader.close();
      expect(readFileSync(join(path, 'catalog/data.mdb')).equals(before)).toBe(true);
      for (let round = 0; round < 2; round++) {
        const writer = await open({ path, threads: 0 });
        await expectAnswers(writer);
        await writer.exec(`INSERT INTO plain VALUES (${100 + round}, 'more', NULL); DELETE FROM plain WHERE a >= 100`);
        await writer.close();
      }
      const again = await open({ path, read_only: true, threads: 0 });
      await expectAnswers(again);
      await again.close();
    } finally {
      rmSync(path, { recursive: true, force: true });
    }
  });
});
