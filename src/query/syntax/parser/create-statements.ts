/** CREATE TABLE, VIEW, SCHEMA, INDEX; columns and constraints. */
import type { Identifier, QualifiedName } from '../ast/node.js';
import type { Expression } from '../ast/query.js';
import type {
  ColumnConstraint,
  ColumnDefinition,
  CreateIndex,
  CreateSchema,
  CreateTable,
  CreateView,
  IndexItem,
  PartitionUnit,
  Setting,
  Statement,
  TableConstraint,
} from '../ast/statement.js';
import { isReserved, K } from '../keywords.js';
import { T } from '../token-kind.js';
import { DataStatementParser } from './data-statements.js';

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type TableBody = Mutable<Omit<CreateTable, 'kind' | 'name' | 'orReplace' | 'ifNotExists' | 'temporary' | 'position' | 'end'>> & {
  columns: ColumnDefinition[];
  constraints: TableConstraint[];
  options: Setting[];
};

const PARTITION_UNITS: readonly PartitionUnit[] = ['hour', 'day', 'week', 'month', 'year', 'none'];

export abstract class CreateStatementParser extends DataStatementParser {
  protected parseCreate(): Statement {
    const position = this.position;
    this.expect(K.create);
    const orReplace = this.acceptBoth(K.or, K.replace);
    const temporary = this.accept(K.temporary) || this.accept(K.temp);
    if (this.accept(K.table)) return this.parseCreateTable({ orReplace, temporary }, position);
    const materialized = this.accept(K.materialized);
    if (this.accept(K.view)) return this.parseCreateView({ orReplace, temporary, materialized }, position);
    if (!materialized && !temporary && this.accept(K.schema)) return this.parseCreateSchema(position);
    const unique = this.accept(K.unique);
    if (!materialized && !temporary && this.accept(K.index)) return this.parseCreateIndex(unique, position);
    throw this.unexpected('TABLE, VIEW, SCHEMA or INDEX', K.table);
  }

  protected parseIfNotExists(): boolean {
    if (this.kind !== K.if || this.peek() !== K.not) return false;
    this.advance();
    this.advance();
    this.expect(K.exists);
    return true;
  }

  protected parseIfExists(): boolean {
    return this.acceptBoth(K.if, K.exists);
  }

  // ---- table ----

  private parseCreateTable(flags: Pick<CreateTable, 'orReplace' | 'temporary'>, position: number): CreateTable {
    const ifNotExists = this.parseIfNotExists();
    const name = this.parseQualifiedName('a table name');
    const body = emptyTableBody();
    if (this.kind === T.leftParenthesis) this.parseTableElements(body);
    while (this.parseTableClause(body));
    if (body.columns.length === 0 && body.query === null && body.like === null) throw this.unexpected('"(" or AS', K.as);
    return { kind: 'createTable', name, ...flags, ifNotExists, ...body, position, end: this.end };
  }

  /** `(column, …, constraint, …)`. */
  private parseTableElements(body: TableBody): void {
    this.expect(T.leftParenthesis);
    do {
      if (this.kind === T.rightParenthesis && body.columns.length > 0) break;
      if (this.accept(K.like)) body.like = this.parseQualifiedName('a table');
      else if (this.isTableConstraint()) body.constraints.push(this.parseTableConstraint());
      else body.columns.push(this.parseColumnDefinition());
    } while (this.accept(T.comma));
    this.expect(T.rightParenthesis);
  }

  /** One clause after the columns; false when none follows. */
  private parseTableClause(body: TableBody): boolean {
    switch (this.kind) {
      case K.as:
        this.advance();
        body.query = this.parseQuery();
        return true;
      case K.timestamp:
        this.advance();
        body.timestamp = this.parseOneColumn();
        return true;
      case K.partition:
        this.advance();
        this.expect(K.by);
        body.partitionBy = this.parsePartitionUnit();
        return true;
      case K.cluster:
        body.clusterBy = this.parseClusterBy();
        return true;
      case K.ttl:
        this.advance();
        body.timeToLive = this.parseTimeToLive();
        return true;
      case K.dedup:
        this.advance();
        body.dedupKeys = this.parseDedupKeys();
        return true;
      case K.with:
        return this.parseWithClause(body);
      default:
        return this.parseQuestClause(body);
    }
  }

  private parseOneColumn(): Identifier {
    this.expect(T.leftParenthesis);
    const column = this.parseIdentifier('a column name');
    this.expect(T.rightParenthesis);
    return column;
  }

  private parsePartitionUnit(): PartitionUnit {
    const word = this.isWord() ? this.tokenText().toLowerCase() : '';
    const unit = PARTITION_UNITS.find((candidate) => candidate === word);
    if (unit === undefined) throw this.unexpected('HOUR, DAY, WEEK, MONTH, YEAR or NONE');
    this.advance();
    return unit;
  }

