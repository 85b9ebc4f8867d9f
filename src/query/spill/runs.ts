/**
 * Rows on disk in sorted runs: as many rows as memory allows are collected, sorted and written, then the next ones. A run is cut into groups of
 * pages: one for a sort, one for each value of the key for a partitioning.
 */
import { assert } from '../../core/assert.js';
import type { Batch } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, physicalOf, WIDTH_BYTES } from '../../core/types.js';
import type { QueryRun } from '../execution/query-run.js';
import { type Pipeline, pieceUnit, type SourceUnit, sourcePipeline } from '../execution/sources.js';
import type { OrderSpec, RowsPiece } from '../execution/task.js';
import type { ColumnId } from '../plan/expression.js';
import { PageWriter, type SpilledPage } from './spool.js';
import { isShortage, type Wave, wavesOf } from './waves.js';

export interface RunsInput {
  readonly pipeline: Pipeline;
  readonly ids: readonly ColumnId[];
  readonly types: readonly DataType[];
  readonly keys: readonly OrderSpec[];
  readonly counter: number;
  /** Rows of each run that are wanted; null = all. */
  readonly limit: number | null;
}

/** A sorted run in memory. */
export interface SortedRows {
  readonly batch: Batch;
  /** Row numbers in order (uint32). */
  readonly order: { readonly rows: number; readonly count: number };
}

/** Places in the order of a run, [first, first + rowCount), that share no page with others. */
export interface RunGroup {
  readonly first: number;
  readonly rowCount: number;
}

export interface RunTarget {
  readonly pageRows: number;
  groups(rows: SortedRows): readonly RunGroup[];
  /** A page of a run, in order; `batch` is what was written. */
  page(page: SpilledPage, group: number, batch: Batch): void;
  endRun(): void;
}

/** Share of the memory that sorting a run may take; the rest is for the source, for waves and for what writes. */
const RUN_SHARE = 0.4;
const WAVE_SHARE = 1 / 16;
/** Bytes that a row takes while it is sorted, besides two copies of it: row numbers and keys, each twice. */
const SORT_BYTES = 32;
/** Those that a key takes more: as it is and as a number, or texts and the table of distinct ones. */
const KEY_BYTES = 16;
const TEXT_KEY_BYTES = 64;

/** What is left of the memory while units of the source are open: a wave may stand in two of them. */
function roomBeside({ branches }: Pipeline, run: QueryRun): number {
  const largest = branches.reduce((most, { units }) => units.reduce((bytes, unit) => Math.max(bytes, unit.sizeBytes ?? 0), most), 0);
  const room = run.room();
  return Math.max(room / 4, room - 2 * largest);
}

export class RunWriter {
  private readonly run: QueryRun;
  private readonly input: RunsInput;
  private readonly target: RunTarget;
  private readonly pages: PageWriter;
  private readonly room: number;
  private waves: Wave[] = [];
  private rows = 0;
  private bytes = 0;

  constructor(input: RunsInput, target: RunTarget, run: QueryRun) {
    this.run = run;
    this.input = input;
    this.target = target;
    this.pages = new PageWriter(run);
    this.room = roomBeside(input.pipeline, run);
  }

  async write(): Promise<void> {
    const { pipeline, ids, counter } = this.input;
    for await (const wave of wavesOf(pipeline, ids, counter, this.room * WAVE_SHARE, this.run)) {
      const rows = wave.batches.reduce((sum, batch) => sum + batch.rowCount, 0);
      const { usedBytes } = wave.part.scope;
      if (this.rows > 0 && this.sortBytes(this.rows + rows, this.bytes + usedBytes) > this.room * RUN_SHARE) await this.endRun();
      this.waves.push(wave);
      this.rows += rows;
      this.bytes += usedBytes;
    }
    await this.endRun();
  }

  private sortBytes(rows: number, bytes: number): number {
    const keyBytes = this.input.keys.reduce(
      (sum, { expression }) => sum + (WIDTH_BYTES[physicalOf(expression.type)] > 0 ? KEY_BYTES : TEXT_KEY_BYTES),
      0,
    );
    return 2 * bytes + rows * (SORT_BYTES + keyBytes);
  }

  private async endRun(): Promise<void> {
    const { waves, run } = this;
    this.waves = [];
    this.rows = 0;
    this.bytes = 0;
    const batches = waves.flatMap((wave) => wave.batches);
    if (batches.length > 0)
      await this.sortAndWrite(
        batches,
        waves.map(({ part }) => part.scope),
      );
    for (const { part } of waves) run.unhold(part);
  }

  /** One run; two when sorting so many rows takes more memory than there is. */
  private async sortAndWrite(batches: readonly Batch[], temporary: readonly MemoryScope[]): Promise<void> {
    const { run } = this;
    const part = run.part(this.target.pageRows);
    run.hold(part);
    try {
      const sorted = await this.sorted(batches, part);
      if (sorted) {
        await this.writeRun(sorted, [...temporary, part.scope], part);
        this.target.endRun();
        return;
      }
    } finally {
      run.unhold(part);
    }
    const half = batches.length >>> 1;
    await this.sortAndWrite(batches.slice(0, half), temporary);
    await this.sortAndWrite(batches.slice(half), temporary);
  }

  /** Null: so many rows cannot be sorted at once. */
  private async sorted(batches: readonly Batch[], part: QueryRun): Promise<SortedRows | null> {
    const { ids, types, keys, limit } = this.input;
    const plain = batches.map(({ arena, rowCount, columns }) => ({ arena, rowCount, columns }));
    const rows = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
    this.run.makeRoom(this.room * RUN_SHARE);
    try {
      const task = { kind: 'sort', frame: part.frame, ids, types, batches: plain, keys, limit } as const;
      const { batch, order } = await part.run(task, this.run.runsHere(rows));
      assert(batch && order, 'sorting gives rows and their order');
      return { batch, order };
    } catch (error) {
      if (isShortage(error) && batches.length > 1) return null;
      throw error;
    }
  }

  private async writeRun(sorted: SortedRows, temporary: readonly MemoryScope[], part: QueryRun): Promise<void> {
    const { target, run } = this;
    const { ids } = this.input;
    const piece: RowsPiece = { kind: 'rows', columns: sorted.batch.columns, alive: 0, order: sorted.order.rows };
    const groups = target.groups(sorted);
    const units = groups.map((group): SourceUnit => ({ ...pieceUnit(piece, sorted.order.count), ...group }));
    let group = 0;
    let left = groups[0]?.rowCount ?? 0;
    const source = sourcePipeline(ids, units, run.nodes.streamCounter);
    for await (const wave of wavesOf(source, ids, run.nodes.streamCounter, this.room * WAVE_SHARE, part)) {
      const pages = await this.pages.write(wave.batches, [...temporary, wave.part.scope]);
      for (const [i, batch] of wave.batches.entries()) {
        while (left === 0) left = groups[++group]?.rowCount ?? 0;
        target.page(pages[i] as SpilledPage, group, batch);
        left -= batch.rowCount;
      }
      part.unhold(wave.part);
    }
  }
}
