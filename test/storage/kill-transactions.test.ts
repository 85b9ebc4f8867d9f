import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { openTest, readRows } from './harness.js';

const KILLS = 10;
const writer = join(import.meta.dirname, 'kill-transactions.mjs');

/** Runs the writer until it has been writing for delayMs, kills it, and returns the transactions that it saw acknowledged. */
async function writeAndKill(folder: string, first: number, delayMs: number): Promise<number[]> {
  const child = spawn(process.execPath, [writer, folder, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged: number[] = [];
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  let killed = false;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'open') {
      setTimeout(() => {
        killed = true;
        child.kill('SIGKILL');
      }, delayMs);
    } else acknowledged.push(Number(line));
  }
  await ended;
  expect(killed, 'the writer ran until it was killed').toBe(true);
  return acknowledged;
}

const rowsOf = (n: number) => (1 + ((n * 37) % 1500)) * (n % 5 === 0 ? 4 : 1);

/** The last transaction that the folder shows, all of which must be there and nothing of the next. */
async function lastTransaction(folder: string): Promise<number> {
  const test = await openTest(folder, { segment_rows: 2048 });
  try {
    const counts = new Map<number, number>();
    for (const [batch] of await readRows(test, 'log')) counts.set(Number(batch), (counts.get(Number(batch)) ?? 0) + 1);
    const last = Math.max(0, ...counts.keys());
    for (let n = 1; n <= last; n++) expect(counts.get(n), `rows of transaction ${n}`).toBe(rowsOf(n));
    const present = await readRows(test, 'last');
    expect(present.length).toBe(last === 0 ? 0 : rowsOf(last));
    expect(new Set(present.map(([batch]) => Number(batch)))).toEqual(new Set(last === 0 ? [] : [last]));
    const snapshot = test.storage.snapshot();
    const names = snapshot.tables().map((table) => table.definition.name);
    const columns = snapshot.table('log')?.table.definition.columns.length;
    snapshot.release();
    expect(names.sort()).toEqual(last === 0 ? ['last', 'log'] : ['last', 'log', `made_${last}`]);
    expect(columns).toBe(2 + Math.floor(last / 4));
    return last;
  } finally {
    await test.close();
  }
}

describe('a process killed while it commits transactions over several tables', () => {
  it(`leaves each of them whole or not at all, ${KILLS} times`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fletch-kill-transactions-'));
    let last = 0;
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const acknowledged = await writeAndKill(folder, last + 1, 20 + ((kill * 73) % 400));
        const found = await lastTransaction(folder);
        expect(found).toBeGreaterThanOrEqual(acknowledged.at(-1) ?? last);
        last = found;
      }
      expect(last).toBeGreaterThan(KILLS);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 240_000);
});
