/** Precedence climbing: operators, predicates and what stands on their right. Chains are read in loops, never by recursion to the left. */
import type { BinaryOperator, UnaryOperator } from '../ast/operator.js';
import type { Expression, Quantified } from '../ast/query.js';
import { K } from '../keywords.js';
import { T } from '../token-kind.js';
import { FunctionParser } from './functions.js';
import { binaryOperatorOf, INFIX_PRECEDENCE, type LikeForm, P, TILDE_FORMS } from './precedence.js';

const PREFIX_OPERATORS: ReadonlyMap<number, UnaryOperator> = new Map<number, UnaryOperator>([
  [T.minus, '-'],
  [T.plus, '+'],
  [T.tilde, '~'],
  [T.at, '@'],
  [T.squareRoot, '|/'],
  [T.cubeRoot, '||/'],
]);

export abstract class OperatorParser extends FunctionParser {
  /** NEAREST is an operator inside the condition of an ASOF join. */
  protected allowsNearest = false;

  /** An operand without prefix operator, with its subscripts, casts and fields. */
  protected abstract parsePostfix(): Expression;
  protected abstract isQueryStart(): boolean;
  /** Continues `((SELECT 1) UNION …` whose first operand was read as an expression. */
  protected abstract continueAsQuery(first: Expression): Expression | null;

  protected parseExpression(): Expression {
    return this.parseBinary(0);
  }

  protected parseOperand(): Expression {
    return this.parseBinary(P.other);
  }

  protected parseBinary(minimum: number): Expression {
    const outer = this.enter();
    const position = this.position;
    let left = this.parsePrefix();
    for (;;) {
      const precedence = INFIX_PRECEDENCE[this.kind] as number;
      if (precedence === 0 || precedence < minimum) break;
      const wrapped = this.parseInfix(left, precedence, position);
      if (wrapped === null) break;
      left = wrapped;
      this.raise();
    }
    this.leave(outer);
    return left;
  }

  private parsePrefix(): Expression {
    const kind = this.kind;
    if (kind === K.not) return this.parseNot();
    if (kind >= T.plus && kind <= T.cubeRoot) {
      const operator = PREFIX_OPERATORS.get(kind);
      if (operator !== undefined) return this.parseUnary(operator);
    }
    return this.parsePostfix();
  }

  private parseNot(): Expression {
    const position = this.position;
    this.advance();
    const operand = this.parseBinary(P.is);
    return { kind: 'unary', operator: 'not', operand, position, end: this.end };
  }

  private parseUnary(operator: UnaryOperator): Expression {
    const position = this.position;
    this.advance();
    const operand = this.parseBinary(operator === '-' || operator === '+' ? P.unary : P.additive);
    return { kind: 'unary', operator, operand, position, end: this.end };
  }

  /** The operator at the current token applied to `left`, or null when the word is no operator here. */
  private parseInfix(left: Expression, precedence: number, position: number): Expression | null {
    const kind = this.kind;
    const operator = binaryOperatorOf(kind);
    if (operator !== undefined) {
      if (operator === 'nearest' && !this.isNearestOperator()) return null;
      return this.parseBinaryOperator(left, operator, precedence, position);
    }
    if (precedence <= P.and) return this.parseLogical(left, kind, position);
    if (precedence === P.is) return this.parseIs(left, position);
    if (precedence === P.pattern) return this.parsePredicate(left, position);
    return this.parseWordOperator(left, kind, position);
  }

  private isNearestOperator(): boolean {
    if (!this.allowsNearest) return false;
    const next = this.peek();
    return next === T.leftParenthesis || (this.isNameToken(next) && next !== K.tolerance && next !== K.match_condition);
  }

  private parseBinaryOperator(left: Expression, operator: BinaryOperator, precedence: number, position: number): Expression {
    const operatorPosition = this.position;
    this.advance();
    if (this.isQuantifier()) return this.parseQuantified(left, operator, position);
    const right = this.parseBinary(precedence + 1);
    if (precedence === P.comparison && INFIX_PRECEDENCE[this.kind] === P.comparison && this.kind !== K.nearest) {
      throw this.error(
        `unexpected "${this.tokenText()}": comparisons cannot be chained`,
        this.position,
        'write a < b AND b < c, or use parentheses',
      );
    }
    return { kind: 'binary', operator, operatorPosition, left, right, position, end: this.end };
  }

