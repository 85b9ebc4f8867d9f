/** Table references without their joins: names, files, functions, subqueries, samples, PIVOT and UNPIVOT. */
import type { DataType, Identifier, QualifiedName, TableAlias } from '../ast/node.js';
import type { CommonTable, Query, SelectItem } from '../ast/query.js';
import type { DerivedTable, Pivot, PivotColumn, TableFunction, TableReference, TableSample, Unpivot } from '../ast/table.js';
import { K } from '../keywords.js';
import { T } from '../token-kind.js';
import { AliasParser } from './aliases.js';
import { P } from './precedence.js';

const SAMPLE_METHODS = ['bernoulli', 'system', 'reservoir'] as const;

export type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** A common table while the tables behind it are read. */
export type CountedTable = Mutable<CommonTable> & { uses: number };

export abstract class TableParser extends AliasParser {
  /** Common tables whose WITH belongs to what is being read. */
  protected readonly countedTables: CountedTable[] = [];

  /** With its joins. */
  protected abstract parseTableReference(): TableReference;
  /** `(trades WHERE …)`: a query that begins with a table; the rest of it follows. */
  protected abstract parseQueryOfTable(first: TableReference, position: number): Query;
  protected abstract isSelectClause(): boolean;

  /** One table, with alias, sample and pivots. */
  protected parseTablePrimary(): TableReference {
    const position = this.position;
    let table = this.parseTable(position);
    for (;;) {
      if (this.kind === K.pivot && this.peek() === T.leftParenthesis) table = this.parsePivotClause(table, position);
      else if (this.kind === K.unpivot && this.isUnpivotClause()) table = this.parseUnpivotClause(table, position);
      else return table;
      this.raise();
    }
  }

  private parseTable(position: number): TableReference {
    if (this.kind === T.leftParenthesis) return this.parseParenthesisedTable(position);
    if (this.kind === K.lateral) return this.parseLateral(position);
    if (this.isStringToken(this.kind)) {
      const path = this.parseString();
      const { alias, sample } = this.parseTableSuffix();
      return { kind: 'file', path, alias, sample, position, end: this.end };
    }
    if (this.kind === K.values && this.peek() === T.leftParenthesis) return this.finishDerived(this.parseQuery(), false, position);
    const name = this.parseQualifiedName('a table');
    if (this.kind === T.leftParenthesis) {
      return this.parseTableFunction(name, false, position);
    }
    this.countUse(name);
    const { alias, timestamp, sample } = this.parseTableSuffix();
    return { kind: 'table', name, alias, timestamp, sample, position, end: this.end };
  }

  /** A table in FROM is a use of each common table of its name that is open here. */
  protected countUse(name: QualifiedName): void {
    if (this.countedTables.length === 0 || name.length > 1) return;
    const key = name[0]?.name.toLowerCase();
    for (const table of this.countedTables) if (table.name.name.toLowerCase() === key) table.uses++;
  }

  private parseLateral(position: number): TableReference {
    this.advance();
    if (this.kind === T.leftParenthesis) return this.finishDerived(this.parseParenthesisedQuery(), true, position);
    return this.parseTableFunction(this.parseQualifiedName('a table function'), true, position);
  }

  private parseTableFunction(name: readonly Identifier[], lateral: boolean, position: number): TableFunction {
    const call = this.parseCall(name, position);
    let withOrdinality = false;
    if (this.kind === K.with && this.peek() === K.ordinality) withOrdinality = this.acceptBoth(K.with, K.ordinality);
    const timestamp = this.parseTimestampColumn();
    const aliasName = this.parseOptionalTableName();
    const columns: Identifier[] = [];
    const columnTypes: DataType[] = [];
    if (aliasName !== null && this.kind === T.leftParenthesis) {
      this.parenthesised(() => {
        columns.push(this.parseIdentifier('a column name'));
        if (this.kind !== T.comma && this.kind !== T.rightParenthesis) columnTypes.push(this.parseDataType());
      });
      if (columnTypes.length !== 0 && columnTypes.length !== columns.length) {
        throw this.error('either every column of the alias has a type or none', aliasName.position);
      }
    }
    const alias = aliasName === null ? null : { name: aliasName, columns };
    const sample = this.parseOptionalTableSample();
    const end = this.end;
    return { kind: 'tableFunction', call, lateral, withOrdinality, alias, columnTypes, timestamp, sample, position, end };
  }

