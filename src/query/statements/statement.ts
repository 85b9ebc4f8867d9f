/** What running a statement needs, and what it gives. */

import type { Kernels } from '../../../native-free/kernels.js';
import type { OwnedBatch, Value } from '../../core/batch.js';
import type {
  Parameters,
  RunningQuery,
  Snapshot,
  StatementKind,
  Storage,
  StorageTransaction,
  StorageWriter,
} from '../../core/contracts.js';
import type { Environment } from '../../core/environment.js';
import { DbError } from '../../core/errors.js';
import type { Principal } from '../../core/principal.js';
import { type QuerySettings, SETTINGS, type SettingName, type Settings } from '../../core/settings.js';
import type { StopSignal } from '../../core/stop-signal.js';
import type { Schema } from '../../core/types.js';
import { createBindContext } from '../binder/binder.js';
import type { BindContext, CommonTables } from '../binder/context.js';
import type { PivotValues } from '../binder/pivot-values.js';
import type { ServerFacts } from '../catalog/system-table.js';
import type { KeyQueue } from '../constraints/key-queue.js';
import type { WorkerPool } from '../execution/worker-pool.js';
import type { StatementFiles } from '../files/statement-files.js';
import type { Expression } from '../plan/expression.js';
import type { Session } from '../session.js';
import type { SessionSettings } from '../session-settings.js';
import type { SpillSpace } from '../spill/spill-space.js';
import type { Statement } from '../syntax/ast/statement.js';
import type { PlanCache } from './plan-cache.js';

/** Running statements, for SHOW QUERIES and CANCEL QUERY. */
export interface QueryRegistry {
  running(): readonly RunningQuery[];
  cancel(queryId: string): boolean;
}

/** The surroundings of one statement. */
export interface StatementContext {
  readonly storage: Storage;
  /** What statements read and write: the storage itself, or the open transaction. */
  readonly writer: StorageWriter;
  /** Null: each statement is a transaction of its own. */
  readonly transaction: StorageTransaction | null;
  readonly pool: WorkerPool;
  readonly kernels: Kernels;
  readonly environment: Environment;
  readonly version: string;
  readonly spill?: SpillSpace | undefined;
  readonly serverSettings: Settings;
  /** In force for this statement. */
  readonly settings: QuerySettings;
  readonly session: SessionSettings;
  /** Prepared statements and the open transaction. */
  readonly client: Session;
  /** The door only reads. */
  readonly readOnly: boolean;
  readonly queries: QueryRegistry;
  readonly keyQueue: KeyQueue;
  readonly plans: PlanCache;
  /** What it reads besides tables. */
  readonly files: StatementFiles;
  /** Names that the statement sees without saying them: parts of the WITH before it. */
  readonly around?: CommonTables;
  /** The whole text; positions are offsets in it. */
  readonly sql: string;
  readonly parameters: Parameters | undefined;
  readonly principal: Principal;
  readonly signal: StopSignal;
  /** Statement start, nanoseconds since the epoch. */
  readonly nowNanoseconds: bigint;
  evaluateConstant(expression: Expression): Value;
  /** How often evaluating constants has read the statement's start so far. */
  clockReads(): number;
}

/** What planning and running a plan takes. */
export type PlanContext = Pick<
  StatementContext,
  | 'storage'
  | 'kernels'
  | 'pool'
  | 'environment'
  | 'settings'
  | 'spill'
  | 'serverSettings'
  | 'session'
  | 'sql'
  | 'parameters'
  | 'signal'
  | 'nowNanoseconds'
  | 'evaluateConstant'
>;

export interface StatementOutcome {
  readonly kind: StatementKind;
  readonly schema: Schema;
  readonly affectedRows: number | null;
  readonly ordered: boolean;
  /** Null: the statement has no result. Ending the iteration in any way gives everything back that it holds. */
  readonly batches: AsyncIterable<OwnedBatch> | null;
  rowsScanned(): number;
}

export const NO_FIELDS: Schema = { fields: [] };

/** The outcome of a statement that gives no rows. */
export function done(kind: StatementKind, affectedRows: number | null = null, rowsScanned = 0): StatementOutcome {
  return { kind, schema: NO_FIELDS, affectedRows, ordered: false, batches: null, rowsScanned: () => rowsScanned };
}

export function bindContextOf(context: PlanContext, snapshot: Snapshot, pivots?: PivotValues): BindContext {
  const { sql, parameters, nowNanoseconds, evaluateConstant } = context;
  const { searchPath } = context.session;
  const { timezone, default_null_order: nullOrder } = context.settings;
  const isWhole = isStatement(context);
  return createBindContext({
    sql,
    snapshot,
    parameters,
    timezone,
    nullOrder,
    searchPath,
    nowNanoseconds,
    evaluateConstant,
    server: isWhole ? () => serverFacts(context) : undefined,
    files: isWhole ? context.files : undefined,
    around: isWhole ? context.around : undefined,
    pivots,
  });
}

/** Plans of constraints run without the rest of a statement's surroundings. */
function isStatement(context: PlanContext): context is StatementContext {
  return 'queries' in context;
}

/** Bytes that one plan of the statement may hold. */
export function memoryLimitOf(context: PlanContext): number {
  return context.settings.max_memory === 0 ? context.serverSettings.memory_limit : context.settings.max_memory;
}

/** What the system tables say of the server. */
function serverFacts(context: StatementContext): ServerFacts {
  return {
    version: context.version,
    principal: context.principal.name,
    queries: () => context.queries.running(),
    settings: () =>
      (Object.keys(SETTINGS) as SettingName[]).map((name) => ({
        name,
        value: String(settingValue(name, context)),
        scope: SETTINGS[name].scope,
        type: SETTINGS[name].type,
        fallback: String(SETTINGS[name].default),
        doc: SETTINGS[name].doc,
      })),
  };
}

export function settingValue(name: SettingName, context: StatementContext): string | number | boolean {
  return SETTINGS[name].scope === 'query' ? context.settings[name as keyof QuerySettings] : context.serverSettings[name];
}

/** Fails with `unsupported`, at the statement. */
export function notYet(what: string, statement: Statement): DbError {
  return new DbError('unsupported', `${what} is not executed by this version yet`, { position: statement.position });
}
