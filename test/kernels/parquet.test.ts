/** The kernels that read Parquet's pages do what their twins do, also with malformed bytes. */
import { expect, test } from 'vitest';
import { parquetOracle } from '../../native-free/oracle/parquet.js';
import { Dice, declarationsOf, KernelBench } from './kernel-bench.js';

const ROUNDS = 500;
const bench = new KernelBench();
const oracle = parquetOracle(bench.memory) as unknown as Readonly<Record<string, (...args: number[]) => number | undefined>>;

type Case = { readonly args: readonly number[]; readonly isOpen?: (result: number | undefined) => boolean };

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  for (; value >= 128n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  return [...bytes, Number(value)];
}

const zigzag = (value: bigint): number[] => varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));

function pack(values: readonly bigint[], width: number): number[] {
  const bits = values.flatMap((value) => Array.from({ length: width }, (_, i) => Number((value >> BigInt(i)) & 1n)));
  return Array.from({ length: Math.ceil(bits.length / 8) }, (_, byte) =>
    bits.slice(byte * 8, byte * 8 + 8).reduceRight((sum, bit) => sum * 2 + bit, 0),
  );
}

/** Runs and groups of at least n values below 2 ** width. */
function hybridBytes(dice: Dice, n: number, width: number): number[] {
  const bytes: number[] = [];
  const value = () => dice.bits64() & ((1n << BigInt(width)) - 1n);
  for (let done = 0; done < n; ) {
    if (dice.chance(2)) {
      const count = 1 + dice.below(40);
      bytes.push(...varint(BigInt(count) << 1n), ...pack([value()], 8 * Math.ceil(width / 8)));
      done += count;
    } else {
      const groups = 1 + dice.below(5);
      bytes.push(...varint((BigInt(groups) << 1n) | 1n), ...pack(Array.from({ length: groups * 8 }, value), width));
      done += groups * 8;
    }
  }
  return bytes;
}

function deltaBytes(dice: Dice, n: number): number[] {
  const minis = dice.pick([1, 2, 4]);
  const each = dice.pick([8, 32]);
  const bytes = [...varint(BigInt(minis * each)), ...varint(BigInt(minis)), ...varint(BigInt(n)), ...zigzag(dice.bits64() >> 3n)];
  for (let done = 1; done < n; done += minis * each) {
    const widths = Array.from({ length: minis }, () => dice.pick([0, 1, 3, 7, 8, 13, 31, 32, 57, 58, 63, 64]));
    bytes.push(...zigzag(BigInt(dice.below(2000)) - 1000n), ...widths);
    for (const width of widths) {
      bytes.push(
        ...pack(
          Array.from({ length: each }, () => dice.bits64() & ((1n << BigInt(width)) - 1n)),
          width,
        ),
      );
    }
  }
  return bytes;
}

/** Places bytes, sometimes damaged or cut: [address, end]. */
function placed(dice: Dice, bytes: readonly number[]): readonly [number, number] {
  const own = [...bytes];
  if (dice.chance(5) && own.length > 0) own[dice.below(own.length)] = dice.below(256);
  if (dice.chance(8)) own.length = dice.below(own.length + 1);
  const address = bench.place(own.length + 16);
  bench.oracleBytes.set(own, address);
  return [address, address + own.length];
}

const words = (type: 'i32' | 'u32', values: readonly number[]) => bench.integers(type, values.map(BigInt));

function ascending(dice: Dice, n: number, most: number): number[] {
  let end = 0;
  return [0, ...Array.from({ length: n }, () => (end += dice.below(most)))];
}

function someBytes(dice: Dice, size: number): number {
  const address = bench.place(size + 16);
  for (let i = 0; i < size; i++) bench.oracleBytes[address + i] = dice.below(256);
  return address;
}

function zeroed(size: number): number {
  const address = bench.place(size);
  bench.oracleBytes.fill(0, address, address + size);
  return address;
}

const bits = (dice: Dice, n: number) => bench.bitmap(Array.from({ length: n }, () => dice.chance(2)));

