/** Rows that come in bulk: into the open transaction of their session, and never past the constraints of their table. */

import type { Batch } from '../core/batch.js';
import type {
  AppendResult,
  AppendSession,
  IngestOptions,
  IngestService,
  Storage,
  StorageTransaction,
  TableDefinition,
} from '../core/contracts.js';
import { definitionOfSchema } from '../core/definition-of-schema.js';
import { DbError } from '../core/errors.js';
import { StopController, type StopSignal } from '../core/stop-signal.js';
import type { Schema } from '../core/types.js';
import { storedName } from './binder/object-name.js';
import { pickColumns } from './binder/plans.js';
import { ConstrainedAppend } from './constraints/constrained-append.js';
import { hasKeys, isConstrained } from './constraints/enforce.js';
import type { KeyQueue } from './constraints/key-queue.js';
import { lastRows, newRows } from './constraints/row-range.js';
import { optimizePlan, runPlan } from './statements/run-plan.js';
import { bindContextOf, type PlanContext } from './statements/statement.js';
import { retried } from './statements/write-atomically.js';

export interface CheckedIngestParts {
  /** For tables without constraints. */
  readonly plain: IngestService;
  readonly storage: Storage;
  readonly keyQueue: KeyQueue;
  transactionOf(options: IngestOptions): StorageTransaction | null;
  planContext(signal: StopSignal): PlanContext;
}

export class CheckedIngest implements IngestService {
  private readonly parts: CheckedIngestParts;

  constructor(parts: CheckedIngestParts) {
    this.parts = parts;
  }

  async open(table: string, schema: Schema, options: IngestOptions): Promise<AppendSession> {
    const open = this.parts.transactionOf(options);
    if (open) return this.openIn(open, table, schema, options);
    const definition = definitionIn(this.parts.storage, table);
    if (!definition || !isConstrained(definition)) return this.parts.plain.open(table, schema, options);
    options.signal?.throwIfAborted();
    const session = new CheckedAppend(this.parts, definition, options);
    await session.begin();
    options.signal?.addEventListener('abort', () => session.abort(), { once: true });
    return session;
  }

  private async openIn(transaction: StorageTransaction, table: string, schema: Schema, options: IngestOptions): Promise<AppendSession> {
    const definition = definitionIn(transaction, table) ?? (await createIn(transaction, table, schema, options));
    const name = storedName(definition);
    if (options.mode === 'replace') await transaction.truncateTable(name);
    if (!isConstrained(definition)) return transaction.openAppend(name);
    if (hasKeys(definition)) transaction.expectUnchanged(name);
    return new ConstrainedAppend(transaction, name, definition, 'replace', this.parts.planContext(signalOf(options)));
  }
}

/** An append in a transaction of its own. When another has changed the table meanwhile, its rows are appended again to the newer table. */
class CheckedAppend implements AppendSession {
  private readonly parts: CheckedIngestParts;
  private readonly definition: TableDefinition;
  private readonly name: string;
  private readonly isReplacing: boolean;
  private readonly context: PlanContext;
  private transaction: StorageTransaction;
  private rows: ConstrainedAppend | null = null;
  private isOver = false;

  constructor(parts: CheckedIngestParts, definition: TableDefinition, options: IngestOptions) {
    this.parts = parts;
    this.definition = definition;
    this.name = storedName(definition);
    this.isReplacing = options.mode === 'replace';
    this.context = parts.planContext(signalOf(options));
    this.transaction = parts.storage.begin();
  }

  async begin(): Promise<void> {
    try {
      this.rows = await this.opened(this.transaction);
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  append(batch: Batch, schema: Schema): Promise<void> {
    return this.current().append(batch, schema);
  }

  commit(): Promise<AppendResult> {
    const append = this.current();
    const work = async (): Promise<AppendResult> => {
      try {
        const { rows } = await append.commit();
        const { sequence } = await this.committed(rows);
        return { rows, sequence };
      } finally {
        this.abort();
      }
    };
    return hasKeys(this.definition) ? this.parts.keyQueue.run(this.name, work) : work();
  }

  abort(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.rows?.abort();
    this.transaction.rollback();
  }

  private current(): ConstrainedAppend {
    if (this.rows && !this.isOver) return this.rows;
    throw new DbError('cancelled', 'the append was aborted');
  }

  private async opened(transaction: StorageTransaction): Promise<ConstrainedAppend> {
    if (this.isReplacing) await transaction.truncateTable(this.name);
    if (hasKeys(this.definition)) transaction.expectUnchanged(this.name);
    return new ConstrainedAppend(transaction, this.name, this.definition, 'replace', this.context);
  }

  private async committed(rows: number): Promise<AppendResult> {
    const snapshot = this.transaction.snapshot();
    try {
      return await this.transaction.commit();
    } catch (error) {
      if (!(error instanceof DbError && error.code === 'conflict')) throw error;
      const table = snapshot.table(this.name);
      if (!table) throw error;
      const bind = bindContextOf(this.context, snapshot);
      const range = newRows(lastRows(table, rows), bind);
      const plan = optimizePlan(pickColumns(range.plan, range.columns), bind, this.context);
      return await retried(() => this.again(plan));
    } finally {
      snapshot.release();
    }
  }

  private async again(plan: Parameters<typeof runPlan>[0]): Promise<AppendResult> {
    const transaction = this.parts.storage.begin();
    try {
      const append = await this.opened(transaction);
      const schema = { fields: this.definition.columns.map(({ name, type }) => ({ name, type, nullable: true })) };
      for await (const batch of runPlan(plan, this.context).batches) {
        try {
          await append.append(batch, schema);
        } finally {
          batch.release();
        }
      }
      await append.commit();
      return await transaction.commit();
    } catch (error) {
      transaction.rollback();
      throw error;
    }
  }
}

async function createIn(transaction: StorageTransaction, table: string, rows: Schema, options: IngestOptions): Promise<TableDefinition> {
  if (!options.create) {
    throw new DbError('table_not_found', `table "${table}" does not exist`, { hint: 'create it first, or ask for it to be created' });
  }
  return (await transaction.createTable(definitionOfSchema(table, rows, options))).definition;
}

function signalOf(options: IngestOptions): StopSignal {
  return options.signal ?? new StopController();
}

function definitionIn(writer: Pick<Storage, 'snapshot'>, table: string): TableDefinition | undefined {
  const snapshot = writer.snapshot();
  try {
    return snapshot.table(table)?.table.definition;
  } finally {
    snapshot.release();
  }
}
