/** INSERT, UPDATE, DELETE, MERGE, COPY, TRUNCATE. */
import type { Identifier, QualifiedName } from '../ast/node.js';
import type { Expression, Query, SelectItem, WithClause } from '../ast/query.js';
import type {
  Assignment,
  Copy,
  CopySource,
  DataStatement,
  Delete,
  Insert,
  Merge,
  MergeAction,
  MergeClause,
  OnConflict,
  Setting,
  Truncate,
  Update,
} from '../ast/statement.js';
import { K } from '../keywords.js';
import { T } from '../token-kind.js';
import { QUERY_WEIGHT, SelectParser } from './select.js';

/** Settings whose value may be a bare word when no parentheses show where it ends. */
const WORD_SETTINGS: ReadonlySet<string> = new Set(['format', 'encoding', 'compression', 'codec', 'on_error']);

export abstract class DataStatementParser extends SelectParser {
  protected parseQueryOrChange(): Query | DataStatement {
    const position = this.position;
    const withClause = this.kind === K.with ? this.parseInnerWith() : null;
    const change = this.parseChange(withClause, position);
    if (change === null) return withClause === null ? this.parseQuery() : this.parseQueryWith(withClause, position);
    if (withClause !== null) this.countedTables.length -= withClause.entries.length;
    return change;
  }

  private parseInnerWith(): WithClause {
    const outer = this.enter(QUERY_WEIGHT);
    const withClause = this.parseWith();
    this.leave(outer, QUERY_WEIGHT);
    return withClause;
  }

  /** Null: another statement begins here. */
  protected parseChange(withClause: WithClause | null, start: number): DataStatement | null {
    switch (this.kind) {
      case K.insert:
        return this.parseInsert(withClause, start);
      case K.update:
        return this.parseUpdate(withClause, start);
      case K.delete:
        return this.parseDelete(withClause, start);
      case K.merge:
        return this.parseMerge(withClause, start);
      default:
        return null;
    }
  }

  // ---- insert ----

  protected parseInsert(withClause: WithClause | null, start: number): Insert {
    this.expect(K.insert);
    const orAction = this.parseOrAction();
    this.expect(K.into);
    const table = this.parseQualifiedName('a table');
    const alias = this.accept(K.as) ? this.parseIdentifier('an alias') : null;
    const columns = this.kind === T.leftParenthesis && !this.isQueryInParentheses() ? this.parseColumnNames() : [];
    const byName = this.acceptBoth(K.by, K.name);
    if (!byName) this.acceptBoth(K.by, K.position);
    const source = this.parseInsertSource();
    const onConflict = this.parseOnConflict() ?? orAction;
    const returning = this.parseReturning();
    return {
      kind: 'insert',
      with: withClause,
      table,
      alias,
      columns,
      byName,
      source,
      onConflict,
      returning,
      position: start,
      end: this.end,
    };
  }

  /** INSERT OR IGNORE | REPLACE. */
  private parseOrAction(): OnConflict | null {
    const position = this.position;
    if (!this.accept(K.or)) return null;
    const action = this.kind === K.ignore ? 'nothing' : 'replace';
    if (this.kind !== K.ignore && this.kind !== K.replace) throw this.unexpected('IGNORE or REPLACE');
    this.advance();
    return { target: [], targetWhere: null, constraint: null, action, assignments: [], where: null, position, end: this.end };
  }

  private isQueryInParentheses(): boolean {
    const next = this.peek();
    if (next === K.values) return this.peek(2) === T.leftParenthesis;
    return next === K.select || next === K.with || next === K.from || next === T.leftParenthesis;
  }

  private parseInsertSource(): Query | null {
    if (this.accept(K.default)) {
      this.expect(K.values);
      return null;
    }
    return this.parseQuery();
  }

  private parseOnConflict(): OnConflict | null {
    const position = this.position;
    if (!this.acceptBoth(K.on, K.conflict)) return null;
    let constraint: Identifier | null = null;
    let target: Expression[] = [];
    let targetWhere: Expression | null = null;
    if (this.kind === T.leftParenthesis) {
      target = this.parenthesised(() => this.parseExpression());
      if (this.accept(K.where)) targetWhere = this.parseExpression();
    } else if (this.accept(K.on)) {
      this.expect(K.constraint);
      constraint = this.parseIdentifier('a constraint');
    }
    this.expect(K.do);
    const common = { target, targetWhere, constraint, position };
    if (this.accept(K.nothing)) return { ...common, action: 'nothing', assignments: [], where: null, end: this.end };
    if (this.accept(K.replace)) return { ...common, action: 'replace', assignments: [], where: null, end: this.end };
    if (!this.accept(K.update)) throw this.unexpected('NOTHING or UPDATE', K.update);
    const assignments = this.parseAssignments();
    const where = this.accept(K.where) ? this.parseExpression() : null;
    return { ...common, action: 'update', assignments, where, end: this.end };
  }

