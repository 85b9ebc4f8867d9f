/** How entries of the registry say what they take: parameters, signatures, and the choice among them. */
import { flatVector, type Vector } from '../../core/batch.js';
import { type DataType, FLOAT64, INT64, INTERVAL, isText, physicalOf, sameType, UTF8, WIDTH_BYTES } from '../../core/types.js';
import type { ArgumentType, EvaluationContext, Overload } from './contract.js';
import { implicitlyCasts } from './types.js';

/** The type that an argument is brought to; undefined when it is not taken. */
export type Parameter = (arg: ArgumentType) => DataType | undefined;

type EvaluateOverload = Overload['evaluate'];

export interface Signature {
  readonly params: readonly Parameter[];
  /** Taken any number of times after params. */
  readonly rest?: Parameter;
  /** The result's type, or how it follows from the arguments'. */
  readonly type: DataType | ((args: readonly DataType[]) => DataType);
  readonly evaluate: EvaluateOverload;
}

/** resolve() of a function with these signatures: the first one that fits as it is, else the first one that fits with conversions. */
export function oneOf(...signatures: readonly Signature[]): (args: readonly ArgumentType[]) => Overload | undefined {
  return (args) => {
    let fallback: Overload | undefined;
    for (const signature of signatures) {
      const types = matching(signature, args);
      if (!types) continue;
      const { type, evaluate } = signature;
      const overload = { args: types, type: typeof type === 'function' ? type(types) : type, evaluate };
      if (args.every((arg, i) => sameType(arg.type, types[i] ?? arg.type))) return overload;
      fallback ??= overload;
    }
    return fallback;
  };
}

function matching(signature: Signature, args: readonly ArgumentType[]): readonly DataType[] | undefined {
  const { params, rest } = signature;
  if (args.length < params.length || (args.length > params.length && !rest)) return undefined;
  const types = args.map((arg, i) => (params[i] ?? rest)?.(arg));
  const known = types.filter((type) => type !== undefined);
  return known.length === args.length ? known : undefined;
}

/** Exactly this type, or what converts to it without loss. */
function only(type: DataType): Parameter {
  return (arg) => (implicitlyCasts(arg, type) ? type : undefined);
}

export const float: Parameter = only(FLOAT64);
export const integer: Parameter = only(INT64);

/** utf8 and symbol as they are. */
export const text: Parameter = (arg) => (isText(arg.type) ? arg.type : arg.type.kind === 'null' ? UTF8 : undefined);

/** Anything; what is not text is written as text. */
export const asText: Parameter = (arg) => (isText(arg.type) ? arg.type : UTF8);

export const any: Parameter = (arg) => arg.type;

export const interval: Parameter = (arg) => (arg.type.kind === 'interval' || implicitlyCasts(arg, INTERVAL) ? INTERVAL : undefined);

/** Timestamps as they are; dates and text literals become timestamps of microseconds (nanoseconds where the literal writes them). */
export const timestamp: Parameter = (arg) => {
  if (arg.type.kind === 'timestamp') return arg.type;
  if (arg.type.kind === 'date32' || arg.type.kind === 'null') return { kind: 'timestamp', unit: 'us', timezone: null };
  if (!arg.literal || !isText(arg.type)) return undefined;
  const precise = typeof arg.value === 'string' && /:\d+[.,]\d{7,}/.test(arg.value);
  return { kind: 'timestamp', unit: precise ? 'ns' : 'us', timezone: null };
};

/** A type of exactly this kind, parameters free. */
export function kind(name: DataType['kind']): Parameter {
  return (arg) => (arg.type.kind === name ? arg.type : undefined);
}

/** 0 for a constant operand, 1 for a column: what kernels take beside an address. */
export function step(vector: Vector): number {
  return vector.encoding === 'constant' ? 0 : 1;
}

/** Scratch for the values of a fixed-width result. */
export function room(type: DataType, rowCount: number, context: EvaluationContext): number {
  return context.scratch.allocate(WIDTH_BYTES[physicalOf(type)] * rowCount);
}

/** A flat vector whose values a kernel has written. */
export function result(type: DataType, rowCount: number, values: number, validity = 0, offsets = 0): Vector {
  return flatVector(type, rowCount, values, validity, offsets);
}
