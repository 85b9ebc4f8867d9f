/** A text in another system's SQL → our statements. The package reads it, the translators of this folder say what it means. */
import { asDbError, DbError } from '../../core/errors.js';
import { didYouMean } from '../binder/nearest-name.js';
import type { Statement } from '../syntax/ast/statement.js';
import { type ParseOptions, parseStatements } from '../syntax/parser.js';
import { DIALECTS, type Dialect, OWN_DIALECTS, type PackageParser } from './dialect.js';
import { translateExpression } from './expressions.js';
import { translateQuery } from './queries.js';
import { type ScannedStatement, type ScannedText, scanText } from './scan.js';
import { translateStatement } from './statements.js';
import { COUNTED_WORDS, type CountedWord, type Translation } from './translation.js';
import { isTree, offsetOf, untranslatable } from './tree.js';
import { typeOf } from './types.js';

/** Statements about the session and the database are written as ours in every dialect. */
const OWN_STATEMENTS = new Set([
  'SET',
  'RESET',
  'SHOW',
  'DESCRIBE',
  'DESC',
  'SUMMARIZE',
  'BEGIN',
  'START',
  'COMMIT',
  'ROLLBACK',
  'CANCEL',
  'KILL',
  'USE',
]);

export function isOwnDialect(name: string): boolean {
  return OWN_DIALECTS.has(name);
}

/** Fails with `invalid_argument` when no dialect has the name. */
export function checkDialect(name: string, position?: number): void {
  if (OWN_DIALECTS.has(name) || DIALECTS[name]) return;
  const names = [...OWN_DIALECTS, ...Object.keys(DIALECTS)];
  throw new DbError('invalid_argument', `no dialect is called ${name}`, {
    position,
    hint: didYouMean(name, names) ?? `known are ${names.join(', ')}`,
  });
}

const parsers = new Map<string, Promise<PackageParser>>();

/** Loads a dialect's build once. */
function parserOf(dialect: Dialect): Promise<PackageParser> {
  const known = parsers.get(dialect.name);
  if (known) return known;
  const loading = dialect.load().then((build) => {
    const Parser = build.Parser ?? build.default?.Parser;
    if (!Parser) throw new DbError('internal', `the package has no parser of ${dialect.name}`);
    return new Parser();
  });
  parsers.set(dialect.name, loading);
  return loading;
}

/** Fails with `syntax_error` where the package does not read the text, and with `unsupported` where it is not translated. */
export async function readDialect(sql: string, name: string, options: ParseOptions): Promise<readonly Statement[]> {
  checkDialect(name);
  const dialect = DIALECTS[name];
  if (!dialect) return parseStatements(sql, options);
  const limit = options.maxBytes ?? Number.POSITIVE_INFINITY;
  if (sql.length > limit) throw new DbError('statement_too_large', `the statement is longer than ${limit} bytes`, { position: 0 });
  const parser = await parserOf(dialect);
  const scanned = scanText(sql, dialect);
  return scanned.statements.flatMap((statement) => readStatement(statement, { sql, scanned, dialect, parser, options }));
}

interface Reading {
  readonly sql: string;
  readonly scanned: ScannedText;
  readonly dialect: Dialect;
  readonly parser: PackageParser;
  readonly options: ParseOptions;
}

function readStatement(statement: ScannedStatement, reading: Reading): readonly Statement[] {
  const { sql, options } = reading;
  // Spaces before it keep the positions those of the whole text.
  if (OWN_STATEMENTS.has(statement.firstWord))
    return parseStatements(' '.repeat(statement.start) + sql.slice(statement.start, statement.end), options);
  const explained = /^EXPLAIN(\s+ANALYZE)?\s+(?=[A-Za-z(])/i.exec(statement.masked);
  if (!explained) return [translated(statement, statement.masked, 0, reading)];
  const inner = translated(statement, statement.masked.slice(explained[0].length), explained[0].length, reading);
  const analyze = explained[1] !== undefined;
  return [{ kind: 'explain', position: statement.start, end: statement.end, analyze, format: 'text', options: [], statement: inner }];
}

function translated(statement: ScannedStatement, text: string, skipped: number, reading: Reading): Statement {
  const { dialect, scanned, parser, options } = reading;
  const seen = new Map<CountedWord, number>();
  const depthLimit = options.maxDepth ?? 500;
  let depth = 0;
  const nested = <Result>(translate: () => Result, position: number): Result => {
    if (++depth > depthLimit) throw new DbError('nesting_too_deep', 'the statement is nested too deeply', { position });
    const result = translate();
    depth--;
    return result;
  };
  const translation: Translation = {
    dialect,
    quotedNames: scanned.quotedNames,
    unmasked: scanned.unmasked,
    positionOf: (tree, fallback) => {
      const offset = offsetOf(tree);
      return offset === undefined ? fallback : statement.originalOffset(offset.start + skipped);
    },
    placeOfName: (name, from) => {
      const at = reading.sql.indexOf(name, from);
      return at < 0 ? from : at;
    },
    saw: (word) => seen.set(word, (seen.get(word) ?? 0) + 1),
    expression: (tree, position) => nested(() => translateExpression(tree, position, translation), position),
    query: (tree, position) => nested(() => translateQuery(tree, position, translation), position),
    type: (tree, position) => typeOf(tree, position, dialect),
  };
  const result = translateStatement(parsed(parser, text, statement, skipped, dialect), statement.start, translation);
  checkWords(statement, seen);
  return result;
}

function parsed(parser: PackageParser, text: string, statement: ScannedStatement, skipped: number, dialect: Dialect): unknown {
  try {
    const { ast } = parser.parse(text, { parseOptions: { includeLocations: true } });
    if (!Array.isArray(ast)) return ast;
    if (ast.length === 1) return ast[0];
  } catch (thrown) {
    throw parseError(thrown, statement, skipped, dialect);
  }
  throw untranslatable('this statement', statement.start);
}

function parseError(thrown: unknown, statement: ScannedStatement, skipped: number, dialect: Dialect): DbError {
  const location = isTree(thrown) ? thrown.location : undefined;
  const start = isTree(location) ? location.start : undefined;
  const offset = isTree(start) ? start.offset : undefined;
  const position = typeof offset === 'number' ? statement.originalOffset(offset + skipped) : statement.start;
  const message = thrown instanceof RangeError ? 'nested too deeply' : foundText(asDbError(thrown).message);
  return new DbError('syntax_error', `the statement is not read as ${dialect.name}: ${message}`, {
    position,
    hint: 'SET dialect = fletch takes our own SQL',
    cause: thrown,
  });
}

/** The package lists every character that might have followed. */
function foundText(message: string): string {
  const found = / but (.*) found\.?$/.exec(message)?.[1];
  return found === undefined ? message.slice(0, 200) : `unexpected ${found}`;
}

/** The package drops some clauses; then fewer were translated than were written. */
function checkWords(statement: ScannedStatement, seen: ReadonlyMap<CountedWord, number>): void {
  for (const word of COUNTED_WORDS) {
    const written = statement.words.get(word) ?? 0;
    if (written !== (seen.get(word) ?? 0))
      throw untranslatable(`${word} as it stands here`, statement.start, `quote ${word.toLowerCase()} when it is a name`);
  }
}
