/**
 * The values of one text column of a table, shared by all its segments: append-only, code = order of arrival. It is read from the catalog when
 * it is first needed, and its hash table is built when the first value is looked up.
 *
 * A catalog record holds entries [first, first + count):
 *
 *   0        u32 count
 *   4        count × u32 length in bytes
 *   4+4n     the bytes of the values, one after the other
 */
import { assert } from '../../core/assert.js';
import type { DictionaryView } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import type { StorageMemory } from '../memory.js';
import type { ColumnBuffers } from './column-buffers.js';

const BLOCK_ROWS = 8192;
const LEAST_SLOTS = 256;
const SLOT_BYTES = 8;
const LARGEST_BYTES = 2 ** 31 - 1;
const FOREIGN_MAPS = 4;

/** Words of the state that kernels read. */
const STATE = { slots: 0, mask: 1, offsets: 2, values: 3, count: 4 } as const;
const STATE_BYTES = 64;

interface ForeignMap {
  address: number;
  count: number;
}

let nextDictionaryId = 1;

export class ColumnDictionary {
  readonly id = nextDictionaryId++;
  /** Entries [0, persistedCount) are in the catalog, or in a transaction on its way. */
  persistedCount = 0;
  private readonly memory: StorageMemory;
  private readonly records: () => Iterable<Uint8Array>;
  private loaded = false;
  /** Codes that are in use are below. */
  private neededCount = 0;
  private recordedCount: number | undefined;
  private retired = false;
  private state = 0;
  private slots = 0;
  private offsets = 0;
  private values = 0;
  /** Codes of other dictionaries → codes of ours, of the dictionaries met last. */
  private readonly foreign = new Map<number, ForeignMap>();

  /** records gives the catalog's records in order of their first code. */
  constructor(memory: StorageMemory, records: () => Iterable<Uint8Array>) {
    this.memory = memory;
    this.records = records;
  }

  get count(): number {
    this.load();
    return this.memory.arena.u32[this.state / 4 + STATE.count] as number;
  }

  /** Bytes of all entries, as a file holds them. */
  get sizeBytes(): number {
    const { count } = this;
    return 4 * (count + 1) + (this.memory.arena.i32[this.offsets / 4 + count] as number);
  }

  /** The count without taking the values into memory; undefined of a dropped table. */
  get knownCount(): number | undefined {
    if (this.loaded) return this.count;
    if (this.retired) return undefined;
    // Nothing is added to a dictionary before it is loaded.
    this.recordedCount ??= [...this.records()].reduce((sum, record) => sum + countOf(record), 0);
    return this.recordedCount;
  }

  /** The column has codes of the dictionary. Fails with `corrupt`, now or when it is loaded, when it has no values for some of them. */
  expectCodes(column: ColumnBuffers): void {
    const { memory } = this;
    const needed = memory.scratch((allocate) => {
      const out = allocate(64);
      const some = memory.kernels.zone_u32(column.values, column.validity, column.length, out);
      return some === 0 ? 0 : (memory.arena.u32[out / 4 + 1] as number) + 1;
    });
    this.neededCount = Math.max(this.neededCount, needed);
    if (this.loaded) this.assertWhole(this.count);
  }

  private assertWhole(count: number): void {
    if (count >= this.neededCount) return;
    throw new DbError('corrupt', `the catalog has ${count} of at least ${this.neededCount} entries of a dictionary`, {
      hint: 'restore the database from a backup',
    });
  }

  view(): DictionaryView {
    return { count: this.count, id: this.id, offsets: this.offsets, values: this.values };
  }

  /** The code of a text; −1 when it is not among the values. */
  find(text: string): number {
    const { memory } = this;
    this.load();
    if (this.slots === 0) this.reserve(0, 0);
    const bytes = Buffer.from(text, 'utf8');
    return memory.scratch((allocate) => {
      const address = allocate(Math.max(64, bytes.length + 8));
      memory.arena.u8.set(bytes, address);
      return memory.kernels.find_code(this.state, address, bytes.length);
    });
  }

