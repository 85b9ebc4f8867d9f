import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DictionaryView, dictionaryVector, type Value, type Vector } from '../../../src/core/batch.js';
import { DbError } from '../../../src/core/errors.js';
import { MemoryScope } from '../../../src/core/memory-scope.js';
import { BOOL, type DataType, FLOAT64, INT32, INT64, UTF8 } from '../../../src/core/types.js';
import { valueAt } from '../../../src/core/values.js';
import {
  ColumnBuilder,
  DictionaryCache,
  evaluate,
  evaluatePredicate,
  gatherVector,
  gatherVectorOrNull,
  toFlat,
  vectorOf,
} from '../../../src/query/expression/evaluate.js';
import type { EvaluationContext } from '../../../src/query/functions/contract.js';
import { resolveScalar } from '../../../src/query/functions/registry.js';
import type { Expression } from '../../../src/query/plan/expression.js';
import { boundExpression, evaluateSql, testContext } from '../functions/sql-harness.js';

const context = testContext();
const at = { nullable: true, position: -1 } as const;

const column = (id: number, type: DataType): Expression => ({ kind: 'column', id, name: `c${id}`, type, ...at });
const literal = (value: Value, type: DataType): Expression => ({ kind: 'literal', value, type, ...at });

function call(name: string, ...args: Expression[]): Expression {
  const resolved = resolveScalar(
    name,
    args.map((arg) => ({ type: arg.type, literal: false })),
  );
  if (!resolved) throw new Error(`no overload of ${name}`);
  return { kind: 'call', function: resolved.function.name, args, type: resolved.overload.type, ...at };
}

// ---- a naive evaluator ----

type Row = readonly [number | null, number | null, string | null, boolean | null];

const order = (a: Value, b: Value) => {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  const [x, y] = [Number(a), Number(b)];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  return x < y ? -1 : x > y ? 1 : 0;
};

const FUNCTIONS: Readonly<Record<string, (args: readonly Value[]) => Value>> = {
  eq: ([a, b]) => order(a as Value, b as Value) === 0,
  ne: ([a, b]) => order(a as Value, b as Value) !== 0,
  lt: ([a, b]) => order(a as Value, b as Value) < 0,
  ge: ([a, b]) => order(a as Value, b as Value) >= 0,
  lower: ([a]) => String(a).toLowerCase(),
  length: ([a]) => BigInt([...String(a)].length),
  multiply: ([a, b]) => Number(a) * Number(b),
  starts_with: ([a, b]) => String(a).startsWith(String(b)),
};

function naive(expression: Expression, row: Row): Value {
  switch (expression.kind) {
    case 'column':
      return row[expression.id as 0] ?? null;
    case 'literal':
      return expression.value;
    case 'call': {
      const args = expression.args.map((arg) => naive(arg, row));
      if (expression.function === 'coalesce') return args.find((arg) => arg !== null) ?? null;
      return args.includes(null) ? null : (FUNCTIONS[expression.function]?.(args) ?? null);
    }
    case 'and':
    case 'or': {
      const decisive = expression.kind === 'or';
      const values = expression.operands.map((operand) => naive(operand, row));
      return values.includes(decisive) ? decisive : values.includes(null) ? null : !decisive;
    }
    case 'not': {
      const value = naive(expression.operand, row);
      return value === null ? null : !value;
    }
    case 'is_null':
      return (naive(expression.operand, row) === null) !== expression.negated;
    case 'in': {
      const value = naive(expression.operand, row);
      if (value === null) return null;
      const found = expression.values.some((each) => each !== null && order(each, value) === 0);
      return found ? !expression.negated : expression.hasNull ? null : expression.negated;
    }
    case 'case': {
      const branch = expression.branches.find((each) => naive(each.when, row) === true);
      return branch ? naive(branch.then, row) : expression.otherwise ? naive(expression.otherwise, row) : null;
    }
    default:
      throw new Error(`no naive ${expression.kind}`);
  }
}

// ---- random expressions ----

const TEXTS = ['', 'a', 'B', 'abc', 'ABC', 'ä', 'zz'];
const NUMBERS = [0, -0, 1, -1, 2.5, Number.NaN, Infinity, 7];

