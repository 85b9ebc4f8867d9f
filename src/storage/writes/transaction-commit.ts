/** A transaction's commit: conflicts are found, everything is planned in memory and as catalog writes, then shown. */

import type { AppendResult } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { CatalogWrite } from '../catalog/catalog.js';
import type { StorageContext } from '../storage-context.js';
import { hasSameColumns } from '../tables/layout.js';
import { tryLoadTexts } from '../tables/load-for-readers.js';
import { mergedNames, type Names } from '../tables/names.js';
import { type AliveRows, aliveBytes, type Segment } from '../tables/segment.js';
import { markChanged, type Table, type Undo, undoAll } from '../tables/table.js';
import { closeFull, forgetWrites, truncateApplied, truncatePlanned, writeRecord } from './append-session.js';
import type { CommitWork } from './commit-queue.js';
import { type Deletion, planDeletions, rowsMoved, showDeletion, writeDeletion } from './delete-rows.js';
import { type Piece, planSealedPiece } from './private-rows.js';
import { removedRows, type TransactionTable } from './transaction-table.js';

/** The storage's names, visible ones and those of commits under way. */
export interface CommitState {
  plannedNames: Names;
  showNames(names: Names): void;
  /** The table ids that are given out are below. */
  nextTableId: number;
}

export interface TransactionChange {
  /** Of the last commit that the transaction saw. */
  readonly sequence: number;
  readonly before: Names;
  readonly after: Names;
  readonly tables: readonly TransactionTable[];
}

interface Plan {
  readonly sequence: number;
  readonly undo: Undo;
  readonly writes: CatalogWrite[];
  /** What makes the plan visible, in order. */
  readonly shown: (() => void)[];
  /** Tables whose rows the group writes in vain. */
  readonly emptied: Table[];
}

export class TransactionCommit implements CommitWork<AppendResult> {
  readonly sizeBytes: number;
  readonly mayWait: boolean;
  private readonly context: StorageContext;
  private readonly state: CommitState;
  private readonly change: TransactionChange;
  private rows = 0;
  private shown: (() => void)[] = [];

  constructor(context: StorageContext, state: CommitState, change: TransactionChange) {
    this.context = context;
    this.state = state;
    this.change = change;
    this.sizeBytes = change.tables.reduce((sum, { rows }) => sum + rows.sizeBytes, 0);
    this.mayWait = change.before === change.after && change.tables.every(changesRowsOnly);
  }

  plan(sequence: number, writes: CatalogWrite[]): void {
    const { context, state, change } = this;
    context.assertWritable();
    const plan: Plan = { sequence, undo: [], writes: [], shown: [], emptied: [] };
    const { plannedNames } = state;
    plan.undo.push(() => {
      state.plannedNames = plannedNames;
    });
    try {
      this.assertNoConflict();
      const names = mergedNames(change.before, change.after, plannedNames, plan.writes);
      const kept = new Set(change.after.tables.values());
      for (const table of change.before.tables.values()) if (!kept.has(table)) this.dropTable(table, plan);
      for (const own of change.tables) if (kept.has(own.table)) this.changeTable(own, plan);
      state.plannedNames = names;
      plan.shown.push(() => state.showNames(names));
    } catch (error) {
      undoAll(plan.undo);
      this.rows = 0;
      throw error;
    }
    for (const table of plan.emptied) forgetWrites(table, writes);
    writes.push(...plan.writes);
    this.shown = plan.shown;
  }

  apply(sequence: number): AppendResult {
    for (const show of this.shown) show();
    this.context.tableChanged();
    return { rows: this.rows, sequence: BigInt(sequence) };
  }

  private assertNoConflict(): void {
    const { sequence, tables, before, after } = this.change;
    const kept = new Set(after.tables.values());
    for (const table of before.tables.values()) if (!kept.has(table) && table.dropped) throw changedMeanwhile(table, 'dropped');
    for (const own of tables) {
      const { table } = own;
      if (own.base === null || !(own.isChanged || own.isExclusive)) continue;
      if (table.dropped) throw changedMeanwhile(table, 'dropped');
      if (table.alteredAt > sequence) throw changedMeanwhile(table, 'altered');
      if (table.truncatedAt > sequence) throw changedMeanwhile(table, 'truncated');
      if (own.isExclusive && table.changedAt > sequence) throw changedMeanwhile(table, 'changed');
    }
  }

