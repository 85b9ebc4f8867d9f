/**
 * Lists and structs of one row group. Each plain column below them has entries with two levels: the repetition says which of the lists around
 * begins a new item with it (0: a new row), the definition how much of the path down to its value is there. What a node needs of its rows is
 * where each begins among the entries of each column below it (its slots).
 */
import { kernelsOf } from '../../arrow/arena-kernels.js';
import { assert } from '../../core/assert.js';
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, physicalOf, WIDTH_BYTES } from '../../core/types.js';
import type { EntryStream, LeafEntries } from './entry-stream.js';
import { invalidParquet } from './invalid-parquet.js';
import { type Leaf, leafOf, type PageValues, spreadValues } from './page-decoder.js';
import { fieldOf, itemOf, type SchemaNode } from './parquet-types.js';

/** A node of the schema; `definition` is what an entry's must be at least where the node's value is there. */
export type NestedNode = {
  readonly type: DataType;
  readonly definition: number;
  readonly leaves: readonly NestedLeaf[];
} & (
  | { readonly kind: 'leaf'; readonly leaf: NestedLeaf }
  | { readonly kind: 'list'; readonly repetition: number; readonly item: NestedNode }
  | { readonly kind: 'struct'; readonly children: readonly NestedNode[] }
);

type ListNode = NestedNode & { readonly kind: 'list' };

export interface NestedLeaf {
  readonly leaf: Leaf;
  readonly path: readonly string[];
}

/** Levels: of what is around the node. */
export function nestedNode(node: SchemaNode, path: readonly string[] = [], repetition = 0, around = 0): NestedNode {
  const { type } = fieldOf(node);
  const definition = around + (node.element.repetition_type === 'REQUIRED' ? 0 : 1);
  const own = [...path, node.element.name];
  if (type.kind === 'list') {
    const [repeated] = node.children;
    const item = nestedNode(itemOf(node), [...own, repeated?.element.name ?? ''], repetition + 1, definition + 1);
    return { kind: 'list', type, definition, leaves: item.leaves, repetition: repetition + 1, item };
  }
  if (type.kind === 'struct') {
    const children = node.children.map((child) => nestedNode(child, own, repetition, definition));
    return { kind: 'struct', type, definition, leaves: children.flatMap((child) => child.leaves), children };
  }
  const leaf = { leaf: leafOf(node, type, { repetition, definition }), path: own };
  return { kind: 'leaf', type, definition, leaves: [leaf], leaf };
}

export class NestedColumn {
  private readonly node: NestedNode;
  private readonly streams: ReadonlyMap<NestedLeaf, EntryStream>;

  constructor(node: NestedNode, open: (leaf: NestedLeaf) => EntryStream) {
    this.node = node;
    this.streams = new Map(node.leaves.map((leaf) => [leaf, open(leaf)]));
  }

  /** The next rowCount rows, in the scope's memory. Fails with `invalid_data`, `unsupported`, `query_memory_exceeded`. */
  async read(rowCount: number, scope: MemoryScope): Promise<Vector> {
    const entries = new Map<NestedLeaf, LeafEntries>();
    const slots = new Map<NestedLeaf, Uint32Array>();
    for (const [leaf, stream] of this.streams) {
      const own = await stream.read(rowCount, scope);
      entries.set(leaf, own);
      slots.set(leaf, beginningsOf(own, rowCount));
    }
    return new Assembly(entries, scope).vector(this.node, slots, rowCount);
  }

  close(): void {
    for (const stream of this.streams.values()) stream.close();
  }
}

/** Where rows begin. */
function beginningsOf({ repetitions, count }: LeafEntries, rowCount: number): Uint32Array {
  const slots = new Uint32Array(rowCount);
  let row = 0;
  for (let entry = 0; entry < count; entry++) if (repetitions[entry] === 0) slots[row++] = entry;
  return slots;
}

type Slots = ReadonlyMap<NestedLeaf, Uint32Array>;

class Assembly {
  private readonly entries: ReadonlyMap<NestedLeaf, LeafEntries>;
  private readonly scope: MemoryScope;

  constructor(entries: ReadonlyMap<NestedLeaf, LeafEntries>, scope: MemoryScope) {
    this.entries = entries;
    this.scope = scope;
  }

