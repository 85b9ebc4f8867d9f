/**
 * Functions that ask about the catalog or the session. They are written anew at binding: as constants, as our SQL over their arguments, or
 * as a CASE from object ids to texts of this snapshot.
 */

import { DbError } from '../../core/errors.js';
import { CATALOG_OIDS, descriptionRows } from '../catalog/pg-catalog.js';
import { POSTGRES_TYPES } from '../catalog/postgres-types.js';
import { constraintsOf, DATABASE, OWNER, relationsOf, schemasOf } from '../catalog/relations.js';
import type { CatalogFacts } from '../catalog/system-table.js';
import type { Expression } from '../syntax/ast/query.js';
import { filledIn } from '../syntax/template.js';
import { quoteString } from '../syntax/text.js';
import { didYouMean } from './nearest-name.js';

type Rewrite = string | ((args: readonly Expression[], facts: CatalogFacts, position: number) => Expression);

/** What the dialect's own CASE says for an object id: an entry for each, else NULL. */
function lookup(
  operand: Expression,
  entries: readonly (readonly [key: number | string, value: string | number])[],
  position: number,
): Expression {
  const base = { position, end: position };
  const constant = (value: string | number): Expression =>
    typeof value === 'number' ? { kind: 'number', ...base, text: String(value), isInteger: true } : { kind: 'string', ...base, value };
  const isText = typeof entries[0]?.[1] !== 'number';
  if (entries.length === 0) return filledIn(isText ? 'CAST(NULL AS TEXT)' : 'CAST(NULL AS BIGINT)', [], position);
  const branches = entries.map(([key, value]) => ({ when: constant(key), then: constant(value) }));
  return { kind: 'case', ...base, operand, branches, otherwise: null };
}

function byRelation(value: (relation: ReturnType<typeof relationsOf>[number]) => string | number | null): Rewrite {
  return (args, facts, position) => {
    const entries = relationsOf(facts).flatMap((relation) => {
      const found = value(relation);
      return found === null ? [] : [[relation.oid, found] as const];
    });
    const operand = firstOf(args, position);
    return lookup(operand.kind === 'string' ? registryCast('regclass', operand, false, facts) : operand, entries, position);
  };
}

function firstOf(args: readonly Expression[], position: number): Expression {
  const [first] = args;
  if (!first) throw new DbError('function_not_found', 'the function takes an argument', { position });
  return first;
}

const relationSize = byRelation((relation) => (relation.table ? relation.sizeBytes : null));

const constraintDefinition: Rewrite = (args, facts, position) =>
  lookup(
    firstOf(args, position),
    constraintsOf(facts).map((each) => [each.oid, each.definition]),
    position,
  );

const formatType: Rewrite = (args, _facts, position) => {
  const names = POSTGRES_TYPES.map((type) => [type.oid, type.display] as const);
  const [oid, modifier] = args;
  const name = lookup(firstOf(args, position), names, position);
  if (!oid || !modifier) return name;
  const decimal = "CASE WHEN $1 = 1700 AND $2 > 4 THEN 'numeric(' || (($2 - 4) >> 16) || ',' || (($2 - 4) & 65535) || ')' ELSE $3 END";
  return filledIn(decimal, [oid, modifier, name], position);
};

const description: Rewrite = (args, facts, position) => {
  const entries = descriptionRows(facts).filter((row) => row.objsubid === 0);
  return lookup(
    firstOf(args, position),
    entries.map((row) => [Number(row.objoid), String(row.description)]),
    position,
  );
};

const columnDescription: Rewrite = (args, facts, position) => {
  const entries = descriptionRows(facts).filter((row) => row.objsubid !== 0);
  const key = filledIn("$1 || '.' || $2", args, position);
  return lookup(
    key,
    entries.map((row) => [`${row.objoid}.${row.objsubid}`, String(row.description)]),
    position,
  );
};

const currentSetting: Rewrite = (args, facts, position) =>
  lookup(
    firstOf(args, position),
    [...facts.server.settings().map((each) => [each.name, each.value] as const), ...Object.entries(CLIENT_SETTINGS)],
    position,
  );

