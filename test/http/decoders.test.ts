import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Arena } from '../../src/core/arena.js';
import type { Value, Vector } from '../../src/core/batch.js';
import { DbError } from '../../src/core/errors.js';
import { BOOL, FLOAT64, INT64, TIMESTAMP_US, UTF8 } from '../../src/core/types.js';
import { valueAt } from '../../src/core/values.js';
import { decodeCsv } from '../../src/formats/decoders/csv.js';
import { decodeJson } from '../../src/formats/decoders/json.js';
import type { IngestTarget } from '../../src/formats/decoders/match-columns.js';
import type { RowSource } from '../../src/formats/decoders/row-decoder.js';

const arena = Arena.create(5, 128 * 1024 * 1024);
const CSV = { delimiter: ',', header: true };
const FRESH: IngestTarget = { table: 't', columns: undefined };
const field = (name: string, type: typeof INT64) => ({ name, type, nullable: true });
const TYPED: IngestTarget = {
  table: 't',
  columns: [field('a', INT64), field('b', FLOAT64), field('c', UTF8), field('d', BOOL), field('e', TIMESTAMP_US)],
};

async function* pieces(body: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}

/** All rows, or the error's code; asserts that no memory stays. */
async function decodeAll(decode: () => Promise<RowSource>): Promise<Value[][] | string> {
  const before = arena.usedBytes;
  const rows: Value[][] = [];
  try {
    const source = await decode();
    for await (const batch of source.batches) {
      for (let row = 0; row < batch.rowCount; row++) rows.push(batch.columns.map((vector: Vector) => valueAt(arena, vector, row)));
      batch.release();
    }
    return rows;
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    return error.code;
  } finally {
    expect(arena.usedBytes).toBe(before);
  }
}

describe('bodies larger than a window', () => {
  const texts = Array.from({ length: 40_000 }, (_, i) => `${'é"\n,'.repeat(i % 33)}${i}`);
  const expected = texts.map((text, i): Value[] => [BigInt(i), text]);

  test.each([1000, 65_536, 1_000_003])('are cut at rows, when they come in pieces of %i bytes', async (size) => {
    const csv = Buffer.from(`i,s\n${texts.map((text, i) => `${i},"${text.replaceAll('"', '""')}"`).join('\r\n')}`);
    const objects = texts.map((text, i) => JSON.stringify({ i, s: text }));
    const ndjson = Buffer.from(objects.join('\n'));
    const array = Buffer.from(`[\n  ${objects.join(',\n  ')}\n]\n`);
    expect(csv.length).toBeGreaterThan(4_000_000);
    expect(await decodeAll(() => decodeCsv(arena, pieces(csv, size), FRESH, CSV))).toEqual(expected);
    expect(await decodeAll(() => decodeJson(arena, pieces(ndjson, size), FRESH))).toEqual(expected);
    expect(await decodeAll(() => decodeJson(arena, pieces(array, size), FRESH))).toEqual(expected);
  });
});

describe('damaged bodies', () => {
  const csv = Buffer.from('a,b,c,d,e\n1,2.5,"x ""y""\n",true,2026-01-01T00:00:00Z\n-9,1e5,é,false,\n,,,,\n');
  const json = Buffer.from('[{"a":1,"b":2.5,"c":"x\\u00e9\\n","d":true,"e":"2026-01-01"},{"b":null,"a":-3},\n{"c":{"k":[1,"}"]}}]');
  const damage = fc.array(fc.tuple(fc.nat(200), fc.oneof(fc.constantFrom(...Buffer.from('"\\,\n\r{}[]:0e-u')), fc.nat(255))), {
    maxLength: 6,
  });

  test('are read or refused, and give all memory back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(csv, json), damage, fc.nat(250), fc.boolean(), async (body, changes, cut, isTyped) => {
        const damaged = Buffer.from(body.subarray(0, Math.max(1, body.length - Math.max(0, cut - 100))));
        for (const [at, byte] of changes) damaged[at % damaged.length] = byte;
        const target = isTyped ? TYPED : FRESH;
        for (const decode of [
          () => decodeCsv(arena, pieces(damaged, 7), target, CSV),
          () => decodeJson(arena, pieces(damaged, 7), target),
        ]) {
          const outcome = await decodeAll(decode);
          if (typeof outcome === 'string') expect(['invalid_data', 'invalid_value', 'column_not_found', 'unsupported']).toContain(outcome);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('deep nesting is only text', async () => {
    const deep = Buffer.from(`{"c":${'['.repeat(300_000)}${']'.repeat(300_000)}}`);
    const rows = await decodeAll(() => decodeJson(arena, pieces(deep, 65_536), TYPED));
    expect((rows as Value[][])[0]?.[2]).toHaveLength(600_000);
    expect(await decodeAll(() => decodeJson(arena, pieces(deep.subarray(0, 400_000), 65_536), TYPED))).toBe('invalid_data');
  });
});
