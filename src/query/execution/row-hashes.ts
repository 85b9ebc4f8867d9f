/** Hashes of rows by some of their columns: rows that GROUP BY or a join takes for equal have equal hashes, whatever the encoding of their vectors. */
import type { Vector } from '../../core/batch.js';
import { physicalOf } from '../../core/types.js';
import { type MoveContext, toFlat } from '../expression/gather.js';
import { nestedToBytes } from '../expression/nested-bytes.js';
import { keysOf } from './aggregate/direct-map.js';

const NULL_HASH = 0x5bd1e995;
const FACTOR = 0x9e3779b1;

/** Address in scratch of a hash (uint32) for each row. */
export function rowHashes(keys: readonly Vector[], n: number, context: MoveContext): number {
  const { scratch, arena } = context;
  const out = scratch.allocateZeroed(Math.max(64, n * 4));
  for (const key of keys) {
    const mark = scratch.mark();
    addHashes(key, n, out, context);
    scratch.rewind(mark);
  }
  const { u32 } = arena;
  for (let i = out / 4; i < out / 4 + n; i++) u32[i] = finished(u32[i] as number);
  return out;
}

function addHashes(key: Vector, n: number, out: number, context: MoveContext): void {
  const { u32, u8 } = context.arena;
  const source = key.encoding === 'constant' ? toFlat(key, context) : key;
  const hashes = source.type.kind === 'null' ? 0 : hashesOf(source, context) / 4;
  const { validity } = source;
  for (let i = 0; i < n; i++) {
    const isNull = hashes === 0 || (validity !== 0 && (((u8[validity + (i >> 3)] as number) >> (i & 7)) & 1) === 0);
    const hash = isNull ? NULL_HASH : (u32[hashes + 2 * i] as number);
    const before = u32[out / 4 + i] as number;
    u32[out / 4 + i] = Math.imul(((before << 5) | (before >>> 27)) ^ hash, FACTOR);
  }
}

/** Address of a hash (uint64) for each value; those of NULLs say nothing. */
function hashesOf(vector: Vector, context: MoveContext): number {
  const { kernels, scratch } = context;
  const n = vector.length;
  const out = scratch.allocate(Math.max(64, n * 8));
  const { dictionary } = vector;
  if (dictionary) {
    // A code in the slot of a NULL is in range, unless there are no values at all.
    if (dictionary.count === 0) context.arena.u8.fill(0, out, out + n * 8);
    else kernels.hash_text(dictionary.offsets, dictionary.values, vector.values, n, out);
    return out;
  }
  const physical = physicalOf(vector.type);
  if (physical === 'list' || physical === 'struct') {
    const bytes = nestedToBytes(vector, context);
    kernels.hash_text(bytes.offsets, bytes.values, 0, n, out);
  } else if (physical === 'bytes') kernels.hash_text(vector.offsets, vector.values, 0, n, out);
  else if (physical === 'i128' || physical === 'interval' || physical === 'fixed16') kernels.hash_u128(vector.values, n, out);
  else kernels.hash_u64(keysOf(vector, context), n, out);
  return out;
}

function finished(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
