/**
 * Schema ⇄ Arrow IPC schema message. An encapsulated message lies on the wire as
 *
 *   FFFFFFFF │ metadata bytes, padding included (i32) │ flatbuffer Message │ zero padding │ body
 *
 * Slot numbers are those of Arrow's Schema.fbs and Message.fbs.
 */
import { DbError } from '../core/errors.js';
import type { IntegerKind, TimeUnit } from '../core/types.js';
import { type FlatTable, readFlatbuffer } from './flatbuffer-reader.js';
import { bool, type FlatSlots, i16, i32, i64, integers, table, tables, text, u8, writeFlatbuffer } from './flatbuffer-writer.js';
import type { WireDictionary, WireField, WireSchema, WireType } from './wire-type.js';

export const METADATA_V5 = 4;
export const MESSAGE_KIND = { schema: 1, dictionary: 2, batch: 3 } as const;
const MAX_DEPTH = 64;
const MAX_FIELDS = 100_000;

const TYPE_CODE = {
  null: 1,
  int: 2,
  float: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  interval: 11,
  list: 12,
  struct: 13,
  union: 14,
  fixed_binary: 15,
  fixed_list: 16,
  map: 17,
  duration: 18,
  large_binary: 19,
  large_utf8: 20,
  large_list: 21,
  run_end_encoded: 22,
  binary_view: 23,
  utf8_view: 24,
  list_view: 25,
  large_list_view: 26,
} as const;
const TIME_UNITS = ['s', 'ms', 'us', 'ns'] as const satisfies readonly TimeUnit[];
const INTERVAL_UNITS = ['year_month', 'day_time', 'month_day_nano'] as const;
const FLOATS = ['float16', 'float32', 'float64'] as const;

/** The schema as an encapsulated message without body (SchemaResult, FlightInfo.schema, the head of a stream). */
export function encodeSchema(schema: WireSchema, startOffset = 0, alignmentBytes = 8): Uint8Array {
  return encapsulate(encodeSchemaMetadata(schema), startOffset, alignmentBytes);
}

/** The flatbuffer alone (FlightData.data_header). */
export function encodeSchemaMetadata(schema: WireSchema): Uint8Array {
  return writeFlatbuffer([i16(METADATA_V5), u8(MESSAGE_KIND.schema), table(schemaSlots(schema)), i64(0)]);
}

/** Puts the prefix before a flatbuffer and pads it, so that what follows begins at a multiple of alignmentBytes. */
export function encapsulate(metadata: Uint8Array, startOffset = 0, alignmentBytes = 8): Uint8Array {
  const end = Math.ceil((startOffset + 8 + metadata.length) / alignmentBytes) * alignmentBytes;
  const message = new Uint8Array(end - startOffset);
  const view = new DataView(message.buffer);
  view.setUint32(0, 0xffffffff, true);
  view.setInt32(4, message.length - 8, true);
  message.set(metadata, 8);
  return message;
}

/** The slots of flatbuffer table Schema (messages and file footers hold one). */
export function schemaSlots(schema: WireSchema): FlatSlots {
  return [i16(0), tables(schema.fields.map(fieldSlots)), keyValues(schema.metadata)];
}

function fieldSlots(field: WireField): FlatSlots {
  const [code, slots] = typeSlots(field.type, field.children.length);
  const dictionary =
    field.dictionary === null
      ? null
      : table([i64(field.dictionary.id), table(integerSlots(field.dictionary.index)), bool(field.dictionary.ordered)]);
  return [
    text(field.name),
    bool(field.nullable),
    u8(code),
    table(slots),
    dictionary,
    tables(field.children.map(fieldSlots)),
    keyValues(field.metadata),
  ];
}

function keyValues(metadata: ReadonlyMap<string, string>) {
  return metadata.size === 0 ? null : tables([...metadata].map(([key, value]) => [text(key), text(value)]));
}

function integerSlots(kind: IntegerKind): FlatSlots {
  return [i32(Number(kind.replace(/\D+/, ''))), bool(kind.startsWith('int'))];
}

