/** The rows of one update: what several states need of the same vectors, made once. */
import { assert } from '../../core/assert.js';
import { bitmapBytes, type Vector } from '../../core/batch.js';
import { type DataType, FLOAT64, isInteger, isNested, physicalOf } from '../../core/types.js';
import type { IdRuns, NewGroups } from '../execution/aggregate/group-table.js';
import type { TextEncoder32 } from '../execution/aggregate/text-encoder.js';
import { type MoveContext, toFlat } from '../expression/gather.js';
import { nestedToBytes } from '../expression/nested-bytes.js';
import { asConstant } from '../expression/vector-values.js';
import { multipliesAsIs } from './number-states.js';
import type { StateInput, StateValues } from './states.js';

/** Vectors of one update. Arguments may be in any encoding. */
export interface AccumulatorInput {
  /** Group of each row (uint32 address), or 0: one group. */
  readonly groups: number;
  /** The same groups where rows come in runs of them; then `groups` is only made when it is asked for. */
  readonly runs?: IdRuns | null;
  /** Groups that are new with these rows; null: not known. */
  readonly added?: NewGroups | null;
  readonly groupCount: number;
  /** Rows that exist; 0 = all. */
  readonly mask: number;
  readonly n: number;
  readonly args: readonly Vector[];
  /** Bitmaps of the FILTER conditions. */
  readonly filters: readonly number[];
  /** True: there may be groups that none of the rows belongs to. */
  readonly sparse?: boolean;
}

/** The rows of an update as one state sees them. */
export class RowsOfState implements StateInput {
  readonly mask: number;
  readonly values: readonly StateValues[];
  readonly context: MoveContext;
  private readonly input: AccumulatorInput;

  constructor(input: AccumulatorInput, mask: number, values: readonly StateValues[], context: MoveContext) {
    this.input = input;
    this.mask = mask;
    this.values = values;
    this.context = context;
  }

  get groups(): number {
    return this.input.groups;
  }

  get runs(): IdRuns | null {
    return this.input.runs ?? null;
  }

  get added(): NewGroups | null {
    return this.input.added ?? null;
  }

  get n(): number {
    return this.input.n;
  }
}

/** What several states need of the same vectors, made once: flat values, text ids, masks. */
export class VectorsOfUpdate {
  private readonly input: AccumulatorInput;
  private readonly encoders: ReadonlyMap<number, TextEncoder32>;
  private readonly context: MoveContext;
  private readonly flat = new Map<number, StateValues>();
  private readonly floats = new Map<number, StateValues>();
  private readonly bytes = new Map<number, Vector>();
  private readonly masks = new Map<string, number>();

  constructor(input: AccumulatorInput, encoders: ReadonlyMap<number, TextEncoder32>, context: MoveContext) {
    this.input = input;
    this.encoders = encoders;
    this.context = context;
  }

  vector(arg: number): Vector {
    const given = this.input.args[arg];
    assert(given, `aggregate argument ${arg}`);
    if (!isNested(given.type)) return given;
    let bytes = this.bytes.get(arg);
    if (!bytes) {
      bytes = asBytes(given, this.context);
      this.bytes.set(arg, bytes);
    }
    return bytes;
  }

  /** As they came, or whole numbers as floats where the type says so. */
  values(arg: number, type?: DataType): StateValues {
    let values = this.flat.get(arg);
    if (!values) {
      values = this.flatten(arg);
      this.flat.set(arg, values);
    }
    return type?.kind === 'float64' && isInteger(values.type) ? this.asFloats(arg, values) : values;
  }

  /** As products take them. */
  factor(arg: number): StateValues {
    const values = this.values(arg);
    return multipliesAsIs(values.physical) ? values : this.values(arg, FLOAT64);
  }

  private asFloats(arg: number, values: StateValues): StateValues {
    let floats = this.floats.get(arg);
    if (!floats) {
      const { context, input } = this;
      const address = context.scratch.allocate(Math.max(64, input.n * 8));
      const physical = values.physical as 'i64';
      context.kernels[`cast_${physical}_f64`](values.address, input.n, address, 0, 0);
      floats = { ...values, type: FLOAT64, physical: 'f64', address };
      this.floats.set(arg, floats);
    }
    return floats;
  }

  private flatten(arg: number): StateValues {
    const vector = this.vector(arg);
    const { context, input } = this;
    const encoder = this.encoders.get(arg);
    if (encoder) {
      const ids = context.scratch.allocate(Math.max(64, input.n * 4));
      encoder.encode(vector, input.mask, context, ids);
      const texts = encoder.values(context);
      return { type: vector.type, physical: 'bytes', address: ids, validity: validityOf(vector, context), texts, vector };
    }
    if (physicalOf(vector.type) === 'bytes' || vector.type.kind === 'null') {
      return { type: vector.type, physical: 'bytes', address: 0, validity: validityOf(vector, context), texts: null, vector };
    }
    const flat = toFlat(vector, context);
    if (vector.type.kind !== 'bool') {
      return { type: vector.type, physical: physicalOf(vector.type), address: flat.values, validity: flat.validity, texts: null, vector };
    }
    const bytes = context.scratch.allocate(Math.max(64, input.n));
    context.kernels.expand_bits(flat.values, input.n, bytes);
    return { type: vector.type, physical: 'u8', address: bytes, validity: flat.validity, texts: null, vector };
  }

  /** Rows that exist and pass the filter. */
  filtered(filter: number): number {
    if (filter < 0) return this.input.mask;
    return this.both(this.input.mask, this.input.filters[filter] ?? 0, `f${filter}`);
  }

  /** Rows that count for a state: filtered, and no required argument is NULL. */
  counted(required: readonly number[], filter: number): number {
    let mask = this.filtered(filter);
    let key = '';
    for (const arg of required) {
      const validity = validityOf(this.vector(arg), this.context);
      if (validity === 0) continue;
      key = `${key || `f${filter}`}:${arg}`;
      mask = this.both(mask, validity, key);
    }
    return mask;
  }

  /** Filtered rows that do not count; 0 when there can be none. */
  missing(required: readonly number[], filter: number): number {
    if (required.every((arg) => validityOf(this.vector(arg), this.context) === 0)) return 0;
    const counted = this.counted(required, filter);
    const out = this.context.scratch.allocate(bitmapBytes(this.input.n));
    this.context.kernels.mask_and_not(this.filtered(filter), counted, this.input.n, out);
    return out;
  }

  private both(a: number, b: number, key: string): number {
    if (a === 0 || b === 0) return a === 0 ? b : a;
    let out = this.masks.get(key);
    if (out === undefined) {
      out = this.context.scratch.allocate(bitmapBytes(this.input.n));
      this.context.kernels.mask_and(a, b, this.input.n, out);
      this.masks.set(key, out);
    }
    return out;
  }
}

/** Lists and structs as bytes; of a constant only one is written. */
function asBytes(vector: Vector, context: MoveContext): Vector {
  if (vector.encoding !== 'constant' || vector.length === 0) return nestedToBytes(vector, context);
  return asConstant(nestedToBytes({ ...vector, length: 1 }, context), vector.length, context);
}

/** A bitmap for the rows of a vector in any encoding; 0 = no NULL. */
function validityOf(vector: Vector, context: MoveContext): number {
  if (vector.type.kind === 'null') return context.scratch.allocateZeroed(bitmapBytes(vector.length));
  if (vector.encoding !== 'constant' || vector.validity === 0) return vector.validity;
  return ((context.arena.u8[vector.validity] ?? 0) & 1) === 1 ? 0 : context.scratch.allocateZeroed(bitmapBytes(vector.length));
}
