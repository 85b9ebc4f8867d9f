/**
 * CHECK, UNIQUE and PRIMARY KEY over the rows that a transaction has just appended. Rows before them keep the constraints already, so only what
 * new rows meet is looked at; zone maps leave away the segments that cannot hold their keys.
 */
import type { Value } from '../../core/batch.js';
import type { Snapshot, StorageWriter, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { valueAt } from '../../core/values.js';
import type { BindContext } from '../binder/context.js';
import { not } from '../binder/expressions.js';
import { filterPlan } from '../binder/plans.js';
import { valueToText } from '../expression/literals.js';
import { columnsOf } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn } from '../plan/logical.js';
import { RowMarks } from '../statements/row-marks.js';
import { optimizePlan, runPlan } from '../statements/run-plan.js';
import { bindContextOf, memoryLimitOf, type PlanContext } from '../statements/statement.js';
import { bindCheck } from './check-condition.js';
import {
  boundsPlan,
  firstRowOf,
  type Key,
  oldWithNewKey,
  rangedColumns,
  repeatedKeys,
  repeatedRows,
  rowIdsOf,
  withinBounds,
} from './key-plans.js';
import { lastRows, newRows, oldRows, type RangeRows, type RowRange } from './row-range.js';

/** What becomes of rows with a key that exists: the last one stays (`replace`: of PRIMARY KEY, `replaceAll`: of UNIQUE too), or it is refused. `unchanged`: no key can have changed. */
export type KeyRule = 'replace' | 'replaceAll' | 'refuse' | 'unchanged';

export function hasKeys(definition: TableDefinition): boolean {
  return definition.dedupKeys.length > 0 || (definition.constraints ?? []).some((constraint) => constraint.kind === 'unique');
}

/** True when rows must be looked at after they were appended. */
export function isConstrained(definition: TableDefinition): boolean {
  return hasKeys(definition) || (definition.constraints ?? []).length > 0;
}

/** The keys of a table, PRIMARY KEY and DEDUP KEYS first. */
export function keysOf(definition: TableDefinition): readonly (Key & { readonly name: string; readonly isPrimary: boolean })[] {
  const primary = definition.dedupKeys.length === 0 ? [] : [{ columns: definition.dedupKeys, nullsEqual: true, isPrimary: true }];
  const unique = (definition.constraints ?? []).flatMap((constraint) =>
    constraint.kind === 'unique' ? [{ columns: constraint.columns, nullsEqual: false, isPrimary: false, name: constraint.name }] : [],
  );
  return [...primary.map((key) => ({ ...key, name: `${definition.name}_pkey` })), ...unique];
}

/** The last `count` rows of the table are new. Fails with `constraint_violation`; what it deletes is part of the transaction. */
export async function enforceConstraints(
  writer: StorageWriter,
  table: string,
  count: number,
  rule: KeyRule,
  context: PlanContext,
): Promise<void> {
  if (count === 0) return;
  const enforcer = new Enforcer(writer, table, count, context);
  try {
    await enforcer.checkConditions();
    if (rule === 'unchanged') return;
    for (const key of enforcer.keys) {
      if (rule === 'replaceAll' || (key.isPrimary && rule === 'replace')) await enforcer.replaceOlder(key);
      else await enforcer.refuseRepeated(key, key.name);
    }
  } finally {
    enforcer.release();
  }
}

class Enforcer {
  readonly keys: ReturnType<typeof keysOf>;
  private readonly writer: StorageWriter;
  private readonly name: string;
  private readonly context: PlanContext;
  private readonly definition: TableDefinition;
  private readonly count: number;
  private snapshot: Snapshot;

  constructor(writer: StorageWriter, name: string, count: number, context: PlanContext) {
    this.writer = writer;
    this.name = name;
    this.context = context;
    this.count = count;
    this.snapshot = writer.snapshot();
    this.definition = this.range().table.table.definition;
    this.keys = keysOf(this.definition);
  }

  release(): void {
    this.snapshot.release();
  }

  private range(): RowRange {
    const table = this.snapshot.table(this.name);
    if (!table) throw new DbError('table_not_found', `table ${this.name} was dropped`);
    return lastRows(table, this.count);
  }

  private bind(): BindContext {
    return bindContextOf(this.context, this.snapshot);
  }

