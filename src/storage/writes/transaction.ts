/**
 * Transactions with snapshot isolation. Until commit() everything is private: rows in pieces (private-rows.ts), deletions in bitmaps, tables in
 * forms of their own, names in a copy. commit() is one piece of work of the commit queue (transaction-commit.ts).
 */
import type {
  AppendResult,
  AppendSession,
  Snapshot,
  StorageTransaction,
  TableChange,
  TableDefinition,
  TableDeletions,
  TableInfo,
  ViewDefinition,
} from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { registerFill } from '../columns/fill-column.js';
import { Epochs } from '../epochs.js';
import type { StorageContext } from '../storage-context.js';
import { StorageSnapshot, type Visible } from '../storage-snapshot.js';
import { alteredForm } from '../tables/alter-table.js';
import { assertSchema, membersOf, type Names, nameKey, tableKey } from '../tables/names.js';
import { type Table, type TableVersion, type Undo, undoAll } from '../tables/table.js';
import { checkedDefinition } from '../tables/table-definition.js';
import { StagedAppend } from './staged-append.js';
import { StagedRows } from './staged-rows.js';
import { type CommitState, TransactionCommit } from './transaction-commit.js';
import { TransactionTable } from './transaction-table.js';

/** What a transaction needs of the storage. */
export interface TransactionHost extends CommitState {
  readonly context: StorageContext;
  names(): Names;
  visible(): Visible;
  /** A table that nobody knows yet. */
  makeTable(definition: TableDefinition): Table;
}

export class Transaction implements StorageTransaction {
  private readonly host: TransactionHost;
  private readonly context: StorageContext;
  /** Of the last commit that the transaction sees. */
  private readonly sequence: number;
  private readonly base: Visible;
  private readonly baseNames: Names;
  private names: Names;
  private readonly touched = new Map<Table, TransactionTable>();
  /** Tables that were created after a savepoint that was gone back to. */
  private readonly unmade: TransactionTable[] = [];
  /** Of snapshots of the transaction; memory of before it is held by `holder`. */
  private readonly epochs = new Epochs();
  private readonly holder: number;
  private readonly undo: Undo = [];
  private readonly marks: number[] = [];
  private visible: Visible | null = null;
  private state: 'open' | 'committing' | 'over' = 'open';

  constructor(host: TransactionHost) {
    this.host = host;
    this.context = host.context;
    this.base = host.visible();
    this.baseNames = this.names = host.names();
    this.sequence = this.context.queue.sequence;
    this.holder = this.context.memory.epochs.enter();
  }

  snapshot(): Snapshot {
    this.assertOpen();
    this.visible ??= this.makeVisible();
    return new StorageSnapshot(this.context, this.visible, this.sequence, this.epochs);
  }

  async createTable(given: TableDefinition): Promise<TableInfo> {
    this.assertWritable();
    const definition = checkedDefinition(given);
    assertSchema(this.names, definition.schema);
    const key = this.freeKey(definition.name, definition.schema);
    const table = this.host.makeTable(definition);
    const made = new TransactionTable(this.context, table, null, this.epochs);
    this.touched.set(table, made);
    this.undo.push(() => {
      this.touched.delete(table);
      this.unmade.push(made);
    });
    this.rename({ tables: new Map(this.names.tables).set(key, table) });
    return table.info;
  }

