/** count(*) of a whole table is known without reading it. */
import { intLiteral } from '../binder/expressions.js';
import type { AggregateCall, AggregatePlan, LogicalPlan, ScanPlan } from '../plan/logical.js';
import { mapPlan, type Rule } from './rule.js';

export const METADATA_COUNTS: Rule = {
  name: 'metadata_counts',
  doc: 'count(*) over a table without a condition comes from the catalog.',
  apply: (plan) => mapPlan(plan, (node) => (node.kind === 'aggregate' && node.groups.length === 0 ? countOf(node) : node)),
};

function countOf(plan: AggregatePlan): LogicalPlan {
  const scan = scanBelow(plan.input);
  if (!scan || scan.filters.length > 0 || plan.aggregates.length === 0 || !plan.aggregates.every(countsRows)) return plan;
  const count = intLiteral(BigInt(scan.source.rowCount));
  return { kind: 'values', rows: [plan.aggregates.map((call) => ({ ...count, type: call.type }))], output: plan.output };
}

function scanBelow(plan: LogicalPlan): ScanPlan | undefined {
  if (plan.kind === 'project') return scanBelow(plan.input);
  return plan.kind === 'scan' ? plan : undefined;
}

function countsRows(call: AggregateCall): boolean {
  if (call.function !== 'count' || call.distinct || call.filter !== null || call.type.kind !== 'int64') return false;
  return call.args.every((arg) => !arg.nullable);
}
