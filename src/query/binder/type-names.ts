/** SQL type names of PostgreSQL, DuckDB and this dialect → column types. */
import { DbError } from '../../core/errors.js';
import type { DataType, TimeUnit } from '../../core/types.js';
import type { NamedType, DataType as TypeSyntax } from '../syntax/ast/node.js';
import { didYouMean } from './nearest-name.js';

const timestamp = (unit: TimeUnit, timezone: string | null = null): DataType => ({ kind: 'timestamp', unit, timezone });

/** Names that need no argument. `docs/sql/README.md` shows the same table. */
const PLAIN_TYPES: Readonly<Record<string, DataType>> = {
  bool: { kind: 'bool' },
  boolean: { kind: 'bool' },
  logical: { kind: 'bool' },
  tinyint: { kind: 'int8' },
  int1: { kind: 'int8' },
  smallint: { kind: 'int16' },
  int2: { kind: 'int16' },
  int16: { kind: 'int16' },
  short: { kind: 'int16' },
  int: { kind: 'int32' },
  integer: { kind: 'int32' },
  int4: { kind: 'int32' },
  int32: { kind: 'int32' },
  signed: { kind: 'int32' },
  bigint: { kind: 'int64' },
  int8: { kind: 'int64' },
  int64: { kind: 'int64' },
  long: { kind: 'int64' },
  utinyint: { kind: 'uint8' },
  uint8: { kind: 'uint8' },
  usmallint: { kind: 'uint16' },
  uint16: { kind: 'uint16' },
  uinteger: { kind: 'uint32' },
  uint: { kind: 'uint32' },
  uint32: { kind: 'uint32' },
  ubigint: { kind: 'uint64' },
  uint64: { kind: 'uint64' },
  hugeint: { kind: 'decimal', precision: 38, scale: 0 },
  real: { kind: 'float32' },
  float4: { kind: 'float32' },
  float32: { kind: 'float32' },
  double: { kind: 'float64' },
  'double precision': { kind: 'float64' },
  float8: { kind: 'float64' },
  float64: { kind: 'float64' },
  text: { kind: 'utf8' },
  string: { kind: 'utf8' },
  utf8: { kind: 'utf8' },
  large_utf8: { kind: 'utf8' },
  varchar: { kind: 'utf8' },
  'character varying': { kind: 'utf8' },
  char: { kind: 'utf8' },
  character: { kind: 'utf8' },
  bpchar: { kind: 'utf8' },
  nvarchar: { kind: 'utf8' },
  name: { kind: 'utf8' },
  oid: { kind: 'int64' },
  xid: { kind: 'int64' },
  regproc: { kind: 'utf8' },
  json: { kind: 'utf8' },
  jsonb: { kind: 'utf8' },
  symbol: { kind: 'symbol' },
  blob: { kind: 'binary' },
  bytea: { kind: 'binary' },
  binary: { kind: 'binary' },
  varbinary: { kind: 'binary' },
  uuid: { kind: 'uuid' },
  guid: { kind: 'uuid' },
  date: { kind: 'date32' },
  date32: { kind: 'date32' },
  time_ns: { kind: 'time64', unit: 'ns' },
  interval: { kind: 'interval' },
  timestamp_s: timestamp('s'),
  timestamp_ms: timestamp('ms'),
  timestamp_us: timestamp('us'),
  timestamp_ns: timestamp('ns'),
  timestamptz_ns: timestamp('ns', 'UTC'),
};

/** Names with a precision of fractional seconds; the default is the middle column. */
const TIMESTAMP_TYPES: Readonly<Record<string, string | null>> = {
  timestamp: null,
  datetime: null,
  datetime64: null,
  'timestamp without time zone': null,
  timestamptz: 'UTC',
  'timestamp with time zone': 'UTC',
};

/** The type that a cast or column definition names. Fails with `type_mismatch` for unknown names and arguments out of range. */
export function resolveType(syntax: TypeSyntax): DataType {
  switch (syntax.kind) {
    case 'listType':
      if (syntax.size !== null) throw unsupportedType(syntax.position, 'lists of a fixed length');
      return { kind: 'list', item: { name: 'item', type: resolveType(syntax.element), nullable: true } };
    case 'structType':
      return {
        kind: 'struct',
        fields: syntax.fields.map((field) => ({ name: field.name.name, type: resolveType(field.type), nullable: true })),
      };
    case 'mapType':
      throw unsupportedType(syntax.position, 'maps');
    case 'namedType':
      return resolveNamed(syntax);
  }
}

