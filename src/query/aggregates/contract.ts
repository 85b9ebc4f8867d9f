/**
 * What an aggregate is: how its call is typed, which states it keeps per group, and how the states become its result.
 * Rows that are filtered out or have a NULL in a required argument reach no state. States of disjoint row ranges are merged in row order.
 */

import type { Kernels } from '../../../native-free/kernels.js';
import type { Arena } from '../../core/arena.js';
import type { Value, Vector } from '../../core/batch.js';
import type { Allocator } from '../../core/build-vector.js';
import type { DataType } from '../../core/types.js';
import type { MoveContext } from '../expression/gather.js';
import type { ArgumentType, FunctionExample } from '../functions/contract.js';

/** The types that a call's arguments must be cast to, and the type of its result. */
export interface AggregateSignature {
  readonly args: readonly DataType[];
  readonly type: DataType;
}

/** Kinds of state; see slots.ts for their kernels. */
export type SlotKind =
  | 'sum_integer'
  | 'sum_float'
  | 'sum_decimal'
  | 'sum_product'
  | 'product'
  | 'min'
  | 'max'
  | 'first'
  | 'last'
  | 'arg_min'
  | 'arg_max'
  | 'arg_max_last'
  | 'moments'
  | 'co_moments'
  | 'true_count'
  | 'ema'
  | 'list'
  | 'hyperloglog'
  | 'digest';

export interface SlotSpec {
  readonly kind: SlotKind;
  /** Indexes into the call's arguments. */
  readonly inputs: readonly number[];
}

/** The states of one slot for groups [0, groupCount). */
export interface SlotResult {
  /** Addresses of the arrays of its parts, one element per group. */
  readonly parts: readonly number[];
  /** Text: the interned values that u32 states are ids of, as a flat utf8 or binary vector. */
  readonly texts: Vector | null;
  /** Lists: the kept values in row order, and the group of each (uint32 at address). */
  readonly list: { readonly values: Vector; readonly groups: number } | null;
}

export interface FinishInput {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly context: MoveContext;
  /** Where the result's buffers are allocated. */
  readonly memory: Allocator;
  readonly groupCount: number;
  readonly type: DataType;
  /** Address of int64 × groupCount: rows that reached the states; 0 unless the recipe asks for counts. */
  readonly counts: number;
  /** Bitmap of the groups that any row reached; 0 = all. Of no use when the recipe asks for counts. */
  readonly present: number;
  readonly slots: readonly SlotResult[];
  /** Values of the arguments that are constants (the quantile, the separator); undefined where an argument is none. */
  readonly constants: readonly (Value | undefined)[];
  /** Fails as the call: `numeric_overflow` and the like get the call's position. */
  readonly position: number;
}

export interface AggregateRecipe {
  readonly slots: readonly SlotSpec[];
  /** Arguments that must not be NULL for a row to count. */
  readonly required: readonly number[];
  /** True: finish() needs the number of rows, not only whether there were any. */
  readonly counts?: boolean;
  finish(input: FinishInput): Vector;
}

export interface AggregateFunction {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly doc: string;
  readonly examples: readonly FunctionExample[];
  /** True when the order of rows matters to the result, so that ORDER BY inside the call has an effect. */
  readonly ordered?: boolean;
  /** Arguments from this index on must be constants. */
  readonly constantsFrom?: number;
  /** True: finish() turns lists and structs, which states keep as bytes (nested-arguments.ts), back by itself. */
  readonly readsBytes?: boolean;
  /** True: in a window only distinct values count, as if the call said DISTINCT. */
  readonly distinctInWindows?: boolean;
  /** For calls whose arguments may be written in several orders: which of them is the first, the second, … of those that resolve() takes. */
  arrange?(args: readonly ArgumentType[]): readonly number[];
  /** undefined: there is no such call. */
  resolve(args: readonly ArgumentType[]): AggregateSignature | undefined;
  /** `args` as resolve() gave them. */
  recipe(args: readonly DataType[]): AggregateRecipe;
}
