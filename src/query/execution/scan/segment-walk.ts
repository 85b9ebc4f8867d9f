/** Rows of segments on this thread, from one end of a table: which segments come first, and their rows that pass the filters. */
import { type ColumnId, columnsOf, type Expression } from '../../plan/expression.js';
import type { ScanPlan } from '../../plan/logical.js';
import type { Chunk } from '../chunk.js';
import { Filter } from '../operators.js';
import { chunksOf } from '../piece-reader.js';
import type { QueryRun } from '../query-run.js';
import type { KeptScan, KeptSegment, OpenUnit, ReadColumn } from '../sources.js';

export function filterColumns(plan: ScanPlan, filters: readonly Expression[]): ReadColumn[] {
  const ids = new Set(filters.flatMap((filter) => [...columnsOf(filter)]));
  return plan.columns.filter((column) => ids.has(column.id));
}

/** Segments by their last (or first) time, the outermost one first; those that do not know theirs before all others. */
export function fromEnd(kept: readonly KeptSegment[], timestampColumn: number, descending: boolean): KeptSegment[] {
  const edge = ({ segment }: KeptSegment): bigint => {
    const zone = segment.zoneMaps[timestampColumn];
    const value = descending ? zone?.max : zone?.min;
    if (typeof value === 'bigint') return descending ? -value : value;
    return -(2n ** 64n);
  };
  return [...kept].sort((a, b) => {
    const [left, right] = [edge(a), edge(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  });
}

/** Rows of open units that pass the filters, on this thread. */
export class Walk {
  readonly columns: readonly ReadColumn[];
  private readonly filter: Filter | null;
  private readonly run: QueryRun;
  /** Where the only filter is `column = text`: the column's place and the text's code. */
  private readonly symbol: { readonly column: number; readonly code: number } | null;

  constructor(plan: ScanPlan, columns: readonly ReadColumn[], { filters, symbols }: Pick<KeptScan, 'filters' | 'symbols'>, run: QueryRun) {
    this.columns = columns.filter((column, i) => columns.findIndex((other) => other.id === column.id) === i);
    const { counter } = run.nodes.of(plan);
    this.filter = filters.length === 0 ? null : new Filter({ kind: 'filter', conditions: filters, counter }, run.context);
    this.run = run;
    const only = filters.length === 1 ? symbols.find(({ condition }) => condition === filters[0]) : undefined;
    const column = this.columns.findIndex((each) => each.columnIndex === only?.columnIndex);
    const code = only?.codes.length === 1 ? only.codes[0] : undefined;
    this.symbol = code === undefined || column < 0 ? null : { column, code };
  }

  get ids(): readonly ColumnId[] {
    return this.columns.map((column) => column.id);
  }

  /** How many of the rows [first, end) pass the filters. */
  count(open: OpenUnit, first: number, end: number): number {
    const { symbol, filter } = this;
    const { piece } = open;
    const codes = symbol && piece.kind === 'rows' ? piece.columns[symbol.column] : undefined;
    if (symbol && piece.kind === 'rows' && codes?.encoding === 'dictionary') {
      const { kernels } = this.run.options;
      return kernels.rows_of_code(codes.values, codes.validity, piece.alive, first, end, symbol.code, end, 0) >>> 0;
    }
    if (filter === null && piece.kind === 'rows' && piece.alive === 0) return end - first;
    let count = 0;
    this.rows(open, first, end, (chunk) => {
      count += chunk.count;
    });
    return count;
  }

  /** Hands on chunks of rows [first, end), ascending; each is valid during the call. */
  rows(open: OpenUnit, first: number, end: number, take: (chunk: Chunk) => void): void {
    const { run, filter } = this;
    const branch = { columns: this.ids, pieces: [open.piece], operators: [], counter: 0 };
    for (const chunk of chunksOf(branch, { branch: 0, piece: 0, first, end }, run.frame.vectorRows, run.context)) {
      run.check();
      if (chunk.count === 0) continue;
      if (filter === null) take(chunk);
      else filter.push(chunk, take);
    }
  }
}