function typeSlots(type: WireType, childCount: number): readonly [number, FlatSlots] {
  switch (type.kind) {
    case 'float16':
    case 'float32':
    case 'float64':
      return [TYPE_CODE.float, [i16(FLOATS.indexOf(type.kind))]];
    case 'date32':
    case 'date64':
      return [TYPE_CODE.date, [i16(type.kind === 'date32' ? 0 : 1)]];
    case 'decimal':
      return [TYPE_CODE.decimal, [i32(type.precision), i32(type.scale), i32(type.bitWidth)]];
    case 'time32':
    case 'time64':
      return [TYPE_CODE.time, [i16(TIME_UNITS.indexOf(type.unit)), i32(type.kind === 'time32' ? 32 : 64)]];
    case 'timestamp':
      return [TYPE_CODE.timestamp, [i16(TIME_UNITS.indexOf(type.unit)), type.timezone === null ? null : text(type.timezone)]];
    case 'duration':
      return [TYPE_CODE.duration, [i16(TIME_UNITS.indexOf(type.unit))]];
    case 'interval':
      return [TYPE_CODE.interval, [i16(INTERVAL_UNITS.indexOf(type.unit))]];
    case 'fixed_binary':
      return [TYPE_CODE.fixed_binary, [i32(type.widthBytes)]];
    case 'fixed_list':
      return [TYPE_CODE.fixed_list, [i32(type.size)]];
    case 'map':
      return [TYPE_CODE.map, [bool(false)]];
    case 'dense_union':
      return [TYPE_CODE.union, [i16(1), integers(Array.from({ length: childCount }, (_, i) => i))]];
    case 'null':
    case 'bool':
    case 'utf8':
    case 'large_utf8':
    case 'utf8_view':
    case 'binary':
    case 'large_binary':
    case 'binary_view':
    case 'list':
    case 'large_list':
    case 'struct':
      return [TYPE_CODE[type.kind], []];
    default:
      return [TYPE_CODE.int, integerSlots(type.kind)];
  }
}

/** Reads an encapsulated schema message. Fails with `invalid_data`, or `unsupported` naming the field of a type we do not take. */
export function decodeSchema(message: Uint8Array): WireSchema {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const prefixed = message.length >= 8 && view.getUint32(0, true) === 0xffffffff;
  return decodeSchemaMetadata(prefixed ? message.subarray(8) : message);
}

/** Reads the flatbuffer of a schema message. */
function decodeSchemaMetadata(metadata: Uint8Array): WireSchema {
  const message = readFlatbuffer(metadata);
  const schema = message.u8(1) === MESSAGE_KIND.schema ? message.table(2) : undefined;
  if (schema === undefined) throw new DbError('invalid_data', 'the first Arrow message is not a schema');
  return readSchema(schema);
}

export function readSchema(schema: FlatTable): WireSchema {
  if (schema.i16(0) !== 0) throw new DbError('unsupported', 'Arrow data of big-endian byte order is not read');
  const budget = { fields: MAX_FIELDS };
  return { fields: schema.tables(1).map((field) => readField(field, 1, budget)), metadata: readKeyValues(schema.tables(2)) };
}

function readField(field: FlatTable, depth: number, budget: { fields: number }): WireField {
  if (depth > MAX_DEPTH) throw new DbError('nesting_too_deep', `Arrow fields are nested deeper than ${MAX_DEPTH}`);
  if (budget.fields-- <= 0) throw new DbError('invalid_data', `an Arrow schema has more than ${MAX_FIELDS} fields`);
  const name = field.string(0) ?? '';
  const type = readType(name, field.u8(2), field.table(3));
  const dictionary = field.table(4);
  return {
    name,
    nullable: field.bool(1),
    type,
    dictionary: dictionary === undefined ? null : readDictionary(name, dictionary),
    children: field.tables(5).map((child) => readField(child, depth + 1, budget)),
    metadata: readKeyValues(field.tables(6)),
  };
}

function readDictionary(name: string, dictionary: FlatTable): WireDictionary {
  const index = dictionary.table(1);
  return { id: dictionary.i64(0), index: index === undefined ? 'int32' : readInteger(name, index), ordered: dictionary.bool(2) };
}