  async alterTable(name: string, changes: readonly TableChange[]): Promise<TableInfo> {
    this.assertWritable();
    const [key, table] = this.find(name);
    const own = this.touch(table);
    const before = own.form;
    const { isAltered } = own;
    const hasRows = own.currentVersion().rowCount > 0;
    for (const change of changes) {
      const isForced = change.kind === 'add_column' && !change.column.nullable && change.fill === null && hasRows;
      if (isForced)
        throw new DbError(
          'constraint_violation',
          `column "${change.column.name}" is NOT NULL, and the rows that are there have no value for it`,
          {
            hint: 'give it a DEFAULT',
          },
        );
    }
    const form = alteredForm(before, changes, table.makeColumn);
    const { definition } = form.info;
    assertSchema(this.names, definition.schema);
    const to = nameKey(definition.name, definition.schema);
    if (to !== key) this.freeKey(definition.name, definition.schema);
    for (const column of form.layout.columns) if (!before.layout.columns.includes(column)) registerFill(this.context.memory, column);
    if (to !== key) {
      const tables = new Map(this.names.tables);
      tables.delete(key);
      this.rename({ tables: tables.set(to, table) });
    }
    own.newColumns = [...own.newColumns, ...form.layout.columns.filter((column) => !before.layout.columns.includes(column))];
    own.form = form;
    own.isAltered = true;
    own.touch();
    this.visible = null;
    this.undo.push(() => {
      own.form = before;
      own.isAltered = isAltered;
      own.touch();
    });
    return form.info;
  }

  async dropTable(name: string): Promise<void> {
    this.assertWritable();
    const [key] = this.find(name);
    const tables = new Map(this.names.tables);
    tables.delete(key);
    this.rename({ tables });
  }

  async truncateTable(name: string): Promise<void> {
    this.assertWritable();
    this.touch(this.find(name)[1]).truncate(this.undo);
    this.visible = null;
  }

  async createView(view: ViewDefinition, replace: boolean): Promise<void> {
    this.assertWritable();
    assertSchema(this.names, view.schema);
    const key = nameKey(view.name, view.schema);
    if (!(replace && this.names.views.has(key))) this.freeKey(view.name, view.schema);
    this.rename({ views: new Map(this.names.views).set(key, view) });
  }

  async dropView(name: string): Promise<void> {
    this.assertWritable();
    const views = new Map(this.names.views);
    if (!views.delete(name.toLowerCase())) throw new DbError('table_not_found', `view "${name}" does not exist`);
    this.rename({ views });
  }

  async createSchema(name: string): Promise<void> {
    this.assertWritable();
    const key = name.toLowerCase();
    if (key === 'public' || this.names.schemas.has(key)) throw new DbError('table_exists', `schema "${name}" exists`);
    this.rename({ schemas: new Map(this.names.schemas).set(key, name) });
  }

  async dropSchema(name: string): Promise<void> {
    this.assertWritable();
    const schemas = new Map(this.names.schemas);
    if (!schemas.delete(name.toLowerCase())) throw new DbError('not_found', `schema "${name}" does not exist`);
    const [member] = membersOf(this.names, name);
    if (member !== undefined)
      throw new DbError('invalid_argument', `schema "${name}" is not empty: "${member}" lies in it`, { hint: 'DROP SCHEMA … CASCADE' });
    this.rename({ schemas });
  }

  openAppend(name: string): AppendSession {
    this.assertWritable();
    const [, table] = this.find(name);
    const { layout, info } = this.touch(table).form;
    return new StagedAppend(new StagedRows(this.context, table, layout, info.definition.name, true), {
      assertOpen: () => {
        if (this.state === 'open' && this.touched.get(table)?.form.layout.shape === layout.shape) return;
        throw new DbError('invalid_argument', 'the transaction is over, or has altered the table meanwhile');
      },
      commit: async (staged) => {
        const { rows } = staged;
        await this.take(table, staged);
        return { rows, sequence: BigInt(this.sequence) };
      },
    });
  }

  async deleteRows(name: string, deletions: readonly TableDeletions[]): Promise<AppendResult> {
    this.assertWritable();
    const rows = this.touch(this.find(name)[1]).delete(deletions, this.marks.length, this.undo);
    if (rows > 0) this.visible = null;
    return { rows, sequence: BigInt(this.sequence) };
  }

  expectUnchanged(name: string): void {
    this.assertOpen();
    this.touch(this.find(name)[1]).isExclusive = true;
  }

