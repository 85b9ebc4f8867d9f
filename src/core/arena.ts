/**
 * An arena is one shared WebAssembly memory with an allocator inside it, so that every thread can allocate and free in it.
 * Addresses are byte offsets (0 is never valid); together with the arena's id they name a place in the process.
 *
 * Layout (bytes):
 *   0        kernels' constants (1 MiB)
 *   1 MiB    header: words [lock, end, used, peak, limit], then occupancy bitmap and heads of the free lists
 *   1028 KiB blocks, each: 64-byte head [units, used, previous block, next free, previous free], then its bytes
 * Everything is counted in units of 64 bytes; every address handed out is 64-byte aligned.
 */
import { assert } from './assert.js';
import { DbError } from './errors.js';

const UNIT_BYTES = 64;
const UNIT_WORDS = UNIT_BYTES / 4;
const HEADER_BYTES = 1024 * 1024;
const FIRST_BLOCK = (HEADER_BYTES + 4096) / UNIT_BYTES;
const WASM_LIMIT_BYTES = 2 ** 32;
const WASM_BYTES_PER_PAGE = 65536;

const WORD = HEADER_BYTES / 4;
const LOCK = WORD;
const END = WORD + 1;
const USED = WORD + 2;
const PEAK = WORD + 3;
const LIMIT = WORD + 4;
const OCCUPIED = WORD + 16;
const HEADS = WORD + 32;
const LISTS = 128;

/** What the lock's word says. */
const FREE = 0;
const TAKEN = 1;
const AWAITED = 2;
/** A turn is short: it is mostly over sooner than a thread falls asleep and is woken. */
const SPINS = 64;

/** What is posted to another thread so that it can attach to the same arena. */
export interface ArenaHandle {
  readonly id: number;
  readonly memory: WebAssembly.Memory;
}

export class Arena {
  readonly id: number;
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  readonly i8: Int8Array;
  readonly u8: Uint8Array;
  readonly i16: Int16Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;

  private constructor(handle: ArenaHandle) {
    const buffer = handle.memory.buffer as unknown as SharedArrayBuffer;
    this.id = handle.id;
    this.memory = handle.memory;
    this.buffer = buffer;
    this.i8 = new Int8Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.i16 = new Int16Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.u64 = new BigUint64Array(buffer);
  }

