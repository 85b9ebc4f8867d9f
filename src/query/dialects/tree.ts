/** Access to the package's trees: loose objects whose every key must be one that the translator knows. */
import { DbError } from '../../core/errors.js';

export type Tree = Readonly<Record<string, unknown>>;

/** Carry no meaning: where a node was read, what names its text holds, and how names were quoted. */
const MEANINGLESS = new Set(['loc', 'tableList', 'columnList', 'surround', 'parentheses', 'parentheses_symbol']);

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Says nothing: null, false, an empty text or list, or an object of such. */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === '') return true;
  if (Array.isArray(value)) return value.every(isEmpty);
  return isTree(value) && Object.entries(value).every(([key, each]) => MEANINGLESS.has(key) || isEmpty(each));
}

/** Where a node was read, in the text that the package was given; undefined where it does not say it. */
export function offsetOf(value: unknown): { readonly start: number; readonly end: number } | undefined {
  const loc = isTree(value) ? value.loc : undefined;
  if (!isTree(loc) || !isTree(loc.start) || !isTree(loc.end)) return undefined;
  const [start, end] = [loc.start.offset, loc.end.offset];
  return typeof start === 'number' && typeof end === 'number' ? { start, end } : undefined;
}

/** Fails when a node says something under a key that is not among `known`: nothing is dropped in silence. */
export function expectKeys(tree: Tree, what: string, known: readonly string[], position: number): void {
  for (const [key, value] of Object.entries(tree)) {
    if (known.includes(key) || MEANINGLESS.has(key) || isEmpty(value)) continue;
    throw untranslatable(`${what} with ${key.replaceAll('_', ' ').trim()}`, position);
  }
}

export function untranslatable(construct: string, position: number, hint?: string): DbError {
  return new DbError('unsupported', `${construct} is not translated from this dialect`, { position, hint });
}

export function childOf(tree: Tree, key: string): Tree | undefined {
  const value = tree[key];
  return isTree(value) ? value : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** A name however the package wraps it: text, `{value}`, `{expr: {value}}`. */
export function nameOf(value: unknown): string {
  if (!isTree(value)) return textOf(value);
  return isTree(value.expr) ? nameOf(value.expr) : textOf(value.value);
}
