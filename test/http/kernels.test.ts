import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as oracle from '../../native-free/oracle/format.js';
import { kernelsOf } from '../../src/arrow/arena-kernels.js';
import { Arena } from '../../src/core/arena.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import { FLOAT32, FLOAT64, INT64, TIMESTAMP_NS, UINT64 } from '../../src/core/types.js';
import { timestampText, valueAt } from '../../src/core/values.js';
import { ColumnReader } from '../../src/formats/decoders/column-reader.js';

const arena = Arena.create(3, 64 * 1024 * 1024);
const kernels = kernelsOf(arena);
const OUT = arena.allocate(4096);
const RUNS = 20_000;

const textAt = (address: number, end: number) => Buffer.from(arena.buffer as unknown as ArrayBuffer, address, end - address).toString();
const f64 = (value: number) => textAt(OUT, kernels.write_f64(OUT, value));
const f32 = (value: number) => textAt(OUT, kernels.write_f32(OUT, value));

/** Cells of texts, as a tokenizer leaves them. */
function cellsOf(texts: readonly string[], scope: MemoryScope): number {
  const cells = scope.allocate(texts.length * 8);
  texts.forEach((text, row) => {
    const bytes = Buffer.from(text);
    const address = scope.allocate(bytes.length + 16);
    arena.u8.set(bytes, address);
    arena.u32[cells / 4 + 2 * row] = address;
    arena.u32[cells / 4 + 2 * row + 1] = bytes.length;
  });
  return cells;
}

function readColumn(type: typeof FLOAT64, texts: readonly string[]): unknown[] {
  const scope = new MemoryScope(arena);
  try {
    const reader = new ColumnReader(arena, kernels, { name: 'x', type, nullable: true }, 'csv');
    const vector = reader.read(cellsOf(texts, scope), texts.length, scope, (_row, error) => {
      throw error;
    });
    return texts.map((_, row) => valueAt(arena, vector, row));
  } finally {
    scope.release();
  }
}

const bits = (word: bigint) => Buffer.from(BigUint64Array.of(word).buffer).readDoubleLE();
const anyBits = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .map(bits)
  .filter(Number.isFinite);
const prices = fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 12 })).map(([n, places]) => n / 10 ** places);

