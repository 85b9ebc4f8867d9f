/** What computes one call: it is given the stretches in order, then asked for its column. */
import { bitmapBytes, flatVector, type Value, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { INT64 } from '../../core/types.js';
import { ColumnBuilder } from '../expression/column-builder.js';
import { gatherVectorOrNull, toFlat } from '../expression/gather.js';
import { type ColumnTarget, putColumn } from './column-target.js';
import type { FramePiece, Stretch } from './frames.js';
import type { WindowCallSpec } from './spec.js';
import type { WindowRows } from './window-rows.js';

/** Picked values that are put in their places at once. */
const PICKED_ROWS = 8192;

export interface WindowComputation {
  /** Scratch is reset after it. pieces: the call's frames. */
  add(stretch: Stretch, pieces: readonly FramePiece[]): void;
  /** In place of add() where one stretch may be long work. */
  addInSteps?(stretch: Stretch, pieces: readonly FramePiece[]): Generator<void>;
  /** The result by position; null when it was put into its target. */
  finish(): Vector | null;
}

/** A result that is computed by position, vector after vector. */
export abstract class ComputedCall implements WindowComputation {
  protected readonly rows: WindowRows;
  protected readonly spec: WindowCallSpec;
  private readonly builder: ColumnBuilder;
  private readonly target: ColumnTarget | null;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    this.spec = spec;
    this.rows = rows;
    this.target = rows.targetOf(spec);
    this.builder = new ColumnBuilder(spec.type, rows.run.results);
  }

  protected abstract compute(stretch: Stretch, pieces: readonly FramePiece[]): Vector;

  add(stretch: Stretch, pieces: readonly FramePiece[]): void {
    this.append(this.compute(stretch, pieces), stretch);
  }

  addInSteps?(stretch: Stretch, pieces: readonly FramePiece[]): Generator<void>;

  /** The results of a stretch. */
  protected append(vector: Vector, stretch: Stretch): void {
    const { context } = this.rows.run;
    const result = toFlat(vector, context);
    if (this.target) putColumn(result, this.rows.results.first + stretch.first, this.target, context);
    else this.builder.append(result, context);
  }

  finish(): Vector | null {
    return this.target ? null : this.builder.view();
  }
}

/** A result that is some row's value: positions are picked, and the rows' values taken at the end. */
export abstract class PickedCall implements WindowComputation {
  protected readonly rows: WindowRows;
  protected readonly spec: WindowCallSpec;
  private readonly picked: number;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    this.spec = spec;
    this.rows = rows;
    this.picked = rows.run.memory.allocate(Math.max(64, rows.results.rowCount * 4));
  }

  /** Writes the position of each row's value, or 0xFFFFFFFF. */
  protected abstract pick(stretch: Stretch, pieces: readonly FramePiece[], out: number): void;

  add(stretch: Stretch, pieces: readonly FramePiece[]): void {
    this.pick(stretch, pieces, this.picked + stretch.first * 4);
  }

  finish(): Vector | null {
    const { rows, picked, spec } = this;
    const { context, results } = rows.run;
    const { rowCount } = rows.results;
    const value = rows.column(spec.args[0] ?? -1);
    const target = rows.targetOf(spec);
    if (!target) return gatherVectorOrNull(value, picked, rowCount, context, results);
    for (let first = 0; first < rowCount; first += PICKED_ROWS) {
      const n = Math.min(PICKED_ROWS, rowCount - first);
      context.scratch.reset();
      const result = toFlat(gatherVectorOrNull(value, picked + first * 4, n, context), context);
      putColumn(result, rows.results.first + first, target, context);
    }
    return null;
  }
}

/** An int64 argument of a call: one number for all, or one per position. */
export interface IntegerArgument {
  /** Of the stretch's first row; next ones are `step` bytes on. */
  at(stretch: Stretch): { readonly values: number; readonly step: number; readonly validity: number };
}

export function integerArgument(spec: WindowCallSpec, index: number, otherwise: bigint, rows: WindowRows): IntegerArgument {
  const { memory, context } = rows.run;
  const column = spec.args[index];
  if (column !== undefined && column >= 0) return integerColumn(rows, column);
  const given: Value | undefined = column === undefined ? otherwise : spec.constants[index];
  const values = memory.allocate(64);
  context.arena.i64[values / 8] = typeof given === 'bigint' ? given : 0n;
  return {
    at: ({ n }) => ({
      values,
      step: 0,
      validity: given === null || given === undefined ? context.scratch.allocateZeroed(bitmapBytes(n)) : 0,
    }),
  };
}

function integerColumn(rows: WindowRows, column: number): IntegerArgument {
  const { context } = rows.run;
  const values = rows.values(column);
  const { validity } = toFlat(rows.column(column), context, rows.run.memory);
  return { at: ({ first }) => ({ values: values + first * 8, step: 8, validity: validity === 0 ? 0 : validity + first / 8 }) };
}

export function int64Result(values: number, n: number, validity = 0): Vector {
  return flatVector(INT64, n, values, validity);
}

export function badNumber(what: string, spec: WindowCallSpec): DbError {
  return new DbError('invalid_argument', `${what} of ${spec.function} must be above 0`, {
    position: spec.position < 0 ? undefined : spec.position,
  });
}
