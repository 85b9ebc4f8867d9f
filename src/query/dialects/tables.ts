/** FROM: the package's flat list of tables, each with the join before it → our table references. */
import type { Identifier, TableAlias } from '../syntax/ast/node.js';
import type { JoinCondition, JoinType, TableReference } from '../syntax/ast/table.js';
import { call, identifier } from './build.js';
import { checkName } from './literals.js';
import type { Translation } from './translation.js';
import { childOf, expectKeys, isEmpty, isTree, listOf, nameOf, type Tree, textOf, untranslatable } from './tree.js';

const JOINS: Readonly<Record<string, JoinType>> = {
  JOIN: 'inner',
  'INNER JOIN': 'inner',
  'LEFT JOIN': 'left',
  'LEFT OUTER JOIN': 'left',
  'RIGHT JOIN': 'right',
  'RIGHT OUTER JOIN': 'right',
  'FULL JOIN': 'full',
  'FULL OUTER JOIN': 'full',
  'CROSS JOIN': 'cross',
  'LEFT SEMI JOIN': 'semi',
  'LEFT ANTI JOIN': 'anti',
};

/** Where the words of a join without a condition mean every pair. */
const UNCONDITIONAL = new Set(['mysql', 'mariadb', 'sqlite']);

export function tableReferences(value: unknown, position: number, translation: Translation): readonly TableReference[] {
  const trees = isTree(value) ? parenthesised(value, position) : listOf(value);
  const references: TableReference[] = [];
  for (const tree of trees) {
    if (!isTree(tree)) throw untranslatable('this table', position);
    const own = translation.positionOf(tree, position);
    if (tree.type === 'dual') continue;
    const join = textOf(tree.join).toUpperCase().replace(/\s+/g, ' ');
    const right = tableOf(tree, own, translation);
    const left = references.at(-1);
    if (join === '') references.push(right);
    else if (left) references[references.length - 1] = joined(left, right, join, tree, own, translation);
    else throw untranslatable('a join without a left side', own);
  }
  return references;
}

/** MySQL's `FROM (a JOIN b ON …)`. */
function parenthesised(tree: Tree, position: number): readonly unknown[] {
  expectKeys(tree, 'FROM', ['expr', 'joins'], position);
  return [...listOf(tree.expr), ...listOf(tree.joins)];
}

function joined(
  left: TableReference,
  right: TableReference,
  words: string,
  tree: Tree,
  position: number,
  translation: Translation,
): TableReference {
  const natural = words.startsWith('NATURAL ');
  const type = JOINS[natural ? words.slice(8) : words];
  if (type === undefined) throw untranslatable(`${words} between tables`, position);
  translation.saw('JOIN');
  const condition: JoinCondition | null = natural ? { kind: 'natural' } : conditionOf(tree, position, translation);
  const base = { kind: 'join', position: left.position, end: position, left, right, alias: null } as const;
  if (condition === null && type !== 'cross') {
    if (type !== 'inner' || !UNCONDITIONAL.has(translation.dialect.name)) throw untranslatable(`${words} without a condition`, position);
    return { ...base, type: 'cross', condition: null };
  }
  // MySQL's CROSS JOIN … ON is an inner one.
  return { ...base, type: condition !== null && type === 'cross' ? 'inner' : type, condition };
}

function conditionOf(tree: Tree, position: number, translation: Translation): JoinCondition | null {
  if (!isEmpty(tree.on)) return { kind: 'on', expression: translation.expression(tree.on, position) };
  const columns = listOf(tree.using);
  if (columns.length === 0) return null;
  return {
    kind: 'using',
    columns: columns.map((column) => identifier(nameOf(isTree(column) && column.column !== undefined ? column.column : column), position)),
  };
}

const TABLE_KEYS = ['db', 'catalog', 'schema', 'table', 'as', 'join', 'on', 'using', 'addition', 'server'];
const DERIVED_KEYS = ['expr', 'as', 'join', 'on', 'using', 'type', 'prefix', 'columns'];

