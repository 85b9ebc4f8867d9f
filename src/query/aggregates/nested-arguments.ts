/** Lists and structs as arguments of aggregates: states keep them as bytes (expression/nested-bytes.ts). */

import { assert } from '../../core/assert.js';
import { flatVector, type Vector } from '../../core/batch.js';
import type { Allocator } from '../../core/build-vector.js';
import { BINARY, type DataType, isNested } from '../../core/types.js';
import { type MoveContext, toFlat } from '../expression/gather.js';
import { bytesToNested } from '../expression/nested-bytes.js';
import type { CallSpec } from './accumulator.js';
import { aggregateFunction } from './registry.js';

/** The call with bytes in the place of lists and structs. */
export function callOverBytes(spec: CallSpec): CallSpec {
  const kept = (type: DataType, i: number) => isNested(type) && spec.constants[i] === undefined;
  if (!spec.argTypes.some(kept)) return spec;
  const argTypes = spec.argTypes.map((type, i) => (kept(type, i) ? BINARY : type));
  const entry = aggregateFunction(spec.function);
  if (entry?.readsBytes) return { ...spec, argTypes };
  const signature = entry?.resolve(argTypes.map((type) => ({ type, literal: false })));
  assert(signature, `${spec.function} over bytes`);
  return { ...spec, argTypes, type: signature.type };
}

/** A result of such a call in the type that was asked for. */
export function outOfBytes(result: Vector, type: DataType, context: MoveContext, memory: Allocator): Vector {
  if (isNested(type) && result.type.kind === 'binary') return bytesToNested(result, type, context, memory);
  if (type.kind !== 'list' || !isNested(type.item.type) || result.type.kind !== 'list' || result.type.item.type.kind !== 'binary')
    return result;
  const flat = toFlat(result, context, memory);
  const child = flat.children[0];
  assert(child, 'a list has a child');
  return flatVector(type, flat.length, 0, flat.validity, flat.offsets, [bytesToNested(child, type.item.type, context, memory)]);
}
