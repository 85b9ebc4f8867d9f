/** DELETE: the condition runs as a query over the table's row ids; they become one bitmap per touched segment. */
import type { Batch, Vector } from '../../core/batch.js';
import { bitmapBytes } from '../../core/batch.js';
import type { Snapshot, TableDeletions, TableSnapshot } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { bindFrom } from '../binder/bind-from.js';
import { bindWhereConjuncts } from '../binder/bind-subquery.js';
import { coerceBool } from '../binder/coercion.js';
import type { BindContext, Clause } from '../binder/context.js';
import { conjunction } from '../binder/expressions.js';
import { scanWithRowIds } from '../binder/latest-on.js';
import { filterPlan, pickColumns } from '../binder/plans.js';
import { Relation } from '../binder/relation.js';
import { Scope } from '../binder/scope.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { Delete, Truncate } from '../syntax/ast/statement.js';
import { optimizePlan, runPlan } from './select.js';
import { bindContextOf, done, notYet, type StatementContext, type StatementOutcome } from './statement.js';
import { existingTable } from './table-names.js';

const ATTEMPTS = 5;

/** A segment may be replaced (sealed, merged) between reading and marking; then the statement runs again on a newer snapshot. */
export async function deleteRows(statement: Delete, context: StatementContext): Promise<StatementOutcome> {
  if (statement.using.length > 0) throw notYet('DELETE … USING', statement);
  if (statement.returning.length > 0) throw notYet('RETURNING', statement);
  if (statement.with) throw notYet('WITH before DELETE', statement);
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptDelete(statement, context);
    } catch (error) {
      if (!(error instanceof DbError && error.code === 'conflict') || attempt === ATTEMPTS) throw error;
    }
  }
}

async function attemptDelete(statement: Delete, context: StatementContext): Promise<StatementOutcome> {
  const snapshot = context.writer.snapshot();
  const scope = new MemoryScope(context.storage.arena);
  try {
    const table = existingTable(statement.table, snapshot);
    const plan = rowIdPlan(statement, snapshot, context);
    const execution = runPlan(plan, context);
    const bitmaps = new Map<number, number>();
    let marked = 0;
    for await (const batch of execution.batches) {
      try {
        marked += mark(batch, table, bitmaps, scope);
      } finally {
        batch.release();
      }
    }
    if (marked === 0) return done('delete', 0, execution.rowsScanned());
    const deletions = [...bitmaps].map(([index, rows]): TableDeletions => ({ segmentId: table.segments[index]?.id ?? -1, rows }));
    const result = await context.writer.deleteRows(table.table.definition.name, deletions);
    return done('delete', result.rows, execution.rowsScanned());
  } finally {
    scope.release();
    snapshot.release();
  }
}

/** Two columns: index of the segment, row in the segment. */
function rowIdPlan(statement: Delete, snapshot: Snapshot, context: StatementContext): LogicalPlan {
  const bind: BindContext = bindContextOf(context, snapshot);
  const reference = {
    kind: 'table' as const,
    name: statement.table,
    alias: statement.alias ? { name: statement.alias, columns: [] } : null,
    timestamp: null,
    sample: null,
    position: statement.table[0]?.position ?? statement.position,
    end: statement.end,
  };
  const from = bindFrom([reference], { context: bind, outer: null, commonTables: new Map() });
  if (from.plan.kind !== 'scan') throw notYet('DELETE from something else than a table', statement);
  const ids = [bind.nextId(), bind.nextId()] as const;
  const scan = scanWithRowIds(from.plan, ids);
  const relation = new Relation();
  const clause: Clause = {
    context: bind,
    name: 'WHERE',
    scope: new Scope(from.columns, null),
    commonTables: new Map(),
    relation,
    aggregates: null,
  };
  const parts = statement.where === null ? [] : bindWhereConjuncts(statement.where, clause);
  const condition = conjunction(parts.map((part) => coerceBool(part, 'WHERE')));
  const filtered = filterPlan(relation.settle(scan), condition);
  return optimizePlan(pickColumns(filtered, scan.output.slice(-2)), bind, context);
}

/** Sets the bits of a batch of row ids; returns how many. */
function mark(batch: Batch, table: TableSnapshot, bitmaps: Map<number, number>, scope: MemoryScope): number {
  const [segments, rows] = batch.columns;
  if (!segments || !rows) return 0;
  const { i32, u8 } = scope.arena;
  const [segmentAt, segmentStep] = positionOf(segments);
  const [rowAt, rowStep] = positionOf(rows);
  let current = -1;
  let bitmap = 0;
  for (let i = 0; i < batch.rowCount; i++) {
    const segment = i32[segmentAt + i * segmentStep] as number;
    if (segment !== current) {
      current = segment;
      bitmap = bitmapOf(segment, table, bitmaps, scope);
    }
    const row = i32[rowAt + i * rowStep] as number;
    u8[bitmap + (row >> 3)] = (u8[bitmap + (row >> 3)] as number) | (1 << (row & 7));
  }
  return batch.rowCount;
}

function bitmapOf(segment: number, table: TableSnapshot, bitmaps: Map<number, number>, scope: MemoryScope): number {
  const known = bitmaps.get(segment);
  if (known !== undefined) return known;
  const bitmap = scope.allocateZeroed(bitmapBytes(table.segments[segment]?.rowCount ?? 0));
  bitmaps.set(segment, bitmap);
  return bitmap;
}

/** Index of the first int32 of a vector, and how far apart its rows are (0 for a constant). */
function positionOf(vector: Vector): readonly [number, number] {
  return [vector.values / 4, vector.encoding === 'constant' ? 0 : 1];
}

export async function truncate(statement: Truncate, context: StatementContext): Promise<StatementOutcome> {
  const snapshot = context.writer.snapshot();
  let names: readonly string[];
  try {
    names = statement.tables.map((table) => existingTable(table, snapshot).table.definition.name);
  } finally {
    snapshot.release();
  }
  for (const name of names) await context.writer.truncateTable(name);
  return done('ddl');
}
