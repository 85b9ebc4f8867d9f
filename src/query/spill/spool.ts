/** Batches on disk, in pages that are read when somebody wants their rows. */
import type { Batch } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { QueryRun } from '../execution/query-run.js';
import type { OpenUnit, SourceUnit } from '../execution/sources.js';
import { toFlat } from '../expression/gather.js';
import { batchAt, layOut, type PageLayout } from './page.js';
import type { SpillFile } from './spill-space.js';

export interface SpilledPage {
  readonly file: SpillFile;
  readonly layout: PageLayout;
  readonly position: number;
  readonly checksum: number;
}

/** Writes batches as pages of one file of a query. */
export class PageWriter {
  private readonly run: QueryRun;
  private file: Promise<SpillFile> | null = null;

  constructor(run: QueryRun) {
    this.run = run;
  }

  /** One page. What lies in the temporary scopes is gone when it is read, so dictionaries that do are not kept. */
  async write(given: Batch, temporary: readonly MemoryScope[]): Promise<SpilledPage> {
    const { run } = this;
    run.check();
    this.file ??= run.createSpillFile();
    const file = await this.file;
    const { arena } = run.scope;
    const { kernels } = run.options;
    const part = run.part();
    try {
      const { layout, parts } = layOut(withLastingDictionaries(given, temporary, part), arena);
      run.makeRoom(layout.sizeBytes);
      const address = part.scope.allocate(layout.sizeBytes);
      for (const { from, at, sizeBytes } of parts) kernels.copy_bytes(address + at, from, sizeBytes);
      const checksum = kernels.crc32c(address, layout.sizeBytes, 0) >>> 0;
      const position = await file.append(arena.u8.subarray(address, address + layout.sizeBytes));
      return { file, layout, position, checksum };
    } finally {
      part.release();
    }
  }
}

function withLastingDictionaries(batch: Batch, temporary: readonly MemoryScope[], run: QueryRun): Batch {
  const goes = (address: number): boolean => temporary.some((scope) => scope.holds(address));
  if (!batch.columns.some(({ dictionary }) => dictionary && goes(dictionary.offsets))) return batch;
  const columns = batch.columns.map((column) =>
    column.dictionary && goes(column.dictionary.offsets) ? toFlat(column, run.context, run.scope) : column,
  );
  return { ...batch, columns };
}

/** The page in memory of the scope. Fails with `corrupt` when its bytes are not those that were written. */
export async function readPage(
  { file, layout, position, checksum }: SpilledPage,
  scope: MemoryScope,
  run: QueryRun,
): Promise<Batch & { address: number }> {
  run.makeRoom(layout.sizeBytes);
  const address = scope.allocate(layout.sizeBytes);
  const { arena } = scope;
  try {
    await file.read(arena.u8.subarray(address, address + layout.sizeBytes), position);
    if (run.options.kernels.crc32c(address, layout.sizeBytes, 0) >>> 0 !== checksum)
      throw new DbError('corrupt', 'spilled rows are not what was written');
    return { ...batchAt(layout, address, arena), address };
  } catch (error) {
    scope.free(address);
    throw error;
  }
}

/** Rows of a page as a source. */
export function pageUnit(page: SpilledPage, run: QueryRun): SourceUnit {
  const { rowCount, sizeBytes } = page.layout;
  return {
    first: 0,
    rowCount,
    sizeBytes,
    open: async (): Promise<OpenUnit> => {
      const { columns, address } = await readPage(page, run.scope, run);
      return {
        piece: { kind: 'rows', columns, alive: 0, order: 0 },
        first: 0,
        end: rowCount,
        release: () => run.scope.free(address),
      };
    },
  };
}