  async checkConditions(): Promise<void> {
    for (const constraint of this.definition.constraints ?? []) {
      if (constraint.kind !== 'check') continue;
      const bind = this.bind();
      const rows = newRows(this.range(), bind);
      const scope = rows.columns.map((column) => ({ ...column, table: this.definition.name, unqualified: true }));
      const condition = bindCheck(constraint.sql, this.definition, scope, bind);
      const read = columnsOf(condition);
      const shown = rows.columns.filter((column) => read.has(column.id));
      const failing = firstRowOf(filterPlan(rows.plan, not(condition)), shown.length > 0 ? shown : rows.columns.slice(0, 1), bind);
      const row = await this.firstRow(failing, bind);
      if (!row) continue;
      throw new DbError('constraint_violation', `a row violates CHECK constraint "${constraint.name}": ${describe(row)}`, {
        hint: `CHECK (${constraint.sql})`,
      });
    }
  }

  /** Of rows with one key the last one stays. */
  async replaceOlder(key: Key): Promise<void> {
    const bind = this.bind();
    const range = this.range();
    const added = newRows(range, bind);
    const old = oldRows(range, bind);
    const scope = new MemoryScope(this.context.storage.arena, memoryLimitOf(this.context));
    try {
      const marks = new RowMarks(range.table, scope);
      if (old) await this.mark(rowIdsOf(await this.sharing(old, added, key, bind), old), 0, marks, bind);
      const repeated = this.count > 1 && (await this.firstKey(repeatedKeys(added, key, bind), key, bind));
      if (repeated) await this.mark(repeatedRows(added, key, bind), range.segment, marks, bind);
      if (!marks.isEmpty) await this.writer.deleteRows(this.name, marks.deletions());
    } finally {
      scope.release();
    }
    this.refresh();
  }

  async refuseRepeated(key: Key, name: string): Promise<void> {
    const bind = this.bind();
    const added = newRows(this.range(), bind);
    const old = oldRows(this.range(), bind);
    const found =
      (this.count > 1 ? await this.firstKey(repeatedKeys(added, key, bind), key, bind) : undefined) ??
      (old ? await this.firstRowOfOld(old, added, key, bind) : undefined);
    if (found) {
      throw new DbError('constraint_violation', `duplicate key value violates unique constraint "${name}": ${describe(found)}`);
    }
  }

  private async firstRowOfOld(old: RangeRows, added: RangeRows, key: Key, bind: BindContext): Promise<NamedValues | undefined> {
    const shown = key.columns.map((index) => old.columns[index] as OutputColumn);
    return this.firstRow(firstRowOf(await this.sharing(old, added, key, bind), shown, bind), bind);
  }

  private firstKey(plan: LogicalPlan, key: Key, bind: BindContext): Promise<NamedValues | undefined> {
    return this.firstRow(firstRowOf(plan, plan.output.slice(0, key.columns.length), bind), bind);
  }

  /** Old rows whose key a new row has, looked for only where the new keys' smallest and largest values allow. */
  private async sharing(old: RangeRows, added: RangeRows, key: Key, bind: BindContext): Promise<LogicalPlan> {
    const ranged = rangedColumns(added, key);
    const bounds = ranged.length === 0 ? undefined : await this.firstRow(boundsPlan(added, ranged, bind), bind);
    const indexes = ranged.map((column) => added.columns.indexOf(column));
    const near = withinBounds(old, indexes, bounds?.values ?? [], bind);
    return oldWithNewKey(old, near, added, key);
  }

  /** `firstSegment`: where the plan's segments begin among the table's. */
  private async mark(plan: LogicalPlan, firstSegment: number, marks: RowMarks, bind: BindContext): Promise<void> {
    for await (const batch of runPlan(optimizePlan(plan, bind, this.context), this.context).batches) {
      try {
        marks.markAll(batch, firstSegment);
      } finally {
        batch.release();
      }
    }
  }

  private async firstRow(plan: LogicalPlan, bind: BindContext): Promise<NamedValues | undefined> {
    let row: NamedValues | undefined;
    for await (const batch of runPlan(optimizePlan(plan, bind, this.context), this.context).batches) {
      if (row === undefined && batch.rowCount > 0) {
        row = {
          columns: plan.output,
          values: batch.columns.map((column) => valueAt(this.context.storage.arena, column, 0)),
        };
      }
      batch.release();
    }
    return row;
  }

  /** The next key sees what the last one has deleted. */
  private refresh(): void {
    this.snapshot.release();
    this.snapshot = this.writer.snapshot();
  }
}

interface NamedValues {
  readonly columns: readonly OutputColumn[];
  readonly values: readonly Value[];
}

/** `(a, b) = (1, x)`. */
function describe({ columns, values }: NamedValues): string {
  const texts = values.map((value, i) => valueToText(value, columns[i]?.type ?? { kind: 'null' }) ?? 'NULL');
  return `(${columns.map((column) => column.name).join(', ')}) = (${texts.join(', ')})`;
}
