/** COLUMNS(…) and `* LIKE …`: an item that stands for as many items as columns are chosen. */
import { DbError } from '../../core/errors.js';
import type { Column } from '../syntax/ast/literal.js';
import type { ColumnsExpression, SelectItem, Star, Expression as Syntax } from '../syntax/ast/query.js';
import { coerceBool } from './coercion.js';
import type { Clause } from './context.js';
import { outputName } from './output-names.js';
import { Scope, type ScopeColumn, sameName } from './scope.js';

interface Chosen {
  readonly name: string;
  readonly expression: Syntax;
  /** What a regular expression matched: the whole name, then its groups. */
  readonly groups: readonly string[];
}

export interface ExpandedItem {
  readonly item: SelectItem;
  readonly name: string;
}

/** The items that the item stands for; null when it has no COLUMNS. */
export function expandColumns(item: SelectItem, clause: Clause): readonly ExpandedItem[] | null {
  const parts = expansions(item.expression, clause);
  return (
    parts?.map(({ chosen, expression }) => ({
      item: { ...item, expression, alias: null },
      name: item.alias ? item.alias.name.replace(/\\(\d)/g, (_, group: string) => chosen.groups[Number(group)] ?? '') : chosen.name,
    })) ?? null
  );
}

/** A condition with COLUMNS holds when it holds for all of them. */
export function expandCondition(condition: Syntax, clause: Clause): Syntax {
  const operands = expansions(condition, clause)?.map((part) => part.expression);
  const [first] = operands ?? [];
  if (!operands || !first) return condition;
  return operands.length === 1 ? first : { kind: 'logical', operator: 'and', operands, position: condition.position, end: condition.end };
}

function expansions(syntax: Syntax, clause: Clause): readonly { readonly chosen: Chosen; readonly expression: Syntax }[] | null {
  const nodes = columnsIn(syntax);
  if (nodes.length === 0) return null;
  const packed = nodes.filter((node) => !node.unpacked);
  const [first, ...others] = packed.map((node) => ({ node, chosen: choose(node, clause) }));
  if (!first) {
    const expression = rewrite(syntax, (node) => choose(node, clause).map((each) => each.expression)) as Syntax;
    return [{ chosen: { name: outputName(syntax, clause.context.sql), expression, groups: [] }, expression }];
  }
  for (const other of others) {
    const same = other.chosen.length === first.chosen.length && other.chosen.every((each, i) => each.name === first.chosen[i]?.name);
    if (!same)
      throw new DbError('invalid_argument', 'COLUMNS of one expression must choose the same columns', { position: other.node.position });
  }
  return first.chosen.map((chosen, i) => {
    const all = [first, ...others];
    const expression = rewrite(syntax, (node) => {
      if (node.unpacked) return choose(node, clause).map((each) => each.expression);
      return [all.find((each) => each.node === node)?.chosen[i]?.expression ?? chosen.expression];
    });
    return { chosen, expression: expression as Syntax };
  });
}

/** COLUMNS nodes of the expression, not of queries inside it. */
function columnsIn(syntax: Syntax): readonly ColumnsExpression[] {
  const found: ColumnsExpression[] = [];
  collectColumns(syntax, found);
  return found;
}

function collectColumns(node: object, found: ColumnsExpression[]): void {
  const { kind } = node as { kind?: unknown };
  if (kind === 'columns') found.push(node as ColumnsExpression);
  if (kind === 'columns' || kind === 'query') return;
  for (const key in node) {
    const child = node[key as keyof typeof node] as unknown;
    if (typeof child === 'object' && child !== null) collectColumns(child, found);
  }
}

/** The tree with every COLUMNS replaced; in a list of arguments one may become several. */
function rewrite(node: unknown, by: (node: ColumnsExpression) => readonly Syntax[]): unknown {
  if (typeof node !== 'object' || node === null) return node;
  if (Array.isArray(node)) return node.flatMap((each) => rewriteElement(each, by));
  const { kind } = node as { kind?: unknown };
  if (kind === 'query') return node;
  if (kind === 'columns') {
    const [only, ...more] = by(node as ColumnsExpression);
    if (only && more.length === 0) return only;
    throw new DbError('invalid_argument', '*COLUMNS may stand among the arguments of a function or in a list only', {
      position: (node as ColumnsExpression).position,
    });
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, rewrite(value, by)]));
}

function rewriteElement(each: unknown, by: (node: ColumnsExpression) => readonly Syntax[]): readonly unknown[] {
  const element = each as { kind?: unknown; unpacked?: unknown; value?: { kind?: unknown; unpacked?: unknown } } | null;
  if (element?.kind === 'columns' && element.unpacked) return by(each as ColumnsExpression);
  if (element?.kind === undefined && element?.value?.kind === 'columns' && element.value.unpacked) {
    return by(element.value as unknown as ColumnsExpression).map((value) => ({ ...element, value }));
  }
  return [rewrite(each, by)];
}