const CASES: Readonly<Record<string, (dice: Dice, n: number) => Case>> = {
  unpack_hybrid_bits: (dice, n) => {
    const [source, end] = placed(dice, hybridBytes(dice, n, 1));
    return { args: [zeroed(Math.ceil(n / 64) * 8 + 8), n, source, end], isOpen: (result) => result === -1 };
  },
  unpack_hybrid_codes: (dice, n) => {
    const width = dice.pick([0, 1, 2, 5, 8, 11, 17, 24, 31, 32]);
    const [source, end] = placed(dice, hybridBytes(dice, n, width));
    const limit = dice.chance(3) ? 7 : 2 ** 32 - 1;
    return { args: [bench.place(4 * n + 64), n, width, source, end, limit], isOpen: (result) => result === 1 };
  },
  unpack_deltas_i32: (dice, n) => {
    const [source, end] = placed(dice, deltaBytes(dice, n));
    return { args: [bench.place(4 * n + 64), n, source, end], isOpen: (result) => result === 0 };
  },
  unpack_deltas_i64: (dice, n) => {
    const [source, end] = placed(dice, deltaBytes(dice, n));
    return { args: [bench.place(8 * n + 64), n, source, end], isOpen: (result) => result === 0 };
  },
  measure_plain_bytes: (dice, n) => {
    const texts = Array.from({ length: n }, () => dice.below(40)).flatMap((size) => [
      size,
      0,
      0,
      0,
      ...Array.from({ length: size }, () => 65),
    ]);
    const [source, end] = placed(dice, texts);
    return { args: [bench.place(4 * (n + 1)), n, source, end], isOpen: (result) => result === -1 };
  },
  gather_plain_bytes: (dice, n) => {
    const sizes = Array.from({ length: n }, () => dice.below(50));
    const source = someBytes(
      dice,
      sizes.reduce((sum, size) => sum + size + 4, 0),
    );
    let at = source;
    for (const size of sizes) {
      bench.memory.setI32(at, 0, size);
      at += size + 4;
    }
    return { args: [bench.place(50 * n), n, source] };
  },
  sum_byte_lengths: (dice, n) => {
    const lengths = words(
      'i32',
      Array.from({ length: n }, () => (dice.chance(300) ? -1 : dice.below(30))),
    );
    return { args: [bench.place(4 * (n + 1)), lengths, n, dice.pick([10_000, 500])], isOpen: (result) => result === -1 };
  },
  measure_prefixed_bytes: (dice, n) => {
    const suffixes = ascending(dice, n, 10);
    const prefixes = Array.from({ length: n }, (_, i) => (i === 0 || !dice.chance(100) ? 0 : dice.below(30)));
    const args = [bench.place(4 * (n + 1)), words('i32', prefixes), words('i32', suffixes), n];
    return { args, isOpen: (result) => result === -1 };
  },
  gather_prefixed_bytes: (dice, n) => {
    const suffixes = ascending(dice, n, 40);
    let before = 0;
    const prefixes = Array.from({ length: n }, (_, i) => {
      const prefix = dice.below(Math.min(60, before) + 1);
      before = prefix + (suffixes[i + 1] as number) - (suffixes[i] as number);
      return prefix;
    });
    const source = someBytes(dice, suffixes[n] as number);
    return { args: [bench.place(100 * n), words('i32', prefixes), words('i32', suffixes), n, source] };
  },
  spread_rows: (dice, n) => {
    const width = dice.pick([1, 2, 4, 8, 16]);
    return { args: [bench.place(width * n), someBytes(dice, width * n), width, bits(dice, n), n] };
  },
  spread_row_bits: (dice, n) => ({ args: [zeroed(Math.ceil(n / 64) * 8), bits(dice, n), bits(dice, n), n] }),
  spread_row_offsets: (dice, n) => ({ args: [bench.place(4 * (n + 1)), words('i32', ascending(dice, n, 20)), bits(dice, n), n] }),
  join_byte_streams: (dice, n) => {
    const width = dice.pick([2, 4, 5, 8]);
    return { args: [bench.place(width * n), someBytes(dice, width * n), width, n] };
  },
  narrow_stored_i32: (dice, n) => ({ args: [bench.place(2 * n), someBytes(dice, 4 * n), dice.pick([1, 2]), n] }),
  widen_int96_i64: (dice, n) => ({ args: [bench.place(8 * n), someBytes(dice, 12 * n), n] }),
  widen_stored_interval: (dice, n) => ({ args: [bench.place(16 * n), someBytes(dice, 12 * n), n] }),
  widen_fixed_i128: (dice, n) => {
    const width = dice.pick([1, 5, 15, 16, 18]);
    const source = someBytes(dice, width * n);
    if (width > 16 && !dice.chance(3)) for (let i = 0; i < n; i++) bench.oracleBytes.fill(0, source + i * width, source + i * width + 3);
    return { args: [bench.place(16 * n), source, width, n], isOpen: (result) => result !== -1 };
  },
  widen_bytes_i128: (dice, n) => {
    const ends = ascending(dice, n, dice.pick([17, 17, 19]));
    return {
      args: [bench.place(16 * n), words('i32', ends), someBytes(dice, ends[n] as number), n],
      isOpen: (result) => result !== -1,
    };
  },
};

test.each(declarationsOf('parquet').map(({ name }) => name))('%s', (name) => {
  const make = CASES[name];
  if (!make) throw new Error(`${name} has no cases`);
  const results = new Set<boolean>();
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const dice = new Dice(seed * 7919);
    bench.start(dice);
    const n = dice.pick([0, 1, 2, 7, 8, 9, 31, 33, 64, 65, 100, 130]);
    const { args, isOpen } = make(dice, n);
    const [mine, theirs] = bench.run(name, oracle[name], args);
    const end = name.startsWith('unpack_deltas') && mine !== undefined ? mine >>> 0 : mine;
    expect(end, `${name}, seed ${seed}`).toBe(theirs);
    results.add(isOpen?.(end) === true);
    if (isOpen?.(end) !== true) expect(bench.difference(), `${name}, seed ${seed}`).toBeUndefined();
  }
  expect(results.has(false)).toBe(true);
});
