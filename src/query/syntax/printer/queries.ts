/** Syntax tree → canonical SQL: queries and table references. */
import type { Identifier, TableAlias } from '../ast/node.js';
import type {
  FillItem,
  GroupingElement,
  GroupingSets,
  LatestOn,
  Limit,
  Query,
  QueryBody,
  SampleBy,
  Select,
  SelectItem,
  SetOperation,
  WithClause,
} from '../ast/query.js';
import type { Statement } from '../ast/statement.js';
import type {
  AsofJoin,
  HorizonJoin,
  Join,
  JoinCondition,
  Pivot,
  PivotColumn,
  TableReference,
  TableSample,
  Unpivot,
  WindowJoin,
} from '../ast/table.js';
import { P } from '../parser/precedence.js';
import { quoteString } from '../text.js';
import { ExpressionPrinter } from './expressions.js';

export abstract class QueryPrinter extends ExpressionPrinter {
  abstract statement(node: Statement): string;

  query(query: Query): string {
    const clauses = [query.with === null ? '' : this.with(query.with), this.body(query.body)];
    if (query.orderBy.length > 0) clauses.push(`ORDER BY ${this.orderItems(query.orderBy)}`);
    if (query.orderByAll !== null) clauses.push(`ORDER BY ALL${this.orderFlags(query.orderByAll)}`);
    if (query.limitBy !== null) {
      const { count, offset, by } = query.limitBy;
      clauses.push(
        `LIMIT ${this.expression(count)}${offset === null ? '' : ` OFFSET ${this.expression(offset)}`} BY ${this.expressions(by)}`,
      );
    }
    if (query.limit !== null) clauses.push(this.limit(query.limit));
    return joined(clauses);
  }

  protected with(clause: WithClause): string {
    const entries = clause.entries.map((entry) => {
      const columns = entry.columns.length === 0 ? '' : `(${this.identifiers(entry.columns)})`;
      const materialized = entry.materialized === null ? '' : entry.materialized ? 'MATERIALIZED ' : 'NOT MATERIALIZED ';
      const key = entry.key === null ? '' : ` USING KEY (${this.identifiers(entry.key)})`;
      return `${this.identifier(entry.name)}${columns}${key} AS ${materialized}(${this.statement(entry.query)})`;
    });
    return `WITH ${clause.recursive ? 'RECURSIVE ' : ''}${entries.join(', ')}`;
  }

  private limit(limit: Limit): string {
    if (limit.kind === 'limitRange') return `LIMIT ${this.expression(limit.lower)}, ${this.expression(limit.upper)}`;
    const offset = limit.offset === null ? '' : `OFFSET ${this.expression(limit.offset)}`;
    const percent = limit.isPercent ? ' PERCENT' : '';
    if (limit.withTies && limit.count !== null)
      return joined([offset, `FETCH FIRST ${this.quantity(limit.count)}${percent} ROWS WITH TIES`]);
    if (limit.count === null) return offset === '' ? 'LIMIT ALL' : offset;
    return joined([`LIMIT ${this.expression(limit.count)}${percent}`, offset]);
  }

  // ---- bodies ----

  private body(body: QueryBody): string {
    switch (body.kind) {
      case 'query':
        return `(${this.query(body)})`;
      case 'values':
        return `VALUES ${body.rows.map((row) => `(${this.expressions(row)})`).join(', ')}`;
      case 'setOperation':
        return this.setOperation(body);
      case 'select':
        return this.select(body);
    }
  }

  private setOperation(node: SetOperation): string {
    const strength = node.operator === 'intersect' ? 2 : 1;
    const words = joined([node.operator.toUpperCase(), node.all ? 'ALL' : '', node.byName ? 'BY NAME' : '']);
    return `${this.setOperand(node.left, strength)} ${words} ${this.setOperand(node.right, strength + 1)}`;
  }

  private setOperand(body: QueryBody, minimum: number): string {
    const isLoose = body.kind === 'setOperation' && (body.operator === 'intersect' ? 2 : 1) < minimum;
    return isLoose ? `(${this.body(body)})` : this.body(body);
  }

