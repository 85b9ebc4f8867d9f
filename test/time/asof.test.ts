/** ASOF joins against a definition that looks at every pair of rows. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { valueAt } from '../../src/core/values.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { Random } from '../differential/random.js';

interface Row {
  readonly id: number;
  readonly ts: number | null;
  readonly sym: string | null;
  readonly n: number | null;
}

type Direction = '>=' | '>' | '<=' | '<' | 'NEAREST';
const DIRECTIONS: readonly Direction[] = ['>=', '>', '<=', '<', 'NEAREST'];

type Kind = 'LEFT' | 'INNER' | 'RIGHT' | 'FULL' | 'SEMI' | 'ANTI';
const KINDS: readonly Kind[] = ['LEFT', 'INNER', 'RIGHT', 'FULL', 'SEMI', 'ANTI'];

interface Case {
  readonly keys: readonly ('sym' | 'n')[];
  readonly direction: Direction;
  readonly tolerance: number | null;
  readonly extra: ((left: Row, right: Row) => boolean) | null;
}

/** The right row of a left row, by looking at all of them. */
function closest(left: Row, right: readonly Row[], { keys, direction, tolerance, extra }: Case): Row | null {
  let best: Row | null = null;
  const t = left.ts;
  if (t === null || keys.some((key) => left[key] === null)) return null;
  for (const row of right) {
    const { ts } = row;
    if (ts === null || keys.some((key) => row[key] !== left[key])) continue;
    const seen =
      direction === '>=' ? t >= ts : direction === '>' ? t > ts : direction === '<=' ? t <= ts : direction === '<' ? t < ts : true;
    if (!seen || (tolerance !== null && Math.abs(t - ts) > tolerance) || (extra && !extra(left, row))) continue;
    const known = best?.ts ?? null;
    if (known === null) best = row;
    else if (Math.abs(t - ts) < Math.abs(t - known)) best = row;
    // Equal times: the last row in the past, the first one in the future. Equally far: the past.
    else if (Math.abs(t - ts) === Math.abs(t - known) && (direction === 'NEAREST' ? ts <= t : direction.startsWith('>'))) best = row;
  }
  return best;
}

function rowsOf(
  random: Random,
  count: number,
  shape: { readonly times: number; readonly sorted: boolean; readonly nulls: boolean },
): Row[] {
  const rows = Array.from({ length: count }, (): Omit<Row, 'id'> => {
    const missing = () => shape.nulls && random.chance(0.1);
    return {
      ts: missing() && !shape.sorted ? null : random.whole(0, shape.times),
      sym: missing() ? null : random.pick(['A', 'B', 'C', 'rare', 'other']),
      n: missing() ? null : random.whole(0, 3),
    };
  });
  if (shape.sorted) rows.sort((a, b) => Number(a.ts) - Number(b.ts));
  return rows.map((row, id) => ({ id, ...row }));
}

function instant(ts: number): string {
  return `'1970-01-01 00:00:00.${String(ts).padStart(6, '0')}'`;
}

function literal({ id, ts, sym, n }: Row): string {
  const text = sym === null ? 'NULL' : `'${sym}'`;
  return `(${id}, ${ts === null ? 'NULL' : instant(ts)}, ${ts}, ${ts}, ${text}, ${text}, ${n})`;
}

const COLUMNS = 'id INT, ts TIMESTAMP, whole INT, fraction DOUBLE, sym SYMBOL, text TEXT, n INT';

