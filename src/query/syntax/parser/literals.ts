/** Literals, intervals, durations and parameters. */

import type { DurationLiteral, Parameter } from '../ast/literal.js';
import type { Identifier } from '../ast/node.js';
import type { Expression, IntervalLiteral, Query } from '../ast/query.js';
import { K } from '../keywords.js';
import { decodeNumber } from '../text.js';
import { T } from '../token-kind.js';
import { parseDuration } from '../units.js';
import { NameParser } from './names.js';

/** Words that `{name:Type}` may name as a type; `{a: b}` with any other word is a struct. */
const PARAMETER_TYPE =
  /^(?:u?int(?:8|16|32|64|128|256)?|u?(?:big|small|tiny)int|integer|float(?:32|64)?|double|real|numeric|decimal(?:32|64|128)?|bool(?:ean)?|string|text|utf8|varchar|char|symbol|uuid|date(?:32)?|time(?:64)?|datetime(?:64)?|timestamp(?:_s|_ms|_us|_ns|tz)?|interval|binary|blob|bytea|json|array|list|map|nullable|identifier)$/i;

export abstract class LiteralParser extends NameParser {
  protected abstract parseExpression(): Expression;
  /** An expression that binds tighter than AND, comparisons, IN and BETWEEN: what stands between the words of a clause. */
  protected abstract parseOperand(): Expression;
  protected abstract parseQuery(): Query;

  protected parseNumber(): Expression {
    const { position, kind } = this;
    const text = decodeNumber(this.tokenText(), kind);
    this.advance();
    return { kind: 'number', text, isInteger: kind !== T.decimal, position, end: this.end };
  }

  protected parseDurationToken(): DurationLiteral {
    const position = this.position;
    const parts = parseDuration(this.tokenText(), position);
    this.advance();
    return { kind: 'duration', parts, position, end: this.end };
  }

  protected parseBlob(): Expression {
    const position = this.position;
    const hex = this.tokenText().slice(2, -1).toLowerCase();
    if (!/^(?:[0-9a-f]{2})*$/.test(hex)) throw this.error('a blob literal is made of pairs of hexadecimal digits', position);
    this.advance();
    return { kind: 'blob', hex, position, end: this.end };
  }

  /** The current token is `$1`, `$name`, `?`, or the colon of `:name`. */
  protected parseParameter(): Parameter {
    const { position, kind } = this;
    const text = this.tokenText();
    this.advance();
    let index: number | null = null;
    let name: string | null = null;
    if (kind === T.question) index = ++this.questionCount;
    else if (kind === T.numberedParameter) index = this.parameterIndex(text, position);
    else if (kind === T.namedParameter) name = text.slice(1);
    else {
      if (!this.isWord() || !this.isAdjacent(0))
        throw this.error('expected an expression, found ":"', position, 'a named parameter is :name');
      name = this.takeIdentifier().name;
    }
    return { kind: 'parameter', index, name, type: null, position, end: this.end };
  }

  protected isParameterStart(): boolean {
    return this.isParameterToken(this.kind) || this.kind === T.colon;
  }

  private parameterIndex(text: string, position: number): number {
    const index = Number(text.slice(1));
    if (index < 1 || index > 65_535) throw this.error(`${text} is no parameter`, position, 'parameters are numbered from $1 to $65535');
    return index;
  }

  /** Whether `{` opens `{name:Type}`, written without a space around the colon. */
  protected isTypedParameter(): boolean {
    if (!this.isWord(1) || this.peek(2) !== T.colon || !this.isWord(3) || !this.isAdjacent(2) || !this.isAdjacent(3)) return false;
    const after = this.peek(4);
    return (after === T.rightBrace || after === T.leftParenthesis) && PARAMETER_TYPE.test(this.tokenText(3));
  }

  protected parseTypedParameter(): Parameter {
    const position = this.position;
    this.advance();
    const { name } = this.takeIdentifier();
    this.advance();
    const type = this.parseDataType();
    this.expect(T.rightBrace);
    return { kind: 'parameter', index: null, name, type, position, end: this.end };
  }

  // ---- intervals ----

  /** INTERVAL literal, or null when the word is a name here. */
  protected tryParseInterval(): Expression | null {
    const next = this.peek();
    if (this.isStringToken(next) || next === T.duration) return this.parseInterval();
    if (next === T.integer || next === T.decimal || this.isParameterToken(next)) return this.parseInterval();
    if (next === T.minus && (this.peek(2) === T.integer || this.peek(2) === T.decimal) && this.isUnitAt(3)) return this.parseInterval();
    if (next === T.leftParenthesis) return this.parseInterval();
    if (this.isNameToken(next) && this.isUnitAt(2)) return this.parseInterval();
    return null;
  }

  private isParameterToken(kind: number): boolean {
    return kind === T.numberedParameter || kind === T.namedParameter || kind === T.question;
  }

