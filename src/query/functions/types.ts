/** Type rules: which conversions happen by themselves, what unlike types have in common, which casts exist. */
import { type DataType, FLOAT64, isInteger, isNumeric, isText, sameType, type TimeUnit, UTF8 } from '../../core/types.js';
import type { ArgumentType } from './contract.js';

const INTEGER_DIGITS = { int8: 3, uint8: 3, int16: 5, uint16: 5, int32: 10, uint32: 10, int64: 19, uint64: 20 } as const;
const UNIT_RANK = { s: 0, ms: 1, us: 2, ns: 3 } as const satisfies Record<TimeUnit, number>;

export const MAX_PRECISION = 38;

type IntegerType = Extract<DataType, { kind: keyof typeof INTEGER_DIGITS }>;

interface IntegerShape {
  readonly bits: number;
  readonly signed: boolean;
}

/** Width and sign of an integer type; undefined for others. */
export function integerShape(type: DataType): IntegerShape | undefined {
  if (!isInteger(type)) return undefined;
  const signed = type.kind.startsWith('int');
  return { bits: Number(type.kind.slice(signed ? 3 : 4)), signed };
}

/** Smallest and largest value of an integer type. */
export function integerRange(type: DataType): readonly [bigint, bigint] | undefined {
  const shape = integerShape(type);
  if (!shape) return undefined;
  const span = 1n << BigInt(shape.signed ? shape.bits - 1 : shape.bits);
  return shape.signed ? [-span, span - 1n] : [0n, span - 1n];
}

export function decimalType(precision: number, scale: number): DataType {
  return { kind: 'decimal', precision: Math.min(precision, MAX_PRECISION), scale };
}

/** True when every value of `from` (or this literal) has an equal value in `to`, so that the binder may convert without being asked. */
export function implicitlyCasts(from: ArgumentType, to: DataType): boolean {
  if (from.type.kind === 'null' || sameType(from.type, to)) return true;
  if (from.literal && isText(from.type)) return textLiteralCasts(to);
  if (from.literal && isNumeric(from.type) && isNumeric(to)) return numericLiteralCasts(from, to);
  return widens(from.type, to);
}

function textLiteralCasts(to: DataType): boolean {
  return to.kind !== 'list' && to.kind !== 'struct' && to.kind !== 'null';
}

function numericLiteralCasts(from: ArgumentType, to: DataType): boolean {
  if (isInteger(from.type)) {
    if (to.kind === 'decimal') return literalDigits(from) <= to.precision - to.scale;
    return !isInteger(to) || integerFits(from, to);
  }
  if (from.type.kind === 'decimal') return to.kind === 'float64' || to.kind === 'float32' || widens(from.type, to);
  return to.kind === 'float64' || to.kind === 'float32';
}

function literalDigits(from: ArgumentType): number {
  if (typeof from.value === 'number' || typeof from.value === 'bigint') return String(from.value).replace('-', '').length;
  return INTEGER_DIGITS[from.type.kind as IntegerType['kind']];
}

function integerFits(from: ArgumentType, to: DataType): boolean {
  const range = integerRange(to);
  if (!range) return false;
  if (typeof from.value !== 'number' && typeof from.value !== 'bigint') return true;
  const value = BigInt(from.value);
  return value >= range[0] && value <= range[1];
}

/** Lossless conversion between types of columns. */
function widens(from: DataType, to: DataType): boolean {
  if (isText(from) && isText(to)) return true;
  if (isInteger(from)) return integerWidens(from, to);
  switch (from.kind) {
    case 'float32':
      return to.kind === 'float64';
    case 'decimal':
      if (to.kind === 'float64') return true;
      return to.kind === 'decimal' && to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
    case 'date32':
      return to.kind === 'timestamp';
    case 'timestamp':
      return to.kind === 'timestamp' && UNIT_RANK[to.unit] >= UNIT_RANK[from.unit];
    case 'time64':
      return to.kind === 'time64' && to.unit === 'ns';
    case 'list':
      return to.kind === 'list' && itemWidens(from.item.type, to.item.type);
    case 'struct':
      return (
        to.kind === 'struct' &&
        to.fields.length === from.fields.length &&
        from.fields.every((field, i) => field.name === to.fields[i]?.name && itemWidens(field.type, to.fields[i].type))
      );
    default:
      return false;
  }
}

