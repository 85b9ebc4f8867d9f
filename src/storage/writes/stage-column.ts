/** Rows [from, from + rows) of a vector as a column of a tail record: which buffers it will have, and how their bytes get there. */
import { assert } from '../../core/assert.js';
import { bitmapBytes, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, physicalOf, WIDTH_BYTES } from '../../core/types.js';
import type { PlannedBuffer, PlannedColumn } from '../catalog/tail-record.js';
import { type ColumnBuffers, childTypes, emptyColumn } from '../columns/column-buffers.js';
import type { ColumnDictionary } from '../columns/column-dictionary.js';
import { permuteColumn } from '../columns/column-permute.js';
import type { Allocate, StorageMemory } from '../memory.js';

const LARGEST_OFFSET = 2 ** 31 - 1;

export interface Staging {
  readonly memory: StorageMemory;
  /** Memory that lives until the record is written. */
  readonly allocate: Allocate;
}

/** A text column becomes codes of `dictionary` when one is given. The vector has the column's type (or its own encoding of it). */
export function stageColumn(
  staging: Staging,
  vector: Vector,
  from: number,
  rows: number,
  dictionary: ColumnDictionary | null,
): PlannedColumn {
  if (vector.type.kind === 'null') return stageNulls(staging, vector.type, rows, false);
  const validity = stageValidity(staging, vector, from, rows);
  if (validity !== null && vector.encoding === 'constant') return stageNulls(staging, vector.type, rows, dictionary !== null);
  const leaf = (buffers: readonly PlannedBuffer[], isDictionary = false): PlannedColumn => {
    return { dictionary: isDictionary, length: rows, validity, buffers, children: [] };
  };
  const { type } = vector;
  if (type.kind === 'list' || type.kind === 'struct') return stageNested(staging, vector, from, rows, validity);
  if (physicalOf(type) !== 'bytes') return leaf([stageFixed(staging, vector, from, rows)]);
  if (dictionary !== null) return leaf([stageCodes(staging, vector, from, rows, dictionary)], true);
  return leaf(stageBytes(staging, vector, from, rows));
}

/** A column of rows without values. */
export function stageNulls(staging: Staging, type: DataType, rows: number, dictionary: boolean): PlannedColumn {
  const { kernels } = staging.memory;
  const zeros = (sizeBytes: number): PlannedBuffer => ({ sizeBytes, write: (address) => kernels.fill_bytes(address, 0, sizeBytes) });
  const physical = physicalOf(type);
  const children = childTypes(type).map((child) => stageNulls(staging, child, type.kind === 'struct' ? rows : 0, false));
  const shape = (buffers: readonly PlannedBuffer[]): PlannedColumn => {
    return { dictionary, length: rows, validity: rows === 0 || physical === 'none' ? null : zeros(bitmapBytes(rows)), buffers, children };
  };
  if (physical === 'none' || physical === 'struct') return shape([]);
  if (dictionary) return shape([zeros(rows * 4)]);
  if (physical === 'bytes') return shape([zeros((rows + 1) * 4), zeros(0)]);
  if (physical === 'list') return shape([zeros((rows + 1) * 4)]);
  return shape([zeros(physical === 'bit' ? bitmapBytes(rows) : rows * WIDTH_BYTES[physical])]);
}

/** null: no row is null. */
function stageValidity(staging: Staging, vector: Vector, from: number, rows: number): PlannedBuffer | null {
  const { kernels } = staging.memory;
  if (vector.validity === 0 || rows === 0) return null;
  if (vector.encoding === 'constant') {
    return kernels.tally_bits(vector.validity, 0, 1) === 1 ? null : { sizeBytes: 0, write: () => undefined };
  }
  if (kernels.tally_bits(vector.validity, from, rows) === rows) return null;
  return { sizeBytes: bitmapBytes(rows), write: (address) => kernels.move_bits(address, 0, vector.validity, from, rows) };
}

function stageFixed(staging: Staging, vector: Vector, from: number, rows: number): PlannedBuffer {
  const { kernels, arena } = staging.memory;
  const { values } = vector;
  const isConstant = vector.encoding === 'constant';
  if (vector.type.kind === 'bool') {
    const bit = isConstant && ((arena.u8[values] as number) & 1) === 1;
    const write = (address: number) => {
      if (!isConstant) kernels.move_bits(address, 0, values, from, rows);
      else if (bit) kernels.fill_bits(address, 0, rows);
      else kernels.fill_bytes(address, 0, bitmapBytes(rows));
    };
    return { sizeBytes: bitmapBytes(rows), write };
  }
  const width = WIDTH_BYTES[physicalOf(vector.type)];
  const write = (address: number) => {
    if (isConstant) kernels.tile_bytes(address, values, width, rows);
    else kernels.copy_bytes(address, values + from * width, rows * width);
  };
  return { sizeBytes: rows * width, write };
}

