import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { textOracle } from '../../native-free/oracle/text.js';
import { Dice, declarationsOf, KernelBench, LENGTHS } from './kernel-bench.js';

const bench = new KernelBench();
const twins = textOracle(bench.oracleBytes) as unknown as Readonly<Record<string, (...args: number[]) => number | undefined>>;

const PIECES = [
  '',
  'a',
  'b',
  'ab',
  'abc',
  'ä',
  '€',
  '😀',
  ' ',
  '  x',
  'Hello World',
  'aaaa',
  ',',
  'a,b',
  'xyz',
  'Z9',
  '%',
  '_',
  'long enough to need more than thirty-two bytes of room',
];
const NUMBERS = [
  '0',
  '1',
  '-1',
  '42',
  '-17',
  '3.25',
  '.5',
  '5.',
  '123456789012345',
  '1234567890123456789',
  '12a',
  '',
  '-',
  '1e5',
  ' 7',
  '999999999999999999',
];
const TIMES = [
  '2026-01-31',
  '2026-02-29',
  '2024-02-29',
  '2026-01-31 10:20:30',
  '2026-01-31T10:20:30.5Z',
  '1969-12-31 23:59:59.999999',
  '2026-01-31 10:20:30.123456789',
  '2026-1-1',
  '9999-12-31',
  '2026-01-31 25:00:00',
  'now',
  '2026-01-31 10:20:30+02',
  '2026-01-31 10:20',
];

const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

function word(dice: Dice): string {
  return many(dice.below(4), () => dice.pick(PIECES)).join('');
}

/** One argument per parameter, made from its name. */
function argumentsOf(name: string, params: readonly string[], dice: Dice): readonly number[] {
  const n = dice.pick(LENGTHS.filter((length) => length <= 65));
  const made: Record<string, number> = { n };
  const vocabulary = /parse_(i64|f64)/.test(name) ? NUMBERS : /parse/.test(name) ? TIMES : undefined;
  const column = (offsets: string, values: string, make = () => (vocabulary ? dice.pick(vocabulary) : word(dice))) => {
    [made[offsets], made[values]] = bench.texts(many(Math.max(1, n), make), dice);
  };
  const small = () =>
    bench.integers(
      'i64',
      many(Math.max(1, n), () => BigInt(dice.below(14) - 5)),
    );
  const short = () => dice.pick(['', 'a', 'ä', ',', 'ab', 'xy€']);
  for (const param of params) {
    if (made[param] !== undefined) continue;
    if (param.toLowerCase().endsWith('step')) made[param] = dice.chance(3) ? 0 : 1;
    else if (param === 'offsets') column('offsets', 'values');
    else if (param === 'aOffsets' && name === 'compare_bytes') column('aOffsets', 'a');
    else if (param === 'aOffsets') column('aOffsets', 'a');
    else if (param === 'bOffsets') column('bOffsets', 'b', name === 'compare_bytes' ? () => word(dice) : short);
    else if (param === 'cOffsets') column('cOffsets', 'c', short);
    else if (param === 'setOffsets') column('setOffsets', 'set', () => dice.pick(['', ' ', 'aä', 'xb ', '€']));
    else if (param === 'fillOffsets') column('fillOffsets', 'fill', () => dice.pick(['', ' ', 'ä', 'xyz']));
    else if (param === 'sOffsets') column('sOffsets', 's', () => dice.pick(['', 'ab', 'aä€', 'lo ']));
    else if (param === 'tOffsets') column('tOffsets', 't', () => dice.pick(['', 'x', '😀y', 'AB']));
    else if (['start', 'length', 'counts', 'lengths', 'k'].includes(param))
      made[param] = param === 'length' && dice.chance(3) ? 0 : small();
    else if (param === 'out') made[param] = bench.place(96 * 1024);
    else if (param === 'outOffsets') made[param] = bench.place(4 * (n + 1));
    else if (param === 'validity') made[param] = dice.chance(2) ? 0 : bench.bitmap(many(n, () => !dice.chance(3)));
    else if (param === 'ok') made[param] = bench.bitmap(many(Math.max(64, n), () => true));
    else if (param === 'op') made[param] = dice.below(6);
    else if (param === 'kind') made[param] = dice.below(name === 'format_time' ? 2 : 3);
    else if (param === 'mode') made[param] = dice.below(3);
    else if (param === 'side') made[param] = name === 'trim_bytes' ? 1 + dice.below(3) : dice.below(2);
    else if (param === 'fold') made[param] = dice.below(2);
    else if (param === 'separator') made[param] = dice.below(2);
    else if (param === 'places') made[param] = dice.pick([0, 3, 6, 9]);
    else if (param === 'ticksPerSecond') made[param] = bench.integers('i64', [dice.pick([1n, 1000n, 1_000_000n, 1_000_000_000n])]);
    else if (param === 'tokens') likePattern(made, dice);
    else if (param === 'table') concatTable(made, n, dice);
    else if (param === 'a') made[param] = numbersFor(name, n, dice);
    else throw new Error(`no value for ${param} of ${name}`);
  }
  return params.map((param) => made[param] ?? 0);
}

