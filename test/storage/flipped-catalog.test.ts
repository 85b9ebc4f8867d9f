/**
 * A changed bit anywhere in LMDB's own file gives the right rows or an error, never others, and never ends the process. A part of the bytes,
 * another part for each FLETCH_SEED; FLETCH_FAULTS=all tries every one (about an hour). Done by processes of their own (flip-reader.mjs).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '../../src/index.js';

const STRIDE = process.env.FLETCH_FAULTS === 'all' ? 1 : 211;
const FROM = Number(process.env.FLETCH_SEED ?? 1) % STRIDE;
const path = mkdtempSync(join(tmpdir(), 'fletch-flipped-'));
const file = join(path, 'catalog', 'data.mdb');
const reader = join(import.meta.dirname, 'flip-reader.mjs');

/** Sealed segments, deleted rows, a tail, clusters, dictionaries, two tables. */
beforeAll(async () => {
  const db = await open({ path, threads: 0, segment_rows: 64, seal_after_ms: 0, compaction: false });
  await db.exec('CREATE TABLE t (ts TIMESTAMP NOT NULL, sym SYMBOL, x DOUBLE, note TEXT, tags INT[]) TIMESTAMP(ts) CLUSTER BY sym');
  const insert = (from: number, to: number) => `INSERT INTO t SELECT TIMESTAMP '2025-01-01' + i * INTERVAL '1 minute', 's' || i % 4,
    CASE WHEN i % 3 = 0 THEN NULL ELSE i / 7.0 END, 'note ' || i, [i, i + 1] FROM generate_series(${from}, ${to}) AS g(i)`;
  await db.exec(insert(1, 64));
  await db.exec(insert(65, 128));
  await db.exec("DELETE FROM t WHERE sym = 's1' AND x > 5");
  await db.exec(insert(129, 140));
  await db.exec(insert(141, 150));
  await db.exec("DELETE FROM t WHERE ts = TIMESTAMP '2025-01-01' + 145 * INTERVAL '1 minute'");
  await db.exec('CREATE TABLE u (a INT); INSERT INTO u VALUES (1), (2)');
  await db.close();
});
afterAll(() => rmSync(path, { recursive: true, force: true }));

function run(...more: string[]): string {
  const { stdout, status, signal } = spawnSync(process.execPath, [reader, path, file, ...more], { encoding: 'utf8' });
  expect({ status, signal, end: stdout.slice(-100) }).toMatchObject({ status: 0, signal: null });
  return stdout;
}

describe('a changed bit in the file of the catalog', () => {
  it('is an error or is not read', () => {
    const right = run().trim();
    const lines = run(String(FROM), String(STRIDE), right).trim().split('\n');
    expect(lines).toHaveLength(Math.ceil((statSync(file).size - FROM) / STRIDE));
    const outcomes = lines.map((line) => line.slice(line.indexOf(' ') + 1));
    expect(lines.filter((_, i) => !['right', 'corrupt', 'io_error', 'unsupported'].includes(outcomes[i] ?? ''))).toEqual([]);
    expect(new Set(outcomes)).toContain('corrupt');
  }, 7_200_000);
});
