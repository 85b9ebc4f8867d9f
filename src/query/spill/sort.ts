/**
 * ORDER BY over more rows than memory holds. Sorted runs are written; then stretches of the whole order are sorted one after the other, each when
 * its rows are asked for: a stretch reads the pages whose rows can lie in it, of every run, and keeps the rows between its ends. Where stretches
 * end is found by sorting the first and last rows of all pages.
 */
import { assert } from '../../core/assert.js';
import type { Batch, Vector } from '../../core/batch.js';
import type { QueryRun } from '../execution/query-run.js';
import { type OpenUnit, type Pipeline, type SourceUnit, sourcePipeline } from '../execution/sources.js';
import { gatherVector, toFlat } from '../expression/gather.js';
import { rowBytesOf } from './page.js';
import type { RunGroup, RunsInput, RunTarget, SortedRows } from './runs.js';
import { RunWriter } from './runs.js';
import { sharedUnits } from './shared-units.js';
import { pageUnit, readPages, type SpilledPage } from './spool.js';

/** Share of the memory that the rows of a stretch may take before they are sorted: they are copied, and two may be open at once. */
const STRETCH_SHARE = 1 / 24;
/** Pages that a stretch has at least, so that those which two stretches read are few. */
const STRETCH_PAGES = 128;
const LEAST_PAGE_ROWS = 512;

export async function sortOnDisk(input: RunsInput, run: QueryRun): Promise<Pipeline> {
  const stretchBytes = run.room() * STRETCH_SHARE;
  const pageRows = Math.floor(stretchBytes / STRETCH_PAGES / rowBytesOf(input.types) / 64) * 64;
  const runs = new SortedRuns(input, Math.min(run.frame.vectorRows, Math.max(LEAST_PAGE_ROWS, pageRows)), run);
  await new RunWriter(input, runs, run).write();
  if (runs.count < 2)
    return sourcePipeline(
      input.ids,
      runs.pages.map((page) => pageUnit(page, run)),
      input.counter + 1,
    );
  const stretches = await stretchesOf(runs, stretchBytes, input, run);
  return sourcePipeline(
    input.ids,
    sharedUnits(
      stretches.map((stretch) => stretchUnit(stretch, runs, input, run)),
      run,
    ),
    input.counter + 1,
  );
}

/** The pages of all runs, and of each the first and the last row. */
class SortedRuns implements RunTarget {
  readonly pageRows: number;
  readonly pages: SpilledPage[] = [];
  /** Two rows of each page, sort keys only. */
  readonly ends: Batch[] = [];
  count = 0;
  private readonly run: QueryRun;
  /** Columns of the keys. */
  readonly keys: readonly number[];

  constructor({ ids, keys }: RunsInput, pageRows: number, run: QueryRun) {
    this.pageRows = pageRows;
    this.run = run;
    this.keys = keys.map(({ expression }) => (expression.kind === 'column' ? ids.indexOf(expression.id) : -1));
  }

  groups({ order }: SortedRows): readonly RunGroup[] {
    return [{ first: 0, rowCount: order.count }];
  }

  page(page: SpilledPage, _group: number, { arena, rowCount, columns }: Batch): void {
    const { context, scope } = this.run;
    this.pages.push(page);
    const rows = scope.allocate(64);
    context.arena.u32[rows / 4] = 0;
    context.arena.u32[rows / 4 + 1] = rowCount - 1;
    const mark = context.scratch.mark();
    // A dictionary may go with the run.
    const ends = this.keys.map((key) => toFlat(gatherVector(columns[key] as Vector, rows, 2, context, scope), context, scope));
    context.scratch.rewind(mark);
    scope.free(rows);
    this.ends.push({ arena, rowCount: 2, columns: ends });
  }

  endRun(): void {
    this.count += 1;
  }
}

/** A stretch of the order: from the first row of page `from` (null: from the beginning) to before that of page `to` (null: to the end). */
interface Stretch {
  /** Ascending: pages of earlier runs come first, so that rows with equal keys keep their order. */
  readonly pages: readonly number[];
  readonly from: number | null;
  readonly to: number | null;
}

