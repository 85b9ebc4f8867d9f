/**
 * Windows over rows that come in the order of the window already, as a time series does: nothing is sorted or moved. A frame's last rows are
 * looked up in the lanes of rows before, then every lane gives its results; exponential averages begin anew in each lane, and what the lanes before
 * have left is added where it can still be seen. Partitions are the codes of one dictionary; whatever does not fit is left to the general way
 * (window-stage.ts).
 */
import type { Vector } from '../../../core/batch.js';
import { physicalOf } from '../../../core/types.js';
import type { WindowSpec } from '../../windows/spec.js';
import { hasFrame, hasNulls, type StreamCall, startsOfLanes, streamCalls, tailBytes } from '../../windows/stream-calls.js';
import type { QueryRun } from '../query-run.js';
import type { TaskResult, WindowPiece, WindowTailsTask } from '../task.js';
import { grouped } from './window-pieces.js';

/** Lanes of one window at most. */
const MOST_LANES = 16;

/** Bytes of states of all lanes that are not worth it any more. */
const MOST_STATE_BYTES = 1 << 26;

export interface StreamedWindow {
  readonly spec: WindowSpec;
  /** Where the specification's columns stand in the pieces. */
  readonly places: readonly number[];
  /** True when the rows are known to come in order; else it is looked at. */
  readonly ascends: boolean;
  readonly counter: number;
}

interface Stream {
  readonly calls: readonly StreamCall[];
  readonly partitions: number;
  /** Place in the columns of the spec; −1 = none. */
  readonly partition: number;
  /** The same of the order; −1 = the rows are known to have it. */
  readonly order: number;
}

/** The calls' columns, piece by piece; undefined when the window is not of this kind. */
export async function streamedColumns(
  window: StreamedWindow,
  pieces: readonly WindowPiece[],
  rowCount: number,
  run: QueryRun,
): Promise<readonly (readonly Vector[])[] | undefined> {
  const own = pieces.map(({ columns, ...piece }) => ({ ...piece, columns: window.places.map((place) => columns[place] as Vector) }));
  const stream = streamOf(window, own, rowCount);
  if (!stream) return undefined;
  return new LanesOfWindow(stream, own, rowCount, window.counter, run).columns();
}

class LanesOfWindow {
  private readonly stream: Stream;
  private readonly lanes: readonly (readonly WindowPiece[])[];
  private readonly shared: Pick<WindowTailsTask, 'frame' | 'counter' | 'calls' | 'partitions' | 'partition'>;
  private readonly run: QueryRun;
  private readonly here: boolean;

  constructor(stream: Stream, pieces: readonly WindowPiece[], rowCount: number, counter: number, run: QueryRun) {
    this.stream = stream;
    this.run = run;
    this.here = run.runsHere(rowCount);
    this.lanes = grouped(pieces, Math.max(run.frame.vectorRows * 16, Math.ceil(rowCount / MOST_LANES)));
    const { calls, partitions, partition } = stream;
    this.shared = { frame: run.frame, counter, calls, partitions, partition };
  }

  async columns(): Promise<readonly (readonly Vector[])[] | undefined> {
    const { lanes, shared, run, here } = this;
    const starts = await this.startsOfFrames();
    if (!starts) return undefined;
    const done = await run.runAll(
      lanes.map((pieces, i) => ({ kind: 'window_stream', ...shared, pieces, starts: starts[i] ?? [] }) as const),
      here,
    );
    this.free(starts);
    const results = done.map(columnsOfPieces);
    await this.addBefore(
      done.map(({ tails }) => tails ?? []),
      results,
    );
    return results.flat();
  }

  /** What each lane must know of the rows before it; undefined when the rows do not come in order. */
  private async startsOfFrames(): Promise<readonly (readonly number[])[] | undefined> {
    const { stream, lanes, shared, run, here } = this;
    const { calls, order, partitions } = stream;
    if (order < 0 && (lanes.length === 1 || !calls.some(hasFrame))) return [];
    const tasks = lanes.map((pieces, i) => ({ kind: 'window_tails', ...shared, pieces, order, isLast: i === lanes.length - 1 }) as const);
    const tails = (await run.runAll(tasks, here)).map((result) => result.tails);
    const said = tails.map((each) => each ?? []);
    const inOrder = tails.every((each) => each !== null) && (order < 0 || lanesAscend(lanes, order, run));
    const starts = inOrder ? startsOfLanes(calls, said, partitions, run.scope, run.context) : undefined;
    this.free(said);
    return starts;
  }