/** Inside lists and structs, only NULLs have the null type. */
function itemWidens(from: DataType, to: DataType): boolean {
  return from.kind === 'null' || sameType(from, to) || widens(from, to);
}

/** The type with text for what only NULL was written of: what columns of results and tables have. */
export function withoutNulls(type: DataType): DataType {
  if (type.kind === 'null') return UTF8;
  if (type.kind === 'list') return { kind: 'list', item: { ...type.item, type: withoutNulls(type.item.type) } };
  if (type.kind === 'struct') return { kind: 'struct', fields: type.fields.map((field) => ({ ...field, type: withoutNulls(field.type) })) };
  return type;
}

function integerWidens(from: DataType, to: DataType): boolean {
  const a = integerShape(from);
  const b = integerShape(to);
  if (!a) return false;
  if (b) return a.signed === b.signed ? a.bits <= b.bits : !a.signed && a.bits < b.bits;
  if (to.kind === 'decimal') return to.precision - to.scale >= INTEGER_DIGITS[from.kind as IntegerType['kind']];
  // As in PostgreSQL, 64-bit integers meet floats as float64.
  return to.kind === 'float64' || (to.kind === 'float32' && a.bits <= 16);
}

/** The one type to which all can be converted (CASE, COALESCE, UNION, comparison, IN); undefined when there is none. */
export function commonType(types: readonly ArgumentType[]): DataType | undefined {
  let common: DataType | undefined;
  for (const rank of [FIRM, LITERAL, TEXT_LITERAL]) {
    for (const each of types) {
      if (each.type.kind === 'null' || rankOf(each) !== rank) continue;
      if (common === undefined) common = each.type;
      else if (rank === FIRM || !literalJoins(each, common)) {
        common = pairType(common, each.type);
        if (common === undefined) return undefined;
      }
    }
  }
  return common ?? types[0]?.type;
}

/** Literals adapt to the rest, so they come later; text literals adapt to everything else, so they come last. */
const [FIRM, LITERAL, TEXT_LITERAL] = [0, 1, 2];

function rankOf({ literal, type }: ArgumentType): number {
  if (!literal) return FIRM;
  return isText(type) ? TEXT_LITERAL : LITERAL;
}

/** A literal takes the other side's type where it fits; a decimal literal beside an integer column does not become an integer. */
function literalJoins(literal: ArgumentType, common: DataType): boolean {
  if (isNumeric(literal.type) && common.kind === 'float32' && !isInteger(literal.type)) return false;
  return implicitlyCasts(literal, common);
}

function pairType(a: DataType, b: DataType): DataType | undefined {
  if (sameType(a, b)) return a;
  if (a.kind === 'null' || b.kind === 'null') return a.kind === 'null' ? b : a;
  if (isText(a) && isText(b)) return UTF8;
  if (isNumeric(a) && isNumeric(b)) return numericPair(a, b);
  if (a.kind === 'timestamp' && b.kind === 'timestamp') {
    const unit = UNIT_RANK[a.unit] >= UNIT_RANK[b.unit] ? a.unit : b.unit;
    return { kind: 'timestamp', unit, timezone: a.timezone ?? b.timezone };
  }
  if (a.kind === 'date32' && b.kind === 'timestamp') return b;
  if (a.kind === 'timestamp' && b.kind === 'date32') return a;
  if (a.kind === 'time64' && b.kind === 'time64') return { kind: 'time64', unit: 'ns' };
  if (a.kind === 'list' && b.kind === 'list') {
    const item = pairType(a.item.type, b.item.type);
    return item && { kind: 'list', item: { name: a.item.name, type: item, nullable: true } };
  }
  if (a.kind === 'struct' && b.kind === 'struct') return structPair(a.fields, b.fields);
  return undefined;
}