/** What PostgreSQL's clients ask for, and what they may be told. */
export const CLIENT_SETTINGS: Readonly<Record<string, string>> = {
  server_version: '16.0',
  server_version_num: '160000',
  client_encoding: 'UTF8',
  server_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  transaction_isolation: 'repeatable read',
  default_transaction_read_only: 'off',
  search_path: 'public',
  datestyle: 'ISO, MDY',
  integer_datetimes: 'on',
  max_identifier_length: '63',
  lc_collate: 'C',
};

const YES: Rewrite = 'TRUE';
const NOTHING: Rewrite = 'CAST(NULL AS TEXT)';

const REWRITES: Readonly<Record<string, Rewrite>> = {
  current_database: `'${DATABASE}'`,
  current_catalog: `'${DATABASE}'`,
  current_schema: (_args, facts, position) => filledIn(quoteString(facts.searchPath[0] ?? 'public'), [], position),
  current_schemas: (_args, facts, position) =>
    filledIn(`[${['pg_catalog', ...facts.searchPath].map(quoteString).join(', ')}]`, [], position),
  current_user: `'${OWNER}'`,
  session_user: `'${OWNER}'`,
  user: `'${OWNER}'`,
  current_role: `'${OWNER}'`,
  pg_get_userbyid: `'${OWNER}'`,
  pg_backend_pid: '1',
  pg_is_in_recovery: 'FALSE',
  pg_my_temp_schema: '0',
  pg_is_other_temp_schema: 'FALSE',
  pg_postmaster_start_time: 'now()',
  pg_conf_load_time: 'now()',
  txid_current: 'CAST(1 AS BIGINT)',
  inet_server_addr: NOTHING,
  inet_server_port: 'CAST(NULL AS INTEGER)',
  inet_client_addr: NOTHING,
  pg_encoding_to_char: "'UTF8'",
  pg_client_encoding: "'UTF8'",
  pg_table_is_visible: YES,
  pg_type_is_visible: YES,
  pg_function_is_visible: YES,
  has_table_privilege: YES,
  has_any_column_privilege: YES,
  has_column_privilege: YES,
  has_schema_privilege: YES,
  has_database_privilege: YES,
  has_function_privilege: YES,
  has_sequence_privilege: YES,
  pg_has_role: YES,
  pg_relation_is_updatable: '28',
  pg_get_expr: '$1',
  pg_get_indexdef: NOTHING,
  pg_get_triggerdef: NOTHING,
  pg_get_ruledef: NOTHING,
  pg_get_partkeydef: NOTHING,
  pg_get_partition_constraintdef: NOTHING,
  pg_get_functiondef: NOTHING,
  pg_get_function_result: NOTHING,
  pg_get_function_arguments: "''",
  pg_get_function_identity_arguments: "''",
  pg_get_serial_sequence: NOTHING,
  shobj_description: NOTHING,
  pg_get_constraintdef: constraintDefinition,
  pg_get_viewdef: byRelation((relation) => relation.view?.sql ?? null),
  format_type: formatType,
  obj_description: description,
  col_description: columnDescription,
  pg_relation_size: relationSize,
  pg_table_size: relationSize,
  pg_total_relation_size: relationSize,
  pg_indexes_size: 'CAST(0 AS BIGINT)',
  pg_database_size: (_args, facts, position) => {
    const bytes = relationsOf(facts).reduce((sum, relation) => sum + relation.sizeBytes, 0);
    return filledIn(`CAST(${bytes} AS BIGINT)`, [], position);
  },
  pg_size_pretty: `CASE WHEN abs($1) < 10240 THEN $1 || ' bytes' WHEN abs($1) < 10485760 THEN CAST(round($1 / 1024.0) AS BIGINT) || ' kB'
    WHEN abs($1) < 10737418240 THEN CAST(round($1 / 1048576.0) AS BIGINT) || ' MB'
    WHEN abs($1) < 10995116277760 THEN CAST(round($1 / 1073741824.0) AS BIGINT) || ' GB'
    ELSE CAST(round($1 / 1099511627776.0) AS BIGINT) || ' TB' END`,
  current_setting: currentSetting,
  set_config: '$2',
  quote_ident: `CASE WHEN $1 ~ '^[a-z_][a-z0-9_]*$' THEN $1 ELSE '"' || replace($1, '"', '""') || '"' END`,
  to_regclass: (args, facts, position) => lookup(firstOf(args, position), relationNames(facts), position),
};

