/** The part of pg_catalog that clients and BI tools read. What we have none of is an empty table of the right columns. */
import { AGGREGATE_FUNCTIONS } from '../aggregates/registry.js';
import { SCALAR_FUNCTIONS } from '../functions/registry.js';
import { POSTGRES_TYPES, postgresType, typeModifier } from './postgres-types.js';
import { constraintsOf, DATABASE, DATABASE_OID, OWNER, OWNER_OID, type RelationEntry, relationsOf, schemasOf } from './relations.js';
import { type CatalogFacts, type Row, type SystemTable, systemTable } from './system-table.js';

const PG_CATALOG_OID = 11;
/** Object ids of the catalogs themselves, for descriptions of what lies in them. */
export const CATALOG_OIDS: Readonly<Record<string, number>> = {
  pg_type: 1247,
  pg_attribute: 1249,
  pg_proc: 1255,
  pg_class: 1259,
  pg_database: 1262,
  pg_constraint: 2606,
  pg_namespace: 2615,
  pg_description: 2609,
  pg_attrdef: 2604,
  pg_index: 2610,
};

function classRow(relation: RelationEntry): Row {
  const isTable = relation.kind === 'table';
  return {
    oid: relation.oid,
    relname: relation.name,
    relnamespace: relation.schemaOid,
    reltype: 0,
    reloftype: 0,
    relowner: OWNER_OID,
    relam: isTable ? 2 : 0,
    relfilenode: relation.oid,
    reltablespace: 0,
    relpages: Math.ceil(relation.sizeBytes / 8192),
    reltuples: relation.rows,
    relallvisible: 0,
    reltoastrelid: 0,
    relhasindex: false,
    relisshared: false,
    relpersistence: 'p',
    relkind: isTable ? 'r' : 'v',
    relnatts: relation.columns.length,
    relchecks: relation.table?.constraints?.filter((each) => each.kind === 'check').length ?? 0,
    relhasrules: !isTable,
    relhastriggers: false,
    relhassubclass: false,
    relrowsecurity: false,
    relforcerowsecurity: false,
    relispopulated: true,
    relreplident: 'd',
    relispartition: false,
    relhasoids: false,
  };
}

function attributeRows(relation: RelationEntry): readonly Row[] {
  return relation.columns.map((column, i) => {
    const type = postgresType(column.type);
    return {
      attrelid: relation.oid,
      attname: column.name,
      atttypid: type.oid,
      attstattarget: -1,
      attlen: type.length,
      attnum: i + 1,
      attndims: column.type.kind === 'list' ? 1 : 0,
      attcacheoff: -1,
      atttypmod: typeModifier(column.type),
      attbyval: type.length > 0 && type.length <= 8,
      attstorage: type.length < 0 ? 'x' : 'p',
      attalign: 'd',
      attnotnull: !column.nullable,
      atthasdef: column.defaultSql !== null,
      atthasmissing: false,
      attidentity: '',
      attgenerated: '',
      attisdropped: false,
      attislocal: true,
      attinhcount: 0,
      attcollation: 0,
    };
  });
}

function typeRows(): readonly Row[] {
  const lists = new Map(POSTGRES_TYPES.filter((type) => type.listOid !== 0).map((type) => [type.listOid, type.oid]));
  return POSTGRES_TYPES.map((type) => ({
    oid: type.oid,
    typname: type.name,
    typnamespace: PG_CATALOG_OID,
    typowner: OWNER_OID,
    typlen: type.length,
    typbyval: type.length > 0 && type.length <= 8,
    typtype: type.category === 'P' ? 'p' : 'b',
    typcategory: type.category,
    typispreferred: ['bool', 'text', 'float8', 'timestamptz', 'interval'].includes(type.name),
    typisdefined: true,
    typdelim: ',',
    typrelid: 0,
    typelem: lists.get(type.oid) ?? 0,
    typarray: type.listOid,
    typinput: `${type.name}in`,
    typoutput: `${type.name}out`,
    typnotnull: false,
    typbasetype: 0,
    typtypmod: -1,
    typndims: 0,
    typcollation: 0,
  }));
}

const CONSTRAINT_LETTERS = { primaryKey: 'p', unique: 'u', check: 'c' } as const;