function likePattern(made: Record<string, number>, dice: Dice): void {
  const tokens = many(dice.below(6), () => dice.pick([257, 256, 257, 97, 98, 32, 104]));
  made.tokens = bench.integers('u16', tokens.map(BigInt));
  made.tokenCount = tokens.length;
}

function concatTable(made: Record<string, number>, n: number, dice: Dice): void {
  const parts = 1 + dice.below(3);
  const words = many(parts, () => {
    const [offsets, values] = bench.texts(
      many(Math.max(1, n), () => word(dice)),
      dice,
    );
    const step = dice.chance(3) ? 0 : 1;
    return [offsets, values, step, dice.chance(2) ? 0 : bench.bitmap(many(Math.max(1, n), () => !dice.chance(3)))];
  });
  made.table = bench.integers('u32', words.flat().map(BigInt));
  made.parts = parts;
}

function numbersFor(name: string, n: number, dice: Dice): number {
  if (name === 'format_date32')
    return bench.integers(
      'i32',
      many(Math.max(1, n), () => BigInt(dice.below(4_000_000) - 2_000_000)),
    );
  if (name === 'chr_bytes')
    return bench.integers(
      'i64',
      many(Math.max(1, n), () => BigInt(dice.pick([65, 228, 0x20ac, 0x1f600, 0, -1, 0xd800, 0x110000]))),
    );
  if (name === 'format_time')
    return bench.integers(
      'i64',
      many(
        Math.max(1, n),
        () => BigInt(dice.below(86_400)) * 1_000_000n + BigInt(dice.below(1e6)) - (dice.chance(2) ? 40_000_000_000n : 0n),
      ),
    );
  return bench.integers(
    'i64',
    many(Math.max(1, n), () => (dice.chance(4) ? dice.pick([0n, -(2n ** 63n), 2n ** 63n - 1n]) : dice.bits64() >> BigInt(dice.below(64)))),
  );
}

const WITHOUT_TWIN = new Set(['hash_bytes', 'hash_words', 'build_bytes_set', 'in_bytes', 'dedupe_bytes']);

describe('every text kernel does what its twin does', () => {
  for (const { name, params } of declarationsOf('text').filter((declaration) => !WITHOUT_TWIN.has(declaration.name))) {
    test(name, () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => {
          const dice = new Dice(seed);
          bench.start(dice);
          const args = argumentsOf(name, params, dice);
          const [mine, theirs] = bench.run(name, twins[name], args);
          expect(mine, `result, seed ${seed}`).toBe(theirs);
          expect(bench.difference(), `memory, seed ${seed}, args ${args.join(' ')}`).toBeUndefined();
        }),
        { numRuns: 60 },
      );
    });
  }
});

test('a pattern that begins with two runs has no first word', () => {
  const dice = new Dice(834372950);
  bench.start(dice);
  const { params } = declarationsOf('text').find(({ name }) => name === 'like_bytes') ?? { params: [] };
  bench.run('like_bytes', twins.like_bytes, argumentsOf('like_bytes', params, dice));
  expect(bench.difference()).toBeUndefined();
});

describe('hashing of text', () => {
  test('a set finds its values and no others, and equal values get one code in order of appearance', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => {
        const dice = new Dice(seed);
        bench.start(dice);
        const texts = many(1 + dice.below(60), () => word(dice));
        const wanted = [...new Set(many(1 + dice.below(20), () => word(dice)))];
        const [offsets, values] = bench.texts(texts, dice);
        const [setOffsets, setValues] = bench.texts(wanted, dice);
        const table = bench.integers(
          'i32',
          many(128, () => -1n),
        );
        const second = bench.integers(
          'i32',
          many(128, () => -1n),
        );
        const out = bench.place(64);
        const codes = bench.place(4 * texts.length);
        const firsts = bench.place(4 * texts.length);
        const { arena, kernels } = bench;
        arena.u8.set(bench.oracleBytes.subarray(bench.base), bench.base);
        kernels.build_bytes_set?.(setOffsets, setValues, wanted.length, table, 127);
        kernels.in_bytes?.(offsets, values, texts.length, setOffsets, setValues, table, 127, out);
        const found = texts.map((_, row) => (((arena.u8[out + (row >> 3)] as number) >> (row & 7)) & 1) === 1);
        expect(found).toEqual(texts.map((text) => wanted.includes(text)));
        const count = kernels.dedupe_bytes?.(offsets, values, texts.length, second, 127, codes, firsts);
        const distinct = [...new Set(texts)];
        expect(count).toBe(distinct.length);
        expect(texts.map((_, row) => arena.i32[codes / 4 + row])).toEqual(texts.map((text) => distinct.indexOf(text)));
        expect(distinct.map((_, code) => arena.i32[firsts / 4 + code])).toEqual(distinct.map((text) => texts.indexOf(text)));
      }),
      { numRuns: 60 },
    );
  });
});
