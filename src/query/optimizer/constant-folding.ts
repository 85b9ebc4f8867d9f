/** Computes what reads no column, and drops branches and conditions that are decided by it. */

import { DbError } from '../../core/errors.js';
import { boolLiteral, conjunction, disjunction, isTrue, literal } from '../binder/expressions.js';
import { scalarFunction } from '../functions/registry.js';
import { type Expression, mapChildren } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import { mapOwnExpressions } from '../plan/traverse.js';
import { emptyPlan, mapPlan, type Rule, type RuleContext } from './rule.js';

export const CONSTANT_FOLDING: Rule = {
  name: 'constant_folding',
  doc: 'Expressions over constants are computed once; conditions that are always true or never true vanish.',
  apply: (plan, context) => {
    const fold = (expression: Expression): Expression => foldOne(mapChildren(expression, fold), context);
    return mapPlan(plan, (node) => foldNode(node, fold));
  },
};

function foldNode(node: LogicalPlan, fold: (expression: Expression) => Expression): LogicalPlan {
  const folded = mapOwnExpressions(node, fold);
  if (folded.kind === 'filter') {
    if (isTrue(folded.condition)) return folded.input;
    if (folded.condition.kind === 'literal') return emptyPlan(folded);
  }
  if (folded.kind === 'join' && folded.residual !== null && isTrue(folded.residual)) return { ...folded, residual: null };
  return folded;
}

const isLiteral = (node: Expression) => node.kind === 'literal';

function foldOne(node: Expression, context: RuleContext): Expression {
  switch (node.kind) {
    case 'column':
    case 'literal':
    case 'lambda':
    case 'lambda_parameter':
      return node;
    case 'and':
      return foldAnd(node);
    case 'or':
      return foldOr(node);
    case 'case':
      return foldCase(node);
    case 'call':
      if (!node.args.every(isLiteral) || scalarFunction(node.function)?.volatile) return node;
      return compute(node, context);
    default:
      return isLiteral(node.operand) ? compute(node, context) : node;
  }
}

/** Longer texts are made where they are needed: plans are copied to threads. */
const MAX_LITERAL_LENGTH = 65_536;

/** An evaluation that fails is left to the run: it may never be reached. */
function compute(node: Expression, context: RuleContext): Expression {
  if (node.type.kind === 'list' || node.type.kind === 'struct') return node;
  try {
    const value = context.evaluateConstant(node);
    return typeof value === 'string' && value.length > MAX_LITERAL_LENGTH ? node : literal(value, node.type, node.position);
  } catch (error) {
    if (error instanceof DbError) return node;
    throw error;
  }
}

function foldAnd(node: Extract<Expression, { kind: 'and' }>): Expression {
  if (!node.operands.some(isLiteral)) return node;
  if (node.operands.some((operand) => operand.kind === 'literal' && operand.value === false)) return boolLiteral(false, node.position);
  return conjunction(node.operands.filter((operand) => !isTrue(operand)));
}

function foldOr(node: Extract<Expression, { kind: 'or' }>): Expression {
  if (!node.operands.some(isLiteral)) return node;
  if (node.operands.some(isTrue)) return boolLiteral(true, node.position);
  const open = node.operands.filter((operand) => operand.kind !== 'literal' || operand.value === null);
  return open.length === 0 ? boolLiteral(false, node.position) : disjunction(open);
}

function foldCase(node: Extract<Expression, { kind: 'case' }>): Expression {
  if (!node.branches.some((branch) => isLiteral(branch.when))) return node;
  const branches: (typeof node.branches)[number][] = [];
  let { otherwise } = node;
  for (const branch of node.branches) {
    if (isTrue(branch.when)) {
      otherwise = branch.then;
      break;
    }
    if (branch.when.kind !== 'literal') branches.push(branch);
  }
  if (branches.length === 0) return otherwise ?? literal(null, node.type, node.position);
  return { ...node, branches, otherwise };
}
