/** One running plan: its memory, its tasks on threads, its end. */
import { assert } from '../../core/assert.js';
import { asDbError, DbError } from '../../core/errors.js';
import { MemoryScope, Scratch } from '../../core/memory-scope.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { SpillFile, SpillFolder } from '../spill/spill-space.js';
import type { ExecutionOptions } from './execute.js';
import type { OperatorNodes } from './profile.js';
import { cancelledCheck, epochMs, runTaskInSlices, TooLongHere } from './run-task.js';
import { streamsGroups } from './sinks.js';
import {
  type Branch,
  CANCELLED_WORD,
  CLAIM_WORD,
  MEMORY_WORD,
  type OperatorSpec,
  type PipelineTask,
  type QueryFrame,
  type SinkSpec,
  type Task,
  type TaskResult,
} from './task.js';

/** Vectors' worth of rows up to which a pipeline stays on the calling thread: posting it elsewhere costs more than it saves. */
const INLINE_VECTORS = 8;

/** Vectors' worth of rows that are read at once where nothing is made of them but sums. */
const STREAMED_VECTORS = 4;

/** Rows that one source vector may grow to in joins; smaller vectors keep the work between two looks at the cancel flag short. */
const GROWN_ROWS = 1 << 20;

/** Share of the memory below which not enough is left for what comes after a stage. */
const SHORT_SHARE = 1 / 16;

function settingOf({ settings }: ExecutionOptions): number {
  return Math.max(64, settings.vector_rows - (settings.vector_rows % 64));
}

export class QueryRun {
  readonly options: ExecutionOptions;
  readonly nodes: OperatorNodes;
  /** Everything that tasks gave away and the query still needs. */
  readonly scope: MemoryScope;
  readonly frame: QueryFrame;
  /** For what the main thread computes by itself; scratch lives as long as the run. */
  readonly context: EvaluationContext;
  /** Throws when the query was cancelled. */
  readonly check: () => void;
  /** Closes what is open although nobody uses it now. */
  readonly idle: Set<() => void>;
  private readonly control: number;
  private readonly onAbort: () => void;
  private readonly pins = new Set<{ release(): void }>();
  private readonly outer: QueryRun | null;
  private lives = 1;
  /** Made when something is spilled. */
  private spilled: SpillFolder | null = null;
  private numbers: { readonly address: number; readonly count: number } | null = null;

  /** outer: this is a part of that run, with memory of its own that may be given back sooner. */
  constructor(nodes: OperatorNodes, options: ExecutionOptions, outer: QueryRun | null = null, vectorRows = settingOf(options)) {
    const { arena, settings, memoryLimitBytes } = options;
    this.outer = outer;
    this.idle = outer ? outer.idle : new Set();
    this.options = options;
    this.nodes = nodes;
    this.control = outer ? outer.control : arena.allocateZeroed(64);
    this.frame = {
      vectorRows,
      nowNanoseconds: options.nowNanoseconds,
      timezone: options.timezone,
      control: this.control,
      memoryLimitBytes,
      deadlineMs: outer ? outer.frame.deadlineMs : settings.timeout_ms > 0 ? epochMs() + settings.timeout_ms : 0,
    };
    this.scope = new MemoryScope(arena, memoryLimitBytes, this.control + 4);
    this.context = {
      arena,
      kernels: options.kernels,
      scratch: new Scratch(this.scope),
      nowNanoseconds: options.nowNanoseconds,
      timezone: options.timezone,
    };
    const checkWord = cancelledCheck(arena, this.frame);
    this.check = () => {
      if (options.signal.aborted) throw this.abortReason();
      checkWord();
    };
    this.onAbort = () => this.cancel();
    if (outer) return;
    options.signal.addEventListener('abort', this.onAbort, { once: true });
    if (options.signal.aborted) this.cancel();
  }

