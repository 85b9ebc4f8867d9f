/** `json`: one document {"columns","types","data":[[…],…],"rows",…}; `ndjson`: one object per row and line. */
import { typeName } from '../../core/types.js';
import type { MakeEncoder } from './result-encoder.js';
import { RowEncoder } from './row-encoder.js';

export const jsonEncoder: MakeEncoder = (arena, schema, options) => {
  const { fields } = schema;
  const rows = new RowEncoder(arena, schema, {
    style: 'json',
    // Every row starts with the comma that separates it from the row before; the first row loses it.
    prefixes: fields.map((_, i) => (i === 0 ? ',[' : ',')),
    rowEnd: ']',
    separatorBytes: 1,
    nullText: 'null',
    delimiter: ',',
    values: options.values,
  });
  return {
    begin: (output) =>
      output.text(
        `{"columns":${JSON.stringify(fields.map((field) => field.name))},"types":${JSON.stringify(fields.map((field) => typeName(field.type)))},"data":[`,
      ),
    batch: (batch, output) => rows.encode(batch, output),
    end: (summary, output) =>
      output.text(
        `],"rows":${summary.rows},"rows_scanned":${summary.rowsScanned},"execution_time_us":${Math.round(summary.elapsedMicroseconds)}` +
          `${summary.affectedRows === null ? '' : `,"affected_rows":${summary.affectedRows}`},"query_id":${JSON.stringify(summary.queryId)}}`,
      ),
    release: () => rows.release(),
  };
};

/** One array of objects. */
export const jsonArrayEncoder: MakeEncoder = (arena, schema, options) => {
  const { fields } = schema;
  const rows = new RowEncoder(arena, schema, {
    style: 'json',
    prefixes: fields.map((field, i) => `${i === 0 ? ',\n{' : ','}${JSON.stringify(field.name)}:`),
    rowEnd: '}',
    separatorBytes: 2,
    nullText: 'null',
    delimiter: ',',
    values: options.values,
  });
  return {
    begin: (output) => output.text('[\n'),
    batch: (batch, output) => rows.encode(batch, output),
    end: (_summary, output) => output.text('\n]\n'),
    release: () => rows.release(),
  };
};

export const ndjsonEncoder: MakeEncoder = (arena, schema, options) => {
  const rows = new RowEncoder(arena, schema, {
    style: 'json',
    prefixes: schema.fields.map((field, i) => `${i === 0 ? '{' : ','}${JSON.stringify(field.name)}:`),
    rowEnd: '}\n',
    separatorBytes: 0,
    nullText: 'null',
    delimiter: ',',
    values: options.values,
  });
  return {
    begin: async () => undefined,
    batch: (batch, output) => rows.encode(batch, output),
    end: async () => undefined,
    release: () => rows.release(),
  };
};
