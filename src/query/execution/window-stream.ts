/**
 * Windows over rows that come in the order of the window already, as a time series does: nothing is sorted or moved. Every lane of rows is
 * looked at twice: what it leaves to later lanes, then its results. Partitions are the codes of one dictionary; whatever does not fit is left to
 * the general way (window-stage.ts).
 */
import type { Vector } from '../../core/batch.js';
import { physicalOf } from '../../core/types.js';
import type { WindowSpec } from '../windows/spec.js';
import { type StreamCall, startsOfLanes, streamCalls, tailBytes } from '../windows/stream-calls.js';
import type { QueryRun } from './query-run.js';
import type { TaskResult, WindowPiece } from './task.js';
import { grouped } from './window-pieces.js';

/** Lanes of one window at most. */
const MOST_LANES = 16;

/** Bytes of states of all lanes that are not worth it any more. */
const MOST_STATE_BYTES = 1 << 26;

export interface StreamedWindow {
  readonly spec: WindowSpec;
  /** Where the specification's columns stand in the pieces. */
  readonly places: readonly number[];
  readonly counter: number;
}

interface Stream {
  readonly calls: readonly StreamCall[];
  readonly partitions: number;
  /** Places in the columns of the spec; −1 = none. */
  readonly partition: number;
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
  const stream = streamOf(window.spec, own, rowCount);
  if (!stream) return undefined;
  const here = run.runsHere(rowCount);
  const size = Math.max(run.frame.vectorRows * 16, Math.ceil(rowCount / MOST_LANES));
  const lanes = grouped(own, size);
  const shared = { frame: run.frame, counter: window.counter, ...stream };
  const said = await run.runAll(
    lanes.map((lane, i) => ({ kind: 'window_tails', ...shared, pieces: lane, isLast: i === lanes.length - 1 }) as const),
    here,
  );
  const tails = said.map((result) => result.tails);
  if (tails.some((each) => each === null) || (stream.order >= 0 && !lanesAscend(lanes, stream.order, run))) {
    for (const address of tails.flatMap((each) => each ?? [])) run.scope.free(address);
    return undefined;
  }
  const known = tails.flatMap((each) => (each ? [each] : []));
  const starts = startsOfLanes(stream.calls, known, stream.partitions, run.scope, run.context);
  const tasks = lanes.map((lane, i) => ({ kind: 'window_stream', ...shared, pieces: lane, starts: starts[i] ?? [] }) as const);
  const done = await run.runAll(tasks, here);
  for (const address of [...known, ...starts].flat()) run.scope.free(address);
  return done.flatMap(columnsOfPieces);
}

function columnsOfPieces({ lanes }: TaskResult): readonly (readonly Vector[])[] {
  return lanes.flatMap(({ output }) => (output.kind === 'batches' ? output.batches.map((batch) => batch.columns) : []));
}

function streamOf(spec: WindowSpec, pieces: readonly WindowPiece[], rowCount: number): Stream | undefined {
  const calls = streamCalls(spec);
  const [partition = -1, ...morePartitions] = spec.partition;
  const [order, ...moreOrders] = spec.order;
  if (!calls || morePartitions.length > 0 || moreOrders.length > 0) return undefined;
  if (order && (order.descending || physicalOf(spec.types[order.column] ?? { kind: 'null' }) !== 'i64')) return undefined;
  const read = new Set([...calls.map((call) => call.column), ...(order ? [order.column] : [])]);
  const partitions = partition < 0 ? 1 : partitionsOf(pieces, partition);
  const plain = pieces.every(({ columns }) =>
    [...read].every((index) => columns[index]?.encoding === 'flat' && columns[index]?.validity === 0),
  );
  if (!plain || partitions === undefined) return undefined;
  const bytes = calls.reduce((sum, call) => sum + tailBytes(call) * partitions, 0) * 3 * MOST_LANES;
  if (bytes > MOST_STATE_BYTES || partitions * 8 > rowCount)
    return partitions === 1 ? { calls, partitions, partition, order: order?.column ?? -1 } : undefined;
  return { calls, partitions, partition, order: order?.column ?? -1 };
}

/** Values of the one dictionary that all pieces have; undefined when there is none, or a NULL. */
function partitionsOf(pieces: readonly WindowPiece[], column: number): number | undefined {
  let id = -1;
  let count = 0;
  for (const { columns } of pieces) {
    const vector = columns[column];
    if (vector?.encoding !== 'dictionary' || !vector.dictionary || vector.validity !== 0) return undefined;
    if (id >= 0 && vector.dictionary.id !== id) return undefined;
    id = vector.dictionary.id;
    count = Math.max(count, vector.dictionary.count);
  }
  return count;
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
