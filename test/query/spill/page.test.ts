/** Batches of every type and encoding as pages, and back. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { instantiateKernels, type Kernels } from '../../../native-free/kernels.js';
import { Arena } from '../../../src/core/arena.js';
import { type Batch, dictionaryVector, type Value, type Vector } from '../../../src/core/batch.js';
import { MemoryScope, Scratch } from '../../../src/core/memory-scope.js';
import { BINARY, BOOL, type DataType, FLOAT64, INT32, INT64, INTERVAL, NULL_TYPE, SYMBOL, UTF8, UUID } from '../../../src/core/types.js';
import { valueAt } from '../../../src/core/values.js';
import { sliceVector } from '../../../src/query/execution/slice-vector.js';
import { vectorOf } from '../../../src/query/expression/vector-values.js';
import { batchAt, layOut } from '../../../src/query/spill/page.js';

let arena: Arena;
let kernels: Kernels;
let scope: MemoryScope;
beforeAll(() => {
  arena = Arena.create(0, 64 << 20);
  kernels = instantiateKernels(arena.memory);
  scope = new MemoryScope(arena);
});
afterAll(() => scope.release());

const ROWS = 200;
const text = (i: number): string => 'äx'.repeat(i % 5) + i;
const KINDS: readonly (readonly [string, DataType, (i: number) => Value])[] = [
  ['null', NULL_TYPE, () => null],
  ['bool', BOOL, (i) => i % 3 === 0],
  ['int8', { kind: 'int8' }, (i) => (i % 200) - 100],
  ['uint16', { kind: 'uint16' }, (i) => i * 300],
  ['int32', INT32, (i) => i - 100],
  ['int64', INT64, (i) => BigInt(i) * 2n ** 40n],
  ['float32', { kind: 'float32' }, (i) => i / 4],
  ['float64', FLOAT64, (i) => i / 7],
  ['date32', { kind: 'date32' }, (i) => i],
  ['timestamp', { kind: 'timestamp', unit: 'ns', timezone: null }, (i) => BigInt(i)],
  ['utf8', UTF8, text],
  ['symbol', SYMBOL, text],
  ['binary', BINARY, (i) => Uint8Array.of(i % 256, 0, 255)],
  ['uuid', UUID, (i) => `00000000-0000-0000-0000-${String(i).padStart(12, '0')}`],
  ['interval', INTERVAL, (i) => ({ months: i, days: -i, nanoseconds: BigInt(i) })],
  [
    'list',
    { kind: 'list', item: { name: 'item', type: UTF8, nullable: true } },
    (i) => Array.from({ length: i % 4 }, (_, j) => text(i + j)),
  ],
  [
    'struct',
    {
      kind: 'struct',
      fields: [
        { name: 'a', type: INT64, nullable: true },
        { name: 'l', type: { kind: 'list', item: { name: 'item', type: INT32, nullable: true } }, nullable: true },
      ],
    },
    (i) => ({ a: BigInt(i), l: [i, null, i + 1] }),
  ],
];

function made(type: DataType, values: readonly Value[]): Vector {
  const context = { arena, kernels, scratch: new Scratch(scope) };
  return vectorOf([...values], type, context, scope);
}

function valuesIn(vector: Vector): Value[] {
  return Array.from({ length: vector.length }, (_, row) => valueAt(arena, vector, row));
}

/** Written elsewhere and read from there. */
function throughPage(columns: readonly Vector[], rowCount: number): readonly Vector[] {
  const batch: Batch = { arena: arena.id, rowCount, columns };
  const { layout, parts } = layOut(batch, arena);
  const address = scope.allocate(layout.sizeBytes);
  for (const { from, at, sizeBytes } of parts) {
    expect(at % 64).toBe(0);
    expect(at + sizeBytes).toBeLessThanOrEqual(layout.sizeBytes);
    arena.u8.copyWithin(address + at, from, from + sizeBytes);
  }
  return batchAt(layout, address, arena).columns;
}

test.each(KINDS)('%s comes back: all rows, with NULLs, a slice, one value for all, none', (_, type, make) => {
  const all = Array.from({ length: ROWS }, (_row, i) => make(i));
  const some = all.map((value, i) => (i % 3 === 1 ? null : value));
  for (const values of [all, some]) {
    const vector = made(type, values);
    expect(throughPage([vector], ROWS).map(valuesIn)).toEqual([valuesIn(vector)]);
    const slice = sliceVector(vector, 64, 100);
    expect(throughPage([slice], 100).map(valuesIn)).toEqual([valuesIn(slice)]);
    const one: Vector = { ...made(type, values.slice(0, 1)), encoding: 'constant', length: 7 };
    expect(throughPage([one], 7).map(valuesIn)).toEqual([valuesIn(one)]);
    const none = made(type, []);
    expect(throughPage([none], 0).map(valuesIn)).toEqual([[]]);
  }
});

test('codes come back beside the dictionary that stays', () => {
  const texts = made(UTF8, ['a', 'bb', '']);
  const dictionary = { id: 7, count: 3, offsets: texts.offsets, values: texts.values };
  const codes = made(INT32, [2, 0, 1, 1]);
  const vector = dictionaryVector(SYMBOL, 4, codes.values, dictionary, made(BOOL, [true, true, false, true]).values);
  const [back] = throughPage([vector], 4);
  expect(back && valuesIn(back)).toEqual(['', 'a', null, 'bb']);
  expect(back?.dictionary).toEqual(dictionary);
});