  /** Reserves address space for sizeBytes (at most 4 GiB; pages become resident when touched) and allows limitBytes of it to be in use. */
  static create(id: number, limitBytes: number): Arena {
    const wanted = Math.min(WASM_LIMIT_BYTES, limitBytes + HEADER_BYTES + 16 * WASM_BYTES_PER_PAGE);
    const pages = Math.ceil(wanted / WASM_BYTES_PER_PAGE);
    const arena = new Arena({ id, memory: new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true }) });
    const end = Math.floor((pages * WASM_BYTES_PER_PAGE) / UNIT_BYTES);
    arena.i32[END] = end;
    arena.i32[LIMIT] = Math.min(Math.floor(limitBytes / UNIT_BYTES), end - FIRST_BLOCK);
    arena.writeHead(FIRST_BLOCK, end - FIRST_BLOCK, 0, 0);
    arena.pushFree(FIRST_BLOCK);
    return arena;
  }

  static attach(handle: ArenaHandle): Arena {
    return new Arena(handle);
  }

  get handle(): ArenaHandle {
    return { id: this.id, memory: this.memory };
  }

  /** Bytes in use by all threads, heads included. */
  get usedBytes(): number {
    return Atomics.load(this.i32, USED) * UNIT_BYTES;
  }

  get peakBytes(): number {
    return Atomics.load(this.i32, PEAK) * UNIT_BYTES;
  }

  get limitBytes(): number {
    return Atomics.load(this.i32, LIMIT) * UNIT_BYTES;
  }

  /** Address of sizeBytes uninitialised bytes, 64-byte aligned, readable up to the next multiple of 64; 0 when they are not to be had. */
  tryAllocate(sizeBytes: number): number {
    assert(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0, `allocation of ${sizeBytes} bytes`);
    const units = Math.ceil(sizeBytes / UNIT_BYTES) + 1;
    this.lock();
    try {
      const used = (this.i32[USED] as number) + units;
      if (used > (this.i32[LIMIT] as number)) return 0;
      const block = this.takeFree(units);
      if (block === 0) return 0;
      const taken = this.i32[USED] as number;
      this.i32[USED] = taken + (this.i32[block * UNIT_WORDS] as number);
      this.i32[PEAK] = Math.max(this.i32[PEAK] as number, this.i32[USED] as number);
      return (block + 1) * UNIT_BYTES;
    } finally {
      this.unlock();
    }
  }

  /** As tryAllocate; fails with `query_memory_exceeded`. */
  allocate(sizeBytes: number): number {
    const address = this.tryAllocate(sizeBytes);
    if (address === 0) {
      throw new DbError('query_memory_exceeded', `no ${sizeBytes} bytes left under the memory limit of ${this.limitBytes} bytes`, {
        hint: 'raise memory_limit, or read less at once',
      });
    }
    return address;
  }

  /** As allocate, all bytes zero. */
  allocateZeroed(sizeBytes: number): number {
    const address = this.allocate(sizeBytes);
    this.u8.fill(0, address, address + Math.ceil(sizeBytes / UNIT_BYTES) * UNIT_BYTES);
    return address;
  }

  /** Bytes that the allocation at address can hold. */
  capacityBytes(address: number): number {
    return ((this.i32[(address / UNIT_BYTES - 1) * UNIT_WORDS] as number) - 1) * UNIT_BYTES;
  }

  /** Gives an allocation back. The address must come from this arena and be freed once. */
  free(address: number): void {
    const block = address / UNIT_BYTES - 1;
    assert(Number.isInteger(block) && block >= FIRST_BLOCK, `free of address ${address}`);
    this.lock();
    try {
      assert(this.i32[block * UNIT_WORDS + 1] === 1, `double free of address ${address}`);
      this.i32[USED] = (this.i32[USED] as number) - (this.i32[block * UNIT_WORDS] as number);
      this.joinFree(block);
    } finally {
      this.unlock();
    }
  }

  /** Only a lock that is AWAITED costs a call that wakes somebody, which is dearer than the turn itself. */
  private lock(): void {
    for (let spin = 0; spin < SPINS; spin++) if (Atomics.compareExchange(this.i32, LOCK, FREE, TAKEN) === FREE) return;
    while (Atomics.exchange(this.i32, LOCK, AWAITED) !== FREE) Atomics.wait(this.i32, LOCK, AWAITED, 1);
  }

  private unlock(): void {
    if (Atomics.exchange(this.i32, LOCK, FREE) === AWAITED) Atomics.notify(this.i32, LOCK, 1);
  }

  private writeHead(block: number, units: number, used: number, previous: number): void {
    const word = block * UNIT_WORDS;
    this.i32[word] = units;
    this.i32[word + 1] = used;
    this.i32[word + 2] = previous;
  }

  /** Finds a free block of at least `units`, cuts it to size and marks it used; 0 when there is none. */
  private takeFree(units: number): number {
    const block = this.findFree(units);
    if (block === 0) return 0;
    this.unlinkFree(block);
    const word = block * UNIT_WORDS;
    const size = this.i32[word] as number;
    if (size - units >= 2) {
      const rest = block + units;
      this.writeHead(block, units, 1, this.i32[word + 2] as number);
      this.writeHead(rest, size - units, 0, block);
      this.setPreviousOfNext(rest);
      this.pushFree(rest);
    } else {
      this.i32[word + 1] = 1;
    }
    return block;
  }

  private findFree(units: number): number {
    const list = listOf(units);
    let block = this.i32[HEADS + list] as number;
    for (let tries = 0; block !== 0 && tries < 32; tries++) {
      if ((this.i32[block * UNIT_WORDS] as number) >= units) return block;
      block = this.i32[block * UNIT_WORDS + 3] as number;
    }
    for (let next = list + 1; next < LISTS; next++) {
      const bits = (this.i32[OCCUPIED + (next >> 5)] as number) >>> (next & 31);
      if (bits === 0) next = next | 31;
      else return this.i32[HEADS + next + 31 - Math.clz32(bits & -bits)] as number;
    }
    return 0;
  }

  private joinFree(block: number): void {
    let first = block;
    let units = this.i32[block * UNIT_WORDS] as number;
    const next = block + units;
    if (next < (this.i32[END] as number) && this.i32[next * UNIT_WORDS + 1] === 0) {
      this.unlinkFree(next);
      units += this.i32[next * UNIT_WORDS] as number;
    }
    const previous = this.i32[block * UNIT_WORDS + 2] as number;
    if (previous !== 0 && this.i32[previous * UNIT_WORDS + 1] === 0) {
      this.unlinkFree(previous);
      units += this.i32[previous * UNIT_WORDS] as number;
      first = previous;
    }
    this.writeHead(first, units, 0, this.i32[first * UNIT_WORDS + 2] as number);
    this.setPreviousOfNext(first);
    this.pushFree(first);
  }

  private setPreviousOfNext(block: number): void {
    const next = block + (this.i32[block * UNIT_WORDS] as number);
    if (next < (this.i32[END] as number)) this.i32[next * UNIT_WORDS + 2] = block;
  }

  private pushFree(block: number): void {
    const list = listOf(this.i32[block * UNIT_WORDS] as number);
    const head = this.i32[HEADS + list] as number;
    this.i32[block * UNIT_WORDS + 3] = head;
    this.i32[block * UNIT_WORDS + 4] = 0;
    if (head !== 0) this.i32[head * UNIT_WORDS + 4] = block;
    this.i32[HEADS + list] = block;
    this.i32[OCCUPIED + (list >> 5)] = (this.i32[OCCUPIED + (list >> 5)] as number) | (1 << (list & 31));
  }

  private unlinkFree(block: number): void {
    const list = listOf(this.i32[block * UNIT_WORDS] as number);
    const next = this.i32[block * UNIT_WORDS + 3] as number;
    const previous = this.i32[block * UNIT_WORDS + 4] as number;
    if (next !== 0) this.i32[next * UNIT_WORDS + 4] = previous;
    if (previous !== 0) this.i32[previous * UNIT_WORDS + 3] = next;
    else this.i32[HEADS + list] = next;
    if (this.i32[HEADS + list] === 0) {
      this.i32[OCCUPIED + (list >> 5)] = (this.i32[OCCUPIED + (list >> 5)] as number) & ~(1 << (list & 31));
    }
  }
}

/** Free list of a size: four lists per power of two. */
function listOf(units: number): number {
  const log = 31 - Math.clz32(units);
  return log < 2 ? log * 4 : log * 4 + ((units >>> (log - 2)) & 3);
}
