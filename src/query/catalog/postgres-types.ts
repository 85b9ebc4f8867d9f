/** Our types as PostgreSQL's clients know them: object ids, names, sizes. */
import type { DataType } from '../../core/types.js';

export interface PostgresType {
  readonly oid: number;
  /** As in pg_type and udt_name. */
  readonly name: string;
  /** As format_type and information_schema write it. */
  readonly display: string;
  /** Bytes; −1 = variable. */
  readonly length: number;
  /** pg_type.typcategory. */
  readonly category: string;
  /** Object id of the list of it. */
  readonly listOid: number;
}

const type = (oid: number, name: string, display: string, length: number, category: string, listOid: number): PostgresType => ({
  oid,
  name,
  display,
  length,
  category,
  listOid,
});

const TEXT = type(25, 'text', 'text', -1, 'S', 1009);
const TIMESTAMP = type(1114, 'timestamp', 'timestamp without time zone', 8, 'D', 1115);
const TIMESTAMPTZ = type(1184, 'timestamptz', 'timestamp with time zone', 8, 'D', 1185);
const SMALLINT = type(21, 'int2', 'smallint', 2, 'N', 1005);
const INTEGER = type(23, 'int4', 'integer', 4, 'N', 1007);
const BIGINT = type(20, 'int8', 'bigint', 8, 'N', 1016);
const NUMERIC = type(1700, 'numeric', 'numeric', -1, 'N', 1231);
const RECORD = type(2249, 'record', 'record', -1, 'P', 2287);

const BY_KIND: Readonly<Record<DataType['kind'], PostgresType>> = {
  null: TEXT,
  bool: type(16, 'bool', 'boolean', 1, 'B', 1000),
  int8: SMALLINT,
  int16: SMALLINT,
  int32: INTEGER,
  int64: BIGINT,
  // Unsigned numbers go where all of them fit.
  uint8: SMALLINT,
  uint16: INTEGER,
  uint32: BIGINT,
  uint64: NUMERIC,
  float32: type(700, 'float4', 'real', 4, 'N', 1021),
  float64: type(701, 'float8', 'double precision', 8, 'N', 1022),
  decimal: NUMERIC,
  utf8: TEXT,
  symbol: TEXT,
  binary: type(17, 'bytea', 'bytea', -1, 'U', 1001),
  uuid: type(2950, 'uuid', 'uuid', 16, 'U', 2951),
  date32: type(1082, 'date', 'date', 4, 'D', 1182),
  time64: type(1083, 'time', 'time without time zone', 8, 'D', 1183),
  timestamp: TIMESTAMP,
  interval: type(1186, 'interval', 'interval', 16, 'T', 1187),
  list: type(1009, '_text', 'text[]', -1, 'A', 0),
  struct: RECORD,
};

/** Types that clients look up though no column has them. */
const FURTHER: readonly PostgresType[] = [
  TIMESTAMPTZ,
  type(18, 'char', '"char"', 1, 'Z', 1002),
  type(19, 'name', 'name', 64, 'S', 1003),
  type(24, 'regproc', 'regproc', 4, 'N', 1008),
  type(26, 'oid', 'oid', 4, 'N', 1028),
  type(114, 'json', 'json', -1, 'U', 199),
  type(1042, 'bpchar', 'character', -1, 'S', 1014),
  type(1043, 'varchar', 'character varying', -1, 'S', 1015),
  type(2205, 'regclass', 'regclass', 4, 'N', 2210),
  type(3802, 'jsonb', 'jsonb', -1, 'U', 3807),
];

const ELEMENTS: readonly PostgresType[] = [
  ...new Map([...Object.values(BY_KIND), ...FURTHER].map((each) => [each.oid, each])).values(),
].filter((each) => each.category !== 'A');

/** Every type with the lists of them, by object id. */
export const POSTGRES_TYPES: readonly PostgresType[] = [...ELEMENTS, ...ELEMENTS.map(listOf)].sort((a, b) => a.oid - b.oid);

function listOf(element: PostgresType): PostgresType {
  return { oid: element.listOid, name: `_${element.name}`, display: `${element.display}[]`, length: -1, category: 'A', listOid: 0 };
}

export function postgresType(column: DataType): PostgresType {
  if (column.kind === 'list') return listOf(postgresType(column.item.type));
  if (column.kind === 'timestamp' && column.timezone !== null) return TIMESTAMPTZ;
  return BY_KIND[column.kind];
}

/** pg_attribute.atttypmod: precision and scale of a decimal; −1 = none. */
export function typeModifier(column: DataType): number {
  return column.kind === 'decimal' ? ((column.precision << 16) | column.scale) + 4 : -1;
}
