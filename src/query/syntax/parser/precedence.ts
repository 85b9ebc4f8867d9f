/** Binding strength of the operators, as in PostgreSQL. Higher binds tighter. */
import type { BinaryOperator, LikeOperator } from '../ast/operator.js';
import { K } from '../keywords.js';
import { T } from '../token-kind.js';

export const P = {
  or: 1,
  and: 2,
  not: 3,
  is: 4,
  comparison: 5,
  /** BETWEEN, IN, LIKE, ILIKE, SIMILAR TO, GLOB. */
  pattern: 6,
  /** Every operator without a level of its own: `||`, `->`, `&`, `~` … */
  other: 7,
  additive: 8,
  multiplicative: 9,
  power: 10,
  atTimeZone: 11,
  collate: 12,
  unary: 13,
  postfix: 14,
} as const;

const SPELLED: readonly (readonly [number, BinaryOperator, number])[] = [
  [T.equal, '=', P.comparison],
  [T.notEqual, '<>', P.comparison],
  [T.less, '<', P.comparison],
  [T.lessEqual, '<=', P.comparison],
  [T.greater, '>', P.comparison],
  [T.greaterEqual, '>=', P.comparison],
  [K.nearest, 'nearest', P.comparison],
  [T.concat, '||', P.other],
  [T.ampersand, '&', P.other],
  [T.pipe, '|', P.other],
  [T.hash, '#', P.other],
  [T.shiftLeft, '<<', P.other],
  [T.shiftRight, '>>', P.other],
  [T.tilde, '~', P.other],
  [T.tildeStar, '~*', P.other],
  [T.notTilde, '!~', P.other],
  [T.notTildeStar, '!~*', P.other],
  [T.arrow, '->', P.other],
  [T.arrowText, '->>', P.other],
  [T.hashArrow, '#>', P.other],
  [T.hashArrowText, '#>>', P.other],
  [T.contains, '@>', P.other],
  [T.containedBy, '<@', P.other],
  [T.overlap, '&&', P.other],
  [T.startsWith, '^@', P.other],
  [T.plus, '+', P.additive],
  [T.minus, '-', P.additive],
  [T.star, '*', P.multiplicative],
  [T.slash, '/', P.multiplicative],
  [T.doubleSlash, '//', P.multiplicative],
  [T.percent, '%', P.multiplicative],
  [T.caret, '^', P.power],
];

const WORDED: readonly (readonly [number, number])[] = [
  [K.or, P.or],
  [K.and, P.and],
  [K.is, P.is],
  [K.isnull, P.is],
  [K.notnull, P.is],
  [K.between, P.pattern],
  [K.in, P.pattern],
  [K.like, P.pattern],
  [K.ilike, P.pattern],
  [K.similar, P.pattern],
  [K.glob, P.pattern],
  [K.not, P.pattern],
  [T.doubleTilde, P.other],
  [T.doubleTildeStar, P.other],
  [T.notDoubleTilde, P.other],
  [T.notDoubleTildeStar, P.other],
  [K.operator, P.other],
  [K.overlaps, P.other],
  [K.at, P.atTimeZone],
  [K.collate, P.collate],
];

/** Token kind → precedence as an infix or postfix operator; 0: none. */
export const INFIX_PRECEDENCE = new Uint8Array(1024);
const OPERATORS: (BinaryOperator | undefined)[] = [];
const PRECEDENCES = new Map<BinaryOperator, number>();

for (const [kind, operator, precedence] of SPELLED) {
  INFIX_PRECEDENCE[kind] = precedence;
  OPERATORS[kind] = operator;
  PRECEDENCES.set(operator, precedence);
}
for (const [kind, precedence] of WORDED) INFIX_PRECEDENCE[kind] = precedence;

export function binaryOperatorOf(kind: number): BinaryOperator | undefined {
  return OPERATORS[kind];
}

export function precedenceOf(operator: BinaryOperator): number {
  return PRECEDENCES.get(operator) ?? P.other;
}

export interface LikeForm {
  readonly operator: LikeOperator;
  readonly negated: boolean;
}

/** `~~` and its relatives. */
export const TILDE_FORMS: ReadonlyMap<number, LikeForm> = new Map([
  [T.doubleTilde, { operator: 'like', negated: false }],
  [T.doubleTildeStar, { operator: 'ilike', negated: false }],
  [T.notDoubleTilde, { operator: 'like', negated: true }],
  [T.notDoubleTildeStar, { operator: 'ilike', negated: true }],
]);
