/**
 * PIVOT over the values that the data has. Binding stops where they are needed; the statement runs the query for them over the same snapshot
 * and binds anew. Binding takes the same way each time, so values are found again by how many were asked for before.
 */
import { DbError } from '../../core/errors.js';
import type { LogicalPlan } from '../plan/logical.js';

/** Values beyond which a PIVOT over the data is surely a mistake. */
export const MOST_PIVOT_VALUES = 1000;

/** One value, or combination of values, as texts. */
export type FoundValue = readonly string[];

export interface PivotValues {
  readonly found: readonly (readonly FoundValue[])[];
  /** How many were asked for so far. */
  asked: number;
}

/** Whoever cannot run a query between hands it on: it is `unsupported` there. */
export class PivotValuesNeeded extends DbError {
  /** Its rows are the values, in their order. */
  readonly plan: LogicalPlan;

  constructor(plan: LogicalPlan, position: number) {
    super('unsupported', 'PIVOT over the values that the data has may not stand here', { position, hint: 'say the values: IN (…)' });
    this.plan = plan;
  }

  /** The same, inside of something that stands elsewhere in the statement. */
  at(position: number): PivotValuesNeeded {
    return new PivotValuesNeeded(this.plan, position);
  }
}
