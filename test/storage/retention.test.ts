/** TTL with a clock of our own. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { PartitionUnit } from '../../src/core/contracts.js';
import { systemEnvironment } from '../../src/core/environment.js';
import { beforeTicks, parseTimeToLive } from '../../src/core/time-to-live.js';
import { appendRows, define, field, openTest, readRows, type TestStorage } from './harness.js';

const fields = [field('ts', { kind: 'timestamp', unit: 'ms', timezone: null }, false), field('n', { kind: 'int32' })];
const at = (text: string) => BigInt(Date.parse(`${text}Z`));

let folder: string | undefined;
let test: TestStorage | undefined;
let now = at('2026-06-01T00:00');
const environment = { ...systemEnvironment, nowNanoseconds: () => now * 1_000_000n };

async function open(path: string): Promise<TestStorage> {
  test = await openTest(path, { segment_rows: 64, seal_after_ms: 0 }, environment);
  return test;
}

async function create(partitionBy: PartitionUnit, ttl: string | null, path = ':memory:'): Promise<TestStorage> {
  const opened = await open(path);
  await opened.storage.createTable({ ...define('t', fields, 0), partitionBy, ttl });
  return opened;
}

const insert = (on: TestStorage, ...times: string[]) => appendRows(on, 't', fields, [times.map(at), times.map((_, i) => i)]);
const times = async (on: TestStorage) => (await readRows(on, 't')).map(([ts]) => new Date(Number(ts)).toISOString().slice(0, 16)).sort();

afterEach(async () => {
  now = at('2026-06-01T00:00');
  await test?.close();
  test = undefined;
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
});

describe('a TTL', () => {
  it('drops partitions that have passed, as a whole, and files with them', async () => {
    folder = mkdtempSync(join(tmpdir(), 'fletch-ttl-'));
    const opened = await create('day', '2 days', folder);
    await insert(opened, '2026-05-27T23:59', '2026-05-28T00:00', '2026-05-28T23:00', '2026-05-29T01:00', '2026-05-31T12:00');
    await opened.storage.flush();
    // Newest is 31st 12:00, so the 29th is still inside with its first rows.
    expect(await times(opened)).toEqual(['2026-05-29T01:00', '2026-05-31T12:00']);
    const segments = join(folder, 'segments');
    await expect.poll(() => readdirSync(segments).length).toBe(2);
    await insert(opened, '2026-06-01T00:00');
    await opened.storage.flush();
    expect(await times(opened)).toEqual(['2026-05-31T12:00', '2026-06-01T00:00']);
    await opened.close();
    expect(await times(await open(folder))).toEqual(['2026-05-31T12:00', '2026-06-01T00:00']);
  });

  it('goes by the newest row when the clock is ahead: a jump of ten years drops nothing', async () => {
    const opened = await create('day', '1 day');
    await insert(opened, '2026-05-31T00:00', '2026-05-31T12:00');
    now = at('2036-06-01T00:00');
    await opened.storage.flush();
    expect(await times(opened)).toEqual(['2026-05-31T00:00', '2026-05-31T12:00']);
  });

  it('drops nothing while the clock jumps ten years to and fro, and goes on when it is right again', async () => {
    folder = mkdtempSync(join(tmpdir(), 'fletch-ttl-'));
    const opened = await create('day', '1 day', folder);
    const rows = ['2026-05-31T00:00', '2026-05-31T12:00'];
    await insert(opened, ...rows);
    for (const clock of ['2036-06-01T00:00', '2016-06-01T00:00', '2036-01-01T00:00', '2026-05-31T13:00']) {
      now = at(clock);
      await opened.storage.flush();
      await opened.storage.compact();
      expect(await times(opened)).toEqual(rows);
    }
    await opened.close();
    now = at('2036-06-01T00:00');
    const again = await open(folder);
    await again.storage.flush();
    expect(await times(again)).toEqual(rows);
    now = at('2026-06-02T00:00');
    await insert(again, '2026-06-02T00:00');
    await again.storage.flush();
    expect(await times(again)).toEqual(['2026-06-02T00:00']);
  });

  it('goes by the clock when a row comes from the future', async () => {
    const opened = await create('hour', '1 hour');
    await insert(opened, '2026-05-31T23:30', '2099-01-01T00:00', '2026-05-31T20:00');
    await opened.storage.flush();
    expect(await times(opened)).toEqual(['2026-05-31T23:30', '2099-01-01T00:00']);
  });

  it('of a table without partitions drops segments whose last row is too old', async () => {
    const opened = await create('none', '1 day');
    await insert(opened, '2026-05-01T00:00', '2026-05-02T00:00');
    await opened.storage.flush();
    await insert(opened, '2026-05-30T00:00', '2026-05-31T23:00');
    await opened.storage.flush();
    expect(await times(opened)).toEqual(['2026-05-30T00:00', '2026-05-31T23:00']);
  });

  it('drops late rows that come too late, and keeps what an open snapshot sees', async () => {
    const opened = await create('day', '1 day');
    await insert(opened, '2026-05-31T00:00');
    await opened.storage.flush();
    await insert(opened, '2026-05-01T00:00');
    const snapshot = opened.storage.snapshot();
    await opened.storage.flush();
    expect(await times(opened)).toEqual(['2026-05-31T00:00']);
    expect((await readRows(opened, 't', snapshot)).length).toBe(2);
    snapshot.release();
  });

  it('that ALTER TABLE sets or takes away counts from then on', async () => {
    const opened = await create('day', null);
    await insert(opened, '2026-05-01T00:00', '2026-05-31T00:00');
    await opened.storage.flush();
    expect((await times(opened)).length).toBe(2);
    await opened.storage.alterTable('t', [{ kind: 'set_options', change: { ttl: '1 week' } }]);
    await opened.storage.flush();
    expect(await times(opened)).toEqual(['2026-05-31T00:00']);
    await opened.storage.alterTable('t', [{ kind: 'set_options', change: { ttl: null } }]);
    await insert(opened, '2026-05-02T00:00');
    await opened.storage.flush();
    expect((await times(opened)).length).toBe(2);
  });

  it('does not look at deleted rows for the newest', async () => {
    const opened = await create('day', '1 day');
    await insert(opened, '2026-05-01T00:00', '2026-05-31T00:00');
    const snapshot = opened.storage.snapshot();
    const view = snapshot.table('t');
    const rows = opened.arena.allocateZeroed(64);
    for (const segment of view?.segments ?? []) {
      opened.arena.u8[rows] = 2;
      await opened.storage.deleteRows('t', [{ segmentId: segment.id, rows }]);
    }
    snapshot.release();
    await opened.storage.flush();
    expect(await times(opened)).toEqual(['2026-05-01T00:00']);
  });
});

describe('the span of a TTL', () => {
  it.each([
    ['90 DAYS', { months: 0, days: 90, nanoseconds: 0n }],
    ['12h', { months: 0, days: 0, nanoseconds: 43_200_000_000_000n }],
    ['1h30m', { months: 0, days: 0, nanoseconds: 5_400_000_000_000n }],
    ["INTERVAL '2 weeks'", { months: 0, days: 14, nanoseconds: 0n }],
    ['1M', { months: 1, days: 0, nanoseconds: 0n }],
    ["'1 year 2 months'", { months: 14, days: 0, nanoseconds: 0n }],
    ['0 DAYS', undefined],
    ['x', undefined],
    ['5', undefined],
    ['3 fortnights', undefined],
  ])('%s', (text, wanted) => {
    expect(parseTimeToLive(text)).toEqual(wanted);
  });

  it('of months ends on the same day, or the last of a shorter month', () => {
    const type = { kind: 'timestamp', unit: 'ms', timezone: null } as const;
    const earlier = (text: string, months: number) =>
      new Date(Number(beforeTicks(at(text), type, { months, days: 0, nanoseconds: 0n }))).toISOString();
    expect(earlier('2026-03-31T05:00', 1)).toBe('2026-02-28T05:00:00.000Z');
    expect(earlier('2024-03-31T05:00', 1)).toBe('2024-02-29T05:00:00.000Z');
    expect(earlier('2026-01-15T05:00', 13)).toBe('2024-12-15T05:00:00.000Z');
  });
});