  protected parseClusterBy(): Identifier[] {
    this.expect(K.cluster);
    this.expect(K.by);
    return this.kind === T.leftParenthesis ? this.parseColumnNames() : this.list(() => this.parseIdentifier('a column name'));
  }

  /** Null for NONE. */
  protected parseTimeToLive(): Expression | null {
    if (this.accept(K.none)) return null;
    return this.parseQuantity();
  }

  /** `[UPSERT] KEYS (…)`. */
  protected parseDedupKeys(): Identifier[] {
    this.accept(K.upsert);
    this.expect(K.keys);
    return this.parseColumnNames();
  }

  /** WITH (…), WITH [NO] DATA, and QuestDB's WITH name = value, … */
  private parseWithClause(body: TableBody): boolean {
    this.advance();
    if (this.kind === T.leftParenthesis) body.options.push(...this.parseSettings());
    else if (this.accept(K.data)) body.withData = true;
    else if (this.acceptBoth(K.no, K.data)) body.withData = false;
    else body.options.push(...this.list(() => this.parseSetting()));
    return true;
  }

  /** WAL, BYPASS WAL and `, INDEX (sym CAPACITY n)`, which change nothing here. */
  private parseQuestClause(body: TableBody): boolean {
    const position = this.position;
    if (this.accept(K.wal)) return body.options.push({ name: 'wal', value: null, position }) > 0;
    if (this.acceptBoth(K.bypass, K.wal)) return body.options.push({ name: 'bypass_wal', value: null, position }) > 0;
    if (this.kind !== T.comma || this.peek() !== K.index) return false;
    this.advance();
    this.advance();
    this.expect(T.leftParenthesis);
    this.parseIdentifier('a column name');
    if (this.accept(K.capacity)) this.parseCount('a capacity');
    this.expect(T.rightParenthesis);
    return true;
  }

  // ---- columns ----

  protected parseColumnDefinition(): ColumnDefinition {
    const position = this.position;
    const name = this.parseIdentifier('a column name');
    const type = this.isNameToken(this.kind) && !this.isGenerated() ? this.parseDataType() : null;
    const constraints: ColumnConstraint[] = [];
    const options: Setting[] = [];
    for (;;) {
      const constraint = this.parseColumnConstraint();
      if (constraint !== null) constraints.push(constraint);
      else if (!this.parseColumnOption(options)) break;
    }
    return { name, type, constraints, options, position, end: this.end };
  }

  private isGenerated(): boolean {
    return this.kind === K.generated && (this.peek() === K.always || this.peek() === K.by);
  }

  /** CAPACITY n, CACHE, NOCACHE, INDEX [CAPACITY n] of a symbol column. */
  private parseColumnOption(options: Setting[]): boolean {
    const position = this.position;
    const name = this.tokenText().toLowerCase();
    if (this.kind === K.cache || this.kind === K.nocache || this.kind === K.index) {
      this.advance();
      options.push({ name, value: null, position });
      return true;
    }
    if (!this.accept(K.capacity)) return false;
    options.push({ name, value: this.parseNumber(), position });
    return true;
  }

  private parseColumnConstraint(): ColumnConstraint | null {
    const position = this.position;
    const name = this.accept(K.constraint) ? this.parseIdentifier('a constraint name') : null;
    const constraint = this.parseConstraintBody(name, position);
    if (constraint === null && name !== null) throw this.unexpected('NOT NULL, DEFAULT, CHECK, PRIMARY KEY, UNIQUE or REFERENCES');
    return constraint;
  }

  private parseConstraintBody(name: Identifier | null, position: number): ColumnConstraint | null {
    if (this.kind === K.not && this.peek() !== K.null) throw this.unexpected('NOT NULL');
    if (this.acceptBoth(K.not, K.null)) return { kind: 'notNull', name, position, end: this.end };
    if (this.accept(K.null)) return { kind: 'null', name, position, end: this.end };
    if (this.acceptBoth(K.primary, K.key)) return { kind: 'primaryKey', name, position, end: this.end };
    if (this.accept(K.unique)) return { kind: 'unique', name, position, end: this.end };
    if (this.accept(K.default)) return { kind: 'default', value: this.parseExpression(), name, position, end: this.end };
    if (this.kind === K.check) return { kind: 'check', condition: this.parseCheck(), name, position, end: this.end };
    if (this.accept(K.collate))
      return { kind: 'collate', collation: this.parseQualifiedName('a collation'), name, position, end: this.end };
    if (this.accept(K.references)) return { kind: 'references', ...this.parseReference(), name, position, end: this.end };
    if (this.isGenerated()) return this.parseGenerated(name, position);
    if (this.kind !== K.as || this.peek() !== T.leftParenthesis) return null;
    this.advance();
    return this.parseGeneratedValue(name, position);
  }

  private parseCheck(): Expression {
    this.expect(K.check);
    this.expect(T.leftParenthesis);
    const condition = this.parseExpression();
    this.expect(T.rightParenthesis);
    return condition;
  }

