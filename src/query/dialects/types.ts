/** Type names of dialects, and what they are here. */
import type { DataType, TypeArgument } from '../syntax/ast/node.js';
import type { Dialect } from './dialect.js';
import { expectKeys, isTree, listOf, type Tree, textOf, untranslatable } from './tree.js';

/** Upper case → our name; a name that is not here is not translated. */
const TYPES: Readonly<Record<string, string>> = {
  BOOL: 'boolean',
  BOOLEAN: 'boolean',
  TINYINT: 'tinyint',
  BYTEINT: 'bigint',
  SMALLINT: 'smallint',
  MEDIUMINT: 'integer',
  INT: 'integer',
  INTEGER: 'integer',
  BIGINT: 'bigint',
  INT64: 'bigint',
  INT8: 'bigint',
  INT4: 'integer',
  INT2: 'smallint',
  SIGNED: 'bigint',
  'SIGNED INTEGER': 'bigint',
  UNSIGNED: 'ubigint',
  'UNSIGNED INTEGER': 'ubigint',
  FLOAT: 'double',
  FLOAT4: 'real',
  FLOAT8: 'double',
  FLOAT64: 'double',
  REAL: 'real',
  DOUBLE: 'double',
  'DOUBLE PRECISION': 'double',
  DECIMAL: 'decimal',
  NUMERIC: 'decimal',
  NUMBER: 'decimal',
  DEC: 'decimal',
  CHAR: 'text',
  CHARACTER: 'text',
  'CHARACTER VARYING': 'text',
  VARCHAR: 'text',
  NCHAR: 'text',
  NVARCHAR: 'text',
  STRING: 'text',
  TEXT: 'text',
  TINYTEXT: 'text',
  MEDIUMTEXT: 'text',
  LONGTEXT: 'text',
  NTEXT: 'text',
  CLOB: 'text',
  BYTES: 'blob',
  BLOB: 'blob',
  BINARY: 'blob',
  VARBINARY: 'blob',
  UUID: 'uuid',
  UNIQUEIDENTIFIER: 'uuid',
  DATE: 'date',
  TIME: 'time',
  DATETIME: 'timestamp',
  DATETIME2: 'timestamp',
  SMALLDATETIME: 'timestamp',
  TIMESTAMP: 'timestamp',
  TIMESTAMP_NTZ: 'timestamp',
  TIMESTAMPTZ: 'timestamptz',
  'TIMESTAMP WITH TIME ZONE': 'timestamptz',
  'TIMESTAMP WITHOUT TIME ZONE': 'timestamp',
};

/** Where a dialect's name means another type than in the table above. */
const OWN_TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  mysql: { FLOAT: 'real', REAL: 'double' },
  mariadb: { FLOAT: 'real', REAL: 'double' },
  sqlite: { INT: 'bigint', INTEGER: 'bigint', TINYINT: 'bigint', SMALLINT: 'bigint', REAL: 'double' },
  snowflake: { INT: 'bigint', INTEGER: 'bigint', TINYINT: 'bigint', SMALLINT: 'bigint', REAL: 'double', FLOAT4: 'double' },
  bigquery: { INT: 'bigint', INTEGER: 'bigint', TINYINT: 'bigint', SMALLINT: 'bigint', TIMESTAMP: 'timestamptz', DATETIME: 'timestamp' },
  transactsql: { BIT: 'boolean', TINYINT: 'utinyint' },
  trino: { REAL: 'real', FLOAT: 'real' },
  athena: { FLOAT: 'real' },
  hive: { FLOAT: 'real' },
  flinksql: { FLOAT: 'real' },
};
/** DECIMAL without digits. */
const PLAIN_DECIMAL: Readonly<Record<string, readonly [number, number]>> = {
  mysql: [10, 0],
  mariadb: [10, 0],
  bigquery: [38, 9],
  snowflake: [38, 0],
  transactsql: [18, 0],
  redshift: [18, 0],
  trino: [38, 0],
  athena: [38, 0],
  hive: [10, 0],
  db2: [5, 0],
  flinksql: [10, 0],
};

export function typeOf(value: unknown, position: number, dialect: Dialect): DataType {
  const tree: Tree = isTree(value) ? value : { dataType: value };
  expectKeys(tree, 'a type', ['dataType', 'type', 'length', 'scale', 'suffix', 'quoted'], position);
  if (tree.type !== undefined && tree.type !== 'datatype') throw untranslatable('this type', position);
  // BigQuery's come as one text: DECIMAL(10, 2).
  const written = /^([^(]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?$/.exec(textOf(tree.dataType));
  const base = (written?.[1] ?? textOf(tree.dataType)).toUpperCase();
  const suffix = listOf(tree.suffix)
    .map((each) => textOf(isTree(each) ? each.value : each))
    .filter((word) => word !== '');
  const upper = [base, ...suffix.map((word) => word.toUpperCase())].join(' ');
  const name = ownType(upper, dialect.name);
  if (name === undefined) throw untranslatable(`the type ${upper}`, position);
  const numbers = [tree.length ?? written?.[2], tree.scale ?? written?.[3]]
    .filter((each) => typeof each === 'number' || typeof each === 'string')
    .map(Number);
  return {
    kind: 'namedType',
    position,
    end: position,
    name,
    schema: null,
    arguments: argumentsOf(name, numbers, upper, dialect.name, position),
  };
}

function ownType(upper: string, dialect: string): string | undefined {
  const known = OWN_TYPES[dialect]?.[upper] ?? TYPES[upper];
  if (known !== undefined || !upper.endsWith(' UNSIGNED')) return known;
  const signed = ownType(upper.slice(0, -9), dialect);
  return signed !== undefined && ['tinyint', 'smallint', 'integer', 'bigint'].includes(signed) ? `u${signed}` : undefined;
}

function argumentsOf(name: string, numbers: readonly number[], upper: string, dialect: string, position: number): readonly TypeArgument[] {
  const given = numbers.map((value): TypeArgument => ({ kind: 'number', value }));
  if (name === 'decimal') {
    const plain = PLAIN_DECIMAL[dialect];
    if (given.length === 0 && !plain) throw untranslatable(`${upper} without digits`, position, 'write DECIMAL(p, s)');
    const [precision, scale] = plain ?? [18, 0];
    if (given.length === 0)
      return [
        { kind: 'number', value: precision },
        { kind: 'number', value: scale },
      ];
    return given.length === 1 ? [...given, { kind: 'number', value: 0 }] : given;
  }
  // CHAR(10) cuts and pads in some dialects; a length says nothing about the values that are stored.
  if (name === 'text' || name === 'blob' || name.endsWith('int') || name === 'integer' || name === 'double' || name === 'real') return [];
  return given;
}

export function isIntegerType(type: DataType): boolean {
  return type.kind === 'namedType' && (type.name.endsWith('int') || type.name === 'integer');
}