  private select(node: Select): string {
    const [first] = node.from;
    if (first?.kind === 'pivot' && isWholePivot(node)) return this.pivotStatement(first);
    const on = node.distinctOn.length === 0 ? '' : ` ON (${this.expressions(node.distinctOn)})`;
    const clauses = [`SELECT${node.distinct ? ` DISTINCT${on}` : ''} ${this.selectItems(node.items)}`];
    if (node.from.length > 0) clauses.push(`FROM ${this.tables(node.from)}`);
    if (node.where !== null) clauses.push(`WHERE ${this.expression(node.where)}`);
    if (node.sampleBy !== null) clauses.push(this.sampleBy(node.sampleBy));
    if (node.latestOn !== null) clauses.push(this.latestOn(node.latestOn));
    if (node.groupBy !== null)
      clauses.push(`GROUP BY ${node.groupBy.all ? 'ALL' : node.groupBy.items.map((item) => this.grouping(item)).join(', ')}`);
    if (node.having !== null) clauses.push(`HAVING ${this.expression(node.having)}`);
    if (node.windows.length > 0) {
      const windows = node.windows.map((window) => `${this.identifier(window.name)} AS ${this.windowSpecification(window.specification)}`);
      clauses.push(`WINDOW ${windows.join(', ')}`);
    }
    if (node.qualify !== null) clauses.push(`QUALIFY ${this.expression(node.qualify)}`);
    if (node.sample !== null) clauses.push(`USING SAMPLE ${this.sample(node.sample)}`);
    return joined(clauses);
  }

  protected selectItems(items: readonly SelectItem[]): string {
    return items
      .map((item) => `${this.expression(item.expression)}${item.alias === null ? '' : ` AS ${this.label(item.alias)}`}`)
      .join(', ');
  }

  private grouping(element: GroupingElement | GroupingSets['sets'][number]): string {
    switch (element.kind) {
      case 'rollup':
      case 'cube': {
        const sets = element.sets.map((set) => (set.length === 1 ? this.expressions(set) : `(${this.expressions(set)})`));
        return `${element.kind.toUpperCase()} (${sets.join(', ')})`;
      }
      case 'groupingSets':
        return `GROUPING SETS (${element.sets.map((set) => this.grouping(set)).join(', ')})`;
      case 'groupingSet':
        return `(${this.expressions(element.items)})`;
      default:
        return this.expression(element);
    }
  }

  // ---- time-series clauses ----

  private sampleBy(node: SampleBy): string {
    const clauses = [`SAMPLE BY ${this.quantity(node.width)}`];
    if (node.from !== null) clauses.push(`FROM ${this.quantity(node.from)}`);
    if (node.to !== null) clauses.push(`TO ${this.quantity(node.to)}`);
    if (node.fill.length > 0) clauses.push(`FILL (${node.fill.map((item) => this.fillItem(item)).join(', ')})`);
    if (node.maxGap !== null) clauses.push(`MAX GAP ${this.quantity(node.maxGap)}`);
    if (node.align?.kind === 'firstObservation') clauses.push('ALIGN TO FIRST OBSERVATION');
    if (node.align?.kind === 'calendar') {
      const { timeZone, offset } = node.align;
      clauses.push('ALIGN TO CALENDAR');
      if (timeZone !== null) clauses.push(`TIME ZONE ${this.quantity(timeZone)}`);
      if (offset !== null) clauses.push(`WITH OFFSET ${this.quantity(offset)}`);
    }
    return joined(clauses);
  }

  private fillItem(item: FillItem): string {
    const gap = item.maxGap === null ? '' : ` MAX GAP ${this.quantity(item.maxGap)}`;
    if (item.value === null) return `${item.mode.toUpperCase()}${gap}`;
    const text = this.expression(item.value);
    const isWord = item.value.kind === 'null' || item.value.kind === 'column';
    return `${isWord ? `(${text})` : text}${gap}`;
  }

  private latestOn(node: LatestOn): string {
    const on = node.timestamp === null ? 'BY' : `ON ${this.quantity(node.timestamp)} PARTITION BY`;
    return `LATEST ${on} ${this.expressions(node.partitionBy)}`;
  }

  // ---- tables ----

  protected tables(tables: readonly TableReference[]): string {
    return tables.map((table) => this.table(table)).join(', ');
  }

