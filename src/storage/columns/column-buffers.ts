/**
 * One column's buffers, in the arena or in a record: a tree with the shape of the type. The same tree describes a growing column, an immutable
 * one, a column inside a tail record and one inside a segment file.
 *
 *   fixed width, bool   validity?  values
 *   text as dictionary  validity?  values = int32 codes into the column's dictionary (top level only)
 *   text, binary        validity?  offsets (length + 1 int32, the first is 0)  values = bytes
 *   list                validity?  offsets  one child
 *   struct              validity?  one child per field
 *   null                nothing
 */
import type { Arena } from '../../core/arena.js';
import { assert } from '../../core/assert.js';
import { bitmapBytes, type DictionaryView, type Vector } from '../../core/batch.js';
import { type DataType, isText, physicalOf, WIDTH_BYTES } from '../../core/types.js';

export interface ColumnBuffers {
  readonly type: DataType;
  /** True: text whose values are codes. */
  readonly dictionary: boolean;
  /** Rows. */
  length: number;
  /** Address; 0 = every row is present. */
  validity: number;
  offsets: number;
  values: number;
  readonly children: ColumnBuffers[];
}

/** Types below a type. */
export function childTypes(type: DataType): readonly DataType[] {
  if (type.kind === 'list') return [type.item.type];
  return type.kind === 'struct' ? type.fields.map((field) => field.type) : [];
}

export function emptyColumn(type: DataType, dictionary: boolean): ColumnBuffers {
  assert(!dictionary || isText(type), 'only text is dictionary-encoded');
  const children = childTypes(type).map((child) => emptyColumn(child, false));
  return { type, dictionary, length: 0, validity: 0, offsets: 0, values: 0, children };
}

export type BufferRole = 'validity' | 'offsets' | 'values';

const ROLES = {
  none: [],
  fixed: ['validity', 'values'],
  bytes: ['validity', 'offsets', 'values'],
  list: ['validity', 'offsets'],
  struct: ['validity'],
} as const satisfies Record<string, readonly BufferRole[]>;

/** The buffers of one node in Arrow's order. */
export function rolesOf(type: DataType, dictionary: boolean): readonly BufferRole[] {
  const physical = physicalOf(type);
  if (physical === 'none' || physical === 'list' || physical === 'struct') return ROLES[physical];
  return physical === 'bytes' && !dictionary ? ROLES.bytes : ROLES.fixed;
}

/** Bytes of one value in `values`; 0 for bits and for bytes. */
export function widthOf(column: ColumnBuffers): number {
  return column.dictionary ? 4 : WIDTH_BYTES[physicalOf(column.type)];
}

/** Used bytes of a buffer (0 for an absent one), without padding. */
function bufferBytes(arena: Arena, column: ColumnBuffers, role: BufferRole): number {
  if (role === 'validity') return column.validity === 0 ? 0 : bitmapBytes(column.length);
  if (role === 'offsets') return (column.length + 1) * 4;
  const width = widthOf(column);
  if (width > 0) return column.length * width;
  return column.type.kind === 'bool' ? bitmapBytes(column.length) : lastOffset(arena, column);
}

/** The offset at the end: bytes of text, or rows of the list's child. */
export function lastOffset(arena: Arena, column: ColumnBuffers): number {
  return column.offsets === 0 ? 0 : (arena.i32[column.offsets / 4 + column.length] as number);
}

/** All nodes, parents first. */
export function* nodesOf(column: ColumnBuffers): Generator<ColumnBuffers> {
  yield column;
  for (const child of column.children) yield* nodesOf(child);
}

export function columnBytes(arena: Arena, column: ColumnBuffers): number {
  let total = 0;
  for (const node of nodesOf(column)) {
    for (const role of rolesOf(node.type, node.dictionary)) total += bufferBytes(arena, node, role);
  }
  return total;
}

/** Addresses of all allocations of a column. */
export function addressesOf(column: ColumnBuffers): number[] {
  const addresses: number[] = [];
  for (const node of nodesOf(column)) {
    for (const address of [node.validity, node.offsets, node.values]) if (address !== 0) addresses.push(address);
  }
  return addresses;
}

/** The column as it is now; a growing column may replace its buffers afterwards. */
export function freeze(column: ColumnBuffers): ColumnBuffers {
  return { ...column, children: column.children.map(freeze) };
}

/** A vector over the first rowCount rows. Empty buffers point at `nothing`, some readable zeroed place. */
export function vectorOf(column: ColumnBuffers, rowCount: number, dictionary: DictionaryView | null, nothing: number): Vector {
  const children = column.type.kind === 'struct' ? column.children.map((child) => vectorOf(child, rowCount, null, nothing)) : [];
  if (column.type.kind === 'list') {
    const child = column.children[0];
    assert(child, 'a list has a child');
    children.push(vectorOf(child, child.length, null, nothing));
  }
  return {
    type: column.type,
    encoding: column.dictionary ? 'dictionary' : 'flat',
    length: rowCount,
    validity: column.validity,
    values: column.values || nothing,
    offsets: column.offsets || (physicalOf(column.type) === 'bytes' || column.type.kind === 'list' ? nothing : 0),
    dictionary: column.dictionary ? dictionary : null,
    children,
  };
}
