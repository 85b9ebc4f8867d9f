/** What EXPLAIN and EXPLAIN ANALYZE tell of each operator. */
import { inputsOf, type LogicalPlan } from '../plan/logical.js';
import { describeNode } from './describe.js';
import type { Counter } from './task.js';

export interface OperatorProfile {
  /** As in describePhysical: `Scan trades`, `Aggregate`. */
  readonly name: string;
  /** Nesting: 0 = the root. */
  readonly depth: number;
  /** Further lines: filters, keys, pruning. */
  readonly details: readonly string[];
  readonly rows: number;
  /** Bytes of the columns read (scans) or kept (aggregates, sorts, joins). */
  readonly bytes: number;
  /** Scans: segments in the table and how many of them were not read; null for other operators. */
  readonly segments: { readonly total: number; readonly pruned: number } | null;
  /** Scans: rows that indexes and bounds of the time left away, so that no filter saw them. */
  readonly prunedRows: number;
  /** Time summed over threads, without its inputs. */
  readonly microseconds: number;
  /** Threads that took part. */
  readonly threads: number;
}

/** The counters of one operator while it runs. Source counters are those of the rows that a scan reads before its filters. */
export class OperatorNode {
  readonly plan: LogicalPlan;
  readonly depth: number;
  readonly counter: number;
  readonly sourceCounter: number;
  rows = 0;
  rowsRead = 0;
  bytes = 0;
  microseconds = 0;
  threads = 0;
  segments: { total: number; pruned: number } | null = null;
  /** Scans: rows that were left away before any of their filters ran. */
  prunedRows = 0;

  constructor(plan: LogicalPlan, depth: number, index: number) {
    this.plan = plan;
    this.depth = depth;
    this.counter = 2 * index;
    this.sourceCounter = 2 * index + 1;
  }

  countRows(rows: number): void {
    this.rows += rows;
  }

  profile(): OperatorProfile {
    const { name, details } = describeNode(this.plan);
    const { depth, rows, bytes, segments, prunedRows, microseconds, threads } = this;
    return { name, depth, details, rows, bytes, segments, prunedRows, microseconds: Math.round(microseconds), threads };
  }
}

/** All operators of a plan, parents before inputs. */
export class OperatorNodes {
  readonly list: readonly OperatorNode[];
  private readonly byPlan: ReadonlyMap<LogicalPlan, OperatorNode>;

  constructor(root: LogicalPlan) {
    const list: OperatorNode[] = [];
    const visit = (plan: LogicalPlan, depth: number): void => {
      list.push(new OperatorNode(plan, depth, list.length));
      for (const input of inputsOf(plan)) visit(input, depth + 1);
    };
    visit(root, 0);
    this.list = list;
    this.byPlan = new Map(list.map((node) => [node.plan, node] as const));
  }

  of(plan: LogicalPlan): OperatorNode {
    const node = this.byPlan.get(plan);
    if (!node) throw new Error('a plan node outside its plan');
    return node;
  }

  /** What has been counted so far; the function goes back to it. */
  mark(): () => void {
    const counts = this.list.map(({ rows, rowsRead, bytes, microseconds, threads, prunedRows }) => ({
      rows,
      rowsRead,
      bytes,
      microseconds,
      threads,
      prunedRows,
    }));
    return () => {
      this.list.forEach((node, i) => void Object.assign(node, counts[i]));
    };
  }

  /** A counter of no operator: handing rows out is nobody's work. */
  get streamCounter(): number {
    return 2 * this.list.length;
  }

  /** Rows that scans have read, before their filters. */
  rowsScanned(): number {
    return this.list.reduce((sum, node) => sum + (node.plan.kind === 'scan' ? node.rowsRead || node.rows : 0), 0);
  }

  /** Adds what one task counted. */
  add(counters: readonly (Counter | undefined)[]): void {
    for (const node of this.list) {
      const own = counters[node.counter];
      const source = counters[node.sourceCounter];
      if (own) node.rows += own.rows;
      if (source) node.rowsRead += source.rows;
      node.microseconds += (own?.microseconds ?? 0) + (source?.microseconds ?? 0);
      if (own || source) node.threads += 1;
    }
  }
}
