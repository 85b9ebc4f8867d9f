/** The run of a statement whose WITH changes rows: rows that parts give each other, rows that they delete, and what the client gets. */
import type { Snapshot, StatementKind, StorageTransaction, TableSnapshot } from '../../core/contracts.js';
import { MemoryScope, Scratch } from '../../core/memory-scope.js';
import { BatchStream } from '../batch-stream.js';
import { storedName } from '../binder/object-name.js';
import type { FileRows } from '../plan/logical.js';
import type { DataStatement } from '../syntax/ast/statement.js';
import { ChangeRun } from './apply-changes.js';
import type { ChangePlan } from './change-plan.js';
import { HeldRows } from './held-rows.js';
import type { PlannedQuery } from './plan-cache.js';
import { RowMarks } from './row-marks.js';
import { openAppend, positioned } from './run-change.js';
import { runPlan } from './run-plan.js';
import { done, memoryLimitOf, type StatementContext, type StatementOutcome } from './statement.js';

interface Change {
  readonly statement: DataStatement;
  readonly run: ChangeRun;
}

export class WithRun {
  /** What all parts read. */
  readonly snapshot: Snapshot;
  private readonly writer: StorageTransaction;
  private readonly context: StatementContext;
  private readonly scope: MemoryScope;
  /** By table: a row that several parts change is changed by the first of them. */
  private readonly marks = new Map<string, RowMarks>();
  private readonly changes: Change[] = [];
  private readonly held: HeldRows[] = [];
  private last: Change | null = null;
  private result: HeldRows | null = null;
  private ordered = false;
  private rowsScanned = 0;
  private isReleased = false;

  constructor(writer: StorageTransaction, context: StatementContext) {
    this.writer = writer;
    this.context = context;
    this.snapshot = writer.snapshot();
    this.scope = new MemoryScope(context.storage.arena, memoryLimitOf(context));
  }

  async change(name: string, statement: DataStatement, plan: ChangePlan): Promise<FileRows | null> {
    const { run } = await this.begin(statement, plan);
    const returned = run.giveReturned();
    if (!returned) return null;
    this.held.push(returned);
    return returned.source(name);
  }

  async query(name: string, planned: PlannedQuery): Promise<FileRows> {
    return (await this.read(planned)).source(name);
  }

  /** The statement itself, when it is a query: all of its rows are read before anything is committed. */
  async keep(planned: PlannedQuery): Promise<void> {
    this.ordered = planned.ordered;
    this.result = await this.read(planned);
  }

  /** The statement itself, when it changes rows. */
  async changeLast(statement: DataStatement, plan: ChangePlan): Promise<void> {
    this.last = await this.begin(statement, plan);
    this.result = this.last.run.giveReturned();
    if (this.result) this.held.push(this.result);
  }

  /** Makes the changes. The outcome's rows hold all memory until they are read. */
  async finish(kind: StatementKind): Promise<StatementOutcome> {
    for (const [table, marks] of this.marks) if (!marks.isEmpty) await this.writer.deleteRows(table, marks.deletions());
    let affected: number | null = null;
    for (const change of this.changes) {
      const rows = await atTable(change.statement, () => change.run.commit());
      if (change === this.last) affected = rows;
      this.rowsScanned += change.run.rowsScanned;
    }
    const { result, rowsScanned, ordered } = this;
    if (!result) {
      this.release();
      return done(kind, affected, rowsScanned);
    }
    const batches = new BatchStream(result.batches(), { onEnd: () => this.release() });
    return { kind, schema: result.schema, affectedRows: affected, ordered, batches, rowsScanned: () => rowsScanned };
  }

  release(): void {
    for (const { run } of this.changes.splice(0)) run.release();
    for (const rows of this.held.splice(0)) rows.release();
    if (this.isReleased) return;
    this.isReleased = true;
    this.scope.release();
    this.snapshot.release();
  }

  private async begin(statement: DataStatement, plan: ChangePlan): Promise<Change> {
    const { definition } = plan.table.table;
    const open = () => openAppend(definition, plan.keys, this.writer, this.context);
    const change = { statement, run: new ChangeRun(plan, this.marksOf(plan.table), open, this.context) };
    this.changes.push(change);
    await atTable(statement, () => change.run.read());
    return change;
  }

  private marksOf(table: TableSnapshot): RowMarks {
    const name = storedName(table.table.definition);
    let marks = this.marks.get(name);
    if (!marks) {
      marks = new RowMarks(table, this.scope);
      this.marks.set(name, marks);
    }
    return marks;
  }

  private async read({ plan }: PlannedQuery): Promise<HeldRows> {
    const { context } = this;
    const execution = runPlan(plan, context);
    const rows = new HeldRows(execution.schema, context.storage.arena, memoryLimitOf(context));
    this.held.push(rows);
    const move = { arena: context.storage.arena, kernels: context.kernels, scratch: new Scratch(this.scope) };
    for await (const batch of execution.batches) rows.add(batch, batch.columns, 0, batch.rowCount, move);
    context.signal.throwIfAborted();
    this.rowsScanned += execution.rowsScanned();
    return rows;
  }
}

async function atTable<Result>(statement: DataStatement, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw positioned(error, statement);
  }
}
