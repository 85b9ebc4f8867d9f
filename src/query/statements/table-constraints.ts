/** CHECK and UNIQUE of CREATE TABLE, as the table's definition keeps them. */
import type { ColumnDefinition, TableConstraint } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { BindContext } from '../binder/context.js';
import { didYouMean } from '../binder/nearest-name.js';
import { validateCheck } from '../constraints/check-condition.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { ColumnConstraint, CreateTable, TableConstraint as TableConstraintSyntax } from '../syntax/ast/statement.js';
import { expressionText } from './written-text.js';

type Syntax = ColumnConstraint | TableConstraintSyntax;

const NOT_KEPT: ReadonlyMap<Syntax['kind'], string> = new Map([
  ['generated', 'GENERATED'],
  ['identity', 'IDENTITY'],
  ['references', 'REFERENCES'],
  ['foreignKey', 'FOREIGN KEY'],
]);

/** In the order written: those of columns, then those of the table. Names that are not given are made as PostgreSQL does. */
export function constraintsOf(
  statement: CreateTable,
  table: string,
  columns: readonly ColumnDefinition[],
  bind: BindContext,
): readonly TableConstraint[] {
  const names = new ConstraintNames(table);
  const written = [
    ...statement.columns.flatMap(({ name, constraints }) => constraints.map((constraint) => ({ constraint, own: name }))),
    ...statement.constraints.map((constraint) => ({ constraint, own: null })),
  ];
  return written.flatMap(({ constraint, own }) => {
    const kept = constraintOf(constraint, own, table, columns, names, bind);
    return kept ? [kept] : [];
  });
}

/** One constraint; undefined for those that are kept elsewhere (NOT NULL, PRIMARY KEY, DEFAULT). Fails with `unsupported`. */
function constraintOf(
  constraint: Syntax,
  own: Identifier | null,
  table: string,
  columns: readonly ColumnDefinition[],
  names: ConstraintNames,
  bind: BindContext,
): TableConstraint | undefined {
  const refused = NOT_KEPT.get(constraint.kind);
  if (refused) throw new DbError('unsupported', `the constraint ${refused} is not kept by this version`, { position: constraint.position });
  if (constraint.kind === 'check') {
    validateCheck(constraint.condition, table, columns, bind);
    const sql = expressionText(constraint.condition, bind.sql);
    return { kind: 'check', name: names.give(constraint.name, own ? [own.name] : [], 'check'), sql };
  }
  if (constraint.kind === 'unique') {
    const keys = 'columns' in constraint ? constraint.columns : own ? [own] : [];
    const indexes = keys.map((key) => indexOf(columns, key));
    const keyNames = indexes.map((index) => columns[index]?.name ?? '');
    return { kind: 'unique', name: names.give(constraint.name, keyNames, 'key'), columns: indexes };
  }
  return undefined;
}

/** Constraint names of one table. */
class ConstraintNames {
  private readonly table: string;
  private readonly taken: Set<string>;

  constructor(table: string, existing: readonly TableConstraint[] = []) {
    this.table = table;
    this.taken = new Set(existing.map((constraint) => constraint.name.toLowerCase()));
  }

  /** The name that was written, or a made one. Fails when a written one is taken. */
  give(written: Identifier | null, columns: readonly string[], suffix: 'check' | 'key'): string {
    if (written) {
      if (this.taken.has(written.name.toLowerCase())) {
        throw new DbError('invalid_argument', `table ${this.table} has two constraints of the name ${written.name}`, {
          position: written.position,
        });
      }
      this.taken.add(written.name.toLowerCase());
      return written.name;
    }
    const base = [this.table, ...columns, suffix].join('_');
    let name = base;
    for (let i = 1; this.taken.has(name.toLowerCase()); i++) name = `${base}${i}`;
    this.taken.add(name.toLowerCase());
    return name;
  }
}

function indexOf(columns: readonly ColumnDefinition[], name: Identifier): number {
  const index = columns.findIndex((column) => column.name.toLowerCase() === name.name.toLowerCase());
  if (index >= 0) return index;
  throw new DbError('column_not_found', `no column is called ${name.name}, wanted by UNIQUE`, {
    position: name.position,
    hint: didYouMean(
      name.name,
      columns.map((column) => column.name),
    ),
  });
}
