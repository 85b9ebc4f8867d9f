/**
 * Completing rows of groups in time. A grid of buckets and the series make slots, one per bucket and series; every row finds its slot, and
 * what a fill does is to say, slot by slot, which row a value is taken from.
 */
import { assert } from '../../core/assert.js';
import { type Batch, bitmapBytes, flatVector, type IntervalValue, type Vector } from '../../core/batch.js';
import { BOOL, type DataType, UNITS_PER_SECOND } from '../../core/types.js';
import { gatherVector, gatherVectorOrNull, toFlat } from '../expression/gather.js';
import { bucketSeries, gridFrom, NS_PER_DAY, NS_PER_SECOND } from '../functions/bucket-grid.js';
import { addMonths } from '../functions/calendar-months.js';
import type { Expression } from '../plan/expression.js';
import type { GapFill, GapFillPlan } from '../plan/logical.js';
import { rangeOfKeys } from './aggregate/direct-map.js';
import { GroupTable } from './aggregate/group-table.js';
import type { Executor } from './executor.js';
import { idsOf } from './output-columns.js';
import type { QueryRun } from './query-run.js';
import type { Pipeline } from './sources.js';

/** Rows that a result may have: their numbers must fit 32 bits, and their columns the memory. */
const MOST_ROWS = 200_000_000;

export async function openGapFill(plan: GapFillPlan, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const { counter, sourceCounter } = run.nodes.of(plan);
  const ids = idsOf(plan.input.output);
  const input = await executor.open(plan.input);
  const collected = await executor.collect(input, { kind: 'collect', ids, limit: null, copy: false, counter });
  const batches = collected.batches.map(({ arena, rowCount, columns }) => ({ arena, rowCount, columns }));
  const rows = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  const [only] = batches;
  const batch = only && batches.length === 1 ? only : await together(batches, rows, plan, run);
  collected.release();
  const filled = new Gaps(plan, batch, run).fill();
  run.nodes.of(plan).countRows(filled?.rowCount ?? 0);
  return filled ? executor.batchPipeline(filled, plan.output, sourceCounter) : { branches: [] };
}

async function together(batches: readonly Batch[], rows: number, { input }: GapFillPlan, run: QueryRun): Promise<Batch> {
  const ids = idsOf(input.output);
  const types = input.output.map((column) => column.type);
  const task = { kind: 'sort', frame: run.frame, ids, types, batches, keys: [], limit: null } as const;
  const { batch } = await run.run(task, run.runsHere(rows));
  assert(batch, 'rows to fill between');
  return batch;
}

class Gaps {
  private readonly plan: GapFillPlan;
  private readonly batch: Batch;
  private readonly run: QueryRun;
  private readonly type: DataType;
  private readonly bucket: Vector;
  /** Rows by slot, and how many slots there are; their places and series. */
  private rows = 0;
  private slots = 0;
  private places = 0;
  private series = 1;
  private grid = 0;
  /** Room for one u32 a series. */
  private last = 0;
  private readonly taken = new Map<string, number>();
  private readonly reaches = new Map<string, number>();

  constructor(plan: GapFillPlan, batch: Batch, run: QueryRun) {
    this.plan = plan;
    this.batch = batch;
    this.run = run;
    this.type = plan.bucket.type;
    this.bucket = toFlat(this.columnOf(plan.bucket), run.context, run.scope);
  }

  private columnOf(expression: Expression): Vector {
    assert(expression.kind === 'column', 'gaps are filled in columns');
    const vector = this.batch.columns[this.plan.input.output.findIndex((column) => column.id === expression.id)];
    assert(vector, 'a column of the input');
    return vector;
  }