  /** Writes the codes of rows [first, first + rows) to `codes`; values not met before are added. */
  encodeBytes(codes: number, offsets: number, values: number, validity: number, first: number, rows: number): void {
    const { arena, kernels } = this.memory;
    this.load();
    for (let done = 0; done < rows; done += BLOCK_ROWS) {
      const block = Math.min(BLOCK_ROWS, rows - done);
      const start = offsets / 4 + first + done;
      this.reserve(block, (arena.i32[start + block] as number) - (arena.i32[start] as number));
      kernels.encode_bytes(codes + done * 4, this.state, offsets, values, validity, first + done, block);
    }
  }

  /** As encodeBytes, for rows that are codes into another dictionary. */
  encodeCodes(codes: number, source: number, dictionary: DictionaryView, validity: number, first: number, rows: number): void {
    const { kernels, arena } = this.memory;
    if (dictionary.id === this.id) {
      kernels.copy_bytes(codes, source + first * 4, rows * 4);
      return;
    }
    this.load();
    const map = this.foreignMap(dictionary);
    const start = dictionary.offsets / 4;
    const bytes = (arena.i32[start + dictionary.count] as number) - (arena.i32[start] as number);
    for (let done = 0; done < rows; done += BLOCK_ROWS) {
      const block = Math.min(BLOCK_ROWS, rows - done);
      this.reserve(Math.min(block, dictionary.count), bytes);
      kernels.encode_codes(codes + done * 4, this.state, source, dictionary.offsets, dictionary.values, map, validity, first + done, block);
    }
  }

  /** Takes over what another process has added. recordsFrom gives the records that begin with a code or come after it. */
  extend(recordsFrom: (code: number) => Iterable<Uint8Array>): void {
    if (!this.loaded) {
      this.recordedCount = undefined;
      return;
    }
    const { memory } = this;
    for (const record of recordsFrom(this.count)) {
      const count = countOf(record);
      memory.scratch((allocate) => {
        const [lengths, offsets, codes] = [allocate(4 * count + 1), allocate(4 * count + 4), allocate(4 * count)];
        memory.arena.u8.set(record.subarray(4, 4 + 4 * count), lengths);
        memory.arena.i32[offsets / 4] = 0;
        memory.kernels.sum_lengths(offsets, lengths, 0, count);
        const bytes = record.subarray(4 + 4 * count);
        const values = allocate(bytes.length + 8);
        memory.arena.u8.set(bytes, values);
        this.encodeBytes(codes, offsets, values, 0, 0, count);
      });
    }
    this.persistedCount = this.count;
  }

  /** The catalog record of the entries [first, count). Allocates nothing in the arena, so it cannot fail for want of memory. */
  record(first: number): Uint8Array {
    const { arena } = this.memory;
    const count = this.count - first;
    const offsets = arena.i32.subarray(this.offsets / 4 + first, this.offsets / 4 + first + count + 1);
    const begin = offsets[0] as number;
    const end = offsets[count] as number;
    const record = Buffer.allocUnsafe(4 + 4 * count + end - begin);
    record.writeUInt32LE(count, 0);
    for (let i = 0; i < count; i++) record.writeUInt32LE((offsets[i + 1] as number) - (offsets[i] as number), 4 + 4 * i);
    if (end > begin) record.fill(arena.u8.subarray(this.values + begin, this.values + end), 4 + 4 * count);
    return record;
  }

  /** Gives all memory back when no snapshot of now is left; nobody asks for values after that. */
  retire(): void {
    this.memory.epochs.retire(() => {
      const held = [this.state, this.slots, this.offsets, this.values, ...[...this.foreign.values()].map((map) => map.address)];
      for (const address of held) this.memory.free(address);
      this.foreign.clear();
      this.loaded = false;
      this.retired = true;
      this.state = this.slots = this.offsets = this.values = 0;
    });
  }

