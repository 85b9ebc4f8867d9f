/** Random queries as trees of clauses. */

import { randomAggregate } from './aggregates.js';
import { type Expr, leaf, randomCondition, randomExpr, type Scope, type ScopeColumn, sqlOf } from './expressions.js';
import type { Random } from './random.js';
import type { Comparison } from './values.js';
import { randomWindow } from './windows.js';
import type { Class, World, WorldTable } from './world.js';

export interface Join {
  readonly kind: string;
  readonly source: string;
  readonly on: readonly Expr[];
  readonly using?: string;
}

export interface OrderItem {
  readonly position: number;
  readonly direction: string;
}

export interface Query {
  /** Texts of CTEs. */
  readonly with: readonly string[];
  readonly distinct: boolean;
  readonly items: readonly Expr[];
  readonly from: string | undefined;
  readonly joins: readonly Join[];
  readonly where: readonly Expr[];
  /** Keys; they are the first items. */
  readonly group: readonly Expr[] | undefined;
  readonly groupBy: 'expressions' | 'positions' | 'all';
  readonly having: readonly Expr[];
  readonly setOperation: { readonly operator: string; readonly right: Query } | undefined;
  readonly order: readonly OrderItem[];
  readonly limit: number | undefined;
  readonly offset: number | undefined;
  /** About how many rows it has at most. */
  readonly estimate: number;
}

export function queryText(query: Query): string {
  const items = query.items.map((item, i) => `${sqlOf(item)} AS c${i}`).join(', ');
  const head = `${query.with.length > 0 ? `WITH ${query.with.join(', ')} ` : ''}SELECT ${query.distinct ? 'DISTINCT ' : ''}${items}`;
  const clauses = [head];
  if (query.from !== undefined) clauses.push(`FROM ${query.from}`);
  for (const join of query.joins) clauses.push(joinText(join));
  if (query.where.length > 0) clauses.push(`WHERE ${query.where.map(sqlOf).join(' AND ')}`);
  if (query.group && query.group.length > 0)
    clauses.push(
      `GROUP BY ${query.groupBy === 'expressions' ? query.group.map(sqlOf).join(', ') : query.groupBy === 'all' ? 'ALL' : query.group.map((_each, i) => i + 1).join(', ')}`,
    );
  if (query.having.length > 0) clauses.push(`HAVING ${query.having.map(sqlOf).join(' AND ')}`);
  if (query.setOperation) clauses.push(`${query.setOperation.operator} ${queryText(query.setOperation.right)}`);
  if (query.order.length > 0) clauses.push(`ORDER BY ${query.order.map((each) => `${each.position + 1} ${each.direction}`).join(', ')}`);
  if (query.limit !== undefined) clauses.push(`LIMIT ${query.limit}`);
  if (query.offset !== undefined) clauses.push(`OFFSET ${query.offset}`);
  return clauses.join(' ');
}

function joinText(join: Join): string {
  if (join.using !== undefined) return `${join.kind} ${join.source} USING (${join.using})`;
  return `${join.kind} ${join.source}${join.on.length > 0 ? ` ON ${join.on.map(sqlOf).join(' AND ')}` : ''}`;
}

/** How answers to the query are compared. */
export function comparisonOf(query: Query): Comparison {
  return {
    ordered: isTotallyOrdered(query),
    // Equal rows become one somewhere in it.
    merges: /\b(DISTINCT|GROUP BY|UNION|INTERSECT|EXCEPT)\b/.test(queryText(query)),
    roundings: query.items.map((item) => item.rounding),
  };
}

/** True when rows of one order are the only right answer. */
function isTotallyOrdered(query: Query): boolean {
  const positions = new Set(query.order.map((item) => item.position));
  return query.items.every((item, i) => positions.has(i) || item.class === 'fuzzy') && !query.items.some((item) => item.class === 'fuzzy');
}

/** `from` with its joins; a condition that splits the rows into those for which it is true, false and NULL. */
export interface Partition {
  readonly from: string;
  readonly items: readonly Expr[];
  readonly condition: Expr;
}