// ---- choosing ----

function choose(node: ColumnsExpression, clause: Clause): readonly Chosen[] {
  const chosen = chosenBy(node.selector, clause);
  if (chosen.length > 0) return chosen;
  throw new DbError('column_not_found', 'COLUMNS chooses no column', { position: node.position });
}

/** The columns that a COLUMNS chooses. */
export function chosenColumns(node: ColumnsExpression, clause: Clause): readonly Chosen[] {
  return choose(node, clause);
}

function chosenBy(selector: Syntax, clause: Clause): readonly Chosen[] {
  switch (selector.kind) {
    case 'star':
      return starColumns(selector, clause);
    case 'string':
      return byExpression(selector.value, selector.position, clause);
    case 'like':
      if (selector.operand.kind !== 'star') break;
      return starColumns(selector.operand, clause).filter((each) => holds({ ...selector, operand: text(each.name, selector) }, clause));
    case 'lambda': {
      const [parameter] = selector.parameters;
      return visible(clause).filter((each) => {
        const body = named(selector.body, parameter?.name ?? '', text(each.name, selector));
        return holds(body, clause);
      });
    }
    case 'list':
      return selector.items.map((item) => byName(item, clause));
  }
  throw new DbError('invalid_argument', 'COLUMNS takes *, a regular expression, a list of columns or a lambda', {
    position: selector.position,
  });
}

function visible(clause: Clause): readonly Chosen[] {
  return clause.scope.columns.filter((column) => !column.synonym && column.unqualified).map((column) => chosenColumn(column, 0));
}

function chosenColumn(column: ScopeColumn, position: number): Chosen {
  const part = (name: string) => ({ name, quoted: true, position });
  const path = column.table === null ? [part(column.name)] : [part(column.table), part(column.name)];
  const expression: Column = { kind: 'column', name: path, position, end: position };
  return { name: column.name, expression, groups: [column.name] };
}

/** The columns that a star stands for, by the names that it gives them. */
export function starColumns(star: Star, clause: Clause): readonly Chosen[] {
  const qualifier = star.qualifier.at(-1)?.name;
  const columns = clause.scope.columns.filter(
    (column) => !column.synonym && (qualifier === undefined ? column.unqualified : sameName(column.table, qualifier)),
  );
  return columns
    .filter((column) => !star.exclude.some((name) => sameName(column.name, name.at(-1)?.name ?? '')))
    .map((column) => {
      const own = chosenColumn(column, star.position);
      const replaced = star.replace.find((each) => sameName(column.name, each.column.name));
      const renamed = star.rename.find((each) => sameName(column.name, each.from.at(-1)?.name ?? ''));
      return { ...own, name: renamed?.to.name ?? own.name, expression: replaced?.expression ?? own.expression };
    });
}

function byExpression(pattern: string, position: number, clause: Clause): readonly Chosen[] {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, 'u');
  } catch (error) {
    throw new DbError('invalid_argument', `COLUMNS: ${pattern} is no regular expression`, { position, cause: error });
  }
  return visible(clause).flatMap((each) => {
    const match = expression.exec(each.name);
    return match ? [{ ...each, groups: [each.name, ...match.slice(1).map((group) => group ?? '')] }] : [];
  });
}

function byName(item: Syntax, clause: Clause): Chosen {
  const name = item.kind === 'string' ? item.value : item.kind === 'column' ? item.name.at(-1)?.name : undefined;
  const found = visible(clause).find((each) => name !== undefined && sameName(each.name, name));
  if (found) return found;
  throw new DbError('column_not_found', `COLUMNS: no column is called ${name ?? 'so'}`, { position: item.position });
}

function text(value: string, at: Syntax): Syntax {
  return { kind: 'string', value, position: at.position, end: at.end } as Syntax;
}

/** The expression with a name replaced. */
function named(node: Syntax, name: string, value: Syntax): Syntax {
  const map = (each: unknown): unknown => {
    if (typeof each !== 'object' || each === null) return each;
    if (Array.isArray(each)) return each.map(map);
    const column = each as Partial<Column>;
    if (column.kind === 'column' && column.name?.length === 1 && sameName(column.name[0]?.name ?? null, name)) return value;
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, map(inner)]));
  };
  return map(node) as Syntax;
}

function holds(condition: Syntax, clause: Clause): boolean {
  const { context } = clause;
  const empty: Clause = { context, name: 'COLUMNS', scope: new Scope([], null), commonTables: new Map(), relation: null, aggregates: null };
  return context.evaluateConstant(coerceBool(context.bindExpression(condition, empty), 'COLUMNS')) === true;
}
