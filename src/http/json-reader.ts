/**
 * JSON text → values, with integers beyond 2^53 as bigint (JSON.parse would round them). Used for request bodies whose numbers may be
 * parameters of a statement; bodies without long numbers go to JSON.parse.
 */
import { DbError } from '../core/errors.js';

export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

const MAX_DEPTH = 64;
const LONG_NUMBER = /\d{16}/;
const TOKEN = /[\t\n\r ]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null))/y;

export function readJson(text: string): JsonValue {
  try {
    if (!LONG_NUMBER.test(text)) return JSON.parse(text) as JsonValue;
    return new Reader(text).document();
  } catch (error) {
    if (error instanceof DbError) throw error;
    throw new DbError('invalid_argument', `the body is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
}

class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  document(): JsonValue {
    const value = this.value(this.next(), 0);
    if (this.text.slice(this.at).trim() !== '') this.fail();
    return value;
  }

  private fail(): never {
    throw new DbError('invalid_argument', `the body is not valid JSON at character ${this.at}`);
  }

  private next(): string {
    TOKEN.lastIndex = this.at;
    const match = TOKEN.exec(this.text);
    if (!match) this.fail();
    this.at = TOKEN.lastIndex;
    return match[1] ?? match[2] ?? match[3] ?? (match[4] as string);
  }

  private value(token: string, depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw new DbError('invalid_argument', `the body is nested deeper than ${MAX_DEPTH}`);
    if (token === '{') return this.members(depth);
    if (token === '[') return this.items(depth);
    if (token.startsWith('"')) return JSON.parse(token) as string;
    if (token === 'true' || token === 'false') return token === 'true';
    if (token === 'null') return null;
    if (!/^[-\d]/.test(token)) this.fail();
    const number = Number(token);
    return /^-?\d+$/.test(token) && !Number.isSafeInteger(number) ? BigInt(token) : number;
  }

  private items(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    let token = this.next();
    if (token === ']') return items;
    for (;;) {
      items.push(this.value(token, depth + 1));
      token = this.next();
      if (token === ']') return items;
      if (token !== ',') this.fail();
      token = this.next();
    }
  }

  private members(depth: number): { [name: string]: JsonValue } {
    const members: [string, JsonValue][] = [];
    let token = this.next();
    if (token === '}') return {};
    for (;;) {
      if (!token.startsWith('"')) this.fail();
      const name = JSON.parse(token) as string;
      if (this.next() !== ':') this.fail();
      members.push([name, this.value(this.next(), depth + 1)]);
      token = this.next();
      if (token === '}') return Object.fromEntries(members);
      if (token !== ',') this.fail();
      token = this.next();
    }
  }
}
