import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, open } from '../../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'fletch-copy-'));
const file = (name: string) => join(folder, name);
const text = (name: string) => readFileSync(file(name), 'utf8');
let db: Database;

beforeAll(async () => {
  db = await open({ memory_limit: '500MB', threads: 1 });
});
afterAll(async () => {
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

async function rows(sql: string): Promise<unknown[][]> {
  const result = await db.query(sql);
  return (await result.toRows()).map((row) => Object.values(row));
}

async function failure(sql: string): Promise<unknown> {
  const before = readdirSync(folder);
  const error = await db.exec(sql).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(readdirSync(folder)).toEqual(before);
  return error;
}

const EVERY_TYPE = `b BOOL, i8 TINYINT, u8 UINT8, i16 SMALLINT, u16 UINT16, i32 INT, u32 UINT32, i64 BIGINT, u64 UINT64, f32 REAL, f64 DOUBLE,
  small DECIMAL(5, 2), wide DECIMAL(38, 10), s TEXT, sy SYMBOL, bin BLOB, id UUID, day DATE, tus TIME, tns TIME_NS,
  ts TIMESTAMP_S, tms TIMESTAMP_MS, tuss TIMESTAMP, tnss TIMESTAMP_NS, tz TIMESTAMPTZ, iv INTERVAL, l INT[], ll TEXT[][], st STRUCT(a INT, b TEXT, c DOUBLE[])`;
const WIDTH = 29;

const VALUES = [
  `(true, -128, 255, -32768, 65535, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615, 1.5, 0.1,
    -999.99, 1234567890123456789012345678.0123456789, E'a "b", c\\n''d'' é日本 \\\\ \\t', 'x,y', '\\x00ff10', '6f1e0c9e-8f3d-4d8e-9d44-2b0d2b9e4f11', '2026-01-02',
    '23:59:59.999999', '12:34:56.123456789', '2026-01-02 03:04:05', '2026-01-02 03:04:05.678', '2026-01-02 03:04:05.678901', '2026-01-02 03:04:05.678901234',
    '2026-01-02 03:04:05+02', INTERVAL '14 months 3 days 4.5 seconds', [1, NULL, -3], [['a', NULL], [], NULL], {'a': 1, 'b': 'x"y', 'c': [1.5, NULL]})`,
  `(${Array.from({ length: WIDTH }, () => 'NULL').join(', ')})`,
  `(false, 127, 0, 32767, 0, 2147483647, 0, 9223372036854775807, 0, 'NaN', '-Infinity',
    0.01, -0.0000000001, '', '', '', '00000000-0000-0000-0000-000000000000', '1969-12-31',
    '00:00:00', '00:00:00', '1960-01-01', '1960-01-01', '1960-01-01 00:00:00.000001', '1960-01-01 00:00:00.000000001',
    '1960-01-01', INTERVAL '0 days', [], [], {'a': NULL, 'b': '', 'c': []})`,
  `(true, 0, 1, 0, 1, 0, 1, 0, 9223372036854775808, 3.4028235e38, 5e-324, 1, 1, '\\N', 'NULL', '\\x22', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '9999-12-31',
    '01:02:03', '01:02:03', '2262-01-01', '2262-01-01', '2262-01-01', '2262-01-01', '2262-01-01', INTERVAL '1 year', [0], [['']], NULL)`,
];

describe('every type comes back from every format', () => {
  beforeAll(async () => {
    await db.exec(`CREATE TABLE every (n INT, ${EVERY_TYPE})`);
    for (const [n, value] of VALUES.entries()) await db.exec(`INSERT INTO every VALUES (${n}, ${value.slice(1)}`);
  });

  const FILES = ['e.csv', 'e.tsv', 'e.csv.gz', 'e.json', 'e.ndjson', 'e.ndjson.gz', 'e.arrow', 'e.arrows', 'e.feather', 'e.parquet'];
  test.each(FILES)('%s', async (name) => {
    const copy = name.replaceAll('.', '_');
    expect(await db.exec(`COPY every TO '${file(name)}'`)).toEqual({ affectedRows: VALUES.length });
    await db.exec(`CREATE TABLE ${copy} (LIKE every)`);
    expect(await db.exec(`COPY ${copy} FROM '${file(name)}'`)).toEqual({ affectedRows: VALUES.length });
    expect(await rows(`SELECT * FROM ${copy} ORDER BY n`)).toEqual(await rows('SELECT * FROM every ORDER BY n'));
    expect(await rows(`SELECT count(*) FROM '${file(name)}'`)).toEqual([[BigInt(VALUES.length)]]);
  });

  test('one array of objects', async () => {
    await db.exec(`COPY every TO '${file('array.json')}' (ARRAY true)`);
    expect(JSON.parse(text('array.json'))).toHaveLength(VALUES.length);
    expect(await rows(`SELECT n, s, i32 FROM read_json('${file('array.json')}') ORDER BY n`)).toEqual(
      (await rows('SELECT n, s, i32 FROM every ORDER BY n')).map(([n, ...rest]) => [
        BigInt(n as number),
        rest[0],
        rest[1] === null ? null : BigInt(rest[1] as number),
      ]),
    );
  });

  test('Parquet and Arrow keep their types', async () => {
    const types = async (from: string) => (await db.query(`SELECT * FROM ${from}`)).columns.map((column) => column.type);
    const plain = (await types('every')).map((type) => type.replace('symbol', 'utf8'));
    expect(await types(`'${file('e.arrow')}'`)).toEqual(plain);
    expect(await types(`'${file('e.parquet')}'`)).toEqual(plain.map((type) => type.replace('timestamp[s]', 'timestamp[ms]')));
  });

  test('codecs of Parquet', async () => {
    for (const codec of ['gzip', 'none', 'snappy']) {
      await db.exec(`COPY every TO '${file('codec.parquet')}' (COMPRESSION ${codec})`);
      expect(await rows(`SELECT wide, st FROM '${file('codec.parquet')}' ORDER BY n`)).toEqual(
        await rows('SELECT wide, st FROM every ORDER BY n'),
      );
    }
  });

  test('an interval that Parquet has not is refused', async () => {
    expect(await failure(`COPY (SELECT INTERVAL '1 microsecond' i) TO '${file('i.parquet')}'`)).toMatchObject({ code: 'invalid_value' });
    expect(await failure(`COPY (SELECT INTERVAL '-1 day' i) TO '${file('i.parquet')}'`)).toMatchObject({ code: 'invalid_value' });
  });
});

describe('options', () => {
  beforeAll(async () => {
    await db.exec("CREATE TABLE o (a INT, b DOUBLE, d DATE); INSERT INTO o VALUES (1, 1.5, '2026-01-01'), (NULL, NULL, NULL)");
  });

  test('delimiter, header, text of NULL', async () => {
    await db.exec(`COPY o TO '${file('o.csv')}' (HEADER false, DELIMITER ';', NULL 'NA')`);
    expect(text('o.csv')).toBe('1;1.5;2026-01-01\nNA;NA;NA\n');
    await db.exec('CREATE TABLE o2 (LIKE o)');
    await db.exec(
      `COPY o2 FROM '${file('o.csv')}' (FORMAT csv, HEADER false, DELIMITER ';', NULL 'NA', QUOTE '"', ESCAPE '"', ENCODING 'UTF8')`,
    );
    expect(await rows('SELECT * FROM o2')).toEqual(await rows('SELECT * FROM o'));
    expect(await rows(`SELECT * FROM read_csv('${file('o.csv')}', delim => ';', header => false, nullstr => 'NA')`)).toEqual([
      [1n, 1.5, '2026-01-01'],
      [null, null, null],
    ]);
    expect(
      await rows(`SELECT column2 FROM read_csv_auto('${file('o.csv')}', sep := ';', header := false, nullstr := 'NA') WHERE column1 = 1`),
    ).toEqual([[1.5]]);
  });

  test('other quotes and escapes, and lines before the header', async () => {
    const lines = ['# made by hand', "'# twice'", 'a,b', "'x,''y',1", `'say "hi"',`, '"raw",3', "'two", "lines',4\r", "'',5", "'last',6"];
    writeFileSync(file('q.csv'), lines.join('\n'));
    const wanted = [
      ["x,'y", 1n],
      ['say "hi"', null],
      ['"raw"', 3n],
      ['two\nlines', 4n],
      ['', 5n],
      ['last', 6n],
    ];
    expect(await rows(`SELECT * FROM read_csv('${file('q.csv')}', quote => '''', skip => 2)`)).toEqual(wanted);
    await db.exec('CREATE TABLE q (a TEXT, b BIGINT)');
    await db.exec(`COPY q FROM '${file('q.csv')}' (QUOTE '''', SKIP 2)`);
    expect(await rows('SELECT * FROM q')).toEqual(wanted);
    writeFileSync(file('e.csv'), 'a;b\n"back\\"slash";1\n"two \\\\ and \\n";2\n');
    expect(await rows(`SELECT * FROM read_csv('${file('e.csv')}', delim => ';', escape => '\\')`)).toEqual([
      ['back"slash', 1n],
      ['two \\ and \\n', 2n],
    ]);
    writeFileSync(file('u.csv'), 'a,b\n"x,1\n5" disk,2\n"y",3\n');
    expect(await rows(`SELECT * FROM read_csv('${file('u.csv')}', quote => '')`)).toEqual([
      ['"x', 1n],
      ['5" disk', 2n],
      ['"y"', 3n],
    ]);
    writeFileSync(file('bad.csv'), "a,b\n'x'y,1\n");
    const bad = (options: string, name = 'q.csv') => failure(`CREATE TABLE bad AS SELECT * FROM read_csv('${file(name)}', ${options})`);
    expect(await bad("quote => ''''", 'bad.csv')).toMatchObject({ code: 'invalid_data' });
    expect(await bad("quote => '<<'")).toMatchObject({ code: 'invalid_argument' });
    expect(await bad('skip => -1')).toMatchObject({ code: 'invalid_argument' });
  });

  test('with a text of NULL, the empty cell is the empty text', async () => {
    writeFileSync(file('n.csv'), 'a,b\n,x\n"NA",NA\n\\N,y\n');
    expect(await rows(`SELECT * FROM read_csv('${file('n.csv')}', nullstr => 'NA')`)).toEqual([
      ['', 'x'],
      ['NA', null],
      ['\\N', 'y'],
    ]);
    expect(await rows(`SELECT * FROM read_csv('${file('n.csv')}')`)).toEqual([
      [null, 'x'],
      ['NA', 'NA'],
      [null, 'y'],
    ]);
  });

  test('a text of NULL that text could be mistaken for is not written', async () => {
    expect(await failure(`COPY (SELECT 'NA' s) TO '${file('na.csv')}' (NULL 'NA')`)).toMatchObject({ code: 'unsupported' });
    await db.exec(`COPY (SELECT '\\N' s UNION ALL SELECT NULL UNION ALL SELECT '') TO '${file('na.csv')}' (NULL '\\N', HEADER off)`);
    expect(text('na.csv')).toBe('"\\N"\n\\N\n""\n');
  });

  test('gzip by the name and by option; the format by option', async () => {
    await db.exec(`COPY o TO '${file('packed')}' (FORMAT ndjson, COMPRESSION gzip)`);
    expect(gunzipSync(readFileSync(file('packed'))).toString()).toBe('{"a":1,"b":1.5,"d":"2026-01-01"}\n{"a":null,"b":null,"d":null}\n');
    expect(await rows(`SELECT a FROM read_ndjson('${file('packed')}', compression => 'gzip')`)).toEqual([[1n], [null]]);
    writeFileSync(file('p.csv.gz'), gzipSync('a\n1\n2\n'));
    expect(await rows(`SELECT sum(a) FROM '${file('p.csv.gz')}'`)).toEqual([[3n]]);
  });

  test('WITH and options without parentheses', async () => {
    await db.exec(`COPY o TO '${file('w.txt')}' WITH CSV HEADER DELIMITER '|'`);
    expect(text('w.txt')).toBe('a|b|d\n1|1.5|2026-01-01\n||\n');
  });

  test('what is no option is said', async () => {
    expect(await failure(`COPY o TO '${file('x.csv')}' (DELIMETER ';')`)).toMatchObject({
      code: 'invalid_argument',
      hint: 'did you mean delimiter?',
    });
    expect(await failure(`COPY o TO '${file('x.csv')}' (DELIMITER ';;')`)).toMatchObject({ code: 'invalid_argument' });
    expect(await failure(`COPY o TO '${file('x.csv')}' (QUOTE '|')`)).toMatchObject({ code: 'unsupported' });
    expect(await failure(`COPY o TO '${file('x.parquet')}' (COMPRESSION zstd)`)).toMatchObject({ code: 'unsupported' });
    expect(await failure(`COPY o TO '${file('x.parquet')}' (PARTITION_BY (a, b))`)).toMatchObject({ code: 'unsupported' });
    expect(await failure(`COPY o TO '${file('x')}'`)).toMatchObject({
      code: 'invalid_argument',
      hint: expect.stringContaining('FORMAT csv'),
    });
    expect(await failure(`COPY o TO '${file('x.csv')}' (FORMAT excel)`)).toMatchObject({ code: 'invalid_argument' });
  });
});

describe('COPY FROM', () => {
  test('names match the header in any order; what the file lacks takes its default', async () => {
    await db.exec("CREATE TABLE d (id INT, name TEXT DEFAULT 'none', at INT DEFAULT 7, extra INT)");
    writeFileSync(file('d.csv'), 'AT,id\n1,10\n,20\n');
    await db.exec(`COPY d FROM '${file('d.csv')}'`);
    expect(await rows('SELECT * FROM d')).toEqual([
      [10, 'none', 1, null],
      [20, 'none', null, null],
    ]);
  });

  test('a list of columns takes the cells in turn', async () => {
    await db.exec('CREATE TABLE l (a INT, b TEXT, c INT)');
    writeFileSync(file('l.csv'), 'x,y\n1,2\n');
    await db.exec(`COPY l (c, b) FROM '${file('l.csv')}'`);
    await db.exec(`COPY (SELECT 5 x, 'z' y) TO '${file('l.parquet')}'`);
    await db.exec(`COPY l (a, b) FROM '${file('l.parquet')}'`);
    expect(await rows('SELECT * FROM l')).toEqual([
      [null, '2', 1],
      [5, 'z', null],
    ]);
    expect(await failure(`COPY l (a) FROM '${file('l.csv')}'`)).toMatchObject({ code: 'invalid_data' });
    expect(await failure(`COPY l (a, nope) FROM '${file('l.csv')}'`)).toMatchObject({ code: 'column_not_found' });
    expect(await failure(`COPY l FROM '${file('l.csv')}'`)).toMatchObject({ code: 'column_not_found' });
  });

  test('a wrong value is said with its line, and nothing of the file stays', async () => {
    await db.exec('CREATE TABLE w (a INT, b DATE)');
    const good = Array.from({ length: 200_000 }, (_, i) => `${i},2026-01-01\n`).join('');
    writeFileSync(file('w.csv'), `a,b\n${good}oops,2026-01-01\n`);
    const sql = `COPY w FROM '${file('w.csv')}'`;
    expect(await failure(sql)).toMatchObject({
      code: 'invalid_value',
      message: 'line 200002, column a: "oops" is no int32',
      position: sql.indexOf("'"),
    });
    writeFileSync(file('w.ndjson'), '{"a":1}\n{"a":2,"b":"2026-13-01"}\n');
    expect(await failure(`COPY w FROM '${file('w.ndjson')}'`)).toMatchObject({
      code: 'invalid_value',
      message: expect.stringContaining('line 2'),
    });
    expect(await rows('SELECT count(*) FROM w')).toEqual([[0n]]);
  });

  test('files that are none of the format', async () => {
    await db.exec('CREATE TABLE f (a INT)');
    writeFileSync(file('f.txt'), 'a\n1\n');
    expect(await failure(`COPY f FROM '${file('f.txt')}' (FORMAT parquet)`)).toMatchObject({ code: 'invalid_data' });
    expect(await failure(`COPY f FROM '${file('f.txt')}' (FORMAT arrow)`)).toMatchObject({ code: 'invalid_data' });
    expect(await failure(`COPY f FROM '${file('f.txt')}' (FORMAT json)`)).toMatchObject({ code: 'invalid_data' });
    expect(await failure(`COPY f FROM '${file('f.txt')}' (FORMAT csv, COMPRESSION gzip)`)).toMatchObject({ code: 'invalid_data' });
    expect(await failure(`COPY f FROM '${file('nope.csv')}'`)).toMatchObject({
      code: 'not_found',
      message: `there is no file ${file('nope.csv')}`,
    });
    expect(await failure(`COPY f FROM '${folder}' (FORMAT csv)`)).toMatchObject({ code: 'io_error' });
    expect(await failure('COPY f FROM STDIN')).toMatchObject({ code: 'unsupported' });
    expect(await failure('COPY f TO STDOUT')).toMatchObject({ code: 'unsupported' });
    expect(await failure(`COPY nope FROM '${file('f.txt')}' (FORMAT csv)`)).toMatchObject({ code: 'table_not_found' });
  });

  test('constraints hold, keys replace', async () => {
    await db.exec('CREATE TABLE k (id INT PRIMARY KEY, v INT CHECK (v > 0))');
    writeFileSync(file('k.csv'), 'id,v\n1,1\n2,2\n1,3\n');
    await db.exec(`COPY k FROM '${file('k.csv')}'`);
    expect(await rows('SELECT * FROM k ORDER BY id')).toEqual([
      [1, 3],
      [2, 2],
    ]);
    writeFileSync(file('k.csv'), 'id,v\n3,3\n4,-1\n');
    expect(await failure(`COPY k FROM '${file('k.csv')}'`)).toMatchObject({ code: 'constraint_violation' });
    expect(await rows('SELECT count(*) FROM k')).toEqual([[2n]]);
  });

  test('it is part of an open transaction', async () => {
    await db.exec('CREATE TABLE tx (a INT)');
    writeFileSync(file('tx.csv'), 'a\n1\n2\n');
    await db.exec('BEGIN');
    await db.exec(`COPY tx FROM '${file('tx.csv')}'`);
    expect(await rows('SELECT count(*) FROM tx')).toEqual([[2n]]);
    await db.exec('ROLLBACK');
    expect(await rows('SELECT count(*) FROM tx')).toEqual([[0n]]);
  });
});

describe('COPY TO', () => {
  test('a table, some columns, a view, a query, a parameter as name', async () => {
    await db.exec(
      'CREATE TABLE "T o" (a INT, "b c" TEXT); INSERT INTO "T o" VALUES (1, \'x\'); CREATE VIEW tv AS SELECT a + 1 AS n FROM "T o"',
    );
    await db.exec(`COPY "T o" ("b c") TO '${file('t1.csv')}'`);
    expect(text('t1.csv')).toBe('b c\nx\n');
    await db.exec(`COPY tv TO '${file('t2.csv')}'`);
    expect(text('t2.csv')).toBe('n\n2\n');
    await db.exec('COPY (SELECT a, $2 AS p FROM "T o") TO $1', [file('t3.csv'), 5]);
    expect(text('t3.csv')).toBe('a,p\n1,5\n');
    expect(await failure(`COPY "T o" (nope) TO '${file('t4.csv')}'`)).toMatchObject({ code: 'column_not_found' });
    expect(await failure(`COPY nope TO '${file('t4.csv')}'`)).toMatchObject({ code: 'table_not_found' });
  });

  test.each(['csv', 'ndjson', 'arrow', 'parquet'])('no rows as %s', async (format) => {
    await db.exec(`COPY (SELECT 1 AS a WHERE false) TO '${file(`none.${format}`)}'`);
    await db.exec('CREATE TABLE IF NOT EXISTS none (a BIGINT)');
    expect(await db.exec(`COPY none FROM '${file(`none.${format}`)}'`)).toEqual({ affectedRows: 0 });
  });

  test('a query that fails leaves nothing behind, and a file that was there as it was', async () => {
    writeFileSync(file('kept.csv'), 'as it was');
    const sql = `COPY (SELECT 1 / (i - 299999) FROM generate_series(0, 300000) g(i)) TO`;
    for (const format of ['csv', 'parquet', 'arrow', 'csv.gz']) {
      expect(await failure(`${sql} '${file(`fails.${format}`)}'`)).toMatchObject({ code: 'division_by_zero' });
    }
    expect(await failure(`${sql} '${file('kept.csv')}'`)).toMatchObject({ code: 'division_by_zero' });
    expect(text('kept.csv')).toBe('as it was');
    expect(await failure(`COPY (SELECT 1) TO '${file('no/such/folder.csv')}'`)).toMatchObject({ code: 'not_found' });
    const abort = new AbortController();
    const running = db.exec(`COPY (SELECT i FROM generate_series(0, 100000000) g(i)) TO '${file('aborted.csv')}'`, [], {
      signal: abort.signal,
    });
    setTimeout(() => abort.abort(), 100);
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(readdirSync(folder).filter((name) => name.includes('aborted'))).toEqual([]);
  });
});

describe('files in FROM', () => {
  test('they join, group and filter as tables do', async () => {
    writeFileSync(file('trades.csv'), 'sym,price,at\nA,1.5,2026-01-01T00:00:00Z\nB,2,2026-01-02\nA,3,2026-01-03\n');
    await db.exec(`CREATE TABLE names (sym TEXT, name TEXT); INSERT INTO names VALUES ('A', 'Alpha')`);
    const from = `'${file('trades.csv')}'`;
    expect(await rows(`SELECT sym, sum(price), count(*) FROM ${from} GROUP BY sym ORDER BY sym`)).toEqual([
      ['A', 4.5, 2n],
      ['B', 2, 1n],
    ]);
    expect(await rows(`SELECT n.name, max(t.price) FROM read_csv(${from}) t JOIN names n USING (sym) GROUP BY ALL`)).toEqual([
      ['Alpha', 3],
    ]);
    expect(await rows(`SELECT count(*) FROM ${from} x JOIN ${from} y ON x.sym = y.sym`)).toEqual([[5n]]);
    expect(
      await rows(`WITH w AS (FROM ${from}) SELECT trades.sym FROM "${file('trades.csv')}" WHERE price IN (SELECT max(price) FROM w)`),
    ).toEqual([['A']]);
    expect(await rows(`SELECT * EXCLUDE (at) FROM read_csv($$${file('trades.csv')}$$) LIMIT 1 OFFSET 1`)).toEqual([['B', 2]]);
    await db.exec(`CREATE TABLE imported AS SELECT * FROM ${from}; INSERT INTO imported SELECT * FROM ${from}`);
    expect(await rows('SELECT count(*) FROM imported')).toEqual([[6n]]);
    await db.exec(`CREATE VIEW over_file AS SELECT sym FROM ${from}`);
    expect(await rows('SELECT count(DISTINCT sym) FROM over_file')).toEqual([[2n]]);
    expect((await rows(`EXPLAIN SELECT sym FROM ${from}`)).join('\n')).toContain('File trades.csv');
    expect(await rows(`DESCRIBE SELECT price FROM ${from}`)).toHaveLength(1);
  });

  test('a file that changes is read anew', async () => {
    writeFileSync(file('c.csv'), 'a\n1\n');
    expect(await rows(`SELECT * FROM '${file('c.csv')}'`)).toEqual([[1n]]);
    writeFileSync(file('c.csv'), 'a,b\n1,x\n');
    expect(await rows(`SELECT * FROM '${file('c.csv')}'`)).toEqual([[1n, 'x']]);
  });

  test('errors say what is wrong and where', async () => {
    expect(await failure(`SELECT * FROM '${file('nope.csv')}'`)).toMatchObject({ code: 'not_found', position: 14 });
    expect(await failure('SELECT * FROM read_csv(5)')).toMatchObject({ code: 'function_not_found' });
    expect(await failure('SELECT * FROM read_csv()')).toMatchObject({ code: 'function_not_found' });
    expect(await failure(`SELECT * FROM read_csv('x.csv', delimm => ';')`)).toMatchObject({
      code: 'invalid_argument',
      hint: 'did you mean delim?',
    });
    expect(await failure(`SELECT * FROM read_cvs('x.csv')`)).toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('read_csv'),
    });
    const late = `${Array.from({ length: 400_000 }, (_, i) => i).join('\n')}\nx\n`;
    writeFileSync(file('late.csv'), `a\n${late}`);
    expect(await failure(`SELECT sum(a) FROM '${file('late.csv')}'`)).toMatchObject({
      code: 'invalid_value',
      message: expect.stringContaining('line 400002'),
    });
  });

  test('a file that does not fit into the memory of the query is an error', async () => {
    await db.exec(`COPY (SELECT i, i * 2 AS j FROM generate_series(1, 1000000) g(i)) TO '${file('million.csv')}'`);
    for (const sql of [`SELECT sum(i) FROM '${file('million.csv')}'`, `SELECT sum(j) FROM '${file('million.csv')}' WHERE i > 5`]) {
      await expect(db.query(sql, [], { settings: { max_memory: 4_000_000 } }).then((result) => result.toRows())).rejects.toMatchObject({
        code: 'query_memory_exceeded',
      });
    }
  });
});

