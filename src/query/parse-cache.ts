/**
 * Syntax trees of texts that came lately. Trees are immutable, so they are shared. A text that comes once, as those do that hold their values,
 * is soon let go; one that comes again stays long.
 */
import { RecentlyUsed, UsedAgain } from './recently-used.js';
import type { Statement } from './syntax/ast/statement.js';
import { type ParseOptions, parseStatements } from './syntax/parser.js';

/** Of each generation, see RecentlyUsed. */
const TREES_USED_ONCE = 4;
const TREES_USED_AGAIN = 256;
/** Texts whose trees are gone. When they come again, their trees stay. */
const TEXTS_USED_ONCE = 256;
/** Longer texts are mostly INSERTs that do not come again. */
const LONGEST_TEXT = 16_384;

export class ParseCache {
  private readonly gone = new RecentlyUsed<string, true>(TEXTS_USED_ONCE);
  private readonly trees = new UsedAgain<string, readonly Statement[]>(TREES_USED_ONCE, TREES_USED_AGAIN, (text) =>
    this.gone.set(text, true),
  );
  private readonly maxDepth: number;
  private readonly maxBytes: number;

  constructor(maxDepth: number, maxBytes: number) {
    this.maxDepth = maxDepth;
    this.maxBytes = maxBytes;
  }

  /** Fails as the parser does. */
  parse(sql: string): readonly Statement[] {
    return this.trees.get(sql) ?? this.keep(sql, sql, parseStatements(sql, this.options()));
  }

  /** The same for a dialect that `read` reads. */
  async parseIn(
    dialect: string,
    sql: string,
    read: (sql: string, options: ParseOptions) => Promise<readonly Statement[]>,
  ): Promise<readonly Statement[]> {
    const key = `${dialect}\0${sql}`;
    return this.trees.get(key) ?? this.keep(key, sql, await read(sql, this.options()));
  }

  private options(): ParseOptions {
    return { maxDepth: this.maxDepth, maxBytes: this.maxBytes };
  }

  private keep(key: string, sql: string, parsed: readonly Statement[]): readonly Statement[] {
    if (sql.length <= LONGEST_TEXT) this.trees.set(key, parsed, this.gone.get(key) !== undefined);
    return parsed;
  }
}