  private parseReference(): { table: QualifiedName; columns: Identifier[] } {
    const table = this.parseQualifiedName('a table');
    const columns = this.parseOptionalColumnNames();
    while (this.kind === K.on && (this.peek() === K.delete || this.peek() === K.update)) {
      this.advance();
      this.advance();
      if (this.acceptBoth(K.no, K.schema)) throw this.unexpected('ACTION');
      if (this.accept(K.no)) this.expectText('action');
      else if (this.accept(K.set)) {
        if (!this.accept(K.null)) this.expect(K.default);
      } else if (!this.accept(K.cascade)) this.expect(K.restrict);
    }
    return { table, columns };
  }

  /** GENERATED ALWAYS AS (…) [STORED], GENERATED ALWAYS | BY DEFAULT AS IDENTITY. */
  private parseGenerated(name: Identifier | null, position: number): ColumnConstraint {
    this.advance();
    const always = this.accept(K.always);
    if (!always) {
      this.expect(K.by);
      this.expect(K.default);
    }
    this.expect(K.as);
    if (!this.accept(K.identity)) return this.parseGeneratedValue(name, position);
    return { kind: 'identity', always, name, position, end: this.end };
  }

  private parseGeneratedValue(name: Identifier | null, position: number): ColumnConstraint {
    this.expect(T.leftParenthesis);
    const value = this.parseExpression();
    this.expect(T.rightParenthesis);
    const stored = this.accept(K.stored);
    if (!stored) this.acceptText('virtual');
    return { kind: 'generated', value, stored, name, position, end: this.end };
  }

  // ---- table constraints ----

  private isTableConstraint(): boolean {
    const { kind } = this;
    return kind === K.constraint || kind === K.primary || kind === K.unique || kind === K.check || kind === K.foreign;
  }

  protected parseTableConstraint(): TableConstraint {
    const position = this.position;
    const name = this.accept(K.constraint) ? this.parseIdentifier('a constraint name') : null;
    if (this.acceptBoth(K.primary, K.key)) return { kind: 'primaryKey', columns: this.parseColumnNames(), name, position, end: this.end };
    if (this.accept(K.unique)) return { kind: 'unique', columns: this.parseColumnNames(), name, position, end: this.end };
    if (this.kind === K.check) return { kind: 'check', condition: this.parseCheck(), name, position, end: this.end };
    if (!this.acceptBoth(K.foreign, K.key)) throw this.unexpected('PRIMARY KEY, UNIQUE, CHECK or FOREIGN KEY');
    const columns = this.parseColumnNames();
    this.expect(K.references);
    const { table, columns: targetColumns } = this.parseReference();
    return { kind: 'foreignKey', columns, table, targetColumns, name, position, end: this.end };
  }

  // ---- view, schema, index ----

  private parseCreateView(flags: Pick<CreateView, 'orReplace' | 'temporary' | 'materialized'>, position: number): CreateView {
    const ifNotExists = this.parseIfNotExists();
    const name = this.parseQualifiedName('a view name');
    const columns = this.parseOptionalColumnNames();
    const options = this.accept(K.with) ? this.parseSettings() : [];
    this.expect(K.as);
    const query = this.parseQuery();
    return { kind: 'createView', name, ...flags, ifNotExists, columns, options, query, position, end: this.end };
  }

  private parseCreateSchema(position: number): CreateSchema {
    const ifNotExists = this.parseIfNotExists();
    return { kind: 'createSchema', name: this.parseQualifiedName('a schema name'), ifNotExists, position, end: this.end };
  }

  private parseCreateIndex(unique: boolean, position: number): CreateIndex {
    this.accept(K.concurrently);
    const ifNotExists = this.parseIfNotExists();
    const name = this.kind === K.on || isReserved(this.kind) ? null : this.parseIdentifier('an index name');
    this.expect(K.on);
    const table = this.parseQualifiedName('a table');
    const method = this.accept(K.using) ? this.parseIdentifier('an index method').name.toLowerCase() : null;
    const items = this.parenthesised(() => this.parseIndexItem());
    const options = this.accept(K.with) ? this.parseSettings() : [];
    const where = this.accept(K.where) ? this.parseExpression() : null;
    return { kind: 'createIndex', name, ifNotExists, unique, table, method, items, options, where, position, end: this.end };
  }

  private parseIndexItem(): IndexItem {
    const position = this.position;
    const expression = this.parseExpression();
    return { expression, ...this.parseOrderFlags(), position, end: this.end };
  }
}

function emptyTableBody(): TableBody {
  return {
    columns: [],
    constraints: [],
    like: null,
    query: null,
    withData: true,
    timestamp: null,
    partitionBy: null,
    clusterBy: [],
    timeToLive: null,
    dedupKeys: [],
    options: [],
  };
}