function stageCodes(staging: Staging, vector: Vector, from: number, rows: number, dictionary: ColumnDictionary): PlannedBuffer {
  const { kernels } = staging.memory;
  const write = (address: number) => {
    if (vector.encoding === 'dictionary') {
      assert(vector.dictionary, 'a dictionary vector has a dictionary');
      dictionary.encodeCodes(address, vector.values, vector.dictionary, vector.validity, from, rows);
    } else if (vector.encoding === 'flat') {
      dictionary.encodeBytes(address, vector.offsets, vector.values, vector.validity, from, rows);
    } else {
      dictionary.encodeBytes(address, vector.offsets, vector.values, 0, 0, 1);
      if (rows > 1) kernels.tile_bytes(address + 4, address, 4, rows - 1);
    }
  };
  return { sizeBytes: rows * 4, write };
}

function checkBytes(total: number): void {
  if (total > LARGEST_OFFSET) throw new DbError('request_too_large', `${total} bytes of text in one batch are more than ${LARGEST_OFFSET}`);
}

/** Offsets and bytes. */
function stageBytes(staging: Staging, vector: Vector, from: number, rows: number): PlannedBuffer[] {
  const { kernels, arena } = staging.memory;
  const copy = (source: number, sizeBytes: number): PlannedBuffer => {
    return { sizeBytes, write: (address) => kernels.copy_bytes(address, source, sizeBytes) };
  };
  const offsetBytes = (rows + 1) * 4;
  if (vector.encoding === 'dictionary') {
    const { dictionary, validity, values } = vector;
    assert(dictionary, 'a dictionary vector has a dictionary');
    const offsets = staging.allocate(offsetBytes);
    const total = kernels.spell_offsets(offsets, values, dictionary.offsets, validity, from, rows);
    checkBytes(total);
    const write = (address: number) => kernels.spell_bytes(address, offsets, values, dictionary.offsets, dictionary.values, from, rows);
    return [copy(offsets, offsetBytes), { sizeBytes: total, write }];
  }
  const start = vector.offsets / 4 + (vector.encoding === 'constant' ? 0 : from);
  const first = arena.i32[start] as number;
  if (vector.encoding === 'constant') {
    const size = (arena.i32[start + 1] as number) - first;
    checkBytes(size * rows);
    return [
      { sizeBytes: offsetBytes, write: (address) => kernels.step_offsets(address, size, rows) },
      { sizeBytes: size * rows, write: (address) => kernels.tile_bytes(address, vector.values + first, size, rows) },
    ];
  }
  const total = (arena.i32[start + rows] as number) - first;
  return [
    { sizeBytes: offsetBytes, write: (address) => kernels.shift_offsets(address, start * 4, -first, rows + 1) },
    copy(vector.values + first, total),
  ];
}

function stageNested(staging: Staging, vector: Vector, from: number, rows: number, validity: PlannedBuffer | null): PlannedColumn {
  const { kernels, arena } = staging.memory;
  if (vector.encoding === 'constant') return stageNested(staging, repeatConstant(staging, vector), from, rows, validity);
  if (vector.type.kind === 'struct') {
    const children = vector.children.map((child) => stageColumn(staging, child, from, rows, null));
    return { dictionary: false, length: rows, validity, buffers: [], children };
  }
  const child = vector.children[0];
  assert(child, 'a list has a child');
  const start = vector.offsets / 4 + from;
  const first = arena.i32[start] as number;
  const count = (arena.i32[start + rows] as number) - first;
  const offsets: PlannedBuffer = {
    sizeBytes: (rows + 1) * 4,
    write: (address) => kernels.shift_offsets(address, start * 4, -first, rows + 1),
  };
  return { dictionary: false, length: rows, validity, buffers: [offsets], children: [stageColumn(staging, child, first, count, null)] };
}

/** A constant list or struct as a flat vector. */
function repeatConstant(staging: Staging, vector: Vector): Vector {
  const { memory } = staging;
  const order = staging.allocate(Math.max(vector.length, 1) * 4);
  memory.kernels.fill_bytes(order, 0, vector.length * 4);
  const one = columnOfVector({ ...vector, encoding: 'flat', length: 1, validity: 0 });
  const many = permuteColumn(memory, one, order, vector.length, staging.allocate);
  return withBuffers(vector, many);
}

function columnOfVector(vector: Vector): ColumnBuffers {
  assert(vector.encoding === 'flat', 'values inside a constant list or struct are flat');
  const shape = emptyColumn(vector.type, false);
  const { length, validity, offsets, values } = vector;
  return { ...shape, length, validity, offsets, values, children: vector.children.map(columnOfVector) };
}

function withBuffers(vector: Vector, column: ColumnBuffers): Vector {
  const { length, validity, offsets, values } = column;
  const children = vector.children.map((child, i) => withBuffers(child, column.children[i] as ColumnBuffers));
  return { ...vector, encoding: 'flat', length, validity, offsets, values, children };
}
