/** Buckets of time as a grid. Plain data. */

/** A bucket's width: of calendar months, or of fixed length. */
export type BucketWidth = { readonly months: number } | { readonly nanoseconds: bigint };

/** Everything is wall time of the zone. */
export interface BucketGrid {
  readonly width: BucketWidth;
  /** Fixed widths: the start of some bucket, nanoseconds since the epoch. Months: what every start lies after the first of its month. */
  readonly originNanoseconds: bigint;
  /** Months: the month of some start, since year 0. */
  readonly originMonth: number;
  /** Undefined: UTC. */
  readonly zone: string | undefined;
}