  protected table(table: TableReference): string {
    switch (table.kind) {
      case 'table':
        return `${this.name(table.name)}${this.tableSuffix(table)}`;
      case 'file':
        return `${quoteString(table.path)}${this.tableSuffix({ ...table, timestamp: null })}`;
      case 'tableFunction': {
        const { alias, columnTypes } = table;
        const ordinality = table.withOrdinality ? ' WITH ORDINALITY' : '';
        const timestamp = this.timestamp(table.timestamp);
        const text = alias !== null && columnTypes.length > 0 ? this.typedAlias(alias, table) : this.alias(alias);
        return `${table.lateral ? 'LATERAL ' : ''}${this.call(table.call)}${ordinality}${timestamp}${text}${this.tableSample(table.sample)}`;
      }
      case 'derived':
        return `${table.lateral ? 'LATERAL ' : ''}(${this.query(table.query)})${this.tableSuffix(table)}`;
      case 'pivot':
        return this.pivotClause(table);
      case 'unpivot':
        return this.unpivotClause(table);
      case 'horizonJoin':
        return this.horizonJoin(table);
      default: {
        const text = this.join(table);
        return table.alias === null ? text : `(${text})${this.alias(table.alias)}`;
      }
    }
  }

  private alias(alias: TableAlias | null): string {
    if (alias === null) return '';
    return ` AS ${this.identifier(alias.name)}${alias.columns.length === 0 ? '' : ` (${this.identifiers(alias.columns)})`}`;
  }

  private typedAlias(alias: TableAlias, table: TableReference & { kind: 'tableFunction' }): string {
    const columns = alias.columns.map((column, index) => {
      const type = table.columnTypes[index];
      return `${this.identifier(column)}${type === undefined ? '' : ` ${this.type(type)}`}`;
    });
    return ` AS ${this.identifier(alias.name)} (${columns.join(', ')})`;
  }

  private timestamp(column: Identifier | null): string {
    return column === null ? '' : ` TIMESTAMP(${this.identifier(column)})`;
  }

  private tableSuffix(table: { alias: TableAlias | null; timestamp: Identifier | null; sample: TableSample | null }): string {
    return `${this.timestamp(table.timestamp)}${this.alias(table.alias)}${this.tableSample(table.sample)}`;
  }

  private tableSample(sample: TableSample | null): string {
    return sample === null ? '' : ` TABLESAMPLE ${this.sample(sample)}`;
  }

  private sample(sample: TableSample): string {
    const seed = sample.seed === null ? '' : ` REPEATABLE (${this.expression(sample.seed)})`;
    return joined([sample.method ?? '', `(${this.expression(sample.size, P.power)} ${sample.unit.toUpperCase()})${seed}`]);
  }

  // ---- joins ----

  private join(node: Join | AsofJoin | WindowJoin): string {
    if (node.kind === 'asofJoin') return this.asofJoin(node);
    const left = this.table(node.left);
    const right = this.joined(node.right);
    const condition = this.condition(node.condition);
    if (node.kind === 'join') {
      const natural = node.condition?.kind === 'natural' ? 'NATURAL ' : '';
      const type = node.type === 'inner' ? '' : `${node.type.toUpperCase()} `;
      return `${left} ${natural}${type}JOIN ${right}${condition}`;
    }
    const side = node.outer === null ? '' : `${node.outer.toUpperCase()} `;
    const prevailing = node.prevailing === null ? '' : ` ${node.prevailing.toUpperCase()} PREVAILING`;
    const range = `RANGE BETWEEN ${this.frameBound(node.start)} AND ${this.frameBound(node.finish)}${prevailing}`;
    return `${left} ${side}WINDOW JOIN ${right}${condition} ${range}`;
  }

  private asofJoin(node: AsofJoin): string {
    const words = joined([node.variant.toUpperCase(), node.outer?.toUpperCase() ?? '', node.nearest ? 'NEAREST' : '']);
    const match = node.matchCondition === null ? '' : ` MATCH_CONDITION (${this.expression(node.matchCondition)})`;
    const tolerance = node.tolerance === null ? '' : ` TOLERANCE ${this.quantity(node.tolerance)}`;
    return `${this.table(node.left)} ${words} JOIN ${this.joined(node.right)}${this.condition(node.condition)}${match}${tolerance}`;
  }