  /** Takes the values into memory. Fails with `corrupt`. */
  load(): void {
    if (this.loaded) return;
    assert(!this.retired, 'the dictionary of a dropped table is not used');
    const { memory } = this;
    const { arena } = memory;
    const records = [...this.records()];
    const counts = records.map(countOf);
    const count = counts.reduce((sum, n) => sum + n, 0);
    this.assertWhole(count);
    const bytes = records.reduce((sum, record, i) => sum + record.byteLength - 4 - 4 * (counts[i] as number), 0);
    this.state = memory.allocateZeroed(STATE_BYTES);
    this.offsets = memory.allocate(Math.max(64, (count + 1) * 4));
    this.values = memory.allocate(Math.max(64, bytes));
    arena.i32[this.offsets / 4] = 0;
    this.setState('offsets', this.offsets);
    this.setState('values', this.values);
    let code = 0;
    records.forEach((record, i) => {
      this.loadRecord(record, counts[i] as number, code);
      code += counts[i] as number;
    });
    this.setState('count', count);
    this.persistedCount = count;
    this.loaded = true;
  }

  private loadRecord(record: Uint8Array, count: number, firstCode: number): void {
    const { arena, kernels } = this.memory;
    const base = arena.i32[this.offsets / 4 + firstCode] as number;
    this.memory.scratch((allocate) => {
      const lengths = allocate(4 * count + 1);
      arena.u8.set(record.subarray(4, 4 + 4 * count), lengths);
      kernels.sum_lengths(this.offsets + 4 * firstCode, lengths, base, count);
    });
    const bytes = record.subarray(4 + 4 * count);
    assert((arena.i32[this.offsets / 4 + firstCode + count] as number) - base === bytes.length, 'a dictionary record is whole');
    arena.u8.set(bytes, this.values + base);
  }

  /** Makes room for so many new values of so many bytes together. */
  private reserve(values: number, bytes: number): void {
    const { memory } = this;
    const { arena } = memory;
    const count = arena.u32[this.state / 4 + STATE.count] as number;
    const used = arena.i32[this.offsets / 4 + count] as number;
    if (used + bytes > LARGEST_BYTES)
      throw new DbError('invalid_value', `the values of one dictionary would take more than ${LARGEST_BYTES} bytes`);
    this.offsets = this.grown('offsets', this.offsets, (count + 1) * 4, (count + values + 1) * 4);
    this.values = this.grown('values', this.values, used, used + bytes);
    const wanted = 2 ** Math.ceil(Math.log2(Math.max(LEAST_SLOTS, 2 * (count + values))));
    if (this.slots !== 0 && (arena.u32[this.state / 4 + STATE.mask] as number) + 1 >= wanted) return;
    const slots = memory.allocate(wanted * SLOT_BYTES);
    memory.free(this.slots);
    this.slots = slots;
    this.setState('slots', slots);
    this.setState('mask', wanted - 1);
    memory.kernels.rehash_dictionary(this.state);
  }

  private grown(word: 'offsets' | 'values', address: number, usedBytes: number, neededBytes: number): number {
    const { memory } = this;
    const { arena } = memory;
    const capacity = arena.capacityBytes(address);
    if (capacity >= neededBytes) return address;
    const replacement = memory.allocate(Math.max(neededBytes, 2 * capacity));
    memory.kernels.copy_bytes(replacement, address, usedBytes);
    memory.retire(address);
    this.setState(word, replacement);
    return replacement;
  }

  private setState(word: keyof typeof STATE, value: number): void {
    this.memory.arena.u32[this.state / 4 + STATE[word]] = value;
  }

  /** Address of the map of another dictionary's codes, with room for all of them. */
  private foreignMap(dictionary: DictionaryView): number {
    const { memory } = this;
    const known = this.foreign.get(dictionary.id);
    if (known !== undefined && known.count >= dictionary.count) return known.address;
    const bytes = Math.max(64, dictionary.count * 4);
    const map = { address: memory.allocate(bytes), count: dictionary.count };
    memory.kernels.fill_bytes(map.address, 255, bytes);
    if (known !== undefined) {
      memory.kernels.copy_bytes(map.address, known.address, known.count * 4);
      memory.free(known.address);
    }
    this.foreign.delete(dictionary.id);
    this.foreign.set(dictionary.id, map);
    if (this.foreign.size > FOREIGN_MAPS) {
      const [oldest] = this.foreign;
      if (oldest !== undefined) {
        this.foreign.delete(oldest[0]);
        memory.free(oldest[1].address);
      }
    }
    return map.address;
  }
}

function countOf(record: Uint8Array): number {
  return Buffer.from(record.buffer, record.byteOffset, record.byteLength).readUInt32LE(0);
}
