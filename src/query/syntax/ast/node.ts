/** What every tree node shares, and the leaves that hold no expression: names, data types, durations. */

/** The half-open range `[position, end)` of 0-based character (UTF-16) offsets that a node was read from. */
export interface Node {
  readonly position: number;
  readonly end: number;
}

/** A name as it was written. Unquoted names keep their case but are compared case-insensitively. */
export interface Identifier {
  readonly name: string;
  readonly quoted: boolean;
  readonly position: number;
}

/** `catalog.schema.table`, outermost part first; never empty. */
export type QualifiedName = readonly Identifier[];

export type DataType = NamedType | ListType | StructType | MapType;

/** `int`, `decimal(10, 2)`, `timestamp(9) with time zone`, `nullable(int64)`. */
export interface NamedType extends Node {
  readonly kind: 'namedType';
  /** Lower case unless quoted; several words are joined by one space: `double precision`, `timestamp with time zone`. */
  readonly name: string;
  readonly schema: string | null;
  readonly arguments: readonly TypeArgument[];
}

export type TypeArgument =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'type'; readonly type: DataType };

/** `int[]`, `int[3]`, `int array`, `list(int)`. */
export interface ListType extends Node {
  readonly kind: 'listType';
  readonly element: DataType;
  /** Fixed length, or null. */
  readonly size: number | null;
}

/** `struct(a int, b text)`, `row(a int)`. */
export interface StructType extends Node {
  readonly kind: 'structType';
  readonly fields: readonly { readonly name: Identifier; readonly type: DataType }[];
}

/** `map(text, int)`. */
export interface MapType extends Node {
  readonly kind: 'mapType';
  readonly key: DataType;
  readonly value: DataType;
}

export type DurationUnit =
  | 'nanosecond'
  | 'microsecond'
  | 'millisecond'
  | 'second'
  | 'minute'
  | 'hour'
  | 'day'
  | 'week'
  | 'month'
  | 'quarter'
  | 'year'
  | 'decade'
  | 'century'
  | 'millennium';

export interface DurationPart {
  /** A safe integer, never negative: a sign is a unary operator around the duration. */
  readonly amount: number;
  readonly unit: DurationUnit;
}

/** A setting of a clause such as WITH (…) or COPY (…): `name`, `name = value`, `name value`. */
export interface Option<Value> {
  /** Lower case; dotted names are joined by `.`. */
  readonly name: string;
  /** Null when the name stands alone. A bare word is a column node. */
  readonly value: Value | null;
  readonly position: number;
}

export interface OrderFlags {
  readonly direction: 'asc' | 'desc';
  /** Null: not said. */
  readonly nulls: 'first' | 'last' | null;
}
export type TableAlias = { readonly name: Identifier; readonly columns: readonly Identifier[] };
