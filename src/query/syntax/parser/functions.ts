/** Function calls, their standard spellings, and windows. */
import type { Identifier, OrderFlags, QualifiedName } from '../ast/node.js';
import type {
  Expression,
  FrameBound,
  FunctionArgument,
  FunctionCall,
  NamedWindow,
  OrderItem,
  WindowFrame,
  WindowName,
  WindowSpecification,
} from '../ast/query.js';
import { K } from '../keywords.js';
import { newCall } from '../new-call.js';
import { T } from '../token-kind.js';
import { LiteralParser } from './literals.js';

/** Functions whose `x -> …` argument is a lambda whatever follows the arrow. */
const LAMBDA_FUNCTION =
  /^(?:list|array)_(?:transform|apply|filter|reduce)$|^(?:transform|apply|filter|reduce|columns)$|^array(?:map|filter|exists|all|sum)$/i;

type Span = readonly [name: string, position: number];

export abstract class FunctionParser extends LiteralParser {
  protected abstract parseStar(qualifier: readonly Identifier[], position: number): Expression;

  /** The current token is the `(` after `name`. */
  protected parseCall(name: QualifiedName, position: number): FunctionCall {
    const outer = this.enter();
    this.expect(T.leftParenthesis);
    const call = newCall(name, position);
    if (this.accept(K.distinct)) call.distinct = true;
    else this.accept(K.all);
    if (!call.distinct && this.kind === T.star && this.peek() === T.rightParenthesis) {
      this.advance();
      call.star = true;
    } else if (this.kind === K.order && this.peek() === K.by) {
      call.orderBy = this.parseOrderBy();
    } else if (this.kind !== T.rightParenthesis) {
      const callee = name.at(-1);
      const items = [this.parseArgument(callee)];
      while (this.accept(T.comma)) items.push(this.parseArgument(callee));
      call.arguments = items;
      call.nullTreatment = this.parseNullTreatment();
      if (this.kind === K.order) call.orderBy = this.parseOrderBy();
      call.nullTreatment ??= this.parseNullTreatment();
    }
    this.expect(T.rightParenthesis);
    this.parseCallSuffix(call);
    this.leave(outer);
    return call;
  }

  /** WITHIN GROUP, FILTER, FROM LAST, IGNORE NULLS, OVER. */
  private parseCallSuffix(call: ReturnType<typeof newCall>): FunctionCall {
    if (this.kind === K.within && this.peek() === K.group) {
      this.advance();
      this.advance();
      this.expect(T.leftParenthesis);
      call.withinGroup = this.parseOrderBy();
      this.expect(T.rightParenthesis);
    }
    if (this.kind === K.filter && this.peek() === T.leftParenthesis) call.filter = this.parseFilter();
    if (this.kind === K.from && (this.peek() === K.first || this.peek() === K.last) && this.isFromLast()) {
      this.advance();
      call.fromLast = this.kind === K.last;
      this.advance();
    }
    call.nullTreatment ??= this.parseNullTreatment();
    if (this.kind === K.filter && this.peek() === T.leftParenthesis) call.filter = this.parseFilter();
    if (this.kind === K.over && (this.peek() === T.leftParenthesis || this.isNameToken(this.peek()))) {
      this.advance();
      call.over = this.parseOver();
    }
    call.end = this.end;
    return call;
  }

  /** FROM FIRST | LAST belongs to the call only when OVER or IGNORE | RESPECT NULLS follows; else FROM names a table. */
  private isFromLast(): boolean {
    const after = this.peek(2);
    return after === K.over || after === K.ignore || after === K.respect;
  }

  private parseFilter(): Expression {
    this.advance();
    this.expect(T.leftParenthesis);
    this.accept(K.where);
    const condition = this.parseExpression();
    this.expect(T.rightParenthesis);
    return condition;
  }

