/** Results that are put on disk as they come: the parts of a stage that is done part by part. */
import type { QueryRun } from '../execution/query-run.js';
import { type Pipeline, sourcePipeline } from '../execution/sources.js';
import type { ColumnId } from '../plan/expression.js';
import { PageWriter, pageUnit, type SpilledPage } from './spool.js';
import { wavesOf } from './waves.js';

const WAVE_SHARE = 1 / 16;

export class SpooledRows {
  private readonly run: QueryRun;
  private readonly ids: readonly ColumnId[];
  private readonly writer: PageWriter;
  private readonly pages: SpilledPage[] = [];

  constructor(ids: readonly ColumnId[], run: QueryRun) {
    this.run = run;
    this.ids = ids;
    this.writer = new PageWriter(run);
  }

  /** Writes the pipeline's rows; `part`: whoever owns its memory, when that goes before what is written here. */
  async add(pipeline: Pipeline, part: QueryRun | null, counter = this.run.nodes.streamCounter): Promise<void> {
    const { ids, run } = this;
    const owner = part ?? run;
    for await (const wave of wavesOf(pipeline, ids, counter, run.room() * WAVE_SHARE, owner)) {
      const temporary = [wave.part, ...(part ? [part] : [])].map(({ scope }) => scope);
      this.pages.push(...(await this.writer.write(wave.batches, temporary)));
      owner.unhold(wave.part);
    }
  }

  /** A place to come back to with rewind(): pages written after it are forgotten. */
  mark(): number {
    return this.pages.length;
  }

  rewind(mark: number): void {
    this.pages.length = mark;
  }

  pipeline(counter: number): Pipeline {
    const units = this.pages.map((page) => pageUnit(page, this.run));
    return sourcePipeline(this.ids, units, counter);
  }
}
