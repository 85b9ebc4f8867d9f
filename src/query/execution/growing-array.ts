/** Arena memory that grows by doubling. */
import type { Kernels } from '../../../native-free/kernels.js';
import type { MemoryScope } from '../../core/memory-scope.js';

export class GrowingArray {
  address = 0;
  private readonly scope: MemoryScope;
  private readonly kernels: Kernels;
  private capacityBytes = 0;

  constructor(scope: MemoryScope, kernels: Kernels) {
    this.scope = scope;
    this.kernels = kernels;
  }

  get capacity(): number {
    return this.capacityBytes;
  }

  /** Makes room for sizeBytes and keeps the first usedBytes. Returns true when the memory has moved. */
  ensure(sizeBytes: number, usedBytes: number): boolean {
    if (sizeBytes <= this.capacityBytes) return false;
    const capacity = Math.max(64, sizeBytes, Math.min(this.capacityBytes * 2, this.capacityBytes + 64 * 1024 * 1024));
    const address = this.scope.allocate(capacity);
    if (this.address !== 0) {
      if (usedBytes > 0) this.kernels.copy_bytes(address, this.address, usedBytes);
      this.scope.free(this.address);
    }
    this.address = address;
    this.capacityBytes = capacity;
    return true;
  }

  /** Fresh zeroed memory of sizeBytes; what was there is gone. */
  replaceZeroed(sizeBytes: number): void {
    if (this.address !== 0) this.scope.free(this.address);
    this.address = this.scope.allocate(sizeBytes);
    this.kernels.fill_bytes(this.address, 0, sizeBytes);
    this.capacityBytes = sizeBytes;
  }

  free(): void {
    if (this.address !== 0) this.scope.free(this.address);
    this.address = 0;
    this.capacityBytes = 0;
  }
}
