/**
 * Runs .slt files: records parted by blank lines, comments with #.
 *
 *   statement ok                      statement count 3                 statement error table_not_found @14
 *   CREATE TABLE …                    INSERT …                          SELECT * FROM nope
 *
 *   query [rowsort]
 *   SELECT …
 *   ----
 *   values of a row parted by " | ", NULL for null, (empty) for the empty text
 *
 * `types` after `query` also prints a first line `name:type`. In update mode the expectations are rewritten with what came.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Arena } from '../../src/core/arena.js';
import type { Engine, QueryResult } from '../../src/core/contracts.js';
import { asDbError } from '../../src/core/errors.js';
import { EMBEDDED } from '../../src/core/principal.js';
import type { QuerySettings } from '../../src/core/settings.js';
import { typeName } from '../../src/core/types.js';
import { valueAt } from '../../src/core/values.js';
import { valueToText } from '../../src/query/expression/literals.js';

export interface Failure {
  readonly line: number;
  readonly sql: string;
  readonly expected: string;
  readonly actual: string;
}

interface SltRecord {
  readonly line: number;
  readonly lines: string[];
}

export interface RunOptions {
  readonly settings?: Partial<QuerySettings>;
  /** Rewrite the file's expectations instead of comparing. */
  readonly update?: boolean;
}

export async function runFile(path: string, engine: Engine, options: RunOptions = {}): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  const out: string[] = [];
  for (const record of recordsOf(readFileSync(path, 'utf8'))) {
    const written = await runRecord(record, engine, options, failures);
    out.push(written.join('\n'));
  }
  if (options.update) writeFileSync(path, `${out.join('\n\n')}\n`);
  return failures;
}

function recordsOf(text: string): readonly SltRecord[] {
  const records: SltRecord[] = [];
  let current: SltRecord | undefined;
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') current = undefined;
    else if (current) current.lines.push(line);
    else records.push((current = { line: i + 1, lines: [line] }));
  });
  return records;
}

/** The record as it should read. */
async function runRecord(record: SltRecord, engine: Engine, options: RunOptions, failures: Failure[]): Promise<readonly string[]> {
  const start = record.lines.findIndex((line) => !line.startsWith('#'));
  if (start < 0) return record.lines;
  const comments = record.lines.slice(0, start);
  const head = record.lines[start] ?? '';
  const body = record.lines.slice(start + 1);
  const cut = body.indexOf('----');
  const sql = (cut < 0 ? body : body.slice(0, cut)).join('\n');
  const expected = cut < 0 ? [] : body.slice(cut + 1);
  const words = head.split(/\s+/);
  const actual = words[0] === 'query' ? await runQuery(sql, words.slice(1), engine, options) : await runStatement(sql, engine, options);
  const wanted = words[0] === 'query' ? expected.join('\n') : words.slice(1).join(' ');
  if (wanted !== actual.text && !(words[0] === 'statement' && wanted === 'ok' && actual.text.startsWith('count'))) {
    failures.push({ line: record.line, sql, expected: wanted, actual: actual.text });
  }
  if (words[0] === 'query') return [...comments, head, ...sql.split('\n'), '----', ...(actual.text === '' ? [] : actual.text.split('\n'))];
  return [
    ...comments,
    wanted === 'ok' && actual.text.startsWith('count') ? 'statement ok' : `statement ${actual.text}`,
    ...sql.split('\n'),
  ];
}

interface Actual {
  readonly text: string;
}

async function runStatement(sql: string, engine: Engine, options: RunOptions): Promise<Actual> {
  try {
    const result = await engine.query.execute({ sql, principal: EMBEDDED, settings: options.settings });
    for await (const batch of result.batches) batch.release();
    return { text: result.affectedRows === null ? 'ok' : `count ${result.affectedRows}` };
  } catch (error) {
    const { code, position, message, stack } = asDbError(error);
    if (code === 'internal') return { text: `error internal ${message} ${stack ?? ''}` };
    return { text: `error ${code}${position === undefined || position < 0 ? '' : ` @${position}`}` };
  }
}

async function runQuery(sql: string, flags: readonly string[], engine: Engine, options: RunOptions): Promise<Actual> {
  try {
    const result = await engine.query.execute({ sql, principal: EMBEDDED, settings: options.settings });
    const rows = await textRows(result, engine.arena);
    if (flags.includes('rowsort')) rows.sort();
    const head = flags.includes('types')
      ? [result.schema.fields.map((field) => `${field.name}:${typeName(field.type)}${field.nullable ? '' : '!'}`).join(' | ')]
      : [];
    return { text: [...head, ...rows].join('\n') };
  } catch (error) {
    const { code, position, message, cause } = asDbError(error);
    return { text: `error ${code} @${position} ${message}${code === 'internal' && cause instanceof Error ? (cause.stack ?? '') : ''}` };
  }
}

export async function textRows(result: QueryResult, arena: Arena): Promise<string[]> {
  const rows: string[] = [];
  for await (const batch of result.batches) {
    for (let row = 0; row < batch.rowCount; row++) {
      const cells = batch.columns.map((vector) => {
        const text = valueToText(valueAt(arena, vector, row), vector.type);
        return text === null ? 'NULL' : text === '' ? '(empty)' : text.replaceAll('\n', '\\n');
      });
      rows.push(cells.join(' | '));
    }
    batch.release();
  }
  return rows;
}
