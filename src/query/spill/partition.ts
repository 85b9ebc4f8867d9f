/**
 * Rows divided by the hash of their keys, on disk: rows with equal keys come into the same part, in the order in which they came. A part that is
 * still too large for what is done with it is divided again, by other bits of the hash.
 */
import { asDbError, DbError } from '../../core/errors.js';
import { INT32 } from '../../core/types.js';
import type { QueryRun } from '../execution/query-run.js';
import { type Pipeline, rowsOf, sourcePipeline, withOperator } from '../execution/sources.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type { OutputColumn } from '../plan/logical.js';
import { PARTS } from './partition-operator.js';
import { type RunGroup, type RunTarget, RunWriter, type SortedRows } from './runs.js';
import { pageUnit, type SpilledPage } from './spool.js';
import type { SpooledRows } from './spooled.js';
import { isShortage } from './waves.js';

/** How often rows are divided. */
const MOST_LEVELS = 5;

export interface PartitionInput {
  readonly pipeline: Pipeline;
  readonly columns: readonly Pick<OutputColumn, 'id' | 'type'>[];
  readonly keys: readonly Expression[];
}

/** A stage whose rows only meet rows with the same keys. */
export interface PartedStage {
  readonly inputs: readonly PartitionInput[];
  /** What comes out of the rows of one part of each input; `part` owns the memory that it takes. */
  run(rows: readonly Pipeline[], part: QueryRun): Promise<Pipeline>;
  readonly counter: number;
  /** An id that no column has. */
  newId(): ColumnId;
}

/** Does a stage part after part and keeps what comes out of it on disk. */
export async function inParts(stage: PartedStage, result: SpooledRows, run: QueryRun, level = 0): Promise<void> {
  const divided: (readonly Pipeline[])[] = [];
  for (const input of stage.inputs) divided.push(await partitioned(input, stage, level, run));
  for (let number = 0; number < PARTS; number++) {
    const rows = divided.map((parts) => parts[number] as Pipeline);
    if (rows.every((each) => rowsOf(each) === 0)) continue;
    const shortage = await tryPart(stage, rows, result, run);
    if (!shortage) continue;
    const isWhole = divided.every((parts) => parts.filter((each) => rowsOf(each) > 0).length < 2);
    if (level + 1 === MOST_LEVELS || isWhole) throw tooManyOfOneKey(shortage);
    const inputs = stage.inputs.map((input, i) => ({ ...input, pipeline: rows[i] as Pipeline }));
    await inParts({ ...stage, inputs }, result, run, level + 1);
  }
}

/** The error when memory does not suffice for the part: nothing of it is left then. */
async function tryPart(stage: PartedStage, rows: readonly Pipeline[], result: SpooledRows, run: QueryRun): Promise<DbError | undefined> {
  const part = run.part();
  run.hold(part);
  const before = result.mark();
  try {
    await result.add(await stage.run(rows, part), part);
    return undefined;
  } catch (error) {
    if (!isShortage(error)) throw error;
    result.rewind(before);
    run.resume();
    return asDbError(error);
  } finally {
    run.unhold(part);
  }
}

function tooManyOfOneKey(cause: DbError): DbError {
  return new DbError('query_memory_exceeded', `rows with the same key do not fit in memory: ${cause.message}`, {
    cause,
    hint: 'raise memory_limit or max_memory, or read less at once',
  });
}

/** The rows of each part. */
async function partitioned(
  { pipeline, columns, keys }: PartitionInput,
  { counter, newId }: Pick<PartedStage, 'counter' | 'newId'>,
  level: number,
  run: QueryRun,
): Promise<readonly Pipeline[]> {
  const id = newId();
  const ids = columns.map((column) => column.id);
  const numbered = withOperator(pipeline, { kind: 'partition', ids, keys, id, level, counter: run.nodes.streamCounter });
  const column = { kind: 'column', id, name: 'part', type: INT32, nullable: false, position: -1 } as const;
  const order = [{ expression: column, descending: false, nullsFirst: false }];
  const types = [...columns.map((each) => each.type), INT32];
  const parts = new PartPages(ids.length, run);
  await new RunWriter({ pipeline: numbered, ids: [...ids, id], types, keys: order, counter, limit: null }, parts, run).write();
  return parts.pages.map((pages) =>
    sourcePipeline(
      [...ids, id],
      pages.map((page) => pageUnit(page, run)),
      run.nodes.streamCounter,
    ),
  );
}

/** Pages by part, over all runs. */
class PartPages implements RunTarget {
  readonly pageRows: number;
  readonly pages: SpilledPage[][] = Array.from({ length: PARTS }, () => []);
  private readonly column: number;
  private readonly run: QueryRun;
  private parts: readonly number[] = [];

  constructor(column: number, run: QueryRun) {
    this.pageRows = run.frame.vectorRows;
    this.column = column;
    this.run = run;
  }

  groups({ batch, order }: SortedRows): readonly RunGroup[] {
    const { u32 } = this.run.context.arena;
    const values = (batch.columns[this.column]?.values ?? 0) / 4;
    const startOf = (part: number): number => {
      let [low, high] = [0, order.count];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((u32[values + (u32[order.rows / 4 + middle] as number)] as number) < part) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    const starts = Array.from({ length: PARTS + 1 }, (_, part) => startOf(part));
    const groups = starts.slice(0, PARTS).map((first, part) => ({ first, rowCount: (starts[part + 1] as number) - first, part }));
    const filled = groups.filter(({ rowCount }) => rowCount > 0);
    this.parts = filled.map(({ part }) => part);
    return filled.map(({ first, rowCount }) => ({ first, rowCount }));
  }

  page(page: SpilledPage, group: number): void {
    this.pages[this.parts[group] ?? -1]?.push(page);
  }

  endRun(): void {
    this.parts = [];
  }
}
