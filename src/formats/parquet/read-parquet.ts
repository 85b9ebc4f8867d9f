/** Parquet files → batches. Pages are decoded by kernels: column-chunk.ts for plain columns, nested-column.ts for lists and structs. */
import type { AsyncBuffer, ColumnMetaData, FileMetaData, RowGroup } from 'hyparquet';
import type { OwnedBatch, Vector } from '../../core/batch.js';
import { asDbError, DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { StopSignal } from '../../core/stop-signal.js';
import { isNested } from '../../core/types.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import type { RowSource } from '../decoders/row-decoder.js';
import { ChunkPages, type ChunkReading } from './chunk-pages.js';
import { ColumnChunk } from './column-chunk.js';
import { EntryStream } from './entry-stream.js';
import { guarded, invalidParquet } from './invalid-parquet.js';
import { NestedColumn, nestedNode } from './nested-column.js';
import { leafOf } from './page-decoder.js';
import { fieldOf, type SchemaNode } from './parquet-types.js';

export interface ParquetReading {
  /** Memory for one batch, or one page. */
  readonly memory: () => MemoryScope;
  /** Names of the columns to read; undefined = all. */
  readonly columns?: readonly string[] | undefined;
  readonly signal?: StopSignal | undefined;
}

/** Nothing can stop the decoding of one column of a batch. */
const BATCH_ROWS = 1 << 16;
/** Levels of lists and structs are bytes. */
const DEEPEST = 100;

/** One column of one row group. */
interface GroupColumn {
  read(rowCount: number, scope: MemoryScope): Promise<Vector>;
  close(): void;
}

type OpenColumn = (group: RowGroup) => GroupColumn;

/** Fails with `invalid_data` when the bytes are no Parquet file, with `unsupported` for columns of types that we have not. */
export async function decodeParquet(file: AsyncBuffer, reading: ParquetReading): Promise<RowSource> {
  const [{ parquetMetadataAsync, parquetSchema }, { parquetHeader }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet/src/column.js'),
  ]);
  const metadata = await guarded(() => parquetMetadataAsync(file, { geoparquet: false }));
  const chunks: ChunkReading = { file, readHeader: parquetHeader, memory: reading.memory };
  return guarded(async () => {
    const nodes = (parquetSchema(metadata) as SchemaNode).children;
    const kept = reading.columns === undefined ? nodes : reading.columns.map((name) => named(nodes, name));
    const openers = kept.map((node) => openerOf(node, chunks));
    return { schema: { fields: kept.map(fieldOf) }, batches: rowGroups(metadata, openers, reading) };
  });
}

function openerOf(node: SchemaNode, chunks: ChunkReading): OpenColumn {
  const { type } = fieldOf(node);
  if (!isNested(type)) {
    const leaf = leafOf(node, type);
    return (group) => new ColumnChunk(new ChunkPages(leaf, dataOf(group, [leaf.name]), chunks));
  }
  const nested = nestedNode(node);
  const tooDeep = nested.leaves.find(({ leaf }) => leaf.definition > DEEPEST);
  if (tooDeep) throw new DbError('unsupported', `column ${node.element.name} of the Parquet file is nested too deeply`);
  return (group) => new NestedColumn(nested, ({ leaf, path }) => new EntryStream(new ChunkPages(leaf, dataOf(group, path), chunks)));
}

function named(nodes: readonly SchemaNode[], name: string): SchemaNode {
  const node = nodes.find((each) => each.element.name === name);
  if (node) return node;
  throw new DbError('column_not_found', `the Parquet file has no column ${name}`);
}

function dataOf(group: RowGroup, path: readonly string[]): ColumnMetaData {
  const name = path.join('.');
  const isAt = (own: readonly string[]) => own.length === path.length && own.every((part, i) => part === path[i]);
  const chunk = group.columns.find(({ meta_data: data }) => data !== undefined && isAt(data.path_in_schema));
  if (!chunk?.meta_data) throw invalidParquet(`a row group has no column ${name}`);
  if (chunk.file_path) throw new DbError('unsupported', `column ${name} of the Parquet file lies in another file, ${chunk.file_path}`);
  return chunk.meta_data;
}

async function* rowGroups(metadata: FileMetaData, openers: readonly OpenColumn[], reading: ParquetReading): AsyncGenerator<OwnedBatch> {
  for (const group of metadata.row_groups) {
    const groupRows = Number(group.num_rows);
    const columns = await guarded(async () => openers.map((open) => open(group)));
    try {
      for (let row = 0; row < groupRows; row += BATCH_ROWS) yield await batchOf(columns, Math.min(BATCH_ROWS, groupRows - row), reading);
    } finally {
      for (const column of columns) column.close();
    }
  }
}

async function batchOf(columns: readonly GroupColumn[], rowCount: number, { memory, signal }: ParquetReading): Promise<OwnedBatch> {
  const scope = memory();
  try {
    const vectors: Vector[] = [];
    for (const column of columns) {
      await yieldToOthers();
      signal?.throwIfAborted();
      vectors.push(await guarded(() => column.read(rowCount, scope)));
    }
    signal?.throwIfAborted();
    return { arena: scope.arena.id, rowCount, columns: vectors, release: () => scope.release() };
  } catch (error) {
    scope.release();
    throw asDbError(error);
  }
}
