import { afterAll, expect, test } from 'vitest';
import type { Value } from '../../src/core/batch.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import {
  BINARY,
  BOOL,
  DATE32,
  type DataType,
  FLOAT32,
  FLOAT64,
  INT64,
  INTERVAL,
  SYMBOL,
  UINT64,
  UTF8,
  UUID,
} from '../../src/core/types.js';
import { FORMATS, formatNamed } from '../../src/formats/encoders/formats.js';
import { BufferPool, Output } from '../../src/formats/encoders/output.js';
import { encodeResult } from '../../src/formats/encoders/result-encoder.js';
import { DEFAULT_VALUE_OPTIONS, jsonText } from '../../src/formats/encoders/value-text.js';
import { type FakeColumn, FakeEngine, vectorOf } from './fake-engine.js';

const fake = new FakeEngine();
const pool = new BufferPool(fake.arena);
afterAll(() => pool.close());

async function encode(columns: readonly FakeColumn[], format: string, values = DEFAULT_VALUE_OPTIONS): Promise<string> {
  const parts: Buffer[] = [];
  const keep = async (bytes: Buffer) => {
    parts.push(Buffer.from(bytes));
  };
  const schema = { fields: columns.map(({ name, type }) => ({ name, type, nullable: true })) };
  const vectors = columns.map((column) => vectorOf(fake.arena, column.type, column.values, column.encoding));
  async function* batches() {
    yield fake.owned(vectors, columns[0]?.values.length ?? 0);
  }
  const progress = () => ({ rowsScanned: 0, rowsReturned: 0, elapsedMicroseconds: 0 });
  const result = { queryId: 'q', kind: 'query' as const, schema, affectedRows: null, batches: batches(), progress };
  const { row, header } = formatNamed(format);
  const encoder = row.make(fake.arena, schema, { values, delimiter: ',', header });
  await encodeResult(result, encoder, new Output(pool, { write: keep, end: keep }));
  return Buffer.concat(parts).toString('utf8');
}

const point: DataType = {
  kind: 'struct',
  fields: [
    { name: 'x', type: FLOAT64, nullable: true },
    { name: 'n"', type: INT64, nullable: true },
  ],
};
const list: DataType = { kind: 'list', item: { name: 'item', type: UTF8, nullable: true } };
const timestamp = (unit: 's' | 'ms' | 'us' | 'ns'): DataType => ({ kind: 'timestamp', unit, timezone: null });

const CASES: readonly [DataType, readonly Value[]][] = [
  [{ kind: 'null' }, [null, null]],
  [BOOL, [true, false, null]],
  [{ kind: 'int8' }, [-128, 127, null]],
  [{ kind: 'uint8' }, [0, 255]],
  [{ kind: 'int16' }, [-32768, 32767]],
  [{ kind: 'uint16' }, [65535]],
  [{ kind: 'int32' }, [-2147483648, 2147483647, 0, 99, 100, 12345, 99999999, 100000000]],
  [{ kind: 'uint32' }, [4294967295]],
  [INT64, [-(2n ** 63n), 2n ** 63n - 1n, 10n ** 16n, 10n ** 16n - 1n, null]],
  [UINT64, [2n ** 64n - 1n, 0n]],
  [FLOAT32, [Math.fround(0.1), -0, 16777216, Number.NaN]],
  [FLOAT64, [0.1, 1e21, 1e-7, 5e-324, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null, 123.45, 0.001, -1e15]],
  [{ kind: 'decimal', precision: 38, scale: 4 }, [0n, 1n, -1n, 12345n, -(10n ** 38n) + 1n, 10n ** 37n, 10n ** 18n, null]],
  [{ kind: 'decimal', precision: 38, scale: 38 }, [1n, -(10n ** 38n) + 1n]],
  [{ kind: 'decimal', precision: 5, scale: 0 }, [0n, 42n]],
  [DATE32, [0, -1, 20454, -719528, -719529, 2932896, 2932897, 11016]],
  [{ kind: 'time64', unit: 'us' }, [0n, 86399999999n]],
  [{ kind: 'time64', unit: 'ns' }, [1n, 86399999999999n, null]],
  [timestamp('s'), [0n, -1n, 253402300800n, -62167219201n]],
  [timestamp('ms'), [0n, 999n, -1n]],
  [timestamp('us'), [1n, -1n, 1767225600000001n]],
  [timestamp('ns'), [1n, 2n ** 63n - 1n, -(2n ** 63n), null, 1767225600000000001n]],
  [UUID, ['00112233-4455-6677-8899-aabbccddeeff', null]],
  [
    INTERVAL,
    [
      { months: 14, days: -3, nanoseconds: 3723500000000n },
      { months: -14, days: 0, nanoseconds: -500n },
      { months: 0, days: 0, nanoseconds: 0n },
    ],
  ],
  [UTF8, ['', 'a', 'é😀', '"\\\n\r\t\b\f\u0000\u001f', 'x'.repeat(100), null, `${'y'.repeat(15)}"`, 'NULL', '\\N', ' lead', 'a,b']],
  [SYMBOL, ['', 'q"uote', null]],
  [BINARY, [null]],
  [list, [['a', null, 'b"'], [], null]],
  [point, [{ x: 1.5, 'n"': 2n }, { x: null, 'n"': null }, null]],
];

