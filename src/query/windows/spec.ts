/** One window node as plain data: columns by index into the batch that the task gets. */
import type { Value } from '../../core/batch.js';
import type { DataType } from '../../core/types.js';
import type { WindowFrame } from '../plan/window.js';

/** Limits and range keys are columns of the batch. */
export type FrameSpec = WindowFrame<number>;

export interface WindowCallSpec {
  /** Which of the specification's calls this is. */
  readonly index: number;
  readonly function: string;
  readonly aggregate: boolean;
  readonly type: DataType;
  /** −1: the argument is a constant and stands in `constants` alone. */
  readonly args: readonly number[];
  readonly argTypes: readonly DataType[];
  readonly constants: readonly (Value | undefined)[];
  /** −1 = none. */
  readonly filter: number;
  readonly distinct: boolean;
  readonly ignoreNulls: boolean;
  readonly fromLast: boolean;
  /** Index into `frames`. */
  readonly frame: number;
  /** Own order of the rows of a frame; empty: that of the window. */
  readonly order: readonly WindowOrder[];
  readonly position: number;
}

export interface WindowOrder {
  readonly column: number;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export interface WindowSpec {
  readonly types: readonly DataType[];
  readonly partition: readonly number[];
  readonly order: readonly WindowOrder[];
  readonly frames: readonly FrameSpec[];
  readonly calls: readonly WindowCallSpec[];
}
