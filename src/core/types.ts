/** Logical column types, their physical layout, and their names. The layout of every type is Arrow's. */
export type TimeUnit = 's' | 'ms' | 'us' | 'ns';

export type IntegerKind = 'int8' | 'int16' | 'int32' | 'int64' | 'uint8' | 'uint16' | 'uint32' | 'uint64';

export type DataType =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool' }
  | { readonly kind: IntegerKind }
  | { readonly kind: 'float32' }
  | { readonly kind: 'float64' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'utf8' }
  | { readonly kind: 'symbol' }
  | { readonly kind: 'binary' }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'date32' }
  | { readonly kind: 'time64'; readonly unit: 'us' | 'ns' }
  | { readonly kind: 'timestamp'; readonly unit: TimeUnit; readonly timezone: string | null }
  | { readonly kind: 'interval' }
  | { readonly kind: 'list'; readonly item: Field }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] };

export type TypeKind = DataType['kind'];

export interface Field {
  readonly name: string;
  readonly type: DataType;
  readonly nullable: boolean;
}

export interface Schema {
  readonly fields: readonly Field[];
}

/**
 * How values lie in memory. `bit`: Arrow bitmap; `i128`: 16 bytes little-endian two's complement; `interval`: Arrow MONTH_DAY_NANO
 * (int32 months, int32 days, int64 nanoseconds); `fixed16`: 16 raw bytes; `bytes`: int32 offsets + bytes; `none`: no buffer.
 */
export type PhysicalType =
  | 'none'
  | 'bit'
  | 'i8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'f32'
  | 'f64'
  | 'i128'
  | 'interval'
  | 'fixed16'
  | 'bytes'
  | 'list'
  | 'struct';

const PHYSICAL = {
  null: 'none',
  bool: 'bit',
  int8: 'i8',
  int16: 'i16',
  int32: 'i32',
  int64: 'i64',
  uint8: 'u8',
  uint16: 'u16',
  uint32: 'u32',
  uint64: 'u64',
  float32: 'f32',
  float64: 'f64',
  decimal: 'i128',
  utf8: 'bytes',
  symbol: 'bytes',
  binary: 'bytes',
  uuid: 'fixed16',
  date32: 'i32',
  time64: 'i64',
  timestamp: 'i64',
  interval: 'interval',
  list: 'list',
  struct: 'struct',
} as const satisfies Record<TypeKind, PhysicalType>;

export function physicalOf(type: DataType): PhysicalType {
  return PHYSICAL[type.kind];
}

/** Bytes of one value; 0 for types without a fixed byte width (`bit`, `bytes`, `list`, `struct`, `none`). */
export const WIDTH_BYTES = {
  none: 0,
  bit: 0,
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  f32: 4,
  f64: 8,
  i128: 16,
  interval: 16,
  fixed16: 16,
  bytes: 0,
  list: 0,
  struct: 0,
} as const satisfies Record<PhysicalType, number>;

export const NULL_TYPE: DataType = { kind: 'null' };
export const BOOL: DataType = { kind: 'bool' };
export const INT32: DataType = { kind: 'int32' };
export const INT64: DataType = { kind: 'int64' };
export const UINT64: DataType = { kind: 'uint64' };
export const FLOAT32: DataType = { kind: 'float32' };
export const FLOAT64: DataType = { kind: 'float64' };
export const UTF8: DataType = { kind: 'utf8' };
export const SYMBOL: DataType = { kind: 'symbol' };
export const BINARY: DataType = { kind: 'binary' };
export const UUID: DataType = { kind: 'uuid' };
export const DATE32: DataType = { kind: 'date32' };
export const INTERVAL: DataType = { kind: 'interval' };
export const TIMESTAMP_NS: DataType = { kind: 'timestamp', unit: 'ns', timezone: null };
export const TIMESTAMP_US: DataType = { kind: 'timestamp', unit: 'us', timezone: null };

/** Ticks of a unit in one second. */
export const UNITS_PER_SECOND = { s: 1n, ms: 1_000n, us: 1_000_000n, ns: 1_000_000_000n } as const satisfies Record<TimeUnit, bigint>;

/** The name that clients read (`types` in JSON, DESCRIBE, errors): Arrow's spelling. */
export function typeName(type: DataType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`;
    case 'time64':
      return `time64[${type.unit}]`;
    case 'timestamp':
      return type.timezone === null ? `timestamp[${type.unit}]` : `timestamp[${type.unit}, ${type.timezone}]`;
    case 'list':
      return `list<${typeName(type.item.type)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}: ${typeName(field.type)}`).join(', ')}>`;
    default:
      return type.kind;
  }
}

/** The same type, nullability of children included. */
export function sameType(a: DataType, b: DataType): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case 'decimal':
      return b.kind === 'decimal' && a.precision === b.precision && a.scale === b.scale;
    case 'time64':
      return b.kind === 'time64' && a.unit === b.unit;
    case 'timestamp':
      return b.kind === 'timestamp' && a.unit === b.unit && a.timezone === b.timezone;
    case 'list':
    case 'struct':
      return a.kind === b.kind && JSON.stringify(a) === JSON.stringify(b);
    default:
      return a.kind === b.kind;
  }
}

const INTEGERS: ReadonlySet<TypeKind> = new Set<TypeKind>(['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64']);

export function isInteger(type: DataType): boolean {
  return INTEGERS.has(type.kind);
}

export function isNumeric(type: DataType): boolean {
  return isInteger(type) || type.kind === 'float32' || type.kind === 'float64' || type.kind === 'decimal';
}

/** utf8 and symbol: the same values, told apart only by what the client asked to store. */
export function isText(type: DataType): boolean {
  return type.kind === 'utf8' || type.kind === 'symbol';
}

export function isNested(type: DataType): boolean {
  return type.kind === 'list' || type.kind === 'struct';
}
