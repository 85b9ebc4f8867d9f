/** Operands: literals, names, calls, CASE, CAST, lists, parentheses; and the subscripts, casts and fields that follow them. */
import type { Identifier, QualifiedName } from '../ast/node.js';
import type { Expression, Query, Star } from '../ast/query.js';
import { isReserved, K } from '../keywords.js';
import { newCall } from '../new-call.js';
import { T } from '../token-kind.js';
import { OperatorParser } from './operators.js';

export abstract class PrimaryParser extends OperatorParser {
  /** Words that may begin an operand of their own form. An answer of null makes the word a name. */
  private static readonly specialWords: ReadonlyMap<number, (parser: PrimaryParser) => Expression | null> = new Map<
    number,
    (parser: PrimaryParser) => Expression | null
  >([
    [K.null, (parser) => parser.parseConstant()],
    [K.true, (parser) => parser.parseConstant()],
    [K.false, (parser) => parser.parseConstant()],
    [K.case, (parser) => parser.parseCase()],
    [K.cast, (parser) => parser.parseCast()],
    [K.try_cast, (parser) => parser.parseCast()],
    [K.exists, (parser) => parser.parseExists()],
    [K.array, (parser) => parser.parseArray()],
    [K.row, (parser) => parser.tryParseRow()],
    [K.left, (parser) => parser.tryParseReservedCall()],
    [K.right, (parser) => parser.tryParseReservedCall()],
    [K.interval, (parser) => parser.tryParseInterval()],
    [K.timestamp, (parser) => parser.tryParseTimeLiteral()],
    [K.time, (parser) => parser.tryParseTimeLiteral()],
    [K.extract, (parser) => parser.tryParseSpecialCall(parser.parseExtract)],
    [K.substring, (parser) => parser.tryParseSpecialCall(parser.parseSubstring)],
    [K.position, (parser) => parser.tryParseSpecialCall(parser.parsePosition)],
    [K.trim, (parser) => parser.tryParseSpecialCall(parser.parseTrim)],
    [K.overlay, (parser) => parser.tryParseSpecialCall(parser.parseOverlay)],
    [K.columns, (parser) => (parser.peek() === T.leftParenthesis ? parser.parseColumnsSelector(parser.position, false) : null)],
    [K.map, (parser) => parser.tryParseMap()],
    [K.lambda, (parser) => parser.tryParseLambda()],
    [K.current_catalog, (parser) => parser.parseBareCall()],
    [K.current_date, (parser) => parser.parseBareCall()],
    [K.current_role, (parser) => parser.parseBareCall()],
    [K.current_schema, (parser) => parser.parseBareCall()],
    [K.current_time, (parser) => parser.parseBareCall()],
    [K.current_timestamp, (parser) => parser.parseBareCall()],
    [K.current_user, (parser) => parser.parseBareCall()],
    [K.localtime, (parser) => parser.parseBareCall()],
    [K.localtimestamp, (parser) => parser.parseBareCall()],
    [K.session_user, (parser) => parser.parseBareCall()],
  ]);

  /** The rest of a query whose first operand has been read. */
  protected abstract parseQueryAfter(first: Query): Query;

  protected parsePostfix(): Expression {
    const position = this.position;
    let operand = this.parsePrimary();
    for (;;) {
      if (this.kind === T.doubleColon) {
        this.advance();
        operand = { kind: 'cast', operand, type: this.parseDataType(), isTry: false, position, end: this.end };
      } else if (this.kind === T.leftBracket) operand = this.parseSubscript(operand, position);
      else if (this.kind === T.dot) {
        this.advance();
        operand = { kind: 'field', operand, name: this.parseLabel('a field name'), position, end: this.end };
      } else return operand;
      this.raise();
    }
  }

  protected parsePrimary(): Expression {
    const kind = this.kind;
    if (kind === T.identifier || kind === T.quotedIdentifier) return this.parseNamed();
    if (kind === T.integer || kind === T.decimal || kind === T.radixInteger) return this.parseNumber();
    if (kind === T.leftParenthesis) return this.parseParenthesis();
    if (this.isStringToken(kind)) return this.parseStringLiteral();
    if (kind >= 128) {
      const special = PrimaryParser.specialWords.get(kind)?.(this);
      if (special) return special;
      if (!isReserved(kind)) return this.parseNamed();
      throw this.unexpected('an expression');
    }
    return this.parseRarePrimary(kind);
  }

