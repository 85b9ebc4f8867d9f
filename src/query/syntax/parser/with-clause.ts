/** WITH: common tables. */
import type { CommonTable, Query, WithClause } from '../ast/query.js';
import type { DataStatement } from '../ast/statement.js';
import { K } from '../keywords.js';
import { T } from '../token-kind.js';
import type { CountedTable } from './tables.js';
import { TimeClauseParser } from './time-clauses.js';

export abstract class WithClauseParser extends TimeClauseParser {
  /** What a common table stands for. */
  protected abstract parseQueryOrChange(): Query | DataStatement;

  protected parseWith(): WithClause {
    const position = this.position;
    this.expect(K.with);
    const recursive = this.accept(K.recursive);
    const entries = this.list(() => this.parseCommonTable());
    return { recursive, entries, position, end: this.end };
  }

  private parseCommonTable(): CommonTable {
    const position = this.position;
    const name = this.parseIdentifier('a name for the common table');
    const columns = this.parseOptionalColumnNames();
    const key = this.acceptBoth(K.using, K.key) ? this.parseColumnNames() : null;
    this.expect(K.as);
    const isNegated = this.kind === K.not && this.peek() === K.materialized;
    if (isNegated) this.advance();
    const materialized = this.accept(K.materialized) ? !isNegated : null;
    this.expect(T.leftParenthesis);
    const query = this.parseQueryOrChange();
    this.expect(T.rightParenthesis);
    const table: CountedTable = { name, columns, materialized, key, query, uses: 0, position, end: this.end };
    this.countedTables.push(table);
    return table;
  }
}
