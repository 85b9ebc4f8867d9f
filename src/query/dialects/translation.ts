/** What the translators of a statement's parts share. */

import type { DataType } from '../syntax/ast/node.js';
import type { Expression, Query } from '../syntax/ast/query.js';
import type { Dialect } from './dialect.js';

export interface Translation {
  readonly dialect: Dialect;
  /** Names that were quoted somewhere in the text. */
  readonly quotedNames: ReadonlySet<string>;
  /** A string's value as it was meant. */
  unmasked(value: string): string;
  /** Where a node stands in the whole text; `fallback` where the package does not say it. */
  positionOf(tree: unknown, fallback: number): number;
  /** Counts a clause or word that has been translated: at the end every one that was written must have been. */
  saw(word: CountedWord): void;
  /** Where a name first stands at or after a place; for the builds that do not say it. */
  placeOfName(name: string, from: number): number;
  expression(tree: unknown, position: number): Expression;
  query(tree: unknown, position: number): Query;
  type(tree: unknown, position: number): DataType;
}

/** Words whose number in the text must be that of the constructs found in the package's tree, which drops some of them. */
export const COUNTED_WORDS = [
  ...([
    'SELECT',
    'WHERE',
    'GROUP',
    'HAVING',
    'ORDER',
    'LIMIT',
    'TOP',
    'OFFSET',
    'FETCH',
    'DISTINCT',
    'UNION',
    'INTERSECT',
    'EXCEPT',
  ] as const),
  ...(['JOIN', 'OVER', 'QUALIFY', 'CASE', 'BETWEEN', 'LIKE', 'EXISTS', 'CAST'] as const),
] as const;
export type CountedWord = (typeof COUNTED_WORDS)[number];
