/** SELECT and set operations: a chain of selects of the package → a query of ours. */
import type { Identifier } from '../syntax/ast/node.js';
import type {
  CommonTable,
  Expression,
  GroupBy,
  Limit,
  Query,
  QueryBody,
  Select,
  SelectItem,
  SetOperation,
  WithClause,
} from '../syntax/ast/query.js';
import { identifier, number, queryOf } from './build.js';
import { orderBy } from './clauses.js';
import { checkName } from './literals.js';
import { tableReferences } from './tables.js';
import type { Translation } from './translation.js';
import { childOf, expectKeys, isEmpty, isTree, listOf, nameOf, type Tree, textOf, untranslatable } from './tree.js';
import { namedWindows } from './windows.js';

const SELECT_KEYS = [
  ...['type', 'with', 'distinct', 'columns', 'from', 'where', 'groupby', 'having', 'qualify', 'orderby', 'limit', 'top', 'window', 'into'],
  ...['_next', 'set_op', '_orderby', '_limit'],
];

export function translateQuery(value: unknown, fallback: number, translation: Translation): Query {
  const position = translation.positionOf(value, fallback);
  if (!isTree(value)) throw untranslatable('this query', position);
  // Some builds wrap a query once more.
  const wrapped = childOf(value, 'ast') ?? (value.type === undefined ? childOf(value, 'expr') : undefined);
  if (wrapped) {
    expectKeys(value, 'a query', ['ast', 'expr', 'as'], position);
    return translateQuery(wrapped, position, translation);
  }
  if (value.type !== 'select') throw untranslatable(`a query of kind ${textOf(value.type)}`, position);
  const members = chainOf(value, position, translation);
  const withClause = isEmpty(value.with) ? null : withOf(value.with, position, translation);
  const [only] = members;
  if (members.length === 1 && only) return { ...only.query, with: withClause };
  const last = members.at(-1);
  // ORDER BY and LIMIT behind a last member without parentheses belong to the whole.
  const tail = last && !last.isParenthesised ? last.query : undefined;
  const operands = members.map((member) =>
    member === last && tail ? { ...member, query: { ...tail, orderBy: [], limit: null } } : member,
  );
  const body = grouped(operands, translation.dialect.name === 'sqlite', position);
  const order = isEmpty(value._orderby) ? (tail?.orderBy ?? []) : orderBy(value._orderby, position, translation);
  const limit = isEmpty(value._limit) ? (tail?.limit ?? null) : limitOf(value._limit, null, position, translation);
  return queryOf(body, position, { with: withClause, orderBy: order, limit });
}

interface Member {
  readonly query: Query;
  readonly isParenthesised: boolean;
  /** Before it: `union all`. */
  readonly operator: string;
}

function chainOf(first: Tree, position: number, translation: Translation): readonly Member[] {
  const members: Member[] = [];
  let operator = '';
  for (let tree: Tree | undefined = first; tree; tree = childOf(tree, '_next')) {
    if (tree !== first && !isEmpty(tree.with)) throw untranslatable('WITH inside a set operation', position);
    const own = translation.positionOf(tree, position);
    members.push({
      query: selectQuery(tree, own, translation),
      isParenthesised: tree.parentheses_symbol === true || tree.parentheses === true,
      operator,
    });
    operator = textOf(tree.set_op).toLowerCase();
  }
  const hasTail = members.some((member) => member.query.orderBy.length > 0 || member.query.limit !== null);
  if (translation.dialect.name === 'trino' && members.length > 1 && hasTail)
    throw untranslatable('ORDER BY or LIMIT beside a set operation', position, 'put the set operation into a subquery');
  return members;
}

/** INTERSECT binds more strongly than the others, except in SQLite; equals go from left to right. */
function grouped(members: readonly Member[], isFlat: boolean, position: number): QueryBody {
  const [first, ...rest] = members;
  if (!first) throw untranslatable('an empty set operation', position);
  const terms: { operator: string; body: QueryBody }[] = [{ operator: '', body: bodyOf(first) }];
  for (const member of rest) {
    const last = terms.at(-1);
    if (last && !isFlat && member.operator.startsWith('intersect'))
      last.body = setOperation(member.operator, last.body, bodyOf(member), position);
    else terms.push({ operator: member.operator, body: bodyOf(member) });
  }
  return terms.slice(1).reduce((left, term) => setOperation(term.operator, left, term.body, position), terms[0]?.body ?? bodyOf(first));
}

function bodyOf({ query }: Member): QueryBody {
  return query.orderBy.length === 0 && query.limit === null ? query.body : query;
}

function setOperation(written: string, left: QueryBody, right: QueryBody, position: number): SetOperation {
  const match = /^(union|intersect|except|minus)( all| distinct)?$/.exec(written);
  if (!match) throw untranslatable(`the set operation ${written.toUpperCase()}`, position);
  const word = match[1] === 'minus' ? 'except' : match[1];
  return {
    kind: 'setOperation',
    position,
    end: position,
    operator: word as SetOperation['operator'],
    all: match[2] === ' all',
    byName: false,
    left,
    right,
  };
}