  async commit(): Promise<AppendResult> {
    this.assertOpen();
    const tables = [...this.touched.values()];
    if (this.names === this.baseNames && !tables.some((table) => table.isChanged)) {
      this.end();
      return { rows: 0, sequence: BigInt(this.sequence) };
    }
    this.state = 'committing';
    try {
      const change = { sequence: this.sequence, before: this.baseNames, after: this.names, tables };
      return await this.context.queue.submit(new TransactionCommit(this.context, this.host, change));
    } finally {
      this.end();
    }
  }

  rollback(): void {
    if (this.state === 'open') this.end();
  }

  savepoint(): number {
    this.assertOpen();
    for (const table of this.touched.values()) table.rows.freeze();
    return this.marks.push(this.undo.length) - 1;
  }

  rollbackTo(savepoint: number): void {
    this.assertOpen();
    const mark = this.marks[savepoint];
    if (mark === undefined) throw new DbError('invalid_argument', 'the savepoint is gone');
    undoAll(this.undo, mark);
    this.marks.length = savepoint + 1;
    for (const table of this.touched.values()) {
      table.rows.freeze();
      table.touch();
    }
    this.visible = null;
  }

  private async take(table: Table, staged: StagedRows): Promise<void> {
    const own = this.touch(table);
    await own.rows.take(staged, this.undo);
    own.touch();
    this.undo.push(() => own.touch());
    this.visible = null;
  }

  private end(): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.undo.length = 0;
    for (const own of [...this.touched.values(), ...this.unmade])
      own.end(own.base === null && this.host.names().tables.get(tableKey(own.table)) !== own.table);
    const { memory } = this.context;
    this.epochs.retire(() => memory.epochs.leave(this.holder));
  }

  private assertOpen(): void {
    if (this.state !== 'open') throw new DbError('invalid_argument', 'the transaction is over');
  }

  private assertWritable(): void {
    this.assertOpen();
    this.context.assertWritable();
  }

  /** Key and table of a name. Fails with `table_not_found`. */
  private find(name: string): readonly [string, Table] {
    const key = name.toLowerCase();
    const table = this.names.tables.get(key);
    if (table === undefined) throw new DbError('table_not_found', `table "${name}" does not exist`);
    return [key, table];
  }

  /** The key of a name that nothing has. Fails with `table_exists`. */
  private freeKey(name: string, schema: string | undefined): string {
    const key = nameKey(name, schema);
    if (this.names.tables.has(key)) throw new DbError('table_exists', `table "${name}" exists`);
    if (this.names.views.has(key)) throw new DbError('table_exists', `"${name}" is a view`);
    return key;
  }

  private touch(table: Table): TransactionTable {
    const known = this.touched.get(table);
    if (known !== undefined) return known;
    const base = this.baseVersions().get(table) ?? null;
    const made = new TransactionTable(this.context, table, base, this.epochs);
    this.touched.set(table, made);
    return made;
  }

  private baseVersions(): ReadonlyMap<Table, TableVersion> {
    const versions = new Map<Table, TableVersion>();
    for (const [key, table] of this.baseNames.tables) {
      const version = this.base.tables.get(key);
      if (version !== undefined) versions.set(table, version);
    }
    return versions;
  }

  private rename(change: Partial<Names>): void {
    const { names } = this;
    this.names = { ...names, ...change };
    this.visible = null;
    this.undo.push(() => {
      this.names = names;
    });
  }

  private makeVisible(): Visible {
    const tables = new Map<string, TableVersion>();
    const base = this.names === this.baseNames ? null : this.baseVersions();
    for (const [key, table] of this.names.tables) {
      const version = this.touched.get(table)?.currentVersion() ?? base?.get(table) ?? this.base.tables.get(key);
      if (version !== undefined) tables.set(key, version);
    }
    return { tables, views: this.names.views, schemas: this.names.schemas };
  }
}
