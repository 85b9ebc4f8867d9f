/**
 * Runs tasks. The code is the same in a worker thread and on the calling thread: a task is a generator that pauses after every chunk, so that
 * the calling thread can see to other things meanwhile.
 */
import type { Kernels } from '../../../native-free/kernels.js';
import type { Arena } from '../../core/arena.js';
import { DbError } from '../../core/errors.js';
import { MemoryScope, Scratch } from '../../core/memory-scope.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import { DictionaryCache } from '../expression/dictionary-cache.js';
import type { EvaluationContext } from '../functions/contract.js';
import { Partition } from '../spill/partition-operator.js';
import { runPlace } from '../windows/place-rows.js';
import { runMatchWindow } from '../windows/run-match-window.js';
import { runWindow, runWindowColumn, runWindowMove, runWindowResult } from '../windows/run-window.js';
import { runWindowAdd, runWindowStream, runWindowTails } from '../windows/stream-calls.js';
import { GroupingSetsSink } from './aggregate/grouping-sets-sink.js';
import { runAsofBuild, runAsofKeys, runAsofPlace } from './asof/build.js';
import { AsofProbe } from './asof/probe.js';
import type { Chunk } from './chunk.js';
import { Probe } from './join/join-probe.js';
import { Horizon } from './match/horizon.js';
import { runMatchBuild, runMatchLeft, runMatchPlace } from './match/rows.js';
import { runBuild, runLimitBy, runMergeAggregate, runSort } from './merge-tasks.js';
import { type Emit, Filter, type Operator, Project } from './operators.js';
import { chunksOf } from './piece-reader.js';
import { AggregateSink, CollectSink, type Sink } from './sinks.js';
import { runTopBy, TopFilter } from './sort/top-by.js';
import { TopSink } from './sort/top-sink.js';
import {
  CANCELLED_WORD,
  CLAIM_WORD,
  type Counter,
  type LaneOutput,
  MEMORY_WORD,
  type OperatorSpec,
  type PipelineTask,
  type QueryFrame,
  type SinkSpec,
  type Task,
  type TaskResult,
} from './task.js';
import { Unnest } from './unnest.js';

/** What a thread brings along. */
export interface TaskThread {
  readonly arena: Arena;
  readonly kernels: Kernels;
}

/** One task's surroundings on one thread. */
export interface TaskRun {
  readonly context: EvaluationContext;
  /** What the task gives away at its end. */
  readonly kept: MemoryScope;
  /** What is freed at its end; scratch lies in it. */
  readonly temporary: MemoryScope;
  readonly counters: Counters;
  /** Throws `cancelled` when the query was told to stop. */
  check(): void;
}

/** Time and rows by operator. Time is that of the operator itself: what it hands on is counted there. */
class Counters {
  readonly list: (Counter | undefined)[] = [];
  private current = -1;
  private since = performance.now();

  /** Ends the time of the operator that ran and begins that of `counter`. Returns the one that ran. */
  enter(counter: number): number {
    const now = performance.now();
    const before = this.current;
    if (before >= 0) this.at(before).microseconds += (now - this.since) * 1000;
    this.current = counter;
    this.since = now;
    return before;
  }

  at(counter: number): Counter {
    let entry = this.list[counter];
    if (!entry) {
      entry = { rows: 0, bytes: 0, microseconds: 0 };
      this.list[counter] = entry;
    }
    return entry;
  }
}

/** Runs to the end on this thread. */
export function runTask(task: Task, thread: TaskThread): TaskResult {
  const steps = taskSteps(task, thread);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

const SLICE_MS = 8;
/** Time after which one step that holds the calling thread is better done elsewhere. */
const LONGEST_STEP_MS = 25;

/** A step of a task holds the calling thread for too long. Tasks may be run anew from their beginning. */
export class TooLongHere extends Error {}

/** Runs on this thread and lets other work in between. mayMove: fails with TooLongHere where that does not help. */
export async function runTaskInSlices(task: Task, thread: TaskThread, mayMove = false): Promise<TaskResult> {
  let sliceEnd = performance.now() + SLICE_MS;
  const checkTime = () => {
    if (performance.now() > sliceEnd + LONGEST_STEP_MS - SLICE_MS) throw new TooLongHere();
  };
  const steps = taskSteps(task, thread, mayMove ? checkTime : undefined);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() < sliceEnd) continue;
    await yieldToOthers();
    sliceEnd = performance.now() + SLICE_MS;
  }
}

