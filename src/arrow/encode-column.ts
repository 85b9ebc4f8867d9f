/** The buffers of one column of a record batch, made of one or more runs of rows. See ipc-batch.ts for the layout. */
import { assert } from '../core/assert.js';
import { bitmapBytes, type Vector } from '../core/batch.js';
import { DbError } from '../core/errors.js';
import { type DataType, NULL_TYPE, physicalOf, WIDTH_BYTES } from '../core/types.js';
import { kernelsOf } from './arena-kernels.js';
import type { EncodeContext, Rows } from './encoded-message.js';
import type { MessageBody } from './message-body.js';
import { fieldOfWire, type WireField } from './wire-type.js';

const MAX_OFFSET = 2 ** 31 - 1;

type Range = readonly [address: number, sizeBytes: number];

export function encodeColumn(context: EncodeContext, body: MessageBody, field: WireField, given: readonly Rows[]): void {
  const total = given.reduce((sum, run) => sum + run.count, 0);
  if (field.type.kind === 'null') {
    body.node(total, total);
    return;
  }
  const rows = given.map((run) => (run.vector.type.kind === 'null' ? typedNulls(context, field, run) : run));
  encodeValidity(context, body, rows, total);
  if (field.dictionary !== null) {
    body.buffer(codeRanges(context, field, rows));
    return;
  }
  switch (field.type.kind) {
    case 'bool':
      body.buffer([total === 0 ? [0, 0] : joinBits(context, rows, total, (vector) => vector.values)]);
      return;
    case 'utf8':
    case 'binary':
      encodeBytes(context, body, rows, total);
      return;
    case 'list':
      encodeList(context, body, field, rows, total);
      return;
    case 'struct':
      for (const [i, child] of field.children.entries()) {
        encodeColumn(
          context,
          body,
          child,
          rows.flatMap((run) => structChild(run, i)),
        );
      }
      return;
    default:
      body.buffer(rows.map((run) => fixedRange(context, run)));
  }
}

/** Rows of a vector without type as a constant null of the field's type. */
function typedNulls({ scope }: EncodeContext, field: WireField, { count }: Rows): Rows {
  const zeros = scope.allocateZeroed(64);
  const { type } = fieldOfWire(field);
  const fields = type.kind === 'list' ? [type.item] : type.kind === 'struct' ? type.fields : [];
  const constant = (of: DataType, children: readonly Vector[]): Vector => {
    return { type: of, encoding: 'constant', length: count, validity: zeros, values: zeros, offsets: zeros, dictionary: null, children };
  };
  const children = fields.map((child) => constant(child.type.kind === 'list' || child.type.kind === 'struct' ? NULL_TYPE : child.type, []));
  return { vector: constant(type, children), start: 0, count };
}

function encodeValidity(context: EncodeContext, body: MessageBody, rows: readonly Rows[], total: number): void {
  const nullCount = rows.reduce((sum, run) => sum + nullsOf(context, run), 0);
  body.node(total, nullCount);
  if (nullCount === 0) body.absent();
  else body.buffer([joinBits(context, rows, total, (vector) => vector.validity)]);
}

function nullsOf({ arena }: EncodeContext, { vector, start, count }: Rows): number {
  if (vector.validity === 0) return 0;
  if (vector.encoding === 'constant') return constantBit(arena.u8, vector.validity) ? 0 : count;
  return count - kernelsOf(arena).count_bit_range(vector.validity, start, count);
}

function constantBit(bytes: Uint8Array, address: number): boolean {
  return ((bytes[address] as number) & 1) === 1;
}

/** One bitmap of all runs: in place when it is one run that starts at a whole byte, else joined in scratch. Address 0 means all set. */
function joinBits({ arena, scope }: EncodeContext, rows: readonly Rows[], total: number, addressOf: (vector: Vector) => number): Range {
  const sizeBytes = Math.ceil(total / 8);
  const [first] = rows;
  if (first !== undefined && rows.length === 1 && first.start % 8 === 0 && first.vector.encoding !== 'constant') {
    const address = addressOf(first.vector);
    if (address !== 0) return [address + first.start / 8, sizeBytes];
  }
  const kernels = kernelsOf(arena);
  const target = scope.allocateZeroed(bitmapBytes(total));
  let done = 0;
  for (const { vector, start, count } of rows) {
    const address = addressOf(vector);
    if (address === 0) kernels.set_bit_range(target, done, count);
    else if (vector.encoding !== 'constant') kernels.copy_bit_range(target, done, address, start, count);
    else if (constantBit(arena.u8, address)) kernels.set_bit_range(target, done, count);
    done += count;
  }
  return [target, sizeBytes];
}

function fixedRange({ arena, scope }: EncodeContext, { vector, start, count }: Rows): Range {
  const width = WIDTH_BYTES[physicalOf(vector.type)];
  assert(width > 0, `fixed-width type ${vector.type.kind}`);
  if (vector.encoding === 'flat') return [vector.values + start * width, count * width];
  const target = scope.allocate(count * width);
  kernelsOf(arena).repeat_wire_bytes(target, vector.values, width, count);
  return [target, count * width];
}

function codeRanges(context: EncodeContext, field: WireField, rows: readonly Rows[]): Range[] {
  const addresses = context.codes?.(field, rows) ?? rows.map(ownCodes);
  return rows.map((run, i) => [addresses[i] as number, run.count * 4]);
}

function ownCodes({ vector, start, count }: Rows): number {
  assert(vector.encoding === 'dictionary' || count === 0, 'codes of a vector without dictionary');
  return vector.values + start * 4;
}

