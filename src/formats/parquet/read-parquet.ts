/** Parquet files → batches. Pages of plain columns are decoded by kernels (column-chunk.ts), lists and structs value by value (nested-column.ts). */
import type { AsyncBuffer, FileMetaData, RowGroup } from 'hyparquet';
import type { OwnedBatch, Vector } from '../../core/batch.js';
import { asDbError, DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { StopSignal } from '../../core/stop-signal.js';
import { isNested } from '../../core/types.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import type { RowSource } from '../decoders/row-decoder.js';
import { ColumnChunk } from './column-chunk.js';
import { guarded, invalidParquet } from './invalid-parquet.js';
import { NestedColumn } from './nested-column.js';
import { leafOf } from './page-decoder.js';
import { fieldOf, type SchemaNode } from './parquet-types.js';

export interface ParquetReading {
  /** Memory for one batch, or one page. */
  readonly memory: () => MemoryScope;
  /** Names of the columns to read; undefined = all. */
  readonly columns?: readonly string[] | undefined;
  readonly signal?: StopSignal | undefined;
}

/** Nothing can stop the decoding of one column of a batch. Columns of lists decode the pages at a batch's ends anew, so theirs are longer. */
const BATCH_ROWS = 1 << 16;
const NESTED_BATCH_ROWS = 1 << 18;

/** One column of one row group. */
interface GroupColumn {
  read(rowCount: number, scope: MemoryScope): Promise<Vector>;
  close?(): void;
}

type OpenColumn = (group: RowGroup, firstRow: number) => GroupColumn;

/** Fails with `invalid_data` when the bytes are no Parquet file, with `unsupported` for columns of types that we have not. */
export async function decodeParquet(file: AsyncBuffer, reading: ParquetReading): Promise<RowSource> {
  const [{ parquetMetadataAsync, parquetSchema }, { parquetHeader }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet/src/column.js'),
  ]);
  const metadata = await guarded(() => parquetMetadataAsync(file, { geoparquet: false }));
  const nodes = (parquetSchema(metadata) as SchemaNode).children;
  const kept = reading.columns === undefined ? nodes : reading.columns.map((name) => named(nodes, name));
  const fields = kept.map(fieldOf);
  const openers = kept.map((node): OpenColumn => {
    const { type } = fieldOf(node);
    if (isNested(type)) return (_, firstRow) => new NestedColumn(file, metadata, node, firstRow);
    const leaf = leafOf(node, type);
    return (group) => new ColumnChunk(file, dataOf(group, leaf.name), leaf, parquetHeader, reading.memory);
  });
  const batchRows = fields.some((field) => isNested(field.type)) ? NESTED_BATCH_ROWS : BATCH_ROWS;
  return { schema: { fields }, batches: rowGroups(metadata, openers, batchRows, reading) };
}

function named(nodes: readonly SchemaNode[], name: string): SchemaNode {
  const node = nodes.find((each) => each.element.name === name);
  if (node) return node;
  throw new DbError('column_not_found', `the Parquet file has no column ${name}`);
}

function dataOf(group: RowGroup, name: string): NonNullable<RowGroup['columns'][number]['meta_data']> {
  const chunk = group.columns.find(({ meta_data: data }) => data?.path_in_schema.length === 1 && data.path_in_schema[0] === name);
  if (!chunk?.meta_data) throw invalidParquet(`a row group has no column ${name}`);
  if (chunk.file_path) throw new DbError('unsupported', `column ${name} of the Parquet file lies in another file, ${chunk.file_path}`);
  return chunk.meta_data;
}

async function* rowGroups(
  metadata: FileMetaData,
  openers: readonly OpenColumn[],
  batchRows: number,
  reading: ParquetReading,
): AsyncGenerator<OwnedBatch> {
  let firstRow = 0;
  for (const group of metadata.row_groups) {
    const groupRows = Number(group.num_rows);
    const columns = openers.map((open) => open(group, firstRow));
    try {
      for (let row = 0; row < groupRows; row += batchRows) yield await batchOf(columns, Math.min(batchRows, groupRows - row), reading);
    } finally {
      for (const column of columns) column.close?.();
    }
    firstRow += groupRows;
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
