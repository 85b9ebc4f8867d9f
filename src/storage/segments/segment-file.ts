/**
 * Sealed segments as files: <path>/segments/<table>-<segment>-<opening>.arrow, each an Arrow IPC file that any Arrow reader opens. The last
 * part is one for each time that the database was opened to be written.
 *
 *   "ARROW1" 00 00 │ schema │ one dictionary batch per dictionary-encoded column │ one record batch │ end of stream │ footer │ "ARROW1"
 *
 * Every buffer begins at a multiple of 64 bytes, and is compressed when the content says so (packed-buffers.ts). A dictionary batch holds the entries of the table's shared dictionary up to the greatest code
 * that the segment uses, so codes in the file are the codes in memory. Where each buffer stands, and its CRC32C, is in the catalog: a column is
 * read without looking at the rest of the file. The catalog has a CRC-32 of the whole file too, for what no query reads: dictionary batches,
 * heads, footer.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { EncodedMessage } from '../../arrow/encoded-message.js';
import { type OpenMessage, openDictionaryBatch, openRecordBatch } from '../../arrow/ipc-batch.js';
import { FileLayout, type PlacedMessage } from '../../arrow/ipc-file.js';
import { wireSchemaOf } from '../../arrow/wire-type.js';
import { assert } from '../../core/assert.js';
import type { Batch } from '../../core/batch.js';
import type { ColumnDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { type Files, type OpenFile, writeAll } from '../../core/files.js';
import { MemoryScope } from '../../core/memory-scope.js';
import type { DataType, IntegerKind } from '../../core/types.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import type { StoredBuffer, StoredNode } from '../catalog/catalog.js';
import { type BufferRole, type ColumnBuffers, childTypes, nodesOf, rolesOf, vectorOf, widthOf } from '../columns/column-buffers.js';
import type { ColumnDictionary } from '../columns/column-dictionary.js';
import { ioError, SyncFailure } from '../io-error.js';
import type { StorageMemory } from '../memory.js';
import { BufferPacker, indexFor, type PackedBuffer, unpackBytes, widenCodes } from './packed-buffers.js';

export interface SegmentFileContent {
  readonly tableName: string;
  readonly definitions: readonly ColumnDefinition[];
  readonly rows: number;
  readonly columns: readonly ColumnBuffers[];
  readonly dictionaries: readonly (ColumnDictionary | null)[];
  /** Buffers are compressed where that pays; it gives others their turn meanwhile, and fails when the work is to end. null: they are not. */
  readonly packing: (() => Promise<void>) | null;
}

export interface WrittenFile {
  readonly sizeBytes: number;
  /** CRC-32 (zlib's) of all its bytes. */
  readonly checksum: number;
  /** By column. */
  readonly nodes: readonly StoredNode[];
}

/** Writes and syncs the file and its folder. Fails with `io_error` (a SyncFailure where that was it) or `read_only`; what was written is then removed. */
export async function writeSegmentFile(
  memory: StorageMemory,
  files: Files,
  folder: string,
  name: string,
  content: SegmentFileContent,
): Promise<WrittenFile> {
  const path = join(folder, name);
  const scope = new MemoryScope(memory.arena);
  let packer: BufferPacker | null = null;
  try {
    const handle = await files.open(path, 'write');
    try {
      const output = new SummedOutput(handle);
      packer = content.packing && new BufferPacker(memory, content.packing);
      const written = await writeContent(memory, { scope, packer, output }, content);
      await synced(handle.sync(), name);
      return { ...written, checksum: output.checksum };
    } finally {
      await handle.close();
      await synced(files.syncFolder(folder), name);
    }
  } catch (error) {
    await removeSegmentFile(files, folder, name);
    throw ioError(error, `segment file ${name} could not be written`);
  } finally {
    packer?.release();
    scope.release();
  }
}

async function synced(sync: Promise<void>, name: string): Promise<void> {
  try {
    await sync;
  } catch (thrown) {
    const error = ioError(thrown, `segment file ${name} could not be synced`);
    // What a full disk did not take is written anew, into another file.
    throw error.code === 'io_error' ? new SyncFailure('io_error', error.message, { cause: thrown }) : error;
  }
}

/** Removes a file that no record names. Where that fails, the next opening does it. */
export async function removeSegmentFile(files: Files, folder: string, name: string): Promise<void> {
  try {
    await files.remove(join(folder, name));
  } catch (error) {
    process.emitWarning(`segment file ${name} could not be removed: ${String(error)}`);
  }
}

/** Writes parts behind each other and keeps the checksum of all of them. */
class SummedOutput {
  checksum = 0;
  private readonly handle: OpenFile;

  constructor(handle: OpenFile) {
    this.handle = handle;
  }

  async write(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      this.checksum = crc32(part, this.checksum);
      await writeAll(this.handle, part);
    }
  }
}

interface WriteContext {
  readonly scope: MemoryScope;
  /** null: buffers are written as they are. */
  readonly packer: BufferPacker | null;
  readonly output: SummedOutput;
}

