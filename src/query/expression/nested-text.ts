/** Lists and structs as text: `[1, NULL, 'a, b']`, `{'a': 1, 'b': [2]}`; lists also as PostgreSQL writes them, `{1,2}`. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, typeName } from '../../core/types.js';

type Nested = Extract<DataType, { kind: 'list' | 'struct' }>;

/** Text that would not read back as itself stands in quotes. */
function quoted(text: string): string {
  const plain = text !== '' && !/^\s|\s$|[[\]{}(),:"'\\=]/.test(text) && text.toUpperCase() !== 'NULL';
  return plain ? text : `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

export function nestedToText(value: Value, type: Nested, leaf: (value: Value, type: DataType) => string | null): string {
  const write = (item: Value, itemType: DataType): string => {
    if (item === null) return 'NULL';
    if (itemType.kind === 'list' || itemType.kind === 'struct') return nestedToText(item, itemType, leaf);
    const text = leaf(item, itemType) ?? 'NULL';
    return itemType.kind === 'utf8' || itemType.kind === 'symbol' ? quoted(text) : text;
  };
  if (type.kind === 'list') return `[${(value as readonly Value[]).map((item) => write(item, type.item.type)).join(', ')}]`;
  const row = value as { readonly [name: string]: Value };
  const name = (field: string) => `'${field.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  return `{${type.fields.map((field) => `${name(field.name)}: ${write(row[field.name] ?? null, field.type)}`).join(', ')}}`;
}

/** Fails with `invalid_value`. */
export function nestedFromText(text: string, type: Nested, leaf: (text: string, type: DataType) => Value): Value {
  return new NestedReader(text, type, leaf).read();
}

class NestedReader {
  private readonly text: string;
  private readonly type: Nested;
  private readonly leaf: (text: string, type: DataType) => Value;
  private at = 0;

  constructor(text: string, type: Nested, leaf: (text: string, type: DataType) => Value) {
    this.text = text;
    this.type = type;
    this.leaf = leaf;
  }

  read(): Value {
    const value = this.value(this.type, '');
    this.space();
    if (this.at < this.text.length) throw this.wrong();
    return value;
  }

  private value(type: DataType, ends: string): Value {
    this.space();
    if (type.kind === 'list' || type.kind === 'struct') {
      if (/^null(?![^\s,\]})])/i.test(this.text.slice(this.at, this.at + 5))) {
        this.at += 4;
        return null;
      }
      return type.kind === 'list' ? this.list(type) : this.struct(type);
    }
    const { text, isQuoted } = this.word(ends);
    return !isQuoted && text.toUpperCase() === 'NULL' ? null : this.leaf(text, type);
  }

  private list(type: Extract<DataType, { kind: 'list' }>): Value {
    const close = this.text[this.at] === '[' ? ']' : this.text[this.at] === '{' ? '}' : '';
    if (close === '') throw this.wrong();
    this.at += 1;
    const items: Value[] = [];
    if (this.takes(close)) return items;
    do items.push(this.value(type.item.type, `,${close}`));
    while (this.takes(','));
    this.expect(close);
    return items;
  }

  private struct(type: Extract<DataType, { kind: 'struct' }>): Value {
    const close = this.text[this.at] === '{' ? '}' : this.text[this.at] === '(' ? ')' : '';
    if (close === '') throw this.wrong();
    this.at += 1;
    const row: Record<string, Value> = Object.fromEntries(type.fields.map((field) => [field.name, null]));
    if (this.takes(close)) return row;
    let place = 0;
    do {
      let field = type.fields[place++];
      if (close === '}') {
        this.space();
        const { text: name } = this.word(':');
        this.expect(':');
        field = type.fields.find((each) => each.name.toLowerCase() === name.toLowerCase());
      }
      if (!field) throw this.wrong();
      row[field.name] = this.value(field.type, `,${close}`);
    } while (this.takes(','));
    this.expect(close);
    return row;
  }

  /** A text in quotes, or up to one of the ends. */
  private word(ends: string): { readonly text: string; readonly isQuoted: boolean } {
    const quote = this.text[this.at];
    if (quote !== '"' && quote !== "'") {
      const first = this.at;
      while (this.at < this.text.length && !ends.includes(this.text[this.at] as string)) this.at += 1;
      return { text: this.text.slice(first, this.at).trim(), isQuoted: false };
    }
    let text = '';
    for (this.at += 1; this.at < this.text.length; this.at++) {
      const character = this.text[this.at] as string;
      if (character === '\\') text += this.text[++this.at] ?? '';
      else if (character !== quote) text += character;
      else if (this.text[this.at + 1] === quote) text += this.text[++this.at];
      else {
        this.at += 1;
        return { text, isQuoted: true };
      }
    }
    throw this.wrong();
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at += 1;
  }

  private takes(character: string): boolean {
    this.space();
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private expect(character: string): void {
    if (!this.takes(character)) throw this.wrong();
  }

  private wrong(): DbError {
    const shown = this.text.length > 60 ? `${this.text.slice(0, 60)}…` : this.text;
    return new DbError('invalid_value', `'${shown}' is not a valid ${typeName(this.type)} (at character ${this.at + 1})`);
  }
}