function constraintRows(facts: CatalogFacts): readonly Row[] {
  return constraintsOf(facts).map((constraint) => ({
    oid: constraint.oid,
    conname: constraint.name,
    connamespace: constraint.relation.schemaOid,
    contype: CONSTRAINT_LETTERS[constraint.kind],
    condeferrable: false,
    condeferred: false,
    convalidated: true,
    conrelid: constraint.relation.oid,
    contypid: 0,
    conindid: 0,
    conparentid: 0,
    confrelid: 0,
    confupdtype: ' ',
    confdeltype: ' ',
    confmatchtype: ' ',
    conislocal: true,
    coninhcount: 0,
    connoinherit: false,
    conkey: constraint.columns.map((index) => BigInt(index + 1)),
    conbin: constraint.condition,
  }));
}

/** Defaults carry their SQL where PostgreSQL has a tree, so that pg_get_expr has only to hand it on. */
function defaultRows(facts: CatalogFacts): readonly Row[] {
  return relationsOf(facts).flatMap((relation) =>
    relation.columns.flatMap((column, i) =>
      column.defaultSql === null
        ? []
        : [{ oid: relation.oid * 1000 + i + 1, adrelid: relation.oid, adnum: i + 1, adbin: column.defaultSql }],
    ),
  );
}

/** `objsubid` 0 is the table itself, n its column n. */
export function descriptionRows(facts: CatalogFacts): readonly Row[] {
  return relationsOf(facts).flatMap((relation) =>
    [relation.comment, ...relation.columns.map((column) => column.comment)].flatMap((comment, i) =>
      comment === null ? [] : [{ objoid: relation.oid, classoid: CATALOG_OIDS.pg_class ?? 0, objsubid: i, description: comment }],
    ),
  );
}

function procedureRows(): readonly Row[] {
  const names = [
    ...Object.keys(SCALAR_FUNCTIONS).map((name) => ({ name, kind: 'f' })),
    ...AGGREGATE_FUNCTIONS.map((entry) => ({ name: entry.name, kind: 'a' })),
  ];
  return names.map(({ name, kind }, i) => ({
    oid: 1_000_000 + i,
    proname: name,
    pronamespace: PG_CATALOG_OID,
    proowner: OWNER_OID,
    prolang: 12,
    prokind: kind,
    prosecdef: false,
    proleakproof: false,
    proisstrict: true,
    proretset: false,
    provolatile: 'i',
    pronargs: 0,
    prorettype: 2249,
    prosrc: name,
  }));
}

const roleRows = (): readonly Row[] => [
  {
    oid: OWNER_OID,
    rolname: OWNER,
    usename: OWNER,
    usesysid: OWNER_OID,
    rolsuper: true,
    rolinherit: true,
    rolcreaterole: true,
    rolcreatedb: true,
    rolcanlogin: true,
    rolreplication: false,
    rolbypassrls: true,
    rolconnlimit: -1,
    usecreatedb: true,
    usesuper: true,
  },
];

const ROLE =
  'rolname rolsuper:b rolinherit:b rolcreaterole:b rolcreatedb:b rolcanlogin:b rolreplication:b rolbypassrls:b rolconnlimit:i rolpassword rolvaliduntil:t';

