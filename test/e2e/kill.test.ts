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
const SEED = Number(process.env.FLETCH_SEED ?? Date.now() % 100_000);

/** What one writer was told: batches that it sent, and those that the server acknowledged. */
interface WriterLog {
  readonly sent: Set<number>;
  readonly acknowledged: Set<number>;
}

function startWriter(door: 'flight' | 'http', url: string, writer: number, log: WriterLog) {
  const script = fileURLToPath(new URL('kill_writer.py', import.meta.url));
  const child = spawn(pythonPath(), [script, door, url, String(writer), String(log.sent.size)], { stdio: ['ignore', 'pipe', 'inherit'] });
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

/** Every batch of the table with its row count and distinct ids, by one query. */
async function batchesOf(httpUrl: string): Promise<Map<number, { rows: number; ids: number }>> {
  const sql = 'SELECT batch, count(*) AS n, count(DISTINCT id) AS k FROM events GROUP BY batch';
  const response = await fetch(httpUrl, { method: 'POST', body: sql, headers: { 'content-type': 'text/plain' } });
  const body = (await response.json()) as { data: [number, number, number][]; error?: string };
  expect(body.error).toBeUndefined();
  return new Map(body.data.map(([batch, rows, ids]) => [batch, { rows, ids }]));
}

test(`after ${ROUNDS} kill -9 during ingest no acknowledged row is lost, none is there twice and no batch is torn (seed ${SEED})`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fletch-kill-'));
  const logs: WriterLog[] = [1, 2, 3].map(() => ({ sent: new Set(), acknowledged: new Set() }));
  let random = SEED;
  let server = await startServerProcess(['--path', folder, '--segment-rows', '8192']);
  await fetch(server.httpUrl, {
    method: 'POST',
    body: 'CREATE TABLE events (ts TIMESTAMP_US, id BIGINT, batch BIGINT, tag UTF8) TIMESTAMP(ts)',
  });
  for (let round = 0; round < ROUNDS; round++) {
    const writers = logs.map((log, i) => startWriter(i < 2 ? 'flight' : 'http', i < 2 ? server.flightUrl : server.httpUrl, i + 1, log));
    const before = logs.map((log) => log.acknowledged.size);
    while (logs.some((log, i) => log.acknowledged.size === before[i])) await new Promise((resolve) => setTimeout(resolve, 20));
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    await new Promise((resolve) => setTimeout(resolve, random % 300));
    server.process.kill('SIGKILL');
    await Promise.all(writers.map((writer) => once(writer, 'close')));
    server = await startServerProcess(['--path', folder, '--segment-rows', '8192']);
    const present = await batchesOf(server.httpUrl);
    const torn = [...present].filter(([, batch]) => batch.rows !== ROWS_PER_BATCH || batch.ids !== ROWS_PER_BATCH);
    expect(torn).toEqual([]);
    logs.forEach((log, i) => {
      const lost = [...log.acknowledged].filter((number) => !present.has((i + 1) * 1e9 + number));
      expect(lost).toEqual([]);
    });
  }
  expect(await server.stop()).toBe(0);
  rmSync(folder, { recursive: true, force: true });
}, 600_000);
