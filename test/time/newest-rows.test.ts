/** What is kept of each code's newest row stays true: questions between every two changes of a table, by readers of now and of before, against a plain model. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { resultRows } from './rows.js';

interface Row {
  readonly ts: number;
  readonly sym: string | null;
  readonly n: number;
}

type Session = ReturnType<OpenEngine['query']['openSession']>;

const symbol = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 1, arbitrary: fc.constantFrom(null, ...Array.from({ length: 20 }, (_, i) => `s${i}`)) },
);
const insert = fc.record({
  do: fc.constant('insert' as const),
  rows: fc.array(fc.tuple(fc.nat(30), symbol), { minLength: 1, maxLength: 120, size: 'max' }),
  inOrder: fc.boolean(),
});
const others = fc.oneof(
  fc.record({ do: fc.constant('delete' as const), modulus: fc.integer({ min: 2, max: 9 }), sym: fc.constantFrom(null, 'a', 's3') }),
  fc.record({ do: fc.constant('update' as const), modulus: fc.integer({ min: 2, max: 9 }) }),
  fc.record({ do: fc.constantFrom('flush' as const, 'truncate' as const, 'alter' as const, 'commit' as const, 'rollback' as const) }),
  fc.record({ do: fc.constantFrom('read' as const, 'savepoint' as const, 'begin' as const, 'rollback to' as const) }),
);
type Step =
  | { readonly do: 'insert'; readonly rows: readonly (readonly [ts: number, sym: string | null])[]; readonly inOrder: boolean }
  | { readonly do: 'delete'; readonly modulus: number; readonly sym: string | null }
  | { readonly do: 'update'; readonly modulus: number }
  | { readonly do: 'flush' | 'truncate' | 'alter' | 'read' | 'savepoint' | 'begin' | 'commit' | 'rollback' | 'rollback to' };
const step: fc.Arbitrary<Step> = fc.oneof({ weight: 3, arbitrary: insert }, { weight: 2, arbitrary: others });
const history = fc.record({
  partitionBy: fc.constantFrom('NONE', 'DAY'),
  segmentRows: fc.constantFrom(256, 2048),
  steps: fc.array(step, { minLength: 3, maxLength: 18 }),
});

/** Times are so many hours after a day. */
const time = (ts: number) => new Date(Date.UTC(2026, 0, 1) + ts * 3_600_000).toISOString();

/** Of each symbol the row of the largest time; `isLater` decides between several, of which b was inserted later. */
function newest(rows: readonly Row[], isLater = (_a: Row, _b: Row) => true): string[] {
  const best = new Map<string | null, Row>();
  for (const row of rows) {
    const known = best.get(row.sym);
    if (!known || row.ts > known.ts || (row.ts === known.ts && isLater(known, row))) best.set(row.sym, row);
  }
  return [...best.values()].map(({ n }) => String(n)).sort();
}

const ASKED: readonly { readonly sql: string; readonly wanted: (rows: readonly Row[]) => string[] }[] = [
  { sql: 'SELECT n FROM t LATEST ON ts PARTITION BY sym', wanted: (rows) => newest(rows) },
  {
    sql: `SELECT n FROM t WHERE sym IN ('b', 's7') LATEST ON ts PARTITION BY sym`,
    wanted: (rows) => newest(rows.filter(({ sym }) => sym === 'b' || sym === 's7')),
  },
  { sql: 'SELECT last(n ORDER BY ts) FROM t GROUP BY sym', wanted: (rows) => newest(rows) },
  { sql: 'SELECT last(n ORDER BY ts, n) FROM t GROUP BY sym', wanted: (rows) => newest(rows, (a, b) => b.n > a.n) },
];

class World {
  /** Rows as everybody sees them. */
  rows: Row[] = [];
  private readonly engine: OpenEngine;
  private readonly readers: { readonly session: Session; readonly rows: readonly Row[] }[] = [];
  /** A transaction that writes: its rows, and those of its savepoints. */
  private writer: { readonly session: Session; rows: Row[]; savepoint: Row[] | null } | null = null;
  private next = 0;
  private late = 0;
  private columns = 0;

  constructor(engine: OpenEngine) {
    this.engine = engine;
  }

  async sql(sql: string, session?: Session): Promise<string[]> {
    return resultRows(await this.engine.query.execute({ sql, principal: EMBEDDED, session }), this.engine.arena);
  }

  async take(step: Step): Promise<void> {
    const { writer } = this;
    if (step.do === 'flush') await this.engine.storage.flush('t');
    else if (step.do === 'read') await this.read();
    else if (step.do === 'begin' && !writer) {
      const session = this.engine.query.openSession(EMBEDDED);
      await this.sql('BEGIN', session);
      await this.sql('SELECT count(*) FROM t', session);
      this.writer = { session, rows: this.rows, savepoint: null };
    } else if (writer && (step.do === 'commit' || step.do === 'rollback')) {
      await this.sql(step.do, writer.session);
      if (step.do === 'commit') this.rows = writer.rows;
      writer.session.close();
      this.writer = null;
    } else if (writer && step.do === 'savepoint') {
      await this.sql('SAVEPOINT s', writer.session);
      writer.savepoint = writer.rows;
    } else if (writer?.savepoint && step.do === 'rollback to') {
      await this.sql('ROLLBACK TO s', writer.session);
      writer.rows = writer.savepoint;
    } else await this.change(step);
  }