interface Source {
  readonly text: string;
  readonly columns: readonly ScopeColumn[];
  readonly rows: number;
}

const ORDERS = ['', 'ASC', 'DESC', 'ASC NULLS FIRST', 'DESC NULLS LAST', 'DESC NULLS FIRST', 'NULLS LAST'];

export class QueryMaker {
  private readonly random: Random;
  private readonly world: World;
  private aliases = 0;

  constructor(random: Random, world: World) {
    this.random = random;
    this.world = world;
  }

  query(): Query {
    const { random } = this;
    const common: string[] = [];
    const extra: Source[] = [];
    for (let i = random.chance(0.15) ? random.whole(1, 2) : 0; i > 0; i--) {
      const name = `w${this.aliases++}`;
      const inner = this.select(1, [], undefined, false);
      common.push(`${name} AS (${queryText(inner)})`);
      extra.push({ text: name, columns: columnsOf(inner, ''), rows: inner.estimate });
    }
    let query = this.select(2, [], undefined, true, extra);
    if (random.chance(0.12)) query = this.withSetOperation(query);
    return this.ordered({ ...query, with: common });
  }

  /** What the oracles ask of: rows of some sources, a few expressions over them and a condition. */
  partition(): Partition {
    const { random } = this;
    const { from, joins, columns } = this.sources(2, []);
    const inner: Scope = { random, columns };
    const scope: Scope = { ...inner, subquery: (kind, of) => this.subquery(kind, of, inner) };
    const items = Array.from({ length: random.whole(1, 3) }, () => randomExpr(scope, this.anyClass(columns), random.whole(0, 2), true));
    return { from: [from, ...joins.map(joinText)].join(' '), items, condition: randomCondition(scope, 2) };
  }

  private withSetOperation(query: Query): Query {
    const { random } = this;
    // Decimals of which no type holds both become floats here, and lose digits in DuckDB.
    const items = query.items.filter((item) => !['fuzzy', 'list', 'dec'].includes(item.class));
    if (items.length === 0 || items.length !== query.items.length) return query;
    const right = this.select(
      1,
      items.map((item) => item.class),
      undefined,
      false,
    );
    const operator = random.pick(['UNION', 'UNION ALL', 'UNION ALL', 'INTERSECT', 'EXCEPT']);
    return { ...query, setOperation: { operator, right } };
  }

  private ordered(query: Query): Query {
    const { random } = this;
    if (random.chance(0.35)) return query;
    const positions = random.sample(
      query.items.map((item, i) => ({ item, i })).filter(({ item }) => item.class !== 'fuzzy' && item.class !== 'list'),
      random.chance(0.7) ? 99 : random.whole(1, 3),
    );
    const order = positions.map(({ i }) => ({ position: i, direction: random.pick(ORDERS) }));
    const total = order.length === query.items.length;
    if (!total || random.chance(0.4)) return { ...query, order };
    return {
      ...query,
      order,
      limit: random.pick([0, 1, 3, 10, 100]),
      offset: random.chance(0.3) ? random.pick([0, 1, 5, 70, 5000]) : undefined,
    };
  }

