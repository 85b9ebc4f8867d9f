/** Runs a change plan: row ids become one bitmap per touched segment, new rows go into one append, RETURNING's columns are kept for the client. */
import type { Batch, OwnedBatch, Vector } from '../../core/batch.js';
import type { AppendSession, StorageWriter } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { MemoryScope, Scratch } from '../../core/memory-scope.js';
import type { Schema } from '../../core/types.js';
import { storedName } from '../binder/object-name.js';
import { gatherVector, type MoveContext } from '../expression/gather.js';
import { ACTION, type ChangePlan } from './change-plan.js';
import { HeldRows } from './held-rows.js';
import { intsOf, RowIds, RowMarks } from './row-marks.js';
import { runPlan } from './run-plan.js';
import { memoryLimitOf, type StatementContext } from './statement.js';

export interface AppliedChanges {
  /** Rows inserted, updated or deleted. */
  readonly rows: number;
  readonly appended: number;
  readonly rowsScanned: number;
  /** RETURNING's rows; whoever gets them releases them. */
  readonly returned: HeldRows | null;
}

/** `openAppend` is asked for a session when the first row is to be appended. Nothing is committed when it fails, but the writer's state is not undone. */
export async function applyChanges(
  change: ChangePlan,
  writer: StorageWriter,
  openAppend: (schema: Schema) => AppendSession | Promise<AppendSession>,
  context: StatementContext,
): Promise<AppliedChanges> {
  const scope = new MemoryScope(context.storage.arena, memoryLimitOf(context));
  const marks = new RowMarks(change.table, scope);
  const run = new ChangeRun(change, marks, openAppend, context);
  try {
    await run.read();
    if (!marks.isEmpty) {
      const deleted = await writer.deleteRows(storedName(change.table.table.definition), marks.deletions());
      run.wereDeleted(deleted.rows);
    }
    const rows = await run.commit();
    return { rows, appended: run.appended, rowsScanned: run.rowsScanned, returned: run.giveReturned() };
  } finally {
    run.release();
    scope.release();
  }
}

/** One change: its plan is read and its rows are appended, but deletions are marked only; they are made before commit(). */
export class ChangeRun {
  appended = 0;
  rowsScanned = 0;
  private readonly change: ChangePlan;
  private readonly openAppend: (schema: Schema) => AppendSession | Promise<AppendSession>;
  private readonly context: StatementContext;
  private readonly schema: Schema;
  private readonly scope: MemoryScope;
  private readonly scratch: Scratch;
  private readonly marks: RowMarks;
  private session: AppendSession | null = null;
  private returned: HeldRows | null;
  private deletedOnly = 0;

  constructor(
    change: ChangePlan,
    marks: RowMarks,
    openAppend: (schema: Schema) => AppendSession | Promise<AppendSession>,
    context: StatementContext,
  ) {
    this.change = change;
    this.openAppend = openAppend;
    this.context = context;
    this.schema = { fields: change.values.map(({ name, type }) => ({ name, type, nullable: true })) };
    this.scope = new MemoryScope(context.storage.arena, memoryLimitOf(context));
    this.scratch = new Scratch(this.scope);
    this.marks = marks;
    this.returned = change.returned ? new HeldRows(change.returned, context.storage.arena, memoryLimitOf(context)) : null;
  }

  async read(): Promise<void> {
    const execution = runPlan(this.change.plan, this.context);
    for await (const batch of execution.batches) await this.take(batch);
    this.context.signal.throwIfAborted();
    this.rowsScanned = execution.rowsScanned();
  }

  /** Takes the batch over. */
  private async take(batch: OwnedBatch): Promise<void> {
    let kept = false;
    try {
      this.scratch.reset();
      const { first, values } = this.layout();
      const rows = this.select(batch);
      if (rows.changed === 0) return;
      const shown = batch.columns.slice(first + values);
      if (rows.appended > 0 && values > 0) {
        const columns = this.gathered(batch.columns.slice(first, first + values), rows.append, rows.appended, batch.rowCount);
        this.session ??= await this.openAppend(this.schema);
        await this.session.append({ arena: batch.arena, rowCount: rows.appended, columns }, this.schema);
        this.appended += rows.appended;
      }
      if (this.returned) {
        this.returned.add(batch, shown, rows.change, rows.changed, this.moveContext());
        kept = true;
      }
    } finally {
      if (!kept) batch.release();
    }
  }

  /** Rows that another has deleted meanwhile are not ours. */
  wereDeleted(rows: number): void {
    if (this.change.kind === 'delete' && !this.change.hasAction) this.deletedOnly = rows;
  }

  /** Returns how many rows changed. */
  async commit(): Promise<number> {
    await this.session?.commit();
    this.session = null;
    return this.appended + this.deletedOnly;
  }

  giveReturned(): HeldRows | null {
    const { returned } = this;
    this.returned = null;
    return returned;
  }

  release(): void {
    this.session?.abort();
    this.returned?.release();
    this.scope.release();
  }

  private layout(): { readonly first: number; readonly values: number } {
    const { hasRowIds, hasAction, values } = this.change;
    return { first: (hasRowIds ? 2 : 0) + (hasAction ? 1 : 0), values: values.length };
  }

  private moveContext(): MoveContext {
    return { arena: this.context.storage.arena, kernels: this.context.kernels, scratch: this.scratch };
  }

  private gathered(columns: readonly Vector[], rows: number, count: number, rowCount: number): readonly Vector[] {
    return count === rowCount ? columns : columns.map((column) => gatherVector(column, rows, count, this.moveContext()));
  }

  /** Marks the rows that are deleted, and lists the batch's rows that change something and those whose values are appended. */
  private select(batch: Batch): SelectedRows {
    const { rowCount } = batch;
    const { change, scope } = this;
    if (!change.hasRowIds && !change.hasAction) {
      return { change: 0, changed: rowCount, append: 0, appended: rowCount };
    }
    const lists = this.scratch.allocate(8 * rowCount);
    const { u32, i32 } = scope.arena;
    const changeAt = lists / 4;
    const appendAt = changeAt + rowCount;
    const ids = change.hasRowIds ? new RowIds(batch, scope) : null;
    const actions = change.hasAction ? intsOf(batch.columns[change.hasRowIds ? 2 : 0]) : null;
    let changed = 0;
    let appended = 0;
    for (let row = 0; row < rowCount; row++) {
      const action = actions ? (i32[actions[0] + row * actions[1]] as number) : ACTION[change.kind];
      if (action !== ACTION.insert && ids && !this.marks.mark(ids.segment(row), ids.row(row))) {
        if (change.namedTwice === 'fail') throw changedTwice();
        continue;
      }
      u32[changeAt + changed++] = row;
      if (action === ACTION.delete) this.deletedOnly += 1;
      else u32[appendAt + appended++] = row;
    }
    return { change: lists, changed, append: lists + 4 * rowCount, appended };
  }
}

interface SelectedRows {
  /** Address of row numbers (uint32), or anything when they are all rows. */
  readonly change: number;
  readonly changed: number;
  readonly append: number;
  readonly appended: number;
}

function changedTwice(): DbError {
  return new DbError('cardinality_violation', 'the statement would change one row twice', {
    hint: 'no more than one row of the source may match a row of the table',
  });
}
