/**
 * Operators. The package's own grouping is not dependable (`a AND b OR c` comes out as `a AND (b OR c)` in some places), so a tree without
 * parentheses is laid out flat again and put together by the dialect's precedence.
 */
import type { Expression, Logical } from '../syntax/ast/query.js';
import type { Dialect } from './dialect.js';
import { inMeaning, isMeaning, likeMeaning, operatorMeaning } from './operator-meanings.js';
import type { Translation } from './translation.js';
import { childOf, expectKeys, isTree, listOf, type Tree, textOf, untranslatable } from './tree.js';

type Token =
  | { readonly kind: 'operand'; readonly tree: unknown; readonly position: number }
  | { readonly kind: 'prefix'; readonly operator: string; readonly position: number }
  | { readonly kind: 'infix'; readonly operator: string; readonly position: number; readonly extra: unknown };

/** Without a right operand of their own: what follows is in `extra`. */
const POSTFIX = new Set(['IN', 'NOT IN', 'IS', 'IS NOT']);

/** SQLite's IS between any two values. */
const IS_OPERATORS: Readonly<Record<string, string>> = { IS: 'IS NOT DISTINCT FROM', 'IS NOT': 'IS DISTINCT FROM' };

const OR = 1;
const AND = 3;
const NOT = 4;
const COMPARISON = 5;
const LOOSE = 7;
const SUM = 11;
const PRODUCT = 12;
const TIGHT = 14;
const SIGN = 15;

const STRENGTH: Readonly<Record<string, number>> = {
  OR,
  XOR: 2,
  AND,
  '&&': AND,
  '=': COMPARISON,
  '==': COMPARISON,
  '<>': COMPARISON,
  '!=': COMPARISON,
  '<': COMPARISON,
  '<=': COMPARISON,
  '>': COMPARISON,
  '>=': COMPARISON,
  IS: COMPARISON,
  'IS NOT': COMPARISON,
  IN: COMPARISON,
  'NOT IN': COMPARISON,
  BETWEEN: COMPARISON,
  'NOT BETWEEN': COMPARISON,
  LIKE: COMPARISON,
  'NOT LIKE': COMPARISON,
  ILIKE: COMPARISON,
  'NOT ILIKE': COMPARISON,
  REGEXP: COMPARISON,
  'NOT REGEXP': COMPARISON,
  RLIKE: COMPARISON,
  'NOT RLIKE': COMPARISON,
  'IS DISTINCT FROM': COMPARISON,
  'IS NOT DISTINCT FROM': COMPARISON,
  '|': 8,
  '&': 9,
  '<<': 10,
  '>>': 10,
  '+': SUM,
  '-': SUM,
  '*': PRODUCT,
  '/': PRODUCT,
  '%': PRODUCT,
  DIV: PRODUCT,
  MOD: PRODUCT,
};
const PIPES = { or: OR, loose: LOOSE, sum: SUM, product: PRODUCT, tight: TIGHT } as const satisfies Record<Dialect['pipes'], number>;
/** In SQLite the comparisons of order bind more strongly than those of equality. */
const SQLITE_ORDER = new Set(['<', '<=', '>', '>=']);

function strengthOf(operator: string, dialect: Dialect, position: number): number {
  if (operator === '||') return PIPES[dialect.pipes];
  if (operator === '^' && dialect.name.startsWith('m')) return 13;
  if (dialect.name === 'sqlite' && SQLITE_ORDER.has(operator)) return COMPARISON + 0.5;
  const strength = STRENGTH[operator];
  if (strength === undefined) throw untranslatable(`the operator ${operator}`, position);
  return strength;
}

export function isOperation(tree: Tree): boolean {
  return tree.type === 'binary_expr' || tree.type === 'unary_expr' || isNotCall(tree);
}

export function bindOperation(tree: Tree, position: number, translation: Translation): Expression {
  const tokens: Token[] = [];
  layOut(tree, position, translation, tokens, true);
  return new Grouping(tokens, translation).whole();
}

/** `NOT (a)` comes as a call of a function NOT. */
function isNotCall(tree: Tree): boolean {
  const name = childOf(tree, 'name');
  const part = name && [name.schema, ...listOf(name.name)].find(isTree);
  return tree.type === 'function' && part !== undefined && textOf(part.value).toUpperCase() === 'NOT';
}

function layOut(value: unknown, position: number, translation: Translation, tokens: Token[], isRoot = false): void {
  const tree = isTree(value) ? value : {};
  const own = translation.positionOf(tree, position);
  if (!isRoot && tree.parentheses === true) tokens.push({ kind: 'operand', tree, position: own });
  else if (tree.type === 'binary_expr') layOutBinary(tree, own, translation, tokens);
  else if (tree.type === 'unary_expr') {
    expectKeys(tree, 'an operator', ['type', 'operator', 'expr'], own);
    tokens.push({ kind: 'prefix', operator: textOf(tree.operator).toUpperCase(), position: own });
    layOut(tree.expr, own, translation, tokens);
  } else if (isNotCall(tree)) {
    expectKeys(tree, 'NOT', ['type', 'name', 'args'], own);
    const operands = listOf(childOf(tree, 'args')?.value);
    if (operands.length !== 1) throw untranslatable('NOT of a row', own);
    tokens.push({ kind: 'prefix', operator: 'NOT', position: own }, { kind: 'operand', tree: operands[0], position: own });
  } else tokens.push({ kind: 'operand', tree: value, position: own });
}

