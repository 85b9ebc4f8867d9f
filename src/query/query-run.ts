/** One request while it runs: its id, its state, its counters, and what stops it. */

import type { QueryProgress, QueryRequest, RunningQuery } from '../core/contracts.js';
import type { Environment } from '../core/environment.js';
import { asDbError, DbError } from '../core/errors.js';
import { StopController, type StopSignal } from '../core/stop-signal.js';
import type { BatchStream } from './batch-stream.js';

export class QueryRun {
  readonly queryId: string;
  readonly request: QueryRequest;
  readonly startedAt: bigint;
  state: RunningQuery['state'] = 'queued';
  rowsReturned = 0;
  /** Its rows, once they are on their way. */
  stream: BatchStream | undefined;
  /** Of statements that have ended, and of the one that runs. */
  private scannedBefore = 0;
  private scannedNow: () => number = () => 0;
  private readonly controller = new StopController();
  private readonly environment: Environment;
  private readonly startedMicroseconds: number;
  private endedMicroseconds: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly followed: StopSignal | undefined;
  private readonly onAbort = () => this.cancel();

  constructor(queryId: string, request: QueryRequest, environment: Environment) {
    this.queryId = queryId;
    this.request = request;
    this.environment = environment;
    this.startedAt = environment.nowNanoseconds();
    this.startedMicroseconds = environment.monotonicMicroseconds();
    this.followed = request.signal;
    if (this.followed?.aborted) this.cancel();
    this.followed?.addEventListener('abort', this.onAbort, { once: true });
  }

  cancel(): void {
    this.controller.abort();
  }

  get signal(): StopSignal {
    return this.controller;
  }

  throwIfStopped(): void {
    this.controller.throwIfAborted();
  }

  /** From the statement's start on; 0 = no limit. */
  limitTime(timeoutMs: number): void {
    if (this.timer) clearTimeout(this.timer);
    if (timeoutMs === 0) return;
    const stop = () => this.controller.abort(new DbError('timeout', `the statement ran longer than timeout_ms = ${timeoutMs}`));
    this.timer = setTimeout(stop, timeoutMs);
    this.timer.unref();
  }

  counts(rowsScanned: () => number): void {
    this.scannedBefore += this.scannedNow();
    this.scannedNow = rowsScanned;
  }

  progress(): QueryProgress {
    const until = this.endedMicroseconds ?? this.environment.monotonicMicroseconds();
    return {
      rowsScanned: this.scannedBefore + this.scannedNow(),
      rowsReturned: this.rowsReturned,
      elapsedMicroseconds: Math.round(until - this.startedMicroseconds),
    };
  }

  describe(): RunningQuery {
    const { queryId, startedAt, state, request } = this;
    return { queryId, startedAt, state, sql: request.sql, principal: request.principal, ...this.progress() };
  }

  /** What the client is told of an error: why the query was stopped, when it was. */
  failure(thrown: unknown): DbError {
    const { aborted, reason } = this.controller;
    if (aborted && isStop(thrown, reason)) return asDbError(reason);
    const first = thrown instanceof DbError && thrown.code === 'internal' ? thrown.cause : thrown;
    if (first instanceof RangeError && /call stack/i.test(first.message)) {
      return new DbError('nesting_too_deep', 'the statement is nested too deeply', { cause: thrown });
    }
    return asDbError(thrown);
  }

  end(): void {
    this.endedMicroseconds ??= this.environment.monotonicMicroseconds();
    if (this.timer) clearTimeout(this.timer);
    this.followed?.removeEventListener('abort', this.onAbort);
  }
}

/** After a stop most errors are its consequence; an error of the statement itself stays what it is. */
function isStop(thrown: unknown, reason: unknown): boolean {
  if (thrown === reason || !(thrown instanceof DbError)) return true;
  return thrown.code === 'cancelled' || thrown.code === 'internal' || thrown.code === 'closed';
}