async function stretchesOf(runs: SortedRuns, stretchBytes: number, input: RunsInput, run: QueryRun): Promise<readonly Stretch[]> {
  const bytesOf = (page: number): number => (runs.pages[page] as SpilledPage).layout.sizeBytes;
  const stretches: Stretch[] = [];
  /** Pages whose first row has come and whose last has not. */
  const open = new Set<number>();
  let own = new Set<number>();
  let [bytes, begun] = [0, 0];
  let from: number | null = null;
  const end = (to: number | null): void => {
    const pages = [...own, ...(to === null ? [] : [to])].sort((a, b) => a - b);
    stretches.push({ pages, from, to });
    own = new Set(open);
    bytes = [...own].reduce((sum, page) => sum + bytesOf(page), 0);
    begun = 0;
    from = to;
  };
  for (const place of await endsInOrder(runs, input, run)) {
    const page = place >>> 1;
    if (place % 2 === 1) {
      open.delete(page);
      continue;
    }
    // Of many runs, each stretch reads a page of every one: some more must pay for that.
    if (bytes + bytesOf(page) > stretchBytes && begun > open.size / 2) end(page);
    open.add(page);
    own.add(page);
    bytes += bytesOf(page);
    begun += 1;
  }
  end(null);
  return stretches;
}

/** The first (2 × page) and last (2 × page + 1) rows of all pages in the order of the sort. */
async function endsInOrder({ ends, keys }: SortedRuns, input: RunsInput, run: QueryRun): Promise<Uint32Array> {
  const part = run.part();
  try {
    const ids = keys.map((key) => input.ids[key] ?? -1);
    const types = ends[0]?.columns.map((column) => column.type) ?? [];
    const task = { kind: 'sort', frame: part.frame, ids, types, batches: ends, keys: input.keys, limit: null } as const;
    const { order } = await part.run(task, run.runsHere(ends.length * 2));
    assert(order, 'sorting gives an order');
    return run.context.arena.u32.slice(order.rows / 4, order.rows / 4 + order.count);
  } finally {
    part.release();
  }
}

/** The rows of a stretch, sorted when they are asked for. */
function stretchUnit(stretch: Stretch, runs: SortedRuns, input: RunsInput, run: QueryRun): SourceUnit {
  const pages = stretch.pages.map((page) => runs.pages[page] as SpilledPage);
  const rowCount = pages.reduce((sum, { layout }) => sum + layout.rowCount, 0);
  const sizeBytes = pages.reduce((sum, { layout }) => sum + layout.sizeBytes, 0);
  const open = async (): Promise<OpenUnit> => {
    const part = run.part();
    run.hold(part);
    try {
      const { batches } = await readPages(pages, part.scope, run);
      const { ids, types, keys } = input;
      run.makeRoom(2 * sizeBytes);
      const task = { kind: 'sort', frame: part.frame, ids, types, batches, keys, limit: null } as const;
      const { batch, order } = await part.run(task, run.runsHere(rowCount));
      assert(batch && order, 'sorting gives rows and their order');
      const places = run.context.arena.u32.subarray(order.rows / 4, order.rows / 4 + order.count);
      const placeOf = (page: number): number => {
        const before = pages.slice(0, stretch.pages.indexOf(page)).reduce((sum, { layout }) => sum + layout.rowCount, 0);
        return places.indexOf(before);
      };
      return {
        piece: { kind: 'rows', columns: batch.columns, alive: 0, order: order.rows },
        first: stretch.from === null ? 0 : placeOf(stretch.from),
        end: stretch.to === null ? rowCount : placeOf(stretch.to),
        release: () => run.unhold(part),
      };
    } catch (error) {
      run.unhold(part);
      throw error;
    }
  };
  return { first: 0, rowCount, sizeBytes: 2 * sizeBytes, open };
}
