/** Transactions, settings, SHOW, DESCRIBE, SUMMARIZE, EXPLAIN, prepared statements, CANCEL QUERY. */
import type { QualifiedName } from '../ast/node.js';
import type { Expression, Query } from '../ast/query.js';
import type {
  CancelQuery,
  Deallocate,
  Describe,
  Execute,
  Explain,
  Prepare,
  ResetSetting,
  Savepoint,
  SetSetting,
  Setting,
  Show,
  Statement,
  Summarize,
  Transaction,
  Use,
} from '../ast/statement.js';
import { K } from '../keywords.js';
import { T } from '../token-kind.js';
import { AlterStatementParser } from './alter-statements.js';

/** What SHOW lists. */
const SHOW_LISTS: ReadonlyMap<string, Show['subject']> = new Map([
  ['tables', 'tables'],
  ['views', 'views'],
  ['columns', 'columns'],
  ['fields', 'columns'],
  ['indexes', 'indexes'],
  ['index', 'indexes'],
  ['partitions', 'partitions'],
  ['segments', 'segments'],
  ['queries', 'queries'],
  ['schemas', 'schemas'],
  ['databases', 'databases'],
  ['functions', 'functions'],
  ['all', 'settings'],
  ['settings', 'settings'],
  ['parameters', 'settings'],
]);

const TAKES_SCHEMA: ReadonlySet<Show['subject']> = new Set(['tables', 'views']);
const TAKES_TABLE: ReadonlySet<Show['subject']> = new Set(['segments']);
const NEEDS_TABLE: ReadonlySet<Show['subject']> = new Set(['columns', 'indexes', 'partitions']);

export abstract class SessionStatementParser extends AlterStatementParser {
  protected abstract parseStatement(): Statement;

  // ---- transactions ----

  /** BEGIN, START TRANSACTION, COMMIT, END, ROLLBACK, ABORT. */
  protected parseTransaction(): Transaction | Savepoint {
    const { position, kind } = this;
    this.advance();
    if (kind === K.start) this.expect(K.transaction);
    else if (!this.accept(K.transaction)) this.accept(K.work);
    if (kind === K.rollback && this.accept(K.to)) {
      this.accept(K.savepoint);
      return { kind: 'savepoint', action: 'rollback', name: this.parseIdentifier('a savepoint'), position, end: this.end };
    }
    const action = kind === K.begin || kind === K.start ? 'begin' : kind === K.commit || kind === K.end ? 'commit' : 'rollback';
    const modes = action === 'begin' ? this.parseTransactionModes() : { readOnly: null, isolation: null };
    return { kind: 'transaction', action, ...modes, position, end: this.end };
  }

  private parseTransactionModes(): Pick<Transaction, 'readOnly' | 'isolation'> {
    let readOnly: boolean | null = null;
    let isolation: string | null = null;
    for (;;) {
      if (this.acceptText('read')) {
        readOnly = this.kind === K.only;
        if (!this.accept(K.only)) this.expectText('write');
      } else if (this.acceptBoth(K.isolation, K.level)) isolation = this.parseIsolation();
      else if (this.kind === K.not && this.peek() === K.deferrable) this.acceptBoth(K.not, K.deferrable);
      else if (!this.accept(K.deferrable)) return { readOnly, isolation };
      this.accept(T.comma);
    }
  }

  private parseIsolation(): string {
    if (this.acceptText('serializable')) return 'serializable';
    if (this.accept(K.repeatable)) {
      this.expectText('read');
      return 'repeatable read';
    }
    this.expectText('read');
    if (this.acceptText('committed')) return 'read committed';
    this.expectText('uncommitted');
    return 'read uncommitted';
  }

  protected parseSavepoint(): Savepoint {
    const position = this.position;
    const action = this.kind === K.release ? 'release' : 'create';
    this.advance();
    if (action === 'release') this.accept(K.savepoint);
    return { kind: 'savepoint', action, name: this.parseIdentifier('a savepoint'), position, end: this.end };
  }

  // ---- settings ----

  protected parseSet(): SetSetting {
    const position = this.position;
    this.expect(K.set);
    const scope = this.parseScope();
    const finish = (name: string, values: readonly Expression[]): SetSetting => ({
      kind: 'set',
      scope,
      name,
      values,
      position,
      end: this.end,
    });
    if (this.acceptBoth(K.time, K.zone)) return finish('timezone', this.parseSettingValues());
    if (this.acceptText('names')) return finish('client_encoding', this.parseSettingValues());
    if (this.isText('characteristics') && this.peek() === K.as) {
      this.advance();
      this.advance();
    }
    if (this.kind === K.transaction && this.peek() !== T.equal && this.peek() !== K.to)
      return finish('transaction', this.parseSetTransaction());
    const name = this.parseSettingName();
    if (!this.accept(K.to)) this.expect(T.equal);
    return finish(name, this.parseSettingValues());
  }