function layOutBinary(tree: Tree, position: number, translation: Translation, tokens: Token[]): void {
  expectKeys(tree, 'an operator', ['type', 'operator', 'left', 'right'], position);
  const operator = textOf(tree.operator).toUpperCase().replace(/\s+/g, ' ');
  const right = tree.right;
  layOut(tree.left, position, translation, tokens);
  if (POSTFIX.has(operator) && !(operator.startsWith('IS') && isOperandOfIs(right))) {
    tokens.push({ kind: 'infix', operator, position, extra: right });
    return;
  }
  if (operator.endsWith('BETWEEN')) {
    const [low, high] = listOf(isTree(right) ? right.value : undefined);
    tokens.push({ kind: 'infix', operator, position, extra: low });
    layOut(high, position, translation, tokens);
    return;
  }
  const escaping = isTree(right) ? right.escape : undefined;
  tokens.push({ kind: 'infix', operator: IS_OPERATORS[operator] ?? operator, position, extra: escaping });
  layOut(isTree(right) ? { ...right, escape: null } : right, position, translation, tokens);
}

/** SQLite's `a IS b`: what stands right of IS is an operand, not one of its words. */
function isOperandOfIs(right: unknown): boolean {
  return isTree(right) && !['null', 'bool', 'boolean', 'default', 'origin'].includes(textOf(right.type));
}

class Grouping {
  private readonly tokens: readonly Token[];
  private readonly translation: Translation;
  private at = 0;

  constructor(tokens: readonly Token[], translation: Translation) {
    this.tokens = tokens;
    this.translation = translation;
  }

  whole(): Expression {
    return this.atLeast(0);
  }

  private atLeast(strength: number): Expression {
    let left = this.operand();
    for (;;) {
      const token = this.tokens[this.at];
      if (token?.kind !== 'infix') return left;
      const own = strengthOf(token.operator, this.translation.dialect, token.position);
      if (own < strength) return left;
      this.at++;
      left = this.joined(left, token, own);
    }
  }

  private operand(): Expression {
    const token = this.tokens[this.at++];
    if (token?.kind === 'operand') return this.translation.expression(unparenthesised(token.tree), token.position);
    if (token?.kind !== 'prefix') throw untranslatable('this order of operators', token?.position ?? 0);
    const { operator, position } = token;
    if (operator === 'NOT') return negated(this.atLeast(NOT), position);
    const operand = this.atLeast(SIGN);
    if (operator === '!') return negated(operand, position);
    if (operator === '-' || operator === '+' || operator === '~') return { kind: 'unary', position, end: operand.end, operator, operand };
    throw untranslatable(`the operator ${operator}`, position);
  }

  private joined(left: Expression, token: Token & { readonly kind: 'infix' }, strength: number): Expression {
    const { operator, position, extra } = token;
    const { translation } = this;
    if (operator === 'IS' || operator === 'IS NOT') return isMeaning(left, operator, extra, position);
    if (operator === 'IN' || operator === 'NOT IN') return inMeaning(left, operator, extra, position, translation);
    if (operator.endsWith('BETWEEN')) {
      translation.saw('BETWEEN');
      const low = translation.expression(extra, position);
      const high = this.atLeast(strength + 0.25);
      return { kind: 'between', position, end: high.end, operand: left, low, high, symmetric: false, negated: operator.startsWith('NOT') };
    }
    const right = this.atLeast(strength + 0.25);
    if (operator.endsWith('LIKE') && !operator.endsWith('ILIKE') && !operator.endsWith('RLIKE')) translation.saw('LIKE');
    if (operator.endsWith('LIKE') && !operator.endsWith('RLIKE')) return likeMeaning(left, operator, right, extra, position, translation);
    if (/^IS (NOT )?DISTINCT/.test(operator) && translation.dialect.name !== 'sqlite') translation.saw('DISTINCT');
    if (strength === AND || strength === OR) return logical(strength === AND ? 'and' : 'or', left, right, position);
    return operatorMeaning(operator, left, right, position, translation.dialect);
  }
}

/** The parentheses have done their work. */
function unparenthesised(tree: unknown): unknown {
  return isTree(tree) && tree.type !== 'expr_list' ? { ...tree, parentheses: undefined } : tree;
}

function negated(operand: Expression, position: number): Expression {
  return { kind: 'unary', position, end: operand.end, operator: 'not', operand };
}

function logical(operator: Logical['operator'], left: Expression, right: Expression, position: number): Logical {
  return { kind: 'logical', position, end: right.end, operator, operands: [left, right] };
}
