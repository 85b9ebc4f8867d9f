/** Implements QueryService: SQL text → statements, run in order, the last one's result streamed to the caller. */

import type { Kernels } from '../../native-free/kernels.js';
import type { OwnedBatch, Value } from '../core/batch.js';
import type {
  IngestService,
  PreparedDescription,
  QueryDescription,
  QueryRequest,
  QueryResult,
  QueryService,
  RunningQuery,
  Storage,
} from '../core/contracts.js';
import type { Environment } from '../core/environment.js';
import { DbError } from '../core/errors.js';
import { MemoryScope, Scratch } from '../core/memory-scope.js';
import type { QuerySettings, Settings } from '../core/settings.js';
import type { StopSignal } from '../core/stop-signal.js';
import { Admission } from './admission.js';
import { BatchStream } from './batch-stream.js';
import { ConstantContext } from './constant-context.js';
import { KeyQueue } from './constraints/key-queue.js';
import type { WorkerPool } from './execution/worker-pool.js';
import { evaluateConstant } from './expression/evaluate.js';
import { StatementFiles } from './files/statement-files.js';
import { drop, readAhead } from './held-result.js';
import { CheckedIngest } from './ingest.js';
import { ParseCache } from './parse-cache.js';
import type { Expression } from './plan/expression.js';
import { QueryRun } from './query-run.js';
import { readStatements } from './read-statements.js';
import { Session } from './session.js';
import { querySettingsOf, type SessionSettings } from './session-settings.js';
import type { SpillSpace } from './spill/spill-space.js';
import { OpenParameters } from './statements/open-parameters.js';
import { PlanCache } from './statements/plan-cache.js';
import { describeStatement, mayWrite, prepareStatement, runStatement, writes } from './statements/run-statement.js';
import { done, type PlanContext, type StatementContext, type StatementOutcome } from './statements/statement.js';
import { retried } from './statements/write-atomically.js';
import type { Statement } from './syntax/ast/statement.js';

export interface QueryServiceOptions {
  readonly storage: Storage;
  readonly ingest: IngestService;
  readonly pool: WorkerPool;
  readonly kernels: Kernels;
  readonly settings: Settings;
  readonly environment: Environment;
  /** Where queries may put rows that do not fit in memory. */
  readonly spill?: SpillSpace | undefined;
  readonly version: string;
}

/** Deeper trees than this are refused before they can exhaust the stack of binder, optimizer or a worker. */
const DEEPEST_NESTING = 500;

/** Larger constants become part of the query, or are errors. */
const MAX_CONSTANTS_BYTES = 1 << 26;

/** Queries, and the way in for rows that keeps constraints and transactions. */
export interface QueryEngine extends QueryService {
  readonly ingest: IngestService;
}

export function createQueryService(options: QueryServiceOptions): QueryEngine {
  return new Service(options);
}

class Service implements QueryEngine {
  readonly ingest: IngestService;
  private readonly options: QueryServiceOptions;
  private readonly cache: ParseCache;
  private readonly plans = new PlanCache();
  private clockReads = 0;
  private readonly admission: Admission;
  private readonly runs = new Map<string, QueryRun>();
  /** SET of the embedded owner lasts; that of other doors ends with the request. */
  private readonly embeddedSession: Session;
  private readonly querySettings: QuerySettings;
  private readonly constants: MemoryScope;
  private readonly scratch: Scratch;
  private readonly keyQueue = new KeyQueue();
  private isClosed = false;
  private idle: (() => void) | undefined;

  constructor(options: QueryServiceOptions) {
    const { settings, storage } = options;
    this.options = options;
    this.cache = new ParseCache(Math.min(settings.max_nesting, DEEPEST_NESTING), settings.max_statement_bytes);
    this.admission = new Admission(settings.max_concurrent_queries, settings.max_queued_queries);
    this.querySettings = querySettingsOf(settings);
    this.embeddedSession = this.newSession();
    this.constants = new MemoryScope(storage.arena, MAX_CONSTANTS_BYTES);
    this.scratch = new Scratch(this.constants);
    this.ingest = new CheckedIngest({
      plain: options.ingest,
      storage,
      keyQueue: this.keyQueue,
      transactionOf: (ingest) =>
        (ingest.session || ingest.principal.kind === 'embedded' ? this.sessionOf(ingest).transaction?.storage : null) ?? null,
      planContext: (signal) => this.planContext(signal),
    });
  }

  openSession(): Session {
    if (this.isClosed) throw new DbError('closed', 'the database is closing');
    return this.newSession();
  }

  private newSession(): Session {
    return new Session(this.options.environment.uuid(), this.options.storage, this.querySettings);
  }