  private parseLogical(first: Expression, kind: number, position: number): Expression {
    const operands = [first];
    const minimum = kind === K.or ? P.and : P.not;
    while (this.accept(kind)) operands.push(this.parseBinary(minimum));
    return { kind: 'logical', operator: kind === K.or ? 'or' : 'and', operands, position, end: this.end };
  }

  private parseIs(operand: Expression, position: number): Expression {
    const kind = this.kind;
    this.advance();
    if (kind !== K.is) return { kind: 'is', operand, test: 'null', negated: kind === K.notnull, position, end: this.end };
    const negated = this.accept(K.not);
    if (this.accept(K.distinct)) {
      this.expect(K.from);
      const right = this.parseBinary(P.comparison);
      return { kind: 'distinctFrom', left: operand, right, negated, position, end: this.end };
    }
    const test = TESTS.get(this.kind);
    if (test === undefined) throw this.unexpected('NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM');
    this.advance();
    return { kind: 'is', operand, test, negated, position, end: this.end };
  }

  protected parsePredicate(operand: Expression, position: number): Expression | null {
    const negated = this.kind === K.not;
    const word = negated ? this.peek() : this.kind;
    if (negated && (word === K.not || INFIX_PRECEDENCE[word] !== P.pattern)) return null;
    if (word === K.glob && !this.startsPattern(negated ? 2 : 1)) return null;
    if (negated) this.advance();
    this.advance();
    if (word === K.in) return this.parseIn(operand, negated, position);
    if (word === K.between) return this.parseBetween(operand, negated, position);
    if (word === K.similar) this.expect(K.to);
    const operator = word === K.like ? 'like' : word === K.ilike ? 'ilike' : word === K.glob ? 'glob' : 'similar';
    return this.parseLike(operand, { operator, negated }, position);
  }

  private startsPattern(distance: number): boolean {
    const kind = this.peek(distance);
    return (
      this.isStringToken(kind) ||
      this.isNameToken(kind) ||
      kind === T.leftParenthesis ||
      (kind >= T.numberedParameter && kind <= T.question)
    );
  }

  private parseLike(operand: Expression, form: LikeForm, position: number): Expression {
    if (this.isQuantifier() && (form.operator === 'like' || form.operator === 'ilike')) {
      const negatedName = form.operator === 'like' ? 'notLike' : 'notIlike';
      return this.parseQuantified(operand, form.negated ? negatedName : form.operator, position);
    }
    const pattern = this.parseBinary(P.other);
    const escapeWith = this.accept(K.escape) ? this.parseBinary(P.other) : null;
    return { kind: 'like', ...form, operand, pattern, escape: escapeWith, position, end: this.end };
  }

  private parseBetween(operand: Expression, negated: boolean, position: number): Expression {
    const symmetric = this.accept(K.symmetric);
    if (!symmetric && this.kind === K.asymmetric && this.peek() !== K.and) this.advance();
    const low = this.parseBinary(P.other);
    this.expect(K.and);
    const high = this.parseBinary(P.other);
    return { kind: 'between', operand, low, high, symmetric, negated, position, end: this.end };
  }

  private parseIn(operand: Expression, negated: boolean, position: number): Expression {
    if (this.kind !== T.leftParenthesis) {
      if (this.kind === K.not) throw this.unexpected('"(" or a value');
      const set = this.parseBinary(P.other);
      return { kind: 'inSet', operand, set, negated, position, end: this.end };
    }
    this.advance();
    if (this.isQueryStart()) {
      const query = this.parseQuery();
      this.expect(T.rightParenthesis);
      return { kind: 'inQuery', operand, query, negated, position, end: this.end };
    }
    const first = this.parseExpression();
    const query = this.continueAsQuery(first) ?? first;
    const items = [query];
    while (this.accept(T.comma)) items.push(this.parseExpression());
    this.expect(T.rightParenthesis);
    if (query.kind === 'subquery' && items.length === 1) {
      return { kind: 'inQuery', operand, query: query.query, negated, position, end: this.end };
    }
    return { kind: 'inList', operand, items, negated, position, end: this.end };
  }