  private horizonJoin(node: HorizonJoin): string {
    const { offsets } = node;
    const text =
      offsets.kind === 'list'
        ? `LIST (${offsets.items.map((item) => this.quantity(item)).join(', ')})`
        : `RANGE FROM ${this.quantity(offsets.from)} TO ${this.quantity(offsets.to)} STEP ${this.quantity(offsets.step)}`;
    const tables = [node, ...node.more].map((each) => `HORIZON JOIN ${this.joined(each.right)}${this.condition(each.condition)}`);
    return `${this.table(node.left)} ${tables.join(' ')} ${text}${this.alias(node.alias)}`;
  }

  /** The right side of a join: a join there needs parentheses. */
  private joined(table: TableReference): string {
    const isJoin = table.kind === 'horizonJoin' || (isJoinKind(table) && table.alias === null);
    return isJoin ? `(${this.table(table)})` : this.table(table);
  }

  private condition(condition: JoinCondition | null): string {
    if (condition === null || condition.kind === 'natural') return '';
    if (condition.kind === 'on') return ` ON ${this.expression(condition.expression)}`;
    return ` ${condition.names ? 'ON' : 'USING'} (${this.identifiers(condition.columns)})`;
  }

  // ---- pivot ----

  private pivotClause(node: Pivot): string {
    const columns = node.columns.map((column) => this.pivotColumn(column)).join(' ');
    const groups = this.pivotGroups(node);
    return `${this.joined(node.source)} PIVOT (${this.selectItems(node.aggregates)} FOR ${columns}${groups})${this.alias(node.alias)}`;
  }

  private pivotStatement(node: Pivot): string {
    const columns = node.columns.length === 0 ? '' : ` ON ${node.columns.map((column) => this.pivotColumn(column)).join(', ')}`;
    const aggregates = node.aggregates.length === 0 ? '' : ` USING ${this.selectItems(node.aggregates)}`;
    return `PIVOT ${this.joined(node.source)}${columns}${aggregates}${this.pivotGroups(node)}`;
  }

  private pivotGroups(node: Pivot): string {
    return node.groupBy.length === 0 ? '' : ` GROUP BY ${this.expressions(node.groupBy)}`;
  }

  private pivotColumn(column: PivotColumn): string {
    const target =
      column.expressions.length === 1 ? this.expressions(column.expressions, P.other) : `(${this.expressions(column.expressions)})`;
    if (column.query !== null) return `${target} IN (${this.query(column.query)})`;
    return column.values.length === 0 ? target : `${target} IN (${this.selectItems(column.values)})`;
  }

  private unpivotClause(node: Unpivot): string {
    const values = node.valueColumns.length === 1 ? this.identifiers(node.valueColumns) : `(${this.identifiers(node.valueColumns)})`;
    const inner = `${values} FOR ${this.identifier(node.nameColumn)} IN (${this.selectItems(node.columns)})`;
    return `${this.joined(node.source)} UNPIVOT ${node.includeNulls ? 'INCLUDE NULLS ' : ''}(${inner})${this.alias(node.alias)}`;
  }
}

function joined(clauses: readonly string[]): string {
  return clauses.filter((clause) => clause !== '').join(' ');
}

function isJoinKind(table: TableReference): boolean {
  return table.kind === 'join' || table.kind === 'asofJoin' || table.kind === 'windowJoin';
}

/** Whether the select does nothing but return a pivot: then PIVOT is the statement. */
function isWholePivot(node: Select): boolean {
  const [item, ...others] = node.items;
  const [table, ...tables] = node.from;
  if (item?.expression.kind !== 'star' || others.length > 0 || tables.length > 0 || table?.kind !== 'pivot' || table.alias !== null)
    return false;
  const { qualifier, exclude, replace, rename } = item.expression;
  if (node.distinct || qualifier.length + exclude.length + replace.length + rename.length > 0) return false;
  const hasClause = node.where ?? node.sampleBy ?? node.latestOn ?? node.groupBy ?? node.having ?? node.qualify ?? node.sample;
  return hasClause === null && node.windows.length === 0;
}