  private dropTable(table: Table, plan: Plan): void {
    const { context } = this;
    const doomed: Segment[] = [];
    const { persistent } = context.catalog;
    truncatePlanned(context, table, plan.sequence, plan.undo, doomed, plan.writes);
    tryLoadTexts(context, table);
    if (persistent) for (const store of ['table', 'dictionary'] as const) plan.writes.push({ store, removeAllOf: [table.id] });
    table.dropped = true;
    plan.undo.push(() => {
      table.dropped = false;
    });
    plan.emptied.push(table);
    plan.shown.push(() => {
      truncateApplied(context, table, doomed);
      for (const column of table.allColumns) column.dictionary?.retire();
    });
  }

  private changeTable(own: TransactionTable, plan: Plan): void {
    const { context } = this;
    const { table } = own;
    if (own.base !== null && !own.isChanged) return;
    table.assertWritable();
    if (own.isAltered || own.base === null) this.alterTable(own, plan);
    if (own.isTruncated && own.base !== null) {
      const doomed: Segment[] = [];
      truncatePlanned(context, table, plan.sequence, plan.undo, doomed, plan.writes);
      plan.emptied.push(table);
      plan.shown.push(() => truncateApplied(context, table, doomed));
    }
    for (const overlay of own.overlays.values()) this.deleteRows(own, overlay, plan);
    this.addRows(own, plan);
    markChanged(table, plan.sequence, plan.undo);
    context.changedTables.add(table);
  }

  private alterTable({ table, form, base }: TransactionTable, plan: Plan): void {
    const { plannedForm, allColumns, alteredAt } = table;
    const known = new Set(allColumns);
    table.plannedForm = form;
    // Dropped columns stay known: older segments hold them.
    table.allColumns = [...allColumns, ...form.layout.columns.filter((column) => !known.has(column))];
    table.alteredAt = plan.sequence;
    plan.undo.push(() => {
      table.plannedForm = plannedForm;
      table.allColumns = allColumns;
      table.alteredAt = alteredAt;
    });
    if (base !== null && !hasSameColumns(plannedForm.layout, form.layout)) {
      const closed: Segment[] = [];
      table.closeActive(plan.undo, closed);
      plan.shown.push(() => {
        for (const segment of closed) this.context.sealer.enqueue(table, segment);
      });
    }
    if (this.context.catalog.persistent) {
      plan.writes.push({ store: 'table', key: [table.id], value: table.record });
      plan.writes.push({ store: 'meta', key: 'nextTableId', value: this.state.nextTableId });
    }
    plan.shown.push(() => {
      table.form = form;
      table.touchAll();
    });
  }

  private deleteRows(own: TransactionTable, overlay: Parameters<typeof removedRows>[1], plan: Plan): void {
    const { context } = this;
    const { table } = own;
    if (overlay.version.segment.discarded) throw rowsMoved(table);
    context.memory.scratch((allocate) => {
      const rows = removedRows(context, overlay, allocate);
      const wanted = context.memory.kernels.tally_bits(rows, 0, overlay.version.rowCount);
      if (wanted === 0) return;
      const deletions = planDeletions(context, table, { version: overlay.version, rows }, plan.undo, plan.writes);
      const found = deletions.reduce((sum, { count }) => sum + count, 0);
      if (found !== wanted) throw changedMeanwhile(table, 'changed', 'rows');
      this.rows += wanted;
      plan.shown.push(() => {
        for (const deletion of deletions) showDeletion(context, table, deletion);
      });
    });
  }

