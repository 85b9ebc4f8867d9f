/** Constraints in ALTER TABLE: what is added must hold for the rows that are there. */
import type { TableConstraint, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { didYouMean } from '../binder/nearest-name.js';
import { storedName } from '../binder/object-name.js';
import { quoteName } from '../binder/type-names.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { TableConstraint as ConstraintSyntax } from '../syntax/ast/statement.js';
import { type Altering, columnIndex } from './altering.js';
import { hasRow, quotedName } from './rewrite-table.js';

/** Fails with `constraint_violation` when a row has NULL in one of the columns. */
export async function setNotNull(columns: readonly Identifier[], altering: Altering): Promise<undefined> {
  const { definition, writer, context } = altering;
  const name = storedName(definition);
  for (const column of columns) {
    columnIndex(definition, column);
    const question = `SELECT 1 FROM ${quotedName(definition)} WHERE ${quoteName(column.name)} IS NULL LIMIT 1`;
    if (await hasRow(question, writer, context)) {
      throw new DbError('constraint_violation', `column ${column.name} has NULL in some row`, {
        position: column.position,
        hint: `UPDATE ${definition.name} SET ${column.name} = … WHERE ${column.name} IS NULL`,
      });
    }
  }
  writer.expectUnchanged(name);
  await writer.alterTable(
    name,
    columns.map((column) => ({ kind: 'change_column', name: column.name, change: { nullable: false } })),
  );
  return undefined;
}

export async function addConstraint(constraint: ConstraintSyntax, altering: Altering): Promise<undefined> {
  const { definition, writer, context } = altering;
  const name = storedName(definition);
  if (constraint.kind === 'foreignKey')
    throw new DbError('unsupported', 'the constraint FOREIGN KEY is not kept by this version', { position: constraint.position });
  writer.expectUnchanged(name);
  if (constraint.kind === 'check') {
    const sql = context.sql.slice(constraint.condition.position, constraint.condition.end);
    await assertHolds(
      `SELECT 1 FROM ${quotedName(definition)} WHERE NOT (${sql}) LIMIT 1`,
      constraint,
      `a row breaks CHECK (${sql})`,
      altering,
    );
    await keep({ kind: 'check', name: freeName(constraint.name, `${definition.name}_check`, definition), sql }, altering);
    return undefined;
  }
  const columns = constraint.columns.map((column) => columnIndex(definition, column));
  const key = constraint.columns.map((column) => quoteName(column.name)).join(', ');
  const present = constraint.columns.map((column) => `${quoteName(column.name)} IS NOT NULL`).join(' AND ');
  const question = `SELECT 1 FROM ${quotedName(definition)} WHERE ${present} GROUP BY ${key} HAVING count(*) > 1 LIMIT 1`;
  await assertHolds(question, constraint, `(${key}) has equal values in several rows`, altering);
  if (constraint.kind === 'unique') {
    const named = freeName(
      constraint.name,
      `${definition.name}_${constraint.columns.map((column) => column.name).join('_')}_key`,
      definition,
    );
    await keep({ kind: 'unique', name: named, columns }, altering);
    return undefined;
  }
  if (definition.dedupKeys.length > 0)
    throw new DbError('invalid_argument', `table ${definition.name} has a key already`, { position: constraint.position });
  await setNotNull(constraint.columns, altering);
  await writer.alterTable(name, [{ kind: 'set_options', change: { dedupKeys: columns } }]);
  return undefined;
}

/** A primary key is called table_pkey, as in PostgreSQL. */
export async function dropConstraint(named: Identifier, ifExists: boolean, { definition, writer }: Altering): Promise<undefined> {
  const { constraints = [] } = definition;
  const key = named.name.toLowerCase();
  const kept = constraints.filter((constraint) => constraint.name.toLowerCase() !== key);
  const isKey = definition.dedupKeys.length > 0 && key === `${definition.name.toLowerCase()}_pkey`;
  if (kept.length === constraints.length && !isKey) {
    if (ifExists) return undefined;
    throw new DbError('not_found', `table ${definition.name} has no constraint ${named.name}`, {
      position: named.position,
      hint: didYouMean(
        named.name,
        constraints.map((constraint) => constraint.name),
      ),
    });
  }
  const change = isKey ? { dedupKeys: [] } : { constraints: kept };
  await writer.alterTable(storedName(definition), [{ kind: 'set_options', change }]);
  return undefined;
}

async function keep(constraint: TableConstraint, { definition, writer }: Altering): Promise<void> {
  const constraints = [...(definition.constraints ?? []), constraint];
  await writer.alterTable(storedName(definition), [{ kind: 'set_options', change: { constraints } }]);
}

async function assertHolds(
  question: string,
  { position }: { readonly position: number },
  problem: string,
  altering: Altering,
): Promise<void> {
  let isBroken: boolean;
  try {
    isBroken = await hasRow(question, altering.writer, altering.context);
  } catch (error) {
    // Positions inside our question mean nothing to whoever wrote the constraint.
    if (!(error instanceof DbError)) throw error;
    throw new DbError(error.code, error.message, { position, hint: error.hint, cause: error });
  }
  if (isBroken) throw new DbError('constraint_violation', problem, { position });
}

function freeName(given: Identifier | null, made: string, { constraints = [] }: TableDefinition): string {
  const isTaken = (name: string) => constraints.some((constraint) => constraint.name.toLowerCase() === name.toLowerCase());
  if (given !== null) {
    if (isTaken(given.name)) throw new DbError('invalid_argument', `there is a constraint ${given.name}`, { position: given.position });
    return given.name;
  }
  for (let number = 0; ; number++) {
    const name = number === 0 ? made : `${made}${number}`;
    if (!isTaken(name)) return name;
  }
}