  private parseNullTreatment(): 'ignore' | 'respect' | null {
    if (this.peek() !== K.nulls) return null;
    const treatment = this.kind === K.ignore ? 'ignore' : this.kind === K.respect ? 'respect' : null;
    if (treatment !== null) {
      this.advance();
      this.advance();
    }
    return treatment;
  }

  private parseArgument(callee: Identifier | undefined): FunctionArgument {
    if (this.isWord() && (this.peek() === T.fatArrow || this.peek() === T.assign)) {
      const name = this.takeIdentifier();
      this.advance();
      return { name, value: this.parseArgumentValue(callee) };
    }
    return { name: null, value: this.parseArgumentValue(callee) };
  }

  private parseArgumentValue(callee: Identifier | undefined): Expression {
    const position = this.position;
    if (this.kind === T.star) {
      this.advance();
      return this.parseStar([], position);
    }
    const arrowAt = this.arrowAfterParameters();
    if (arrowAt === 0 || (this.isJsonKey(arrowAt) && !LAMBDA_FUNCTION.test(callee?.name ?? ''))) return this.parseExpression();
    const parameters = this.kind === T.leftParenthesis ? this.parenthesised(() => this.parseIdentifier()) : [this.parseIdentifier()];
    this.expect(T.arrow);
    return { kind: 'lambda', parameters, body: this.parseExpression(), position, end: this.end };
  }

  /** `j -> 'a'` and `j -> 0` read a JSON value; `x -> x + 1` is a lambda. */
  private isJsonKey(arrowAt: number): boolean {
    const kind = this.peek(arrowAt + 1);
    return this.kind !== T.leftParenthesis && (this.isStringToken(kind) || kind === T.integer || kind === T.minus);
  }

  /** Distance of the `->` that follows `x` or `(x, y)`, or 0. */
  private arrowAfterParameters(): number {
    if (this.isNameToken(this.kind)) return this.peek() === T.arrow ? 1 : 0;
    if (this.kind !== T.leftParenthesis) return 0;
    let distance = 1;
    while (this.isNameToken(this.peek(distance)) && this.peek(distance + 1) === T.comma) distance += 2;
    const isList = this.isNameToken(this.peek(distance)) && this.peek(distance + 1) === T.rightParenthesis;
    return isList && this.peek(distance + 2) === T.arrow ? distance + 2 : 0;
  }

  /** `lambda x, y: x + y`; the current token is LAMBDA. */
  protected parseLambdaKeyword(): Expression {
    const position = this.position;
    this.advance();
    const parameters = this.list(() => this.parseIdentifier());
    this.expect(T.colon);
    return { kind: 'lambda', parameters, body: this.parseExpression(), position, end: this.end };
  }

  // ---- standard spellings ----

  private plainCall([name, position]: Span, values: readonly Expression[]): FunctionCall {
    const call = newCall([{ name, quoted: false, position }], position);
    call.arguments = values.map(positional);
    return this.parseCallSuffix(call);
  }

  /** A finished call that takes no FILTER or OVER. */
  protected makeCall(name: string, namePosition: number, values: readonly Expression[], position: number): FunctionCall {
    const call = newCall([{ name, quoted: false, position: namePosition }], position);
    call.arguments = values.map(positional);
    call.end = this.end;
    return call;
  }

  /** CURRENT_DATE and its like, with an optional precision. */
  protected parseBareCall(): FunctionCall {
    const position = this.position;
    const name = this.tokenText().toLowerCase();
    this.advance();
    if (this.kind === T.leftParenthesis) return this.parseCall([{ name, quoted: false, position }], position);
    const call = newCall([{ name, quoted: false, position }], position);
    call.bare = true;
    call.end = this.end;
    return call;
  }

  /** `EXTRACT(year FROM ts)`. */
  protected parseExtract(): Expression {
    const position = this.position;
    this.advance();
    this.expect(T.leftParenthesis);
    const field = this.isStringToken(this.kind) ? this.parseString() : this.parseLabel('a field such as year').name;
    this.expect(K.from);
    const operand = this.parseExpression();
    this.expect(T.rightParenthesis);
    return { kind: 'extract', field: field.toLowerCase(), operand, position, end: this.end };
  }

