/** Syntax trees of the texts that were parsed last. Trees are immutable, so they are shared. */

import type { Statement } from './syntax/ast/statement.js';
import { type ParseOptions, parseStatements } from './syntax/parser.js';

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
    return this.known(sql) ?? this.keep(sql, sql, parseStatements(sql, this.options()));
  }

  /** The same for a dialect that `read` reads. */
  async parseIn(
    dialect: string,
    sql: string,
    read: (sql: string, options: ParseOptions) => Promise<readonly Statement[]>,
  ): Promise<readonly Statement[]> {
    const key = `${dialect}\0${sql}`;
    return this.known(key) ?? this.keep(key, sql, await read(sql, this.options()));
  }

  private options(): ParseOptions {
    return { maxDepth: this.maxDepth, maxBytes: this.maxBytes };
  }

  private known(key: string): readonly Statement[] | undefined {
    const known = this.trees.get(key);
    if (!known) return undefined;
    // Put at the end: the map's order is the order of use.
    this.trees.delete(key);
    this.trees.set(key, known);
    return known;
  }

  private keep(key: string, sql: string, parsed: readonly Statement[]): readonly Statement[] {
    if (sql.length > LONGEST_TEXT) return parsed;
    this.trees.set(key, parsed);
    if (this.trees.size > MOST_TEXTS) this.trees.delete(this.trees.keys().next().value ?? '');
    return parsed;
  }
}
