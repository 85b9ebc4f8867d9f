/** Aliases, and the words that begin a clause where an implicit alias could stand. */
import type { Identifier, TableAlias } from '../ast/node.js';
import type { SelectItem } from '../ast/query.js';
import { K } from '../keywords.js';
import { T } from '../token-kind.js';
import { PrimaryParser } from './primary.js';

/**
 * Words that are ordinary names unless one of these tokens follows; an empty list: never an implicit alias of a table.
 * So `FROM t sample WHERE …` has an alias and `FROM t SAMPLE BY 1m` a clause.
 */
const CLAUSE_STARTS: ReadonlyMap<number, readonly number[]> = new Map([
  [K.sample, [K.by]],
  [K.latest, [K.on, K.by]],
  [K.asof, [K.join, K.left, K.inner, K.right, K.full, K.semi, K.anti, K.nearest]],
  [K.lt, [K.join, K.left, K.inner, K.nearest]],
  [K.splice, [K.join, K.left, K.inner, K.nearest]],
  [K.horizon, [K.join]],
  [K.plus, [K.join]],
  [K.semi, [K.join]],
  [K.anti, [K.join]],
  [K.positional, [K.join]],
  [K.aj, []],
  [K.aj0, []],
  [K.uj, []],
  [K.pj, []],
  [K.tolerance, []],
  [K.nearest, []],
  [K.set, []],
  [K.match_condition, [T.leftParenthesis]],
  [K.fill, [T.leftParenthesis]],
  [K.align, [K.to]],
  [K.pivot, [T.leftParenthesis]],
  [K.unpivot, [T.leftParenthesis, K.include, K.exclude]],
  [K.timestamp, [T.leftParenthesis]],
  [K.range, [K.between, K.from]],
  [K.list, [T.leftParenthesis]],
  [K.include, [K.prevailing]],
  [K.exclude, [K.prevailing]],
  [K.partition, [K.by]],
  [K.cluster, [K.by]],
  [K.ttl, [T.integer, T.duration, K.interval]],
  [K.dedup, [K.upsert, K.keys, T.leftParenthesis]],
  [K.bypass, [K.wal]],
  [K.max, [K.gap]],
  [K.at, [K.time]],
  [K.ignore, [K.nulls]],
  [K.respect, [K.nulls]],
]);

export abstract class AliasParser extends PrimaryParser {
  private isClauseStart(): boolean {
    return this.isFollowedClause() || CLAUSE_STARTS.get(this.kind)?.length === 0;
  }

  private isFollowedClause(): boolean {
    return CLAUSE_STARTS.get(this.kind)?.includes(this.peek()) === true;
  }

  /** `AS label` with any word, or a bare name that begins no clause. */
  protected parseOptionalAlias(): Identifier | null {
    if (this.accept(K.as)) {
      if (!this.isStringToken(this.kind)) return this.parseLabel('an alias');
      const position = this.position;
      const name = this.parseString();
      if (name === '') throw this.error('an alias cannot be empty', position);
      return { name, quoted: true, position };
    }
    return this.isNameToken(this.kind) && !this.isFollowedClause() ? this.takeIdentifier() : null;
  }

  /** `[AS] name [(column, …)]`. */
  protected parseTableAlias(): TableAlias | null {
    const name = this.parseOptionalTableName();
    return name === null ? null : { name, columns: this.parseOptionalColumnNames() };
  }

  protected parseOptionalTableName(): Identifier | null {
    if (this.accept(K.as)) return this.parseIdentifier('an alias');
    return this.isNameToken(this.kind) && !this.isClauseStart() ? this.takeIdentifier() : null;
  }

  /** An expression or star with an optional alias: an item of SELECT, RETURNING, PIVOT. */
  protected parseSelectItem(): SelectItem {
    const position = this.position;
    if (this.kind === T.star) {
      this.advance();
      const expression = this.parseStar([], position);
      return { expression, alias: expression.kind === 'star' ? null : this.parseOptionalAlias(), position, end: this.end };
    }
    const expression = this.parseExpression();
    const alias = expression.kind === 'star' ? null : this.parseOptionalAlias();
    return { expression, alias, position, end: this.end };
  }
}