  /** Null: there is no row at all. */
  fill(): Batch | null {
    const { plan, batch, run } = this;
    const { context, scope } = run;
    const { rowCount } = batch;
    const range = rangeOfKeys(this.bucket.values, this.bucket.validity, 0, rowCount, context);
    const from = plan.from ?? range?.least;
    const to = plan.to ?? (range ? range.most + 1n : undefined);
    if (from === undefined || to === undefined) return null;
    const groups = this.groups();
    if (this.series === 0) return null;
    const low = range && range.least < from ? range.least : from;
    const high = range && range.most >= to ? range.most + 1n : to;
    this.makeGrid(low, high);
    if (this.places === 0) return null;
    this.placeRows(groups?.ids ?? 0);
    run.check();
    const columns: Vector[] = [flatVector(this.type, this.slots, this.repeated())];
    for (const keys of groups?.keys ?? []) columns.push(gatherVector(keys, this.tiled(), this.slots, context, scope));
    const values = plan.fills.map((fill) => this.valueOf(fill));
    run.check();
    const flags = plan.fills.flatMap((fill, i) => (fill.flagged ? [this.flagOf(values[i]?.rows ?? 0)] : []));
    columns.push(...values.map(({ vector }) => vector), ...flags);
    return this.inRange(columns, from, to);
  }

  private groups(): { readonly ids: number; readonly keys: readonly Vector[] } | null {
    const { plan, batch, run } = this;
    if (plan.series.length === 0) return null;
    const table = new GroupTable(
      plan.series.map((key) => key.type),
      run.scope,
      run.options.kernels,
    );
    const keys = plan.series.map((key) => this.columnOf(key));
    const ids = table.assign(keys, 0, batch.rowCount, run.context);
    this.series = table.groupCount;
    return { ids, keys: table.keyVectors(run.context, run.scope) };
  }

  private makeGrid(low: bigint, high: bigint): void {
    const { plan, run } = this;
    const perTick = NS_PER_SECOND / unitsPerSecond(this.type);
    const grid = 'width' in plan.grid ? plan.grid : gridFrom(plan.grid, undefined, low * perTick);
    const most = { buckets: Math.floor(MOST_ROWS / this.series), position: plan.position };
    const room = (bytes: number) => run.scope.allocate(bytes);
    const { address, count } = bucketSeries(grid, this.type, { from: low, to: high }, most, run.context, room);
    this.grid = address;
    this.places = count;
    this.slots = count * this.series;
  }

  private placeRows(ids: number): void {
    const { batch, run, slots } = this;
    const { kernels, scratch } = run.context;
    this.rows = this.room(slots);
    this.last = this.room(this.series);
    kernels.fill_bytes(this.rows, 255, slots * 4);
    const places = scratch.allocate(Math.max(64, batch.rowCount * 4));
    kernels.grid_places_i64(this.bucket.values, this.bucket.validity, batch.rowCount, this.grid, this.places, places);
    kernels.place_slots(places, ids, this.series, batch.rowCount, this.rows);
  }

  private room(words: number): number {
    return this.run.scope.allocate(Math.max(64, words * 4));
  }

  private repeated(): number {
    const out = this.run.scope.allocate(Math.max(64, this.slots * 8));
    this.run.context.kernels.repeat_each_i64(this.grid, this.places, this.series, out);
    return out;
  }

  /** 0, 1, … for the series, place by place. */
  private tiled(): number {
    return this.once(this.taken, 'series', () => {
      const { kernels } = this.run.context;
      const numbers = this.room(this.series);
      kernels.row_numbers(0, this.series, numbers);
      const out = this.room(this.slots);
      kernels.tile_u32(numbers, this.series, this.places, out);
      return out;
    });
  }

  private once(known: Map<string, number>, key: string, make: () => number): number {
    const found = known.get(key) ?? make();
    known.set(key, found);
    return found;
  }

  /** The value of each slot, and the rows that values were taken from. */
  private valueOf(fill: GapFill): { readonly vector: Vector; readonly rows: number } {
    const { context, scope } = this.run;
    const column = this.columnOf(fill.value);
    const given = fill.skipsNulls ? this.present(column) : this.rows;
    if (fill.mode === 'linear') return { vector: this.onLines(column, given, this.reach(fill.maxGap)), rows: given };
    const own = fill.skipsNulls ? `${given}` : '';
    const rows = this.once(this.taken, `${fill.mode}:${gapText(fill.maxGap)}:${own}`, () => this.takenFrom(fill, given));
    return { vector: gatherVectorOrNull(column, rows, this.slots, context, scope), rows };
  }

