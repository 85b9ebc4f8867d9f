import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, open } from '../../../src/embedded/database.js';
import { WINDOW_FUNCTIONS } from '../../../src/query/windows/registry.js';
import { Random } from '../../differential/random.js';

/** Frames by their definition: every row looks at every row. */
interface Row {
  readonly id: number;
  readonly part: number | null;
  readonly key: number | null;
  readonly value: number | null;
}

type Bound = 'UNBOUNDED PRECEDING' | 'CURRENT ROW' | 'UNBOUNDED FOLLOWING' | `${number} PRECEDING` | `${number} FOLLOWING`;

interface Frame {
  readonly unit: 'ROWS' | 'RANGE' | 'GROUPS';
  readonly start: Bound;
  readonly end: Bound;
  readonly exclude: 'NO OTHERS' | 'CURRENT ROW' | 'GROUP' | 'TIES';
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

const ROWS = 400;
let db: Database;
let rows: Row[] = [];

beforeAll(async () => {
  const random = new Random(11);
  rows = Array.from({ length: ROWS }, (_, id) => ({
    id,
    part: random.chance(0.1) ? null : random.whole(0, 4),
    key: random.chance(0.15) ? null : random.whole(0, 25),
    value: random.chance(0.2) ? null : random.whole(-9, 9),
  }));
  db = await open({});
  await db.exec('CREATE TABLE w (id BIGINT, part BIGINT, key BIGINT, value BIGINT)');
  const column = (name: keyof Row) => rows.map((row) => row[name]);
  await db.insert('w', { id: column('id'), part: column('part'), key: column('key'), value: column('value') });
});

afterAll(() => db.close());

/** Rows of the partition in order; peers have equal keys, and ties are broken by id so that the order is total for ROWS. */
function ordered(row: Row, frame: Frame): Row[] {
  const sign = frame.descending ? -1 : 1;
  const rank = (each: Row): number => (each.key === null ? (frame.nullsFirst ? -1000 : 1000) : sign * each.key);
  return rows.filter((each) => each.part === row.part).sort((a, b) => rank(a) - rank(b) || a.id - b.id);
}

function inside(list: readonly Row[], at: number, frame: Frame): Row[] {
  const row = list[at] as Row;
  const groups = [...new Set(list.map((each) => each.key))];
  const groupOf = (each: Row): number => groups.indexOf(each.key);
  const sign = frame.descending ? -1 : 1;
  /** Below 0: the row lies before the bound. */
  const side = (each: Row, i: number, bound: Bound): number => {
    if (bound === 'UNBOUNDED PRECEDING') return 1;
    if (bound === 'UNBOUNDED FOLLOWING') return -1;
    const offset = bound === 'CURRENT ROW' ? 0 : Number(bound.split(' ')[0]) * (bound.endsWith('FOLLOWING') ? 1 : -1);
    if (frame.unit === 'ROWS') return i - (at + offset);
    if (frame.unit === 'GROUPS' || bound === 'CURRENT ROW' || row.key === null) {
      return groupOf(each) - (groupOf(row) + (frame.unit === 'GROUPS' ? offset : 0));
    }
    if (each.key === null) return frame.nullsFirst ? -1 : 1;
    return sign * (each.key - (row.key + sign * offset));
  };
  const framed = list.filter((each, i) => side(each, i, frame.start) >= 0 && side(each, i, frame.end) <= 0);
  return framed.filter((each) => {
    if (frame.exclude === 'CURRENT ROW') return each !== row;
    if (frame.exclude === 'GROUP') return each.key !== row.key;
    return frame.exclude === 'TIES' ? each === row || each.key !== row.key : true;
  });
}

const present = (list: readonly Row[]): number[] => list.flatMap((row) => (row.value === null ? [] : [row.value]));

const ORACLE: Readonly<Record<string, (frame: readonly Row[]) => number | null>> = {
  'count(*)': (frame) => frame.length,
  'count(value)': (frame) => present(frame).length,
  'sum(value)': (frame) => (present(frame).length === 0 ? null : present(frame).reduce((a, b) => a + b, 0)),
  'sum(CAST(value AS DOUBLE))': (frame) => (present(frame).length === 0 ? null : present(frame).reduce((a, b) => a + b, 0)),
  'min(value)': (frame) => (present(frame).length === 0 ? null : Math.min(...present(frame))),
  'max(value)': (frame) => (present(frame).length === 0 ? null : Math.max(...present(frame))),
  'count(DISTINCT value)': (frame) => new Set(present(frame)).size,
  'median(value)': (frame) => {
    const sorted = present(frame).sort((a, b) => a - b);
    const middle = sorted.length / 2;
    if (sorted.length === 0) return null;
    return Number.isInteger(middle)
      ? ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
      : (sorted[Math.floor(middle)] as number);
  },
};

/** Functions of the order of rows: only where the order is total. */
const ORDERED: typeof ORACLE = {
  'first_value(value)': (frame) => frame[0]?.value ?? null,
  'last_value(value)': (frame) => frame.at(-1)?.value ?? null,
  'nth_value(value, 2)': (frame) => frame[1]?.value ?? null,
  'first_value(value IGNORE NULLS)': (frame) => present(frame)[0] ?? null,
  'last_value(value IGNORE NULLS)': (frame) => present(frame).at(-1) ?? null,
  'nth_value(value, 3 IGNORE NULLS)': (frame) => present(frame)[2] ?? null,
};

const PLACES = ['UNBOUNDED PRECEDING', 'PRECEDING', 'CURRENT ROW', 'FOLLOWING', 'UNBOUNDED FOLLOWING'] as const;

function randomFrame(random: Random, unit: Frame['unit']): Frame {
  const from = random.whole(0, 3);
  const bound = (place: number): Bound =>
    (place === 1 || place === 3 ? `${random.pick([0, 1, 2, 5, 300])} ${PLACES[place]}` : PLACES[place]) as Bound;
  return {
    unit,
    start: bound(from),
    end: bound(random.whole(Math.max(1, from), 4)),
    exclude: random.pick(['NO OTHERS', 'CURRENT ROW', 'GROUP', 'TIES']),
    descending: random.chance(0.5),
    nullsFirst: random.chance(0.5),
  };
}

for (const unit of ['ROWS', 'RANGE', 'GROUPS'] as const) {
  test(`${unit} frames hold the rows that their definition says, with peers, NULL keys and EXCLUDE`, async () => {
    const random = new Random(unit.length * 7 + 3);
    for (let i = 0; i < 30; i++) {
      const frame = randomFrame(random, unit);
      const calls = { ...ORACLE, ...ORDERED };
      const names = Object.keys(calls);
      const order = `ORDER BY key ${frame.descending ? 'DESC' : 'ASC'} NULLS ${frame.nullsFirst ? 'FIRST' : 'LAST'}`;
      const over = `(PARTITION BY part ${order} ${frame.unit} BETWEEN ${frame.start} AND ${frame.end} EXCLUDE ${frame.exclude})`;
      // Sorting is stable, so rows that tie stand in the order of the table.
      const result = await db.query(`SELECT id, ${names.map((name, c) => `${name} OVER ${over} AS c${c}`).join(', ')} FROM w ORDER BY id`);
      const found = (await result.toRows()).map((row) => names.map((_, c) => (row[`c${c}`] === null ? null : Number(row[`c${c}`]))));
      const wanted = rows.map((row) => {
        const list = ordered(row, frame);
        const held = inside(list, list.indexOf(row), frame);
        return names.map((name) => calls[name]?.(held) ?? null);
      });
      expect(found, over).toEqual(wanted);
    }
  }, 60_000);
}

test('every example of the registry gives what it says', async () => {
  for (const { examples } of WINDOW_FUNCTIONS) {
    for (const { sql, result } of examples) {
      const [row] = await (await db.query(sql)).toRows();
      expect(String(Object.values(row ?? {})[0]), sql).toBe(result);
    }
  }
});

test('frames do not depend on how many positions are worked on at once', async () => {
  const sql = `SELECT sum(a) AS a, sum(b) AS b, sum(c) AS c FROM (
    SELECT sum(i) OVER (PARTITION BY i % 3 ORDER BY i ROWS BETWEEN 9000 PRECEDING AND 5 FOLLOWING) AS a,
           max(i) OVER (PARTITION BY i % 3 ORDER BY i DESC RANGE BETWEEN 30 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) AS b,
           rank() OVER (ORDER BY i % 2) AS c FROM range(0, 40000) r(i)) q`;
  let a = 0n;
  let b = 0n;
  for (let part = 0; part < 3; part++) {
    const list: bigint[] = [];
    for (let i = part; i < 40_000; i += 3) list.push(BigInt(i));
    const before = [0n];
    for (const value of list) before.push((before.at(-1) as bigint) + value);
    list.forEach((value, at) => {
      a += (before[Math.min(list.length, at + 6)] as bigint) - (before[Math.max(0, at - 9000)] as bigint);
      const last = list.at(-1) as bigint;
      const greatest = value + 30n > last ? last : value + 30n;
      if (greatest > value) b += greatest;
    });
  }
  const [row] = await (await db.query(sql)).toRows();
  expect(row).toEqual({ a, b, c: 20_000n + 20_000n * 20_001n });
});
