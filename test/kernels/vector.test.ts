import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NumberType } from '../../native-free/oracle/memory.js';
import { vectorOracle } from '../../native-free/oracle/vector.js';
import { extremes } from '../../native-free/oracle/vector-numbers.js';
import { type Declaration, Dice, declarationsOf, KernelBench, LENGTHS } from './kernel-bench.js';

const bench = new KernelBench();
const twins = vectorOracle(bench.oracleBytes) as unknown as Readonly<Record<string, (...args: number[]) => number | undefined>>;

const FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  1e300,
  -1e300,
  5e-324,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** 31,
  -(2 ** 31) - 0.5,
  2 ** 53,
  9.3e18,
  127.5,
  255.5,
];
const NS_PER_DAY = 86_400_000_000_000n;

function randomInteger(type: NumberType, dice: Dice): bigint {
  const [low, high] = extremes(type);
  if (dice.chance(6)) return dice.pick([low, high, low + 1n, high - 1n, 0n]);
  if (dice.chance(2)) return BigInt(dice.below(20)) - (low < 0n ? 10n : 0n);
  const wide = type === 'i128' ? (dice.bits64() << 64n) | dice.bits64() : dice.bits64();
  return low + ((wide >> BigInt(dice.below(64))) % (high - low));
}

function randomFloat(dice: Dice): number {
  if (dice.chance(3)) return dice.pick(FLOATS);
  return (dice.below(2_000_001) - 1_000_000) / dice.pick([1, 2, 4, 10, 1000, 7]);
}

/** A decimal of at most 38 digits, small ones often. */
function randomDecimal(dice: Dice): bigint {
  const digits = dice.pick([1, 3, 9, 18, 25, 38]);
  const size = ((dice.bits64() << 64n) | dice.bits64()) % 10n ** BigInt(digits);
  return dice.chance(2) ? size : -size;
}

/** Type of the values that a kernel reads, and of those that it writes. */
function typesOf(name: string): readonly [NumberType, NumberType] {
  const parts = name.split('_');
  const last = parts.at(-1) as NumberType;
  if (parts[0] === 'cast') return [parts[1] as NumberType, last];
  if (name === 'sign_f64' || name.endsWith('_f64')) return ['f64', 'f64'];
  return [last, last];
}

const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

class Arguments {
  readonly n: number;
  private readonly dice: Dice;
  private readonly declaration: Declaration;
  private readonly input: NumberType;

  constructor(declaration: Declaration, dice: Dice) {
    this.dice = dice;
    this.declaration = declaration;
    this.n = dice.pick(LENGTHS);
    [this.input] = typesOf(declaration.name);
  }

  /** 0 (a constant operand) or 1. */
  private step(): number {
    return this.dice.chance(3) ? 0 : 1;
  }

  private bits(count = this.n): number {
    return bench.bitmap(many(count, () => !this.dice.chance(3)));
  }

  private numbers(type: NumberType, count = Math.max(1, this.n)): number {
    const { dice } = this;
    if (type === 'f32' || type === 'f64')
      return bench.floats(
        type,
        many(count, () => randomFloat(dice)),
      );
    if (type === 'i128' && this.declaration.name !== 'compare_i128')
      return bench.integers(
        type,
        many(count, () => randomDecimal(dice)),
      );
    return bench.integers(
      type,
      many(count, () => randomInteger(type, dice)),
    );
  }

  private intervals(): number {
    const { dice } = this;
    const address = bench.place(16 * Math.max(1, this.n));
    for (let row = 0; row < Math.max(1, this.n); row++) {
      bench.memory.setI32(address + 16 * row, 0, dice.chance(4) ? 2 ** 31 - 1 - dice.below(3) : dice.below(60) - 30);
      bench.memory.setI32(address + 16 * row, 1, dice.chance(4) ? -(2 ** 31) + dice.below(3) : dice.below(60) - 30);
      bench.memory.setInteger(
        'i64',
        address + 16 * row,
        1,
        dice.chance(4) ? randomInteger('i64', dice) : BigInt(dice.below(1e9)) * dice.pick([1n, 1000n, 100_000n]) - 5_000_000_000n,
      );
    }
    return address;
  }