  /** A change by the transaction when there is one, so that it never conflicts. */
  private async change(step: Step): Promise<void> {
    const { writer } = this;
    const before = writer?.rows ?? this.rows;
    let after = before;
    let sql = '';
    if (step.do === 'insert') {
      const [made, text] = this.inserted(step);
      after = [...before, ...made];
      sql = text;
    } else if (step.do === 'delete') {
      after = before.filter(({ n, sym }) => n % step.modulus !== 1 || (step.sym !== null && step.sym !== sym));
      sql = `DELETE FROM t WHERE n % ${step.modulus} = 1 ${step.sym === null ? '' : `AND sym = '${step.sym}'`}`;
    } else if (step.do === 'update') {
      // Rows that are changed count as inserted last.
      const isChanged = ({ n }: Row) => n % step.modulus === 1;
      after = [...before.filter((row) => !isChanged(row)), ...before.filter(isChanged).map((row) => ({ ...row, sym: 'b' }))];
      sql = `UPDATE t SET sym = 'b' WHERE n % ${step.modulus} = 1`;
    } else if (step.do === 'truncate') {
      after = [];
      sql = 'TRUNCATE TABLE t';
    } else if (step.do === 'alter' && !writer && this.readers.length === 0) sql = `ALTER TABLE t ADD COLUMN c${++this.columns} BIGINT`;
    else return;
    await this.sql(sql, writer?.session);
    if (writer) writer.rows = after;
    else this.rows = after;
  }

  private inserted({ rows, inOrder }: Extract<Step, { do: 'insert' }>): [Row[], string] {
    const given = inOrder ? rows.map(([ts, sym]) => [ts + this.late, sym] as const).sort(([a], [b]) => a - b) : rows;
    const made = given.map(([ts, sym]): Row => ({ ts, sym, n: this.next++ }));
    this.late = Math.max(this.late, ...made.map(({ ts }) => ts));
    const values = made.map(({ ts, sym, n }) => `('${time(ts)}', ${sym === null ? 'NULL' : `'${sym}'`}, ${n})`);
    return [made, `INSERT INTO t (ts, sym, n) VALUES ${values.join(', ')}`];
  }

  /** Somebody who goes on seeing what is there now. */
  private async read(): Promise<void> {
    const session = this.engine.query.openSession(EMBEDDED);
    await this.sql('BEGIN', session);
    await this.sql('SELECT count(*) FROM t', session);
    this.readers.push({ session, rows: this.rows });
  }

  async check(): Promise<void> {
    const views = [{ rows: this.rows, session: undefined }, ...this.readers, ...(this.writer ? [this.writer] : [])];
    for (const { rows, session } of views) {
      for (const { sql, wanted } of ASKED) expect((await this.sql(sql, session)).sort(), sql).toEqual(wanted(rows));
    }
  }

  end(): void {
    for (const { session } of this.readers) session.close();
    this.writer?.session.close();
  }
}

it('the newest row of each key is right after every change, for those who see it and those who do not', async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ partitionBy, segmentRows, steps }) => {
      const settings = settingsWith({ path: ':memory:', memory_limit: '256MB', segment_rows: segmentRows });
      const engine = await openDatabase(settings, { workerThreads: 0 });
      const world = new World(engine);
      try {
        await world.sql(`CREATE TABLE t (pad BIGINT, ts TIMESTAMP_NS, sym SYMBOL, n BIGINT) TIMESTAMP(ts) PARTITION BY ${partitionBy}`);
        for (const each of steps) {
          await world.take(each);
          await world.check();
        }
      } finally {
        world.end();
        await engine.close();
      }
    }),
    {
      endOnFailure: true,
      numRuns: Number(process.env.FLETCH_RUNS ?? 25),
      ...(process.env.FLETCH_SEED === undefined ? {} : { seed: Number(process.env.FLETCH_SEED) }),
    },
  );
}, 300_000);

it('what is kept of newest rows goes with the rows: nothing stays in memory', async () => {
  const engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '256MB' }), { workerThreads: 0 });
  const sql = async (text: string) => resultRows(await engine.query.execute({ sql: text, principal: EMBEDDED }), engine.arena);
  const used = () => engine.storage.statistics().arenaBytes;
  const round = async () => {
    await sql('CREATE TABLE t (ts TIMESTAMP, sym SYMBOL) TIMESTAMP(ts)');
    for (const first of [0, 500, 1000]) {
      await sql(
        `INSERT INTO t SELECT TIMESTAMP '2026-01-01' + (${first} + i) * INTERVAL 1 SECOND, 's' || (i % ${10 + first / 25}) FROM range(500) r(i)`,
      );
      expect((await sql('SELECT sym FROM t LATEST ON ts PARTITION BY sym')).length).toBe(10 + first / 25);
    }
    await engine.storage.flush('t');
    await sql('SELECT sym FROM t LATEST ON ts PARTITION BY sym');
    await sql('DROP TABLE t');
  };
  await round();
  const before = used();
  for (let i = 0; i < 5; i++) await round();
  expect(used()).toBe(before);
  await engine.close();
});
