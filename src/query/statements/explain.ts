/** EXPLAIN: the plan as text; EXPLAIN ANALYZE: it runs, and every operator says what it did. */
import type { Snapshot } from '../../core/contracts.js';
import { UTF8 } from '../../core/types.js';
import { describeNode } from '../execution/describe.js';
import { describePhysical } from '../execution/execute.js';
import type { OperatorProfile } from '../execution/profile.js';
import { inputsOf, type LogicalPlan } from '../plan/logical.js';
import type { Query } from '../syntax/ast/query.js';
import type { Delete, Explain, Statement, Update } from '../syntax/ast/statement.js';
import type { TableReference } from '../syntax/ast/table.js';
import { parseStatement } from '../syntax/parser.js';
import { withPivotValues } from './find-pivot-values.js';
import { runPlan } from './run-plan.js';
import { planQuery } from './select.js';
import { listing } from './show.js';
import { notYet, type StatementContext, type StatementOutcome } from './statement.js';
import { isWriting, type PlannedPart, planWriting } from './writing-with.js';

export async function explain(statement: Explain, context: StatementContext): Promise<StatementOutcome> {
  const snapshot = context.writer.snapshot();
  try {
    const lines = await linesOf(statement, snapshot, context);
    return listing({ columns: [{ name: 'plan', type: UTF8 }], rows: lines.map((line) => [line]) }, context, snapshot);
  } catch (error) {
    (snapshot satisfies Snapshot).release();
    throw error;
  }
}

async function linesOf(statement: Explain, snapshot: Snapshot, context: StatementContext): Promise<readonly string[]> {
  const { analyze: runs, format } = statement;
  if (isWriting(statement.statement)) {
    if (runs) throw notYet('EXPLAIN ANALYZE of a statement that writes', statement.statement);
    const parts = await planWriting(statement.statement, snapshot, context);
    return format === 'json' ? [JSON.stringify(parts.map(partJson), null, 2)] : parts.flatMap(partLines);
  }
  const query = explained(statement.statement, runs);
  const { plan } = await withPivotValues(context, snapshot, (bind) => planQuery(query, bind, context));
  if (format === 'json') return [await planJson(plan, runs, context)];
  return runs ? analyze(plan, context) : describePhysical(plan);
}

/** `WITH moved: DELETE FROM t`, and the rows that it reads. */
function partLines({ name, does, plan }: PlannedPart): readonly string[] {
  const title = name === null ? does : [`WITH ${name}`, does].filter((text) => text !== '').join(': ');
  const lines = describePhysical(plan);
  return title === '' ? lines : [title, ...lines.map((line) => `  ${line}`)];
}

function partJson({ name, does, plan }: PlannedPart): object {
  return { ...(name === null ? {} : { with: name }), ...(does === '' ? {} : { does }), plan: describedNode(plan) };
}

/** The query whose plan is shown; a statement that writes is explained by the rows that it reads, and not run. */
function explained(statement: Statement, analyze: boolean): Query {
  if (statement.kind === 'query') return statement;
  if (analyze) throw notYet('EXPLAIN ANALYZE of a statement that writes', statement);
  if (statement.kind === 'insert' && statement.source && !statement.with) return statement.source;
  if (statement.kind === 'createTable' && statement.query) return statement.query;
  if (statement.kind === 'update') return rowsOf(statement, statement.from);
  if (statement.kind === 'delete') return rowsOf(statement, statement.using);
  throw notYet('EXPLAIN of this statement', statement);
}

/** SELECT * of the rows that an UPDATE or DELETE finds. */
function rowsOf(statement: Update | Delete, further: readonly TableReference[]): Query {
  const { position, end } = statement;
  const alias = statement.alias && { name: statement.alias, columns: [] };
  const target: TableReference = { kind: 'table', position, end, name: statement.table, alias, timestamp: null, sample: null };
  const query = parseStatement('SELECT * FROM t') as Query;
  if (query.body.kind !== 'select') return query;
  return { ...query, with: statement.with, body: { ...query.body, from: [target, ...further], where: statement.where } };
}

interface Run {
  readonly operators: readonly OperatorProfile[];
  readonly rows: number;
  readonly rowsScanned: number;
  readonly microseconds: number;
}

/** Runs the plan to its end; the rows themselves are dropped. */
async function measured(plan: LogicalPlan, context: StatementContext): Promise<Run> {
  const started = context.environment.monotonicMicroseconds();
  const execution = runPlan(plan, context);
  let rows = 0;
  for await (const batch of execution.batches) {
    rows += batch.rowCount;
    batch.release();
  }
  const microseconds = Math.round(context.environment.monotonicMicroseconds() - started);
  return { operators: execution.profile(), rows, rowsScanned: execution.rowsScanned(), microseconds };
}

async function analyze(plan: LogicalPlan, context: StatementContext): Promise<readonly string[]> {
  const run = await measured(plan, context);
  const total = `${run.rows} rows, ${run.rowsScanned} scanned, ${(run.microseconds / 1000).toFixed(3)} ms`;
  return [...run.operators.flatMap(profileLines), total];
}

interface JsonNode {
  readonly operator: string;
  readonly details: readonly string[];
  readonly inputs: JsonNode[];
}

function describedNode(node: LogicalPlan): JsonNode {
  const { name, details } = describeNode(node);
  return { operator: name, details, inputs: inputsOf(node).map(describedNode) };
}

/** One document: the operators inside each other, with what each did when the statement ran. */
async function planJson(plan: LogicalPlan, runs: boolean, context: StatementContext): Promise<string> {
  if (!runs) return JSON.stringify([{ plan: describedNode(plan) }], null, 2);
  const run = await measured(plan, context);
  const root = nested(run.operators);
  return JSON.stringify([{ plan: root, rows: run.rows, rows_scanned: run.rowsScanned, execution_time_us: run.microseconds }], null, 2);
}

/** Parents stand before their inputs. */
function nested(operators: readonly OperatorProfile[]): JsonNode | undefined {
  const open: JsonNode[] = [];
  for (const { name, depth, details, rows, bytes, segments, prunedRows, microseconds, threads } of operators) {
    const read = segments ? { segments: segments.total, segments_read: segments.total - segments.pruned, rows_pruned: prunedRows } : {};
    const node = { operator: name, details, rows, bytes, time_us: microseconds, threads, ...read, inputs: [] };
    open.length = depth;
    open.at(-1)?.inputs.push(node);
    open.push(node);
  }
  return open[0];
}

function profileLines(operator: OperatorProfile): readonly string[] {
  const indent = '  '.repeat(operator.depth);
  const segments = operator.segments
    ? `, segments ${operator.segments.total - operator.segments.pruned} of ${operator.segments.total}${
        operator.prunedRows > 0 ? `, ${operator.prunedRows} rows pruned` : ''
      }`
    : '';
  const bytes = operator.bytes > 0 ? `, ${operator.bytes} bytes` : '';
  const figures = `(rows ${operator.rows}${bytes}${segments}, ${(operator.microseconds / 1000).toFixed(3)} ms, threads ${operator.threads})`;
  return [`${indent}${operator.name} ${figures}`, ...operator.details.map((detail) => `${indent}  ${detail}`)];
}
