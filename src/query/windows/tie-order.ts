/** Windows whose calls cannot tell in which order tied rows come: they may go by a longer order that begins with theirs. */
import type { DataType } from '../../core/types.js';
import type { FrameSpec, WindowCallSpec, WindowSpec } from './spec.js';

const RANKS: ReadonlySet<string> = new Set(['rank', 'dense_rank', 'percent_rank', 'cume_dist']);

/** Aggregates whose result is the same, to the last bit, in any order of the values. */
const EXACT: ReadonlySet<string> = new Set(['count', 'count_if', 'sum', 'avg', 'min', 'max', 'bool_and', 'bool_or']);

const FLOATS: ReadonlySet<DataType['kind']> = new Set(['float32', 'float64']);

export function ignoresTieOrder({ calls, frames }: WindowSpec): boolean {
  return calls.every((call) => (call.aggregate ? isExact(call) && takesPeersTogether(frames[call.frame]) : RANKS.has(call.function)));
}

function isExact({ function: name, argTypes }: WindowCallSpec): boolean {
  return EXACT.has(name) && (name === 'count' || argTypes.every((type) => !FLOATS.has(type.kind)));
}

/** True when tied rows have one frame, which has all of them or none. */
function takesPeersTogether(frame: FrameSpec | undefined): boolean {
  if (!frame || frame.wanders || (frame.exclude !== 'none' && frame.exclude !== 'group')) return false;
  return frame.unit !== 'rows' || (frame.start.kind === 'unbounded_preceding' && frame.end.kind === 'unbounded_following');
}