  private parseRarePrimary(kind: number): Expression {
    if (kind === T.duration) return this.parseDurationToken();
    if (kind >= T.numberedParameter && kind <= T.question) return this.parseParameter();
    if (kind === T.colon) return this.parseParameter();
    if (kind === T.leftBracket) return this.parseList(this.position);
    if (kind === T.leftBrace) return this.isTypedParameter() ? this.parseTypedParameter() : this.parseStruct();
    if (kind === T.blob) return this.parseBlob();
    if (kind === T.unicodeIdentifier) return this.parseNamed();
    throw this.unexpected('an expression');
  }

  private parseStringLiteral(): Expression {
    const position = this.position;
    const value = this.parseString();
    return { kind: 'string', value, position, end: this.end };
  }

  /** A column, a call, `t.*`, or a typed literal such as DATE '2026-01-01'. */
  private parseNamed(): Expression {
    const position = this.position;
    const isTypeWord = this.kind !== T.quotedIdentifier;
    if (isTypeWord && this.isStringToken(this.peek())) return this.parseTypedLiteral();
    const first = this.takeIdentifier();
    if (this.kind === T.leftParenthesis) return this.parseCall([first], position);
    if (this.kind !== T.dot) return { kind: 'column', name: [first], position, end: this.end };
    let name: readonly Identifier[] = [first];
    while (this.accept(T.dot)) {
      if (this.accept(T.star)) return this.parseStar(name, position);
      const label = this.parseLabel('a column name');
      name = name.length === 1 ? [first, label] : [...name, label];
    }
    if (this.kind === T.leftParenthesis) return this.parseCall(name, position);
    return { kind: 'column', name, position, end: this.end };
  }

  protected parseTypedLiteral(): Expression {
    const position = this.position;
    const type = this.parseDataType();
    return { kind: 'typedLiteral', type, value: this.parseString(), position, end: this.end };
  }

  // ---- parentheses ----

  private parseParenthesis(): Expression {
    const position = this.position;
    this.advance();
    if (this.isQueryStart()) return this.parseSubquery(position);
    let first = this.parseBinary(0);
    if (first.kind === 'subquery') first = this.continueAsQuery(first) ?? first;
    if (this.kind === T.comma) return this.parseRowRest(first, position);
    this.expect(T.rightParenthesis);
    return first;
  }

  private parseSubquery(position: number): Expression {
    const query = this.parseQuery();
    this.expect(T.rightParenthesis);
    return { kind: 'subquery', query, position, end: this.end };
  }

  private parseRowRest(first: Expression, position: number): Expression {
    const items = [first];
    while (this.accept(T.comma)) items.push(this.parseExpression());
    this.expect(T.rightParenthesis);
    return { kind: 'row', items, position, end: this.end };
  }

  protected continueAsQuery(first: Expression): Expression | null {
    if (first.kind !== 'subquery' || !this.isQueryContinuation()) return null;
    const query = this.parseQueryAfter(first.query);
    return { kind: 'subquery', query, position: first.position, end: this.end };
  }

  protected isQueryContinuation(): boolean {
    return QUERY_CONTINUATIONS.has(this.kind);
  }

  protected isQueryStart(): boolean {
    const kind = this.kind;
    if (kind < 128) return false;
    if (kind === K.select || kind === K.with || kind === K.from || kind === K.table) return true;
    if (kind === K.values) return this.peek() === T.leftParenthesis;
    return (kind === K.pivot || kind === K.unpivot) && (this.isNameToken(this.peek()) || this.isStringToken(this.peek()));
  }

  /** PIVOT and UNPIVOT before a parenthesis: a statement where one may stand, a function call in an expression. */
  protected isPivotOfParentheses(): boolean {
    return (this.kind === K.pivot || this.kind === K.unpivot) && this.peek() === T.leftParenthesis;
  }

  // ---- words with a syntax of their own ----

  private parseCase(): Expression {
    const position = this.position;
    this.advance();
    const operand = this.kind === K.when ? null : this.parseExpression();
    const branches: { when: Expression; then: Expression }[] = [];
    do {
      this.expect(K.when);
      const when = this.parseExpression();
      this.expect(K.then);
      branches.push({ when, then: this.parseExpression() });
    } while (this.kind === K.when);
    const otherwise = this.accept(K.else) ? this.parseExpression() : null;
    this.expect(K.end);
    return { kind: 'case', operand, branches, otherwise, position, end: this.end };
  }

  private parseCast(): Expression {
    const position = this.position;
    const isTry = this.kind === K.try_cast;
    this.advance();
    this.expect(T.leftParenthesis);
    const operand = this.parseExpression();
    this.expect(K.as);
    const type = this.parseDataType();
    this.expect(T.rightParenthesis);
    return { kind: 'cast', operand, type, isTry, position, end: this.end };
  }