export const PG_CATALOG: Readonly<Record<string, SystemTable>> = {
  pg_namespace: systemTable('oid:l nspname nspowner:l nspacl:T', (facts) =>
    schemasOf(facts).map((schema) => ({ oid: schema.oid, nspname: schema.name, nspowner: OWNER_OID })),
  ),
  pg_class: systemTable(
    `oid:l relname relnamespace:l reltype:l reloftype:l relowner:l relam:l relfilenode:l reltablespace:l relpages:i reltuples:r relallvisible:i
     reltoastrelid:l relhasindex:b relisshared:b relpersistence relkind relnatts:s relchecks:s relhasrules:b relhastriggers:b relhassubclass:b
     relrowsecurity:b relforcerowsecurity:b relispopulated:b relreplident relispartition:b relhasoids:b relacl:T reloptions:T relpartbound`,
    (facts) => relationsOf(facts).map(classRow),
  ),
  pg_attribute: systemTable(
    `attrelid:l attname atttypid:l attstattarget:i attlen:s attnum:s attndims:i attcacheoff:i atttypmod:i attbyval:b attstorage attalign
     attnotnull:b atthasdef:b atthasmissing:b attidentity attgenerated attisdropped:b attislocal:b attinhcount:i attcollation:l attacl:T
     attoptions:T attfdwoptions:T`,
    (facts) => relationsOf(facts).flatMap(attributeRows),
  ),
  pg_type: systemTable(
    `oid:l typname typnamespace:l typowner:l typlen:s typbyval:b typtype typcategory typispreferred:b typisdefined:b typdelim typrelid:l
     typelem:l typarray:l typinput typoutput typreceive typsend typmodin typmodout typanalyze typalign typstorage typnotnull:b typbasetype:l
     typtypmod:i typndims:i typcollation:l typdefaultbin typdefault typacl:T`,
    typeRows,
  ),
  pg_index: systemTable(
    `indexrelid:l indrelid:l indnatts:s indnkeyatts:s indisunique:b indisprimary:b indisexclusion:b indimmediate:b indisclustered:b
     indisvalid:b indisready:b indislive:b indisreplident:b indkey:L indcollation:L indclass:L indoption:L indexprs indpred`,
  ),
  pg_constraint: systemTable(
    `oid:l conname connamespace:l contype condeferrable:b condeferred:b convalidated:b conrelid:l contypid:l conindid:l conparentid:l
     confrelid:l confupdtype confdeltype confmatchtype conislocal:b coninhcount:i connoinherit:b conkey:L confkey:L conbin`,
    constraintRows,
  ),
  pg_attrdef: systemTable('oid:l adrelid:l adnum:s adbin', defaultRows),
  pg_description: systemTable('objoid:l classoid:l objsubid:i description', descriptionRows),
  pg_shdescription: systemTable('objoid:l classoid:l description'),
  pg_proc: systemTable(
    `oid:l proname pronamespace:l proowner:l prolang:l procost:r prorows:r prokind prosecdef:b proleakproof:b proisstrict:b proretset:b
     provolatile pronargs:s prorettype:l proargtypes:L proargnames:T prosrc proacl:T`,
    procedureRows,
  ),
  pg_database: systemTable(
    'oid:l datname datdba:l encoding:i datlocprovider datistemplate:b datallowconn:b datconnlimit:i dattablespace:l datcollate datctype datacl:T',
    () => [
      {
        oid: DATABASE_OID,
        datname: DATABASE,
        datdba: OWNER_OID,
        encoding: 6,
        datistemplate: false,
        datallowconn: true,
        datconnlimit: -1,
        datcollate: 'C',
        datctype: 'C',
      },
    ],
  ),
  pg_settings: systemTable(
    'name setting unit category short_desc extra_desc context vartype source boot_val reset_val pending_restart:b',
    ({ server }) =>
      server.settings().map((each) => ({
        name: each.name,
        setting: each.value,
        category: each.scope,
        short_desc: each.doc,
        context: each.scope === 'query' ? 'user' : 'postmaster',
        vartype: each.type,
        boot_val: each.fallback,
        reset_val: each.fallback,
        pending_restart: false,
      })),
  ),
  pg_tables: systemTable('schemaname tablename tableowner tablespace hasindexes:b hasrules:b hastriggers:b rowsecurity:b', (facts) =>
    relationsOf(facts).flatMap((relation) =>
      relation.table
        ? [
            {
              schemaname: relation.schema,
              tablename: relation.name,
              tableowner: OWNER,
              hasindexes: false,
              hasrules: false,
              hastriggers: false,
              rowsecurity: false,
            },
          ]
        : [],
    ),
  ),
  pg_views: systemTable('schemaname viewname viewowner definition', (facts) =>
    relationsOf(facts).flatMap(({ view }) =>
      view ? [{ schemaname: view.schema, viewname: view.name, viewowner: OWNER, definition: view.sql }] : [],
    ),
  ),
  pg_matviews: systemTable('schemaname matviewname matviewowner tablespace hasindexes:b ispopulated:b definition'),
  pg_indexes: systemTable('schemaname tablename indexname tablespace indexdef'),
  pg_sequences: systemTable(
    'schemaname sequencename sequenceowner data_type start_value:l min_value:l max_value:l increment_by:l cycle:b last_value:l',
  ),
  pg_roles: systemTable(`oid:l ${ROLE}`, roleRows),
  pg_authid: systemTable(`oid:l ${ROLE}`, roleRows),
  pg_user: systemTable('usename usesysid:l usecreatedb:b usesuper:b passwd valuntil:t', roleRows),
  pg_auth_members: systemTable('roleid:l member:l grantor:l admin_option:b'),
  pg_am: systemTable('oid:l amname amhandler amtype', () => [{ oid: 2, amname: 'heap', amhandler: 'heap_tableam_handler', amtype: 't' }]),
  pg_enum: systemTable('oid:l enumtypid:l enumsortorder:r enumlabel'),
  pg_range: systemTable('rngtypid:l rngsubtype:l rngmultitypid:l rngcollation:l rngsubopc:l'),
  pg_extension: systemTable('oid:l extname extowner:l extnamespace:l extrelocatable:b extversion'),
  pg_collation: systemTable('oid:l collname collnamespace:l collowner:l collprovider collencoding:i collcollate collctype'),
  pg_language: systemTable('oid:l lanname lanowner:l lanispl:b lanpltrusted:b', () => [
    { oid: 12, lanname: 'internal', lanowner: OWNER_OID, lanispl: false, lanpltrusted: false },
  ]),
  pg_tablespace: systemTable('oid:l spcname spcowner:l spcacl:T spcoptions:T', () => [
    { oid: 1663, spcname: 'pg_default', spcowner: OWNER_OID },
  ]),
  pg_inherits: systemTable('inhrelid:l inhparent:l inhseqno:i inhdetachpending:b'),
  pg_depend: systemTable('classid:l objid:l objsubid:i refclassid:l refobjid:l refobjsubid:i deptype'),
  pg_rewrite: systemTable('oid:l rulename ev_class:l ev_type ev_enabled is_instead:b ev_qual ev_action'),
  pg_trigger: systemTable('oid:l tgrelid:l tgparentid:l tgname tgfoid:l tgtype:s tgenabled tgisinternal:b tgconstraint:l'),
  pg_policy: systemTable('oid:l polname polrelid:l polcmd polpermissive:b polroles:L polqual polwithcheck'),
  pg_foreign_table: systemTable('ftrelid:l ftserver:l ftoptions:T'),
  pg_foreign_server: systemTable('oid:l srvname srvowner:l srvfdw:l srvtype srvversion'),
  pg_foreign_data_wrapper: systemTable('oid:l fdwname fdwowner:l'),
  pg_partitioned_table: systemTable('partrelid:l partstrat partnatts:s partdefid:l partattrs:L partexprs'),
  pg_opclass: systemTable('oid:l opcmethod:l opcname opcnamespace:l opcintype:l opcdefault:b'),
  pg_stat_activity: systemTable(
    'datid:l datname pid:i usesysid:l usename application_name client_addr backend_start:t query_start:t state wait_event_type wait_event query_id query backend_type',
    ({ server }) =>
      server.queries().map((query, i) => ({
        datid: DATABASE_OID,
        datname: DATABASE,
        pid: i + 1,
        usename: query.principal.name,
        query_start: query.startedAt / 1000n,
        state: query.state === 'queued' ? 'idle' : 'active',
        query_id: query.queryId,
        query: query.sql.slice(0, 1000),
        backend_type: 'client backend',
      })),
  ),
  pg_stat_user_tables: systemTable('relid:l schemaname relname seq_scan:l n_live_tup:l n_dead_tup:l', (facts) =>
    relationsOf(facts).flatMap((relation) =>
      relation.table
        ? [{ relid: relation.oid, schemaname: relation.schema, relname: relation.name, n_live_tup: BigInt(relation.rows), n_dead_tup: 0n }]
        : [],
    ),
  ),
  pg_stat_database: systemTable('datid:l datname numbackends:i xact_commit:l', ({ server }) => [
    { datid: DATABASE_OID, datname: DATABASE, numbackends: server.queries().length },
  ]),
  pg_timezone_names: systemTable('name abbrev utc_offset is_dst:b', () => [
    { name: 'UTC', abbrev: 'UTC', utc_offset: '00:00:00', is_dst: false },
  ]),
  pg_locks: systemTable('locktype database:l relation:l pid:i mode granted:b'),
  pg_prepared_statements: systemTable('name statement prepare_time:t from_sql:b'),
};
