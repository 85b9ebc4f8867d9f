/** information_schema, as the standard and PostgreSQL have it. */
import { type DataType, isInteger, typeName } from '../../core/types.js';
import { AGGREGATE_FUNCTIONS } from '../aggregates/registry.js';
import { SCALAR_FUNCTIONS } from '../functions/registry.js';
import { postgresType } from './postgres-types.js';
import { type ConstraintEntry, constraintsOf, DATABASE, OWNER, relationsOf, schemasOf } from './relations.js';
import { type Row, type SystemTable, systemTable } from './system-table.js';

const NUMERIC_BITS: Partial<Record<DataType['kind'], number>> = {
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
  uint8: 8,
  uint16: 16,
  uint32: 32,
  uint64: 64,
  float32: 24,
  float64: 53,
};
const FRACTION_DIGITS = { s: 0, ms: 3, us: 6, ns: 9 } as const;

function typeFacts(type: DataType): Row {
  const bits = NUMERIC_BITS[type.kind];
  const isTime = type.kind === 'timestamp' || type.kind === 'time64';
  return {
    data_type: type.kind === 'list' ? 'ARRAY' : postgresType(type).display,
    udt_catalog: DATABASE,
    udt_schema: 'pg_catalog',
    udt_name: postgresType(type).name,
    numeric_precision: type.kind === 'decimal' ? type.precision : (bits ?? null),
    numeric_precision_radix: type.kind === 'decimal' ? 10 : bits === undefined ? null : 2,
    numeric_scale: type.kind === 'decimal' ? type.scale : isInteger(type) ? 0 : null,
    datetime_precision: isTime ? FRACTION_DIGITS[type.unit] : type.kind === 'date32' ? 0 : null,
    column_type: typeName(type),
  };
}

const CONSTRAINT_TYPES = { primaryKey: 'PRIMARY KEY', unique: 'UNIQUE', check: 'CHECK' } as const;

function constraintRow({ relation, name, kind }: ConstraintEntry): Row {
  return {
    constraint_catalog: DATABASE,
    constraint_schema: relation.schema,
    constraint_name: name,
    table_catalog: DATABASE,
    table_schema: relation.schema,
    table_name: relation.name,
    constraint_type: CONSTRAINT_TYPES[kind],
    is_deferrable: 'NO',
    initially_deferred: 'NO',
    enforced: 'YES',
    nulls_distinct: kind === 'unique' ? 'YES' : null,
  };
}

function functionRow(name: string, kind: string): Row {
  return {
    specific_catalog: DATABASE,
    specific_schema: 'pg_catalog',
    specific_name: name,
    routine_catalog: DATABASE,
    routine_schema: 'pg_catalog',
    routine_name: name,
    routine_type: kind,
    routine_body: 'EXTERNAL',
    is_deterministic: 'YES',
    sql_data_access: 'CONTAINS SQL',
    security_type: 'INVOKER',
  };
}

const RELATION_NAME = 'table_catalog table_schema table_name';
const CONSTRAINT_NAME = 'constraint_catalog constraint_schema constraint_name';