  private present(column: Vector): number {
    const { validity } = toFlat(column, this.run.context, this.run.scope);
    if (validity === 0) return this.rows;
    const out = this.room(this.slots);
    this.run.context.kernels.rows_not_null(this.rows, validity, this.slots, out);
    return out;
  }

  private takenFrom({ mode, maxGap }: GapFill, rows: number): number {
    if (mode === 'null') return rows;
    const { kernels } = this.run.context;
    const out = this.room(this.slots);
    const kernel = mode === 'prev' ? kernels.fill_prev_rows : kernels.fill_next_rows;
    kernel(rows, this.places, this.series, this.reach(maxGap), this.last, out);
    return out;
  }

  private onLines(column: Vector, rows: number, reach: number): Vector {
    const { context, scope } = this.run;
    const flat = toFlat(column, context, scope);
    const out = scope.allocate(Math.max(64, this.slots * 8));
    const validity = scope.allocateZeroed(bitmapBytes(this.slots));
    const kernel = column.type.kind === 'float64' ? context.kernels.fill_linear_f64 : context.kernels.fill_linear_i64;
    kernel(flat.values, flat.validity, rows, this.grid, this.places, this.series, reach, this.last, out, validity);
    return flatVector(column.type, this.slots, out, validity);
  }

  private flagOf(rows: number): Vector {
    const { context, scope } = this.run;
    const bits = scope.allocateZeroed(bitmapBytes(this.slots));
    context.kernels.bits_missing_u32(rows, this.slots, bits);
    return flatVector(BOOL, this.slots, bits);
  }

  /** For each place the farthest one that is not farther away than the gap; 0 = no bounds. */
  private reach(gap: IntervalValue | null): number {
    if (gap === null) return 0;
    return this.once(this.reaches, gapText(gap), () => {
      const { i64, u32 } = this.run.context.arena;
      const [grid, out] = [this.grid / 8, this.room(this.places)];
      const perSecond = unitsPerSecond(this.type);
      const ticks = (BigInt(gap.days) * NS_PER_DAY + gap.nanoseconds) / (NS_PER_SECOND / perSecond);
      for (let place = 0, far = 0; place < this.places; place++) {
        if (place % 4096 === 0) this.run.check();
        const start = i64[grid + place] ?? 0n;
        const limit = (gap.months === 0 ? start : addMonths(start, gap.months, perSecond * 86_400n)) + ticks;
        while (far + 1 < this.places && (i64[grid + far + 1] ?? 0n) <= limit) far += 1;
        u32[out / 4 + place] = Math.max(far, place);
      }
      return out;
    });
  }

  /** The rows of buckets in [from, to), and those that were there. */
  private inRange(columns: readonly Vector[], from: bigint, to: bigint): Batch {
    const { scope, context } = this.run;
    const [first, end] = [Math.max(0, this.placeBefore(from + 1n) - 1), this.placeBefore(to)];
    const batch = { arena: scope.arena.id, rowCount: this.slots, columns };
    if (first === 0 && end === this.places) return batch;
    const kept = this.room(this.slots);
    const count = context.kernels.kept_slots(this.rows, first * this.series, end * this.series, this.slots, kept);
    return { ...batch, rowCount: count, columns: columns.map((column) => gatherVector(column, kept, count, context, scope)) };
  }

  /** How many places start before the instant. */
  private placeBefore(instant: bigint): number {
    const { i64 } = this.run.context.arena;
    let [low, high] = [0, this.places];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((i64[this.grid / 8 + middle] ?? 0n) < instant) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function unitsPerSecond(type: DataType): bigint {
  return type.kind === 'timestamp' ? UNITS_PER_SECOND[type.unit] : 1n;
}

function gapText(gap: IntervalValue | null): string {
  return gap === null ? '' : `${gap.months}/${gap.days}/${gap.nanoseconds}`;
}
