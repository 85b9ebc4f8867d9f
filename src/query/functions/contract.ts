/** What a scalar function and an aggregate are. One registry entry each; the binder resolves against it, execution runs it. */

import type { Kernels } from '../../../native-free/kernels.js';
import type { Arena } from '../../core/arena.js';
import type { Value, Vector } from '../../core/batch.js';
import type { Scratch } from '../../core/memory-scope.js';
import type { DataType } from '../../core/types.js';
import type { DictionaryCache } from '../expression/dictionary-cache.js';

/** What an evaluation may use. Result vectors live in scratch: they are valid until the caller resets it. One per thread and task. */
export interface EvaluationContext {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly scratch: Scratch;
  /** Statement start, nanoseconds since the epoch: what now() gives. */
  readonly nowNanoseconds: bigint;
  readonly timezone: string;
  /** Keeps what was computed over dictionaries from one vector to the next; without it that is done again for every vector. */
  readonly dictionaryCache?: DictionaryCache;
  /** Throws when the query was cancelled or its time is over; called now and then by what works long on one vector. */
  readonly check?: () => void;
  /** Called before a single step that takes long; throws where that is no place for it, and then the work begins anew on a thread. */
  readonly beforeLongStep?: () => void;
}

export interface FunctionExample {
  readonly sql: string;
  /** Text of the single result value, as `SELECT (sql)::utf8` gives it; NULL for null. */
  readonly result: string;
}

/** One way to call a function: exact argument types and the result type. */
export interface Overload {
  /** Types that the arguments have when evaluate() is called. */
  readonly args: readonly DataType[];
  readonly type: DataType;
  /**
   * All vectors have rowCount rows, any encoding; the result has type `type`, rowCount rows. Validity of a `strict` function is combined by
   * the caller: `validity` is the combined bitmap (0 = all present), for errors that must not come from null slots.
   */
  evaluate(context: EvaluationContext, args: readonly Vector[], rowCount: number, validity: number): Vector;
}

export interface ScalarFunction {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly category: 'operator' | 'math' | 'text' | 'time' | 'conditional' | 'list' | 'json' | 'hash' | 'system';
  readonly doc: string;
  readonly examples: readonly FunctionExample[];
  /** strict: NULL in, NULL out (the evaluator does it). custom: evaluate() sets validity itself. */
  readonly nulls: 'strict' | 'custom';
  /** True: not a function of its arguments (random, uuid); never folded. */
  readonly volatile?: boolean;
  /** True: no row can make it fail, so it may be evaluated for rows that do not need it. */
  readonly infallible?: boolean;
  /**
   * The overload for these argument types (a NULL literal has kind 'null'; a bare string literal has kind 'utf8' and literal true), or undefined.
   * Deterministic: workers call it again with the overload's own argument types and must get the same one.
   */
  resolve(args: readonly ArgumentType[]): Overload | undefined;
}

export interface ArgumentType {
  readonly type: DataType;
  /** A bare literal may be converted more freely: '2026-01-01' to a timestamp, 1 to any number type that holds it. */
  readonly literal: boolean;
  /** The value of a literal, where it is known: then an integer that does not fit a type is not converted to it. */
  readonly value?: Value;
}
