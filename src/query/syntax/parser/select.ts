/** Queries: WITH, set operations, SELECT and its clauses, ORDER BY and LIMIT. */
import type {
  Expression,
  GroupBy,
  GroupingElement,
  GroupingSet,
  GroupingSets,
  Limit,
  LimitBy,
  NamedWindow,
  Query,
  QueryBody,
  Select,
  SelectItem,
  SetOperation,
  Values,
  WithClause,
} from '../ast/query.js';
import type { TableReference } from '../ast/table.js';
import { K } from '../keywords.js';
import { T } from '../token-kind.js';
import type { Mutable } from './tables.js';
import { WithClauseParser } from './with-clause.js';

/** Stack that one nested query weighs, in levels of an expression. */
export const QUERY_WEIGHT = 2;

type Clauses = Mutable<Omit<Select, 'kind' | 'mayChooseColumns' | 'items' | 'distinct' | 'distinctOn' | 'position' | 'end'>>;
type Quantity = Pick<Select, 'distinct' | 'distinctOn'>;
type QueryTail = Pick<Query, 'orderBy' | 'orderByAll' | 'limitBy' | 'limit'>;

const ALL_ROWS: Quantity = { distinct: false, distinctOn: [] };

/** The clauses that must stand in this order. */
const CLAUSE_RANK: ReadonlyMap<number, number> = new Map([
  [K.where, 1],
  [K.group, 2],
  [K.having, 3],
  [K.window, 4],
  [K.qualify, 5],
]);

export abstract class SelectParser extends WithClauseParser {
  protected parseQuery(): Query {
    const outer = this.enter(QUERY_WEIGHT);
    const position = this.position;
    const withClause = this.kind === K.with ? this.parseWith() : null;
    const query = this.finishQuery(this.parseSetOperations(), withClause, position);
    this.leave(outer, QUERY_WEIGHT);
    return query;
  }

  /** A query after its WITH clause was read by whoever decided that it is one. */
  protected parseQueryWith(withClause: WithClause | null, position: number): Query {
    const outer = this.enter(QUERY_WEIGHT);
    const query = this.finishQuery(this.parseSetOperations(), withClause, position);
    this.leave(outer, QUERY_WEIGHT);
    return query;
  }

  protected parseQueryAfter(first: Query): Query {
    const body = this.parseSetOperations(unwrap(first));
    return this.finishQuery(body, null, first.position);
  }

  private finishQuery(body: QueryBody, withClause: WithClause | null, position: number): Query {
    const tail = this.parseTail();
    const hasTail = tail.orderBy.length > 0 || tail.orderByAll !== null || tail.limitBy !== null || tail.limit !== null;
    if (body.kind === 'query' && withClause === null && !hasTail) return body;
    if (withClause !== null) this.countedTables.length -= withClause.entries.length;
    const { orderBy, orderByAll, limitBy, limit } = tail;
    return { kind: 'query', with: withClause, body, orderBy, orderByAll, limitBy, limit, position, end: this.end };
  }

  // ---- set operations ----

  private parseSetOperations(first?: QueryBody): QueryBody {
    let parts = [this.parseIntersections(first)];
    let joint: Joint | null = null;
    while (this.kind === K.union || this.kind === K.except) {
      const operator = this.kind === K.union ? 'union' : 'except';
      const next: Joint = { operator, ...this.parseJoint() };
      const continues = operator === 'union' && joint?.operator === 'union' && joint.all === next.all && joint.byName === next.byName;
      if (!continues) parts = [joined(parts, joint)];
      joint = next;
      parts.push(this.parseIntersections());
      // A long chain of one kind of union becomes a balanced tree.
      if (parts.length <= LONGEST_CHAIN || Number.isInteger(Math.log2(parts.length))) this.raise();
    }
    return joined(parts, joint);
  }

  private parseJoint(): Omit<Joint, 'operator'> {
    this.advance();
    const all = this.accept(K.all);
    if (!all) this.accept(K.distinct);
    return { all, byName: this.acceptBoth(K.by, K.name) };
  }

  private parseIntersections(first?: QueryBody): QueryBody {
    let left = first ?? this.parseQueryTerm();
    while (this.kind === K.intersect) {
      const joint: Joint = { operator: 'intersect', ...this.parseJoint() };
      left = joined([left, this.parseQueryTerm()], joint);
      this.raise();
    }
    return left;
  }

