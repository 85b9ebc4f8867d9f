/** INSERT, UPDATE, DELETE, CREATE TABLE, DROP, TRUNCATE and queries: the package's statements → ours. */
import type { Identifier } from '../syntax/ast/node.js';
import type { Expression, Query } from '../syntax/ast/query.js';
import type {
  Assignment,
  ColumnConstraint,
  ColumnDefinition,
  CreateTable,
  Delete,
  Drop,
  Insert,
  Statement,
  TableConstraint,
  Update,
} from '../syntax/ast/statement.js';
import type { TableReference } from '../syntax/ast/table.js';
import { identifier, queryOf } from './build.js';
import { tableName, tableReferences } from './tables.js';
import type { Translation } from './translation.js';
import { childOf, expectKeys, isEmpty, isTree, listOf, nameOf, type Tree, textOf, untranslatable } from './tree.js';

export function translateStatement(value: unknown, position: number, translation: Translation): Statement {
  if (!isTree(value)) throw untranslatable('this statement', position);
  switch (value.type) {
    case 'select':
      return translation.query(value, position);
    case 'insert':
      return insert(value, position, translation);
    case 'update':
      return update(value, position, translation);
    case 'delete':
      return deletion(value, position, translation);
    case 'create':
      return create(value, position, translation);
    case 'drop':
      return drop(value, position, translation);
    case 'truncate':
      expectKeys(value, 'TRUNCATE', ['type', 'keyword', 'name'], position);
      return {
        kind: 'truncate',
        position,
        end: position,
        tables: listOf(value.name)
          .filter(isTree)
          .map((table) => tableName(table, position, translation)),
      };
    default:
      throw untranslatable(`the statement ${textOf(value.type).toUpperCase()}`.trim(), position);
  }
}

/** The one table that a statement changes. */
function target(
  value: unknown,
  position: number,
  translation: Translation,
): { readonly name: readonly Identifier[]; readonly alias: Identifier | null } {
  const [tree, ...more] = listOf(value).filter(isTree);
  if (!tree || more.length > 0 || tree.table === undefined) throw untranslatable('changing several tables at once', position);
  expectKeys(tree, 'a table', ['db', 'schema', 'catalog', 'table', 'as', 'addition'], position);
  const alias = nameOf(tree.as);
  return { name: tableName(tree, position, translation), alias: alias === '' ? null : identifier(alias, position) };
}

function insert(tree: Tree, position: number, translation: Translation): Insert {
  expectKeys(tree, 'INSERT', ['type', 'table', 'columns', 'values', 'prefix'], position);
  if (!['', 'into'].includes(textOf(tree.prefix).trim().toLowerCase()))
    throw untranslatable(`INSERT ${textOf(tree.prefix).toUpperCase()}`, position);
  const { name, alias } = target(tree.table, position, translation);
  return {
    kind: 'insert',
    position,
    end: position,
    with: null,
    table: name,
    alias,
    columns: listOf(tree.columns).map((column) => identifier(nameOf(column), position)),
    byName: false,
    source: sourceOf(tree.values, position, translation),
    onConflict: null,
    returning: [],
  };
}

function sourceOf(value: unknown, position: number, translation: Translation): Query {
  const tree = isTree(value) ? value : {};
  if (tree.type !== 'values' && !Array.isArray(value)) return translation.query(value, position);
  const rows = listOf(Array.isArray(value) ? value : tree.values).map((row) => {
    const items = isTree(row) ? row : {};
    expectKeys(items, 'VALUES', ['type', 'value', 'prefix'], position);
    return listOf(items.value).map((each) => valueOrDefault(each, position, translation));
  });
  return queryOf({ kind: 'values', position, end: position, rows }, position);
}

function valueOrDefault(value: unknown, position: number, translation: Translation): Expression {
  const isDefault =
    isTree(value) &&
    value.type === 'column_ref' &&
    nameOf(value.column).toLowerCase() === 'default' &&
    !translation.quotedNames.has('default');
  return isDefault ? { kind: 'default', position, end: position } : translation.expression(value, position);
}

function where(tree: Tree, position: number, translation: Translation): Expression | null {
  if (isEmpty(tree.where)) return null;
  translation.saw('WHERE');
  return translation.expression(tree.where, position);
}

function update(tree: Tree, position: number, translation: Translation): Update {
  expectKeys(tree, 'UPDATE', ['type', 'table', 'set', 'where', 'from'], position);
  const { name, alias } = target(tree.table, position, translation);
  const assignments = listOf(tree.set).map((each): Assignment => {
    const entry = isTree(each) ? each : {};
    expectKeys(entry, 'SET', ['type', 'column', 'value', 'table', 'keyword'], position);
    return {
      position,
      end: position,
      columns: [[identifier(nameOf(entry.column), position)]],
      value: valueOrDefault(entry.value, position, translation),
    };
  });
  const from: readonly TableReference[] = tableReferences(tree.from, position, translation);
  return {
    kind: 'update',
    position,
    end: position,
    with: null,
    table: name,
    alias,
    assignments,
    from,
    where: where(tree, position, translation),
    returning: [],
  };
}