  /** A query without order; `classes` fixes the columns' classes. `outer` are columns of the query around. */
  private select(depth: number, classes: readonly Class[], outer: Scope | undefined, fuzzy: boolean, extra: readonly Source[] = []): Query {
    const { random } = this;
    const { from, joins, columns, id, rows } = this.sources(depth, extra);
    const inner: Scope = { random, columns: [...columns, ...(outer && random.chance(0.6) ? outer.columns : [])] };
    const scope: Scope = { ...inner, subquery: depth > 0 ? (kind, of) => this.subquery(kind, of, inner) : undefined };
    const where = random.chance(0.5) ? Array.from({ length: random.whole(1, 2) }, () => randomCondition(scope, 2)) : [];
    const base = {
      with: [],
      from,
      joins,
      where,
      setOperation: undefined,
      order: [],
      limit: undefined,
      offset: undefined,
      estimate: rows,
      groupBy: random.pick<Query['groupBy']>(['expressions', 'expressions', 'positions', 'all']),
    } as const;
    const grouped = random.chance(0.45) ? this.grouped({ ...inner, columns, id }, classes, fuzzy) : undefined;
    if (grouped) {
      // DuckDB leaves GROUP BY ALL away when no key reads a column.
      const constant = grouped.group?.some((key) => !/\b[asw]\d+\./.test(sqlOf(key)));
      return { ...base, distinct: false, ...grouped, groupBy: constant && base.groupBy === 'all' ? 'positions' : base.groupBy };
    }
    const wanted = classes.length > 0 ? classes : Array.from({ length: random.whole(1, 5) }, () => this.anyClass(columns));
    const items = wanted.map((each) => randomExpr(scope, each, random.whole(0, 3), true));
    if (id !== undefined && fuzzy && classes.length === 0 && rows <= 1000 && random.chance(0.35))
      for (let i = random.whole(1, 3); i > 0; i--) items.push(randomWindow({ random, columns, id }));
    return { ...base, distinct: random.chance(0.15), items, group: undefined, having: [] };
  }

  private anyClass(columns: readonly ScopeColumn[]): Class {
    const known = columns.map((each) => each.class).filter((each) => each !== 'fuzzy' && each !== 'list');
    return known.length > 0 && this.random.chance(0.8)
      ? this.random.pick(known)
      : this.random.pick(['bool', 'int', 'float', 'dec', 'text', 'date', 'ts']);
  }

  private grouped(scope: Scope, classes: readonly Class[], fuzzy: boolean): Pick<Query, 'items' | 'group' | 'having'> {
    const { random } = this;
    const keyCount = random.pick([0, 1, 1, 1, 2, 2, 3, 4]);
    const keys = Array.from({ length: keyCount }, (_, i) => {
      const kind = classes[i] ?? this.anyClass(scope.columns);
      return randomExpr(scope, kind, random.pick([0, 0, 0, 1, 2]), true);
    }).slice(0, classes.length > 0 ? classes.length : 4);
    const firm = keys.filter((key) => key.parts.length > 0 || scope.columns.some((each) => each.sql === key.template));
    const rest = classes.slice(firm.length);
    const usable = firm.every((key, i) => classes.length === 0 || key.class === classes[i]) ? firm : [];
    const wanted: (Class | undefined)[] = usable === firm && classes.length > 0 ? rest.slice() : classes.length > 0 ? [...classes] : [];
    if (classes.length === 0) wanted.push(...Array.from({ length: random.whole(usable.length > 0 ? 0 : 1, 4) }, () => undefined));
    const aggregates = wanted.map((kind) => randomAggregate(scope, kind, fuzzy));
    const having = random.chance(0.2) ? [this.having(scope)] : [];
    const items = [...usable, ...aggregates];
    return { items: items.length > 0 ? items : [leaf('int', 'count(*)')], group: usable, having };
  }

  private having(scope: Scope): Expr {
    const { random } = this;
    const aggregate = randomAggregate(scope, random.pick(['int', 'int', 'float', 'text'] as const), false);
    const other = randomExpr({ random, columns: [] }, aggregate.class, 0);
    const operator = random.pick(['>', '<=', '<>', 'IS NOT DISTINCT FROM']);
    return { class: 'bool', parts: [aggregate, other], template: `({0} ${operator} {1})` };
  }

  private subquery(kind: 'scalar' | 'list', of: Class, outer: Scope): string {
    const { random } = this;
    if (kind === 'list') {
      const query = this.select(0, [of], outer, false);
      return `(${queryText(query)})`;
    }
    const table = random.pick(this.world.tables.slice(1));
    const alias = `s${this.aliases++}`;
    const columns = tableColumns(table, alias);
    const aggregate = randomAggregate({ random, columns, id: `${alias}.id` }, of, false);
    const where = random.chance(0.6) ? ` WHERE ${sqlOf(this.correlation(columns, outer.columns))}` : '';
    return `(SELECT ${sqlOf(aggregate)} FROM ${table.name} ${alias}${where})`;
  }