  /** `SUBSTRING(s FROM a FOR n)`; with commas it is a plain call. */
  protected parseSubstring(): Expression {
    const position = this.position;
    const name = this.takeIdentifier();
    const after = this.startSpecial();
    if (this.kind !== K.from && this.kind !== K.for) return this.finishPlain(name, after, position);
    const values = [after];
    if (this.accept(K.from)) {
      values.push(this.parseExpression());
      if (this.accept(K.for)) values.push(this.parseExpression());
    } else {
      this.advance();
      const first = { kind: 'number', text: '1', isInteger: true, position, end: position } as const;
      values.push(first, this.parseExpression());
      if (this.accept(K.from)) values[1] = this.parseExpression();
    }
    this.expect(T.rightParenthesis);
    return this.plainCall(['substring', position], values);
  }

  /** `POSITION(x IN s)` is `position(s, x)`. */
  protected parsePosition(): Expression {
    const position = this.position;
    const name = this.takeIdentifier();
    this.expect(T.leftParenthesis);
    const needle = this.parseOperand();
    if (this.kind !== K.in) return this.finishPlain(name, needle, position);
    this.advance();
    const haystack = this.parseExpression();
    this.expect(T.rightParenthesis);
    return this.plainCall(['position', position], [haystack, needle]);
  }

  /** `TRIM([LEADING | TRAILING | BOTH] [c] FROM s)`. */
  protected parseTrim(): Expression {
    const position = this.position;
    const identifier = this.takeIdentifier();
    this.expect(T.leftParenthesis);
    const side = this.kind;
    const name = side === K.leading ? 'ltrim' : side === K.trailing ? 'rtrim' : 'trim';
    const hasSide = side === K.leading || side === K.trailing || side === K.both;
    if (hasSide) this.advance();
    const values: Expression[] = [];
    if (this.kind !== K.from) values.push(this.parseExpression());
    if (this.accept(K.from)) values.unshift(this.parseExpression());
    else if (!hasSide) return this.finishPlain(identifier, values[0] ?? this.parseExpression(), position);
    while (this.accept(T.comma)) values.push(this.parseExpression());
    this.expect(T.rightParenthesis);
    return this.plainCall([name, position], values);
  }

  /** `OVERLAY(s PLACING r FROM a FOR n)`. */
  protected parseOverlay(): Expression {
    const position = this.position;
    const name = this.takeIdentifier();
    const first = this.startSpecial();
    if (!this.accept(K.placing)) return this.finishPlain(name, first, position);
    const values = [first, this.parseExpression()];
    this.expect(K.from);
    values.push(this.parseExpression());
    if (this.accept(K.for)) values.push(this.parseExpression());
    this.expect(T.rightParenthesis);
    return this.plainCall(['overlay', position], values);
  }

  private startSpecial(): Expression {
    this.expect(T.leftParenthesis);
    return this.parseExpression();
  }

  /** The rest of a plain call whose first argument is read. */
  private finishPlain(name: Identifier, first: Expression, position: number): FunctionCall {
    const parts: FunctionArgument[] = [{ name: null, value: first }];
    while (this.accept(T.comma)) parts.push(this.parseArgument(name));
    this.expect(T.rightParenthesis);
    const call = newCall([name], position);
    call.arguments = parts;
    return this.parseCallSuffix(call);
  }

  // ---- order and windows ----

  /** The current token is ORDER. */
  protected parseOrderBy(): OrderItem[] {
    this.expect(K.order);
    this.expect(K.by);
    return this.list(() => this.parseOrderItem());
  }

  protected parseOrderItem(): OrderItem {
    const position = this.position;
    // DuckDB's `#2` is the second result column.
    if (this.kind === T.hash && this.peek() === T.integer) this.advance();
    const expression = this.parseExpression();
    const { direction, nulls } = this.parseOrderFlags();
    return { expression, direction, nulls, position, end: this.end };
  }

