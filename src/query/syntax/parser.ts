/** SQL text → syntax tree. The grammar is in docs/sql/grammar.md; each part of it is one class in parser/, the later on top of the earlier. */
import { DbError } from '../../core/errors.js';
import type { Expression } from './ast/query.js';
import type { Statement } from './ast/statement.js';
import { K } from './keywords.js';
import { tokenize } from './lexer.js';
import { nestedTooDeep } from './parser/cursor.js';
import { SessionStatementParser } from './parser/session-statements.js';
import { T } from './token-kind.js';

export interface ParseOptions {
  /**
   * Levels of parentheses, operators and clauses inside each other; a call counts twice, a subquery three to five times.
   * The default never exhausts Node's stack.
   */
  readonly maxDepth?: number;
  /** Longest text, in bytes of UTF-8 (never more than 3 a character). */
  readonly maxBytes?: number;
}

/** At this depth the hungriest construct takes less than half of Node's default stack, in code that is not yet compiled. */
const DEFAULT_MAX_DEPTH = 500;
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

/** Every statement of a text; they are separated by `;`, empty ones are skipped. Throws `syntax_error`, `nesting_too_deep`, `statement_too_large`. */
export function parseStatements(sql: string, options: ParseOptions = {}): Statement[] {
  return guarded(sql, options, (parser) => parser.statements());
}

/** The one statement of a text. */
export function parseStatement(sql: string, options: ParseOptions = {}): Statement {
  const [statement, second] = parseStatements(sql, options);
  if (statement === undefined) throw new DbError('syntax_error', 'expected a statement, found nothing', { position: 0 });
  if (second !== undefined) throw new DbError('syntax_error', 'expected one statement, found several', { position: second.position });
  return statement;
}

/** A text that is one expression, such as a DEFAULT read back from the catalog. */
export function parseExpression(sql: string, options: ParseOptions = {}): Expression {
  return guarded(sql, options, (parser) => parser.expression());
}

function guarded<Result>(sql: string, options: ParseOptions, parse: (parser: Parser) => Result): Result {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  if (sql.length > maxBytes || (sql.length > maxBytes / 3 && Buffer.byteLength(sql) > maxBytes)) {
    throw new DbError('statement_too_large', `the statement is longer than ${maxBytes} bytes`, {
      position: 0,
      hint: 'load rows through ingest, COPY or bound parameters instead of SQL text',
    });
  }
  const parser = new Parser(sql, tokenize(sql), options.maxDepth ?? DEFAULT_MAX_DEPTH);
  try {
    return parse(parser);
  } catch (thrown) {
    // A caller that stands deep in the stack itself leaves us less of it than the depth limit assumes.
    if (thrown instanceof RangeError) throw nestedTooDeep(parser.place);
    throw thrown;
  }
}

class Parser extends SessionStatementParser {
  get place(): number {
    return this.position;
  }

  statements(): Statement[] {
    const statements: Statement[] = [];
    for (;;) {
      while (this.accept(T.semicolon));
      if (this.kind === T.eof) return statements;
      this.countedTables.length = 0;
      statements.push(this.parseStatement());
      if (this.kind !== T.eof && this.kind !== T.semicolon) throw this.unexpected('the end of the statement');
    }
  }

  expression(): Expression {
    const expression = this.parseExpression();
    if (this.kind !== T.eof) throw this.unexpected('the end of the expression');
    return expression;
  }

  protected parseStatement(): Statement {
    const position = this.position;
    if (this.kind === K.with) {
      const withClause = this.parseWith();
      return this.parseChange(withClause, position) ?? this.parseQueryWith(withClause, position);
    }
    const parse = Parser.statementWords.get(this.kind);
    if (parse !== undefined) return parse(this);
    if (this.isQueryStart() || this.isPivotOfParentheses() || this.kind === T.leftParenthesis) return this.parseQuery();
    if (this.isText('pragma') && this.isNameToken(this.peek())) return this.parsePragma();
    if (this.isTableShorthand()) return this.parseTableShorthand();
    throw this.unexpected('a statement');
  }

  /** QuestDB's `trades` or `trades WHERE …` for SELECT * FROM trades …: a name that a clause or the end follows. */
  private isTableShorthand(): boolean {
    if (!this.isNameToken(this.kind)) return false;
    let distance = 1;
    while (this.peek(distance) === T.dot) distance += 2;
    return TABLE_FOLLOWERS.has(this.peek(distance));
  }

  private parseTableShorthand(): Statement {
    const position = this.position;
    return this.parseQueryOfTable(this.parseTableReference(), position);
  }

  private static readonly statementWords: ReadonlyMap<number, (parser: Parser) => Statement> = new Map<
    number,
    (parser: Parser) => Statement
  >([
    [K.select, (parser) => parser.parseQuery()],
    [K.insert, (parser) => parser.parseInsert(null, parser.position)],
    [K.update, (parser) => parser.parseUpdate(null, parser.position)],
    [K.delete, (parser) => parser.parseDelete(null, parser.position)],
    [K.merge, (parser) => parser.parseMerge(null, parser.position)],
    [K.copy, (parser) => parser.parseCopy()],
    [K.truncate, (parser) => parser.parseTruncate()],
    [K.create, (parser) => parser.parseCreate()],
    [K.alter, (parser) => parser.parseAlter()],
    [K.rename, (parser) => parser.parseRename()],
    [K.drop, (parser) => parser.parseDrop()],
    [K.comment, (parser) => parser.parseComment()],
    [K.begin, (parser) => parser.parseTransaction()],
    [K.start, (parser) => parser.parseTransaction()],
    [K.commit, (parser) => parser.parseTransaction()],
    [K.end, (parser) => parser.parseTransaction()],
    [K.rollback, (parser) => parser.parseTransaction()],
    [K.abort, (parser) => parser.parseTransaction()],
    [K.savepoint, (parser) => parser.parseSavepoint()],
    [K.release, (parser) => parser.parseSavepoint()],
    [K.set, (parser) => parser.parseSet()],
    [K.reset, (parser) => parser.parseReset()],
    [K.show, (parser) => parser.parseShow()],
    [K.describe, (parser) => parser.parseDescribe()],
    [K.desc, (parser) => parser.parseDescribe()],
    [K.summarize, (parser) => parser.parseSummarize()],
    [K.explain, (parser) => parser.parseExplain()],
    [K.prepare, (parser) => parser.parsePrepare()],
    [K.execute, (parser) => parser.parseExecute()],
    [K.deallocate, (parser) => parser.parseDeallocate()],
    [K.cancel, (parser) => parser.parseCancel()],
    [K.kill, (parser) => parser.parseCancel()],
    [K.use, (parser) => parser.parseUse()],
  ]);
}

const TABLE_FOLLOWERS: ReadonlySet<number> = new Set([
  ...[T.eof, T.semicolon, K.where, K.group, K.having, K.window, K.qualify, K.order, K.limit, K.offset, K.fetch, K.sample, K.latest],
  ...[K.timestamp, K.join, K.inner, K.left, K.right, K.full, K.cross, K.natural, K.asof, K.lt, K.splice, K.horizon, K.pivot, K.unpivot],
  ...[K.union, K.intersect, K.except, K.tablesample],
]);
