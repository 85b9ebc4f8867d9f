import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/core/arena.js';
import { INT64 } from '../../src/core/types.js';
import type { Task } from '../../src/query/execution/task.js';
import { createWorkerPool } from '../../src/workers/pool.js';

function seriesTask(arena: Arena, rows: number, cancelled = 0): { task: Task; free(): void } {
  const control = arena.allocateZeroed(64);
  arena.i32[control / 4] = cancelled;
  const slots = arena.allocate(64);
  arena.i64[slots / 8] = 5n;
  arena.i64[slots / 8 + 1] = 2n;
  const task: Task = {
    kind: 'pipeline',
    frame: { vectorRows: 64, nowNanoseconds: 0n, timezone: 'UTC', control, memoryLimitBytes: 1e8, deadlineMs: 0 },
    branches: [{ columns: [1], pieces: [{ kind: 'series', type: INT64, slots }], operators: [], counter: 0 }],
    lanes: [{ ranges: [{ branch: 0, piece: 0, first: 0, end: rows }] }],
    claim: false,
    sink: { kind: 'collect', ids: [1], limit: null, copy: false, counter: 1 },
    expectedRows: rows,
  };
  const free = () => {
    arena.free(control);
    arena.free(slots);
  };
  return { task, free };
}

describe.each([0, 1, 3])('a pool of %i threads', (threads) => {
  it('runs tasks whose results lie in the shared arena', async () => {
    const arena = Arena.create(0, 1 << 26);
    const pool = createWorkerPool({ threads, arena });
    const { task, free } = seriesTask(arena, 200);
    const before = arena.usedBytes;
    const results = await Promise.all([pool.run(task), pool.run(task)]);
    for (const result of results) {
      const output = result.lanes[0]?.output;
      const values =
        output?.kind === 'batches'
          ? output.batches.flatMap((batch) =>
              Array.from({ length: batch.rowCount }, (_, row) => arena.i64[(batch.columns[0]?.values ?? 0) / 8 + row]),
            )
          : [];
      expect(values).toEqual(Array.from({ length: 200 }, (_, row) => 5n + 2n * BigInt(row)));
      for (const address of result.owned) arena.free(address);
    }
    expect(arena.usedBytes).toBe(before);
    free();
    await pool.close();
  });

  it('gives errors of tasks back with their code and frees what they held', async () => {
    const arena = Arena.create(0, 1 << 26);
    const pool = createWorkerPool({ threads, arena });
    const { task } = seriesTask(arena, 200, 1);
    const before = arena.usedBytes;
    await expect(pool.run(task)).rejects.toMatchObject({ name: 'DbError', code: 'cancelled' });
    expect(arena.usedBytes).toBe(before);
    await pool.close();
  });
});

describe('a closed pool', () => {
  it('refuses tasks', async () => {
    const arena = Arena.create(0, 1 << 26);
    const pool = createWorkerPool({ threads: 1, arena });
    await pool.close();
    await expect(pool.run(seriesTask(arena, 1).task)).rejects.toMatchObject({ code: 'closed' });
  });
});
