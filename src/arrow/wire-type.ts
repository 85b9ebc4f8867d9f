/** The Arrow types that a message may name, and what each becomes in our types. */
import { DbError } from '../core/errors.js';
import type { DataType, Field, IntegerKind, Schema, TimeUnit } from '../core/types.js';

type Plain<Kind> = Kind extends string ? { readonly kind: Kind } : never;

export type WireType =
  | Plain<IntegerKind | 'null' | 'bool' | 'float16' | 'float32' | 'float64' | 'date32' | 'date64'>
  | Plain<'utf8' | 'large_utf8' | 'utf8_view' | 'binary' | 'large_binary' | 'binary_view' | 'list' | 'large_list' | 'map' | 'struct'>
  | { readonly kind: 'fixed_binary'; readonly widthBytes: number }
  | { readonly kind: 'decimal'; readonly bitWidth: 32 | 64 | 128 | 256; readonly precision: number; readonly scale: number }
  | { readonly kind: 'time32'; readonly unit: 's' | 'ms' }
  | { readonly kind: 'time64'; readonly unit: 'us' | 'ns' }
  | { readonly kind: 'timestamp'; readonly unit: TimeUnit; readonly timezone: string | null }
  | { readonly kind: 'duration'; readonly unit: TimeUnit }
  | { readonly kind: 'interval'; readonly unit: 'year_month' | 'day_time' | 'month_day_nano' }
  | { readonly kind: 'fixed_list'; readonly size: number }
  /** Type ids are the children's positions. It is written only. */
  | { readonly kind: 'dense_union' };

export interface WireDictionary {
  readonly id: number;
  readonly index: IntegerKind;
  readonly ordered: boolean;
}

/** A field as it stands in an Arrow schema. With a dictionary, `type` is the type of the dictionary's values. */
export interface WireField {
  readonly name: string;
  readonly nullable: boolean;
  readonly type: WireType;
  readonly dictionary: WireDictionary | null;
  readonly children: readonly WireField[];
  readonly metadata: ReadonlyMap<string, string>;
}

export interface WireSchema {
  readonly fields: readonly WireField[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** Field metadata under which a utf8 column that travels dictionary-encoded is told from a symbol. */
const TYPE_METADATA_KEY = 'fletch.type';
const EXTENSION_KEY = 'ARROW:extension:name';

export interface WireSchemaOptions {
  /**
   * Dictionary of a top-level column: an id, null for plain values, undefined for the rule (symbols get the next free id, others none).
   * Only text and binary columns can have one. With this function symbols inside of lists and structs are plain text, without it they follow the rule.
   */
  readonly dictionaryId?: (column: number, field: Field) => number | null | undefined;
  /** What the codes of a top-level column are written as; int32 where it is not said. */
  readonly dictionaryIndex?: (column: number) => IntegerKind;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly fieldMetadata?: (column: number, field: Field) => ReadonlyMap<string, string> | undefined;
}

/** How a schema of ours goes over the wire. */
export function wireSchemaOf(schema: Schema, options: WireSchemaOptions = {}): WireSchema {
  const asked = schema.fields.map((field, column) => options.dictionaryId?.(column, field));
  let next = Math.max(-1, ...asked.map((id) => id ?? -1)) + 1;
  const wireField = (
    field: Field,
    id: number | null | undefined,
    metadata: ReadonlyMap<string, string> | undefined,
    index: IntegerKind = 'int32',
  ): WireField => {
    const { type } = field;
    const dictionaryId = id === undefined ? (type.kind === 'symbol' ? next++ : null) : id;
    const merged = new Map(metadata);
    if (type.kind === 'uuid') merged.set(EXTENSION_KEY, 'arrow.uuid').set('ARROW:extension:metadata', '');
    if (type.kind === 'utf8' && dictionaryId !== null) merged.set(TYPE_METADATA_KEY, 'utf8');
    if (type.kind === 'symbol' && dictionaryId === null) merged.set(TYPE_METADATA_KEY, 'symbol');
    const items = type.kind === 'list' ? [type.item] : type.kind === 'struct' ? type.fields : [];
    return {
      name: field.name,
      nullable: field.nullable,
      type: wireTypeOf(type),
      dictionary: dictionaryId === null ? null : { id: dictionaryId, index, ordered: false },
      children: items.map((item) => wireField(item, options.dictionaryId === undefined ? undefined : null, undefined)),
      metadata: merged,
    };
  };
  const fields = schema.fields.map((field, column) =>
    wireField(field, asked[column], options.fieldMetadata?.(column, field), options.dictionaryIndex?.(column)),
  );
  return { fields, metadata: options.metadata ?? new Map() };
}

function wireTypeOf(type: DataType): WireType {
  switch (type.kind) {
    case 'symbol':
      return { kind: 'utf8' };
    case 'uuid':
      return { kind: 'fixed_binary', widthBytes: 16 };
    case 'decimal':
      return { kind: 'decimal', bitWidth: 128, precision: type.precision, scale: type.scale };
    case 'interval':
      return { kind: 'interval', unit: 'month_day_nano' };
    case 'list':
      return { kind: 'list' };
    case 'struct':
      return { kind: 'struct' };
    default:
      return type;
  }
}

/** Our schema of the values that the batch decoder makes of this one. Fails with `unsupported`, naming the field. */
export function schemaOfWire(wire: WireSchema): Schema {
  return { fields: wire.fields.map(fieldOfWire) };
}

export function fieldOfWire(field: WireField): Field {
  return { name: field.name, nullable: field.nullable, type: typeOfWire(field) };
}

function typeOfWire(field: WireField): DataType {
  const { type } = field;
  switch (type.kind) {
    case 'utf8':
    case 'large_utf8':
    case 'utf8_view': {
      const marked = field.metadata.get(TYPE_METADATA_KEY);
      return { kind: marked === 'utf8' || (field.dictionary === null && marked !== 'symbol') ? 'utf8' : 'symbol' };
    }
    case 'large_binary':
    case 'binary_view':
      return { kind: 'binary' };
    case 'fixed_binary':
      return { kind: type.widthBytes === 16 ? 'uuid' : 'binary' };
    case 'float16':
      return { kind: 'float32' };
    case 'date64':
      return { kind: 'date32' };
    case 'time32':
      return { kind: 'time64', unit: 'us' };
    case 'duration':
    case 'interval':
      return { kind: 'interval' };
    case 'decimal':
      return { kind: 'decimal', precision: Math.min(38, type.precision), scale: type.scale };
    case 'list':
    case 'large_list':
    case 'fixed_list':
    case 'map':
      return { kind: 'list', item: fieldOfWire(onlyChild(field)) };
    case 'struct':
      return { kind: 'struct', fields: field.children.map(fieldOfWire) };
    case 'dense_union':
      throw new DbError('unsupported', `field ${field.name}: the Arrow type union is not supported`);
    default:
      return type;
  }
}

export function onlyChild(field: WireField): WireField {
  const child = field.children[0];
  if (child === undefined || field.children.length !== 1) {
    throw new DbError('invalid_data', `field ${field.name}: a ${field.type.kind} has exactly one child, not ${field.children.length}`);
  }
  return child;
}
