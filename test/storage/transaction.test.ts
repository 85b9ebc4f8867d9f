/** Transactions: isolation, conflicts, atomicity. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Value } from '../../src/core/batch.js';
import type { Snapshot, StorageWriter } from '../../src/core/contracts.js';
import { DbError } from '../../src/core/errors.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import { type Field, INT64, UTF8 } from '../../src/core/types.js';
import { valueAt } from '../../src/core/values.js';
import { addBatch, define, field, openTest, readRows, type TestStorage } from './harness.js';

const FIELDS = [field('k', INT64), field('v', UTF8)];

let folder = '';
let test: TestStorage;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fletch-transaction-'));
  test = await openTest(folder, { segment_rows: 256 });
});

afterEach(async () => {
  await test.close();
  rmSync(folder, { recursive: true, force: true });
});

async function append(writer: StorageWriter, table: string, keys: readonly number[], fields: readonly Field[] = FIELDS): Promise<void> {
  const session = writer.openAppend(table);
  const columns = fields.map(({ type }) => keys.map((key): Value => (type.kind === 'int64' ? BigInt(key) : `v${key}`)));
  await addBatch(test, session, fields, columns);
  await session.commit();
}

async function keys(snapshot: Snapshot, table = 't'): Promise<number[]> {
  return (await readRows(test, table, snapshot)).map((row) => Number(row[0]));
}

/** Keys that a writer sees now. */
async function seen(writer: StorageWriter, table = 't'): Promise<number[]> {
  const snapshot = writer.snapshot();
  try {
    return await keys(snapshot, table);
  } finally {
    snapshot.release();
  }
}

async function remove(writer: StorageWriter, isGone: (key: number) => boolean, table = 't'): Promise<number> {
  const { arena } = test;
  const snapshot = writer.snapshot();
  const scope = new MemoryScope(arena);
  try {
    const view = snapshot.table(table);
    const deletions: { segmentId: number; rows: number }[] = [];
    for (const segment of view?.segments ?? []) {
      const pinned = await view?.pin(segment, [0]);
      const column = pinned?.columns[0];
      if (pinned === undefined || column === undefined) continue;
      const rows = scope.allocateZeroed(Math.ceil(segment.rowCount / 64) * 8);
      for (let row = 0; row < segment.rowCount; row++) {
        const isAlive = pinned.alive === 0 || (((arena.u8[pinned.alive + (row >> 3)] as number) >> (row & 7)) & 1) === 1;
        if (isAlive && isGone(Number(valueAt(arena, column, row))))
          arena.u8[rows + (row >> 3)] = (arena.u8[rows + (row >> 3)] as number) | (1 << (row & 7));
      }
      pinned.release();
      deletions.push({ segmentId: segment.id, rows });
    }
    return (await writer.deleteRows(table, deletions)).rows;
  } finally {
    scope.release();
    snapshot.release();
  }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (error instanceof DbError) return error.code;
    throw error;
  }
}