  protected parseOrderFlags(): OrderFlags {
    const direction = this.accept(K.desc) ? 'desc' : 'asc';
    if (direction === 'asc') this.accept(K.asc);
    let nulls: OrderFlags['nulls'] = null;
    if (this.accept(K.nulls)) {
      nulls = this.kind === K.last ? 'last' : 'first';
      if (this.kind !== K.last && this.kind !== K.first) throw this.unexpected('FIRST or LAST');
      this.advance();
    }
    return { direction, nulls };
  }

  private parseOver(): WindowName | WindowSpecification {
    if (this.kind === T.leftParenthesis) return this.parseWindowSpecification();
    const position = this.position;
    return { kind: 'windowName', name: this.parseIdentifier('a window'), position, end: this.end };
  }

  protected parseNamedWindow(): NamedWindow {
    const position = this.position;
    const name = this.parseIdentifier('a window name');
    this.expect(K.as);
    return { name, specification: this.parseWindowSpecification(), position, end: this.end };
  }

  private parseWindowSpecification(): WindowSpecification {
    const position = this.position;
    this.expect(T.leftParenthesis);
    const isBase = this.isNameToken(this.kind) && !(this.kind === K.partition && this.peek() === K.by) && !this.isFrameStart();
    const base = isBase ? this.parseIdentifier() : null;
    let partitionBy: Expression[] = [];
    if (this.kind === K.partition) {
      this.advance();
      this.expect(K.by);
      partitionBy = this.list(() => this.parseExpression());
    }
    const orderBy = this.kind === K.order ? this.parseOrderBy() : [];
    const frame = this.isFrameStart() ? this.parseFrame() : null;
    this.expect(T.rightParenthesis);
    return { kind: 'windowSpecification', base, partitionBy, orderBy, frame, position, end: this.end };
  }

  private isFrameStart(): boolean {
    const isUnit = this.kind === K.rows || this.kind === K.range || this.kind === K.groups;
    const next = this.peek();
    return isUnit && next !== T.rightParenthesis && next !== K.order && next !== K.partition;
  }

  private parseFrame(): WindowFrame {
    const position = this.position;
    const unit = this.kind === K.rows ? 'rows' : this.kind === K.range ? 'range' : 'groups';
    this.advance();
    let start: FrameBound;
    let finish: FrameBound = { kind: 'currentRow' };
    if (this.accept(K.between)) {
      start = this.parseFrameBound();
      this.expect(K.and);
      finish = this.parseFrameBound();
    } else start = this.parseFrameBound();
    return { unit, start, finish, exclude: this.parseFrameExclusion(), position, end: this.end };
  }

  protected parseFrameBound(): FrameBound {
    if (this.kind === K.unbounded && (this.peek() === K.preceding || this.peek() === K.following)) {
      this.advance();
      const kind = this.kind === K.preceding ? 'unboundedPreceding' : 'unboundedFollowing';
      this.advance();
      return { kind };
    }
    if (this.acceptBoth(K.current, K.row)) return { kind: 'currentRow' };
    const offset = this.parseQuantity();
    const kind = this.kind === K.preceding ? 'preceding' : 'following';
    if (this.kind !== K.preceding && this.kind !== K.following) throw this.unexpected('PRECEDING or FOLLOWING', K.preceding);
    this.advance();
    return { kind, offset };
  }

  private parseFrameExclusion(): WindowFrame['exclude'] {
    if (!this.accept(K.exclude)) return 'noOthers';
    if (this.acceptBoth(K.current, K.row)) return 'currentRow';
    if (this.acceptBoth(K.no, K.others)) return 'noOthers';
    if (this.accept(K.group)) return 'group';
    if (this.accept(K.ties)) return 'ties';
    throw this.unexpected('CURRENT ROW, GROUP, TIES or NO OTHERS');
  }
}

function positional(value: Expression): FunctionArgument {
  return { name: null, value };
}