  /** A part of this run whose memory is given back by its release(). */
  part(vectorRows = this.frame.vectorRows): QueryRun {
    return new QueryRun(this.nodes, this.options, this, vectorRows);
  }

  // ---- memory that is short ----

  /** Bytes that the run may still take, cached columns that nobody holds counted as free. */
  room(): number {
    const { arena, memory } = this.options;
    const own = this.frame.memoryLimitBytes - Atomics.load(arena.i32, this.control / 4 + MEMORY_WORD) * 64;
    return Math.max(0, Math.min(own, memory ? memory.room() : arena.limitBytes - arena.usedBytes));
  }

  /** True when so little memory is left that what comes next would fail. */
  isShort(): boolean {
    return this.room() < Math.min(this.frame.memoryLimitBytes, this.options.arena.limitBytes) * SHORT_SHARE;
  }

  /** Lets cached columns go, so that so many bytes are free as far as possible. */
  makeRoom(sizeBytes: number): void {
    this.options.memory?.makeRoom(sizeBytes);
  }

  closeIdle(): void {
    for (const close of this.idle) close();
  }

  get maySpill(): boolean {
    return this.options.spill !== undefined;
  }

  createSpillFile(): Promise<SpillFile> {
    if (this.outer) return this.outer.createSpillFile();
    assert(this.options.spill, 'spilling is possible');
    this.spilled ??= this.options.spill.openFolder();
    return this.spilled.create();
  }

  /** At the run's end: nothing reads them any more. */
  async removeSpilled(): Promise<void> {
    await this.spilled?.remove();
  }

  /** What was told to stop because a part of it failed may run again. */
  resume(): void {
    Atomics.store(this.options.arena.i32, this.control / 4 + CANCELLED_WORD, 0);
    if (this.options.signal.aborted) this.cancel();
  }

  /** True when the pipeline is small enough to run here. */
  runsHere(rows: number): boolean {
    return this.options.pool.threads === 0 || rows <= this.frame.vectorRows * INLINE_VECTORS;
  }

  /** The frame for a pipeline: with smaller vectors when its joins multiply rows. */
  frameFor(branches: readonly Branch[], sink: SinkSpec): QueryFrame {
    if (streamsOnly(branches, sink)) return { ...this.frame, vectorRows: this.frame.vectorRows * STREAMED_VECTORS };
    const vectorRows = Math.max(64, Math.floor(GROWN_ROWS / growth(branches) / 64) * 64);
    return vectorRows >= this.frame.vectorRows ? this.frame : { ...this.frame, vectorRows };
  }

  cancel(): void {
    Atomics.store(this.options.arena.i32, this.control / 4 + CANCELLED_WORD, 1);
  }

  /** Runs a task here or on a thread, takes its memory over and counts its work. */
  async run(task: Task, here: boolean): Promise<TaskResult> {
    this.check();
    const result = here ? await this.runHere(task) : await this.options.pool.run(task);
    for (const address of result.owned) this.scope.adopt(address);
    this.nodes.add(result.counters);
    return result;
  }

  /** Here, in slices; on a thread where one step of the expressions alone takes long, so that nothing else has to wait for it. */
  private async runHere(task: Task): Promise<TaskResult> {
    const { arena, kernels, pool } = this.options;
    try {
      return await runTaskInSlices(task, { arena, kernels }, pool.threads > 0 && task.kind === 'pipeline');
    } catch (error) {
      if (!(error instanceof TooLongHere)) throw error;
      return pool.run(task);
    }
  }

