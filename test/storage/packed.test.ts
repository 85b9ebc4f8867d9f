/** Segment files whose columns are compressed: the same rows, for us and for other readers, and damage that is told. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { open as openLmdb } from 'lmdb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { instantiateKernels } from '../../native-free/kernels.js';
import { Arena } from '../../src/core/arena.js';
import type { Storage } from '../../src/core/contracts.js';
import { crc32c } from '../../src/core/crc32c.js';
import { DbError } from '../../src/core/errors.js';
import { systemFiles } from '../../src/core/files.js';
import { type Database, open } from '../../src/index.js';
import type { SegmentRecord, StoredNode } from '../../src/storage/catalog/catalog.js';
import { addressesOf } from '../../src/storage/columns/column-buffers.js';
import { StorageMemory } from '../../src/storage/memory.js';
import { readSegmentColumn } from '../../src/storage/segments/segment-file.js';
import { python } from '../flight/python.js';

const COLUMNS = `ts TIMESTAMP NOT NULL, sym SYMBOL, few SYMBOL, note TEXT, x DOUBLE, y FLOAT, n BIGINT, i INT, j SMALLINT, k TINYINT, b BOOLEAN,
  d DATE, p DECIMAL(20,3), l INT[], s STRUCT(x DOUBLE, y TEXT), u UUID, tt TIME, bl BLOB, nothing BIGINT`;
const ROWS = `SELECT TIMESTAMP '2025-03-01' + i * INTERVAL '37 milliseconds', CASE WHEN i % 5 = 0 THEN NULL ELSE 's' || (i % 300) END, 'f' || (i * 7 % 3),
  'note ' || i, CASE WHEN i % 7 = 0 THEN NULL ELSE round(i / 8.0, 1) END, i / 4, i * 1000000007, i * 3, i % 1000, i % 100, i % 3 = 0,
  DATE '2025-03-01' + (i % 40)::INT, (i / 3.0)::DECIMAL(20,3), CASE WHEN i % 4 = 0 THEN NULL ELSE [i, NULL, i + 1] END,
  {'x': i / 2.0, 'y': 'p' || i}, ('00000000-0000-4000-8000-' || lpad(i::TEXT, 12, '0'))::UUID, TIME '01:00:00' + i * INTERVAL '1 second',
  ('b' || i)::BLOB, CAST(NULL AS BIGINT) FROM generate_series(0, 19999) AS g(i)`;

const storageOf = (db: Database) => (db as unknown as { engine: { storage: Storage } }).engine.storage;
const text = (rows: unknown) =>
  JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? String(value) : value instanceof Uint8Array ? [...value] : value));
const rowsOf = async (db: Database, sql = 'SELECT * FROM t ORDER BY ts') => text(await (await db.query(sql)).toRows());

async function make(path: string, compression: string): Promise<string> {
  const db = await open({ path, threads: 0, segment_compression: compression, compaction: false });
  await db.exec(`CREATE TABLE t (${COLUMNS}) TIMESTAMP(ts) PARTITION BY NONE`);
  await db.exec(`INSERT INTO t ${ROWS}`);
  const rows = await rowsOf(db);
  await storageOf(db).flush();
  expect(await rowsOf(db)).toBe(rows);
  await db.close();
  return rows;
}

let folder: string;
const sizes = (name: string) => {
  const segments = join(folder, name, 'segments');
  return readdirSync(segments).map((file) => statSync(join(segments, file)).size);
};

describe('compressed columns', () => {
  let rows: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fletch-packed-'));
    rows = await make(join(folder, 'packed'), 'always');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are read back the same, of every type', async () => {
    const db = await open({ path: join(folder, 'packed'), threads: 0, read_only: true });
    expect(await rowsOf(db)).toBe(rows);
    await db.close();
  });

  it('are the rows of a file without compression to pyarrow, Polars and DuckDB', async () => {
    expect(await make(join(folder, 'plain'), 'none')).toBe(rows);
    expect((await python('storage/packed.py', folder)).trim()).toBe('20000');
  });

  it('are told from damaged ones', async () => {
    const path = join(folder, 'packed');
    const [name = ''] = readdirSync(join(path, 'segments')).filter((each) => each.endsWith('.arrow'));
    const file = join(path, 'segments', name);
    const bytes = readFileSync(file);
    for (let at = 5000; at < bytes.length; at += 40_009) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ (1 << (at & 7));
      writeFileSync(file, changed);
      const db = await open({ path, threads: 0, read_only: true });
      const given = await rowsOf(db).catch((error: unknown) => error);
      if (given !== rows) expect(given).toMatchObject({ code: 'corrupt', message: expect.stringContaining(name) });
      await db.close();
    }
    writeFileSync(file, bytes);
  });

  it('that lie, with checksums that fit, are `corrupt` or other bytes, and touch no other memory', async () => {
    const path = join(folder, 'packed');
    const record = await recordOf(path);
    const whole = readFileSync(join(path, 'segments', record.file));
    const arena = Arena.create(7, 64 << 20);
    const memory = new StorageMemory(arena, instantiateKernels(arena.memory));
    const guard = memory.allocate(1 << 16);
    arena.u8.fill(0x5a, guard, guard + (1 << 16));
    const used = arena.usedBytes;
    const column = record.columns[6];
    const [validity, values] = column?.node.buffers ?? [];
    expect(validity ?? null).toBeNull();
    expect(values).toHaveLength(4);
    const [offset, size, , plain = 0] = values ?? [0, 0, 0];
    const copy = join(folder, 'lying.arrow');
    const attempt = async (frame: Buffer, plainBytes: number): Promise<unknown> => {
      writeFileSync(copy, Buffer.concat([whole.subarray(0, offset), frame]));
      const node: StoredNode = { rows: record.rows, buffers: [null, [offset, frame.length, crc32c(frame), plainBytes]], children: [] };
      const type = { kind: 'int64' } as const;
      try {
        const read = await readSegmentColumn(memory, systemFiles, folder, 'lying.arrow', { name: 'n', type, dictionary: false, node });
        for (const address of addressesOf(read)) memory.free(address);
        return 'read';
      } catch (error) {
        return error instanceof DbError && error.message.includes('lying.arrow') ? error.code : error;
      } finally {
        expect(arena.usedBytes).toBe(used);
      }
    };
    const sound = whole.subarray(offset, offset + size);
    expect(await attempt(sound, plain)).toBe('read');
    for (const wrong of [0, 1, plain - 8, plain - 1, plain + 1, plain + 8, plain * 2]) expect(await attempt(sound, wrong)).toBe('corrupt');
    for (const end of [0, 1, 4, 5, 9, 100, size >> 1, size - 1]) expect(await attempt(sound.subarray(0, end), plain)).toBe('corrupt');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(size - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), async (edits) => {
        const frame = Buffer.from(sound);
        for (const [at, value] of edits) frame[at] = value;
        expect(['read', 'corrupt']).toContain(await attempt(frame, plain));
      }),
      { numRuns: 150 },
    );
    expect(arena.u8.subarray(guard, guard + (1 << 16)).every((byte) => byte === 0x5a)).toBe(true);
  });
});

/** The record of the only segment. */
async function recordOf(path: string): Promise<SegmentRecord> {
  const root = openLmdb({ path: join(path, 'catalog'), maxDbs: 16, encoding: 'binary', readOnly: true });
  const records = [...root.openDB({ name: 'segment', encoding: 'binary' }).getRange({})].map(({ value }) => value as Buffer);
  await root.close();
  expect(records).toHaveLength(1);
  return JSON.parse((records[0] as Buffer).subarray(0, -4).toString()) as SegmentRecord;
}

