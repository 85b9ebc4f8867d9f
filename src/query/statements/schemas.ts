/** CREATE SCHEMA, DROP SCHEMA, USE, and the search path. */
import { CATALOG } from '../../core/catalog-name.js';
import type { Snapshot, StorageTransaction } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { DEFAULT_PATH, knownSchema, PUBLIC, schemaNotFound, storedName, writtenName } from '../binder/object-name.js';
import type { QualifiedName } from '../syntax/ast/node.js';
import type { CreateSchema, Drop, Use } from '../syntax/ast/statement.js';
import { inTransaction } from './ddl-transaction.js';
import { done, type StatementContext, type StatementOutcome } from './statement.js';

/** Schemas that are not made by anybody. */
const BUILT_IN = new Set([PUBLIC, 'main', 'information_schema', 'pg_catalog']);

/** The last part; a catalog before it may only be ours. */
function schemaName(name: QualifiedName): string {
  const catalog = name.at(-2);
  if (name.length > 2 || (catalog && catalog.name.toLowerCase() !== CATALOG))
    throw new DbError('not_found', `no database is called ${writtenName(name.slice(0, -1))}`, { position: name[0]?.position });
  return name.at(-1)?.name ?? '';
}

export async function createSchema(statement: CreateSchema, context: StatementContext): Promise<StatementOutcome> {
  const name = schemaName(statement.name);
  const position = statement.name.at(-1)?.position ?? statement.position;
  return inTransaction(context, position, async (writer) => {
    const exists = BUILT_IN.has(name.toLowerCase()) || reading(writer, (snapshot) => created(name, snapshot) !== undefined);
    if (exists && !statement.ifNotExists)
      throw new DbError('table_exists', `schema ${name} exists already`, { position, hint: 'CREATE SCHEMA IF NOT EXISTS' });
    if (!exists) await writer.createSchema(name);
    return done('ddl');
  });
}

export async function dropSchemas(statement: Drop, context: StatementContext): Promise<StatementOutcome> {
  return inTransaction(context, statement.position, async (writer) => {
    for (const written of statement.names) {
      const name = schemaName(written);
      const position = written.at(-1)?.position;
      if (BUILT_IN.has(name.toLowerCase())) throw new DbError('invalid_argument', `schema ${name} is always there`, { position });
      const known = reading(writer, (snapshot) => created(name, snapshot));
      if (known === undefined && statement.ifExists) continue;
      if (known === undefined) throw reading(writer, (snapshot) => schemaNotFound(written, snapshot));
      if (statement.cascade) await dropMembers(known, writer);
      else assertEmpty(known, writer, position);
      await writer.dropSchema(known);
    }
    return done('ddl');
  });
}

function created(name: string, snapshot: Snapshot): string | undefined {
  return snapshot.schemas().find((schema) => schema.toLowerCase() === name.toLowerCase());
}

function reading<Result>(writer: StorageTransaction, look: (snapshot: Snapshot) => Result): Result {
  const snapshot = writer.snapshot();
  try {
    return look(snapshot);
  } finally {
    snapshot.release();
  }
}

interface Members {
  readonly tables: readonly string[];
  readonly views: readonly string[];
}

function membersOf(schema: string, writer: StorageTransaction): Members {
  const isIn = (own: string | undefined) => own?.toLowerCase() === schema.toLowerCase();
  return reading(writer, (snapshot) => ({
    tables: snapshot
      .tables()
      .filter((table) => isIn(table.definition.schema))
      .map((table) => storedName(table.definition)),
    views: snapshot
      .views()
      .filter((view) => isIn(view.schema))
      .map(storedName),
  }));
}

async function dropMembers(schema: string, writer: StorageTransaction): Promise<void> {
  const { tables, views } = membersOf(schema, writer);
  for (const view of views) await writer.dropView(view);
  for (const table of tables) await writer.dropTable(table);
}

function assertEmpty(schema: string, writer: StorageTransaction, position: number | undefined): void {
  const { tables, views } = membersOf(schema, writer);
  const [first] = [...tables, ...views];
  if (first === undefined) return;
  throw new DbError('invalid_argument', `schema ${schema} is not empty: ${first} lies in it`, { position, hint: 'DROP SCHEMA … CASCADE' });
}

/** USE schema, USE fletch, USE fletch.schema. */
export function use(statement: Use, context: StatementContext): StatementOutcome {
  setSearchPath(
    [statement.name.length === 1 && statement.name[0]?.name.toLowerCase() === CATALOG ? PUBLIC : schemaName(statement.name)],
    context,
    statement.name[0]?.position ?? statement.position,
  );
  return done('utility');
}

/** Fails with `not_found` when none of the schemas is there; `"$user"` is passed over as in PostgreSQL. */
export function setSearchPath(names: readonly string[], context: StatementContext, position: number): void {
  if (names.length === 0) {
    context.session.searchPath = DEFAULT_PATH;
    return;
  }
  const snapshot = context.writer.snapshot();
  try {
    const known = names.flatMap((name) => knownSchema(name, snapshot) ?? []);
    if (known.length === 0)
      throw schemaNotFound(
        names.map((name) => ({ name, quoted: false, position })),
        snapshot,
      );
    context.session.searchPath = [...new Set(known)];
  } finally {
    snapshot.release();
  }
}