test.each(CASES)('%j in JSON is what one value at a time gives', async (type, values) => {
  const options = [DEFAULT_VALUE_OPTIONS, { int64AsText: true, nonfiniteAsText: true, timestampsAsEpoch: true }];
  for (const option of options) {
    const expected = values.map((value) => `{"v\\"":${jsonText(type, value, option)},"w":${jsonText(type, value, option)}}\n`).join('');
    const column = { type, values };
    expect(
      await encode(
        [
          { name: 'v"', ...column },
          { name: 'w', ...column },
        ],
        'ndjson',
        option,
      ),
    ).toBe(expected);
  }
  if (type.kind === 'utf8' || type.kind === 'symbol') {
    const expected = values.map((value) => `{"v":${jsonText(type, value, DEFAULT_VALUE_OPTIONS)}}\n`).join('');
    expect(await encode([{ name: 'v', type, values, encoding: 'dictionary' }], 'ndjson')).toBe(expected);
  }
});

test.each(CASES)('a constant of %j repeats', async (type, values) => {
  const value = values[0] as Value;
  const expected = `{"v":${jsonText(type, value, DEFAULT_VALUE_OPTIONS)}}\n`.repeat(3);
  expect(await encode([{ name: 'v', type, values: [value, value, value], encoding: 'constant' }], 'ndjson')).toBe(expected);
});

test('CSV quotes what a reader would take for something else', async () => {
  const values = ['', 'a', 'a,b', 'a"b', 'a\nb', '\\N', ' a', 'a\t', null, 'é'];
  expect(await encode([{ name: 'v', type: UTF8, values }], 'csv')).toBe('v\n""\na\n"a,b"\n"a""b"\n"a\nb"\n"\\N"\n" a"\n"a\t"\n\né\n');
});

test('TSV escapes what would break its lines', async () => {
  const values = ['', 'a\tb', 'a\\b\r\n', null, 'x'.repeat(20)];
  expect(await encode([{ name: 'v', type: UTF8, values }], 'tsv')).toBe(`v\n\na\\tb\na\\\\b\\r\\n\n\\N\n${'x'.repeat(20)}\n`);
});

test('nested values are JSON text in a CSV cell', async () => {
  expect(await encode([{ name: 'v', type: list, values: [['a', 'b'], null] }], 'csv')).toBe('v\n"[""a"",""b""]"\n\n');
});

test('binary is base64 in JSON and \\x in CSV', async () => {
  const scope = new MemoryScope(fake.arena);
  for (const [text, base64, hex] of [
    ['', '', ''],
    ['M', 'TQ==', '4d'],
    ['Ma', 'TWE=', '4d61'],
    ['Man\n', 'TWFuCg==', '4d616e0a'],
  ] as const) {
    const columns = [{ name: 'v', type: BINARY, values: [text] }];
    expect(await encode(columns, 'ndjson')).toBe(`{"v":"${base64}"}\n`);
    expect(await encode(columns, 'csv')).toBe(`v\n\\x${hex}\n`);
  }
  scope.release();
});

test('rows, buffers and wide characters do not disturb a pretty table', async () => {
  const values = Array.from({ length: 2500 }, (_, i) => (i === 2000 ? 'much longer than the others' : `日本${i}`));
  const text = await encode([{ name: 'v', type: UTF8, values }], 'pretty');
  expect(text.split('\n')).toHaveLength(2500 + 4 + 3);
  expect(text).toContain('│ much longer than the others │');
  expect(text.endsWith('2500 rows\n')).toBe(true);
});

test('every format has an encoder that leaves no memory behind', async () => {
  for (const format of Object.keys(FORMATS).filter((name) => name !== 'parquet')) {
    await encode([{ name: 'v', type: INT64, values: [1n] }], format);
  }
  await encode([], 'json');
  const columns = [{ name: 'v', type: UTF8, values: ['x'.repeat(1_000_000), 'y'] }];
  await encode(columns, 'json');
  const scope = fake.arena.usedBytes;
  const text = await encode(columns, 'json');
  expect(JSON.parse(text).data).toEqual([['x'.repeat(1_000_000)], ['y']]);
  // Only the vectors of the test itself stay.
  expect(fake.arena.usedBytes - scope).toBeLessThan(1_000_000 + 4096);
});