  private isQuantifier(): boolean {
    return (this.kind === K.any || this.kind === K.some || this.kind === K.all) && this.peek() === T.leftParenthesis;
  }

  private parseQuantified(left: Expression, operator: Quantified['operator'], position: number): Expression {
    const quantifier = this.kind === K.all ? 'all' : 'any';
    this.advance();
    const start = this.position;
    this.advance();
    let right: Expression;
    if (this.isQueryStart()) {
      const query = this.parseQuery();
      this.expect(T.rightParenthesis);
      right = { kind: 'subquery', query, position: start, end: this.end };
    } else {
      const first = this.parseExpression();
      right = this.continueAsQuery(first) ?? first;
      this.expect(T.rightParenthesis);
    }
    return { kind: 'quantified', operator, quantifier, left, right, position, end: this.end };
  }

  /** `~~`, OPERATOR(…), OVERLAPS, AT TIME ZONE, COLLATE. */
  private parseWordOperator(left: Expression, kind: number, position: number): Expression | null {
    const tilde = TILDE_FORMS.get(kind);
    if (tilde !== undefined) {
      this.advance();
      if (this.isQuantifier()) return this.parseLike(left, tilde, position);
      const pattern = this.parseBinary(P.additive);
      return { kind: 'like', ...tilde, operand: left, pattern, escape: null, position, end: this.end };
    }
    if (kind === K.at) return this.parseAtTimeZone(left, position);
    if (kind === K.collate) {
      this.advance();
      return { kind: 'collate', operand: left, collation: this.parseQualifiedName('a collation'), position, end: this.end };
    }
    if (kind === K.overlaps) return this.parseOverlaps(left, position);
    return this.peek() === T.leftParenthesis ? this.parseOperatorCall(left, position) : null;
  }

  private parseAtTimeZone(operand: Expression, position: number): Expression | null {
    if (this.peek() !== K.time || this.peek(2) !== K.zone) return null;
    for (let i = 0; i < 3; i++) this.advance();
    const zone = this.parseBinary(P.collate);
    return { kind: 'atTimeZone', operand, zone, position, end: this.end };
  }

  /** `(a, b) OVERLAPS (c, d)` is `overlaps(a, b, c, d)`, as PostgreSQL reads it. */
  private parseOverlaps(left: Expression, position: number): Expression | null {
    if (left.kind !== 'row' || left.items.length !== 2 || this.peek() !== T.leftParenthesis) return null;
    const namePosition = this.position;
    this.advance();
    const right = this.parseBinary(P.additive);
    if (right.kind !== 'row' || right.items.length !== 2) throw this.error('OVERLAPS compares two pairs', right.position);
    return this.makeCall('overlaps', namePosition, [...left.items, ...right.items], position);
  }

  /** `a OPERATOR(pg_catalog.~) b`. */
  private parseOperatorCall(left: Expression, position: number): Expression {
    this.advance();
    this.advance();
    while (this.isWord() && this.peek() === T.dot) {
      this.advance();
      this.advance();
    }
    const operatorPosition = this.position;
    const kind = this.kind;
    const operator = binaryOperatorOf(kind);
    const tilde = TILDE_FORMS.get(kind);
    if (operator === undefined && tilde === undefined) throw this.unexpected('an operator');
    this.advance();
    this.expect(T.rightParenthesis);
    if (operator === undefined) return this.parseLike(left, tilde ?? { operator: 'like', negated: false }, position);
    if (this.isQuantifier()) return this.parseQuantified(left, operator, position);
    const right = this.parseBinary(P.additive);
    return { kind: 'binary', operator, operatorPosition, left, right, position, end: this.end };
  }
}

const TESTS: ReadonlyMap<number, 'null' | 'true' | 'false' | 'unknown'> = new Map([
  [K.null, 'null'],
  [K.true, 'true'],
  [K.false, 'false'],
  [K.unknown, 'unknown'],
]);
