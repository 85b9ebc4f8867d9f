/** What JDBC and ODBC are told of each of our types: one entry per type. Codes are those of XdbcDataType. */
import type { PlainValue } from '../../arrow/plain-rows.js';
import type { DataType, TypeKind } from '../../core/types.js';

interface SqlType {
  /** As CREATE TABLE writes it. */
  readonly name: string;
  readonly code: number;
  /** Digits, characters or bytes of a value; null where there is no such bound. */
  readonly size: number | null;
  /** Around a literal. */
  readonly quote?: string;
  /** What comes in brackets after the name. */
  readonly parameters?: readonly string[];
  readonly unsigned?: boolean;
  /** What the size counts: 10 = digits, 2 = bits. */
  readonly radix?: 2 | 10;
  readonly scales?: readonly [minimum: number, maximum: number];
  /** Generic code and subcode of times and intervals. */
  readonly time?: readonly [code: number, subcode: number];
}

const VARCHAR = 12;
const DATETIME = 9;
const INTERVAL = 10;

const SQL_TYPES = {
  null: { name: 'NULL', code: 0, size: null },
  bool: { name: 'BOOLEAN', code: -7, size: 1 },
  int8: { name: 'TINYINT', code: -6, size: 3, unsigned: false, radix: 10, scales: [0, 0] },
  int16: { name: 'SMALLINT', code: 5, size: 5, unsigned: false, radix: 10, scales: [0, 0] },
  int32: { name: 'INTEGER', code: 4, size: 10, unsigned: false, radix: 10, scales: [0, 0] },
  int64: { name: 'BIGINT', code: -5, size: 19, unsigned: false, radix: 10, scales: [0, 0] },
  uint8: { name: 'UTINYINT', code: -6, size: 3, unsigned: true, radix: 10, scales: [0, 0] },
  uint16: { name: 'USMALLINT', code: 5, size: 5, unsigned: true, radix: 10, scales: [0, 0] },
  uint32: { name: 'UINTEGER', code: 4, size: 10, unsigned: true, radix: 10, scales: [0, 0] },
  uint64: { name: 'UBIGINT', code: -5, size: 20, unsigned: true, radix: 10, scales: [0, 0] },
  float32: { name: 'REAL', code: 7, size: 24, unsigned: false, radix: 2 },
  float64: { name: 'DOUBLE', code: 8, size: 53, unsigned: false, radix: 2 },
  decimal: { name: 'DECIMAL', code: 3, size: 38, parameters: ['precision', 'scale'], unsigned: false, radix: 10, scales: [0, 38] },
  utf8: { name: 'VARCHAR', code: VARCHAR, size: null, quote: "'" },
  symbol: { name: 'SYMBOL', code: VARCHAR, size: null, quote: "'" },
  binary: { name: 'BLOB', code: -3, size: null, quote: "'" },
  uuid: { name: 'UUID', code: -2, size: 16, quote: "'" },
  date32: { name: 'DATE', code: 91, size: 10, quote: "'", time: [DATETIME, 1] },
  time64: { name: 'TIME', code: 92, size: 18, quote: "'", scales: [0, 9], time: [DATETIME, 2] },
  timestamp: { name: 'TIMESTAMP', code: 93, size: 29, quote: "'", scales: [0, 9], time: [DATETIME, 3] },
  interval: { name: 'INTERVAL', code: INTERVAL, size: null, quote: "'", time: [INTERVAL, 110] },
  list: { name: 'LIST', code: 0, size: null },
  struct: { name: 'STRUCT', code: 0, size: null },
} as const satisfies Record<TypeKind, SqlType>;

const SCALE_OF_UNIT = { s: 0, ms: 3, us: 6, ns: 9 } as const;

export interface ColumnType {
  readonly name: string;
  readonly precision: number | null;
  readonly scale: number | null;
}

/** Of a column of the type; precision and scale as JDBC counts them. */
export function columnTypeOf(type: DataType): ColumnType {
  const { name, size }: SqlType = SQL_TYPES[type.kind];
  switch (type.kind) {
    case 'decimal':
      return { name: `DECIMAL(${type.precision}, ${type.scale})`, precision: type.precision, scale: type.scale };
    case 'timestamp':
      return { name: timestampName(type), precision: size, scale: SCALE_OF_UNIT[type.unit] };
    case 'time64':
      return { name, precision: size, scale: SCALE_OF_UNIT[type.unit] };
    case 'list':
      return { name: `${columnTypeOf(type.item.type).name}[]`, precision: null, scale: null };
    default:
      return { name, precision: size, scale: (SQL_TYPES[type.kind] as SqlType).scales?.[0] ?? null };
  }
}

function timestampName({ unit, timezone }: Extract<DataType, { kind: 'timestamp' }>): string {
  if (timezone !== null) return 'TIMESTAMPTZ';
  return unit === 'us' ? 'TIMESTAMP' : `TIMESTAMP_${unit.toUpperCase()}`;
}

/** Rows of XDBC_TYPE_INFO, by code and name; of one code only, unless it is null. */
export function xdbcTypeRows(code: number | null): readonly (readonly PlainValue[])[] {
  return Object.values<SqlType>(SQL_TYPES)
    .filter((type) => type.name !== 'NULL' && (code === null || type.code === code))
    .sort((a, b) => a.code - b.code || (a.name < b.name ? -1 : 1))
    .map(xdbcRow);
}

const NULLABLE = 1;
/** Anything but LIKE, and anything. */
const SEARCHABLE = { basic: 2, full: 3 } as const;

function xdbcRow({ name, code, size, quote, parameters, unsigned, radix, scales, time }: SqlType): readonly PlainValue[] {
  return [
    name,
    code,
    size,
    quote ?? null,
    quote ?? null,
    parameters ?? null,
    NULLABLE,
    code === VARCHAR,
    code === VARCHAR ? SEARCHABLE.full : SEARCHABLE.basic,
    unsigned ?? null,
    false,
    unsigned === undefined ? null : false,
    name,
    scales?.[0] ?? null,
    scales?.[1] ?? null,
    time?.[0] ?? code,
    time?.[1] ?? null,
    radix ?? null,
    null,
  ];
}