  /** Runs the lanes of a pipeline, on all threads when they are many rows; results are in no order. */
  async runLanes(task: Omit<PipelineTask, 'kind' | 'frame' | 'claim'>, rows: number): Promise<TaskResult[]> {
    const { arena, pool } = this.options;
    if (task.lanes.length === 0) return [];
    const frame = this.frameFor(task.branches, task.sink);
    if (this.runsHere(rows * growth(task.branches))) return [await this.run({ ...task, kind: 'pipeline', frame, claim: false }, true)];
    Atomics.store(arena.i32, this.control / 4 + CLAIM_WORD, 0);
    const count = Math.min(pool.threads, task.lanes.length);
    const shared = { ...task, expectedRows: task.expectedRows / count };
    const tasks = Array.from({ length: count }, () =>
      this.run({ ...shared, kind: 'pipeline', frame, claim: true }, false).catch((error: unknown) => {
        // The others stop too; their `cancelled` is not the cause.
        this.cancel();
        throw error;
      }),
    );
    return this.allOf(tasks);
  }

  /** Runs tasks side by side (or here, one after the other); results in the order of the tasks. */
  async runAll(tasks: readonly Task[], here: boolean): Promise<TaskResult[]> {
    const results: TaskResult[] = [];
    if (here) {
      for (const task of tasks) results.push(await this.run(task, true));
      return results;
    }
    return this.allOf(
      tasks.map((task) =>
        this.run(task, false).catch((error: unknown) => {
          this.cancel();
          throw error;
        }),
      ),
    );
  }

  /** All results, or the error that came first, after every task has ended. */
  private async allOf(tasks: readonly Promise<TaskResult>[]): Promise<TaskResult[]> {
    const settled = await Promise.allSettled(tasks);
    const errors = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    if (errors.length > 0) throw errors.find((error) => asDbError(error).code !== 'cancelled') ?? errors[0];
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  /** The error that the consumer sees: the reason of the abort rather than the stop that it caused. */
  errorOf(thrown: unknown): DbError {
    const error = asDbError(thrown);
    return error.code === 'cancelled' && this.options.signal.aborted ? this.abortReason() : error;
  }

  private abortReason(): DbError {
    const reason: unknown = this.options.signal.reason;
    return reason instanceof DbError ? reason : new DbError('cancelled', 'the query was cancelled', { cause: reason });
  }

  /** Address of 0, 1, 2, … (int32), at least so many; the same for all segments of the run. */
  rowNumbers(count: number): number {
    if (this.numbers === null || this.numbers.count < count) {
      // Powers of two, so that segments that grow do not each make their own.
      const room = 2 ** Math.ceil(Math.log2(Math.max(64, count)));
      this.numbers = { address: this.scope.allocate(room * 4), count: room };
      this.options.kernels.row_numbers(0, room, this.numbers.address);
    }
    return this.numbers.address;
  }

  /** Keeps something held until the run's end. */
  hold(pin: { release(): void }): void {
    this.pins.add(pin);
  }

  unhold(pin: { release(): void }): void {
    if (this.pins.delete(pin)) pin.release();
  }

  /** A batch that left needs the run's memory until it is released. */
  retain(): void {
    this.lives += 1;
  }

  /** Gives one hold back; after the last one everything is free. */
  release(): void {
    this.lives -= 1;
    if (this.lives > 0) return;
    if (!this.outer) this.options.signal.removeEventListener('abort', this.onAbort);
    for (const pin of this.pins) pin.release();
    this.pins.clear();
    this.scope.release();
    if (!this.outer) this.options.arena.free(this.control);
  }
}

/** Nothing is made of the rows but sums: larger vectors are less work. */
function streamsOnly(branches: readonly Branch[], sink: SinkSpec): boolean {
  return sink.kind === 'aggregate' && streamsGroups(sink.spec) && branches.every(({ operators }) => operators.length === 0);
}

/** How many rows come out of joins for one that goes in, at most over the branches. */
export function growth(branches: readonly { readonly operators: readonly OperatorSpec[] }[]): number {
  const factors = branches.map((branch) => branch.operators.reduce((factor, operator) => factor * growthOf(operator), 1));
  return Math.max(1, ...factors);
}

function growthOf(operator: OperatorSpec): number {
  if (operator.kind === 'horizon') return operator.count;
  return operator.kind === 'probe' ? Math.max(1, operator.table.partners) : 1;
}