describe('a sealed segment', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fletch-packing-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is compressed in the background, while a cursor reads it and rows are deleted', async () => {
    const path = join(folder, 'db');
    const db = await open({ path, threads: 0 });
    await db.exec(`CREATE TABLE t (${COLUMNS}) TIMESTAMP(ts) PARTITION BY NONE`);
    await db.exec(`INSERT INTO t ${ROWS}`);
    const rows = await rowsOf(db);
    await storageOf(db).flush();
    const [before = 0] = sizes('db');
    const snapshot = storageOf(db).snapshot();
    await db.exec('DELETE FROM t WHERE i % 100 = 50');
    const left = await rowsOf(db);
    await expect.poll(() => Math.min(...sizes('db')), { timeout: 20_000 }).toBeLessThan(before / 2);
    await db.exec('DELETE FROM t WHERE i % 100 = 51');
    const least = await rowsOf(db);
    expect(least.length).toBeLessThan(left.length);
    expect(left.length).toBeLessThan(rows.length);
    snapshot.release();
    await expect.poll(() => sizes('db').length, { timeout: 20_000 }).toBe(1);
    const segments = text(await (await db.query('SELECT rows, deleted_rows, size_bytes, plain_bytes FROM sys.segments')).toRows());
    const [shown] = JSON.parse(segments) as { rows: string; deleted_rows: string; size_bytes: string; plain_bytes: string }[];
    expect(shown).toMatchObject({ rows: '20000', deleted_rows: '400', size_bytes: String(sizes('db')[0]) });
    expect(Number(shown?.plain_bytes)).toBeGreaterThan(2 * Number(shown?.size_bytes));
    await db.close();
    const again = await open({ path, threads: 0 });
    expect(await rowsOf(again)).toBe(least);
    expect(text(await (await again.query('SELECT rows, deleted_rows, size_bytes, plain_bytes FROM sys.segments')).toRows())).toBe(segments);
    await again.close();
  });

  it('stays as it is where compression is off', async () => {
    const path = join(folder, 'db');
    const rows = await make(path, 'none');
    const before = sizes('db');
    const db = await open({ path, threads: 0, segment_compression: 'none' });
    await storageOf(db).compact('t');
    expect(sizes('db')).toEqual(before);
    expect(await rowsOf(db)).toBe(rows);
    await db.close();
  });

  it('of an older file is compressed when compaction is asked for, and followed by a reader beside', async () => {
    const path = join(folder, 'db');
    const rows = await make(path, 'none');
    const [before = 0] = sizes('db');
    const db = await open({ path, threads: 0 });
    const reader = await open({ path, threads: 0, read_only: true });
    expect(await rowsOf(reader)).toBe(rows);
    await storageOf(db).compact('t');
    expect(await rowsOf(reader)).toBe(rows);
    await expect.poll(() => sizes('db').length, { timeout: 20_000 }).toBe(1);
    expect(sizes('db')[0]).toBeLessThan(before / 2);
    expect(await rowsOf(reader)).toBe(rows);
    expect(await rowsOf(db)).toBe(rows);
    await reader.close();
    await db.close();
  });
});