function readKeyValues(items: readonly FlatTable[]): ReadonlyMap<string, string> {
  return new Map(items.map((item) => [item.string(0) ?? '', item.string(1) ?? '']));
}

function readInteger(name: string, slots: FlatTable): IntegerKind {
  const bits = slots.i32(0);
  if (bits !== 8 && bits !== 16 && bits !== 32 && bits !== 64) throw malformedField(name, `an integer of ${bits} bits`);
  return `${slots.bool(1) ? 'int' : 'uint'}${bits}`;
}

const PLAIN_TYPES = new Map<number, WireType>(
  (
    [
      'null',
      'bool',
      'utf8',
      'large_utf8',
      'utf8_view',
      'binary',
      'large_binary',
      'binary_view',
      'list',
      'large_list',
      'struct',
      'map',
    ] as const
  ).map((kind) => [TYPE_CODE[kind], { kind }]),
);

function readType(name: string, code: number, slots: FlatTable | undefined): WireType {
  const plain = PLAIN_TYPES.get(code);
  if (plain !== undefined) return plain;
  if (slots === undefined) throw malformedField(name, 'no type');
  switch (code) {
    case TYPE_CODE.int:
      return { kind: readInteger(name, slots) };
    case TYPE_CODE.float:
      return { kind: oneOf(name, FLOATS, slots.i16(0)) };
    case TYPE_CODE.date:
      return { kind: oneOf(name, ['date32', 'date64'] as const, slots.i16(0, 1)) };
    case TYPE_CODE.decimal:
      return readDecimal(name, slots);
    case TYPE_CODE.time:
      return readTime(name, slots);
    case TYPE_CODE.timestamp:
      return { kind: 'timestamp', unit: oneOf(name, TIME_UNITS, slots.i16(0)), timezone: slots.string(1) || null };
    case TYPE_CODE.duration:
      return { kind: 'duration', unit: oneOf(name, TIME_UNITS, slots.i16(0, 1)) };
    case TYPE_CODE.interval:
      return { kind: 'interval', unit: oneOf(name, INTERVAL_UNITS, slots.i16(0)) };
    case TYPE_CODE.fixed_binary:
      return { kind: 'fixed_binary', widthBytes: positive(name, slots.i32(0)) };
    case TYPE_CODE.fixed_list:
      return { kind: 'fixed_list', size: positive(name, slots.i32(0)) };
    default: {
      const known = Object.entries(TYPE_CODE).find(([, value]) => value === code)?.[0] ?? `number ${code}`;
      throw new DbError('unsupported', `field ${name}: the Arrow type ${known} is not supported`);
    }
  }
}

function readDecimal(name: string, slots: FlatTable): WireType {
  const bitWidth = slots.i32(2, 128);
  const precision = slots.i32(0);
  if (bitWidth !== 32 && bitWidth !== 64 && bitWidth !== 128 && bitWidth !== 256)
    throw malformedField(name, `a decimal of ${bitWidth} bits`);
  if (precision < 1 || precision > 76) throw malformedField(name, `a decimal of precision ${precision}`);
  return { kind: 'decimal', bitWidth, precision, scale: slots.i32(1) };
}

function readTime(name: string, slots: FlatTable): WireType {
  const unit = oneOf(name, TIME_UNITS, slots.i16(0, 1));
  const bits = slots.i32(1, 32);
  if (bits === 32 && (unit === 's' || unit === 'ms')) return { kind: 'time32', unit };
  if (bits === 64 && (unit === 'us' || unit === 'ns')) return { kind: 'time64', unit };
  throw malformedField(name, `a time of ${bits} bits and unit ${unit}`);
}

function oneOf<Choice>(name: string, choices: readonly Choice[], index: number): Choice {
  const choice = choices[index];
  if (choice === undefined) throw malformedField(name, `type option ${index}`);
  return choice;
}

function positive(name: string, size: number): number {
  if (size < 0) throw malformedField(name, `size ${size}`);
  return size;
}

function malformedField(name: string, what: string): DbError {
  return new DbError('invalid_data', `field ${name} of the Arrow schema has ${what}`);
}
