/** The SELECT list: stars expanded, every item bound and named. */
import { DbError } from '../../core/errors.js';
import type { Expression } from '../plan/expression.js';
import type { QualifiedName } from '../syntax/ast/node.js';
import type { SelectItem, Star } from '../syntax/ast/query.js';
import type { Clause } from './context.js';
import { didYouMean } from './nearest-name.js';
import { outputName } from './output-names.js';
import { type ScopeColumn, sameName } from './scope.js';
import { expandColumns } from './select-columns.js';

export interface BoundItem {
  readonly name: string;
  readonly expression: Expression;
  /** Written with AS (or a plain column): ORDER BY and GROUP BY may use the name. */
  readonly named: boolean;
  readonly position: number;
}

/** Items may name the ones before them by alias. `mayChoose`: COLUMNS(…) may stand in them. */
export function bindItems(items: readonly SelectItem[], clause: Clause, mayChoose = true): readonly BoundItem[] {
  const aliases = new Map<string, Expression>();
  const inItem: Clause = { ...clause, aliases };
  clause.scope.aliases = aliases;
  const bound: BoundItem[] = [];
  for (const item of items) {
    if (item.expression.kind === 'star') {
      bound.push(...expandStar(item.expression, clause));
      continue;
    }
    const expanded = mayChoose ? expandColumns(item, clause) : null;
    if (expanded) {
      for (const each of expanded) {
        const own = clause.context.bindExpression(each.item.expression, inItem);
        bound.push({ name: each.name, expression: own, named: true, position: item.position });
      }
      continue;
    }
    const expression = clause.context.bindExpression(item.expression, inItem);
    const name = item.alias?.name ?? storedName(expression, outputName(item.expression, clause.context.sql));
    if (item.alias) aliases.set(name.toLowerCase(), expression);
    bound.push({ name, expression, named: item.alias !== null || item.expression.kind === 'column', position: item.position });
  }
  return bound;
}

/** A plain column keeps the spelling that it was created with, however it was written here. */
function storedName(expression: Expression, written: string): string {
  return expression.kind === 'column' && sameName(expression.name, written) ? expression.name : written;
}

function expandStar(star: Star, clause: Clause): readonly BoundItem[] {
  const qualifier = star.qualifier.at(-1)?.name;
  const scope = qualifier === undefined ? clause.scope : clause.scope.withTable(qualifier);
  const columns = scope.columns.filter(
    (column) => !column.synonym && (qualifier === undefined ? column.unqualified : sameName(column.table, qualifier)),
  );
  if (columns.length === 0) throw emptyStar(star, qualifier, clause);
  const used = new Set<unknown>();
  const matches = (column: ScopeColumn, name: QualifiedName) =>
    sameName(column.name, name.at(-1)?.name ?? '') && (name.length < 2 || sameName(column.table, name.at(-2)?.name ?? ''));
  const items = columns.flatMap((column): readonly BoundItem[] => {
    const excluded = star.exclude.find((name) => matches(column, name));
    if (excluded) {
      used.add(excluded);
      return [];
    }
    const replaced = star.replace.find((each) => sameName(column.name, each.column.name));
    const renamed = star.rename.find((each) => matches(column, each.from));
    used.add(replaced).add(renamed);
    const own: Expression = {
      kind: 'column',
      id: column.id,
      name: column.name,
      type: column.type,
      nullable: column.nullable,
      position: star.position,
    };
    const expression = replaced ? clause.context.bindExpression(replaced.expression, clause) : own;
    return [{ name: renamed?.to.name ?? column.name, expression, named: true, position: star.position }];
  });
  checkUsed(star, used, columns);
  return items;
}

/** EXCLUDE, REPLACE and RENAME of a column that the star does not have is a typing error, not a wish. */
function checkUsed(star: Star, used: ReadonlySet<unknown>, columns: readonly ScopeColumn[]): void {
  const wanted = [
    ...star.exclude.filter((each) => !used.has(each)),
    ...star.replace.filter((each) => !used.has(each)).map((each) => [each.column]),
    ...star.rename.filter((each) => !used.has(each)).map((each) => each.from),
  ];
  const missing = wanted[0]?.at(-1);
  if (!missing) return;
  throw new DbError('column_not_found', `* has no column ${missing.name}`, {
    position: missing.position,
    hint: didYouMean(
      missing.name,
      columns.map((column) => column.name),
    ),
  });
}

function emptyStar(star: Star, qualifier: string | undefined, clause: Clause): DbError {
  const tables = new Set(clause.scope.columns.flatMap((column) => (column.table === null ? [] : [column.table])));
  if (qualifier === undefined) return new DbError('syntax_error', '* needs a FROM with columns', { position: star.position });
  return new DbError('table_not_found', `no table in FROM is called ${qualifier}`, {
    position: star.position,
    hint: didYouMean(qualifier, tables),
  });
}
