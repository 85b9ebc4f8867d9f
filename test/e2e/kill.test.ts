import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { pythonPath, startServerProcess } from './server.js';

const ROUNDS = Number(process.env.FLETCH_KILL_ROUNDS ?? 20);
const ROWS_PER_BATCH = 500;
/** Three writers of `events`; what they wrote stays. One of `recent`, whose batches are half a minute apart and go after an hour. */
const WRITERS = [
  { door: 'flight', table: 'events' },
  { door: 'flight', table: 'events' },
  { door: 'http', table: 'events' },
  { door: 'http', table: 'recent' },
] as const;
const BATCHES_THAT_STAY = 119;
/** Segments are sealed and merged all the time. */
const FLAGS = ['--segment-rows', '8192', '--seal-after-ms', '500', '--compaction-fan-in', '2'];
const SEED = Number(process.env.FLETCH_SEED ?? Date.now() % 100_000);

/** What one writer was told: batches that it sent, and those that the server acknowledged. */
interface WriterLog {
  readonly sent: Set<number>;
  readonly acknowledged: Set<number>;
}

function startWriter(
  { door, table }: (typeof WRITERS)[number],
  server: { httpUrl: string; flightUrl: string },
  writer: number,
  log: WriterLog,
) {
  const url = door === 'flight' ? server.flightUrl : server.httpUrl;
  const script = fileURLToPath(new URL('kill_writer.py', import.meta.url));
  const child = spawn(pythonPath(), [script, door, url, String(writer), String(log.sent.size), table], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [word, number] = line.split(' ');
      (word === 'ack' ? log.acknowledged : log.sent).add(Number(number));
    }
  });
  return child;
}

/** Every batch of a table with its row count and distinct ids, by one query. */
async function batchesOf(httpUrl: string, table: string): Promise<Map<number, { rows: number; ids: number }>> {
  const sql = `SELECT batch, count(*) AS n, count(DISTINCT id) AS k FROM ${table} GROUP BY batch`;
  const response = await fetch(httpUrl, { method: 'POST', body: sql, headers: { 'content-type': 'text/plain' } });
  const body = (await response.json()) as { data: [number, number, number][]; error?: string };
  expect(body.error).toBeUndefined();
  return new Map(body.data.map(([batch, rows, ids]) => [batch, { rows, ids }]));
}

async function mergesOf(httpUrl: string): Promise<number> {
  const metrics = await (await fetch(`${httpUrl}/metrics`)).text();
  return Number(/^fletchdb_compactions_total (\d+)/m.exec(metrics)?.[1] ?? 0);
}

test(`after ${ROUNDS} kill -9 during ingest no acknowledged row is lost, none is there twice and no batch is torn (seed ${SEED})`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fletch-kill-'));
  const logs: WriterLog[] = WRITERS.map(() => ({ sent: new Set(), acknowledged: new Set() }));
  let random = SEED;
  let server = await startServerProcess(['--path', folder, ...FLAGS]);
  for (const [table, more] of [
    ['events', ''],
    ['recent', 'TTL 1 HOUR'],
  ]) {
    const body = `CREATE TABLE ${table} (ts TIMESTAMP_US, id BIGINT, batch BIGINT, tag UTF8) TIMESTAMP(ts) ${more}`;
    expect((await fetch(server.httpUrl, { method: 'POST', body })).status).toBe(200);
  }
  let merges = 0;
  let expired = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const { httpUrl } = server;
    const writers = logs.map((log, i) => startWriter(WRITERS[i] as (typeof WRITERS)[number], server, i + 1, log));
    const before = logs.map((log) => log.acknowledged.size);
    while (logs.some((log, i) => log.acknowledged.size === before[i])) await new Promise((resolve) => setTimeout(resolve, 20));
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    // Compaction and TTL look at a table a second after it has changed.
    await new Promise((resolve) => setTimeout(resolve, random % (round % 4 === 3 ? 3000 : 300)));
    merges += await mergesOf(httpUrl);
    server.process.kill('SIGKILL');
    await Promise.all(writers.map((writer) => once(writer, 'close')));
    server = await startServerProcess(['--path', folder, ...FLAGS]);
    const present = new Map([...(await batchesOf(server.httpUrl, 'events')), ...(await batchesOf(server.httpUrl, 'recent'))]);
    const torn = [...present].filter(([, batch]) => batch.rows !== ROWS_PER_BATCH || batch.ids !== ROWS_PER_BATCH);
    expect(torn).toEqual([]);
    logs.forEach((log, i) => {
      const newest = Math.max(...log.sent);
      const gone = [...log.acknowledged].filter((number) => !present.has((i + 1) * 1e9 + number));
      expect(gone.filter((number) => WRITERS[i]?.table === 'events' || number > newest - BATCHES_THAT_STAY)).toEqual([]);
      expired = gone.length;
    });
  }
  if (ROUNDS >= 20) expect(Math.min(merges, expired)).toBeGreaterThan(0);
  console.info(
    `${logs.reduce((sum, log) => sum + log.acknowledged.size, 0)} batches acknowledged, ${merges} merges, ${expired} batches expired`,
  );
  expect(await server.stop()).toBe(0);
  rmSync(folder, { recursive: true, force: true });
}, 3_600_000);