function countSetOperation(tree: Tree, translation: Translation): void {
  const written = textOf(tree.set_op).toUpperCase();
  for (const word of ['UNION', 'INTERSECT', 'EXCEPT'] as const) if (written.startsWith(word)) translation.saw(word);
  if (written.endsWith('DISTINCT')) translation.saw('DISTINCT');
}

function selectQuery(tree: Tree, position: number, translation: Translation): Query {
  expectKeys(tree, 'SELECT', SELECT_KEYS, position);
  if (!isEmpty(tree.into)) throw untranslatable('SELECT … INTO', position);
  translation.saw('SELECT');
  countSetOperation(tree, translation);
  const select = selectOf(tree, position, translation);
  const order = orderBy(tree.orderby, position, translation);
  const limit = limitOf(tree.limit, tree.top, position, translation);
  return queryOf(select, position, { orderBy: order, limit });
}

function selectOf(tree: Tree, position: number, translation: Translation): Select {
  const clause = (key: string, word: 'WHERE' | 'HAVING' | 'QUALIFY'): Expression | null => {
    if (isEmpty(tree[key])) return null;
    translation.saw(word);
    return translation.expression(tree[key], position);
  };
  return {
    kind: 'select',
    mayChooseColumns: true,
    position,
    end: position,
    ...distinctOf(tree.distinct, position, translation),
    items: itemsOf(tree.columns, position, translation),
    from: tableReferences(tree.from, position, translation),
    where: clause('where', 'WHERE'),
    sampleBy: null,
    latestOn: null,
    groupBy: groupOf(tree.groupby, position, translation),
    having: clause('having', 'HAVING'),
    windows: namedWindows(tree.window, position, translation),
    qualify: clause('qualify', 'QUALIFY'),
    sample: null,
  };
}

function distinctOf(value: unknown, position: number, translation: Translation): Pick<Select, 'distinct' | 'distinctOn'> {
  const word = isTree(value) ? textOf(value.type) : textOf(value);
  if (word === '') return { distinct: false, distinctOn: [] };
  if (word.toUpperCase() !== 'DISTINCT' && word.toUpperCase() !== 'DISTINCT ON') throw untranslatable(word, position);
  translation.saw('DISTINCT');
  const columns = isTree(value) ? listOf(value.columns) : [];
  return {
    distinct: true,
    distinctOn: columns.map((item) => translation.expression(isTree(item) && isTree(item.expr) ? item.expr : item, position)),
  };
}

function itemsOf(value: unknown, position: number, translation: Translation): readonly SelectItem[] {
  if (value === '*') return [item(star(position), null, position)];
  const trees = listOf(value);
  if (trees.length === 0) throw untranslatable('SELECT without columns', position);
  return trees.map((each) => selectItem(isTree(each) ? each : {}, position, translation));
}

function selectItem(tree: Tree, fallback: number, translation: Translation): SelectItem {
  const position = translation.positionOf(tree.expr, translation.positionOf(tree, fallback));
  expectKeys(tree, 'a column of SELECT', ['expr', 'as', 'type', 'expr_list'], position);
  const kind = textOf(tree.type);
  const alias = nameOf(tree.as);
  if (kind === 'except' || kind === 'replace') return changedStar(tree, kind, position, translation);
  if (kind !== '' && kind !== 'expr') throw untranslatable(`SELECT * ${kind.toUpperCase()}`, position);
  const name = alias === '' ? null : identifier(aliasName(translation.unmasked(alias), tree, translation, position), position, true);
  return item(translation.expression(tree.expr, position), name, position);
}

/** An alias may be a string in some dialects; as a bare word it must be a name. */
function aliasName(alias: string, tree: Tree, translation: Translation, position: number): string {
  const words = /^[\p{L}_][\p{L}\p{N}_$]*$/u.test(alias);
  const isBareName = isTree(tree.expr) && textOf(tree.expr.column).toLowerCase() === 'interval';
  if (isBareName) throw untranslatable('this form of INTERVAL', position);
  return words ? checkName(alias, translation, position) : alias;
}

function star(position: number): Expression {
  return { kind: 'star', position, end: position, qualifier: [], exclude: [], replace: [], rename: [] };
}

function item(expression: Expression, alias: Identifier | null, position: number): SelectItem {
  return { position, end: position, expression, alias };
}

