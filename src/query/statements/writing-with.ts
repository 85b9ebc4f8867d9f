/**
 * Statements whose WITH changes rows. Its parts run once each, in turn, whether anything reads them or not; all of them and the statement itself
 * read the snapshot of the beginning, so they see each other's changes through RETURNING only. What they change is one transaction.
 */
import type { OwnedBatch } from '../../core/batch.js';
import type { QueryDescription, Snapshot, StatementKind, StorageTransaction } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { checkNames, commonQuery } from '../binder/common-tables.js';
import type { BindContext, CommonTableBinding } from '../binder/context.js';
import { storedName } from '../binder/object-name.js';
import { countReferences } from '../binder/recursive-references.js';
import { hasKeys } from '../constraints/enforce.js';
import type { FileRows, LogicalPlan } from '../plan/logical.js';
import type { CommonTable, Query, WithClause } from '../syntax/ast/query.js';
import type { DataStatement, Statement } from '../syntax/ast/statement.js';
import { parseStatement } from '../syntax/parser.js';
import type { ChangePlan } from './change-plan.js';
import { deletePlan } from './delete.js';
import { withPivotValues } from './find-pivot-values.js';
import { insertPlanOf } from './insert.js';
import { mergePlan } from './merge.js';
import type { PlannedQuery } from './plan-cache.js';
import { definitionNow } from './run-change.js';
import { planQuery } from './select.js';
import { NO_FIELDS, type StatementContext, type StatementOutcome } from './statement.js';
import { updatePlan } from './update.js';
import { WithRun } from './with-run.js';
import { writeAtomically } from './write-atomically.js';

/** A statement whose WITH changes rows. */
export type WritingStatement = (Query | DataStatement) & { readonly with: WithClause };

export function isWriting(statement: Statement): statement is WritingStatement {
  return withOf(statement)?.entries.some(({ query }) => query.kind !== 'query') ?? false;
}

function withOf(statement: Statement): WithClause | null {
  return isPart(statement) ? statement.with : null;
}

const KINDS = { query: 'query', insert: 'insert', update: 'update', delete: 'delete', merge: 'update' } as const satisfies Record<
  (Query | DataStatement)['kind'],
  StatementKind
>;

function isPart(statement: Statement): statement is Query | DataStatement {
  return statement.kind in KINDS;
}

// ---- parts ----

/** What is done with each part as soon as it is planned; the rows are what later parts read. */
export interface PartVisitor {
  change(name: string, statement: DataStatement, plan: ChangePlan): Promise<FileRows | null>;
  query(name: string, planned: PlannedQuery): Promise<FileRows>;
}

/** Plans the parts of the WITH in turn. Resolves to the context that the statement itself, without its WITH, is planned in. */
async function visitParts(
  statement: WritingStatement,
  snapshot: Snapshot,
  context: StatementContext,
  visitor: PartVisitor,
): Promise<StatementContext> {
  checkNames(statement.with);
  let inner: StatementContext = { ...context, around: new Map() };
  for (const entry of statement.with.entries) {
    const { query } = entry;
    if (query.kind === 'query') {
      inner = withTable(inner, commonQuery(entry, query, statement.with, statement, inner.around ?? new Map()));
      if (!isReadBySeveral(entry, statement)) continue;
      const rows = await visitor.query(entry.name.name, await planAllOf(entry, snapshot, inner));
      inner = withTable(inner, heldTable(entry, rows, []));
    } else {
      checkPart(entry, statement.with);
      const rows = await visitor.change(entry.name.name, query, await planChange(query, snapshot, inner));
      const columns = entry.columns.map((column) => column.name);
      inner = withTable(inner, heldTable(entry, rows, columns));
    }
  }
  return inner;
}

function withTable(context: StatementContext, table: CommonTableBinding): StatementContext {
  return { ...context, around: new Map(context.around).set(table.name.toLowerCase(), table) };
}

function heldTable(entry: CommonTable, rows: FileRows | null, columns: readonly string[]): CommonTableBinding {
  return { kind: 'held', name: entry.name.name, columns, rows, position: entry.name.position };
}

function planAllOf(entry: CommonTable, snapshot: Snapshot, context: StatementContext): Promise<PlannedQuery> {
  const all = { ...ALL_ROWS, body: { ...ALL_ROWS.body, from: [tableOf(entry)] } } as Query;
  return withPivotValues(context, snapshot, (bind) => planQuery(all, bind, context));
}

const ALL_ROWS = parseStatement('SELECT * FROM t') as Query;

function tableOf({ name, position, end }: CommonTable) {
  return { kind: 'table', name: [name], alias: null, timestamp: null, sample: null, position, end } as const;
}

function checkPart(entry: CommonTable, clause: WithClause): void {
  const recursion = clause.recursive && countReferences(entry.query, entry.name.name.toLowerCase()) > 0;
  if (!recursion && !entry.key) return;
  throw new DbError('syntax_error', `${entry.name.name} changes rows, so it cannot be recursive`, { position: entry.query.position });
}

/** A query that several parts read is computed once for all of them; a volatile one would give each of them other rows. */
function isReadBySeveral(entry: CommonTable, statement: WritingStatement): boolean {
  if (entry.materialized === false) return false;
  const { entries } = statement.with;
  const later = [...entries.slice(entries.indexOf(entry) + 1).map(({ query }) => query), { ...statement, with: null }];
  return later.filter((part) => countReferences(part, entry.name.name.toLowerCase()) > 0).length > 1;
}