  async execute(request: QueryRequest): Promise<QueryResult> {
    const run = this.begin(request);
    let admitted = false;
    try {
      run.throwIfStopped();
      admitted = this.admission.tryEnter();
      if (!admitted) {
        await this.admission.enter(run.signal);
        admitted = true;
      }
      run.state = 'running';
      const session = this.sessionOf(request);
      const outcome = await session.inTurn(() => this.runText(run, session));
      return this.result(outcome, run, session);
    } catch (error) {
      this.end(run, admitted);
      throw run.failure(error);
    }
  }

  async describe(request: QueryRequest): Promise<QueryDescription> {
    const run = this.begin(request);
    try {
      const session = this.sessionOf(request);
      const statement = (await this.statements(request, session.settings)).at(-1);
      if (!statement) throw new DbError('syntax_error', 'the text has no statement', { position: 0 });
      return await describeStatement(statement, this.contextOf(run, session));
    } catch (error) {
      throw run.failure(error);
    } finally {
      this.end(run, false);
    }
  }

  async prepare(request: QueryRequest): Promise<PreparedDescription> {
    const run = this.begin({ ...request, parameters: undefined });
    try {
      const session = this.sessionOf(request);
      const statements = await this.statements(request, session.settings);
      const last = statements.at(-1);
      if (!last) throw new DbError('syntax_error', 'the text has no statement', { position: 0 });
      const open = new OpenParameters(statements);
      const described = await prepareStatement(last, { ...this.contextOf(run, session), parameters: open.values });
      return { ...described, parameters: open.fields() };
    } catch (error) {
      throw run.failure(error);
    } finally {
      this.end(run, false);
    }
  }

  running(): readonly RunningQuery[] {
    return [...this.runs.values()].map((run) => run.describe());
  }

  cancel(queryId: string): boolean {
    const run = this.runs.get(queryId);
    run?.cancel();
    return run !== undefined;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.embeddedSession.close();
    const closed = new DbError('closed', 'the database was closed');
    for (const run of [...this.runs.values()]) {
      run.cancel();
      // Results that nobody pulls do not end by themselves. What ending them meets is told to whoever pulls.
      run.stream?.stop(closed).catch(() => undefined);
    }
    if (this.runs.size > 0) await this.untilIdle(CLOSING_MS);
    this.constants.release();
  }

  /** Waits for the queries that run, but not for ever. */
  private async untilIdle(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const idle = new Promise<void>((resolve) => (this.idle = resolve));
    await Promise.race([idle, new Promise((resolve) => (timer = setTimeout(resolve, milliseconds)))]);
    clearTimeout(timer);
  }

  private begin(request: QueryRequest): QueryRun {
    if (this.isClosed) throw new DbError('closed', 'the database is closing');
    const queryId = request.queryId ?? this.options.environment.uuid();
    if (this.runs.has(queryId)) throw new DbError('conflict', `a query with the id ${queryId} is running`);
    const run = new QueryRun(queryId, request, this.options.environment);
    this.runs.set(queryId, run);
    return run;
  }

  private end(run: QueryRun, admitted: boolean): void {
    if (!this.runs.delete(run.queryId)) return;
    run.end();
    if (admitted) this.admission.leave();
    if (this.runs.size === 0) this.idle?.();
  }

  /** Parsed; nothing of the text runs when a part of it may not. */
  private async statements(request: QueryRequest, session: SessionSettings): Promise<readonly Statement[]> {
    const read = readStatements(request.sql, session.effective(request.settings).dialect.toLowerCase(), this.cache);
    const statements = read instanceof Promise ? await read : read;
    const writing = request.readOnly ? statements.find(writes) : undefined;
    if (writing)
      throw new DbError('method_not_allowed', 'this door only reads', {
        position: writing.position,
        hint: 'send statements that write by POST',
      });
    return statements;
  }

  private sessionOf({ session, principal }: Pick<QueryRequest, 'session' | 'principal'>): Session {
    if (session) {
      if (session instanceof Session) return session;
      throw new DbError('invalid_argument', 'the session is not one of this database');
    }
    return principal.kind === 'embedded' ? this.embeddedSession : this.newSession();
  }

  private isLasting(session: Session, request: QueryRequest): boolean {
    return request.session !== undefined || session === this.embeddedSession;
  }

  /** Several statements that write are one transaction, unless the text itself begins or ends one. */
  private async runText(run: QueryRun, session: Session): Promise<StatementOutcome> {
    let statements: readonly Statement[];
    try {
      statements = await this.statements(run.request, session.settings);
    } catch (error) {
      session.fail(run.failure(error));
      throw error;
    }
    const isOwn =
      statements.length > 1 &&
      !session.inTransaction &&
      statements.some(mayWrite) &&
      !statements.some((statement) => statement.kind === 'transaction');
    if (isOwn) return retried(() => this.runTogether(statements, run, session));
    const mayStayOpen = this.isLasting(session, run.request);
    let outcome: StatementOutcome;
    try {
      outcome = await this.runAll(statements, run, session);
    } catch (error) {
      session.fail(run.failure(error));
      if (session.inTransaction && !mayStayOpen) session.rollback();
      throw error;
    }
    if (!session.inTransaction || mayStayOpen) return outcome;
    await drop(outcome);
    session.rollback();
    throw new DbError('transaction_state', 'the text begins a transaction and does not end it; it was rolled back', {
      hint: 'add COMMIT, or send the statements without BEGIN: one text is one transaction',
    });
  }