  private parseQueryTerm(): QueryBody {
    switch (this.kind) {
      case K.select:
        return this.parseSelect();
      case K.values:
        return this.parseValues();
      case K.from:
        return this.parseFromFirst();
      case T.leftParenthesis:
        return unwrap(this.parseParenthesisedOperand());
      case K.table:
        return this.parseTableStatement();
      case K.pivot:
        return this.selectStarFrom(this.parsePivotStatement());
      case K.unpivot:
        return this.selectStarFrom(this.parseUnpivotStatement());
      default:
        throw this.unexpected('SELECT, VALUES, FROM or a query in parentheses', K.select);
    }
  }

  private parseParenthesisedOperand(): Query {
    this.expect(T.leftParenthesis);
    const query = this.parseQuery();
    this.expect(T.rightParenthesis);
    return query;
  }

  private parseValues(): Values {
    const position = this.position;
    this.expect(K.values);
    const rows = this.list(() => this.parseValuesRow());
    return { kind: 'values', rows, position, end: this.end };
  }

  private parseValuesRow(): Expression[] {
    this.accept(K.row);
    return this.parenthesised(() => this.parseValue());
  }

  /** An expression, or DEFAULT. */
  protected parseValue(): Expression {
    if (this.kind !== K.default) return this.parseExpression();
    const position = this.position;
    this.advance();
    return { kind: 'default', position, end: this.end };
  }

  // ---- select ----

  private parseSelect(): Select {
    const position = this.position;
    this.expect(K.select);
    const quantity = this.parseDistinct();
    const columnsBefore = this.columnsCount;
    const items = this.parseSelectItems();
    const columnsOfItems = this.columnsCount - columnsBefore;
    const from = this.accept(K.from) ? this.parseFromList() : [];
    const columnsOfFrom = this.columnsCount - columnsBefore - columnsOfItems;
    const clauses = this.parseClauses(from);
    return this.selectOf(quantity, items, clauses, this.columnsCount - columnsOfFrom > columnsBefore, position);
  }

  private selectOf(
    { distinct, distinctOn }: Quantity,
    items: readonly SelectItem[],
    clauses: Clauses,
    mayChooseColumns: boolean,
    position: number,
  ): Select {
    const { from, where, sampleBy, latestOn, groupBy, having, windows, qualify, sample } = clauses;
    return {
      kind: 'select',
      mayChooseColumns,
      distinct,
      distinctOn,
      items,
      from,
      where,
      sampleBy,
      latestOn,
      groupBy,
      having,
      windows,
      qualify,
      sample,
      position,
      end: this.end,
    };
  }

  private parseDistinct(): Quantity {
    if (!this.accept(K.distinct)) {
      this.accept(K.all);
      return ALL_ROWS;
    }
    return { distinct: true, distinctOn: this.accept(K.on) ? this.parenthesised(() => this.parseExpression()) : [] };
  }

  /** A comma before FROM is allowed, as in DuckDB. */
  private parseSelectItems(): SelectItem[] {
    const items = [this.parseSelectItem()];
    while (this.accept(T.comma)) {
      if (this.kind === K.from) break;
      items.push(this.parseSelectItem());
    }
    return items;
  }

  private parseFromList(): TableReference[] {
    return this.list(() => this.parseTableReference());
  }

  /** `FROM t [SELECT …] [WHERE …]`. */
  private parseFromFirst(): Select {
    const position = this.position;
    this.expect(K.from);
    const from = this.parseFromList();
    const columnsBefore = this.columnsCount;
    let quantity = ALL_ROWS;
    let items: SelectItem[] | null = null;
    if (this.accept(K.select)) {
      quantity = this.parseDistinct();
      items = this.parseSelectItems();
    }
    const clauses = this.parseClauses(from);
    return this.selectOf(quantity, items ?? [starItem(position)], clauses, this.columnsCount > columnsBefore, position);
  }

  private parseTableStatement(): Select {
    const position = this.position;
    this.advance();
    const tablePosition = this.position;
    const name = this.parseQualifiedName('a table');
    this.countUse(name);
    return this.selectStarFrom(
      { kind: 'table', name, alias: null, timestamp: null, sample: null, position: tablePosition, end: this.end },
      position,
    );
  }

  private selectStarFrom(table: TableReference, position = table.position): Select {
    return this.selectOf(ALL_ROWS, [starItem(position)], emptyClauses([table]), false, position);
  }

  /** QuestDB's `trades WHERE …`, where the table has been read. */
  protected parseQueryOfTable(first: TableReference, position: number): Query {
    const from = [first];
    while (this.accept(T.comma)) from.push(this.parseTableReference());
    const columnsBefore = this.columnsCount;
    const clauses = this.parseClauses(from);
    const select = this.selectOf(ALL_ROWS, [starItem(position)], clauses, this.columnsCount > columnsBefore, position);
    return this.finishQuery(this.parseSetOperations(select), null, position);
  }

