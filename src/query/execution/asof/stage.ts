/**
 * An ASOF join on the coordinating thread. A right side that is a table whose segments ascend in time stays where it lies: it is read side by
 * side with left rows that ascend too, or put in order key by key, for left rows to look themselves up. Any other right side is collected first.
 */
import { assert } from '../../../core/assert.js';
import { bitmapBytes, flatVector, type Vector } from '../../../core/batch.js';
import { type DataType, isText } from '../../../core/types.js';
import { type ColumnId, columnsOf, type Expression } from '../../plan/expression.js';
import type { AsofPlan, OutputColumn } from '../../plan/logical.js';
import type { Executor } from '../executor.js';
import type { LookupHandle } from '../join/join-lookup.js';
import { piecedColumns, wholeColumns } from '../piece-columns.js';
import type { QueryRun } from '../query-run.js';
import { isTimeBound } from '../scan/zone-pruning.js';
import { OpenLanes, type Pipeline, withOperator } from '../sources.js';
import type { RowsPiece } from '../task.js';
import { ascendsByKey, ascendsMostly, designatesTime } from './order.js';
import type { AsofIndex, AsofPieces, AsofTable, PieceColumns } from './spec.js';

export async function openAsof(plan: AsofPlan, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const right = await executor.open(plan.right);
  const table = (await piecedTable(plan, right, run)) ?? (await indexTable(plan, right, executor));
  const left = await executor.open(plan.left);
  return withOperator(left, {
    kind: 'asof',
    join: plan.join,
    table,
    keys: plan.keys.map((key) => key.left),
    time: plan.time.left,
    direction: plan.direction,
    limit: limitOf(plan, run),
    residual: plan.residual,
    counter: run.nodes.of(plan).counter,
  });
}

/** The right side's columns that rows of the join show, or its condition reads. */
function neededColumns({ right, output, residual }: AsofPlan): readonly OutputColumn[] {
  const needed = new Set<ColumnId>([...output.map((column) => column.id), ...(residual ? columnsOf(residual) : [])]);
  return right.output.filter((column) => needed.has(column.id));
}

function limitOf({ tolerance }: AsofPlan, run: QueryRun): number {
  if (tolerance === null) return 0;
  const { arena } = run.scope;
  const address = run.scope.allocate(64);
  if (typeof tolerance === 'number') arena.f64[address / 8] = tolerance;
  else arena.u64[address / 8] = tolerance > 0xffff_ffff_ffff_ffffn ? 0xffff_ffff_ffff_ffffn : tolerance;
  return address;
}

// ---- any right side ----

async function indexTable(plan: AsofPlan, right: Pipeline, executor: Executor): Promise<AsofTable> {
  const { run } = executor;
  const { counter } = run.nodes.of(plan);
  const needed = neededColumns(plan);
  const read = new Set<ColumnId>([plan.time.right, ...plan.keys.map((key) => key.right)].flatMap((each) => [...columnsOf(each)]));
  const columns = plan.right.output.filter((column) => needed.includes(column) || read.has(column.id));
  const ids = columns.map((column) => column.id);
  const collected = await executor.collect(right, { kind: 'collect', ids, limit: null, copy: false, counter });
  const rows = collected.batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  const { asof } = await run.run(
    {
      kind: 'asof_build',
      frame: run.frame,
      ids,
      types: columns.map((column) => column.type),
      batches: collected.batches.map(({ arena, rowCount, columns: vectors }) => ({ arena, rowCount, columns: vectors })),
      keys: plan.keys.map((key) => key.right),
      time: plan.time.right,
      counter,
    },
    run.runsHere(rows),
  );
  assert(asof?.index, 'an index over the right side');
  collected.release();
  return {
    columns: wholeColumns(ids, asof.columns),
    lookup: asof.lookup,
    dictionary: -1,
    keyCount: asof.keyCount,
    by: { kind: 'index', index: asof.index },
  };
}

// ---- a right side that ascends, where it lies ----

