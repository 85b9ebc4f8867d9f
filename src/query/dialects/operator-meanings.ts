/** What a dialect's operator means here. */
import type { ComparisonOperator } from '../syntax/ast/operator.js';
import type { Expression } from '../syntax/ast/query.js';
import { filledIn } from '../syntax/template.js';
import { text } from './build.js';
import type { Dialect } from './dialect.js';
import type { Translation } from './translation.js';
import { childOf, expectKeys, isTree, listOf, textOf, untranslatable } from './tree.js';

const COMPARISONS: Readonly<Record<string, ComparisonOperator>> = {
  '=': '=',
  '==': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};
const SAME_ARITHMETIC = new Set(['-', '*', '&', '|', '<<', '>>']);
const TEMPLATES: Readonly<Record<string, string>> = {
  XOR: '($1 AND NOT $2) OR (NOT $1 AND $2)',
  'IS DISTINCT FROM': '$1 IS DISTINCT FROM $2',
  'IS NOT DISTINCT FROM': '$1 IS NOT DISTINCT FROM $2',
};

export function operatorMeaning(operator: string, left: Expression, right: Expression, position: number, dialect: Dialect): Expression {
  const comparison = COMPARISONS[operator];
  if (comparison) return binary(comparison, left, right, position);
  if (SAME_ARITHMETIC.has(operator)) return binary(operator as '-', left, right, position);
  const template = TEMPLATES[operator] ?? templateOf(operator, dialect, left, right, position);
  return filledIn(template, [left, right], position);
}

function binary(operator: ComparisonOperator | '+' | '-', left: Expression, right: Expression, position: number): Expression {
  return { kind: 'binary', position, end: right.end, operator, operatorPosition: position, left, right };
}

function templateOf(operator: string, dialect: Dialect, left: Expression, right: Expression, position: number): string {
  const divisor = dialect.zeroDivisor === 'null' ? 'NULLIF($2, 0)' : '$2';
  switch (operator) {
    case '/':
      return dialect.division === 'fraction' ? `CAST($1 AS DOUBLE) / ${divisor}` : `$1 / ${divisor}`;
    case '%':
    case 'MOD':
      return `$1 % ${divisor}`;
    case 'DIV':
      return `CAST(trunc($1 / ${divisor}) AS BIGINT)`;
    case '+':
      if (!dialect.plusJoinsText) return '$1 + $2';
      refuseNumberAsText(left, right, position);
      return 'add_or_concat($1, $2)';
    case '||':
      return '$1 || $2';
    case '^':
      return '$1 # $2';
    case 'REGEXP':
    case 'RLIKE':
      return regexpTemplate('', dialect, operator, position);
    case 'NOT REGEXP':
    case 'NOT RLIKE':
      return regexpTemplate('NOT ', dialect, operator, position);
    default:
      throw untranslatable(`the operator ${operator}`, position);
  }
}

function regexpTemplate(negation: string, dialect: Dialect, operator: string, position: number): string {
  if (dialect.likeIgnoresCase && dialect.name !== 'sqlite') return `${negation}($1 ~* $2)`;
  if (dialect.name === 'hive') return `${negation}($1 ~ $2)`;
  if (dialect.name === 'snowflake') return `${negation}($1 ~ ('^(?:' || $2 || ')$'))`;
  throw untranslatable(`the operator ${operator}`, position);
}

/** `'1' + x` is a sum in T-SQL: which of both is meant depends on the type of x. */
function refuseNumberAsText(left: Expression, right: Expression, position: number): void {
  const digits = [left, right].some((each) => each.kind === 'string' && each.value.trim() !== '' && !Number.isNaN(Number(each.value)));
  if (digits) throw untranslatable('+ with a number in a string', position, 'write the number without quotes, or use concat()');
}

/** `IS [NOT] NULL | TRUE | FALSE`. */
export function isMeaning(operand: Expression, operator: string, right: unknown, position: number): Expression {
  const tree = isTree(right) ? right : {};
  const type = textOf(tree.type);
  const isBoolean = type === 'bool' || type === 'boolean';
  const word = type === 'null' ? 'null' : isBoolean ? (tree.value === true ? 'true' : 'false') : textOf(tree.value).toLowerCase();
  if (word !== 'null' && word !== 'true' && word !== 'false' && word !== 'unknown')
    throw untranslatable(`${operator} ${textOf(tree.value)}`.trim(), position);
  return { kind: 'is', position, end: position, operand, test: word, negated: operator === 'IS NOT' };
}

export function inMeaning(operand: Expression, operator: string, right: unknown, position: number, translation: Translation): Expression {
  const tree = isTree(right) ? right : {};
  const negated = operator === 'NOT IN';
  const base = { position, end: position, operand, negated };
  if (childOf(tree, 'ast')) return { kind: 'inQuery', ...base, query: translation.query(tree.ast, position) };
  if (tree.type !== 'expr_list') throw untranslatable('IN without a list', position);
  expectKeys(tree, 'IN', ['type', 'value'], position);
  const items = listOf(tree.value);
  const [only] = items;
  if (items.length === 1 && isTree(only) && childOf(only, 'ast')) {
    expectKeys(only, 'IN', ['ast'], position);
    return { kind: 'inQuery', ...base, query: translation.query(only.ast, position) };
  }
  return { kind: 'inList', ...base, items: items.map((item) => translation.expression(item, position)) };
}

export function likeMeaning(
  operand: Expression,
  operator: string,
  pattern: Expression,
  escapeTree: unknown,
  position: number,
  translation: Translation,
): Expression {
  const { dialect } = translation;
  const ignoresCase = dialect.likeIgnoresCase || operator.endsWith('ILIKE');
  const written = isTree(escapeTree) ? translation.expression(escapeTree.value, position) : null;
  if (dialect.name === 'transactsql' && (pattern.kind !== 'string' || /[[\]]/.test(pattern.value)))
    throw untranslatable('LIKE with a pattern that holds, or may hold, [sets of characters]', position);
  return {
    kind: 'like',
    position,
    end: position,
    operator: ignoresCase ? 'ilike' : 'like',
    operand,
    pattern,
    // Ours takes a backslash as escape; in a dialect without it, it is a character as any.
    escape: written ?? (dialect.likeEscape ? null : text('', position)),
    negated: operator.startsWith('NOT'),
  };
}
