/** GetSqlInfo: one entry per id of SqlInfo. Every id has one: the JDBC driver fails on an id without an answer. */
import type { PlainValue, UnionValue } from '../../arrow/plain-rows.js';
import type { PlainRows } from './catalog.js';
import type { Message } from './message.js';
import { SQL_INFO_CHILD } from './result-schemas.js';
import { readRows, type SqlCall } from './sql-call.js';

type Fact = (call: SqlCall) => UnionValue | Promise<UnionValue>;

const fact =
  (child: number, value: PlainValue): Fact =>
  () => ({ child, value });
const text = (value: string) => fact(SQL_INFO_CHILD.text, value);
const bool = (value: boolean) => fact(SQL_INFO_CHILD.bool, value);
const int32 = (value: number) => fact(SQL_INFO_CHILD.int32, value);
const int64 = (value: number) => fact(SQL_INFO_CHILD.int64, value);
const texts = (...values: readonly string[]) => fact(SQL_INFO_CHILD.texts, values);

/** Those of the names that the engine has. */
const functions =
  (...names: readonly string[]): Fact =>
  async (call) => {
    const known = new Set((await readRows(call, 'SELECT DISTINCT routine_name FROM information_schema.routines')).map(([name]) => name));
    return { child: SQL_INFO_CHILD.texts, value: names.filter((name) => known.has(name)) };
  };

const NO_LIMIT = 0;
const LONGEST_NAME = 255;
/** Bits of enumerations in FlightSql.proto. */
const MINIMUM_AND_CORE_GRAMMAR = 0b11;
const ANSI92_ENTRY = 0b1;
const REPEATABLE_READ = 3;
const FORWARD_ONLY = 0b10;
const READ_ONLY = 0b10;

/** Types of SqlSupportsConvert, which go into each other. */
const CONVERTED = [0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 18, 19];
const [VARCHAR, BINARY_TYPES] = [19, [1, 10, 18]];
const CONVERSIONS: readonly PlainValue[] = CONVERTED.map((from) => {
  const isBinary = BINARY_TYPES.includes(from);
  return [from, CONVERTED.filter((to) => BINARY_TYPES.includes(to) === isBinary || to === VARCHAR || from === VARCHAR)];
});

const KEYWORDS = [
  'ASOF',
  'BY',
  'CLUSTER',
  'DEDUP',
  'EXCLUDE',
  'FILL',
  'LATEST',
  'PIVOT',
  'QUALIFY',
  'REPLACE',
  'SAMPLE',
  'SYMBOL',
  'TTL',
  'UNPIVOT',
  'UPSERT',
];
const NUMERIC =
  'abs acos asin atan atan2 ceiling cos cot degrees exp floor ln log log10 mod pi power radians random round sign sin sqrt tan trunc';
const STRING =
  'ascii bit_length char_length chr concat initcap left length lower lpad ltrim md5 overlay position regexp_replace repeat replace reverse right rpad rtrim soundex split_part strpos substr substring translate trim upper';
const SYSTEM = 'coalesce current_database current_schema current_user ifnull nullif version';
const DATETIME =
  'age current_date current_time current_timestamp date_bin date_diff date_part date_trunc day dayname dayofweek dayofyear extract hour localtimestamp make_date minute month monthname now quarter second strftime time_bucket to_timestamp week year';

const SQL_INFO: Readonly<Record<number, Fact>> = {
  0: text('FletchDB'),
  1: ({ engine }) => ({ child: SQL_INFO_CHILD.text, value: engine.version }),
  2: text('1.5'),
  3: ({ engine }) => ({ child: SQL_INFO_CHILD.bool, value: engine.storage.readOnly }),
  4: bool(true),
  5: bool(false),
  6: text(''),
  7: text(''),
  // Transactions and savepoints.
  8: int32(2),
  9: bool(true),
  10: bool(true),
  11: bool(true),
  // Prepared statements do not expire.
  100: int32(0),
  101: ({ settings }) => ({ child: SQL_INFO_CHILD.int32, value: Math.min(settings.flight_transaction_idle_ms, 2 ** 31 - 1) }),
  // DDL of catalogs, schemas, tables.
  500: bool(false),
  501: bool(true),
  502: bool(true),
  // Identifiers mean the same in any case, quoted or not.
  503: int32(1),
  504: text('"'),
  505: int32(1),
  506: bool(true),
  // NULLs are larger than all values unless default_null_order says otherwise.
  507: int32(0),
  508: texts(...KEYWORDS),
  509: functions(...NUMERIC.split(' ')),
  510: functions(...STRING.split(' ')),
  511: functions(...SYSTEM.split(' ')),
  512: functions(...DATETIME.split(' ')),
  513: text('\\'),
  514: text('$'),
  515: bool(true),
  516: bool(true),
  517: fact(SQL_INFO_CHILD.map, CONVERSIONS),
  518: bool(true),
  519: bool(false),
  520: bool(true),
  521: bool(true),
  522: int32(0b11),
  523: bool(true),
  524: bool(true),
  525: int32(MINIMUM_AND_CORE_GRAMMAR),
  526: int32(ANSI92_ENTRY),
  527: bool(false),
  // All kinds of outer joins.
  528: int32(2),
  529: text('schema'),
  530: text('procedure'),
  531: text('catalog'),
  532: bool(true),
  533: int32(0),
  534: int32(0),
  535: int32(0),
  536: bool(false),
  537: bool(false),
  // Subqueries in comparisons, EXISTS, IN, and with ANY and ALL.
  538: int32(0b1111),
  539: bool(true),
  540: int32(0b11),
  541: int64(NO_LIMIT),
  542: int64(NO_LIMIT),
  543: int64(LONGEST_NAME),
  544: int64(NO_LIMIT),
  545: int64(NO_LIMIT),
  546: int64(NO_LIMIT),
  547: int64(NO_LIMIT),
  548: int64(NO_LIMIT),
  549: int64(NO_LIMIT),
  550: int64(NO_LIMIT),
  551: int64(NO_LIMIT),
  552: int64(LONGEST_NAME),
  553: int64(NO_LIMIT),
  554: int64(LONGEST_NAME),
  555: int64(NO_LIMIT),
  556: bool(true),
  557: ({ settings }) => ({ child: SQL_INFO_CHILD.int64, value: settings.max_statement_bytes }),
  558: int64(NO_LIMIT),
  559: int64(LONGEST_NAME),
  560: int64(NO_LIMIT),
  561: int64(NO_LIMIT),
  // The JDBC driver reads this one as 64 bits.
  562: int64(REPEATABLE_READ),
  563: bool(true),
  564: int32(1 << REPEATABLE_READ),
  565: bool(false),
  566: bool(false),
  567: int32(FORWARD_ONLY),
  568: int32(READ_ONLY),
  569: int32(READ_ONLY),
  570: int32(0),
  571: int32(0),
  572: bool(true),
  573: bool(true),
  574: bool(true),
  575: bool(false),
  576: bool(false),
};

/** Field 1: the ids that are asked for; none = all. Ids of later versions of the protocol are left away. */
export async function sqlInfoRows(call: SqlCall, message: Message): Promise<PlainRows> {
  const asked = message.numbers(1);
  const ids = asked.length === 0 ? Object.keys(SQL_INFO).map(Number) : [...new Set(asked)];
  const rows: PlainValue[][] = [];
  for (const id of ids) {
    const answer = SQL_INFO[id];
    if (answer !== undefined) rows.push([id, await answer(call)]);
  }
  return rows;
}