async function piecedTable(plan: AsofPlan, right: Pipeline, run: QueryRun): Promise<AsofTable | null> {
  const ascends = mayStay(plan);
  if (ascends === null) return null;
  const pieces = await openPieces(right, ascends === 'whole' ? columnId(plan.time.right) : null, run);
  if (pieces === null) return null;
  const [branch] = right.branches;
  const place = (id: ColumnId): number => branch?.columns.indexOf(id) ?? -1;
  const times = pieces.map(({ columns }) => columns[place(columnId(plan.time.right))] as Vector);
  if (ascends === 'whole' ? !ascend(pieces, times, run) : times.some(isUnusable)) return null;
  const [key] = plan.keys;
  const keyVectors = key ? pieces.map(({ columns }) => columns[place(columnId(key.right))] as Vector) : null;
  const numbered = keyVectors ? await numberedKeys(keyVectors, plan, run) : { lookup: null, dictionary: -1, keyCount: 1 };
  if (numbered === null) return null;
  const needed = neededColumns(plan);
  const shift = Math.max(1, Math.ceil(Math.log2(Math.max(2, ...times.map((vector) => vector.length)))));
  const columns = pieced(
    needed,
    pieces.map((piece) => needed.map((column) => piece.columns[place(column.id)] as Vector)),
    shift,
    run,
  );
  if (columns === null) return null;
  const placed = described(pieces, times, keyVectors, numbered.keyCount, run);
  if (ascends === 'whole' && mayMerge(plan)) return { columns, ...numbered, by: { kind: 'merge', pieces: placed } };
  const rows = pieces.reduce((sum, piece) => sum + piece.end, 0);
  const index = await placedIndex(placed, { rows, keyCount: numbered.keyCount, shift, counter: run.nodes.of(plan).counter }, run);
  return { columns, ...numbered, by: { kind: 'index', index } };
}

function pieced(
  needed: readonly OutputColumn[],
  pieces: readonly (readonly Vector[])[],
  shift: number,
  run: QueryRun,
): PieceColumns | null {
  return piecedColumns(
    needed.map((column) => column.id),
    pieces,
    shift,
    run.scope,
  );
}

/** Text is text, whether it is declared as symbols or not. */
function columnOfKey(key: Expression): Expression {
  return key.kind === 'cast' && isText(key.type) && isText(key.operand.type) ? key.operand : key;
}

function columnId(expression: Expression): ColumnId {
  const column = columnOfKey(expression);
  return column.kind === 'column' ? column.id : Number.NaN;
}

/** Whether the right side may be read where it lies: it ascends as a whole, or key by key. */
function mayStay({ keys, right, time }: AsofPlan): 'whole' | 'by_key' | null {
  const [key, ...more] = keys;
  if (more.length > 0 || (key && columnOfKey(key.right).kind !== 'column')) return null;
  if (right.kind !== 'scan' || !isPlainTime(time.right.type)) return null;
  if (designatesTime(right, time.right)) return 'whole';
  return key && ascendsByKey(right, time.right, columnOfKey(key.right)) ? 'by_key' : null;
}

/** Whether both sides may be read side by side. */
function mayMerge({ direction, left, right, time, residual }: AsofPlan): boolean {
  if (direction !== 'ge' && direction !== 'gt') return false;
  if (residual && right.output.some((column) => columnsOf(residual).has(column.id))) return false;
  return ascendsMostly(left, time.left);
}

function isPlainTime(type: DataType): boolean {
  return type.kind === 'timestamp';
}

/** A piece and its rows [first, end) that count. */
interface OpenPiece extends RowsPiece {
  readonly first: number;
  readonly end: number;
}

/**
 * The rows of a scan, held until the run's end; null when they do not lie there as they are. Bounds of the time need no filter: they cut the
 * segments, where these ascend in it as a whole (time: its column; else null).
 */
async function openPieces(right: Pipeline, time: ColumnId | null, run: QueryRun): Promise<readonly OpenPiece[] | null> {
  const [branch, ...more] = right.branches;
  if (!branch || more.length > 0 || branch.units.length === 0) return null;
  const cuts = branch.operators.every(
    (operator) => time !== null && operator.kind === 'filter' && operator.conditions.every((condition) => isTimeBound(condition, time)),
  );
  if (!cuts) return null;
  const open = new OpenLanes(right, run.options.signal);
  run.hold(open);
  for (const [i, unit] of branch.units.entries())
    await open.add([{ branch: 0, unit: i, first: unit.first, end: unit.first + unit.rowCount }]);
  const pieces = open.branches[0]?.pieces ?? [];
  const opened = open.lanes.flatMap(({ ranges }) => {
    const range = ranges[0];
    const piece = range ? pieces[range.piece] : undefined;
    return range && piece?.kind === 'rows' && piece.order === 0 ? [{ ...piece, first: range.first, end: range.end }] : [];
  });
  const wanted = open.lanes.filter(({ ranges }) => ranges.length > 0).length;
  if (opened.length === wanted && opened.length > 0) return opened;
  run.unhold(open);
  return null;
}

/** Segments ascend one by one; whether each begins where the one before ends is read off their ends. */
function ascend(pieces: readonly OpenPiece[], times: readonly Vector[], run: QueryRun): boolean {
  const { i64 } = run.scope.arena;
  let before: bigint | undefined;
  for (const [i, vector] of times.entries()) {
    const { first = 0, end = 0 } = pieces[i] ?? {};
    if (isUnusable(vector)) return false;
    const least = i64[vector.values / 8 + first] as bigint;
    if (before !== undefined && least < before) return false;
    before = i64[vector.values / 8 + end - 1] as bigint;
  }
  return true;
}

