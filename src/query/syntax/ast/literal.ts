/** The expressions that contain no other expression. */
import type { DataType, DurationPart, Node, QualifiedName } from './node.js';

export interface NumberLiteral extends Node {
  readonly kind: 'number';
  /** Decimal digits, exact: no sign, no underscores, hexadecimal/octal/binary already converted. `1e5`, `0.5`, `18446744073709551616`. */
  readonly text: string;
  /** True when the text is digits only. */
  readonly isInteger: boolean;
}
export interface StringLiteral extends Node {
  readonly kind: 'string';
  readonly value: string;
}
export interface BooleanLiteral extends Node {
  readonly kind: 'boolean';
  readonly value: boolean;
}
export interface NullLiteral extends Node {
  readonly kind: 'null';
}
/** `TIMESTAMP '…'`, `DATE '…'`, `TIME '…'`, `JSON '…'`: a type name before a string. */
export interface TypedLiteral extends Node {
  readonly kind: 'typedLiteral';
  readonly type: DataType;
  readonly value: string;
}
/** `5m`, `1h30m`, `250ms`, and `90 DAYS` where a clause wants a duration. */
export interface DurationLiteral extends Node {
  readonly kind: 'duration';
  readonly parts: readonly DurationPart[];
}
/** `X'00ff'`. */
export interface BlobLiteral extends Node {
  readonly kind: 'blob';
  /** Lower-case hexadecimal, even length. */
  readonly hex: string;
}
/** `$1` and `?` have an index (1-based; `?` counts through the text), `:name`, `$name` and `{name:Type}` a name. */
export interface Parameter extends Node {
  readonly kind: 'parameter';
  readonly index: number | null;
  readonly name: string | null;
  readonly type: DataType | null;
}
/** `price`, `t.price`, `s.t.price`; the binder decides which parts are table and which are struct fields. */
export interface Column extends Node {
  readonly kind: 'column';
  readonly name: QualifiedName;
}