async function writeContent(
  memory: StorageMemory,
  { scope, packer, output }: WriteContext,
  content: SegmentFileContent,
): Promise<Omit<WrittenFile, 'checksum'>> {
  const { arena } = memory;
  const { columns, dictionaries, definitions, tableName } = content;
  const nothing = scope.allocateZeroed(64);
  const codes = columns.map((column, i) => (column.dictionary ? usedCodes(memory, column, dictionaries[i]?.view().count ?? 0) : 0));
  const indexes = codes.map((count): IntegerKind => (packer === null ? 'int32' : indexFor(count)));
  const schema = wireSchemaOf(
    { fields: definitions.map(({ name, type, nullable }) => ({ name, type, nullable })) },
    {
      dictionaryId: (index) => (columns[index]?.dictionary ? index : null),
      dictionaryIndex: (index) => indexes[index] ?? 'int32',
      metadata: new Map([['fletch.table', tableName]]),
    },
  );
  const layout = new FileLayout(arena, schema, 64);
  const context = { arena, scope, alignmentBytes: 64 } as const;
  await output.write(layout.open());
  for (const [index, column] of columns.entries()) {
    const view = column.dictionary ? dictionaries[index]?.view() : undefined;
    const field = schema.fields[index];
    if (view === undefined || field === undefined) continue;
    const message = openDictionaryBatch(context, field, { ...view, count: codes[index] ?? 0 });
    await output.write(layout.dictionary(await closedDictionary(message, packer)).parts);
  }
  const vectors = columns.map((column, i) =>
    vectorOf(column, content.rows, column.dictionary ? (dictionaries[i]?.view() ?? null) : null, nothing),
  );
  const batch: Batch = { arena: arena.id, rowCount: content.rows, columns: vectors };
  const open = openRecordBatch(context, schema, [{ batch, start: 0, count: content.rows }]);
  const packed = packer && (await packColumns(packer, open, columns, indexes));
  const body = packed ? open.body.withBuffers(packed.map(({ ranges }) => ranges)) : open.body;
  const placed = layout.batch(open.close(body, packed && 'zstd'));
  await output.write(placed.parts);
  const nodes = packed ? describePacked(placed, packed, columns) : await describeBuffers(memory, placed, columns);
  await output.write(layout.close());
  return { sizeBytes: layout.sizeBytes, nodes };
}

/** No query reads it: the catalog has the dictionary. */
async function closedDictionary({ body, close }: OpenMessage, packer: BufferPacker | null): Promise<EncodedMessage> {
  if (packer === null) return close(body, null);
  const packed: PackedBuffer[] = [];
  for (const ranges of body.ranges) {
    const [address, sizeBytes] = ranges[0] ?? [0, 0];
    assert(ranges.length <= 1, 'a dictionary that is whole lies in one piece');
    packed.push(await packer.packBytes(address, sizeBytes, 1));
  }
  return close(body.withBuffers(packed.map(({ ranges }) => ranges)), 'zstd');
}

/** All buffers in Arrow's order. */
async function packColumns(
  packer: BufferPacker,
  { body }: OpenMessage,
  columns: readonly ColumnBuffers[],
  indexes: readonly IntegerKind[],
): Promise<PackedBuffer[]> {
  const packed: PackedBuffer[] = [];
  for (const [i, column] of columns.entries()) {
    for (const node of nodesOf(column)) {
      for (const role of rolesOf(node.type, node.dictionary)) {
        const [, sizeBytes] = body.buffers[packed.length] ?? [0, 0];
        packed.push(await packer.pack(node, role, sizeBytes, indexes[i] ?? 'int32'));
      }
    }
  }
  return packed;
}

/** One more than the greatest code in use. */
function usedCodes(memory: StorageMemory, column: ColumnBuffers, count: number): number {
  return memory.scratch((allocate) => {
    const out = allocate(64);
    if (memory.kernels.zone_u32(column.values, column.validity, column.length, out) === 0) return 0;
    return Math.min(count, (memory.arena.u32[out / 4 + 1] as number) + 1);
  });
}

async function describeBuffers(memory: StorageMemory, placed: PlacedMessage, columns: readonly ColumnBuffers[]): Promise<StoredNode[]> {
  let next = 0;
  const nodes: StoredNode[] = [];
  for (const column of columns) {
    const stored = describeColumn(column, (node, role): StoredBuffer => {
      const [offset, size] = placed.buffers[next++] ?? [0, 0];
      if (role === 'validity' && size === 0) return null;
      return [offset, size, size === 0 ? 0 : memory.kernels.crc32c(node[role], size, 0) >>> 0];
    });
    nodes.push(stored);
    await yieldToOthers();
  }
  return nodes;
}

/** Where the bytes behind the lengths stand. */
function describePacked(placed: PlacedMessage, packed: readonly PackedBuffer[], columns: readonly ColumnBuffers[]): StoredNode[] {
  let next = 0;
  return columns.map((column) =>
    describeColumn(column, (_node, role): StoredBuffer => {
      const [offset, size] = placed.buffers[next] ?? [0, 0];
      const { checksum = 0, plainBytes } = packed[next++] ?? {};
      if (size === 0) return role === 'validity' ? null : [offset, 0, 0];
      return plainBytes === undefined ? [offset + 8, size - 8, checksum] : [offset + 8, size - 8, checksum, plainBytes];
    }),
  );
}