  private isUnitAt(distance: number): boolean {
    if (!this.isWord(distance)) return false;
    return UNIT_AFTER_NAME.test(this.tokenText(distance));
  }

  private parseInterval(): Expression {
    const position = this.position;
    this.advance();
    if (this.kind === T.duration) return { ...this.parseDurationToken(), position };
    if (
      this.kind === T.leftParenthesis &&
      this.peek() === T.integer &&
      this.peek(2) === T.rightParenthesis &&
      this.isStringToken(this.peek(3))
    ) {
      for (let i = 0; i < 3; i++) this.advance();
    }
    const quantity = this.parseIntervalQuantity();
    const unit = this.acceptUnit();
    let toUnit: IntervalLiteral['toUnit'] = null;
    if (unit !== null && this.kind === K.to) {
      this.advance();
      toUnit = this.acceptUnit();
      if (toUnit === null) throw this.unexpected('a unit of time');
    }
    if (unit !== null && this.kind === T.leftParenthesis && this.peek() === T.integer && this.peek(2) === T.rightParenthesis) {
      for (let i = 0; i < 3; i++) this.advance();
    }
    if (unit === null && quantity.kind !== 'string' && quantity.kind !== 'parameter') throw this.unexpected('a unit of time');
    return { kind: 'interval', quantity, unit, toUnit, position, end: this.end };
  }

  private parseIntervalQuantity(): Expression {
    const position = this.position;
    if (this.isStringToken(this.kind)) {
      const value = this.parseString();
      return { kind: 'string', value, position, end: this.end };
    }
    if (this.accept(T.minus)) {
      const operand = this.parseNumber();
      return { kind: 'unary', operator: '-', operand, position, end: this.end };
    }
    if (this.kind === T.integer || this.kind === T.decimal) return this.parseNumber();
    if (this.isParameterToken(this.kind)) return this.parseParameter();
    if (this.accept(T.leftParenthesis)) {
      const outer = this.enter();
      const quantity = this.parseExpression();
      this.expect(T.rightParenthesis);
      this.leave(outer);
      return quantity;
    }
    const name = this.parseQualifiedName();
    return { kind: 'column', name, position, end: this.end };
  }

  /** A span of time or a number where a clause wants one: `5m`, `1 minute`, `'1' MINUTE`, `INTERVAL '1 hour'`, any expression. */
  protected parseQuantity(): Expression {
    const position = this.position;
    const quantity = this.parseOperand();
    if (this.peekUnit() === null) return quantity;
    if (quantity.kind === 'number' && quantity.isInteger) return this.parseSpelledDuration(quantity.text, position);
    if (quantity.kind === 'interval' || quantity.kind === 'duration') return quantity;
    const unit = this.acceptUnit();
    return { kind: 'interval', quantity, unit, toUnit: null, position, end: this.end };
  }

  /** `90 DAYS`. */
  private parseSpelledDuration(text: string, position: number): DurationLiteral {
    const amount = Number(text);
    if (!Number.isSafeInteger(amount)) throw this.error('the duration is too long', position);
    const parts: DurationLiteral['parts'][number][] = [];
    const unit = this.acceptUnit();
    if (unit !== null) parts.push({ amount, unit });
    return { kind: 'duration', parts, position, end: this.end };
  }

  // ---- braces ----

  /** `{'a': 1, b: 2}`. */
  protected parseStruct(): Expression {
    const position = this.position;
    const outer = this.enter();
    this.expect(T.leftBrace);
    const fields: { name: Identifier; value: Expression }[] = [];
    if (this.kind !== T.rightBrace) fields.push(...this.list(() => this.parseStructField()));
    this.expect(T.rightBrace);
    this.leave(outer);
    return { kind: 'struct', fields, position, end: this.end };
  }

  private parseStructField(): { name: Identifier; value: Expression } {
    const position = this.position;
    const name = this.isStringToken(this.kind) ? { name: this.parseString(), quoted: true, position } : this.parseLabel('a field name');
    this.expect(T.colon);
    return { name, value: this.parseExpression() };
  }

  /** `MAP {'a': 1}`; the current token is MAP. */
  protected parseMap(): Expression {
    const position = this.position;
    const outer = this.enter();
    this.advance();
    this.expect(T.leftBrace);
    const entries: { key: Expression; value: Expression }[] = [];
    if (this.kind !== T.rightBrace) entries.push(...this.list(() => this.parseMapEntry()));
    this.expect(T.rightBrace);
    this.leave(outer);
    return { kind: 'map', entries, position, end: this.end };
  }

  private parseMapEntry(): { key: Expression; value: Expression } {
    const key = this.parseExpression();
    this.expect(T.colon);
    return { key, value: this.parseExpression() };
  }
}

const UNIT_AFTER_NAME = /^(?:nano|micro|milli)?seconds?$|^(?:minute|hour|day|week|month|quarter|year)s?$/i;