describe('a million rows', () => {
  test.each(['csv', 'ndjson', 'arrow', 'parquet'])('as %s', async (format) => {
    const name = file(`big.${format}`);
    await db.exec(
      `COPY (SELECT i, i % 1000 AS k, 'name ' || (i % 77) AS s, i / 7.0 AS f FROM generate_series(1, 1000000) g(i)) TO '${name}'`,
    );
    const sums = 'SELECT count(*), sum(i), sum(k), count(DISTINCT s), round(sum(f)) FROM';
    const [expected] = await rows(
      `${sums} (SELECT i, i % 1000 AS k, 'name ' || (i % 77) AS s, i / 7.0 AS f FROM generate_series(1, 1000000) g(i)) x`,
    );
    expect(await rows(`${sums} '${name}'`)).toEqual([expected]);
    await db.exec(`CREATE OR REPLACE TABLE big (i BIGINT, k BIGINT, s SYMBOL, f DOUBLE)`);
    expect(await db.exec(`COPY big FROM '${name}'`)).toEqual({ affectedRows: 1_000_000 });
    expect(await rows(`${sums} big`)).toEqual([expected]);
    rmSync(name);
  });
});

describe('who may use files', () => {
  async function ask(database: Database, sql: string): Promise<{ status: number; body: string }> {
    const server = await database.listen({ http: 0 });
    try {
      const response = await fetch(`http://127.0.0.1:${server.httpPort}/`, { method: 'POST', body: sql });
      return { status: response.status, body: await response.text() };
    } finally {
      await server.close();
    }
  }

  test('clients of a server may not, and are told nothing about its files', async () => {
    writeFileSync(file('secret.csv'), 'a\n1\n');
    const texts = [
      `SELECT * FROM '${file('secret.csv')}'`,
      `SELECT * FROM read_csv('${file('absent.csv')}')`,
      `COPY (SELECT 1) TO '${file('written.csv')}'`,
      'CREATE TABLE IF NOT EXISTS open_door (a INT)',
      `COPY open_door FROM '${file('secret.csv')}'`,
      `CREATE TABLE stolen AS FROM '${file('secret.csv')}'`,
    ];
    for (const sql of texts.filter((each) => !each.startsWith('CREATE TABLE IF'))) {
      const { status, body } = await ask(db, sql);
      expect([status, JSON.parse(body).code]).toEqual([403, 'permission_denied']);
      expect(body).not.toContain('absent.csv');
    }
    expect(readdirSync(folder)).not.toContain('written.csv');
  });

  test('with allow_file_access they may', async () => {
    const other = await open({ threads: 0, allow_file_access: true });
    try {
      expect((await ask(other, `COPY (SELECT 1 AS a) TO '${file('allowed.csv')}'`)).status).toBe(200);
      expect(JSON.parse((await ask(other, `SELECT a FROM '${file('allowed.csv')}'`)).body)).toMatchObject({ data: [[1]] });
    } finally {
      await other.close();
    }
  });
});

