/** `csv` (RFC 4180, lines end in \n; NULL is empty, the empty text is "") and `tsv` (ClickHouse's and PostgreSQL's escapes; NULL is \N). */
import { DbError } from '../../core/errors.js';
import type { Schema } from '../../core/types.js';
import type { MakeEncoder } from './result-encoder.js';
import { RowEncoder } from './row-encoder.js';

export const csvEncoder: MakeEncoder = (arena, schema, options) => delimited(arena, schema, options, 'csv');
export const tsvEncoder: MakeEncoder = (arena, schema, options) => delimited(arena, schema, options, 'tsv');

function delimited(
  arena: Parameters<MakeEncoder>[0],
  schema: Schema,
  options: Parameters<MakeEncoder>[2],
  style: 'csv' | 'tsv',
): ReturnType<MakeEncoder> {
  const delimiter = style === 'csv' ? options.delimiter : '\t';
  assertNullText(schema, options.nullText);
  const rows = new RowEncoder(arena, schema, {
    style,
    prefixes: schema.fields.map((_, i) => (i === 0 ? '' : delimiter)),
    rowEnd: '\n',
    separatorBytes: 0,
    nullText: style === 'csv' ? (options.nullText ?? '') : '\\N',
    delimiter,
    values: options.values,
  });
  const cell = style === 'csv' ? (text: string) => csvCell(text, delimiter) : tsvCell;
  return {
    begin: async (output) => {
      if (!options.header || schema.fields.length === 0) return;
      await output.text(`${schema.fields.map((field) => cell(field.name)).join(delimiter)}\n`);
    },
    batch: (batch, output) => rows.encode(batch, output),
    end: async () => undefined,
    release: () => rows.release(),
  };
}

const TEXT_KINDS = new Set(['utf8', 'symbol', 'binary', 'list', 'struct']);

/** Text that is the text of NULL would have to be quoted; that is done for the empty text and \N only. */
function assertNullText(schema: Schema, nullText: string | undefined): void {
  if (nullText === undefined || nullText === '' || nullText === '\\N') return;
  const column = schema.fields.find((field) => TEXT_KINDS.has(field.type.kind));
  if (!column) return;
  throw new DbError(
    'unsupported',
    `NULL as ${JSON.stringify(nullText)} beside text (column ${column.name}) is not written by this version yet`,
    {
      hint: "NULL '' and NULL '\\N' are",
    },
  );
}

function csvCell(text: string, delimiter: string): string {
  const plain = text !== '' && text !== '\\N' && !/["\r\n]|^[ \t]|[ \t]$/.test(text) && !text.includes(delimiter);
  return plain ? text : `"${text.replaceAll('"', '""')}"`;
}

const TSV_ESCAPES: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };

function tsvCell(text: string): string {
  return text.replace(/[\t\n\r\\]/g, (character) => TSV_ESCAPES[character] as string);
}