  private parseExists(): Expression {
    const position = this.position;
    this.advance();
    const query = this.parseParenthesisedQuery();
    return { kind: 'exists', query, position, end: this.end };
  }

  protected parseParenthesisedQuery(): Query {
    this.expect(T.leftParenthesis);
    const query = this.parseQuery();
    this.expect(T.rightParenthesis);
    return query;
  }

  private parseArray(): Expression {
    const position = this.position;
    this.advance();
    if (this.kind === T.leftBracket) return this.parseList(position);
    const query = this.parseParenthesisedQuery();
    return { kind: 'arraySubquery', query, position, end: this.end };
  }

  private parseList(position: number): Expression {
    const outer = this.enter();
    this.expect(T.leftBracket);
    const items = this.kind === T.rightBracket ? [] : this.list(() => this.parseExpression());
    const [only] = items;
    const list: Expression | null = only && items.length === 1 && this.accept(K.for) ? this.parseComprehension(only, position) : null;
    this.expect(T.rightBracket);
    this.leave(outer);
    return list ? { ...list, end: this.end } : { kind: 'list', items, position, end: this.end };
  }

  /** `x FOR a [, i] IN list [IF condition]`: list_transform(list_filter(list, a -> condition), (a, i) -> x). */
  private parseComprehension(body: Expression, position: number): Expression {
    const parameters = this.list(() => this.parseIdentifier('a name for the item'));
    if (parameters.length > 2) throw this.unexpected('IN');
    this.expect(K.in);
    const source = this.parseExpression();
    const transform = (list: Expression) => this.lambdaCall('list_transform', list, parameters, body, position);
    if (!this.isText('if')) return transform(source);
    if (parameters.length > 1) throw this.unexpected('"]": the place of an item has no meaning behind IF');
    this.advance();
    return transform(this.lambdaCall('list_filter', source, parameters, this.parseExpression(), position));
  }

  private lambdaCall(name: string, list: Expression, parameters: readonly Identifier[], body: Expression, position: number): Expression {
    const lambda: Expression = { kind: 'lambda', parameters, body, position: body.position, end: body.end };
    const call = newCall([{ name, quoted: false, position }], position, this.end);
    call.arguments = [list, lambda].map((value) => ({ name: null, value }));
    return call;
  }

  /** ROW(…); null when ROW is a name. */
  private tryParseRow(): Expression | null {
    if (this.peek() !== T.leftParenthesis) return null;
    const position = this.position;
    this.advance();
    this.advance();
    const items = this.kind === T.rightParenthesis ? [] : this.list(() => this.parseExpression());
    this.expect(T.rightParenthesis);
    return { kind: 'row', items, position, end: this.end };
  }

  private parseConstant(): Expression {
    const { position, kind } = this;
    this.advance();
    if (kind === K.null) return { kind: 'null', position, end: this.end };
    return { kind: 'boolean', value: kind === K.true, position, end: this.end };
  }

  /** LEFT(…) and RIGHT(…): the two join words that are functions too. */
  private tryParseReservedCall(): Expression | null {
    if (this.peek() !== T.leftParenthesis) return null;
    const position = this.position;
    return this.parseCall([this.takeIdentifier()], position);
  }

  /** TIMESTAMP WITH TIME ZONE '…', TIMESTAMP(3) '…'; null when the word is a name or a call. */
  private tryParseTimeLiteral(): Expression | null {
    const next = this.peek();
    if ((next === K.with || next === K.without) && this.peek(2) === K.time && this.isStringToken(this.peek(4)))
      return this.parseTypedLiteral();
    if (next !== T.leftParenthesis || this.peek(2) !== T.integer || this.peek(3) !== T.rightParenthesis) return null;
    const hasZone = (this.peek(4) === K.with || this.peek(4) === K.without) && this.peek(5) === K.time;
    return this.isStringToken(this.peek(hasZone ? 7 : 4)) ? this.parseTypedLiteral() : null;
  }

  /** The special form of a function, which needs its parenthesis. */
  private tryParseSpecialCall(parse: () => Expression): Expression | null {
    if (this.peek() !== T.leftParenthesis) return null;
    const outer = this.enter();
    const call = parse.call(this);
    this.leave(outer);
    return call;
  }

  private tryParseMap(): Expression | null {
    return this.peek() === T.leftBrace ? this.parseMap() : null;
  }