describe.each([
  { threads: 0, vectorRows: 64 },
  { threads: 2, vectorRows: 64 },
  { threads: 2, vectorRows: 16_384 },
])('with $threads threads and vectors of $vectorRows rows', ({ threads, vectorRows }) => {
  let engine: OpenEngine;
  beforeAll(async () => {
    engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '256MB', segment_rows: 1024 }), { workerThreads: threads });
  });
  afterAll(() => engine.close());

  async function query(sql: string): Promise<string[]> {
    const result = await engine.query.execute({ sql, principal: EMBEDDED, settings: { vector_rows: vectorRows } });
    const rows: string[] = [];
    for await (const batch of result.batches) {
      for (let i = 0; i < batch.rowCount; i++) rows.push(batch.columns.map((column) => String(valueAt(engine.arena, column, i))).join(' '));
      batch.release();
    }
    return rows;
  }

  async function table(name: string, rows: readonly Row[], designated: boolean): Promise<void> {
    await query(`CREATE OR REPLACE TABLE ${name} (${COLUMNS})${designated ? ' TIMESTAMP(ts)' : ''}`);
    for (let first = 0; first < rows.length; first += 700) {
      await query(
        `INSERT INTO ${name} VALUES ${rows
          .slice(first, first + 700)
          .map(literal)
          .join(', ')}`,
      );
    }
  }

  function expected(left: readonly Row[], right: readonly Row[], given: Case, kind: Kind): string[] {
    const pairs = left.map((row) => ({ row, found: closest(row, right, given) }));
    if (kind === 'SEMI' || kind === 'ANTI')
      return pairs.flatMap(({ row, found }) => ((found === null) === (kind === 'ANTI') ? [`${row.id}`] : []));
    const keepsLeft = kind === 'LEFT' || kind === 'FULL';
    const rows = pairs.flatMap(({ row, found }) => (found === null && !keepsLeft ? [] : [`${row.id} ${found ? found.id : 'null'}`]));
    if (kind === 'LEFT' || kind === 'INNER') return rows;
    const seen = new Set(pairs.map(({ found }) => found?.id));
    return [...rows, ...right.filter((row) => !seen.has(row.id)).map((row) => `null ${row.id}`)];
  }

  async function check(left: readonly Row[], right: readonly Row[], random: Random, note: string): Promise<void> {
    for (const direction of DIRECTIONS) {
      for (const keys of [['sym'], [], ['n'], ['sym', 'n']] as const) {
        const tolerance = random.chance(0.5) ? random.whole(0, 30) : null;
        const extras = [
          { sql: '', holds: null },
          { sql: ' AND l.n <> r.n', holds: (a: Row, b: Row) => a.n !== null && b.n !== null && a.n !== b.n },
          { sql: ' AND r.n > 0', holds: (_: Row, b: Row) => b.n !== null && b.n > 0 },
          { sql: ' AND l.n > 0', holds: (a: Row) => a.n !== null && a.n > 0 },
        ];
        const extra = random.pick(extras);
        const kind = random.pick(KINDS);
        const type = random.pick(['ts', 'whole', 'fraction'] as const);
        const within = tolerance === null ? '' : ` TOLERANCE ${type === 'ts' ? `INTERVAL '${tolerance} microseconds'` : tolerance}`;
        const key = (name: string) =>
          name === 'sym' ? random.pick(['l.sym = r.sym', 'l.text = r.text', 'r.sym = l.text']) : `l.${name} = r.${name}`;
        const on = [...keys.map(key), `l.${type} ${direction} r.${type}`].join(' AND ');
        const shown = kind === 'SEMI' || kind === 'ANTI' ? 'l.id' : 'l.id, r.id';
        const sql = `SELECT ${shown} FROM l ASOF ${kind} JOIN r ON ${on}${extra.sql}${within}`;
        const given = { keys, direction, tolerance, extra: extra.holds };
        expect(await query(sql), `${note}: ${sql}`).toEqual(expected(left, right, given, kind));
      }
    }
  }

  it.each([1, 2, 3])(
    'every direction, key and tolerance finds what looking at all pairs finds: rows in order, seed %i',
    async (seed) => {
      const random = new Random(seed);
      const times = random.pick([60, 2000]);
      const left = rowsOf(random, 400, { times, sorted: true, nulls: seed > 1 });
      const right = rowsOf(random, 2600, { times, sorted: true, nulls: seed > 1 });
      await table('l', left, true);
      await table('r', right, true);
      await check(left, right, random, 'in order');
    },
    60_000,
  );

  it.each([4, 5, 6])(
    'the same with rows out of order, without a designated timestamp and with NULL times, seed %i',
    async (seed) => {
      const random = new Random(seed);
      const left = rowsOf(random, 300, { times: 400, sorted: seed === 5, nulls: true });
      const right = rowsOf(random, 1300, { times: 400, sorted: seed === 4, nulls: true });
      await table('l', left, seed === 5);
      await table('r', right, seed === 4);
      await check(left, right, random, 'out of order');
    },
    60_000,
  );

  it("rows that were deleted are nobody's match, and late rows are found", async () => {
    const random = new Random(7);
    const left = rowsOf(random, 300, { times: 300, sorted: true, nulls: false });
    const right = rowsOf(random, 2500, { times: 300, sorted: true, nulls: false });
    const late = rowsOf(random, 50, { times: 300, sorted: false, nulls: false }).map((row) => ({ ...row, id: row.id + 10_000 }));
    await table('l', left, true);
    await table('r', right, true);
    await query('DELETE FROM r WHERE id % 3 = 1');
    const rest = right.filter((row) => row.id % 3 !== 1);
    await check(left, rest, random, 'deleted');
    await query(`INSERT INTO r VALUES ${late.map(literal).join(', ')}`);
    await check(left, [...rest, ...late], random, 'late');
  }, 60_000);

  it('WHERE over the join sees the closest rows, whatever the optimizer moves', async () => {
    const random = new Random(8);
    const left = rowsOf(random, 1000, { times: 500, sorted: true, nulls: true });
    const right = rowsOf(random, 1000, { times: 500, sorted: true, nulls: true });
    await table('l', left, true);
    await table('r', right, true);
    const plain: Case = { keys: ['sym'], direction: '>=', tolerance: null, extra: null };
    const pairs = left.map((row) => [row, closest(row, right, plain)] as const);
    const conditions: readonly (readonly [string, (l: Row, r: Row | null) => boolean])[] = [
      ['r.n > 0', (_, r) => r !== null && r.n !== null && r.n > 0],
      ['r.n IS NULL', (_, r) => r === null || r.n === null],
      ["l.sym = 'A'", (l) => l.sym === 'A'],
      ["r.sym = 'A'", (_, r) => r?.sym === 'A'],
      ["r.sym <> 'A'", (_, r) => r !== null && r.sym !== 'A'],
      ["l.ts - r.ts <= INTERVAL '3 microseconds'", (l, r) => r !== null && Number(l.ts) - Number(r.ts) <= 3],
      ["l.ts - r.ts < INTERVAL '3 microseconds'", (l, r) => r !== null && Number(l.ts) - Number(r.ts) < 3],
      ["l.ts - r.ts > INTERVAL '3 microseconds'", (l, r) => r !== null && Number(l.ts) - Number(r.ts) > 3],
      ["r.ts >= l.ts - INTERVAL '3 microseconds'", (l, r) => r !== null && Number(l.ts) - Number(r.ts) <= 3],
      ["r.ts + INTERVAL '3 microseconds' >= l.ts", (l, r) => r !== null && Number(l.ts) - Number(r.ts) <= 3],
      [`l.ts > ${instant(100)} AND l.ts <= ${instant(300)}`, (l) => Number(l.ts) > 100 && Number(l.ts) <= 300],
    ];
    for (const outer of ['LEFT', 'INNER']) {
      for (const [sql, holds] of conditions) {
        const wanted = pairs
          .filter(([l, r]) => (outer === 'LEFT' || r !== null) && holds(l, r))
          .map(([l, r]) => `${l.id} ${r ? r.id : 'null'}`);
        const text = `SELECT l.id, r.id FROM l ASOF ${outer} JOIN r ON l.sym = r.sym AND l.ts >= r.ts WHERE ${sql}`;
        expect(await query(text), text).toEqual(wanted);
      }
    }
  }, 60_000);

  it('subqueries, common tables and views stand on either side, and joins stand on joins', async () => {
    const random = new Random(9);
    const left = rowsOf(random, 700, { times: 300, sorted: true, nulls: false });
    const right = rowsOf(random, 900, { times: 300, sorted: true, nulls: false });
    await table('l', left, true);
    await table('r', right, true);
    await query('CREATE OR REPLACE VIEW v AS SELECT * FROM r WHERE n > 0');
    const plain: Case = { keys: ['sym'], direction: '>=', tolerance: null, extra: null };
    const some = right.filter((row) => row.n !== null && row.n > 0);
    const wanted = left.map((row) => `${row.id} ${closest(row, some, plain)?.id ?? 'null'} ${closest(row, right, plain)?.id ?? 'null'}`);
    const forms = [
      'FROM l ASOF LEFT JOIN v ON l.sym = v.sym AND l.ts >= v.ts ASOF LEFT JOIN r ON l.sym = r.sym AND l.ts >= r.ts',
      'FROM (SELECT * FROM l) l ASOF LEFT JOIN (SELECT * FROM r WHERE n > 0) v ON l.sym = v.sym AND l.ts >= v.ts ASOF LEFT JOIN r ON l.sym = r.sym AND l.ts >= r.ts',
      'FROM l ASOF LEFT JOIN r ON l.sym = r.sym AND l.ts >= r.ts LEFT JOIN (SELECT 1 AS one) o ON o.one = 1 ASOF LEFT JOIN v ON l.sym = v.sym AND l.ts >= v.ts',
    ];
    for (const form of forms) expect(await query(`SELECT l.id, v.id, r.id ${form} ORDER BY l.id`), form).toEqual(wanted);
    const cte = 'WITH v AS (SELECT * FROM r WHERE n > 0), a AS (SELECT id, sym, ts FROM l)';
    const joins = 'a ASOF LEFT JOIN v ON a.sym = v.sym AND a.ts >= v.ts ASOF LEFT JOIN r ON a.sym = r.sym AND a.ts >= r.ts';
    expect(await query(`${cte} SELECT a.id, v.id, r.id FROM ${joins} ORDER BY a.id`)).toEqual(wanted);
  }, 60_000);
});
