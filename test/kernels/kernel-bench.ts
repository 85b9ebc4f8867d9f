/**
 * Runs one kernel and its twin over the same random bytes and compares everything: result and the whole window of memory. Arguments are
 * made from the parameters' names in the kernel's declaration, so that a new kernel is tested as soon as it has a twin.
 */
import { readFileSync } from 'node:fs';
import { instantiateKernels } from '../../native-free/kernels.js';
import { type NumberType, OracleMemory, TYPE_BYTES } from '../../native-free/oracle/memory.js';
import { Arena } from '../../src/core/arena.js';

const WINDOW_BYTES = 256 * 1024;

export interface Declaration {
  readonly name: string;
  readonly params: readonly string[];
}

/** The kernels of a module, as the build declares them. */
export function declarationsOf(module: string): readonly Declaration[] {
  const source = readFileSync(new URL(`../../native-free/generated/${module}.ts`, import.meta.url), 'utf8');
  return [...source.matchAll(/^ {2}(\w+)\(([^)]*)\)/gm)].map(([, name = '', params = '']) => ({
    name,
    params: params.split(',').map((param) => (param.split(':')[0] ?? '').trim()),
  }));
}

/** Random numbers that a seed repeats. */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0 || 1;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }

  chance(one: number): boolean {
    return this.below(one) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  bits64(): bigint {
    return (BigInt(this.below(0xffffffff)) << 32n) | BigInt(this.below(0xffffffff));
  }
}

type Kernel = (...args: number[]) => number | undefined;

export class KernelBench {
  readonly arena = Arena.create(1, 8 * 1024 * 1024);
  readonly kernels = instantiateKernels(this.arena.memory) as unknown as Readonly<Record<string, Kernel>>;
  readonly base = this.arena.allocate(WINDOW_BYTES);
  readonly oracleBytes = new Uint8Array(this.base + WINDOW_BYTES);
  readonly memory = new OracleMemory(this.oracleBytes);
  private end = this.base;

  /** Forgets all places; the window is filled with bytes that no kernel may depend on. */
  start(dice: Dice): void {
    this.end = this.base;
    this.oracleBytes.fill(dice.below(256), this.base);
  }

  /** A place of its own for so many bytes, 64-byte aligned and padded as the contract says. */
  place(sizeBytes: number): number {
    const address = this.end;
    this.end += Math.max(64, Math.ceil(sizeBytes / 64) * 64);
    if (this.end > this.base + WINDOW_BYTES) throw new Error('the window is too small');
    return address;
  }

  integers(type: NumberType, values: readonly bigint[]): number {
    const address = this.place(TYPE_BYTES[type] * values.length);
    for (const [row, value] of values.entries()) this.memory.setInteger(type, address, row, value);
    return address;
  }

  floats(type: 'f32' | 'f64', values: readonly number[]): number {
    const address = this.place(TYPE_BYTES[type] * values.length);
    for (const [row, value] of values.entries()) this.memory.setFloat(type, address, row, value);
    return address;
  }

  bitmap(bits: readonly boolean[]): number {
    const address = this.place(8 * Math.ceil(bits.length / 64));
    for (const [row, bit] of bits.entries()) this.memory.putBit(address, row, bit);
    return address;
  }

  /** [offsets, values]; the offsets start at a random number. */
  texts(texts: readonly string[], dice: Dice): readonly [number, number] {
    const bytes = texts.map((text) => new TextEncoder().encode(text));
    const first = dice.pick([0, 0, 3]);
    const offsets = this.place(4 * (texts.length + 1));
    const values = this.place(first + bytes.reduce((sum, each) => sum + each.length, 0));
    let end = first;
    for (const [row, each] of bytes.entries()) {
      this.memory.setI32(offsets, row, end);
      this.oracleBytes.set(each, values + end);
      end += each.length;
    }
    this.memory.setI32(offsets, texts.length, end);
    return [offsets, values];
  }

  /** Runs both. The kernel's window is left in the arena, the twin's in oracleBytes. */
  run(name: string, twin: Kernel | undefined, args: readonly number[]): readonly [number | undefined, number | undefined] {
    this.arena.u8.set(this.oracleBytes.subarray(this.base), this.base);
    const kernel = this.kernels[name];
    if (!kernel || !twin) throw new Error(`${name} has no ${kernel ? 'twin' : 'kernel'}`);
    return [kernel(...args), twin(...args)];
  }

  /** First address where the windows differ; undefined when they are equal. */
  difference(): number | undefined {
    const mine = this.arena.u8.slice(this.base, this.end);
    const theirs = this.oracleBytes.subarray(this.base, this.end);
    if (Buffer.compare(mine, theirs) === 0) return undefined;
    return this.base + mine.findIndex((byte, i) => byte !== theirs[i]);
  }

  /** Makes equal what is equal as numbers within the tolerance: NaN payloads, and the last places of transcendental functions. */
  settleFloats(type: 'f32' | 'f64', out: number, count: number, tolerance: number): void {
    const kernelMemory = new OracleMemory(this.arena.u8);
    for (let row = 0; row < count; row++) {
      const mine = kernelMemory.float(type, out, row);
      const theirs = this.memory.float(type, out, row);
      const same = Object.is(mine, theirs) || Math.abs(mine - theirs) <= tolerance * Math.max(Math.abs(mine), Math.abs(theirs), 1e-300);
      if (same) this.memory.setFloat(type, out, row, mine);
      if (same)
        for (let byte = 0; byte < TYPE_BYTES[type]; byte++)
          this.arena.u8[out + TYPE_BYTES[type] * row + byte] = this.oracleBytes[out + TYPE_BYTES[type] * row + byte] as number;
    }
  }
}

export const LENGTHS = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 127, 128, 129, 200] as const;
