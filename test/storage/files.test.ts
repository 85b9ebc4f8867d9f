/** What is on disk: open formats, checksums, lazy reading, eviction, locks, versions. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Value } from '../../src/core/batch.js';
import { type DataType, FLOAT64, INT64, SYMBOL, TIMESTAMP_NS, UTF8 } from '../../src/core/types.js';
import { addBatch, appendRows, define, field, openTest, readRows, type TestStorage } from './harness.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fletch-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const FIELDS = [field('ts', TIMESTAMP_NS), field('sym', SYMBOL), field('price', FLOAT64), field('note', UTF8)];

/** n rows; times go down so that sealing sorts. */
function columnsOf(n: number): Value[][] {
  const rows = Array.from({ length: n }, (_, i) => i);
  return [
    rows.map((i) => BigInt(n - i)),
    rows.map((i) => `s${i % 5}`),
    rows.map((i) => (i % 9 ? i / 4 : null)),
    rows.map((i) => (i % 3 ? `n${i}` : null)),
  ];
}

async function fill(rows: number, overrides = {}): Promise<Value[][]> {
  const test = await openTest(folder, overrides);
  await test.storage.createTable(define('t', FIELDS, 0));
  await appendRows(test, 't', FIELDS, columnsOf(rows));
  await test.storage.flush();
  const found = await readRows(test, 't');
  await test.close();
  return found;
}

const segmentFiles = () => readdirSync(join(folder, 'segments')).map((name) => join(folder, 'segments', name));

/** Opens, reads one column of every segment, and returns its first values. */
async function readColumn(test: TestStorage, index: number): Promise<number> {
  const snapshot = test.storage.snapshot();
  try {
    const table = snapshot.table('t');
    let rows = 0;
    for (const segment of table?.segments ?? []) {
      const pinned = await table?.pin(segment, [index]);
      rows += pinned?.columns[0]?.length ?? 0;
      pinned?.release();
    }
    return rows;
  } finally {
    snapshot.release();
  }
}