function isUnusable({ encoding, validity }: Vector): boolean {
  return encoding !== 'flat' || validity !== 0;
}

interface NumberedKeys {
  readonly lookup: LookupHandle | null;
  readonly dictionary: number;
  readonly keyCount: number;
}

/** Codes of one dictionary are numbers already; the look-up tells left rows theirs. */
async function numberedKeys(keys: readonly Vector[], plan: AsofPlan, run: QueryRun): Promise<NumberedKeys | null> {
  const dictionaries = keys.map((vector) => vector.dictionary);
  const widest = dictionaries.reduce((most, each) => (each && each.count > (most?.count ?? -1) ? each : most), null);
  if (widest === null || dictionaries.some((each) => each?.id !== widest.id)) return null;
  const { type } = keys[0] as Vector;
  const values = flatVector(type, widest.count, widest.values, 0, widest.offsets);
  const task = { kind: 'asof_keys', frame: run.frame, values, counter: run.nodes.of(plan).counter } as const;
  const { asof } = await run.run(task, run.runsHere(widest.count));
  assert(asof, 'numbers of keys');
  return asof.keyCount === widest.count ? { lookup: asof.lookup, dictionary: widest.id, keyCount: widest.count } : null;
}

/** The pieces as the kernels read them. Rows that do not count have a key that no left row has. */
function described(
  pieces: readonly OpenPiece[],
  times: readonly Vector[],
  keys: readonly Vector[] | null,
  keyCount: number,
  run: QueryRun,
): AsofPieces {
  const { scope, options } = run;
  const { kernels } = options;
  const address = scope.allocate(Math.max(64, pieces.length * 16));
  const longest = Math.max(0, ...pieces.map((piece) => piece.end));
  const same = keys ? 0 : scope.allocateZeroed(Math.max(64, longest * 4));
  pieces.forEach(({ alive, first, end }, i) => {
    const key = keys?.[i];
    let codes = key?.values ?? same;
    let counts = alive;
    if (first > 0) {
      const inside = scope.allocate(bitmapBytes(end));
      kernels.mask_range(first, end, end, inside);
      if (alive !== 0) kernels.mask_and(inside, alive, end, inside);
      counts = inside;
    }
    if (counts !== 0 || (key && key.validity !== 0)) {
      const own = scope.allocate(Math.max(64, end * 4));
      kernels.asof_codes(codes, key?.validity ?? 0, counts, keyCount, end, own);
      codes = own;
    }
    scope.arena.u32.set([(times[i] as Vector).values, codes, end, 0], address / 4 + i * 4);
  });
  return { address, count: pieces.length };
}

/** Tasks that share the pieces of an index. */
const INDEX_TASKS = 8;

interface IndexShape {
  readonly rows: number;
  readonly keyCount: number;
  readonly shift: number;
  readonly counter: number;
}

/** An index of rows that stay where they are: counted by key, then placed, by all threads. */
async function placedIndex(pieces: AsofPieces, { rows, keyCount, shift, counter }: IndexShape, run: QueryRun): Promise<AsofIndex> {
  const { scope, frame } = run;
  const { u32 } = scope.arena;
  const here = run.runsHere(rows);
  const count = Math.min(INDEX_TASKS, pieces.count);
  const index = {
    starts: scope.allocate(Math.max(64, (keyCount + 1) * 4)),
    times: scope.allocate(Math.max(64, rows * 8)),
    rows: scope.allocate(Math.max(64, rows * 4)),
  };
  const groups = Array.from({ length: count }, (_, i) => ({
    first: Math.floor((i * pieces.count) / count),
    end: Math.floor(((i + 1) * pieces.count) / count),
    byKey: scope.allocateZeroed(Math.max(64, keyCount * 4)),
  }));
  const shared = { kind: 'asof_place', frame, pieces, shift, keyCount, counter } as const;
  await run.runAll(
    groups.map((group) => ({ ...shared, ...group, index: null })),
    here,
  );
  let next = 0;
  for (let key = 0; key < keyCount; key++) {
    u32[index.starts / 4 + key] = next;
    for (const { byKey } of groups) {
      const own = u32[byKey / 4 + key] as number;
      u32[byKey / 4 + key] = next;
      next += own;
    }
  }
  u32[index.starts / 4 + keyCount] = next;
  await run.runAll(
    groups.map((group) => ({ ...shared, ...group, index })),
    here,
  );
  for (const { byKey } of groups) scope.free(byKey);
  return index;
}
