/** What EXPLAIN and EXPLAIN ANALYZE tell of each operator. */
export interface OperatorProfile {
  /** As in describePhysical: `Scan trades`, `Aggregate by sym`. */
  readonly name: string;
  /** Nesting: 0 = the root. */
  readonly depth: number;
  /** Further lines: filters, keys, pruning. */
  readonly details: readonly string[];
  readonly rows: number;
  readonly bytes: number;
  /** Scans: segments in the table and how many of them were not read; null for other operators. */
  readonly segments: { readonly total: number; readonly pruned: number } | null;
  /** Time summed over threads, without its inputs. */
  readonly microseconds: number;
  /** Threads that took part. */
  readonly threads: number;
}