/** Offsets and bytes of text or binary rows. */
function encodeBytes(context: EncodeContext, body: MessageBody, rows: readonly Rows[], total: number): void {
  const { arena, scope } = context;
  const [first] = rows;
  if (first !== undefined && rows.length === 1 && first.vector.encoding === 'flat') {
    const begin = first.vector.offsets / 4 + first.start;
    if (total > 0 && arena.i32[begin] === 0) {
      body.buffer([[begin * 4, (total + 1) * 4]]);
      body.buffer([[first.vector.values, arena.i32[begin + total] as number]]);
      return;
    }
  }
  const offsets = scope.allocateZeroed((total + 1) * 4);
  const ranges: Range[] = [];
  let done = 0;
  let end = 0;
  for (const run of rows) {
    const range = appendBytes(context, run, offsets + done * 4, end);
    ranges.push(range);
    done += run.count;
    end += range[1];
  }
  body.buffer([[offsets, (total + 1) * 4]]);
  body.buffer(ranges);
}

/** The rows' text as plain offsets (from 0 on) and bytes; what had to be made lies in the scope. */
export function encodeBytesOf(
  context: EncodeContext,
  run: Rows,
): { readonly offsets: number; readonly values: number; readonly sizeBytes: number } {
  const offsets = context.scope.allocate((run.count + 1) * 4);
  const [values, sizeBytes] = appendBytes(context, run, offsets, 0);
  return { offsets, values, sizeBytes };
}

/** Writes count + 1 offsets from `base` on to `target` and returns where the bytes of the run lie. */
function appendBytes(context: EncodeContext, run: Rows, target: number, base: number): Range {
  const { vector, start, count } = run;
  const { arena, scope } = context;
  const kernels = kernelsOf(arena);
  if (count === 0) {
    kernels.step_wire_offsets(target, base, 0, count + 1);
    return [0, 0];
  }
  if (vector.encoding === 'flat') {
    const source = vector.offsets + start * 4;
    const begin = arena.i32[source / 4] as number;
    const sizeBytes = (arena.i32[source / 4 + count] as number) - begin;
    checkOffset(base + sizeBytes);
    kernels.rebase_wire_offsets(target, source, count + 1, base - begin);
    return [vector.values + begin, sizeBytes];
  }
  if (vector.encoding === 'constant') {
    const begin = arena.i32[vector.offsets / 4] as number;
    const isNull = nullsOf(context, run) > 0;
    const sizeBytes = isNull ? 0 : (arena.i32[vector.offsets / 4 + 1] as number) - begin;
    checkOffset(base + sizeBytes * count);
    kernels.step_wire_offsets(target, base, sizeBytes, count + 1);
    const bytes = scope.allocate(sizeBytes * count);
    kernels.repeat_wire_bytes(bytes, vector.values + begin, sizeBytes, count);
    return [bytes, sizeBytes * count];
  }
  const { dictionary } = vector;
  assert(dictionary !== null, 'a dictionary vector has a dictionary');
  const codes = vector.values + start * 4;
  const end = kernels.measure_code_bytes(target, base, codes, vector.validity, start, count, dictionary.offsets);
  checkOffset(end);
  const bytes = scope.allocate(end - base);
  kernels.gather_code_bytes(bytes, codes, vector.validity, start, count, dictionary.offsets, dictionary.values);
  return [bytes, end - base];
}

/** The rows do not fit one record batch: whoever can splits them. */
export class OffsetOverflow extends DbError {
  constructor(end: number) {
    super('unsupported', `${end} bytes or items in one Arrow record batch are more than its 32-bit offsets reach`);
  }
}

function checkOffset(end: number): void {
  if (end > MAX_OFFSET) throw new OffsetOverflow(end);
}

function encodeList(context: EncodeContext, body: MessageBody, field: WireField, rows: readonly Rows[], total: number): void {
  const { arena, scope } = context;
  const kernels = kernelsOf(arena);
  const offsets = scope.allocateZeroed((total + 1) * 4);
  const items: Rows[] = [];
  let done = 0;
  let end = 0;
  for (const run of rows) {
    const { vector, start, count } = run;
    const [item] = vector.children;
    const target = offsets + done * 4;
    if (item === undefined || count === 0 || (vector.encoding === 'constant' && nullsOf(context, run) > 0)) {
      kernels.step_wire_offsets(target, end, 0, count + 1);
    } else {
      const source = vector.offsets + (vector.encoding === 'constant' ? 0 : start * 4);
      const repeats = vector.encoding === 'constant' ? count : 1;
      const begin = arena.i32[source / 4] as number;
      const length = (arena.i32[source / 4 + (vector.encoding === 'constant' ? 1 : count)] as number) - begin;
      checkOffset(end + length * repeats);
      if (vector.encoding === 'constant') kernels.step_wire_offsets(target, end, length, count + 1);
      else kernels.rebase_wire_offsets(target, source, count + 1, end - begin);
      for (let i = 0; i < repeats; i++) items.push({ vector: item, start: begin, count: length });
      end += length * repeats;
    }
    done += count;
  }
  body.buffer([[offsets, (total + 1) * 4]]);
  const [child] = field.children;
  assert(child !== undefined, `list field ${field.name} has an item`);
  encodeColumn(context, body, child, items);
}

/** Rows of a struct's field. A constant struct has one row, which becomes a constant of the field. */
function structChild({ vector, start, count }: Rows, index: number): Rows[] {
  const child = vector.children[index];
  assert(child !== undefined, 'a struct has a vector per field');
  if (vector.encoding !== 'constant') return [{ vector: child, start, count }];
  if (child.encoding === 'dictionary') return Array.from({ length: count }, () => ({ vector: child, start: 0, count: 1 }));
  return [{ vector: { ...child, encoding: 'constant', length: count }, start: 0, count }];
}
