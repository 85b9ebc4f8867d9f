/** A parameter that has no value yet: a NULL that learns the type which the statement wants of it. Plans with one never run. */
import { TypedValue } from '../../core/typed-value.js';
import { NULL_TYPE } from '../../core/types.js';
import type { ParameterSlot } from '../plan/expression.js';

export class OpenParameter extends TypedValue {
  readonly slot: ParameterSlot = { type: null };

  constructor() {
    super(NULL_TYPE, null);
  }
}
