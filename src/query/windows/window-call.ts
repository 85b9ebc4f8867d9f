/** What computes one call: it is given the stretches in order, then asked for its column. */
import { bitmapBytes, flatVector, type Value, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { INT64 } from '../../core/types.js';
import { ColumnBuilder } from '../expression/column-builder.js';
import { gatherVector, gatherVectorOrNull, toFlat } from '../expression/gather.js';
import type { FramePiece, Stretch } from './frames.js';
import type { WindowCallSpec } from './spec.js';
import type { WindowRows } from './window-rows.js';

export interface WindowComputation {
  /** Scratch is reset after it. pieces: the call's frames. */
  add(stretch: Stretch, pieces: readonly FramePiece[]): void;
  /** The result by row. */
  finish(): Vector;
}

/** A result that is computed by position, vector after vector. */
export abstract class ComputedCall implements WindowComputation {
  protected readonly rows: WindowRows;
  protected readonly spec: WindowCallSpec;
  private readonly builder: ColumnBuilder;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    this.spec = spec;
    this.rows = rows;
    const { memory, results } = rows.run;
    this.builder = new ColumnBuilder(spec.type, rows.positions === 0 ? results : memory);
  }

  protected abstract compute(stretch: Stretch, pieces: readonly FramePiece[]): Vector;

  add(stretch: Stretch, pieces: readonly FramePiece[]): void {
    const { context } = this.rows.run;
    this.builder.append(toFlat(this.compute(stretch, pieces), context), context);
  }

  finish(): Vector {
    const { context, results } = this.rows.run;
    const column = this.builder.view();
    return this.rows.positions === 0 ? column : gatherVector(column, this.rows.positions, this.rows.n, context, results);
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
    this.picked = rows.run.memory.allocate(Math.max(64, rows.n * 4));
  }

  /** Writes the position of each row's value, or 0xFFFFFFFF. */
  protected abstract pick(stretch: Stretch, pieces: readonly FramePiece[], out: number): void;

  add(stretch: Stretch, pieces: readonly FramePiece[]): void {
    const out = this.picked + stretch.first * 4;
    this.pick(stretch, pieces, out);
    if (this.rows.rows !== 0) this.rows.run.context.kernels.rows_of_positions(out, this.rows.rows, stretch.n);
  }

  finish(): Vector {
    const { context, memory, results } = this.rows.run;
    let { picked } = this;
    if (this.rows.positions !== 0) {
      picked = memory.allocate(Math.max(64, this.rows.n * 4));
      context.kernels.gather_32(this.picked, this.rows.positions, this.rows.n, picked);
    }
    const value = this.rows.column(this.spec.args[0] ?? -1);
    return gatherVectorOrNull(value, picked, this.rows.n, context, results);
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
  const validity = rows.placeBits(toFlat(rows.column(column), context).validity);
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