  /** Timestamps of some centuries around now, often neighbours; `calendar` kernels also get the extremes. */
  private ticks(): number {
    const { dice } = this;
    const start = BigInt(dice.below(200_000) - 100_000) * NS_PER_DAY;
    return bench.integers(
      'i64',
      many(
        Math.max(1, this.n),
        () => (dice.chance(3) ? BigInt(dice.below(200_000) - 100_000) * NS_PER_DAY : start) + BigInt(dice.below(1e9)) * 1000n,
      ),
    );
  }

  make(): number[] {
    const values: Record<string, number> = {};
    for (const param of this.declaration.params) values[param] ??= this.one(param, values);
    return this.declaration.params.map((param) => values[param] ?? 0);
  }

  private one(param: string, values: Record<string, number>): number {
    const { dice, declaration, n } = this;
    const { name } = declaration;
    const special = this.special(param, name, values);
    if (special !== undefined) return special;
    if (param.endsWith('Step')) return this.step();
    switch (param) {
      case 'n':
        return n;
      case 'op':
        return dice.below(6);
      case 'validity':
        return name === 'mask_indices' || dice.chance(2) ? this.bits() : 0;
      case 'ok':
        return dice.chance(2) ? 0 : bench.bitmap(many(Math.max(64, n), () => true));
      case 'aValid':
      case 'bValid':
        return dice.chance(3) ? 0 : this.bits();
      case 'out':
      case 'outValid':
      case 'outValues':
      case 'outOffsets':
      case 'outIndices':
        return bench.place(16 * Math.max(64, n + 1) * (param === 'outValues' || param === 'outIndices' ? 8 : 1));
      case 'a':
      case 'b':
        return this.numbers(this.input);
      case 'year':
        return bench.integers(
          'i64',
          many(Math.max(1, n), () => BigInt(dice.below(9000) - 4000)),
        );
      case 'month':
        return bench.integers(
          'i64',
          many(Math.max(1, n), () => BigInt(dice.below(14))),
        );
      case 'day':
        return bench.integers(
          'i64',
          many(Math.max(1, n), () => BigInt(dice.below(33))),
        );
      case 'sign':
        return dice.pick([1, -1]);
      default:
        throw new Error(`no value for ${param} of ${name}`);
    }
  }

  private special(param: string, name: string, values: Record<string, number>): number | undefined {
    return name.startsWith('bits_') || name.startsWith('kleene') || /append_bits|bytes_to_bits|lookup_bits/.test(name)
      ? this.bitArgument(param, name)
      : /gather|fill|select|scatter|sequence|mask_|append_offsets/.test(name)
        ? this.moveArgument(param, name)
        : /bucket|interval|floor_|month_index|_part|age_/.test(name)
          ? this.timeArgument(param, name)
          : this.numberArgument(param, name, values);
  }

  private bitArgument(param: string, name: string): number | undefined {
    const { dice, n } = this;
    if (param === 'a' || param === 'b' || param === 'bitmap') return dice.chance(5) && name.startsWith('bits_') ? 0 : this.bits();
    if (param === 'value') return dice.below(2);
    if (param === 'target') return this.bits(600);
    if (param === 'targetBit') return dice.below(130);
    if (param === 'source') return dice.chance(4) ? 0 : this.bits();
    if (param === 'bytes')
      return bench.integers(
        'u8',
        many(Math.max(1, n), () => BigInt(dice.below(3))),
      );
    if (param === 'codes')
      return bench.integers(
        'i32',
        many(Math.max(1, n), () => BigInt(dice.below(50))),
      );
    return param === 'lut'
      ? bench.integers(
          'u8',
          many(50, () => BigInt(dice.below(2))),
        )
      : undefined;
  }