  /** All or nothing. */
  private async runTogether(statements: readonly Statement[], run: QueryRun, session: Session): Promise<StatementOutcome> {
    session.begin(true);
    let outcome: StatementOutcome | undefined;
    try {
      outcome = await readAhead(await this.runAll(statements, run, session));
      run.throwIfStopped();
      await session.commit();
      return outcome;
    } catch (error) {
      if (session.inTransaction) session.rollback();
      if (outcome) await drop(outcome);
      throw error;
    }
  }

  /** All but the last are run to their end; the first error stops the rest. */
  private async runAll(statements: readonly Statement[], run: QueryRun, session: Session): Promise<StatementOutcome> {
    let outcome = done('utility');
    for (const [i, statement] of statements.entries()) {
      const context = this.contextOf(run, session);
      run.limitTime(context.settings.timeout_ms);
      outcome = await runStatement(statement, context);
      run.counts(outcome.rowsScanned);
      if (i < statements.length - 1) for await (const batch of outcome.batches ?? []) batch.release();
    }
    return outcome;
  }

  private contextOf(run: QueryRun, client: Session): StatementContext {
    const { storage, pool, kernels, environment, spill, version, settings } = this.options;
    const transaction = client.transaction?.storage ?? null;
    const effective = client.settings.effective(run.request.settings);
    const nowNanoseconds = environment.nowNanoseconds();
    return {
      storage,
      writer: transaction ?? storage,
      transaction,
      pool,
      kernels,
      environment,
      spill,
      version,
      serverSettings: settings,
      settings: effective,
      session: client.settings,
      client,
      readOnly: run.request.readOnly ?? false,
      queries: this,
      keyQueue: this.keyQueue,
      plans: this.plans,
      files: new StatementFiles({
        arena: storage.arena,
        principal: run.request.principal,
        allowFileAccess: settings.allow_file_access,
        maxBytes: settings.memory_limit,
        signal: run.signal,
      }),
      sql: run.request.sql,
      parameters: run.request.parameters,
      principal: run.request.principal,
      signal: run.signal,
      nowNanoseconds,
      evaluateConstant: (expression) => this.evaluate(expression, nowNanoseconds, effective.timezone),
      clockReads: () => this.clockReads,
    };
  }

  /** For plans that no statement asks for. */
  private planContext(signal: StopSignal): PlanContext {
    const { storage, pool, kernels, environment, spill, settings } = this.options;
    const nowNanoseconds = environment.nowNanoseconds();
    return {
      storage,
      pool,
      kernels,
      environment,
      spill,
      serverSettings: settings,
      settings: this.querySettings,
      session: this.newSession().settings,
      sql: '',
      parameters: undefined,
      signal,
      nowNanoseconds,
      evaluateConstant: (expression) => this.evaluate(expression, nowNanoseconds, this.querySettings.timezone),
    };
  }

  private evaluate(expression: Expression, nowNanoseconds: bigint, timezone: string): Value {
    const { storage, kernels, environment } = this.options;
    const context = new ConstantContext(storage.arena, kernels, this.scratch, timezone, nowNanoseconds, environment);
    try {
      return evaluateConstant(expression, context);
    } finally {
      this.clockReads += context.clockReads;
      this.scratch.reset();
    }
  }

  private result(outcome: StatementOutcome, run: QueryRun, session: Session): QueryResult {
    const maxRows = session.settings.effective(run.request.settings).max_rows;
    const open = session.transaction;
    const { kind, schema, affectedRows, batches } = outcome;
    const progress = () => run.progress();
    if (!batches) {
      this.end(run, true);
      return { queryId: run.queryId, kind, schema, affectedRows, batches: NO_BATCHES, progress };
    }
    run.state = 'streaming';
    const stream = new BatchStream(batches, {
      onBatch: (batch) => {
        run.throwIfStopped();
        run.rowsReturned += batch.rowCount;
        if (maxRows > 0 && run.rowsReturned > maxRows) {
          throw new DbError('query_memory_exceeded', `the result has more rows than max_rows = ${maxRows}`, {
            hint: 'raise max_rows, or add LIMIT',
          });
        }
      },
      onError: (error) => {
        const failure = run.failure(error);
        if (open !== null && open === session.transaction) session.fail(failure);
        return failure;
      },
      onEnd: () => this.end(run, true),
    });
    run.stream = stream;
    return { queryId: run.queryId, kind, schema, affectedRows, batches: stream, progress };
  }
}

/** Queries that do not end soon when the database is closed are left to themselves. */
const CLOSING_MS = 1000;

const NO_BATCHES: AsyncIterable<OwnedBatch> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};
