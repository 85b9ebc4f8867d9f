import { afterAll, describe, expect, it } from 'vitest';
import { DbError } from '../../../src/core/errors.js';
import { INT32, INT64 } from '../../../src/core/types.js';
import { valueAt } from '../../../src/core/values.js';
import type { LogicalPlan } from '../../../src/query/plan/logical.js';
import {
  agg,
  aggregate,
  call,
  col,
  compare,
  createWorld,
  execution,
  filter,
  join,
  key,
  lit,
  makeTable,
  rowsOf,
  scan,
  sort,
} from './fixture.js';

const world = createWorld();
afterAll(() => world.close());

const rows = 60_000;
const table = makeTable(
  world,
  [
    { name: 'i', type: INT64, values: Array.from({ length: rows }, (_, row) => BigInt(row)) },
    { name: 'g', type: INT32, values: Array.from({ length: rows }, (_, row) => row % 97) },
  ],
  { segmentRows: 8192 },
);

/** 3.6 billion pairs: nobody waits for its end. */
function endless(): LogicalPlan {
  const [p, q] = [scan(table), scan(table)];
  const pairs = join('cross', p, q, [], compare('lt', call('add', [col(p, 'i'), col(q, 'i')], INT64), lit(-1n, INT64)));
  return aggregate(pairs, [], [agg('count', [])]);
}

const threadCounts = world.pools.map((pool, i) => [pool.threads, i] as const);

describe.each(threadCounts)('with %i threads', (_, index) => {
  const pool = world.pools[index] as (typeof world.pools)[number];

  it('an abort stops work that would not end, and frees everything', async () => {
    const before = world.arena.usedBytes;
    const controller = new AbortController();
    const run = execution(world, endless(), { pool, vectorRows: 16_384, signal: controller.signal });
    const result = rowsOf(world, run);
    setTimeout(() => controller.abort(), 100);
    await expect(result).rejects.toMatchObject({ code: 'cancelled' });
    expect(world.arena.usedBytes).toBe(before);
    expect(table.pins.held).toBe(0);
  });

  it('the reason of an abort is the error that the consumer gets', async () => {
    const controller = new AbortController();
    const run = execution(world, endless(), { pool, vectorRows: 16_384, signal: controller.signal });
    setTimeout(() => controller.abort(new DbError('timeout', 'too long')), 20);
    await expect(rowsOf(world, run)).rejects.toMatchObject({ code: 'timeout' });
    controller.abort();
    const late = execution(world, endless(), { pool, signal: controller.signal });
    await expect(rowsOf(world, late)).rejects.toMatchObject({ code: 'timeout' });
  });

  it('leaving the iteration early frees everything', async () => {
    const before = world.arena.usedBytes;
    for (const plan of [scan(table), filteredScan(), sort(filteredScan(), [])]) {
      for await (const batch of execution(world, plan, { pool }).batches) {
        batch.release();
        break;
      }
      expect(world.arena.usedBytes).toBe(before);
      expect(table.pins.held).toBe(0);
    }
  });

  it('a batch stays as it is until it is released, also after the end', async () => {
    const before = world.arena.usedBytes;
    const input = filteredScan();
    const held = [];
    for await (const batch of execution(world, sort(input, [key(col(input, 'i'), true)]), { pool }).batches) held.push(batch);
    const first = held[0];
    expect(first && valueAt(world.arena, first.columns[0] as never, 0)).toBe(BigInt(rows - 1));
    for (const batch of held) {
      batch.release();
      batch.release();
    }
    expect(world.arena.usedBytes).toBe(before);
  });

  it('more memory than allowed is an error that frees everything', async () => {
    const before = world.arena.usedBytes;
    const input = scan(table);
    const plans = [aggregate(input, [col(input, 'i')], [agg('count', [])]), sort(input, [key(col(input, 'g'), true)])];
    for (const plan of plans) {
      const run = execution(world, plan, { pool, memoryLimitBytes: 200_000, vectorRows: 1024 });
      await expect(rowsOf(world, run)).rejects.toMatchObject({ code: 'query_memory_exceeded' });
      expect(world.arena.usedBytes).toBe(before);
      expect(table.pins.held).toBe(0);
    }
  });

  it('an error of an expression arrives with its code and frees everything', async () => {
    const before = world.arena.usedBytes;
    const input = scan(table);
    const failing = call('modulo', [lit(1n, INT64), call('subtract', [col(input, 'i'), lit(55_555n, INT64)], INT64)], INT64);
    const plan = aggregate(input, [], [agg('sum', [failing])]);
    await expect(rowsOf(world, execution(world, plan, { pool }))).rejects.toMatchObject({ code: 'division_by_zero' });
    expect(world.arena.usedBytes).toBe(before);
  });

  it('an execution that is never pulled holds nothing', async () => {
    const before = world.arena.usedBytes;
    const run = execution(world, scan(table), { pool });
    expect(run.profile()).toHaveLength(1);
    await run.batches[Symbol.asyncIterator]().return?.();
    expect(world.arena.usedBytes).toBe(before);
  });
});

function filteredScan() {
  return scan(table, ({ g }) => [compare('lt', g as never, lit(90, INT32))]);
}

describe('profile', () => {
  it('counts rows by operator', async () => {
    const input = scan(table, ({ g }) => [compare('lt', g as never, lit(10, INT32))]);
    const plan = aggregate(filter(input, compare('ge', col(input, 'g'), lit(5, INT32))), [col(input, 'g')], [agg('count', [])]);
    const run = execution(world, plan, { pool: world.pools[2] as never });
    await rowsOf(world, run);
    const profile = run.profile();
    const matching = table.rows.filter((row) => (row[1] as number) < 10);
    expect(profile.map((one) => one.name)).toEqual(['HashAggregate', 'Filter', 'Scan t']);
    expect(profile.map((one) => one.rows)).toEqual([5, matching.filter((row) => (row[1] as number) >= 5).length, matching.length]);
    expect(profile[2]?.segments).toEqual({ total: 8, pruned: 0 });
    expect(run.rowsScanned()).toBe(rows);
    expect(profile.every((one) => one.threads > 0 && one.microseconds >= 0)).toBe(true);
  });
});