const { number, text, bool } = fc.letrec<{ number: Expression; text: Expression; bool: Expression }>((tie) => ({
  number: fc.oneof(
    { depthSize: 'small' },
    fc.constant(column(1, FLOAT64)),
    fc.constantFrom(...NUMBERS).map((value) => literal(value, FLOAT64)),
    fc.tuple(tie('number'), tie('number')).map(([a, b]) => call('multiply', a, b)),
    fc.tuple(tie('number'), tie('number')).map(([a, b]) => call('coalesce', a, b)),
    fc
      .tuple(tie('bool'), tie('number'), tie('number'))
      .map(([when, then, otherwise]): Expression => ({ kind: 'case', branches: [{ when, then }], otherwise, type: FLOAT64, ...at })),
  ),
  text: fc.oneof(
    { depthSize: 'small' },
    fc.constant(column(2, UTF8)),
    fc.constant(column(2, UTF8)),
    fc.constantFrom(...TEXTS, null).map((value) => literal(value, UTF8)),
    tie('text').map((a) => call('lower', a)),
    fc.tuple(tie('text'), tie('text')).map(([a, b]) => call('coalesce', a, b)),
    fc
      .tuple(tie('bool'), tie('text'))
      .map(([when, then]): Expression => ({ kind: 'case', branches: [{ when, then }], otherwise: null, type: UTF8, ...at })),
  ),
  bool: fc.oneof(
    { depthSize: 'small' },
    fc.constant(column(3, BOOL)),
    fc.constantFrom(true, false, null).map((value) => literal(value, BOOL)),
    fc.tuple(fc.constantFrom('eq', 'ne', 'lt', 'ge'), tie('text'), tie('text')).map(([name, a, b]) => call(name, a, b)),
    fc.tuple(fc.constantFrom('eq', 'ne', 'lt', 'ge'), tie('number'), tie('number')).map(([name, a, b]) => call(name, a, b)),
    fc.tuple(tie('text'), tie('text')).map(([a, b]) => call('starts_with', a, b)),
    fc
      .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('bool'), { minLength: 1, maxLength: 3 }))
      .map(([kind, operands]): Expression => ({ kind, operands, type: BOOL, ...at })),
    tie('bool').map((operand): Expression => ({ kind: 'not', operand, type: BOOL, ...at })),
    fc
      .tuple(fc.oneof(tie('text'), tie('number'), tie('bool')), fc.boolean())
      .map(([operand, negated]): Expression => ({ kind: 'is_null', operand, negated, type: BOOL, ...at })),
    fc
      .tuple(tie('text'), fc.subarray(TEXTS), fc.boolean(), fc.boolean())
      .map(([operand, values, hasNull, negated]): Expression => ({ kind: 'in', operand, values, hasNull, negated, type: BOOL, ...at })),
    fc
      .tuple(tie('number'), fc.subarray(NUMBERS), fc.boolean(), fc.boolean())
      .map(([operand, values, hasNull, negated]): Expression => ({ kind: 'in', operand, values, hasNull, negated, type: BOOL, ...at })),
  ),
}));

const row: fc.Arbitrary<Row> = fc.tuple(
  fc.option(fc.integer({ min: -5, max: 5 }), { nil: null }),
  fc.option(fc.constantFrom(...NUMBERS), { nil: null }),
  fc.option(fc.constantFrom(...TEXTS), { nil: null }),
  fc.option(fc.boolean(), { nil: null }),
);
const someRows = fc.oneof(
  fc.array(row, { minLength: 1, maxLength: 10 }),
  fc.array(row, { minLength: 60, maxLength: 70 }),
  fc.array(row, { minLength: 120, maxLength: 140 }),
);

let dictionaries = 0;

/** A text column by codes into a dictionary that also has values that no row has. */
function encoded(values: readonly (string | null)[], where: EvaluationContext): Vector {
  const distinct = [...TEXTS, 'unused'].reverse();
  const flat = vectorOf(distinct, UTF8, where);
  const view: DictionaryView = { id: ++dictionaries, count: distinct.length, offsets: flat.offsets, values: flat.values };
  const codes = vectorOf(
    values.map((value) => (value === null ? 0 : distinct.indexOf(value))),
    INT32,
    where,
  );
  return dictionaryVector(UTF8, values.length, codes.values, view, vectorOf(values, UTF8, where).validity);
}

const plain = (value: Value) => (Object.is(value, -0) ? 0 : value);