/** `* EXCEPT (a)`, `* REPLACE (b + 1 AS b)`. */
function changedStar(tree: Tree, kind: 'except' | 'replace', position: number, translation: Translation): SelectItem {
  const base = translation.expression(tree.expr, position);
  if (base.kind !== 'star') throw untranslatable(`${kind.toUpperCase()} of something else than *`, position);
  const entries = listOf(tree.expr_list).filter(isTree);
  if (kind === 'except') {
    translation.saw('EXCEPT');
    const exclude = entries.map((entry) => {
      const column = translation.expression(entry.expr, position);
      if (column.kind !== 'column') throw untranslatable('EXCEPT of something else than names', position);
      return column.name;
    });
    return item({ ...base, exclude }, null, position);
  }
  const replace = entries.map((entry) => ({
    expression: translation.expression(entry.expr, position),
    column: identifier(nameOf(entry.as), position),
  }));
  return item({ ...base, replace }, null, position);
}

function groupOf(value: unknown, position: number, translation: Translation): GroupBy | null {
  if (isEmpty(value)) return null;
  translation.saw('GROUP');
  const tree: Tree = isTree(value) ? value : { columns: value };
  expectKeys(tree, 'GROUP BY', ['columns', 'modifiers', 'type'], position);
  const items = listOf(tree.columns).map((each) =>
    translation.expression(isTree(each) && each.type === 'expr' ? each.expr : each, position),
  );
  const modifiers = listOf(tree.modifiers)
    .filter(isTree)
    .map((each) => textOf(each.value).toLowerCase());
  const base = { position, end: position };
  if (modifiers.length === 0) return { ...base, all: false, items };
  if (modifiers.length > 1 || modifiers[0] !== 'with rollup') throw untranslatable(`GROUP BY … ${modifiers.join(' ')}`, position);
  return { ...base, all: false, items: [{ kind: 'rollup', ...base, sets: items.map((each) => [each]) }] };
}

function withOf(value: unknown, position: number, translation: Translation): WithClause {
  const trees = listOf(value).filter(isTree);
  const entries = trees.map((tree): CommonTable => {
    expectKeys(tree, 'WITH', ['name', 'stmt', 'columns', 'recursive'], position);
    const columns = listOf(tree.columns).map((each) =>
      identifier(nameOf(isTree(each) && each.column !== undefined ? each.column : each), position),
    );
    const name = identifier(checkName(nameOf(tree.name), translation, position), position);
    return {
      position,
      end: position,
      name,
      columns,
      materialized: null,
      key: null,
      query: translation.query(tree.stmt, position),
      uses: null,
    };
  });
  return {
    position,
    end: position,
    recursive: trees.some((tree) => tree.recursive === true) || translation.dialect.name === 'transactsql',
    entries,
  };
}

/** LIMIT n OFFSET m, LIMIT m, n, OFFSET … FETCH …, TOP n. */
function limitOf(value: unknown, top: unknown, position: number, translation: Translation): Limit | null {
  const none = { kind: 'rowLimit', position, end: position, isPercent: false, withTies: false } as const;
  if (isTree(top) && !isEmpty(top)) {
    translation.saw('TOP');
    expectKeys(top, 'TOP', ['value', 'percent'], position);
    if (!isEmpty(value)) throw untranslatable('TOP beside LIMIT', position);
    // T-SQL rounds the share up, we round it down.
    if (!isEmpty(top.percent)) throw untranslatable('TOP … PERCENT', position);
    const count = isTree(top.value) ? translation.expression(top.value, position) : number(textOf(top.value), position);
    return { ...none, count, offset: null };
  }
  if (!isTree(value) || isEmpty(value)) return null;
  if (value.fetch !== undefined || value.offset !== undefined) return fetchOf(value, position, translation);
  expectKeys(value, 'LIMIT', ['seperator', 'value'], position);
  const [first, second] = listOf(value.value).map((each) => translation.expression(each, position));
  const separator = textOf(value.seperator).toLowerCase();
  if (separator === 'offset') translation.saw('OFFSET');
  if (separator === 'offset' && !second) return { ...none, count: null, offset: first ?? null };
  translation.saw('LIMIT');
  if (separator === ',') return { ...none, count: second ?? null, offset: first ?? null };
  return { ...none, count: first ?? null, offset: second ?? null };
}

function fetchOf(value: Tree, position: number, translation: Translation): Limit {
  expectKeys(value, 'FETCH', ['offset', 'fetch'], position);
  const part = (key: 'offset' | 'fetch'): Expression | null => {
    const tree = childOf(value, key);
    if (!tree || isEmpty(tree.value)) return null;
    translation.saw(key === 'offset' ? 'OFFSET' : 'FETCH');
    expectKeys(tree, 'FETCH', ['prefix', 'value', 'suffix'], position);
    const suffix = listOf(tree.suffix).map((each) => nameOf(each).toLowerCase());
    if (suffix.some((word) => !['row', 'rows', 'only', ''].includes(word))) throw untranslatable(`FETCH … ${suffix.join(' ')}`, position);
    return translation.expression(tree.value, position);
  };
  return { kind: 'rowLimit', position, end: position, isPercent: false, withTies: false, offset: part('offset'), count: part('fetch') };
}
