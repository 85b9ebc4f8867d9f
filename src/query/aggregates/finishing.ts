/** Shared endings of aggregates: from state arrays to result vectors. */
import { bitmapBytes, dictionaryVector, flatVector, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { FLOAT64, isText, physicalOf } from '../../core/types.js';
import { nextDictionaryId } from '../execution/dictionary-id.js';
import { gatherVectorOrNull } from '../expression/gather.js';
import type { FinishInput, SlotResult } from './contract.js';

export function slotAt(input: FinishInput, index: number): SlotResult {
  const slot = input.slots[index];
  if (!slot) throw new Error(`aggregate slot ${index} of ${input.slots.length}`);
  return slot;
}

/** The values that a slot keeps, in row order, and the group of each. */
export function listAt(input: FinishInput, index: number): NonNullable<SlotResult['list']> {
  const { list } = slotAt(input, index);
  if (!list) throw new Error('a list slot has a list');
  return list;
}

/** Address of the offsets of lists that end there, one after the other. */
export function offsetsOf({ arena, memory }: FinishInput, ends: readonly number[]): number {
  const offsets = memory.allocate((ends.length + 1) * 4 + 60);
  arena.u32[offsets / 4] = 0;
  arena.u32.set(ends, offsets / 4 + 1);
  return offsets;
}

export function partAt(input: FinishInput, slot: number, index: number): number {
  return slotAt(input, slot).parts[index] ?? 0;
}

/** Validity of groups that any row reached; 0 when all were. */
export function reached(input: FinishInput): number {
  if (input.counts === 0) return input.present;
  const bitmap = input.memory.allocate(bitmapBytes(input.groupCount));
  const set = input.kernels.bits_positive_i64(input.counts, input.groupCount, bitmap);
  return set === input.groupCount ? 0 : bitmap;
}

/** Validity of groups whose flag (uint8) is 1; 0 when all are. */
export function flagged(input: FinishInput, flags: number): number {
  const bitmap = input.memory.allocate(bitmapBytes(input.groupCount));
  const set = input.kernels.bits_eq_u8(flags, 1, input.groupCount, bitmap);
  return set === input.groupCount ? 0 : bitmap;
}

/** Sums ÷ weights (float64); NULL where no row was and where the weights are 0. */
export function ratioVector(input: FinishInput, sums: number, weights: number): Vector {
  const { kernels, memory, groupCount } = input;
  const out = allocateValues(input, 8);
  kernels.finish_ratio_f64(sums, weights, groupCount, out);
  const validity = memory.allocate(bitmapBytes(groupCount));
  const there = kernels.bits_nonzero_f64(weights, reached(input), groupCount, validity);
  return flatVector(FLOAT64, groupCount, out, there === groupCount ? 0 : validity);
}

/** A state array as result values: bool states are bytes, text states are ids of interned text, the rest lies as it is wanted. */
export function stateVector(input: FinishInput, slot: SlotResult, part: number, validity: number): Vector {
  const states = slot.parts[part] ?? 0;
  const { groupCount, type } = input;
  if (isText(type) || type.kind === 'binary') return textStates(input, slot, states, validity);
  if (type.kind !== 'bool') return flatVector(type, groupCount, states, validity);
  const bits = input.memory.allocate(bitmapBytes(groupCount));
  input.kernels.bits_eq_u8(states, 1, groupCount, bits);
  return flatVector(type, groupCount, bits, validity);
}

function textStates(input: FinishInput, slot: SlotResult, ids: number, validity: number): Vector {
  const texts = slot.texts;
  if (!texts) throw new Error('text states without texts');
  const { groupCount, type } = input;
  if (groupCount >= texts.length) {
    const dictionary = { id: nextDictionaryId(), count: texts.length, offsets: texts.offsets, values: texts.values };
    if (texts.length > 0) return dictionaryVector(type, groupCount, withoutGaps(input, ids, validity), dictionary, validity);
  }
  return { ...gatherVectorOrNull(texts, ids, groupCount, input.context, input.memory), type };
}

/** Codes in null slots must be in range. */
function withoutGaps(input: FinishInput, ids: number, validity: number): number {
  if (validity !== 0) {
    for (let i = ids / 4; i < ids / 4 + input.groupCount; i++) if (input.arena.u32[i] === 0xffffffff) input.arena.u32[i] = 0;
  }
  return ids;
}

/** Fails with the group's sum when a kernel reported one that does not fit. */
export function checkOverflow(
  input: FinishInput,
  group: number,
  what: string,
  type = physicalOf(input.type) === 'i128' ? 'decimal(38)' : input.type.kind,
): void {
  if (group < 0) return;
  throw new DbError('numeric_overflow', `${what} does not fit ${type}`, {
    position: input.position < 0 ? undefined : input.position,
    hint: 'cast the argument to float64 or decimal',
  });
}

export function allocateValues(input: FinishInput, widthBytes: number): number {
  return input.memory.allocate(Math.max(8, input.groupCount * widthBytes));
}
