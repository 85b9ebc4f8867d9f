/**
 * Small scans with a condition `column = text` on a dictionary-encoded column: the rows that have its code are found before anything runs, in one
 * look at the codes, so that what follows sees these rows only, as few and as large vectors as they are.
 */
import { assert } from '../../../core/assert.js';
import type { ScanPlan } from '../../plan/logical.js';
import type { QueryRun } from '../query-run.js';
import { keptSegments, type OpenUnit, type PipelineBranch, rowsOf, type SourceUnit } from '../sources.js';
import type { FilterSpec } from '../task.js';

/** Rows that are looked at here at most; of more, threads take their share. */
const MOST_ROWS = 1 << 20;
/** Share of rows from which on they are better left where they are. */
const DENSE_SHARE = 0.25;
/** Fewer rows than these are not many, whatever their share. */
const FEW_ROWS = 4096;

/** Collects the units' rows of one code; null when there is no such condition, or too much to look at. */
export function symbolPick(plan: ScanPlan, branch: PipelineBranch, run: QueryRun, isCut: boolean): SymbolPick | null {
  const [filter] = branch.operators;
  if (filter?.kind !== 'filter' || (!isCut && rowsOf({ branches: [branch] }) > MOST_ROWS)) return null;
  const found = keptSegments(plan).symbols.find(({ condition, codes }) => codes.length <= 1 && filter.conditions.includes(condition));
  if (!found) return null;
  const id = plan.columns.find((column) => column.columnIndex === found.columnIndex)?.id;
  const column = id === undefined ? -1 : branch.columns.indexOf(id);
  assert(column >= 0, 'a filter reads its columns');
  return new SymbolPick({ plan, branch, filter, run, column, code: found.codes[0] ?? null, condition: found.condition });
}

interface Place {
  readonly plan: ScanPlan;
  readonly branch: PipelineBranch;
  readonly filter: FilterSpec;
  readonly run: QueryRun;
  /** Index in the branch's columns. */
  readonly column: number;
  /** null: no row has the text. */
  readonly code: number | null;
  readonly condition: FilterSpec['conditions'][number];
}

export class SymbolPick {
  private readonly place: Place;
  private readonly units: SourceUnit[] = [];
  private readonly since = performance.now();
  private rowsLookedAt = 0;
  private rowsFound = 0;
  private isGivenUp = false;

  constructor(place: Place) {
    this.place = place;
  }

  /** Looks at an open unit. */
  add(unit: SourceUnit, open: OpenUnit): void {
    const { run, column, code } = this.place;
    const rows = open.end - open.first;
    if (this.isGivenUp || code === null || rows <= 0) return;
    this.rowsLookedAt += rows;
    const { piece } = open;
    const vector = piece.kind === 'rows' && piece.order === 0 ? piece.columns[column] : undefined;
    if (piece.kind !== 'rows' || vector?.encoding !== 'dictionary' || this.rowsLookedAt > MOST_ROWS) {
      this.isGivenUp = true;
      return;
    }
    const most = Math.floor(Math.max(FEW_ROWS, rows * DENSE_SHARE));
    const order = run.scope.allocate(Math.max(64, Math.min(rows, most) * 4));
    const { values, validity } = vector;
    const count = run.options.kernels.rows_of_code(values, validity, piece.alive, open.first, open.end, code, most, order) >>> 0;
    this.isGivenUp = count > most;
    if (this.isGivenUp || count === 0) {
      run.scope.free(order);
      return;
    }
    this.rowsFound += count;
    this.units.push(orderedUnit(unit, order, count));
  }

  /** The branch over the rows found; null when it is better left as it was. */
  finish(): PipelineBranch | null {
    if (this.isGivenUp) return null;
    const { plan, branch, filter, run, condition } = this.place;
    const node = run.nodes.of(plan);
    const conditions = filter.conditions.filter((each) => each !== condition);
    const rest = branch.operators.slice(1);
    node.rowsRead += this.rowsLookedAt - (conditions.length > 0 ? this.rowsFound : 0);
    node.microseconds += (performance.now() - this.since) * 1000;
    if (conditions.length === 0) return { ...branch, units: this.units, operators: rest, counter: node.counter };
    return { ...branch, units: this.units, operators: [{ ...filter, conditions }, ...rest] };
  }
}

/** Rows of a unit, ascending. */
export function orderedUnit(whole: SourceUnit, order: number, rowCount: number): SourceUnit {
  return {
    first: 0,
    rowCount,
    open: async (signal) => {
      const open = await whole.open(signal);
      assert(open.piece.kind === 'rows', 'a segment has rows');
      return { ...open, piece: { ...open.piece, alive: 0, order }, first: 0, end: rowCount };
    },
  };
}
