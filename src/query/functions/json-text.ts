/** JSON as values: read, written, walked by paths. Numbers keep their text, so that no digit is lost; objects keep the order of their keys. */
import { DbError } from '../../core/errors.js';

/** A number as it was written. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Json = null | boolean | string | JsonNumber | readonly Json[] | ReadonlyMap<string, Json>;

const MAX_DEPTH = 1000;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;

/** undefined: the text is no JSON. */
export function readJson(text: string): Json | undefined {
  try {
    return new JsonReader(text).read();
  } catch (error) {
    if (error instanceof NotJson) return undefined;
    throw error;
  }
}

/** Fails with `invalid_value`. */
export function parseJson(text: string): Json {
  const value = readJson(text);
  if (value === undefined) {
    throw new DbError('invalid_value', `'${text.length > 60 ? `${text.slice(0, 60)}…` : text}' is not valid JSON`);
  }
  return value;
}

class NotJson extends Error {}

class JsonReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  read(): Json {
    const value = this.value(0);
    this.skip(SPACE);
    if (this.at < this.text.length) throw new NotJson();
    return value;
  }

  private value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new NotJson();
    this.skip(SPACE);
    const first = this.text[this.at];
    if (first === '{') return this.object(depth);
    if (first === '[') return this.array(depth);
    if (first === '"') return JSON.parse(this.take(STRING)) as string;
    for (const [word, value] of WORDS) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return value;
    }
    return new JsonNumber(this.take(NUMBER));
  }

  private object(depth: number): Json {
    const entries = new Map<string, Json>();
    this.at += 1;
    if (this.takes('}')) return entries;
    do {
      this.skip(SPACE);
      const key = JSON.parse(this.take(STRING)) as string;
      if (!this.takes(':')) throw new NotJson();
      entries.set(key, this.value(depth + 1));
    } while (this.takes(','));
    if (!this.takes('}')) throw new NotJson();
    return entries;
  }

  private array(depth: number): Json {
    const items: Json[] = [];
    this.at += 1;
    if (this.takes(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.takes(','));
    if (!this.takes(']')) throw new NotJson();
    return items;
  }

  private takes(character: string): boolean {
    this.skip(SPACE);
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private skip(pattern: RegExp): void {
    pattern.lastIndex = this.at;
    pattern.test(this.text);
    this.at = Math.max(this.at, pattern.lastIndex);
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (!match) throw new NotJson();
    this.at = pattern.lastIndex;
    return match[0];
  }
}

const WORDS: readonly (readonly [string, Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/** Without spaces, or with the indent. */
export function writeJson(value: Json, indent = '', current = ''): string {
  if (value instanceof JsonNumber) return value.text;
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  const inner = current + indent;
  const isArray = Array.isArray(value);
  const parts = isArray
    ? (value as readonly Json[]).map((item) => writeJson(item, indent, inner))
    : [...(value as ReadonlyMap<string, Json>)].map(
        ([key, item]) => `${JSON.stringify(key)}:${indent === '' ? '' : ' '}${writeJson(item, indent, inner)}`,
      );
  const [open, close] = isArray ? ['[', ']'] : ['{', '}'];
  if (parts.length === 0 || indent === '') return `${open}${parts.join(',')}${close}`;
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${current}${close}`;
}

/** What ->> gives: text without quotes, NULL for null. */
export function jsonText(value: Json | undefined): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : writeJson(value);
}

export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

export function isObject(value: Json | undefined): value is ReadonlyMap<string, Json> {
  return value instanceof Map;
}

// ---- paths ----

/** A key, a place (negative from the end), or every member. */
type Step = string | number | typeof EVERY;
const EVERY = Symbol('every member');

export interface JsonPath {
  readonly steps: readonly Step[];
  /** True: a `*` may give several values. */
  readonly many: boolean;
}

const PATH_STEP = /\.(?:"((?:[^"\\]|\\.)*)"|(\*)|([^.[\]"\s]+))|\[(?:(#)?(-?\d+)|(\*)|"((?:[^"\\]|\\.)*)"|'([^']*)')\]/y;
const paths = new Map<string, JsonPath>();

/** `$.a[0]."b c"[*]`, `/a/0`, or a plain key. Fails with `invalid_value`. */
export function jsonPath(text: string): JsonPath {
  let path = paths.get(text);
  if (!path) {
    path = readPath(text);
    if (paths.size >= 500) paths.clear();
    paths.set(text, path);
  }
  return path;
}

function readPath(text: string): JsonPath {
  if (text.startsWith('/')) {
    const keys = text.slice(1).split('/');
    return { steps: keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')), many: false };
  }
  if (!text.startsWith('$')) return { steps: [text], many: false };
  const steps: Step[] = [];
  for (let at = text.search(/[.[]|$/); at < text.length; at = PATH_STEP.lastIndex) {
    PATH_STEP.lastIndex = at;
    const match = PATH_STEP.exec(text);
    if (!match) throw new DbError('invalid_value', `'${text}' is not a JSON path`, { hint: "write '$.key[0].other'" });
    const [, quoted, anyKey, key, , place, anyPlace, quotedKey, singleKey] = match;
    if (anyKey !== undefined || anyPlace !== undefined) steps.push(EVERY);
    else if (place !== undefined) steps.push(Number(place));
    else steps.push(key ?? singleKey ?? (quoted ?? quotedKey ?? '').replaceAll(/\\(.)/g, '$1'));
  }
  return { steps, many: steps.includes(EVERY) };
}

/** The values that a path leads to. */
export function follow(value: Json, path: JsonPath): readonly Json[] {
  let found: readonly Json[] = [value];
  for (const step of path.steps) found = found.flatMap((each) => take(each, step));
  return found;
}

function take(value: Json, step: Step): readonly Json[] {
  if (step === EVERY) return isArray(value) ? value : isObject(value) ? [...value.values()] : [];
  const member = memberOf(value, step);
  return member === undefined ? [] : [member];
}

/** A member by key or place; a key of digits names a place of an array. */
export function memberOf(value: Json | undefined, step: string | number): Json | undefined {
  if (isArray(value)) {
    const place = typeof step === 'number' ? step : /^-?\d+$/.test(step) ? Number(step) : Number.NaN;
    return value.at(place) === undefined || Number.isNaN(place) ? undefined : value.at(place);
  }
  return isObject(value) && typeof step === 'string' ? value.get(step) : undefined;
}

/** True when b's members are in a, as PostgreSQL's @>. */
export function jsonContains(a: Json, b: Json): boolean {
  if (isArray(a))
    return isArray(b)
      ? b.every((item) => a.some((own) => jsonContains(own, item)))
      : a.some((own) => !isArray(own) && !isObject(own) && sameJson(own, b));
  if (isObject(a)) {
    return isObject(b) && [...b].every(([key, item]) => a.has(key) && jsonContains(a.get(key) as Json, item));
  }
  return sameJson(a, b);
}

function sameJson(a: Json, b: Json): boolean {
  if (a instanceof JsonNumber && b instanceof JsonNumber) return a.text === b.text || Number(a.text) === Number(b.text);
  return a === b;
}