function resolveNamed(syntax: NamedType): DataType {
  const name = syntax.name.toLowerCase();
  const inner = syntax.arguments[0]?.kind === 'type' ? syntax.arguments[0].type : undefined;
  if (inner && name === 'nullable') return resolveType(inner);
  if (inner && name === 'lowcardinality') return { kind: 'symbol' };
  if (inner && (name === 'list' || name === 'array'))
    return { kind: 'list', item: { name: 'item', type: resolveType(inner), nullable: true } };
  const zone = TIMESTAMP_TYPES[name];
  if (zone !== undefined) return timestamp(unitOf(syntax), zone);
  if (name === 'time' || name === 'time without time zone') return { kind: 'time64', unit: unitOf(syntax) === 'ns' ? 'ns' : 'us' };
  if (name === 'decimal' || name === 'numeric' || name === 'dec') return decimalOf(syntax);
  if (name === 'float') return { kind: (numberArgument(syntax, 0) ?? 53) <= 24 ? 'float32' : 'float64' };
  const plain = PLAIN_TYPES[name];
  if (plain) return plain;
  if (name === 'time with time zone' || name === 'timetz') throw unsupportedType(syntax.position, 'TIME WITH TIME ZONE');
  const known = [...Object.keys(PLAIN_TYPES), ...Object.keys(TIMESTAMP_TYPES), 'decimal', 'numeric', 'float', 'time'];
  throw new DbError('type_mismatch', `no type is called ${syntax.name}`, { position: syntax.position, hint: didYouMean(name, known) });
}

function numberArgument(syntax: NamedType, index: number): number | undefined {
  const argument = syntax.arguments[index];
  return argument?.kind === 'number' ? argument.value : undefined;
}

/** timestamp(0) … timestamp(9): the coarsest unit that keeps so many digits. */
function unitOf(syntax: NamedType): TimeUnit {
  const digits = numberArgument(syntax, 0) ?? 6;
  if (digits < 0 || digits > 9)
    throw new DbError('type_mismatch', `a timestamp has 0 to 9 digits, not ${digits}`, { position: syntax.position });
  return digits === 0 ? 's' : digits <= 3 ? 'ms' : digits <= 6 ? 'us' : 'ns';
}

function decimalOf(syntax: NamedType): DataType {
  const precision = numberArgument(syntax, 0);
  if (precision === undefined) return { kind: 'decimal', precision: 18, scale: 3 };
  const scale = numberArgument(syntax, 1) ?? 0;
  if (precision < 1 || precision > 38 || scale < 0 || scale > precision)
    throw new DbError('type_mismatch', `decimal(${precision}, ${scale}) is out of range`, {
      position: syntax.position,
      hint: 'precision 1 to 38, scale 0 to precision',
    });
  return { kind: 'decimal', precision, scale };
}

function unsupportedType(position: number, what: string): DbError {
  return new DbError('unsupported', `${what} are not supported yet`, { position });
}

const SQL_NAMES: Readonly<Partial<Record<DataType['kind'], string>>> = {
  bool: 'BOOLEAN',
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  uint8: 'UTINYINT',
  uint16: 'USMALLINT',
  uint32: 'UINTEGER',
  uint64: 'UBIGINT',
  float32: 'REAL',
  float64: 'DOUBLE',
  utf8: 'TEXT',
  symbol: 'SYMBOL',
  binary: 'BLOB',
  uuid: 'UUID',
  date32: 'DATE',
  interval: 'INTERVAL',
  null: 'TEXT',
};

/** A spelling of the type that CREATE TABLE reads back as the same type. */
export function sqlTypeName(type: DataType): string {
  switch (type.kind) {
    case 'decimal':
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case 'time64':
      return type.unit === 'ns' ? 'TIME_NS' : 'TIME';
    case 'timestamp':
      return type.timezone === null ? `TIMESTAMP_${type.unit.toUpperCase()}` : `TIMESTAMPTZ(${{ s: 0, ms: 3, us: 6, ns: 9 }[type.unit]})`;
    case 'list':
      return `${sqlTypeName(type.item.type)}[]`;
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${quoteName(field.name)} ${sqlTypeName(field.type)}`).join(', ')})`;
    default:
      return SQL_NAMES[type.kind] ?? type.kind;
  }
}

/** The name as SQL text: quoted when it would not be read back as it is. */
export function quoteName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
