/** Runs what PIVOT asks for while a query is bound, until all of it is known. */

import type { Snapshot } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { valueAt } from '../../core/values.js';
import type { BindContext } from '../binder/context.js';
import { type FoundValue, MOST_PIVOT_VALUES, type PivotValues, PivotValuesNeeded } from '../binder/pivot-values.js';
import { valueToText } from '../expression/literals.js';
import { optimizePlan, runPlan } from './run-plan.js';
import { bindContextOf, type PlanContext } from './statement.js';

/** PIVOTs of one query that take their values from the data. */
const MOST_PIVOTS = 64;

/** What `make` binds; it is called once more for each PIVOT whose values had to be found. */
export async function withPivotValues<T>(context: PlanContext, snapshot: Snapshot, make: (bind: BindContext) => T): Promise<T> {
  const found: (readonly FoundValue[])[] = [];
  for (;;) {
    const pivots: PivotValues = { found, asked: 0 };
    const bind: BindContext = bindContextOf(context, snapshot, pivots);
    try {
      return make(bind);
    } catch (error) {
      if (!(error instanceof PivotValuesNeeded) || found.length >= MOST_PIVOTS) throw error;
      found.push(await valuesOf(error, bind, context));
    }
  }
}

async function valuesOf(needed: PivotValuesNeeded, bind: BindContext, context: PlanContext): Promise<readonly FoundValue[]> {
  const { batches } = runPlan(optimizePlan(needed.plan, bind, context), context);
  const values = new Map<string, FoundValue>();
  for await (const batch of batches) {
    try {
      for (let row = 0; row < batch.rowCount; row++) {
        const texts = batch.columns.map((vector) => valueToText(valueAt(context.storage.arena, vector, row), vector.type));
        // A row without a value is in no column.
        if (texts.every((text) => text !== null)) values.set(JSON.stringify(texts), texts);
        if (values.size <= MOST_PIVOT_VALUES) continue;
        throw new DbError('invalid_argument', `PIVOT found more than ${MOST_PIVOT_VALUES} values`, {
          position: needed.position,
          hint: 'say the values: IN (…)',
        });
      }
    } finally {
      batch.release();
    }
  }
  return [...values.values()];
}