  private parseParenthesisedTable(position: number): TableReference {
    const outer = this.enter();
    this.advance();
    const table = this.parseTableInParentheses(position);
    this.leave(outer);
    return table;
  }

  private parseTableInParentheses(position: number): TableReference {
    if (this.isQueryStart() || this.isPivotOfParentheses()) return this.closeDerived(this.parseQuery(), position);
    const inner = this.parseTableReference();
    if (isBareDerived(inner) && this.isQueryContinuation()) return this.closeDerived(this.parseQueryAfter(inner.query), position);
    if (this.kind === T.comma || this.isSelectClause() || this.isQueryContinuation()) {
      return this.closeDerived(this.parseQueryOfTable(inner, position), position);
    }
    this.expect(T.rightParenthesis);
    if (isBareDerived(inner)) return this.finishDerived(inner.query, false, position);
    return inner.alias === null && inner.kind !== 'horizonJoin' ? this.withAlias(inner, position) : inner;
  }

  private closeDerived(query: Query, position: number): TableReference {
    this.expect(T.rightParenthesis);
    return this.finishDerived(query, false, position);
  }

  /** The alias after parentheses around a join or table. */
  private withAlias(inner: TableReference, position: number): TableReference {
    const alias = this.parseTableAlias();
    return alias === null ? inner : { ...inner, alias, position, end: this.end };
  }

  private finishDerived(query: Query, lateral: boolean, position: number): TableReference {
    return { kind: 'derived', query, lateral, ...this.parseTableSuffix(), position, end: this.end };
  }

  private parseTableSuffix(): { alias: TableAlias | null; timestamp: Identifier | null; sample: TableSample | null } {
    let timestamp = this.parseTimestampColumn();
    const alias = this.parseTableAlias();
    timestamp ??= this.parseTimestampColumn();
    return { alias, timestamp, sample: this.parseOptionalTableSample() };
  }

  /** `TIMESTAMP(ts)`. */
  private parseTimestampColumn(): Identifier | null {
    if (!this.acceptBoth(K.timestamp, T.leftParenthesis)) return null;
    const column = this.parseIdentifier('a column name');
    this.expect(T.rightParenthesis);
    return column;
  }

  // ---- samples ----

  private parseOptionalTableSample(): TableSample | null {
    if (this.kind !== K.tablesample) return null;
    this.advance();
    return this.parseSample();
  }

  /** `BERNOULLI (10 PERCENT) REPEATABLE (7)`, `10%`, `1000 ROWS`. */
  protected parseSample(): TableSample {
    const position = this.position;
    const isMethodFirst = this.isNameToken(this.kind) && this.peek() === T.leftParenthesis;
    let method = isMethodFirst ? this.parseSampleMethod() : null;
    const hasParenthesis = this.accept(T.leftParenthesis);
    const size = this.parseBinary(P.power);
    const unit = this.parseSampleUnit(method);
    if (hasParenthesis) this.expect(T.rightParenthesis);
    let seed: TableSample['seed'] = null;
    if (this.accept(K.repeatable)) {
      this.expect(T.leftParenthesis);
      seed = this.parseExpression();
      this.expect(T.rightParenthesis);
    } else if (method === null && this.kind === T.leftParenthesis) {
      this.advance();
      method = this.parseSampleMethod();
      if (this.accept(T.comma)) seed = this.parseExpression();
      this.expect(T.rightParenthesis);
    }
    return { method, size, unit, seed, position, end: this.end };
  }

  private parseSampleMethod(): string {
    const method = SAMPLE_METHODS.find((word) => this.isText(word));
    if (method === undefined) throw this.unexpected('BERNOULLI, SYSTEM or RESERVOIR');
    this.advance();
    return method;
  }

  private parseSampleUnit(method: string | null): 'percent' | 'rows' {
    if (this.accept(K.percent) || this.accept(T.percent)) return 'percent';
    if (this.accept(K.rows)) return 'rows';
    return method === 'reservoir' ? 'rows' : 'percent';
  }

  // ---- pivot ----

