/** A parameter's value whose type is said, in the form of values.ts valueAt(). Arrow clients say it; JavaScript values speak for themselves. */
import type { Value } from './batch.js';
import type { DataType } from './types.js';

export class TypedValue {
  readonly type: DataType;
  readonly value: Value;

  constructor(type: DataType, value: Value) {
    this.type = type;
    this.value = value;
  }
}