/** One clock for all threads. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

export function cancelledCheck(arena: Arena, frame: QueryFrame): () => void {
  const word = frame.control / 4 + CANCELLED_WORD;
  return () => {
    if (Atomics.load(arena.i32, word) !== 0) throw new DbError('cancelled', 'the query was cancelled');
    if (frame.deadlineMs !== 0 && epochMs() > frame.deadlineMs) throw new DbError('timeout', 'the statement ran longer than timeout_ms');
  };
}

function* taskSteps(task: Task, thread: TaskThread, checkTime?: () => void): Generator<void, TaskResult> {
  const { arena, kernels } = thread;
  const { frame } = task;
  const budget = frame.control + MEMORY_WORD * 4;
  const kept = new MemoryScope(arena, frame.memoryLimitBytes, budget);
  const temporary = new MemoryScope(arena, frame.memoryLimitBytes, budget);
  const checkWord = cancelledCheck(arena, frame);
  const check = () => {
    checkWord();
    checkTime?.();
  };
  const context: EvaluationContext = {
    check,
    beforeLongStep: () => {
      if (checkTime) throw new TooLongHere();
    },
    arena,
    kernels,
    scratch: new Scratch(temporary),
    nowNanoseconds: frame.nowNanoseconds,
    timezone: frame.timezone,
    dictionaryCache: new DictionaryCache(kept, task.kind === 'pipeline' ? task.expectedRows : Number.POSITIVE_INFINITY),
  };
  const run: TaskRun = { context, kept, temporary, counters: new Counters(), check };
  try {
    const result = yield* bodyOf(task, run);
    run.counters.enter(-1);
    return {
      lanes: result.lanes ?? [],
      batch: result.batch ?? null,
      order: result.order ?? null,
      table: result.table ?? null,
      asof: result.asof ?? null,
      placed: result.placed ?? [],
      match: result.match ?? null,
      tails: result.tails ?? null,
      counters: run.counters.list,
      owned: kept.giveAwayAll(),
    };
  } finally {
    temporary.release();
    kept.release();
  }
}

function bodyOf(task: Task, run: TaskRun): Generator<void, Partial<TaskResult>> {
  switch (task.kind) {
    case 'pipeline':
      return runPipeline(task, run);
    case 'merge_aggregate':
      return runMergeAggregate(task, run);
    case 'build':
      return runBuild(task, run);
    case 'sort':
      return runSort(task, run);
    case 'limit_by':
      return runLimitBy(task, run);
    case 'asof_build':
      return runAsofBuild(task, run);
    case 'asof_keys':
      return runAsofKeys(task, run);
    case 'asof_place':
      return runAsofPlace(task, run);
    case 'top_by':
      return runTopBy(task, run);
    case 'window_column':
      return runWindowColumn(task, run);
    case 'window_place':
      return runPlace(task, run);
    case 'window_move':
      return runWindowMove(task, run);
    case 'window_result':
      return runWindowResult(task, run);
    case 'window':
      return runWindow(task, run);
    case 'match_build':
      return runMatchBuild(task, run);
    case 'match_left':
      return runMatchLeft(task, run);
    case 'match_place':
      return runMatchPlace(task, run);
    case 'match_window':
      return runMatchWindow(task, run);
    case 'window_tails':
      return runWindowTails(task, run);
    case 'window_stream':
      return runWindowStream(task, run);
    case 'window_add':
      return runWindowAdd(task, run);
  }
}

function* runPipeline(task: PipelineTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { arena } = run.context;
  const claims = task.frame.control / 4 + CLAIM_WORD;
  const chains = task.branches.map((branch) => branch.operators.map((spec) => createOperator(spec, task, run)));
  const lanes: { lane: number; output: LaneOutput }[] = [];
  const count = task.lanes.length;
  for (let own = 0; ; own++) {
    const lane = task.claim ? Atomics.add(arena.i32, claims, 1) : own;
    if (lane >= count) break;
    lanes.push({ lane, output: yield* runLane(task, lane, chains, run) });
  }
  return { lanes };
}

function* runLane(task: PipelineTask, lane: number, chains: readonly (readonly Operator[])[], run: TaskRun): Generator<void, LaneOutput> {
  const sink = createSink(task.sink, run);
  try {
    let enough = false;
    const { counters } = run;
    const finish: Emit = (chunk) => {
      const before = counters.enter(sink.counter);
      enough = sink.push(chunk) || enough;
      counters.enter(before);
    };
    for (const range of task.lanes[lane]?.ranges ?? []) {
      const branch = task.branches[range.branch];
      if (!branch || enough) continue;
      const push = chained(chains[range.branch] ?? [], finish, counters);
      counters.enter(branch.counter);
      for (const chunk of chunksOf(branch, range, task.frame.vectorRows, run.context)) {
        run.check();
        counters.at(branch.counter).rows += chunk.count;
        if (chunk.count > 0) push(chunk);
        if (enough) break;
        yield;
        counters.enter(branch.counter);
      }
    }
    counters.enter(sink.counter);
    run.context.scratch.reset();
    return sink.end();
  } finally {
    if (sink instanceof TopSink) sink.release();
  }
}

/** The operators one after the other, as one function. */
function chained(operators: readonly Operator[], finish: Emit, counters: Counters): Emit {
  let next = finish;
  for (const operator of [...operators].reverse()) {
    const after = next;
    const counted: Emit = (chunk) => {
      counters.at(operator.counter).rows += chunk.count;
      after(chunk);
    };
    next = (chunk: Chunk) => {
      const before = counters.enter(operator.counter);
      operator.push(chunk, counted);
      counters.enter(before);
    };
  }
  return next;
}

function createOperator(spec: OperatorSpec, task: PipelineTask, run: TaskRun): Operator {
  switch (spec.kind) {
    case 'filter':
      return new Filter(spec, run.context);
    case 'project':
      return new Project(spec, run.context);
    case 'asof':
      return new AsofProbe(spec, run.context, run.temporary, run.check);
    case 'top_filter':
      return new TopFilter(spec, run.context, run.temporary);
    case 'partition':
      return new Partition(spec, run.context);
    case 'unnest':
      return new Unnest(spec, run.context, Math.max(1024, task.frame.vectorRows), run.check);
    case 'horizon':
      return new Horizon(spec, run.context, run.temporary, Math.max(1024, task.frame.vectorRows), run.check);
    case 'probe':
      return new Probe(spec, run.context, run.temporary, Math.max(1024, task.frame.vectorRows), run.check);
  }
}

function createSink(spec: SinkSpec, run: TaskRun): Sink {
  switch (spec.kind) {
    case 'collect':
      return new CollectSink(spec, run.kept, run.context);
    case 'aggregate':
      return new AggregateSink(spec, run.kept, run.context);
    case 'aggregate_sets':
      return new GroupingSetsSink(spec.spec, spec.sets, spec.counter, run.kept, run.context);
    case 'top':
      return new TopSink(spec, run.kept, run.context, run.check);
  }
}