  private parseReturning(): SelectItem[] {
    return this.accept(K.returning) ? this.list(() => this.parseSelectItem()) : [];
  }

  // ---- update and delete ----

  protected parseUpdate(withClause: WithClause | null, start: number): Update {
    this.expect(K.update);
    const table = this.parseQualifiedName('a table');
    const alias = this.parseOptionalTableName();
    const assignments = this.parseAssignments();
    const from = this.accept(K.from) ? this.list(() => this.parseTableReference()) : [];
    const where = this.accept(K.where) ? this.parseExpression() : null;
    const returning = this.parseReturning();
    return { kind: 'update', with: withClause, table, alias, assignments, from, where, returning, position: start, end: this.end };
  }

  /** SET a = 1, (b, c) = (2, 3). */
  private parseAssignments(): Assignment[] {
    this.expect(K.set);
    return this.list(() => this.parseAssignment());
  }

  private parseAssignment(): Assignment {
    const position = this.position;
    const name = () => this.parseQualifiedName('a column name');
    const columns: QualifiedName[] = this.kind === T.leftParenthesis ? this.parenthesised(name) : [name()];
    this.expect(T.equal);
    const value = columns.length > 1 && this.kind === T.leftParenthesis ? this.parseAssignedRow() : this.parseValue();
    return { columns, value, position, end: this.end };
  }

  /** `(1, DEFAULT)` or `(SELECT …)`. */
  private parseAssignedRow(): Expression {
    if (this.peek() === K.select || this.peek() === K.with || this.peek() === T.leftParenthesis) return this.parseExpression();
    const position = this.position;
    const items = this.parenthesised(() => this.parseValue());
    return { kind: 'row', items, position, end: this.end };
  }

  protected parseDelete(withClause: WithClause | null, start: number): Delete {
    this.expect(K.delete);
    this.expect(K.from);
    const table = this.parseQualifiedName('a table');
    const alias = this.parseOptionalTableName();
    const using = this.accept(K.using) ? this.list(() => this.parseTableReference()) : [];
    const where = this.accept(K.where) ? this.parseExpression() : null;
    const returning = this.parseReturning();
    return { kind: 'delete', with: withClause, table, alias, using, where, returning, position: start, end: this.end };
  }

  // ---- merge ----

  protected parseMerge(withClause: WithClause | null, start: number): Merge {
    this.expect(K.merge);
    this.expect(K.into);
    const table = this.parseQualifiedName('a table');
    const alias = this.parseOptionalTableName();
    this.expect(K.using);
    const source = this.parseTableReference();
    this.expect(K.on);
    const on = this.parseExpression();
    const clauses: MergeClause[] = [];
    while (this.kind === K.when) clauses.push(this.parseMergeClause());
    if (clauses.length === 0) throw this.unexpected('WHEN', K.when);
    const returning = this.parseReturning();
    return { kind: 'merge', with: withClause, table, alias, source, on, clauses, returning, position: start, end: this.end };
  }

  private parseMergeClause(): MergeClause {
    const position = this.position;
    this.expect(K.when);
    const isNot = this.accept(K.not);
    this.expect(K.matched);
    let when: MergeClause['when'] = isNot ? 'notMatchedByTarget' : 'matched';
    if (isNot && this.accept(K.by)) {
      if (this.accept(K.source)) when = 'notMatchedBySource';
      else this.expect(K.target);
    }
    const condition = this.accept(K.and) ? this.parseExpression() : null;
    this.expect(K.then);
    return { when, condition, action: this.parseMergeAction(), position, end: this.end };
  }

  private parseMergeAction(): MergeAction {
    if (this.accept(K.delete)) return { kind: 'delete' };
    if (this.accept(K.do)) {
      this.expect(K.nothing);
      return { kind: 'nothing' };
    }
    if (this.accept(K.update)) return { kind: 'update', assignments: this.parseAssignments() };
    if (!this.accept(K.insert)) throw this.unexpected('UPDATE, DELETE, INSERT or DO NOTHING');
    const columns = this.parseOptionalColumnNames();
    if (this.acceptBoth(K.default, K.values)) return { kind: 'insert', columns, values: null };
    this.expect(K.values);
    return { kind: 'insert', columns, values: this.parenthesised(() => this.parseValue()) };
  }