  /** `t PIVOT (sum(x) FOR c IN (1, 2) GROUP BY g)`; the current token is PIVOT. */
  private parsePivotClause(source: TableReference, position: number): Pivot {
    this.advance();
    this.expect(T.leftParenthesis);
    const aggregates = this.list(() => this.parseSelectItem());
    this.expect(K.for);
    const columns: PivotColumn[] = [];
    do {
      this.accept(T.comma);
      columns.push(this.parsePivotColumn(true));
    } while (this.kind !== T.rightParenthesis && this.kind !== K.group);
    const groupBy = this.parsePivotGroups();
    this.expect(T.rightParenthesis);
    return { kind: 'pivot', source, aggregates, columns, groupBy, alias: this.parseTableAlias(), position, end: this.end };
  }

  private parsePivotGroups(): Pivot['groupBy'] {
    return this.acceptBoth(K.group, K.by) ? this.list(() => this.parseExpression()) : [];
  }

  private parsePivotColumn(needsValues: boolean): PivotColumn {
    const position = this.position;
    const target = this.parseOperand();
    const expressions = target.kind === 'row' ? target.items : [target];
    let query: Query | null = null;
    let values: SelectItem[] = [];
    if (needsValues || this.kind === K.in) {
      this.expect(K.in);
      this.expect(T.leftParenthesis);
      if (this.isQueryStart()) query = this.parseQuery();
      else values = this.list(() => this.parseSelectItem());
      this.expect(T.rightParenthesis);
    }
    return { expressions, values, query, position, end: this.end };
  }

  private isUnpivotClause(): boolean {
    const next = this.peek();
    return next === T.leftParenthesis || ((next === K.include || next === K.exclude) && this.peek(2) === K.nulls);
  }

  private parseIncludeNulls(): boolean {
    const includes = this.kind === K.include;
    if (includes || this.kind === K.exclude) {
      this.advance();
      this.expect(K.nulls);
    }
    return includes;
  }

  /** `t UNPIVOT (v FOR n IN (a, b))`; the current token is UNPIVOT. */
  private parseUnpivotClause(source: TableReference, position: number): Unpivot {
    this.advance();
    const includeNulls = this.parseIncludeNulls();
    this.expect(T.leftParenthesis);
    const valueColumns = this.kind === T.leftParenthesis ? this.parseColumnNames() : [this.parseIdentifier('a column name')];
    this.expect(K.for);
    const nameColumn = this.parseIdentifier('a column name');
    this.expect(K.in);
    const columns = this.parenthesised(() => this.parseSelectItem());
    this.expect(T.rightParenthesis);
    return {
      kind: 'unpivot',
      source,
      includeNulls,
      valueColumns,
      nameColumn,
      columns,
      alias: this.parseTableAlias(),
      position,
      end: this.end,
    };
  }

  /** The statement `PIVOT t ON c USING sum(x) GROUP BY g`. */
  protected parsePivotStatement(): Pivot {
    const position = this.position;
    this.expect(K.pivot);
    const source = this.parseTableReference();
    const columns = this.accept(K.on) ? this.list(() => this.parsePivotColumn(false)) : [];
    const aggregates = this.accept(K.using) ? this.list(() => this.parseSelectItem()) : [];
    return { kind: 'pivot', source, aggregates, columns, groupBy: this.parsePivotGroups(), alias: null, position, end: this.end };
  }

  /** The statement `UNPIVOT t ON a, b INTO NAME n VALUE v`. */
  protected parseUnpivotStatement(): Unpivot {
    const position = this.position;
    this.expect(K.unpivot);
    const source = this.parseTableReference();
    const includeNulls = this.parseIncludeNulls();
    this.expect(K.on);
    const columns = this.list(() => this.parseSelectItem());
    let nameColumn: Identifier = { name: 'name', quoted: false, position };
    let valueColumns: Identifier[] = [{ name: 'value', quoted: false, position }];
    if (this.accept(K.into)) {
      this.expect(K.name);
      nameColumn = this.parseIdentifier('a column name');
      this.expect(K.value);
      valueColumns = this.list(() => this.parseIdentifier('a column name'));
    }
    return { kind: 'unpivot', source, includeNulls, valueColumns, nameColumn, columns, alias: null, position, end: this.end };
  }
}

function isBareDerived(table: TableReference): table is DerivedTable {
  return table.kind === 'derived' && table.alias === null && table.timestamp === null && table.sample === null && !table.lateral;
}
