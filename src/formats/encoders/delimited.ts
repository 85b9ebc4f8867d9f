/** `csv` (RFC 4180, lines end in \n; NULL is empty, the empty text is "") and `tsv` (ClickHouse's and PostgreSQL's escapes; NULL is \N). */
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
  const rows = new RowEncoder(arena, schema, {
    style,
    prefixes: schema.fields.map((_, i) => (i === 0 ? '' : delimiter)),
    rowEnd: '\n',
    separatorBytes: 0,
    nullText: style === 'csv' ? '' : '\\N',
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

function csvCell(text: string, delimiter: string): string {
  const plain = text !== '' && text !== '\\N' && !/["\r\n]|^[ \t]|[ \t]$/.test(text) && !text.includes(delimiter);
  return plain ? text : `"${text.replaceAll('"', '""')}"`;
}

const TSV_ESCAPES: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };

function tsvCell(text: string): string {
  return text.replace(/[\t\n\r\\]/g, (character) => TSV_ESCAPES[character] as string);
}
