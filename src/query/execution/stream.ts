/** Results on their way out: small tasks with bounded look-ahead, in order, driven by the consumer's pull. */
import type { OwnedBatch } from '../../core/batch.js';
import type { ColumnId } from '../plan/expression.js';
import { cutBatch } from './cut-batch.js';
import { onlyPasses, passedRows } from './passed-rows.js';
import { growth, type QueryRun } from './query-run.js';
import { cutUnits, OpenLanes, type Pipeline, rowsOf, type UnitRange } from './sources.js';
import type { CollectedBatch, SinkSpec } from './task.js';

/** Vectors' worth of rows of one task. */
const MORSEL_VECTORS = 4;

type CollectSinkSpec = Extract<SinkSpec, { kind: 'collect' }>;

interface Morsel {
  readonly open: OpenLanes;
  readonly batches: readonly CollectedBatch[];
}

/** The pipeline's rows in order, batch by batch. The run's memory stays as long as a batch is not released. */
export async function* streamPipeline(
  pipeline: Pipeline,
  ids: readonly ColumnId[],
  limit: number | null,
  offset: number,
  counter: number,
  run: QueryRun,
): AsyncGenerator<OwnedBatch> {
  const passesThrough = onlyPasses(pipeline.branches);
  const morsels = cutUnits(pipeline, run.frame.vectorRows * MORSEL_VECTORS);
  const here = run.runsHere(rowsOf(pipeline) * growth(pipeline.branches)) || passesThrough;
  const sink: CollectSinkSpec = { kind: 'collect', ids, limit: limit === null ? null : limit + offset, copy: false, counter };
  const waiting: Promise<Morsel>[] = [];
  let skip = offset;
  let left = limit ?? Number.POSITIVE_INFINITY;
  // A limit is often reached by the first rows, so the look-ahead grows only as they are not enough.
  let ahead = limit === null ? lookAhead(here, run) : 1;
  try {
    for (let next = morsels.next(); left > 0 && (!next.done || waiting.length > 0); ) {
      for (; waiting.length < ahead && !next.done; next = morsels.next())
        waiting.push(prepared(runMorsel(pipeline, next.value, sink, here, run)));
      const morsel = await (waiting.shift() as Promise<Morsel>);
      ahead = Math.min(lookAhead(here, run), ahead * 2);
      const users = new Users(morsel, run);
      try {
        for (const batch of morsel.batches) {
          const first = Math.min(skip, batch.rowCount);
          skip -= first;
          const count = Math.min(left, batch.rowCount - first);
          left -= count;
          if (count === 0) users.free(batch);
          else yield users.lend(batch, cutBatch(batch, first, count, run));
        }
      } finally {
        users.end();
      }
    }
  } finally {
    if (waiting.length > 0) {
      run.cancel();
      for (const outcome of await Promise.allSettled(waiting)) if (outcome.status === 'fulfilled') new Users(outcome.value, run).end();
    }
  }
}

function lookAhead(here: boolean, run: QueryRun): number {
  return here ? 1 : Math.max(1, run.options.pool.threads * 2);
}

/** A rejection is looked at when its turn comes. */
function prepared(promise: Promise<Morsel>): Promise<Morsel> {
  promise.catch(() => undefined);
  return promise;
}

async function runMorsel(
  pipeline: Pipeline,
  ranges: readonly UnitRange[],
  sink: CollectSinkSpec,
  here: boolean,
  run: QueryRun,
): Promise<Morsel> {
  const open = new OpenLanes(pipeline, run.options.signal);
  run.hold(open);
  try {
    await open.add(ranges);
    const passed = onlyPasses(open.branches) ? passedRows(open.branches, open.lanes, sink.ids, run) : null;
    if (passed) return { open, batches: passed };
    const { frame } = run;
    const task = {
      kind: 'pipeline',
      frame: open.branches.every((branch) => branch.operators.length === 0)
        ? { ...frame, vectorRows: frame.vectorRows * MORSEL_VECTORS }
        : frame,
      branches: open.branches,
      lanes: open.lanes,
      claim: false,
      sink,
      expectedRows: open.rows,
    } as const;
    const result = await run.run(task, here);
    return { open, batches: result.lanes.flatMap(({ output }) => (output.kind === 'batches' ? output.batches : [])) };
  } catch (error) {
    run.unhold(open);
    throw error;
  }
}

/** Counts who still needs the source of a morsel: its batches that are lent out, and the stream itself until it is done with it. */
class Users {
  private readonly morsel: Morsel;
  private readonly run: QueryRun;
  private readonly pending: Set<CollectedBatch>;
  private count = 1;

  constructor(morsel: Morsel, run: QueryRun) {
    this.morsel = morsel;
    this.run = run;
    this.pending = new Set(morsel.batches);
  }

  free(batch: CollectedBatch): void {
    this.pending.delete(batch);
    for (const address of batch.owned) this.run.scope.free(address);
  }

  lend(batch: CollectedBatch, shown: CollectedBatch): OwnedBatch {
    const { run } = this;
    this.pending.delete(batch);
    this.count += 1;
    run.retain();
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      for (const address of batch.owned) run.scope.free(address);
      this.leave();
      run.release();
    };
    return { arena: shown.arena, rowCount: shown.rowCount, columns: shown.columns, release };
  }

  /** The stream is done with the morsel. */
  end(): void {
    for (const batch of this.pending) this.free(batch);
    this.leave();
  }

  private leave(): void {
    this.count -= 1;
    if (this.count === 0) this.run.unhold(this.morsel.open);
  }
}
