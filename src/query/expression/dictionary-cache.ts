/** Results of expressions over the values of a dictionary, kept from vector to vector by one thread. */
import type { Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { Expression } from '../plan/expression.js';

/** The expression's value for every code of the dictionary, and at index `count` its value for NULL. */
export interface LiftedResult {
  readonly count: number;
  readonly result: Vector;
  /** bool results: one byte per code, 1 = true; and how many codes (NULL's entry left out) are true. */
  readonly truth: number;
  readonly trueCount: number;
  /** bool results: the only true code, or the only code that is not true; −1 when there is no such. */
  readonly onlyTrue: number;
  readonly onlyUntrue: number;
}

export class DictionaryCache {
  /** Owns the kept vectors; released by whoever made it, after the last vector that came out of an evaluation is gone. */
  readonly scope: MemoryScope;
  /** Rows that the evaluations will see in all: a dictionary much larger than that is not worth its evaluation. */
  readonly expectedRows: number;
  private readonly results = new Map<Expression, Map<number, LiftedResult | 'declined'>>();

  constructor(scope: MemoryScope, expectedRows: number = Number.POSITIVE_INFINITY) {
    this.scope = scope;
    this.expectedRows = expectedRows;
  }

  get(expression: Expression, dictionaryId: number): LiftedResult | 'declined' | undefined {
    return this.results.get(expression)?.get(dictionaryId);
  }

  set(expression: Expression, dictionaryId: number, result: LiftedResult | 'declined'): void {
    let byDictionary = this.results.get(expression);
    if (!byDictionary) {
      byDictionary = new Map();
      this.results.set(expression, byDictionary);
    }
    byDictionary.set(dictionaryId, result);
  }
}
