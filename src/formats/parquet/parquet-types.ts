/** Columns of Parquet ⇄ our types. Values of every type that both know come back as they were. */
import type { SchemaElement } from 'hyparquet';
import { DbError } from '../../core/errors.js';
import {
  BINARY,
  BOOL,
  DATE32,
  type DataType,
  type Field,
  FLOAT32,
  FLOAT64,
  INT32,
  INT64,
  INTERVAL,
  type TimeUnit,
  typeName,
  UINT64,
  UTF8,
  UUID,
} from '../../core/types.js';

/** A column of a file: its element and those below it. */
export interface SchemaNode {
  readonly element: SchemaElement;
  readonly children: readonly SchemaNode[];
}

/** How a leaf's stored values become ours. */
export type LeafKind = 'same' | 'decimal' | 'time_ms' | 'timestamp_ns96' | 'interval' | 'float16' | 'uuid' | 'unsigned';

const UNITS: Readonly<Record<string, TimeUnit>> = { MILLIS: 'ms', MICROS: 'us', NANOS: 'ns' };
const WIDEST_DECIMAL = 38;

export function fieldOf(node: SchemaNode): Field {
  return { name: node.element.name, type: typeOf(node), nullable: true };
}

function typeOf(node: SchemaNode): DataType {
  const { element, children } = node;
  if (element.repetition_type === 'REPEATED') throw unsupportedColumn(node, 'a repeated column without LIST');
  if (children.length === 0) return leafType(node);
  if (isList(node)) return { kind: 'list', item: { ...fieldOf(itemOf(node)), name: 'item' } };
  if (element.converted_type !== undefined || element.logical_type !== undefined)
    throw unsupportedColumn(node, String(element.logical_type?.type ?? element.converted_type));
  return { kind: 'struct', fields: children.map(fieldOf) };
}

function isList({ element }: SchemaNode): boolean {
  return element.converted_type === 'LIST' || element.logical_type?.type === 'LIST';
}

/** The element of a list of three levels: list → repeated group → element. */
export function itemOf(node: SchemaNode): SchemaNode {
  const [repeated, ...more] = node.children;
  const [item, ...others] = repeated?.children ?? [];
  if (!repeated || !item || more.length > 0 || others.length > 0) throw unsupportedColumn(node, 'a list in the old form');
  return item;
}

function unsupportedColumn(node: SchemaNode, what: string): DbError {
  return new DbError('unsupported', `column ${node.element.name} of the Parquet file is of a type that is not read: ${what}`);
}

function leafType(node: SchemaNode): DataType {
  const { element } = node;
  const { type, converted_type: converted, logical_type: logical } = element;
  if (logical?.type === 'DECIMAL' || converted === 'DECIMAL') return decimalType(node);
  switch (type) {
    case 'BOOLEAN':
      return BOOL;
    case 'INT32':
      if (logical?.type === 'DATE' || converted === 'DATE') return DATE32;
      if (logical?.type === 'TIME' || converted === 'TIME_MILLIS') return { kind: 'time64', unit: 'us' };
      return integerType(element, 32);
    case 'INT64':
      if (logical?.type === 'TIMESTAMP') {
        return { kind: 'timestamp', unit: UNITS[logical.unit] ?? 'us', timezone: logical.isAdjustedToUTC ? 'UTC' : null };
      }
      if (converted === 'TIMESTAMP_MILLIS') return { kind: 'timestamp', unit: 'ms', timezone: 'UTC' };
      if (converted === 'TIMESTAMP_MICROS') return { kind: 'timestamp', unit: 'us', timezone: 'UTC' };
      if (logical?.type === 'TIME') return { kind: 'time64', unit: logical.unit === 'NANOS' ? 'ns' : 'us' };
      if (converted === 'TIME_MICROS') return { kind: 'time64', unit: 'us' };
      return integerType(element, 64);
    case 'INT96':
      return { kind: 'timestamp', unit: 'ns', timezone: null };
    case 'FLOAT':
      return FLOAT32;
    case 'DOUBLE':
      return FLOAT64;
    case 'FIXED_LEN_BYTE_ARRAY':
      if (logical?.type === 'UUID') return UUID;
      if (logical?.type === 'FLOAT16') return FLOAT32;
      return converted === 'INTERVAL' || logical?.type === 'INTERVAL' ? INTERVAL : BINARY;
    default:
      return isTextual(element) ? UTF8 : BINARY;
  }
}