function check(expression: Expression, rows: readonly Row[], encoding: 'flat' | 'dictionary', where: EvaluationContext): void {
  const texts = rows.map((each) => each[2]);
  const columns = [
    vectorOf(
      rows.map((each) => each[0]),
      INT32,
      where,
    ),
    vectorOf(
      rows.map((each) => each[1]),
      FLOAT64,
      where,
    ),
    encoding === 'flat' ? vectorOf(texts, UTF8, where) : encoded(texts, where),
    vectorOf(
      rows.map((each) => each[3]),
      BOOL,
      where,
    ),
  ];
  const input = { rowCount: rows.length, column: (id: number) => columns[id] as Vector };
  const expected = rows.map((each) => plain(naive(expression, each)));
  for (let time = 0; time < 2; time++) {
    const result = evaluate(expression, input, where);
    expect(rows.map((_, i) => plain(valueAt(where.arena, result, i)))).toEqual(expected);
    if (expression.type.kind !== 'bool') continue;
    const bitmap = evaluatePredicate(expression, input, where);
    const bits = Array.from(
      { length: Math.ceil(rows.length / 64) * 64 },
      (_, i) => (((where.arena.u8[bitmap + (i >> 3)] as number) >> (i & 7)) & 1) === 1,
    );
    expect(bits).toEqual(bits.map((_, i) => expected[i] === true));
  }
}

describe('evaluation of vectors agrees with evaluation of rows', () => {
  for (const encoding of ['flat', 'dictionary'] as const) {
    for (const cached of [false, true]) {
      test(`text is ${encoding}${cached ? ', results over dictionaries are kept' : ''}`, () => {
        fc.assert(
          fc.property(fc.oneof(bool, number, text), someRows, (expression, rows) => {
            const scope = new MemoryScope(context.arena);
            const where = cached ? { ...context, dictionaryCache: new DictionaryCache(scope) } : context;
            context.scratch.reset();
            check(expression, rows, encoding, where);
            scope.release();
          }),
          { numRuns: 250 },
        );
      });
    }
  }
});

describe('errors', () => {
  const failing = (sql: string) => () => evaluateSql(sql, context);
  test.each([
    ['1 / 0', 'division_by_zero'],
    ['1 % 0', 'division_by_zero'],
    ['1.5 / 0.0', 'division_by_zero'],
    ['9223372036854775807 + 1', 'numeric_overflow'],
    ['-9223372036854775808 - 1', 'numeric_overflow'],
    ['9223372036854775807 * 2', 'numeric_overflow'],
    ["'300'::tinyint", 'numeric_overflow'],
    ['300::tinyint', 'numeric_overflow'],
    ["'x'::int64", 'invalid_value'],
    ["'2026-02-30'::date", 'invalid_value'],
    ['1e300::float32', 'numeric_overflow'],
    ['sqrt(-1)', 'invalid_value'],
    ["'99.9'::decimal(2, 1)", 'numeric_overflow'],
  ])('%s is %s', (sql, code) => {
    expect(failing(sql)).toThrow(expect.objectContaining({ code }) as DbError);
  });

  test('a branch that no row reaches does not fail', () => {
    expect(evaluateSql('CASE WHEN true THEN 1 ELSE 1 / 0 END', context)).toBe(1n);
    expect(evaluateSql('coalesce(1, 1 / 0)', context)).toBe(1n);
    expect(evaluateSql('1 = 2 AND 1 / 0 = 1', context)).toBe(false);
    expect(evaluateSql('1 = 1 OR 1 / 0 = 1', context)).toBe(true);
  });

  test('each row of CASE fails or not by itself', () => {
    const divisor = column(0, INT64);
    const quotient = call('divide', literal(10n, INT64), divisor);
    const guarded: Expression = {
      kind: 'case',
      branches: [{ when: call('ne', divisor, literal(0n, INT64)), then: quotient }],
      otherwise: null,
      type: INT64,
      ...at,
    };
    const vector = vectorOf([1n, 0n, 5n, null], INT64, context);
    const result = evaluate(guarded, { rowCount: 4, column: () => vector }, context);
    expect([0, 1, 2, 3].map((i) => valueAt(context.arena, result, i))).toEqual([10n, null, 2n, null]);
    expect(() => evaluate(quotient, { rowCount: 4, column: () => vector }, context)).toThrow(DbError);
  });

  test('what stands in a null slot is not computed with', () => {
    const vector = { ...vectorOf([1n, 0n, null], INT64, context) };
    context.arena.i64[vector.values / 8 + 2] = -(2n ** 63n);
    context.arena.i64[vector.values / 8 + 1] = 2n ** 62n;
    const result = evaluate(call('negate', column(0, INT64)), { rowCount: 3, column: () => vector }, context);
    expect(valueAt(context.arena, result, 2)).toBeNull();
  });

  test('a value of the dictionary that no row has does not fail', () => {
    const vector = encoded(['a', 'B', null], context);
    const numbers: Expression = {
      kind: 'cast',
      operand: call('coalesce', column(0, UTF8), literal('1', UTF8)),
      safe: false,
      type: INT64,
      ...at,
    };
    const ones: Expression = {
      kind: 'case',
      branches: [{ when: { kind: 'is_null', operand: column(0, UTF8), negated: false, type: BOOL, ...at }, then: numbers }],
      otherwise: literal(0n, INT64),
      type: INT64,
      ...at,
    };
    const result = evaluate(ones, { rowCount: 3, column: () => vector }, context);
    expect([0, 1, 2].map((i) => valueAt(context.arena, result, i))).toEqual([0n, 0n, 1n]);
  });
});