function describeColumn(column: ColumnBuffers, describe: (node: ColumnBuffers, role: BufferRole) => StoredBuffer): StoredNode {
  const buffers = rolesOf(column.type, column.dictionary).map((role) => describe(column, role));
  return { rows: column.length, buffers, children: column.children.map((child) => describeColumn(child, describe)) };
}

/** Reads one column of a segment file into the arena. Fails with `corrupt` naming the file, or `io_error`. */
export async function readSegmentColumn(
  memory: StorageMemory,
  files: Files,
  folder: string,
  file: string,
  column: { readonly name: string; readonly type: DataType; readonly dictionary: boolean; readonly node: StoredNode },
): Promise<ColumnBuffers> {
  const held: number[] = [];
  try {
    const handle = await files.open(join(folder, file), 'read');
    try {
      const result = shapeOf(column.type, column.dictionary, column.node);
      const stored = storedNodes(column.node);
      let index = 0;
      for (const node of nodesOf(result)) {
        const buffers = stored[index++]?.buffers ?? [];
        for (const [i, role] of rolesOf(node.type, node.dictionary).entries()) {
          const buffer = buffers[i] ?? null;
          if (buffer === null) continue;
          node[role] = await readBuffer({ memory, handle, held, where: `${file}, column "${column.name}"` }, node, role, buffer);
        }
      }
      return result;
    } finally {
      await handle.close();
    }
  } catch (error) {
    for (const address of held) memory.free(address);
    throw ioError(error, `segment file ${file} could not be read`);
  }
}

function storedNodes(node: StoredNode): StoredNode[] {
  return [node, ...node.children.flatMap(storedNodes)];
}

function shapeOf(type: DataType, dictionary: boolean, node: StoredNode): ColumnBuffers {
  const children = childTypes(type).map((child, i) => {
    const stored = node.children[i];
    if (stored === undefined) throw new DbError('corrupt', 'a segment record does not have the shape of its column');
    return shapeOf(child, false, stored);
  });
  return { type, dictionary, length: node.rows, validity: 0, offsets: 0, values: 0, children };
}

interface ReadContext {
  readonly memory: StorageMemory;
  readonly handle: OpenFile;
  /** Allocations of what was read. */
  readonly held: number[];
  /** Names the file and the column. */
  readonly where: string;
}

/** A buffer as it is in memory. Validity is read before codes. */
async function readBuffer(context: ReadContext, node: ColumnBuffers, role: BufferRole, buffer: NonNullable<StoredBuffer>): Promise<number> {
  const { memory, held, where } = context;
  const [, sizeBytes, , plainBytes = sizeBytes] = buffer;
  const isFrame = buffer.length === 4;
  let address = await readBytes(context, buffer);
  const replace = (by: number) => {
    memory.free(address);
    held.splice(held.indexOf(address), 1, by);
    address = by;
  };
  if (isFrame) replace(unpackBytes(memory, address, sizeBytes, plainBytes, where));
  const rows = node.length;
  if (role === 'values' && node.dictionary && plainBytes !== rows * 4) {
    replace(widenCodes(memory, { address, widthBytes: plainBytes / rows, validity: node.validity }, rows, where));
  } else if (plainBytes < leastBytes(node, role)) {
    throw new DbError('corrupt', `segment file ${where}: a buffer of ${rows} rows has ${plainBytes} bytes`);
  }
  return address;
}

/** What a buffer of so many rows has at least. */
function leastBytes(node: ColumnBuffers, role: BufferRole): number {
  const { length } = node;
  if (length === 0) return 0;
  if (role === 'offsets') return (length + 1) * 4;
  if (role === 'validity' || node.type.kind === 'bool') return Math.ceil(length / 8);
  return length * widthOf(node);
}

async function readBytes(
  { memory, handle, held, where }: ReadContext,
  [offset, sizeBytes, checksum]: NonNullable<StoredBuffer>,
): Promise<number> {
  const { arena, kernels } = memory;
  const padded = Math.max(64, Math.ceil(sizeBytes / 64) * 64);
  const address = memory.allocate(padded);
  held.push(address);
  kernels.fill_bytes(address + padded - 64, 0, 64);
  for (let done = 0; done < sizeBytes; ) {
    const bytesRead = await handle.read(arena.u8, address + done, sizeBytes - done, offset + done);
    if (bytesRead === 0) throw new DbError('corrupt', `segment file ${where}: the file is shorter than the catalog says`);
    done += bytesRead;
  }
  if (sizeBytes > 0 && kernels.crc32c(address, sizeBytes, 0) >>> 0 !== checksum) {
    throw new DbError('corrupt', `segment file ${where}: bytes do not match their checksum`, {
      hint: 'restore the file from a backup; other columns and segments can still be read',
    });
  }
  return address;
}