describe('a sealed segment', () => {
  it('is sorted by the designated timestamp, and says so', async () => {
    const rows = await fill(300);
    expect(rows.map((row) => row[0])).toEqual(Array.from({ length: 300 }, (_, i) => BigInt(i + 1)));
    const test = await openTest(folder);
    const snapshot = test.storage.snapshot();
    expect(snapshot.table('t')?.segments[0]?.order.kind).toBe('time');
    snapshot.release();
    await test.close();
  });

  it.skipIf(process.env.FLETCH_PYTHON === undefined)('is an Arrow file that pyarrow opens', async () => {
    const rows = await fill(300);
    const script = [
      'import sys, json, pyarrow as pa',
      'reader = pa.ipc.open_file(pa.memory_map(sys.argv[1]))',
      'table = reader.read_all(); table.validate(full=True)',
      'print(json.dumps({"types": [str(f.type) for f in table.schema], "rows": table.column("ts").cast("int64").to_pylist(),',
      '  "sym": table.column("sym").to_pylist(), "price": table.column("price").to_pylist(), "note": table.column("note").to_pylist()}))',
    ].join('\n');
    const output = execFileSync(process.env.FLETCH_PYTHON ?? 'python3', ['-c', script, segmentFiles()[0] ?? ''], { encoding: 'utf8' });
    const found = JSON.parse(output) as Record<string, unknown[]>;
    expect(found.types).toEqual([
      'timestamp[ns]',
      'dictionary<values=string, indices=int32, ordered=0>',
      'double',
      'dictionary<values=string, indices=int32, ordered=0>',
    ]);
    expect(found.rows?.map((value) => BigInt(value as number))).toEqual(rows.map((row) => row[0]));
    for (const [i, name] of ['sym', 'price', 'note'].entries()) expect(found[name]).toEqual(rows.map((row) => row[i + 1]));
  });

  it.skipIf(process.env.FLETCH_PYTHON === undefined)('of every type is valid to pyarrow', async () => {
    const inner = { kind: 'struct', fields: [field('x', { kind: 'bool' }), field('y', UTF8)] } as const;
    const values: [DataType, Value[], unknown][] = [
      [{ kind: 'bool' }, [true, null, false], [true, null, false]],
      [{ kind: 'int8' }, [-1, null, 1], [-1, null, 1]],
      [{ kind: 'uint64' }, [2n ** 64n - 1n, null, 1n], ['18446744073709551615', null, '1']],
      [{ kind: 'decimal', precision: 38, scale: 2 }, [-12345n, null, 1n], ['-123.45', null, '0.01']],
      [{ kind: 'binary' }, [Uint8Array.of(1, 2), null, new Uint8Array(0)], ["b'\\x01\\x02'", null, "b''"]],
      [{ kind: 'date32' }, [0, null, -1], ['1970-01-01', null, '1969-12-31']],
      [{ kind: 'time64', unit: 'us' }, [1n, null, 0n], ['00:00:00.000001', null, '00:00:00']],
      [
        { kind: 'interval' },
        [{ months: 1, days: 2, nanoseconds: 3n }, null, null],
        ['MonthDayNano(months=1, days=2, nanoseconds=3)', null, null],
      ],
      [{ kind: 'list', item: field('item', UTF8) }, [['a', null], null, []], ["['a', None]", null, '[]']],
      [{ kind: 'list', item: field('item', inner) }, [[{ x: true, y: 'q' }], null, []], ["[{'x': True, 'y': 'q'}]", null, '[]']],
      [{ kind: 'symbol' }, [null, null, null], [null, null, null]],
      [{ kind: 'uuid' }, ['00000000-0000-0000-0000-0000000000ff', null, null], null],
    ];
    const fields = values.map(([type], i) => field(`c${i}`, type));
    const test = await openTest(folder);
    await test.storage.createTable(define('t', fields));
    await appendRows(
      test,
      't',
      fields,
      values.map(([, column]) => column),
    );
    await test.storage.flush();
    await test.close();
    const script = [
      'import sys, json, pyarrow as pa',
      'table = pa.ipc.open_file(pa.memory_map(sys.argv[1])).read_all(); table.validate(full=True)',
      'show = lambda v, t: v if v is None or isinstance(v, bool) or t == "int8" else str(v)',
      'print(json.dumps([[show(v, str(c.type)) for v in c.to_pylist()] for c in table.columns]))',
    ].join('\n');
    const output = execFileSync(process.env.FLETCH_PYTHON ?? 'python3', ['-c', script, segmentFiles()[0] ?? ''], { encoding: 'utf8' });
    const found = JSON.parse(output) as unknown[];
    for (const [i, [, , wanted]] of values.entries()) if (wanted !== null) expect(found[i]).toEqual(wanted);
  });

  it('has every buffer at a multiple of 64 bytes', async () => {
    await fill(300);
    const catalog = open({ path: join(folder, 'catalog'), maxDbs: 8, readOnly: true });
    const segments = [
      ...catalog
        .openDB({ name: 'segment', encoding: 'binary' })
        .getRange({})
        .map(({ value }) => JSON.parse((value as Buffer).subarray(0, -4).toString('utf8')) as unknown),
    ];
    const offsets =
      JSON.stringify(segments)
        .match(/\[\d+,\d+,\d+\]/g)
        ?.map((text) => (JSON.parse(text) as number[])[0] ?? -1) ?? [];
    expect(offsets.length).toBeGreaterThan(4);
    expect(offsets.filter((offset) => offset % 64 !== 0)).toEqual([]);
    await catalog.close();
  });

  it('with a changed byte is `corrupt`, naming the file; other columns can still be read', async () => {
    await fill(3000);
    const [file = ''] = segmentFiles();
    const bytes = readFileSync(file);
    const wanted = Buffer.alloc(8);
    wanted.writeDoubleLE(2999 / 4);
    const at = bytes.indexOf(wanted);
    expect(at).toBeGreaterThan(0);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const test = await openTest(folder);
    await expect(readColumn(test, 2)).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('.arrow') });
    expect(await readColumn(test, 0)).toBe(3000);
    expect(await readColumn(test, 3)).toBe(3000);
    await test.close();
  });

  it('that was cut short is `corrupt`, and one that is gone is `io_error`', async () => {
    await fill(300);
    const [file = ''] = segmentFiles();
    writeFileSync(file, readFileSync(file).subarray(0, 900));
    const cut = await openTest(folder);
    await expect(readColumn(cut, 3)).rejects.toMatchObject({ code: 'corrupt' });
    await cut.close();
    rmSync(file);
    const gone = await openTest(folder);
    await expect(readColumn(gone, 0)).rejects.toMatchObject({ code: 'io_error' });
    await gone.close();
  });

  it('has zone maps after reopening', async () => {
    await fill(300);
    const test = await openTest(folder);
    const snapshot = test.storage.snapshot();
    expect(snapshot.table('t')?.segments[0]?.zoneMaps).toEqual([
      { nullCount: 0, min: 1n, max: 300n },
      { nullCount: 0, min: 's0', max: 's4' },
      { nullCount: 34, min: 0.25, max: 299 / 4 },
      { nullCount: 100, min: 'n1', max: 'n98' },
    ]);
    snapshot.release();
    await test.close();
  });
});