  private moveArgument(param: string, name: string): number | undefined {
    const { dice, n } = this;
    const nullable = /or_zero|gather_bits|bytes|lists/.test(name);
    if (param === 'indices' && name === 'scatter_sequence')
      return bench.integers(
        'u32',
        [...many(n, () => 0n).keys()].map((i) => BigInt(i * 2)),
      );
    if (param === 'indices')
      return bench.integers(
        'u32',
        many(Math.max(1, n), () => (nullable && dice.chance(4) ? 0xffffffffn : BigInt(dice.below(40)))),
      );
    if (param === 'bitmap' || param === 'mask') return this.bits(200);
    if (param === 'offsets') {
      let end = dice.below(5);
      return bench.integers(
        'i32',
        many(Math.max(41, n), () => BigInt((end += dice.below(9)) - 0)),
      );
    }
    if (param === 'values' || param === 'value')
      return bench.integers(
        'u8',
        many(800, () => BigInt(dice.below(256))),
      );
    if (param === 'a' || param === 'b')
      return bench.integers(
        'u8',
        many(16 * Math.max(1, n), () => BigInt(dice.below(256))),
      );
    return ['base', 'step', 'delta', 'missing'].includes(param) ? dice.below(100) - 10 : undefined;
  }

  private timeArgument(param: string, name: string): number | undefined {
    const { dice, n } = this;
    const wide = /^(add|scale|compare)_interval$|interval_part|interval_epoch/.test(name);
    if (param === 'a' && wide) return this.intervals();
    if (param === 'b' && /add_interval|compare_interval/.test(name)) return this.intervals();
    if (param === 'b' && name === 'scale_interval')
      return bench.floats(
        'f64',
        many(Math.max(1, n), () => dice.pick([0.5, 2, -1.5, 0.1, 1e12, 3])),
      );
    if (name === 'bucket_f64')
      return param === 'a'
        ? bench.floats(
            'f64',
            many(Math.max(1, n), () => dice.below(1000) / 8),
          )
        : ['width', 'origin'].includes(param)
          ? dice.pick([0.5, 3, 10])
          : undefined;
    if (param === 'a' || param === 'b')
      return dice.chance(4) && name !== 'age_i64'
        ? bench.integers(
            'i64',
            many(Math.max(1, n), () => randomInteger('i64', dice) >> 3n),
          )
        : this.ticks();
    if (param === 'width')
      return bench.integers('i64', [dice.pick([1n, 7n, 2048n, 1_000_000_000n, 60_000_000_000n, NS_PER_DAY, 7n * NS_PER_DAY])]);
    if (param === 'origin') return bench.integers('i64', [BigInt(dice.below(1e9)) * dice.pick([1n, -1n, 1_000_000n])]);
    if (param === 'ticksPerDay') return bench.integers('i64', [NS_PER_DAY]);
    if (param === 'perTick') return bench.integers('i64', [dice.pick([1n, 1000n, 1_000_000_000n])]);
    if (param === 'shape')
      return name === 'clock_part_i64'
        ? bench.integers(
            'i64',
            dice.pick([
              [3_600_000_000_000n, 1n, 60_000_000_000n],
              [60_000_000_000n, 1000n, 1_000_000_000n],
            ]),
          )
        : bench.integers('i64', [NS_PER_DAY, 1n]);
    if (param === 'months') return dice.pick([1, 3, 12, 120]);
    if (param === 'originMonth') return dice.below(30) - 5;
    if (param === 'divide') return dice.below(2);
    return param === 'part' ? (name === 'interval_part' ? dice.below(3) : dice.below(13)) : undefined;
  }