function tableOf(tree: Tree, position: number, translation: Translation): TableReference {
  const alias = aliasOf(tree.as, position, translation);
  const end = position;
  if (tree.table !== undefined) {
    expectKeys(tree, 'a table', TABLE_KEYS, position);
    const name = tableName(tree, position, translation);
    return { kind: 'table', position, end, name, alias, timestamp: null, sample: null };
  }
  expectKeys(tree, 'a table', DERIVED_KEYS, position);
  const inner = childOf(tree, 'expr') ?? {};
  if (!isEmpty(tree.prefix) && textOf(tree.prefix).toLowerCase() !== 'lateral')
    throw untranslatable(`${textOf(tree.prefix)} before a table`, position);
  const lateral = !isEmpty(tree.prefix);
  if (inner.type === 'tables') {
    const [only, ...more] = tableReferences(inner.expr, position, translation);
    if (!only || more.length > 0) throw untranslatable('tables in parentheses', position);
    return only.kind === 'join' ? { ...only, alias } : only;
  }
  if (inner.type === 'function') return tableFunction(inner, alias, lateral, position, translation);
  if (inner.type === 'values') throw untranslatable('VALUES as a table', position);
  if (!childOf(inner, 'ast') && inner.type !== 'select') throw untranslatable('this table', position);
  return {
    kind: 'derived',
    position,
    end,
    query: translation.query(childOf(inner, 'ast') ?? inner, position),
    lateral,
    alias,
    timestamp: null,
    sample: null,
  };
}

function tableFunction(tree: Tree, alias: TableAlias | null, lateral: boolean, position: number, translation: Translation): TableReference {
  const parts = [childOf(childOf(tree, 'name') ?? {}, 'schema'), ...listOf(childOf(tree, 'name')?.name)].filter(isTree);
  const name = textOf(parts[0]?.value).toLowerCase();
  if (parts.length !== 1 || !['generate_series', 'range', 'unnest'].includes(name))
    throw untranslatable(`the table function ${name}`, position);
  const args = listOf(childOf(tree, 'args')?.value).map((arg) => translation.expression(arg, position));
  return {
    kind: 'tableFunction',
    position,
    end: position,
    call: call(name, args, position),
    lateral,
    withOrdinality: false,
    alias,
    columnTypes: [],
    timestamp: null,
    sample: null,
  };
}

/** Names of databases and projects before the schema are left to the binder, which knows one. BigQuery's may hold dots inside one quoting. */
export function tableName(tree: Tree, position: number, translation: Translation): readonly Identifier[] {
  const written = [tree.server, tree.catalog, tree.db, tree.schema, tree.table].map(nameOf).filter((part) => part !== '');
  const dialect = translation.dialect.name;
  const parts = dialect === 'bigquery' ? written.flatMap((part) => part.split('.')) : written;
  if (parts.length === 0) throw untranslatable('a table without a name', position);
  const named = dialect === 'transactsql' && parts.at(-2)?.toLowerCase() === 'dbo' ? parts.slice(-1) : parts;
  return named.map((part) => identifier(isDashed(part, dialect) ? part : checkName(part, translation, position), position));
}

/** BigQuery's projects. */
function isDashed(part: string, dialect: string): boolean {
  return dialect === 'bigquery' && /^[\w-]*-[\w-]*$/.test(part);
}

function aliasOf(value: unknown, position: number, translation: Translation): TableAlias | null {
  if (isEmpty(value)) return null;
  if (isTree(value) && value.type === 'function') {
    const [name] = listOf(childOf(value, 'name')?.name);
    const columns = listOf(childOf(value, 'args')?.value).map((column) =>
      identifier(nameOf(isTree(column) ? column.column : column), position),
    );
    return { name: identifier(checkName(nameOf(name), translation, position), position), columns };
  }
  return { name: identifier(checkName(nameOf(value), translation, position), position), columns: [] };
}
