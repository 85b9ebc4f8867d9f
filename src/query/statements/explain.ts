/** EXPLAIN: the plan as text; EXPLAIN ANALYZE: it runs, and every operator says what it did. */
import type { Snapshot } from '../../core/contracts.js';
import { UTF8 } from '../../core/types.js';
import { describePhysical } from '../execution/execute.js';
import type { OperatorProfile } from '../execution/profile.js';
import type { Query } from '../syntax/ast/query.js';
import type { Explain, Statement } from '../syntax/ast/statement.js';
import { planQuery, runPlan } from './select.js';
import { listing } from './show.js';
import { bindContextOf, notYet, type StatementContext, type StatementOutcome } from './statement.js';

export async function explain(statement: Explain, context: StatementContext): Promise<StatementOutcome> {
  if (statement.format === 'json') throw notYet('EXPLAIN (FORMAT JSON)', statement);
  const query = explained(statement.statement, statement.analyze);
  const snapshot = context.writer.snapshot();
  try {
    const { plan } = planQuery(query, bindContextOf(context, snapshot), context);
    const lines = statement.analyze ? await analyze(plan, context) : describePhysical(plan);
    return listing({ columns: [{ name: 'plan', type: UTF8 }], rows: lines.map((line) => [line]) }, context, snapshot);
  } catch (error) {
    (snapshot satisfies Snapshot).release();
    throw error;
  }
}

/** The query whose plan is shown; a statement that writes is explained by its query, but not run. */
function explained(statement: Statement, analyze: boolean): Query {
  if (statement.kind === 'query') return statement;
  if (!analyze && statement.kind === 'insert' && statement.source && !statement.with) return statement.source;
  if (!analyze && statement.kind === 'createTable' && statement.query) return statement.query;
  throw notYet(`EXPLAIN${analyze ? ' ANALYZE' : ''} of this statement`, statement);
}

async function analyze(plan: Parameters<typeof runPlan>[0], context: StatementContext): Promise<readonly string[]> {
  const started = context.environment.monotonicMicroseconds();
  const execution = runPlan(plan, context);
  let rows = 0;
  for await (const batch of execution.batches) {
    rows += batch.rowCount;
    batch.release();
  }
  const elapsed = context.environment.monotonicMicroseconds() - started;
  const total = `${rows} rows, ${execution.rowsScanned()} scanned, ${(elapsed / 1000).toFixed(3)} ms`;
  return [...execution.profile().flatMap(profileLines), total];
}

function profileLines(operator: OperatorProfile): readonly string[] {
  const indent = '  '.repeat(operator.depth);
  const segments = operator.segments
    ? `, segments ${operator.segments.total - operator.segments.pruned} of ${operator.segments.total}`
    : '';
  const bytes = operator.bytes > 0 ? `, ${operator.bytes} bytes` : '';
  const figures = `(rows ${operator.rows}${bytes}${segments}, ${(operator.microseconds / 1000).toFixed(3)} ms, threads ${operator.threads})`;
  return [`${indent}${operator.name} ${figures}`, ...operator.details.map((detail) => `${indent}  ${detail}`)];
}