  // ---- copy and truncate ----

  protected parseCopy(): Copy {
    const position = this.position;
    this.expect(K.copy);
    const source = this.parseCopySource();
    const direction = this.kind === K.from ? 'from' : 'to';
    if (direction === 'from' && source.kind === 'query') throw this.unexpected('TO: a query can only be copied out', K.to);
    if (!this.accept(K.from)) this.expect(K.to);
    const path = this.accept(K.stdin) || this.accept(K.stdout) ? null : this.parseCopyPath();
    const hasWith = this.accept(K.with);
    const options = this.kind === T.leftParenthesis ? this.parseSettings() : this.parseBareSettings(hasWith);
    return { kind: 'copy', direction, source, path, options, position, end: this.end };
  }

  private parseCopyPath(): Expression {
    const position = this.position;
    if (this.isStringToken(this.kind)) return { kind: 'string', value: this.parseString(), position, end: this.end };
    if (this.isParameterStart()) return this.parseParameter();
    throw this.unexpected('a file name in quotes');
  }

  private parseCopySource(): CopySource {
    if (this.kind === T.leftParenthesis) return { kind: 'query', query: this.parseParenthesisedQuery() };
    return { kind: 'table', name: this.parseQualifiedName('a table'), columns: this.parseOptionalColumnNames() };
  }

  protected parseTruncate(): Truncate {
    const position = this.position;
    this.expect(K.truncate);
    this.accept(K.table);
    const tables = this.list(() => this.parseQualifiedName('a table'));
    if (this.acceptText('restart') || this.acceptText('continue')) this.expect(K.identity);
    if (!this.accept(K.cascade)) this.accept(K.restrict);
    return { kind: 'truncate', tables, position, end: this.end };
  }

  // ---- settings of clauses ----

  /** `(name, name value, name = value, …)`. */
  protected parseSettings(): Setting[] {
    this.expect(T.leftParenthesis);
    const settings = this.kind === T.rightParenthesis ? [] : this.list(() => this.parseSetting());
    this.expect(T.rightParenthesis);
    return settings;
  }

  protected parseSetting(): Setting {
    const position = this.position;
    const name = this.parseSettingName();
    const isBare = !this.accept(T.equal) && (this.kind === T.comma || this.kind === T.rightParenthesis);
    return { name, value: isBare ? null : this.parseSettingValue(), position };
  }

  protected parseSettingName(): string {
    const parts = [this.parseLabel('a setting').name];
    while (this.accept(T.dot)) parts.push(this.parseLabel('a setting').name);
    return parts.join('.').toLowerCase();
  }

  /** A literal, a parameter, a list in parentheses, or a bare word (any word: ON, ALL, csv). */
  protected parseSettingValue(): Expression {
    const next = this.peek();
    const isLoneWord = this.isWord() && this.kind !== K.null && this.kind !== K.true && this.kind !== K.false && !this.continuesValue(next);
    if (!isLoneWord) return this.parseOperand();
    const position = this.position;
    return { kind: 'column', name: [this.parseLabel()], position, end: this.end };
  }

  private continuesValue(next: number): boolean {
    return (
      next === T.leftParenthesis ||
      next === T.dot ||
      next === T.leftBrace ||
      next === T.leftBracket ||
      this.isStringToken(next) ||
      next === T.integer
    );
  }

  /** `HEADER true DELIMITER ','`: settings without parentheses, up to the end of the statement. */
  private parseBareSettings(isRequired: boolean): Setting[] {
    const settings: Setting[] = [];
    if (isRequired && !this.isWord()) throw this.unexpected('"(" or an option');
    while (this.isWord()) {
      const position = this.position;
      const name = this.parseSettingName();
      this.accept(T.equal);
      const isFlag = this.isWord() && this.kind !== K.true && this.kind !== K.false && !WORD_SETTINGS.has(name);
      const isBare = this.kind === T.eof || this.kind === T.semicolon || isFlag;
      settings.push({ name, value: isBare ? null : this.parseSettingValue(), position });
      this.accept(T.comma);
    }
    return settings;
  }
}
