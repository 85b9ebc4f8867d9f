/** States of approximate aggregates: a page of a growing heap per group (native-free/assembly/relation/pages.ts). */
import type { Kernels } from '../../../native-free/kernels.js';
import { flatVector, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { FLOAT64, INT32, INT64, physicalOf } from '../../core/types.js';
import { keysOf } from '../execution/aggregate/direct-map.js';
import { GrowingArray } from '../execution/growing-array.js';
import { castNumber } from '../expression/cast-number.js';
import { type MoveContext, toFlat } from '../expression/gather.js';
import type { SlotResult } from './contract.js';
import type { MergeInput, State, StateInput, StateResult } from './states.js';

/** Words of the heap's header. */
const PAGES = 0;
const HEAP = 1;
const USED = 2;
const CAPACITY = 3;

const FIRST_HEAP_BYTES = 4096;
/** Room that a step needs at most: a merge of one group. */
const STEP_BYTES = 64 * 1024;
const HEAP_LIMIT_BYTES = 2 ** 31;

/** Pages by group, and the heap in which they lie. Parts as plain data: pages, heap. */
abstract class SketchState implements State {
  protected readonly kernels: Kernels;
  protected readonly scope: MemoryScope;
  protected readonly header: number;
  private readonly pages: GrowingArray;
  private readonly heap: GrowingArray;
  private groupCount = 0;

  constructor(scope: MemoryScope, kernels: Kernels) {
    this.kernels = kernels;
    this.scope = scope;
    this.header = scope.allocateZeroed(64);
    this.pages = new GrowingArray(scope, kernels);
    this.heap = new GrowingArray(scope, kernels);
    this.setWord(USED, 64);
    this.room(FIRST_HEAP_BYTES);
  }

  ensure(groupCount: number): void {
    if (groupCount <= this.groupCount) return;
    this.pages.ensure(groupCount * 4, this.groupCount * 4);
    this.kernels.fill_bytes(this.pages.address + this.groupCount * 4, 0, (groupCount - this.groupCount) * 4);
    this.groupCount = groupCount;
    this.setWord(PAGES, this.pages.address);
  }

  abstract update(input: StateInput): void;
  abstract merge(other: StateResult, input: MergeInput): void;

  /** Runs a kernel that returns how far it came before the heap was full, with more room each time, until it is done. */
  protected inSteps(n: number, step: (start: number) => number): void {
    for (let at = step(0); at < n; at = step(at)) {
      const used = this.word(USED);
      if (used >= HEAP_LIMIT_BYTES) throw new DbError('query_memory_exceeded', 'the states of an approximate aggregate exceed 2 GiB');
      this.room(Math.max(used + STEP_BYTES, Math.min(2 * this.heap.capacity, HEAP_LIMIT_BYTES)));
    }
  }

  result(): StateResult {
    return { parts: [this.pages.address, this.heap.address], length: 0 };
  }

  /** Parts: the heap's header. */
  slot(): SlotResult {
    return { parts: [this.header], texts: null, list: null };
  }

  private room(sizeBytes: number): void {
    this.heap.ensure(sizeBytes, this.word(USED));
    this.setWord(HEAP, this.heap.address);
    this.setWord(CAPACITY, this.heap.capacity);
  }

  private word(index: number): number {
    return this.scope.arena.u32[this.header / 4 + index] as number;
  }

  private setWord(index: number, value: number): void {
    this.scope.arena.u32[this.header / 4 + index] = value;
  }
}

/** Hashes of a dictionary's values, made when that is less work than hashing row by row. */
interface DictionaryHashes {
  readonly hashes: GrowingArray;
  count: number;
  rowsSeen: number;
}

/** Registers of the values' hashes. */
export class DistinctSketchState extends SketchState {
  private readonly dictionaries = new Map<number, DictionaryHashes>();

  update({ values, mask, groups, n, context }: StateInput): void {
    const vector = values[0]?.vector;
    if (!vector || vector.type.kind === 'null') return;
    const hashes = this.hashesOf(vector, context);
    this.inSteps(n, (start) => this.kernels.hll_add(this.header, hashes, mask, groups, start, n));
  }

  merge(other: StateResult, { groups, n }: MergeInput): void {
    const [pages = 0, heap = 0] = other.parts;
    this.inSteps(n, (start) => this.kernels.hll_merge(this.header, pages, heap, groups, start, n));
  }

  private hashesOf(vector: Vector, context: MoveContext): number {
    const { kernels } = this;
    const n = vector.length;
    const out = context.scratch.allocate(Math.max(64, n * 8));
    const { dictionary } = vector;
    if (dictionary) {
      const known = this.hashesOfDictionary(vector, dictionary);
      if (known === 0) kernels.hash_text(dictionary.offsets, dictionary.values, vector.values, n, out);
      else kernels.take_hashes(known, vector.values, n, out);
      return out;
    }
    const flat = toFlat(vector, context);
    const physical = physicalOf(flat.type);
    if (physical === 'bytes') kernels.hash_text(flat.offsets, flat.values, 0, n, out);
    else if (physical === 'i128' || physical === 'interval' || physical === 'fixed16') kernels.hash_u128(flat.values, n, out);
    else kernels.hash_u64(keysOf(flat, context), n, out);
    return out;
  }

  /** Address of the hashes by code; 0 while there are none. */
  private hashesOfDictionary(vector: Vector, dictionary: NonNullable<Vector['dictionary']>): number {
    let known = this.dictionaries.get(dictionary.id);
    if (!known) {
      // Dictionaries made anew for every vector must not pile up.
      if (this.dictionaries.size >= 8) {
        for (const { hashes } of this.dictionaries.values()) hashes.free();
        this.dictionaries.clear();
      }
      known = { hashes: new GrowingArray(this.scope, this.kernels), count: 0, rowsSeen: 0 };
      this.dictionaries.set(dictionary.id, known);
    }
    known.rowsSeen += vector.length;
    if (known.count < dictionary.count) {
      if (known.rowsSeen < dictionary.count) return 0;
      known.hashes.ensure(dictionary.count * 8, known.count * 8);
      const more = dictionary.count - known.count;
      this.kernels.hash_text(dictionary.offsets + known.count * 4, dictionary.values, 0, more, known.hashes.address + known.count * 8);
      known.count = dictionary.count;
    }
    return known.hashes.address;
  }
}

/** Bytes that the digests' kernels work with. */
export const DIGEST_WORK_BYTES = 48 * 1024;

/** A t-digest of the values as float64. */
export class DigestState extends SketchState {
  private readonly work: number;

  constructor(scope: MemoryScope, kernels: Kernels) {
    super(scope, kernels);
    this.work = scope.allocate(DIGEST_WORK_BYTES);
  }

  update({ values, mask, groups, n, context }: StateInput): void {
    const value = values[0];
    if (!value || value.type.kind === 'null') return;
    const { physical } = value;
    let address = value.address;
    if (physical !== 'f64') {
      // Dates and times: all slots are numbers, also those of NULLs.
      const numbers = flatVector(physical === 'i32' ? INT32 : INT64, n, value.address);
      address = castNumber(numbers, FLOAT64, false, context).values;
    }
    this.inSteps(n, (start) => this.kernels.digest_add(this.header, address, mask, groups, start, n, this.work));
  }

  merge(other: StateResult, { groups, n }: MergeInput): void {
    const [pages = 0, heap = 0] = other.parts;
    this.inSteps(n, (start) => this.kernels.digest_merge(this.header, pages, heap, groups, start, n, this.work));
  }
}
