/** Two ways to own arena memory for a while: a scope (freed together) and a scratch (reset together). One thread uses each. */
import type { Arena } from './arena.js';
import { DbError } from './errors.js';

/** Allocations that live as long as a query, task or request. release() frees what is still held. */
export class MemoryScope {
  readonly arena: Arena;
  readonly limitBytes: number;
  /** Address of an int32 that counts what several scopes hold together, in units of 64 bytes; 0 = this scope counts alone. */
  readonly budget: number;
  private readonly held = new Map<number, number>();
  private bytes = 0;

  /** limitBytes bounds what this scope, or all scopes of the budget together, hold at once. */
  constructor(arena: Arena, limitBytes: number = Number.POSITIVE_INFINITY, budget = 0) {
    this.arena = arena;
    this.limitBytes = limitBytes;
    this.budget = budget;
  }

  get usedBytes(): number {
    return this.bytes;
  }

  /** Address of uninitialised bytes. Fails with `query_memory_exceeded`. */
  allocate(sizeBytes: number): number {
    const held = this.budget === 0 ? this.bytes : Atomics.load(this.arena.i32, this.budget / 4) * 64;
    if (held + sizeBytes > this.limitBytes) {
      throw new DbError('query_memory_exceeded', `the query would hold ${held + sizeBytes} bytes, more than its ${this.limitBytes}`, {
        hint: 'raise max_memory, or read less at once',
      });
    }
    const address = this.arena.allocate(sizeBytes);
    this.adopt(address);
    return address;
  }

  allocateZeroed(sizeBytes: number): number {
    const address = this.allocate(sizeBytes);
    this.arena.u8.fill(0, address, address + sizeBytes);
    return address;
  }

  /** True when the address lies in an allocation of this scope. */
  holds(address: number): boolean {
    for (const [first, size] of this.held) if (address >= first && address < first + size) return true;
    return false;
  }

  /** Takes over an allocation that another scope gave away (also one made by another thread). */
  adopt(address: number): void {
    const size = this.arena.capacityBytes(address);
    this.held.set(address, size);
    this.bytes += size;
    this.count(size);
  }

  /** Stops owning an allocation without freeing it; whoever gets the address frees or adopts it. */
  giveAway(address: number): void {
    const size = this.held.get(address) ?? 0;
    this.bytes -= size;
    this.count(-size);
    this.held.delete(address);
  }

  free(address: number): void {
    this.giveAway(address);
    this.arena.free(address);
  }

  /** Gives all allocations away at once: their addresses, to be posted to another thread. */
  giveAwayAll(): number[] {
    const addresses = [...this.held.keys()];
    this.held.clear();
    this.count(-this.bytes);
    this.bytes = 0;
    return addresses;
  }

  private count(bytes: number): void {
    if (this.budget !== 0) Atomics.add(this.arena.i32, this.budget / 4, bytes / 64);
  }

  release(): void {
    for (const address of this.giveAwayAll()) this.arena.free(address);
  }
}

const SCRATCH_CHUNK_BYTES = 1 << 20;

/** Bump allocation for values that live for one vector; reset() forgets them all and keeps the memory. */
export class Scratch {
  private readonly scope: MemoryScope;
  private readonly regions: { address: number; sizeBytes: number }[] = [];
  private current = 0;
  private offset = 0;
  private nextBytes: number;

  /** firstBytes: what is taken at first; further regions are twice as large each, up to a mebibyte. */
  constructor(scope: MemoryScope, firstBytes = SCRATCH_CHUNK_BYTES) {
    this.scope = scope;
    this.nextBytes = firstBytes;
  }

  /** A scope of the same limit and budget, for what cannot be bump-allocated; whoever opens it releases it. */
  openScope(): MemoryScope {
    const { arena, limitBytes, budget } = this.scope;
    return new MemoryScope(arena, limitBytes, budget);
  }

  /** Address of uninitialised bytes, 64-byte aligned, valid until reset(). */
  allocate(sizeBytes: number): number {
    const size = Math.max(64, Math.ceil(sizeBytes / 64) * 64);
    for (; this.current < this.regions.length; this.current++, this.offset = 0) {
      const region = this.regions[this.current];
      if (region && this.offset + size <= region.sizeBytes) {
        this.offset += size;
        return region.address + this.offset - size;
      }
    }
    const region = { address: 0, sizeBytes: Math.max(this.nextBytes, size) };
    this.nextBytes = Math.min(2 * this.nextBytes, SCRATCH_CHUNK_BYTES);
    region.address = this.scope.allocate(region.sizeBytes);
    this.regions.push(region);
    this.current = this.regions.length - 1;
    this.offset = size;
    return region.address;
  }

  allocateZeroed(sizeBytes: number): number {
    const address = this.allocate(sizeBytes);
    this.scope.arena.u8.fill(0, address, address + sizeBytes);
    return address;
  }

  /** A place to come back to with rewind(): values allocated after it are forgotten. */
  mark(): { readonly current: number; readonly offset: number } {
    return { current: this.current, offset: this.offset };
  }

  rewind(mark: { readonly current: number; readonly offset: number }): void {
    this.current = mark.current;
    this.offset = mark.offset;
  }

  reset(): void {
    this.current = 0;
    this.offset = 0;
  }
}