export function isCatalogName(name: string): boolean {
  return name === 'version' || Object.hasOwn(REWRITES, name);
}

/** The syntax to bind instead of a call; undefined for functions that are none of these. */
export function catalogCall(
  name: string,
  schema: string | undefined,
  args: readonly Expression[],
  /** Asked for only when the call reads the catalog: a plan that did is not kept. */
  facts: () => CatalogFacts,
  position: number,
): Expression | undefined {
  if (name === 'version' && schema === 'pg_catalog') return filledIn(`'PostgreSQL 16.0, ' || version()`, [], position);
  const rewrite = Object.hasOwn(REWRITES, name) ? REWRITES[name] : undefined;
  if (rewrite === undefined) return undefined;
  if (typeof rewrite !== 'string') return rewrite(args, facts(), position);
  const wanted = /\$2/.test(rewrite) ? 2 : /\$1/.test(rewrite) ? 1 : 0;
  if (args.length < wanted) throw new DbError('function_not_found', `${name} takes ${wanted} arguments`, { position });
  return filledIn(rewrite, args, position);
}

/** Names with and without their schema → object ids. */
function relationNames(facts: CatalogFacts): readonly (readonly [string, number])[] {
  const own = relationsOf(facts).flatMap((relation) => [
    [`${relation.schema}.${relation.name}`, relation.oid] as const,
    ...(relation.schema === 'public' ? [[relation.name, relation.oid] as const] : []),
  ]);
  return [...own, ...Object.entries(CATALOG_OIDS).flatMap(([name, oid]) => [[name, oid] as const, [`pg_catalog.${name}`, oid] as const])];
}

const REGISTRIES: Readonly<Record<string, (facts: CatalogFacts) => readonly (readonly [string, number])[]>> = {
  regclass: relationNames,
  regnamespace: (facts) => schemasOf(facts).map((schema) => [schema.name, schema.oid]),
  regtype: () => POSTGRES_TYPES.flatMap((type) => [[type.display, type.oid] as const, [type.name, type.oid] as const]),
  regrole: () => [[OWNER, 10]],
};

const REGISTRY_WORDS: Readonly<Record<string, string>> = { regclass: 'table', regnamespace: 'schema', regtype: 'type', regrole: 'role' };

export function isRegistryType(name: string): boolean {
  return Object.hasOwn(REGISTRIES, name);
}

/** `'t'::regclass` is the object id of t; `oid::regclass` the name. `isText`: the operand is text, and no constant. */
export function registryCast(type: string, operand: Expression, isText: boolean, facts: CatalogFacts): Expression {
  const names = REGISTRIES[type]?.(facts) ?? [];
  const { position } = operand;
  if (operand.kind === 'string') {
    const wanted = operand.value.replaceAll('"', '').toLowerCase();
    const found = names.find(([name]) => name.toLowerCase() === wanted);
    if (found) return { kind: 'number', position, end: operand.end, text: String(found[1]), isInteger: true };
    const code = type === 'regclass' ? 'table_not_found' : 'not_found';
    throw new DbError(code, `no ${REGISTRY_WORDS[type] ?? type} is called ${operand.value}`, {
      position,
      hint: didYouMean(
        operand.value,
        names.map(([name]) => name),
      ),
    });
  }
  if (isText) return lookup(operand, names, position);
  const shortest = new Map<number, string>();
  for (const [name, oid] of names) if (name.length < (shortest.get(oid)?.length ?? Number.POSITIVE_INFINITY)) shortest.set(oid, name);
  return lookup(operand, [...shortest], position);
}