  /** A predicate between columns of two sides; mostly an equality. */
  private correlation(left: readonly ScopeColumn[], right: readonly ScopeColumn[]): Expr {
    const { random } = this;
    const pairs = left.flatMap((a) => right.filter((b) => comparable(a.class, b.class)).map((b) => [a, b] as const));
    if (pairs.length === 0) return leaf('bool', 'TRUE');
    const [a, b] = random.pick(pairs);
    const operator = random.chance(0.7) ? '=' : random.pick(['<', '>=', '<=', '>', '<>', 'IS NOT DISTINCT FROM', 'BETWEEN']);
    if (operator !== 'BETWEEN') return leaf('bool', `${a.sql} ${operator} ${b.sql}`);
    const [low, high] = random.pick(pairs);
    return leaf('bool', `${a.sql} >= ${b.sql} AND ${low.sql} <= ${high.sql}`);
  }

  /** Rows of a table for each row to the left, perhaps only the first ones. */
  private lateral(columns: readonly ScopeColumn[]): { readonly join: Join; readonly source: Source } {
    const { random } = this;
    const table = random.pick(this.world.tables.filter((each) => !each.doubled));
    const [inner, alias] = [`a${this.aliases++}`, `a${this.aliases++}`];
    const own = tableColumns(table, inner);
    const id = own.find((each) => each.sql.endsWith('.id'));
    const cut =
      id && random.chance(0.5) ? ` ORDER BY ${id.sql} LIMIT ${random.pick([1, 2, 5])}${random.chance(0.3) ? ' OFFSET 1' : ''}` : '';
    const query = `SELECT * FROM ${table.name} ${inner} WHERE ${sqlOf(this.correlation(own, columns))}${cut}`;
    const kind = random.pick(['JOIN LATERAL', 'LEFT JOIN LATERAL']);
    const source = { text: `(${query}) ${alias}`, columns: tableColumns(table, alias), rows: table.rows };
    return { join: { kind, source: source.text, on: [leaf('bool', 'TRUE')] }, source };
  }

  private sources(
    depth: number,
    extra: readonly Source[],
  ): { from: string; joins: Join[]; columns: ScopeColumn[]; id: string | undefined; rows: number } {
    const { random } = this;
    const first = depth > 0 && random.chance(0.55) ? this.table(0) : this.source(depth, extra);
    const columns = [...first.columns];
    const joins: Join[] = [];
    let rows = first.rows;
    for (let i = random.pick([0, 0, 0, 1, 1, 2]); i > 0 && depth > 0; i--) {
      if (random.chance(0.15) && columns.length > 0) {
        const { join, source } = this.lateral(columns);
        if (rows * source.rows > 120_000) continue;
        joins.push(join);
        columns.push(...source.columns);
        rows *= Math.max(1, source.rows);
        continue;
      }
      const other = this.source(depth - 1, extra);
      if (rows * other.rows > 120_000) continue;
      const join = this.join(columns, other);
      joins.push(join);
      rows *= Math.max(1, other.rows);
      if (!/SEMI|ANTI/.test(join.kind)) columns.push(...other.columns);
    }
    const id = joins.length === 0 ? first.columns.find((each) => each.sql.endsWith('.id'))?.sql : undefined;
    return { from: first.text, joins, columns, id, rows };
  }