  protected isSelectClause(): boolean {
    return CLAUSE_RANK.has(this.kind) || this.isSampleBy() || this.isLatestOn() || (this.kind === K.using && this.peek() === K.sample);
  }

  private parseClauses(from: readonly TableReference[]): Clauses {
    const clauses = emptyClauses(from);
    let rank = 0;
    for (;;) {
      const clauseRank = CLAUSE_RANK.get(this.kind);
      if (clauseRank !== undefined) {
        if (clauseRank <= rank) throw this.misplacedClause(clauseRank === rank);
        rank = clauseRank;
        this.parseRankedClause(clauses);
      } else if (clauses.sampleBy === null && this.isSampleBy()) clauses.sampleBy = this.parseSampleBy();
      else if (clauses.latestOn === null && this.isLatestOn()) clauses.latestOn = this.parseLatestOn();
      else if (this.acceptBoth(K.using, K.sample)) clauses.sample = this.parseSample();
      else return clauses;
    }
  }

  private misplacedClause(isRepeated: boolean): Error {
    const word = this.tokenText().toUpperCase();
    const message = isRepeated ? `a second ${word} clause` : `${word} stands too late`;
    return this.error(message, this.position, 'the order is WHERE, GROUP BY, HAVING, WINDOW, QUALIFY, ORDER BY, LIMIT');
  }

  private parseRankedClause(clauses: Clauses): void {
    const kind = this.kind;
    this.advance();
    if (kind === K.where) clauses.where = this.parseExpression();
    else if (kind === K.group) clauses.groupBy = this.parseGroupBy();
    else if (kind === K.having) clauses.having = this.parseExpression();
    else if (kind === K.window) clauses.windows = this.list<NamedWindow>(() => this.parseNamedWindow());
    else clauses.qualify = this.parseExpression();
  }

  // ---- group by ----

  private parseGroupBy(): GroupBy {
    const position = this.position;
    this.expect(K.by);
    if (this.accept(K.all)) return { all: true, items: [], position, end: this.end };
    const items = this.list(() => this.parseGroupingElement());
    return { all: false, items, position, end: this.end };
  }

  private parseGroupingElement(): GroupingElement {
    const position = this.position;
    if (this.kind === T.leftParenthesis && this.peek() === T.rightParenthesis) {
      const empty = this.parseGroupingSet();
      return { kind: 'groupingSets', sets: [empty as GroupingSet], position, end: this.end };
    }
    return this.tryParseGrouping() ?? this.parseExpression();
  }

  /** ROLLUP (…), CUBE (…), GROUPING SETS (…); null when none of them begins here. */
  private tryParseGrouping(): Exclude<GroupingElement, Expression> | null {
    const { position, kind } = this;
    if ((kind === K.rollup || kind === K.cube) && this.peek() === T.leftParenthesis) {
      this.advance();
      const sets = this.parenthesised(() => this.parseGroupedTogether());
      return { kind: kind === K.rollup ? 'rollup' : 'cube', sets, position, end: this.end };
    }
    if (!this.acceptBoth(K.grouping, K.sets)) return null;
    const outer = this.enter();
    const sets = this.parenthesised(() => this.tryParseGrouping() ?? this.parseGroupingSet());
    this.leave(outer);
    return { kind: 'groupingSets', sets, position, end: this.end };
  }

  private parseGroupedTogether(): readonly Expression[] {
    const expression = this.parseExpression();
    return expression.kind === 'row' ? expression.items : [expression];
  }

  private parseGroupingSet(): GroupingSets['sets'][number] {
    const position = this.position;
    if (this.acceptBoth(T.leftParenthesis, T.rightParenthesis)) return { kind: 'groupingSet', items: [], position, end: this.end };
    return { kind: 'groupingSet', items: this.parseGroupedTogether(), position, end: this.end };
  }

  // ---- order and limit ----

  private parseTail(): QueryTail {
    let orderBy: Query['orderBy'] = [];
    let orderByAll: Query['orderByAll'] = null;
    if (this.kind === K.order) {
      // DuckDB's `ORDER BY *` says the same.
      if (this.peek(2) === K.all || this.peek(2) === T.star) {
        for (let i = 0; i < 3; i++) this.advance();
        orderByAll = this.parseOrderFlags();
      } else orderBy = this.parseOrderBy();
    }
    let limit = this.parseLimit();
    let limitBy: LimitBy | null = null;
    if (limit?.kind === 'rowLimit' && limit.count !== null && this.kind === K.by) {
      this.advance();
      const by = this.list(() => this.parseExpression());
      limitBy = { count: limit.count, offset: limit.offset, by, position: limit.position, end: this.end };
      limit = this.parseLimit();
    }
    return { orderBy, orderByAll, limitBy, limit };
  }

