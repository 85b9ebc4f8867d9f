/** The schemas that Flight SQL prescribes for its metadata commands, down to what may be null. */
import type { WireField, WireSchema, WireType } from '../../arrow/wire-type.js';

const NONE: ReadonlyMap<string, string> = new Map();

function field(name: string, type: WireType, nullable: boolean, children: readonly WireField[] = []): WireField {
  return { name, nullable, type, dictionary: null, children, metadata: NONE };
}

const schema = (...fields: readonly WireField[]): WireSchema => ({ fields, metadata: NONE });
const utf8 = (name: string, nullable = false) => field(name, { kind: 'utf8' }, nullable);
const int32 = (name: string, nullable = false) => field(name, { kind: 'int32' }, nullable);
const bool = (name: string, nullable = false) => field(name, { kind: 'bool' }, nullable);
const uint8 = (name: string) => field(name, { kind: 'uint8' }, false);
const list = (name: string, nullable: boolean, item: WireField) => field(name, { kind: 'list' }, nullable, [item]);

export const CATALOGS = schema(utf8('catalog_name'));

export const DB_SCHEMAS = schema(utf8('catalog_name', true), utf8('db_schema_name'));

export const TABLES = schema(utf8('catalog_name', true), utf8('db_schema_name', true), utf8('table_name'), utf8('table_type'));

export const TABLES_WITH_SCHEMA = schema(...TABLES.fields, field('table_schema', { kind: 'binary' }, false));

export const TABLE_TYPES = schema(utf8('table_type'));

export const PRIMARY_KEYS = schema(
  utf8('catalog_name', true),
  utf8('db_schema_name', true),
  utf8('table_name'),
  utf8('column_name'),
  int32('key_sequence'),
  utf8('key_name', true),
);

/** Of exported keys, imported keys and cross references. */
export const FOREIGN_KEYS = schema(
  utf8('pk_catalog_name', true),
  utf8('pk_db_schema_name', true),
  utf8('pk_table_name'),
  utf8('pk_column_name'),
  utf8('fk_catalog_name', true),
  utf8('fk_db_schema_name', true),
  utf8('fk_table_name'),
  utf8('fk_column_name'),
  int32('key_sequence'),
  utf8('fk_key_name', true),
  utf8('pk_key_name', true),
  uint8('update_rule'),
  uint8('delete_rule'),
);

const entries = (value: WireField) => field('entries', { kind: 'struct' }, false, [int32('key'), value]);

/** The children of the union stand in the order of SQL_INFO_CHILD. */
export const SQL_INFO = schema(
  field('info_name', { kind: 'uint32' }, false),
  field('value', { kind: 'dense_union' }, false, [
    utf8('string_value', true),
    bool('bool_value', true),
    field('bigint_value', { kind: 'int64' }, true),
    int32('int32_bitmask', true),
    list('string_list', true, utf8('item', true)),
    field('int32_to_int32_list_map', { kind: 'map' }, true, [entries(list('value', true, int32('item', true)))]),
  ]),
);

export const SQL_INFO_CHILD = { text: 0, bool: 1, int64: 2, int32: 3, texts: 4, map: 5 } as const;

export const XDBC_TYPE_INFO = schema(
  utf8('type_name'),
  int32('data_type'),
  int32('column_size', true),
  utf8('literal_prefix', true),
  utf8('literal_suffix', true),
  list('create_params', true, utf8('item')),
  int32('nullable'),
  bool('case_sensitive'),
  int32('searchable'),
  bool('unsigned_attribute', true),
  bool('fixed_prec_scale'),
  bool('auto_increment', true),
  utf8('local_type_name', true),
  int32('minimum_scale', true),
  int32('maximum_scale', true),
  int32('sql_data_type'),
  int32('datetime_subcode', true),
  int32('num_prec_radix', true),
  int32('interval_precision', true),
);