function isTextual({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  if (['UTF8', 'ENUM', 'JSON'].includes(converted ?? '')) return true;
  return ['STRING', 'ENUM', 'JSON'].includes(logical?.type ?? '');
}

function decimalType(node: SchemaNode): DataType {
  const { logical_type: logical, precision, scale } = node.element;
  const decimal = logical?.type === 'DECIMAL' ? logical : { precision: precision ?? WIDEST_DECIMAL, scale: scale ?? 0 };
  if (decimal.precision > WIDEST_DECIMAL) throw unsupportedColumn(node, `decimal(${decimal.precision}, ${decimal.scale})`);
  return { kind: 'decimal', precision: decimal.precision, scale: decimal.scale };
}

function integerType({ converted_type: converted, logical_type: logical }: SchemaElement, bits: 32 | 64): DataType {
  const named = /^(U?)INT_(\d+)$/.exec(converted ?? '');
  const width = logical?.type === 'INTEGER' ? logical.bitWidth : named ? Number(named[2]) : bits;
  const isSigned = logical?.type === 'INTEGER' ? logical.isSigned : named?.[1] !== 'U';
  if (width === 64) return isSigned ? INT64 : UINT64;
  if (width === 8) return { kind: isSigned ? 'int8' : 'uint8' };
  if (width === 16) return { kind: isSigned ? 'int16' : 'uint16' };
  return isSigned ? INT32 : { kind: 'uint32' };
}

export function leafKind(element: SchemaElement, type: DataType): LeafKind {
  if (type.kind === 'decimal') return 'decimal';
  if (type.kind === 'interval') return 'interval';
  if (type.kind === 'uuid') return 'uuid';
  if (type.kind === 'time64' && element.type === 'INT32') return 'time_ms';
  if (element.type === 'INT96') return 'timestamp_ns96';
  if (element.logical_type?.type === 'FLOAT16') return 'float16';
  return type.kind.startsWith('uint') ? 'unsigned' : 'same';
}

// ---- writing ---------------------------------------------------------------------------------------------------------------------

/** The elements of a column, itself first. Fails with `unsupported` for a type that Parquet has not. */
export function elementsOf(field: Field): SchemaElement[] {
  const { name, type } = field;
  const own = { name, repetition_type: 'OPTIONAL' } as const;
  switch (type.kind) {
    case 'list':
      return [
        { ...own, converted_type: 'LIST', num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        ...elementsOf({ ...type.item, name: 'element' }),
      ];
    case 'struct':
      if (type.fields.length === 0) throw new DbError('unsupported', `column ${name}: Parquet has no ${typeName(type)}`);
      return [{ ...own, num_children: type.fields.length }, ...type.fields.flatMap(elementsOf)];
    default:
      return [{ ...own, ...leafElement(type) }];
  }
}

const INTEGERS = {
  int8: { type: 'INT32', converted_type: 'INT_8' },
  int16: { type: 'INT32', converted_type: 'INT_16' },
  int32: { type: 'INT32', converted_type: 'INT_32' },
  int64: { type: 'INT64', converted_type: 'INT_64' },
  uint8: { type: 'INT32', converted_type: 'UINT_8' },
  uint16: { type: 'INT32', converted_type: 'UINT_16' },
  uint32: { type: 'INT32', converted_type: 'UINT_32' },
  uint64: { type: 'INT64', converted_type: 'UINT_64' },
} as const;

function leafElement(type: Exclude<DataType, { kind: 'list' | 'struct' }>): Omit<SchemaElement, 'name'> {
  switch (type.kind) {
    case 'bool':
      return { type: 'BOOLEAN' };
    case 'float32':
      return { type: 'FLOAT' };
    case 'float64':
      return { type: 'DOUBLE' };
    case 'decimal': {
      const { precision, scale } = type;
      const decimal = { converted_type: 'DECIMAL', precision, scale, logical_type: { type: 'DECIMAL', precision, scale } } as const;
      return { ...decimal, type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16 };
    }
    case 'null':
    case 'utf8':
    case 'symbol':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
    case 'binary':
      return { type: 'BYTE_ARRAY' };
    case 'uuid':
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } };
    case 'date32':
      return { type: 'INT32', converted_type: 'DATE' };
    case 'time64':
      return { type: 'INT64', logical_type: { type: 'TIME', isAdjustedToUTC: false, unit: type.unit === 'us' ? 'MICROS' : 'NANOS' } };
    case 'timestamp': {
      const unit = type.unit === 'ns' ? 'NANOS' : type.unit === 'us' ? 'MICROS' : 'MILLIS';
      return { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: type.timezone !== null, unit } };
    }
    case 'interval':
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 12, converted_type: 'INTERVAL' };
    default:
      return INTEGERS[type.kind];
  }
}
