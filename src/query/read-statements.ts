/** The statements of a text in the dialect that is in force; `SET dialect = …` at its start counts for the rest of it. */
import { DbError } from '../core/errors.js';
import { checkDialect, isOwnDialect, readDialect } from './dialects/read-dialect.js';
import type { ParseCache } from './parse-cache.js';
import type { SetSetting, Statement } from './syntax/ast/statement.js';

const LEADING_SET = /^\s*SET\s+(?:(?:SESSION|LOCAL)\s+)?dialect\s*(?:=|TO)\s*(?:'(\w+)'|"(\w+)"|(\w+))\s*;/i;

/** Fails as the parser does, and with `unsupported` where another dialect's construct is not translated. */
export function readStatements(sql: string, dialect: string, cache: ParseCache): readonly Statement[] | Promise<readonly Statement[]> {
  const leading = LEADING_SET.exec(sql);
  if (leading) return readAfterSet(sql, leading, cache);
  if (isOwnDialect(dialect)) return checked(cache.parse(sql));
  checkDialect(dialect);
  return cache.parseIn(dialect, sql, async (text, options) => checked(await readDialect(text, dialect, options)));
}

async function readAfterSet(sql: string, leading: RegExpExecArray, cache: ParseCache): Promise<readonly Statement[]> {
  const name = (leading[1] ?? leading[2] ?? leading[3] ?? '').toLowerCase();
  const end = leading[0].length;
  const set = cache.parse(sql.slice(0, end));
  try {
    checkDialect(name);
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    throw new DbError(error.code, error.message, { position: sql.toLowerCase().indexOf(name, leading.index), hint: error.hint });
  }
  // Spaces in the place of what was read keep the positions those of the whole text.
  const rest = await readStatements(' '.repeat(end) + sql.slice(end), name, cache);
  return [...set, ...rest];
}

function checked(statements: readonly Statement[]): readonly Statement[] {
  if (statements.length < 2) return statements;
  const late = statements
    .slice(0, -1)
    .find((statement): statement is SetSetting => statement.kind === 'set' && statement.name === 'dialect');
  if (!late) return statements;
  throw new DbError('unsupported', 'SET dialect between statements of one text', {
    position: late.position,
    hint: 'put it at the start of the text, or send what follows on its own',
  });
}
