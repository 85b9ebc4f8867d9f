/** Calls of functions, aggregates and window functions. */
import type { Expression, FunctionCall, OrderItem, WindowName, WindowSpecification } from '../syntax/ast/query.js';
import { filledIn } from '../syntax/template.js';
import { call, text } from './build.js';
import { orderBy } from './clauses.js';
import { type DialectCall, functionMeaning } from './function-table.js';
import type { Translation } from './translation.js';
import { childOf, expectKeys, isTree, listOf, type Tree, textOf, untranslatable } from './tree.js';
import { windowOf } from './windows.js';

/** `f(a, b)`: a name of one part, or of several where the package splits it. */
export function functionCall(tree: Tree, position: number, translation: Translation): Expression {
  const known = ['type', 'name', 'args', 'over', 'within_group', 'separator', 'consider_nulls', 'filter'];
  expectKeys(tree, 'a call', known, position);
  const name = functionName(tree.name, position);
  const argsTree = childOf(tree, 'args');
  if (argsTree) expectKeys(argsTree, 'a call', ['type', 'value', 'expr', 'distinct', 'orderby'], position);
  const trees = argsTree?.value === undefined && isTree(argsTree?.expr) ? [argsTree.expr] : listOf(argsTree?.value);
  const subquery = trees[0];
  if (name === 'exists' && isTree(subquery) && childOf(subquery, 'ast')) {
    translation.saw('EXISTS');
    return { kind: 'exists', position, end: position, query: translation.query(subquery.ast, position) };
  }
  const more: Decorations = { ...decorations(tree, position, translation), ...(argsTree ? inside(argsTree, position, translation) : {}) };
  return (
    aggregated(name, trees, argsTree ?? {}, more, position, translation) ??
    meaningOf({ name, trees, position, translation, bare: argsTree === undefined }, more)
  );
}

function functionName(value: unknown, position: number): string {
  if (!isTree(value)) return textOf(value).toLowerCase();
  const parts = [value.schema, ...listOf(value.name)].filter(isTree).map((part) => textOf(part.value));
  if (parts.length !== 1) throw untranslatable(`the function ${parts.join('.')}`, position);
  return (parts[0] ?? '').toLowerCase();
}

type Decorations = Partial<Pick<FunctionCall, 'over' | 'withinGroup' | 'nullTreatment' | 'filter' | 'distinct' | 'orderBy' | 'star'>>;

/** What stands behind the parentheses of a call. */
function decorations(tree: Tree, position: number, translation: Translation): Decorations {
  const within = childOf(tree, 'within_group')?.orderby ?? tree.within_group_orderby;
  const filter = childOf(tree, 'filter');
  const treatment = textOf(tree.consider_nulls).toLowerCase();
  const over = overOf(tree.over, position, translation);
  if (filter) translation.saw('WHERE');
  if (within) translation.saw('GROUP');
  return {
    ...(over ? { over } : {}),
    ...(within ? { withinGroup: orderBy(within, position, translation) } : {}),
    ...(filter ? { filter: translation.expression(filter.where, position) } : {}),
    ...(treatment === '' ? {} : { nullTreatment: treatment.startsWith('ignore') ? 'ignore' : 'respect' }),
  };
}

function overOf(value: unknown, position: number, translation: Translation): WindowName | WindowSpecification | undefined {
  if (!isTree(value) || value.type === undefined) return undefined;
  translation.saw('OVER');
  expectKeys(value, 'OVER', ['type', 'as_window_specification'], position);
  return windowOf(value.as_window_specification, position, translation);
}

function meaningOf(call: DialectCall, more: Decorations): Expression {
  const meaning = functionMeaning(call);
  if (Object.keys(more).length === 0) return meaning;
  if (meaning.kind !== 'function') throw untranslatable(`${call.name} with OVER, FILTER or WITHIN GROUP`, call.position);
  return { ...meaning, ...more };
}

/** Aggregates that the package knows by name. */
export function aggregateCall(tree: Tree, position: number, translation: Translation): Expression {
  expectKeys(tree, 'an aggregate', ['type', 'name', 'args', 'over', 'filter', 'within_group', 'within_group_orderby'], position);
  const name = functionName(tree.name, position);
  const argsTree = childOf(tree, 'args') ?? {};
  expectKeys(argsTree, 'an aggregate', ['type', 'value', 'expr', 'distinct', 'orderby', 'separator'], position);
  const trees = argsTree.value === undefined ? [argsTree.expr] : listOf(argsTree.value);
  const [first] = trees;
  const star = isTree(first) && (first.type === 'star' || first.column === '*');
  const more: Decorations = { ...decorations(tree, position, translation), ...inside(argsTree, position, translation) };
  if (star)
    return {
      ...call('count', [], position),
      ...more,
      star: true,
      ...(name === 'count' || name === 'count_big' ? {} : refuseStar(name, position)),
    };
  if (isTree(first) && first.type === 'expr_list' && first.parentheses !== true && trees.length === 1)
    throw untranslatable(`${name} of several columns`, position);
  return (
    aggregated(name, trees, argsTree, more, position, translation) ?? meaningOf({ name, trees, position, translation, bare: false }, more)
  );
}

/** Aggregates whose meaning is more than another name. */
function aggregated(
  name: string,
  trees: readonly unknown[],
  args: Tree,
  more: Decorations,
  position: number,
  translation: Translation,
): Expression | undefined {
  if (TEXT_AGGREGATES.has(name)) return textAggregate(name, trees, args, more, position, translation);
  if (name === 'avg' && translation.dialect.averageCuts) return cutAverage(translation.expression(trees[0], position), more, position);
  return undefined;
}

const TEXT_AGGREGATES = new Set(['group_concat', 'listagg', 'string_agg']);

/** DISTINCT and ORDER BY between the parentheses. */
function inside(args: Tree, position: number, translation: Translation): Decorations {
  const ordered = orderBy(args.orderby, position, translation);
  if (isDistinct(args)) translation.saw('DISTINCT');
  return { ...(ordered.length > 0 ? { orderBy: ordered } : {}), ...(isDistinct(args) ? { distinct: true } : {}) };
}

function refuseStar(name: string, position: number): never {
  throw untranslatable(`${name}(*)`, position);
}

function isDistinct(args: Tree): boolean {
  const { distinct } = args;
  return distinct === 'DISTINCT' || (isTree(distinct) && distinct.type === 'DISTINCT');
}

/** The average of integers is an integer in this dialect: the sum's division decides by its type. */
function cutAverage(operand: Expression, more: Decorations, position: number): Expression {
  return filledIn('$1 / nullif($2, 0)', [call('sum', [operand], position, more), call('count', [operand], position, more)], position);
}

function textAggregate(
  name: string,
  trees: readonly unknown[],
  args: Tree,
  more: Decorations,
  position: number,
  translation: Translation,
): Expression {
  const separatorTree = childOf(args, 'separator');
  const given = separatorTree ? (separatorTree.value ?? separatorTree.delimiter) : trees[1];
  const usual = name === 'listagg' ? '' : ',';
  const separator = isTree(given) ? translation.expression(given, position) : text(usual, position);
  const value = filledIn('CAST($1 AS TEXT)', [translation.expression(trees[0], position)], position);
  const { withinGroup = [], ...rest } = more;
  const order: readonly OrderItem[] = withinGroup.length > 0 ? withinGroup : (rest.orderBy ?? []);
  return call('string_agg', [value, separator], position, { ...rest, orderBy: order });
}