  private numberArgument(param: string, name: string, values: Record<string, number>): number | undefined {
    const { dice } = this;
    if (name === 'compare_interval' && (param === 'a' || param === 'b')) return this.intervals();
    if (name === 'compare_fixed16' && (param === 'a' || param === 'b'))
      return bench.integers(
        'u8',
        many(16 * Math.max(1, this.n), () => BigInt(dice.pick([0, 0, 0, 255, 3]))),
      );
    if (param === 'set') {
      values.count = dice.below(20);
      return this.sortedSet(values.count);
    }
    if (param === 'count') return values.count ?? 0;
    if (name === 'cast_f64_i128' && param === 'a')
      return bench.floats(
        'f64',
        many(Math.max(1, this.n), () => dice.below(1e9) / dice.pick([1, 4, 8]) - 1000),
      );
    if (name === 'round_f64' && param === 'a')
      return bench.floats(
        'f64',
        many(Math.max(1, this.n), () => (dice.below(2e6) - 1e6) / dice.pick([1, 8, 1000])),
      );
    if (param === 'scale') return dice.below(7);
    if (param === 'precision') return dice.pick([5, 18, 30, 38]);
    if (param === 'shift') return name === 'divide_i128' ? dice.below(20) : dice.below(20) - 10;
    if (param === 'digits') return dice.below(6) - 2;
    if (param === 'limit') return dice.pick([0, 1, -0.5]);
    if (param === 'strict') return dice.below(2);
    if (param === 'state') return bench.integers('u64', [dice.bits64() + 1n, dice.bits64()]);
    if (param === 'mode') return dice.below(4);
    return param === 'kind' ? dice.below(3) : undefined;
  }

  private sortedSet(count: number): number {
    const { dice, input } = this;
    if (input === 'f32' || input === 'f64') {
      const order = (a: number, b: number) =>
        Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : a - b || 0;
      const values = many(count, () => (input === 'f32' ? Math.fround(randomFloat(dice)) : randomFloat(dice))).filter(
        (value) => Number.isFinite(value) || Number.isNaN(value),
      );
      return bench.floats(input, [...values, ...many(count - values.length, () => Number.NaN)].sort(order));
    }
    return bench.integers(
      input,
      many(count, () => randomInteger(input, dice)).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
    );
  }
}

/** Their C library and JavaScript's may differ in the last places. */
const TOLERANT =
  /^(exp|ln|log2|log10|cbrt|sin|cos|tan|asin|acos|atan|atan2|sinh|cosh|tanh|power|cast_i128|interval_epoch|round|trunc_digits|degrees|radians)/;
const ERROR_STOPS = /^(cast|rescale)/;

describe('every vector kernel does what its twin does', () => {
  for (const declaration of declarationsOf('vector')) {
    test(declaration.name, () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => {
          const dice = new Dice(seed);
          bench.start(dice);
          const made = new Arguments(declaration, dice);
          const args = made.make();
          const [mine, theirs] = bench.run(declaration.name, twins[declaration.name], args);
          expect(mine, `result, seed ${seed}`).toBe(theirs);
          // After an error the values are nobody's; and a bucket below the range is an error even in a null slot.
          const failed =
            typeof mine === 'number' && mine >= 0 && declaration.params.includes('validity') && declaration.params.includes('out');
          if (failed && (ERROR_STOPS.test(declaration.name) || /bucket|interval|i128/.test(declaration.name))) return;
          const [, written] = typesOf(declaration.name);
          const out = args[declaration.params.indexOf('out')];
          const single = written === 'f32' ? 'f32' : 'f64';
          if (
            (written === 'f64' || written === 'f32' || declaration.name === 'interval_epoch') &&
            out !== undefined &&
            !/compare|in_sorted|is_class|first_/.test(declaration.name)
          ) {
            bench.settleFloats(single, out, made.n, TOLERANT.test(declaration.name) ? 4e-15 : 0);
          }
          if (declaration.params.includes('validity') && /interval|bucket/.test(declaration.name)) return;
          expect(bench.difference(), `memory, seed ${seed}, n ${made.n}, args ${args.join(' ')}`).toBeUndefined();
        }),
        { numRuns: 60 },
      );
    });
  }
});
