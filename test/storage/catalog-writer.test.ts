/** What reaches the catalog of commits that may wait, in which transactions, and what after a failure. */
import { describe, expect, it } from 'vitest';
import type { CatalogWrite, SharedCatalog } from '../../src/storage/catalog/catalog.js';
import { DiskRoom } from '../../src/storage/disk-room.js';
import { CatalogWriter } from '../../src/storage/writes/catalog-writer.js';

const put = (key: number[], value = 'x'): CatalogWrite => ({ store: 'tail', key, value });
const remove = (key: number[]): CatalogWrite => ({ store: 'tail', key, remove: true });

function writerOf(durability: 'fsync' | 'group' | 'memory', groupMs = 5) {
  const transactions: string[][] = [];
  const failures: unknown[] = [];
  const state = { fails: false };
  const textOf = (write: CatalogWrite) => {
    if ('removeAllOf' in write) return `-${write.removeAllOf.join('-')}-*`;
    const key = Array.isArray(write.key) ? write.key.join('-') : write.key;
    return 'remove' in write ? `-${key}` : `${key}=${String(write.value)}`;
  };
  const catalog = {
    detached: (write: CatalogWrite) => ({ write, sizeBytes: 10 }),
    commit: async (writes: readonly CatalogWrite[]) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (state.fails) throw new Error('EIO');
      transactions.push(writes.map(textOf));
    },
  } as unknown as SharedCatalog;
  const settings = { durability, group_commit_ms: groupMs };
  const writer = new CatalogWriter(catalog, settings, new DiskRoom(null), (error) => failures.push(error));
  return { writer, transactions, failures, state };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('commits that may wait', () => {
  it('are a transaction each at level fsync', async () => {
    const { writer, transactions } = writerOf('fsync');
    await writer.commit([put([1, 1])], true);
    await writer.commit([put([1, 2])], true);
    expect(transactions).toEqual([['1-1=x'], ['1-2=x']]);
    expect(writer.waitingBytes).toBe(0);
  });

  it('are written together after a time at level group, those that come meanwhile with the next ones', async () => {
    const { writer, transactions } = writerOf('group', 20);
    await writer.commit([put([1, 1])], true);
    await writer.commit([put([1, 2])], true);
    expect(transactions).toEqual([]);
    expect(writer.waitingBytes).toBe(20);
    await sleep(60);
    await writer.commit([put([1, 3])], true);
    await sleep(60);
    expect(transactions).toEqual([['1-1=x', '1-2=x'], ['1-3=x']]);
    expect(writer.waitingBytes).toBe(0);
  });

  it('go with the next one that may not wait, in one transaction', async () => {
    const { writer, transactions } = writerOf('memory');
    await writer.commit([put([1, 1])], true);
    await writer.commit([put([1, 2], 'old')], true);
    await writer.commit([put([1, 2], 'new')], true);
    await writer.commit([put([2, 1])], false);
    expect(transactions).toEqual([['1-1=x', '1-2=new', '2-1=x']]);
  });

  it('are not written where the one that takes them along removes or replaces them', async () => {
    const { writer, transactions } = writerOf('memory');
    for (const key of [
      [1, 1],
      [1, 2],
      [2, 1],
      [2, 2],
      [3, 1],
    ])
      await writer.commit([put(key)], true);
    await writer.commit(
      [remove([1, 1]), put([1, 2], 'own'), { store: 'tail', removeAllOf: [2] }, { store: 'tail', removeAllOf: [3, 7] }],
      false,
    );
    expect(transactions).toEqual([['3-1=x', '-1-1', '1-2=own', '-2-*', '-3-7-*']]);
  });

  it('are written by flush, and once', async () => {
    const { writer, transactions } = writerOf('memory');
    await writer.commit([put([1, 1])], true);
    await Promise.all([writer.flush(), writer.flush()]);
    await writer.flush();
    expect(transactions).toEqual([['1-1=x']]);
  });
});

describe('after a transaction that failed', () => {
  it('nothing comes any more: what is on disk stays a prefix', async () => {
    const { writer, transactions, failures, state } = writerOf('group');
    await writer.commit([put([1, 1])], true);
    await writer.flush();
    state.fails = true;
    await writer.commit([put([1, 2])], true);
    await expect.poll(() => failures).toHaveLength(1);
    state.fails = false;
    await expect(writer.commit([put([1, 3])], true)).rejects.toThrow('EIO');
    await expect(writer.commit([put([1, 4])], false)).rejects.toThrow('EIO');
    await expect(writer.flush()).rejects.toThrow('EIO');
    expect(transactions).toEqual([['1-1=x']]);
  });

  it('the closing only complains when acknowledged commits were lost', async () => {
    const { writer, state } = writerOf('fsync');
    state.fails = true;
    await expect(writer.commit([put([1, 1])], false)).rejects.toThrow('EIO');
    await writer.flush();
  });
});
