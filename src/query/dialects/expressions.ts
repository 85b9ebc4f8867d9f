/** Expressions: a node of the package → a node of ours. */
import type { Expression } from '../syntax/ast/query.js';
import { text } from './build.js';
import { aggregateCall, functionCall } from './calls.js';
import { cast, extractField } from './clauses.js';
import { columnReference, intervalLiteral, literal } from './literals.js';
import { bindOperation, isOperation } from './operators.js';
import type { Translation } from './translation.js';
import { childOf, expectKeys, isTree, listOf, type Tree, textOf, untranslatable } from './tree.js';

export function translateExpression(value: unknown, fallback: number, translation: Translation): Expression {
  const position = translation.positionOf(value, fallback);
  if (!isTree(value)) throw untranslatable('this expression', position);
  if (childOf(value, 'ast')) {
    expectKeys(value, 'a subquery', ['ast'], position);
    return { kind: 'subquery', position, end: position, query: translation.query(value.ast, position) };
  }
  if (isOperation(value)) return bindOperation(value, position, translation);
  return literal(value, position, translation) ?? compound(value, position, translation);
}

function compound(tree: Tree, position: number, translation: Translation): Expression {
  const type = textOf(tree.type);
  switch (type) {
    case 'column_ref':
      return atTimeZone(tree, position, translation) ?? columnReference(tree, position, translation);
    case 'star':
      return { kind: 'star', position, end: position, qualifier: [], exclude: [], replace: [], rename: [] };
    case 'expr_list':
      return row(tree, position, translation);
    case 'case':
      return caseOf(tree, position, translation);
    case 'cast':
      return castOf(tree, position, translation);
    case 'extract':
      return extract(tree, position, translation);
    case 'interval':
      return intervalLiteral(tree, position, translation);
    case 'function':
    case 'window_func':
      return functionCall(tree, position, translation);
    case 'aggr_func':
      return aggregateCall(tree, position, translation);
    case 'any_value':
      return aggregateCall({ ...tree, name: 'any_value' }, position, translation);
    case 'array':
      return array(tree, position, translation);
    default:
      throw untranslatable(type === '' ? 'this expression' : `an expression of kind ${type.replaceAll('_', ' ')}`, position);
  }
}

function row(tree: Tree, position: number, translation: Translation): Expression {
  expectKeys(tree, 'a row of values', ['type', 'value'], position);
  const items = listOf(tree.value).map((item) => translation.expression(item, position));
  const [only] = items;
  return items.length === 1 && only ? only : { kind: 'row', position, end: position, items };
}

function array(tree: Tree, position: number, translation: Translation): Expression {
  expectKeys(tree, 'an array', ['type', 'array_path', 'brackets', 'keyword', 'expr_list'], position);
  const trees = listOf(tree.array_path ?? childOf(tree, 'expr_list')?.value);
  const items = trees.map((item) => translation.expression(isTree(item) && isTree(item.expr) ? item.expr : item, position));
  return { kind: 'list', position, end: position, items };
}

function caseOf(tree: Tree, position: number, translation: Translation): Expression {
  translation.saw('CASE');
  expectKeys(tree, 'CASE', ['type', 'expr', 'args'], position);
  const arms = listOf(tree.args).filter(isTree);
  const branches = arms
    .filter((arm) => arm.type === 'when')
    .map((arm) => {
      expectKeys(arm, 'WHEN', ['type', 'cond', 'result'], position);
      return { when: translation.expression(arm.cond, position), then: translation.expression(arm.result, position) };
    });
  const last = arms.find((arm) => arm.type === 'else');
  return {
    kind: 'case',
    position,
    end: position,
    operand: isTree(tree.expr) ? translation.expression(tree.expr, position) : null,
    branches,
    otherwise: last ? translation.expression(last.result, position) : null,
  };
}

const TRYING = new Set(['try_cast', 'safe_cast']);

function castOf(tree: Tree, position: number, translation: Translation): Expression {
  expectKeys(tree, 'CAST', ['type', 'keyword', 'expr', 'symbol', 'target'], position);
  const keyword = textOf(tree.keyword).toLowerCase();
  if (keyword !== 'cast' && !TRYING.has(keyword)) throw untranslatable(keyword.toUpperCase(), position);
  if (keyword === 'cast' && tree.symbol !== '::') translation.saw('CAST');
  const targets = listOf(tree.target);
  return targets.reduce<Expression>(
    (operand, target) => cast(operand, target, TRYING.has(keyword), position, translation),
    translation.expression(tree.expr, position),
  );
}

function extract(tree: Tree, position: number, translation: Translation): Expression {
  expectKeys(tree, 'EXTRACT', ['type', 'args'], position);
  const args = childOf(tree, 'args') ?? {};
  expectKeys(args, 'EXTRACT', ['field', 'source', 'cast_type'], position);
  const operand = translation.expression(args.source, position);
  return extractField(textOf(args.field).toLowerCase(), operand, position, translation);
}

/** `a AT TIME ZONE 'utc'` hangs at a column. */
function atTimeZone(tree: Tree, position: number, translation: Translation): Expression | undefined {
  const options = childOf(tree, 'options');
  if (!options) return undefined;
  const [words, zone] = listOf(options.value);
  if (!isTree(words) || textOf(words.value).toLowerCase() !== 'at time zone') throw untranslatable('a column with options', position);
  const operand = translation.expression({ ...tree, options: null }, position);
  return {
    kind: 'atTimeZone',
    position,
    end: position,
    operand,
    zone: zone === undefined ? text('', position) : translation.expression(zone, position),
  };
}
