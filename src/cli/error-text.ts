/** Errors as a person at a terminal reads them: the message, the line of the statement with a caret under the place, the hint. */
import { asDbError } from '../core/errors.js';

const TAB = '\t';

export function errorText(thrown: unknown, sql?: string): string {
  const error = asDbError(thrown);
  const lines = [`error: ${error.message} (${error.code})`];
  if (sql !== undefined && error.position !== undefined) lines.push(...caretLines(sql, error.position));
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  return `${lines.join('\n')}\n`;
}

function caretLines(sql: string, position: number): string[] {
  const start = sql.lastIndexOf('\n', position - 1) + 1;
  const end = sql.indexOf('\n', position);
  const line = sql.slice(start, end < 0 ? undefined : end);
  const number = sql.slice(0, start).split('\n').length;
  const prefix = `${number}: `;
  const before = line
    .slice(0, position - start)
    .replace(/[^\t]/g, ' ')
    .replaceAll(TAB, ' ');
  return [`${prefix}${line.replaceAll(TAB, ' ')}`, `${' '.repeat(prefix.length)}${before}^`];
}