/** `table` and `from` name the same table where nothing is joined. */
function deletion(tree: Tree, position: number, translation: Translation): Delete {
  expectKeys(tree, 'DELETE', ['type', 'table', 'from', 'where'], position);
  const from = withoutFrom(isEmpty(tree.from) ? tree.table : tree.from, translation);
  const { name, alias } = target(from, position, translation);
  const [written] = listOf(withoutFrom(tree.table, translation)).filter(isTree);
  const named = nameOf(written?.table);
  if (named !== '' && named !== name.at(-1)?.name && named !== alias?.name)
    throw untranslatable('DELETE from another table than that of FROM', position);
  return {
    kind: 'delete',
    position,
    end: position,
    with: null,
    table: name,
    alias,
    using: [],
    where: where(tree, position, translation),
    returning: [],
  };
}

/** In BigQuery, where FROM may be left away, the package reads the word as the table and the table as its alias. */
function withoutFrom(value: unknown, translation: Translation): unknown {
  const [tree, ...more] = listOf(value).filter(isTree);
  const isWord =
    tree && more.length === 0 && nameOf(tree.table).toUpperCase() === 'FROM' && !translation.quotedNames.has(nameOf(tree.table));
  return isWord ? [{ ...tree, table: tree.as, as: null }] : value;
}

function create(tree: Tree, position: number, translation: Translation): CreateTable {
  if (textOf(tree.keyword).toLowerCase() !== 'table') throw untranslatable(`CREATE ${textOf(tree.keyword).toUpperCase()}`, position);
  expectKeys(tree, 'CREATE TABLE', ['type', 'keyword', 'table', 'if_not_exists', 'create_definitions', 'as', 'query_expr'], position);
  const ifNotExists = !isEmpty(tree.if_not_exists);
  if (ifNotExists) translation.saw('EXISTS');
  const { name } = target(tree.table, position, translation);
  const definitions = listOf(tree.create_definitions).filter(isTree);
  const columns = definitions.filter((each) => each.resource === 'column').map((each) => columnDefinition(each, position, translation));
  const constraints = definitions.filter((each) => each.resource !== 'column').map((each) => tableConstraint(each, position, translation));
  return {
    kind: 'createTable',
    position,
    end: position,
    name,
    orReplace: false,
    ifNotExists,
    temporary: false,
    columns,
    constraints,
    like: null,
    query: isEmpty(tree.query_expr) ? null : translation.query(tree.query_expr, position),
    withData: true,
    timestamp: null,
    partitionBy: null,
    clusterBy: [],
    timeToLive: null,
    dedupKeys: [],
    options: [],
  };
}

const COLUMN_KEYS = ['column', 'definition', 'resource', 'nullable', 'primary_key', 'unique', 'unique_key', 'default_val'];

function columnDefinition(tree: Tree, position: number, translation: Translation): ColumnDefinition {
  expectKeys(tree, 'a column', COLUMN_KEYS, position);
  const base = { position, end: position, name: null };
  const nullable = textOf(childOf(tree, 'nullable')?.type).toLowerCase();
  const defaultValue = childOf(tree, 'default_val');
  const constraints: ColumnConstraint[] = [];
  if (nullable === 'not null') constraints.push({ ...base, kind: 'notNull' });
  else if (nullable === 'null') constraints.push({ ...base, kind: 'null' });
  else if (nullable !== '') throw untranslatable(`a column that is ${nullable}`, position);
  if (!isEmpty(tree.primary_key)) constraints.push({ ...base, kind: 'primaryKey' });
  if (!isEmpty(tree.unique) || !isEmpty(tree.unique_key)) constraints.push({ ...base, kind: 'unique' });
  if (defaultValue) constraints.push({ ...base, kind: 'default', value: translation.expression(defaultValue.value, position) });
  const name = nameOf(childOf(tree, 'column')?.column);
  return {
    position,
    end: position,
    name: identifier(name, position),
    type: translation.type(tree.definition, position),
    constraints,
    options: [],
  };
}

function tableConstraint(tree: Tree, position: number, translation: Translation): TableConstraint {
  expectKeys(tree, 'a constraint', ['definition', 'constraint_type', 'resource', 'constraint', 'keyword'], position);
  const kind = textOf(tree.constraint_type).toLowerCase();
  const name = nameOf(tree.constraint);
  const base = { position, end: position, name: name === '' ? null : identifier(name, position) };
  if (kind !== 'primary key' && kind !== 'unique')
    throw untranslatable(kind === '' ? 'an index inside CREATE TABLE' : kind.toUpperCase(), position);
  const columns = listOf(tree.definition).map((each) => {
    const column = translation.expression(each, position);
    if (column.kind !== 'column' || !column.name[0]) throw untranslatable('a key over something else than columns', position);
    return column.name[0];
  });
  return { ...base, kind: kind === 'unique' ? 'unique' : 'primaryKey', columns };
}

function drop(tree: Tree, position: number, translation: Translation): Drop {
  expectKeys(tree, 'DROP', ['type', 'keyword', 'prefix', 'name'], position);
  const word = textOf(tree.keyword).toLowerCase();
  if (word !== 'table' && word !== 'view') throw untranslatable(`DROP ${word.toUpperCase()}`, position);
  const ifExists = textOf(tree.prefix).toLowerCase() === 'if exists';
  if (ifExists) translation.saw('EXISTS');
  const names = listOf(tree.name)
    .filter(isTree)
    .map((table) => tableName(table, position, translation));
  return {
    kind: 'drop',
    position,
    end: position,
    objectType: word,
    names,
    ifExists,
    cascade: false,
  };
}