  private addRows(own: TransactionTable, plan: Plan): void {
    const { context } = this;
    const { table } = own;
    const closed: Segment[] = [];
    const dead: DeadRows[] = [];
    let index = 0;
    for (const piece of own.rows.pieces) {
      const { segment, records, alive } = piece;
      if (segment.rows === alive.deleted) continue;
      this.rows += segment.rows - alive.deleted;
      if (segment.state === 'sealed' || !hasSameColumns(segment.layout, own.form.layout)) {
        table.closeActive(plan.undo, closed);
        this.addPiece(table, piece, closed, plan);
        continue;
      }
      let from = 0;
      for (const record of records) {
        const target = table.place(record, segment.layout, plan.undo, closed);
        if (context.catalog.persistent) writeRecord(target, record, [table.id, target.id, plan.sequence, index++], plan.undo, plan.writes);
        if (alive.deleted > 0) dead.push({ segment: target, at: target.rows - record.rows, alive, from, rows: record.rows });
        from += record.rows;
        plan.shown.push(() => {
          target.visibleRows += record.rows;
          table.touch(target);
        });
      }
    }
    this.hideDead(table, dead, plan);
    closeFull(context, table, plan.undo, closed);
    plan.shown.push(() => {
      table.touchAll();
      for (const segment of closed) context.sealer.enqueue(table, segment);
    });
  }

  /** A piece that becomes a segment as it is. */
  private addPiece(table: Table, piece: Piece, closed: Segment[], plan: Plan): void {
    const { context } = this;
    const { segment, alive } = piece;
    planSealedPiece(context, table, piece, plan.undo, segment.state === 'sealed' ? plan.writes : []);
    if (segment.state !== 'sealed') {
      segment.state = 'closed';
      closed.push(segment);
      piece.records.forEach((record, index) => {
        if (context.catalog.persistent) writeRecord(segment, record, [table.id, segment.id, plan.sequence, index], plan.undo, plan.writes);
      });
    }
    segment.alive = segment.plannedAlive = alive;
    if (alive.deleted > 0 && segment.state === 'sealed') context.memory.kernels.trim_bits(alive.address, segment.rows);
    if (alive.deleted > 0 && context.catalog.persistent) writeDeletion(context, table, segment, plan.writes);
    plan.shown.push(() => {
      if (segment.state === 'sealed') segment.record = segment.plannedRecord;
      segment.visibleRows = segment.rows;
      table.touch(segment);
    });
  }

  /** Rows that the transaction added and removed again are placed with the others and marked as deleted. */
  private hideDead(table: Table, dead: readonly DeadRows[], plan: Plan): void {
    const { context } = this;
    const { memory, settings } = context;
    const { kernels } = memory;
    for (const segment of new Set(dead.map((rows) => rows.segment))) {
      const before = segment.plannedAlive;
      const bytes = aliveBytes(Math.max(settings.segment_rows, segment.rows));
      const address = memory.allocate(bytes);
      plan.undo.push(() => {
        memory.free(address);
        segment.plannedAlive = before;
      });
      if (before.deleted > 0) kernels.copy_bytes(address, before.address, bytes);
      else kernels.fill_bytes(address, 255, bytes);
      let { deleted } = before;
      for (const { at, alive, from, rows } of dead.filter((each) => each.segment === segment)) {
        kernels.move_bits(address, at, alive.address, from, rows);
        deleted += rows - kernels.tally_bits(alive.address, from, rows);
      }
      const alive = { deleted, address };
      segment.plannedAlive = alive;
      if (context.catalog.persistent) writeDeletion(context, table, segment, plan.writes);
      const deletion: Deletion = { segment, alive, count: deleted - before.deleted };
      plan.shown.push(() => showDeletion(context, table, deletion));
    }
  }
}

/** Nothing but rows of the tail and deletions. */
function changesRowsOnly({ base, isAltered, isTruncated, rows }: TransactionTable): boolean {
  return base !== null && !isAltered && !isTruncated && rows.pieces.every(({ segment }) => segment.state !== 'sealed');
}

/** Rows [at, at + rows) of a segment are alive as rows [from, from + rows) of the bitmap say. */
interface DeadRows {
  readonly segment: Segment;
  readonly at: number;
  readonly alive: AliveRows;
  readonly from: number;
  readonly rows: number;
}

function changedMeanwhile(table: Table, how: string, what?: string): DbError {
  const { name } = table.info.definition;
  return new DbError(
    'conflict',
    `${what === undefined ? 'table' : `${what} of table`} "${name}" ${what === undefined ? 'was' : 'were'} ${how} by another transaction meanwhile`,
    {
      hint: 'run the transaction again',
    },
  );
}
