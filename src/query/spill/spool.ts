/** Batches on disk, in pages that are read when somebody wants their rows. */
import type { Batch } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { QueryRun } from '../execution/query-run.js';
import type { OpenUnit, SourceUnit } from '../execution/sources.js';
import { toFlat } from '../expression/gather.js';
import { batchAt, layOut, type PageLayout, rowBytesOf } from './page.js';
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

  /** A page for each batch. What lies in the temporary scopes is gone when it is read, so dictionaries that do are not kept. */
  async write(batches: readonly Batch[], temporary: readonly MemoryScope[]): Promise<SpilledPage[]> {
    const pages: SpilledPage[] = [];
    for (const group of inGroups(batches, estimatedBytes)) pages.push(...(await this.writeGroup(group, temporary)));
    return pages;
  }

  private async writeGroup(batches: readonly Batch[], temporary: readonly MemoryScope[]): Promise<SpilledPage[]> {
    const { run } = this;
    run.check();
    this.file ??= run.createSpillFile();
    const file = await this.file;
    const { arena } = run.scope;
    const { kernels } = run.options;
    const part = run.part();
    try {
      const laid = batches.map((batch) => layOut(withLastingDictionaries(batch, temporary, part), arena));
      const size = laid.reduce((sum, { layout }) => sum + layout.sizeBytes, 0);
      run.makeRoom(size);
      const address = part.scope.allocate(size);
      let at = address;
      const pages = laid.map(({ layout, parts }) => {
        for (const { from, at: place, sizeBytes } of parts) kernels.copy_bytes(at + place, from, sizeBytes);
        const page = { file, layout, position: at - address, checksum: kernels.crc32c(at, layout.sizeBytes, 0) >>> 0 };
        at += layout.sizeBytes;
        return page;
      });
      const position = await file.append(arena.u8.subarray(address, address + size));
      return pages.map((page) => ({ ...page, position: position + page.position }));
    } finally {
      part.release();
    }
  }
}

/** Bytes that are written or read at once, about. */
const BYTES_AT_ONCE = 1 << 22;

/** Neighbours together, of about so many bytes. follows: false where there is a gap between two. */
function inGroups<Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  follows = (_a: Item, _b: Item): boolean => true,
): Item[][] {
  const groups: Item[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  let before: Item | undefined;
  for (const item of items) {
    if (bytes + bytesOf(item) > BYTES_AT_ONCE || (before !== undefined && !follows(before, item))) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(item);
    bytes += bytesOf(item);
    before = item;
  }
  return groups;
}

function estimatedBytes({ rowCount, columns }: Batch): number {
  return rowCount * rowBytesOf(columns.map((column) => column.type));
}

function withLastingDictionaries(batch: Batch, temporary: readonly MemoryScope[], run: QueryRun): Batch {
  const goes = (address: number): boolean => temporary.some((scope) => scope.holds(address));
  if (!batch.columns.some(({ dictionary }) => dictionary && goes(dictionary.offsets))) return batch;
  const columns = batch.columns.map((column) =>
    column.dictionary && goes(column.dictionary.offsets) ? toFlat(column, run.context, run.scope) : column,
  );
  return { ...batch, columns };
}

/** The pages' rows in memory of the scope, and where that is. Fails with `corrupt` when the bytes are not those that were written. */
export async function readPages(
  pages: readonly SpilledPage[],
  scope: MemoryScope,
  run: QueryRun,
): Promise<{ batches: Batch[]; addresses: number[] }> {
  const addresses: number[] = [];
  const batches: Batch[] = [];
  const follows = (a: SpilledPage, b: SpilledPage): boolean => a.file === b.file && a.position + a.layout.sizeBytes === b.position;
  try {
    for (const group of inGroups(pages, ({ layout }) => layout.sizeBytes, follows)) {
      run.check();
      const size = group.reduce((sum, { layout }) => sum + layout.sizeBytes, 0);
      run.makeRoom(size);
      const address = scope.allocate(size);
      addresses.push(address);
      batches.push(...(await readGroup(group, address, size, run)));
    }
    return { batches, addresses };
  } catch (error) {
    for (const address of addresses) scope.free(address);
    throw error;
  }
}

/** Pages that lie one behind the other. */
async function readGroup(pages: readonly SpilledPage[], address: number, size: number, run: QueryRun): Promise<Batch[]> {
  const { arena } = run.scope;
  const { kernels } = run.options;
  const first = pages[0] as SpilledPage;
  await first.file.read(arena.u8.subarray(address, address + size), first.position);
  return pages.map(({ layout, position, checksum }) => {
    const at = address + position - first.position;
    if (kernels.crc32c(at, layout.sizeBytes, 0) >>> 0 !== checksum) throw new DbError('corrupt', 'spilled rows are not what was written');
    return batchAt(layout, at, arena);
  });
}

/** Rows of a page as a source. */
export function pageUnit(page: SpilledPage, run: QueryRun): SourceUnit {
  const { rowCount, sizeBytes } = page.layout;
  return {
    first: 0,
    rowCount,
    sizeBytes,
    open: async (): Promise<OpenUnit> => {
      const { batches, addresses } = await readPages([page], run.scope, run);
      return {
        piece: { kind: 'rows', columns: batches[0]?.columns ?? [], alive: 0, order: 0 },
        first: 0,
        end: rowCount,
        release: () => {
          for (const address of addresses) run.scope.free(address);
        },
      };
    },
  };
}