describe('opening', () => {
  it('reads no column before one is named, and then that one only', async () => {
    await fill(2000, { segment_rows: 512 });
    const test = await openTest(folder, { segment_rows: 512 });
    expect(test.storage.statistics()).toMatchObject({ cachedBytes: 0, rows: 2000, segments: 4 });
    expect(await readColumn(test, 0)).toBe(2000);
    expect(test.storage.statistics().cachedBytes).toBe(2000 * 8);
    await test.close();
  });

  it('removes segment files that the catalog does not know', async () => {
    await fill(300);
    writeFileSync(join(folder, 'segments', '7-9.arrow'), 'left by a crash');
    const test = await openTest(folder);
    expect(segmentFiles()).toHaveLength(1);
    await test.close();
  });

  it('refuses a second writer, lets a reader in, and takes over a lock whose process is gone', async () => {
    const rows = await fill(100);
    const writer = await openTest(folder);
    await expect(openTest(folder)).rejects.toMatchObject({ code: 'locked' });
    const reader = await openTest(folder, { read_only: true });
    expect(await readRows(reader, 't')).toEqual(rows);
    expect(() => reader.storage.openAppend('t')).toThrow(expect.objectContaining({ code: 'read_only' }));
    await expect(reader.storage.createTable(define('u', FIELDS))).rejects.toMatchObject({ code: 'read_only' });
    await reader.close();
    await writer.close();
    writeFileSync(join(folder, 'writer.lock'), JSON.stringify({ pid: 1, host: 'elsewhere', started: '1', boot: 'another' }));
    const again = await openTest(folder);
    await again.close();
    expect(readdirSync(folder)).not.toContain('writer.lock');
  });

  it.runIf(process.platform === 'linux')('takes over the lock of a killed process that nobody has waited for', async () => {
    const rows = await fill(100);
    // The first child becomes `sleep`, which never waits for the second: that one stays behind as a zombie.
    const parent = spawn('sh', ['-c', 'sh -c "echo \\$\\$; cat /proc/\\$\\$/stat" & exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let output = '';
      for await (const text of parent.stdout.setEncoding('utf8')) if ((output += text).split('\n').length > 2) break;
      const [pid, stat] = output.split('\n') as [string, string];
      await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z '));
      const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      writeFileSync(join(folder, 'writer.lock'), JSON.stringify({ pid: Number(pid), host: hostname(), started, boot }));
      const test = await openTest(folder);
      expect(await readRows(test, 't')).toEqual(rows);
      await test.close();
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('refuses a folder of a newer format', async () => {
    await fill(10);
    const catalog = open({ path: join(folder, 'catalog'), maxDbs: 8 });
    await catalog.openDB({ name: 'meta', encoding: 'json' }).put('format', 99);
    await catalog.close();
    await expect(openTest(folder)).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('99') });
  });

  it('says `corrupt` of a catalog that is none, or whose records were changed', async () => {
    await fill(10);
    const catalog = open({ path: join(folder, 'catalog'), maxDbs: 8 });
    await catalog.openDB({ name: 'tail', encoding: 'binary' }).put([1, 9, 1, 0], Buffer.from('this is no record of ours, not at all'));
    await catalog.close();
    await expect(openTest(folder)).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('tail record') });
    writeFileSync(join(folder, 'catalog', 'data.mdb'), Buffer.alloc(100_000, 7));
    await expect(openTest(folder)).rejects.toMatchObject({ code: 'corrupt' });
    expect(readdirSync(folder)).not.toContain('writer.lock');
  });

  it('read-only finds no database in an empty folder', async () => {
    await expect(openTest(folder, { read_only: true })).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('memory', () => {
  it('of cold columns is given back when others are read', async () => {
    await fill(40_000, { segment_rows: 8192 });
    const test = await openTest(folder, { segment_rows: 8192, memory_limit: '1400KB' });
    for (let round = 0; round < 3; round++) {
      for (const column of [0, 1, 2, 3]) expect(await readColumn(test, column)).toBe(40_000);
    }
    expect(test.storage.statistics().cachedBytes).toBeLessThan(1_400_000);
    expect(test.storage.statistics().cachedBytes).toBeGreaterThan(0);
    await test.close();
  });

  it('that is pinned stays, and asking for more is `query_memory_exceeded`', async () => {
    await fill(40_000, { segment_rows: 8192 });
    const test = await openTest(folder, { segment_rows: 8192, memory_limit: '400KB' });
    const snapshot = test.storage.snapshot();
    const table = snapshot.table('t');
    const held: { release(): void }[] = [];
    const pinAll = async () => {
      for (const segment of table?.segments ?? []) {
        const pinned = await table?.pin(segment, [0, 2]);
        if (pinned !== undefined) held.push(pinned);
      }
    };
    await expect(pinAll()).rejects.toMatchObject({ code: 'query_memory_exceeded' });
    expect(held.length).toBeGreaterThan(1);
    for (const pinned of held) pinned.release();
    expect(await readColumn(test, 0)).toBe(40_000);
    snapshot.release();
    await test.close();
  });
});

describe('a session of more rows than memory holds', () => {
  const FEW = [field('ts', TIMESTAMP_NS), field('n', INT64)];
  const part = (k: number) => Array.from({ length: 5000 }, (_, i) => BigInt(k * 5000 + i));

  it('writes segments as it goes, and is one commit', async () => {
    const test = await openTest(folder, { segment_rows: 8192, memory_limit: '1500KB' });
    await test.storage.createTable(define('t', FEW, 0));
    const session = test.storage.openAppend('t');
    for (let k = 0; k < 40; k++) await addBatch(test, session, FEW, [part(k), part(k)]);
    expect(segmentFiles().length).toBeGreaterThan(10);
    expect(test.storage.statistics().rows).toBe(0);
    expect((await session.commit()).rows).toBe(200_000);
    expect(test.storage.statistics()).toMatchObject({ rows: 200_000, commits: 2 });
    await test.close();
    const again = await openTest(folder, { memory_limit: '1500KB' });
    expect(await readColumn(again, 1)).toBe(200_000);
    await again.close();
  });

  it('closes segments of wide rows before they have all their rows', async () => {
    const test = await openTest(folder, { memory_limit: '20MB' });
    const wide = Array.from({ length: 30 }, (_, i) => field(`c${i}`, INT64));
    await test.storage.createTable(define('w', wide));
    for (let k = 0; k < 4; k++)
      await appendRows(
        test,
        'w',
        wide,
        wide.map(() => part(k).slice(0, 3000)),
      );
    await test.storage.flush();
    expect(test.storage.statistics()).toMatchObject({ rows: 12_000, segments: 4 });
    await test.close();
  });

  it('leaves nothing when it is aborted', async () => {
    const test = await openTest(folder, { segment_rows: 8192, memory_limit: '1500KB' });
    await test.storage.createTable(define('t', FEW, 0));
    const before = test.arena.usedBytes;
    const session = test.storage.openAppend('t');
    for (let k = 0; k < 10; k++) await addBatch(test, session, FEW, [part(k), part(k)]);
    session.abort();
    await expect.poll(() => segmentFiles().length).toBe(0);
    expect(test.arena.usedBytes).toBeLessThanOrEqual(before + 64);
    await test.close();
  });
});

describe('text with many distinct values', () => {
  it('is stored plain in new segments, and read back the same', async () => {
    const test = await openTest(folder, { segment_rows: 1024, dictionary_values: 100 });
    const fields = [field('id', INT64), field('text', UTF8)];
    await test.storage.createTable(define('t', fields));
    const rows: Value[][] = [];
    for (let from = 0; from < 4000; from += 250) {
      const part = Array.from({ length: 250 }, (_, i) => [BigInt(from + i), i % 11 ? `text ${from + i}` : null]);
      rows.push(...part);
      await appendRows(test, 't', fields, [part.map((row) => row[0] ?? null), part.map((row) => row[1] ?? null)], from % 500 === 0);
    }
    expect(await readRows(test, 't')).toEqual(rows);
    const encodings = async (opened: TestStorage) => {
      const snapshot = opened.storage.snapshot();
      const table = snapshot.table('t');
      const found: string[] = [];
      for (const segment of table?.segments ?? []) {
        const pinned = await table?.pin(segment, [1]);
        found.push(pinned?.columns[0]?.encoding ?? '');
        pinned?.release();
      }
      snapshot.release();
      return found;
    };
    expect(await encodings(test)).toEqual(['dictionary', 'flat', 'flat', 'flat', 'flat']);
    await test.close();
    const again = await openTest(folder, { segment_rows: 1024, dictionary_values: 100 });
    expect(await readRows(again, 't')).toEqual(rows);
    await again.storage.flush();
    expect(await readRows(again, 't')).toEqual(rows);
    await appendRows(again, 't', fields, [[1n], ['one more']]);
    expect((await encodings(again)).at(-1)).toBe('flat');
    await again.close();
  });
});