describe('casts there and back', () => {
  test.each([
    ["'-12'", 'tinyint'],
    ["'18446744073709551615'", 'uint64'],
    ["'-9223372036854775808'", 'int64'],
    ["'0.1'", 'float64'],
    ["'1e-7'", 'float64'],
    ["'12345678901234567890.123456'", 'decimal(30, 6)'],
    ["'true'", 'bool'],
    ["'2026-02-28'", 'date'],
    ["'0001-01-01'", 'date'],
    ["'10:20:30.123456'", 'time'],
    ["'2026-02-28T10:20:30.123456789Z'", 'timestamp_ns'],
    ["'1 year 2 mons 3 days 04:05:06.789'", 'interval'],
    ["'00112233-4455-6677-8899-aabbccddeeff'", 'uuid'],
    ["'\\x00ff'", 'bytea'],
  ])('%s as %s', (sql, type) => {
    const text = sql.slice(1, -1);
    expect(evaluateSql(`(${sql})::${type}::utf8`, context)).toBe(text);
  });

  test('TRY_CAST gives NULL for what cannot be read, and only there', () => {
    const source = vectorOf(['1', 'x', null, '300', '-5'], UTF8, context);
    const cast: Expression = { kind: 'cast', operand: column(0, UTF8), safe: true, type: { kind: 'int8' }, ...at };
    const result = evaluate(cast, { rowCount: 5, column: () => source }, context);
    expect([0, 1, 2, 3, 4].map((i) => valueAt(context.arena, result, i))).toEqual([1, null, null, null, -5]);
  });

  test('a constant has the type that the binder gave it', () => {
    expect(boundExpression('1 + 2.5', context).type.kind).toBe('float64');
    expect(boundExpression("DATE '2026-01-01' + INTERVAL '1 hour'", context).type.kind).toBe('timestamp');
  });
});

describe('moving rows', () => {
  const LIST: DataType = { kind: 'list', item: { name: 'item', type: UTF8, nullable: true } };
  const STRUCT: DataType = {
    kind: 'struct',
    fields: [
      { name: 'a', type: INT32, nullable: true },
      { name: 'l', type: LIST, nullable: true },
    ],
  };
  const samples: readonly (readonly [DataType, readonly Value[]])[] = [
    [BOOL, [true, null, false]],
    [{ kind: 'int16' }, [1, -2, null]],
    [FLOAT64, [1.5, null, Number.NaN]],
    [{ kind: 'decimal', precision: 38, scale: 2 }, [10n ** 37n, null, -5n]],
    [{ kind: 'interval' }, [{ months: 1, days: 2, nanoseconds: 3n }, null, { months: 0, days: 0, nanoseconds: -1n }]],
    [UTF8, ['a', null, 'long text €']],
    [LIST, [['a', null], null, [], ['b']]],
    [STRUCT, [{ a: 1, l: ['x'] }, null, { a: null, l: null }]],
  ];

  test.each(samples)('%j survives gather, missing rows and growing columns', (type, values) => {
    const vector = vectorOf(values, type, context);
    const picks = [2, 0, 1, 0, 2];
    const indices = vectorOf(picks, { kind: 'uint32' }, context).values;
    const read = (from: Vector) => Array.from({ length: from.length }, (_, i) => valueAt(context.arena, from, i));
    expect(read(gatherVector(vector, indices, 5, context))).toEqual(picks.map((i) => values[i]));
    const missing = vectorOf([1, 0xffffffff, 0], { kind: 'uint32' }, context).values;
    expect(read(gatherVectorOrNull(vector, missing, 3, context))).toEqual([values[1], null, values[0]]);
    const constant: Vector = { ...vectorOf([values[0] ?? null], type, context), encoding: 'constant', length: 70 };
    expect(read(toFlat(constant, context))).toEqual(Array(70).fill(values[0]));
    const scope = new MemoryScope(context.arena);
    const builder = new ColumnBuilder(type, scope);
    const expected: Value[] = [];
    for (let i = 0; i < 40; i++) {
      builder.append(i % 3 === 0 ? constant : vector, context);
      expected.push(...(i % 3 === 0 ? Array<Value>(70).fill(values[0] ?? null) : values));
    }
    expect(read(builder.view())).toEqual(expected);
    scope.release();
  });
});