export const INFORMATION_SCHEMA: Readonly<Record<string, SystemTable>> = {
  schemata: systemTable(
    'catalog_name schema_name schema_owner default_character_set_catalog default_character_set_schema default_character_set_name sql_path',
    (facts) => schemasOf(facts).map((schema) => ({ catalog_name: DATABASE, schema_name: schema.name, schema_owner: OWNER })),
  ),
  tables: systemTable(
    `${RELATION_NAME} table_type self_referencing_column_name reference_generation user_defined_type_catalog user_defined_type_schema
     user_defined_type_name is_insertable_into is_typed commit_action table_comment`,
    (facts) =>
      relationsOf(facts).map((relation) => ({
        table_catalog: DATABASE,
        table_schema: relation.schema,
        table_name: relation.name,
        table_type: relation.kind === 'view' ? 'VIEW' : 'BASE TABLE',
        is_insertable_into: relation.kind === 'view' ? 'NO' : 'YES',
        is_typed: 'NO',
        table_comment: relation.comment,
      })),
  ),
  columns: systemTable(
    `${RELATION_NAME} column_name ordinal_position:i column_default is_nullable data_type character_maximum_length:i character_octet_length:i
     numeric_precision:i numeric_precision_radix:i numeric_scale:i datetime_precision:i interval_type interval_precision:i character_set_catalog
     character_set_schema character_set_name collation_catalog collation_schema collation_name domain_catalog domain_schema domain_name
     udt_catalog udt_schema udt_name scope_catalog scope_schema scope_name maximum_cardinality:i dtd_identifier is_self_referencing is_identity
     identity_generation identity_start identity_increment identity_maximum identity_minimum identity_cycle is_generated generation_expression
     is_updatable column_comment column_type`,
    (facts) =>
      relationsOf(facts).flatMap((relation) =>
        relation.columns.map((column, i) => ({
          table_catalog: DATABASE,
          table_schema: relation.schema,
          table_name: relation.name,
          column_name: column.name,
          ordinal_position: i + 1,
          column_default: column.defaultSql,
          is_nullable: column.nullable ? 'YES' : 'NO',
          ...typeFacts(column.type),
          dtd_identifier: String(i + 1),
          is_self_referencing: 'NO',
          is_identity: 'NO',
          identity_cycle: 'NO',
          is_generated: 'NEVER',
          is_updatable: relation.kind === 'view' ? 'NO' : 'YES',
          column_comment: column.comment,
        })),
      ),
  ),
  views: systemTable(
    `${RELATION_NAME} view_definition check_option is_updatable is_insertable_into is_trigger_updatable is_trigger_deletable is_trigger_insertable_into`,
    (facts) =>
      relationsOf(facts).flatMap(({ view }) =>
        view
          ? [
              {
                table_catalog: DATABASE,
                table_schema: view.schema,
                table_name: view.name,
                view_definition: view.sql,
                check_option: 'NONE',
                is_updatable: 'NO',
                is_insertable_into: 'NO',
              },
            ]
          : [],
      ),
  ),
  table_constraints: systemTable(
    `${CONSTRAINT_NAME} ${RELATION_NAME} constraint_type is_deferrable initially_deferred enforced nulls_distinct`,
    (facts) => constraintsOf(facts).map(constraintRow),
  ),
  key_column_usage: systemTable(
    `${CONSTRAINT_NAME} ${RELATION_NAME} column_name ordinal_position:i position_in_unique_constraint:i`,
    (facts) =>
      constraintsOf(facts).flatMap((constraint) =>
        constraint.columns.map((index, i) => ({
          ...constraintRow(constraint),
          column_name: constraint.relation.columns[index]?.name ?? null,
          ordinal_position: i + 1,
        })),
      ),
  ),
  constraint_column_usage: systemTable(`${RELATION_NAME} column_name ${CONSTRAINT_NAME}`, (facts) =>
    constraintsOf(facts).flatMap((constraint) =>
      constraint.columns.map((index) => ({ ...constraintRow(constraint), column_name: constraint.relation.columns[index]?.name ?? null })),
    ),
  ),
  check_constraints: systemTable(`${CONSTRAINT_NAME} check_clause`, (facts) =>
    constraintsOf(facts).flatMap((constraint) =>
      constraint.condition === null ? [] : [{ ...constraintRow(constraint), check_clause: constraint.condition }],
    ),
  ),
  referential_constraints: systemTable(
    `${CONSTRAINT_NAME} unique_constraint_catalog unique_constraint_schema unique_constraint_name match_option update_rule delete_rule`,
  ),
  character_sets: systemTable(
    'character_set_catalog character_set_schema character_set_name character_repertoire form_of_use default_collate_catalog default_collate_schema default_collate_name',
    () => [{ character_set_name: 'UTF8', character_repertoire: 'UCS', form_of_use: 'UTF8', default_collate_catalog: DATABASE }],
  ),
  collations: systemTable('collation_catalog collation_schema collation_name pad_attribute', () => [
    { collation_catalog: DATABASE, collation_schema: 'pg_catalog', collation_name: 'C', pad_attribute: 'NO PAD' },
  ]),
  routines: systemTable(
    `specific_catalog specific_schema specific_name routine_catalog routine_schema routine_name routine_type data_type routine_body
     routine_definition external_language is_deterministic sql_data_access security_type`,
    () => [
      ...Object.keys(SCALAR_FUNCTIONS).map((name) => functionRow(name, 'FUNCTION')),
      ...AGGREGATE_FUNCTIONS.map((entry) => functionRow(entry.name, 'AGGREGATE')),
    ],
  ),
  parameters: systemTable('specific_catalog specific_schema specific_name ordinal_position:i parameter_mode parameter_name data_type'),
  sequences: systemTable(
    'sequence_catalog sequence_schema sequence_name data_type start_value minimum_value maximum_value increment cycle_option',
  ),
  triggers: systemTable(
    'trigger_catalog trigger_schema trigger_name event_manipulation event_object_schema event_object_table action_statement',
  ),
  table_privileges: systemTable(`grantor grantee ${RELATION_NAME} privilege_type is_grantable with_hierarchy`, (facts) =>
    relationsOf(facts).flatMap((relation) =>
      ['SELECT', 'INSERT', 'UPDATE', 'DELETE'].map((privilege) => ({
        grantor: OWNER,
        grantee: OWNER,
        table_catalog: DATABASE,
        table_schema: relation.schema,
        table_name: relation.name,
        privilege_type: privilege,
        is_grantable: 'YES',
      })),
    ),
  ),
  enabled_roles: systemTable('role_name', () => [{ role_name: OWNER }]),
};