  vector(node: NestedNode, slots: Slots, count: number): Vector {
    const [first] = node.leaves;
    assert(first, 'a node without leaves is refused with its type');
    const validity = this.validity(node, this.of(first), this.slotsOf(slots, first));
    switch (node.kind) {
      case 'leaf':
        return this.leaf(node.leaf, validity, count);
      case 'struct': {
        const children = node.children.map((child) => this.vector(child, slots, count));
        return flatVector(node.type, count, 0, validity, 0, children);
      }
      case 'list': {
        const offsets = this.scope.allocate(4 * (count + 1));
        const items = new Map<NestedLeaf, Uint32Array>();
        for (const leaf of node.leaves) items.set(leaf, this.items(leaf, node, this.slotsOf(slots, leaf), offsets, leaf === first));
        const itemCount = this.slotsOf(items, first).length;
        return flatVector(node.type, count, 0, validity, offsets, [this.vector(node.item, items, itemCount)]);
      }
    }
  }

  private of(leaf: NestedLeaf): LeafEntries {
    const own = this.entries.get(leaf);
    assert(own, 'every leaf was read');
    return own;
  }

  private slotsOf(slots: Slots, leaf: NestedLeaf): Uint32Array {
    const own = slots.get(leaf);
    assert(own, 'every leaf has its slots');
    return own;
  }

  /** The present values, in slots. */
  private leaf(leaf: NestedLeaf, validity: number, count: number): Vector {
    const { values } = this.of(leaf);
    const present = validity === 0 ? count : kernelsOf(this.scope.arena).count_bit_range(validity, 0, count);
    if (present !== values.length) throw invalidParquet(`column ${leaf.leaf.name} has values outside of its lists`);
    if (validity === 0) return values;
    const spread = spreadValues(storedIn(values), validity, count, this.scope);
    const offsets = spread.kind === 'bytes' ? spread.offsets : values.offsets;
    return { ...values, length: count, validity, values: spread.values, offsets };
  }

  /** Address of a bitmap; 0: the value is there in all slots. */
  private validity({ definition }: NestedNode, { definitions }: LeafEntries, slots: Uint32Array): number {
    let missing = 0;
    for (const slot of slots) missing += (definitions[slot] as number) < definition ? 1 : 0;
    if (missing === 0) return 0;
    const bitmap = this.scope.allocateZeroed(bitmapBytes(slots.length));
    const { u8 } = this.scope.arena;
    for (let i = 0; i < slots.length; i++) {
      if ((definitions[slots[i] as number] as number) < definition) continue;
      const byte = bitmap + (i >> 3);
      u8[byte] = (u8[byte] as number) | (1 << (i & 7));
    }
    return bitmap;
  }

  /**
   * The slots of the items of a list. An entry begins the first item, or says that there is none; those behind it that repeat the list begin
   * the others. The first column below the list sets the offsets; the others must have as many items.
   */
  private items(
    leaf: NestedLeaf,
    { repetition, definition }: ListNode,
    slots: Uint32Array,
    offsets: number,
    isFirst: boolean,
  ): Uint32Array {
    const { definitions, repetitions, count } = this.of(leaf);
    const ends = this.scope.arena.i32.subarray(offsets / 4 + 1);
    const items = new Uint32Array(count);
    let at = 0;
    if (isFirst) this.scope.arena.i32[offsets / 4] = 0;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      if ((definitions[slot] as number) > definition) {
        items[at++] = slot;
        for (let entry = slot + 1; entry < count && (repetitions[entry] as number) >= repetition; entry++) {
          if (repetitions[entry] === repetition) items[at++] = entry;
        }
      }
      if (isFirst) ends[i] = at;
      else if (ends[i] !== at) throw invalidParquet(`column ${leaf.leaf.name} has lists of another length than its neighbour`);
    }
    return items.subarray(0, at);
  }
}

/** Where a vector's values are, by kind. */
function storedIn(vector: Vector): PageValues {
  const { values, offsets } = vector;
  if (vector.encoding === 'dictionary') return { kind: 'codes', values };
  switch (physicalOf(vector.type)) {
    case 'bit':
      return { kind: 'bits', values };
    case 'bytes':
      return { kind: 'bytes', offsets, values };
    default:
      return { kind: 'fixed', values, widthBytes: WIDTH_BYTES[physicalOf(vector.type)] };
  }
}