  /** LIMIT, OFFSET and FETCH in any order, each once. */
  private parseLimit(): Limit | null {
    const position = this.position;
    let count: Expression | null = null;
    let offset: Expression | null = null;
    let isPercent = false;
    let withTies = false;
    let hasCount = false;
    for (;;) {
      if (!hasCount && this.accept(K.limit)) {
        hasCount = true;
        if (this.accept(K.all) || this.accept(K.null)) continue;
        count = this.parseLimitCount();
        isPercent = this.accept(K.percent) || this.accept(T.percent);
        if (this.kind === T.comma) return this.parseLimitRange(count, position);
      } else if (offset === null && this.accept(K.offset)) {
        offset = this.parseExpression();
        if (!this.accept(K.rows)) this.accept(K.row);
      } else if (!hasCount && this.accept(K.fetch)) {
        hasCount = true;
        if (!this.accept(K.first)) this.expect(K.next);
        if (!this.accept(K.null)) count = this.kind === K.row || this.kind === K.rows ? oneRow(this.position) : this.parseOperand();
        isPercent = this.accept(K.percent);
        if (!this.accept(K.rows)) this.expect(K.row);
        withTies = this.acceptBoth(K.with, K.ties);
        if (!withTies) this.expect(K.only);
      } else break;
    }
    if (!hasCount && offset === null) return null;
    return { kind: 'rowLimit', count, isPercent, withTies, offset, position, end: this.end };
  }

  /** `10%` and `(a + b) %` are shares, `10 % 3` a remainder. */
  private parseLimitCount(): Expression {
    const isNumber = this.kind === T.integer || this.kind === T.decimal;
    const after = this.kind === T.leftParenthesis ? this.distanceBehindParentheses() : 1;
    const isShare = this.peek(after) === T.percent && !this.isOperandStart(after + 1);
    if (!isShare || (!isNumber && after === 1)) return this.parseExpression();
    return isNumber ? this.parseNumber() : this.parsePrimary();
  }

  private isOperandStart(distance: number): boolean {
    const kind = this.peek(distance);
    return (kind >= T.identifier && kind <= T.question) || kind === T.leftParenthesis || this.isNameToken(kind);
  }

  private parseLimitRange(lower: Expression, position: number): Limit {
    this.expect(T.comma);
    const upper = this.parseExpression();
    return { kind: 'limitRange', lower, upper, position, end: this.end };
  }
}

/** Parentheses that hold a query without WITH, ORDER BY or LIMIT only group. */
function unwrap(query: Query): QueryBody {
  const isPlain =
    query.with === null && query.orderBy.length === 0 && query.orderByAll === null && query.limitBy === null && query.limit === null;
  return isPlain ? query.body : query;
}

function starItem(position: number): SelectItem {
  const expression = { kind: 'star', qualifier: [], exclude: [], replace: [], rename: [], position, end: position } as const;
  return { expression, alias: null, position, end: position };
}

function oneRow(position: number): Expression {
  return { kind: 'number', text: '1', isInteger: true, position, end: position };
}

function emptyClauses(from: readonly TableReference[]): Clauses {
  return {
    from,
    where: null,
    sampleBy: null,
    latestOn: null,
    groupBy: null,
    having: null,
    windows: [],
    qualify: null,
    sample: null,
  };
}

/** Unions of one kind that may stand in each other; longer chains are a balanced tree. */
const LONGEST_CHAIN = 100;

type Joint = Pick<SetOperation, 'operator' | 'all' | 'byName'>;

/** From the left, as they are written; what is long and may be put together in any order, by halves. */
function joined(parts: readonly QueryBody[], joint: Joint | null): QueryBody {
  const [first, ...rest] = parts;
  if (!first) throw new Error('a set operation has a first part');
  if (!joint) return first;
  const both = (left: QueryBody, right: QueryBody): SetOperation => ({
    kind: 'setOperation',
    ...joint,
    left,
    right,
    position: left.position,
    end: right.end,
  });
  if (parts.length <= LONGEST_CHAIN) return rest.reduce<QueryBody>(both, first);
  const half = Math.ceil(parts.length / 2);
  return both(joined(parts.slice(0, half), joint), joined(parts.slice(half), joint));
}