  /** DuckDB's `PRAGMA name` and `PRAGMA name = value`: SET; `PRAGMA show_tables`: SHOW TABLES. */
  protected parsePragma(): SetSetting | Show {
    const { position } = this;
    this.advance();
    const name = this.parseSettingName();
    if (name === 'show_tables') return { kind: 'show', subject: 'tables', name: null, like: null, position, end: this.end };
    const values = this.accept(T.equal) ? this.parseSettingValues() : [];
    return { kind: 'set', scope: null, name, values, position, end: this.end };
  }

  private parseScope(): SetSetting['scope'] {
    const next = this.peek();
    if (next === T.equal || next === K.to || next === T.dot) return null;
    if (this.accept(K.session)) return 'session';
    if (this.accept(K.local)) return 'local';
    return this.accept(K.global) ? 'global' : null;
  }

  /** The modes as strings: `read only`, `isolation level serializable`. */
  private parseSetTransaction(): Expression[] {
    const position = this.position;
    this.advance();
    const { readOnly, isolation } = this.parseTransactionModes();
    const values: string[] = [];
    if (isolation !== null) values.push(`isolation level ${isolation}`);
    if (readOnly !== null) values.push(readOnly ? 'read only' : 'read write');
    if (values.length === 0) throw this.unexpected('ISOLATION LEVEL, READ ONLY or READ WRITE');
    return values.map((value) => ({ kind: 'string', value, position, end: this.end }));
  }

  /** Empty for DEFAULT. */
  private parseSettingValues(): Expression[] {
    if (this.accept(K.default)) return [];
    return this.list(() => this.parseSettingValue());
  }

  protected parseReset(): ResetSetting {
    const position = this.position;
    this.expect(K.reset);
    if (this.accept(K.all)) return { kind: 'reset', name: null, position, end: this.end };
    if (this.acceptBoth(K.time, K.zone)) return { kind: 'reset', name: 'timezone', position, end: this.end };
    return { kind: 'reset', name: this.parseSettingName(), position, end: this.end };
  }

  // ---- show and describe ----

  protected parseShow(): Show {
    const position = this.position;
    this.expect(K.show);
    if (this.accept(K.create)) return this.parseShowCreate(position);
    const subject = this.isWord() ? SHOW_LISTS.get(this.tokenText().toLowerCase()) : undefined;
    if (subject === undefined || this.peek() === T.dot) return this.parseShowSetting(position);
    this.advance();
    const takesObject = TAKES_SCHEMA.has(subject) || TAKES_TABLE.has(subject) || NEEDS_TABLE.has(subject);
    const hasObject = takesObject && (this.accept(K.from) || this.accept(K.in));
    if (!hasObject && NEEDS_TABLE.has(subject)) throw this.unexpected('FROM', K.from);
    const name = hasObject ? this.parseQualifiedName('a table') : null;
    const like = subject !== 'settings' && (this.accept(K.like) || this.accept(K.ilike)) ? this.parseOperand() : null;
    return { kind: 'show', subject, name, like, position, end: this.end };
  }

  private parseShowCreate(position: number): Show {
    const subject = this.kind === K.view ? 'createView' : 'createTable';
    if (!this.accept(K.view)) this.expect(K.table);
    return { kind: 'show', subject, name: this.parseQualifiedName('a table'), like: null, position, end: this.end };
  }

  private parseShowSetting(position: number): Show {
    const start = this.position;
    let name: QualifiedName;
    if (this.acceptBoth(K.time, K.zone)) name = [{ name: 'timezone', quoted: false, position: start }];
    else if (this.acceptBoth(K.transaction, K.isolation)) {
      this.expect(K.level);
      name = [{ name: 'transaction_isolation', quoted: false, position: start }];
    } else name = this.parseQualifiedName('TABLES, COLUMNS, CREATE TABLE, QUERIES, ALL or a setting');
    return { kind: 'show', subject: 'setting', name, like: null, position, end: this.end };
  }

