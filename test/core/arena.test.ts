import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Arena } from '../../src/core/arena.js';
import { MemoryScope, Scratch } from '../../src/core/memory-scope.js';

const MEBIBYTE = 1 << 20;

test('allocations are aligned, never overlap, and everything comes back', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(300_000), fc.nat()), { minLength: 1, maxLength: 300 }), (steps) => {
      const arena = Arena.create(1, 16 * MEBIBYTE);
      const held: { address: number; size: number; mark: number }[] = [];
      steps.forEach(([size, choice], step) => {
        if (choice % 3 === 0 && held.length > 0) {
          const [gone] = held.splice(choice % held.length, 1);
          if (gone) arena.free(gone.address);
          return;
        }
        const address = arena.tryAllocate(size);
        if (address === 0) return;
        expect(address % 64).toBe(0);
        expect(arena.capacityBytes(address)).toBeGreaterThanOrEqual(size);
        arena.u8.fill(step & 255, address, address + size);
        held.push({ address, size, mark: step & 255 });
      });
      for (const { address, size, mark } of held) {
        expect(arena.u8.subarray(address, address + size).every((byte) => byte === mark)).toBe(true);
        arena.free(address);
      }
      expect(arena.usedBytes).toBe(0);
      const whole = arena.tryAllocate(15 * MEBIBYTE);
      expect(whole).not.toBe(0);
    }),
    { numRuns: 60 },
  );
});

test('an allocation over the limit is refused by code and leaves the arena as it was', () => {
  const arena = Arena.create(1, MEBIBYTE);
  expect(arena.tryAllocate(2 * MEBIBYTE)).toBe(0);
  expect(() => arena.allocate(2 * MEBIBYTE)).toThrow(expect.objectContaining({ code: 'query_memory_exceeded' }));
  expect(arena.usedBytes).toBe(0);
});

test('a second free of the same address is caught', () => {
  const arena = Arena.create(1, MEBIBYTE);
  const address = arena.allocate(100);
  arena.free(address);
  expect(() => arena.free(address)).toThrow('double free');
});

test('a scope frees what it holds, adopts what others gave away, and keeps its limit', () => {
  const arena = Arena.create(1, MEBIBYTE);
  const scope = new MemoryScope(arena, 10_000);
  const given = scope.allocate(4000);
  scope.giveAway(given);
  scope.allocate(9000);
  expect(() => scope.allocate(2000)).toThrow(expect.objectContaining({ code: 'query_memory_exceeded' }));
  scope.release();
  const other = new MemoryScope(arena);
  other.adopt(given);
  other.release();
  expect(arena.usedBytes).toBe(0);
});

test('scratch reuses its memory after reset and grows for large values', () => {
  const arena = Arena.create(1, 16 * MEBIBYTE);
  const scope = new MemoryScope(arena);
  const scratch = new Scratch(scope);
  const first = scratch.allocate(1000);
  scratch.allocate(3 * MEBIBYTE);
  const used = scope.usedBytes;
  scratch.reset();
  expect(scratch.allocate(1000)).toBe(first);
  scratch.allocate(3 * MEBIBYTE);
  expect(scope.usedBytes).toBe(used);
});

test('threads allocate and free in one arena at the same time', async () => {
  const arena = Arena.create(1, 64 * MEBIBYTE);
  const code = `
    const { workerData, parentPort } = require('node:worker_threads');
    import(workerData.url).then(({ Arena }) => {
      const arena = Arena.attach(workerData.handle);
      const held = [];
      let seed = workerData.seed;
      for (let i = 0; i < 20000; i++) {
        seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
        if (held.length > 20 || (seed & 1 && held.length)) {
          const [address, size, mark] = held.splice(seed % held.length, 1)[0];
          for (let at = 0; at < size; at += 64) if (arena.u8[address + at] !== mark) throw new Error('overwritten');
          arena.free(address);
        } else {
          const size = 64 + (seed % 20000), address = arena.allocate(size), mark = (seed >> 8) & 255;
          arena.u8.fill(mark, address, address + size);
          held.push([address, size, mark]);
        }
      }
      for (const [address] of held) arena.free(address);
      parentPort.postMessage('done');
    }).catch((error) => { throw error; });
  `;
  const url = new URL('../../dist/src/core/arena.js', import.meta.url).href;
  const ends = [1, 2, 3].map(
    (seed) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(code, { eval: true, workerData: { url, handle: arena.handle, seed } });
        worker.once('message', resolve).once('error', reject);
      }),
  );
  await Promise.all(ends);
  expect(arena.usedBytes).toBe(0);
});
