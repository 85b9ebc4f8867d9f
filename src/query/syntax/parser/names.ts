/** Identifiers and data types. */

import type { DataType, DurationUnit, Identifier, QualifiedName, TypeArgument } from '../ast/node.js';
import { isReserved, K } from '../keywords.js';
import { decodeIdentifier, decodeString } from '../text.js';
import { T } from '../token-kind.js';
import { unitOfWord } from '../units.js';
import { Cursor } from './cursor.js';

export abstract class NameParser extends Cursor {
  /** A name that is no reserved word. `what` says in the error what the name is for. */
  protected parseIdentifier(what = 'a name'): Identifier {
    if (!this.isNameToken(this.kind)) throw this.unexpected(what);
    return this.takeIdentifier();
  }

  /** Any word: after AS and after a dot reserved words are names too. */
  protected parseLabel(what = 'a name'): Identifier {
    if (!this.isNameToken(this.kind) && !isReserved(this.kind)) throw this.unexpected(what);
    return this.takeIdentifier();
  }

  protected takeIdentifier(): Identifier {
    const { position, kind } = this;
    const quoted = kind === T.quotedIdentifier || kind === T.unicodeIdentifier;
    const text = this.tokenText();
    const name = quoted ? decodeIdentifier(text, kind, position) : text;
    this.advance();
    return { name, quoted, position };
  }

  protected parseQualifiedName(what = 'a name'): QualifiedName {
    const parts = [this.parseIdentifier(what)];
    while (this.accept(T.dot)) parts.push(this.parseLabel(what));
    return parts;
  }

  /** `(a, b)`. */
  protected parseColumnNames(): Identifier[] {
    return this.parenthesised(() => this.parseIdentifier('a column name'));
  }

  protected parseOptionalColumnNames(): Identifier[] {
    return this.kind === T.leftParenthesis ? this.parseColumnNames() : [];
  }

  /** The value of a string token, with `'a' 'b'` on separate lines joined as the standard says. */
  protected parseString(what = 'a string'): string {
    if (!this.isStringToken(this.kind)) throw this.unexpected(what);
    const isPlain = this.kind === T.string;
    let value = decodeString(this.tokenText(), this.kind, this.position);
    this.advance();
    while (isPlain && this.kind === T.string && this.text.slice(this.end, this.position).includes('\n')) {
      value += decodeString(this.tokenText(), this.kind, this.position);
      this.advance();
    }
    return value;
  }

  /** A number token that is a small whole number; `what` for the error. */
  protected parseCount(what: string): number {
    const value = Number(this.tokenText().replaceAll('_', ''));
    if ((this.kind !== T.integer && this.kind !== T.radixInteger) || !Number.isSafeInteger(value)) throw this.unexpected(what);
    this.advance();
    return value;
  }

  /** The unit when the current word is one. */
  protected peekUnit(): DurationUnit | null {
    return this.isWord() ? unitOfWord(this.tokenText()) : null;
  }

  protected acceptUnit(): DurationUnit | null {
    const unit = this.peekUnit();
    if (unit !== null) this.advance();
    return unit;
  }

  // ---- data types ----

  protected parseDataType(): DataType {
    const outer = this.enter();
    const position = this.position;
    let type = this.parseElementType();
    for (;;) {
      if (this.kind === T.leftBracket) {
        this.advance();
        const size = this.kind === T.rightBracket ? null : this.parseCount('a length');
        this.expect(T.rightBracket);
        type = { kind: 'listType', element: type, size, position, end: this.end };
      } else if (this.accept(K.array)) {
        let size: number | null = null;
        if (this.accept(T.leftBracket)) {
          size = this.parseCount('a length');
          this.expect(T.rightBracket);
        }
        type = { kind: 'listType', element: type, size, position, end: this.end };
      } else break;
      this.raise();
    }
    this.leave(outer);
    return type;
  }

  private parseElementType(): DataType {
    const position = this.position;
    if (this.peek() === T.leftParenthesis) {
      if (this.kind === K.map) return this.parseMapType(position);
      if (this.kind === K.row || this.isText('struct')) return this.parseStructType(position);
      if (this.kind === K.list || this.kind === K.array) {
        this.advance();
        this.expect(T.leftParenthesis);
        const element = this.parseDataType();
        this.expect(T.rightParenthesis);
        return { kind: 'listType', element, size: null, position, end: this.end };
      }
    }
    return this.parseNamedType(position);
  }

  private parseMapType(position: number): DataType {
    this.advance();
    this.expect(T.leftParenthesis);
    const key = this.parseDataType();
    this.expect(T.comma);
    const value = this.parseDataType();
    this.expect(T.rightParenthesis);
    return { kind: 'mapType', key, value, position, end: this.end };
  }

  private parseStructType(position: number): DataType {
    this.advance();
    const fields = this.parenthesised(() => ({ name: this.parseLabel('a field name'), type: this.parseDataType() }));
    return { kind: 'structType', fields, position, end: this.end };
  }

  private parseNamedType(position: number): DataType {
    const first = this.parseIdentifier('a type');
    let schema: string | null = null;
    let identifier = first;
    if (this.accept(T.dot)) {
      schema = first.name;
      identifier = this.parseLabel('a type');
    }
    let name = identifier.quoted ? identifier.name : identifier.name.toLowerCase();
    if (!identifier.quoted) name = this.parseTypeSuffix(name);
    const typeArguments: TypeArgument[] = [];
    if (this.accept(T.leftParenthesis)) {
      if (this.kind !== T.rightParenthesis) typeArguments.push(...this.list(() => this.parseTypeArgument()));
      this.expect(T.rightParenthesis);
    }
    if (name === 'timestamp' || name === 'time') name += this.parseTimeZoneSuffix();
    if (name === 'interval') this.parseIntervalFields();
    return { kind: 'namedType', name, schema, arguments: typeArguments, position, end: this.end };
  }

  /** The second word of the types that have two. */
  private parseTypeSuffix(name: string): string {
    if (name === 'double' && this.acceptText('precision')) return 'double precision';
    if ((name === 'character' || name === 'char' || name === 'bit') && this.acceptText('varying')) {
      return name === 'bit' ? 'bit varying' : 'character varying';
    }
    return name;
  }

  private parseTimeZoneSuffix(): string {
    const isWith = this.kind === K.with;
    if ((!isWith && this.kind !== K.without) || this.peek() !== K.time || this.peek(2) !== K.zone) return '';
    this.advance();
    this.advance();
    this.advance();
    return isWith ? ' with time zone' : '';
  }

  /** `INTERVAL DAY TO SECOND`: the fields restrict nothing here. */
  private parseIntervalFields(): void {
    if (this.acceptUnit() === null) return;
    if (this.kind === K.to) {
      this.advance();
      if (this.acceptUnit() === null) throw this.unexpected('a unit of time');
    }
  }

  private parseTypeArgument(): TypeArgument {
    if (this.isStringToken(this.kind)) return { kind: 'string', value: this.parseString() };
    if (this.kind === T.minus || this.kind === T.integer) {
      const sign = this.accept(T.minus) ? -1 : 1;
      return { kind: 'number', value: sign * this.parseCount('a number') };
    }
    return { kind: 'type', type: this.parseDataType() };
  }
}
