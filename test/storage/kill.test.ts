import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { openTest } from './harness.js';

const KILLS = Number(process.env.FLETCH_KILLS ?? 10);
const ROWS = 3000;
/** As the writer has it, and what a busy machine adds. */
const GROUP_MS = 20;
const LATE_MS = 300;
const writer = join(import.meta.dirname, 'kill-writer.mjs');

interface Acknowledged {
  readonly batch: number;
  /** Number of its commit. */
  readonly sequence: number;
  /** How long before the kill. */
  agoMs: number;
}

/** Runs the writer until it has been writing for delayMs, kills it, and returns the batches that it saw acknowledged. */
async function writeAndKill(folder: string, firstBatch: number, delayMs: number, level: string): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [writer, folder, String(firstBatch), level], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged: Acknowledged[] = [];
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  let killed = false;
  let killedAt = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'open') {
      setTimeout(() => {
        killed = true;
        killedAt = performance.now();
        child.kill('SIGKILL');
      }, delayMs);
    } else {
      const [batch = 0, sequence = 0] = line.split(' ').map(Number);
      acknowledged.push({ batch, sequence, agoMs: -performance.now() });
    }
  }
  await ended;
  for (const each of acknowledged) each.agoMs += killedAt;
  expect(killed, 'the writer ran until it was killed').toBe(true);
  return acknowledged;
}

/** batch → row numbers, and whether texts are the ones that were written. */
async function readBatches(folder: string): Promise<Map<number, Set<number>>> {
  const test = await openTest(folder, { segment_rows: 4096 });
  const batches = new Map<number, Set<number>>();
  const snapshot = test.storage.snapshot();
  const table = snapshot.table('t');
  for (const segment of table?.segments ?? []) {
    const pinned = await table?.pin(segment, [0, 1, 2, 3]);
    const [ts, batch, row, text] = pinned?.columns ?? [];
    if (!ts || !batch || !row || !text || !pinned) throw new Error('four columns');
    for (let i = 0; i < segment.rowCount; i++) {
      const n = Number(test.arena.i64[batch.values / 8 + i]);
      const r = Number(test.arena.i64[row.values / 8 + i]);
      const rows = batches.get(n) ?? new Set();
      if (rows.has(r)) throw new Error(`row ${r} of batch ${n} is there twice`);
      batches.set(n, rows.add(r));
      const wanted = BigInt((r * 7919) % 100_003);
      if (test.arena.i64[ts.values / 8 + i] !== wanted) throw new Error(`row ${r} of batch ${n} has another time`);
      const code = text.dictionary === null ? i : (test.arena.i32[text.values / 4 + i] as number);
      const [offsets, bytes] = text.dictionary === null ? [text.offsets, text.values] : [text.dictionary.offsets, text.dictionary.values];
      const from = bytes + (test.arena.i32[offsets / 4 + code] as number);
      const found = Buffer.from(test.arena.u8.slice(from, bytes + (test.arena.i32[offsets / 4 + code + 1] as number))).toString();
      if (found !== `${n}/${r % (n % 2 ? 5 : ROWS)}`) throw new Error(`row ${r} of batch ${n} has the text ${found}`);
    }
    pinned.release();
  }
  snapshot.release();
  await test.close();
  return batches;
}

/** What the level promises of batches acknowledged before a kill, of which `kept` are there. */
function expectPromise(level: string, acknowledged: readonly Acknowledged[], kept: ReadonlyMap<number, unknown>): void {
  const lost = acknowledged.filter(({ batch }) => !kept.has(batch));
  if (level === 'fsync') expect(lost).toEqual([]);
  const lastKept = Math.max(0, ...acknowledged.filter(({ batch }) => kept.has(batch)).map(({ sequence }) => sequence));
  expect(lost.filter(({ sequence }) => sequence < lastKept)).toEqual([]);
  if (level === 'group') expect(lost.filter(({ agoMs }) => agoMs > GROUP_MS + LATE_MS)).toEqual([]);
}

describe.each(['fsync', 'group', 'memory'])('a process killed while it appends and merges segments, at durability %s,', (level) => {
  const what = level === 'fsync' ? 'every acknowledged row' : 'the rows of all commits up to one';
  it(`leaves ${what}, none twice, and no torn batch, ${KILLS} times`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fletch-kill-'));
    const survived = new Set<number>();
    let sent = 0;
    let next = 1;
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const acknowledged = await writeAndKill(folder, next, 20 + ((kill * 73) % 400), level);
        sent += acknowledged.length;
        const batches = await readBatches(folder);
        for (const [n, rows] of batches) expect(rows.size, `rows of batch ${n}`).toBe((1 + ((n * 37) % ROWS)) * (n % 5 === 0 ? 4 : 1));
        expectPromise(level, acknowledged, batches);
        expect([...survived].filter((batch) => !batches.has(batch))).toEqual([]);
        for (const batch of batches.keys()) survived.add(batch);
        next = Math.max(next, ...batches.keys()) + 1;
      }
      expect(sent).toBeGreaterThan(KILLS);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 1_800_000);
});
