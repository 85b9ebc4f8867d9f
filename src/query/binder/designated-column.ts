/** The designated timestamp of a query's result: the column that hands that of a table through, or the buckets that it was cut into. */
import { DbError } from '../../core/errors.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn } from '../plan/logical.js';
import type { Identifier } from '../syntax/ast/node.js';
import { didYouMean } from './nearest-name.js';
import { sameName } from './scope.js';

/** Functions whose result is a time of the same series. */
const BUCKETS = new Set(['time_bucket', 'time_bucket_since', 'date_trunc', 'date_bin', 'xbar']);

/** Null when no column is, or several are. `named`: TIMESTAMP(name) was said. */
export function designatedOf(plan: LogicalPlan, columns: readonly OutputColumn[], named: Identifier | null): OutputColumn | null {
  if (named) return namedTimestamp(columns, named);
  const stamps = columns.filter((column) => column.type.kind === 'timestamp');
  const handed = stamps.filter((column) => isDesignated(plan, column.id));
  const [first] = handed;
  if (handed.length > 0) return handed.length === 1 && first ? first : null;
  // The only time that there is.
  return plan.kind === 'project' && stamps.length === 1 ? (stamps[0] ?? null) : null;
}

/** The column that TIMESTAMP(name) says. */
export function namedTimestamp(columns: readonly OutputColumn[], { name, position }: Identifier): OutputColumn {
  const found = columns.find((column) => sameName(column.name, name));
  if (found) return found;
  const names = columns.map((column) => column.name);
  throw new DbError('column_not_found', `TIMESTAMP(${name}): there is no such column`, { position, hint: didYouMean(name, names) });
}

function isDesignated(plan: LogicalPlan, id: ColumnId): boolean {
  const reads = (expression: Expression | undefined, input: LogicalPlan): boolean => {
    if (expression?.kind === 'column') return isDesignated(input, expression.id);
    return expression?.kind === 'call' && BUCKETS.has(expression.function) && expression.args.some((arg) => reads(arg, input));
  };
  const place = plan.output.findIndex((column) => column.id === id);
  switch (plan.kind) {
    case 'scan': {
      const index = plan.columns.find((column) => column.id === id)?.columnIndex;
      return index !== undefined && index === plan.source.table.definition.timestampColumn;
    }
    case 'project':
      return reads(plan.expressions[place], plan.input);
    case 'aggregate':
    case 'grouping_sets':
      return reads(plan.groups[place], plan.input);
    case 'gap_fill':
      return place === 0 && isDesignated(plan.input, id);
    case 'filter':
    case 'sort':
    case 'limit':
    case 'limit_by':
    case 'top_by':
    case 'distinct':
    case 'number':
    case 'cut':
    case 'window':
    case 'unnest':
      return isDesignated(plan.input, id);
    case 'join':
    case 'positional':
    case 'asof':
    case 'window_join':
      return isDesignated(plan.left, id);
    case 'horizon_join':
      return place < plan.left.output.length && isDesignated(plan.left, id);
    case 'union':
      return plan.inputs.every((input) => isDesignated(input, input.output[place]?.id ?? -1));
    default:
      return false;
  }
}