  private join(columns: readonly ScopeColumn[], other: Source): Join {
    const { random } = this;
    const kind = random.pick(['JOIN', 'JOIN', 'LEFT JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'SEMI JOIN', 'ANTI JOIN', 'CROSS JOIN']);
    if (kind === 'CROSS JOIN') return { kind, source: other.text, on: [] };
    const on = [this.correlation(columns, other.columns)];
    if (random.chance(0.2)) on.push(this.correlation(columns, other.columns));
    if (/^(JOIN|LEFT JOIN|FULL JOIN|RIGHT JOIN)$/.test(kind) && other.columns.length > 0 && random.chance(0.12)) {
      const names = columns.map((each) => each.sql.replace(/^.*\./, ''));
      const shared = other.columns.filter((each) => names.filter((name) => name === each.sql.replace(/^.*\./, '')).length === 1);
      const same = shared.filter((each) =>
        columns.some((own) => own.sql.endsWith(each.sql.replace(/^.*\./, '.')) && own.class === each.class),
      );
      if (same.length > 0) return { kind, source: other.text, on: [], using: random.pick(same).sql.replace(/^.*\./, '') };
    }
    if (random.chance(0.25)) on.push(randomCondition({ random, columns: [...columns, ...other.columns] }, 1));
    return { kind, source: other.text, on };
  }

  private table(number: number): Source {
    const table = this.world.tables[number] as WorldTable;
    const alias = `a${this.aliases++}`;
    return { text: `${table.name} ${alias}`, columns: tableColumns(table, alias), rows: table.doubled ? 40_000 : table.rows };
  }

  private source(depth: number, extra: readonly Source[]): Source {
    const { random } = this;
    const alias = `a${this.aliases++}`;
    const known = extra.length > 0 && random.chance(0.6) ? random.pick(extra) : undefined;
    if (known)
      return {
        text: `${known.text} ${alias}`,
        columns: known.columns.map((each) => ({ ...each, sql: `${alias}.${each.sql}` })),
        rows: known.rows,
      };
    const choice = random.whole(0, 9);
    if (choice === 0) {
      const [low, high] = [random.whole(-3, 3), random.whole(0, 30)];
      return {
        text: `${random.pick(['generate_series', 'range'])}(${random.pick([`${low}, ${high}`, `${low}, ${high}, 3`, `${high}, ${low}, -2`])}) AS ${alias}(g)`,
        columns: [{ sql: `${alias}.g`, class: 'int', wild: false }],
        rows: 30,
      };
    }
    if (choice === 1) {
      const rows = Array.from({ length: random.whole(1, 6) }, () => {
        const cells = (['int', 'text', 'float'] as const).map((kind) =>
          random.chance(0.2) ? 'NULL' : sqlOf(randomExpr({ random, columns: [] }, kind, 1)),
        );
        return `(${cells.join(', ')})`;
      });
      const names = ['x', 'y', 'z'].map((name, i) => ({
        sql: `${alias}.${name}`,
        class: (['int', 'text', 'float'] as const)[i] ?? 'int',
        wild: false,
      }));
      return {
        text: `(VALUES ${rows.join(', ')}, (CAST(NULL AS BIGINT), '', CAST(0 AS DOUBLE))) AS ${alias}(x, y, z)`,
        columns: names,
        rows: 7,
      };
    }
    if (choice <= 3 && depth > 0) {
      const inner = this.ordered(this.select(depth - 1, [], undefined, false));
      return { text: `(${queryText(inner)}) ${alias}`, columns: columnsOf(inner, `${alias}.`), rows: inner.limit ?? inner.estimate };
    }
    return this.table(random.whole(1, 2));
  }
}

function comparable(a: Class, b: Class): boolean {
  const numbers = ['int', 'float', 'dec'];
  return (a === b && a !== 'fuzzy' && a !== 'list') || (numbers.includes(a) && numbers.includes(b));
}

function tableColumns(table: WorldTable, alias: string): ScopeColumn[] {
  return table.columns.map((column) => ({ sql: `${alias}.${column.name}`, class: column.class, wild: column.wild }));
}

function columnsOf(query: Query, prefix: string): ScopeColumn[] {
  // Values that were computed may be great: they are only passed through.
  return query.items.map((item, i) => ({ sql: `${prefix}c${i}`, class: item.class, wild: item.wild === true || item.parts.length > 0 }));
}