describe('float text', () => {
  test('the table of powers is what its head says', () => {
    const table = kernels.power_table() >>> 0;
    for (let k = -342; k <= 324; k++) {
      const at = table / 8 + 2 * (k + 342);
      expect(((arena.u64[at] as bigint) << 64n) | (arena.u64[at + 1] as bigint)).toBe(oracle.power_of_ten(k));
    }
  });

  test('float64 is written as JavaScript writes it, for any bits', () => {
    fc.assert(
      fc.property(fc.oneof(anyBits, prices, fc.double({ noNaN: true, noDefaultInfinity: true })), (value) => {
        expect(f64(value)).toBe(oracle.write_f64(value));
      }),
      { numRuns: RUNS },
    );
    for (let exponent = 0n; exponent < 2047n; exponent++) {
      for (const fraction of [0n, 1n, 2n ** 51n, 2n ** 52n - 1n]) {
        const value = bits((exponent << 52n) | fraction);
        expect(f64(value)).toBe(oracle.write_f64(value));
      }
    }
  });

  test('float32 is written with the fewest digits that read back', () => {
    const single = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(single, (value) => {
        expect(oracle.write_f32(value)).toContain(f32(value));
        expect(Math.fround(Number(f32(value)))).toBe(value);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('numbers from text', () => {
  test('float64 is read as JavaScript reads it', () => {
    const digits = fc.stringMatching(/^-?\d{1,25}(\.\d{0,25})?([eE][+-]?\d{1,3})?$/);
    const written = fc.oneof(
      anyBits.map(String),
      anyBits.map((value) => value.toPrecision(17)),
      digits,
    );
    fc.assert(
      fc.property(fc.array(written, { minLength: 1, maxLength: 20 }), (texts) => {
        expect(readColumn(FLOAT64, texts)).toEqual(texts.map(Number));
      }),
      { numRuns: 3000 },
    );
    const hard = [
      '9007199254740993',
      '1.7976931348623159e308',
      '2.4703282292062327e-324',
      '2.4703282292062328e-324',
      '4.9e-324',
      '1e-400',
      '0.1e1',
      '.5',
      '5.',
      `1${'0'.repeat(400)}e-400`,
      '8.5e22',
      '1e23',
      '6929495644600919.5',
      '3.2378839133029012895883524125015321748630094e305',
    ];
    expect(readColumn(FLOAT64, hard)).toEqual(hard.map(Number));
  });

  test('float32 is rounded once', () => {
    const texts = [
      '16777217',
      '16777217.0000001',
      '16777216.9999999',
      '1.00000005960464477539062',
      '1.000000059604644775390625',
      '1.00000005960464477539063',
      '3.4028235677973362e38',
      '1e-46',
      '7.0064923216240853e-46',
      '7.0064923216240854e-46',
      '7.1e-46',
    ];
    expect(readColumn(FLOAT32, texts)).toEqual([
      16777216,
      16777218,
      16777216,
      1,
      1,
      1.0000001192092896,
      3.4028234663852886e38,
      0,
      0,
      2 ** -149,
      2 ** -149,
    ]);
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(readColumn(FLOAT32, [f32(value)])).toEqual([value]);
      }),
      { numRuns: 2000 },
    );
  });

  test('64-bit integers are exact up to their ends, and refused behind them', () => {
    const signed = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(fc.array(signed, { minLength: 1 }), (values) => {
        expect(readColumn(INT64, values.map(String))).toEqual(values);
      }),
    );
    expect(readColumn(UINT64, ['18446744073709551615', '+0', '-0', '000000000000000000000018446744073709551615'])).toEqual([
      2n ** 64n - 1n,
      0n,
      0n,
      2n ** 64n - 1n,
    ]);
    for (const text of ['9223372036854775808', '-9223372036854775809', '1.5', '1e19', '', 'x', '--1', '1 2'])
      expect(() => readColumn(INT64, [text])).toThrow();
    for (const text of ['18446744073709551616', '-1', '99999999999999999999']) expect(() => readColumn(UINT64, [text])).toThrow();
  });
});

describe('times from text', () => {
  test('a timestamp reads back from its own text', () => {
    const instants = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(fc.array(instants, { minLength: 1, maxLength: 20 }), (values) => {
        expect(
          readColumn(
            TIMESTAMP_NS,
            values.map((value) => timestampText(value, 'ns')),
          ),
        ).toEqual(values);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['2026-01-01', 1767225600000000000n],
    ['2026-01-01T00:00', 1767225600000000000n],
    ['2026-01-01 01:00:00.5+01:00', 1767225600500000000n],
    ['2025-12-31T19:00:00-0500', 1767225600000000000n],
    ['2026-01-01t00:00:00z', 1767225600000000000n],
    ['2000-02-29T23:59:59,123456789Z', 951868799123456789n],
    ['-5', -5n],
    ['1677-09-21T00:12:43.145224192Z', -(2n ** 63n)],
    ['2262-04-11T23:47:16.854775807Z', 2n ** 63n - 1n],
  ])('%s is a timestamp', (text, value) => {
    expect(readColumn(TIMESTAMP_NS, [text])).toEqual([value]);
  });

  test.each([
    '2025-02-29',
    '2026-13-01',
    '2026-01-01T24:00',
    '2026-01-01T00:60',
    '2026-01-01T',
    '2026-1-1',
    '2026-01-01T00:00:00.0000000001',
    '2026-01-01X00:00',
    '3000-01-01',
    '1677-09-21T00:12:43.145224191Z',
    '2262-04-11T23:47:16.854775808Z',
    '9223372036854775808',
    'now',
    '2026-01-01T00:00:00+1',
  ])('%s is none', (text) => {
    expect(() => readColumn(TIMESTAMP_NS, [text])).toThrow(/no timestamp\[ns\]/);
  });
});

describe('cells', () => {
  test('CSV is cut as a reader of one character at a time cuts it', () => {
    const cell = fc.oneof(
      fc.stringMatching(/^[a-z ]{0,20}$/),
      fc.stringMatching(/^[a-z"\n\r,]{0,40}$/).map((text) => `"${text.replaceAll('"', '""')}"`),
      fc.stringMatching(/^[a"\r]{0,3}$/),
    );
    const row = fc.tuple(cell, cell, cell).map((cells) => cells.join(','));
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), fc.constantFrom('\n', '\r\n'), (rows, lineEnd) => {
        const text = rows.join(lineEnd);
        const expected = oracle.csv_cells(text, ',');
        fc.pre(expected?.every((cells) => cells.length === 3) === true);
        expect(cutCsv(text, 3)).toEqual(expected?.map((cells) => cells.map((one) => one.text)));
      }),
      { numRuns: 5000 },
    );
  });

  test('UTF-8 is told from what is none', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const bytes = Buffer.concat(parts);
        arena.u8.set(bytes, OUT);
        expect(kernels.check_utf8(OUT, OUT + bytes.length) === 0).toBe(oracle.check_utf8(bytes));
      }),
      { numRuns: 10_000 },
    );
  });
});

function cutCsv(text: string, columns: number): string[][] {
  const scope = new MemoryScope(arena);
  const bytes = Buffer.from(text);
  const address = scope.allocate(bytes.length + 64);
  arena.u8.set(bytes, address);
  const capacity = 64;
  const cells = scope.allocate(capacity * columns * 8);
  const plan = scope.allocateZeroed(64);
  arena.u32.set([columns, capacity, cells, 44], plan / 4);
  const rows = kernels.csv_cells(plan, address, address + bytes.length, 1);
  expect(arena.i32[plan / 4 + 5]).toBe(0);
  const cut = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (__, column) => {
      const at = cells / 4 + (column * capacity + row) * 2;
      const word = arena.u32[at + 1] as number;
      const raw = textAt(arena.u32[at] as number, (arena.u32[at] as number) + (word & 0x1fffffff));
      return (word & 0x20000000) === 0 ? raw : raw.replaceAll('""', '"');
    }),
  );
  scope.release();
  return cut;
}