function planChange(statement: DataStatement, snapshot: Snapshot, context: StatementContext): Promise<ChangePlan> {
  return withPivotValues(context, snapshot, (bind) => changePlanOf(statement, bind, context));
}

function changePlanOf(statement: DataStatement, bind: BindContext, context: StatementContext): ChangePlan {
  switch (statement.kind) {
    case 'insert':
      return insertPlanOf(statement, bind, context);
    case 'update':
      return updatePlan(statement, bind, context);
    case 'delete':
      return deletePlan(statement, bind, context);
    case 'merge':
      return mergePlan(statement, bind, context);
  }
}

/** What the statement itself does, its WITH apart. */
async function planRest(
  statement: WritingStatement,
  snapshot: Snapshot,
  context: StatementContext,
): Promise<{ readonly change: ChangePlan } | { readonly query: PlannedQuery }> {
  const rest = { ...statement, with: null };
  if (rest.kind !== 'query') return { change: await planChange(rest, snapshot, context) };
  return { query: await withPivotValues(context, snapshot, (bind) => planQuery(rest, bind, context)) };
}

// ---- running ----

export async function runWriting(statement: WritingStatement, context: StatementContext): Promise<StatementOutcome> {
  const kind = KINDS[statement.kind];
  const work = async (writer: StorageTransaction): Promise<StatementOutcome> => {
    const run = new WithRun(writer, context);
    try {
      const inner = await visitParts(statement, run.snapshot, context, run);
      const rest = await planRest(statement, run.snapshot, inner);
      if ('query' in rest) await run.keep(rest.query);
      else await run.changeLast(statement as DataStatement, rest.change);
      return await run.finish(kind);
    } catch (error) {
      run.release();
      throw error;
    }
  };
  const inTurn = () => writeAtomically(context, work, (outcome) => void outcome.batches?.[Symbol.asyncIterator]().return?.());
  const queues = context.transaction ? [] : keyedTables(statement, context);
  return queues.reduceRight((next, table) => () => context.keyQueue.run(table, next), inTurn)();
}

/** Tables with keys that the statement changes, in an order that is the same for all statements. */
function keyedTables(statement: WritingStatement, context: StatementContext): readonly string[] {
  const parts = [statement, ...statement.with.entries.map(({ query }) => query)];
  const changed = parts.flatMap((part) => (part.kind === 'query' ? [] : [definitionNow(part, context)]));
  return [...new Set(changed.filter(hasKeys).map((definition) => storedName(definition).toLowerCase()))].sort();
}

// ---- without running ----

const NO_BATCHES: AsyncIterable<OwnedBatch> = { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }) };

function withoutRows(name: string, fields: FileRows['fields']): FileRows {
  return { name, isHeld: true, fields, read: () => NO_BATCHES };
}

const PLANNING: PartVisitor = {
  change: async (name, _, { returned }) => (returned ? withoutRows(name, returned.fields) : null),
  query: async (name, { plan }) => withoutRows(name, plan.output),
};

/** A part by its name in WITH, or the statement itself; `does`: `INSERT INTO t`, empty for a query. */
export interface PlannedPart {
  readonly name: string | null;
  readonly does: string;
  readonly plan: LogicalPlan;
}

/** The plans of all parts and of the statement itself, which comes last. */
export async function planWriting(
  statement: WritingStatement,
  snapshot: Snapshot,
  context: StatementContext,
): Promise<readonly PlannedPart[]> {
  const parts: PlannedPart[] = [];
  const inner = await visitParts(statement, snapshot, context, {
    change: (name, part, planned) => {
      parts.push({ name, does: doesOf(part), plan: planned.plan });
      return PLANNING.change(name, part, planned);
    },
    query: (name, planned) => {
      parts.push({ name, does: '', plan: planned.plan });
      return PLANNING.query(name, planned);
    },
  });
  const rest = await planRest(statement, snapshot, inner);
  return [...parts, { name: null, does: doesOf(statement), plan: 'query' in rest ? rest.query.plan : rest.change.plan }];
}

const DOES = { insert: 'INSERT INTO', update: 'UPDATE', delete: 'DELETE FROM', merge: 'MERGE INTO' } as const;

function doesOf(part: Query | DataStatement): string {
  return part.kind === 'query' ? '' : `${DOES[part.kind]} ${part.table.map(({ name }) => name).join('.')}`;
}

export async function describeWriting(statement: WritingStatement, context: StatementContext): Promise<QueryDescription> {
  const snapshot = context.writer.snapshot();
  try {
    const rest = await planRest(statement, snapshot, await visitParts(statement, snapshot, context, PLANNING));
    const kind = KINDS[statement.kind];
    if ('change' in rest) return { kind, schema: rest.change.returned ?? NO_FIELDS, rowCount: null, ordered: false };
    const fields = rest.query.plan.output.map(({ name, type, nullable }) => ({ name, type, nullable }));
    return { kind, schema: { fields }, rowCount: null, ordered: rest.query.ordered };
  } finally {
    snapshot.release();
  }
}

/** A data statement whose WITH changes nothing. */
export async function describeChange(statement: DataStatement, context: StatementContext): Promise<QueryDescription> {
  const snapshot = context.writer.snapshot();
  try {
    const { returned } = await planChange(statement, snapshot, context);
    return { kind: KINDS[statement.kind], schema: returned ?? NO_FIELDS, rowCount: null, ordered: false };
  } finally {
    snapshot.release();
  }
}