type Fields = Extract<DataType, { kind: 'struct' }>['fields'];

function structPair(a: Fields, b: Fields): DataType | undefined {
  if (a.length !== b.length) return undefined;
  const fields = a.map((field, i) => {
    const other = b[i];
    const type = other && other.name === field.name ? pairType(field.type, other.type) : undefined;
    return type && { name: field.name, type, nullable: true };
  });
  const known = fields.filter((field) => field !== undefined);
  return known.length === fields.length ? { kind: 'struct', fields: known } : undefined;
}

function numericPair(a: DataType, b: DataType): DataType {
  if (isInteger(a) && isInteger(b)) return integerPair(a, b);
  if (a.kind === 'decimal' || b.kind === 'decimal') {
    const left = asDecimal(a);
    const right = asDecimal(b);
    if (!left || !right) return FLOAT64;
    const scale = Math.max(left.scale, right.scale);
    const digits = Math.max(left.precision - left.scale, right.precision - right.scale);
    // With more digits than there are, a value that does not fit is an error: float64 would make different numbers equal.
    return decimalType(digits + scale, scale);
  }
  const other = a.kind === 'float32' ? b : a;
  const bits = integerShape(other)?.bits;
  return bits !== undefined && bits <= 16 && (a.kind === 'float32' || b.kind === 'float32') ? { kind: 'float32' } : FLOAT64;
}

function integerPair(a: DataType, b: DataType): DataType {
  if (integerWidens(a, b)) return b;
  if (integerWidens(b, a)) return a;
  const bits = Math.max(integerShape(a)?.bits ?? 0, integerShape(b)?.bits ?? 0);
  if (bits === 64) return decimalType(20, 0);
  return { kind: `int${bits * 2}` as 'int16' | 'int32' | 'int64' };
}

/** The decimal type that holds every value of an integer or decimal type; undefined for floats. */
export function asDecimal(type: DataType): Extract<DataType, { kind: 'decimal' }> | undefined {
  if (type.kind === 'decimal') return type;
  if (!isInteger(type)) return undefined;
  return { kind: 'decimal', precision: INTEGER_DIGITS[type.kind as IntegerType['kind']], scale: 0 };
}

/** True when CAST from → to exists (it may still fail for single values). */
export function castSupported(from: DataType, to: DataType): boolean {
  if (from.kind === 'null' || sameType(from, to)) return true;
  if (to.kind === 'null') return false;
  if (isText(to)) return true;
  if (from.kind === 'list' && to.kind === 'list') return castSupported(from.item.type, to.item.type);
  if (from.kind === 'struct' && to.kind === 'struct') {
    return (
      from.fields.length === to.fields.length &&
      from.fields.every((field, i) => castSupported(field.type, to.fields[i]?.type ?? field.type))
    );
  }
  if (isText(from)) return true;
  if (isNumeric(from) && isNumeric(to)) return true;
  return OTHER_CASTS[from.kind]?.includes(to.kind) ?? (isInteger(from) && INTEGER_TARGETS.includes(to.kind));
}

const INTEGER_TARGETS: readonly string[] = ['bool', 'timestamp', 'date32', 'time64'];

const OTHER_CASTS: Partial<Record<DataType['kind'], readonly string[]>> = {
  bool: ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float32', 'float64'],
  date32: ['timestamp', 'int32', 'int64'],
  timestamp: ['timestamp', 'date32', 'time64', 'int64'],
  time64: ['time64', 'interval', 'int64'],
  interval: ['time64'],
  uuid: ['binary'],
  binary: ['uuid'],
};

/** The type itself; of nothing but NULL text, as results have it. */
export function knownType(type: DataType): DataType {
  return type.kind === 'null' ? UTF8 : type;
}
