/**
 * Oracles that need no other system. Ternary logic partitioning: the rows for which a condition is true, false and NULL are together all
 * rows, and aggregates over the parts add up. Non-optimizing reference: a condition in WHERE, which the optimizer takes apart and pushes
 * down, keeps as many rows as it is true for when it is computed as a column.
 */
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { openDatabase } from '../../src/database.js';
import { sqlOf } from './expressions.js';
import { type Partition, QueryMaker } from './queries.js';
import { Random } from './random.js';
import { NOT_YET, type Ours, runHere, VALUE_ERRORS } from './runner.js';
import { difference, type Row } from './values.js';
import { randomWorld, rendered } from './world.js';

export interface OracleReport {
  checked: number;
  /** Where a part failed on a value, or is not executed: nothing is said then. */
  skipped: number;
  readonly failures: string[];
}

type Run = (sql: string) => Promise<Ours>;
type Oracle = (partition: Partition, run: Run) => Promise<string | 'skipped' | undefined>;

const ORACLES: readonly Oracle[] = [partitionedRows, unitedRows, partitionedDistinct, partitionedGroups, countedTwice];

/** `count` random partitions of the world of a seed, each given to every oracle. */
export async function checkWorld(seed: number, count: number, report: OracleReport): Promise<void> {
  const world = randomWorld(new Random(seed));
  const settings = settingsWith({
    path: ':memory:',
    memory_limit: '512MB',
    segment_rows: world.segmentRows,
    dictionary_values: world.dictionaryValues,
  });
  const engine = await openDatabase(settings, { workerThreads: 0 });
  const run: Run = (sql) => runHere(engine, rendered(sql, 'ours'), undefined);
  try {
    for (const statement of world.statements) await engine.query.execute({ sql: rendered(statement, 'ours'), principal: EMBEDDED });
    if (world.segmentRows < 10_000) await engine.storage.flush();
    for (let i = 0; i < count; i++) {
      const partition = new QueryMaker(new Random(seed * 1000 + i), world).partition();
      for (const oracle of ORACLES) {
        const wrong = await oracle(partition, run);
        if (wrong === 'skipped') report.skipped++;
        else report.checked++;
        if (wrong !== undefined && wrong !== 'skipped') report.failures.push(`seed ${seed} partition ${i} ${oracle.name}: ${wrong}`);
      }
    }
  } finally {
    await engine.close();
  }
}

function conditionsOf({ condition }: Partition): readonly string[] {
  const text = sqlOf(condition);
  return [`(${text})`, `(NOT (${text}))`, `((${text}) IS NULL)`];
}

function itemsOf({ items }: Partition): string {
  return items.map((item, i) => `${sqlOf(item)} AS c${i}`).join(', ');
}

/** What is wrong with the answers `actual`, which together must be the answer `expected`. */
function judged(expected: Ours, actual: readonly Ours[], sql: string): string | 'skipped' | undefined {
  const all = [expected, ...actual];
  const crash = all.find((run) => run.error?.code === 'internal');
  if (crash) return `${crash.error?.message}\n${sql}`;
  if (all.some(({ error }) => error && (VALUE_ERRORS.has(error.code) || NOT_YET.has(error.code)))) return 'skipped';
  const failed = all.find((run) => run.error);
  if (failed) return `${failed.error?.code} ${failed.error?.message}\n${sql}`;
  const rows: Row[] = actual.flatMap((run) => run.rows ?? []);
  const wrong = difference(rows, expected.rows ?? [], { ordered: false });
  return wrong && `${wrong}\n${sql}`;
}

async function partitionedRows(partition: Partition, run: Run): Promise<string | undefined> {
  const all = `SELECT ${itemsOf(partition)} FROM ${partition.from}`;
  const parts: Ours[] = [];
  for (const condition of conditionsOf(partition)) parts.push(await run(`${all} WHERE ${condition}`));
  return judged(await run(all), parts, `${all}\nWHERE ${sqlOf(partition.condition)}`);
}

async function unitedRows(partition: Partition, run: Run): Promise<string | undefined> {
  const all = `SELECT ${itemsOf(partition)} FROM ${partition.from}`;
  const united = conditionsOf(partition)
    .map((condition) => `${all} WHERE ${condition}`)
    .join(' UNION ALL ');
  return judged(await run(all), [await run(united)], united);
}

async function partitionedDistinct(partition: Partition, run: Run): Promise<string | undefined> {
  const all = `SELECT DISTINCT ${itemsOf(partition)} FROM ${partition.from}`;
  const united = conditionsOf(partition)
    .map((condition) => `SELECT ${itemsOf(partition)} FROM ${partition.from} WHERE ${condition}`)
    .join(' UNION ');
  return judged(await run(all), [await run(united)], united);
}

async function partitionedGroups(partition: Partition, run: Run): Promise<string | undefined> {
  const [key, value] = [partition.items[0], partition.items.at(-1)];
  if (!key || !value) return undefined;
  const grouped = `SELECT ${sqlOf(key)} AS k, count(*) AS n, count(${sqlOf(value)}) AS m, min(${sqlOf(value)}) AS a, max(${sqlOf(value)}) AS b FROM ${partition.from}`;
  const united = conditionsOf(partition)
    .map((condition) => `${grouped} WHERE ${condition} GROUP BY 1`)
    .join(' UNION ALL ');
  const merged = `SELECT k, CAST(sum(n) AS BIGINT), CAST(sum(m) AS BIGINT), min(a), max(b) FROM (${united}) GROUP BY k`;
  return judged(await run(`${grouped} GROUP BY 1`), [await run(merged)], merged);
}

async function countedTwice(partition: Partition, run: Run): Promise<string | undefined> {
  const condition = sqlOf(partition.condition);
  const filtered = `SELECT count(*) FROM ${partition.from} WHERE ${condition}`;
  const computed = `SELECT count(*) FILTER (WHERE p) FROM (SELECT ${condition} AS p FROM ${partition.from}) q`;
  return judged(await run(computed), [await run(filtered)], filtered);
}
