/** Pipelines run a few lanes at a time, so that what they give can go to disk before there is too much of it. */

import { DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { growth, type QueryRun } from '../execution/query-run.js';
import { bytesOf, cutUnits, OpenLanes, type Pipeline, rowsOf } from '../execution/sources.js';
import type { CollectedBatch } from '../execution/task.js';
import type { ColumnId } from '../plan/expression.js';
import { SpillLimit } from './spill-space.js';

/** Vectors' worth of rows of a lane at most. */
const LANE_VECTORS = 16;
/** Bytes that a row takes in a wave at least, as long as nothing is known: source and result. */
const LEAST_ROW_BYTES = 64;

/** Rows of one wave, and the memory that they lie in; whoever takes them releases it. */
export interface Wave {
  readonly batches: readonly CollectedBatch[];
  readonly part: QueryRun;
}

/** The pipeline's rows in order, copied, wave by wave. bytesAtOnce: what a wave may take, about. */
export async function* wavesOf(
  pipeline: Pipeline,
  ids: readonly ColumnId[],
  counter: number,
  bytesAtOnce: number,
  run: QueryRun,
): AsyncGenerator<Wave> {
  const { vectorRows } = run.frame;
  const threads = Math.max(1, run.options.pool.threads);
  const rowBytes = Math.max(LEAST_ROW_BYTES, (2 * bytesOf(pipeline)) / Math.max(1, rowsOf(pipeline))) * growth(pipeline.branches);
  const vectors = Math.floor(bytesAtOnce / threads / rowBytes / vectorRows);
  const lanes = cutUnits(pipeline, vectorRows * Math.max(1, Math.min(LANE_VECTORS, vectors)));
  let lanesAtOnce = threads;
  for (let next = lanes.next(); !next.done; ) {
    run.check();
    const part = run.part();
    run.hold(part);
    const open = new OpenLanes(pipeline, run.options.signal);
    part.hold(open);
    run.makeRoom(2 * bytesAtOnce);
    for (let count = 0; count < lanesAtOnce && !next.done && (count === 0 || open.sizeBytes < bytesAtOnce); count++) {
      await open.add(next.value);
      next = lanes.next();
    }
    run.makeRoom(2 * bytesAtOnce);
    const { branches, lanes: opened, rows } = open;
    const sink = { kind: 'collect', ids, limit: null, copy: true, counter } as const;
    const results = await part.runLanes({ branches, lanes: opened, sink, expectedRows: rows }, rows);
    part.unhold(open);
    const outputs = results.flatMap((result) => result.lanes).sort((a, b) => a.lane - b.lane);
    const batches = outputs
      .flatMap(({ output }) => (output.kind === 'batches' ? output.batches : []))
      .filter((batch) => batch.rowCount > 0);
    lanesAtOnce = nextCount(lanesAtOnce, part.scope, bytesAtOnce, threads);
    yield { batches, part };
  }
}

/** More lanes the next time when these took little memory, fewer when they took much. */
function nextCount(lanes: number, { usedBytes }: MemoryScope, bytesAtOnce: number, threads: number): number {
  const fitting = Math.floor((lanes * bytesAtOnce) / Math.max(1, usedBytes));
  return Math.max(1, Math.min(fitting, lanes * 2, threads * 16));
}

/** False for so few rows that no stage over them is worth being done on disk. */
export function mayBeMany(pipeline: Pipeline, run: QueryRun): boolean {
  return run.maySpill && rowsOf(pipeline) * growth(pipeline.branches) > run.frame.vectorRows;
}

export function isShortage(error: unknown): boolean {
  return error instanceof DbError && error.code === 'query_memory_exceeded' && !(error instanceof SpillLimit);
}

/**
 * Does a stage in memory. Where that is not enough (or leaves nothing for what comes after it), everything that it took is given back and it
 * is done anew with the disk. The part's memory is held until the run's end.
 */
export async function inMemoryElse<Result>(
  run: QueryRun,
  inMemory: (part: QueryRun) => Promise<Result>,
  onDisk: () => Promise<Result>,
): Promise<Result> {
  if (!run.maySpill) return inMemory(run);
  const part = run.part();
  run.hold(part);
  const restore = run.nodes.mark();
  try {
    const result = await inMemory(part);
    if (!run.isShort()) return result;
  } catch (error) {
    if (!isShortage(error)) throw error;
  }
  run.unhold(part);
  run.resume();
  run.closeIdle();
  restore();
  return onDisk();
}