  /** Results in place: what the lanes before have left is added. */
  private async addBefore(ends: readonly (readonly number[])[], results: readonly (readonly (readonly Vector[])[])[]): Promise<void> {
    const { stream, lanes, shared, run, here } = this;
    const starts = lanes.length > 1 ? startsOfLanes(stream.calls, ends, stream.partitions, run.scope, run.context) : [];
    const tasks = lanes.slice(1).flatMap((pieces, i) => {
      const lane = { starts: starts[i + 1] ?? [], ends: ends[i + 1] ?? [], results: results[i + 1] ?? [] };
      return lane.ends.some((address) => address !== 0) ? [{ kind: 'window_add', ...shared, ...lane, pieces } as const] : [];
    });
    if (tasks.length > 0) await run.runAll(tasks, here);
    this.free(starts);
    this.free(ends);
  }

  private free(lanes: readonly (readonly number[])[]): void {
    for (const address of lanes.flat()) if (address !== 0) this.run.scope.free(address);
  }
}

function columnsOfPieces({ lanes }: TaskResult): readonly (readonly Vector[])[] {
  return lanes.flatMap(({ output }) => (output.kind === 'batches' ? output.batches.map((batch) => batch.columns) : []));
}

function streamOf({ spec, ascends }: StreamedWindow, pieces: readonly WindowPiece[], rowCount: number): Stream | undefined {
  const found = streamCalls(spec);
  const [partition = -1, ...morePartitions] = spec.partition;
  const [key, ...moreKeys] = spec.order;
  if (!found || morePartitions.length > 0 || moreKeys.length > 0) return undefined;
  if (key && (key.descending || physicalOf(spec.types[key.column] ?? { kind: 'null' }) !== 'i64')) return undefined;
  const order = key && !ascends ? key.column : -1;
  const partitions = partition < 0 ? 1 : partitionsOf(pieces, partition);
  const isPlain = (column: number, nulls: boolean): boolean =>
    pieces.every(({ columns }) => columns[column]?.encoding === 'flat' && (nulls || columns[column]?.validity === 0));
  if (partitions === undefined || (order >= 0 && !isPlain(order, false))) return undefined;
  if (!found.every((call) => isPlain(call.column, true))) return undefined;
  const calls = found.map((call) => (call.kind === 'ring' ? { ...call, nulls: hasNulls(pieces, call.column) } : call));
  const bytes = calls.reduce((sum, call) => sum + tailBytes(call) * partitions, 0) * 3 * MOST_LANES;
  const isWorthIt = partitions === 1 || (bytes <= MOST_STATE_BYTES && partitions * 8 <= rowCount);
  return isWorthIt ? { calls, partitions, partition, order } : undefined;
}

/** Values of the one dictionary that all pieces have, and one more where there are NULLs; undefined when there is none. */
function partitionsOf(pieces: readonly WindowPiece[], column: number): number | undefined {
  let id = -1;
  let count = 0;
  for (const { columns } of pieces) {
    const vector = columns[column];
    if (vector?.encoding !== 'dictionary' || !vector.dictionary) return undefined;
    if (id >= 0 && vector.dictionary.id !== id) return undefined;
    id = vector.dictionary.id;
    count = Math.max(count, vector.dictionary.count);
  }
  return hasNulls(pieces, column) ? count + 1 : count;
}

/** True when no lane begins before the one before it ends. */
function lanesAscend(lanes: readonly (readonly WindowPiece[])[], order: number, run: QueryRun): boolean {
  const { i64 } = run.context.arena;
  return lanes.every((lane, i) => {
    const [before, first] = [lanes[i - 1]?.at(-1), lane[0]];
    const [last, next] = [before?.columns[order], first?.columns[order]];
    if (!before || !last || !next) return true;
    return (i64[last.values / 8 + before.rowCount - 1] as bigint) <= (i64[next.values / 8] as bigint);
  });
}
