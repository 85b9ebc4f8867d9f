/** A changed bit anywhere gives the right rows or `corrupt`, never others. FLETCH_FAULTS=all tries every byte of the segment files. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DbError } from '../../src/core/errors.js';
import { open } from '../../src/index.js';

const STRIDE = process.env.FLETCH_FAULTS === 'all' ? 1 : 101;
const QUERY = 'SELECT * FROM t ORDER BY ts';
let sound: string;
let damaged: string;
let answer: string;

/** The rows as text; of a database that says that it is damaged, its error's code. */
async function answerOf(path: string): Promise<string> {
  try {
    const db = await open({ path, threads: 0, read_only: true });
    try {
      const rows = await (await db.query(QUERY)).toRows();
      return JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
    } finally {
      await db.close();
    }
  } catch (error) {
    if (error instanceof DbError) return error.code;
    throw error;
  }
}

beforeAll(async () => {
  sound = mkdtempSync(join(tmpdir(), 'fletch-sound-'));
  damaged = mkdtempSync(join(tmpdir(), 'fletch-damaged-'));
  let db = await open({ path: sound, threads: 0, segment_rows: 64 });
  await db.exec('CREATE TABLE t (ts TIMESTAMP NOT NULL, sym SYMBOL, x DOUBLE, note TEXT, tags INT[]) TIMESTAMP(ts) CLUSTER BY sym');
  const insert = (from: number, to: number) => `INSERT INTO t SELECT TIMESTAMP '2025-01-01' + i * INTERVAL '1 minute', 's' || i % 4,
    CASE WHEN i % 3 = 0 THEN NULL ELSE i / 7.0 END, 'note ' || i, [i, i + 1] FROM generate_series(${from}, ${to}) AS g(i)`;
  await db.exec(insert(1, 64));
  await db.exec("DELETE FROM t WHERE sym = 's1' AND x > 5");
  await db.close();
  db = await open({ path: sound, threads: 0, seal_after_ms: 0 });
  await db.exec(insert(65, 80));
  await db.close();
  answer = await answerOf(sound);
  cpSync(sound, damaged, { recursive: true });
});

afterAll(() => {
  for (const folder of [sound, damaged]) rmSync(folder, { recursive: true, force: true });
});

describe('a changed bit', () => {
  it('in a segment file is told from a sound one, or not read', async () => {
    expect(JSON.parse(answer)).toHaveLength(75);
    const found = new Map<string, number>();
    for (const name of readdirSync(join(sound, 'segments'))) {
      const file = join(damaged, 'segments', name);
      const bytes = readFileSync(file);
      for (let at = 0; at < bytes.length; at += STRIDE) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ (1 << (at & 7));
        writeFileSync(file, changed);
        const given = await answerOf(damaged);
        if (given !== answer) expect({ at, given }).toEqual({ at, given: 'corrupt' });
        found.set(given === answer ? 'right' : given, (found.get(given === answer ? 'right' : given) ?? 0) + 1);
      }
      writeFileSync(file, bytes);
    }
    expect([...found.keys()].sort()).toEqual(['corrupt', 'right']);
  }, 600_000);

  it('in a record of the catalog is `corrupt`', async () => {
    const root = openLmdb({ path: join(damaged, 'catalog'), maxDbs: 16, encoding: 'binary' });
    const stores = [...root.getKeys({})] as string[];
    let records = 0;
    for (const name of stores) {
      const store = root.openDB({ name, encoding: 'binary' });
      for (const { key, value } of [...store.getRange({})]) {
        const bytes = value as Buffer;
        const whole = typeof key === 'number' ? [key] : key;
        for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
          const changed = Buffer.from(bytes);
          changed[at] = (changed[at] as number) ^ 0x10;
          await store.put(whole, changed);
          const given = await answerOf(damaged);
          const isFormat = key === 'format';
          // Dictionaries and counters that this query does not read may be damaged unseen.
          if (given !== answer)
            expect({ name, key, at, given }).toEqual({
              name,
              key,
              at,
              given: isFormat ? expect.stringMatching(/corrupt|unsupported/) : 'corrupt',
            });
          records += given === answer ? 0 : 1;
        }
        await store.put(whole, bytes);
      }
    }
    await root.close();
    expect(records).toBeGreaterThan(15);
    expect(await answerOf(damaged)).toBe(answer);
  }, 120_000);
});