describe('a transaction', () => {
  beforeEach(async () => {
    await test.storage.createTable(define('t', FIELDS));
    await append(test.storage, 't', [1, 2, 3]);
  });

  it('sees its own rows and deletions, and nobody else does before the commit', async () => {
    const transaction = test.storage.begin();
    await append(transaction, 't', [4, 5]);
    expect(await remove(transaction, (key) => key === 2 || key === 5)).toBe(2);
    expect(await seen(transaction)).toEqual([1, 3, 4]);
    expect(await seen(test.storage)).toEqual([1, 2, 3]);
    await transaction.commit();
    expect(await seen(test.storage)).toEqual([1, 3, 4]);
    await test.close();
    test = await openTest(folder, { segment_rows: 256 });
    expect(await seen(test.storage)).toEqual([1, 3, 4]);
  });

  it('does not see what is committed after its beginning', async () => {
    const transaction = test.storage.begin();
    await append(test.storage, 't', [4]);
    await remove(test.storage, (key) => key === 1);
    await test.storage.createTable(define('u', FIELDS));
    expect(await seen(transaction)).toEqual([1, 2, 3]);
    expect(transaction.snapshot().table('u')).toBeUndefined();
    await append(transaction, 't', [5]);
    await transaction.commit();
    expect(await seen(test.storage)).toEqual([2, 3, 4, 5]);
  });

  it('is given up by rollback, memory and all', async () => {
    const { usedBytes } = test.arena;
    const transaction = test.storage.begin();
    await append(
      transaction,
      't',
      Array.from({ length: 2000 }, (_, i) => i),
    );
    await remove(transaction, (key) => key % 2 === 0);
    await transaction.createTable(define('u', FIELDS));
    await append(transaction, 'u', [1]);
    await transaction.alterTable('t', [{ kind: 'drop_column', name: 'v' }]);
    transaction.rollback();
    await new Promise((resolve) => setTimeout(resolve, 50));
    // The dictionary of the committed column may have grown.
    expect(test.arena.usedBytes - usedBytes).toBeLessThan(200_000);
    expect(await seen(test.storage)).toEqual([1, 2, 3]);
    expect(await codeOf(transaction.commit())).toBe('invalid_argument');
  });

  it('conflicts when another has deleted a row that it deletes, and keeps nothing', async () => {
    const transaction = test.storage.begin();
    await remove(transaction, (key) => key <= 2);
    await append(transaction, 't', [9]);
    await remove(test.storage, (key) => key === 2);
    expect(await codeOf(transaction.commit())).toBe('conflict');
    expect(await seen(test.storage)).toEqual([1, 3]);
  });

  it('and another succeed together on different rows of one segment', async () => {
    const [a, b] = [test.storage.begin(), test.storage.begin()];
    await remove(a, (key) => key === 1);
    await remove(b, (key) => key === 2);
    await Promise.all([a.commit(), b.commit()]);
    expect(await seen(test.storage)).toEqual([3]);
  });

  it('follows rows of a segment that was sealed meanwhile', async () => {
    const transaction = test.storage.begin();
    await remove(transaction, (key) => key === 2);
    await test.storage.flush();
    await transaction.commit();
    expect(await seen(test.storage)).toEqual([1, 3]);
  });

  it.each(['drop', 'truncate', 'alter'])('conflicts with a %s of its table by another', async (how) => {
    const transaction = test.storage.begin();
    await append(transaction, 't', [4]);
    if (how === 'drop') await test.storage.dropTable('t');
    else if (how === 'truncate') await test.storage.truncateTable('t');
    else await test.storage.alterTable('t', [{ kind: 'drop_column', name: 'v' }]);
    expect(await codeOf(transaction.commit())).toBe('conflict');
  });

  it('that expects a table unchanged conflicts with any append to it', async () => {
    const transaction = test.storage.begin();
    transaction.expectUnchanged('t');
    await append(transaction, 't', [4]);
    await append(test.storage, 't', [5]);
    expect(await codeOf(transaction.commit())).toBe('conflict');
  });

  it('goes back to a savepoint, rows, deletions, tables and truncation', async () => {
    const transaction = test.storage.begin();
    await append(transaction, 't', [4]);
    await remove(transaction, (key) => key === 1);
    const savepoint = transaction.savepoint();
    await append(transaction, 't', [5]);
    await remove(transaction, (key) => key === 2 || key === 4);
    await transaction.truncateTable('t');
    await append(transaction, 't', [6]);
    await transaction.createTable(define('u', FIELDS));
    await transaction.alterTable('t', [{ kind: 'rename_table', name: 'w' }]);
    expect(await seen(transaction, 'w')).toEqual([6]);
    transaction.rollbackTo(savepoint);
    expect(await seen(transaction)).toEqual([2, 3, 4]);
    expect(transaction.snapshot().table('u')).toBeUndefined();
    await append(transaction, 't', [7]);
    transaction.rollbackTo(savepoint);
    await append(transaction, 't', [8]);
    await transaction.commit();
    expect(await seen(test.storage)).toEqual([2, 3, 4, 8]);
  });

  it('changes several tables at once', async () => {
    const transaction = test.storage.begin();
    await transaction.createTable(define('u', FIELDS));
    await append(transaction, 'u', [1, 2]);
    await transaction.dropTable('t');
    await transaction.createTable(define('t', [field('x', INT64)]));
    await append(transaction, 't', [7], [field('x', INT64)]);
    await transaction.commit();
    expect([await seen(test.storage), await seen(test.storage, 'u')]).toEqual([[7], [1, 2]]);
    await test.close();
    test = await openTest(folder, { segment_rows: 256 });
    expect([await seen(test.storage), await seen(test.storage, 'u')]).toEqual([[7], [1, 2]]);
  });

  it('that drops a table drops it for ever', async () => {
    await test.storage.dropTable('t');
    await test.close();
    test = await openTest(folder, { segment_rows: 256 });
    expect(test.storage.statistics().tables).toBe(0);
    await test.storage.createTable(define('t', FIELDS));
    expect(await seen(test.storage)).toEqual([]);
  });

  it('of more rows than memory should hold writes segments as it goes, through one append or many', async () => {
    const transaction = test.storage.begin();
    await append(
      transaction,
      't',
      Array.from({ length: 1000 }, (_, i) => 10 + i),
    );
    for (let i = 0; i < 30; i++)
      await append(
        transaction,
        't',
        Array.from({ length: 50 }, (_, row) => 2000 + i * 50 + row),
      );
    await remove(transaction, (key) => key % 3 === 0);
    const wanted = [1, 2, 3, ...Array.from({ length: 1000 }, (_, i) => 10 + i), ...Array.from({ length: 1500 }, (_, i) => 2000 + i)].filter(
      (key) => key % 3 !== 0,
    );
    expect(await seen(transaction)).toEqual(wanted);
    await transaction.commit();
    expect(await seen(test.storage)).toEqual(wanted);
    await test.close();
    test = await openTest(folder, { segment_rows: 256 });
    expect(await seen(test.storage)).toEqual(wanted);
  });
});