test('Parquet goes in and out over HTTP', async () => {
  const server = await db.listen({ http: 0 });
  try {
    const url = `http://127.0.0.1:${server.httpPort}`;
    const body = await fetch(`${url}/?format=parquet`, {
      method: 'POST',
      body: "SELECT i, 'x' || i AS s FROM generate_series(1, 1000) g(i)",
    });
    expect(body.headers.get('content-type')).toBe('application/vnd.apache.parquet');
    const bytes = new Uint8Array(await body.arrayBuffer());
    const answer = await fetch(`${url}/tables/by_http/rows?format=parquet&create=true`, { method: 'POST', body: bytes });
    expect(await answer.json()).toMatchObject({ rows: 1000 });
    expect(await rows('SELECT sum(i), max(s) FROM by_http')).toEqual([[500500n, 'x999']]);
    const torn = await fetch(`${url}/tables/by_http/rows?format=parquet`, { method: 'POST', body: bytes.subarray(0, 500) });
    expect(await torn.json()).toMatchObject({ code: 'invalid_data' });
  } finally {
    await server.close();
  }
});

test('the memory of files is given back, also of those that are not read', async () => {
  writeFileSync(file('leak.csv'), 'a\n1\n');
  await db.exec(`COPY (SELECT 1 AS a) TO '${file('leak.parquet')}'; COPY (SELECT 1 AS a) TO '${file('leak.arrow')}'`);
  const { arena } = (db as unknown as { engine: { arena: { usedBytes: number } } }).engine;
  for (const name of ['leak.csv', 'leak.parquet', 'leak.arrow']) {
    await rows(`SELECT * FROM '${file(name)}'`);
    const before = arena.usedBytes;
    for (let i = 0; i < 3; i++) {
      await rows(`DESCRIBE SELECT * FROM '${file(name)}'`);
      await rows(`SELECT * FROM '${file(name)}'`);
      await db.query(`SELECT nope FROM '${file(name)}'`).catch(() => undefined);
      await db.exec(`COPY every FROM '${file(name)}'`).catch(() => undefined);
    }
    expect(arena.usedBytes).toBe(before);
  }
});