  /** DESCRIBE and its short form DESC. */
  protected parseDescribe(): Describe {
    const position = this.position;
    this.advance();
    return { kind: 'describe', ...this.parseTableOrQuery(), position, end: this.end };
  }

  protected parseSummarize(): Summarize {
    const position = this.position;
    this.expect(K.summarize);
    return { kind: 'summarize', ...this.parseTableOrQuery(), position, end: this.end };
  }

  private parseTableOrQuery(): { table: QualifiedName | null; query: Query | null } {
    const isTable = this.kind === K.table && this.isNameToken(this.peek());
    if (!isTable && (this.isQueryStart() || this.kind === T.leftParenthesis)) return { table: null, query: this.parseQuery() };
    this.accept(K.table);
    return { table: this.parseQualifiedName('a table or a query'), query: null };
  }

  // ---- explain ----

  protected parseExplain(): Explain {
    const position = this.position;
    this.expect(K.explain);
    let analyze = false;
    let format: Explain['format'] = 'text';
    const options: Setting[] = [];
    if (this.kind === T.leftParenthesis && !this.isParenthesisedStatement()) {
      for (const option of this.parseSettings()) {
        if (option.name === 'analyze') analyze = option.value === null || isOn(option.value);
        else if (option.name === 'format') format = this.formatOf(option.value, option.position);
        else options.push(option);
      }
    }
    for (;;) {
      const start = this.position;
      if (this.accept(K.analyze)) analyze = true;
      else if (this.accept(K.verbose)) options.push({ name: 'verbose', value: null, position: start });
      else if (this.accept(K.format)) format = this.formatOf(this.parseSettingValue(), start);
      else break;
    }
    const outer = this.enter();
    const statement = this.parseStatement();
    this.leave(outer);
    return { kind: 'explain', analyze, format, options, statement, position, end: this.end };
  }

  private isParenthesisedStatement(): boolean {
    const next = this.peek();
    return next === K.select || next === K.with || next === K.from || next === K.values || next === T.leftParenthesis;
  }

  private formatOf(value: Expression | null, position: number): Explain['format'] {
    const word = value?.kind === 'column' ? value.name[0]?.name : value?.kind === 'string' ? value.value : undefined;
    const format = word?.toLowerCase();
    if (format !== 'text' && format !== 'json')
      throw this.error('expected TEXT or JSON as the format of EXPLAIN', value?.position ?? position);
    return format;
  }

  // ---- prepared statements and queries ----

  protected parsePrepare(): Prepare {
    const position = this.position;
    this.expect(K.prepare);
    const name = this.parseIdentifier('a name for the statement');
    const types = this.kind === T.leftParenthesis ? this.parenthesised(() => this.parseDataType()) : [];
    this.expect(K.as);
    const outer = this.enter();
    const statement = this.parseStatement();
    this.leave(outer);
    return { kind: 'prepare', name, types, statement, position, end: this.end };
  }

  protected parseExecute(): Execute {
    const position = this.position;
    this.expect(K.execute);
    const name = this.parseIdentifier('a prepared statement');
    let values: Expression[] = [];
    if (this.accept(T.leftParenthesis)) {
      if (this.kind !== T.rightParenthesis) values = this.list(() => this.parseExpression());
      this.expect(T.rightParenthesis);
    }
    return { kind: 'execute', name, arguments: values, position, end: this.end };
  }

  protected parseDeallocate(): Deallocate {
    const position = this.position;
    this.expect(K.deallocate);
    if (this.isNameToken(this.peek()) || this.peek() === K.all) this.accept(K.prepare);
    const name = this.accept(K.all) ? null : this.parseIdentifier('a prepared statement');
    return { kind: 'deallocate', name, position, end: this.end };
  }

  /** CANCEL QUERY id, KILL QUERY id. */
  protected parseCancel(): CancelQuery {
    const position = this.position;
    this.advance();
    this.expect(K.query);
    return { kind: 'cancelQuery', id: this.parseExpression(), position, end: this.end };
  }

  protected parseUse(): Use {
    const position = this.position;
    this.expect(K.use);
    return { kind: 'use', name: this.parseQualifiedName('a schema'), position, end: this.end };
  }
}

function isOn(value: Expression): boolean {
  if (value.kind === 'boolean') return value.value;
  if (value.kind === 'number') return value.text !== '0';
  const word = value.kind === 'column' ? value.name[0]?.name : value.kind === 'string' ? value.value : '';
  return word?.toLowerCase() !== 'off' && word?.toLowerCase() !== 'false';
}
