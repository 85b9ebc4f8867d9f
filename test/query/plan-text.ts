/** Plans and expressions as short text, for tests of binder and optimizer. */

import { typeName } from '../../src/core/types.js';
import type { Expression } from '../../src/query/plan/expression.js';
import type { LogicalPlan } from '../../src/query/plan/logical.js';
import { inputsOf } from '../../src/query/plan/logical.js';

function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case 'column':
      return expression.name;
    case 'literal':
      return typeof expression.value === 'string' ? `'${expression.value}'` : String(expression.value);
    case 'call':
      return `${expression.function}(${expression.args.map(expressionText).join(', ')})`;
    case 'cast':
      return `cast(${expressionText(expression.operand)} as ${typeName(expression.type)})`;
    case 'case':
      return `case(${expression.branches.map((branch) => `${expressionText(branch.when)} -> ${expressionText(branch.then)}`).join(', ')}${
        expression.otherwise ? `, else ${expressionText(expression.otherwise)}` : ''
      })`;
    case 'and':
    case 'or':
      return `${expression.kind}(${expression.operands.map(expressionText).join(', ')})`;
    case 'not':
      return `not(${expressionText(expression.operand)})`;
    case 'is_null':
      return `${expressionText(expression.operand)} is${expression.negated ? ' not' : ''} null`;
    case 'lambda':
      return `lambda ${expressionText(expression.operand)}`;
    case 'lambda_parameter':
      return expression.name;
    case 'in':
      return `${expressionText(expression.operand)}${expression.negated ? ' not' : ''} in (${expression.values.join(', ')}${expression.hasNull ? ', null' : ''})`;
  }
}

export function planText(plan: LogicalPlan, depth = 0): string {
  const own = `${'  '.repeat(depth)}${nodeText(plan)}`;
  return [own, ...inputsOf(plan).map((input) => planText(input, depth + 1))].join('\n');
}

function nodeText(plan: LogicalPlan): string {
  const output = plan.output.map((column) => column.name).join(', ');
  const list = (expressions: readonly Expression[]) => expressions.map(expressionText).join(', ');
  switch (plan.kind) {
    case 'scan':
      return `scan ${plan.source.table.definition.name} [${output}]${plan.filters.length === 0 ? '' : ` where ${list(plan.filters)}`}`;
    case 'values':
      return `values ${plan.rows.map((row) => `(${list(row)})`).join(', ')} [${output}]`;
    case 'series':
      return `series ${list([plan.start, plan.stop, plan.step])}`;
    case 'file':
      return `file ${plan.source.name} [${output}]`;
    case 'grouping_sets':
      return `grouping sets ${list(plan.groups)} ${JSON.stringify(plan.sets)}`;
    case 'window_join':
      return `window join ${list(plan.keys.flatMap((key) => [key.left, key.right]))}: ${plan.calls.map((call) => call.function).join(', ')}`;
    case 'horizon_join':
      return `horizon join ${list(plan.keys.flatMap((key) => [key.left, key.right]))} at ${plan.offsets.join(', ')}`;
    case 'number':
      return `number by ${list(plan.keys)}`;
    case 'gap_fill':
      return `gap fill ${list(plan.series)}`;
    case 'cut':
      return `cut ${plan.unit}`;
    case 'with':
      return `with ${plan.relations.map((relation) => relation.name).join(', ')}`;
    case 'reference':
      return `read ${plan.name} [${output}]`;
    case 'recursive':
      return `recursive ${plan.name}${plan.distinct ? ' distinct' : ''}`;
    case 'filter':
      return `filter ${expressionText(plan.condition)}`;
    case 'project':
      return `project ${list(plan.expressions)}`;
    case 'aggregate':
      return `aggregate by (${list(plan.groups)}): ${plan.aggregates.map((call) => `${call.function}(${list(call.args)})`).join(', ')}`;
    case 'window':
      return `window partition (${list(plan.partitionBy)}) order (${list(plan.orderBy.map((key) => key.expression))}): ${plan.calls.map((call) => `${call.function}(${list(call.args)})`).join(', ')}`;
    case 'sort':
      return `sort ${plan.keys.map((key) => `${expressionText(key.expression)}${key.descending ? ' desc' : ''}`).join(', ')}${plan.limit === null ? '' : ` limit ${plan.limit}`}`;
    case 'limit':
      return `limit ${plan.limit ?? 'all'} offset ${plan.offset}`;
    case 'asof':
      return `asof ${plan.join} ${expressionText(plan.time.left)} ${plan.direction} ${expressionText(plan.time.right)} on (${plan.keys.map((key) => `${expressionText(key.left)} = ${expressionText(key.right)}`).join(', ')})${plan.tolerance === null ? '' : ` within ${plan.tolerance}`}${plan.residual === null ? '' : ` if ${expressionText(plan.residual)}`}`;
    case 'join':
      return `${plan.join} join on (${plan.keys.map((key) => `${expressionText(key.left)} = ${expressionText(key.right)}`).join(', ')})${
        plan.residual === null ? '' : ` and ${expressionText(plan.residual)}`
      }`;
    case 'unnest':
      return `unnest ${list(plan.lists)}`;
    case 'limit_by':
      return `limit ${plan.limit ?? 'all'} offset ${plan.offset} by (${list(plan.keys)})`;
    case 'top_by':
      return `top ${plan.limit} by (${list(plan.keys)})`;
    case 'distinct':
    case 'union':
    case 'positional':
      return plan.kind;
  }
}
