/** The arena as storage uses it: an allocation that does not fit makes cached columns go first; replaced buffers go when no snapshot sees them. */

import type { Kernels } from '../../native-free/kernels.js';
import type { Arena } from '../core/arena.js';
import { DbError } from '../core/errors.js';
import { Epochs } from './epochs.js';

const LEAST_EVICTION_BYTES = 1 << 20;

export class StorageMemory {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly epochs = new Epochs();
  /** Frees about so many cached bytes and returns how many; set by the column cache. */
  evict: (sizeBytes: number) => number = () => 0;

  constructor(arena: Arena, kernels: Kernels) {
    this.arena = arena;
    this.kernels = kernels;
  }

  /** Address of uninitialised bytes, 64-byte aligned. Fails with `query_memory_exceeded` when eviction does not help. */
  allocate(sizeBytes: number): number {
    for (;;) {
      const address = this.arena.tryAllocate(sizeBytes);
      if (address !== 0) return address;
      if (this.evict(Math.max(sizeBytes, LEAST_EVICTION_BYTES)) === 0) break;
    }
    throw new DbError('query_memory_exceeded', `no ${sizeBytes} bytes left under the memory limit of ${this.arena.limitBytes} bytes`, {
      hint: 'raise memory_limit, or send and read less at once',
    });
  }

  allocateZeroed(sizeBytes: number): number {
    const address = this.allocate(sizeBytes);
    this.kernels.fill_bytes(address, 0, Math.ceil(sizeBytes / 64) * 64);
    return address;
  }

  free(address: number): void {
    if (address !== 0) this.arena.free(address);
  }

  /** Frees an allocation when no snapshot of now is left. */
  retire(address: number): void {
    if (address !== 0) this.epochs.retire(() => this.arena.free(address));
  }

  /** Runs `work` with an allocator whose allocations are freed when it returns. */
  scratch<Result>(work: (allocate: (sizeBytes: number) => number) => Result): Result {
    const held: number[] = [];
    try {
      return work((sizeBytes) => {
        const address = this.allocate(sizeBytes);
        held.push(address);
        return address;
      });
    } finally {
      for (const address of held) this.arena.free(address);
    }
  }
}

/** Allocates bytes that live as long as the caller's piece of work. */
export type Allocate = (sizeBytes: number) => number;
