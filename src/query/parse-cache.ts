/** Syntax trees of the texts that were parsed last. Trees are immutable, so they are shared. */

import type { Statement } from './syntax/ast/statement.js';
import { parseStatements } from './syntax/parser.js';

const MOST_TEXTS = 512;
/** Longer texts are mostly INSERTs that do not come again. */
const LONGEST_TEXT = 16_384;

export class ParseCache {
  private readonly trees = new Map<string, readonly Statement[]>();
  private readonly maxDepth: number;
  private readonly maxBytes: number;

  constructor(maxDepth: number, maxBytes: number) {
    this.maxDepth = maxDepth;
    this.maxBytes = maxBytes;
  }

  /** Fails as the parser does. */
  parse(sql: string): readonly Statement[] {
    const known = this.trees.get(sql);
    if (known) {
      // Put at the end: the map's order is the order of use.
      this.trees.delete(sql);
      this.trees.set(sql, known);
      return known;
    }
    const parsed = parseStatements(sql, { maxDepth: this.maxDepth, maxBytes: this.maxBytes });
    if (sql.length <= LONGEST_TEXT) {
      this.trees.set(sql, parsed);
      if (this.trees.size > MOST_TEXTS) this.trees.delete(this.trees.keys().next().value ?? '');
    }
    return parsed;
  }
}
