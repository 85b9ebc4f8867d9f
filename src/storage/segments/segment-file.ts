/**
 * Sealed segments as files: <path>/segments/<table>-<segment>-<opening>.arrow, each an Arrow IPC file that any Arrow reader opens. The last
 * part is one for each time that the database was opened to be written.
 *
 *   "ARROW1" 00 00 │ schema │ one dictionary batch per dictionary-encoded column │ one record batch │ end of stream │ footer │ "ARROW1"
 *
 * Every buffer begins at a multiple of 64 bytes. A dictionary batch holds the entries of the table's shared dictionary up to the greatest code
 * that the segment uses, so codes in the file are the codes in memory. Where each buffer stands, and its CRC32C, is in the catalog: a column is
 * read without looking at the rest of the file. The catalog has a CRC-32 of the whole file too, for what no query reads: dictionary batches,
 * heads, footer.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { encodeDictionaryBatch, encodeRecordBatch } from '../../arrow/ipc-batch.js';
import { FileLayout, type PlacedMessage } from '../../arrow/ipc-file.js';
import { wireSchemaOf } from '../../arrow/wire-type.js';
import type { Batch } from '../../core/batch.js';
import type { ColumnDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { type Files, type OpenFile, writeAll } from '../../core/files.js';
import { MemoryScope } from '../../core/memory-scope.js';
import type { DataType } from '../../core/types.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import type { StoredBuffer, StoredNode } from '../catalog/catalog.js';
import { type ColumnBuffers, childTypes, nodesOf, rolesOf, vectorOf } from '../columns/column-buffers.js';
import type { ColumnDictionary } from '../columns/column-dictionary.js';
import { ioError, SyncFailure } from '../io-error.js';
import type { StorageMemory } from '../memory.js';

export interface SegmentFileContent {
  readonly tableName: string;
  readonly definitions: readonly ColumnDefinition[];
  readonly rows: number;
  readonly columns: readonly ColumnBuffers[];
  readonly dictionaries: readonly (ColumnDictionary | null)[];
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
  try {
    const handle = await files.open(path, 'write');
    try {
      const output = new SummedOutput(handle);
      const written = await writeContent(memory, scope, output, content);
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

async function writeContent(
  memory: StorageMemory,
  scope: MemoryScope,
  output: SummedOutput,
  content: SegmentFileContent,
): Promise<Omit<WrittenFile, 'checksum'>> {
  const { arena } = memory;
  const { columns, dictionaries, definitions, tableName } = content;
  const nothing = scope.allocateZeroed(64);
  const schema = wireSchemaOf(
    { fields: definitions.map(({ name, type, nullable }) => ({ name, type, nullable })) },
    { dictionaryId: (index) => (columns[index]?.dictionary ? index : null), metadata: new Map([['fletch.table', tableName]]) },
  );
  const layout = new FileLayout(arena, schema, 64);
  const context = { arena, scope, alignmentBytes: 64 } as const;
  await output.write(layout.open());
  for (const [index, column] of columns.entries()) {
    const view = column.dictionary ? dictionaries[index]?.view() : undefined;
    const field = schema.fields[index];
    if (view === undefined || field === undefined) continue;
    const count = usedCodes(memory, column, view.count);
    await output.write(layout.dictionary(encodeDictionaryBatch(context, field, { ...view, count })).parts);
  }
  const vectors = columns.map((column, i) =>
    vectorOf(column, content.rows, column.dictionary ? (dictionaries[i]?.view() ?? null) : null, nothing),
  );
  const batch: Batch = { arena: arena.id, rowCount: content.rows, columns: vectors };
  const placed = layout.batch(encodeRecordBatch(context, schema, batch));
  await output.write(placed.parts);
  const nodes = await describeBuffers(memory, placed, columns);
  await output.write(layout.close());
  return { sizeBytes: layout.sizeBytes, nodes };
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
  const describe = (column: ColumnBuffers): StoredNode => {
    const buffers = rolesOf(column.type, column.dictionary).map((role): StoredBuffer => {
      const [offset, size] = placed.buffers[next++] ?? [0, 0];
      if (role === 'validity' && size === 0) return null;
      return [offset, size, size === 0 ? 0 : memory.kernels.crc32c(column[role], size, 0) >>> 0];
    });
    return { rows: column.length, buffers, children: column.children.map(describe) };
  };
  for (const column of columns) {
    nodes.push(describe(column));
    await yieldToOthers();
  }
  return nodes;
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
          if (buffer !== null) node[role] = await readBuffer(memory, handle, buffer, held, `${file}, column "${column.name}"`);
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

async function readBuffer(
  memory: StorageMemory,
  handle: OpenFile,
  [offset, sizeBytes, checksum]: readonly [number, number, number],
  held: number[],
  where: string,
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