  private tryParseLambda(): Expression | null {
    const after = this.peek(2);
    return this.isNameToken(this.peek()) && (after === T.colon || after === T.comma) ? this.parseLambdaKeyword() : null;
  }

  /** COLUMNS(…). */
  private parseColumnsSelector(position: number, unpacked: boolean): Expression {
    const outer = this.enter();
    this.advance();
    this.expect(T.leftParenthesis);
    const isLambda = this.isNameToken(this.kind) && this.peek() === T.arrow;
    let selector: Expression;
    if (this.kind === T.star) {
      const starPosition = this.position;
      this.advance();
      const star = this.parseStar([], starPosition);
      selector = star.kind === 'columns' ? star.selector : star;
    } else if (isLambda) {
      const lambdaPosition = this.position;
      const parameters = [this.takeIdentifier()];
      this.advance();
      selector = { kind: 'lambda', parameters, body: this.parseExpression(), position: lambdaPosition, end: this.end };
    } else selector = this.parseExpression();
    this.expect(T.rightParenthesis);
    this.leave(outer);
    this.columnsCount++;
    return { kind: 'columns', selector, unpacked, position, end: this.end };
  }

  // ---- stars and subscripts ----

  /** What follows `*` or `t.*`: EXCLUDE, REPLACE, RENAME, or the COLUMNS(…) of `*COLUMNS(…)`. */
  protected parseStar(qualifier: readonly Identifier[], position: number): Expression {
    if (qualifier.length === 0 && this.kind === K.columns && this.peek() === T.leftParenthesis)
      return this.parseColumnsSelector(position, true);
    const exclude: QualifiedName[] = [];
    const replace: Star['replace'][number][] = [];
    const rename: Star['rename'][number][] = [];
    for (;;) {
      if (this.kind === K.exclude || this.isStarExcept()) {
        this.advance();
        exclude.push(...this.oneOrMore(() => this.parseQualifiedName('a column name')));
      } else if (this.accept(K.replace)) replace.push(...this.oneOrMore(() => this.parseReplacement()));
      else if (this.accept(K.rename)) rename.push(...this.oneOrMore(() => this.parseRenaming()));
      else break;
    }
    const star: Star = { kind: 'star', qualifier, exclude, replace, rename, position, end: this.end };
    // `* LIKE 'x%'` chooses columns by name.
    const isChosen = STAR_PATTERNS.has(this.kind === K.not ? this.peek() : this.kind);
    const selector = isChosen ? this.parsePredicate(star, position) : null;
    if (!selector) return star;
    this.columnsCount++;
    return { kind: 'columns', selector, unpacked: false, position, end: this.end };
  }

  private isStarExcept(): boolean {
    return this.kind === K.except && this.peek() === T.leftParenthesis && this.isNameToken(this.peek(2));
  }

  private oneOrMore<Item>(item: () => Item): Item[] {
    return this.kind === T.leftParenthesis ? this.parenthesised(item) : [item()];
  }

  private parseReplacement(): Star['replace'][number] {
    const expression = this.parseExpression();
    this.expect(K.as);
    return { expression, column: this.parseLabel('a column name') };
  }

  private parseRenaming(): Star['rename'][number] {
    const from = this.parseQualifiedName('a column name');
    this.expect(K.as);
    return { from, to: this.parseLabel('a column name') };
  }

  /** `[i]`, `[a:b]`, `[a:b:step]`. */
  private parseSubscript(operand: Expression, position: number): Expression {
    this.advance();
    const isSlice = this.kind === T.colon || this.kind === T.doubleColon;
    const lower = isSlice ? null : this.parseExpression();
    if (lower !== null && this.accept(T.rightBracket)) return { kind: 'subscript', operand, index: lower, position, end: this.end };
    let upper: Expression | null = null;
    let step: Expression | null = null;
    if (this.accept(T.doubleColon)) step = this.parseExpression();
    else {
      this.expect(T.colon);
      if (this.kind === T.minus && (this.peek() === T.rightBracket || this.peek() === T.colon)) this.advance();
      else if (this.kind !== T.rightBracket && this.kind !== T.colon) upper = this.parseExpression();
      if (this.accept(T.colon) && this.kind !== T.rightBracket) step = this.parseExpression();
    }
    this.expect(T.rightBracket);
    return { kind: 'slice', operand, lower, upper, step, position, end: this.end };
  }
}

const QUERY_CONTINUATIONS: ReadonlySet<number> = new Set([K.union, K.intersect, K.except, K.order, K.limit, K.offset, K.fetch]);
const STAR_PATTERNS: ReadonlySet<number> = new Set([K.like, K.ilike, K.similar]);
